"""Titles → headlines, and which of them are urgent."""

import pytest

from formatters.condense import condense
from models import Post, Urgency


def condensed(
    title: str, *, text: str = "본문이다.", source_headline: str = "", link: str = "https://example.org/1"
) -> tuple[str, Urgency]:
    html = f"<p>{text}</p>"
    result = condense(Post(source_id="s", key="k", title=title, link=link, html=html, source_headline=source_headline))
    return result.headline, result.urgency


@pytest.mark.parametrize(
    ("title", "headline"),
    [
        ("[속보] 다리 통제", "다리 통제"),
        ("【긴급】다리 통제", "다리 통제"),
        ("(속보) 다리 통제", "다리 통제"),
        ("속보: 다리 통제", "다리 통제"),
        ("다리 통제 [속보]", "다리 통제"),
        ("[긴급속보] [단독] 다리 통제", "[단독] 다리 통제"),
        ("BREAKING: Bridge closed", "Bridge closed"),
        ("BREAKING Bridge closed", "Bridge closed"),
        ("Breaking News - Bridge closed", "Bridge closed"),
        ("[URGENT] Bridge closed", "Bridge closed"),
        ("🚨 [속보] 다리 통제", "다리 통제"),
    ],
)
def test_a_marker_makes_urgent_and_goes(title: str, headline: str) -> None:
    assert condensed(title) == (headline, Urgency.URGENT)


@pytest.mark.parametrize(
    "title",
    [
        "[단독] 다리 통제",
        "긴급 재난지원금 지급 시작",
        "BREAKING BAD RETURNS",
        "Record-breaking heat",
        "An urgent call",
        "속보 경쟁의 그늘",
        "긴급하게 열린 회의",
    ],
)
def test_a_word_that_is_no_marker_stays_and_makes_nothing_urgent(title: str) -> None:
    assert condensed(title) == (title, Urgency.NORMAL)


@pytest.mark.parametrize(
    ("title", "headline"),
    [
        ("버스 파업 끝나 | 한빛뉴스", "버스 파업 끝나"),
        ("버스 파업 끝나 - 한빛일보", "버스 파업 끝나"),
        ("Strike ends – The Harbour Times", "Strike ends"),
        ("Strike ends | example.org", "Strike ends"),
        ("Strike ends | Example", "Strike ends"),
        ("여야 합의 - 남은 쟁점은", "여야 합의 - 남은 쟁점은"),
        ("Rovers 2 - 1 United", "Rovers 2 - 1 United"),
        ("한-UAE 협의체 신설", "한-UAE 협의체 신설"),
    ],
)
def test_only_what_is_clearly_a_site_name_goes(title: str, headline: str) -> None:
    assert condensed(title, text="Rovers 2 - 1 United. 한-UAE.")[0] == headline


@pytest.mark.parametrize(
    ("title", "headline"),
    [
        ("  두   칸 \n제목 ", "두 칸 제목"),
        ("🔥🔥 뜨거운 여름 🔥🔥", "뜨거운 여름"),
        ("## **굵은** 제목", "굵은 제목"),
        ("AT&amp;T &lt;b&gt;뜻&lt;/b&gt;", "AT&T <b>뜻</b>"),
        ("보이지\u200b않는\u202e 글자", "보이지않는 글자"),
        ("<b>굵은</b> 제목", "굵은 제목"),
        ("속보", "속보"),
    ],
)
def test_a_title_is_one_clean_line(title: str, headline: str) -> None:
    assert condensed(title, text="AT&amp;T")[0] == headline


@pytest.mark.parametrize(
    "title", ["", "   ", "청년, 계좌, 자산, 마련", "버스 900대 증차", "KBO 감독 교체", "홍길동 장관 사퇴"]
)
def test_the_source_lines_headline_stands_in_for_a_title_that_does_not_hold(title: str) -> None:
    assert condensed(title, source_headline="버스 40대 증차", text="시는 버스 40대를 산다.")[0] == "버스 40대 증차"


@pytest.mark.parametrize("title", ["버스 40대 증차!", "버스, 더 달린다", "1,200명 참여, 40대 증차", "OK! 버스 증차"])
def test_a_title_that_the_text_supports_stays(title: str) -> None:
    text = "시는 버스 40대를 산다. 1200명이 물었다."
    assert condensed(title, source_headline="다른 제목", text=text)[0] == title


def test_a_source_headline_that_does_not_hold_either_is_not_taken() -> None:
    assert (
        condensed("버스 900대 증차", source_headline="버스 800대", text="시는 버스 40대를 산다.")[0]
        == "버스 900대 증차"
    )


def test_without_any_title_the_text_gives_the_headline_and_without_text_the_link() -> None:
    assert condensed("", text="역이 문을 열었다.")[0] == "역이 문을 열었다."
    assert condensed("", text="")[0] == "https://example.org/1"
