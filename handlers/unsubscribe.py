"""/unsubscribe: nothing more for this chat."""

from handlers.asking import Asking
from models import Reply
from storage import chats, ledger


async def answer(asking: Asking) -> Reply:
    """Stop all alerts; what was owed and not sent is dropped."""
    if not asking.command.trusted and await asking.command.is_chat_admin() is False:
        return Reply(lines=(asking.say("subscribe.rights"),))
    async with asking.desk.database.write() as tx:
        was = await chats.unsubscribe(tx, asking.command.chat)
        if was and asking.known is not None:
            await ledger.drop_waiting(tx, asking.known.id, "unsubscribed")
    return Reply(lines=(asking.say("subscribe.stopped" if was else "subscribe.was_not"),), public=was)
