"""The layer table is kept, and the check can fail."""

import re

from tests.house.layers import MODULES, PACKAGES, ROOT, allowed, modules, violations

TABLE = allowed((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))


def test_every_package_and_module_stands_in_the_table() -> None:
    assert set(PACKAGES) | set(MODULES) == set(TABLE)


def test_nobody_imports_what_the_table_does_not_allow() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {what}"
        for home, file in modules()
        for what in violations(home, file.read_text(encoding="utf-8"), TABLE)
    ]
    assert found == []


def test_a_wrong_import_is_found_wherever_it_hides() -> None:
    hidden = "def late():\n    from storage import ledger\n"
    assert violations("formatters", hidden, TABLE) == ["formatters imports storage.ledger"]
    assert violations("handlers", "import telegram\n", TABLE) == ["handlers imports the library telegram"]
    assert violations("models", "from errors import SokboError\n", TABLE) == ["models imports errors.SokboError"]
    assert violations("delivery", "from config.settings import load\n", TABLE) == [
        "delivery imports config.settings.load"
    ]


PLATFORM_NAMES = re.compile(r"telegram|slack|console|discord", re.IGNORECASE)


def platform_names(source: str) -> list[str]:
    """The names of platforms in a text, in code, comments and texts for people alike."""
    return [found[0] for found in PLATFORM_NAMES.finditer(source)]


def test_a_command_is_written_once_for_all_platforms() -> None:
    files = sorted((ROOT / "handlers").glob("*.py"))
    assert len(files) > 8
    assert {file.name: found for file in files if (found := platform_names(file.read_text(encoding="utf-8")))} == {}


def test_a_command_that_asks_where_it_was_typed_is_found() -> None:
    assert platform_names('if command.chat.platform == "Slack":  # not telegram') == ["Slack", "telegram"]
