"""Chats, what they chose and what they subscribed to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, String, cast, delete, func, literal_column, or_, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from models import Chat, ChatSettings, Subscription
from storage import asked
from storage.tables import accounts, chats, deliveries, subscriptions


@dataclass(frozen=True, slots=True)
class KnownChat:
    """A chat that has a row. `paused` is the reason while its door is closed."""

    id: int
    chat: Chat
    settings: ChatSettings
    subscribed: bool
    paused: str


def chat_of(row: Row[Any]) -> Chat:
    return Chat(row.platform, row.account, row.chat, row.thread)


def settings_of(row: Row[Any]) -> ChatSettings:
    return ChatSettings(row.language, row.timezone, row.pictures)


def _is(chat: Chat) -> Any:
    return (
        (chats.c.platform == chat.platform)
        & (chats.c.account == chat.account)
        & (chats.c.chat == chat.id)
        & (chats.c.thread == chat.thread)
    )


async def find(connection: AsyncConnection, chat: Chat) -> KnownChat | None:
    row = (await connection.execute(select(chats).where(_is(chat)))).one_or_none()
    if row is None:
        return None
    return KnownChat(row.id, chat_of(row), settings_of(row), row.subscribed, row.paused)


async def subscribe(tx: AsyncConnection, chat: Chat, settings: ChatSettings, wish: Subscription, now: datetime) -> int:
    """Let the chat receive what `wish` matches, beside what it receives already; returns the chat's row id.

    An empty wish (everything) replaces all narrower ones. A paused chat is let in again.
    """
    row = {
        "platform": chat.platform,
        "account": chat.account,
        "chat": chat.id,
        "thread": chat.thread,
        "language": settings.language,
        "timezone": settings.timezone,
        "pictures": settings.pictures,
        "subscribed": True,
        "paused": "",
        "created": now,
    }
    chat_id = (
        await tx.execute(
            insert(chats)
            .values(row)
            .on_conflict_do_update(
                index_elements=["platform", "account", "chat", "thread"], set_={"subscribed": True, "paused": ""}
            )
            .returning(chats.c.id)
        )
    ).scalar_one()
    lists = {
        "sources": list(wish.sources),
        "topics": list(wish.topics),
        "include": list(wish.include),
        "exclude": list(wish.exclude),
    }
    if not any(lists.values()):
        await tx.execute(delete(subscriptions).where(subscriptions.c.chat_id == chat_id))
    await tx.execute(insert(subscriptions).values(chat_id=chat_id, **lists))
    await _stand_in_line(tx, int(chat_id), chat.platform)
    return int(chat_id)


async def unsubscribe(tx: AsyncConnection, chat: Chat) -> bool:
    """Stop everything for the chat; says whether it had received anything. What was sent stays known."""
    known = await find(tx, chat)
    if known is None or not known.subscribed:
        return False
    await tx.execute(delete(subscriptions).where(subscriptions.c.chat_id == known.id))
    await tx.execute(update(chats).where(chats.c.id == known.id).values(subscribed=False))
    return True


async def subscribed_after(tx: AsyncConnection, cursor: int, limit: int) -> list[int]:
    """The next `limit` subscribed chats by row id."""
    query = select(chats.c.id).where(chats.c.subscribed, chats.c.id > cursor).order_by(chats.c.id).limit(limit)
    return [*await tx.scalars(query)]


async def wishes_between(tx: AsyncConnection, after: int, last: int) -> list[tuple[int, tuple[Subscription, ...]]]:
    """The chats with row ids above `after` up to `last` that do not simply want everything, each with its wishes."""
    lists = [subscriptions.c[name] for name in ("sources", "topics", "include", "exclude")]
    narrow = or_(*(cast(part, String) != "[]" for part in lists))
    found: dict[int, list[Subscription]] = {}
    query = select(subscriptions).where(subscriptions.c.chat_id > after, subscriptions.c.chat_id <= last, narrow)
    for row in await tx.execute(query.order_by(subscriptions.c.chat_id)):
        wish = Subscription(row.chat_id, tuple(row.sources), tuple(row.topics), tuple(row.include), tuple(row.exclude))
        found.setdefault(row.chat_id, []).append(wish)
    return [(chat_id, tuple(wishes)) for chat_id, wishes in found.items()]


async def move(tx: AsyncConnection, chat_id: int, to: Chat) -> int:
    """A group became a supergroup: the row, and with it settings and ledger, gets the new id.

    If the new chat has a row already (it wrote before the old one was told), the old one is closed; whatever it was
    still owed is for the caller to hand over. Returns the row id of the new chat.
    """
    before = (await tx.execute(select(chats).where(chats.c.id == chat_id))).one()
    await asked.move(tx, chat_of(before), to)
    taken = await find(tx, to)
    if taken is not None and taken.id != chat_id:
        await tx.execute(delete(subscriptions).where(subscriptions.c.chat_id == chat_id))
        await tx.execute(update(chats).where(chats.c.id == chat_id).values(subscribed=False, paused="moved"))
        return taken.id
    await tx.execute(update(chats).where(chats.c.id == chat_id).values(account=to.account, chat=to.id))
    return chat_id


async def pause(tx: AsyncConnection, chat_id: int, reason: str) -> None:
    await tx.execute(update(chats).where(chats.c.id == chat_id).values(paused=reason))
    await _stand_in_line(tx, chat_id, None)


async def resume(tx: AsyncConnection, chat: Chat) -> int | None:
    """The chat lets us in again; returns its row id if it was paused."""
    resumed: int | None = await tx.scalar(
        update(chats).where(_is(chat), chats.c.paused != "").values(paused="", held_until=None).returning(chats.c.id)
    )
    if resumed is not None:
        await _stand_in_line(tx, resumed, chat.platform)
    return resumed


async def _stand_in_line(tx: AsyncConnection, chat_id: int, queue: str | None) -> None:
    """What waits for the chat stands in its platform's line, or in none while its door is closed."""
    waits = (deliveries.c.chat_id == chat_id, deliveries.c.status == literal_column("'waiting'"))
    await tx.execute(update(deliveries).where(*waits).values(queue=queue))


async def hold(tx: AsyncConnection, chat_id: int, until: datetime) -> None:
    await tx.execute(update(chats).where(chats.c.id == chat_id).values(held_until=until))


async def hold_account(tx: AsyncConnection, platform: str, until: datetime) -> None:
    """Remember that the platform told all of the account to wait."""
    row = {"platform": platform, "held_until": until}
    await tx.execute(insert(accounts).values(row).on_conflict_do_update(index_elements=["platform"], set_=row))


async def held_accounts(connection: AsyncConnection) -> dict[str, datetime]:
    """Until when each platform told the account to wait."""
    return {row.platform: row.held_until for row in await connection.execute(select(accounts))}


async def count(connection: AsyncConnection) -> int:
    """How many chats receive alerts, the console page left out."""
    where = (chats.c.subscribed, chats.c.platform != "console")
    return await connection.scalar(select(func.count()).select_from(chats).where(*where)) or 0


async def keep_console(tx: AsyncConnection, chat: Chat, language: str, timezone: str, now: datetime) -> None:
    """The page is a chat that receives everything; its row appears at the first start."""
    settings = ChatSettings(language, timezone)
    if await find(tx, chat) is None:
        await subscribe(tx, chat, settings, Subscription(0), now)
    await tx.execute(update(chats).where(_is(chat)).values(language=language, timezone=timezone))
