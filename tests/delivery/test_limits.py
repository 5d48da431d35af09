"""How often one may ask: ten a minute, one polite line, then silence."""

from datetime import UTC, datetime, timedelta

from delivery import Limits, Verdict

NOW = datetime(2026, 6, 17, tzinfo=UTC)
ANSWER, TELL, IGNORE = Verdict.ANSWER, Verdict.TELL, Verdict.IGNORE


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_ten_are_answered_one_is_told_and_the_rest_is_silence_until_the_minute_is_over() -> None:
    limits = Limits()
    assert [limits.ask(["one"], 10, after(second)) for second in range(14)] == [ANSWER] * 10 + [TELL] + [IGNORE] * 3
    assert limits.ask(["one"], 10, after(60)) is ANSWER
    assert limits.ask(["one"], 10, after(60.5)) is TELL, "it is a minute that slides: one place was free"


def test_whoever_goes_on_asking_does_not_lengthen_the_silence() -> None:
    limits = Limits()
    for second in range(60):
        limits.ask(["one"], 10, after(second))
    assert [limits.ask(["one"], 10, after(60 + second)) for second in range(5)] == [ANSWER] * 5


def test_one_who_asks_too_often_does_not_silence_others_elsewhere() -> None:
    limits = Limits()
    for _ in range(12):
        limits.ask(["one", "room"], 10, NOW)
    assert limits.ask(["other", "room"], 10, NOW) is IGNORE, "the room has had its ten"
    assert limits.ask(["other", "elsewhere"], 10, NOW) is ANSWER
    assert limits.ask(["one", "elsewhere"], 10, NOW) is IGNORE


def test_memory_is_bounded_however_many_come_by() -> None:
    limits = Limits(remembered=100)
    for stranger in range(1000):
        assert limits.ask([stranger], 10, NOW) is ANSWER
    assert len(limits._askers) == 100
