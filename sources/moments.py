"""Times as publishers write them."""

import re
from datetime import UTC, datetime

from dateutil import parser as dates

YEAR = re.compile(r"\d{4}|\d{1,2}[\s-]+[A-Za-z]{3,9}[\s-]+\d{2}\b|\d{1,2}/\d{1,2}/\d{2}\b")
LONGEST = 100
ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
MAIL = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d\d) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4})"
    r" (\d\d:\d\d:\d\d) (GMT|UTC|[+-]\d{4})",
    re.ASCII,
)
NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTHS = {name: number for number, name in enumerate(NAMES, start=1)}


def moment(value: object, *, lenient: bool = False) -> datetime | None:
    """The time in UTC (a time without a zone is in UTC); None for what is none.

    What names no year is none: today's date says nothing about a post. `lenient` fills it in.
    """
    text = str(value or "")[:LONGEST]
    if (usual := _usual(text)) is not None:
        return usual
    if not text or not (lenient or YEAR.search(text)):
        return None
    try:
        parsed: datetime = dates.parse(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _usual(text: str) -> datetime | None:
    """What nearly all publishers write (ISO 8601, or the form of mail), read without guessing; None for all else."""
    if mail := MAIL.fullmatch(text):
        day, month, year, time, zone = mail.groups()
        text = f"{year}-{MONTHS[month]:02d}-{day}T{time}{zone if zone[0] in '+-' else 'Z'}"
    elif ISO.fullmatch(text) is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
