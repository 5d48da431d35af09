"""/status: how the desk is doing, in a few lines. For the desk."""

from collections.abc import Sequence
from datetime import timedelta

from handlers.asking import Asking
from models import Reply
from storage import sources, status
from storage.sources import Watched

QUIET_AFTER = timedelta(days=1)
NAMED = 5


async def answer(asking: Asking) -> Reply:
    """Sources, deliveries, how long alerts take, and what runs since when."""
    desk, now = asking.desk, asking.desk.now()
    async with desk.database.read() as connection:
        watched = await sources.every_one(connection)
        owed = await status.owed(connection)
        times = await status.publish_to_alert(connection, now - timedelta(days=1))
    reading = [one for one in watched if not one.paused]
    failing = [one for one in reading if one.problem]
    quiet = [one for one in reading if not one.problem and now - (one.last_new_at or one.added_at) > QUIET_AFTER]
    paused = [one for one in watched if one.paused]
    groups = (("failing", failing), ("quiet", quiet), ("paused", paused))
    lines = [
        asking.say("status.sources", count=len(watched)),
        *(asking.say(f"status.{key}", count=len(some), names=_names(some)) for key, some in groups if some),
        asking.say("status.owed", waiting=owed.waiting, unknown=owed.unknown),
        *((asking.say("status.closed", count=owed.closed),) if owed.closed else ()),
        _times(asking, times),
        asking.say("status.running", version=desk.version, since=_since(asking, now - desk.started)),
    ]
    fine = not (failing or owed.unknown or owed.closed)
    return Reply(title=asking.say("status.fine" if fine else "status.trouble"), lines=tuple(lines))


def _names(some: Sequence[Watched]) -> str:
    names = ", ".join(one.source.id for one in some[:NAMED])
    return f"{names} …" if len(some) > NAMED else names


def _times(asking: Asking, times: Sequence[float]) -> str:
    if not times:
        return asking.say("status.no_times")
    half, most = (times[min(len(times) - 1, int(len(times) * share))] for share in (0.5, 0.95))
    return asking.say("status.times", half=_short(asking, half), most=_short(asking, most), count=len(times))


def _short(asking: Asking, seconds: float) -> str:
    if seconds < 60:
        return asking.say("status.seconds", count=f"{max(0.0, seconds):.1f}")
    return _since(asking, timedelta(seconds=seconds))


def _since(asking: Asking, time: timedelta) -> str:
    """The two largest units: 3 d 4 h, 5 h 6 min, 7 min."""
    minutes = max(0, int(time.total_seconds() // 60))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return asking.say("status.days", days=days, hours=hours)
    return asking.say("status.hours", hours=hours, minutes=rest) if hours else asking.say("status.minutes", count=rest)
