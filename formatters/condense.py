"""Post → headline, a few bullets and the link. Pure: the same post gives the same words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from formatters import blocks, boilerplate, clauses, headline, sentences
from formatters.blocks import Kind
from formatters.language import language_of
from formatters.tables import BOLD_OFF, BOLD_ON
from models import Condensed, Post

LEAST = 3
MOST_SENTENCES = 400

# How much likelier than chance a sentence with this trait is one of the best three, as natural logarithms of the
# lifts measured over 9,671 posts of Korean news sites.
FIRST_OF_POST, SECOND_OR_THIRD, FIRST_OF_SECTION = 1.33, 0.79, 0.74
LIKE_TITLE, HAS_NUMBER, IS_ITEM, HAS_QUOTATION = 0.83, 0.59, 0.41, 0.41
LAST_SECTION, LEANING, BOLD, FILLER = -0.22, -0.36, -0.69, -0.92
# Not measured there: an amount, a sentence that must be cut or is long, one too short to say anything, a table row.
HAS_QUANTITY, TO_BE_CUT, LENGTHY, TOO_SHORT, IS_ROW = 0.5, -0.45, -0.3, -0.6, -0.4
SHORT = 16
DENSE = ("ko", "ja", "zh")
"""Languages whose characters say about as much as 16/9 letters of an alphabet: 90 of theirs are 160 of English."""

STEM = re.compile(r"[가-힣]{2,}|[A-Za-z]{3,}|\d+(?:[.,]\d+)*|[\u3040-\u30ff\u4e00-\u9fff]{2}")
DIGIT = re.compile(r"\d")
QUANTITY = re.compile(
    r"\d\s?(?:[조억만천백]|원|명|건|%|퍼센트|개|곳|톤|배|대|달러|유로|엔|㎞|㎜|[kc㎢]?m\b|ha\b|\s?(?:percent|million|billion|trillion|people)\b)"
    r"|[$€£¥￦₩]\s?\d"
)
QUOTATION = re.compile(r"[\"“‘「][^\"”’」]{4,}[\"”’」]")
ENDED = re.compile(r"[.!?。！？…][\"'”’)\]」』]*$")
VERB = re.compile(
    r"(?:다|요|함|됨|음|임|중|예정|계획|추진|체결|성사|강화|지원|확대|개최|발표|선정|도입|시행|운영|제공|개선|개정|마련|구축|증가|감소|합의|출시|실시|설치|조성|모집|신청)[.!\"”’)]*$"
    r"|(?i:\b(?:is|are|was|were|has|have|had|will|would|can|said|says|to|\w{3,}ed|\w{3,}ing)\b)"
)
SPLIT = {Kind.TEXT, Kind.ITEM}
ALIKE, SAME_AS_TITLE = 0.6, 0.8


@dataclass(frozen=True, slots=True)
class _Candidate:
    place: int
    text: str
    """The bullet as it would be shown."""
    score: float
    tier: int
    """0 for facts; higher ones are used only where lower ones are too few."""
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A sentence, list item or table row, with where it stands."""

    text: str
    kind: Kind
    place: int
    section: int
    opens_section: bool
    bold: float


def condense(post: Post, *, bullets: int = 4, bullet_chars: int = 90, language: str = "") -> Condensed:
    """The post in short: at most `bullets` bullets of at most `bullet_chars` characters (16/9 of that in an alphabet).

    Never raises.

    `language` is the source's, for posts that name none ("": Korean where there is Hangul, else English). What cannot
    be condensed comes back as title and link with `fallback` set.
    """
    try:
        return _condense(post, bullets=bullets, bullet_chars=bullet_chars, language=language)
    except Exception:
        # A post must reach its readers even where a rule here fails on it; the caller counts these.
        title = " ".join(post.title.split())
        return Condensed(headline=title or post.link, bullets=(), link=post.original_link or post.link, fallback=True)


def _condense(post: Post, *, bullets: int, bullet_chars: int, language: str) -> Condensed:
    page = blocks.read(post.html)
    text = "\n".join(blocks.unmarked(block.text) for block in page)
    head = headline.headline_of(post, text)
    pieces = _pieces(page) or _pieces(blocks.read(post.excerpt))
    spoken = post.language or language or language_of(post)
    most = bullet_chars if spoken in DENSE else bullet_chars * 16 // 9
    candidates = _candidates(pieces, head, most, spoken)
    chosen = _chosen(candidates, bullets)
    return Condensed(
        headline=head,
        bullets=tuple(candidate.text for candidate in chosen),
        link=post.original_link or post.link,
        urgency=headline.urgency_of(post.title),
    )


def _pieces(page: Iterable[blocks.Block]) -> list[_Piece]:
    """Everything that could be a bullet, in document order."""
    found: list[_Piece] = []
    last_section = -1
    for block in page:
        left = MOST_SENTENCES - len(found)
        if left <= 0:
            break
        parts = sentences.split(block.text, left) if block.kind in SPLIT else [block.text]
        for part in parts:
            opens = block.section != last_section and block.kind is not Kind.HEADING
            text = blocks.unmarked(part).strip()
            if not text:
                continue
            found.append(_Piece(text, block.kind, len(found), block.section, opens, _bold_share(part)))
            if opens:
                last_section = block.section
    return found


def _bold_share(text: str) -> float:
    """How much of the sentence is bold. One that starts or ends in the middle of a bold piece counts as its part is."""
    inside = sum(len(piece.partition(BOLD_OFF)[0]) for piece in text.split(BOLD_ON)[1:])
    opening = text.find(BOLD_OFF)
    if opening >= 0 and BOLD_ON not in text[:opening]:
        inside += opening
    return inside / max(1, len(blocks.unmarked(text)))


def _candidates(pieces: list[_Piece], head: str, most: int, language: str) -> list[_Candidate]:
    never = boilerplate.load().never
    kept = [piece for piece in pieces if not never.found_in(piece.text) and not _is_left_out(piece)]
    title = stems(head)
    last_section = max((piece.section for piece in kept), default=0)
    found = []
    rank = 0
    for piece in kept:
        full = clauses.tidy_bullet(piece.text)
        bullet = clauses.shorten(full, most, language)
        if not _says_something(bullet, piece.kind):
            continue
        own = stems(bullet)
        if _repeats(own, title, bullet, head):
            continue
        tier = _tier(piece, bullet)
        is_last = piece.section == last_section and last_section > 2
        score = _score(piece, bullet, len(own & title), rank) + (LAST_SECTION if is_last else 0.0)
        score += TO_BE_CUT * (len(full) > most) + LENGTHY * (len(bullet) > most * 7 // 9)
        rank += piece.kind is Kind.TEXT and tier < 3
        found.append(_Candidate(piece.place, bullet, score, tier, own))
    return found


def _says_something(bullet: str, kind: Kind) -> bool:
    if kind is Kind.TEXT:
        return re.search(r"\w", bullet) is not None
    # "지원", "Costs": a bare label, or a heading that is one.
    return DIGIT.search(bullet) is not None or len(bullet.split()) >= (3 if kind is Kind.HEADING else 2)


def _is_left_out(piece: _Piece) -> bool:
    label, colon, _ = piece.text.partition(":")
    return bool(colon) and boilerplate.load().left_out.match(label.strip()) is not None


def _repeats(own: frozenset[str], title: frozenset[str], bullet: str, head: str) -> bool:
    """Whether the bullet says no more than the headline."""
    if bullet in head:
        return True
    return bool(own) and len(own & title) / len(own) >= SAME_AS_TITLE and not (_digits(own) - _digits(title))


def _digits(words: frozenset[str]) -> set[str]:
    return {word for word in words if DIGIT.search(word)}


def _score(piece: _Piece, bullet: str, shared: int, rank: int) -> float:
    rules = boilerplate.load()
    has_number = DIGIT.search(bullet) is not None
    score = BOLD * piece.bold if piece.kind is Kind.TEXT else 0.0
    if piece.kind is Kind.TEXT and rank < 3:
        score += SECOND_OR_THIRD if rank else FIRST_OF_POST
    if piece.opens_section:
        score += FIRST_OF_SECTION
    score += (
        LIKE_TITLE * (shared >= 2) + HAS_NUMBER * has_number + HAS_QUOTATION * (QUOTATION.search(bullet) is not None)
    )
    score += IS_ITEM * (piece.kind is Kind.ITEM) + IS_ROW * (piece.kind is Kind.ROW) + TOO_SHORT * (len(bullet) < SHORT)
    score += HAS_QUANTITY * (QUANTITY.search(bullet) is not None)
    if rules.leaning.found_in(bullet):
        score += LEANING
    if rules.padding.found_in(bullet) and not has_number:
        score += FILLER
    return score


def _tier(piece: _Piece, bullet: str) -> int:
    has_number = DIGIT.search(bullet) is not None
    if piece.kind is Kind.HEADING:
        return 4
    if piece.kind is not Kind.TEXT:
        return 0 if has_number or VERB.search(bullet) else 2
    if not ENDED.search(piece.text) and not VERB.search(bullet):
        return 3
    if boilerplate.load().padding.found_in(bullet):
        return 1 if has_number else 2
    leans = not has_number and boilerplate.load().leaning.found_in(bullet)
    return 1 if leans or bullet.endswith("?") else 0


def _chosen(candidates: list[_Candidate], bullets: int) -> list[_Candidate]:
    """The best in document order: facts up to `bullets`, and of anything else only what brings them to three.

    Of two that say the same, the one with a number.
    """
    chosen: list[_Candidate] = []
    for tier in range(5):
        room = bullets if tier == 0 else min(bullets, LEAST)
        fitting = sorted((one for one in candidates if one.tier == tier), key=lambda one: (-one.score, one.place))
        for candidate in fitting:
            alike = [other for other in chosen if _alike(candidate, other)]
            if not alike and len(chosen) < room:
                chosen.append(candidate)
            elif len(alike) == 1 and _digits(candidate.stems) and not _digits(alike[0].stems):
                chosen[chosen.index(alike[0])] = candidate
    return sorted(chosen, key=lambda one: one.place)


def _alike(one: _Candidate, other: _Candidate) -> bool:
    fewer = min(len(one.stems), len(other.stems))
    if one.text in other.text or other.text in one.text:
        return True
    return fewer > 1 and len(one.stems & other.stems) / fewer >= ALIKE


def stems(text: str) -> frozenset[str]:
    """Words by what of them stays when endings change: two syllables in Korean, five letters in Latin script."""
    common = boilerplate.load().common_stems
    found = (word[:2] if "가" <= word[0] <= "힣" else word.casefold()[:5] for word in STEM.findall(text))
    return frozenset(stem for stem in found if stem not in common)
