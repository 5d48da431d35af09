"""A page's blocks: what each is, where it stands in the HTML, and what is furniture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formatters import blocks
from formatters.blocks import Kind, read


def kinds(html: str) -> list[tuple[str, str]]:
    return [(block.kind.value, blocks.unmarked(block.text)) for block in read(html)]


def test_every_kind_of_block_is_told() -> None:
    page = (
        "<h2>제목</h2><p>첫 문단이다.</p><ul><li>항목 3개</li></ul><blockquote><p>인용문이다.</p></blockquote>"
        "<figure><img src='a.jpg'><figcaption>사진 설명</figcaption></figure>"
        "<table><tr><th>역</th><th>이용객</th><th>열차</th></tr><tr><td>서울</td><td>41만 명</td><td>9편</td></tr>"
        "<tr><td>부산</td><td>9만 명</td><td>4편</td></tr></table>"
    )
    assert kinds(page) == [
        ("heading", "제목"),
        ("text", "첫 문단이다."),
        ("item", "항목 3개"),
        ("quotation", "인용문이다."),
        ("caption", "사진 설명"),
        ("row", "서울: 이용객 41만 명, 열차 9편"),
        ("row", "부산: 이용객 9만 명, 열차 4편"),
    ]


@pytest.mark.parametrize(
    "page",
    [
        "<p><b>과잉 경호 논란</b>\n배우가 사과했다.</p>",
        "**과잉 경호 논란**  \n배우가 사과했다.",
        "<b>과잉 경호 논란</b><br>배우가 사과했다.",
        "## 과잉 경호 논란\n\n배우가 사과했다.",
    ],
)
def test_a_bold_line_without_a_full_stop_is_a_heading(page: str) -> None:
    assert kinds(page) == [("heading", "과잉 경호 논란"), ("text", "배우가 사과했다.")]


def test_a_markdown_table_inside_html_is_a_table() -> None:
    page = "<div>\n| 역 | 이용객 |\n|---|---:|\n| 서울 | 41만 명 |\n| 부산 | 9만 명 |\n</div>"
    assert kinds(page) == [("row", "서울: 41만 명"), ("row", "부산: 9만 명")]


@pytest.mark.parametrize(
    "furniture",
    [
        '<div class="share-bar">Share this: <a href="#">Facebook</a></div>',
        '<p class="byline">By Staff Reporter',
        '<div class="related"><div>Also</div><ul><li>Old news of 12 May</li></ul></div>',
        "<nav><ul><li>Home</li></ul></nav>",
        "<footer>Copyright 2026</footer>",
    ],
)
def test_furniture_is_not_read(furniture: str) -> None:
    assert kinds(f"<p>Before.</p>{furniture}<p>After.</p>") == [("text", "Before."), ("text", "After.")]


def test_a_class_that_only_looks_like_furniture_is_read() -> None:
    assert kinds('<p class="shareholders">Profit rose 3%.</p>') == [("text", "Profit rose 3%.")]


def test_furniture_that_never_ends_does_not_swallow_the_news() -> None:
    assert ("text", "The news.") in kinds('<div class="share"><p>Share</p><p>The news.</p>')


def test_each_block_says_where_it_stands() -> None:
    page = "<h2>제목</h2>\n<p>총 <b>47건</b>을 체결했다.</p><ul><li>하나 &amp; 둘</li></ul>"
    assert [page[block.start : block.end] for block in read(page)] == [
        "제목",
        "총 <b>47건</b>을 체결했다.",
        "하나 &amp; 둘",
    ]


@given(st.text(alphabet="<>/pbdivtrhul1 =\"'class가나.\n*#|", max_size=200))
def test_no_page_breaks_the_reader_and_spans_stay_inside(page: str) -> None:
    for block in read(page):
        assert 0 <= block.start <= block.end <= len(page)
        assert block.kind in Kind
