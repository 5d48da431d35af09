"""Questions whose answers have page buttons: kept so long that a button works after a restart, and then forgotten."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from models import Chat
from storage.tables import asked

KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a chat. `order` is "best" or "newest"; `below` bounds what its answer knew."""

    id: int
    command: str
    line: str
    order: str
    below: int
    at: datetime


def _of(chat: Chat) -> Any:
    return (asked.c.platform == chat.platform) & (asked.c.account == chat.account) & (asked.c.chat == chat.id)


async def keep(tx: AsyncConnection, chat: Chat, question: Asked) -> int:
    """Remember a question of the chat, whatever its id, and forget what is too old; returns its id."""
    await tx.execute(delete(asked).where(asked.c.at < question.at - KEPT))
    row = {
        "platform": chat.platform,
        "account": chat.account,
        "chat": chat.id,
        "command": question.command,
        "line": question.line,
        "order": question.order,
        "below": question.below,
        "at": question.at,
    }
    made = await tx.execute(insert(asked).values(row).returning(asked.c.id))
    return int(made.scalar_one())


async def find(connection: AsyncConnection, chat: Chat, question_id: int, command: str, now: datetime) -> Asked | None:
    """The question of this chat; None when it is forgotten, or another chat's."""
    query = select(asked).where(asked.c.id == question_id, _of(chat), asked.c.command == command)
    row = (await connection.execute(query.where(asked.c.at >= now - KEPT))).one_or_none()
    return None if row is None else Asked(row.id, row.command, row.line, row.order, row.below, row.at)


async def reorder(tx: AsyncConnection, question_id: int, order: str) -> None:
    await tx.execute(update(asked).where(asked.c.id == question_id).values(order=order))


async def move(tx: AsyncConnection, chat: Chat, to: Chat) -> None:
    """The chat got a new id: its buttons go on working."""
    await tx.execute(update(asked).where(_of(chat)).values(account=to.account, chat=to.id))


async def forget(tx: AsyncConnection, chat: Chat) -> None:
    await tx.execute(delete(asked).where(_of(chat)))
