"""How a platform is doing, for /readyz, the page and the terminal."""

import asyncio
from dataclasses import dataclass, field

from delivery import Alarm

ANSWERS_END = 2.5
"""Seconds that answers to commands have to end in when the desk stops: Ctrl-C must not take more than 5 in all."""


@dataclass(slots=True)
class State:
    """`word` is "starting", "ready" or "paused"; `problem` says why it is not ready, for people.

    `alarm` is what the admins are told as long as it is so. `answered` is set once the platform has answered, even with
    a refusal.
    """

    name: str
    word: str = "starting"
    problem: str = ""
    alarm: Alarm | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def ready(self) -> None:
        self.word, self.problem, self.alarm = "ready", "", None
        self.answered.set()

    def trouble(self, problem: str, alarm: str = "") -> None:
        """Something is wrong; it is tried again by itself. `alarm` is the text for the admins, if they must know."""
        self.problem = problem
        if alarm:
            self.alarm = Alarm(alarm, problem)

    def refused(self, problem: str) -> None:
        """The platform said no: paused until it says yes."""
        self.word, self.problem, self.alarm = "paused", problem, Alarm("notice.account_paused", problem)
        self.answered.set()
