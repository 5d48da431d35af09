"""Which entries have which tokens: SQLite keeps that in FTS5, PostgreSQL in tsvectors under a GIN index.

Both answer with the same entries in the same order. Neither keeps where a token stands: phrase queries of PostgreSQL
take seconds, and what tokens cannot tell is compared with the text in any case (docs/decisions/0003-bigrams.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import TextualSelect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import UtcDateTime


@dataclass(frozen=True, slots=True)
class Terms:
    """All of `all_of`, one of each of `any_of`, words that begin with each of `beginnings`, and none of `none_of`."""

    all_of: tuple[str, ...] = ()
    any_of: tuple[tuple[str, ...], ...] = ()
    beginnings: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()


class Index(Protocol):
    """`entries(texts=…)` takes :match, :since, :below and :limit, and gives the newest entries of this many."""

    def entries(self, *, texts: bool) -> TextualSelect: ...

    def match(self, terms: Terms) -> str: ...

    async def put(self, tx: AsyncConnection, rows: Sequence[tuple[int, str]]) -> None:
        """Index the tokens of new entries, by their places."""

    async def take_out(self, tx: AsyncConnection, place: int, tokens: str) -> None:
        """Forget an entry, whose tokens these were."""


def index_of(connection: AsyncConnection) -> Index:
    return TSVECTOR if connection.dialect.name == "postgresql" else FTS5


def _columns(statement: str, *, texts: bool) -> TextualSelect:
    more = ", entries.headline, entries.text" if texts else ""
    return text(statement.format(texts=more)).columns(newest=UtcDateTime)


# -------------------------------------------------------------------------------------------------------------- SQLite

FTS5_ENTRIES = """
SELECT entries.id, entries.alert_id, entries.newest{texts}
FROM search JOIN entries ON entries.id = search.rowid
WHERE search MATCH :match AND search.rowid BETWEEN :since AND :below ORDER BY search.rowid DESC LIMIT :limit
"""


FTS5_WITH_TEXTS, FTS5_WITHOUT = _columns(FTS5_ENTRIES, texts=True), _columns(FTS5_ENTRIES, texts=False)


class _Fts5:
    """The table `search`, without the texts; its row ids are the entries' places."""

    def entries(self, *, texts: bool) -> TextualSelect:
        return FTS5_WITH_TEXTS if texts else FTS5_WITHOUT

    def match(self, terms: Terms) -> str:
        groups = [f"({' OR '.join(map(_in_quotes, group))})" for group in terms.any_of]
        begin = [f"{_in_quotes(one)} *" for one in terms.beginnings]
        wanted = " AND ".join([*map(_in_quotes, terms.all_of), *begin, *groups])
        return f"({wanted}) NOT ({' OR '.join(map(_in_quotes, terms.none_of))})" if terms.none_of else wanted

    async def put(self, tx: AsyncConnection, rows: Sequence[tuple[int, str]]) -> None:
        statement = text("INSERT INTO search(rowid, tokens) VALUES (:id, :tokens)")
        await tx.execute(statement, [{"id": place, "tokens": tokens} for place, tokens in rows])

    async def take_out(self, tx: AsyncConnection, place: int, tokens: str) -> None:
        # An index without the texts takes an entry out by the tokens that it was put in with.
        gone = text("INSERT INTO search(search, rowid, tokens) VALUES ('delete', :id, :tokens)")
        await tx.execute(gone, {"id": place, "tokens": tokens})


def _in_quotes(token: str) -> str:
    return f'"{token}"'


# ---------------------------------------------------------------------------------------------------------- PostgreSQL

CREATE = (
    "CREATE TABLE search (id bigint PRIMARY KEY, tokens tsvector NOT NULL)",
    # Out of the row, or a common word's bitmap would read as many pages as the texts have.
    "ALTER TABLE search ALTER COLUMN tokens SET STORAGE EXTERNAL, SET (toast_tuple_target = 128)",
    "CREATE INDEX search_tokens ON search USING gin (tokens)",
)
"""What a PostgreSQL store needs beside the tables of storage/tables.py."""
TSVECTOR_ENTRIES = """
SELECT entries.id, entries.alert_id, entries.newest{texts}
FROM (
    SELECT id FROM search WHERE tokens @@ CAST(:match AS tsquery) AND id BETWEEN :since AND :below
    ORDER BY id DESC LIMIT :limit
) AS found JOIN entries ON entries.id = found.id ORDER BY entries.id DESC
"""
LONGEST_LEXEME = 2000
"""Bytes; PostgreSQL takes 2046 (https://www.postgresql.org/docs/current/textsearch-limitations.html), a question has
300 characters."""


TSVECTOR_WITH_TEXTS, TSVECTOR_WITHOUT = _columns(TSVECTOR_ENTRIES, texts=True), _columns(TSVECTOR_ENTRIES, texts=False)


class _Tsvector:
    """The table `search`: a row for each entry, whose id is the entry's place."""

    def entries(self, *, texts: bool) -> TextualSelect:
        return TSVECTOR_WITH_TEXTS if texts else TSVECTOR_WITHOUT

    def match(self, terms: Terms) -> str:
        groups = [f"({' | '.join(map(_lexeme, group))})" for group in terms.any_of]
        begin = [f"{_lexeme(one)}:*" for one in terms.beginnings]
        never = [f"!{_lexeme(one)}" for one in terms.none_of]
        return " & ".join([*map(_lexeme, terms.all_of), *begin, *groups, *never])

    async def put(self, tx: AsyncConnection, rows: Sequence[tuple[int, str]]) -> None:
        statement = text(
            "INSERT INTO search (id, tokens) VALUES (:id, array_to_tsvector(string_to_array(:tokens, ' ')))"
        )
        await tx.execute(statement, [{"id": place, "tokens": _lexemes(tokens)} for place, tokens in rows])

    async def take_out(self, tx: AsyncConnection, place: int, tokens: str) -> None:
        await tx.execute(text("DELETE FROM search WHERE id = :id"), {"id": place})


def _lexemes(tokens: str) -> str:
    """Each token once, without those that are longer than any question and any lexeme."""
    return " ".join(one for one in dict.fromkeys(tokens.split()) if len(one.encode()) <= LONGEST_LEXEME)


def _lexeme(token: str) -> str:
    """In quotes, since a tsquery has operators of its own. No token holds a quote or a backslash."""
    return f"'{token}'"


FTS5: Index = _Fts5()
TSVECTOR: Index = _Tsvector()
