"""/search WORDS: earlier news that holds every word; best matches first, the newer one among equals."""

from dataclasses import replace

import formatters
from formatters.places import message_link
from handlers import paging
from handlers.asking import Asking
from models import Alert, Button, Reply, Story
from storage import archive, ledger, questions, search, sources
from storage.asked import Asked
from storage.questions import Question, Wrong
from storage.search import Found
from storage.sources import Watched

SHOWN = 5
MOST = 1000
LONGEST_SHOWN = 100


async def answer(asking: Asking) -> Reply:
    """The first page of what matches; or the page that a button asks for."""
    args = asking.command.args
    turn = paging.read_turn(args)
    if turn is not None:
        question = await paging.remembered(asking, turn)
        if question is not None:
            return await _page(asking, await paging.in_order(asking, question, turn.order), turn.page)
        if asking.command.pressed:
            return paging.forgotten(asking)
    line = " ".join(args.encode("utf-8", "replace").decode().split())[: questions.LONGEST]
    async with asking.desk.database.read() as connection:
        below = await search.last_place(connection)
    return await _page(asking, Asked(0, "search", line, "best", below, asking.desk.now()), 1)


async def listed(asking: Asking, order: str, count: int) -> Reply:
    """The first `count` of what matches in one answer, without buttons: for the command line."""
    line = asking.command.args
    read = await _read(asking, Asked(0, "search", line, order, search.LAST_PLACE, asking.desk.now()))
    if isinstance(read, Reply):
        return read
    async with asking.desk.database.read() as connection:
        if order == "best":
            found = await search.best(connection, read, asking.desk.now())
        else:
            found = await search.newest(connection, read, count, most=search.LAST_PLACE)
    return await _shown(asking, line, read, found, range(min(count, len(found.ids))))


async def _page(asking: Asking, asked: Asked, page: int) -> Reply:
    question = await _read(asking, asked)
    if isinstance(question, Reply):
        return question
    async with asking.desk.database.read() as connection:
        if asked.order == "best":
            found = await search.best(connection, question, asked.at, below=asked.below)
        else:
            found = await search.newest(connection, question, search.WINDOW, below=asked.below)
    pages = max(1, -(-len(found.ids) // SHOWN))
    page = min(page, pages)
    shown = await _shown(asking, asked.line, question, found, range(len(found.ids))[(page - 1) * SHOWN : page * SHOWN])
    if pages == 1:
        return shown
    number = await paging.kept(asking, asked)
    other = "newest" if asked.order == "best" else "best"
    order = Button(asking.say(f"search.{other}"), press=f"search {other} {number}")
    lines = (asking.say("search.narrow"),) if found.more and page == pages else ()
    return replace(shown, lines=lines, buttons=(paging.ring("search", number, page, pages), (order,)))


async def _read(asking: Asking, asked: Asked) -> Question | Reply:
    """The question with its sources by their ids; or the line that says what is accepted."""
    question = questions.read(asked.line, asked.at, asking.chat_settings.timezone)
    async with asking.desk.database.read() as connection:
        watched = await sources.every_one(connection)
    if isinstance(question, Wrong):
        return _wrong(asking, question, watched)
    if question.is_empty:
        return Reply(lines=(asking.say("search.ask"),))
    ids = {name.lower(): one.source.id for one in watched for name in (one.source.name, one.source.id)}
    for name in (*question.sources, *question.not_sources):
        if name.lower() not in ids:
            return _wrong(asking, Wrong("source", name), watched)
    return replace(
        question,
        sources=tuple(ids[name.lower()] for name in question.sources),
        not_sources=tuple(ids[name.lower()] for name in question.not_sources),
    )


def _wrong(asking: Asking, wrong: Wrong, watched: list[Watched]) -> Reply:
    known = [one.source.id for one in watched]
    told = asking.say(
        f"search.wrong_{wrong.operator}",
        value=wrong.value[:40],
        known=", ".join(known[:20]) or "–",
        example=known[0] if known else "news",
    )
    return Reply(lines=(told,))


async def _shown(asking: Asking, line: str, question: Question, found: Found, which: range) -> Reply:
    words = line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}…"
    words = words if '"' in words else f"“{words}”"
    if not found.ids:
        return Reply(lines=(asking.say("search.nothing", words=words),))
    ids = found.ids[which.start : which.stop]
    async with asking.desk.database.read() as connection:
        alerts = await archive.by_ids(connection, ids)
        texts = await search.texts_of(connection, ids)
    links = await chat_links(asking, alerts)
    stories = []
    for alert in alerts:
        text = texts.get(alert.id) or " ".join(alert.bullets)
        stories.append(Story(alert, formatters.snippet(text, question.marks), links.get(alert.id, "")))
    total = f"{len(found.ids)}{'+' if found.more else ''}"
    title = asking.say("search.title", words=words, first=which.start + 1, last=which.stop, total=total)
    return Reply(title=title, stories=tuple(stories), first=which.start + 1, marked=question.marks)


async def chat_links(asking: Asking, alerts: list[Alert]) -> dict[int, str]:
    """Where the asking chat has these alerts already."""
    if asking.around is None:
        return {}
    async with asking.desk.database.read() as connection:
        sent = await ledger.message_ids(connection, asking.around.id, [alert.id for alert in alerts])
    return {alert_id: message_link(asking.around.chat, message) for alert_id, message in sent.items()}
