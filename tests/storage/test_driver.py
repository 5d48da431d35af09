"""The driver: what a statement costs in errands of the connection's thread, and that nothing else is different."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from storage.database import Database


async def errands(monkeypatch: pytest.MonkeyPatch, connection: Any) -> int:
    """How often the connection's thread was asked for one statement with rows."""
    asked = []
    execute: Any = aiosqlite.Connection._execute

    async def counted(self: aiosqlite.Connection, *args: Any, **options: Any) -> Any:
        asked.append(args)
        return await execute(self, *args, **options)

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
    assert (await connection.execute(text("SELECT 1 UNION SELECT 2"))).all() == [(1,), (2,)]
    return len(asked)


async def test_a_statement_and_its_rows_are_one_errand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = await Database.open(tmp_path / "a.db")
    async with database.write() as tx:
        assert await errands(monkeypatch, tx) == 1
    await database.close()


async def asked_of_the_thread(
    monkeypatch: pytest.MonkeyPatch, unit: Callable[[], AbstractAsyncContextManager[Any]]
) -> int:
    """How often the connection's thread was asked for a whole unit of one statement."""
    asked = []
    execute: Any = aiosqlite.Connection._execute

    async def counted(self: aiosqlite.Connection, *args: Any, **options: Any) -> Any:
        asked.append(args)
        return await execute(self, *args, **options)

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
    async with unit() as connection:
        await connection.execute(text("SELECT 1"))
    return len(asked)


async def test_a_unit_of_one_statement_is_two_errands_with_its_beginning_and_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await Database.open(tmp_path / "a.db")
    async with database.write() as tx:  # opens the connection
        await tx.execute(text("SELECT 1"))
    assert await asked_of_the_thread(monkeypatch, database.write) == 2
    async with database.write():
        pass
    await database.close()


async def test_with_the_librarys_own_connection_it_is_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    async with engine.begin() as tx:
        await tx.execute(text("SELECT 1"))
    assert await asked_of_the_thread(monkeypatch, engine.begin) > 2
    await engine.dispose()


async def test_a_unit_that_writes_holds_the_file_from_its_first_statement_to_its_end(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "a.db")
    beside = sqlite3.connect(tmp_path / "a.db", timeout=0, isolation_level=None)
    async with database.write() as tx:
        await tx.execute(text("SELECT 1"))
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            beside.execute("BEGIN IMMEDIATE")
    beside.execute("BEGIN IMMEDIATE")
    beside.close()
    await database.close()


async def test_a_unit_that_fails_leaves_nothing_and_the_next_one_begins_anew(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "a.db")
    async with database.write() as tx:
        await tx.execute(text("CREATE TABLE t (id INTEGER PRIMARY KEY)"))
    with pytest.raises(IntegrityError):
        async with database.write() as tx:
            await tx.execute(text("INSERT INTO t VALUES (1)"))
            await tx.execute(text("INSERT INTO t VALUES (1)"))
    with pytest.raises(LookupError):
        async with database.write():
            raise LookupError  # before any statement: there is nothing to take back, and nothing stays behind
    async with database.write() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM t"))).scalar() == 0
    await database.close()


async def test_a_unit_that_is_cancelled_in_a_statement_leaves_nothing(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "a.db")
    async with database.write() as tx:
        await tx.execute(text("CREATE TABLE t (id INTEGER PRIMARY KEY)"))
    began = asyncio.Event()

    async def unit() -> None:
        async with database.write() as tx:
            began.set()
            await tx.execute(text("INSERT INTO t VALUES (1)"))
            await tx.execute(text("INSERT INTO t VALUES (2)"))

    task = asyncio.create_task(unit())
    await began.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.write() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM t"))).scalar() == 0
    await database.close()


async def test_of_the_librarys_own_cursor_it_is_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    async with engine.connect() as connection:
        assert await errands(monkeypatch, connection) > 2
    await engine.dispose()


async def test_rows_counts_and_errors_come_as_they_always_do(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "a.db")
    async with database.write() as tx:
        await tx.execute(text("CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT UNIQUE)"))
        await tx.execute(text("INSERT INTO t (word) VALUES (:word)"), [{"word": "a"}, {"word": "b"}, {"word": "c"}])
        changed = await tx.execute(text("UPDATE t SET word = word || '!' WHERE id > 1"))
        assert changed.rowcount == 2
        gone = await tx.execute(text("DELETE FROM t WHERE id = 1 RETURNING word"))
        assert gone.scalar_one() == "a"
        found = await tx.execute(text("SELECT id, word FROM t ORDER BY id"))
        assert [row.word for row in found] == ["b!", "c!"]
        with pytest.raises(IntegrityError):
            await tx.execute(text("INSERT INTO t (word) VALUES ('b!')"))
        assert (await tx.execute(text("SELECT count(*) FROM t"))).scalar() == 2
    await database.close()
