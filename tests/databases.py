"""A database with its tables and nothing in them: migrating one for each test takes most of a second."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from storage.database import _migrate


@cache
def empty() -> Path:
    """Its file, made once a test process and deleted at the end."""
    folder = Path(tempfile.mkdtemp(prefix="sokbo-empty-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _migrate(folder / "sokbo.db")
    return folder / "sokbo.db"


def put(path: Path) -> None:
    """A copy of it at `path`, whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(empty(), path)
