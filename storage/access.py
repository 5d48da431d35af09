"""Who may use a closed bot: admins who claimed it, chats that were let in, and the tokens by which both come in.

Of a token only its hash is kept. It is spent in the transaction that gives what it stands for: never twice.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from models import Chat
from storage.tables import admins, admitted, tokens


class Right(StrEnum):
    """What a token gives: the bot itself to its first admin, or entry to a chat."""

    CLAIM = "claim"
    INVITE = "invite"


LASTS = {Right.CLAIM: timedelta(hours=24), Right.INVITE: timedelta(days=7)}
BYTES = 18
"""Of a token: 24 letters, which fits into a deep link's 64 beside the word before it."""


@dataclass(frozen=True, slots=True)
class Admin:
    """A person who claimed the bot on a platform."""

    platform: str
    account: str
    user: str


async def all_admins(connection: AsyncConnection) -> list[Admin]:
    return [Admin(row.platform, row.account, row.user) for row in await connection.execute(select(admins))]


async def make_token(
    tx: AsyncConnection, right: Right, platform: str, now: datetime, *, uses: int = 1, by: str = ""
) -> str:
    """A new token; what is over is swept out, and of claims there is one at a time."""
    await tx.execute(delete(tokens).where((tokens.c.expires <= now) | (tokens.c.uses <= 0)))
    if right is Right.CLAIM:
        await end_claims(tx, platform)
    token = secrets.token_urlsafe(BYTES)
    row = {"right": right, "platform": platform, "digest": _digest(token), "uses": uses, "by": by}
    await tx.execute(insert(tokens).values(row | {"expires": now + LASTS[right]}))
    return token


async def spend(tx: AsyncConnection, right: Right, platform: str, token: str, now: datetime) -> bool:
    """Use the token up by one; False when it is unknown, of another platform or right, spent or over."""
    digest, found = _digest(token), None
    valid = (tokens.c.right == right, tokens.c.platform == platform, tokens.c.uses > 0, tokens.c.expires > now)
    for row in await tx.execute(select(tokens.c.id, tokens.c.digest).where(*valid)):
        if hmac.compare_digest(row.digest, digest):
            found = row.id
    if found is None:
        return False
    await tx.execute(update(tokens).where(tokens.c.id == found).values(uses=tokens.c.uses - 1))
    return True


async def end_claims(tx: AsyncConnection, platform: str) -> None:
    await tx.execute(delete(tokens).where(tokens.c.right == Right.CLAIM, tokens.c.platform == platform))


async def make_admin(tx: AsyncConnection, admin: Admin, now: datetime) -> None:
    row = {"platform": admin.platform, "account": admin.account, "user": admin.user, "since": now}
    await tx.execute(insert(admins).values(row).on_conflict_do_nothing())


async def forget_admin(tx: AsyncConnection, admin: Admin) -> None:
    """The person is no admin any more, and made no invitation."""
    here = (admins.c.platform == admin.platform) & (admins.c.account == admin.account)
    await tx.execute(delete(admins).where(here, admins.c.user == admin.user))
    made = (tokens.c.platform == admin.platform) & (tokens.c.by == admin.user)
    await tx.execute(update(tokens).where(made).values(by=""))


async def is_admitted(connection: AsyncConnection, chat: Chat) -> bool:
    here = (admitted.c.platform == chat.platform) & (admitted.c.account == chat.account)
    return await connection.scalar(select(admitted.c.chat).where(here, admitted.c.chat == chat.id)) is not None


async def admit(tx: AsyncConnection, chat: Chat, now: datetime) -> None:
    """The chat, with all its threads, may use the bot."""
    row = {"platform": chat.platform, "account": chat.account, "chat": chat.id, "since": now}
    await tx.execute(insert(admitted).values(row).on_conflict_do_nothing())


async def move(tx: AsyncConnection, chat: Chat, to: Chat) -> None:
    """The chat got a new id."""
    here = (admitted.c.platform == chat.platform) & (admitted.c.account == chat.account)
    since = await tx.scalar(select(admitted.c.since).where(here, admitted.c.chat == chat.id))
    if since is not None:
        await admit(tx, to, since)
        await shut_out(tx, chat)


async def shut_out(tx: AsyncConnection, chat: Chat) -> None:
    here = (admitted.c.platform == chat.platform) & (admitted.c.account == chat.account)
    await tx.execute(delete(admitted).where(here, admitted.c.chat == chat.id))


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()
