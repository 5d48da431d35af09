"""/help: the commands, a line each."""

from handlers.asking import Asking
from models import Reply

LINES = (
    "latest",
    "search",
    "subscribe",
    "unsubscribe",
    "subscriptions",
    "mutetopic",
    "settings",
    "mute",
    "stop",
    "forget",
    "start",
    "help",
)
DESK = ("sources", "addsource", "removesource", "status", "held", "invite")


async def answer(asking: Asking) -> Reply:
    """Every command with what it takes."""
    lines = (*LINES, *DESK) if asking.command.trusted else LINES
    return Reply(title=asking.say("help.title"), lines=tuple(asking.say(f"help.{line}") for line in lines))
