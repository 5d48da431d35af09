"""/subscriptions: what this chat receives, with buttons to try each filter and to take it away, and links to share."""

from handlers import filters, links, mutetopic, subscribe, unsubscribe
from handlers.asking import Asking
from models import Button, Reply, Subscription
from storage import subscriptions

IN_A_ROW = 2
MOST_ROWS = 6


async def answer(asking: Asking) -> Reply:
    """The chat's subscriptions and muted topics. Buttons name rows: numbers may have changed."""
    verb, _, rest = asking.command.args.strip().partition(" ")
    row = int(rest) if rest.strip().isdecimal() and len(rest) < 12 else 0
    if verb == "remove":
        return await _remove(asking, row)
    if verb == "test":
        wish = dict(await _have(asking)).get(row)
        return await subscribe.try_out(asking, wish, saved=True) if wish else await shown(asking)
    if verb == "share":
        return await _shared(asking, rest.strip())
    return await shown(asking)


async def _have(asking: Asking) -> list[tuple[int, Subscription]]:
    if asking.known is None or not asking.known.subscribed:
        return []
    async with asking.desk.database.read() as connection:
        return await subscriptions.of_chat(connection, asking.known.id)


async def _remove(asking: Asking, row: int) -> Reply:
    if asking.known is None or not asking.known.subscribed:
        return Reply(lines=(asking.say("subscribe.was_not"),))
    async with asking.desk.database.write() as tx:
        have = dict(await subscriptions.of_chat(tx, asking.known.id))
        if row in have and len(have) > 1:
            await subscriptions.remove(tx, asking.known.id, [row])
        elif row in have:
            await unsubscribe.stop(tx, asking)
            return Reply(lines=(asking.say("subscribe.stopped"),), public=True)
    return await shown(asking)


async def _shared(asking: Asking, words: str) -> Reply:
    """A link for each of the chat's subscriptions, or for the filter that is named; where there are no such links, what
    others have to type."""
    wish = await subscribe.wish_of(asking, words)
    if isinstance(wish, Reply):
        return wish
    wishes = [wish] if words else [wish for _, wish in await _have(asking)]
    if not wishes:
        return Reply(lines=(asking.say("subscribe.was_not"),))
    lines = [asking.say("subscriptions.share_typed")]
    for wish in wishes:
        link = await links.to_share(asking, wish)
        lines[0] = asking.say("subscriptions.share_link") if link else lines[0]
        typed = f"/subscribe {filters.written(wish)}".strip()
        lines += ["", subscribe.described(asking, wish), link or typed]
    closed = () if asking.command.open else ("", asking.say("subscriptions.share_closed"))
    back = (Button(asking.say("subscriptions.back"), press="subscriptions"),)
    return Reply(title=asking.say("subscriptions.share_title"), lines=(*lines, *closed), buttons=(back,))


async def shown(asking: Asking) -> Reply:
    """The list, a button to try and one to remove for each; the muted topics below."""
    have = await _have(asking)
    if not have:
        return Reply(lines=(asking.say("subscribe.was_not"),))
    lines = [f"{number}. {subscribe.described(asking, wish)}" for number, (_, wish) in enumerate(have, 1)]
    buttons = [
        (
            Button(asking.say("subscriptions.test", number=number), press=f"subscriptions test {row}"),
            Button(asking.say("subscriptions.remove", number=number), press=f"subscriptions remove {row}"),
        )
        for number, (row, _) in enumerate(have, 1)
    ]
    step = 1 if len(buttons) <= MOST_ROWS else IN_A_ROW
    rows = [sum(buttons[at : at + step], ()) for at in range(0, len(buttons), step)]
    return Reply(
        title=asking.say("subscriptions.title"),
        lines=(*lines, *mutetopic.lines(asking)),
        buttons=(
            *rows,
            (Button(asking.say("subscriptions.share"), press="subscriptions share"),),
            *mutetopic.buttons(asking),
        ),
    )
