"""A post's title → the alert's headline, and whether its markers call it urgent."""

import html as entities
import re
from urllib.parse import urlsplit

from formatters import boilerplate
from formatters.blocks import tidy
from models import Post, Urgency

KOREAN_MARK = r"(?:긴급\s?속보|뉴스\s?속보|속보|긴급)"
ENGLISH_MARK = r"(?:breaking(?:\s+news)?|urgent)"
OPEN, CLOSE = r"[\[【〔<〈《(（「『]", r"[\]】〕>〉》)）」』]"
MARKER = re.compile(
    rf"{OPEN}\s*(?:{KOREAN_MARK}|(?i:{ENGLISH_MARK}))\s*{CLOSE}"
    rf"|^\W{{0,6}}?(?:{KOREAN_MARK}|(?i:{ENGLISH_MARK}))\s*(?:[:：|!]+|\s[-–—]\s)"
)
# Without a sign behind it the word is a marker only where it is shouted and the rest is not.
SHOUTED = re.compile(r"^\W{0,6}?(?:BREAKING(?:\s+NEWS)?|URGENT)\s+(?=.*[a-z가-힣])")
EMOJI = "[\U0001f1e6-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u231a-\u23ff\ufe0f\u200d]"
EMOJI_AROUND = re.compile(rf"^(?:{EMOJI}|\s)+|(?:{EMOJI}|\s)+$|\s*{EMOJI}{{2,}}\s*")
TAG = re.compile(r"</?[a-zA-Z][^<>]{0,300}>")
MARKDOWN = re.compile(r"^#{1,6}\s+|\*\*|__|`")
SITE_BREAK = re.compile(r"\s+(?:[|｜–—-]|::)\s+")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# Abbreviations (three letters or more: "UP" and "OK" are no names) and people with their office.
NAME = re.compile(
    r"(?<![A-Za-z])(?!TOP|FAQ|BEST|NEW|LIVE|HOT)(?=[A-Za-z]{3})[A-Z][A-Za-z]*[A-Z][A-Za-z]*"
    r"|[가-힣]{2,4}(?=\s(?:대통령|총리|장관|의원|위원장|교수|감독|선수|회장|지사)(?![가-힣]{2}))"
)
PHRASE_END = re.compile(r"(?:[,;:·…!?]|\s[–—-])(?=\s)")
MOST = 80
LEAST = 10
"""Characters that a title keeps at least when a teaser behind it goes."""


def headline_of(post: Post, text: str) -> str:
    """The title cleaned; the source line's headline where the title is empty, a list of keywords, or names a number
    or a name that `text` (the post's words) lacks. Else the first of what is left: the text's first line, the link.
    """
    title, other = cleaned(post.title, post), cleaned(post.source_headline, post)
    if title and not (is_keyword_list(title) or lacks_support(title, text)):
        return shortened(title)
    if other and not (is_keyword_list(other) or lacks_support(other, text)):
        return shortened(other)
    first_line = text.partition("\n")[0].strip()
    return shortened(title or other or first_line) or post.original_link or post.link


def shortened(title: str) -> str:
    """The title in 80 characters at most: cut at the last phrase that fills half of that, else behind a word."""
    if len(title) <= MOST:
        return title
    room = title[: MOST - 1]
    phrases = [end.start() for end in PHRASE_END.finditer(title, MOST // 2, MOST)]
    cut = phrases[-1] if phrases else room.rfind(" ")
    return f"{room[: cut if cut > 0 else MOST - 1].rstrip(' ,;:·–—-')}…"


def urgency_of(title: str) -> Urgency:
    """Urgent when the title carries one of the markers 속보, 긴급, BREAKING, URGENT."""
    plain = _plain(title)
    return Urgency.URGENT if MARKER.search(plain) or SHOUTED.match(plain) else Urgency.NORMAL


def cleaned(title: str, post: Post) -> str:
    """The title as one line without markers, markup, runs of emoji and the site's name."""
    plain, rules = _plain(title), boilerplate.load()
    text = SHOUTED.sub("", MARKER.sub(" ", plain))
    text = rules.rubric.sub("", EMOJI_AROUND.sub(" ", text).strip()).strip()
    text = rules.chatter.sub("", text)
    if len(rest := rules.teaser.sub("", text).strip()) >= LEAST:
        text = rest
    text = " ".join(_without_site(text, post).split()).strip()
    return text if re.search(r"\w", text) else " ".join(plain.split())


def is_keyword_list(title: str) -> bool:
    """Three words or more, one between two commas each, and nothing else: "청년, 계좌, 자산, 마련"."""
    words = [word.strip(" .!?") for word in re.split(r"[,，、/|]", title)]
    return len(words) >= 3 and all(word and " " not in word and len(word) <= 12 for word in words)


def lacks_support(title: str, text: str) -> bool:
    """Whether the title has a number, an abbreviation or a person's name that stands nowhere in the text."""
    numbers = {number.replace(",", "") for number in NUMBER.findall(text)}
    if any(number.replace(",", "") not in numbers for number in NUMBER.findall(title)):
        return True
    folded = text.casefold()
    return any(name.casefold() not in folded for name in NAME.findall(title))


def _plain(title: str) -> str:
    if "<" in title or "&" in title:
        title = entities.unescape(TAG.sub(" ", title))
    return MARKDOWN.sub("", tidy(title))


def _without_site(title: str, post: Post) -> str:
    """The title without " | Site" at its end, where that is clearly a site's name."""
    breaks = list(SITE_BREAK.finditer(title))
    if not breaks:
        return title
    head, name = title[: breaks[-1].start()].strip(), title[breaks[-1].end() :].strip()
    is_site = len(name) <= 30 and len(name.split()) <= 4 and not NUMBER.search(name)
    if head and is_site and (boilerplate.load().site.search(name) or _is_host(name, post)):
        return head
    return title


def _is_host(name: str, post: Post) -> bool:
    squeezed = re.sub(r"\W", "", name).casefold()
    return len(squeezed) >= 3 and any(squeezed in _host(link) for link in (post.link, post.original_link))


def _host(link: str) -> str:
    try:
        return re.sub(r"\W", "", urlsplit(link).hostname or "")
    except ValueError:
        return ""
