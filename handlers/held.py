"""/held: posts that look like old ones under new names wait for an admin's word. For the desk."""

import re

import pipeline
from handlers.asking import Asking
from models import Button, Reply
from storage import held, sources

SHOWN = 10


async def answer(asking: Asking) -> Reply:
    """What waits, or, with `send ID` or `seen ID`, the decision about it."""
    decision = re.fullmatch(r"(send|seen)\s+([0-9]{1,9})", asking.command.args.strip().lower())
    if decision:
        return await _decide(asking, decision[1], int(decision[2]))
    if asking.command.args.strip():
        return Reply(lines=(asking.say("held.wrong"),))
    return await _list(asking)


async def _decide(asking: Asking, word: str, number: int) -> Reply:
    count = await pipeline.decide(asking.desk, number, send=word == "send")
    if count is None:
        return Reply(lines=(asking.say("held.decided", number=number),))
    return Reply(lines=(asking.say("held.sent" if word == "send" else "held.seen", count=count),))


async def _list(asking: Asking) -> Reply:
    async with asking.desk.database.read() as connection:
        waiting = await held.batches(connection)
        names = {one.source.id: one.source.name for one in await sources.every_one(connection)}
    if not waiting:
        return Reply(lines=(asking.say("held.none"),))
    lines = [
        asking.say(
            "held.line",
            number=one.id,
            name=names.get(one.source_id, one.source_id),
            count=one.count,
            titles=" / ".join(one.titles),
        )
        for one in waiting[:SHOWN]
    ]
    buttons = [
        (
            Button(asking.say("held.send_number", number=one.id), press=f"held send {one.id}"),
            Button(asking.say("held.seen_number", number=one.id), press=f"held seen {one.id}"),
        )
        for one in waiting[:SHOWN]
    ]
    return Reply(title=asking.say("held.title", count=len(waiting)), lines=tuple(lines), buttons=tuple(buttons))
