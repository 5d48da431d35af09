"""How often one may ask: so many commands a minute per person and per chat, then one polite line, then silence."""

from collections import deque
from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from enum import Enum

MINUTE = timedelta(minutes=1)
COMMANDS, PRESSES = 10, 30
"""A minute. Buttons that turn pages are pressed faster than commands are typed."""
REMEMBERED = 10_000
"""People and chats that are remembered at most: a bound on memory while strangers come by."""


class Verdict(Enum):
    """What becomes of a command."""

    ANSWER = "answer"
    TELL = "tell"
    IGNORE = "ignore"


class _Asker:
    """When one person or chat asked last, and whether they were told that it is too often."""

    __slots__ = ("asked", "told")

    def __init__(self) -> None:
        self.asked: deque[datetime] = deque()
        self.told = False


class Limits:
    """In memory only: after a restart everybody begins anew."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._askers: dict[Hashable, _Asker] = {}
        self._remembered = remembered

    def ask(self, keys: Sequence[Hashable], most: int, now: datetime) -> Verdict:
        """Whether a command of all these (a person, a chat) is answered; only what is answered counts."""
        askers = [self._asker(key) for key in keys]
        for one in askers:
            while one.asked and one.asked[0] <= now - MINUTE:
                one.asked.popleft()
            if len(one.asked) < most:
                one.told = False
        over = [one for one in askers if len(one.asked) >= most]
        if over:
            told = all(one.told for one in over)
            for one in over:
                one.told = True
            return Verdict.IGNORE if told else Verdict.TELL
        for one in askers:
            one.asked.append(now)
        return Verdict.ANSWER

    def _asker(self, key: Hashable) -> _Asker:
        if key not in self._askers and len(self._askers) >= self._remembered:
            # Who asked first is forgotten first: nobody gains more than another few answers by it.
            del self._askers[next(iter(self._askers))]
        return self._askers.setdefault(key, _Asker())
