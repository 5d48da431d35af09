"""Texts by language: plurals and numbers the language's way; a further language is one file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import locales
from locales import say
from pipeline import Desk
from tests.handlers.talks import ask


@pytest.mark.parametrize(
    ("language", "count", "told"),
    [
        ("en", 1, "While muted: 1 alert (to see it: /latest)"),
        ("en", 2, "While muted: 2 alerts (to see them: /latest 20)"),
        ("en", 12345, "While muted: 12,345 alerts (to see them: /latest 20)"),
        ("ko", 1, "알림을 끈 동안: 1건 (보려면 /latest 20)"),
    ],
)
def test_a_count_is_told_in_the_form_that_the_language_has_for_it(language: str, count: int, told: str) -> None:
    assert say(language, "mute.over", count=count) == told


def test_only_counts_are_written_as_numbers_ids_stay_as_they_are() -> None:
    assert "/unsubscribe 1234" in say("en", "subscribe.everything_too", number=1234)


@pytest.fixture
def polish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The shipped files, and one more."""
    for file in locales.FOLDER.glob("*.toml"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    text = (tmp_path / "en.toml").read_text(encoding="utf-8")
    few = 'over.few = "{count} alerty"\nover.many = "{count} alertów"\nover.one = '
    text = text.replace("over.one = ", few).replace('title = "Settings"', 'title = "Ustawienia"')
    (tmp_path / "pl.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(locales, "FOLDER", tmp_path)
    forget()
    yield
    monkeypatch.undo()
    forget()


def forget() -> None:
    locales.tables.cache_clear()
    locales.languages.cache_clear()


@pytest.mark.usefixtures("polish")
async def test_a_third_language_is_one_file(desk: Desk) -> None:
    assert locales.languages() == ("en", "ko", "pl")
    assert say("pl", "mute.over", count=3) == "3 alerty" and say("pl", "mute.over", count=5) == "5 alertów"
    offered = await ask(desk, "/settings language")
    assert "polski" in [one.label for row in offered.buttons for one in row]
    chosen = await ask(desk, "/settings language pl")
    assert chosen.title == "Ustawienia" and chosen.settings is not None and chosen.settings.language == "pl"


def test_a_language_that_nobody_wrote_is_answered_in_english() -> None:
    assert say("xx", "mute.ended") == "Alerts come again." and locales.name_of("xx") == "xx"
