"""What waits for a chat's quiet hours to end or for its digest, and what was dropped while it was muted."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, case, func, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from models import Chat, ChatSettings, Delivery, Urgency
from storage.chats import SETTINGS, chat_of, settings_of
from storage.ledger import delivery_of
from storage.tables import UtcDateTime, alerts, chats, deliveries, each

WAITING = deliveries.c.status == literal_column("'waiting'")
LATE = timedelta(days=1)
"""How long before it was sent an alert may have been made."""
MUTED = (deliveries.c.status == literal_column("'dropped'"), deliveries.c.problem == literal_column("'muted'"))
"""The conditions of indexes, as literals (see `storage.ledger`)."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A chat for which something is held, or was until now. `digest_since`: when its last digest was due."""

    chat_id: int
    chat: Chat
    settings: ChatSettings
    digest_since: datetime | None
    digest_at: datetime | None
    muted_since: datetime | None


def _holding(row: Row[Any]) -> Holding:
    return Holding(row.id, chat_of(row), settings_of(row), row.digest_since, row.digest_at, row.muted_since)


def _chats() -> Any:
    place = (chats.c.platform, chats.c.account, chats.c.chat, chats.c.thread)
    return select(chats.c.id, *place, *SETTINGS, chats.c.digest_since, chats.c.digest_at, chats.c.muted_since)


DUE = (
    _chats()
    .where(
        chats.c.subscribed,
        chats.c.release_at.is_not(None),
        chats.c.release_at <= bindparam("now", type_=UtcDateTime),
        chats.c.platform.in_(each("platforms")),
    )
    .order_by(chats.c.release_at)
    .limit(bindparam("most"))
)


async def due(tx: AsyncConnection, now: datetime, platforms: Collection[str], limit: int) -> list[Holding]:
    """Chats for which something may be due, longest first."""
    ripe = {"now": now, "platforms": json.dumps([*platforms]), "most": limit}
    return [_holding(row) for row in await tx.execute(DUE, ripe)]


async def one(tx: AsyncConnection, chat_id: int) -> Holding:
    return _holding((await tx.execute(_chats().where(chats.c.id == chat_id))).one())


async def rows(tx: AsyncConnection, chat_id: int) -> list[Delivery]:
    """What is held for the chat, by alert."""
    here = (deliveries.c.chat_id == chat_id, WAITING, deliveries.c.held)
    return [
        delivery_of(row) for row in await tx.execute(select(deliveries).where(*here).order_by(deliveries.c.alert_id))
    ]


async def let_go(tx: AsyncConnection, ids: Sequence[int]) -> None:
    """These may go out now: they stand in their platform's line, unless the chat's door is closed."""
    queue = select(case((chats.c.paused == "", chats.c.platform))).where(chats.c.id == deliveries.c.chat_id)
    released = update(deliveries).where(deliveries.c.id.in_(ids))
    await tx.execute(released.values(held=False, queue=queue.scalar_subquery()))


async def told_between(tx: AsyncConnection, chat_id: int, since: datetime, until: datetime) -> list[int]:
    """The deliveries that were sent to the chat in that time, each in a message of its own."""
    recent = select(alerts.c.id).where(alerts.c.newest >= since - LATE)
    alone = (deliveries.c.alert_id.in_(recent), deliveries.c.chat_id == chat_id, deliveries.c.message.is_(None))
    sent = (deliveries.c.status == "sent", deliveries.c.sent_at >= since, deliveries.c.sent_at < until)
    return [*await tx.scalars(select(deliveries.c.id).where(*alone, *sent).order_by(deliveries.c.alert_id))]


async def hold_anew(tx: AsyncConnection, chat_id: int, due_at: dict[Urgency, datetime]) -> None:
    """What is held becomes due when it would be by other settings."""
    for urgency, at in due_at.items():
        here = (deliveries.c.chat_id == chat_id, WAITING, deliveries.c.held, deliveries.c.urgency == urgency.value)
        await tx.execute(update(deliveries).where(*here).values(due=at))


async def choose(tx: AsyncConnection, chat_id: int, **columns: Any) -> None:
    """Change columns of the chat."""
    await tx.execute(update(chats).where(chats.c.id == chat_id).values(**columns))


async def drop(tx: AsyncConnection, chat_id: int, now: datetime) -> None:
    """What waits for the chat is no longer wanted, since it is muted."""
    here = (deliveries.c.chat_id == chat_id, WAITING)
    await tx.execute(update(deliveries).where(*here).values(status="dropped", problem="muted", due=now))


async def dropped_since(connection: AsyncConnection, chat_id: int, since: datetime) -> int:
    """How many alerts the chat did not get while it was muted."""
    here = (deliveries.c.chat_id == chat_id, *MUTED, deliveries.c.due >= since)
    return await connection.scalar(select(func.count()).select_from(deliveries).where(*here)) or 0
