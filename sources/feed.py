"""RSS and Atom documents → posts. Parsers are handed bytes only: a string might be opened as a file or address."""

import hashlib
import html
import html.entities
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

import fastfeedparser
import feedparser

from errors import SourceError
from models import Post, Source
from sources import walls
from sources.clean import clean
from sources.documents import Document
from sources.encoding import to_text
from sources.moments import moment
from sources.original import original_of

ROOT = re.compile(r"<(?:[A-Za-z]+:)?(rss|feed|RDF)[\s>]")
CLOSED = re.compile(r"</(?:[A-Za-z]+:)?(rss|feed|RDF)\s*>\s*(<!--.*?-->\s*)*$", re.DOTALL)
CDATA = re.compile(r"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});)(?:([A-Za-z][A-Za-z0-9]{1,31});)?")
NAMED = {name.rstrip(";"): text for name, text in html.entities.html5.items() if name.endswith(";")}
INLINE_TAG = re.compile(r"</?(?:b|i|u|em|strong|span|font|sup|sub|a|br|small|mark)\b[^<>]*>", re.IGNORECASE)
ENTRY = re.compile(r"<(?:[A-Za-z]+:)?(item|entry)[\s>/]")
MAX_ENTRIES = 5000
"""A document with more is refused: more could not be read within a worker's allowance."""
MAX_TITLE, MAX_TEXT, MAX_EXCERPT, MAX_ADDRESS, MAX_CATEGORIES = 2_000, 500_000, 20_000, 2_000, 50
"""Characters, and categories, of one post: what lies beyond is cut off. The longest articles have 200,000."""
DOCTYPE = re.compile(r"<!DOCTYPE\b[^\[<>]*(?:\[.*?\]\s*)?>", re.IGNORECASE | re.DOTALL)
ENTITY = re.compile(r"<!ENTITY\b", re.IGNORECASE)
LONG_TAG = re.compile(r"<[A-Za-z][^<>]{100000}")


def parse(source: Source, document: Document) -> list[Post]:
    """The posts of a feed, oldest first. Raises SourceError when the document is no (whole) feed."""
    text = to_text(document.body, charset=document.charset, override=source.encoding)
    _refuse_what_is_no_feed(text)
    text = _without_declarations(text)
    parts = CDATA.split(text)
    _refuse_what_exhausts([part for part in parts if not part.startswith("<![CDATA[")])
    text = "".join(part if part.startswith("<![CDATA[") else _mend(part) for part in parts)
    entries = _entries(text.encode("utf-8", errors="replace"), expected=ENTRY.search(text) is not None)
    posts = _posts(source, entries, document.name)
    dated = [post.published or post.updated for post in posts]
    newest_first = _is_newest_first(dated)
    ordered = list(reversed(posts)) if newest_first else posts
    if all(dated):
        ordered.sort(key=lambda post: post.published or post.updated or datetime.min.replace(tzinfo=UTC))
    return ordered


def _refuse_what_is_no_feed(text: str) -> None:
    start = text.lstrip()[:2000]
    if not start:
        raise SourceError("empty", "the answer is empty")
    if ROOT.search(start) is None and ROOT.search(text[:20000]) is None:
        if wall := walls.named_on(text):
            raise SourceError("bot-wall", f"a wall against bots ({wall}) stands where the feed should be")
        if re.search(r"<!doctype html|<html[\s>]", start, re.IGNORECASE):
            raise SourceError("html", "this is a web page, not a feed: give the address of its RSS or Atom feed")
        raise SourceError("no-feed", "this is neither RSS nor Atom")
    if CLOSED.search(text[-2000:]) is None:
        raise SourceError("truncated", "the feed ends in the middle")


def _without_declarations(text: str) -> str:
    """Without the DOCTYPE, so that no parser learns an entity: those of HTML are mended, others stay as they stand."""
    start = ROOT.search(text)
    head = text[: start.start()] if start else ""
    return DOCTYPE.sub("", head, count=1) + text[len(head) :]


def _refuse_what_exhausts(markup: list[str]) -> None:
    """What a parser would take long to refuse, told before it begins."""
    if any(ENTITY.search(part) for part in markup):
        raise SourceError("entities", "it declares entities of its own, which no feed needs")
    if any(LONG_TAG.search(part) for part in markup):
        raise SourceError("attributes", "one of its elements has 100,000 characters of attributes or more")
    if sum(1 for part in markup for _ in ENTRY.finditer(part)) > MAX_ENTRIES:
        raise SourceError("entries", f"it has more than {MAX_ENTRIES:,} entries")


def _mend(markup: str) -> str:
    """Ampersands that XML would drop: bare ones, and HTML's names for characters."""
    if "&" not in markup:
        return markup
    return AMPERSAND.sub(lambda match: NAMED.get(match[1] or "", f"&amp;{match[0][1:]}"), markup)


def _entries(body: bytes, *, expected: bool) -> list[Mapping[str, Any]]:
    try:
        found = list(fastfeedparser.parse(body).entries)
    except Exception:
        # It raises bare ValueErrors, and lxml's and its date parser's errors too; the other parser decides then.
        found = []
    if found or not expected:
        return found
    return list(feedparser.parse(body, sanitize_html=False, resolve_relative_uris=False).entries)


def _is_newest_first(dated: list[datetime | None]) -> bool:
    """Most feeds are; only a document whose dates rise is not."""
    known = [one for one in dated if one is not None]
    return len(known) < 2 or known[0] >= known[-1]


def _posts(source: Source, entries: Iterable[Mapping[str, Any]], base: str) -> list[Post]:
    read = [_post(source, entry, base) for entry in entries]
    repeated = {key for key, times in Counter(post.key for post, _ in read).items() if times > 1}
    unique: dict[str, Post] = {}
    for post, own_key in read:
        key = f"{post.key} {own_key}" if post.key in repeated else post.key
        if key not in unique:
            unique[key] = replace(post, key=key)
    return list(unique.values())


def _post(source: Source, entry: Mapping[str, Any], base: str) -> tuple[Post, str]:
    """The post, and what tells it apart should its guid repeat in the document."""
    title = _title(str(entry.get("title") or "")[: 2 * MAX_TITLE])[:MAX_TITLE]
    link = _link(str(entry.get("link") or "").strip(), base)
    body = clean(_html(entry), link or base)
    digest = hashlib.blake2b(f"{title}\n{body}".encode(), digest_size=16).hexdigest()
    guid = str(entry.get("id") or "").strip()
    if len(guid) > MAX_ADDRESS:
        guid = hashlib.blake2b(guid.encode(), digest_size=16).hexdigest()
    original, headline = original_of(body)
    post = Post(
        source_id=source.id,
        key=guid or link or digest,
        title=title,
        link=link,
        html=body,
        original_link=original,
        source_headline=headline,
        excerpt=str(entry.get("summary") or entry.get("description") or "")[:MAX_EXCERPT],
        categories=_categories(entry),
        image=_image(entry, base),
        language=source.language,
        published=moment(entry.get("published")),
        updated=moment(entry.get("updated")),
        guid=guid,
        digest=digest,
    )
    return post, link if guid and link else digest


def _link(address: str, base: str) -> str:
    if not address or len(address) > MAX_ADDRESS:
        return ""
    try:
        link = urljoin(base, address)
    except ValueError:
        return ""
    return link if link.startswith(("http://", "https://")) else ""


def _categories(entry: Mapping[str, Any]) -> tuple[str, ...]:
    terms = [str(tag["term"]) for tag in entry.get("tags") or () if tag.get("term")]
    return tuple(term[:MAX_TITLE] for term in terms[:MAX_CATEGORIES])


def _title(raw: str) -> str:
    """RSS titles come as text, as HTML and as HTML escaped twice: inline tags go, entities become characters."""
    return " ".join(html.unescape(INLINE_TAG.sub("", raw)).split())


def _html(entry: Mapping[str, Any]) -> str:
    contents = [str(part.get("value") or "") for part in entry.get("content") or ()]
    candidates = [*contents, str(entry.get("summary") or ""), str(entry.get("description") or "")]
    return max(candidates, key=len)[:MAX_TEXT]


def _image(entry: Mapping[str, Any], base: str) -> str:
    media = [
        *(entry.get("media_content") or ()),
        *(entry.get("media_thumbnail") or ()),
        *(entry.get("enclosures") or ()),
    ]
    for item in media:
        address = str(item.get("url") or item.get("href") or "")
        kind = str(item.get("type") or item.get("medium") or "image")
        if address and kind.startswith("image"):
            return _link(address, base)
    return ""
