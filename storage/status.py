"""How the desk is doing, in a few numbers."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from models import Status
from storage.tables import chats, deliveries, versions

NEWEST = 5_000


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What is owed: `waiting` and under way, and without an answer. `closed`: chats whose door is closed to us."""

    waiting: int
    unknown: int
    closed: int


async def owed(connection: AsyncConnection) -> Deliveries:
    """What subscribed chats are still to get."""
    counts = []
    for states in ((Status.WAITING,), (Status.SENDING,), (Status.UNKNOWN,)):
        part = deliveries.c.status == states[0].value
        query = select(func.count()).select_from(deliveries.join(chats, deliveries.c.chat_id == chats.c.id))
        counts.append(await connection.scalar(query.where(chats.c.subscribed, part)) or 0)
    closed = select(func.count()).select_from(chats).where(chats.c.subscribed, chats.c.paused != "")
    return Deliveries(counts[0] + counts[1], counts[2], await connection.scalar(closed) or 0)


async def publish_to_alert(connection: AsyncConnection, since: datetime) -> list[float]:
    """Seconds from the publisher's time to the chat, shortest first, of what was sent since then: of the newest
    `NEWEST` deliveries. Posts with only a date are left out."""
    newest = select(deliveries).order_by(deliveries.c.id.desc()).limit(NEWEST).subquery()
    rows = await connection.execute(
        select(newest.c.sent_at, versions.c.published)
        .join(versions, (versions.c.alert_id == newest.c.alert_id) & (versions.c.n == 1))
        .where(newest.c.sent_at >= since, versions.c.published.is_not(None), ~versions.c.date_only)
    )
    return sorted((row.sent_at - row.published).total_seconds() for row in rows)
