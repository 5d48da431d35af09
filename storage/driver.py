"""The driver below SQLAlchemy: a statement and its rows in one errand of the connection's thread.

aiosqlite goes there and back four times for each (cursor, execute, fetch, close), which costs more than the statement.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiosqlite
from aiosqlite.context import contextmanager


class Connection(aiosqlite.Connection):
    """A connection to a file whose cursors fetch at once. Nothing is to be read by halves: rows are all in memory."""

    def __init__(self, path: Path) -> None:
        super().__init__(lambda: sqlite3.connect(path, check_same_thread=False), iter_chunk_size=64)
        self._thread.daemon = True

    @contextmanager
    async def cursor(self) -> aiosqlite.Cursor:
        return Cursor(self, self._conn.cursor())


class Cursor(aiosqlite.Cursor):
    _rows: list[Any]

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> "Cursor":
        self._rows = await self._execute(self._all_of, sql, parameters or ())  # type: ignore[no-untyped-call]
        return self

    def _all_of(self, sql: str, parameters: Any) -> list[Any]:
        return self._cursor.execute(sql, parameters).fetchall()

    async def fetchall(self) -> list[Any]:
        """The rows of the statement, once."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """It was read to its end, so that nothing is left to do in the thread."""
        self._cursor.close()
