"""Which sources are watched: one or many added, one removed, paused or read again. For the command line and for chats.

What stands in the configuration file is changed there; here it can only be paused.
"""

import asyncio
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from errors import SourceError
from models import Kind, Source
from pipeline import Desk, Tried, parse
from pipeline import try_out as try_posts
from reader import Parsed
from sources import discovery, fetch, kinds, opml, schedule, websub
from sources.discovery import Found
from sources.documents import Fetched, Unchanged
from sources.encoding import encoding_of
from storage import sources as stored
from storage.sources import Watched

ID = re.compile(r"[a-z0-9-]{1,32}")
LOOKED_UP_AT_ONCE = 20
HINTS = ("etag", "last_modified", "moved_to", "ttl", "fresh_for", "skip_hours", "skip_days", "hub")
"""Of what a fetch learns about reading the source again: what people want to know."""


@dataclass(frozen=True, slots=True)
class Added:
    """A source that is watched from now on, with how many posts it held, and how it was found (`sources.discovery`)."""

    source: Source
    posts: int
    how: str = "itself"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something was not done: a word for the reason, and what it is about ("": see the word)."""

    reason: str
    about: str = ""


async def add(desk: Desk, url: str, source_id: str = "") -> Added | Problem:
    """Find what a site offers at an address, read it once and watch it. Raises SourceError where that cannot be."""
    host = _host(url)
    if not host:
        return Problem("address", url)
    if source_id and not ID.fullmatch(source_id):
        return Problem("id", source_id)
    async with desk.database.read() as connection:
        watched = await stored.every_one(connection)
    ids = {one.source.id for one in watched}
    by_url = {one.source.url: one.source.id for one in watched}
    if source_id in ids or (url in by_url and not source_id):
        return Problem("known", source_id or by_url[url])
    found = await find(desk, url)
    if found.url in by_url and not source_id:
        return Problem("known", by_url[found.url])
    source = Source(
        source_id or free_id(url, ids), host, found.kind, found.url, timezone=desk.settings.timezone,
        full_text=found.kind is Kind.SITEMAP,
    )  # fmt: skip
    posts = await read_found(desk, source, found)
    async with desk.database.write() as tx:
        await stored.add(tx, source, desk.now(), int(desk.settings.fetch.min_every))
    desk.look.set()
    return Added(source, len(posts), found.how)


async def find(desk: Desk, url: str) -> Found:
    """What can be watched at an address, or of the site that it is a page of. Raises SourceError."""
    return await discovery.find(fetch.Fetching(desk.http, desk.settings.fetch), url, desk.off_the_loop)


def _host(url: str) -> str:
    """The host of a web address; "" for anything else."""
    try:
        return (urlsplit(url).hostname or "") if url.startswith(("http://", "https://")) else ""
    except ValueError:
        return ""


def free_id(url: str, taken: Collection[str]) -> str:
    """An id made from the address: its host, with a number behind it where that is taken."""
    host = re.sub(r"^(www|feeds?|rss)\.", "", _host(url).lower())
    made = re.sub(r"[^a-z0-9]+", "-", host).strip("-")[:32].strip("-") or "source"
    number, found = 1, made
    while found in taken:
        number += 1
        found = f"{made[: 31 - len(str(number))]}-{number}"
    return found


async def read_found(desk: Desk, source: Source, found: Found) -> list[Parsed]:
    """The posts of what was found, which a feed's are without asking its publisher again. Raises SourceError."""
    if found.kind is Kind.FEED:
        return await parse(desk, source, (found.document,))
    return await read_once(desk, source, trusted=False)


async def read_once(desk: Desk, source: Source, *, trusted: bool) -> list[Parsed]:
    """The posts that a source offers now, oldest first; nothing is kept. Raises SourceError."""
    fetched = await kinds.fetch(
        desk.http, source, {}, desk.settings.fetch, trusted=trusted, clones=desk.settings.clones
    )
    return await parse(desk, source, fetched.documents) if isinstance(fetched, Fetched) else []


@dataclass(frozen=True, slots=True)
class Trial:
    """What a source would bring now, oldest first; `facts` about its document: encoding, validators, hints."""

    source: Source
    watched: bool
    facts: dict[str, Any]
    tried: list[Tried]


async def try_out(desk: Desk, url: str, kind: Kind) -> Trial:
    """Read a source once and decide about its posts as if it had been watched before; nothing is kept.

    Raises SourceError.
    """
    async with desk.database.read() as connection:
        known = next((one for one in await stored.every_one(connection) if one.source.url == url), None)
    now = desk.now()
    found = await find(desk, url) if known is None and kind is not Kind.JEKYLL else None
    source = known.source if known else Source("test", "test", kind, url, timezone=desk.settings.timezone)
    if found is not None:
        source = replace(source, kind=found.kind, url=found.url)
    fetched: Fetched | Unchanged
    if found is not None and found.kind is Kind.FEED:
        body = found.document.body
        fetched = Fetched((found.document,), websub.named_in((), body, found.url) | schedule.asked_in(body))
    else:
        trusted = known is not None and known.from_file
        fetched = await kinds.fetch(
            desk.http, source, {}, desk.settings.fetch, trusted=trusted, clones=desk.settings.clones
        )
    documents = fetched.documents if isinstance(fetched, Fetched) else ()
    facts: dict[str, Any] = {"kind": source.kind.value}
    if source.kind is not Kind.JEKYLL and documents:
        first = documents[0]
        facts["encoding"] = encoding_of(first.body, charset=first.charset, override=source.encoding)
    hints = fetched.validators if isinstance(fetched, Fetched) else {}
    facts |= {key: hints[key] for key in HINTS if hints.get(key)}
    parsed = await parse(desk, source, documents)
    watched = known or Watched(source, "", False, False, {}, True, 60, 0, now, now, None, None, "")
    return Trial(source, known is not None, facts, await try_posts(desk, replace(watched, read_once=True), parsed))


async def change(desk: Desk, source_id: str, verb: str) -> Watched | Problem:
    """`remove`, `pause` or `resume` a source; what it was before."""
    async with desk.database.write() as tx:
        watched = await stored.one(tx, source_id)
        if watched is None:
            known = [one.source.id for one in await stored.every_one(tx)]
            return Problem("unknown", ", ".join(known[:50]))
        if verb == "remove" and watched.from_file:
            return Problem("from_file", source_id)
        if verb == "remove":
            await stored.remove(tx, source_id)
        else:
            await stored.pause(tx, source_id, verb == "pause", desk.now())
    desk.look.set()
    desk.hubs.set()
    return watched


# --------------------------------------------------------------------------------------------------------------- OPML


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one outline: `state` is added, known (watched already, or twice in the list) or refused."""

    outline: opml.Outline
    state: str
    source_id: str = ""
    problem: str = ""


async def import_(desk: Desk, outlines: Sequence[opml.Outline]) -> list[Imported]:
    """Watch all feeds of a list that are not watched yet; none is read here.

    One that stands there twice gets the topics of both.
    """
    async with desk.database.read() as connection:
        watched = await stored.every_one(connection)
    taken, known = {one.source.id for one in watched}, {one.source.url: one.source.id for one in watched}
    refused = await _refused({one.url for one in outlines if not one.problem and one.url not in known})
    results, new = list[Imported](), dict[str, Source]()
    for outline in outlines:
        problem = outline.problem or refused.get(outline.url, "")
        if problem:
            results.append(Imported(outline, "refused", problem=problem))
        elif outline.url in new:
            first = new[outline.url]
            new[outline.url] = replace(first, topics=tuple(dict.fromkeys((*first.topics, *outline.topics))))
            results.append(Imported(outline, "known", first.id))
        elif outline.url in known:
            results.append(Imported(outline, "known", known[outline.url]))
        else:
            new[outline.url] = _source(desk, outline, free_id(outline.url, taken))
            taken.add(new[outline.url].id)
            results.append(Imported(outline, "added", new[outline.url].id))
    async with desk.database.write() as tx:
        for source in new.values():
            await stored.add(tx, source, desk.now(), int(desk.settings.fetch.min_every))
    return results


def _source(desk: Desk, outline: opml.Outline, source_id: str) -> Source:
    return Source(
        source_id,
        outline.name or _host(outline.url),
        Kind.FEED,
        outline.url,
        outline.site_url,
        language=outline.language,
        timezone=desk.settings.timezone,
        topics=outline.topics,
    )


async def _refused(urls: Collection[str]) -> dict[str, str]:
    """Those that nobody may be sent to, with the reason in words."""
    room, found = asyncio.Semaphore(LOOKED_UP_AT_ONCE), dict[str, str]()

    async def look(url: str) -> None:
        async with room:
            try:
                await fetch.check_address(url)
            except SourceError as error:
                found[url] = str(error)

    await asyncio.gather(*(look(url) for url in urls))
    return found


async def export(desk: Desk) -> tuple[bytes, list[str]]:
    """All feeds that are watched as OPML; and the ids of the sources that are no feeds, which it cannot hold."""
    async with desk.database.read() as connection:
        watched = [one.source for one in await stored.every_one(connection)]
    feeds = [one for one in watched if one.kind is Kind.FEED]
    return opml.write("Sokbo", feeds, desk.now()), [one.id for one in watched if one.kind is not Kind.FEED]
