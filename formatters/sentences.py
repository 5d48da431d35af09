"""Text → sentences, for Korean and English, with what other scripts share."""

import re

from formatters.tables import BOLD_OFF, BOLD_ON

MOST = 400
# A quotation that is still open after so many characters was never closed.
LONGEST_QUOTATION = 300

CLOSERS = rf"[\"'”’)\]」』》>{BOLD_OFF}]*+"
END = re.compile(
    rf"[.!?…]++{CLOSERS}(?=\s|$|{BOLD_ON})"
    # "…필요합니다.빠르고 …": the blank was forgotten. After any other letter a dot may belong to a name.
    rf"|(?<=[다요죠])\.{BOLD_OFF}?(?=[가-힣])"
    rf"|[。！？]++{CLOSERS}"
    # The full stops of other scripts (Sentence_Terminal of https://www.unicode.org/reports/tr29/#Sentence_Boundaries).
    rf"|[।॥۔؟።။៕᠃՜՞]++{CLOSERS}"
)
# What goes on after a quotation: “…했다.” 라고 말했다.
QUOTED_ON = re.compile(r"이?라(?:고|는|며|면서)|고\s|며\s|면서\s|는\s")
QUOTES = "\"'”’"
ABBREVIATION = re.compile(
    r"(?:^|[\s(\"“])(?:Mr|Mrs|Ms|Dr|Prof|Sen|Rep|Gov|Gen|Lt|Col|Sgt|Capt|St|Jr|Sr|vs|Inc|Pvt|Ltd|Pte|Corp|Co|Bros|No|Nos|Vol|Fig|etc|approx"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|a\.m|p\.m|e\.g|i\.e|[A-Z])\.$"
)
INITIALS = re.compile(r"(?:[A-Za-z]\.){2,}$")
STARTS_ANEW = re.compile(r"(?:The|A|An|In|It|He|She|They|But|On|At|This|That|We|For|And|Its|His|Her)\b")
OPENING = re.compile(r"[“「『]")
CLOSING = re.compile(r"[”」』]")


def split(text: str, most: int = MOST) -> list[str]:
    """At most `most` sentences. Never inside a quotation, a number or an abbreviation."""
    found: list[str] = []
    start = 0
    for end in END.finditer(text):
        if not _ends(text, start, end):
            continue
        found.append(text[start : end.end()].strip())
        start = end.end()
        if len(found) == most:
            return [sentence for sentence in found if sentence]
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def _ends(text: str, start: int, end: re.Match[str]) -> bool:
    following = text[end.end() : end.end() + 12].lstrip(f" {BOLD_ON}{BOLD_OFF}")
    before = text[max(start, end.start() - 12) : end.start() + 1]
    if not following:
        return True
    if following[0].islower() or text[start : end.start()].strip(f" {BOLD_ON}{BOLD_OFF}").isdigit():
        return False
    if before[-2:-1].isdigit() and (following[0].isdigit() or "가" <= following[0] <= "힣") and before[-1] == ".":
        return False
    if ABBREVIATION.search(before) or (INITIALS.search(before) and not STARTS_ANEW.match(following)):
        return False
    if end.end() - start <= LONGEST_QUOTATION and is_open(text[start : end.end()]):
        return False
    return QUOTED_ON.match(following) is None or not (end[0][-1] in QUOTES or text[end.end()] != " ")


def is_open(text: str) -> bool:
    """Whether a quotation or a bracket that the text opens is still open at its end."""
    if text.count('"') % 2 or len(OPENING.findall(text)) > len(CLOSING.findall(text)):
        return True
    return text.count("‘") > text.count("’") or text.count("(") > text.count(")")
