"""Calls of an account stay within its rate, however late the loop wakes up."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from delivery import Pace

START = datetime(2026, 6, 17, tzinfo=UTC)


@given(st.lists(st.integers(0, 120), min_size=50, max_size=400), st.sampled_from([1, 5, 30, 100]))
def test_no_sliding_second_holds_more_calls_than_the_rate(wake_ups: list[int], per_second: int) -> None:
    pace, now, calls = Pace(per_second), START, []
    for milliseconds in wake_ups:
        now += timedelta(milliseconds=milliseconds)
        room = pace.room(now)
        pace.take(room, now)
        calls += [now] * room
    for first, call in enumerate(calls):
        within = [other for other in calls[first:] if other - call < timedelta(seconds=1)]
        assert len(within) <= per_second + 1


def test_a_patient_loop_gets_nearly_the_whole_rate() -> None:
    pace, now, calls = Pace(30), START, 0
    while now < START + timedelta(seconds=10):
        room = pace.room(now)
        pace.take(room, now)
        calls += room
        now += timedelta(milliseconds=1)
    assert 280 <= calls <= 300


def test_the_loop_is_told_when_the_next_call_may_start() -> None:
    pace = Pace(2)
    pace.take(pace.room(START), START)
    assert pace.room(START) == 0
    assert START < pace.free_at(START) <= START + timedelta(seconds=0.52)
    assert pace.room(pace.free_at(START)) == 1
