"""/unsubscribe [N]: nothing more for this chat, or one subscription less."""

from handlers import subscribe
from handlers.asking import Asking
from models import Reply
from storage import chats, ledger, subscriptions
from storage.database import Transaction


async def answer(asking: Asking) -> Reply:
    """Stop all alerts, or those of one subscription by its number; what was owed and not sent is then dropped."""
    args = asking.command.args.strip()
    if args:
        return await _one(asking, args)
    async with asking.desk.database.write() as tx:
        was = await stop(tx, asking)
    return Reply(lines=(asking.say("subscribe.stopped" if was else "subscribe.was_not"),), public=was)


async def stop(tx: Transaction, asking: Asking) -> bool:
    """End everything for the chat; says whether it received anything."""
    was = await chats.unsubscribe(tx, asking.command.chat)
    if was and asking.known is not None:
        await ledger.drop_waiting(tx, asking.known.id, "unsubscribed")
    return was


async def _one(asking: Asking, args: str) -> Reply:
    known = asking.known
    if known is None or not known.subscribed:
        return Reply(lines=(asking.say("subscribe.was_not"),))
    async with asking.desk.database.write() as tx:
        have = await subscriptions.of_chat(tx, known.id)
        number = int(args) if args.isdecimal() and len(args) < 4 else 0
        if not 1 <= number <= len(have):
            return Reply(lines=(asking.say("unsubscribe.wrong", most=len(have)),))
        row, wish = have[number - 1]
        if len(have) == 1:
            await stop(tx, asking)
        else:
            await subscriptions.remove(tx, known.id, [row])
    gone = asking.say("unsubscribe.removed", what=subscribe.described(asking, wish))
    return Reply(lines=(gone, *((asking.say("subscribe.stopped"),) if len(have) == 1 else ())), public=True)
