"""One file of a Jekyll site → one post. Pure: bytes in, a post out, whatever the bytes are."""

import html as entities
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from markdown_it import MarkdownIt

from models import Post, Source
from sources import front_matter
from sources.clean import absolute, clean
from sources.encoding import FORBIDDEN, to_text
from sources.original import original_of
from sources.permalink import path_of

ZONE = "Asia/Seoul"
DATED_NAME = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})-(.+)")
MOMENT = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|UTC|GMT|KST|[+-]\d{1,2}(?::?\d{2})?)?)?",
    re.IGNORECASE,
)
# Possessive, and each stops at the next opening: a page of "{%" costs one pass.
LIQUID_TAG = re.compile(r"\{%(?:[^%{]|%(?!\})|\{(?!%))*+%\}")
LIQUID_COMMENT = re.compile(r"\{%-?\s*comment\s*-?%\}.*?\{%-?\s*endcomment\s*-?%\}", re.DOTALL)
LIQUID_VALUE = re.compile(r"\{\{-?([^{}]*+)\}\}")
LIQUID_URL = re.compile(r"\s*[\"']([^\"']*)[\"']\s*\|\s*(relative|absolute)_url\s*-?\s*")
ATTRIBUTE_LIST = re.compile(r"\{:[^{}\n]*+\}")
# Kramdown ends an HTML block at its closing tag, CommonMark at the next empty line.
BLOCK_END = re.compile(
    r"(</(?:p|h[1-6]|ul|ol|table|div|blockquote)>)[ \t]*\n(?=[^\s<]|<(?:b|strong|i|em|span|a)\b)", re.IGNORECASE
)
# Bold that CommonMark leaves as it is: inside HTML, and before a Korean particle (`**"…"**은`).
LEFT_BOLD = re.compile(r"\*\*(?!\s)([^*<>\n]{1,400}?)(?<!\s)\*\*")
FIRST_PICTURE = re.compile(r"<img\b[^<>]*?\bsrc=\"([^\"]+)\"")
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).disable("code")


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """What `_config.yml` says about addresses. `url` includes the `baseurl` and has no slash at its end."""

    url: str = ""
    permalink: str = ""
    title: str = ""


def read_config(body: bytes) -> SiteConfig:
    """The site's `_config.yml`; what cannot be read is empty."""
    fields = front_matter.read(_lines(to_text(body)))
    url = _text(fields.get("url")).rstrip("/")
    base = _text(fields.get("baseurl")).strip("/")
    if not url.startswith(("http://", "https://")):
        url = ""
    return SiteConfig(
        url=f"{url}/{base}" if url and base else url,
        permalink=_text(fields.get("permalink")),
        title=_text(fields.get("title")),
    )


def read_post(source: Source, name: str, body: bytes, site: SiteConfig) -> Post:
    """The post in the file `name`. Takes any bytes and never raises: what cannot be read is titled by its file."""
    block, markdown = front_matter.split(_lines(to_text(body, override=source.encoding)))
    fields = front_matter.read(block)
    site_url = (source.site_url or site.url).rstrip("/")
    html = clean(_rendered(markdown, name, site_url), f"{site_url}/" if site_url else "")
    original_link, source_headline = original_of(html)
    zone = _zone(source.timezone)
    published, date_only = _published(fields, name, zone)
    return Post(
        source_id=source.id,
        key=name,
        title=_text(fields.get("title")) or _title_of(name),
        link=_link(fields, name, published, source.site_url, site),
        html=html,
        original_link=original_link,
        source_headline=source_headline,
        excerpt=_excerpt(fields),
        categories=_categories(fields),
        image=_image(fields, html, site_url),
        language=_text(fields.get("lang")) or source.language,
        published=published,
        updated=_moment(_text(fields.get("last_modified_at")), zone)[0],
        date_only=date_only,
    )


def natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """Sorts names as people count: `2024-06-12-10.md` after `2024-06-12-9.md`."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((int(part), "") if index % 2 else (-1, part) for index, part in enumerate(parts))


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _text(value: object) -> str:
    return FORBIDDEN.sub("", value).strip() if isinstance(value, str) else ""


def _rendered(markdown: str, name: str, site_url: str) -> str:
    text = _without_liquid(markdown, site_url)
    if name.endswith((".html", ".htm")):
        return text
    html = MARKDOWN.render(BLOCK_END.sub(r"\1\n\n", ATTRIBUTE_LIST.sub("", text)))
    return LEFT_BOLD.sub(r"<b>\1</b>", html)


def _without_liquid(text: str, site_url: str) -> str:
    """Addresses that Liquid would have written stay (`{{ "/a.png" | relative_url }}`), the rest goes."""
    if "{{" not in text and "{%" not in text:
        return text
    path = urlsplit(site_url).path

    def value(found: re.Match[str]) -> str:
        if address := LIQUID_URL.fullmatch(found[1]):
            return f"{site_url if address[2] == 'absolute' else path}/{address[1].lstrip('/')}"
        return path if found[1].strip(" -") == "site.baseurl" else ""

    if "endcomment" in text:
        text = LIQUID_COMMENT.sub("", text)
    return LIQUID_TAG.sub("", LIQUID_VALUE.sub(value, text))


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name or ZONE)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(ZONE)


def _published(fields: Mapping[str, Any], name: str, zone: tzinfo) -> tuple[datetime | None, bool]:
    """When, and whether only the day is known: the `date` field, else the file name's date at 00:00."""
    written, date_only = _moment(_text(fields.get("date")), zone)
    if written is not None:
        return written, date_only
    dated = DATED_NAME.match(PurePosixPath(name).stem)
    from_name = _moment(dated[1], zone)[0] if dated else None
    return from_name, from_name is not None


def _moment(text: str, zone: tzinfo) -> tuple[datetime | None, bool]:
    found = MOMENT.match(text)
    if found is None:
        return None, False
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    if not 1900 <= year < 3000:
        return None, False
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=_offset(found[7], zone))
    except ValueError:
        return None, False
    return moment, found[4] is None


def _offset(text: str | None, zone: tzinfo) -> tzinfo:
    """The offset as written, else the zone. Raises ValueError for one of a day or more."""
    if not text:
        return zone
    if text[0] not in "+-":
        return timezone(timedelta(hours=9 if text.upper() == "KST" else 0))
    digits = text[1:].replace(":", "")
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if text[0] == "-" else offset)


def _link(fields: Mapping[str, Any], name: str, published: datetime | None, own: str, site: SiteConfig) -> str:
    site_url = (own or site.url).rstrip("/")
    pattern = _text(fields.get("permalink")) or site.permalink or "date"
    if pattern.startswith(("http://", "https://")):
        return pattern
    if not site_url:
        return ""
    path = path_of(pattern, _text(fields.get("slug")) or _slug(name), _categories(fields), published)
    return site_url + path if path else ""


def _slug(name: str) -> str:
    stem = PurePosixPath(name).stem
    dated = DATED_NAME.match(stem)
    return dated[2] if dated else stem


def _title_of(name: str) -> str:
    """As Jekyll does (`2024-06-12-night-bus.md` → Night Bus); a mere number says nothing, then the whole name."""
    slug = _slug(name)
    if slug.isdigit():
        return name
    return " ".join(word[:1].upper() + word[1:] for word in slug.split("-") if word) or name


def _excerpt(fields: Mapping[str, Any]) -> str:
    excerpt = _text(fields.get("excerpt"))
    if not excerpt:
        lines = _text(fields.get("feature_text")).split("\n")
        excerpt = " ".join(line for line in lines if not line.lstrip().startswith("#"))
    return " ".join(excerpt.split())


def _categories(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """A list, a text of several (split at commas, else at blanks, as Jekyll does), or the single `category`."""
    value = fields.get("categories")
    if isinstance(value, str):
        value = value.split(",") if "," in value else value.split()
    if not value:
        value = [fields.get("category")]
    found = [_text(item) for item in value] if isinstance(value, list) else []
    return tuple(dict.fromkeys(category for category in found if category))


def _image(fields: Mapping[str, Any], html: str, site_url: str) -> str:
    """A picture that can be fetched: front matter's `image`, else `feature_image`, else the first of the body."""
    first = FIRST_PICTURE.search(html)
    in_body = entities.unescape(first[1]) if first else ""
    for candidate in (_picture(fields.get("image")), _picture(fields.get("feature_image")), in_body):
        address = _address(candidate, site_url)
        if address:
            return address
    return ""


def _picture(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("path") or value.get("url") or value.get("src")
    return _text(value)


def _address(address: str, site_url: str) -> str:
    """The picture's absolute address; the site's own folder comes before one that starts with a slash."""
    if site_url and address.startswith("/") and not address.startswith(("//", f"{urlsplit(site_url).path}/")):
        return site_url + address
    if site_url and address:
        address = absolute(address, f"{site_url}/") or ""
    return address if address.startswith(("http://", "https://")) else ""
