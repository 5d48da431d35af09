"""What people call the commands: other words for them in every language, and what was probably meant."""

import difflib
import unicodedata
from collections.abc import Iterable
from functools import cache

from locales import languages, tables


@cache
def other_words() -> dict[str, str]:
    """Word -> command, from the texts of all languages: nobody has to know in which one the bot is asked."""
    return {
        word.strip(): command
        for language in languages()
        for command, words in tables(language)["names"].items()
        for word in words.split(",")
    }


def command_called(name: str) -> str:
    """The command that is meant by a word; the word itself where it is no other one for a command."""
    return other_words().get(unicodedata.normalize("NFC", name), name)


def nearest(name: str, commands: Iterable[str]) -> str:
    """The command that a misspelt word probably meant, "" where none is near."""
    known = {**other_words(), **{command: command for command in commands}}
    close = difflib.get_close_matches(unicodedata.normalize("NFC", name), known, n=1, cutoff=0.65)
    return known[close[0]] if close else ""
