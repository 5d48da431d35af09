"""What can be seen of a possible bullet that tells whether an editor would take it: yes or no for each trait.

What each is worth stands in traits.toml, fitted by `python -m benchmarks.condense.fit` to the facts that editors
named in the tuning half of the gold posts.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from formatters import boilerplate, words
from formatters.blocks import Kind

FILE = Path(__file__).with_name("traits.toml")
HANGUL = re.compile(r"[가-힣]")
# A Korean topic or subject.
ACTOR = re.compile(r"[가-힣A-Za-z0-9)’”](?:은|는|이|가|께서|에서는|도)\s")
SIGNS = Path(__file__).with_name("signs.toml")


@dataclass(frozen=True, slots=True)
class Context:
    """What a bullet is looked at beside. Stems of the headline, of the source's headline, of each section's heading."""

    title: frozenset[str]
    other: frozenset[str]
    headings: Mapping[int, frozenset[str]]
    last_section: int
    sections: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sentence, item or row stands: the how-manieth sentence of the post and of its section, each from 0."""

    kind: Kind
    section: int
    in_post: int
    in_section: int
    bold: float


@cache
def signs() -> Mapping[str, re.Pattern[str]]:
    """The patterns of signs.toml by their names; read from the package at the first call."""
    tables: dict[str, list[str]] = tomllib.loads(SIGNS.read_text(encoding="utf-8"))
    return {name: re.compile("|".join(patterns)) for name, patterns in tables.items()}


@cache
def weights(language: str) -> Mapping[str, float]:
    """What each trait is worth, in expected facts, for "ko" or "en"."""
    table: dict[str, float] = tomllib.loads(FILE.read_text(encoding="utf-8"))[language]
    return table


def seen(bullet: str, own: frozenset[str], place: Place, context: Context, *, whole: bool) -> Iterator[str]:
    """The traits that the bullet has."""
    yield "always"
    yield from _of_place(place, context)
    told = tuple(_of_words(bullet))
    yield from told
    yield from _of_company(own, place, context)
    if words.DIGIT.search(bullet):
        if place.in_section == 0:
            yield "number at the front of its section"
        if own & context.title:
            yield "number beside a word of the title"
        if "says" in told:
            yield "number in what somebody said"
    length = len(bullet)
    if length < 18:
        yield "very short"
    if length < 30:
        yield "short"
    if length > 55:
        yield "long"
    if length > 75:
        yield "very long"
    if length > 110:
        yield "extremely long"
    if not whole:
        yield "part of a sentence"


def _of_place(place: Place, context: Context) -> Iterator[str]:
    if place.kind is Kind.TEXT:
        if place.in_post < 4:
            yield f"sentence {place.in_post} of the post"
        elif place.in_post < 8:
            yield "early in the post"
        elif place.in_post < 14:
            yield "in the middle of the post"
        if place.in_section < 3:
            yield f"sentence {place.in_section} of its section"
        elif place.in_section > 5:
            yield "deep in its section"
        if place.bold > 0.8:
            yield "wholly bold"
    else:
        yield place.kind.value
        if place.in_section < 2:
            yield f"{place.kind.value} at the front"
    if place.section == context.last_section and context.sections > 2:
        yield "last section"
    if place.section <= 1:
        yield "first section"


def _of_words(bullet: str) -> Iterator[str]:
    yield from (name for name, pattern in signs().items() if pattern.search(bullet))
    numbers = len(words.NUMBER.findall(bullet))
    if numbers:
        yield "number"
    if numbers > 1:
        yield "numbers"
    if numbers > 3:
        yield "many numbers"
    rules = boilerplate.load()
    if rules.padding.found_in(bullet):
        yield "padding"
    if rules.vague.found_in(bullet):
        yield "vague"
    if rules.leaning.match(bullet):
        yield "leaning"
    if rules.pointing.found_in(bullet):
        yield "pointing"
    if bullet.endswith("?"):
        yield "question"
    if HANGUL.search(bullet) and not ACTOR.search(bullet):
        yield "nobody acts"
    if words.names(bullet):
        yield "names"
    if bullet.count(",") > 1:
        yield "list of things"


def _of_company(own: frozenset[str], place: Place, context: Context) -> Iterator[str]:
    shared = len(own & context.title)
    if shared:
        yield "word of the title"
    if shared > 1:
        yield "words of the title"
    if shared > 2:
        yield "many words of the title"
    if len(own & context.other - context.title) > 0:
        yield "word of the source's headline"
    heading = context.headings.get(place.section, frozenset())
    if place.kind is not Kind.HEADING and own & heading:
        yield "word of its heading"
        if len(own & heading) > 1:
            yield "words of its heading"
    for stem in own:
        yield f"word: {stem}"
    if len(own) > 6:
        yield "many words"
    if len(own) > 10:
        yield "very many words"
