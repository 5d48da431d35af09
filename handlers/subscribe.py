"""/subscribe [test] [source:ID] [topic:T] [words] [-words] [lang:ko] [only:urgent]: what this chat receives."""

from dataclasses import replace

import delivery
from handlers import filters
from handlers.asking import Asking
from models import Alert, Button, Reply, Story, Subscription
from storage import archive, chats, sources, subscriptions
from storage.database import Transaction

TRIED_ON = 50
"""Alerts that a filter is tried on."""
LOOKED_AT = 200
"""Alerts among which the newest that matches is looked for."""
SHOWN = 5
MOST = 10
"""Subscriptions of one chat."""
LONGEST = 400


async def answer(asking: Asking) -> Reply:
    """Subscribe the chat to everything, or to what matches all that is named; or try that out."""
    first, _, rest = asking.command.args.strip().partition(" ")
    trying = first.lower() == "test" and bool(rest.strip())
    wish = await wish_of(asking, rest if trying else asking.command.args)
    if isinstance(wish, Reply):
        return wish
    return await try_out(asking, wish) if trying else await _subscribe(asking, wish)


async def wish_of(asking: Asking, args: str) -> Subscription | Reply:
    """The filter, or what is wrong with it."""
    if len(args) > LONGEST:
        return Reply(lines=(asking.say("subscribe.wrong_long", most=LONGEST),))
    wish = filters.read(args)
    if isinstance(wish, filters.Wrong):
        return Reply(lines=(asking.say(wish.text, **wish.values),))
    async with asking.desk.database.read() as connection:
        known = [watched.source.id for watched in await sources.every_one(connection)]
    for source in wish.sources:
        if source not in known:
            example = known[0] if known else "news"
            return Reply(lines=(asking.say("subscribe.wrong", word=source, example=example),))
    return wish


async def _subscribe(asking: Asking, wish: Subscription) -> Reply:
    before = await everything(asking) if wish == Subscription(0) else await _save(asking, wish)
    shown = described(asking, wish)
    buttons = ((Button(asking.say("subscriptions.button"), press="subscriptions"),),)
    if before is None:
        return Reply(lines=(asking.say("subscribe.many", most=MOST),), buttons=buttons)
    if any(filters.same(wish, one) for one in before):
        return Reply(lines=(asking.say("subscribe.already", what=shown),), buttons=buttons)
    lines = [asking.say("subscribe.done", what=shown)]
    if wish != Subscription(0) and Subscription(0) in before:
        lines.append(asking.say("subscribe.everything_too", number=before.index(Subscription(0)) + 1))
    sample = await _newest(asking, wish)
    if sample is not None:
        lines.append(asking.say("subscribe.sample"))
    stories = () if sample is None else (Story(sample),)
    return Reply(lines=tuple(lines), stories=stories, buttons=buttons, public=True)


async def everything(asking: Asking) -> list[Subscription]:
    """Subscribe the chat to all news; what it had subscribed to before."""
    return await _save(asking, Subscription(0)) or []


async def _save(asking: Asking, wish: Subscription) -> list[Subscription] | None:
    """Add the wish unless the chat has it; what it had before, None when there is no room for more."""
    desk, chat = asking.desk, asking.command.chat
    # A channel, and an anonymous admin, speak as the chat itself.
    person = asking.command.user if asking.command.user != chat.id else ""
    async with desk.database.write() as tx:
        before = await _wishes(tx, asking)
        if any(filters.same(wish, one) for one in before):
            return before
        if len(before) >= MOST and wish != Subscription(0):
            return None
        await chats.subscribe(tx, chat, asking.chat_settings, wish, desk.now(), by=person)
    return before


async def _wishes(tx: Transaction, asking: Asking) -> list[Subscription]:
    known = await chats.find(tx, asking.command.chat)
    if known is None or not known.subscribed:
        return []
    return [replace(wish, chat_id=0) for _, wish in await subscriptions.of_chat(tx, known.id)]


async def _newest(asking: Asking, wish: Subscription) -> Alert | None:
    async with asking.desk.database.read() as connection:
        newest = await archive.newest_with_sources(connection, LOOKED_AT)
    return next(iter(delivery.matching(newest, wish, asking.chat_settings)), None)


async def try_out(asking: Asking, wish: Subscription, *, saved: bool = False) -> Reply:
    """How many of the newest alerts the filter would have brought, and which. Nothing is kept."""
    async with asking.desk.database.read() as connection:
        newest = await archive.newest_with_sources(connection, TRIED_ON)
    found = delivery.matching(newest, wish, asking.chat_settings)
    told = asking.say("subscribe.tried", what=described(asking, wish), count=len(found), total=len(newest))
    command = f"subscribe {filters.written(wish)}".strip()
    if saved:
        return Reply(title=told, stories=tuple(map(Story, found[:SHOWN])), buttons=_back(asking))
    lines = (asking.say("subscribe.to_save", command=f"/{command}"),)
    buttons = ((Button(asking.say("subscribe.button"), press=command),),)
    return Reply(title=told, lines=lines, stories=tuple(map(Story, found[:SHOWN])), buttons=buttons)


def _back(asking: Asking) -> tuple[tuple[Button, ...], ...]:
    return ((Button(asking.say("subscriptions.back"), press="subscriptions"),),)


def described(asking: Asking, wish: Subscription) -> str:
    """The filter as people read it."""
    return filters.written(wish) or asking.say("subscribe.everything")
