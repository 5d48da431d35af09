"""What chats subscribed to: several filters each."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    String,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from models import Listener, Subscription, Urgency
from storage.chats import LISTS, SETTINGS, settings_of, wants_everything
from storage.tables import chats, subscriptions


def _wish(row: Row[Any]) -> Subscription:
    lists = {name: tuple(getattr(row, name)) for name in LISTS}
    return Subscription(row.chat_id, urgency=Urgency(row.urgency), **lists)


def _plain() -> ColumnElement[bool]:
    """Chats whose settings keep nothing from them."""
    return and_(
        cast(chats.c.muted_topics, String) == "[]",
        ~chats.c.only_urgent,
        chats.c.quiet == "",
        chats.c.digest == "",
        chats.c.muted_until.is_(None),
    )


def simply_everything() -> ColumnElement[bool]:
    """Of a query over chats: those that get every alert, which need not be weighed one by one."""
    return and_(_plain(), exists().where(subscriptions.c.chat_id == chats.c.id, wants_everything()))


AFTER: ColumnElement[int] = bindparam("after", type_=Integer)
LAST: ColumnElement[int] = bindparam("last", type_=Integer)
_SOME = select(chats.c.id).where(chats.c.subscribed, chats.c.id > AFTER).order_by(chats.c.id).limit(bindparam("most"))
SOME = select(func.count(), func.max(_SOME.subquery().c.id))
COUNT = select(func.count()).where(chats.c.subscribed, chats.c.id > AFTER, chats.c.id <= LAST)


def _narrow(query: Select[Any]) -> Select[Any]:
    """Of the subscriptions of these chats: those of chats that do not simply want everything."""
    here = (subscriptions.c.chat_id > AFTER, subscriptions.c.chat_id <= LAST, chats.c.subscribed)
    known = query.join(chats, chats.c.id == subscriptions.c.chat_id).where(*here)
    return known.where(or_(~wants_everything(), ~_plain()))


NARROW_ONES = (
    _narrow(select(subscriptions.c.chat_id))
    .distinct()
    .order_by(subscriptions.c.chat_id)
    .limit(1)
    .offset(bindparam("weighed"))
)
LISTENERS = _narrow(select(subscriptions, *SETTINGS)).order_by(subscriptions.c.chat_id, subscriptions.c.id)


async def chunk_after(tx: AsyncConnection, cursor: int, limit: int, weighed: int) -> tuple[int, int] | None:
    """The next subscribed chats by row id, at most `limit`, of which at most `weighed` must be weighed: how many, and
    the last of them; None: there is none."""
    count, last = (await tx.execute(SOME, {"after": cursor, "most": limit})).one()
    if not count:
        return None
    full = await tx.scalar(NARROW_ONES, {"after": cursor, "last": last, "weighed": weighed - 1})
    if full is None or full == last:
        return count, last
    return await tx.scalar(COUNT, {"after": cursor, "last": full}) or 0, full


async def listeners_between(tx: AsyncConnection, after: int, last: int) -> list[Listener]:
    """The chats with row ids above `after` up to `last` that do not simply want everything, each with its wishes."""
    found: dict[int, list[Row[Any]]] = {}
    for row in await tx.execute(LISTENERS, {"after": after, "last": last}):
        found.setdefault(row.chat_id, []).append(row)
    return [Listener(one, tuple(map(_wish, rows)), settings_of(rows[0])) for one, rows in found.items()]


async def everybody(connection: AsyncConnection) -> tuple[int, list[Listener]]:
    """How many subscribed chats simply get everything, and all others."""
    simple = select(func.count()).select_from(chats).where(chats.c.subscribed, simply_everything())
    last = await connection.scalar(select(func.max(chats.c.id))) or 0
    return await connection.scalar(simple) or 0, await listeners_between(connection, 0, last)


async def of_chat(connection: AsyncConnection, chat_id: int) -> list[tuple[int, Subscription]]:
    """The chat's subscriptions with their row ids, in the order in which they were made."""
    query = select(subscriptions).where(subscriptions.c.chat_id == chat_id).order_by(subscriptions.c.id)
    return [(row.id, _wish(row)) for row in await connection.execute(query)]


async def remove(tx: AsyncConnection, chat_id: int, ids: Sequence[int] | None = None) -> int:
    """Take these of the chat's subscriptions away, None: all; returns how many there were."""
    where = [subscriptions.c.chat_id == chat_id]
    if ids is not None:
        where.append(subscriptions.c.id.in_(ids))
    return (await tx.execute(delete(subscriptions).where(*where))).rowcount


async def mute_topics(tx: AsyncConnection, chat_id: int, topics: Sequence[str]) -> None:
    """What the chat gets no more, whatever it subscribed to; in place of what it muted before."""
    await tx.execute(update(chats).where(chats.c.id == chat_id).values(muted_topics=list(topics)))
