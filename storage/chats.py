"""Chats, what they chose and what they subscribed to."""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, time
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    String,
    and_,
    cast,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from models import Chat, ChatSettings, Digest, Every, QuietHours, Status, Subscription, Urgency
from storage import access, asked
from storage.tables import accounts, chats, deliveries, each, metadata, notices, subscriptions


@dataclass(frozen=True, slots=True)
class KnownChat:
    """A chat that has a row. `paused` is the reason while its door is closed, `admin` who subscribed it."""

    id: int
    chat: Chat
    settings: ChatSettings
    subscribed: bool
    paused: str
    admin: str = ""
    knocks: int = 0


def chat_of(row: Row[Any]) -> Chat:
    return Chat(row.platform, row.account, row.chat, row.thread)


SETTINGS = (
    *(chats.c[name] for name in ("language", "timezone", "pictures", "hashtags", "here", "only_urgent", "quiet")),
    *(chats.c[name] for name in ("quiet_urgent", "digest", "digest_nothing", "muted_until")),
    type_coerce(chats.c.muted_topics, String).label("muted_topics"),
)
"""The columns that `settings_of` reads, in this order."""
SETTING_NAMES = tuple(column.name for column in SETTINGS)


def settings_of(row: Row[Any]) -> ChatSettings:
    topics = row.muted_topics if isinstance(row.muted_topics, str) else json.dumps(row.muted_topics)
    return settings_in((*(getattr(row, column.name) for column in SETTINGS[:-1]), topics))


@lru_cache(maxsize=1024)
def settings_in(columns: tuple[Any, ...]) -> ChatSettings:
    """Settings as the columns `SETTINGS` have them. Most chats chose the same."""
    row: dict[str, Any] = dict(zip(SETTING_NAMES, columns, strict=True))
    row["quiet"] = quiet_of(row["quiet"], urgent_passes=row.pop("quiet_urgent"))
    row["digest"] = digest_of(row["digest"], say_nothing_new=row.pop("digest_nothing"))
    row["muted_topics"] = tuple(json.loads(row["muted_topics"]))
    return ChatSettings(**row)


def quiet_of(text: str, *, urgent_passes: bool) -> QuietHours | None:
    """ "22:00-07:00", or None for ""."""
    start, _, end = text.partition("-")
    return QuietHours(time.fromisoformat(start), time.fromisoformat(end), urgent_passes) if text else None


def digest_of(text: str, *, say_nothing_new: bool) -> Digest | None:
    """ "hourly", "daily 08:00", "weekdays 08:00", or None for ""."""
    every, _, at = text.partition(" ")
    return Digest(Every(every), time.fromisoformat(at or "08:00"), say_nothing_new) if text else None


def columns_of(settings: ChatSettings) -> dict[str, Any]:
    """The columns that `settings_of` reads."""
    quiet, digest = settings.quiet, settings.digest
    hours = f"{quiet.start:%H:%M}-{quiet.end:%H:%M}" if quiet else ""
    at = f" {digest.at:%H:%M}" if digest and digest.every is not Every.HOURLY else ""
    simple = ("language", "timezone", "pictures", "hashtags", "here", "only_urgent", "muted_until")
    return {name: getattr(settings, name) for name in simple} | {
        "quiet": hours,
        "quiet_urgent": quiet is None or quiet.urgent_passes,
        "digest": f"{digest.every}{at}" if digest else "",
        "digest_nothing": digest is not None and digest.say_nothing_new,
        "muted_topics": list(settings.muted_topics),
    }


LISTS = ("sources", "topics", "include", "exclude", "languages", "without")


def values_of(wish: Subscription) -> dict[str, Any]:
    """The columns of a subscription beside its chat."""
    return {name: list(getattr(wish, name)) for name in LISTS} | {"urgency": wish.urgency.value}


def wants_everything() -> ColumnElement[bool]:
    """Of a query over subscriptions: those without any filter."""
    empty = [cast(subscriptions.c[name], String) == "[]" for name in LISTS]
    return and_(subscriptions.c.urgency == Urgency.NORMAL.value, *empty)


def _known(row: Row[Any]) -> KnownChat:
    return KnownChat(
        row.id, chat_of(row), settings_of(row), row.subscribed, row.paused, admin=row.admin, knocks=row.knocks
    )


def _with_threads(chat: Chat) -> Any:
    """The chat; one without a thread stands for all of its threads."""
    whole = (chats.c.platform == chat.platform) & (chats.c.account == chat.account) & (chats.c.chat == chat.id)
    return whole & (chats.c.thread == chat.thread) if chat.thread else whole


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
    return _known(row)


async def with_threads(connection: AsyncConnection, chat: Chat) -> list[KnownChat]:
    """The rows of a chat: without a thread, those of all its threads."""
    return [_known(row) for row in await connection.execute(select(chats).where(_with_threads(chat)))]


async def one(connection: AsyncConnection, chat_id: int) -> KnownChat:
    return _known((await connection.execute(select(chats).where(chats.c.id == chat_id))).one())


async def known(tx: AsyncConnection, chat: Chat, settings: ChatSettings, now: datetime) -> int:
    """The chat's row id; a chat that has no row gets one, subscribed to nothing."""
    row = {"platform": chat.platform, "account": chat.account, "chat": chat.id, "thread": chat.thread}
    new = row | columns_of(settings) | {"subscribed": False, "paused": "", "created": now}
    await tx.execute(insert(chats).values(new).on_conflict_do_nothing())
    return int((await tx.execute(select(chats.c.id).where(_is(chat)))).scalar_one())


async def subscribe(
    tx: AsyncConnection, chat: Chat, settings: ChatSettings, wish: Subscription, now: datetime, *, by: str = ""
) -> int:
    """Let the chat receive what `wish` matches, beside what it receives already; returns the chat's row id. `by`: the
    person who wished so, "" when not known.

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
        "admin": by,
    }
    again = {"subscribed": True, "paused": "", "knock_at": None} | ({"admin": by} if by else {})
    chat_id = (
        await tx.execute(
            insert(chats)
            .values(row)
            .on_conflict_do_update(index_elements=["platform", "account", "chat", "thread"], set_=again)
            .returning(chats.c.id)
        )
    ).scalar_one()
    if wish == Subscription(wish.chat_id):
        await tx.execute(delete(subscriptions).where(subscriptions.c.chat_id == chat_id))
    await tx.execute(insert(subscriptions).values(chat_id=chat_id, **values_of(wish)))
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


async def move(tx: AsyncConnection, chat_id: int, to: Chat) -> int:
    """A group became a supergroup: the row, and with it settings and ledger, gets the new id and an open door.

    The new chat may have a row already, since somebody wrote there before we were told. If that row receives nothing,
    it makes way. If it does, it keeps its settings and gets the wishes of the old one, which is closed; what that was
    still owed is for the caller to hand over. Returns the row id that the chat has from now on.
    """
    before = (await tx.execute(select(chats).where(chats.c.id == chat_id))).one()
    await asked.move(tx, chat_of(before), to)
    await access.move(tx, chat_of(before), to)
    taken = await find(tx, to)
    if taken is not None and taken.id != chat_id:
        if taken.subscribed:
            return await _unite(tx, chat_id, taken.id)
        away = {"chat": f"{to.id}#{taken.id}", "paused": "moved", "knock_at": None}
        await tx.execute(update(chats).where(chats.c.id == taken.id).values(away))
    here = {"account": to.account, "chat": to.id, "paused": "", "held_until": None, "knocks": 0, "knock_at": None}
    await tx.execute(update(chats).where(chats.c.id == chat_id).values(here))
    await _stand_in_line(tx, chat_id, to.platform)
    return chat_id


async def _unite(tx: AsyncConnection, old: int, new: int) -> int:
    """The new row wants what both wanted; everything, if one of them did."""
    await tx.execute(update(subscriptions).where(subscriptions.c.chat_id == old).values(chat_id=new))
    here = subscriptions.c.chat_id == new
    if await tx.scalar(select(func.count()).select_from(subscriptions).where(here, wants_everything())):
        await tx.execute(delete(subscriptions).where(here, ~wants_everything()))
    closed = {"subscribed": False, "paused": "moved", "knock_at": None}
    await tx.execute(update(chats).where(chats.c.id == old).values(closed))
    return new


async def forget(tx: AsyncConnection, chat: Chat) -> bool:
    """Delete the chat, with its threads, and all that refers to it; False, and nothing done, while a message is on its
    way there."""
    ids = [known.id for known in await with_threads(tx, replace(chat, thread=""))]
    busy = select(deliveries.c.id).where(deliveries.c.chat_id.in_(ids), deliveries.c.status == Status.SENDING)
    if await tx.scalar(busy.limit(1)) is not None:
        return False
    for table in reversed(metadata.sorted_tables):
        for key in table.foreign_keys:
            if key.column is chats.c.id:
                await tx.execute(delete(table).where(key.parent.in_(ids)))
    for one in ids:
        await tx.execute(delete(notices).where(notices.c.key.in_((f"chat/{one}", f"chat/{one}/admin"))))
    await tx.execute(delete(chats).where(chats.c.id.in_(ids)))
    return True


async def forget_person(tx: AsyncConnection, platform: str, account: str, user: str) -> None:
    """Nobody is remembered as the one who subscribed a chat."""
    theirs = (chats.c.platform == platform) & (chats.c.account == account) & (chats.c.admin == user)
    await tx.execute(update(chats).where(theirs).values(admin=""))


async def pause(tx: AsyncConnection, chat_id: int, reason: str, knock_at: datetime | None = None) -> None:
    """The chat's door is closed; it is tried again at `knock_at`."""
    closed = {"paused": reason, "knocks": chats.c.knocks + 1, "knock_at": knock_at}
    await tx.execute(update(chats).where(chats.c.id == chat_id).values(closed))
    await _stand_in_line(tx, chat_id, None)


async def resume(tx: AsyncConnection, chat: Chat) -> list[KnownChat]:
    """The chat lets us in again; returns which rows had a closed door, or had one that was only tried since."""
    shut = or_(chats.c.paused.not_in(("", "moved")), chats.c.knocks > 0)
    opened = {"paused": "", "held_until": None, "knocks": 0, "knock_at": None}
    resumed = update(chats).where(_with_threads(chat), shut).values(opened).returning(chats)
    rows = [_known(row) for row in await tx.execute(resumed)]
    for known in rows:
        await _stand_in_line(tx, known.id, chat.platform)
    return rows


async def knock(tx: AsyncConnection, now: datetime, limit: int = 50) -> list[int]:
    """Closed doors whose time has come and that something waits for are tried: they count as open until they say no."""
    waits = exists().where(deliveries.c.chat_id == chats.c.id, deliveries.c.status == literal_column("'waiting'"))
    due = select(chats.c.id, chats.c.platform).where(chats.c.knock_at.is_not(None), chats.c.knock_at <= now)
    rows = (await tx.execute(due.where(chats.c.subscribed, waits).order_by(chats.c.knock_at).limit(limit))).all()
    for row in rows:
        await tx.execute(update(chats).where(chats.c.id == row.id).values(paused="", knock_at=None, held_until=None))
        await _stand_in_line(tx, row.id, row.platform)
    return [row.id for row in rows]


async def arrived(tx: AsyncConnection, chat_ids: Collection[int]) -> list[KnownChat]:
    """A message arrived in these chats; returns those whose door was found closed before it."""
    if not chat_ids:
        return []
    return [_known(row) for row in await tx.execute(ARRIVED, {"ids": json.dumps([*chat_ids])})]


ARRIVED = (
    update(chats)
    .where(chats.c.id.in_(each("ids")), chats.c.knocks > 0, chats.c.paused == "")
    .values(knocks=0, knock_at=None)
    .returning(chats)
)


async def _stand_in_line(tx: AsyncConnection, chat_id: int, queue: str | None) -> None:
    """What waits for the chat stands in its platform's line, or in none while its door is closed."""
    waits = (deliveries.c.chat_id == chat_id, deliveries.c.status == literal_column("'waiting'"), ~deliveries.c.held)
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
