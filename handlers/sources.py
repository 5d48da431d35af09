"""/sources: what is watched and how that goes, with buttons to pause and to read again. For the desk."""

import watching
from handlers.asking import Asking
from models import Button, Reply
from sources.troubles import text_of
from storage import sources

ON_A_PAGE = 10


async def answer(asking: Asking) -> Reply:
    """A line for each source, or with `pause ID` and `resume ID` that done; for the bot's admins and the page only."""
    verb, _, rest = asking.command.args.strip().partition(" ")
    if not verb:
        return await _page(asking, 1)
    if verb == "page" and rest.strip().isdecimal() and len(rest) < 6:
        return await _page(asking, int(rest))
    if verb in ("pause", "resume") and rest.strip():
        return await _change(asking, verb, rest.strip().lower())
    return Reply(lines=(asking.say("sources.wrong"),))


async def _change(asking: Asking, verb: str, source_id: str) -> Reply:
    done = await watching.change(asking.desk, source_id, verb)
    if isinstance(done, watching.Problem):
        return Reply(lines=(asking.say("sources.unknown", id=source_id[:32], ids=done.about),))
    toast = asking.say("sources.pausing" if verb == "pause" else "sources.resuming", name=done.source.name)
    return await _page(asking, 0, around=source_id, toast=toast)


async def _page(asking: Asking, number: int, *, around: str = "", toast: str = "") -> Reply:
    async with asking.desk.database.read() as connection:
        watched = await sources.every_one(connection)
        counts = await sources.post_counts(connection)
    if not watched:
        return Reply(lines=(asking.say("sources.none"),))
    pages = -(-len(watched) // ON_A_PAGE)
    place = next((at for at, one in enumerate(watched) if one.source.id == around), (number - 1) * ON_A_PAGE)
    page = min(max(0, place // ON_A_PAGE), pages - 1)
    shown = watched[page * ON_A_PAGE : (page + 1) * ON_A_PAGE]
    lines = [
        asking.say(
            "sources.line",
            id=one.source.id,
            name=one.source.name,
            count=counts.get(one.source.id, 0),
            state=_state(asking, one),
        )
        for one in shown
    ]
    rows = [(_button(asking, one),) for one in shown]
    turns = [
        Button(asking.say(f"sources.{word}"), press=f"sources page {to + 1}")
        for word, to in (("before", page - 1), ("after", page + 1))
        if 0 <= to < pages
    ]
    buttons = (*rows, tuple(turns)) if turns else tuple(rows)
    title = asking.say("sources.title", count=len(watched))
    title = f"{title} ({page + 1}/{pages})" if pages > 1 else title
    return Reply(title=title, lines=(*((toast,) if toast else ()), *lines), buttons=buttons)


def _button(asking: Asking, watched: sources.Watched) -> Button:
    verb = "resume" if watched.paused else "pause"
    return Button(asking.say(f"sources.{verb}", name=watched.source.name), press=f"sources {verb} {watched.source.id}")


def _state(asking: Asking, watched: sources.Watched) -> str:
    if watched.paused:
        return asking.say("sources.paused")
    if watched.problem:
        why = asking.say(text_of(watched.reason))
        return asking.say("sources.failing", why=why, problem=watched.problem)
    return asking.say("sources.fine" if watched.read_once else "sources.not_yet")
