"""No sliding second holds more calls than the door lets through, however they come and however late they wake up."""

import asyncio
from heapq import heappop, heappush
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery import AccountPace, Departure, Door, Limit, Passage
from tests.delivery.test_pace import PERSON, START

TICK = 1 / 1024
"""Seconds; sums of it are exact."""


class Driven:
    """Time that passes only while everybody sleeps; who sleeps wakes up as late as this says, in turn."""

    def __init__(self, *late: int) -> None:
        self.now = 0.0
        self._late = late or (0,)
        self._sleeping: list[tuple[float, int, asyncio.Event]] = []
        self._slept = 0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        awake = asyncio.Event()
        self._slept += 1
        until = self.now + seconds + self._late[self._slept % len(self._late)] * TICK
        heappush(self._sleeping, (until, self._slept, awake))
        await awake.wait()

    async def drive(self, *tasks: asyncio.Task[Any]) -> None:
        while not all(task.done() for task in tasks):
            for _ in range(4):
                await asyncio.sleep(0)
            if self._sleeping:
                until, _, awake = heappop(self._sleeping)
                self.now = max(self.now, until)
                awake.set()


def passed(door: Door | None, time: Driven, comes: list[int]) -> list[float]:
    """When calls that come at these ticks are through the door, in order; None: there is none."""
    through = []

    async def one(ticks: int) -> None:
        await time.sleep(ticks * TICK)
        if door is not None:
            await door.pass_through()
        through.append(time.now)

    async def all_of_them() -> None:
        await time.drive(*(asyncio.create_task(one(ticks)) for ticks in comes))

    asyncio.run(all_of_them())
    return through


def is_kept(times: list[float], calls: int) -> bool:
    return all(later - earlier >= 1 for earlier, later in zip(times, times[calls:], strict=False))


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 2048), min_size=1, max_size=40),
    st.lists(st.integers(0, 60), min_size=1, max_size=7),
    st.integers(1, 6),
)
def test_no_sliding_second_holds_more_calls_than_pass(comes: list[int], late: list[int], calls: int) -> None:
    time = Driven(*late)
    times = passed(Door(calls, 1.0, time.clock, time.sleep), time, comes)
    assert len(times) == len(comes) and is_kept(times, calls)


def test_without_the_door_they_would_come_too_close() -> None:
    assert not is_kept(passed(None, Driven(), [0, 0, 0]), 2)


def test_a_crowd_passes_as_fast_as_is_allowed() -> None:
    time = Driven()
    times = passed(Door(4, 1.0, time.clock, time.sleep), time, [0] * 20)
    assert times == [float(second) for second in range(5) for _ in range(4)]


async def test_what_gave_up_at_the_door_takes_nobodys_place() -> None:
    time = Driven()
    door = Door(1, 1.0, time.clock, time.sleep)
    await door.pass_through()
    impatient = asyncio.create_task(door.pass_through())
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    await time.drive(asyncio.ensure_future(door.pass_through()))
    assert time.now == 1.0


@pytest.mark.parametrize("kind", ["send", "edit"])
async def test_what_is_requested_inside_a_departure_passes_the_door_of_its_kind(kind: str) -> None:
    pace, through = AccountPace(30, lambda _: (Limit(1, 1),), edits_per_second=1), list[str]()

    class Noted(Door):
        async def pass_through(self) -> Passage:
            through.append("send" if self is pace.departs("send").door else "edit")
            return await super().pass_through()

    pace._all.door, pace._edits.door = Noted(1, 1), Noted(1, 1)  # type: ignore[union-attr]
    async with pace.departs("edit" if kind == "edit" else "send"):
        await Departure.leave()
    await Departure.leave()
    assert through == [kind]
    async with pace.answer(PERSON, START):
        await Departure.leave()
    assert through == [kind, "send"]


async def test_a_call_that_is_written_late_is_counted_from_then() -> None:
    now = [0.0]
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    door = Door(1, 1.0, lambda: now[0], sleep)
    passage = await door.pass_through()
    now[0] = 0.5
    door.written(passage)
    await door.pass_through()
    assert slept == [1.0] and now == [1.5]
