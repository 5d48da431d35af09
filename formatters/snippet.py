"""A piece of a text around a searched word."""

import unicodedata
from collections.abc import Sequence

BEFORE, AFTER = 30, 70


def snippet(text: str, words: Sequence[str]) -> str:
    """About a hundred characters around the first of the words, cut at spaces; "" where none stands in the text."""
    flat = " ".join(unicodedata.normalize("NFC", text).split())
    folded = flat.lower()
    if len(folded) != len(flat):  # some capitals fold into two characters; positions would not fit then
        folded = flat
    places = [place for place in (folded.find(word) for word in words) if place >= 0]
    if not places:
        return ""
    start, end = max(0, min(places) - BEFORE), min(len(flat), min(places) + AFTER)
    if start:
        start = flat.find(" ", start, min(places)) + 1 or min(places)
    if end < len(flat):
        space = flat.rfind(" ", min(places), end)
        end = space if space > start else end
    return f"{'…' if start else ''}{flat[start:end].strip()}{'…' if end < len(flat) else ''}"
