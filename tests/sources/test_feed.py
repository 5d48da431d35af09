"""RSS and Atom documents become posts, whatever their encoding and however they are broken."""

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import SourceError
from models import Kind, Post, Source
from sources import feed
from sources.documents import Document
from sources.moments import moment

FIELDS = (
    *("id", "url", "title", "content_html", "content_text", "summary", "tags", "image", "attachments", "link", "guid"),
    *("date_published", "rendered", "_embedded", "wp:term", "wp:featuredmedia", "language", "mime_type", "name"),
)
PIECES = (
    *("<item>", "</item>", "<entry xml:base='h'>", "</entry>", "<title type='xhtml'>", "<title>", "</title>", "<link>"),
    *("<link href='http://[' rel='x'/>", "</link>", "<![CDATA[", "]]>", "<!--", "-->", "&", "&#147;", "&#xD800;", "<"),
    *("</rss>", "</channel>", "<channel>", "소식", "\x00", "<guid>", "</guid>", "<pubDate>", "9e999", "</pubDate>"),
    *("<x:y/>", "<?", "?>", "<media:content url='a'/>", "<content:encoded>", " xml:base='http://[::'"),
)
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


def parse(document: str | bytes) -> list[Post]:
    return feed.parse(SOURCE, Document(SOURCE.url, document.encode() if isinstance(document, str) else document))


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


def test_a_json_feed_is_read_like_any_other() -> None:
    items = [
        {"id": 7, "url": "/7", "title": "A &amp; B", "content_html": '<p>x <a href="y">y</a></p>',
         "tags": ["외교", "경제"], "date_published": "2026-06-17T14:05:00+09:00",
         "external_url": "https://origin.example/a", "image": "https://p.example/1.jpg", "language": "ko-KR"},
        {"id": "8", "content_text": "Only <text>.\n\nTwice.", "date_published": "2026-06-17T15:05:00+09:00",
         "attachments": [{"url": "https://p.example/2.png", "mime_type": "image/png"}]},
    ]  # fmt: skip
    older, newer = parse(json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items[::-1]}))
    assert (older.key, older.title, older.link) == ("7", "A & B", "https://news.example/7")
    assert older.html == '<p>x <a href="https://news.example/y">y</a></p>' and older.categories == ("외교", "경제")
    assert (older.original_link, older.image) == ("https://origin.example/a", "https://p.example/1.jpg")
    assert older.published == datetime(2026, 6, 17, 5, 5, tzinfo=UTC) and older.language == "ko"
    assert (newer.key, newer.title, newer.html) == ("8", "", "<p>Only &lt;text&gt;.</p><p>Twice.</p>")
    assert newer.image == "https://p.example/2.png"


@pytest.mark.parametrize(
    ("inside", "html", "image"),
    [
        ("<content:encoded><![CDATA[<p>The whole text.</p>]]></content:encoded>", "<p>The whole text.</p>", ""),
        ('<enclosure url="/1.jpg" type="image/jpeg" length="9"/>', "short", "https://news.example/1.jpg"),
        ('<enclosure url="/1.mp3" type="audio/mpeg" length="9"/>', "short", ""),
        ('<media:content url="https://p.example/1.jpg" medium="image"/>', "short", "https://p.example/1.jpg"),
        ('<media:content url="https://p.example/1.mp4" medium="video"/>', "short", ""),
        ('<media:thumbnail url="https://p.example/2.jpg"/>', "short", "https://p.example/2.jpg"),
        (
            '<media:group><media:content url="https://p.example/1.jpg" type="image/jpeg"/></media:group>',
            "short",
            "https://p.example/1.jpg",
        ),
    ],
)
def test_text_and_picture_are_found_in_the_vocabularies_that_feeds_use(inside: str, html: str, image: str) -> None:
    head = (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:media="http://search.yahoo.com/mrss/"><channel>'
    )
    entry = f"<item><title>A</title><link>/a</link><description>short</description>{inside}</item>"
    (post,) = parse(f"{head}{entry}</channel></rss>")
    assert (post.html, post.image) == (html, image)


def test_a_video_has_its_description() -> None:
    (post,) = parse(
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/"><entry><id>v</id>'
        "<title>V</title><media:group><media:content url='https://v.example/1' type='application/x'>"
        '<media:thumbnail url="https://v.example/1.jpg"/></media:content>'
        "<media:description>What is shown.</media:description></media:group></entry></feed>"
    )
    assert (post.html, post.image) == ("What is shown.", "https://v.example/1.jpg")


def test_addresses_are_relative_to_where_the_document_says() -> None:
    (post,) = parse(
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://a.example/x/"><entry xml:base="y/"><id>1</id>'
        '<title>A</title><link href="1.html"/><content type="html" xml:base="https://c.example/d/">'
        '&lt;img src="p.png"&gt;</content></entry></feed>'
    )
    assert post.link == "https://a.example/x/y/1.html"
    assert post.html == '<img src="https://c.example/d/p.png">'


@pytest.mark.parametrize("guid", ["7", "2026-06-17", "17 Jun 2026", "20260617"])
def test_a_guid_is_no_date(guid: str) -> None:
    assert [post.published for post in parse(rss(item(2, guid=guid) + item(1, guid=f"x{guid}")))] == [None, None]
    dated = parse(rss(item(2, "Wed, 17 Jun 2026 14:05:00 +0900", guid=guid) + item(1, guid="x")))
    assert sorted(post.published is None for post in dated) == [False, True]


@pytest.mark.parametrize("date", ["7", "어제", "Monday", "12:30", "-5", "9" * 300, "17 Jun 99999"])
def test_what_names_no_day_of_any_year_is_no_date(date: str) -> None:
    assert moment(date) is None
    assert moment("17 Jun 26 14:05 GMT") == moment("2026-06-17T14:05") == datetime(2026, 6, 17, 14, 5, tzinfo=UTC)


def test_half_an_entry_is_left_for_the_next_read() -> None:
    whole = rss(item(2) + item(1))
    cut = whole[: whole.index("본문 1") + 2]
    assert [post.title for post in parse(cut)] == ["소식 2"]
    assert [post.title for post in parse(whole.replace("</channel></rss>", ""))] == ["소식 1", "소식 2"]


def test_hangul_between_brackets_is_a_title() -> None:
    (post,) = parse(rss(item(1, title="<속보> 3 < 4")))
    assert post.title == "<속보> 3 < 4"


@pytest.mark.parametrize(
    ("document", "reason", "words"),
    [
        (b"", "empty", "empty"),
        (b"   \n", "empty", "empty"),
        (b"<!DOCTYPE html><html><body>blocked</body></html>", "html", "web page"),
        (b'{"version": "x"}', "no-feed", "neither RSS nor Atom"),
        (b'"text"', "no-feed", "neither RSS nor Atom"),
        (b'{"items": [', "json", "no whole JSON"),
        (b"[" * 100_000, "nested", "too deeply"),
        (b'{"items": [' + b"{}," * 6000 + b"{}]}", "entries", "more than"),
        (rss(item(1))[:-40].encode(), "truncated", "ends in the middle"),
        (b"<rss><channel><title>t</title>", "truncated", "ends in the middle"),
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


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=20)
@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=6), max_size=3))
def test_json_of_any_shape_gives_posts_or_the_one_error(items: list[object]) -> None:
    with contextlib.suppress(SourceError):
        parse(json.dumps({"items": items}))
    with contextlib.suppress(SourceError):
        parse(json.dumps(items))


@settings(max_examples=40)
@given(st.lists(st.sampled_from(PIECES), max_size=25))
def test_markup_in_any_order_gives_posts_or_the_one_error(pieces: list[str]) -> None:
    with contextlib.suppress(SourceError):
        parse("<rss>" + "".join(pieces))


@settings(max_examples=40)
@given(st.binary(max_size=400))
def test_bytes_of_any_kind_give_posts_or_the_one_error(body: bytes) -> None:
    with contextlib.suppress(SourceError):
        parse(body)


@settings(max_examples=40)
@given(st.text(max_size=80), st.text(max_size=40), st.text(max_size=40))
def test_items_of_any_text_give_a_post_each(title: str, guid: str, date: str) -> None:
    from xml.sax.saxutils import escape

    def safe(text: str) -> str:
        return escape("".join(one for one in text if one == "\n" or (one >= " " and one.isprintable())))

    inside = f"<title>{safe(title)}</title><guid>{safe(guid)}</guid><pubDate>{safe(date)}</pubDate>"
    assert len(parse(rss(f"<item>{inside}<link>https://a.example/1</link></item>"))) == 1
