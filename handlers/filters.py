"""The words behind /subscribe as a filter, and a filter as words again: pure.

source:ID  topic:T  words  "words in this order"  begin*  -word  -topic:T  lang:en  only:urgent
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from models import Subscription, Urgency

PART = re.compile(r'(?P<minus>-?)(?:(?P<key>[^\W\d_]+):)?(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s"]+))')
QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})
KEYS = {
    **{"source": "sources", "출처": "sources", "topic": "topics", "주제": "topics"},
    **{"lang": "languages", "language": "languages", "언어": "languages", "only": "only"},
}
URGENT = frozenset({"urgent", "breaking", "속보", "긴급"})
LANGUAGE = re.compile(r"[a-z]{2}")
MOST = 12
"""Words, topics or sources of one filter."""
LONGEST = 60
"""Characters of one of them."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is not accepted: a text of the locales ("subscribe.…") and what fills it."""

    text: str
    values: dict[str, Any]


def read(args: str) -> Subscription | Wrong:
    """The filter that the words describe, or the first thing in them that is not accepted."""
    found: dict[str, list[str]] = {}
    urgency = Urgency.NORMAL
    for part in PART.finditer(args.translate(QUOTES)):
        kind = KEYS.get((part["key"] or "").lower(), "")
        value = " ".join((part["bare"] if part["quoted"] is None else part["quoted"]).split())
        if not kind and part["key"]:
            value = f"{part['key']}:{value}"
        wrong = _wrong(kind, value, part["minus"], part[0])
        if wrong:
            return wrong
        if kind == "only":
            urgency = Urgency.URGENT
        else:
            _note(found, _list_of(kind, part["minus"]), value)
    if any(len(values) > MOST for values in found.values()):
        return Wrong("subscribe.wrong_many", {"most": MOST})
    return Subscription(0, urgency=urgency, **{name: tuple(values) for name, values in found.items()})


def _list_of(kind: str, minus: str) -> str:
    if kind == "topics" and minus:
        return "without"
    return kind or ("exclude" if minus else "include")


def _note(found: dict[str, list[str]], name: str, value: str) -> None:
    value = value.lower() if name in ("sources", "languages") else value.lstrip("#") if name != "include" else value
    values = found.setdefault(name, [])
    if value.casefold() not in (one.casefold() for one in values):
        values.append(value)


def _wrong(kind: str, value: str, minus: str, whole: str) -> Wrong | None:
    if not any(map(str.isalnum, value)) or len(value) > LONGEST or (whole.lower().rstrip(":") in KEYS and ":" in whole):
        return Wrong("subscribe.wrong_word", {"word": whole[:LONGEST], "most": LONGEST})
    if minus and kind not in ("", "topics"):
        return Wrong("subscribe.wrong_minus", {"word": whole[:LONGEST]})
    if kind == "only" and value.lower() not in URGENT:
        return Wrong("subscribe.wrong_only", {"word": value})
    if kind == "languages" and not LANGUAGE.fullmatch(value.lower()):
        return Wrong("subscribe.wrong_language", {"word": value})
    return None


def written(wish: Subscription) -> str:
    """The filter as it would be typed; "" for everything."""
    parts = [f"source:{one}" for one in wish.sources]
    parts += [f"topic:{_quoted(one)}" for one in wish.topics]
    parts += map(_quoted, wish.include)
    parts += [f"-{_quoted(one)}" for one in wish.exclude]
    parts += [f"-topic:{_quoted(one)}" for one in wish.without]
    parts += [f"lang:{one}" for one in wish.languages]
    parts += ["only:urgent"] if wish.urgency is Urgency.URGENT else []
    return " ".join(parts)


def _quoted(words: str) -> str:
    return f'"{words}"' if " " in words or ":" in words else words


def same(one: Subscription, other: Subscription) -> bool:
    """Whether two filters bring the same, in whatever order and case they are written."""
    return _form(one) == _form(other)


def _form(wish: Subscription) -> tuple[object, ...]:
    lists = (wish.sources, wish.topics, wish.include, wish.exclude, wish.without, wish.languages)
    return (wish.urgency, *(_folded(values) for values in lists))


def _folded(values: Iterable[str]) -> frozenset[str]:
    return frozenset(value.casefold() for value in values)
