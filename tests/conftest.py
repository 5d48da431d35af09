"""What all tests share: a clock that is driven, a database of its own, a desk without platforms."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import hypothesis
import pytest

from config.settings import Settings, load
from pipeline import Desk
from storage.database import Database
from tests import databases
from tests.sites import Site

# The same examples in every run: a run that is red by chance tells nothing about the change it runs for.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.load_profile("same")

SHARED = Path(__file__).parents[2] / "shared"


class Clock:
    """The time, moved by tests."""

    def __init__(self) -> None:
        self.time = datetime(2026, 6, 17, 5, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(None, {"SOKBO_DATABASE_URL": f"sqlite:///{tmp_path}/sokbo.db"})


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    databases.put(settings.database_path)
    opened = await Database.open(settings.database_path)
    yield opened
    await opened.close()


@pytest.fixture
async def desk(settings: Settings, database: Database, clock: Clock) -> AsyncIterator[Desk]:
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Desk(database, http, settings, {}, clock, "test")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared posts beside the repository; tests that read it say when they are left out."""
    if not (SHARED / "corpus").is_dir():
        pytest.skip("the shared posts (../shared/corpus) are not beside this checkout")
    return SHARED


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)
