"""Each feed of the collection gives the entries that the `feedparser` library finds in it, as docs/feeds.md counts."""

import functools
import re
from typing import Any, NamedTuple

import pytest

from errors import SourceError
from models import Kind, Source
from sources import feed
from sources.documents import Document
from tests.house import papers
from tests.sources.collection import ADDRESS, FORMATS, body_of, found_by_feedparser, rows

SOURCE = Source("f", "f", Kind.FEED, ADDRESS)
ROWS = [*rows()]
PAGE = papers.read("docs/feeds.md")
OTHERWISE = {
    (row[0].strip("`"), name.strip("`"))
    for row in papers.table_rows(PAGE)
    if len(row) == 3 and row[0].startswith("`")
    for name in row[1].split("<br>")
}
"""What docs/feeds.md says is read otherwise, with its reason."""


def found_in(row: dict[str, Any]) -> list[list[str]]:
    """Titles and links of what the product reads; one more than expected where it refuses."""
    document = Document(ADDRESS, body_of(row["text"], row.get("encoding", "utf-8")), row.get("charset", ""))
    try:
        return sorted([post.title, post.link] for post in feed.parse(SOURCE, document))
    except SourceError as error:
        return [[f"refused: {error}"]] * (len(row["entries"]) + 1)


@functools.cache
def found(number: int) -> list[list[str]]:
    return found_in(ROWS[number][1])


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[f"{group}: {row['name']}" for group, row in ROWS])
def test_a_feed_has_the_entries_that_feedparser_finds(number: int) -> None:
    group, row = ROWS[number]
    assert len(found(number)) == len(row["entries"])
    assert (found(number) == row["entries"]) is ((group, row["name"]) not in OTHERWISE)


class Count(NamedTuple):
    """Of a group: documents, those with as many entries, those with the same titles and links."""

    group: str
    documents: int
    as_many: int
    same: int


def counted() -> list[Count]:
    groups: dict[str, list[tuple[bool, bool]]] = {}
    for number, (group, row) in enumerate(ROWS):
        ours, theirs = found(number), row["entries"]
        groups.setdefault(group, []).append((len(ours) == len(theirs), ours == theirs))
    counts = [
        Count(group, len(equal), *(sum(column) for column in zip(*equal, strict=True)))
        for group, equal in groups.items()
    ]
    total = Count("all", *(sum(column) for column in zip(*(count[1:] for count in counts), strict=True)))
    return [*counts, total]


def wrong_table(page: str, counts: list[Count]) -> list[str]:
    """Rows of the table that are missing or say something else."""
    stated = {tuple(cell.strip("`*") for cell in row) for row in papers.table_rows(page) if len(row) == 4}
    return [count.group for count in counts if tuple(map(str, count)) not in stated]


def test_the_table_says_how_many_and_they_are_enough() -> None:
    counts = counted()
    total = counts[-1]
    assert wrong_table(PAGE, counts) == []
    assert total.as_many == total.documents and total.same >= 0.97 * total.documents
    assert len(counts) == len(FORMATS) + 3
    assert wrong_table(re.sub(r"\| `ill-formed` \| \d+", "| `ill-formed` | 7", PAGE), counts) == ["ill-formed"]


def test_a_reader_without_its_fallback_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_thorough", lambda body, base: [])
    for group, name in (("cdf", "as usual"), ("ill-formed", "RSS 2.0: capital letters")):
        (row,) = [row for one, row in ROWS if (one, row["name"]) == (group, name)]
        assert len(found_in(row)) < len(row["entries"])


def test_what_is_expected_is_what_feedparser_finds_today() -> None:
    some = [row for group, row in ROWS if not group.startswith("json")][::20]
    for row in some:
        body = body_of(row["text"], row.get("encoding", "utf-8"))
        assert found_by_feedparser(body, row.get("charset", "")) == row["entries"], row["name"]
