"""Tokens of texts and questions: what the index has of a text is what a question for any part of it asks."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import bigrams

LETTERS = st.text(st.sampled_from("수출입규제가 KTXktx19é·漢字かなﾊ\u1100"), max_size=30)


def test_korean_is_stored_in_pairs_and_its_last_syllables_alone() -> None:
    stored = set(bigrams.tokens("", "수출액 규제").split())
    assert {"수출", "출액", "액", "규제", "제"} <= stored <= {"수출", "출액", "액", "규제", "제", "수", "규"}


def test_words_are_stored_with_their_beginnings_and_numbers_whole() -> None:
    stored = set(bigrams.tokens("", "Exports 2026 AI").split())
    assert stored == {"exports", "exp", "expo", "expor", "export", "2026", "ai"}


def test_a_headline_is_stored_once_more_marked() -> None:
    assert {"_수출", "_ktx", "수출", "ktx"} <= set(bigrams.tokens("KTX 수출", "본문").split())
    assert "_본문" not in bigrams.tokens("KTX 수출", "본문").split()


@given(LETTERS, st.data())
def test_whatever_stands_in_a_text_has_tokens_that_the_text_has(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    part = bigrams.folded(text[start : data.draw(st.integers(start, len(text)))]).strip()
    looked_for = bigrams.pattern(part)
    if looked_for is None or not looked_for.search(bigrams.folded(text)):
        return
    terms, _ = bigrams.terms(part)
    assert set(terms) <= set(bigrams.tokens("", text).split())


@given(LETTERS, st.text(st.sampled_from("수출입규제가 ktx19"), min_size=1, max_size=5))
def test_where_the_index_is_enough_it_agrees_with_the_text(text: str, word: str) -> None:
    looked_for = bigrams.pattern(word)
    terms, enough = bigrams.terms(word)
    if looked_for is None or not enough:
        return
    assert (set(terms) <= set(bigrams.tokens("", text).split())) == bool(looked_for.search(bigrams.folded(text)))


def test_a_word_of_letters_begins_where_a_word_begins_and_a_short_one_ends_there_too() -> None:
    text = "ai, air, fair exports의 2026"
    found = {word: re.findall(bigrams.pattern(word) or "-", text) for word in ("ai", "exp", "202")}
    assert found == {"ai": ["ai"], "exp": ["exp"], "202": []}


def test_signs_between_words_may_be_any_signs() -> None:
    looked_for = bigrams.pattern("2,700억 원")
    assert looked_for is not None and looked_for.search("계약 2.700억·원") and not looked_for.search("12,700억 원")


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("산림협력을", ["산림", "림협", "협력", "력을"]),
        ("소비자들이", ["소비", "비자", "자들", "들이"]),
        ("다하였습니다", ["다하", "하였", "였습"]),
        ("수출합니다", ["수출", "출합", "합니"]),
        ("산림협력을하여", ["산림", "림협", "협력", "력을", "을하"]),
        ("습니다", ["습니", "니다"]),
        ("가나다라마바사아", ["가나", "나다", "다라", "라마", "마바", "바사"]),
    ],
)
def test_pairs_of_grammar_are_looked_up_only_where_there_is_little_else(word: str, wanted: list[str]) -> None:
    assert bigrams.terms(word) == (wanted, False)
