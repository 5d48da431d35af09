"""/subscribe [source:ID] [topic:T] [words] [-words]: what this chat receives."""

import shlex

from handlers.asking import Asking
from models import Reply, Subscription
from storage import chats, sources


async def answer(asking: Asking) -> Reply:
    """Subscribe the chat to everything, or to what matches all that is named."""
    if not asking.command.trusted and await asking.command.is_chat_admin() is False:
        return Reply(lines=(asking.say("subscribe.rights"),))
    async with asking.desk.database.read() as connection:
        known_sources = [watched.source.id for watched in await sources.every_one(connection)]
    wish = read_wish(asking.command.args)
    for source in wish.sources:
        if source not in known_sources:
            example = known_sources[0] if known_sources else "news"
            return Reply(lines=(asking.say("subscribe.wrong", word=source, example=example),))
    await _save(asking, wish)
    if not asking.command.args.strip():
        return Reply(lines=(asking.say("subscribe.all"),), public=True)
    return Reply(lines=(asking.say("subscribe.some", what=asking.command.args.strip()[:200]),), public=True)


async def everything(asking: Asking) -> None:
    """Subscribe the chat to all news."""
    await _save(asking, Subscription(0))


async def _save(asking: Asking, wish: Subscription) -> None:
    desk, chat = asking.desk, asking.command.chat
    # A channel, and an anonymous admin, speak as the chat itself.
    person = asking.command.user if asking.command.user != chat.id else ""
    async with desk.database.write() as tx:
        await chats.subscribe(tx, chat, asking.chat_settings, wish, desk.now(), by=person)


def read_wish(args: str) -> Subscription:
    """The words of the command as a filter; several values of one kind may stand in several words."""
    try:
        words = shlex.split(args)
    except ValueError:
        words = args.split()
    found: dict[str, list[str]] = {"sources": [], "topics": [], "include": [], "exclude": []}
    for word in words:
        kind, colon, value = word.partition(":")
        if colon and value and kind in ("source", "topic"):
            found[f"{kind}s"].append(value)
        elif word.startswith("-") and len(word) > 1:
            found["exclude"].append(word[1:].lower())
        else:
            found["include"].append(word.lower())
    return Subscription(0, **{kind: tuple(values) for kind, values in found.items()})
