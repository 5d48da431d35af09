"""An entry that stands as it stood is not read again, and all that is said about it stays the same."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reader
from errors import SourceError
from models import Kind, Known, Post, Source
from sources import pieces
from sources.documents import Document

SOURCE = Source("f", "f", Kind.FEED, "https://news.example/feed.xml")
DATE = "Wed, 17 Jun 2026 14:{:02d}:00 +0900"
HEAD = '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>t</title>'
TAIL = "</channel></rss>"


def item(number: int, html: str = "", more: str = "") -> str:
    text = html or f"<p>협약 {number}건이 체결되었습니다.</p>"
    return (
        f"<item><title>소식 {number}호</title><link>https://news.example/{number}</link><guid>g{number}</guid>"
        f"<pubDate>{DATE.format(number % 60)}</pubDate>{more}<description><![CDATA[{text}]]></description></item>"
    )


def document(items: Sequence[str], head: str = HEAD, between: str = "\n", encoding: str = "utf-8") -> Document:
    return Document(SOURCE.url, (head + between.join(items) + TAIL).encode(encoding), encoding)


def changes(before: Document, now: Document) -> list[reader.Entry]:
    """What is said about a document by who has read another one before."""
    known = reader.parse_changes(SOURCE, before, b"").known
    return reader.parse_changes(SOURCE, now, known).entries


def read(entries: Sequence[reader.Entry]) -> list[str]:
    """The titles of what was read, and not only known."""
    return [one.post.title for one in entries if isinstance(one.post, Post)]


def told(post: Post | Known, fingerprint: str) -> tuple[Any, ...]:
    return post.link, post.guid, post.digest, post.published, post.updated, fingerprint


def are_alike(entries: Sequence[reader.Entry], whole: Sequence[reader.Parsed]) -> bool:
    """Whether the same is said of each entry as by reading the whole document."""
    same = [told(one.post, one.fingerprint) for one in entries] == [told(*one) for one in whole]
    pairs = zip(entries, whole, strict=True) if same else ()
    return same and all(isinstance(one.post, Known) or one.post == post for one, (post, _) in pairs)


def test_only_what_is_new_is_read() -> None:
    before, now = document([item(2), item(1)]), document([item(3), item(2), item(1)])
    entries = changes(before, now)
    assert read(entries) == ["소식 3호"] and are_alike(entries, reader.parse(SOURCE, (now,)))
    assert read(changes(now, now)) == []


def test_what_is_said_to_be_known_wrongly_is_found_out() -> None:
    """The comparison that the other tests make can fail."""
    now = document([item(1)])
    (known,) = changes(now, now)
    assert isinstance(known.post, Known) and are_alike([known], reader.parse(SOURCE, (now,)))
    post = known.post
    for wrong in (
        post._replace(guid="x"),
        post._replace(digest="x"),
        post._replace(link="x"),
        post._replace(published=None),
    ):
        assert not are_alike([known._replace(post=wrong)], reader.parse(SOURCE, (now,)))
    assert not are_alike([known._replace(fingerprint="x")], reader.parse(SOURCE, (now,)))


def test_an_edited_old_entry_is_read_again() -> None:
    edited = item(1, "<p>협약 1건이 취소되었습니다.</p>")
    entries = changes(document([item(2), item(1)]), document([item(2), edited]))
    assert read(entries) == ["소식 1호"]
    (whole,) = reader.parse(SOURCE, (document([edited]),))
    assert entries[0].fingerprint == whole[1]


def test_another_order_and_other_white_space_between_entries_change_nothing() -> None:
    before = document([item(number) for number in range(9, 0, -1)])
    now = document([item(number) for number in (4, 9, 1, 3, 2, 8, 5, 7, 6)], between="\r\n\n \t")
    entries = changes(before, now)
    assert read(entries) == [] and are_alike(entries, reader.parse(SOURCE, (now,)))


def test_the_time_in_the_head_makes_nothing_new_and_another_namespace_does() -> None:
    head = HEAD + "<lastBuildDate>{}</lastBuildDate><description><![CDATA[as of {}]]></description>"
    before = document([item(1)], head.format(1, 1))
    assert read(changes(before, document([item(1)], head.format(2, 2)))) == []
    other = head.replace("purl.org/rss/1.0/modules/content", "example.org/other").format(1, 1)
    assert read(changes(before, document([item(1)], other))) == ["소식 1호"]


def test_what_is_known_holds_for_its_address_and_its_encoding_only() -> None:
    before = document([item(1)])
    elsewhere = Document("https://other.example/feed.xml", before.body, "utf-8")
    assert read(changes(before, elsewhere)) == ["소식 1호"]
    entries = changes(before, document([item(1)], encoding="cp949"))
    assert read(entries) == ["소식 1호"]


def test_korean_in_its_older_encoding_is_known_too() -> None:
    before, now = (document([item(n) for n in range(last, 0, -1)], encoding="cp949") for last in (3, 4))
    entries = changes(before, now)
    assert read(entries) == ["소식 4호"] and are_alike(entries, reader.parse(SOURCE, (now,)))


@pytest.mark.parametrize(
    "odd",
    [
        item(7, "</item><item>"),
        item(7, "]]>x<![CDATA["),
        item(7, more="<!-- <item> -->"),
        item(7, more='<source xml:base="https://x.example/">a</source>'),
        item(7, more="<item><title>inside</title></item>"),
        item(7).replace("<title>", '<title type="xhtml">'),
        item(7) + "between",
        item(7).replace("<item>", "<ITEM>").replace("</item>", "</ITEM>"),
        item(7).replace("item>", "entry>"),
        item(7).replace("</item>", ""),
        "<item><title>no date</title><guid>7</guid></item>",
        "<item><title>&nbsp;&bogus; < 3",
    ],
)
def test_where_entries_are_not_plainly_apart_the_whole_is_read_as_ever(odd: str) -> None:
    before, now = document([item(2), item(1)]), document([item(3), odd, item(2), item(1)])
    assert are_alike(changes(before, now), reader.parse(SOURCE, (now,)))
    assert are_alike(changes(now, now), reader.parse(SOURCE, (now,)))


def test_other_formats_are_cut_apart_or_read_as_a_whole() -> None:
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><updated>2026-06-17T05:05:00Z</updated><entry>'
        '<id>i1</id><title>A</title><link href="/1"/><updated>2026-06-17T05:05:00Z</updated></entry></feed>'
    )
    now = Document(SOURCE.url, atom.encode())
    assert read(changes(now, now)) == []
    for text in ('{"items": [{"id": "1", "content_html": "<item></item>"}]}', "<item></item>"):
        odd = Document(SOURCE.url, text.encode())
        try:
            whole = reader.parse(SOURCE, (odd,))
        except SourceError:
            with pytest.raises(SourceError):
                changes(odd, odd)
        else:
            assert are_alike(changes(odd, odd), whole)


def test_names_that_leave_out_what_stands_around_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    long = item(
        1, more="<content:encoded><![CDATA[<p>본문</p><p>또 본문, 훨씬 더 긴 것입니다.</p>]]></content:encoded>"
    )
    now = document([long], HEAD.replace("purl.org", "example.org"))
    assert are_alike(changes(document([long]), now), reader.parse(SOURCE, (now,)))
    monkeypatch.setattr(pieces, "TEXT", re.compile(rb".+", re.DOTALL))
    assert not are_alike(changes(document([long]), now), reader.parse(SOURCE, (now,)))


PARTS = st.sampled_from([
    *("<title>소식</title>", "<title>&lt;b&gt;속보&lt;/b&gt; &amp; &nbsp;</title>", "<title/>", "<guid>7</guid>"),
    *("<guid>g</guid>", "<guid>https://news.example/1</guid>", "<guid>2026-06-17</guid>", "<link>/1</link>"),
    *("<link>https://news.example/2?utm_source=x</link>", "<pubDate>2026-06-17T05:00:00Z</pubDate>", "\x07"),
    *(f"<pubDate>{DATE.format(7)}</pubDate>", "<dc:date>2026-06-16</dc:date>", "<category>정치</category>", "&", "<"),
    *("<description><![CDATA[<p>본문 <b>하나</b></p>]]></description>", "<description>&lt;p&gt;둘</description>"),
    *("<content:encoded><![CDATA[<p>출처: <a href='/o/1'>원문</a></p>]]></content:encoded>", "<![CDATA[", "]]>"),
    *('<enclosure url="/a.jpg" type="image/jpeg"/>', "<item>", "</item>", "<title type='xhtml'>x</title>", "<!--"),
])  # fmt: skip
ITEMS = st.lists(PARTS, max_size=6).map(lambda parts: f"<item>{''.join(parts)}</item>")
HEADS = st.sampled_from([HEAD, HEAD + "<pubDate>a</pubDate>", "<?xml version='1.0'?>" + HEAD, HEAD[:30] + ">", "x"])
TAILS = st.sampled_from([TAIL, "", "</channel>", "<pubDate>2026-06-17</pubDate>" + TAIL])


@settings(max_examples=30)
@given(st.data())
def test_what_is_said_of_known_entries_is_what_reading_them_says(data: st.DataObject) -> None:
    pool = data.draw(st.lists(ITEMS, min_size=1, max_size=5))
    documents = []
    for _ in range(2):
        some = data.draw(st.lists(st.sampled_from(pool), max_size=6))
        body = data.draw(HEADS) + data.draw(st.sampled_from(["", "\n"])).join(some) + data.draw(TAILS)
        documents.append(Document(SOURCE.url, body.encode()))
    before, now = documents
    try:
        whole = reader.parse(SOURCE, (now,))
    except SourceError as refused:
        with pytest.raises(SourceError, match=re.escape(str(refused))):
            reader.parse_changes(SOURCE, now, b"")
        return
    try:
        entries = changes(before, now)
    except SourceError:
        entries = reader.parse_changes(SOURCE, now, b"").entries  # the first one was none
    assert are_alike(entries, whole)
