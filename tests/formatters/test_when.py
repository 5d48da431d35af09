"""Times in the chat's zone, through changes of the clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from formatters import when
from tests.parcels import ALERT

SEOUL, NEW_YORK, LONDON, SYDNEY = "Asia/Seoul", "America/New_York", "Europe/London", "Australia/Sydney"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("moment", "zone", "language", "shown"),
    [
        (utc(2026, 6, 17, 5, 5), SEOUL, "ko", "6월 17일 14:05"),
        (utc(2026, 6, 17, 5, 5), SEOUL, "en", "Jun 17 14:05"),
        (utc(2026, 6, 17, 15, 5), SEOUL, "ko", "6월 18일 00:05"),
        # The clock goes forward at 2:00 on March 8 and back at 2:00 on November 1, 2026.
        (utc(2026, 3, 8, 6, 59), NEW_YORK, "en", "Mar 8 01:59"),
        (utc(2026, 3, 8, 7, 0), NEW_YORK, "en", "Mar 8 03:00"),
        (utc(2026, 11, 1, 5, 30), NEW_YORK, "en", "Nov 1 01:30"),
        (utc(2026, 11, 1, 6, 30), NEW_YORK, "en", "Nov 1 01:30"),
        (utc(2026, 11, 1, 7, 30), NEW_YORK, "en", "Nov 1 02:30"),
        (utc(2026, 3, 29, 0, 59), LONDON, "en", "Mar 29 00:59"),
        (utc(2026, 3, 29, 1, 0), LONDON, "en", "Mar 29 02:00"),
        (utc(2026, 4, 4, 15, 30), SYDNEY, "en", "Apr 5 02:30"),
        (utc(2026, 4, 4, 16, 30), SYDNEY, "en", "Apr 5 02:30"),
        (datetime.min.replace(tzinfo=UTC), NEW_YORK, "en", "Jan 1 00:00"),
        (datetime.max.replace(tzinfo=UTC), SEOUL, "en", "Dec 31 23:59"),
    ],
)
def test_a_moment_in_a_zone(moment: datetime, zone: str, language: str, shown: str) -> None:
    assert when.moment(moment, language, zone) == shown


@pytest.mark.parametrize("hours", [-11, -8, 0, 5.5, 9, 12])
@pytest.mark.parametrize("zone", [SEOUL, NEW_YORK, "Pacific/Kiritimati"])
def test_a_day_without_a_time_is_the_publishers_day_in_every_chat(hours: float, zone: str) -> None:
    midnight = datetime(2026, 6, 17, tzinfo=timezone(timedelta(hours=hours))).astimezone(UTC)
    alert = replace(ALERT, published=midnight, date_only=True)
    assert when.stamp(alert, "en", zone) == "Jun 17"


def test_without_a_publishers_time_it_is_when_the_desk_saw_it() -> None:
    assert when.stamp(replace(ALERT, published=None), "ko", SEOUL) == "6월 17일 14:06"
    assert when.stamp(replace(ALERT, published=None, date_only=True), "ko", SEOUL) == "6월 17일 14:06"


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        (None, ""),
        (utc(2026, 6, 17, 5, 32), "14:32"),
        (utc(2026, 6, 17, 14, 59), "23:59"),
        (utc(2026, 6, 17, 15, 0), "6월 18일 00:00"),
    ],
)
def test_a_change_names_its_day_only_when_it_is_another(changed: datetime | None, shown: str) -> None:
    assert when.changed(replace(ALERT, changed=changed), "ko", SEOUL) == shown


@pytest.mark.parametrize(
    ("since", "until", "zone", "period", "days"),
    [
        (utc(2026, 6, 17, 0, 10), utc(2026, 6, 17, 2, 40), SEOUL, "09:10–11:40", "6월 17일 09:10–11:40"),
        (utc(2026, 6, 17, 0, 10), utc(2026, 6, 17, 0, 10), SEOUL, "09:10", "6월 17일 09:10"),
        (utc(2026, 6, 17, 14, 10), utc(2026, 6, 17, 16, 40), SEOUL, *["6월 17일 23:10 – 6월 18일 01:40"] * 2),
        (utc(2026, 11, 1, 4), utc(2026, 11, 2, 4), NEW_YORK, "00:00–23:00", "11월 1일 00:00–23:00"),
    ],
)
def test_a_period_names_days_where_they_differ(
    since: datetime, until: datetime, zone: str, period: str, days: str
) -> None:
    assert when.period(since, until, "ko", zone) == period
    assert when.days(since, until, "ko", zone) == days
