"""When an alert may come: quiet hours, digests, mutes. Pure; times of the day are those of the chat's zone.

A time that a change to summer time leaves out is the moment that its clock would have shown it; of a time that comes
twice the first one counts. So every day has its quiet hours once and its digest once.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from models import ChatSettings, Digest, Every, QuietHours, Urgency

DAY = timedelta(days=1)
WEEK = 7
SATURDAY = 5


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """When it is that time of that day there, as UTC."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def quiet_until(quiet: QuietHours | None, timezone: str, now: datetime) -> datetime | None:
    """When the quiet hours end that `now` is in; None outside of them."""
    if quiet is None or quiet.start == quiet.end:
        return None
    zone = ZoneInfo(timezone)
    today = now.astimezone(zone).date()
    for day in (today - DAY, today):
        end = moment(day + (DAY if quiet.end < quiet.start else timedelta()), quiet.end, zone)
        if moment(day, quiet.start, zone) <= now < end:
            return end
    return None


def next_digest(digest: Digest, quiet: QuietHours | None, timezone: str, now: datetime) -> datetime:
    """When the next digest is due: at its time, or at the end of the quiet hours in which that lies."""
    for due in _times(digest, ZoneInfo(timezone), now):
        after = quiet_until(quiet, timezone, due) or due
        if after > now:
            return after
    raise AssertionError("every week has a digest")


def _times(digest: Digest, zone: ZoneInfo, now: datetime) -> Iterator[datetime]:
    """The digest's times, oldest first, from some that are over to some that will come."""
    local = now.astimezone(zone)
    if digest.every is Every.HOURLY:
        hour = (now - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)).astimezone(
            UTC
        )
        yield from (hour + timedelta(hours=step) for step in range(-24, 49))
        return
    for step in range(-WEEK, WEEK + 1):
        day = local.date() + step * DAY
        if digest.every is Every.DAILY or day.weekday() < SATURDAY:
            yield moment(day, digest.at, zone)


def due(settings: ChatSettings, urgency: Urgency, now: datetime) -> datetime:
    """When an alert may come: now, at the end of the quiet hours, or with the next digest."""
    quiet = quiet_until(settings.quiet, settings.timezone, now)
    if urgency is Urgency.URGENT:
        passes = settings.quiet is None or settings.quiet.urgent_passes
        return now if quiet is None or passes else quiet
    if settings.digest is not None:
        return next_digest(settings.digest, settings.quiet, settings.timezone, now)
    return quiet or now


def is_muted(settings: ChatSettings, now: datetime) -> bool:
    return settings.muted_until is not None and now < settings.muted_until
