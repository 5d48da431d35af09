"""How a platform is doing, for /readyz, the page and the terminal."""

import asyncio
from dataclasses import dataclass, field

from delivery import Alarm, Problem

ANSWERS_END = 2.5
"""Seconds that answers to commands have to end in when the desk stops: Ctrl-C must not take more than 5 in all."""


@dataclass(slots=True)
class State:
    """`word` is "starting", "ready" or "paused"; `why` it is not ready.

    `alarm` is what the admins are told as long as it is so. `answered` is set once the platform has answered, even with
    a refusal.
    """

    name: str
    word: str = "starting"
    why: Problem | None = None
    alarm: Alarm | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def problem(self) -> str:
        """Why it is not ready, for the terminal and the log; "" where nothing is wrong."""
        return self.problem_in("en")

    def problem_in(self, language: str) -> str:
        """The same for readers."""
        return self.why.said(language) if self.why else ""

    def ready(self) -> None:
        self.word, self.why, self.alarm = "ready", None, None
        self.answered.set()

    def trouble(self, why: Problem, alarm: str = "") -> None:
        """Something is wrong; it is tried again by itself. `alarm` is the text for the admins, if they must know."""
        self.why = why
        if alarm:
            self.alarm = Alarm(alarm, why)

    def refused(self, why: Problem) -> None:
        """The platform said no: paused until it says yes."""
        self.word, self.why, self.alarm = "paused", why, Alarm("notice.account_paused", why)
        self.answered.set()
