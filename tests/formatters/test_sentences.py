"""Where a sentence ends, and how a long one is shortened."""

import pytest

from formatters.clauses import shorten
from formatters.sentences import split


@pytest.mark.parametrize(
    "sentences",
    [
        ["시는 3.5%를 올렸다.", "도는 그대로 두었다."],
        ["그는 “비가 왔다. 춥다.”라고 말했다.", "모두 웃었다."],
        ['그는 "늦었다." 라고 말했다.', "모두 웃었다."],
        ["2024. 6. 12. 발표했다.", "끝났다."],
        ["The U.S. office closed.", "The doors stay shut."],
        ["Dr. A. Holm spoke at 3.30 p.m. on Monday.", "He left."],
        ["Is it over?", "No!", "Yes…"],
        ["会議は終わった。", "明日も続く。"],
        ["No end here"],
    ],
)
def test_sentences_are_found(sentences: list[str]) -> None:
    joiner = "" if "。" in sentences[0] else " "
    assert split(joiner.join(sentences)) == sentences


def test_a_forgotten_blank_after_a_korean_sentence_is_seen() -> None:
    assert split("분석이 필요합니다.빠른 뉴스를 봅니다.") == ["분석이 필요합니다.", "빠른 뉴스를 봅니다."]


def test_no_more_sentences_than_asked_for() -> None:
    assert len(split("가다. " * 1000, 400)) == 400


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [
        (
            "시는 노선을 여러 갈래로 나누어 줄이고, 버스는 3월부터 20분마다 다니기 시작한다",
            36,
            "버스는 3월부터 20분마다 다니기 시작한다",
        ),
        (
            "시는 오래된 다리 세 곳을 하나씩 새로 고치기로 했으며 내년 봄까지 설계와 심의를 모두 마칠 방침이다",
            48,
            "시는 오래된 다리 세 곳을 하나씩 새로 고치기로 했으며…",
        ),
        (
            "비가 많이 와서 물이 다리 위까지 넘치면 구청 직원들이 나와 길을 막고 다른 길로 안내한다",
            40,
            "비가 많이 와서 물이 다리 위까지 넘치면 구청 직원들이 나와 길을 막고…",
        ),
        (
            "Crews restored power to the islands, while ferries stayed in port because of the waves",
            60,
            "Crews restored power to the islands",
        ),
        (
            "The council will close the bridge unless the engineers find the money for a new pier",
            45,
            "The council will close the bridge unless the…",
        ),
    ],
)
def test_a_long_sentence_ends_where_it_still_makes_sense(text: str, most: int, short: str) -> None:
    assert shorten(text, most) == short


def test_another_language_is_not_cut_by_english_rules() -> None:
    text = "De ploeg herstelde de stroom, after all was de storm voorbij en was het veilig"
    assert shorten(text, 40, "nl") == "De ploeg herstelde de stroom, after all…"


def test_numbers_keep_their_units_and_quotations_stay_whole() -> None:
    assert (
        shorten("정부가 내년에 들이는 예산은 모두 2,700 억 원 규모로 정해졌다", 24)
        == "정부가 내년에 들이는 예산은 모두…"
    )
    assert shorten("그는 “" + "긴 말을 계속 이어서 " * 8 + "했다”고 말했다", 60) == ""


@pytest.mark.parametrize(
    "text",
    [
        "장관은 이번 회의에서 나온 여러 가지 안을 두고 지금으로서는 그 내용을 검토하고 있지 않다고 말했다",
        "The minister told the evening meeting of the committee that the plan was not going ahead",
    ],
)
def test_no_negation_is_cut_off(text: str) -> None:
    assert shorten(text, 50) == ""


def test_a_word_that_is_too_long_is_not_cut() -> None:
    assert shorten("가" * 200, 90) == ""
