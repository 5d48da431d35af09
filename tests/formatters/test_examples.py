"""What people get, compared whole with the files in `data/`: a change of a single character shows."""

import difflib

import pytest

from formatters import parts, telegram
from models import ChatSettings
from tests.formatters.examples import LANGUAGES, PLATFORMS, examples, file, page
from tests.parcels import ALERT

EVERY = pytest.mark.parametrize(
    ("platform", "language"), [(platform, language) for platform in PLATFORMS for language in LANGUAGES]
)


@EVERY
def test_every_form_is_what_the_file_shows(platform: str, language: str) -> None:
    stored = file(platform, language).read_text(encoding="utf-8")
    changed = difflib.unified_diff(stored.splitlines(), page(platform, language).splitlines(), lineterm="")
    assert list(changed) == [], "meant? python -m tests.formatters.examples"


@EVERY
def test_both_languages_show_the_same_forms(platform: str, language: str) -> None:
    assert [name for name, _ in examples(platform, language)] == [name for name, _ in examples(platform, "ko")]


def test_a_form_that_changed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "is_urgent", lambda alert: False)
    assert page("telegram", "ko") != file("telegram", "ko").read_text(encoding="utf-8")


def test_labels_follow_the_chats_language_and_headlines_stay_in_the_sources() -> None:
    shown = telegram.alert(ALERT, ChatSettings("en", "Asia/Seoul"))
    assert ALERT.headline in shown.html and shown.button is not None
    assert shown.button[0] == "Read the source"
