"""/mute 2h, /mute until 08:00: nothing comes for so long."""

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import delivery
import pipeline
from formatters import when
from handlers.asking import Asking
from models import Button, Reply
from storage import postponed

UNITS = {
    **dict.fromkeys(("m", "min", "분"), timedelta(minutes=1)),
    **dict.fromkeys(("h", "시간"), timedelta(hours=1)),
    **dict.fromkeys(("d", "일"), timedelta(days=1)),
    **dict.fromkeys(("w", "주"), timedelta(weeks=1)),
}
LENGTH = re.compile(rf"(\d{{1,4}})\s*({'|'.join(UNITS)})")
UNTIL = re.compile(r"(?:until\s*|까지\s*)?([01]?\d|2[0-3]):([0-5]\d)(?:\s*까지)?")
LONGEST = timedelta(days=30)
OFFERS = ("1h", "8h", "1d")


async def answer(asking: Asking) -> Reply:
    """Drop what comes for this chat until then; it is counted, and stays in the archive."""
    if asking.known is None or not asking.known.subscribed:
        return Reply(lines=(asking.say("subscribe.was_not"),))
    now = asking.desk.now()
    until = read(asking.command.args, asking.chat_settings.timezone, now)
    if until is None:
        offers = tuple(Button(asking.say(f"mute.offer_{one}"), press=f"mute {one}") for one in OFFERS)
        return Reply(lines=(asking.say("mute.wrong"),), buttons=(offers,))
    async with asking.desk.database.write() as tx:
        before = await postponed.one(tx, asking.known.id)
        since = before.muted_since if delivery.is_muted(before.settings, now) and before.muted_since else now
        await postponed.drop(tx, asking.known.id, now)
        await postponed.choose(tx, asking.known.id, muted_since=since)
        await pipeline.mute_until(tx, asking.known.id, until, now)
    told = when.moment(until, asking.chat_settings.language, asking.chat_settings.timezone)
    button = Button(asking.say("mute.end"), press="unmute")
    return Reply(lines=(asking.say("mute.done", until=told),), buttons=((button,),), public=True)


def read(words: str, timezone: str, now: datetime) -> datetime | None:
    """ "30m", "2h", "1d", "until 08:00" (the next one) as the end of the mute; None for anything else."""
    words = words.strip().lower()
    length = LENGTH.fullmatch(words)
    if length is not None:
        lasts = int(length[1]) * UNITS[length[2]]
        return now + lasts if timedelta() < lasts <= LONGEST else None
    at = UNTIL.fullmatch(words)
    if at is None:
        return None
    zone, clock = ZoneInfo(timezone), time(int(at[1]), int(at[2]))
    today = now.astimezone(zone).date()
    ends = (delivery.moment(today + timedelta(days=days), clock, zone) for days in (0, 1, 2))
    return next(end for end in ends if end > now)
