"""What publishers put around the news: the patterns of boilerplate.toml, compiled once."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("boilerplate.toml")
ANY_CASE = "(?i)"


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """Each pattern is to be searched for in one sentence, list item or table cell."""

    never: re.Pattern[str]
    padding: re.Pattern[str]
    leaning: re.Pattern[str]
    connectives: re.Pattern[str]
    generic_header: re.Pattern[str]
    left_out: re.Pattern[str]
    site: re.Pattern[str]
    common_stems: frozenset[str]


@cache
def load() -> Boilerplate:
    """The patterns; read from the package at the first call."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return Boilerplate(
        never=_any(pattern for patterns in tables["never"].values() for pattern in patterns),
        padding=_any(tables["padding"]["patterns"]),
        leaning=_any(tables["leaning"]["patterns"]),
        connectives=_connectives(tables["connectives"]["korean"], tables["connectives"]["english"]),
        generic_header=re.compile(tables["tables"]["generic_headers"], re.IGNORECASE),
        left_out=re.compile(tables["tables"]["left_out"], re.IGNORECASE),
        site=re.compile(tables["headline"]["site"]),
        common_stems=frozenset(tables["common"]["stems"]),
    )


def _any(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{_scoped(pattern)})" for pattern in patterns))


def _scoped(pattern: str) -> str:
    # Python takes a flag for a part of an expression only as a group.
    return f"(?i:{pattern.removeprefix(ANY_CASE)})" if pattern.startswith(ANY_CASE) else pattern


def _connectives(korean: list[str], english: list[str]) -> re.Pattern[str]:
    # English ones are adverbs of the sentence only before a comma ("still, ..." but "still waiting").
    spaced = "|".join(sorted(korean, key=len, reverse=True))
    before_comma = "|".join(sorted(english, key=len, reverse=True))
    return re.compile(f"^(?:(?:{spaced})(?:,\\s*|\\s+)|(?i:{before_comma}),\\s+)")
