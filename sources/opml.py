"""Lists of feeds as other readers write and read them: OPML 2.0 (http://opml.org/spec2.opml). Bytes in, bytes out."""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import urlsplit, urlunsplit

from lxml import etree  # type: ignore[import-untyped]

from errors import SourceError
from models import Source

FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LONG_TAG = re.compile(rb"<[^<>]{50000}")
LONGEST = 5_000_000
MOST = 20_000
"""Bytes of a list, and feeds in it."""
LONGEST_WORD, LONGEST_ADDRESS = 200, 2000
DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Outline:
    """One feed of a list, with the line on which it stands; `topics` are its folders, the outermost first. `problem`:
    why it is none."""

    line: int
    url: str = ""
    name: str = ""
    topics: tuple[str, ...] = ()
    site_url: str = ""
    language: str = ""
    problem: str = ""


def read(document: bytes) -> list[Outline]:
    """All feeds of a list, and what is wrong with the others, in order. Raises SourceError for what is no list.

    Broken markup costs the outlines in which it stands; nothing is fetched, and no entity is looked up.
    """
    if len(document) > LONGEST:
        raise SourceError("too-large", f"larger than {LONGEST:,} bytes")
    plain = document.replace(b"\0", b"").upper()  # UTF-16 too
    if b"<!DOCTYPE" in plain[:100_000] or b"<!ENTITY" in plain:
        raise SourceError("entities", "it has a DOCTYPE, which no list of feeds needs")
    if LONG_TAG.search(plain):
        raise SourceError("attributes", "one of its elements has 50,000 characters of attributes or more")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True)
    try:
        root = etree.parse(io.BytesIO(document), parser).getroot()
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError("no-opml", "this is no OPML") from error
    if root is None or _name(root) != "opml":
        raise SourceError("no-opml", "this is no OPML")
    found = [one for body in root if _name(body) == "body" for one in _within(body, (), 0)]
    broken = {error.line: Outline(error.line, problem=f"broken markup: {error.message}") for error in parser.error_log}
    return sorted([*found[:MOST], *list(broken.values())[:100]], key=lambda one: one.line)


def _within(element: "etree._Element", folders: tuple[str, ...], depth: int) -> Iterator[Outline]:
    for child in element:
        if _name(child) != "outline":
            continue
        attributes = {str(name).lower(): _word(str(value)) for name, value in child.attrib.items()}
        title = attributes.get("title") or attributes.get("text") or ""
        line, url = child.sourceline or 0, str(child.get("xmlUrl") or attributes.get("xmlurl") or "").strip()
        if attributes.get("type", "").lower() in ("link", "include"):
            yield Outline(line, name=title, problem=f"a {attributes['type'].lower()}, not a feed")
        elif url:
            yield _feed(line, url, title, folders, attributes)
        elif len(child) == 0:
            yield Outline(line, name=title, problem="no xmlUrl")
        if len(child) and depth < DEEPEST:
            yield from _within(child, folders if url or not title else (*folders, title), depth + 1)
        elif len(child):
            yield Outline(line, name=title, problem=f"folders nested more than {DEEPEST} deep")


def _feed(line: int, url: str, title: str, folders: tuple[str, ...], attributes: dict[str, str]) -> Outline:
    if not url.startswith(("http://", "https://")) or len(url) > LONGEST_ADDRESS or url.split() != [url]:
        return Outline(line, name=title, problem=f"{url[:100]} is no http or https address")
    site, language = attributes.get("htmlurl", ""), attributes.get("language", "")[:3].rstrip("-").lower()
    return Outline(
        line,
        url,
        title,
        tuple(dict.fromkeys(folders)),
        site if site.startswith(("http://", "https://")) else "",
        language if language.isascii() and language.isalpha() and len(language) > 1 else "",
    )


def _name(element: "etree._Element") -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _word(text: str) -> str:
    return " ".join(text.split())[:LONGEST_WORD]


def write(title: str, sources: Iterable[Source], now: datetime) -> bytes:
    """The sources as a list that other readers take: topics become folders, one in another."""
    root = etree.Element("opml", version="2.0")
    head, body = etree.SubElement(root, "head"), etree.SubElement(root, "body")
    for name, text in (("title", title), ("dateCreated", format_datetime(now)), ("docs", "http://opml.org/spec2.opml")):
        etree.SubElement(head, name).text = text
    folders: dict[tuple[str, ...], etree._Element] = {(): body}
    for source in sources:
        name, topics = _writable(source.name), tuple(_writable(topic) for topic in source.topics)
        for depth, topic in enumerate(topics):
            if topics[: depth + 1] not in folders:
                parent = folders[topics[:depth]]
                folders[topics[: depth + 1]] = etree.SubElement(parent, "outline", text=topic, title=topic)
        attributes = {"type": "rss", "text": name, "title": name, "xmlUrl": _writable(_without_password(source.url))}
        optional = {"htmlUrl": _writable(source.site_url), "language": source.language}
        etree.SubElement(folders[topics], "outline", attributes | {key: text for key, text in optional.items() if text})
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else url


def _writable(text: str) -> str:
    """Without the characters that no XML may hold (https://www.w3.org/TR/xml/#charsets)."""
    return FORBIDDEN.sub("", text)
