"""A piece of a text around a searched word."""

import unicodedata
from collections.abc import Sequence

from formatters import marking

BEFORE, AFTER = 30, 70


def snippet(text: str, words: Sequence[str]) -> str:
    """About a hundred characters around the first of the words, cut at spaces; "" where none stands in the text."""
    flat = " ".join(unicodedata.normalize("NFC", text).split())
    first = marking.first(flat, words)
    if first < 0:
        return ""
    start, end = max(0, first - BEFORE), min(len(flat), first + AFTER)
    if start:
        start = flat.find(" ", start, first) + 1 or first
    if end < len(flat):
        space = flat.rfind(" ", first, end)
        end = space if space > start else end
    return f"{'…' if start else ''}{flat[start:end].strip()}{'…' if end < len(flat) else ''}"
