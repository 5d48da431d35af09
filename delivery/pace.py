"""How fast an account and each of its chats may be called, so that the platform need not say no. The caller passes
`now`."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from models import Chat

Kind = Literal["send", "edit", "look_up"]
ANSWERS = 0.1
"""The part of an account's rate that alerts and edits leave to the answers to commands."""
REMEMBERED = timedelta(seconds=60)
"""No limit of a chat looks further back (https://core.telegram.org/bots/faq: 20 a minute in a group)."""
MANY_CHATS = 2000
MANY_CALLS = 200
"""So many look-ups may start in one turn where nothing limits them."""


class Pace:
    """Spaces calls evenly: at most `per_second` in any second, a loop that wakes up late included.

    It holds only the time of the next free slot. `lag`: how late a call may be without losing its slot.
    """

    LAG = timedelta(milliseconds=20)
    MARGIN = 1.03
    """Slots are this much wider than the limit asks, since a late wake-up moves calls closer together."""
    FURTHEST = timedelta(seconds=60)
    """Whatever lies further ahead than this was noted by a clock that was set back."""

    def __init__(self, per_second: float, lag: timedelta = LAG) -> None:
        self._gap = timedelta(seconds=self.MARGIN / per_second)
        self._lag = lag
        self._free_at: datetime | None = None

    def room(self, now: datetime) -> int:
        """How many calls may start now."""
        start = self._start(now)
        return 0 if start > now else 1 + (now - start) // self._gap

    def take(self, calls: int, now: datetime) -> None:
        """Note that so many calls start now."""
        if calls:
            self._free_at = self._start(now) + calls * self._gap

    def free_at(self, now: datetime) -> datetime:
        """When the next call may start."""
        return max(now, self._start(now))

    def _start(self, now: datetime) -> datetime:
        if self._free_at is None or not now - self._lag <= self._free_at <= now + max(self.FURTHEST, 2 * self._gap):
            return now
        return self._free_at


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many calls in any so many seconds."""

    calls: int
    seconds: float


class ChatPace:
    """The limits of one chat. It remembers when its last calls were made."""

    def __init__(self, limits: tuple[Limit, ...]) -> None:
        self._limits = limits
        self._calls: deque[datetime] = deque(maxlen=max(limit.calls for limit in limits))

    def take(self, now: datetime) -> None:
        """Note that a call starts now."""
        self._calls.append(now)

    def room(self, now: datetime) -> int:
        """How many calls may start now."""
        least = MANY_CALLS
        for limit in self._limits:
            since = now - timedelta(seconds=limit.seconds * Pace.MARGIN)
            least = min(least, limit.calls - sum(since < one < now + Pace.FURTHEST for one in self._calls))
        return max(0, least)

    def free_at(self, now: datetime) -> datetime:
        """When the next call may start."""
        times = [
            self._calls[-limit.calls] + timedelta(seconds=limit.seconds * Pace.MARGIN)
            for limit in self._limits
            # One that lies further ahead than an answer may was noted by a clock that was set back.
            if len(self._calls) >= limit.calls and self._calls[-limit.calls] < now + Pace.FURTHEST
        ]
        return max([now, *times])


class AccountPace:
    """All limits of one account: answers to commands go first, alerts take what is left, edits what these leave.

    `per_second` counts all messages; edits too, unless they have a rate of their own. `looks` limits the look-ups;
    `limits_of` says what a chat takes; a chat here is the platform's id of it, whatever the thread.
    """

    LAG = timedelta(milliseconds=80)
    """Alerts leave a tenth of the rate free, so that they may come a little closer together after a slow turn."""

    def __init__(
        self,
        per_second: float,
        limits_of: Callable[[Chat], tuple[Limit, ...]],
        *,
        edits_per_second: float | None = None,
        looks: Limit | None = None,
    ) -> None:
        self._alerts = Pace(per_second * (1 - ANSWERS), self.LAG)
        self._answers = Pace(per_second)
        self._edits = None if edits_per_second is None else Pace(edits_per_second)
        self._looks = None if looks is None else ChatPace((looks,))
        self._limits_of = limits_of
        self._chats: dict[str, ChatPace] = {}
        self._told: dict[str, datetime] = {}
        self._held_until: datetime | None = None

    def room(self, kind: Kind, now: datetime) -> int:
        """How many calls of this kind may start now."""
        if kind == "look_up":
            return MANY_CALLS if self._looks is None else self._looks.room(now)
        return 0 if self._is_held(now) else self._pace(kind).room(now)

    def take(self, kind: Kind, chat: Chat, now: datetime) -> None:
        """Note that a call starts now."""
        if kind == "look_up":
            if self._looks is not None:
                self._looks.take(now)
            return
        self._pace(kind).take(1, now)
        if kind == "send" or self._edits is None:
            self.called(chat, now)

    def called(self, chat: Chat, now: datetime) -> None:
        """Note a call of the chat alone, such as one from before the start."""
        if len(self._chats) > MANY_CHATS:
            self._chats = {one: pace for one, pace in self._chats.items() if pace.free_at(now) > now}
        if chat.id not in self._chats:
            self._chats[chat.id] = ChatPace(self._limits_of(chat))
        self._chats[chat.id].take(now)

    def answer(self, chat: Chat, now: datetime) -> float:
        """The seconds that an answer to a command has to wait; its place is taken from the alerts."""
        starts = self._answers.free_at(now)
        self._answers.take(1, starts)
        self._alerts.take(1, now)
        self.called(chat, starts)
        return (starts - now).total_seconds()

    def resting(self, now: datetime) -> set[str]:
        """The chats that may not be called now."""
        return {chat for chat, pace in self._chats.items() if pace.free_at(now) > now}

    def free_at(self, now: datetime) -> datetime | None:
        """When something that must wait now may start; None when nothing must."""
        times = [pace.free_at(now) for pace in (self._alerts, self._edits, *self._chats.values()) if pace is not None]
        if self._held_until is not None:
            times.append(self._held_until)
        return min((time for time in times if time > now), default=None)

    def told_to_wait(self, kind: Kind, chat: Chat, until: datetime, now: datetime) -> datetime | None:
        """The platform said no to this chat. Until when the whole account has to wait; None: only the chat.

        The platforms do not say whom they mean. While a second chat is told so, it is the account; edits that have a
        rate of their own say nothing about it.
        """
        if kind == "edit" and self._edits is not None:
            return None
        self._told = {one: time for one, time in self._told.items() if time > now}
        others = [time for one, time in self._told.items() if one != chat.id]
        self._told[chat.id] = until
        if not others:
            return None
        self.hold(max(until, *others))
        return self._held_until

    def hold(self, until: datetime) -> None:
        """Nothing is called before then."""
        self._held_until = until

    def _pace(self, kind: Kind) -> Pace:
        return self._edits if kind == "edit" and self._edits is not None else self._alerts

    def _is_held(self, now: datetime) -> bool:
        return self._held_until is not None and self._held_until > now
