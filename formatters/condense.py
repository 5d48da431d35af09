"""Post → headline, a few bullets and the link. Pure: the same post gives the same words."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import fsum

from formatters import blocks, boilerplate, choosing, clauses, headline, provenance, sentences, traits, words
from formatters.blocks import Kind
from formatters.choosing import Candidate, Room
from formatters.language import language_of
from formatters.provenance import Evidence
from formatters.tables import BOLD_OFF, BOLD_ON
from formatters.traits import Context, Place
from models import Condensed, Post

MOST_SENTENCES = 400

DENSE = ("ko", "ja", "zh")
"""Languages whose characters say about as much as 16/9 letters of an alphabet: 90 of theirs are 160 of English."""


LONG, TOO_LONG = 5 / 6, 0.15
"""A Korean bullet that takes more than this share of its room loses so much: it is taken in with effort."""

ROOMS = {
    "ko": Room(bullets=4, characters=195),
    "en": Room(bullets=5, characters=460, character=0.0005, overrun=0.004, section=0.15),
}
MOST_BULLETS = 5

ENDED = re.compile(r"[.!?。！？…][\"'”’)\]」』]*$")
VERB = re.compile(
    r"(?:다|요|함|됨|음|임|중|예정|계획|추진|체결|성사|강화|지원|확대|개최|발표|선정|도입|시행|운영|제공|개선|개정|마련|구축|증가|감소|합의|출시|실시|설치|조성|모집|신청)[.!\"”’)]*$"
    r"|(?i:\b(?:is|are|was|were|has|have|had|will|would|can|said|says|to|\w{3,}ed|\w{3,}ing)\b)"
)
SPLIT = {Kind.TEXT, Kind.ITEM, Kind.QUOTATION}
SAME_AS_TITLE = 0.8
SHORTEST = 15
"""A shorter sentence without a number says little alone."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A sentence, list item or table row, the how-manieth of the post, with where it stands."""

    text: str
    number: int
    place: Place
    start: int
    end: int


def condense(
    post: Post, *, bullets: int = 4, bullet_chars: int = 90, language: str = "", boilerplate: tuple[str, ...] = ()
) -> Condensed:
    """The post in short: at most `bullets` bullets of at most `bullet_chars` characters.

    In an alphabet at most one bullet more (five at most), of 16/9 as many characters. Never raises.

    `language` is the source's, for posts that name none ("": what the letters and small words say). `boilerplate` are
    regular expressions of the source's own: a sentence that one of them is found in is no bullet. What cannot be
    condensed comes back as title and link with `fallback` set.
    """
    try:
        return _condense(post, bullets=bullets, bullet_chars=bullet_chars, language=language, own=boilerplate)
    except Exception:
        # A post must reach its readers even where a rule here fails on it; the caller counts these.
        title = " ".join(post.title.split())
        return Condensed(headline=title or post.link, bullets=(), link=post.original_link or post.link, fallback=True)


def _condense(post: Post, *, bullets: int, bullet_chars: int, language: str, own: tuple[str, ...] = ()) -> Condensed:
    page = blocks.read(post.html)
    text = "\n".join(blocks.unmarked(block.text) for block in page)
    head = headline.headline_of(post, text)
    source, pieces = post.html, _pieces(page, own)
    if not pieces:
        source, pieces = post.excerpt, _pieces(blocks.read(post.excerpt), own)
    spoken = post.language or language or language_of(post)
    most = bullet_chars if spoken in DENSE else bullet_chars * 16 // 9
    candidates = _candidates(pieces, _context(pieces, head, post.source_headline), head, most, spoken)
    room = replace(ROOMS["ko" if spoken in DENSE else "en"], bullets=_most_bullets(bullets, spoken))
    chosen = _proven(candidates, room, Evidence.of(post.title, post.html, post.excerpt))
    return Condensed(
        headline=head,
        bullets=tuple(candidate.text for candidate in chosen),
        link=post.original_link or post.link,
        urgency=headline.urgency_of(post.title),
        spans=tuple(
            provenance.spans(one.text, source, pieces[one.number].start, pieces[one.number].end) for one in chosen
        ),
    )


def _most_bullets(wanted: int, spoken: str) -> int:
    """One more than is wanted in an alphabet, five at most: such a bullet says less."""
    return wanted if spoken in DENSE or not 0 < wanted < MOST_BULLETS else wanted + 1


def _proven(candidates: list[Candidate], room: Room, evidence: Evidence) -> list[Candidate]:
    """The best of those in which nothing is said that the post does not say."""
    while True:
        chosen = choosing.choose(candidates, room)
        false = {one.text for one in chosen if evidence.problem(one.text)}
        if not false:
            return chosen
        candidates = [one for one in candidates if one.text not in false]


def _context(pieces: list[_Piece], head: str, other_head: str) -> Context:
    headings = {piece.place.section: words.stems(piece.text) for piece in pieces if piece.place.kind is Kind.HEADING}
    last = max((piece.place.section for piece in pieces), default=0)
    return Context(words.stems(head), words.stems(other_head), headings, last, last)


def _pieces(page: Iterable[blocks.Block], own: tuple[str, ...] = ()) -> list[_Piece]:
    """Everything that could be a bullet, in document order. `own`: patterns of the source's boilerplate."""
    never = boilerplate.load().never
    found: list[_Piece] = []
    in_section: Counter[int] = Counter()
    in_post = 0
    for block in page:
        left = MOST_SENTENCES - len(found)
        if left <= 0:
            break
        if block.kind is Kind.CAPTION:
            continue
        for part in sentences.split(block.text, left) if block.kind in SPLIT else [block.text]:
            text = blocks.unmarked(part).strip()
            if not text or never.found_in(text) or _is_left_out(text) or any(re.search(one, text) for one in own):
                continue
            place = Place(block.kind, block.section, in_post, in_section[block.section], _bold_share(part))
            found.append(_Piece(text, len(found), place, block.start, block.end))
            in_section[block.section] += block.kind is not Kind.HEADING
            in_post += block.kind is Kind.TEXT
    return found


def _bold_share(text: str) -> float:
    """How much of the sentence is bold. One that starts or ends in the middle of a bold piece counts as its part is."""
    inside = sum(len(piece.partition(BOLD_OFF)[0]) for piece in text.split(BOLD_ON)[1:])
    opening = text.find(BOLD_OFF)
    if opening >= 0 and BOLD_ON not in text[:opening]:
        inside += opening
    return inside / max(1, len(blocks.unmarked(text)))


def possible(post: Post, language: str, *, most: int = 0) -> tuple[str, list[tuple[int, str, frozenset[str]]]]:
    """The headline, and every possible bullet as (number of its sentence, text, traits): what weights are fitted on."""
    page = blocks.read(post.html)
    head = headline.headline_of(post, "\n".join(blocks.unmarked(block.text) for block in page))
    pieces = _pieces(page)
    context = _context(pieces, head, post.source_headline)
    forms = _forms(pieces, context, head, most or (90 if language in DENSE else 160), language)
    return head, [(form.piece.number, form.text, _traits(form, context)) for form in forms if form.text]


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to say a sentence. `whole`: nothing but its ending was left out."""

    text: str
    piece: _Piece
    stems: frozenset[str]
    whole: bool


def _forms(pieces: list[_Piece], context: Context, head: str, most: int, language: str) -> Iterator[_Form]:
    """All forms of all pieces that are short enough and say more than the headline."""
    for piece in pieces:
        forms = clauses.variants(clauses.tidy_bullet(piece.text), language)
        for form in forms:
            if len(form) <= most and _says_something(form, piece.place.kind):
                own = words.stems(form)
                if not _repeats(own, context.title, form, head):
                    yield _Form(form, piece, own, form == forms[0])


def _traits(form: _Form, context: Context) -> frozenset[str]:
    return frozenset(traits.seen(form.text, form.stems, form.piece.place, context, whole=form.whole))


def _candidates(pieces: list[_Piece], context: Context, head: str, most: int, language: str) -> list[Candidate]:
    worths = traits.weights("ko" if language in DENSE else "en")
    found = []
    for form in _forms(pieces, context, head, most, language):
        having = _traits(form, context)
        worth = fsum(worths[trait] for trait in having if trait in worths)  # exact, so in any order the same
        place = form.piece.place
        worth -= TOO_LONG * (language in DENSE and len(form.text) > most * LONG)
        tier = _tier(form, having)
        found.append(Candidate(form.text, form.piece.number, place.section, worth, tier, form.stems))
    # A sentence too long in every form is cut behind a word: only where bullets are too few without it.
    said = {one.number for one in found}
    for piece in pieces:
        cut = "" if piece.number in said else clauses.shorten(clauses.tidy_bullet(piece.text), most, language)
        own = words.stems(cut)
        if cut and _says_something(cut, piece.place.kind) and not _repeats(own, context.title, cut, head):
            found.append(Candidate(cut, piece.number, piece.place.section, 0.0, 4, own))
    return found


def _says_something(bullet: str, kind: Kind) -> bool:
    if kind is Kind.TEXT:
        return re.search(r"\w", bullet) is not None
    # "지원", "Costs": a bare label, or a heading that is one.
    return words.DIGIT.search(bullet) is not None or len(bullet.split()) >= (3 if kind is Kind.HEADING else 2)


def _is_left_out(text: str) -> bool:
    label, colon, _ = text.partition(":")
    return bool(colon) and boilerplate.load().left_out.match(label.strip()) is not None


def _repeats(own: frozenset[str], title: frozenset[str], bullet: str, head: str) -> bool:
    """Whether the bullet says no more than the headline."""
    if bullet in head:
        return True
    new_numbers = any(words.is_number(stem) for stem in own - title)
    return bool(own) and len(own & title) / len(own) >= SAME_AS_TITLE and not new_numbers


def _tier(form: _Form, having: frozenset[str]) -> int:
    """0 for what may be a fact, up to 4 for what only fills up."""
    kind, bullet = form.piece.place.kind, form.text
    if kind is Kind.HEADING:
        return 1 if "number" in having else 3
    if "padding" in having:
        return 1 if "number" in having else 2
    if kind in (Kind.ITEM, Kind.ROW):
        return 0 if "number" in having or VERB.search(bullet) else 2
    if not ENDED.search(form.piece.text) and not VERB.search(bullet):
        return 3
    if len(bullet) < SHORTEST and "number" not in having:
        return 2
    # A quotation alone does not say whose it is.
    alone = len(bullet) > 2 and bullet[0] in '"“‘「' and bullet[-1] in '"”’」'
    return 1 if alone or "leaning" in having or "question" in having else 0
