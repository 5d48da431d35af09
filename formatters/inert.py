"""A publisher's text made harmless: what is left cannot reorder, overprint or break what stands around it.

This comes before each renderer's own escaping, and takes any string: lone surrogates, control characters, 10 MB.
"""

import re
import unicodedata

LOOKED_AT = 10_000
"""Characters of one text that are looked at; no renderer shows more than 1,900 of one."""

SURROGATE = re.compile(r"[\ud800-\udfff]")
# What draws nothing: control characters, soft hyphen, zero-width space and the like; and what turns the direction of
# all that follows (https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters). Telegram's server drops
# U+2028 to U+202E by itself, Slack does not.
NOTHING = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u180e\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]+"
)
# The same inside text of several lines, where white space is kept.
NOTHING_IN_LINES = re.compile(rf"[\x0b\x0c\x1c-\x1f\x85\r\u2028\u2029]|{NOTHING.pattern}")
STACKED = r"\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f"
# No script puts more than three of these on one letter; more would be drawn over the neighbouring lines.
FLOOD = re.compile(rf"([{STACKED}]{{3}})[{STACKED}]+")
UNSEEN = rf"\s{STACKED}\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200e\u200f\u2800\u3164\uffa0\U000e0000-\U000e0fff"
BLANK = re.compile(f"[{UNSEEN}]*")
# A flag takes seven of these, a joined emoji two; a longer row only pushes what follows out of the room.
GAP = re.compile(f"([{UNSEEN}]{{8}})[{UNSEEN}]+")
RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
ISOLATE, END_OF_ISOLATE = "\u2068", "\u2069"


def line(text: str) -> str:
    """The text as one line in NFC, white space joined; "" when nothing of it would be seen."""
    text = text[:LOOKED_AT]
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    text = GAP.sub(r"\1 ", " ".join(_cleaned(text, NOTHING).split()))
    return "" if BLANK.fullmatch(text) else " ".join(text.split())


def lines(text: str) -> str:
    """The text with its line breaks and spaces as they are."""
    return _cleaned(text[:LOOKED_AT], NOTHING_IN_LINES)


def _cleaned(text: str, unwanted: re.Pattern[str]) -> str:
    if SURROGATE.search(text):
        # Two halves that belong together become their character, a half alone becomes U+FFFD.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return FLOOD.sub(r"\1", unicodedata.normalize("NFC", unwanted.sub("", text)))


def isolated(text: str) -> str:
    """For text that shares its line with other text: what is written from right to left stays in its place.

    The isolate (https://www.unicode.org/reports/tr9/#Explicit_Directional_Isolates) costs two characters.
    """
    return f"{ISOLATE}{text}{END_OF_ISOLATE}" if RIGHT_TO_LEFT.search(text) else text
