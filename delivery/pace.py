"""How fast an account and each of its chats may be called, so that the platform need not say no. The caller passes
`now`."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import ClassVar, Literal, Self

from models import Chat

Kind = Literal["send", "edit", "look_up"]
REMEMBERED = timedelta(seconds=60)
"""No limit of a chat looks further back (https://core.telegram.org/bots/faq: 20 a minute in a group)."""
MANY_CHATS = 2000
MANY_CALLS = 200
"""So many look-ups may start in one turn where nothing limits them."""


class Door:
    """Lets at most so many calls through in any `seconds`, counted when they pass, not when they were meant to; and
    again when their request is written, which on a busy loop is a little later.

    `clock` in seconds that never run backwards.
    """

    def __init__(
        self,
        calls: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._passed: deque[Passage] = deque(maxlen=calls)
        self._waiting = 0

    async def pass_through(self) -> "Passage":
        """Wait until one more may pass. Nothing may come between this and the request."""
        left = self._left(self._waiting)
        while left > 0:
            self._waiting += 1
            try:
                await self._sleep(left)
            finally:
                self._waiting -= 1
            left = self._left(0)
        passage = Passage(self._clock())
        self._passed.append(passage)
        return passage

    def written(self, passage: "Passage") -> None:
        """The request of a call that passed goes out now."""
        passage.at = self._clock()

    def _left(self, before: int) -> float:
        """Seconds until one may pass when so many others wait before it."""
        if len(self._passed) < (self._passed.maxlen or 0):
            return 0.0
        return self._passed[min(before, len(self._passed) - 1)].at + self._seconds - self._clock()


@dataclass(slots=True, eq=False)
class Passage:
    """When a call passed the door, by its clock."""

    at: float


@dataclass(slots=True, eq=False)
class Departure:
    """A call that was taken: entered as a context, it waits for its slot; what is requested inside passes the door."""

    after: float
    """Seconds from when it was taken."""
    door: Door
    _token: "Token[Door | None] | None" = field(default=None, init=False)
    _passing: ClassVar[ContextVar[Door | None]] = ContextVar("door", default=None)
    _passed: ClassVar[ContextVar[Passage | None]] = ContextVar("passage", default=None)

    async def __aenter__(self) -> Self:
        if self.after > 0:
            await asyncio.sleep(self.after)
        self._token = self._passing.set(self.door)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._token is not None
        self._passing.reset(self._token)

    @classmethod
    async def leave(cls) -> None:
        """Pass the door of the call that is being made, if it has one: for whoever holds an open connection and is
        about to write the request. Any time spent on the way there is behind the call then."""
        if (door := cls._passing.get()) is not None:
            cls._passed.set(await door.pass_through())

    @classmethod
    def written(cls) -> None:
        """The request of the call that is being made goes out now."""
        door, passage = cls._passing.get(), cls._passed.get()
        if door is not None and passage is not None:
            door.written(passage)


class Pace:
    """Spaces calls evenly, and keeps to `per_second` in every second, a loop that wakes up late included.

    `lag`: how late calls may be without losing their slots. What is late is caught up only as the last calls allow.
    """

    LAG = timedelta(milliseconds=250)
    AHEAD = timedelta(milliseconds=25)
    """Where the window is what holds calls back, they are taken so much earlier and wait at the door: whoever takes
    them is often late, and each lateness would add to the next one."""
    MARGIN = 1.034
    """Windows are this much wider than the limit asks, since calls come closer together on their way."""
    AT_THE_DOOR = 1.03
    FAST, FAST_MARGIN = 100, 0.045
    """Above so many calls a second, where many leave together, windows are wider by this."""
    FURTHEST = timedelta(seconds=60)
    """Whatever lies further ahead than this was noted by a clock that was set back."""

    def __init__(self, per_second: float, lag: timedelta = LAG) -> None:
        self._calls = max(1, int(per_second))
        wider = self.FAST_MARGIN if per_second > self.FAST else 0.0
        self._window = timedelta(seconds=(self.MARGIN + wider) * self._calls / per_second)
        self.door = Door(self._calls, (self.AT_THE_DOOR + wider) * self._calls / per_second)
        self._gap = timedelta(seconds=1 / per_second)
        self._lag = lag
        self._slot: datetime | None = None
        self._starts: deque[datetime] = deque()
        self._past: deque[datetime] = deque(maxlen=self._calls)

    def room(self, now: datetime) -> int:
        """How many calls may start now."""
        start = self._start(now)
        if start > now:
            return 0
        since = now + self.AHEAD - self._window
        while self._starts and not since < self._starts[0] < now + self._furthest:
            self._past.append(self._starts.popleft())
        return max(0, min(1 + (now - start) // self._gap, self._calls - len(self._starts)))

    def take(self, calls: int, now: datetime) -> None:
        """Note that so many calls start now."""
        if calls:
            self._slot = self._start(now) + calls * self._gap
            for _ in range(calls):
                while self._past and len(self._past) + len(self._starts) > self._calls:
                    self._past.popleft()
                full = len(self._past) + len(self._starts) == self._calls
                leaves = self._past.popleft() + self._window if full and self._past else now
                self._starts.append(leaves if now < leaves <= now + self.AHEAD else now)

    def free_at(self, now: datetime) -> datetime:
        """When the next call may start."""
        times = [now, self._start(now)]
        if len(self._starts) >= self._calls and self._starts[-self._calls] < now + self._furthest:
            times.append(self._starts[-self._calls] + self._window - self.AHEAD)
        return max(times)

    @property
    def _furthest(self) -> timedelta:
        return max(self.FURTHEST, 2 * self._gap)

    def _start(self, now: datetime) -> datetime:
        if self._slot is None or not now - self._lag <= self._slot <= now + self._furthest:
            return now
        return self._slot


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many calls in any so many seconds."""

    calls: int
    seconds: float


class ChatPace:
    """The limits of one chat. It remembers when its last calls were made."""

    MARGIN = 1.03

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
            since = now - timedelta(seconds=limit.seconds * self.MARGIN)
            least = min(least, limit.calls - sum(since < one < now + Pace.FURTHEST for one in self._calls))
        return max(0, least)

    def free_at(self, now: datetime) -> datetime:
        """When the next call may start."""
        times = [
            self._calls[-limit.calls] + timedelta(seconds=limit.seconds * self.MARGIN)
            for limit in self._limits
            # One that lies further ahead than an answer may was noted by a clock that was set back.
            if len(self._calls) >= limit.calls and self._calls[-limit.calls] < now + Pace.FURTHEST
        ]
        return max([now, *times])


class AccountPace:
    """All limits of one account: answers take the next slot, alerts what these leave, edits what is left then.

    `per_second` counts all messages; edits too, unless they have a rate of their own. `looks` limits the look-ups;
    `limits_of` says what a chat takes; a chat here is the platform's id of it, whatever the thread.
    """

    def __init__(
        self,
        per_second: float,
        limits_of: Callable[[Chat], tuple[Limit, ...]],
        *,
        edits_per_second: float | None = None,
        looks: Limit | None = None,
    ) -> None:
        self._all = Pace(per_second)
        self._edits = None if edits_per_second is None else Pace(edits_per_second)
        self._looks = None if looks is None else ChatPace((looks,))
        self._limits_of = limits_of
        self._chats: dict[str, ChatPace] = {}
        self._resting: dict[str, datetime] = {}
        self._rests_end: list[tuple[datetime, str]] = []
        self._latest: datetime | None = None
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

    def departs(self, kind: Kind) -> Departure:
        """A call that was taken and saved: it may leave as soon as the door lets it."""
        return Departure(0.0, self._pace(kind).door)

    def called(self, chat: Chat, now: datetime) -> None:
        """Note a call of the chat alone, such as one from before the start."""
        if len(self._chats) > MANY_CHATS:
            self._chats = {one: pace for one, pace in self._chats.items() if pace.free_at(now) > now}
        if chat.id not in self._chats:
            self._chats[chat.id] = ChatPace(self._limits_of(chat))
        self._chats[chat.id].take(now)
        self._latest = now
        until = self._chats[chat.id].free_at(now)
        if until > now:
            self._resting[chat.id] = until
            heappush(self._rests_end, (until, chat.id))

    def answer(self, chat: Chat, now: datetime) -> Departure:
        """An answer to a command: it may leave in the next slot."""
        starts = self._all.free_at(now)
        self._all.take(1, starts)
        self.called(chat, starts)
        return Departure((starts - now).total_seconds(), self._all.door)

    def resting(self, now: datetime) -> set[str]:
        """The chats that may not be called now."""
        if self._latest is not None and now < self._latest - Pace.FURTHEST:
            # The clock was set back: each chat's own rule says what still counts.
            times = {chat: pace.free_at(now) for chat, pace in self._chats.items()}
            self._resting = {chat: time for chat, time in times.items() if time > now}
            self._rests_end = sorted((time, chat) for chat, time in self._resting.items())
            self._latest = now
        while self._rests_end and self._rests_end[0][0] <= now:
            _, chat = heappop(self._rests_end)
            if chat in self._resting and self._resting[chat] <= now:
                del self._resting[chat]
        return set(self._resting)

    def free_at(self, now: datetime) -> datetime | None:
        """When something that must wait now may start; None when nothing must."""
        times = [pace.free_at(now) for pace in (self._all, self._edits) if pace is not None]
        times += [end for end, _ in self._rests_end[:1]]
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
        return self._edits if kind == "edit" and self._edits is not None else self._all

    def _is_held(self, now: datetime) -> bool:
        return self._held_until is not None and self._held_until > now
