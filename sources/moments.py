"""Times as publishers write them."""

from datetime import UTC, datetime

from dateutil import parser as dates


def moment(value: object) -> datetime | None:
    """The time in UTC (a time without a zone is in UTC); None for what is none."""
    if not value:
        return None
    try:
        parsed: datetime = dates.parse(str(value))
    except (ValueError, OverflowError):
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
