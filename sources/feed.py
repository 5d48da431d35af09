"""Feeds → posts: RSS 0.9x to 2.0, RDF, Atom 0.3 and 1.0, CDF, JSON Feed.

The parsers get a stream of bytes only: a string, or bytes as they are, might be opened as a file or an address. What
the faster one refuses, finds nothing in, or finds fewer entries in than were begun, is read by feedparser.
"""

import hashlib
import html
import html.entities
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import urljoin

import fastfeedparser
import feedparser
from lxml import etree  # type: ignore[import-untyped]

from errors import SourceError
from models import Known, Post, Source
from sources import pieces, records, walls
from sources.clean import clean
from sources.documents import Document
from sources.encoding import encoding_of, to_text
from sources.moments import moment
from sources.original import original_of
from sources.pieces import Pieces

ROOT = re.compile(r"<(?:[A-Za-z]+:)?(rss|feed|RDF|channel)[\s>]", re.IGNORECASE)
CLOSED = re.compile(r"</(?:[A-Za-z]+:)?(?:rss|feed|RDF|channel)\s*>", re.IGNORECASE)
SECTION = "<![CDATA["
AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});)(?:([A-Za-z][A-Za-z0-9]{1,31});)?")
BRACKET = re.compile(r"<(?![A-Za-z_/!?])")
"""No element of a feed is named in Hangul: `<속보>` is a title."""
WINDOWS = re.compile(r"&#(?:1[2-5][0-9]|[xX][89][0-9a-fA-F]);")
NAMED = {name.rstrip(";"): text for name, text in html.entities.html5.items() if name.endswith(";")}
INLINE_TAG = re.compile(r"</?(?:b|i|u|em|strong|span|font|sup|sub|a|br|small|mark)\b[^<>]*>", re.IGNORECASE)
ENTRY = re.compile(r"<(?:[A-Za-z]+:)?(item|entry)(?=[\s>/])", re.IGNORECASE)
ENTRY_END = re.compile(r"</(?:[A-Za-z]+:)?(?:item|entry)\s*>", re.IGNORECASE)
MAX_ENTRIES = 5000
"""A document with more is refused: more could not be read within a worker's allowance."""
MAX_TITLE, MAX_TEXT, MAX_EXCERPT, MAX_ADDRESS, MAX_CATEGORIES = 2_000, 500_000, 20_000, 2_000, 50
"""Characters, and categories, of one post: what lies beyond is cut off. The longest articles have 200,000."""
DOCTYPE = re.compile(r"<!DOCTYPE\b[^\[<>]*(?:\[.*?\]\s*)?>", re.IGNORECASE | re.DOTALL)
ENTITY = re.compile(r"<!ENTITY\b", re.IGNORECASE)
SLOW_ENTRIES = 800
"""As many as feedparser reads within a worker's allowance: beyond that, what the faster one found has to do."""
TITLE_OF_ELEMENTS = re.compile(r"<(?:[A-Za-z]+:)?title\b[^<>]{0,200}\btype\s*=\s*[\"']xhtml")
"""The faster parser finds no text in it."""
DATE = re.compile(
    r"<(?:[A-Za-z]+:)?(?:pubDate|published|issued|date|updated|modified|lastBuildDate|created)[\s>]", re.I
)
DATED = re.compile(DATE.pattern.encode(), re.IGNORECASE)
USUAL_DATES = ("<pubDate>", "<published>", "<updated>", "<dc:date>")
XML_BASE = re.compile(r"\bxml:base\s*=")
LONG_TAG = re.compile(r"<[A-Za-z][^<>]{100000}")


P = TypeVar("P", bound=Post | Known)
Read = tuple[Post | Known, bytes]
"""An entry and its name (sources/pieces.py); b"" where it has none, and is read each time."""


def parse(source: Source, document: Document) -> list[Post]:
    """The posts of a feed, oldest first. Raises SourceError when the document is no feed, or was cut off."""
    text = to_text(document.body, charset=document.charset, override=source.encoding)
    if records.is_json(text):
        entries = records.read(text).entries
        _refuse_too_many(len(entries))
    else:
        entries = tuple(_xml_entries(text, document.name))
    return oldest_first(posts_of(source, entries, document.name))


def parse_changes(source: Source, document: Document, known: Mapping[bytes, Known]) -> list[Read]:
    """As `parse`, but entries that are known by their names are not read. Raises SourceError."""
    parts = pieces.cut(document.body)
    if parts is None:
        return [(post, b"") for post in parse(source, document)]
    encoding = encoding_of(document.body, charset=document.charset, override=source.encoding)
    names = pieces.names(parts, document.name, encoding)
    strange = [one for one, name in zip(parts.entries, names, strict=True) if name not in known]
    fresh = _read_alike(source, parts._replace(entries=tuple(strange)), document.name, encoding) if strange else []
    if len(fresh) < len(strange) or len(names) > MAX_ENTRIES:
        return [(post, b"") for post in parse(source, document)]
    rest = iter(fresh)
    posts = [known[name] if name in known else next(rest) for name in names]
    unique = [
        (replace(post, key=key) if isinstance(post, Post) else post, names[number])
        for key, (number, post) in _under_keys(posts).items()
    ]
    return [unique[number] for number in _order([post for post, _ in unique])]


def _read_alike(source: Source, parts: Pieces, base: str, encoding: str) -> list[Post]:
    """The post of each entry, where all are read by the faster parser from what stands in the entry itself: whatever
    stands beside it, it will be read so. Otherwise nothing."""
    if not pieces.are_plain(parts):
        return []
    text = to_text(b"".join([parts.head, *parts.entries, parts.tail]), override=encoding)
    if records.is_json(text) or _has_title_of_elements(text):
        return []
    try:
        whole = _whole(text)
    except SourceError:
        return []
    entries = _fast(whole.body) if whole.begun == len(parts.entries) else []
    if len(entries) != len(parts.entries):
        return []
    if any("published" in entry and not DATED.search(one) for entry, one in zip(entries, parts.entries, strict=True)):
        return []
    return [_post(source, entry, base) for entry in entries]


def oldest_first(posts: Sequence[Post]) -> list[Post]:
    """Posts in a document's order → oldest first; ties keep the reversed order of a document that is newest first."""
    return [posts[number] for number in _order(posts)]


def _order(posts: Sequence[Post | Known]) -> list[int]:
    """The places of the posts, oldest first."""
    dated = [post.published or post.updated for post in posts]
    places = list(reversed(range(len(posts)))) if _is_newest_first(dated) else list(range(len(posts)))
    if all(dated):
        places.sort(key=lambda place: dated[place] or datetime.min.replace(tzinfo=UTC))
    return places


# -------------------------------------------------------------------------------------------------------- the document


@dataclass(frozen=True, slots=True)
class Whole:
    """A document as parsers get it, mended and without half entries; so many entries are `begun` in it."""

    text: str
    body: bytes
    begun: int


def _whole(text: str) -> Whole:
    _refuse_what_is_no_feed(text)
    parts = _sections(_without_declarations(text))
    markup = [part for part in parts if not part.startswith(SECTION)]
    begun = refuse_what_exhausts(markup)
    if _is_cut(markup):
        text = _whole_entries("".join(parts))
        parts = _sections(text)
        begun -= 1
    text = "".join(part if part.startswith(SECTION) else _mend(part) for part in parts)
    return Whole(text, text.encode("utf-8", errors="replace"), begun)


def _sections(text: str) -> list[str]:
    """The text cut before and behind each CDATA section."""
    parts, at = list[str](), 0
    while (start := text.find(SECTION, at)) >= 0 and (end := text.find("]]>", start + len(SECTION))) >= 0:
        parts += [text[at:start], text[start : end + 3]]
        at = end + 3
    return [*parts, text[at:]]


def _xml_entries(text: str, base: str) -> list[Mapping[str, Any]]:
    whole = _whole(text)
    if whole.begun <= SLOW_ENTRIES and _has_title_of_elements(whole.text):
        return _thorough(whole.body, base)
    based = "xml:base" in whole.text and XML_BASE.search(whole.text) is not None
    entries = _entries(whole.body, whole.begun, base, based=based)
    return entries if _are_dates_written(whole.text, entries) else [*map(_undated, entries)]


def _has_title_of_elements(text: str) -> bool:
    return "xhtml" in text and TITLE_OF_ELEMENTS.search(text) is not None


def _are_dates_written(text: str, entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether as many dates stand in the entries as were found."""
    found, first = sum("published" in entry for entry in entries), ENTRY.search(text)
    start = first.start() if first else len(text)
    if found <= sum(text.count(tag, start) for tag in USUAL_DATES):
        return True
    return found <= sum(1 for _ in DATE.finditer(text, start))


def _undated(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without a date that the faster parser made of the guid: of "7" it makes the seventh of this month."""
    made_of_id = moment(_text(entry.get("id")), lenient=True)
    if made_of_id is None or moment(entry.get("published")) != made_of_id:
        return entry
    return {key: value for key, value in entry.items() if key != "published"}


def _refuse_what_is_no_feed(text: str) -> None:
    start = text.lstrip()[:2000]
    if not start:
        raise SourceError("empty", "the answer is empty")
    page = re.search(r"<!doctype html|<html[\s>]", start, re.IGNORECASE)
    if page or (ROOT.search(start) is None and ROOT.search(text[:20000]) is None):
        if wall := walls.named_on(text):
            raise SourceError("bot-wall", f"a wall against bots ({wall}) stands where the feed should be")
        if page:
            raise SourceError("html", "this is a web page, not a feed: give the address of its RSS or Atom feed")
        raise SourceError("no-feed", "this is neither RSS nor Atom nor JSON Feed")


def _without_declarations(text: str) -> str:
    """Without the DOCTYPE, so that no parser learns an entity: those of HTML are mended, others stay as they stand."""
    start = ROOT.search(text)
    head = text[: start.start()] if start else ""
    return DOCTYPE.sub("", head, count=1) + text[len(head) :]


def refuse_what_exhausts(markup: list[str]) -> int:
    """What a parser would take long to refuse, told before it begins. Returns how many entries are begun."""
    if any(ENTITY.search(part) for part in markup):
        raise SourceError("entities", "it declares entities of its own, which no feed needs")
    if any(LONG_TAG.search(part) for part in markup):
        raise SourceError("attributes", "one of its elements has 100,000 characters of attributes or more")
    begun = sum(1 for _ in islice((entry for part in markup for entry in ENTRY.finditer(part)), MAX_ENTRIES + 1))
    _refuse_too_many(begun)
    return begun if begun == 0 or not any("<!--" in part for part in markup) else _outside_comments(markup)


def _refuse_too_many(entries: int) -> None:
    if entries > MAX_ENTRIES:
        raise SourceError("entries", f"it has more than {MAX_ENTRIES:,} entries")


def _outside_comments(markup: list[str]) -> int:
    """How many entries are begun that were not commented out. One pass, however the comments are nested."""
    begun, text, at = 0, "".join(markup), 0
    while at < len(text):
        comment = text.find("<!--", at)
        end = text.find("-->", comment + 4) if comment >= 0 else -1
        if end < 0:
            return begun + sum(1 for _ in ENTRY.finditer(text, at))
        begun += sum(1 for _ in ENTRY.finditer(text, at, comment))
        at = end + 3
    return begun


def _is_cut(markup: list[str]) -> bool:
    """Whether the document ends in the middle of an entry."""
    for part in reversed(markup):
        last = _last(ENTRY, part)
        closed = part[last.end() if last else 0 :]
        if ENTRY_END.search(closed) or CLOSED.search(closed):
            return False
        if last is not None:
            return True
    return True


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    last = None
    for found in pattern.finditer(text):
        last = found
    return last


def _whole_entries(text: str) -> str:
    """A document that was cut, as far as its entries are whole: half an entry would be told as if it were all.

    Raises SourceError where there is none.
    """
    last = _last(ENTRY_END, text)
    if last is None:
        raise SourceError("truncated", "the feed ends in the middle")
    return text[: last.end()]


def _mend(markup: str) -> str:
    """What XML would drop: bare ampersands and brackets, HTML's names for characters, and Windows' numbers for them."""
    markup = BRACKET.sub("&lt;", markup)
    if "&" not in markup:
        return markup
    markup = WINDOWS.sub(_from_windows, markup)
    return AMPERSAND.sub(lambda match: NAMED.get(match[1] or "", f"&amp;{match[0][1:]}"), markup)


def _from_windows(number: re.Match[str]) -> str:
    """As HTML reads it (https://html.spec.whatwg.org/multipage/parsing.html#numeric-character-reference-end-state)."""
    return html.unescape(number[0])


def _entries(body: bytes, begun: int, base: str, *, based: bool) -> list[Mapping[str, Any]]:
    """The entries; `begun` are expected, `based` says that addresses may be relative to something else than `base`."""
    found = _fast(body)
    bases = _bases(body, base) if based and found else []
    if len(found) == begun and (not based or len(bases) == begun):
        return [{**entry, **place} for entry, place in zip(found, bases, strict=True)] if based else found
    if begun == 0 or (found and begun > SLOW_ENTRIES):
        return found
    return _thorough(body, base) or found


def _fast(body: bytes) -> list[Mapping[str, Any]]:
    try:
        return list(fastfeedparser.parse(body).entries)
    except Exception:
        # It raises bare ValueErrors, and lxml's and its date parser's errors too; the other parser decides then.
        return []


def _thorough(body: bytes, base: str) -> list[Mapping[str, Any]]:
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": base}
    read = feedparser.parse(
        io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    return [{**entry, "enclosures": entry.get("enclosures")} for entry in read.entries]


def _bases(body: bytes, base: str) -> list[Mapping[str, Any]]:
    """What the addresses in each entry are relative to (https://www.w3.org/TR/xmlbase/): of its link, of its text."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=True, collect_ids=False)
    try:
        root = etree.fromstring(body, parser=parser, base_url=base)
    except (etree.XMLSyntaxError, ValueError):
        return []
    found = list[Mapping[str, Any]]()
    for node in root.iter("{*}item", "{*}entry") if root is not None else ():
        links = [*node.iterchildren("{*}link")]
        alternate = [link for link in links if link.get("rel", "alternate") == "alternate"] or links
        text = [*node.iterchildren("{*}content", "{*}encoded")] or [*node.iterchildren("{*}summary", "{*}description")]
        place = (alternate[0] if alternate else node).base
        found.append({"link_base": place or base, "text_base": (text[0] if text else node).base or base})
    return found


def _is_newest_first(dated: list[datetime | None]) -> bool:
    """Most feeds are; only a document whose dates rise is not."""
    known = [one for one in dated if one is not None]
    return len(known) < 2 or known[0] >= known[-1]


# ---------------------------------------------------------------------------------------------------------- its entries


def posts_of(source: Source, entries: Iterable[Mapping[str, Any]], base: str) -> list[Post]:
    """The posts in the document's order; an entry is what the parsers make of it. `base`: the document's address."""
    found = _under_keys([_post(source, entry, base) for entry in entries])
    return [replace(post, key=key) for key, (_, post) in found.items()]


def _under_keys(posts: Sequence[P]) -> dict[str, tuple[int, P]]:
    """Key → the first post that has it, and its place; a guid that repeats is made unique by what tells it apart."""
    keys = [post.guid or post.link or post.digest for post in posts]
    times = Counter(keys)
    unique = dict[str, tuple[int, P]]()
    for place, (key, post) in enumerate(zip(keys, posts, strict=True)):
        apart = post.link if post.guid and post.link else post.digest
        unique.setdefault(f"{key} {apart}" if times[key] > 1 else key, (place, post))
    return unique


def _post(source: Source, entry: Mapping[str, Any], base: str) -> Post:
    title = _title(_text(entry.get("title"))[: 2 * MAX_TITLE])[:MAX_TITLE]
    link = _link(_address(entry), str(entry.get("link_base") or base))
    raw, place = _html(entry)
    body = clean(raw, place or (link or base))
    digest = hashlib.blake2b(f"{title}\n{body}".encode(), digest_size=16).hexdigest()
    guid = _text(entry.get("id")).strip()
    if len(guid) > MAX_ADDRESS:
        guid = hashlib.blake2b(guid.encode(), digest_size=16).hexdigest()
    original, headline = original_of(body)
    return Post(
        source_id=source.id,
        key=guid or link or digest,
        title=title,
        link=link,
        html=body,
        original_link=original or _link(_text(entry.get("original")), base),
        source_headline=headline,
        excerpt=_text(entry.get("summary") or entry.get("description"))[:MAX_EXCERPT],
        categories=_categories(entry),
        image=_image(entry, base),
        language=source.language or _text(entry.get("language")),
        published=moment(entry.get("published")),
        updated=moment(entry.get("updated")),
        guid=guid,
        digest=digest,
    )


def _address(entry: Mapping[str, Any]) -> str:
    """Where the entry stands: not at its enclosure, nor in the feed; an id may say it too."""
    link, links = _text(entry.get("link")).strip(), entry.get("links") or ()
    others = [one for one in links if one.get("href") == link and one.get("rel") not in (None, "", "alternate")]
    if not link or (others and not any(one.get("rel") in (None, "", "alternate") for one in links)):
        link = _text(entry.get("id")).strip()
    return link


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _link(address: str, base: str) -> str:
    if not address or len(address) > MAX_ADDRESS:
        return ""
    try:
        link = urljoin(base, address)
    except ValueError:
        return ""
    return link if link.startswith(("http://", "https://")) else ""


def _categories(entry: Mapping[str, Any]) -> tuple[str, ...]:
    terms = [str(tag["term"]).strip() for tag in entry.get("tags") or () if tag.get("term")]
    return tuple(dict.fromkeys(term[:MAX_TITLE] for term in terms[:MAX_CATEGORIES] if term))


def _title(raw: str) -> str:
    """RSS titles come as text, as HTML and as HTML escaped twice: inline tags go, entities become characters."""
    return " ".join(html.unescape(INLINE_TAG.sub("", raw)).split())


def _html(entry: Mapping[str, Any]) -> tuple[str, str]:
    """The longest text, and what the addresses in it are relative to ("" where that is as usual)."""
    contents = [_text(part.get("value")) for part in entry.get("content") or ()]
    candidates = [*contents, _text(entry.get("summary")), _text(entry.get("description"))]
    media = [_text(part.get("description")) for part in entry.get("media_content") or ()]
    longest = max(candidates, key=len) or max([_text(entry.get("media_description")), *media], key=len)
    bases = [_text(part.get("base")) for part in entry.get("content") or () if _text(part.get("value")) == longest]
    place = _text(entry.get("text_base")) or (bases[0] if bases else "")
    return longest[:MAX_TEXT], place if place.startswith(("http://", "https://")) else ""


def _image(entry: Mapping[str, Any], base: str) -> str:
    media = [
        *(entry.get("media_content") or ()),
        *(entry.get("media_thumbnail") or ()),
        *(entry.get("enclosures") or ()),
    ]
    pictures = [
        *(_text(one.get("url") or one.get("href")) for one in media if _is_picture(one)),
        *(_text(one.get("thumbnail_url")) for one in media),
    ]
    return next((_link(address, base) for address in pictures if address), "")


def _is_picture(media: Mapping[str, Any]) -> bool:
    return str(media.get("type") or media.get("medium") or "image").startswith("image")
