"""JSON → entries in the form in which the feed parsers give them.

JSON Feed (https://www.jsonfeed.org/version/1.1/), what WordPress answers
(https://developer.wordpress.org/rest-api/reference/posts/), and lines as `bot.py condense` takes them.
"""

import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from errors import SourceError


@dataclass(frozen=True, slots=True)
class Records:
    """The entries in the document's order, and what it says about their site."""

    entries: tuple[Mapping[str, Any], ...]
    site: str = ""
    language: str = ""


def is_json(text: str) -> bool:
    """Whether a document means to be JSON; no XML begins so."""
    return text.lstrip()[:1] in ("{", "[")


def read(text: str) -> Records:
    """The entries of a JSON Feed, or of a list. Raises SourceError where it is neither, or was cut off."""
    try:
        loaded = json.loads(text)
    except RecursionError as error:
        raise SourceError("nested", "it is nested too deeply") from error
    except ValueError as error:
        raise SourceError("json", f"this is no whole JSON document ({error})"[:200]) from error
    if not isinstance(loaded, list) and not (isinstance(loaded, dict) and isinstance(loaded.get("items"), list)):
        raise SourceError("no-feed", "this is neither RSS nor Atom nor JSON Feed")
    return records_of(loaded)


def records_of(loaded: Any) -> Records:
    """The entries of what was loaded."""
    site = language = ""
    if isinstance(loaded, dict) and isinstance(loaded.get("items"), list):
        site, language = _string(loaded, "title"), _string(loaded, "language")[:2]
        loaded = loaded["items"]
    records = loaded if isinstance(loaded, list) else [loaded]
    return Records(tuple(_entry(one, language) for one in records if isinstance(one, dict)), site, language)


def _entry(record: Mapping[str, Any], language: str) -> Mapping[str, Any]:
    external = _string(record, "external_url")
    link = _string(record, "url", "link") or external
    text = _string(record, "content_html", "html", "content") or paragraphs(_string(record, "content_text", "text"))
    picture = _string(record, "image", "banner_image") or _featured(record)
    identity = record.get("id")
    return {
        # WordPress gives its feed the guid: the same post has the same key, whichever way it is read.
        "id": html.unescape(_string(record, "guid")) or (str(identity) if isinstance(identity, str | int) else ""),
        "title": _string(record, "title"),
        "link": link,
        "original": external if external != link else "",
        "summary": _string(record, "summary", "excerpt", "description"),
        "content": [{"value": text}] if text else [],
        "published": _string(record, "date_published", "date_gmt", "date", "published"),
        "updated": _string(record, "date_modified", "modified_gmt", "updated"),
        "tags": [{"term": term} for term in _topics(record)],
        "language": _string(record, "lang", "language")[:2] or language,
        "media_content": [{"url": picture, "medium": "image"}] if picture else [],
        "enclosures": [
            {"url": _string(one, "url"), "type": _string(one, "mime_type")} for one in _list(record, "attachments")
        ],
    }


def _topics(record: Mapping[str, Any]) -> Iterator[str]:
    for key in ("tags", "categories"):
        values = record.get(key)
        yield from (one for one in (values if isinstance(values, list) else []) if isinstance(one, str))
    for terms in _embedded(record, "wp:term"):
        for term in terms if isinstance(terms, list) else []:
            if isinstance(term, dict) and term.get("taxonomy") == "category":
                yield html.unescape(_string(term, "name"))


def _featured(record: Mapping[str, Any]) -> str:
    pictures = [one for one in _embedded(record, "wp:featuredmedia") if isinstance(one, dict)]
    return _string(pictures[0], "source_url") if pictures else ""


def _embedded(record: Mapping[str, Any], name: str) -> list[Any]:
    embedded = record.get("_embedded")
    found = embedded.get(name) if isinstance(embedded, dict) else None
    return found if isinstance(found, list) else []


def _list(record: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    values = record.get(key)
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def paragraphs(text: str) -> str:
    """Plain text as HTML: a paragraph between empty lines."""
    parts = text.replace("\r\n", "\n").strip().split("\n\n")
    return "".join(f"<p>{html.escape(part.strip())}</p>" for part in parts if part.strip())


def _string(record: Mapping[str, Any], *keys: str) -> str:
    """The first of the keys that holds text; WordPress wraps it as `{"rendered": …}`."""
    return next(_strings(record, keys), "")


def _strings(record: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[str]:
    for key in keys:
        value = record.get(key)
        if isinstance(value, dict):
            value = value.get("rendered")
        if isinstance(value, str) and value.strip():
            # half a surrogate pair is JSON, and no text
            yield value.strip().encode("utf-8", "replace").decode()
