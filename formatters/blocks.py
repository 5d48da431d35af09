"""HTML → blocks of plain text: headings, paragraphs, list items, table rows, quotations and captions.

Tags are read in one pass without building a tree, so unbalanced or very deep markup costs no more than other markup,
and text that stands outside any tag is a paragraph like the rest. Each block says which span of the HTML it came from.
"""

import html as entities
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from formatters import tables
from formatters.tables import BOLD_OFF, BOLD_ON

MOST_TEXT = 200_000
MOST_MARKUP = 2_000_000
TAG = re.compile(r"<(?:(/?)([a-zA-Z][a-zA-Z0-9]*+)(?>[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+>|[/!?a-zA-Z][^<>]*+>)")
INVISIBLE = re.compile(
    "[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ue000-\uf8ff\ufffc\ufffd\x00-\x08\x0e-\x1f\x7f]"
)
# What is left of a mistyped tag: "<=b>".
MISTYPED = re.compile(r"<[=/]+[a-zA-Z]{1,10}>")
BOLD = {"b", "strong"}
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6", "dt"}
ITEMS = {"li", "dd"}
CELLS = {"td", "th"}
ENDS_TEXT = {"p", "div", "section", "article", "blockquote", "ul", "ol", "dl", "hr", "figure", "body", "caption"}
UNREAD = {"script", "style", "pre", "noscript", "template", "svg", "del", "s", "nav", "footer", "form", "button"}
# What publishers call the things around the news. A word of the class or id is enough: "share-bar", "author-bio".
FURNITURE = re.compile(
    r"(?i)\b(?:class|id)\s*=\s*[\"']?[^\"'>]*?(?<![a-z])(?:share|social|related|newsletter|subscri\w*|promo\w*|advert\w*|ads?"
    r"|byline|author|credits?|copyright|licen[cs]e|breadcrumbs?|comments?|sidebar|navigation|toc|tags?|widget)(?![a-z])"
)
CAPTION_CLASS = re.compile(r"(?i)\bclass\s*=\s*[\"']?[^\"'>]*?(?<![a-z])(?:caption|photo|pull-?quote)(?![a-z])")
FURNITURE_TAGS = {"p", "div", "span", "section", "ul", "ol", "aside", "small", "figure"}
MOST_FURNITURE = 20_000
"""Characters of markup: a longer piece is no furniture, whatever its class says."""

MARKDOWN_LINK = re.compile(r"(!?)\[([^\[\]\n]{0,300})\]\([^()\n]{0,500}\)")
MARKDOWN_BOLD = re.compile(r"\*\*([^*\n]{1,400})\*\*|__([^_\n]{1,400})__")
MARKDOWN_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
MARKDOWN_ROW = re.compile(r"^\|(.+)\|$")
MARKDOWN_RULE = re.compile(r"^[|\s:*_=-]{3,}$")
BOLD_LINE = re.compile(rf"^{BOLD_ON}[^{BOLD_ON}{BOLD_OFF}]{{2,60}}{BOLD_OFF}\s*$")
ITEM = re.compile(r"^(?:[-*+•●○■□◆◇▶►▷·‣※✔✓☑ㅇㅁ◎∙▪◦]\s*|\d{1,2}[.)]\s+)(?=\S)")
DASHED = re.compile(r"^[-*+]\S")
ENDED = re.compile(rf"[.!?。！？…:][\"'”’)\]」{BOLD_OFF}]*$")
LABEL = re.compile(r"^\W*[가-힣A-Za-z ]{1,10}\s?[:：]")


class Kind(Enum):
    """What a block is in the document."""

    HEADING = "heading"
    TEXT = "text"
    ITEM = "item"
    ROW = "row"
    QUOTATION = "quotation"
    CAPTION = "caption"


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of text without line breaks. `section` counts the headings before it. Bold is marked in `text`.

    `start` and `end` are offsets into the HTML: the text was made of what stands between them, and of nothing else.
    """

    kind: Kind
    text: str
    section: int = 0
    start: int = 0
    end: int = 0


def plain_text(html: str) -> str:
    """All text of a page in reading order, one block a line."""
    return "\n".join(unmarked(block.text) for block in read(html))


def unmarked(text: str) -> str:
    """The text without the marks of bold."""
    return text.replace(BOLD_ON, "").replace(BOLD_OFF, "")


def tidy(text: str) -> str:
    """The text composed (NFC), without invisible characters and with single blanks."""
    return " ".join(INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())


@lru_cache(maxsize=4)
def read(html: str) -> tuple[Block, ...]:
    """The page's blocks in document order, at most 200,000 characters of text. Takes any text and never raises.

    The last few pages are remembered: a post is condensed and indexed one after the other.
    """
    reader = _Reader()
    end = 0
    markup = html[:MOST_MARKUP]
    for tag in TAG.finditer(markup):
        if tag.start() < end:  # inside a piece of furniture
            continue
        reader.text(markup[end : tag.start()], end)
        end = tag.end()
        if reader.is_full:
            break
        name = tag[2].lower() if tag[2] else ""
        if name in FURNITURE_TAGS and not tag[1] and "=" in tag[0]:
            if FURNITURE.search(tag[0]) and (close := _end_of(markup, tag)):
                reader.end_paragraph()
                end = close
                continue
            reader.captioned = CAPTION_CLASS.search(tag[0]) is not None
        if name:
            reader.tag(name, closing=bool(tag[1]))
    else:
        reader.text(markup[end:], end)
    reader.close()
    return tuple(reader.blocks)


def _end_of(markup: str, opening: re.Match[str]) -> int:
    """Where the element that the tag opens has ended; 0 when that is not to be found nearby."""
    name, most = opening[2], opening.end() + MOST_FURNITURE
    if name.lower() == "p":  # a paragraph ends at the next one, closed or not
        close = re.compile(r"</p\s*>|(?=<(?:p|div|h[1-6]|ul|ol|table)\b)", re.IGNORECASE).search(
            markup, opening.end(), most
        )
        return close.end() if close else 0
    depth = 1
    for tag in re.compile(rf"<(/?){name}\b[^<>]*>", re.IGNORECASE).finditer(markup, opening.end(), most):
        depth += -1 if tag[1] else 1
        if not depth:
            return tag.end()
    return 0


@dataclass(slots=True)
class _Reader:
    """The state of one pass over a page's tags."""

    blocks: list[Block] = field(default_factory=list)
    section: int = 0
    length: int = 0
    unread: str = ""
    pieces: list[str] = field(default_factory=list)
    start: int = -1
    end: int = 0
    kind: Kind = Kind.TEXT
    captioned: bool = False
    quoted: bool = False
    bold: bool = False
    table: tables.Table | None = None
    table_start: int = -1

    @property
    def is_full(self) -> bool:
        return self.length >= MOST_TEXT

    def text(self, raw: str, at: int) -> None:
        """Take the text between two tags, which stands at offset `at` of the page."""
        if not raw or self.unread or self.is_full:
            return
        text = INVISIBLE.sub("", MISTYPED.sub("", entities.unescape(raw)))
        if self.length + len(text) > MOST_TEXT:
            text = text[: MOST_TEXT - self.length].rpartition(" ")[0]
            self.length = MOST_TEXT
        self.length += len(text)
        self.pieces.append(text)
        if not text.isspace():
            self.start = at if self.start < 0 else self.start
            self.end = at + len(raw)

    def tag(self, name: str, *, closing: bool) -> None:
        """Take a tag; inline ones other than bold mean nothing here."""
        if self.unread:
            self.unread = "" if closing and name == self.unread else self.unread
        elif name in UNREAD:
            self.unread = "" if closing else name
        elif name in BOLD:
            self._bold(on=not closing)
        elif name == "br":
            self.pieces.append("\v")
        elif name in HEADINGS:
            self._start(Kind.TEXT if closing else Kind.HEADING)
        elif name in ITEMS:
            self._start(Kind.TEXT if closing else Kind.ITEM)
        elif name == "figcaption":
            self._start(Kind.TEXT if closing else Kind.CAPTION)
        elif name in ENDS_TEXT:
            self.end_paragraph()
            self.quoted = not closing if name == "blockquote" else self.quoted
            if self.captioned and not closing:
                self._start(Kind.CAPTION)
        elif name == "table":
            self._start(Kind.TEXT)
            self._end_table()
            self.table = None if closing else tables.Table()
        elif name == "tr":
            self._cell()
            if self.table is not None:
                self.table.end_row()
        elif name in CELLS:
            self._cell()
            if self.table is not None and not closing:
                self.table.open_cell(header=name == "th")

    def close(self) -> None:
        """The page has ended, whatever is still open."""
        self._start(Kind.TEXT)
        self._end_table()

    def end_paragraph(self) -> None:
        """A paragraph ends here: "<li><p>…</p></li>" is one item, and a paragraph in a cell is part of the cell."""
        if self.table is not None and self.table.in_cell:
            self.pieces.append("\v\v")
        elif self.kind is Kind.TEXT or _has_text(self.pieces):
            self._start(Kind.TEXT)

    def _bold(self, *, on: bool) -> None:
        if on != self.bold:
            self.bold = on
            self.pieces.append(BOLD_ON if on else BOLD_OFF)

    def _start(self, kind: Kind) -> None:
        self._flush()
        self.kind = kind

    def _cell(self) -> None:
        if self.table is None or not self.table.in_cell:
            self._start(Kind.TEXT)
            return
        self.table.close_cell("".join(self.pieces))
        if self.table_start < 0:
            self.table_start = self.start
        self.pieces = [BOLD_ON] if self.bold else []
        self.start = -1

    def _end_table(self) -> None:
        if self.table is None:
            return
        rows, self.table = self.table, None
        start, self.table_start = max(0, self.table_start), -1
        for text in rows.prose():
            self._add(Kind.TEXT, text, start)
        for text in rows.lines():
            self._add(Kind.ROW, text, start)

    def _flush(self) -> None:
        if self.table is not None and self.table.in_cell:
            self._cell()
        if not self.pieces:
            return
        text = "".join(self.pieces)
        self.pieces = [BOLD_ON] if self.bold else []
        start, self.start = max(0, self.start), -1
        for kind, line in _lines(with_bold(text), self.kind):
            self._add(Kind.QUOTATION if kind is Kind.TEXT and self.quoted else kind, line, start)

    def _add(self, kind: Kind, text: str, start: int) -> None:
        text = tidy_marked(text)
        if not unmarked(text):
            return
        self.section += kind is Kind.HEADING
        self.blocks.append(Block(kind, text, self.section, start, self.end))


def with_bold(text: str) -> str:
    """The text with Markdown's bold as marks of bold."""
    if "**" in text or "__" in text:
        return MARKDOWN_BOLD.sub(lambda bold: f"{BOLD_ON}{bold[1] or bold[2]}{BOLD_OFF}", text).replace("**", "")
    return text


def tidy_marked(text: str) -> str:
    """As `tidy`, with the marks of bold kept and Markdown's links taken away."""
    if "](" in text:
        text = MARKDOWN_LINK.sub(lambda link: "" if link[1] else link[2], text)
    return " ".join(unicodedata.normalize("NFC", text).split())


def _has_text(pieces: list[str]) -> bool:
    return any(unmarked(piece).strip() for piece in pieces)


def _lines(text: str, kind: Kind) -> Iterator[tuple[Kind, str]]:
    """Split a block's text where empty lines, a heading in bold, Markdown left inside HTML, or list marks say so."""
    if "\n" not in text and "\v" not in text:
        yield _line(text, kind)
        return
    if kind is not Kind.TEXT:
        yield _line(text.replace("\v", "\n"), kind)
        return
    held: list[str] = []
    table: tables.Table | None = None
    for line in re.split(r"[\n\v]", text):
        if row := MARKDOWN_ROW.match(line.strip()):
            table = table or tables.Table()
            _take_row(table, row[1])
            continue
        found, words = _line(line, Kind.TEXT)
        blank = not unmarked(words).strip()
        if held and (table or found is not Kind.TEXT or blank or _is_apart(held[-1], words)):
            yield Kind.TEXT, " ".join(held)
            held = []
        if table:
            yield from ((Kind.ROW, row_text) for row_text in table.lines())
            table = None
        if found is not Kind.TEXT:
            yield found, words
        elif not blank or words:
            held.append(words)
    if held:
        yield Kind.TEXT, " ".join(held)
    if table:
        yield from ((Kind.ROW, row_text) for row_text in table.lines())


def _take_row(table: tables.Table, row: str) -> None:
    cells = [cell.strip() for cell in row.split("|")]
    if all(MARKDOWN_RULE.match(cell) or not cell for cell in cells):
        return
    for cell in cells:
        table.open_cell(header=False)
        table.close_cell(cell)
    table.end_row()


def _is_apart(before: str, line: str) -> bool:
    """Whether a line is no continuation of the one before it."""
    return ENDED.search(before.rstrip()) is not None or LABEL.match(line) is not None


def _line(line: str, kind: Kind) -> tuple[Kind, str]:
    """The line without its Markdown or list mark, and what that mark makes of it."""
    bare = line.strip()
    if kind is not Kind.TEXT:
        return kind, ITEM.sub("", bare) if kind is Kind.ITEM else bare
    if heading := MARKDOWN_HEADING.match(bare):
        return Kind.HEADING, heading[1]
    if BOLD_LINE.match(bare) and not ENDED.search(bare):
        return Kind.HEADING, bare
    if MARKDOWN_RULE.match(bare):
        return Kind.TEXT, ""
    if (mark := ITEM.match(bare)) and not DASHED.match(bare):
        return Kind.ITEM, bare[mark.end() :]
    return Kind.TEXT, bare
