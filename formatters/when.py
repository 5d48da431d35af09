"""Times as people read them, in their chat's zone and language."""

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton

from models import Alert


def day(moment: datetime, language: str, timezone: str) -> str:
    """ "6월 17일", "Jun 17"."""
    return format_skeleton("MMMd", moment.astimezone(ZoneInfo(timezone)), locale=language)


def clock(moment: datetime, timezone: str) -> str:
    """ "14:05"."""
    return moment.astimezone(ZoneInfo(timezone)).strftime("%H:%M")


def moment(of: datetime, language: str, timezone: str) -> str:
    return f"{day(of, language, timezone)} {clock(of, timezone)}"


def stamp(alert: Alert, language: str, timezone: str) -> str:
    """When the news is from: the publisher's time, its day if it gave no time, else when the desk saw it."""
    if alert.published is None:
        return moment(alert.created, language, timezone)
    if alert.date_only:
        return day(alert.published, language, timezone)
    return moment(alert.published, language, timezone)
