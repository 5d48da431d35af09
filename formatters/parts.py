"""Pieces that all renderers share: source line, link and picture, hashtags, shortening. All texts come out inert."""

import ipaddress
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from formatters import inert, when
from locales import say
from models import Alert, Button, ChatSettings, Reply, Urgency

SAFE = ":/?#[]@!$&'()*+,;=%~-._"
LONGEST_LINK = 2000
"""Characters of an address in ASCII; longer ones are left out. Slack takes 3,000 of a button
(https://docs.slack.dev/reference/block-kit/block-elements/button-element), and a section has 3,000 in all."""
HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
UNREADABLE = "\ufffd"
PICTURE = re.compile(r"https?://[^\s<>\"]+$")
NOT_DRAWN = (".svg", ".ico")
OWN_NETWORK = (".local", ".localhost", ".internal", ".lan", ".home.arpa")
NOTE = 600
"""The most of the desk's note on a correction, and twice what there is for why an alert was taken back."""
TOPICS = 3
MOST_TOPICS, MOST_BULLETS = 20, 10
"""How many of a publisher's are looked at."""
LONGEST_PRESS = 60
"""Bytes of what a button stands for: Telegram's `callback_data` takes 64, one of them says where the answer goes."""
MOST_ROWS, MOST_IN_A_ROW = 10, 8
"""Of buttons: Telegram takes 100 in all and 8 in a row, Slack 25 in a block."""
BUTTON = 70

Rows = tuple[tuple[Button, ...], ...]

Measure = Callable[[str], int]
Size = tuple[int, ...]
Item = TypeVar("Item")


def address(link: str) -> str:
    """The link in ASCII, as platforms want it; "" when it is no web address or too long for one."""
    if len(link) > LONGEST_LINK:
        return ""
    try:
        parts = urlsplit(link.strip())
        host = parts.hostname
        if not host or parts.scheme not in ("http", "https"):
            return ""
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
            port = f":{parts.port}" if parts.port else ""
            link = urlunsplit(parts._replace(netloc=f"{host}{port}"))
    except ValueError:  # UnicodeError is one: a host that is no name
        return ""
    if not HOST.fullmatch(host):
        return ""
    in_ascii = quote(link.strip(), safe=SAFE, errors="ignore")
    return in_ascii if len(in_ascii) <= LONGEST_LINK else ""


def has_public_host(link: str) -> bool:
    """Whether a platform will take the address for a button: its host must have a dot."""
    return "." in (urlsplit(link).hostname or "").rstrip(".")


def short_address(link: str, most: int = 48) -> str:
    """The address as a reader sees it: no scheme, no www., letters instead of %EA%B0%80, not long."""
    host, slash, path = re.sub(r"^https?://(www\.)?", "", link).rstrip("/").partition("/")
    told = inert.line(unquote(path)).replace(" ", "%20")
    shown = f"{host}{slash}{path if UNREADABLE in told else told}"
    return inert.isolated(shown if len(shown) <= most else shown[: most - 1] + "…")


def picture(alert: Alert, settings: ChatSettings) -> str:
    """The picture's address in ASCII, "" where there shall be none.

    That is where the chat wants none, where the alert was taken back, where platforms draw none (SVG, icons), and
    where they cannot fetch it: a host without a dot, or inside somebody's own network.
    """
    if not settings.pictures or alert.retracted:
        return ""
    link = address(alert.image)  # first: it is quick to say no to an address of any length
    if not link or not PICTURE.match(alert.image) or urlsplit(link).path.lower().endswith(NOT_DRAWN):
        return ""
    return link if has_public_host(link) and not _in_own_network(link) else ""


def _in_own_network(link: str) -> bool:
    host = (urlsplit(link).hostname or "").rstrip(".")
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host.endswith(OWN_NETWORK)


# ------------------------------------------------------------------------------------------------------------ texts


def text(words: str, most: int, measure: Measure = len) -> str:
    """A publisher's text as one inert line of at most `most`."""
    return shorten(inert.line(words), most, measure)


def beside(words: str, most: int, measure: Measure = len) -> str:
    """The same for text that shares its line with other text; it stays in its place whatever its direction."""
    return inert.isolated(shorten(inert.line(words), most - 2, measure))


def headline(alert: Alert, settings: ChatSettings) -> str:
    """The alert's headline as one inert line of any length; its link, or words, where nothing of it can be seen."""
    told = inert.line(alert.headline)
    return told or short_address(address(alert.link)) or say(settings.language, "alert.untitled")


def bullets(alert: Alert, most: int, measure: Measure = len) -> list[str]:
    """The bullets that can be seen, each at most `most`; none of an alert that was taken back."""
    found = [] if alert.retracted else [text(bullet, most, measure) for bullet in alert.bullets[:MOST_BULLETS]]
    return [bullet for bullet in found if bullet]


def correction(alert: Alert, measure: Measure = len) -> str:
    """The desk's note on what was wrong, "" for an alert that nobody corrected."""
    return "" if alert.retracted else text(alert.correction, NOTE, measure)


def retraction(alert: Alert, settings: ChatSettings, measure: Measure = len) -> str:
    """The sentence that says the alert was taken back, with the reason if there is one."""
    reason = text(alert.retraction, NOTE // 2, measure)
    return say(settings.language, "alert.retracted_because" if reason else "alert.retracted", reason=reason)


def source_names(alert: Alert, settings: ChatSettings, most: int = 200, measure: Measure = len) -> str:
    """ "A, B": as many of the names as fit, then how many more there are."""
    return _names(alert.sources, settings, most, measure)


def also(alert: Alert, settings: ChatSettings, most: int = 600, measure: Measure = len) -> str:
    """ "also: B, C": who carries the story beside its first source."""
    names = _names(alert.sources[1:] or alert.sources, settings, most, measure)
    return say(settings.language, "alert.also", names=names)


def _names(sources: Sequence[str], settings: ChatSettings, most: int, measure: Measure) -> str:
    shown = ""
    for place, source in enumerate(sources):
        name = beside(source, 80, measure)
        longer = f"{shown}, {name}" if shown else name
        if shown and measure(longer) > most - 12:
            return say(settings.language, "alert.others", first=shown, count=len(sources) - place)
        shown = longer
    return shown


def short_sources(alert: Alert, language: str, most: int = 100, measure: Measure = len) -> str:
    """ "뉴스다오 외 2" where several carry the story."""
    if not alert.sources:
        return ""
    first = beside(alert.sources[0], max(3, most - 12), measure)
    others = len(alert.sources) - 1
    return say(language, "alert.others", first=first, count=others) if others else first


def hashtag(topic: str) -> str:
    """A topic as one word behind #; "" when nothing of it is a letter or digit."""
    word = re.sub(r"[^\w]+", "_", unicodedata.normalize("NFC", inert.line(topic)))[:64].strip("_")
    return f"#{word}" if word and not word.isdigit() else ""


def hashtags(alert: Alert, settings: ChatSettings) -> str:
    """The first topics as hashtags, each once; "" where the chat wants none."""
    tags = map(hashtag, alert.topics[:MOST_TOPICS]) if settings.hashtags else ()
    return " ".join([inert.isolated(tag) for tag in dict.fromkeys(tags) if tag][:TOPICS])


def byline(alert: Alert, settings: ChatSettings, measure: Measure = len) -> list[str]:
    """Sources, time, *updated*, hashtags: to be joined by " · "."""
    language, zone = settings.language, settings.timezone
    found = [source_names(alert, settings, measure=measure), when.stamp(alert, language, zone)]
    found += updated(alert, settings)
    found.append(hashtags(alert, settings))
    return [part for part in found if part]


def updated(alert: Alert, settings: ChatSettings) -> list[str]:
    """ "14:32 고침", or nothing."""
    time = when.changed(alert, settings.language, settings.timezone)
    return [say(settings.language, "alert.changed", time=time)] if time and not alert.retracted else []


def is_urgent(alert: Alert) -> bool:
    return alert.urgency is Urgency.URGENT


def buttons(rows: Iterable[Sequence[Button]], measure: Measure = len) -> Rows:
    """The buttons that every platform takes, their labels inert: no press that is too long, no address that nobody can
    open; rows that are too long are broken."""
    kept = [[one for button in row if (one := _button(button, measure))] for row in rows]
    broken = [row[at : at + MOST_IN_A_ROW] for row in kept for at in range(0, len(row), MOST_IN_A_ROW)]
    return tuple(map(tuple, broken[:MOST_ROWS]))


def _button(button: Button, measure: Measure) -> Button | None:
    label, link = text(button.label, BUTTON, measure), address(button.url)
    if button.press:
        taken = button.press.isprintable() and len(button.press.encode()) <= LONGEST_PRESS
        return Button(label, press=button.press) if label and taken else None
    return Button(label, url=link) if label and link and has_public_host(link) else None


def in_a_list(headline: str, byline: str, snippet: str, answer: Reply) -> str:
    """One story of an answer. With pieces of text between the stories, only a blank line tells one from the next."""
    if not any(story.snippet for story in answer.stories):
        return f"{headline}\n     {byline}"
    return "\n".join(("", headline, byline, *([snippet] if snippet else [])))


def mark_of(alert: Alert) -> str:
    """What stands before a headline in a list: taken back, corrected, urgent, or nothing."""
    if alert.retracted:
        return "❌"
    return ("🔴" if is_urgent(alert) else "") + ("✏️" if inert.line(alert.correction) else "")


# ----------------------------------------------------------------------------------------------------------- lengths


def utf16(words: str) -> int:
    """Length as Telegram counts it: UTF-16 code units (https://core.telegram.org/api/entities#entity-length)."""
    return len(words.encode("utf-16-le", "surrogatepass")) // 2


def shorten(words: str, most: int, measure: Measure = len) -> str:
    """The text, or as much of it as fits with "…" behind: whole words, unless that would cost more than half.

    `measure` says how long a text is; it must not be shorter than the text is in characters.
    """
    if len(words) <= most and measure(words) <= most:
        return words
    if most < 1:
        return ""
    fitting = bisect_right(range(min(len(words), most) + 1), most - 1, key=lambda end: measure(words[:end])) - 1
    end = _between_letters(words, fitting)
    space = words.rfind(" ", 0, end + 1)
    kept = words[: space if space >= end // 2 else end].rstrip(" ,·-") or words[:end]
    return f"{kept}…"


def _between_letters(words: str, end: int) -> int:
    """The end, or a little before it where it would tear a letter from its accents, or an emoji from its parts."""
    for earlier in range(end, max(0, end - 32), -1):
        if not _joins(words[earlier]) and words[earlier - 1] != "\u200d":
            return earlier
    return end


def _joins(letter: str) -> bool:
    return letter in "\u200d\ufe0f" or "\U0001f3fb" <= letter <= "\U0001f3ff" or unicodedata.category(letter)[0] == "M"


def packed(items: Iterable[Item], size: Callable[[Item], Size], room: Size) -> list[list[Item]]:
    """The items in order, in as few groups as the room allows: in each of them every number of the sizes adds up to
    at most that number of `room`. An item that is larger than the room alone is a group alone.
    """
    groups: list[list[Item]] = []
    left: Size = ()
    for item in items:
        taken = size(item)
        left = tuple(have - need for have, need in zip(left, taken, strict=False))
        if not left or min(left) < 0:
            groups.append([])
            left = tuple(have - need for have, need in zip(room, taken, strict=True))
        groups[-1].append(item)
    return groups
