"""Whether a line says what one sentence of the post says, or two neighbouring ones, and not its contrary.

`provenance` asks whether every number, name and word stands somewhere in the post. Words that all stand there can still
be put together into something else: this asks whether they stand in one place, in that order, who did it to whom, and
whether what was denied, planned or only possible still is. It knows what a line that copies its wording looks like; one
that retells it freely is turned down too, which costs nothing but the line.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from formatters import boilerplate, words

MOSTLY = 0.8
"""How many of the line's stems must stand in the passage, in the line's order."""
LEAST_STEMS = 2

# With the first letter of its unit.
NUMBER = re.compile(r"(\d+(?:[.,]\d+)*)\s?([가-힣A-Za-z%℃]?)")
NAME = re.compile(r"(?<![A-Za-z])[A-Z][A-Za-z]+")
LATIN = re.compile(r"[A-Za-z]+")
# What turns a statement when it goes: in English it stands before what it turns, in Korean behind it.
TURNS_WHAT_FOLLOWS = re.compile(
    r"n[’']t\b|\b(?:may|plans? to|(?i:not|never|no|nor|neither|without|cannot|unless|if|might|could|would|should|must"
    r"|shall|ought|likely|unlikely|allegedly|alleged|reportedly|expected to|planned to|planning to|propos(?:es|ed?|ing)"
    r"|considering|den(?:y|ies|ied|ying)|refus(?:es|ed|ing)|reject(?:s|ed|ing)?|fail(?:s|ed)? to|hop(?:es|ed|ing) to"
    r"|want(?:s|ed)? to|needs? to|ha(?:s|ve) to|aim(?:s|ed)? to|seeks? to|seeking to|threaten(?:s|ed|ing)?|almost"
    r"|nearly))\b|(?<![가-힣])안\s"
)
TURNS_WHAT_PRECEDES = re.compile(
    r"(?<![가-힣])(?:않|못하|못했|못한|못할|없|아니|아닌|예정|계획|방침|전망|가능성|우려|검토|제안|의혹|혐의|부인|거부|거절"
    r"|취소|중단|연기|무산)|(?<![가-힣])[가-힣]{0,3}야\s(?=[한합하할된됩])"
)
# "할 수 있다", "할 것이다": what comes before ends in ㄹ.
MAY_BE = re.compile(r"(?<=([가-힣]) )(?:수|것)(?:도|가|은|이|으로|이다|입니다|이라고|이라며)?(?![가-힣])")
FINAL_CONSONANTS, RIEUL = 28, 8

HANGUL = re.compile(r"[가-힣]{2,}")
# What may stand behind the part of a Korean word that names something: particles, 하다 and 되다, endings of verbs.
SUFFIX = re.compile(
    r"(?:들|은|는|이|가|을|를|의|에|에서|에게|께|께서|로|으로|로서|로써|와|과|도|만|까지|부터|보다|처럼|마다|서|이나|라도){1,3}"
    r"|(?:하|되|시키|받|당하|해|한|할|함|합|했|돼|된|될|됨|됩|됐)[가-힣]{0,6}"
    r"|인|이며|이고|이던|(?:이|였|이었)?(?:다|습니다|입니다|라)(?:고|며|는|면)?|(?:으)?(?:며|면|나|니|려고)|고|지만|는데|던|기|기로|음|지|게|자|도록|요"
)

SUBJECT = re.compile(r"([가-힣A-Za-z]{2,})(?:은|는|이|가|께서)(?![가-힣A-Za-z])")
OBJECT = re.compile(r"([가-힣A-Za-z]{2,})(?:을|를)(?![가-힣A-Za-z])")


def is_retold(line: str, runs: Sequence[Sequence["Passage"]]) -> bool:
    """Whether a sentence says what the line says, or two that stand side by side in one of the runs."""
    told = Passage(line)
    alone = [passage for run in runs for passage in run if passage.holds(told)]
    # What a single sentence says is held against that sentence: the next one must not lend it a "not".
    pairs = (Passage(f"{one.text}\n{other.text}") for run in runs for one, other in pairwise(run))
    return any(passage.agrees(told) for passage in alone or (pair for pair in pairs if pair.holds(told)))


@dataclass(frozen=True)
class Passage:
    """A piece of text, taken apart as far as it is asked for."""

    text: str

    @cached_property
    def stems(self) -> list[str]:
        """In order; words that only tie a sentence together are left out."""
        common = boilerplate.load().common_stems
        found = map(words.stem_of, words.STEM.findall(unicodedata.normalize("NFC", self.text)))
        return [stem for stem in found if stem not in common]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.stems)

    @cached_property
    def turned(self) -> frozenset[str]:
        """The stems that a "not", a "may", an "예정" or their like stands beside."""
        return frozenset(self._turned())

    def _turned(self) -> Iterator[str]:
        for found in TURNS_WHAT_FOLLOWS.finditer(self.text):
            yield from Passage(self.text[found.end() :]).stems[:1]
        for found in TURNS_WHAT_PRECEDES.finditer(self.text):
            yield from Passage(self.text[: found.start()]).stems[-1:]
        for found in MAY_BE.finditer(self.text):
            if _ends_in_rieul(found[1]):
                yield from Passage(self.text[: found.start()]).stems[-1:]

    def _names(self, word: str) -> bool:
        """Whether the Korean word stands here, perhaps with another ending: 김도윤은 for 김도윤이, not for 김도연이."""
        alike = [other for other in self._hangul if other[0] == word[0]]
        bases = (word[:end] for end in range(len(word), 0, -1) if _is_suffix(word[end:]))
        return any(other.startswith(base) and _is_suffix(other[len(base) :]) for base in bases for other in alike)

    @cached_property
    def _hangul(self) -> frozenset[str]:
        return frozenset(HANGUL.findall(unicodedata.normalize("NFC", self.text)))

    def holds(self, told: "Passage") -> bool:
        """Whether most of what is told stands here, in the same order."""
        wanted = told.stems
        if len(wanted) < LEAST_STEMS or sum(stem in self._known for stem in wanted) < MOSTLY * len(wanted):
            return False
        return _longest_in_order(wanted, self.stems) >= MOSTLY * len(wanted)

    def agrees(self, told: "Passage") -> bool:
        """Whether numbers, names, who did it to whom, and what is only said to be, are as here."""
        return (
            _counted_alike(told.text, self.text)
            and _is_in_order(_folded(NAME, told.text), _folded(LATIN, self.text))
            and all(self._names(word) for word in HANGUL.findall(told.text))
            and not _swapped(told.text, self.text)
            and told.turned <= self.turned
            and not (self.turned - told.turned) & frozenset(told.stems)
        )


def _is_suffix(text: str) -> bool:
    return not text or SUFFIX.fullmatch(text) is not None


def _ends_in_rieul(syllable: str) -> bool:
    return (ord(syllable) - ord("가")) % FINAL_CONSONANTS == RIEUL


def _folded(pattern: re.Pattern[str], text: str) -> list[str]:
    return [found.casefold() for found in pattern.findall(text)]


def _is_in_order(wanted: Sequence[str], there: Sequence[str]) -> bool:
    left = iter(there)
    return all(one in left for one in wanted)


def _counted_alike(line: str, passage: str) -> bool:
    """Whether every number of the line counts the same thing there, and in the same order."""
    left = iter(NUMBER.findall(passage))
    return all(
        any(number == other and unit in ("", what) for other, what in left) for number, unit in NUMBER.findall(line)
    )


def _longest_in_order(wanted: Sequence[str], there: Sequence[str]) -> int:
    """How many of the wanted stand there in the same order: the longest common subsequence."""
    best = [0] * (len(wanted) + 1)
    for stem in there:
        before = 0
        for place, one in enumerate(wanted, 1):
            before, best[place] = best[place], before + 1 if one == stem else max(best[place], best[place - 1])
    return best[-1]


def _swapped(line: str, passage: str) -> bool:
    """Whether a Korean noun is the subject in one and the object in the other."""
    return any(
        set(one.findall(line)) & (set(other.findall(passage)) - set(one.findall(passage)))
        for one, other in ((SUBJECT, OBJECT), (OBJECT, SUBJECT))
    )
