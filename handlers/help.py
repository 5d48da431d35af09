"""/help: the commands, a line each."""

from handlers.asking import Asking
from models import Reply

GROUPS = (
    ("latest", "search"),
    ("subscribe", "subscriptions", "unsubscribe", "mutetopic", "mute", "settings"),
    ("stop", "forget", "start", "help"),
)
DESK = ("sources", "addsource", "removesource", "status", "held", "invite")


async def answer(asking: Asking) -> Reply:
    """Every command with what it takes: to read, to receive, the rest, and the desk's for its admins."""
    groups = (*GROUPS, ("desk", *DESK)) if asking.command.trusted else GROUPS
    lines = [line for group in groups for line in ("", *(asking.say(f"help.{name}") for name in group))]
    return Reply(title=asking.say("help.title"), lines=tuple(lines[1:]))
