"""/unmute: alerts come again."""

import pipeline
from handlers.asking import Asking
from models import Reply
from storage import postponed


async def answer(asking: Asking) -> Reply:
    """End the mute, and say how many alerts did not come while it lasted."""
    now = asking.desk.now()
    if asking.known is None or asking.chat_settings.muted_until is None:
        return Reply(lines=(asking.say("mute.was_not"),))
    async with asking.desk.database.write() as tx:
        before = await postponed.one(tx, asking.known.id)
        missed = await postponed.dropped_since(tx, asking.known.id, before.muted_since or now)
        await pipeline.mute_until(tx, asking.known.id, None, now)
    asking.desk.send.set()
    lines = (asking.say("mute.ended"), asking.say("mute.over", count=missed) if missed else "")
    return Reply(lines=tuple(filter(None, lines)), public=True)
