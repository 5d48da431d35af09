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


async def answer(asking: Asking) -> Reply:
    """Every command with what it takes."""
    return Reply(title=asking.say("help.title"), lines=tuple(asking.say(f"help.{line}") for line in LINES))
