"""Posts that wait for an admin's word: news, or old posts under new names."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from models import Condensed, Post, Urgency
from storage.tables import held, held_posts

CHUNK = 500


@dataclass(frozen=True, slots=True)
class HeldPost:
    """A post as it was read: all that is needed to send it. `searched`: headline, text and tokens. `known` is the post
    that it looks like, by its key."""

    post: Post
    condensed: Condensed
    fingerprint: str
    searched: tuple[str, str, str]
    known: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What came at once. `titles`: of the first few."""

    id: int
    source_id: str
    created: datetime
    count: int
    titles: tuple[str, ...]


async def hold(tx: AsyncConnection, source_id: str, posts: Sequence[HeldPost], now: datetime) -> int:
    """Keep the posts until somebody decides; returns the number of the batch."""
    row = (await tx.execute(insert(held).values(source_id=source_id, created=now).returning(held.c.id))).one()
    await _keep(tx, source_id, int(row.id), posts)
    return int(row.id)


async def change(tx: AsyncConnection, source_id: str, posts: Sequence[HeldPost]) -> None:
    """Posts that are held were read in another form."""
    for one in posts:
        this = (held_posts.c.source_id == source_id, held_posts.c.key == one.post.key)
        number = await tx.scalar(select(held_posts.c.held_id).where(*this))
        if number is not None:
            await _keep(tx, source_id, number, [one])


async def _keep(tx: AsyncConnection, source_id: str, number: int, posts: Sequence[HeldPost]) -> None:
    rows = [
        {
            "source_id": source_id,
            "key": one.post.key,
            "held_id": number,
            "fingerprint": one.fingerprint,
            "post": _plain(one.post),
            "condensed": _plain(one.condensed),
            "searched": list(one.searched),
            "known": one.known,
        }
        for one in posts
    ]
    statement = insert(held_posts)
    fresh = {name: statement.excluded[name] for name in ("fingerprint", "post", "condensed", "searched")}
    await tx.execute(statement.on_conflict_do_update(index_elements=["source_id", "key"], set_=fresh), rows)


async def fingerprints(connection: AsyncConnection, source_id: str, keys: Sequence[str]) -> dict[str, str]:
    """Those of the keys that are held, with what was read under them."""
    found: dict[str, str] = {}
    for start in range(0, len(keys), CHUNK):
        rows = await connection.execute(
            select(held_posts.c.key, held_posts.c.fingerprint).where(
                held_posts.c.source_id == source_id, held_posts.c.key.in_(keys[start : start + CHUNK])
            )
        )
        found.update({row.key: row.fingerprint for row in rows})
    return found


async def batches(connection: AsyncConnection) -> list[Batch]:
    """All that is undecided, oldest first."""
    counts = select(held_posts.c.held_id, func.count().label("posts")).group_by(held_posts.c.held_id).subquery()
    rows = await connection.execute(
        select(held, counts.c.posts).join(counts, counts.c.held_id == held.c.id).order_by(held.c.id)
    )
    return [
        Batch(row.id, row.source_id, row.created, row.posts, await _titles(connection, row.id)) for row in rows.all()
    ]


async def _titles(connection: AsyncConnection, number: int) -> tuple[str, ...]:
    rows = await connection.scalars(select(held_posts.c.post).where(held_posts.c.held_id == number).limit(3))
    return tuple(str(post["title"]) for post in rows)


async def release(tx: AsyncConnection, number: int) -> tuple[str, list[HeldPost]] | None:
    """Take a batch out, once: its source and its posts in the order in which they came; None when it is decided."""
    source_id = await tx.scalar(select(held.c.source_id).where(held.c.id == number))
    if source_id is None:
        return None
    rows = (await tx.execute(select(held_posts).where(held_posts.c.held_id == number).order_by(held_posts.c.id))).all()
    await tx.execute(delete(held_posts).where(held_posts.c.held_id == number))
    await tx.execute(delete(held).where(held.c.id == number))
    return str(source_id), [
        HeldPost(_post(row.post), _condensed(row.condensed), row.fingerprint, _three(row.searched), row.known)
        for row in rows
    ]


def _three(texts: list[str]) -> tuple[str, str, str]:
    headline, text, tokens = texts
    return headline, text, tokens


def _plain(value: Post | Condensed) -> dict[str, Any]:
    return {name: one.isoformat() if isinstance(one, datetime) else one for name, one in asdict(value).items()}


def _post(plain: Mapping[str, Any]) -> Post:
    known = {field.name for field in fields(Post)}
    values = {name: value for name, value in plain.items() if name in known}
    for name in ("published", "updated"):
        values[name] = datetime.fromisoformat(values[name]) if values.get(name) else None
    return Post(**{**values, "categories": tuple(values["categories"])})


def _condensed(plain: Mapping[str, Any]) -> Condensed:
    known = {field.name for field in fields(Condensed)}
    values = {name: value for name, value in plain.items() if name in known}
    spans = tuple(tuple((start, end) for start, end in of_one) for of_one in values.get("spans", ()))
    values |= {"bullets": tuple(values["bullets"]), "urgency": Urgency(values["urgency"]), "spans": spans}
    return Condensed(**values)
