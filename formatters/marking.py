"""Where searched words stand in a text: whatever their case and normalisation, and with any character in them."""

import unicodedata
from collections.abc import Iterator, Sequence

MOST = 8
"""Marks in one text. On Telegram each is an entity, and a message has 100."""
LOOKED_FOR = 200
"""Places of one word in one text, so that a text of one letter ten thousand times costs nothing."""


def first(text: str, words: Sequence[str]) -> int:
    """Where in the NFC text the first of the words stands; -1 where none does."""
    folded, origins = _folded(text)
    found = [at for word in _wanted(words) if (at := folded.find(word)) >= 0]
    return origins[min(found)] if found else -1


def places(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """(start, end) of every place in the NFC text where a word stands; places that overlap or touch are one."""
    folded, origins = _folded(text)
    found: list[tuple[int, int]] = []
    for word in _wanted(words):
        at = folded.find(word)
        for _ in range(LOOKED_FOR):
            if at < 0:
                break
            found.append((origins[at], origins[at + len(word) - 1] + 1))
            at = folded.find(word, at + 1)
    return list(_joined(sorted(found)))


def pieces(text: str, words: Sequence[str], most: int = MOST) -> list[tuple[str, bool]]:
    """The NFC text in pieces, each with whether it is to be marked: the first `most` places are."""
    text = unicodedata.normalize("NFC", text)
    cut: list[tuple[str, bool]] = []
    done = 0
    for start, end in places(text, words)[:most]:
        cut += [(text[done:start], False)] if start > done else []
        cut.append((text[start:end], True))
        done = end
    return cut + ([(text[done:], False)] if done < len(text) else [])


def _wanted(words: Sequence[str]) -> set[str]:
    return {_folded(word.strip())[0] for word in words if word.strip()}


def _folded(text: str) -> tuple[str, Sequence[int]]:
    """The text without case, and for each of its characters the place of the one it was made from."""
    text = unicodedata.normalize("NFC", text)
    folded = text.casefold()
    if len(folded) == len(text):
        return folded, range(len(text))
    # Some letters fold into two ("ẞ", "İ"), so places have to be carried along.
    return folded, [place for place, letter in enumerate(text) for _ in letter.casefold()]


def _joined(found: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    start, end = -1, -1
    for one_start, one_end in found:
        if one_start > end:
            if end > 0:
                yield start, end
            start = one_start
        end = max(end, one_end)
    if end > 0:
        yield start, end
