"""Quiet hours and digests: over midnight, over changes to and from summer time, in every zone."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery import hours
from models import ChatSettings, Digest, Every, QuietHours, Urgency

NIGHT = QuietHours(time(22), time(7))
MORNING = Digest(Every.DAILY, time(8))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-06-17T21:59:59+09:00", None),
        ("2026-06-17T22:00:00+09:00", "2026-06-18T07:00:00+09:00"),
        ("2026-06-17T23:59:59+09:00", "2026-06-18T07:00:00+09:00"),
        ("2026-06-18T00:00:00+09:00", "2026-06-18T07:00:00+09:00"),
        ("2026-06-18T06:59:59+09:00", "2026-06-18T07:00:00+09:00"),
        ("2026-06-18T07:00:00+09:00", None),
    ],
)
def test_quiet_hours_go_over_midnight(now: str, end: str | None) -> None:
    assert hours.quiet_until(NIGHT, "Asia/Seoul", utc(now)) == (end and utc(end))


@pytest.mark.parametrize(
    ("quiet", "zone", "now", "end"),
    [
        # Berlin goes from 02:00 to 03:00 on 2026-03-29, and from 03:00 back to 02:00 on 2026-10-25.
        (("22:00", "07:00"), "Europe/Berlin", "2026-03-28T23:00+01:00", "2026-03-29T07:00+02:00"),
        (("22:00", "07:00"), "Europe/Berlin", "2026-10-24T23:00+02:00", "2026-10-25T07:00+01:00"),
        (("22:00", "02:30"), "Europe/Berlin", "2026-03-29T01:59+01:00", "2026-03-29T03:30+02:00"),
        (("22:00", "02:30"), "Europe/Berlin", "2026-10-25T02:29+02:00", "2026-10-25T02:30+02:00"),
        (("22:00", "02:30"), "Europe/Berlin", "2026-10-25T02:10+01:00", None),
        # New York: 2026-03-08 and 2026-11-01.
        (("23:30", "06:00"), "America/New_York", "2026-03-08T00:00-05:00", "2026-03-08T06:00-04:00"),
        (("23:30", "06:00"), "America/New_York", "2026-11-01T01:30-05:00", "2026-11-01T06:00-05:00"),
        (("12:00", "13:00"), "Asia/Kathmandu", "2026-06-17T12:30+05:45", "2026-06-17T13:00+05:45"),
        (("12:00", "12:00"), "Asia/Seoul", "2026-06-17T12:00+09:00", None),
    ],
)
def test_quiet_hours_end_at_their_time_whatever_the_clock_does(
    quiet: tuple[str, str], zone: str, now: str, end: str | None
) -> None:
    asked = QuietHours(time.fromisoformat(quiet[0]), time.fromisoformat(quiet[1]))
    assert hours.quiet_until(asked, zone, utc(now)) == (end and utc(end))


@pytest.mark.parametrize(
    ("digest", "zone", "now", "at"),
    [
        ("daily 08:00", "Asia/Seoul", "2026-06-17T07:59+09:00", "2026-06-17T08:00+09:00"),
        ("daily 08:00", "Asia/Seoul", "2026-06-17T08:00+09:00", "2026-06-18T08:00+09:00"),
        ("weekdays 08:00", "Asia/Seoul", "2026-06-19T09:00+09:00", "2026-06-22T08:00+09:00"),
        ("hourly 08:00", "Asia/Kathmandu", "2026-06-17T08:10+05:45", "2026-06-17T09:00+05:45"),
        ("daily 08:00", "Europe/Berlin", "2026-03-28T09:00+01:00", "2026-03-29T08:00+02:00"),
        ("daily 02:30", "Europe/Berlin", "2026-03-28T09:00+01:00", "2026-03-29T03:30+02:00"),
        ("daily 02:30", "Europe/Berlin", "2026-10-24T09:00+02:00", "2026-10-25T02:30+02:00"),
        ("daily 02:30", "Europe/Berlin", "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"),
        ("hourly 08:00", "Europe/Berlin", "2026-10-25T02:10+02:00", "2026-10-25T02:00+01:00"),
        ("daily 07:30", "America/New_York", "2026-11-01T00:30-04:00", "2026-11-01T07:30-05:00"),
    ],
)
def test_a_digest_comes_at_its_time_once_a_day(digest: str, zone: str, now: str, at: str) -> None:
    every, clock = digest.split()
    asked = Digest(Every(every), time.fromisoformat(clock))
    assert hours.next_digest(asked, None, zone, utc(now)) == utc(at)


@pytest.mark.parametrize(
    ("digest", "now", "at"),
    [
        ("hourly", "2026-06-17T21:30", "2026-06-18T07:00"),
        ("hourly", "2026-06-18T02:30", "2026-06-18T07:00"),
        ("daily 23:00", "2026-06-17T12:00", "2026-06-18T07:00"),
        ("daily 23:00", "2026-06-18T02:00", "2026-06-18T07:00"),
        ("daily 23:00", "2026-06-18T07:00", "2026-06-19T07:00"),
        ("daily 08:00", "2026-06-17T23:00", "2026-06-18T08:00"),
    ],
)
def test_a_digest_waits_for_the_end_of_the_quiet_hours(digest: str, now: str, at: str) -> None:
    every, _, clock = digest.partition(" ")
    asked = Digest(Every(every), time.fromisoformat(clock or "08:00"))
    assert hours.next_digest(asked, NIGHT, "Asia/Seoul", utc(f"{now}+09:00")) == utc(f"{at}+09:00")


def test_urgent_alerts_wait_only_where_the_chat_says_so() -> None:
    night, day = utc("2026-06-17T23:00+09:00"), utc("2026-06-17T12:00+09:00")
    end = utc("2026-06-18T07:00+09:00")
    quiet = ChatSettings("ko", "Asia/Seoul", quiet=NIGHT)
    closed = ChatSettings("ko", "Asia/Seoul", quiet=QuietHours(time(22), time(7), urgent_passes=False), digest=MORNING)
    assert hours.due(quiet, Urgency.URGENT, night) == night and hours.due(quiet, Urgency.NORMAL, night) == end
    assert hours.due(closed, Urgency.URGENT, night) == end and hours.due(closed, Urgency.URGENT, day) == day
    assert hours.due(closed, Urgency.NORMAL, night) == utc("2026-06-18T08:00+09:00")


ZONES = st.sampled_from(
    ["Asia/Seoul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]
)
TIMES = st.times().map(lambda one: one.replace(second=0, microsecond=0, tzinfo=None))
MINUTES = st.integers(0, 366 * 24 * 60)


@settings(max_examples=50)
@given(start=TIMES, end=TIMES, zone=ZONES, minutes=MINUTES, every=st.sampled_from(Every), at=TIMES)
def test_whatever_is_set_an_alert_is_due_soon_and_never_inside_the_quiet_hours(
    start: time, end: time, zone: str, minutes: int, every: Every, at: time
) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    quiet = QuietHours(start, end, urgent_passes=False)
    without = ChatSettings("ko", zone, quiet=quiet)
    for asked in (without, replace(without, digest=Digest(every, at))):
        for urgency in Urgency:
            due = hours.due(asked, urgency, now)
            assert now <= due <= now + timedelta(days=5)
            assert hours.quiet_until(quiet, zone, due) is None
