"""What somebody asks of the archive, read from the line they typed. Pure: it takes any text and never raises."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from storage import bigrams
from storage.bigrams import folded

LONGEST = 300
"""Characters of a question that are looked at."""
MOST_WORDS = 16
ELSEWHERE = frozenset(
    {"after", "author", "before", "category", "date", "filter", "from", "in", "intitle", "inurl", "lang", "language"}
    | {"newer", "older", "on", "order", "site", "sort", "sources", "src", "tag", "tags", "title", "topics", "type"}
    | {"until", "url", "when"}
)
"""Operators that people know from other searches, and that would find nothing here as words."""

PART = re.compile(
    r'(?P<minus>[-\u2212])?(?:(?P<key>[A-Za-z]{2,12}|출처|주제|부터):)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))?'
)
KOREAN = {"출처": "source", "주제": "topic", "부터": "since"}
QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "‟": '"', "＂": '"', "：": ":"})
SPAN = re.compile(r"(\d{1,4})(m|h|d|w)")
DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Question:
    """Every one of `words` (words and phrases, folded) and none of `without`; any of the sources, any of the topics.

    `marks` are the words as they were typed; `since` the earliest time, None for all of it.
    """

    words: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    not_sources: tuple[str, ...] = ()
    not_topics: tuple[str, ...] = ()
    since: datetime | None = None
    marks: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self == Question()


@dataclass(frozen=True, slots=True)
class Wrong:
    """An operator that cannot be followed: which, with the value it was given."""

    operator: Literal["source", "topic", "since", "unknown"]
    value: str


def read(line: str, now: datetime, timezone: str) -> Question | Wrong:
    """The question of a typed line; relative times count back from `now`, days begin at midnight in `timezone`."""
    found: dict[str, list[str]] = {name: [] for name in ("words", "without", "marks")}
    named: dict[str, list[str]] = {name: [] for name in ("source", "topic", "-source", "-topic")}
    since: datetime | None = None
    for part in PART.finditer(line.translate(QUOTES)[:LONGEST]):
        value = (part["phrase"] if part["phrase"] is not None else part["word"] or "").strip()
        key = KOREAN.get(part["key"] or "", (part["key"] or "").lower())
        minus = "-" if part["minus"] else ""
        if key in ELSEWHERE:
            return Wrong("unknown", key)
        if key == "since":
            moment = moment_of(value, now, timezone)
            if moment is None or minus:
                return Wrong("since", value)
            since = max(since, moment) if since else moment
        elif key in ("source", "topic"):
            value = value.removeprefix("#")
            if not value:
                return Wrong("source" if key == "source" else "topic", value)
            named[f"{minus}{key}"].append(value)
        else:
            _add(found, f"{part['key']}:{value}" if key else value, minus)
    return Question(
        words=tuple(dict.fromkeys(found["words"])),
        without=tuple(dict.fromkeys(found["without"])),
        sources=tuple(named["source"][:MOST_WORDS]),
        topics=tuple(named["topic"][:MOST_WORDS]),
        not_sources=tuple(named["-source"][:MOST_WORDS]),
        not_topics=tuple(named["-topic"][:MOST_WORDS]),
        since=since,
        marks=tuple(dict.fromkeys(found["marks"])),
    )


def _add(found: dict[str, list[str]], value: str, minus: str) -> None:
    word = folded(value)
    if len(found["words"]) + len(found["without"]) >= MOST_WORDS or bigrams.pattern(word) is None:
        return
    found["without" if minus else "words"].append(word)
    if not minus:
        found["marks"].append(value.strip(".,;:!?()[]{}<>'…·"))


def moment_of(value: str, now: datetime, timezone: str) -> datetime | None:
    """ "7d", "12h", "2026-11-01" as a time; None for anything else."""
    if span := SPAN.fullmatch(value.lower()):
        return now - int(span[1]) * UNITS[span[2]]
    if day := DAY.fullmatch(value):
        try:
            return datetime(int(day[1]), int(day[2]), int(day[3]), tzinfo=ZoneInfo(timezone)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None
    return None
