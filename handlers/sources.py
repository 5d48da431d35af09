"""/sources: what is watched and how that goes. For the desk."""

from handlers.asking import Asking
from models import Reply
from sources.troubles import text_of
from storage import sources


async def answer(asking: Asking) -> Reply:
    """A line for each source; for the bot's admins and the page only."""
    if not asking.command.trusted:
        return Reply(lines=(asking.say("sources.rights"),))
    async with asking.desk.database.read() as connection:
        watched = await sources.every_one(connection)
        counts = await sources.post_counts(connection)
    if not watched:
        return Reply(lines=(asking.say("sources.none"),))
    return Reply(
        title=asking.say("sources.title", count=len(watched)),
        lines=tuple(
            asking.say(
                "sources.line",
                id=one.source.id,
                name=one.source.name,
                count=counts.get(one.source.id, 0),
                state=_state(asking, one),
            )
            for one in watched
        ),
    )


def _state(asking: Asking, watched: sources.Watched) -> str:
    if watched.paused:
        return asking.say("sources.paused")
    if watched.problem:
        why = asking.say(text_of(watched.reason))
        return asking.say("sources.failing", why=why, problem=watched.problem)
    return asking.say("sources.fine" if watched.read_once else "sources.not_yet")
