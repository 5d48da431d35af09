"""Publishers' texts made harmless."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formatters import inert, parts

ARABIC = "\u0623\u062e\u0628\u0627\u0631"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  두 줄\n제목\t끝 ", "두 줄 제목 끝"),
        ("a\u2028b\u2029c\x85d\u3000e\u00a0f", "a b c d e f"),
        ("\x1b[31mred\x1b[0m\x07\x00", "[31mred[0m"),
        ("\u202egnp\u202c.exe \u2067x\u2069", "gnp.exe x"),
        ("소\u200b식\ufeff\u2060\u00ad", "소식"),
        ("\ud83d\ude00 \ud83d", "😀 \ufffd"),
        (unicodedata.normalize("NFD", "수출"), "수출"),
        ("e" + "\u0301" * 50, "é" + "\u0301" * 3),
        ("👩\u200d❤\ufe0f\u200d👨", "👩\u200d❤\ufe0f\u200d👨"),
        ("\u200b\u200d\u3164 \u2800\ufe0f", ""),
        ("\u3164 \u200e" * 3000 + "끝", "\u3164 \u200e\u3164 \u200e\u3164 끝"),
        (
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        ),
        ("", ""),
        ("\n", ""),
    ],
)
def test_what_is_left_of_a_text(text: str, shown: str) -> None:
    assert inert.line(text) == shown


def test_lines_keep_their_breaks_and_spaces() -> None:
    assert inert.lines("a\n  b = [1]\x1b\u202e\r\n\ud800") == "a\n  b = [1]\n\ufffd"


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_becomes_one_line_that_can_be_written(text: str) -> None:
    shown = inert.line(text)
    shown.encode("utf-8")
    assert shown == " ".join(shown.split())
    assert not any(unicodedata.category(letter) == "Cc" for letter in shown)
    assert inert.line(shown) == shown
    inert.lines(text).encode("utf-8")


def test_only_what_runs_from_right_to_left_is_isolated() -> None:
    assert inert.isolated("뉴스 A") == "뉴스 A"
    assert inert.isolated(ARABIC) == f"\u2068{ARABIC}\u2069"
    assert inert.isolated("A\u200f") == "\u2068A\u200f\u2069"


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("짧다", 2, "짧다"),
        ("하나 둘 셋", 5, "하나 둘…"),
        ("하나, 둘", 4, "하나…"),
        ("가나다라마바사", 4, "가나다…"),
        ("가 " + "나" * 20, 10, "가 나나나나나나나…"),
        ("🔴🔴🔴", 5, "🔴🔴…"),
        ("ab👨\u200d👩\u200d👧\u200d👦cd", 9, "ab…"),
        ("abcé" + "\u0301" * 3 + "d", 6, "abc…"),
        ("-----------", 5, "----…"),
        ("abc", 0, ""),
    ],
)
def test_a_text_is_shortened_between_words_and_never_inside_a_letter(text: str, most: int, shown: str) -> None:
    assert parts.shorten(text, most, parts.utf16) == shown


@given(st.text(max_size=60), st.integers(1, 60))
def test_a_shortened_text_is_never_longer_than_allowed(text: str, most: int) -> None:
    for measure in (len, parts.utf16):
        assert measure(parts.shorten(text, most, measure)) <= most


def test_ten_megabytes_are_shortened_at_once() -> None:
    assert len(parts.shorten("가나 " * 3_500_000, 300)) <= 300
    assert inert.line("\u200b" * 10_000_000) == ""


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("https://newsdao.kr/4261", "https://newsdao.kr/4261"),
        (" https://newsdao.kr/글?a=b&c=<d>#e ", "https://newsdao.kr/%EA%B8%80?a=b&c=%3Cd%3E#e"),
        ("https://뉴스.kr/1", "https://xn--vg1b002a.kr/1"),
        ("https://뉴스.kr:8443/1", "https://xn--vg1b002a.kr:8443/1"),
        ("https://a.example/\ud800x|y>", "https://a.example/x%7Cy%3E"),
        ("HTTPS://a.example/", "HTTPS://a.example/"),
        ("http://[::1]/x", "http://[::1]/x"),
        ("http://[::1", ""),
        ("javascript:alert(1)", ""),
        ("https://", ""),
        ("https://a<b>.example/", ""),
        ("https://" + "가" * 70 + ".kr/", ""),
        ("https://a.example/" + "x" * 3000, ""),
        ("https://a.example/" + "가" * 400, ""),
        ("", ""),
    ],
)
def test_a_link_becomes_an_address_in_ascii_or_none(link: str, address: str) -> None:
    assert parts.address(link) == address


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://www.newsdao.kr/4261/", "newsdao.kr/4261"),
        ("https://newsdao.kr/%EC%88%98%EC%B6%9C-1", "newsdao.kr/수출-1"),
        ("https://newsdao.kr/%FF%20%E2%80%AE", "newsdao.kr/%FF%20%E2%80%AE"),
        ("https://newsdao.kr/a%20b%E2%80%AEc", "newsdao.kr/a%20bc"),
        ("https://newsdao.kr/" + "x" * 90, "newsdao.kr/" + "x" * 36 + "…"),
    ],
)
def test_an_address_is_shown_as_people_read_it(link: str, shown: str) -> None:
    assert parts.short_address(link) == shown
