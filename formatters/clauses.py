"""One sentence → one bullet: no leading connective, and a long one shortened so that what stays can stand alone."""

import re
from collections.abc import Iterable, Iterator

from formatters import boilerplate, endings
from formatters.sentences import is_open

HANGUL = re.compile(r"[가-힣]")
BLANK = re.compile(r"\s+")
# Coordinate endings only: what follows "-면" or "-해서" would say something else without it.
KOREAN_JOINT = re.compile(
    r"(?:(?<=[가-힣])며|(?<=[가-힣])지만|(?<=[가-힣])으나|(?<=[가-힣]는)데|(?<=[은던한인]\s)데\s이어|[했였었았겠하되졌렸냈됐갔왔](?:고|으며))(?:,\s*|\s+)"
    r"|(?<=[가-힣])고,\s*"
)
# "추진하고 있다", "한다고 밝혔다": the verb goes on.
GOES_ON = re.compile(
    r"(?:있|싶|나서|나면|말[았했하한씀]|보니|보면|계[신십]|밝[혔히힌]|전[했하한]|강조|설명|덧붙|주장|지적|했|하[며고는]|해(?=[서도야요왔온볼보]|$)|있는|없)"
)
# "기억하고 감사하는 문화": both verbs belong to the noun.
JOINS_NOUN = re.compile(r"[^\s,]*(?:하는|되는|있는|없는|시키는|받는|주는|한|된|할|될)\s")
CONDITION = re.compile(r"(?:면|도록|려면|경우|않|못)(?:,)?(?:\s|$)")
TOPIC = re.compile(r"^(?:[^\s,]+\s){0,3}?[^\s,]*[가-힣A-Za-z0-9)\]’”](?:은|는)\s")
SUBJECT = re.compile(r"^(?:[^\s,]+\s){0,5}?[^\s,]*[가-힣A-Za-z0-9)\]’”](?:은|는|이|가|께서)\s")
ENGLISH_JOINT = re.compile(
    r"(?:;|,| [–—-])\s+"
    r"(?=(?P<relative>(?:(?:under|in|at|by|for|of|to|from|on|with)\s)?(?:which|whom|whose)|who|where)\b"
    r"|(?:and|but|while|with|as|after|before|when|because"
    r"|(?P<participle>(?!during|nothing|anything|something|everything|evening|morning|spring)[a-z]{3,}ing)|according|compared|against|up|down|amid"
    r"|despite|though|although|since|mostly|to|nearly|almost|about|more|most|less|one|two|three|four|five|six|\d[\d,.]*)\b)"
    r"|;\s+|\s[–—]\s+"
    r"|(?<!\bonly)(?<!\bnot)(?<!\bjust)(?<!ys)(?<!hs)(?<!rs)(?<!ks)(?<!es)(?<!\bday)(?<!\bweek)(?<!\byear)(?<!ly)(?<!\bsoon)(?<!\blong)"
    r"\s+(?=(?:because|after)\s)|\s+(?=and (?:that|those) )"
    r"|\s+(?=(?:and|but)\s(?:is|are|was|were|has|have|had|will|would|can|could|may|might)\b)"
)
SUBORDINATE = re.compile(
    r"(?i)(?:while|after|although|though|if|when|as|despite|with|by|because|since|once|before|unless|until|whereas|given|having|following)\b"
)
QUALIFIES = re.compile(
    r"(?i)(?:if|unless|except|but (?:not|only|just|if|when|for|in|on|as|never|without)|although|though|despite|only"
    r"|provided|until|without)\b"
)
OWN_TOPIC = re.compile(r"^(?:[^\s,]+\s){0,2}?[^\s,]*[가-힣A-Za-z0-9)\]’”](?:은|는)\s")
OWN_SUBJECT = re.compile(r"(?:[^\s,]+\s){0,2}?[^\s,]*[가-힣A-Za-z0-9)\]’”](?:은|는|이|가|께서)\s")
VERB_FIRST = re.compile(r"^\S*(?:하여|해서|하며|되어|돼|되며|하고|하기|위한|위해)\s")
SAYS = re.compile(r"(?:밝[혔히]|말[했하]|전[했하]|적었|썼|보였|주장|설명|강조|비판|반박|덧붙|지적|표명|요구|촉구)\S*$")
# "…고 언급": only somebody can have said it.
REPORTS = re.compile(r"(?:[다라자]고|점을|의사를|입장을|뜻을)\s(?:[^\s,]{1,12}\s){0,2}\S+$")
SPEAKER = re.compile(
    r"(?:씨|측|당|부|청|처|원|회|시|도|군|구|장|관|사|수|표|인|들|자|은행|경찰|검찰|법원|총리|후보|위|팀|노조|국|단|공단|재단|그룹|대학|[A-Za-z]+)(?:은|는|께서)\s$"
)
WEIGHT = re.compile(
    r"(?<![가-힣])(?:(?:적극|전격|지속|본격|효과|공식|대대|집중|종합|체계|구체|반복|공개|성공|획기|폭넓)적으로|한층|더욱|매우|특히|결국|드디어|이처럼|또한)\s(?!해)"
)
ONE_OF = re.compile(r"^[^,]{2,40}?\s(?:중|가운데)\s(?:하나|한 가지)는\s")
COPULA_END = re.compile(r"(?:입니다|이다)$")
PURPOSE = re.compile(r"^(?P<topic>[^\s,]+(?:은|는)\s)?[^,]{4,60}?기\s(?:위해서?|위하여),?\s")
# The sentence's topic, as far as it goes before its clauses: "정부는 ", "A 회장과 B 사장은 ".
TOPIC_PHRASE = re.compile(r"^(?:[^\s,]+\s){0,3}?[^\s,]*[가-힣A-Za-z0-9)\]’”](?:은|는|께서|에서는)\s")
# What says how, why or by whom's word something was done: from the topic (or the start) to the word that closes it.
ADVERBIAL = re.compile(
    r"^(?P<topic>(?:[^\s,]+\s){0,3}?[^\s,]*[가-힣A-Za-z0-9)\]’”](?:은|는|께서|에서는)\s)?"
    r"(?P<gone>[^“”\"‘’]{3,70}?"
    r"(?:[을를]\s(?:위해서?|위하여|통해서?|통하여|바탕으로|토대로|계기로|맞아|앞두고)|에\s따라서?|[으로]로\s인해|의\s일환으로"
    r"|(?:자료|조사|결과|통계|보고서|현황|발표|집계)에\s따르면|[와과]\s(?:관련해서?|관련하여|함께|더불어)|는\s가운데)),?\s"
    r"(?!있|없|하는|할|한|된|되는)(?=(?P<next>[^\s,]+))"
)
# "정부가 규제를 통해": the subject would go with it.
HAS_SUBJECT = re.compile(r"[가-힣A-Za-z0-9)’”](?:이|가|은|는|께서)(?:\s|$)")
SECOND_TOPIC = re.compile(r"(?:[^\s,]+\s)?[^\s,]*[가-힣A-Za-z0-9)]{2}(?<![하되있없지오가나주받리])(?:은|는)\s")
OBJECT_OR_NUMBER = re.compile(r"[을를]$|\d")
# Final consonants of a verb before its noun: 지원한, 지원할.
ADNOMINAL_FINALS = frozenset((4, 8))
# "…라고 27일 밝혔다" behind what the topic itself has done or will do.
SAID = re.compile(
    r"(?:(?<=[다])고|(?<=(?:예정|계획|방침|입장|전망|상태))이라고)\s(?:[^\s,“”\"]{1,12}\s){0,2}?"
    r"(?:밝혔|말했|전했|설명했|발표했|강조했|덧붙였|알렸|설명|발표|강조)(?:습니다|다|어요)?$"
)
# The last of the things before "등": fewer of them is still true.
LISTED = re.compile(r"(?P<kept>,\s[^,]{1,25}?)(?P<gone>(?:,\s[^,]{1,25})+)(?=\s등(?:[을의이에과도]|\s|$))")
# The same in other letters, or a remark: "투어(SUMMER LETTER)", "사인(私人)".
GLOSS = re.compile(
    r"\s?\((?=[^()\d]{1,40}\))[^()가-힣]*\)(?=\s|$|[.,]|(?:은|는|이|가|을|를|의|에|와|과|로|도|으로)(?:\s|$))"
)
ENGLISH_ASIDE = re.compile(
    r"(?P<before>),\s(?P<aside>(?:who|which|whose|where)\s[^,;]{3,80}),(?=\s)"
    r"|(?P<before_>(?<![A-Za-z])[A-Z][a-z]+(?:,\s\d{1,3})?),\s(?P<aside_>(?:a|an|the)\s[^,;]{3,110}),(?=\s(?:said|says|told|was|is|will|has|had|who|\w+ed)\b)"
)
ENGLISH_ATTRIBUTION = re.compile(
    r",\s(?:(?:[a-z]+\s){0,2}(?:the|an?|its|his|her|their)\s[^,.]{3,60}|[A-Z][^,.]{2,50}|officials|police|organi[sz]ers)\s"
    r"(?:said|says|announced|confirmed|reported)"
    r"(?:\s(?:on\s)?(?:[A-Z]\w+|today|yesterday)(?:\smorning|\sevening)?|\sin\sa\s(?:statement|briefing))?$"
)
# "Under the deal, signed in Haldane, Karsa will …": what stands before the subject, up to its last comma.
ENGLISH_FRONTED = re.compile(
    r"^(?:Under|After|Before|In|On|At|With|During|Following|Since|Because|As|While|Although|Though|By|From|Amid"
    r"|According to|Speaking|To|Despite)\s"
    r"(?P<gone>[^;:“”\"]{4,110}?),\s"
    r"(?=(?:the|an?|its|their|[A-Z][\w’'.-]+|no|some|all|about|more|up to|nearly|at least|two|three|four|five"
    r"|six|\d[\d,.%]*)\s"
    r"(?P<rest>[^,]*))"
)
ENGLISH_VERB = re.compile(
    r"(?i)\b(?:is|are|was|were|has|have|had|will|would|can|could|may|might|said|says|\w+ed|\w+s)\b"
)
DATELINE = re.compile(
    r"^(?:\(?[가-힣]{2,6}\s?=\s?[가-힣A-Za-z0-9]{2,10}\)?\s*(?:[가-힣]{2,4}\s?(?:기자|특파원)\s*)?=?\s*"
    r"|\[[^\[\]]{1,15}=[^\[\]]{1,20}\]\s*(?:[가-힣]{2,4}\s?(?:기자|특파원)\s*)?=?\s*"
    r"|[A-Z][A-Z.,' /-]{2,40}(?:,\s[A-Z][a-z]+\.?(?:\s\d{1,2})?)?\s?(?:\([A-Z][\w .]{1,20}\))?\s?(?::|[–—-]{1,2})\s+"
    r"|(?:[A-Z][a-z]+\s\d{1,2},\s\d{4}|\d{1,2}\s[A-Z][a-z]+\s\d{4})\s?(?::|[–—-]{1,2})\s+"
    r"|\((?:PTI|ANI|IANS|AP|AFP|Reuters|Yonhap|Xinhua)\)\s*(?:[:–—-]{1,2}\s*)?)"
)
NUMBERED = re.compile(r"^(?:\d{1,2}[.)](?=\s)|[①-⑳]|(?:답변?|질문|문|[QA])\s?\d{0,2}\s?[.:)](?=\s))\s*")
# Without it a sentence may say the opposite ("검토하고 있지…" for "검토하고 있지 않다").
NEGATION = re.compile(
    r"않|못[했하한]|없[다는었고습]|아니|부인[했하]|반박|(?i:\b(?:not|never|no|denie[sd]|deny)\b|n[’']t\b)"
)
SHORTEST, SHORTEST_HEAD, SHORTEST_ENGLISH = 18, 12, 40
OPENER_REST = 12
# Longer ones are no sentences: a page without full stops.
LONGEST = 1000
TAIL = " .。,，、;:·-–—"


def tidy_bullet(sentence: str) -> str:
    """The sentence without dateline, leading connective, list marks and the full stop."""
    text = DATELINE.sub("", sentence.strip())
    text = text.lstrip(" ,.·•◦▪▫★☆※▶►■□○●◆◇☞✔✓ㅇ*#|>-–—~=")
    text = _without_connective(NUMBERED.sub("", text))
    text = _without_loose_quote(text)
    return text.rstrip() if text.endswith("...") else text.rstrip(TAIL)


def variants(text: str, language: str = "") -> list[str]:
    """A tidied sentence in every form that says part of it, or all of it in fewer words, the whole one first.

    Words are left out and none is changed: a clause that can stand alone, with its subject where another clause names
    it; glosses in brackets, relative clauses and what a headline leaves of a Korean ending. Text in other languages
    than Korean and English (`language`, "" for what the letters say) comes back as it is.
    """
    if len(text) > LONGEST:
        return [text]
    if HANGUL.search(text):
        return _tidied(_korean_forms(text))
    if not language or language.lower().startswith("en"):
        return _tidied(_english_forms(text))
    return [text]


def _tidied(forms: Iterable[str]) -> list[str]:
    """Each form once, with single blanks."""
    return [*dict.fromkeys(" ".join(form.split()) for form in forms if form)]


def _korean_forms(text: str) -> Iterator[str]:
    whole = _leaner(GLOSS.sub("", text))
    yield endings.shortened(whole)
    if (purpose := PURPOSE.match(whole)) and not is_open(purpose[0]) and len(whole) - purpose.end() >= SHORTEST:
        yield endings.shortened(f"{purpose['topic'] or ''}{whole[purpose.end() :]}")
    for leaner in _without_parts(whole):
        yield endings.shortened(leaner)
        yield from _korean_clauses(leaner)
    yield from _korean_clauses(whole)


def _without_parts(whole: str) -> Iterator[str]:
    """The sentence without an adverbial, without who said it of himself, without the last of a list of things."""
    if (adverbial := ADVERBIAL.match(whole)) and _can_go(adverbial, whole):
        yield f"{adverbial['topic'] or ''}{whole[adverbial.end() :]}"
    if said := SAID.search(whole):
        topic = TOPIC_PHRASE.match(whole)
        if topic and not HAS_SUBJECT.search(whole, topic.end(), said.start()) and not is_open(whole[: said.start()]):
            yield whole[: said.start()]
    if (things := LISTED.search(whole)) and not HAS_SUBJECT.search(things["gone"]) and not _has_digit(things["gone"]):
        yield f"{whole[: things.end('kept')]}{whole[things.end() :]}"


def _can_go(adverbial: re.Match[str], whole: str) -> bool:
    subject_goes = adverbial["topic"] is None and HAS_SUBJECT.search(adverbial["gone"]) is not None
    if adverbial["topic"] is None and (subject_goes or not OWN_SUBJECT.match(whole, adverbial.end())):
        return False
    if adverbial["topic"] and SECOND_TOPIC.match(whole, adverbial.end()):  # "온라인은 누리집을 통해, 방문은 …"
        return False
    if _is_adnominal(adverbial["next"]) or CONDITION.search(adverbial[0]) or is_open(adverbial[0]):
        return False
    return len(whole) - adverbial.end() >= SHORTEST


def _is_adnominal(word: str) -> bool:
    """Whether it may belong to a noun behind it, and what stands before it to it: "위기를 위해 노력한 사람"."""
    if not HANGUL.match(word[-1]) or OBJECT_OR_NUMBER.search(word):
        return False
    return (ord(word[-1]) - ord("가")) % 28 in ADNOMINAL_FINALS


def _korean_clauses(whole: str) -> Iterator[str]:
    """Each clause that can stand alone, and all of them but the last."""
    joints = [joint for joint in KOREAN_JOINT.finditer(whole) if _is_joint(whole, joint)]
    starts = [0, *(joint.end() for joint in joints)]
    topic = TOPIC_PHRASE.match(whole)
    for number, start in enumerate(starts):
        own = _without_connective(whole[start:])
        if number:
            if CONDITION.search(whole[:start]):
                continue
            yield from _tail_forms(own, topic)
        if number < len(joints):
            head = endings.closed(whole[start : joints[number].end()].rstrip(" ,"))
            if len(head) >= SHORTEST_HEAD:
                yield head if not number else _without_connective(head)
            if number and (heads := endings.closed(whole[: joints[number].end()].rstrip(" ,"))):
                yield heads


def _leaner(text: str) -> str:
    """Without the adverbs that only add weight, and without "one of the main results is" before a noun."""
    text = WEIGHT.sub("", text)
    lead = ONE_OF.match(text)
    return text[lead.end() :] if lead and COPULA_END.search(text) and len(text) - lead.end() >= SHORTEST else text


def _tail_forms(tail: str, topic: re.Match[str] | None) -> Iterator[str]:
    """A last clause: with the sentence's topic where it has no subject of its own, or where it says who said it."""
    if len(tail) < SHORTEST or VERB_FIRST.match(tail):
        return
    short = endings.shortened(tail)
    says, has_topic = SAYS.search(tail) is not None, OWN_TOPIC.match(tail) is not None
    speaks = topic is None or SPEAKER.search(topic[0]) is not None
    if (
        topic is not None
        and not has_topic
        and (says or not OWN_SUBJECT.match(tail))
        and (speaks or not REPORTS.search(tail))
    ):
        yield f"{topic[0]}{short}"
    stands_alone = has_topic or (OWN_SUBJECT.match(tail) is not None and not says)
    if stands_alone or (_has_digit(tail) and not says):
        yield short


def _english_forms(text: str) -> Iterator[str]:
    yield text
    whole = GLOSS.sub("", text)
    forms = [whole, ENGLISH_ASIDE.sub(_aside, whole)]
    forms += [rest for form in forms[:2] if (rest := _without_front(form))]
    for form in dict.fromkeys(forms):
        yield form
        yield from _english(form, len(form) - 1)
        if not is_open(form) and (said := ENGLISH_ATTRIBUTION.search(form)):
            yield form[: said.start()].rstrip(TAIL)


def _without_front(text: str) -> str:
    """The sentence from its subject on; "" where nothing stands before it, or what does is a condition."""
    front = ENGLISH_FRONTED.match(text)
    if front is None or is_open(front[0]) or not ENGLISH_VERB.search(front["rest"]) or QUALIFIES.search(front["gone"]):
        return ""
    rest = text[front.end() :]
    return rest[:1].upper() + rest[1:] if len(rest) >= SHORTEST_ENGLISH else ""


def _aside(found: re.Match[str]) -> str:
    """What stands between two commas goes, unless it opens or closes a quotation or holds a number."""
    inside = found["aside"] or found["aside_"]
    if any(mark in inside for mark in '"“”‘') or _has_digit(inside):
        return found[0]
    before = found["before_"] or ""
    return f"{before}," if _has_digit(before) else before


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
        # A relative clause or a participle that ends before the sentence does stands in the middle: its verb follows.
        in_the_middle = (joint["relative"] or joint["participle"]) and "," in text[joint.end() :]
        enough = most // 3 <= len(head) <= most and not in_the_middle
        if enough and ENGLISH_VERB.search(head) and not QUALIFIES.match(text[joint.end() :]):
            yield head


def _is_joint(text: str, joint: re.Match[str]) -> bool:
    goes_on = GOES_ON.match(text, joint.end()) or JOINS_NOUN.match(text, joint.end())
    return goes_on is None and not is_open(text[: joint.start()])


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
