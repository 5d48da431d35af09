"""Subscriptions at hubs: what was asked of whom, until when it is granted, and when to do something about it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import sources, websub


@dataclass(frozen=True, slots=True)
class AtHub:
    """One subscription. `pending`: the mode that was asked for and not confirmed. `inside`: the hub was named at an
    address of a network that the configuration opens. `missed`: reads in a row that found what the hub had not sent."""

    id: int
    source_id: str
    hub: str
    topic: str
    callback: str
    secret: str
    inside: bool
    wanted: bool
    pending: str
    asked_at: datetime | None
    lease_until: datetime | None
    next_at: datetime
    attempts: int
    missed: int
    problem: str


def _at_hub(row: Row[Any]) -> AtHub:
    return AtHub(**{item.name: getattr(row, item.name) for item in fields(AtHub)})


async def named_hubs(connection: AsyncConnection) -> dict[str, Mapping[str, Any]]:
    """What each source that is read says about its hub."""
    hub = sources.c.validators["hub"].as_string()
    rows = await connection.execute(
        select(sources.c.id, sources.c.validators, sources.c.from_file).where(
            sources.c.active, ~sources.c.paused, func.coalesce(hub, "") != ""
        )
    )
    return {
        row.id: {
            "hub": row.validators["hub"],
            "topic": row.validators["topic"],
            "inside": bool(row.validators.get("hub_inside")) and row.from_file,
        }
        for row in rows
    }


async def every_one(connection: AsyncConnection) -> list[AtHub]:
    return [_at_hub(row) for row in await connection.execute(select(websub).order_by(websub.c.id))]


async def due(connection: AsyncConnection, now: datetime) -> list[AtHub]:
    """Those about which something is to be done."""
    rows = await connection.execute(select(websub).where(websub.c.next_at <= now).order_by(websub.c.next_at))
    return [_at_hub(row) for row in rows]


async def of_source(connection: AsyncConnection, source_id: str) -> list[AtHub]:
    """The newest first; more than one while an older one is being ended."""
    rows = await connection.execute(
        select(websub).where(websub.c.source_id == source_id).order_by(websub.c.wanted.desc(), websub.c.id.desc())
    )
    return [_at_hub(row) for row in rows]


async def open_(tx: AsyncConnection, source_id: str, named: Mapping[str, Any], now: datetime) -> None:
    """Want a subscription; `named` has hub, topic, inside, callback and secret."""
    row = {
        "source_id": source_id,
        "wanted": True,
        "pending": "",
        "next_at": now,
        "attempts": 0,
        "missed": 0,
        "problem": "",
    }
    await tx.execute(insert(websub).values({**row, **named}))


async def save(tx: AsyncConnection, at_hub_id: int, **values: Any) -> None:
    await tx.execute(update(websub).where(websub.c.id == at_hub_id).values(**values))


async def note(tx: AsyncConnection, at_hub_id: int, problem: str) -> None:
    """What the hub answered, unless it has confirmed meanwhile."""
    await tx.execute(
        update(websub).where(websub.c.id == at_hub_id, websub.c.pending != "").values(problem=problem[:300])
    )


async def forget(tx: AsyncConnection, at_hub_id: int) -> None:
    await tx.execute(delete(websub).where(websub.c.id == at_hub_id))


async def is_pushed(connection: AsyncConnection, source_id: str, now: datetime, missed: int) -> bool:
    """Whether a hub has promised to send this source's news, and sends it."""
    rows = (websub.c.source_id == source_id, websub.c.wanted, websub.c.lease_until > now, websub.c.missed < missed)
    return (await connection.scalar(select(websub.c.id).where(*rows).limit(1))) is not None


async def missed(tx: AsyncConnection, source_id: str) -> None:
    """A read found what the hub had not sent."""
    where = (websub.c.source_id == source_id, websub.c.wanted, websub.c.lease_until.is_not(None))
    await tx.execute(update(websub).where(*where).values(missed=websub.c.missed + 1))
