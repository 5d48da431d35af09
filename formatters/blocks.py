"""HTML → blocks of plain text: headings, paragraphs, list items, table rows.

Tags are read in one pass without building a tree, so unbalanced or very deep markup costs no more than other markup,
and text that stands outside any tag is a paragraph like the rest.
"""

import html as entities
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

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
UNREAD = {"script", "style", "pre", "figcaption", "noscript", "template", "svg", "del", "s"}

MARKDOWN_LINK = re.compile(r"(!?)\[([^\[\]\n]{0,300})\]\([^()\n]{0,500}\)")
MARKDOWN_BOLD = re.compile(r"\*\*([^*\n]{1,400})\*\*|__([^_\n]{1,400})__")
MARKDOWN_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
MARKDOWN_ROW = re.compile(r"^\|(.+)\|$")
MARKDOWN_RULE = re.compile(r"^[|\s:*_=-]{3,}$")
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


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of text without line breaks. `section` counts the headings before it. Bold is marked in `text`."""

    kind: Kind
    text: str
    section: int = 0


def plain_text(html: str) -> str:
    """All text of a page in reading order, one block a line."""
    return "\n".join(unmarked(block.text) for block in read(html))


def unmarked(text: str) -> str:
    """The text without the marks of bold."""
    return text.replace(BOLD_ON, "").replace(BOLD_OFF, "")


def tidy(text: str) -> str:
    """The text composed (NFC), without invisible characters and with single blanks."""
    return " ".join(INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())


def read(html: str) -> list[Block]:
    """The page's blocks in document order, at most 200,000 characters of text. Takes any text and never raises."""
    reader = _Reader()
    end = 0
    markup = html[:MOST_MARKUP]
    for tag in TAG.finditer(markup):
        reader.text(markup[end : tag.start()])
        end = tag.end()
        if reader.is_full:
            break
        if tag[2]:
            reader.tag(tag[2].lower(), closing=bool(tag[1]))
    else:
        reader.text(markup[end:])
    reader.close()
    return reader.blocks


@dataclass(slots=True)
class _Reader:
    """The state of one pass over a page's tags."""

    blocks: list[Block] = field(default_factory=list)
    section: int = 0
    length: int = 0
    unread: str = ""
    pieces: list[str] = field(default_factory=list)
    kind: Kind = Kind.TEXT
    bold: bool = False
    table: tables.Table | None = None

    @property
    def is_full(self) -> bool:
        return self.length >= MOST_TEXT

    def text(self, raw: str) -> None:
        """Take the text between two tags."""
        if not raw or self.unread or self.is_full:
            return
        text = INVISIBLE.sub("", MISTYPED.sub("", entities.unescape(raw)))
        if self.length + len(text) > MOST_TEXT:
            text = text[: MOST_TEXT - self.length].rpartition(" ")[0]
            self.length = MOST_TEXT
        self.length += len(text)
        self.pieces.append(text)

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
        elif name in ENDS_TEXT:
            self._end_paragraph()
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

    def _bold(self, *, on: bool) -> None:
        if on != self.bold:
            self.bold = on
            self.pieces.append(BOLD_ON if on else BOLD_OFF)

    def _start(self, kind: Kind) -> None:
        self._flush()
        self.kind = kind

    def _end_paragraph(self) -> None:
        # "<li><p>…</p></li>" is one item, and a paragraph in a cell is part of the cell.
        if self.table is not None and self.table.in_cell:
            self.pieces.append("\v\v")
        elif self.kind is Kind.TEXT or _has_text(self.pieces):
            self._start(Kind.TEXT)

    def _cell(self) -> None:
        if self.table is None or not self.table.in_cell:
            self._start(Kind.TEXT)
            return
        self.table.close_cell("".join(self.pieces))
        self.pieces = [BOLD_ON] if self.bold else []

    def _end_table(self) -> None:
        if self.table is None:
            return
        rows, self.table = self.table, None
        for text in rows.prose():
            self._add(Kind.TEXT, text)
        for text in rows.lines():
            self._add(Kind.ROW, text)

    def _flush(self) -> None:
        if self.table is not None and self.table.in_cell:
            self._cell()
        if not self.pieces:
            return
        text = "".join(self.pieces)
        self.pieces = [BOLD_ON] if self.bold else []
        for kind, line in _lines(text, self.kind):
            self._add(kind, line)

    def _add(self, kind: Kind, text: str) -> None:
        text = tidy_marked(text)
        if not unmarked(text):
            return
        self.section += kind is Kind.HEADING
        self.blocks.append(Block(kind, text, self.section))


def tidy_marked(text: str) -> str:
    """As `tidy`, with the marks of bold kept and Markdown's marks taken away."""
    if "](" in text:
        text = MARKDOWN_LINK.sub(lambda link: "" if link[1] else link[2], text)
    if "**" in text or "__" in text:
        text = MARKDOWN_BOLD.sub(lambda bold: f"{BOLD_ON}{bold[1] or bold[2]}{BOLD_OFF}", text).replace("**", "")
    return " ".join(unicodedata.normalize("NFC", text).split())


def _has_text(pieces: list[str]) -> bool:
    return any(unmarked(piece).strip() for piece in pieces)


def _lines(text: str, kind: Kind) -> Iterator[tuple[Kind, str]]:
    """Split a block's text where empty lines, Markdown left inside HTML, or list marks after <br> say so."""
    if "\n" not in text and "\v" not in text:
        yield _line(text, kind)
        return
    if kind is not Kind.TEXT:
        yield _line(text.replace("\v", "\n"), kind)
        return
    held: list[str] = []
    for line in re.split(r"[\n\v]", text):
        found, words = _line(line, Kind.TEXT)
        if held and (found is not Kind.TEXT or not unmarked(words).strip() or _is_apart(held[-1], words)):
            yield Kind.TEXT, " ".join(held)
            held = []
        if found is not Kind.TEXT:
            yield found, words
        elif unmarked(words).strip() or words:
            held.append(words)
    if held:
        yield Kind.TEXT, " ".join(held)


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
    if row := MARKDOWN_ROW.match(bare):
        cells = [cell.strip() for cell in row[1].split("|") if cell.strip()]
        return (Kind.ROW, ": ".join(cells)) if len(cells) == 2 else (Kind.TEXT, "")
    if MARKDOWN_RULE.match(bare):
        return Kind.TEXT, ""
    if (mark := ITEM.match(bare)) and not DASHED.match(bare):
        return Kind.ITEM, bare[mark.end() :]
    return Kind.TEXT, bare
