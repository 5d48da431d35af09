"""How a platform is doing, for /readyz, the page and the terminal."""

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class State:
    """`word` is "starting", "ready" or "paused"; `problem` says why it is not ready, for people.

    `answered` is set once the platform has answered, even with a refusal.
    """

    name: str
    word: str = "starting"
    problem: str = ""
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def ready(self) -> None:
        self.word, self.problem = "ready", ""
        self.answered.set()

    def trouble(self, problem: str) -> None:
        """Something is wrong; it is tried again by itself."""
        self.problem = problem

    def refused(self, problem: str) -> None:
        """The platform said no: paused until it says yes."""
        self.word, self.problem = "paused", problem
        self.answered.set()
