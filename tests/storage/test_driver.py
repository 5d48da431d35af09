"""The driver: what a statement costs in errands of the connection's thread, and that nothing else is different."""

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
