"""Where a bullet comes from, and whether all that it claims stands there. It shares no rule with what makes bullets.

A bullet is held against the words of its post: every number as a whole token with its unit, every name at the start of
a word, every quotation letter for letter. One that fails is not shown, whoever proposed it.
"""

import html as entities
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

Span = tuple[int, int]
"""Start and end, offsets into the post's HTML."""

# A number and its unit: "2,700억 원", "47건", "3.5%", "40 km" (of a longer unit the first letter is enough to tell).
NUMBER = re.compile(
    r"(?P<digits>\d+(?:[.,]\d+)*)(?P<unit>\s?[조억만천백]+\s?[가-힣A-Za-z%℃°㎞㎡]?|\s?[가-힣A-Za-z%℃°‰㎞㎡㎜㎏]|)"
)
HANGUL_WORD = re.compile(r"[가-힣]{2,}")
LATIN_WORD = re.compile(r"(?<![A-Za-zÀ-ɏ])[A-Za-zÀ-ɏ]{2,}")
WORD_START = re.compile(r"(?<![가-힣])[가-힣]{2}|(?<![A-Za-zÀ-ɏ])[A-Za-zÀ-ɏ]{2,}")
QUOTATION = re.compile(r"[\"「『]([^\"「」『』]{2,})[\"」』]|(?<!\w)'([^']{2,})'(?![a-z])")
MARKS = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'"})
BLANK = re.compile(r"\s+")
TAG = re.compile(r"<[^<>]*>")
INLINE = re.compile(r"</?(?:b|strong|i|em|u|span|font|a|mark|sub|sup|small|tg-spoiler|wbr)\b[^<>]*>", re.IGNORECASE)
MARKDOWN = re.compile(r"\*\*|__|[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
REFERENCE = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")
TOKEN = re.compile(rf"{TAG.pattern}|{REFERENCE.pattern}|[^\W_]+")
MOST_SPANS = 12
# "2,700" and "1.5": 700 and 5 are no numbers of theirs.
INSIDE_NUMBER, GOES_ON = re.compile(r"\d[.,]?$"), re.compile(r"[.,]?\d")
MOST_UNIT = 24
HANGUL = re.compile(r"[가-힣]")
FIRST_SYLLABLE, FINALS, NIEUN, BIEUP = ord("가"), 28, 4, 17


@dataclass(frozen=True)
class Evidence:
    """The words of a post: what a bullet may be made of. `text` is all of them, title included."""

    text: str

    @classmethod
    def of(cls, *parts: str) -> "Evidence":
        """What a reader sees of titles, HTML and plain text."""
        text = "\n".join(TAG.sub("\n", INLINE.sub("", part)) if "<" in part else part for part in parts)
        if "&" in text:
            text = entities.unescape(text)
        return cls(unicodedata.normalize("NFC", MARKDOWN.sub("", text)).translate(MARKS))

    @cached_property
    def _squeezed(self) -> str:
        return BLANK.sub("", self.text).casefold()

    @cached_property
    def _starts(self) -> frozenset[str]:
        return frozenset(word.casefold() for word in WORD_START.findall(self.text))

    def problem(self, bullet: str) -> str:
        """What in the bullet the post does not say, in words for a log; "" when all of it is there."""
        bullet = unicodedata.normalize("NFC", bullet).translate(MARKS)
        for number in NUMBER.finditer(bullet):
            if not self._has_number(number["digits"], number["unit"]):
                return f"number {number[0]}"
        for quoted in QUOTATION.findall(bullet):
            quotation = quoted[0] or quoted[1]
            if BLANK.sub("", quotation).casefold() not in self._squeezed:
                return f"quotation {quotation}"
        for word in HANGUL_WORD.findall(bullet):
            if word[:2] not in self._starts and word not in self._squeezed and not self._has_verb(word):
                return f"word {word}"
        for word in LATIN_WORD.findall(bullet):
            if word.casefold() not in self._starts:
                return f"word {word}"
        return ""

    def _has_number(self, digits: str, unit: str) -> bool:
        """Whether the number stands in the text as a whole token with this unit behind it."""
        wanted = BLANK.sub("", unit).casefold()
        for start in _places(digits, self.text):
            end = start + len(digits)
            if INSIDE_NUMBER.search(self.text[max(0, start - 2) : start]) or GOES_ON.match(self.text, end):
                continue
            behind = BLANK.sub("", self.text[end : end + MOST_UNIT])
            if behind.casefold().startswith(wanted):
                return True
        return False

    def _has_verb(self, word: str) -> bool:
        """Whether a verb of the post is this one but for its polite ending: 있다 for 있습니다, 된다 for 됩니다."""
        if not word.endswith("다"):
            return False
        stem, last = word[:-2], ord(word[-2]) - FIRST_SYLLABLE
        forms = [word[:-1]]
        if word.endswith("는다"):
            forms.append(f"{stem}습니")
        if last % FINALS == NIEUN:
            forms.append(f"{stem}{chr(FIRST_SYLLABLE + last - NIEUN + BIEUP)}니")
        return any(
            HANGUL.match(self.text[max(0, start - 1) : start]) is None
            for form in forms
            for start in _places(form, self.text)
        )


def _places(wanted: str, text: str) -> Iterator[int]:
    """Every place where it stands."""
    at = text.find(wanted)
    while at >= 0:
        yield at
        at = text.find(wanted, at + 1)


def spans(bullet: str, html: str, start: int, end: int) -> tuple[Span, ...]:
    """Which pieces of `html[start:end]` the bullet's words stand in, in its order.

    Exact where the words can be found there in a row; what was put together from several places has several spans.
    What cannot be found exactly (text whose characters were composed anew) has the whole span.
    """
    letters, places = _visible(html, start, end)
    found: list[Span] = []
    left = _letters_of(bullet)
    while left and len(found) < MOST_SPANS:
        length = _longest(left, letters)
        if length < min(2, len(left)):
            left = left[1:]
            continue
        at = letters.find(left[:length])
        found.append((places[at], _after(html, places[at + length - 1], end)))
        left = left[length:]
    return tuple(found) or ((start, end),)


def _longest(wanted: str, letters: str) -> int:
    """How many letters from the front stand in a row: by halving, since what is in a row is so from its start."""
    low, high = 0, len(wanted)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if wanted[:middle] in letters else (low, middle - 1)
    return low


def _letters_of(text: str) -> str:
    return "".join(character for character in unicodedata.normalize("NFC", text) if character.isalnum())


def _visible(html: str, start: int, end: int) -> tuple[str, list[int]]:
    """The letters and digits that a reader sees, with where each stands in the HTML."""
    letters: list[str] = []
    places: list[int] = []
    for token in TOKEN.finditer(html, start, end):
        seen = token[0]
        if seen[0] == "&":
            for character in filter(str.isalnum, entities.unescape(seen)):
                letters.append(character)
                places.append(token.start())
        elif seen[0] != "<":
            letters.append(seen)
            places.extend(range(*token.span()))
    return "".join(letters), places


def _after(html: str, at: int, end: int) -> int:
    reference = REFERENCE.match(html, at, end)
    return reference.end() if reference else at + 1
