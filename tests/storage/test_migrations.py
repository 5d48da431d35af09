"""A database of an earlier release is brought up to date, with what it holds."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from storage import questions, search
from storage.database import MIGRATIONS, Database
from storage.questions import Question
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


async def test_what_was_archived_before_is_found_by_the_new_index(tmp_path: Path) -> None:
    path = tmp_path / "sokbo.db"
    migrate(path, "0001")
    old = (
        "INSERT INTO stories (id) VALUES (7)",
        "INSERT INTO alerts VALUES (3, 7, 1, '[\"newsdao\"]', 1, '2026-06-17 00:00:00', '2026-06-17 00:00:00')",
        "INSERT INTO versions VALUES (3, 1, '고속철도 첫 수출', '[]', '', '[]', 'ko', 'normal',"
        " '[\"외교\"]', '', NULL, 0, NULL)",
        "INSERT INTO posts VALUES ('newsdao', 'a', 7, '수출', '', '', '<p>핵심광물 <b>협력</b> &amp; 합의</p>', NULL,"
        " '2026-06-17 00:00:00')",
        "INSERT INTO search (rowid, tokens) VALUES (3, '핵심')",
    )
    with sqlite3.connect(path) as connection:
        for statement in old:
            connection.execute(statement)
    database = await Database.open(path)
    async with database.read() as connection:
        for line in ("수출", "핵심광물 협력", "source:newsdao topic:외교", "since:2026-06-01 합의"):
            question = questions.read(line, datetime(2026, 6, 18, tzinfo=UTC), "UTC")
            assert isinstance(question, Question) and (await search.newest(connection, question, 5)).ids == (3,), line
    await database.close()


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
