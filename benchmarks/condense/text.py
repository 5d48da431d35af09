"""HTML to blocks of text, blocks to sentences, sentences to words: the measure's own reading of a post."""

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass


def listed(words: str) -> tuple[str, ...]:
    """The words of a table that is easier to read as a line."""
    return tuple(words.split())


BLOCKS = listed(
    "address article aside blockquote body br caption center dd details div dl dt fieldset figcaption figure footer "
    "form h1 h2 h3 h4 h5 h6 head header hr html iframe li main nav noscript ol p pre section summary table tbody td "
    "tfoot th thead title tr ul video"
)
INLINE = listed(
    "a abbr acronym amp-img amp-youtube audio b bdi bdo big button cite code data del dfn em embed font i img input "
    "ins kbd label link map mark meta meter noindex object param path picture q ruby rp rt s samp select small "
    "source span strike strong sub sup svg time tt u use var wbr"
)
NAMES = "|".join(sorted([*BLOCKS, *INLINE], key=len, reverse=True))
# Only names HTML knows: `<자료출처=…>` is text. A tag that never closes ends where it stops looking like one.
TAG = re.compile(
    rf"<(?P<end>/?)(?P<name>{NAMES})(?:(?=[\s/>])(?:\"[^\"]*\"|'[^']*'|[^<>\"'])*/?>|(?(end)\s*>?|>))", re.I
)
UNSEEN = re.compile(r"<!--.*?-->|<(script|style|svg|template)\b.*?</\1\s*>|<[!?][^<>]*>", re.I | re.S)
MARKERS = {"li": "item", "td": "cell", "th": "cell", **{f"h{n}": "heading" for n in range(1, 7)}}
MARKDOWN_LINE = re.compile(
    r"(?P<heading>#{1,6}\s+)|(?P<rule>(?:[-*_]\s?){3,}$)|(?P<item>[-*+]\s+|(?=\d{1,2}[.)]\s+\D))|(?P<cell>\|)"
)
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
QUOTES = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "‟": '"', "＂": '"', "‘": "'", "’": "'", "‚": "'", "‛": "'", "`": "'"}
)


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, list item, table cell or heading. `kind`: text, item, cell or heading."""

    kind: str
    text: str


def clean(text: str) -> str:
    """NFC, entities resolved, every run of white space one space."""
    text = unicodedata.normalize("NFC", html.unescape(html.unescape(text)))
    return " ".join(INVISIBLE.sub("", text).split())


def squash(text: str) -> str:
    """How facts are compared: NFC, no white space at all, lower case."""
    return "".join(unicodedata.normalize("NFC", text).split()).lower()


def plain_quotes(text: str) -> str:
    """Curly quotation marks as straight ones, so that only letters are compared."""
    return text.translate(QUOTES)


def blocks(source: str) -> list[Block]:
    """The visible text of an HTML body (Markdown may stand inside), in order, tags and Markdown marks off."""
    source = UNSEEN.sub(" ", source)
    found: list[Block] = []
    kind, start = "text", 0
    for tag in TAG.finditer(source):
        name = tag["name"].lower()
        if name not in BLOCKS:
            continue
        found += _markdown(source[start : tag.start()], kind)
        start = tag.end()
        if name in MARKERS:
            kind = "text" if tag["end"] else MARKERS[name]
        elif name in ("ul", "ol", "table", "div", "hr"):
            kind = "text"
    return [*found, *_markdown(source[start:], kind)]


def _markdown(piece: str, kind: str) -> Iterator[Block]:
    """The blocks between two block tags: blank lines and Markdown's line marks part them."""
    for paragraph in re.split(r"\n[ \t]*\n", TAG.sub("", piece)):
        gathered: list[str] = []
        for raw in paragraph.split("\n"):
            line = raw.strip().lstrip(">").strip()
            mark = MARKDOWN_LINE.match(line)
            if mark is None:
                gathered.append(line)
                continue
            yield from _block(" ".join(gathered), kind)
            gathered = []
            if mark["cell"]:
                if not re.fullmatch(r"[|:\-\s]+", line):
                    for cell in line.strip("|").split("|"):
                        yield from _block(cell, "cell")
            elif not mark["rule"]:
                yield from _block(line[mark.end() :], "heading" if mark["heading"] else "item")
        yield from _block(" ".join(gathered), kind)


def _block(text: str, kind: str) -> Iterator[Block]:
    text = re.sub(r"!\[[^\]]*\]\([^)\s]*\)", " ", text)
    text = re.sub(r"\[([^\]]*)\]\([^)\s]*\)", r"\1", text)
    text = clean(re.sub(r"\*\*|__|~~|^#{1,6}\s+|\s#{1,6}$", "", text))
    if any(character.isalnum() for character in text):
        yield Block(kind, text)


# ---------------------------------------------------------------------------------------------------- sentences

STOP = re.compile(r"[.!?…。]+[\"'”’」』)\]]*")
ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“‘])(?:[A-Z]|(?:[A-Za-z]\.)+[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Gen|Col|Lt|Sgt|Capt|Gov|Sen|Rep|Rev|Hon"
    r"|No|Nos|vs|v|Inc|Co|Corp|Ltd|Bros|Rs|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|approx|est|al|fig)$"
)
ENDS_ANYWAY = re.compile(r"(?:^|\s)[ap]\.m$|(?:^|\s)(?:U\.S|U\.K|Inc|Co|Corp|Ltd|Jr|Sr|D\.C|E\.U|U\.N)$")
OPENERS = re.compile(
    r"(?:The|An?|In|On|At|It|Its|He|She|They|His|Her|Their|But|And|However|That|This|There|We|For|If|When)\b"
)


def sentences(block: str) -> list[str]:
    """Split one block; decimals, dates, abbreviations, list numbers and open quotations do not end a sentence."""
    found, start = [], 0
    for stop in STOP.finditer(block):
        if _ends(block, start, stop):
            found.append(block[start : stop.end()].strip())
            start = stop.end()
    found.append(block[start:].strip())
    found = [re.sub(r"^\d{1,2}[.)]\s+(?=\D)", "", sentence) for sentence in found]
    return [sentence for sentence in found if any(character.isalnum() for character in sentence)]


def _ends(block: str, start: int, stop: re.Match[str]) -> bool:
    before, after = block[start : stop.start()], block[stop.end() :]
    if not after.strip():
        return True
    hangul = re.search(r"[가-힣]$", before) is not None
    if not after[0].isspace() and not (
        hangul and re.search(r"[다요죠음임함됨까]$", before) and re.match(r"[가-힣‘“\"'▲■]", after)
    ):
        return False
    following = after.lstrip()
    if re.fullmatch(r"\s*\d+", before) or (re.search(r"\d$", before) and following[0].isdigit()):
        return False
    if re.search(r"\d\. ?\d{1,2}\. ?\d{1,2}$", before) and stop[0] == ".":
        return False
    if ABBREVIATION.search(before) and not (
        ENDS_ANYWAY.search(before) and (OPENERS.match(following) or (before.endswith(".m") and following[0].isupper()))
    ):
        return False
    if following[0].islower() and not hangul:
        return False
    if hangul and re.match(r"(?:라고|이라고|고|며|라며|라는|는|이라는|하고)(?:\s|$)", following):
        return False
    return not _open(block[start : stop.end()], block[stop.end() :])


def _open(text: str, rest: str) -> bool:
    """Whether a quotation or bracket is open at the end of `text` and does close within the `rest` of the block."""
    if text.count("“") > text.count("”"):
        return "”" in rest
    if text.count('"') % 2:
        return '"' in rest
    return text.count("(") > text.count(")") and ")" in rest


# --------------------------------------------------------------------------------------------------------- words

WORD = re.compile(r"[가-힣]+|[A-Za-z]+(?:['’\-&.][A-Za-z]+)*|\d+(?:[.,]\d+)*%?")
PARTICLES = listed(
    "에서는 에서도 으로는 으로도 으로써 으로서 이라는 이라고 이라며 에게서 까지는 까지도 부터는 에서 으로 에게 께서 "
    "까지 부터 보다 처럼 마다 라는 라고 라며 이나 이며 이고 이다 이란 에는 에도 와의 과의 로의 로는 로도 로써 로서 "
    "만을 만의 들이 들은 들을 들의 은 는 이 가 을 를 의 에 도 로 와 과 만 들"
)
PARTICLE = re.compile(rf"(?:{'|'.join(PARTICLES)})$")
VERBAL = re.compile(
    r"(?:하였습니다|되었습니다|했습니다|됐습니다|하겠습니다|되겠습니다|합니다|됩니다|입니다|하였다|되었다|했다|됐다|한다|된다|하며|되며|하고|되고|했고|됐고|"
    r"했으며|됐으며|하였으며|되었으며|하기|되기|하는|되는|하여|되어|하도록|되도록|하게|되게|한|된|할|될|해|돼|함|됨|하|되)$"
)


def stem(word: str) -> str:
    """A word without its last particle or 하다/되다 ending (Korean), or in lower case (English)."""
    if not "가" <= word[0] <= "힣":
        return word.lower().removesuffix("'s").removesuffix("’s")
    for pattern in (VERBAL, PARTICLE):
        shorter = pattern.sub("", word)
        if len(shorter) >= 2:
            word = shorter
    return word


def words(text: str) -> list[str]:
    """Words in order: for Korean the eojeol's letters with stripped particles, for English lower-cased words."""
    return [stem(word) for word in WORD.findall(unicodedata.normalize("NFC", text))]
