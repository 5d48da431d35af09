"""One alert against its post: what a reader would miss, and what an editor would strike out. Pure functions.

Imports nothing of the project but this folder's own reading of text; the condenser is never asked how it works.
"""

import html
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from benchmarks.condense import patterns
from benchmarks.condense.text import (
    PARTICLE,
    PARTICLES,
    Block,
    blocks,
    clean,
    listed,
    plain_quotes,
    squash,
    stem,
    words,
)


@dataclass(frozen=True, slots=True)
class Alert:
    """What a condenser made of one post: headline, bullets and the link it found."""

    headline: str
    bullets: tuple[str, ...]
    link: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        return (self.headline, *self.bullets)


@dataclass(frozen=True, slots=True)
class Fact:
    """One must-have: found when all strings of one alternative stand in one line."""

    what: str
    any: tuple[tuple[str, ...], ...]

    def in_lines(self, lines: Iterable[str]) -> bool:
        squashed = [squash(line) for line in lines]
        return any(all(squash(part) in line for part in parts) for parts in self.any for line in squashed)

    def in_all(self, lines: Iterable[str]) -> bool:
        """The lenient reading: the strings of an alternative may stand in different lines."""
        return self.in_lines(["\n".join(lines)])


@dataclass(frozen=True, slots=True)
class Gold:
    """What an editor asks of the alert of the post `id`; `headline` and `bullets`: the editor's own, if written."""

    id: str
    headline: str
    bullets: tuple[str, ...]
    must: tuple[Fact, ...] = ()
    must_not: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one line of an alert: the check that fired, the line, and why."""

    check: str
    line: str
    why: str


@dataclass(frozen=True, slots=True)
class Score:
    """The measures of one alert. Lengths in characters; redundancy and ROUGE in 0..100, None without a reference.

    `facts` and `anywhere` are in the order of the gold: all words of a fact in one line, and anywhere in the alert.
    """

    facts: tuple[bool, ...]
    anywhere: tuple[bool, ...]
    forbidden: tuple[str, ...]
    lengths: tuple[int, ...]
    findings: tuple[Finding, ...]
    redundancy: float | None
    rouge1: float | None
    rouge2: float | None

    def count(self, check: str) -> int:
        """How many lines of the alert a check fired on."""
        return len({finding.line for finding in self.findings if finding.check == check})


# ------------------------------------------------------------------------------------------------------- numbers

DIGITS = re.compile(r"(?<![\d])\d+(?:[.,]\d+)*")
SIGN = re.compile(r"(?:(?<![\w)\]%\s])|(?<=\s)|^)([-−△▲])$|([$€£¥₩₹])\s?$|\b(Rs)\.?\s?$")
SCALE = re.compile(r"(?:조|억|만|천|백)+|[ -]?(?:million|billion|trillion|thousand|crore|lakh|bn|tn)\b", re.I)
UNITS = listed(
    "%포인트 %p % 퍼센트포인트 퍼센트 개월 개국 개소 개사 개교 개 년치 년생 년대 년간 년 월 일간 일 주년 주째 주간 "
    "주 시간 시 분 초 원 달러 유로 엔 위안 파운드 명 인분 인 건 곳 회 차례 차 위 세대 세 살 대 동 호 채 가구 배 톤 "
    "리터 도 층 평 점 표 석 종 쪽 장 권 편 팀 쌍 마리 그루 병 잔 끼 박 기 등급 등 급 단계 부 항 호선 번째 번 학년 "
    "가지 kg km ㎞ ㎡ ㎜ cm mm"
)
UNIT_KO = re.compile(rf"여? ?(?:{'|'.join(UNITS)})|(?![은는이가을를의에로와과])[가-힣]")
UNIT_EN = re.compile(r" ?(?:percentage points?|per ?cent|%|basis points?)|[-]?[A-Za-z]+", re.I)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written: sign or currency before it, digits without grouping commas, scale and unit after it."""

    sign: str
    digits: str
    scale: str
    unit: str


def numbers(text: str) -> Iterator[Number]:
    """Every number of a text with what belongs to it."""
    for found in DIGITS.finditer(text):
        sign = SIGN.search(text[max(0, found.start() - 4) : found.start()])
        scale = SCALE.match(text, found.end())
        end = scale.end() if scale else found.end()
        unit = UNIT_KO.match(text, end) or UNIT_EN.match(text, end)
        yield Number(
            next(part for part in sign.groups() if part).replace("−", "-") if sign else "",
            re.sub(r",(?=\d{3}(?!\d))", "", found[0]),
            squash(scale[0]).strip("-") if scale else "",
            squash(unit[0]).strip("-") if unit else "",
        )


# -------------------------------------------------------------------------------------------------------- source

HANGUL = re.compile(r"[가-힣]+")
LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]+(?:['’\-&.][A-Za-zÀ-ÖØ-öø-ÿ]+)*")
# What may follow the shared part of a word whose ending was changed: endings and particles only.
ENDING = re.compile(
    r"(?:[했한할함해합하히된될됨됐되돼됩다음는은기지고며면던였었았겠습니까일인임입이려도록어아여서진져짐질집시킨켜킴킬키]{0,5}"
    r"|은|는|이|가|을|를|의|에|도|로|와|과|만|서|에서|으로|까지|부터|들|들이|들은|들을|에게|측)$"
)
# Words of grammar, which may be exchanged freely: particles after a number or a quotation, 하다, 되다, 있다.
GRAMMAR = re.compile(
    rf"(?:{'|'.join(PARTICLES)}|(?:하|했|한|할|함|합|해|되|된|됐|될|됩|돼|됨|있|없|않)"
    r"(?:다|고|며|면|는|던|게|지|여|였|었|기|도록|서|려|자|으|나|만|는데|겠|습니다|니다|을|은|음)*|및|등|수|것|중|때|뒤|후|전|간)$"
)
# The syllables of a Korean verb that melts with its ending: 넘기어 넘겨, 보아 봐, 주어 줘, 하여 해, 되어 돼, 크어 커.
MELTED = {frozenset(pair) for pair in ((20, 6), (8, 9), (13, 14), (0, 1), (11, 10), (18, 4), (18, 0))}
VERB_TAIL = re.compile(r"(?:다|는다|고|며|면|는|던|게|지|서|습니다|니다|었다|았다|겠다)?$")
VERB_START = re.compile(
    r"(?:하|했|한|할|함|합|해|되|된|됐|될|됩|돼|됨|시키|시켰|시킨|이었|였|입니|이다|받|않|있|없|지|어|여|려|겠|았|었)"
)
PARTICLE_START = re.compile(
    r"(?:은|는|이|가|을|를|의|에|도|로|와|과|만|까지|부터|라|며|고|으|들|보다|처럼|께|인|에서|서|뿐|다|습|ㄴ|기|면|지|나|니|였|던)"
)
MARKS = "\"'「」『』《》〈〉<>"


class Source:
    """The text of one post as the checks need it, read once. `page` is the HTML the condenser was given."""

    def __init__(self, page: str, title: str, lang: str) -> None:
        self.lang = lang
        self.title = clean(title)
        self.blocks: list[Block] = blocks(page)
        self.text = plain_quotes("\n".join(block.text for block in self.blocks))
        # With the white space gone and the way back to where each letter stood.
        self.places = [place for place, letter in enumerate(self.text) if not letter.isspace()]
        self.squashed = "".join(self.text[place] for place in self.places).lower()
        self.runs = sorted(set(HANGUL.findall(self.text)))
        self.words = {word.lower() for word in LATIN.findall(self.text)}
        self.numbers = set(numbers(self.text))
        self.digits = {number.digits for number in self.numbers}

    def has_run(self, start: str) -> bool:
        """Whether some word of the source starts with these Hangul syllables."""
        place = bisect_left(self.runs, start)
        return place < len(self.runs) and self.runs[place].startswith(start)

    def runs_from(self, start: str) -> Iterator[str]:
        """Every word of the source that starts with these syllables."""
        for run in self.runs[bisect_left(self.runs, start) :]:
            if not run.startswith(start):
                return
            yield run

    def tails(self, piece: str, least: int = 4) -> list[int]:
        """Where in `text` the last letters of a piece (24, or 12, 6, 4, not below `least`) end, as offsets."""
        whole = squash(plain_quotes(piece))
        for length in (24, 12, 6, 4):
            wanted = whole[-length:]
            if length < least:
                break
            found, at = [], self.squashed.find(wanted)
            while wanted and at >= 0:
                found.append(self.places[at + len(wanted) - 1] + 1)
                at = self.squashed.find(wanted, at + 1)
            if found:
                return found
        return []

    def has_word(self, word: str) -> bool:
        """A Korean word at a word start of the source; only its ending may differ."""
        if self.has_run(word) or GRAMMAR.match(word):
            return True
        for cut in range(len(word) - 1, 0, -1):
            head, tail = word[:cut], word[cut:]
            if (ENDING if cut > 1 else PARTICLE).match(tail) and self._stem(head):
                return True
            if self._melted(head, tail):
                return True
        return self._melted("", word)

    def _stem(self, head: str) -> bool:
        """Whether some word of the source is these syllables and an ending or particle."""
        return any(not run[len(head) :] or _ending(run[len(head) :]) for run in self.runs_from(head))

    def _melted(self, head: str, tail: str) -> bool:
        """낸다 for 냈습니다, 넘겨 for 넘기며: a verb of the source whose next syllable changed its vowel or its end."""
        if not VERB_TAIL.match(tail[1:]) or (not head and len(tail) < 2):
            return False
        onset, vowel = _jamo(tail[0])
        for run in self.runs_from(head):
            if len(run) <= len(head) or not ENDING.match(run[len(head) + 1 :]):
                continue
            its_onset, its_vowel = _jamo(run[len(head)])
            if its_onset == onset and (its_vowel == vowel or (head and frozenset((vowel, its_vowel)) in MELTED)):
                return True
        return False


def _jamo(syllable: str) -> tuple[int, int]:
    """(first consonant, vowel) of a Hangul syllable, as numbers in Unicode's order."""
    return divmod((ord(syllable) - 0xAC00) // 28, 21)


# -------------------------------------------------------------------------------------------------- faithfulness

QUOTED = re.compile(
    r"\"([^\"]{2,}?)\"|(?<![A-Za-z0-9])'(?!\d\d년)([^'\"](?:[^'\"]|'(?=[A-Za-z])){1,}?)'(?![A-Za-z0-9])|「([^」]+)」|『([^』]+)』"
    r"|《([^》]+)》|〈([^〉]+)〉"
)


def unfaithful(line: str, source: Source, also: str = "") -> Iterator[str]:
    """What a line says that the source does not: numbers, quotations, names. `also` is text that counts as source."""
    line = plain_quotes(line)
    known = [source, Source(html.escape(also), "", source.lang)] if also else [source]
    for number in numbers(line):
        if not any(number in one.numbers for one in known):
            other = any(number.digits in one.digits for one in known)
            yield f"number {number.sign}{number.digits}{number.scale}{number.unit}" + (
                " (another unit)" if other else ""
            )
    for quotation in QUOTED.finditer(line):
        inner = next(part for part in quotation.groups() if part)
        if not any(_quoted(inner, one) for one in known):
            yield f"quotation {inner}"
    for word in LATIN.findall(line):
        if not any(_has_latin(word, one) for one in known):
            yield f"word {word}"
    for run in HANGUL.findall(line):
        if not any(one.has_word(run) for one in known):
            yield f"word {run}"


def _quoted(inner: str, source: Source) -> bool:
    """Letter for letter, and with a quotation mark of some kind at one of its ends."""
    wanted = squash(inner.strip(" .,?!…"))
    at = source.squashed.find(wanted)
    while wanted and at >= 0:
        before = source.squashed[max(0, at - 1) : at]
        after = source.squashed[at + len(wanted) :].lstrip(".,?!…")[:1]
        if before in MARKS or after in MARKS or before == "?" or after == "?":
            return True
        at = source.squashed.find(wanted, at + 1)
    return False


def _has_latin(word: str, source: Source) -> bool:
    """The whole word; in a word without capitals only its ending may differ (said/say)."""
    lower = word.lower()
    if lower in source.words or lower.removesuffix("'s") in source.words or lower + "'s" in source.words:
        return True
    if all(part in source.words for part in re.split(r"[-.&']", lower) if part):
        return True
    return word.islower() and len(word) > 4 and any(known.startswith(word[:-2]) for known in source.words)


# ----------------------------------------------------------------------------------------------------------- cut

PAIRS = (("(", ")"), ("[", "]"), ("「", "」"), ("『", "』"), ("《", "》"), ("〈", "〉"))


def cuts(bullet: str, source: Source) -> Iterator[str]:
    """Ends inside a word, number, quotation, bracket or clause, or with an ending that Korean or English lacks."""
    line = plain_quotes(bullet).strip()
    bare = re.sub(r"[\s.,!?…\"')\]」』》〉;:]+$", "", line)
    ends = source.tails(bare)
    if not _whole(line, source):
        rest = _beyond(line, source)
        yield from (why for why, marks in _unbalanced(line) if rest is None or any(mark in rest for mark in marks))
        if re.search(r"(?:…|\.\.\.)$", line):
            # Where the source itself trails off, that is how it was said.
            if not any(source.text.startswith(("…", "..."), end) for end in ends):
                yield "trails off"
        elif re.search(r"[,;:·(\[–—/&=-]$", line):
            yield f"ends with {line[-1]}"
    if not bare:
        return
    last = bare.split()[-1]
    yield from _inside(bare, last, source.tails(bare, 6), source)
    complete = any(_complete(source.text, end) for end in ends)
    if source.lang == "ko" and HANGUL.search(last):
        if found := patterns.BROKEN_KO.search(bare):
            yield f"no such ending: {found[0].strip()}"
        if not complete:
            yield from _open_ending(bare, last, source)
    elif not complete and last.lower().strip("\"'") in patterns.FUNCTION_EN:
        yield f"ends with {last}"


def _unbalanced(line: str) -> Iterator[tuple[str, str]]:
    """(what is open, the marks one of which would close it)."""
    if re.sub(r"\d\"", "", line).count('"') % 2:
        yield "open quotation", '"'
    single = re.sub(r"(?<=[A-Za-z0-9])'|'(?=\d\d(?!\d))", "", QUOTED.sub("", line))
    if re.search(r"(?<![\w])'(?=\w)|(?<=[가-힣])'", single):
        yield "open quotation", "'"
    numbered = re.sub(r"(?:^|\s)(?:\d|[가나다라마바사아자차카타파하a-z])\)", " ", line)
    for left, right in PAIRS:
        if numbered.count(left) != numbered.count(right):
            yield f"open bracket {left}{right}", right if numbered.count(left) > numbered.count(right) else left


def _beyond(line: str, source: Source) -> str | None:
    """What the source's sentence says before and after a line, None when the line cannot be found in it."""
    ends = source.tails(re.sub(r"[\s.,!?…]+$", "", line), 12)
    if not ends:
        return None
    around = []
    for end in ends:
        start = source.text.rfind("\n", 0, end) + 1
        begin = source.text.find(line[:6], start, end)
        stop = source.text.find("\n", end)
        before = source.text[start:begin] if begin >= 0 else ""
        after = source.text[end : stop if stop >= 0 else None]
        around.append(re.split(r"[.!?]\s", before)[-1] + re.split(r"(?<=[.!?])[\"')]*\s", after)[0])
    return min(around, key=len)


def _complete(text: str, end: int) -> bool:
    """Whether a sentence or a block of the source ends at this offset."""
    return re.match(r"[\"')\]」』》〉:]*(?:\s*\n|\s*$|[.!?…;]+[\"')\]]*(?=\s|$|[가-힣]))", text[end:]) is not None


def _inside(bare: str, last: str, ends: Sequence[int], source: Source) -> Iterator[str]:
    """Whether, everywhere the end stands in the source, the word or number goes on there."""
    if not ends:
        return
    rests = [source.text[end : end + 12] for end in ends]
    if bare[-1].isdigit():
        if all(
            re.match(r"\d|[.,]\d|%|[가-힣]", rest) and not re.match(r"[은는이가을를의에로와과]", rest) for rest in rests
        ):
            yield f"inside the number {last}"
    elif "가" <= bare[-1] <= "힣":
        if all(re.match(r"[가-힣]", rest) and not _ending(rest) for rest in rests):
            run = HANGUL.findall(last)[-1]
            if run not in source.runs:
                yield f"inside the word {run}{(HANGUL.match(rests[0]) or [''])[0]}"
    elif bare[-1].isalpha() and all(re.match(r"[A-Za-z]|['’-][A-Za-z]{2,}", rest) for rest in rests):
        yield f"inside the word {last}"


def _ending(rest: str) -> bool:
    """Whether what follows a Korean stem in the source is its particle or verb ending."""
    return VERB_START.match(rest) is not None or PARTICLE_START.match(rest) is not None


def _whole(line: str, source: Source) -> bool:
    """Whether a line is one or more whole sentences of the source, faults of the source included."""
    wanted = squash(line)
    at = source.squashed.find(wanted)
    while wanted and at >= 0:
        start, end = source.places[at], source.places[at + len(wanted) - 1] + 1
        opens = re.search(r"(?:^|\n|[.!?…][\"')\]」』]*\s*)$", source.text[max(0, start - 6) : start])
        if (
            opens
            and re.match(r"[.!?…]*[\"')\]」』]*(?:\s|$|[가-힣])", source.text[end:])
            and (line[-1] in ".!?…\"')" or _complete(source.text, end))
        ):
            return True
        at = source.squashed.find(wanted, at + 1)
    return False


def _open_ending(bare: str, last: str, source: Source) -> Iterator[str]:
    run = (HANGUL.findall(last) or [""])[-1]
    if not last.endswith(run) or patterns.NOUNS_KO.search(run):
        return
    if found := patterns.CONNECTIVE_KO.search(run):
        yield f"ends with {found[0]}"
        return
    particle = patterns.PARTICLES_KO.search(run)
    if particle and (run[-1] in "을를" or _is_particle(run, source)):
        yield f"ends with the particle {particle[0]}"
    subject = re.search(r"([가-힣]{2,}[이가]) ([가-힣]{2,})$", bare)
    if subject and _is_particle(subject[1], source):
        after = [source.text[end : end + 1] for end in source.tails(bare)]
        if after and all(letter in "되된됐됩될돼" for letter in after):
            yield f"passive without its ending: {subject[0]}"


def _is_particle(run: str, source: Source) -> bool:
    """Whether the last syllable is a particle: the source has the word without it, alone or with another one."""
    base = run[:-1]
    if len(base) < 2 or any(other != run and other.startswith(run) for other in source.runs):
        return False
    return any(other == base or stem(other) == base for other in source.runs_from(base) if other != run)


# ------------------------------------------------------------------------------------------- the other line checks


def filler(bullet: str, lang: str) -> Iterator[str]:
    """Padding that carries neither a number nor a quotation."""
    found = (patterns.FILLER_KO if lang == "ko" else patterns.FILLER_EN).search(bullet.rstrip(" ."))
    if found and not patterns.ANCHOR.search(bullet):
        yield found[0]


def boilerplate(bullet: str, lang: str) -> Iterator[str]:
    """Promotion, calls to click, source, licence, telephone and reporter lines, photo credits, datelines."""
    either = (patterns.BOILERPLATE_KO, patterns.BOILERPLATE_EN) if lang == "ko" else (patterns.BOILERPLATE_EN,)
    for pattern in (*either, patterns.DATELINE):
        if found := pattern.search(bullet):
            yield found[0]
            return


def dangling(bullet: str, lang: str, before: str) -> Iterator[str]:
    """Opens with a pointer or connective. `before` is the headline and the bullets above, which may explain it."""
    line = plain_quotes(bullet).lstrip(" ·-")
    if re.fullmatch(r"\"[^\"]+\"\W*", line):
        yield "a quotation that nobody says"
    if lang == "ko":
        if found := patterns.POINTER_KO.match(line):
            yield found[0]
        elif (found := patterns.DEMONSTRATIVE_KO.match(line)) and not patterns.TITLES_KO.match(found["noun"]):
            noun = stem(found["noun"])
            if noun[:2] not in before:
                yield found[0]
        return
    if found := patterns.ASIDE_EN.match(line):
        yield found[0][-12:]
    if patterns.HARMLESS_EN.match(line) or not (found := patterns.POINTER_EN.match(line)):
        return
    noun_of = patterns.DEMONSTRATIVE_EN.match(line)
    known = noun_of is not None and noun_of["noun"].lower().rstrip("s") in before.lower()
    if not known:
        yield found[0]


def markup(line: str) -> Iterator[str]:
    """Tags, entities, Markdown marks, bullets within bullets, quotation marks turned into "?", holes between words."""
    if found := patterns.MARKUP.search(line):
        yield found[0]


def repeats(bullet: str, headline: str) -> Iterator[str]:
    """A bullet that says nothing beyond the headline."""
    said = words(headline)
    told = [word for word in words(bullet) if not ENDING.match(word) or word.isascii()]
    new = [word for word in told if not any(_same(word, other) for other in said)]
    if told and len(new) <= 0.15 * len(told) and not any(word[0].isdigit() for word in new):
        yield f"only {' '.join(new) or 'nothing'} is new"


def _same(one: str, other: str) -> bool:
    """The same word, or two Korean words that share their first two syllables and differ in what follows."""
    if one == other:
        return True
    return (
        len(one) >= 2
        and len(other) >= 2
        and "가" <= one[0] <= "힣"
        and (one.startswith(other) or other.startswith(one))
    )


# --------------------------------------------------------------------------------------------------------- ROUGE


def rouge_n(tokens: Sequence[str], reference: Sequence[str], n: int) -> float:
    """ROUGE-N F1, 0..100, over word tokens (Korean: eojeol with stripped particles)."""
    ours, theirs = (Counter(zip(*(side[i:] for i in range(n)), strict=False)) for side in (tokens, reference))
    return _f1(sum((ours & theirs).values()), sum(ours.values()), sum(theirs.values()))


def rouge_l(one: Sequence[str], other: Sequence[str]) -> float:
    """ROUGE-L F1, 0..100: the longest common subsequence of word tokens."""
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for place, candidate in enumerate(other, 1):
            diagonal, row[place] = (
                row[place],
                diagonal + 1 if word == candidate else max(row[place], row[place - 1]),
            )
    return _f1(row[-1], len(one), len(other))


def _f1(common: int, ours: int, theirs: int) -> float:
    return 200 * common / (ours + theirs) if ours + theirs else 0.0


def redundancy(bullets: Sequence[str]) -> float | None:
    """Mean ROUGE-L F1 (0..100) over all pairs of bullets, None with fewer than two."""
    pairs = [rouge_l(words(one), words(other)) for one, other in combinations(bullets, 2)]
    return sum(pairs) / len(pairs) if pairs else None


# ------------------------------------------------------------------------------------------------------- together


def findings(alert: Alert, source: Source) -> Iterator[Finding]:
    """Everything wrong with an alert's lines that can be told without gold."""
    lang = source.lang
    for check, whys in {
        "unfaithful": unfaithful(alert.headline, source, source.title),
        "markup": markup(alert.headline),
    }.items():
        yield from (Finding(check, alert.headline, why) for why in whys)
    for place, bullet in enumerate(alert.bullets):
        for check, whys in {
            "filler": filler(bullet, lang),
            "boilerplate": boilerplate(bullet, lang),
            "dangling": dangling(bullet, lang, " ".join(alert.lines[: place + 1])),
            "cut": cuts(bullet, source),
            "markup": markup(bullet),
            "headline": repeats(bullet, alert.headline),
            "unfaithful": unfaithful(bullet, source),
        }.items():
            yield from (Finding(check, bullet, why) for why in whys)


def score(alert: Alert, source: Source, gold: Gold | None = None, excerpt: str = "") -> Score:
    """All measures of one alert; facts and forbidden strings need `gold`, ROUGE the site's own `excerpt`."""
    reference = words(excerpt)
    summary = words(" ".join(alert.bullets))
    squashed = [squash(line) for line in alert.lines]
    return Score(
        facts=tuple(fact.in_lines(alert.lines) for fact in gold.must) if gold else (),
        anywhere=tuple(fact.in_all(alert.lines) for fact in gold.must) if gold else (),
        forbidden=tuple(bad for bad in gold.must_not if any(squash(bad) in line for line in squashed)) if gold else (),
        lengths=tuple(len(bullet) for bullet in alert.bullets),
        findings=tuple(findings(alert, source)),
        redundancy=redundancy(alert.bullets),
        rouge1=rouge_n(summary, reference, 1) if reference else None,
        rouge2=rouge_n(summary, reference, 2) if reference else None,
    )
