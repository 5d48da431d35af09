"""A typed line as a question: operators, phrases, words to leave out; anything at all is read."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage import questions
from storage.questions import Question, Wrong

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


def read(line: str) -> Question | Wrong:
    return questions.read(line, NOW, "Asia/Seoul")


def test_words_phrases_and_what_is_left_out() -> None:
    assert read('KTX "정상 회담" -주가 -"경제 위기"') == Question(
        words=("ktx", "정상 회담"), without=("주가", "경제 위기"), marks=("KTX", "정상 회담")
    )


def test_operators_may_stand_anywhere_and_several_times() -> None:
    read_one = read('source:newsdao 수출 topic:"외교 안보" source:koreanews -topic:#광고')
    assert read_one == Question(
        words=("수출",),
        sources=("newsdao", "koreanews"),
        topics=("외교 안보",),
        not_topics=("광고",),
        marks=("수출",),
    )


@pytest.mark.parametrize(
    ("since", "moment"),
    [
        ("30m", datetime(2026, 11, 25, 2, 30, tzinfo=UTC)),
        ("12h", datetime(2026, 11, 24, 15, 0, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 18, 3, 0, tzinfo=UTC)),
        ("2W", datetime(2026, 11, 11, 3, 0, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 10, 31, 15, 0, tzinfo=UTC)),
    ],
)
def test_since_takes_spans_and_days_of_the_chats_zone(since: str, moment: datetime) -> None:
    assert read(f"수출 since:{since}") == Question(words=("수출",), marks=("수출",), since=moment)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("수출 since:yesterday", Wrong("since", "yesterday")),
        ("수출 since:", Wrong("since", "")),
        ("since:2026-02-30", Wrong("since", "2026-02-30")),
        ("since:0001-01-01", Wrong("since", "0001-01-01")),
        ("since:99999d", Wrong("since", "99999d")),
        ("-since:7d", Wrong("since", "7d")),
        ("source: 수출", Wrong("source", "")),
        ("topic:# 수출", Wrong("topic", "")),
        ("site:newsdao.kr 수출", Wrong("unknown", "site")),
    ],
)
def test_an_operator_that_cannot_be_followed_is_named(line: str, wrong: Wrong) -> None:
    assert read(line) == wrong


def test_what_only_looks_like_an_operator_is_words() -> None:
    assert read("KTX:수출 10:30 https://newsdao.kr/1") == Question(
        words=("ktx:수출", "10:30", "https://newsdao.kr/1"), marks=("KTX:수출", "10:30", "https://newsdao.kr/1")
    )


def test_operators_have_korean_names() -> None:
    assert read("출처:newsdao 주제:외교 부터:7d 수출") == read("source:newsdao topic:외교 since:7d 수출")


def test_quotes_and_minus_of_phones_are_quotes_and_minus() -> None:
    assert read("“정상 회담” −주가") == read('"정상 회담" -주가')


@pytest.mark.parametrize("line", ["", "   ", '"*!', "- -- ()", "^ * :", '""', "\ud800"])
def test_signs_alone_ask_nothing(line: str) -> None:
    assert read(line) == Question()


@given(st.text(max_size=200))
@example("A" * 10_000)
@example("source:" * 100)
@example('"' * 301)
def test_any_line_is_read(line: str) -> None:
    result = read(line)
    assert isinstance(result, Wrong) or len(result.words) + len(result.without) <= questions.MOST_WORDS
