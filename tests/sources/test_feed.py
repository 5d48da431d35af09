"""RSS and Atom documents become posts, whatever their encoding and however they are broken."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import SourceError
from models import Kind, Post, Source
from sources import feed
from sources.documents import Document

SOURCE = Source("f", "f", Kind.FEED, "https://news.example/feed.xml")


def rss(items: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> str:
    return (
        f'{head}<rss version="2.0"><channel><title>t</title><link>https://news.example/</link>{items}</channel></rss>'
    )


def item(number: int, date: str = "", guid: str = "", title: str = "") -> str:
    return (
        f"<item><title>{title or f'소식 {number}'}</title><link>https://news.example/{number}</link>"
        f"{f'<guid>{guid}</guid>' if guid else ''}{f'<pubDate>{date}</pubDate>' if date else ''}"
        f"<description>&lt;p&gt;본문 {number}.&lt;/p&gt;</description></item>"
    )


def parse(document: str | bytes, charset: str = "", encoding: str = "") -> list[Post]:
    body = document.encode() if isinstance(document, str) else document
    source = Source("f", "f", Kind.FEED, SOURCE.url, encoding=encoding)
    return feed.parse(source, Document(SOURCE.url, body, charset))


def test_an_rss_item_becomes_a_post() -> None:
    (post,) = parse(rss(item(1, "Wed, 17 Jun 2026 14:05:00 +0900", "g1")))
    assert (post.key, post.title, post.link) == ("g1", "소식 1", "https://news.example/1")
    assert post.html == "<p>본문 1.</p>" and post.published == datetime(2026, 6, 17, 5, 5, tzinfo=UTC)


def test_an_atom_entry_becomes_a_post() -> None:
    (post,) = parse(
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><entry><id>i1</id><title>A</title>'
        '<link rel="alternate" href="/1"/><published>2026-06-17T05:05:00Z</published>'
        '<updated>2026-06-17T06:00:00Z</updated><content type="html">&lt;p&gt;x&lt;/p&gt;</content>'
        '<category term="외교"/></entry></feed>'
    )
    assert (post.key, post.title, post.link, post.html) == ("i1", "A", "https://news.example/1", "<p>x</p>")
    assert post.updated == datetime(2026, 6, 17, 6, tzinfo=UTC) and post.categories == ("외교",)


def test_posts_come_oldest_first() -> None:
    times = [f"Wed, 17 Jun 2026 14:0{minute}:00 +0900" for minute in (3, 2, 1)]
    newest_first = rss("".join(item(3 - place, time) for place, time in enumerate(times)))
    assert [post.title for post in parse(newest_first)] == ["소식 1", "소식 2", "소식 3"]
    same_time = rss("".join(item(number, times[0]) for number in (3, 2, 1)))
    assert [post.title for post in parse(same_time)] == ["소식 1", "소식 2", "소식 3"]
    undated = rss("".join(item(number) for number in (3, 2, 1)))
    assert [post.title for post in parse(undated)] == ["소식 1", "소식 2", "소식 3"]


def test_a_repeated_guid_is_told_apart_by_its_link_and_a_missing_one_replaced() -> None:
    posts = parse(rss(item(1, guid="same") + item(2, guid="same") + item(3)))
    assert len({post.key for post in posts}) == 3
    alone = parse(rss("<item><title>no link</title></item><item><title>no link 2</title></item>"))
    assert len({post.key for post in alone}) == 2


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        ("A &amp; B &lt;!channel&gt;", "A & B <!channel>"),
        ("&lt;b&gt;굵은&lt;/b&gt; 제목", "굵은 제목"),
        ("AT&amp;amp;T", "AT&T"),
        ("<![CDATA[if a < b]]>", "if a < b"),
        ("  줄\n 바꿈  ", "줄 바꿈"),
    ],
)
def test_titles_are_text_whatever_form_they_come_in(raw: str, title: str) -> None:
    (post,) = parse(rss(item(1, title=raw)))
    assert post.title == title


KOREAN = rss(item(1), "")
CASES = {
    "utf-8": (KOREAN.encode(), ""),
    "utf-8 with a mark": (b"\xef\xbb\xbf" + KOREAN.encode(), ""),
    "utf-8 declared euc-kr": (b'<?xml version="1.0" encoding="euc-kr"?>' + KOREAN.encode(), ""),
    "euc-kr declared": (b'<?xml version="1.0" encoding="euc-kr"?>' + KOREAN.encode("euc-kr"), ""),
    "cp949 declared euc-kr": (
        b'<?xml version="1.0" encoding="EUC-KR"?>' + KOREAN.replace("소식", "뷁식").encode("cp949"),
        "",
    ),
    "cp949 in the header": (KOREAN.encode("cp949"), "ks_c_5601-1987"),
    "cp949 declared utf-8": (b'<?xml version="1.0" encoding="utf-8"?>' + KOREAN.encode("cp949"), "utf-8"),
    "cp949 not declared": (KOREAN.encode("cp949"), ""),
    "utf-16": (KOREAN.encode("utf-16"), ""),
    "utf-16 declared": (('<?xml version="1.0" encoding="utf-16"?>' + KOREAN).encode("utf-16"), "utf-16"),
}


@pytest.mark.parametrize("case", CASES)
def test_korean_is_read_however_it_is_declared(case: str) -> None:
    body, charset = CASES[case]
    (post,) = parse(body, charset)
    assert post.title in ("소식 1", "뷁식 1") and post.html == "<p>본문 1.</p>"


def test_the_source_may_say_its_encoding() -> None:
    assert parse(KOREAN.encode("cp949"), "utf-8", encoding="cp949")[0].title == "소식 1"


@pytest.mark.parametrize(
    ("document", "reason", "words"),
    [
        (b"", "empty", "empty"),
        (b"   \n", "empty", "empty"),
        (b"<!DOCTYPE html><html><body>blocked</body></html>", "html", "web page"),
        (b'{"version": "x"}', "no-feed", "neither RSS nor Atom"),
        (rss(item(1))[:-40].encode(), "truncated", "ends in the middle"),
    ],
)
def test_what_is_no_whole_feed_is_said_in_words(document: bytes, reason: str, words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        parse(document)
    assert caught.value.reason == reason


def test_a_feed_without_entries_is_no_error() -> None:
    assert parse(rss("")) == []


def test_an_ill_formed_feed_is_read_by_the_other_parser() -> None:
    (post,) = parse(rss("<item><title>A & B</title><link>https://news.example/1</link></item>"))
    assert post.title == "A & B"


@pytest.mark.parametrize("body", [b"/etc/passwd", b"http://169.254.169.254/", b"file:///etc/passwd", b"/dev/zero"])
def test_a_body_that_is_a_path_or_address_is_not_opened(body: bytes) -> None:
    with pytest.raises(SourceError):
        parse(body)


def test_entities_of_the_outside_are_not_read() -> None:
    hostile = (
        '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        "<rss><channel><title>t</title><item><title>a &x; b</title><link>https://a.example/1</link></item></channel></rss>"
    )
    assert all("root:" not in f"{post.title}{post.html}" for post in parse(hostile))


@given(st.binary(max_size=400))
def test_bytes_of_any_kind_give_posts_or_the_one_error(body: bytes) -> None:
    with contextlib.suppress(SourceError):
        parse(body)


@given(st.text(max_size=80), st.text(max_size=40), st.text(max_size=40))
def test_items_of_any_text_give_a_post_each(title: str, guid: str, date: str) -> None:
    from xml.sax.saxutils import escape

    def safe(text: str) -> str:
        return escape("".join(one for one in text if one == "\n" or (one >= " " and one.isprintable())))

    inside = f"<title>{safe(title)}</title><guid>{safe(guid)}</guid><pubDate>{safe(date)}</pubDate>"
    assert len(parse(rss(f"<item>{inside}<link>https://a.example/1</link></item>"))) == 1
