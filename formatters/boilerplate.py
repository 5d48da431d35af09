"""What publishers put around the news: the patterns of boilerplate.toml, compiled once."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("boilerplate.toml")
ANY_CASE = "(?i)"
LATIN = re.compile("[A-Za-z©]")
STARTS_LITERALLY = re.compile(r"[^\\(\[^.|?*+]")


@dataclass(frozen=True, slots=True)
class Patterns:
    """Many patterns as one question, in parts: a part that begins with a letter is searched much faster, and those
    for Latin script need not be tried on a text without it."""

    literal: re.Pattern[str]
    other: re.Pattern[str]
    latin: re.Pattern[str]

    def found_in(self, text: str) -> bool:
        """Whether any of them is found."""
        if self.literal.search(text) or self.other.search(text):
            return True
        return LATIN.search(text) is not None and self.latin.search(text) is not None


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """Each of the first five is to be asked about one sentence, list item or table cell; `leaning` about its beginning.

    `instructions` are those of `never` that speak to a machine reading the post.
    """

    never: Patterns
    instructions: Patterns
    padding: Patterns
    vague: Patterns
    pointing: Patterns
    leaning: re.Pattern[str]
    connectives: re.Pattern[str]
    generic_header: re.Pattern[str]
    left_out: re.Pattern[str]
    site: re.Pattern[str]
    rubric: re.Pattern[str]
    teaser: re.Pattern[str]
    chatter: re.Pattern[str]
    common_stems: frozenset[str]


@cache
def load() -> Boilerplate:
    """The patterns; read from the package at the first call."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return Boilerplate(
        never=_patterns([pattern for patterns in tables["never"].values() for pattern in patterns]),
        instructions=_patterns(tables["never"]["instructions"]),
        padding=_patterns(tables["padding"]["patterns"]),
        vague=_patterns(tables["vague"]["patterns"]),
        pointing=_patterns(tables["pointing"]["patterns"]),
        leaning=_any(tables["leaning"]["openings"]),
        connectives=_connectives(tables["connectives"]["korean"], tables["connectives"]["english"]),
        generic_header=re.compile(tables["tables"]["generic_headers"], re.IGNORECASE),
        left_out=re.compile(tables["tables"]["left_out"], re.IGNORECASE),
        site=re.compile(tables["headline"]["site"]),
        rubric=_rubric(tables["headline"]["rubrics"], tables["headline"]["spoken_rubrics"]),
        teaser=_any(tables["headline"]["teasers"]),
        chatter=re.compile(tables["headline"]["chatter"]),
        common_stems=frozenset(tables["common"]["stems"]),
    )


def _patterns(texts: list[str]) -> Patterns:
    latin = [text.removeprefix(ANY_CASE) for text in texts if text.startswith(ANY_CASE)]
    rest = [text for text in texts if not text.startswith(ANY_CASE)]
    literal = [text for text in rest if STARTS_LITERALLY.match(text)]
    other = [text for text in rest if not STARTS_LITERALLY.match(text)]
    return Patterns(_any(literal), _any(other), _any(latin, re.IGNORECASE))


def _any(texts: list[str], flags: int = 0) -> re.Pattern[str]:
    # An empty list must find nothing.
    return re.compile("|".join(f"(?:{text})" for text in texts) or r"(?!)", flags)


def _rubric(in_brackets: list[str], spoken: str) -> re.Pattern[str]:
    bracketed = rf"[\[【〔<〈《(（「『]\s*(?:{'|'.join(in_brackets)})\s*[\]】〕>〉》)）」』]"
    return re.compile(rf"^{bracketed}\s*|\s*{bracketed}$|^{spoken}\s?[:|–—-]\s+")


def _connectives(korean: list[str], english: list[str]) -> re.Pattern[str]:
    # English ones are adverbs of the sentence only before a comma ("still, ..." but "still waiting").
    spaced = "|".join(sorted(korean, key=len, reverse=True))
    before_comma = "|".join(sorted(english, key=len, reverse=True))
    return re.compile(
        f"^(?:(?:{spaced})(?:,\\s*|\\s+)|(?i:{before_comma}),\\s+"
        # "But the bank …" and not "But for the bank …"
        r"|(?:But|And|Yet)\s+(?=(?:the|an?|no|some|many|most|its|their|his|her|[A-Z]\w+|\d[\d,.]*)\s))"
    )
