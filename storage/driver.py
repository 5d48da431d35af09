"""The driver below SQLAlchemy: a statement and its rows in one errand of the connection's thread.

aiosqlite goes there and back four times for each (cursor, execute, fetch, close), which costs more than the statement.
So do BEGIN, which goes with the statement that follows it, and the rollback of a transaction that has ended.
"""

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import aiosqlite
from aiosqlite.context import contextmanager


class Connection(aiosqlite.Connection):
    """A connection to a file whose cursors fetch at once. Nothing is to be read by halves: rows are all in memory."""

    def __init__(self, path: Path) -> None:
        super().__init__(lambda: sqlite3.connect(path, check_same_thread=False), iter_chunk_size=64)
        self._thread.daemon = True
        self._begins = ""
        self._to_end = False

    @contextmanager
    async def cursor(self) -> aiosqlite.Cursor:
        return Cursor(self, self._conn.cursor())

    async def run(self, work: Callable[..., Any], *given: Any) -> Any:
        """`work` in the connection's thread, behind the BEGIN that waits for it."""
        begins, self._begins, self._to_end = self._begins, "", True
        return await self._execute(self._begun, begins, work, given)  # type: ignore[no-untyped-call]

    def begin(self, sql: str) -> None:
        """This begins a transaction once there is a statement in it, which is then who hears that it cannot."""
        self._begins = sql

    def _begun(self, begins: str, work: Callable[..., Any], given: tuple[Any, ...]) -> Any:
        if begins:
            self._conn.execute(begins)
        return work(*given)

    async def commit(self) -> None:
        await self._end(super().commit)

    async def rollback(self) -> None:
        await self._end(super().rollback)

    async def _end(self, how: Callable[[], Any]) -> None:
        """What was asked of the thread since the last end is ended; where there was nothing, there is nothing to do."""
        self._begins = ""
        if self._to_end:
            await how()
            self._to_end = False


class Cursor(aiosqlite.Cursor):
    _conn: Connection
    _rows: list[Any]

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> "Cursor":
        self._rows = []
        if sql.startswith("BEGIN"):
            self._conn.begin(sql)
        else:
            self._rows = await self._conn.run(self._all_of, sql, parameters or ())
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> "Cursor":
        self._rows = []
        await self._conn.run(self._cursor.executemany, sql, parameters)
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
