"""Every text that people read, by language. A third language is one more file."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
FALLBACK = "en"


@cache
def tables(language: str) -> dict[str, dict[str, str]]:
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
    """The text of `key` ("table.name") with its {values} filled in."""
    table, _, name = key.partition(".")
    return tables(language)[table][name].format(**values)
