"""News sitemaps: https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap.

Title and date stand in the sitemap, the text on the article's page. An index names other sitemaps; of them those are
read that changed last, or say that they hold news.
"""

import asyncio
import re
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from typing import TYPE_CHECKING, Any

from lxml import etree  # type: ignore[import-untyped]

from errors import SourceError
from models import Post, Source
from sources import feed, moments
from sources.documents import Document, Fetched, Unchanged
from sources.encoding import to_text
from sources.unpacking import Unpacking

if TYPE_CHECKING:  # who only parses, in a worker, loads no client
    from sources.fetch import Fetching

MOST_MAPS = 5
"""Sitemaps of an index that are read each time."""
MOST_POSTS = 1000
"""Google takes no more than so many from a news sitemap; the newest count."""
GZIP = b"\x1f\x8b"
INDEX = re.compile(rb"<(?:[A-Za-z]+:)?sitemapindex[\s>]")
ROOT = re.compile(r"<(?:[A-Za-z]+:)?(?:urlset|sitemapindex)[\s>]")
NAMED = re.compile(rb"<(?:[A-Za-z]+:)?sitemap\s*>(.{0,5000}?)</(?:[A-Za-z]+:)?sitemap\s*>", re.DOTALL)
LOC = re.compile(rb"<(?:[A-Za-z]+:)?loc\s*>\s*(?:<!\[CDATA\[)?\s*([^<>\s]{1,2000})")
LASTMOD = re.compile(rb"<(?:[A-Za-z]+:)?lastmod\s*>\s*([^<>\s]{1,40})")


# ------------------------------------------------------------------------------------------------------------ fetching


async def fetch(ask: "Fetching", source: Source, validators: Mapping[str, Any]) -> Fetched | Unchanged:
    """The sitemap, or those of an index that may hold news, as far as they changed. Raises SourceError."""
    known = dict(validators.get("maps", {}))
    index = bool(validators.get("maps"))
    answer = await ask(source.url, validators, beside=source.url)
    if isinstance(answer, Unchanged):
        if not index:
            return answer
        named = [(url, str(state.get("lastmod", ""))) for url, state in known.items()]
    else:
        (document,) = answer.documents
        document = await asyncio.to_thread(unpacked, document, ask.settings.max_bytes)
        if not INDEX.search(document.body[:20_000]):
            return replace(answer, documents=(document,))
        named = await asyncio.to_thread(chosen, document.body)
        if not named:
            raise SourceError("no-posts", "this index names no sitemaps")
    documents, maps = await _maps(ask, source, named, known)
    kept = {**(answer.validators or validators), "maps": maps}
    if not documents and kept == dict(validators):
        return Unchanged(answer.fresh_for)
    return Fetched(tuple(documents), kept, answer.fresh_for)


async def _maps(
    ask: "Fetching", source: Source, named: list[tuple[str, str]], known: Mapping[str, Any]
) -> tuple[list[Document], dict[str, Any]]:
    """What changed of the named sitemaps, and the validators of all. One that fails costs itself, unless all do."""
    documents, maps, failures = list[Document](), dict[str, Any](), list[SourceError]()
    for url, lastmod in named:
        before = known.get(url, {})
        if lastmod and before.get("lastmod") == lastmod:
            maps[url] = before
            continue
        try:
            answer = await ask(url, before, beside=source.url)
        except SourceError as error:
            failures.append(error)
            maps[url] = {**before, "lastmod": ""}  # asked for again next time
            continue
        maps[url] = {**(answer.validators or before), "lastmod": lastmod}
        if isinstance(answer, Fetched):
            (document,) = answer.documents
            documents.append(await asyncio.to_thread(unpacked, document, ask.settings.max_bytes))
    if failures and len(failures) == len(named):
        raise failures[0]
    return documents, maps


def unpacked(document: Document, max_bytes: int) -> Document:
    """A sitemap that is a gzip file (`news.xml.gz`) as what it holds, at most `max_bytes`. Raises SourceError."""
    if not document.body.startswith(GZIP):
        return document
    unpack, body = Unpacking(), bytearray()
    try:
        for start in range(0, len(document.body), 65536):
            body += unpack.feed(document.body[start : start + 65536], max_bytes + 1 - len(body))
            if len(body) > max_bytes:
                raise SourceError("too-large", f"larger than {max_bytes:,} bytes (fetch.max_bytes)")
    except zlib.error as error:
        raise SourceError("gzip", "the compressed sitemap is damaged") from error
    if not unpack.ended:
        raise SourceError("cut", "the compressed sitemap was cut off before its end")
    return replace(document, body=bytes(body))


def chosen(index: bytes) -> list[tuple[str, str]]:
    """Address and date of change of the sitemaps to read: the newest, those that say news before others."""
    maps = []
    for place, found in enumerate(NAMED.finditer(index)):
        if loc := LOC.search(found[1]):
            lastmod = LASTMOD.search(found[1])
            url = unescape(loc[1].decode("utf-8", "ignore")).removesuffix("]]>")
            changed = lastmod[1].decode("ascii", "ignore") if lastmod else ""
            maps.append((url, changed, place))
    news = [one for one in maps if "news" in one[0].lower()]
    newest = sorted(news or maps, key=lambda one: (moments.moment(one[1]) or datetime.min.replace(tzinfo=UTC), one[2]))
    return [(url, changed) for url, changed, _ in newest[-MOST_MAPS:]][::-1]


# ------------------------------------------------------------------------------------------------------------- parsing


def parse(source: Source, document: Document) -> list[Post]:
    """The posts that a sitemap names, oldest first. Raises SourceError."""
    text = to_text(document.body, charset=document.charset, override=source.encoding)
    if not text.strip():
        raise SourceError("empty", "the answer is empty")
    if ROOT.search(text[:20_000]) is None:
        raise SourceError("no-sitemap", "this is no sitemap")
    feed.refuse_what_exhausts([text])
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=True, collect_ids=False)
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError("no-sitemap", "this is no sitemap that can be read") from error
    entries = [entry for node in (root.iter("{*}url") if root is not None else ()) if (entry := _entry(node))["link"]]
    told = [entry for entry in entries if entry["title"]] or entries
    told.sort(key=lambda entry: moments.moment(entry["published"]) or datetime.min.replace(tzinfo=UTC))
    return feed.posts_of(source, told[-MOST_POSTS:], document.name)


def _entry(node: Any) -> Mapping[str, Any]:
    found = _texts(node)
    keywords = [word.strip() for word in found.get("keywords", "").split(",")]
    picture = found.get("image loc", "")
    return {
        "id": found.get("loc", ""),
        "link": found.get("loc", ""),
        "title": found.get("title", ""),
        "published": found.get("publication_date") or found.get("lastmod", ""),
        "tags": [{"term": word} for word in keywords if word],
        "media_content": [{"url": picture}] if picture else [],
        "language": found.get("language", "")[:2],
    }


def _texts(node: Any) -> dict[str, str]:
    """Element name -> its first text; what stands in a picture or a video is named after that."""
    found = dict[str, str]()
    for child in node.iterdescendants():
        if isinstance(child.tag, str) and child.text and child.text.strip():
            inside = child.getparent().tag.rpartition("}")[2]
            name = child.tag.rpartition("}")[2]
            found.setdefault(f"{inside} {name}" if inside in ("image", "video") else name, " ".join(child.text.split()))
    return found
