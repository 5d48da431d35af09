"""Searched words marked in headlines and snippets."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formatters import marking, slack, telegram
from formatters.snippet import snippet
from models import Reply, Story
from tests.formatters.taken import slack_takes, telegram_takes
from tests.parcels import ALERT, SETTINGS


def marked(text: str, *words: str) -> str:
    return "".join(f"[{piece}]" if is_word else piece for piece, is_word in marking.pieces(text, words))


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("KTX 첫 수출", ("ktx", "수출"), "[KTX] 첫 [수출]"),
        ("수출액 늘어", ("수출",), "[수출]액 늘어"),
        (unicodedata.normalize("NFD", "수출액"), ("수출",), "[수출]액"),
        ("수출액", (unicodedata.normalize("NFD", "수출"),), "[수출]액"),
        ("C++ (2.0) [a]", ("c++", "(2.0)", "[a]", ".", "*"), "[C++] [(2.0)] [[a]]"),
        ("핵심광물 협력", ("핵심광", "심광물", "협력"), "[핵심광물] [협력]"),
        ("수출입", ("수출", "입"), "[수출입]"),
        ("ababab", ("aba",), "[ababa]b"),
        ("ẞTRASSE İzmir", ("straße", "i̇zmir"), "[ẞTRASSE] [İzmir]"),
        ("ΣΊΣΥΦΟΣ", ("σίσυφος",), "[ΣΊΣΥΦΟΣ]"),
        ("nothing", ("", " ", "zzz"), "nothing"),
        ("", ("a",), ""),
    ],
)
def test_words_are_found_whatever_their_form(text: str, words: tuple[str, ...], shown: str) -> None:
    assert marked(text, *words) == shown


@given(st.text(max_size=40), st.lists(st.text(max_size=4), max_size=4))
def test_marking_loses_and_adds_nothing(text: str, words: list[str]) -> None:
    found = marking.pieces(text, words)
    assert "".join(piece for piece, _ in found) == unicodedata.normalize("NFC", text)
    assert all(piece for piece, _ in found)


def test_marks_are_counted_as_they_are_entities() -> None:
    assert sum(is_word for _, is_word in marking.pieces("a " * 5000, ["a"])) == marking.MOST


def test_a_snippet_stands_around_the_word_in_any_case_and_normalisation() -> None:
    text = "앞말 " * 30 + unicodedata.normalize("NFD", "고속철도 수출액 ẞ 늘어") + " 뒷말" * 40
    assert "고속철도 수출액 ẞ 늘어" in snippet(text, ["수출"])
    assert snippet(text, ["없는말"]) == ""
    assert snippet("ẞ " * 60 + "KTX 수출", ["ktx"]).endswith("KTX 수출")


SEARCH = Reply(title="찾은 것", stories=(Story(ALERT, "…고속철도 수출액 2,700억, *수출* <b>"),), marked=("수출", "ktx"))


def test_telegram_underlines_words_in_headline_and_snippet() -> None:
    (message,) = telegram.reply(SEARCH, SETTINGS)
    seen = telegram_takes(message)
    under = [entity for entity in seen.entities if entity["type"] == "underline"]
    shown = [seen.text[entity["offset"] : entity["offset"] + entity["length"]] for entity in under]
    assert shown == ["KTX", "수출", "수출", "수출"]
    assert "고속철도 수출액 2,700억, *수출* <b>" in seen.text


def test_slack_makes_words_bold_in_the_snippet_even_inside_longer_ones() -> None:
    shown = slack.reply(SEARCH, SETTINGS)
    text = shown.blocks[0]["text"]["text"]
    assert f"|{ALERT.headline}>" in text, "a mark inside a link's label would be shown as it stands"
    # At the edge of a word a zero-width space stands where a letter would keep Slack from reading the mark.
    assert " *수출*\u200b액 2,700억, ∗\u200b*수출*\u200b∗ &lt;b&gt;" in text
    assert "수출\u200b액 2,700억" in slack_takes(shown).visible
    assert "*수출" not in slack_takes(shown).visible


def test_every_story_is_marked_and_none_is_lost_in_twenty() -> None:
    long = "<수출&> " * 60
    stories = tuple(Story(replace(ALERT, id=number, headline=long), long) for number in range(1, 21))
    answer = Reply(title="수출" * 500, lines=("줄 & " * 900,) * 3, stories=stories, marked=("수출",))
    seen = [telegram_takes(message) for message in telegram.reply(answer, SETTINGS)]
    told = "\n".join(message.text for message in seen)
    assert all(f"\n{number}. " in f"\n{told}" for number in range(1, 21))
    assert (
        sum(entity["type"] == "underline" for message in seen for entity in message.entities) == 20 * 2 * marking.MOST
    )
