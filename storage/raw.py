"""What publishers answered, kept to be replayed against changed rules: the newest few of each source, capped in all.

A row is its own file: an answer is there whole or not at all, and what is deleted makes room for what comes next.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import raw_responses as raw
from storage.tables import sources

How = Literal["read", "push", "article"]


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer. `decided`: what the desk made of it then, None where that is not known; `url`: of an article."""

    id: int
    at: datetime
    how: How
    url: str
    body: bytes
    decided: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to be kept: compressed, with what tells it from the one before."""

    source_id: str
    at: datetime
    how: How
    body: bytes
    digest: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Caps:
    """So many answers of a source, articles not counted, and so many bytes of all sources."""

    answers: int
    total: int


async def keep(tx: AsyncConnection, answer: Answer, caps: Caps) -> int | None:
    """Keep an answer and make room for it; returns its number, that of the last one where it is the same as that.

    None: it is larger than all that may be kept.
    """
    if len(answer.body) > caps.total:
        return None
    alike = (raw.c.source_id == answer.source_id, raw.c.how == answer.how, raw.c.url == answer.url)
    last = (await tx.execute(select(raw.c.id, raw.c.digest).where(*alike).order_by(raw.c.id.desc()).limit(1))).first()
    if last is not None and last.digest == answer.digest:
        return int(last.id)
    row = {**asdict(answer), "size": len(answer.body)}
    number = int((await tx.execute(insert(raw).values(row).returning(raw.c.id))).scalar_one())
    await _drop_old(tx, answer.source_id, caps.answers)
    await _fit(tx, caps.total)
    return number


async def _drop_old(tx: AsyncConnection, source_id: str, answers: int) -> None:
    """All of the source before its newest so many answers, their articles with them."""
    newest = select(raw.c.id).where(raw.c.source_id == source_id, raw.c.how != "article").order_by(raw.c.id.desc())
    last = await tx.scalar(newest.limit(1).offset(answers))
    if last is not None:
        await tx.execute(delete(raw).where(raw.c.source_id == source_id, raw.c.id <= last))


async def _fit(tx: AsyncConnection, total: int) -> None:
    """While there is too much, the oldest of the source that has the most goes: a noisy one costs nobody else."""
    query = select(raw.c.source_id, func.sum(raw.c.size).label("bytes")).group_by(raw.c.source_id)
    held = {row.source_id: int(row.bytes) for row in await tx.execute(query)}
    over = sum(held.values()) - total
    while over > 0:
        most = max(held, key=lambda one: held[one])
        oldest = select(raw.c.id).where(raw.c.source_id == most).order_by(raw.c.id).limit(1).scalar_subquery()
        size = (await tx.execute(delete(raw).where(raw.c.id == oldest).returning(raw.c.size))).scalar_one()
        held[most] -= size
        over -= size


async def decided(tx: AsyncConnection, number: int, what: Mapping[str, Any]) -> None:
    """What the desk made of an answer; the first time counts, when it was new."""
    where = (raw.c.id == number, raw.c.decided.is_(None))
    size = raw.c.size + len(json.dumps(what))
    await tx.execute(update(raw).where(*where).values(decided=dict(what), size=size))


async def since(connection: AsyncConnection, source_id: str, moment: datetime | None) -> list[int]:
    """The numbers of a source's answers, oldest first, articles among them."""
    query = select(raw.c.id).where(raw.c.source_id == source_id).order_by(raw.c.id)
    return list(await connection.scalars(query if moment is None else query.where(raw.c.at >= moment)))


async def one(connection: AsyncConnection, number: int) -> Kept | None:
    """None: it has been deleted since."""
    row = (await connection.execute(select(raw).where(raw.c.id == number))).one_or_none()
    return None if row is None else Kept(row.id, row.at, row.how, row.url, row.body, row.decided)


async def news_of(connection: AsyncConnection, numbers: Sequence[int]) -> list[dict[str, Any] | None]:
    """What was decided about these answers, in this order; articles are left out."""
    query = select(raw.c.decided).where(raw.c.id.in_(numbers), raw.c.how != "article").order_by(raw.c.id)
    return list(await connection.scalars(query))


async def prune(tx: AsyncConnection, before: datetime | None, batch: int) -> bool:
    """Delete what is older than that (None: everything) and what came from sources that are watched no more, so many
    at most; says whether there may be more."""
    ids = select(raw.c.id).limit(batch)
    if before is not None:
        watched = select(sources.c.id).where(sources.c.active)
        ids = ids.where(or_(raw.c.at < before, raw.c.source_id.not_in(watched)))
    return (await tx.execute(delete(raw).where(raw.c.id.in_(ids.scalar_subquery())))).rowcount == batch


async def article(connection: AsyncConnection, source_id: str, url: str) -> bytes | None:
    """The newest answer of an article that was asked for, None where none is kept."""
    query = select(raw.c.body).where(raw.c.source_id == source_id, raw.c.how == "article", raw.c.url == url)
    return await connection.scalar(query.order_by(raw.c.id.desc()).limit(1))
