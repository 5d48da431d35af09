"""Texts and questions as the tokens that the index stores: pure, and without a database library.

수출액 becomes "수출 출액 액", so a two-syllable word is found inside a longer one, and one syllable by prefix.
Scripts written with spaces are indexed by words. Both ends are NFC and lower case.
"""

import re
import unicodedata

# Hangul, kana and Chinese characters: the scripts in which a word is found inside a longer one.
DENSE = "\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
RUN = re.compile(rf"[{DENSE}]+|[^\W_{DENSE}]+")


def folded(words: str) -> str:
    """The one form in which texts and questions are compared."""
    return unicodedata.normalize("NFC", words).lower()


def index_text(words: str) -> str:
    """What is stored for a text: the tokens of all its runs, separated by spaces."""
    return " ".join(token for run in RUN.findall(folded(words)) for token in _tokens(run))


def _tokens(run: str) -> list[str]:
    if not re.match(rf"[{DENSE}]", run):
        return [run]
    return [run[position : position + 2] for position in range(len(run))]


def match_expression(question: str) -> str:
    """The FTS5 expression that finds every word of the question; "" when it holds no word."""
    parts = []
    for run in RUN.findall(folded(question)):
        if not re.match(rf"[{DENSE}]", run):
            parts.append(f'"{run}"')
        elif len(run) == 1:
            parts.append(f'"{run}" *')
        else:
            bigrams = " ".join(run[position : position + 2] for position in range(len(run) - 1))
            parts.append(f'"{bigrams}"')
    return " AND ".join(parts)
