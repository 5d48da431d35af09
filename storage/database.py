"""One SQLite file: a single writer whose units begin with BEGIN IMMEDIATE, and readers beside it.

A read transaction that turns into a write fails at once when another wrote meanwhile, whatever the busy time-out;
so units that write say so from their first statement (https://www.sqlite.org/lang_transaction.html).
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DatabaseError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from errors import StartError
from storage.driver import Connection

Transaction = AsyncConnection
"""What `Database.write()` and `read()` hand out."""
DatabaseTrouble = SQLAlchemyError
"""What they raise when the file cannot be read or written."""
BUSY_MS = 10_000
MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """Open with `await Database.open(path)`, close with `await close()`.

    `write()` and `read()` are the only ways in. Nothing may wait for the network inside either.
    """

    def __init__(self, path: Path, writer: AsyncEngine, readers: AsyncEngine) -> None:
        self.path = path
        self._writer = writer
        self._readers = readers
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path) -> "Database":
        """Create the file and its folder where missing, bring the tables up to date. Raises StartError."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            await asyncio.to_thread(_migrate, path)
        except CommandError as error:
            raise StartError(
                f"database {path} was written by a newer Sokbo ({error}): run that one, or name another database with "
                "database_url (SOKBO_DATABASE_URL)."
            ) from error
        except (OSError, DatabaseError, sqlite3.Error) as error:
            reason = str(getattr(error, "orig", None) or error)
            raise StartError(
                f"database {path} cannot be used: {reason}. Check that the file is a database of Sokbo and that "
                "it and its folder may be written, or name another with database_url (SOKBO_DATABASE_URL)."
            ) from error
        url, connect = f"sqlite+aiosqlite:///{path}", partial(Connection, path)
        writer = create_async_engine(url, pool_size=1, max_overflow=0, async_creator=connect)
        readers = create_async_engine(url, pool_size=4, max_overflow=0, async_creator=connect)
        _prepare(writer, "BEGIN IMMEDIATE")
        _prepare(readers, "BEGIN")
        return cls(path, writer, readers)

    async def close(self) -> None:
        await self._readers.dispose()
        await self._writer.dispose()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One unit of work, all or nothing. Units take turns, in order of asking."""
        async with self._turn, self._writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view of the last committed state; it never waits for the writer."""
        async with self._readers.connect() as connection:
            yield connection

    async def check(self) -> None:
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))


def _prepare(engine: AsyncEngine, begin: str) -> None:
    def on_connect(dbapi_connection: Any, _record: object) -> None:
        # The driver's own transactions are turned off: ours begin as `begin` says.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def on_begin(connection: SyncConnection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "begin", on_begin)


def _migrate(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_MS / 1000})
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.commit()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def hold(path: Path) -> IO[str]:
    """Take the file's lock for the life of this process; the kernel gives it back however the process ends.

    So whoever holds it knows that every earlier owner of a lease is dead. Raises StartError while another holds it.
    """
    lock = Path(f"{path}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("a+", encoding="ascii")
    except OSError as error:
        raise StartError(
            f"{lock} cannot be written ({error.strerror}): give the folder to this user or set database_url."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.seek(0)
        holder = handle.read().strip() or "unknown"
        handle.close()
        raise StartError(
            f"{path} is in use by another Sokbo (process {holder}): stop that one first, or set another database_url."
        ) from error
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle
