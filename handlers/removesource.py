"""/removesource ID: a source that was added is watched no more. For the desk."""

import watching
from handlers.asking import Asking
from models import Button, Reply
from storage import sources

SHOWN = 50


async def answer(asking: Asking) -> Reply:
    """Remove it; one of the configuration file can only be paused, with a button."""
    source_id = asking.command.args.strip().lower()
    if not source_id:
        return Reply(lines=(asking.say("removesource.wrong", ids=await _removable(asking)),))
    match await watching.change(asking.desk, source_id, "remove"):
        case watching.Problem("unknown"):
            ids = await _removable(asking)
            return Reply(lines=(asking.say("removesource.unknown", id=source_id[:32], ids=ids),))
        case watching.Problem():
            pause = Button(asking.say("sources.pause", name=source_id), press=f"sources pause {source_id}")
            return Reply(lines=(asking.say("removesource.from_file", id=source_id),), buttons=((pause,),))
        case watched:
            return Reply(lines=(asking.say("removesource.done", name=watched.source.name, id=source_id),))


async def _removable(asking: Asking) -> str:
    async with asking.desk.database.read() as connection:
        ids = [one.source.id for one in await sources.every_one(connection) if not one.from_file]
    return ", ".join(ids[:SHOWN]) or asking.say("removesource.none")
