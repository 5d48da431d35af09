"""When a source is read next. Pure: `every` is kept, else the interval adapts; what a publisher asks for is heeded.

docs/decisions/0011-when-a-source-is-read.md says why it is so.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from config.settings import Fetch
from models import Source

DAY = 86400.0
EARLIEST = 0.9
"""Of its interval: so early a read may come, never late."""
EARLY_BY = 2.0
"""Seconds before its time, at most, that a read is planned for: a busy moment must not make it late."""
HEAD = 100_000
TAIL = 10_000
TTL = re.compile(rb"<ttl>\s{0,9}(\d{1,6})\s{0,9}</ttl>")
SKIPPED = re.compile(rb"<skip(Hours|Days)>(.{0,2000}?)</skip(?:Hours|Days)>", re.DOTALL)
HOUR = re.compile(rb"<hour>\s{0,9}(\d{1,2})\s{0,9}</hour>")
WEEKDAY = re.compile(rb"<day>\s{0,9}(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\s{0,9}</day>", re.IGNORECASE)
WEEKDAYS = (b"mon", b"tues", b"wednes", b"thurs", b"fri", b"satur", b"sun")

PASSING = frozenset({"timeout", "connect", "dns", "network", "cut", "gzip", "empty", "truncated", "http-408"})
"""What usually passes by itself; so does every 5xx."""
UNWELCOME = frozenset({"http-403", "http-429", "bot-wall"})
LOCAL = frozenset({"no-folder", "folder"})


# ------------------------------------------------------------------------------------------- what publishers ask for


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds named by a Retry-After header, in either of its forms; at most a day. `now`: as the publisher sees it."""
    if re.fullmatch(r"\s*[0-9]+\s*", value):
        return min(float(value), DAY)
    at = moment(value)
    return None if at is None else min(max(0.0, (at - now).total_seconds()), DAY)


def moment(value: str) -> datetime | None:
    """The time of a header such as Date; None for anything else."""
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def fresh_for(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds for which the publisher says that its answer stays as it is; None when it does not say.

    Cache-Control goes before Expires, and what the answer has aged on its way counts (RFC 9111, 4.2 and 5.2.2).
    """
    control = headers.get("cache-control", "").lower()
    if "no-cache" in control or "no-store" in control:
        return 0.0
    if age := re.search(r"(?<![\w-])max-age\s*=\s*\"?(\d{1,9})", control):
        aged = headers.get("age", "")
        return max(0.0, float(age[1]) - (float(aged) if re.fullmatch(r"[0-9]{1,9}", aged) else 0.0))
    if "expires" not in headers:
        return None
    until = moment(headers["expires"])
    return 0.0 if until is None else max(0.0, (until - now).total_seconds())


def asked_in(body: bytes) -> dict[str, Any]:
    """What an RSS document says about reading it: `ttl` (seconds), `skip_hours` and `skip_days` (of UTC, Monday 0)."""
    start = re.search(rb"<(?:[A-Za-z]{1,9}:)?(?:item|entry)[\s>]", body[:HEAD])
    channel = body[: start.start()] + body[-TAIL:].rpartition(b"</item>")[2] if start else body[:HEAD]
    asked: dict[str, Any] = {}
    if (ttl := TTL.search(channel)) and int(ttl[1]):
        asked["ttl"] = int(ttl[1]) * 60
    for kind, inside in SKIPPED.findall(channel):
        if kind == b"Hours":
            asked["skip_hours"] = sorted({int(hour) % 24 for hour in HOUR.findall(inside) if int(hour) <= 24})
        else:
            asked["skip_days"] = sorted({WEEKDAYS.index(day.lower()) for day in WEEKDAY.findall(inside)})
    return {key: value for key, value in asked.items() if value}


# ------------------------------------------------------------------------------------------------------ the next read


def next_interval(source: Source, before: float, settings: Fetch, *, any_new: bool) -> float:
    """Adaptive, for a source without `every`: the shortest after news, half as long again after nothing."""
    if source.every is not None:
        return source.every
    return settings.min_every if any_new else min(settings.max_every, max(settings.min_every, before * 1.5))


def next_read(
    source: Source,
    interval: float,
    settings: Fetch,
    started: datetime,
    *,
    fresh: float | None = None,
    asked: Mapping[str, Any] | None = None,
) -> datetime:
    """When to read again after a read that began at `started`. `fresh` and `asked` are what the publisher said.

    A source with `every` is read exactly so often. Reads are moved within what is allowed until all sources stand
    evenly in time, each in a place that its id gives it.
    """
    if source.every is not None:
        latest = max(EARLIEST * interval, interval - min(EARLY_BY, interval / 20))
        return _in_its_place(source.id, started, EARLIEST * interval, latest)
    asked = asked or {}
    wanted = max(interval, fresh or 0.0, float(asked.get("ttl", 0)))
    wait = min(settings.max_every, max(settings.min_every, wanted))
    earliest = max(settings.min_every, EARLIEST * wait if wait == interval else wait)
    latest = min(settings.max_every, max(wait, earliest * 1.1))
    at = _in_its_place(source.id, started, min(earliest, latest), latest)
    return _not_when_skipped(source.id, at, asked)


def _in_its_place(source_id: str, started: datetime, earliest: float, latest: float) -> datetime:
    """The source's own place in the rhythm of `latest`, where that lies within reach, else as near as one may come."""
    last = started.timestamp() + latest
    past_its_place = (last - _place(source_id) * latest) % latest
    return started + timedelta(seconds=max(earliest, latest - past_its_place))


def _place(source_id: str) -> float:
    """0 to 1, evenly among many ids."""
    return int.from_bytes(hashlib.blake2b(source_id.encode(), digest_size=6).digest()) / 2**48


def _not_when_skipped(source_id: str, at: datetime, asked: Mapping[str, Any]) -> datetime:
    """The first time from `at` on that the publisher does not ask to be spared; who skips everything skips nothing."""
    hours, days = set(asked.get("skip_hours", ())), set(asked.get("skip_days", ()))
    utc = at.astimezone(UTC)
    for ahead in range(24 * 8):
        hour = utc + timedelta(hours=ahead)
        if hour.hour not in hours and hour.weekday() not in days:
            begin = hour.replace(minute=0, second=0, microsecond=0) + timedelta(seconds=300 * _place(source_id))
            return at if ahead == 0 else begin
    return at


# ------------------------------------------------------------------------------------------------------ after failures


def passes(reason: str) -> bool:
    """Whether this kind of trouble usually ends by itself."""
    return reason in PASSING or reason.startswith("http-5")


def back_off(reason: str, failures: int, usual: float, asked: float | None, chance: float) -> float:
    """Seconds until a source that failed is tried again, never sooner than usual.

    Twice as long each time, up to a limit that the reason sets; `failures`: in a row before this one. `asked`: the
    Retry-After, which decides alone. `chance` (0 to 1) keeps what failed together from coming back together.
    """
    if asked:
        return max(usual, asked * (1 + chance / 20))
    first, longest = usual, 3600.0
    if passes(reason):
        longest = 900.0
    elif reason in LOCAL:
        longest = 60.0
    elif reason in UNWELCOME:
        first = max(usual, 300.0)
    return max(usual, min(longest, first * 2.0 ** min(failures, 20))) * (1 + chance / 10)
