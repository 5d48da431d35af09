"""/latest [N] [topic or source]: the newest news."""

from handlers.asking import Asking
from models import Reply, Story
from storage import archive, sources

DEFAULT = 5
MOST = 20


async def answer(asking: Asking) -> Reply:
    """The newest N stories, of one source or topic where one is named."""
    count, what = _read(asking.command.args)
    if count is None:
        return Reply(lines=(asking.say("latest.wrong"),))
    async with asking.desk.database.read() as connection:
        watched = [one.source for one in await sources.every_one(connection)]
        source = next((one for one in watched if what and what.lower() in (one.id, one.name.lower())), None)
        topic = "" if source else what.removeprefix("#")
        found = await archive.latest(connection, count, source_id=source.id if source else "", topic=topic)
    if not found and what:
        return Reply(lines=(asking.say("latest.empty_of", what=what, sources=", ".join(one.id for one in watched)),))
    if not found:
        return Reply(lines=(asking.say("latest.empty"),))
    title = "latest.title_of" if what else "latest.title"
    return Reply(title=asking.say(title, count=len(found), what=what), stories=tuple(map(Story, found)))


def _read(args: str) -> tuple[int | None, str]:
    """How many and of what; None when the number is out of bounds."""
    first, _, rest = args.strip().partition(" ")
    if not first.lstrip("-+").isdecimal():
        return DEFAULT, args.strip()
    count = int(first) if len(first) < 6 else 0
    return (count if 1 <= count <= MOST else None), rest.strip()
