"""Pieces that all renderers share: source line, link form, marked words, shortening."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from urllib.parse import quote, urlsplit

from formatters import when
from locales import say
from models import Alert, ChatSettings, Urgency

SAFE = ":/?#[]@!$&'()*+,;=%~-._"
PICTURE = re.compile(r"https?://[^\s<>\"]+$")


def address(link: str) -> str:
    """The link in ASCII, as platforms want it; "" when it is no web address."""
    try:
        host = urlsplit(link).hostname
    except ValueError:
        return ""
    return quote(link.strip(), safe=SAFE) if host and link.startswith(("http://", "https://")) else ""


def has_public_host(link: str) -> bool:
    """Whether a platform will take the address for a button: its host must have a dot."""
    return "." in (urlsplit(link).hostname or "")


def short_address(link: str, most: int = 48) -> str:
    """The address as a reader sees it: no scheme, no www., not long."""
    shown = re.sub(r"^https?://(www\.)?", "", link).rstrip("/")
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def picture(alert: Alert, settings: ChatSettings) -> str:
    """The picture's address, or "" where the chat wants none or the platforms draw none (SVG)."""
    if not settings.pictures or urlsplit(alert.image).path.lower().endswith((".svg", ".ico")):
        return ""
    return alert.image if PICTURE.match(alert.image) and has_public_host(alert.image) else ""


def source_names(alert: Alert) -> str:
    return ", ".join(alert.sources)


def short_sources(alert: Alert, language: str) -> str:
    """ "뉴스다오 외 2" where several carry the story."""
    first, *others = alert.sources
    return say(language, "alert.others", first=first, count=len(others)) if others else first


def hashtag(topic: str) -> str:
    """A topic as one word behind #; "" when nothing of it is a letter or digit."""
    word = re.sub(r"[^\w]+", "_", unicodedata.normalize("NFC", topic)).strip("_")
    return f"#{word}" if word and not word.isdigit() else ""


def byline(alert: Alert, settings: ChatSettings, *, hashtags: bool) -> list[str]:
    """Sources, time, *updated*, topics: to be joined by " · "."""
    language, zone = settings.language, settings.timezone
    parts = [source_names(alert), when.stamp(alert, language, zone)]
    if alert.changed is not None:
        parts.append(say(language, "alert.changed", time=when.clock(alert.changed, zone)))
    if hashtags:
        tags = " ".join(tag for tag in map(hashtag, alert.topics[:3]) if tag)
        parts += [tags] if tags else []
    return parts


def is_urgent(alert: Alert) -> bool:
    return alert.urgency is Urgency.URGENT


def shorten(text: str, most: int, measure: Callable[[str], int] = len) -> str:
    """The text, or as many of its words as fit with "…" behind; inside a word only when one word is too long."""
    if measure(text) <= most:
        return text
    kept = text
    while kept and measure(kept) + 1 > most:
        shorter = kept.rsplit(None, 1)[0] if len(kept.split()) > 1 else kept[: max(0, len(kept) * 9 // 10 - 1)]
        kept = shorter.rstrip(" ,·-")
    return f"{kept}…"


def utf16(text: str) -> int:
    """Length as Telegram counts it: UTF-16 code units (https://core.telegram.org/api/entities#entity-length)."""
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)


def mark(text: str, words: Sequence[str], escape: Callable[[str], str], around: tuple[str, str]) -> str:
    """The escaped text with every searched word between the two strings of `around`, whatever its case."""
    wanted = [re.escape(unicodedata.normalize("NFC", word)) for word in words if word]
    if not wanted:
        return escape(text)
    pieces = re.split(
        f"({'|'.join(sorted(wanted, key=len, reverse=True))})", unicodedata.normalize("NFC", text), flags=re.IGNORECASE
    )
    return "".join(
        f"{around[0]}{escape(piece)}{around[1]}" if position % 2 else escape(piece)
        for position, piece in enumerate(pieces)
    )
