"""The ledger: what each chat is owed, and how far that got. `sending` is saved before the call, the rest after it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from models import Alert, Delivery, Parcel, Status, Urgency
from storage import archive
from storage.chats import chat_of, settings_of
from storage.tables import alerts, chats, deliveries, fanouts


@dataclass(frozen=True, slots=True)
class Fanout:
    """An alert that is still owed to the chats with row ids above `cursor`."""

    id: int
    alert: Alert
    source_ids: tuple[str, ...]
    cursor: int


async def next_fanout(tx: AsyncConnection) -> Fanout | None:
    """The oldest open fan-out."""
    query = archive.alert_columns().add_columns(fanouts.c.id.label("fanout_id"), fanouts.c.cursor, alerts.c.source_ids)
    row = (
        await tx.execute(query.join(fanouts, fanouts.c.alert_id == alerts.c.id).order_by(fanouts.c.id).limit(1))
    ).first()
    if row is None:
        return None
    return Fanout(row.fanout_id, archive.alert_of(row), tuple(row.source_ids), row.cursor)


async def fill(
    tx: AsyncConnection, fanout: Fanout, chat_ids: Sequence[int], now: datetime, *, cursor: int | None
) -> None:
    """Owe the alert to these chats and move the cursor; `cursor` None closes the fan-out."""
    if chat_ids:
        row = {
            "alert_id": fanout.alert.id,
            "urgency": fanout.alert.urgency,
            "due": now,
            "status": Status.WAITING,
            "attempts": 0,
            "wanted": fanout.alert.version,
            "shown": 0,
            "message_id": "",
            "plain": False,
            "problem": "",
            "owner": "",
            "unknowns": 0,
            "created": now,
        }
        rows = [{**row, "chat_id": chat_id} for chat_id in chat_ids]
        await tx.execute(insert(deliveries).on_conflict_do_nothing(), rows)
    if cursor is None:
        await tx.execute(delete(fanouts).where(fanouts.c.id == fanout.id))
    else:
        await tx.execute(update(fanouts).where(fanouts.c.id == fanout.id).values(cursor=cursor))


def delivery_of(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        alert_id=row.alert_id,
        chat_id=row.chat_id,
        urgency=Urgency(row.urgency),
        due=row.due,
        status=Status(row.status),
        attempts=row.attempts,
        wanted=row.wanted,
        shown=row.shown,
        message_id=row.message_id,
        plain=row.plain,
        problem=row.problem,
        pictureless=row.pictureless,
    )


def _reachable(ready: Collection[str], busy: Collection[int], now: datetime) -> Any:
    """Chats that may be called now: open door, not held, platform up, no call of ours under way."""
    return and_(
        chats.c.paused == "",
        or_(chats.c.held_until.is_(None), chats.c.held_until <= now),
        chats.c.platform.in_(ready),
        chats.c.id.not_in(busy),
    )


async def claim(
    tx: AsyncConnection,
    *,
    owner: str,
    lease_until: datetime,
    now: datetime,
    room: Mapping[str, int],
    busy: Collection[int],
) -> list[Parcel]:
    """Take the first owed delivery of every chat that may be called, and save it as `sending`.

    Urgent ones first, then by alert. `room` says how many calls each platform may start now; `busy` are the chats
    that have a call under way. A chat with an outcome that is still unknown waits for that to be settled.
    """
    blocked = deliveries.alias()
    unsettled = exists().where(
        blocked.c.chat_id == deliveries.c.chat_id, blocked.c.status.in_((Status.SENDING, Status.UNKNOWN))
    )
    place = func.row_number().over(
        partition_by=deliveries.c.chat_id, order_by=(deliveries.c.urgency.desc(), deliveries.c.alert_id)
    )
    firsts = (
        select(deliveries.c.id, deliveries.c.urgency, deliveries.c.alert_id, chats.c.platform, place.label("place"))
        .join(chats, chats.c.id == deliveries.c.chat_id)
        .where(deliveries.c.status == Status.WAITING, chats.c.subscribed, _reachable([*room], busy, now), ~unsettled)
        .subquery()
    )
    query = select(firsts).where(firsts.c.place == 1).order_by(firsts.c.urgency.desc(), firsts.c.alert_id, firsts.c.id)
    left = dict(room)
    taken: list[int] = []
    for row in await tx.execute(query):
        if left[row.platform] > 0:
            left[row.platform] -= 1
            taken.append(row.id)
    if not taken:
        return []
    await tx.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(taken))
        .values(
            status=Status.SENDING,
            owner=owner,
            lease_until=lease_until,
            called_at=now,
            attempts=deliveries.c.attempts + 1,
        )
    )
    return await _parcels(tx, deliveries.c.id.in_(taken))


async def stale(
    connection: AsyncConnection, *, now: datetime, room: Mapping[str, int], busy: Collection[int]
) -> list[Parcel]:
    """Sent alerts whose message shows an older version than wanted: the first of each chat that may be called."""
    firsts = (
        select(func.min(deliveries.c.id).label("id"), chats.c.platform)
        .join(chats, chats.c.id == deliveries.c.chat_id)
        .where(
            deliveries.c.status == Status.SENT,
            deliveries.c.shown < deliveries.c.wanted,
            _reachable([*room], busy, now),
        )
        .group_by(deliveries.c.chat_id, chats.c.platform)
    )
    left = dict(room)
    taken: list[int] = []
    for row in await connection.execute(firsts):
        if left[row.platform] > 0:
            left[row.platform] -= 1
            taken.append(row.id)
    return await _parcels(connection, deliveries.c.id.in_(taken)) if taken else []


async def unsettled(
    connection: AsyncConnection, *, now: datetime, ready: Collection[str], busy: Collection[int]
) -> list[Parcel]:
    """Deliveries of which nobody knows whether they arrived, and whose time to be settled has come."""
    where = and_(deliveries.c.status == Status.UNKNOWN, deliveries.c.due <= now, _reachable(ready, busy, now))
    return await _parcels(connection, where)


def _with_alert_and_chat() -> Select[Any]:
    return (
        select(deliveries, chats.c.platform, chats.c.account, chats.c.chat, chats.c.thread)
        .add_columns(chats.c.language, chats.c.timezone, chats.c.pictures)
        .join(chats, chats.c.id == deliveries.c.chat_id)
    )


async def _parcels(connection: AsyncConnection, where: Any) -> list[Parcel]:
    order = (deliveries.c.urgency.desc(), deliveries.c.alert_id, deliveries.c.id)
    rows = (await connection.execute(_with_alert_and_chat().where(where).order_by(*order))).all()
    found = {one.id: one for one in await archive.by_ids(connection, list({row.alert_id for row in rows}))}
    return [Parcel(delivery_of(row), found[row.alert_id], chat_of(row), settings_of(row)) for row in rows]


async def lapse(tx: AsyncConnection, *, owner: str, now: datetime, looked_up: Mapping[str, datetime]) -> int:
    """Calls of owners that are gone become unknown; returns how many.

    Whoever calls this holds the database's lock, so every other owner is dead and its lease void, whatever its time
    says; a lease of our own counts until its time. `looked_up` names the platforms that can be asked what became of a
    call, and from when.
    """
    gone = or_(deliveries.c.owner != owner, deliveries.c.lease_until < now)
    count = 0
    for platform in await tx.scalars(select(chats.c.platform).distinct()):
        here = deliveries.c.chat_id.in_(select(chats.c.id).where(chats.c.platform == platform))
        result = await tx.execute(
            update(deliveries)
            .where(deliveries.c.status == Status.SENDING, gone, here)
            .values(
                status=Status.UNKNOWN,
                unknowns=deliveries.c.unknowns + 1,
                due=looked_up.get(platform, now),
                problem="no answer before the end",
            )
        )
        count += result.rowcount
    return count


async def renew(tx: AsyncConnection, owner: str, lease_until: datetime) -> None:
    await tx.execute(
        update(deliveries)
        .where(deliveries.c.status == Status.SENDING, deliveries.c.owner == owner)
        .values(lease_until=lease_until)
    )


async def save(tx: AsyncConnection, delivery_id: int, values: Mapping[str, Any], *, unknown: bool = False) -> None:
    """Write what became of a call. `unknown` counts one more call that may have been delivered unseen."""
    counted = {"unknowns": deliveries.c.unknowns + 1} if unknown else {}
    await tx.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**values, **counted))


async def drop_waiting(
    tx: AsyncConnection, chat_id: int, reason: str, *, created_before: datetime | None = None
) -> int:
    """What a chat no longer wants; returns how many rows."""
    where = [deliveries.c.chat_id == chat_id, deliveries.c.status.in_((Status.WAITING, Status.UNKNOWN))]
    if created_before is not None:
        where.append(deliveries.c.created < created_before)
    result = await tx.execute(update(deliveries).where(*where).values(status=Status.DROPPED, problem=reason))
    return result.rowcount


async def hand_over(tx: AsyncConnection, old: int, new: int) -> None:
    """A chat that has two rows: what is still owed to the old one goes to the new, unless that has it already."""
    known = select(deliveries.c.alert_id).where(deliveries.c.chat_id == new)
    open_ = (Status.WAITING, Status.UNKNOWN)
    await tx.execute(
        update(deliveries)
        .where(deliveries.c.chat_id == old, deliveries.c.status.in_(open_), deliveries.c.alert_id.not_in(known))
        .values(chat_id=new)
    )
    await drop_waiting(tx, old, "moved")


async def waiting_by_platform(connection: AsyncConnection) -> dict[str, int]:
    rows = await connection.execute(
        select(chats.c.platform, func.count())
        .join(deliveries, deliveries.c.chat_id == chats.c.id)
        .where(chats.c.subscribed, deliveries.c.status.in_((Status.WAITING, Status.SENDING, Status.UNKNOWN)))
        .group_by(chats.c.platform)
    )
    return {row[0]: row[1] for row in rows}


async def called_at(connection: AsyncConnection, delivery_id: int) -> datetime | None:
    found: datetime | None = await connection.scalar(
        select(deliveries.c.called_at).where(deliveries.c.id == delivery_id)
    )
    return found
