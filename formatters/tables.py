"""Table cells → lines that can be read without the table."""

import re
from dataclasses import dataclass, field

from formatters import boilerplate

# Bold travels inside the text until sentences are cut out of it (private-use characters; a publisher's are removed).
BOLD_ON, BOLD_OFF = "\ue000", "\ue001"
SHORT_CELL, LONG_CELL = 30, 160
MOST_ROWS = 60
SENTENCE_END = re.compile(r"(?<=[가-힣])\.$")


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    header: bool


@dataclass(slots=True)
class Table:
    """The rows of one table while its tags go by."""

    rows: list[list[_Cell]] = field(default_factory=list)
    row: list[_Cell] = field(default_factory=list)
    in_cell: bool = False
    header: bool = False

    def open_cell(self, *, header: bool) -> None:
        self.in_cell, self.header = True, header

    def close_cell(self, text: str) -> None:
        if self.in_cell:
            self.row.append(_Cell(" ".join(text.replace("**", "").split()), self.header))
        self.in_cell = False

    def end_row(self) -> None:
        if self.row:
            self.rows.append(self.row)
        self.row = []

    def prose(self) -> list[str]:
        """Cells that are paragraphs: a table used to lay out a page."""
        self.end_row()
        return [cell.text for row in self.rows for cell in row if len(cell.text) > LONG_CELL]

    def lines(self) -> list[str]:
        """`first cell: value` of a table with two columns, `header: value` where there is only one row,
        `first cell: header value, header value` of a wider one."""
        self.end_row()
        head, body = self._head()
        names = [_bare(cell) for cell in head]
        generic = boilerplate.load().generic_header
        found = []
        for row in body[:MOST_ROWS]:
            cells = [_bare(cell) for cell in row]
            if max(map(len, cells)) <= LONG_CELL:
                found += _lines(names, cells, alone=len(body) == 1, generic=generic)
        return found

    def _head(self) -> tuple[list[_Cell], list[list[_Cell]]]:
        """The header row, empty when there is none, and the rows below it."""
        if len(self.rows) < 2:
            return [], self.rows
        first, second = self.rows[0], self.rows[1]
        is_head = all(cell.header or _is_bold(cell) for cell in first) or (
            len(first) == len(second) and not any(character.isdigit() for cell in first for character in cell.text)
        )
        return (first, self.rows[1:]) if is_head else ([], self.rows)


def _lines(names: list[str], cells: list[str], *, alone: bool, generic: re.Pattern[str]) -> list[str]:
    if len(cells) < 2:
        return []
    named = [(name, cell) for name, cell in zip(names, cells, strict=False) if name and cell and name != cell]
    if alone and len(named) == len(cells) and (len(cells) == 2 or max(map(len, cells)) > SHORT_CELL):
        return [cell if generic.match(name) else f"{name}: {cell}" for name, cell in named]
    if len(cells) == 2:
        return [f"{cells[0]}: {cells[1]}"] if all(cells) else []
    if len(named) != len(cells):
        return []
    if cells[0][0].isdigit():
        return [", ".join(f"{name} {cell}" for name, cell in named)]
    told = (cell if generic.match(name) else f"{name} {cell}" for name, cell in named[1:])
    return [f"{cells[0]}: " + ", ".join(told)]


def _is_bold(cell: _Cell) -> bool:
    return cell.text.startswith(BOLD_ON) and BOLD_OFF not in cell.text.rstrip(f"{BOLD_OFF} ")


def _bare(cell: _Cell) -> str:
    return SENTENCE_END.sub("", cell.text.replace(BOLD_ON, "").replace(BOLD_OFF, "").strip())
