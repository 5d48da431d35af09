"""What each command does, written once for all platforms: a `Command` in, a `Reply` out."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

import metrics
from handlers import (
    access,
    forget,
    held,
    latest,
    mute,
    mutetopic,
    search,
    settings,
    sources,
    start,
    stop,
    subscribe,
    subscriptions,
    unmute,
    unsubscribe,
)
from handlers import help as help_
from handlers.asking import Asking, ask
from handlers.names import command_called, nearest
from locales import say
from models import Command, Reply
from pipeline import Desk

log = structlog.get_logger()

Handler = Callable[[Asking], Awaitable[Reply]]
HANDLERS: dict[str, Handler] = {
    "start": start.answer,
    "help": help_.answer,
    "latest": latest.answer,
    "search": search.answer,
    "subscribe": subscribe.answer,
    "unsubscribe": unsubscribe.answer,
    "subscriptions": subscriptions.answer,
    "mutetopic": mutetopic.answer,
    "settings": settings.answer,
    "mute": mute.answer,
    "unmute": unmute.answer,
    "stop": stop.answer,
    "forget": forget.answer,
    "claim": access.claim,
    "invite": access.invite,
    "sources": sources.answer,
    "held": held.answer,
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
        return replace(told, settings=told.settings or asking.chat_settings)
    except Exception:
        log.exception("a command failed", command=command.name)
        return Reply(title=say(desk.settings.language, "command.failed"))


first_claim = access.first_claim


async def listed(desk: Desk, command: Command, order: str, count: int) -> Reply:
    """What /search finds, for the command line: as much of it as is wanted, without buttons."""
    asking = await ask(desk, command)
    return replace(await search.listed(asking, order, count), settings=asking.chat_settings)


async def _answer(asking: Asking) -> Reply:
    command = asking.command
    if (refused := access.too_often(asking)) is not None:
        return refused
    if command.name not in FOR_STRANGERS and not await access.may_enter(asking):
        return start.closed(asking)
    handler = HANDLERS.get(command.name)
    if handler is None:
        return _unknown(asking)
    answered = await handler(asking)
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
