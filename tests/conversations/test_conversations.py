"""Every command on every platform in every language, through the real client libraries: what is read, compared whole.

`python -m tests.conversations.scripts` writes the stored examples anew.
"""

import difflib
from pathlib import Path

import pytest

import handlers
from tests.conversations.scene import PLATFORMS, Step
from tests.conversations.scripts import LANGUAGES, file, script, told, turns


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("platform", PLATFORMS)
async def test_what_is_read_is_what_the_file_shows(platform: str, language: str, tmp_path: Path) -> None:
    stored = file(platform, language).read_text(encoding="utf-8")
    now = told(await turns(platform, language, tmp_path))
    changed = difflib.unified_diff(stored.splitlines(), now.splitlines(), lineterm="")
    assert "\n".join(changed) == ""


def test_every_command_is_talked_about() -> None:
    said = {step.says.removeprefix("/").split()[0] for step in script("en") if isinstance(step, Step) and step.says}
    assert handlers.HANDLERS.keys() - said - PRESSED == set()


PRESSED = {"mutetopic"}
"""Commands that people press and seldom type."""
