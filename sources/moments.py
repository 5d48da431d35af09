"""Times as publishers write them."""

import re
from datetime import UTC, datetime

from dateutil import parser as dates

YEAR = re.compile(r"\d{4}|\d{1,2}[\s-]+[A-Za-z]{3,9}[\s-]+\d{2}\b|\d{1,2}/\d{1,2}/\d{2}\b")
LONGEST = 100


def moment(value: object, *, lenient: bool = False) -> datetime | None:
    """The time in UTC (a time without a zone is in UTC); None for what is none.

    What names no year is none: today's date says nothing about a post. `lenient` fills it in.
    """
    text = str(value or "")[:LONGEST]
    if not text or not (lenient or YEAR.search(text)):
        return None
    try:
        parsed: datetime = dates.parse(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
