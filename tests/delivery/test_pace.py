"""Calls of an account and of each chat stay within their rates, however late the loop wakes up."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery import AccountPace, Limit, Pace
from models import Chat

START = datetime(2026, 6, 17, tzinfo=UTC)


@given(st.lists(st.integers(0, 120), min_size=50, max_size=200), st.sampled_from([1, 5, 30, 100]))
def test_no_sliding_second_holds_more_calls_than_the_rate(wake_ups: list[int], per_second: int) -> None:
    pace, now, calls = Pace(per_second), START, []
    for milliseconds in wake_ups:
        now += timedelta(milliseconds=milliseconds)
        room = pace.room(now)
        pace.take(room, now)
        calls += [now] * room
    assert most_within(calls, 1) <= per_second + 1


def test_a_patient_loop_gets_nearly_the_whole_rate() -> None:
    pace, now, calls = Pace(30), START, 0
    while now < START + timedelta(seconds=10):
        room = pace.room(now)
        pace.take(room, now)
        calls += room
        now += timedelta(milliseconds=1)
    assert 290 <= calls <= 301


def test_a_loop_that_is_always_late_gets_nearly_the_whole_rate() -> None:
    pace, now, calls, random = Pace(30), START, 0, Random(1)
    while now < START + timedelta(seconds=20):
        room = pace.room(now)
        pace.take(room, now)
        calls += room
        now = max(now, pace.free_at(now)) + timedelta(seconds=random.uniform(0, 0.02))
    assert 20 * 30 / 1.04 <= calls <= 601


def test_the_loop_is_told_when_the_next_call_may_start() -> None:
    pace = Pace(2)
    pace.take(pace.room(START), START)
    assert pace.room(START) == 0
    assert START < pace.free_at(START) <= START + timedelta(seconds=0.52)
    assert pace.room(pace.free_at(START)) == 1


PERSON, GROUP = Chat("telegram", "7", "42"), Chat("telegram", "7", "-100", "9")


def limits_of(chat: Chat) -> tuple[Limit, ...]:
    return (Limit(1, 1), Limit(20, 60)) if chat.id.startswith("-") else (Limit(1, 1),)


def most_within(calls: list[datetime], seconds: float) -> int:
    ordered, window = sorted(calls), timedelta(seconds=seconds)
    return max((bisect_left(ordered, call + window) - first for first, call in enumerate(ordered)), default=0)


def called(pace: AccountPace, chat: Chat, seconds: float, step: float = 0.05) -> list[datetime]:
    """When a loop that looks each `step` seconds would call a chat that always has something waiting."""
    now, calls = START, []
    while now < START + timedelta(seconds=seconds):
        if pace.room("send", now) and chat.id not in pace.resting(now):
            pace.take("send", chat, now)
            calls.append(now)
        now += timedelta(seconds=step)
    return calls


def test_a_person_gets_one_message_a_second_and_a_group_twenty_a_minute() -> None:
    person = called(AccountPace(30, limits_of), PERSON, 30)
    assert most_within(person, 1) == 1 and 25 <= len(person) <= 30
    group = called(AccountPace(30, limits_of), GROUP, 180)
    assert most_within(group, 60) == 20 and most_within(group, 1) == 1 and 40 <= len(group) <= 60


def test_without_the_limits_of_its_chats_an_account_would_breach_them() -> None:
    assert most_within(called(AccountPace(30, lambda _: (Limit(30, 1),)), GROUP, 180, 0.5), 60) > 20


def test_a_thread_shares_the_limit_of_its_group() -> None:
    pace = AccountPace(30, limits_of)
    pace.take("send", GROUP, START)
    assert pace.resting(START) == {GROUP.id} and pace.resting(START + timedelta(seconds=1.1)) == set()


def test_a_short_burst_is_let_through_where_the_limit_allows_one() -> None:
    pace = AccountPace(1000, lambda _: (Limit(3, 3),))
    calls = called(pace, PERSON, 12, 0.01)
    assert most_within(calls, 1) == 3 and most_within(calls, 3) == 3


@pytest.mark.parametrize("per_second", [10, 30, 1000])
@pytest.mark.parametrize("lateness", [0.005, 0.04, 0.2])
def test_alerts_and_answers_together_stay_within_the_rate(per_second: int, lateness: float) -> None:
    """However late the loop is, with an answer now and then: as many as are set aside for them."""
    random = Random(per_second)
    pace, now, calls = AccountPace(per_second, lambda _: (Limit(1000, 1),)), START, []
    while now < START + timedelta(seconds=5):
        now += timedelta(seconds=random.uniform(0, lateness))
        if random.random() < 0.1 * lateness * per_second / 2:
            calls.append(now + timedelta(seconds=pace.answer(PERSON, now).after))
        for _ in range(pace.room("send", now)):
            pace.take("send", PERSON, now)
            calls.append(now)
    assert most_within(calls, 1) <= per_second + 1


def test_many_answers_at_once_are_spaced_and_alerts_stop_for_them() -> None:
    pace = AccountPace(30, limits_of)
    answers = [START + timedelta(seconds=pace.answer(Chat("telegram", "7", str(n)), START).after) for n in range(45)]
    assert most_within(answers, 1) <= 30 and answers[0] == START
    alerts = called(pace, PERSON, 1.4)
    assert most_within([*answers, *alerts], 1) <= 30


def test_an_answer_takes_the_next_slot_however_busy_the_account_is() -> None:
    pace = AccountPace(30, limits_of)
    busy = called(pace, PERSON, 0.5)
    assert busy
    now = START + timedelta(seconds=0.5)
    assert timedelta(seconds=pace.answer(GROUP, now).after) <= timedelta(seconds=1 / 30)
    assert pace.room("send", now) == 0 and pace.free_at(now) is not None


def test_edits_wait_where_they_share_the_rate_and_not_where_they_have_one_of_their_own() -> None:
    shared, apart = AccountPace(30, limits_of), AccountPace(30, limits_of, edits_per_second=1)
    for pace in (shared, apart):
        pace.take("send", PERSON, START)
    assert shared.room("edit", START) == 0 and apart.room("edit", START) == 1


def test_one_chat_that_is_told_to_wait_waits_alone_and_a_second_one_means_the_account() -> None:
    pace = AccountPace(30, limits_of)
    soon, later = START + timedelta(seconds=5), START + timedelta(seconds=9)
    assert pace.told_to_wait("send", PERSON, later, START) is None
    assert pace.told_to_wait("send", PERSON, later, START) is None and pace.room("send", START) == 1
    assert pace.told_to_wait("send", GROUP, soon, START) == later
    assert pace.room("send", START) == 0 and pace.room("send", later) == 1
    assert pace.told_to_wait("send", GROUP, later + timedelta(seconds=9), later) is None


def test_a_clock_that_is_set_back_stops_nobody_for_long() -> None:
    pace = AccountPace(30, limits_of)
    pace.take("send", PERSON, START + timedelta(hours=5))
    assert pace.room("send", START) == 1
    assert PERSON.id not in pace.resting(START + timedelta(seconds=2))
