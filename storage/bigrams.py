"""Texts as the tokens that the index stores, and what of a question the index can answer. Pure, without a database.

수출액 becomes the pairs "수출 출액 액", so a two-syllable word is found inside a longer one. Words of spaced scripts
are stored whole and with their beginnings of three letters or more. All of it once more, marked, for the headline.
Whoever changes `tokens` adds a migration that builds the index anew: taking an entry out needs its tokens as they were.
"""

import hashlib
import re
import sys
import unicodedata
from array import array
from collections.abc import Iterable

# Hangul, kana and Chinese characters: the scripts in which a word is found inside a longer one.
DENSE = "\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
RUN = re.compile(rf"[{DENSE}]+|[^\W_{DENSE}]+")
WORD = re.compile(rf"[^\W_{DENSE}]+")
NOT_DENSE = re.compile(rf"[^{DENSE}]+")

SHORTEST_START, LONGEST_START = 3, 9
"""Beginnings of words that are found, in letters. Longer ones are looked up by their first nine and compared."""
LONGEST_TEXT = 50_000
"""Characters of one text that are searched."""
ENDINGS = """
니다 습니 으로 있습 에서 하고 입니 합니 하는 적인 하여 으며 했습 하며 있는 에게 됩니 적으
것으 것입 하기 있으 되었 들이 었습 였습 았습 졌습 겠습 이를 한다 들의 들에 것이 하게 다고
들은 다면 해야 이에 이는 되어 도록 있다 다는 자들 에는 되고 까지 부터 니까 하였 였다 았다
어요 해요 이라 라고 라는 지만 면서 대한 통해 위해 위한
"""
GRAMMAR = frozenset(ENDINGS.split())
"""Pairs of endings and particles, which nearly every Korean text has: they narrow little down."""
IN_A_THIRD = frozenset(["니다", "습니", "으로", "있습", "에서", "하고", "입니", "합니", "하는"])
"""Those of them that a third of all Korean texts have, or nearly all."""
MOST_PAIRS = 6
"""Of one word that are looked up; the rest is compared."""
ENOUGH_PAIRS, LEAST_PAIRS = 4, 3
"""With fewer, endings help out; those that are in a third of the texts only up to the second of these."""
IN_HEADLINE = "_"
ALL = "__all"
"""A token that every text has. Marks begin with "_", which is no part of any word."""
UTF16 = "utf-16-le" if sys.byteorder == "little" else "utf-16-be"


def folded(words: str) -> str:
    """The one form in which texts and questions are compared."""
    return unicodedata.normalize("NFC", words).lower()


def tokens(headline: str, text: str) -> str:
    """What is stored for a headline and its text, separated by spaces. A token may stand in it several times."""
    headline, text = folded(headline), f"\n{folded(text[:LONGEST_TEXT])}"
    on_top, starts = _pairs(headline), _starts(headline, {})
    marked = dict.fromkeys([*on_top.split(), *starts])
    words = " ".join(_starts(text, starts))
    return "".join([on_top, _pairs(text), words, *(f" {IN_HEADLINE}{token}" for token in marked)])


def labels(sources: Iterable[str], topics: Iterable[str]) -> str:
    """The tokens by which `source:` and `topic:` find a text."""
    return " ".join(dict.fromkeys([ALL, *map(source_label, sources), *map(topic_label, topics)]))


def source_label(source_id: str) -> str:
    return f"__s_{source_id.lower().replace('-', '_')}"


def topic_label(topic: str) -> str:
    return f"__t_{hashlib.blake2s(folded(topic).strip().encode('utf-8', 'replace')).hexdigest()[:16]}"


def _pairs(text: str) -> str:
    """Each two neighbours of the dense scripts and each last one alone; two passes of the text, offset by one."""
    spaced = NOT_DENSE.sub(" ", text)
    spaced += "  " if len(spaced) % 2 == 0 else " "
    # 16 bits are enough: all that is left lies in the Basic Multilingual Plane. In arrays this costs a tenth of a loop.
    letters = array("H", spaced.encode(UTF16))
    half = len(letters) // 2
    out = array("H", [32]) * (6 * half)
    out[0 : 3 * half : 3], out[1 : 3 * half : 3] = letters[0::2], letters[1::2]
    out[3 * half : 6 * half - 3 : 3], out[3 * half + 1 : 6 * half - 3 : 3] = letters[1:-1:2], letters[2::2]
    return out.tobytes().decode(UTF16)


def _starts(text: str, found: dict[str, None]) -> dict[str, None]:
    """The words of spaced scripts and their beginnings, beside those that were found before; numbers whole only."""
    for word in WORD.findall(text):
        if word not in found:
            found[word] = None
            if not word.isdecimal():
                found.update(
                    dict.fromkeys(word[:end] for end in range(SHORTEST_START, min(len(word), LONGEST_START + 1)))
                )
    return found


# --------------------------------------------------------------------------------------------------------- questions


def terms(word: str) -> tuple[list[str], bool]:
    """Tokens that a text holding the folded word or phrase must have, and whether having them is enough.

    One syllable alone has no token: it is a `beginning`, or is compared.
    """
    runs = RUN.findall(word)
    found: list[str] = []
    for run in runs:
        if is_dense(run):
            found += _telling([run[place : place + 2] for place in range(len(run) - 1)])
        else:
            found.append(run if len(run) <= LONGEST_START or run.isdecimal() else run[:LONGEST_START])
    (enough,) = {_is_token(run) for run in runs} if len(runs) == 1 else (False,)
    return list(dict.fromkeys(found)), enough


def _telling(pairs: list[str]) -> list[str]:
    """Those that few texts have, as far as one can know; one more list is read in less time than what it rules out.

    Of 소비자들이, 소비 and 비자 alone leave seven times as many texts to compare as with 자들 and 들이.
    """
    chosen = [pair for pair in pairs if pair not in GRAMMAR][:MOST_PAIRS]
    chosen += [pair for pair in pairs if pair in GRAMMAR - IN_A_THIRD][: max(0, ENOUGH_PAIRS - len(chosen))]
    return [*chosen, *[pair for pair in pairs if pair in IN_A_THIRD][: max(0, LEAST_PAIRS - len(chosen))]]


def beginning(word: str) -> str:
    """The single syllable that the word is, "" when it is more."""
    runs = RUN.findall(word)
    return runs[0] if len(runs) == 1 and len(runs[0]) == 1 and is_dense(runs[0]) else ""


def pattern(word: str) -> re.Pattern[str] | None:
    """Finds the folded word or phrase in a folded text; None when it holds no letter.

    Dense scripts match anywhere, words of the others from their start on, to their end where they have less than three
    letters or are numbers. Whatever separates two runs in the question may be anything that separates in the text.
    """
    runs = list(RUN.finditer(word))
    if not runs:
        return None
    made = "" if is_dense(runs[0][0]) else rf"(?<![^\W_{DENSE}])"
    done = runs[0].start()
    for run in runs:
        made += (r"[\W_]+" if run.start() > done else "") + re.escape(run[0])
        done = run.end()
    last = runs[-1][0]
    open_ended = is_dense(last) or (len(last) >= SHORTEST_START and not last.isdecimal())
    return re.compile(made if open_ended else rf"{made}(?![^\W_{DENSE}])")


def is_dense(word: str) -> bool:
    """Whether all of it is written in the dense scripts."""
    return NOT_DENSE.search(word) is None


def _is_token(run: str) -> bool:
    """Whether the index has a token for exactly this run. That of a number may be the start of a longer word."""
    return len(run) == 2 if is_dense(run) else len(run) <= LONGEST_START and not (len(run) > 2 and run.isdecimal())
