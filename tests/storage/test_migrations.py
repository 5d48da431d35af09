"""A database of an earlier release is brought up to date, with what it holds."""

import sqlite3
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from storage.database import MIGRATIONS, Database
from storage.tables import metadata

OLD = (
    "INSERT INTO stories (id) VALUES (1)",
    "INSERT INTO alerts VALUES (1, 1, 1, '[]', 1, '2026-06-17', '2026-06-17')",
    "INSERT INTO chats VALUES (1, 'telegram', '7700', '42', '', 'ko', 'Asia/Seoul', 1, 1, '', NULL, '2026-06-17')",
    "INSERT INTO deliveries VALUES (1, 1, 1, 'normal', '2026-06-17', 'waiting', 0, 1, 0, '', 0, '', '', NULL, NULL, 0,"
    " '2026-06-17', NULL)",
)


def migrate(path: Path, revision: str) -> None:
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


async def test_deliveries_of_the_first_release_keep_their_pictures(tmp_path: Path) -> None:
    path = tmp_path / "sokbo.db"
    migrate(path, "0001")
    with sqlite3.connect(path) as connection:
        for statement in OLD:
            connection.execute(statement)
    await (await Database.open(path)).close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT status, plain, pictureless FROM deliveries").fetchall() == [("waiting", 0, 0)]


async def test_the_migrations_make_the_tables_that_the_code_names(tmp_path: Path) -> None:
    path = tmp_path / "sokbo.db"
    await (await Database.open(path)).close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        changes = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    # Alembic cannot compare an index with an expression in it ("urgency DESC"): that one is compared by its text.
    assert [change for change in changes if "search" not in str(change) and "deliveries_next" not in str(change)] == []
    made = create_engine(f"sqlite:///{tmp_path}/made.db")
    metadata.create_all(made)
    made.dispose()
    assert index_of(path) == index_of(tmp_path / "made.db") != ""


def index_of(path: Path) -> str:
    with sqlite3.connect(path) as connection:
        ((text,),) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'deliveries_next'")
    return " ".join(text.split())
