"""Every text that people read, by language. A third language is one more file.

A text that counts has a form for each way in which its language counts: `over.one = …`, `over.other = …`, named as in
CLDR (https://cldr.unicode.org/index/cldr-spec/plural-rules). `count` and `total` are written the language's way.
"""

import tomllib
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.numbers import format_decimal

FOLDER = Path(__file__).parent
FALLBACK = "en"


@cache
def tables(language: str) -> dict[str, dict[str, Any]]:
    """All texts of a language, by table; English for a language that has no file."""
    file = FOLDER / f"{language}.toml"
    if not file.is_file():
        file = FOLDER / f"{FALLBACK}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


@cache
def languages() -> tuple[str, ...]:
    """The languages that have a file."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


def say(language: str, key: str, **values: Any) -> str:
    """The text of `key` ("table.name") with its {values} filled in; of one with plural forms, that of `count`."""
    table, _, name = key.partition(".")
    text = tables(language)[table][name]
    counted = {one: number_in(language, values[one]) for one in COUNTS if isinstance(values.get(one), int)}
    if not isinstance(text, str):
        text = text.get(form_of(language, values["count"])) or text["other"]
    return str(text).format(**values | counted)


COUNTS = ("count", "total")


@lru_cache(maxsize=1000)
def number_in(language: str, number: int) -> str:
    """ "12,345" as the language writes it."""
    return format_decimal(number, locale=locale_of(language))


@lru_cache(maxsize=1000)
def form_of(language: str, count: int) -> str:
    """The plural form that a count takes: "one", "other" …"""
    return str(locale_of(language).plural_form(count))


@cache
def locale_of(language: str) -> Locale:
    """How the language writes; as English where it is none that is known."""
    try:
        return Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        return Locale.parse(FALLBACK)


def name_of(language: str) -> str:
    """What a language calls itself."""
    locale = locale_of(language)
    return (locale.get_language_name() or language) if locale.language == language else language
