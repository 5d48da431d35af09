"""The address of any page of a site → what of it can be watched: its feed, its news sitemap, its WordPress."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from errors import SourceError
from models import Kind
from sources import feed, records, sitemap
from sources.documents import Document, Fetched
from sources.encoding import to_text
from sources.fetch import Fetching

TYPES = re.compile(r"application/(?:rss|atom|rdf|feed)\+(?:xml|json)|application/json|text/xml", re.IGNORECASE)
USUAL = ("feed", "rss", "rss.xml", "atom.xml", "feed.xml", "index.xml")
"""Where sites have their feed (https://www.rssboard.org/rss-autodiscovery asks for a link, many have none)."""
POSTS = "wp-json/wp/v2/posts?per_page=1"
MOST_LINKS = 5
SILENT = frozenset({"timeout", "connect", "dns", "network"})
"""Who does not answer once is not asked at a dozen places more."""

OffTheLoop = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Found:
    """What to watch. `how`: the address itself, a link in the page, a usual place, or WordPress. `document` is what
    stands there, as it was just read."""

    url: str
    kind: Kind
    how: str
    document: Document = field(compare=False)


@dataclass(frozen=True, slots=True)
class Look:
    """What a document is: something to watch, or a page that names feeds."""

    kind: Kind | None = None
    links: tuple[str, ...] = ()


def look_at(document: Document) -> Look:
    """Pure, for a worker process; takes any bytes and never raises."""
    text = to_text(document.body, charset=document.charset)
    if records.is_json(text):
        try:
            records.read(text)
        except SourceError:
            return Look()
        return Look(Kind.FEED if text.lstrip().startswith("{") else Kind.WORDPRESS)
    start = text.lstrip()[:20_000]
    if re.search(r"<!doctype html|<html[\s>]", start[:2000], re.IGNORECASE) is None:
        if sitemap.ROOT.search(start):
            return Look(Kind.SITEMAP)
        if feed.ROOT.search(start):
            return Look(Kind.FEED)
    return Look(None, tuple(_links(text[:500_000], document.name)))


def _links(html: str, base: str) -> list[str]:
    found: dict[str, bool] = {}
    for node in LexborHTMLParser(html).css("link[rel][href]"):
        attributes = {name: value or "" for name, value in node.attributes.items()}
        if "alternate" not in attributes["rel"].lower().split() or not TYPES.match(attributes.get("type", "")):
            continue
        try:
            url = urljoin(base, attributes["href"].strip())
        except ValueError:
            continue
        if url.startswith(("http://", "https://")) and "oembed" not in url:
            about = f"{url} {attributes.get('title', '')}".lower()
            found.setdefault(url, "comment" in about or "댓글" in about)
    return sorted(found, key=lambda url: found[url])[:MOST_LINKS]


async def find(ask: Fetching, url: str, off_the_loop: OffTheLoop) -> Found:
    """What of a site can be watched. Raises SourceError: that of the page, or that there is nothing."""
    document, look = await _look(ask, url, url, off_the_loop)
    if look.kind in (Kind.FEED, Kind.SITEMAP):
        return Found(url, look.kind, "itself", document)
    places = [*((link, "link") for link in look.links), *((place, "place") for place in _usual_places(document.name))]
    for place, how in places:
        there = await _look_at_place(ask, place, url, off_the_loop)
        if there is not None and there[1].kind in (Kind.FEED, Kind.SITEMAP):
            return Found(place, there[1].kind, how, there[0])
    for root in _roots(document.name):
        there = await _look_at_place(ask, root + POSTS, url, off_the_loop)
        if there is not None and there[1].kind is Kind.WORDPRESS:
            return Found(root, Kind.WORDPRESS, "wordpress", there[0])
    usual = ", ".join(f"/{name}" for name in (*USUAL, "wp-json"))
    raise SourceError(
        "nothing-found",
        f"this is neither a feed nor a page that names one, and its site has none at the usual places ({usual}): give "
        "the address of its RSS or Atom feed",
    )


async def _look(ask: Fetching, url: str, beside: str, off_the_loop: OffTheLoop) -> tuple[Document, Look]:
    answer = await ask(url, {}, beside=beside)
    assert isinstance(answer, Fetched), "without validators there is no 304"
    (document,) = answer.documents
    document = sitemap.unpacked(document, ask.settings.max_bytes)
    look: Look = await off_the_loop(look_at, document)
    return document, look


async def _look_at_place(
    ask: Fetching, url: str, beside: str, off_the_loop: OffTheLoop
) -> tuple[Document, Look] | None:
    try:
        return await _look(ask, url, beside, off_the_loop)
    except SourceError as error:
        if error.reason in SILENT and urlsplit(url).netloc == urlsplit(beside).netloc:
            raise
        return None


def _roots(url: str) -> list[str]:
    """The folder that the page stands in, and the site's root."""
    parts = urlsplit(url)
    root = f"{parts.scheme}://{parts.netloc}/"
    folder = root + parts.path.rpartition("/")[0].lstrip("/")
    page = root + parts.path.strip("/")
    nearest = folder if "." in page[len(root) :] else page
    return [*dict.fromkeys(f"{place.rstrip('/')}/" for place in (nearest, root))]


def _usual_places(url: str) -> list[str]:
    return [root + name for root in _roots(url) for name in USUAL]
