"""A document of any kind becomes posts: what it is, is found out from what stands in it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from errors import SourceError
from models import Kind, Post, Source
from sources.anything import Found, posts_in
from sources.documents import Document
from sources.jekyll import SiteConfig
from tests.fakes.publisher import Item, atom, rss

SOURCE = Source("preview", "preview", Kind.FEED, "", timezone="Asia/Seoul")
FRONT = "---\ntitle: 다리 완공\ndate: 2026-06-17 14:00:00 +0900\ncategories: 교통\n---\n"
BODY = "<p>다리가 17일 열렸다.</p>"
ARTICLE = """<!DOCTYPE html><html lang="ko-KR"><head><meta charset="utf-8"><title>다리 완공 | 예시신문</title>
<meta property="og:title" content="다리 완공 &amp; 개통"><meta property="og:site_name" content="예시신문">
<meta property="og:image" content="/b.jpg"><meta property="article:published_time" content="2026-06-17T14:00:00+09:00">
<link rel="canonical" href="https://news.example/7"></head><body><header>메뉴</header><nav><a href="/">홈</a></nav>
<article><header><h1>다리 완공 &amp; 개통</h1></header><p>다리가 17일 열렸다. <a href="/more">더</a></p>
<aside>광고</aside></article><article>짧은 글</article><footer>저작권</footer></body></html>"""


def found(text: str | bytes, name: str, site: SiteConfig | None = None, charset: str = "") -> Found:
    body = text.encode() if isinstance(text, str) else text
    return posts_in(SOURCE, Document(name, body, charset), site)


def only(text: str | bytes, name: str, site: SiteConfig | None = None) -> Post:
    (post,) = found(text, name, site).posts
    return post


# ----------------------------------------------------------------------------------------------- Jekyll, Markdown, text


@pytest.mark.parametrize("name", ["2026-06-17-bridge.md", "2026-06-17-bridge.html", "bridge.txt"])
def test_front_matter_makes_a_jekyll_post_whatever_the_file_is_called(name: str) -> None:
    post = only(f"{FRONT}{BODY}", name)
    assert (post.title, post.categories) == ("다리 완공", ("교통",))
    assert post.published == datetime(2026, 6, 17, 5, 0, tzinfo=UTC)
    assert "17일 열렸다" in post.html


def test_a_post_of_a_jekyll_site_has_its_link_and_the_sites_name() -> None:
    site = SiteConfig("https://news.example", "/:year/:title/", "예시신문")
    seen = found(f"{FRONT}{BODY}", "2026-06-17-bridge.md", site)
    assert (seen.posts[0].link, seen.site) == ("https://news.example/2026/bridge/", "예시신문")


def test_markdown_without_front_matter_is_titled_by_its_first_heading() -> None:
    post = only("# 다리 *완공* & 개통\n\n다리가 17일 **열렸다**.\n\n## 다음\n\n끝.\n", "note.md")
    assert post.title == "다리 완공 & 개통"
    assert "완공" not in post.html and "<strong>열렸다</strong>" in post.html
    assert only("다리가 열렸다.\n", "the-bridge.md").title


def test_plain_text_is_titled_by_its_first_line() -> None:
    post = only("다리 완공\n\n다리가 17일 <열렸다>.\n\n둘째 문단 & 끝.\n", "note.txt")
    assert post.title == "다리 완공"
    assert post.html == "<p>다리가 17일 &lt;열렸다&gt;.</p><p>둘째 문단 &amp; 끝.</p>"
    long = only("아주 긴 문단이다. " * 40, "long.txt")
    assert long.title == "long.txt" and "아주 긴" in long.html
    assert only("[속보] 다리 완공\n\n다리가 열렸다.", "a.txt").title == "[속보] 다리 완공"


# ------------------------------------------------------------------------------------------------------------ web pages


def test_a_page_gives_title_text_link_picture_time_language_and_site() -> None:
    seen = found(ARTICLE, "https://www.news.example/a?b=1")
    (post,) = seen.posts
    assert (post.title, seen.site, post.language) == ("다리 완공 & 개통", "예시신문", "ko")
    assert (post.link, post.image) == ("https://news.example/7", "https://www.news.example/b.jpg")
    assert post.published == datetime(2026, 6, 17, 5, 0, tzinfo=UTC)
    assert "17일 열렸다" in post.html and 'href="https://news.example/more"' in post.html
    for around in ("메뉴", "홈", "광고", "저작권", "짧은 글", "<h1>"):
        assert around not in post.html


@pytest.mark.parametrize(
    ("page", "title", "text"),
    [
        (
            "<html><head><title>T</title></head><body><nav>n</nav><main><p>main text</p></main></body></html>",
            "T",
            "main",
        ),
        ("<html><body><h1>Head</h1><p>body text</p></body></html>", "Head", "body text"),
        ("<p>only a paragraph</p>", "page.html", "only a paragraph"),
        ("<html><title>T</title><form><p>all in a form</p></form></html>", "T", "all in a form"),
        ("<html><title>T</title><body><article> </article><main>m</main></body></html>", "T", "m"),
    ],
)
def test_pages_of_other_forms_are_read_as_far_as_they_go(page: str, title: str, text: str) -> None:
    post = only(page, "page.html")
    assert post.title == title and text in post.html and post.link == ""


def test_a_page_in_an_old_encoding_says_so_in_its_head_or_its_header() -> None:
    page = ARTICLE.replace("utf-8", "euc-kr").encode("cp949")
    assert only(page, "https://news.example/a").title == "다리 완공 & 개통"
    bare = ARTICLE.replace('<meta charset="utf-8">', "").encode("cp949")
    assert found(bare, "https://news.example/a", charset="euc-kr").posts[0].title == "다리 완공 & 개통"


def test_the_original_that_a_page_names_is_found() -> None:
    page = ARTICLE.replace("<p>다리가", '<p>출처: <a href="https://origin.example/9">원래 제목</a></p><p>다리가')
    post = only(page, "https://news.example/a")
    assert (post.original_link, post.source_headline) == ("https://origin.example/9", "원래 제목")


# ---------------------------------------------------------------------------------------------------- feeds and JSON


ITEMS = [
    Item("오래된 글", "https://news.example/1", "1", datetime(2026, 6, 16, tzinfo=UTC), "<p>하나.</p>"),
    Item("새 글", "https://news.example/2", "2", datetime(2026, 6, 17, tzinfo=UTC), "<p>둘.</p>"),
]


@pytest.mark.parametrize("form", [rss, atom])
@pytest.mark.parametrize("items", [ITEMS, ITEMS[::-1]])
def test_a_feeds_entries_come_newest_first(form: Any, items: list[Item]) -> None:
    assert [post.title for post in found(form("뉴스", items), "feed").posts] == ["새 글", "오래된 글"]


def test_json_feed_is_read_with_its_title_and_language() -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1", "title": "예시신문", "language": "ko-KR",
        "items": [
            {"id": "1", "url": "https://news.example/1", "title": "오래된 글", "content_html": "<p>하나.</p>",
             "date_published": "2026-06-16T00:00:00Z"},
            {"id": "2", "url": "https://news.example/2", "title": "새 글", "content_text": "둘 & 셋.\n\n넷.",
             "date_published": "2026-06-17T00:00:00Z", "tags": ["교통", 5], "image": "https://news.example/b.jpg"},
        ],
    }  # fmt: skip
    seen = found(json.dumps(feed), "feed.json")
    assert (seen.site, [post.title for post in seen.posts]) == ("예시신문", ["새 글", "오래된 글"])
    newest = seen.posts[0]
    assert newest.html == "<p>둘 &amp; 셋.</p><p>넷.</p>"
    assert (newest.categories, newest.language, newest.image) == (("교통",), "ko", "https://news.example/b.jpg")


def test_what_wordpress_answers_is_read() -> None:
    answer = [{"id": 7, "date_gmt": "2026-06-17T05:00:00", "link": "https://news.example/7",
               "title": {"rendered": "다리 &#8216;완공&#8217;"}, "content": {"rendered": "<p>열렸다.</p>"},
               "excerpt": {"rendered": "<p>짧게.</p>"}, "categories": [3]}]  # fmt: skip
    post = only(json.dumps(answer), "posts")
    assert (post.title, post.link, post.categories) == ("다리 ‘완공’", "https://news.example/7", ())
    assert post.published == datetime(2026, 6, 17, 5, 0, tzinfo=UTC)


def test_lines_as_condense_takes_them_come_in_their_order() -> None:
    lines = "\n".join(
        json.dumps({"id": n, "title": f"글 {n}", "html": "<p>본문.</p>", "url": f"https://a.example/{n}", "lang": "ko"})
        for n in (1, 2)
    )
    assert [post.title for post in found(lines, "posts.jsonl").posts] == ["글 1", "글 2"]
    assert only('{"title": "하나", "html": "<p>본문.</p>"}', "one.json").title == "하나"


# ----------------------------------------------------------------------------------------------------- what is nothing


@pytest.mark.parametrize(
    ("body", "name", "reason"),
    [
        (b"", "a.md", "empty"),
        (b" \n\t", "a.txt", "empty"),
        (b"---\ntitle: ''\n---\n", "a.md", ""),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "a.png", "no-text"),
        (b"[]", "a.json", "no-posts"),
        (b'{"items": []}', "a.json", "no-posts"),
        (b"[1, 2]", "a.json", "no-posts"),
        (b'{"id": 5}', "a.json", "empty"),
        (b"<rss><channel>", "a.xml", "truncated"),
        (rss("뉴스", []).encode(), "a.xml", "empty"),
    ],
)
def test_where_there_is_no_post_that_is_said(body: bytes, name: str, reason: str) -> None:
    if not reason:  # a title is made of the file's name
        assert posts_in(SOURCE, Document(name, body)).posts
        return
    with pytest.raises(SourceError) as caught:
        posts_in(SOURCE, Document(name, body))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "body", [b"\xff\xfe\x00\xd8", b"<" * 50_000, b"{" * 50_000, b"<!--" * 20_000, b"\xef\xbb\xbf# T\n\nx"]
)
def test_any_bytes_are_a_post_or_a_source_error(body: bytes) -> None:
    for name in ("a.md", "a.html", "a.json", "a.xml", "a"):
        try:
            assert posts_in(SOURCE, Document(name, body)).posts
        except SourceError as error:
            assert str(error)
