"""/latest [N] [topic or source]: the newest news, with buttons for more."""

from handlers import paging
from handlers.asking import Asking
from handlers.search import chat_links
from models import Alert, Button, Reply, Story
from storage import archive, search, sources
from storage.asked import Asked
from storage.questions import Question

DEFAULT = 5
MOST = 20
LAST_PAGE = 50
NAMED, LONGEST = 20, 60


async def answer(asking: Asking) -> Reply:
    """The newest N stories, of one source or topic where one is named; or the page that a button asks for."""
    turn = paging.read_turn(asking.command.args)
    if turn is not None:
        question = await paging.remembered(asking, turn)
        if question is not None:
            return await _page(asking, question, turn.page)
        if asking.command.pressed:
            return paging.forgotten(asking)
    line = asking.command.args.encode("utf-8", "replace").decode()
    return await _page(asking, Asked(0, "latest", line, "newest", 0, asking.desk.now()), 1)


async def _page(asking: Asking, asked: Asked, page: int) -> Reply:
    count, what = _read(asked.line)
    if count is None:
        return Reply(lines=(asking.say("latest.wrong"),))
    page = min(page, LAST_PAGE)
    first = (page - 1) * count
    async with asking.desk.database.read() as connection:
        watched = [one.source for one in await sources.every_one(connection)]
    source = next((one for one in watched if what and what.lower() in (one.id, one.name.lower())), None)
    wish = Question(sources=(source.id,)) if source else Question(topics=(what.removeprefix("#"),)) if what else None
    found, below = await _newest(asking, wish, first, count + 1, asked.below)
    if not found and what:
        known = [one.id for one in watched]
        named = {"sources": ", ".join(known[:NAMED]) or "–", "example": known[0] if known else "news"}
        return Reply(lines=(asking.say("latest.empty_of", what=what[:LONGEST], **named),))
    if not found:
        return Reply(lines=(asking.say("latest.empty"),))
    more, found = len(found) > count, found[:count]
    links = await chat_links(asking, found)
    last = first + len(found)
    key = f"latest.{'further' if first else 'title'}{'_of' if what else ''}"
    title = asking.say(key, count=len(found), what=what, first=first + 1, last=last)
    shown = tuple(Story(alert, chat_link=links.get(alert.id, "")) for alert in found)
    return Reply(title=title, stories=shown, first=first + 1, buttons=await _buttons(asking, asked, below, page, more))


async def _newest(asking: Asking, wish: Question | None, skip: int, limit: int, below: int) -> tuple[list[Alert], int]:
    """The alerts, and the bound that keeps further pages from shifting; `below` is that of the first page, or 0."""
    async with asking.desk.database.read() as connection:
        if wish is None:
            below = below or await archive.last_alert(connection)
            return await archive.latest(connection, limit, skip=skip, last=below), below
        below = below or await search.last_place(connection)
        ids = (await search.newest(connection, wish, skip + limit, below=below)).ids[skip:]
        return await archive.by_ids(connection, ids), below


async def _buttons(asking: Asking, asked: Asked, below: int, page: int, more: bool) -> tuple[tuple[Button, ...], ...]:
    if page == 1 and not more:
        return ()
    number = await paging.kept(asking, Asked(asked.id, asked.command, asked.line, asked.order, below, asked.at))
    back = (Button(paging.BACK, press=f"latest page {number} {page - 1}"),) if page > 1 else ()
    label = paging.ON if page > 1 else f"{asking.say('latest.more')} {paging.ON}"
    on = (Button(label, press=f"latest page {number} {page + 1}"),) if more and page < LAST_PAGE else ()
    return ((*back, *on),)


def _read(args: str) -> tuple[int | None, str]:
    """How many and of what; None when the number is out of bounds."""
    first, _, rest = args.strip().partition(" ")
    if not first.lstrip("-+").isdecimal():
        return DEFAULT, args.strip()
    count = int(first) if len(first) < 6 else 0
    return (count if 1 <= count <= MOST else None), rest.strip()
