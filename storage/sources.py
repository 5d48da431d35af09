"""What is watched, when next, and how the last read went. The schedule is the column `next_at`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Integer, Row, bindparam, func, literal, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from models import Kind, Source
from storage.tables import UtcDateTime, changing, each, posts, sources


@dataclass(frozen=True, slots=True)
class Watched:
    """A source with what changes while running. `interval` is the adaptive one, in seconds."""

    source: Source
    host: str
    from_file: bool
    paused: bool
    validators: dict[str, Any]
    read_once: bool
    interval: int
    failures: int
    added_at: datetime
    next_at: datetime
    last_read_at: datetime | None
    last_new_at: datetime | None
    problem: str
    reason: str = ""
    failing_since: datetime | None = None
    keyed_by: str = ""
    """What names its posts (stories/identity.py), "" before that is decided."""
    oldest: datetime | None = None
    """The date of the oldest post of the first read, where all had one."""
    asked_at: datetime | None = None
    """When a look was asked for that this one is to answer."""


AT_A_NEW_ADDRESS: dict[str, Any] = {"validators": {"new_address": True}, "keyed_by": ""}
FINE: dict[str, Any] = {"failures": 0, "problem": "", "reason": "", "failing_since": None}


def _spec(source: Source) -> dict[str, Any]:
    return {item.name: getattr(source, item.name) for item in fields(source)}


def host_of(source: Source) -> str:
    """Whom reading the source asks: host and port of its address. A folder asks nobody else."""
    try:
        parts = urlsplit(source.url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return f"source {source.id}"
    return f"{parts.hostname}:{port}" if parts.hostname and port else f"source {source.id}"


def _watched(row: Row[Any]) -> Watched:
    spec = dict(row.spec)
    spec["kind"] = Kind(spec["kind"])
    spec["topics"] = tuple(spec["topics"])
    spec["boilerplate"] = tuple(spec.get("boilerplate", ()))
    return Watched(
        source=Source(**spec),
        host=row.host,
        from_file=row.from_file,
        paused=row.paused,
        validators=dict(row.validators),
        read_once=row.read_once,
        interval=row.interval,
        failures=row.failures,
        added_at=row.added_at,
        next_at=row.next_at,
        last_read_at=row.last_read_at,
        last_new_at=row.last_new_at,
        problem=row.problem,
        reason=row.reason,
        failing_since=row.failing_since,
        keyed_by=row.keyed_by,
        oldest=row.oldest,
        asked_at=row.asked_at,
    )


async def declare(tx: AsyncConnection, declared: Sequence[Source], now: datetime, interval: int) -> None:
    """Make the rows match the file: new ones appear, changed ones are told, missing ones stop and keep their memory.

    A source whose address or kind changed forgets its validators and what names its posts, and is due at once.
    """
    ids = [source.id for source in declared]
    await tx.execute(update(sources).where(sources.c.from_file, sources.c.id.not_in(ids)).values(active=False))
    for source in declared:
        known = (await tx.execute(select(sources).where(sources.c.id == source.id))).one_or_none()
        if known is None:
            await _insert(tx, source, now, from_file=True, interval=interval)
            continue
        changed: dict[str, Any] = {
            "spec": _spec(source),
            "host": host_of(source),
            "from_file": True,
            "active": True,
        }
        if elsewhere := not _same_place(known, source):
            changed |= AT_A_NEW_ADDRESS
        if elsewhere or not known.active:
            changed |= {"validators": dict(changed.get("validators", {})), "next_at": now, **FINE}
        await tx.execute(update(sources).where(sources.c.id == source.id).values(**changed))


def _same_place(known: Row[Any], source: Source) -> bool:
    return (known.spec["url"], known.spec["kind"]) == (source.url, source.kind)


async def _insert(tx: AsyncConnection, source: Source, now: datetime, *, from_file: bool, interval: int) -> None:
    known = (await tx.execute(select(sources).where(sources.c.id == source.id))).one_or_none()
    row = {
        "id": source.id,
        "from_file": from_file,
        "active": True,
        "paused": False,
        "spec": _spec(source),
        "host": host_of(source),
        "validators": {},
        "added_at": now,
        "next_at": now,
        "read_once": False,
        "interval": interval,
        **FINE,
    }
    fresh = {key: value for key, value in row.items() if key not in ("id", "added_at", "read_once", "paused")}
    if known is not None and not _same_place(known, source):
        fresh |= AT_A_NEW_ADDRESS
    await tx.execute(insert(sources).values(row).on_conflict_do_update(index_elements=["id"], set_=fresh))


async def add(tx: AsyncConnection, source: Source, now: datetime, interval: int) -> None:
    """Watch one more source, kept in the database. One that was removed before keeps its memory."""
    await _insert(tx, source, now, from_file=False, interval=interval)


async def remove(tx: AsyncConnection, source_id: str) -> None:
    await tx.execute(update(sources).where(sources.c.id == source_id).values(active=False))


async def pause(tx: AsyncConnection, source_id: str, paused: bool, now: datetime) -> None:
    await tx.execute(update(sources).where(sources.c.id == source_id).values(paused=paused, next_at=now))


async def ask(tx: AsyncConnection, source_id: str, now: datetime) -> None:
    """Have it read at once, or as soon as its publisher, who asked for rest, allows; a read that is under way is
    followed by another."""
    row = (await tx.execute(select(sources.c.next_at, sources.c.not_before).where(sources.c.id == source_id))).one()
    soonest = max(now, row.not_before or now)
    values = {"asked_at": now, "next_at": min(row.next_at, soonest)}
    await tx.execute(update(sources).where(sources.c.id == source_id).values(**values))


async def _again(
    tx: AsyncConnection, source_id: str, next_at: datetime, asked_at: datetime | None, not_before: datetime | None
) -> dict[str, Any]:
    """When to read again after a read that answered the ask of `asked_at`: one that came since then is still open."""
    newest: datetime | None = await tx.scalar(ASKED_AT, {"of": source_id})
    if newest is None or newest == asked_at:
        return {"next_at": next_at, "not_before": not_before, "asked_at": None}
    return {"next_at": max(newest, not_before or newest), "not_before": not_before}


ASKED_AT = select(sources.c.asked_at).where(sources.c.id == bindparam("of"))


async def due(
    connection: AsyncConnection,
    now: datetime,
    limit: int,
    *,
    per_host: int = 1,
    busy: Sequence[str] = (),
    under_way: Sequence[str] = (),
) -> list[Watched]:
    """The sources whose time has come, longest overdue first: of each host so many, of the busy ones and what is under
    way none."""
    lists = {"busy": json.dumps([*busy]), "under_way": json.dumps([*under_way])}
    rows = await connection.execute(DUE, {"now": now, "per_host": per_host, "most": limit, **lists})
    return [_watched(row) for row in rows]


async def next_due(connection: AsyncConnection, after: datetime) -> datetime | None:
    """When the next source that is not due at `after` becomes due."""
    result: datetime | None = await connection.scalar(NEXT_DUE, {"after": after})
    return result


WATCHED = (sources.c.active, ~sources.c.paused)
IN_LINE = (
    select(
        sources.c.id,
        func.row_number().over(partition_by=sources.c.host, order_by=(sources.c.next_at, sources.c.id)).label("place"),
    )
    .where(*WATCHED, sources.c.next_at <= bindparam("now", type_=UtcDateTime))
    .where(sources.c.host.not_in(each("busy")), sources.c.id.not_in(each("under_way")))
    .subquery()
)
DUE = (
    select(sources)
    .join(IN_LINE, IN_LINE.c.id == sources.c.id)
    .where(IN_LINE.c.place <= bindparam("per_host"))
    .order_by(sources.c.next_at, sources.c.id)
    .limit(bindparam("most", type_=Integer))
)
NEXT_DUE = select(func.min(sources.c.next_at)).where(
    *WATCHED, sources.c.next_at > bindparam("after", type_=UtcDateTime)
)
"""Made once: to make them costs more than to carry them out, and the poll loop asks after each read."""


async def every_one(connection: AsyncConnection) -> list[Watched]:
    """All that are watched, paused ones included, by id."""
    rows = await connection.execute(select(sources).where(sources.c.active).order_by(sources.c.id))
    return [_watched(row) for row in rows]


async def one(connection: AsyncConnection, source_id: str) -> Watched | None:
    row = (await connection.execute(select(sources).where(sources.c.id == source_id, sources.c.active))).one_or_none()
    return None if row is None else _watched(row)


async def post_counts(connection: AsyncConnection) -> dict[str, int]:
    """How many posts of each source are archived."""
    rows = await connection.execute(select(posts.c.source_id, func.count()).group_by(posts.c.source_id))
    return {row[0]: row[1] for row in rows}


async def saved(
    tx: AsyncConnection,
    source_id: str,
    *,
    now: datetime,
    next_at: datetime,
    interval: int,
    validators: dict[str, Any] | None,
    any_new: bool,
    asked_at: datetime | None = None,
    keyed_by: str = "",
    oldest: datetime | None = None,
) -> None:
    """A read that went well. `validators` None keeps the earlier ones (nothing had changed). `asked_at`: the ask
    that it answers."""
    values: dict[str, Any] = {
        **await _again(tx, source_id, next_at, asked_at, None),
        "last_read_at": now,
        "interval": interval,
        "read_once": True,
        **FINE,
    }
    if any_new:
        values["last_new_at"] = now
    if oldest is not None:
        values["oldest"] = oldest
    if keyed_by:
        values["keyed_by"] = keyed_by
    if validators is not None:
        values["validators"] = validators
    new = {f"new_{name}": value for name, value in values.items()}
    await tx.execute(changing(sources, tuple(values)), {"of": source_id, **new})


async def had_news(tx: AsyncConnection, source_id: str, now: datetime) -> None:
    """It had something new that was not read on schedule."""
    await tx.execute(update(sources).where(sources.c.id == source_id).values(last_new_at=now))


async def failed(
    tx: AsyncConnection,
    source_id: str,
    *,
    now: datetime,
    next_at: datetime,
    reason: str,
    problem: str,
    not_before: datetime | None = None,
    asked_at: datetime | None = None,
    validators: dict[str, Any] | None = None,
) -> datetime:
    """A read that went wrong; memory stays as it is, and validators too where none are given: nothing is lost.

    `not_before`: the publisher asked for rest until then. `asked_at`: the ask that it answers. Returns since when the
    source cannot be read.
    """
    values: dict[str, Any] = {
        **await _again(tx, source_id, next_at, asked_at, not_before),
        "last_read_at": now,
        "failures": sources.c.failures + 1,
        "reason": reason[:32],
        "problem": problem,
        "failing_since": func.coalesce(sources.c.failing_since, literal(now, UtcDateTime())),
        **({} if validators is None else {"validators": validators}),
    }
    failing = update(sources).where(sources.c.id == source_id).values(**values)
    since: datetime = (await tx.execute(failing.returning(sources.c.failing_since))).scalar_one()
    return since
