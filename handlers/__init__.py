"""What each command does, written once for all platforms: a `Command` in, a `Reply` out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

import metrics
from handlers import (
    access,
    addsource,
    forget,
    held,
    latest,
    mute,
    mutetopic,
    removesource,
    search,
    settings,
    sources,
    start,
    status,
    stop,
    subscribe,
    subscriptions,
    unmute,
    unsubscribe,
)
from handlers import help as help_
from handlers.access import Who
from handlers.asking import Asking, ask
from handlers.names import command_called, nearest
from locales import say
from models import Command, Reply
from pipeline import Desk

log = structlog.get_logger()

Handler = Callable[[Asking], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Verb:
    """What answers a command, and who may ask it."""

    answer: Handler
    who: Who = Who.ALL


HANDLERS: dict[str, Verb] = {
    "start": Verb(start.answer),
    "help": Verb(help_.answer),
    "latest": Verb(latest.answer),
    "search": Verb(search.answer),
    "subscribe": Verb(subscribe.answer, Who.CHAT_ADMINS),
    "unsubscribe": Verb(unsubscribe.answer, Who.CHAT_ADMINS),
    "subscriptions": Verb(subscriptions.answer, Who.CHAT_ADMINS),
    "mutetopic": Verb(mutetopic.answer, Who.CHAT_ADMINS),
    "settings": Verb(settings.answer, Who.CHAT_ADMINS),
    "mute": Verb(mute.answer),
    "unmute": Verb(unmute.answer),
    "stop": Verb(stop.answer, Who.CHAT_ADMINS),
    "forget": Verb(forget.answer, Who.CHAT_ADMINS),
    "claim": Verb(access.claim),
    "invite": Verb(access.invite, Who.BOT_ADMINS),
    "sources": Verb(sources.answer, Who.BOT_ADMINS),
    "addsource": Verb(addsource.answer, Who.BOT_ADMINS),
    "removesource": Verb(removesource.answer, Who.BOT_ADMINS),
    "status": Verb(status.answer, Who.BOT_ADMINS),
    "held": Verb(held.answer, Who.BOT_ADMINS),
}

FOR_STRANGERS = frozenset({"start", "claim", "stop", "forget"})
"""What whoever was not let in may ask too: to be let in, and to be left alone."""


async def answer(desk: Desk, command: Command) -> Reply:
    """Answer one command. Never raises: what goes wrong is logged and said politely."""
    command = replace(command, name=command_called(command.name))
    name = command.name if command.name in HANDLERS else "unknown"
    metrics.commands.labels(command.chat.platform, name).inc()
    try:
        asking = await ask(desk, command)
        told = await _answer(asking)
        return replace(told, settings=told.settings or asking.chat_settings, command=command.name)
    except Exception:
        log.exception("a command failed", command=command.name)
        return Reply(title=say(desk.settings.language, "command.failed"))


first_claim = access.first_claim


async def listed(desk: Desk, command: Command, order: str, count: int) -> Reply:
    """What /search finds, for the command line: as much of it as is wanted, without buttons."""
    asking = await ask(desk, command)
    return replace(await search.listed(asking, order, count), settings=asking.chat_settings)


async def _answer(asking: Asking) -> Reply:
    command, verb = asking.command, HANDLERS.get(asking.command.name)
    if (refused := access.too_often(asking, verb.who if verb else Who.ALL)) is not None:
        return refused
    if command.name not in FOR_STRANGERS and not await access.may_enter(asking):
        return start.closed(asking)
    if verb is None:
        return _unknown(asking)
    if (refused := await access.refusal(asking, verb.who)) is not None:
        return refused
    answered = await verb.answer(asking)
    if command.name == "subscribe":
        await access.let_in(asking)
    return answered


def _unknown(asking: Asking) -> Reply:
    if not asking.command.name:
        return Reply(lines=(asking.say("command.say_something"),))
    name, guess = asking.command.name[:32], nearest(asking.command.name, HANDLERS)
    if guess:
        return Reply(lines=(asking.say("command.guess", name=name, guess=guess),))
    return Reply(lines=(asking.say("command.unknown", name=name), asking.say("command.see_help")))
