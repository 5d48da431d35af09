"""The main text of an article's page takes the place of a teaser, and of nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import Kind, Post, Source
from sources import article
from sources.documents import Document

SOURCE = Source("f", "f", Kind.FEED, "https://news.example/feed")
TEASER = "시의회가 17일 새 예산안을 통과시켰다…"
POST = Post("f", "1", "시의회, 예산안 통과", "https://news.example/1", f"<p>{TEASER}</p>")
SENTENCES = [f"시의회는 {n}일 본회의에서 예산 {n}7억 원을 확정했다고 밝혔다." for n in range(1, 12)]
PAGE = f"""<html><head><title>시의회, 예산안 통과 - 뉴스</title><meta property="og:image" content="/a.jpg"></head><body>
<nav><a href="/">홈</a> <a href="/p">정치</a></nav><div class="ad">광고입니다</div>
<article><h1>시의회, 예산안 통과</h1>{"".join(f"<p>{one}</p>" for one in SENTENCES)}</article>
<footer>Copyright 뉴스 무단 전재 금지</footer></body></html>"""


def page(body: str | bytes = PAGE, charset: str = "") -> Document:
    return Document("https://news.example/1", body.encode() if isinstance(body, str) else body, charset)


def test_the_main_text_of_the_page_takes_the_place_of_the_teaser() -> None:
    full = article.with_full_text(SOURCE, POST, page())
    assert all(sentence in full.html for sentence in SENTENCES)
    assert "광고" not in full.html and "무단 전재" not in full.html and "<h1>" not in full.html
    assert (full.key, full.title, full.link) == (POST.key, POST.title, POST.link)
    assert full.image == "https://news.example/a.jpg" and TEASER in full.excerpt
    korean = article.with_full_text(SOURCE, POST, page(PAGE.encode("cp949"), "euc-kr"))
    assert korean.html == full.html


def test_a_page_that_holds_no_more_than_the_teaser_changes_no_text() -> None:
    for body in ("", "로그인이 필요합니다", "<html><body><p>로그인</p></body></html>", "\x00\x01"):
        assert article.with_full_text(SOURCE, POST, page(body)).html == POST.html


def test_a_post_without_title_and_text_has_those_of_its_page() -> None:
    bare = replace(POST, title="", html="")
    full = article.with_full_text(SOURCE, bare, page())
    assert full.title == "시의회, 예산안 통과 - 뉴스" and SENTENCES[0] in full.html


@pytest.mark.parametrize(
    ("html", "teaser"),
    [
        ("", True),
        ("<p>짧다.</p>", True),
        (f"<p>{'긴 문장이다. ' * 100}</p>", False),
        (f"<p>{'긴 문장이다. ' * 100}</p><p>[…]</p>", True),
        (f"<p>{'A long sentence. ' * 100}</p><a href='x'>Continue reading</a> →", True),
    ],
)
def test_a_teaser_is_short_or_says_that_it_goes_on(html: str, teaser: bool) -> None:
    assert article.is_teaser(replace(POST, html=html)) is teaser


@settings(max_examples=15)
@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: f"<html><p>{text}".encode("utf-8", "ignore")))
def test_a_page_of_any_kind_costs_no_post(body: bytes) -> None:
    assert article.with_full_text(SOURCE, POST, page(body)).title == POST.title
