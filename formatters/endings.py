"""Korean sentence endings → a headline's ("체결했습니다" → "체결") or the news' plain ones ("됐습니다" → "됐다")."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("endings.toml")

VERB = re.compile(
    r"(?P<noun>[가-힣]{2,4})(?:하고\s있(?:습니다|다|어요)|[하했](?:였?습니다|였?다|었?어요)|합니다|한다|해요)$"
    r"|(?P<future>[가-힣]{2,4})할\s(?:것|예정|계획|방침)$"
)
JOINED = re.compile(
    r"(?P<noun>[가-힣]{2,4})(?:하고\s있(?:으며|고|지만|으나)|[하했](?:였?으며|였?고|였?지만|였?으나)|하며|하고|하지만)$"
)
COPULA = re.compile(r"(?:입니다|이다|이에요|예요|이며|이고)$")
AMOUNT = re.compile(
    r"\d[\d,.]*\s?(?:[조억만천백]\s?)*(?:원|명|건|개|곳|회|차례|배|톤|대|가구|달러|유로|엔|%|퍼센트|시간|분|일|개월|년|위|m|km|㎞|㎡|ha)$"
)
NOUN = re.compile(r"(?:^|\s)[^\s,]*[가-힣]{2,}[)’”'\"]?$")
VERB_IN_I = re.compile(
    r"[을를로]\s\S+$|(?:보|높|줄|늘|벌|직|울|들|붙|쓰|놓|쌓|섞|녹|끓|먹|속|모|꺾|박|걸|곁들|받아들)$"
)
TOPIC = re.compile(r"[가-힣A-Za-z0-9)’”'\"](?:은|는)\s")
SUBJECT_BEFORE = re.compile(
    r"[가-힣A-Za-z0-9)’”'\"](?:이|가)\s(?:[가-힣]{1,5}(?:게|히)\s|(?:더|더욱|크게|많이|전년\s?대비|전년보다|[\d,.]+%)\s)*$"
)
FIRST_SYLLABLE, LAST_SYLLABLE, FINALS = ord("가"), ord("힣"), 28
# Syllables that end in ㅆ or ㅄ: past tense, 있다, 없다, 겠다. Only -다 can close them, whatever the verb.
CLOSED = "".join(
    chr(one) for one in range(FIRST_SYLLABLE, LAST_SYLLABLE + 1) if (one - FIRST_SYLLABLE) % FINALS in (18, 20)
)
POLITE = ("니다", "어요")
POLITE_PAST = re.compile(rf"(?:(?<=[가-힣][{CLOSED}])|(?<=[있없했됐]))(?:습니다|어요)$")
JOINED_PAST = re.compile(rf"(?:(?<=[가-힣][{CLOSED}])|(?<=[있없했됐]))(?:으며|고|지만|으나|는데)$")


@dataclass(frozen=True, slots=True)
class Nouns:
    """The nouns of endings.toml."""

    transitive: frozenset[str]
    intransitive: frozenset[str]
    before_copula: re.Pattern[str]
    plain: tuple[tuple[str, str, re.Pattern[str]], ...]


@cache
def load() -> Nouns:
    """The nouns; read from the package at the first call."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    copula = "|".join(sorted(table["before_copula"], key=len, reverse=True))
    return Nouns(
        frozenset(table["transitive"].split()),
        frozenset(table["intransitive"].split()),
        re.compile(rf"(?:(?:^|\s)(?:{copula}))$"),
        tuple((polite, plain, re.compile(before)) for polite, plain, before in table["plain"]),
    )


def shortened(text: str) -> str:
    """The sentence (without its full stop) with the ending of a headline where that is surely right, else unchanged."""
    return _without_verb(VERB, text) or _without_copula(text) or _plain(text) or text


def _plain(text: str) -> str:
    """The polite ending as the one that news is written in, where there is only one; "" elsewhere."""
    if not text.endswith(POLITE):
        return ""
    if past := POLITE_PAST.search(text):
        return f"{text[: past.start()]}다"
    for polite, plain, before in load().plain:
        if text.endswith(polite) and before.search(rest := text.removesuffix(polite)):
            return f"{rest}{plain}"
    return ""


def closed(clause: str) -> str:
    """A clause that ended in a coordinate ending, as one that can end a line; "" where that is not sure."""
    if short := _without_verb(JOINED, clause) or (_without_copula(clause) if clause.endswith(("이며", "이고")) else ""):
        return short
    past = JOINED_PAST.search(clause)
    return f"{clause[: past.start()]}다" if past else ""


def _without_verb(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    noun = found.groupdict()["noun"] if found else None
    if found is None or noun is None:
        return ""
    nouns = load()
    # The pattern takes up to four letters; the noun is the longest known one that the word ends with.
    for known in (noun[start:] for start in range(len(noun) - 1)):
        start = found.start("noun") + len(noun) - len(known)
        whole_word = start == 0 or text[start - 1] in " ·-" or known in nouns.transitive
        if not whole_word:
            continue
        if known in nouns.intransitive or (known in nouns.transitive and not SUBJECT_BEFORE.search(text[:start])):
            return text[: start + len(known)]
    return ""


def _without_copula(text: str) -> str:
    found = COPULA.search(text)
    if found is None:
        return ""
    rest = text[: found.start()]
    return rest if AMOUNT.search(rest) or load().before_copula.search(rest) or _names(found[0], rest) else ""


def _names(copula: str, rest: str) -> bool:
    """Whether what the topic is said to be is a noun: "…은 첫 방문지입니다", and not "…을 선보입니다"."""
    is_noun = NOUN.search(rest) is not None and VERB_IN_I.search(rest) is None
    return copula in {"입니다", "이에요", "예요"} and is_noun and TOPIC.search(rest) is not None
