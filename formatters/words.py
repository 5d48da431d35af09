"""The words of a text by what of them stays when endings change."""

import re

from formatters import boilerplate

STEM = re.compile(r"\d+(?:[.,]\d+)*|[가-힣]{2,}|[A-Za-z]{3,}|[\u3040-\u30ff\u4e00-\u9fff]{2}")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
DIGIT = re.compile(r"\d")
NAME = re.compile(r"[‘“'\"「『]([^‘’“”'\"「」『』]{2,30})[’”'\"」』]|(?<![.!?“\"] )(?<!^)\b([A-Z][A-Za-z]+)")


def stems(text: str) -> frozenset[str]:
    """Two syllables of a Korean word, five letters of one in Latin script, numbers whole. Common words are left out."""
    common = boilerplate.load().common_stems
    return frozenset(stem for stem in map(stem_of, STEM.findall(text)) if stem not in common)


def stem_of(word: str) -> str:
    return word[:2] if "가" <= word[0] <= "힣" else word.casefold()[:5] if word[0].isalpha() else word.replace(",", "")


def is_number(stem: str) -> bool:
    return stem[0].isdigit()


def names(text: str) -> frozenset[str]:
    """The stems of what stands in quotation marks or is written with a capital inside a sentence."""
    found = [quoted or capital for quoted, capital in NAME.findall(text)]
    return frozenset(stem for name in found for stem in stems(name))
