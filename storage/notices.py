"""What the admins are told: written in the transaction of what caused it, sent later, at least once."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, literal_column, select, update
from sqlalchemy.dialects.sqlite import insert as insert_unless
from sqlalchemy.ext.asyncio import AsyncConnection

from models import Button
from storage.tables import notices

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to be told. `to`: "telegram:-100", "slack:T0/C0"; empty: whom the desk tells things. `told`: who was.
    `ends`: it tells the end of a trouble, to those who were told of it.

    `text` is a key of the locales, filled with `words`; `language` "" is the desk's.
    """

    id: int
    key: str
    text: str
    words: dict[str, Any]
    buttons: tuple[tuple[Button, ...], ...]
    language: str
    to: tuple[str, ...]
    told: tuple[str, ...]
    created: datetime
    printed: bool
    ends: bool


async def tell(
    tx: AsyncConnection,
    now: datetime,
    key: str,
    text: str,
    /,
    *,
    to: Sequence[str] = (),
    language: str = "",
    buttons: Sequence[Sequence[Button]] = (),
    **words: str | int,
) -> bool:
    """Tell the admins, unless they were told of the same trouble and it is not over; says whether it is new."""
    row = _row(key, text, words, now) | {"to": list(to), "language": language}
    row["buttons"] = [[asdict(button) for button in line] for line in buttons]
    new = insert_unless(notices).values(row)
    new = new.on_conflict_do_nothing(index_elements=["key"], index_where=literal_column("over is null"))
    return (await tx.execute(new)).rowcount > 0


async def say(
    tx: AsyncConnection, now: datetime, key: str, text: str, /, *, to: str, language: str, **words: str | int
) -> None:
    """Tell one chat a line that is no trouble."""
    row = _row(key, text, words, now) | {"to": [to], "language": language, "over": now, "printed": True}
    await tx.execute(insert(notices).values(row))


async def over(tx: AsyncConnection, now: datetime, key: str, text: str = "", /, **words: str | int) -> bool:
    """The trouble is over: it may be told again when it comes back; says whether there was one.

    `text` is told to those who had been told of the trouble. Who had not will hear of neither.
    """
    ended = update(notices).where(notices.c.key == key, notices.c.over.is_(None)).values(over=now)
    row = (await tx.execute(ended.returning(notices.c.id, notices.c.language))).one_or_none()
    if row is None:
        return False
    await tx.execute(update(notices).where(notices.c.id == row.id, notices.c.done.is_(None)).values(done=now))
    if text:
        news = _row(key, text, words, now) | {"language": row.language, "over": now, "ends": row.id}
        await tx.execute(insert(notices).values(news))
    return True


def _row(key: str, text: str, words: dict[str, Any], now: datetime) -> dict[str, Any]:
    empty = {"buttons": [], "language": "", "to": [], "told": [], "printed": False}
    return {"key": key[:200], "text": text, "words": words, "created": now} | empty


def _notice(row: Row[Any], to: Sequence[str]) -> Notice:
    buttons = tuple(tuple(Button(**button) for button in line) for line in row.buttons)
    told = tuple(row.told)
    new = (row.id, row.key, row.text, row.words, buttons, row.language, tuple(to), told, row.created, row.printed)
    return Notice(*new, ends=row.ends is not None)


async def pending(connection: AsyncConnection) -> list[Notice]:
    """What is still to be told to somebody, oldest first."""
    ended = notices.alias()
    query = select(notices, ended.c.told.label("told_before")).outerjoin(ended, ended.c.id == notices.c.ends)
    rows = await connection.execute(query.where(notices.c.done.is_(None)).order_by(notices.c.id).limit(AT_ONCE))
    return [_notice(row, row.to if row.ends is None else row.told_before or ()) for row in rows]


async def unsolved(connection: AsyncConnection, limit: int) -> list[Notice]:
    """The newest troubles that are not over."""
    query = select(notices).where(notices.c.over.is_(None)).order_by(notices.c.id.desc()).limit(limit)
    return [_notice(row, row.to) for row in await connection.execute(query)]


async def save(tx: AsyncConnection, notice_id: int, told: Sequence[str]) -> None:
    """Who has been told by now; it stands in the log too."""
    await tx.execute(update(notices).where(notices.c.id == notice_id).values(told=list(told), printed=True))


async def finish(tx: AsyncConnection, notice_id: int, now: datetime) -> None:
    """Nobody is left to be told."""
    await tx.execute(update(notices).where(notices.c.id == notice_id).values(done=now))


async def prune(tx: AsyncConnection, before: datetime, batch: int) -> bool:
    """Delete notices that were told and over before then, so many at most; says whether there may be more."""
    old = (notices.c.done.is_not(None), notices.c.done < before, notices.c.over.is_not(None), notices.c.over < before)
    ids = select(notices.c.id).where(*old).limit(batch)
    gone = await tx.execute(delete(notices).where(notices.c.id.in_(ids.scalar_subquery())))
    return gone.rowcount == batch
