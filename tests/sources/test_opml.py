"""Other readers' lists, as they are in the wild; and ours, as they read them."""

import time
from contextlib import suppress
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import SourceError
from models import Kind, Source
from sources import opml

NOW = datetime(2026, 6, 17, 5, 0, tzinfo=UTC)
LIST = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="1.1"><head><title>feeds</title></head><body>
<outline text="뉴스" title="뉴스">
 <outline text="국제">
  <outline type="rss" text="가" title="가 신문" xmlUrl="https://a.example/rss" htmlUrl="https://a.example/"/>
 </outline>
 <outline type="atom" text="나" xmlUrl=" https://b.example/atom?x=1&amp;y=2 " language="ko-KR"/>
</outline>
<outline text="다" XMLURL="http://c.example/"/>
<outline text="빈 줄"/>
<outline text="라" xmlUrl="file:///etc/passwd"/>
<outline text="마" type="include" url="http://d.example/more.opml"/>
<outline text="바" xmlUrl="https://e.example/feed"/>
</body></opml>
"""


def test_folders_become_topics_and_a_bad_line_is_said_by_its_number_and_loses_no_other() -> None:
    found = opml.read(LIST.encode())
    good = [(one.line, one.url, one.name, one.topics) for one in found if not one.problem]
    assert good == [
        (5, "https://a.example/rss", "가 신문", ("뉴스", "국제")),
        (7, "https://b.example/atom?x=1&y=2", "나", ("뉴스",)),
        (9, "http://c.example/", "다", ()),
        (13, "https://e.example/feed", "바", ()),
    ]
    assert (found[0].site_url, found[1].language) == ("https://a.example/", "ko")
    assert [(one.line, one.problem) for one in found if one.problem] == [
        (10, "no xmlUrl"),
        (11, "file:///etc/passwd is no http or https address"),
        (12, "a include, not a feed"),
    ]


def test_broken_markup_costs_only_what_it_breaks() -> None:
    broken = LIST.replace('title="가 신문"', 'title="가 & <신문"').replace("</body></opml>", "")
    found = opml.read(broken.encode())
    assert {"http://c.example/", "https://e.example/feed"} <= {one.url for one in found}
    assert any(one.line == 5 and "broken markup" in one.problem for one in found)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "euc-kr"])
def test_encodings_are_those_of_the_document(encoding: str) -> None:
    named = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "euc-kr": "EUC-KR"}[encoding]
    assert opml.read(LIST.replace("UTF-8", named).encode(encoding))[0].name == "가 신문"


BOMB = '<!DOCTYPE o [<!ENTITY a "aaaaaaaaaa">]>'


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\x00\xff",
        b"hello",
        b"<html><body/></html>",
        b"<rss/>",
        BOMB.encode() + b"<opml><body><outline text='&a;'/></body></opml>",
        (BOMB + "<opml/>").encode("utf-16"),
        b'<!doctype opml SYSTEM "http://127.0.0.1/x.dtd"><opml/>',
        b"<opml>" + b" " * opml.LONGEST,
    ],
)
def test_what_is_no_list_or_hostile_is_refused_in_words(document: bytes) -> None:
    with pytest.raises(SourceError):
        opml.read(document)


@pytest.mark.parametrize(
    "body",
    [
        "<outline text='a'>" * 200_000,
        "<outline " + " ".join(f"a{n}='b'" for n in range(100_000)) + "/>",
        "<outline xmlUrl='https://a.example/'/>" * 100_000,
        "<outline text='" + "a" * 3_000_000 + "'/>",
        "<" * 1_000_000,
    ],
    ids=["nested", "attributes", "many", "long", "open"],
)
def test_hostile_lists_are_read_or_refused_in_bounded_time(body: str) -> None:
    began = time.process_time()
    with suppress(SourceError):
        assert len(opml.read(f"<opml><body>{body}</body></opml>".encode())) <= opml.MOST + 100
    assert time.process_time() - began < 5


WORD = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(
    lambda text: " ".join(opml.FORBIDDEN.sub("", text).split())
)
URL = st.text("abcxyz0189-_.~/?&=%+:;한글'\"<", max_size=40).map(lambda path: f"https://news.example/{path}")
SOURCES = st.builds(
    lambda name, url, topics, language: Source(
        "x", name or "이름", Kind.FEED, url, topics=tuple(topics), language=language
    ),
    WORD,
    URL,
    st.lists(WORD.filter(bool), max_size=4, unique=True),
    st.sampled_from(["", "ko", "en"]),
)


@settings(max_examples=25)
@given(st.lists(SOURCES, max_size=6, unique_by=lambda source: source.url))
def test_what_is_exported_comes_back(sources: list[Source]) -> None:
    document = opml.write("Sokbo", sources, NOW)
    read = {one.url: (one.name, one.topics, one.language, one.problem) for one in opml.read(document)}
    assert read == {one.url: (one.name, one.topics, one.language, "") for one in sources}


def test_another_reader_finds_what_opml_demands() -> None:
    """Read with the standard library, not with what wrote it (http://opml.org/spec2.opml)."""
    sources = [
        Source(
            "a", "가 <&\x0b'\"> 신문", Kind.FEED, "https://user:secret@a.example/rss?x=1&y=2", topics=("뉴스", "국제")
        ),
        Source("b", "나", Kind.FEED, "https://b.example/", site_url="https://b.example/home", topics=("뉴스",)),
    ]
    root = ElementTree.fromstring(opml.write("Sokbo", sources, NOW))
    assert (root.tag, root.get("version")) == ("opml", "2.0")
    assert [part.tag for part in root] == ["head", "body"]
    assert root.findtext("head/dateCreated") == "Wed, 17 Jun 2026 05:00:00 +0000"
    outlines = list(root.iter("outline"))
    assert all(one.get("text") for one in outlines)
    feeds = [one for one in outlines if one.get("type") == "rss"]
    assert [one.get("xmlUrl") for one in feeds] == ["https://a.example/rss?x=1&y=2", "https://b.example/"]
    assert feeds[0].get("title") == "가 <&'\"> 신문" and feeds[1].get("htmlUrl") == "https://b.example/home"
    assert [one.get("text") for one in root.findall("body/outline")] == ["뉴스"]
