"""/start: what this is; in a private chat it subscribes."""

from handlers import access, links, subscribe
from handlers.access import Who
from handlers.asking import Asking
from models import Reply
from storage import sources


async def answer(asking: Asking) -> Reply:
    """Say hello, and what is watched; a private chat is subscribed to everything unless it is already. A link may name
    what to subscribe to instead."""
    refused = await access.redeem(asking)
    if refused is not None:
        return refused
    if not await access.may_enter(asking):
        return closed(asking)
    wish = await links.filter_in(asking)
    if wish is None:
        return Reply(lines=(asking.say("start.no_link"),))
    if wish:
        refused = await access.refusal(asking, Who.CHAT_ADMINS)
        return refused or await subscribe.answer(links.subscribing(asking, wish))
    async with asking.desk.database.read() as connection:
        names = [watched.source.name for watched in await sources.every_one(connection)]
    watching = asking.say("start.sources", names=", ".join(names[:20])) if names else ""
    if not asking.command.private:
        state = asking.say("start.how")
    elif asking.known is not None and asking.known.subscribed:
        state = asking.say("start.again")
    else:
        await subscribe.everything(asking)
        state = asking.say("start.subscribed")
    lines = (state, watching, asking.say("command.see_help"))
    return Reply(title=asking.say("start.hello"), lines=tuple(line for line in lines if line))


def closed(asking: Asking) -> Reply:
    """What a stranger reads: that the bot is closed, whom to ask, their id, and what is written into the configuration
    if the bot is their own."""
    user = asking.command.user
    value = user if user.lstrip("-").isdigit() else f'"{user}"'
    return Reply(
        title=asking.say("start.closed"),
        lines=(
            asking.say("start.closed_private" if asking.command.private else "start.closed_group"),
            asking.say("start.closed_id", user=user),
            asking.say("start.closed_line", platform=asking.command.chat.platform),
            f"admins = [{value}]",
        ),
    )
