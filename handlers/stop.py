"""/stop: everything for this chat ends."""

from handlers import unsubscribe
from handlers.asking import Asking
from models import Reply
from storage import asked


async def answer(asking: Asking) -> Reply:
    """No more alerts, whatever was owed; the pages of old answers end too. Settings stay until /forget."""
    async with asking.desk.database.write() as tx:
        was = await unsubscribe.stop(tx, asking)
        await asked.forget(tx, asking.command.chat)
    return Reply(lines=(asking.say("stop.done" if was else "stop.was_not"),), public=was)
