"""One sentence → one bullet: no leading connective, and a long one shortened so that what stays can stand alone."""

import re
from collections.abc import Iterator

from formatters import boilerplate
from formatters.sentences import is_open

HANGUL = re.compile(r"[가-힣]")
BLANK = re.compile(r"\s+")
# Coordinate endings only: what follows "-면" or "-해서" would say something else without it.
KOREAN_JOINT = re.compile(
    r"(?:(?<=[가-힣])며|(?<=[가-힣])지만|(?<=[가-힣])으나|(?<=[가-힣]는)데|[했였었았겠하되졌렸냈됐갔왔](?:고|으며))(?:,\s*|\s+)"
    r"|(?<=[가-힣])고,\s*"
)
# "추진하고 있다", "한다고 밝혔다": the verb goes on.
GOES_ON = re.compile(
    r"(?:있|싶|나서|나면|말[았했하]|보니|보면|계[신십]|밝|말|전|강조|설명|덧붙|주장|지적|했|하[며고는]|해|있는|없)"
)
CONDITION = re.compile(r"(?:면|도록|려면|경우|않|못)(?:,)?(?:\s|$)")
TOPIC = re.compile(r"^(?:[^\s,]+\s){0,3}?[^\s,]*[가-힣A-Za-z0-9)\]’”](?:은|는)\s")
SUBJECT = re.compile(r"^(?:[^\s,]+\s){0,5}?[^\s,]*[가-힣A-Za-z0-9)\]’”](?:은|는|이|가|께서)\s")
ENGLISH_JOINT = re.compile(
    r"(?:;|,| [–—-])\s+(?=(?:and|but|which|who|while|with|as|after|before|where|when|because|saying|adding|including"
    r"|making|bringing|leaving|marking|citing|following|according|compared|up|down|amid|despite|though|although|to)\b)"
    r"|;\s+|\s[–—]\s+"
)
SUBORDINATE = re.compile(
    r"(?i)(?:while|after|although|though|if|when|as|despite|with|by|because|since|once|before|unless|until|whereas|given|having|following)\b"
)
QUALIFIES = re.compile(r"(?i)(?:if|unless|except|but|although|though|despite|only|provided|until|without)\b")
ENGLISH_VERB = re.compile(
    r"(?i)\b(?:is|are|was|were|has|have|had|will|would|can|could|may|might|said|says|\w+ed|\w+s)\b"
)
DATELINE = re.compile(
    r"^(?:\(?[가-힣]{2,6}\s?=\s?[가-힣A-Za-z0-9]{2,10}\)?\s*(?:[가-힣]{2,4}\s?(?:기자|특파원)\s*)?=?\s*"
    r"|\[[^\[\]]{1,15}=[^\[\]]{1,20}\]\s*(?:[가-힣]{2,4}\s?(?:기자|특파원)\s*)?=?\s*"
    r"|[A-Z][A-Z.,' /-]{2,40}(?:,\s[A-Z][a-z]+\.?(?:\s\d{1,2})?)?\s?(?:\([A-Z][\w .]{1,20}\))?\s?(?::|[–—-]{1,2})\s+"
    r"|\((?:PTI|ANI|IANS|AP|AFP|Reuters|Yonhap|Xinhua)\)\s*(?:[:–—-]{1,2}\s*)?)"
)
NUMBERED = re.compile(r"^(?:\d{1,2}[.)](?=\s)|[①-⑳]|(?:답변?|질문|문|[QA])\s?\d{0,2}\s?[.:)](?=\s))\s*")
# Without it a sentence may say the opposite ("검토하고 있지…" for "검토하고 있지 않다").
NEGATION = re.compile(
    r"않|못[했하한]|없[다는었고습]|아니|부인[했하]|반박|(?i:\b(?:not|never|no|denie[sd]|deny)\b|n[’']t\b)"
)
SHORTEST = 18
OPENER_REST = 12
# Longer ones are no sentences: a page without full stops.
LONGEST = 1000
TAIL = " .。,，、;:·-–—"


def tidy_bullet(sentence: str) -> str:
    """The sentence without dateline, leading connective, list marks and the full stop."""
    text = DATELINE.sub("", sentence.strip())
    text = text.lstrip(" ,.·•※▶►■□○●◆◇☞✔✓ㅇ*#|>-–—~=")
    text = _without_connective(NUMBERED.sub("", text))
    text = _without_loose_quote(text)
    return text.rstrip() if text.endswith("...") else text.rstrip(TAIL)


def shorten(text: str, most: int, language: str = "") -> str:
    """The text in at most `most` characters; "" where no cut leaves words, numbers and quotations whole.

    Tried in this order: a last clause that says enough (Korean keeps its verb there), a first clause (English keeps it
    there), then as many words as fit with "…" behind. Text without Hangul has English clauses unless `language` says
    otherwise.
    """
    if len(text) <= most:
        return text
    if len(text) > LONGEST:
        return _words(text[:LONGEST], most)
    if HANGUL.search(text):
        return next(_korean(text, most), "") or _words(text, most)
    is_english = not language or language.lower().startswith("en")
    return (next(_english(text, most), "") if is_english else "") or _words(text, most)


def _without_connective(text: str) -> str:
    found = boilerplate.load().connectives.match(text)
    if found is None or len(text) - found.end() < OPENER_REST:
        return text
    rest = text[found.end() :]
    return rest[:1].upper() + rest[1:] if found[0].isascii() else rest


def _without_loose_quote(text: str) -> str:
    """A quotation mark whose other half stands in another sentence says nothing."""
    if text.count('"') == 1 and (text.startswith('"') or text.endswith(('"', '".'))):
        return text.strip('"')
    if text.startswith("“") and "”" not in text:
        return text[1:]
    if text.endswith(("”", "”.")) and "“" not in text:
        return text.rstrip(".").rstrip("”")
    return text


def _korean(text: str, most: int) -> Iterator[str]:
    joints = [joint for joint in KOREAN_JOINT.finditer(text) if _is_joint(text, joint)]
    tails: list[str] = []
    for joint in joints:
        head, tail = text[: joint.end()], _without_connective(text[joint.end() :])
        if CONDITION.search(head) or not SHORTEST <= len(tail) <= most:
            continue
        tails.append(tail)
        if TOPIC.match(tail) or (_has_digit(tail) and not SUBJECT.match(head)):
            yield tail
    heads = (text[: joint.end()].rstrip(" ,") for joint in reversed(joints))
    yield from (f"{head}…" for head in heads if most * 2 // 5 <= len(head) < most)
    yield from tails


def _english(text: str, most: int) -> Iterator[str]:
    joints = [joint for joint in ENGLISH_JOINT.finditer(text, 0, most + 2) if not is_open(text[: joint.start()])]
    if SUBORDINATE.match(text):
        joints = joints[1:]
    for joint in reversed(joints):
        head = text[: joint.start()].rstrip(TAIL)
        enough = most // 3 <= len(head) <= most
        if enough and ENGLISH_VERB.search(head) and not QUALIFIES.match(text[joint.end() :]):
            yield head


def _is_joint(text: str, joint: re.Match[str]) -> bool:
    return not is_open(text[: joint.start()]) and GOES_ON.match(text, joint.end()) is None


def _words(text: str, most: int) -> str:
    """As many words as fit, with "…" behind."""
    for blank in reversed(list(BLANK.finditer(text, 0, most))):
        head, tail = text[: blank.start()], text[blank.end() :]
        if len(head) < most // 3:
            break
        if not (is_open(head) or _parts_number(head, tail) or NEGATION.search(tail)):
            return f"{head.rstrip(TAIL)}…"
    return ""


def _parts_number(head: str, tail: str) -> bool:
    """Whether a cut here would part a number from its unit or from the rest of a date."""
    last, following = head.rsplit(None, 1)[-1], tail.split(None, 1)[0] if tail.strip() else ""
    return _has_digit(last) and (_has_digit(following) or len(following) <= 3)


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)
