"""/forget: what is stored about this chat, and in private about the person, is deleted."""

from handlers.asking import Asking
from models import Button, Reply
from storage import access, asked, chats
from storage.access import Admin

YES = "yes"


async def answer(asking: Asking) -> Reply:
    """Asks first. What is deleted is listed in docs/privacy.md."""
    command = asking.command
    if command.args.strip().lower() != YES:
        sure = Button(asking.say("forget.yes"), press=f"forget {YES}")
        kept = asking.say("forget.kept_private" if command.private else "forget.kept")
        return Reply(title=asking.say("forget.sure"), lines=(kept,), buttons=((sure,),))
    return Reply(lines=(asking.say("forget.done" if await _forget(asking) else "forget.busy"),))


async def _forget(asking: Asking) -> bool:
    """Whether all of it is deleted: a message that is on its way keeps its row until the platform has answered."""
    desk, chat = asking.desk, asking.command.chat
    person = Admin(chat.platform, chat.account, asking.command.user)
    async with desk.database.write() as tx:
        if not await chats.forget(tx, chat):
            return False
        await asked.forget(tx, chat)
        await access.shut_out(tx, chat)
        if asking.command.private:
            await access.forget_admin(tx, person)
            await chats.forget_person(tx, person.platform, person.account, person.user)
    if asking.command.private:
        desk.claimed.discard(person)
    return True
