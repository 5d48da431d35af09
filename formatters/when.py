"""Times as people read them, in their chat's zone and language."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton

from models import Alert

HALF_A_DAY = timedelta(hours=12)


def day(moment: datetime, language: str, timezone: str) -> str:
    """ "6월 17일", "Jun 17"."""
    return _day(_local(moment, timezone).date(), language)


def clock(moment: datetime, timezone: str) -> str:
    """ "14:05"."""
    return _local(moment, timezone).strftime("%H:%M")


def moment(of: datetime, language: str, timezone: str) -> str:
    return f"{day(of, language, timezone)} {clock(of, timezone)}"


def stamp(alert: Alert, language: str, timezone: str) -> str:
    """When the news is from: the publisher's time, its day if it gave no time, else when the desk saw it."""
    if alert.published is not None and alert.date_only:
        return _day(_publishers_day(alert.published), language)
    return moment(alert.published or alert.created, language, timezone)


def changed(alert: Alert, language: str, timezone: str) -> str:
    """When this version was made: "14:32", with its day where that is not the day of `stamp`; "" for a first one."""
    if alert.changed is None:
        return ""
    if alert.published is not None and alert.date_only:
        stamped = _publishers_day(alert.published)
    else:
        stamped = _local(alert.published or alert.created, timezone).date()
    same = _local(alert.changed, timezone).date() == stamped
    return clock(alert.changed, timezone) if same else moment(alert.changed, language, timezone)


def period(since: datetime, until: datetime, language: str, timezone: str) -> str:
    """ "09:10–11:40", with the days where they differ: "6월 17일 23:10 – 6월 18일 01:40"."""
    start, end = _local(since, timezone), _local(until, timezone)
    if start.date() != end.date():
        return f"{moment(since, language, timezone)} – {moment(until, language, timezone)}"
    first, last = clock(since, timezone), clock(until, timezone)
    return first if first == last else f"{first}–{last}"


def days(since: datetime, until: datetime, language: str, timezone: str) -> str:
    """The same with the day always there: "6월 17일 09:00–18:00"."""
    told = period(since, until, language, timezone)
    same = _local(since, timezone).date() == _local(until, timezone).date()
    return f"{day(since, language, timezone)} {told}" if same else told


def _local(moment: datetime, timezone: str) -> datetime:
    try:
        return moment.astimezone(ZoneInfo(timezone))
    except OverflowError:  # a feed that is dated to the first or last day of the calendar
        return moment


def _publishers_day(midnight: datetime) -> date:
    """The day that the publisher wrote. Its zone is gone, but it is a midnight somewhere within twelve hours."""
    try:
        return (midnight.astimezone(UTC) + HALF_A_DAY).date()
    except OverflowError:
        return midnight.date()


@lru_cache(maxsize=1024)
def _day(of: date, language: str) -> str:
    return format_skeleton("MMMd", datetime.combine(of, time()), locale=language)
