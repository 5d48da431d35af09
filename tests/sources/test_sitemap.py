"""News sitemaps, packed or not, and indexes of them."""

import contextlib
import gzip
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reader
from config.settings import Fetch
from errors import SourceError
from models import Kind, Post, Source
from sources import fetch, kinds, sitemap
from sources.documents import Document, Fetched, Unchanged
from tests.fakes.publisher import FakePublisher, Item, news_sitemap, sitemap_index

SETTINGS = Fetch(timeout=2.0, allow_networks=("127.0.0.0/8",), max_bytes=1_000_000)
ITEMS = [
    Item("소식 둘", "https://news.example/2?a=1&b=2", "", datetime(2026, 6, 17, 5, 5, tzinfo=UTC), "", ("외교", "경제"),
         picture="https://news.example/2.jpg"),
    Item("소식 하나", "https://news.example/1", "", datetime(2026, 6, 17, 5, 0, tzinfo=UTC)),
]  # fmt: skip


@pytest.fixture
def publisher() -> Iterator[FakePublisher]:
    with FakePublisher() as made:
        yield made


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with fetch.client(SETTINGS, "0.1.0") as made:
        yield made


def source_at(url: str) -> Source:
    return Source("map", "map", Kind.SITEMAP, url)


async def look(http: httpx.AsyncClient, source: Source, validators: object = None) -> tuple[list[Post], Fetched]:
    known = validators.validators if isinstance(validators, Fetched) else {}
    fetched = await kinds.fetch(http, source, known, SETTINGS, trusted=True)
    assert isinstance(fetched, Fetched)
    parsed = [one for portion in reader.portions(source, fetched.documents) for one in reader.parse(source, portion)]
    return [post for post, _ in reader.in_order(source, parsed)], fetched


@pytest.mark.parametrize("packed", [False, True])
async def test_title_date_topics_and_picture_stand_in_the_sitemap(
    publisher: FakePublisher, http: httpx.AsyncClient, packed: bool
) -> None:
    body = news_sitemap(ITEMS).encode()
    publisher.set("/news.xml.gz", gzip.compress(body) if packed else body, "application/x-gzip")
    source = source_at(f"{publisher.url}/news.xml.gz")
    posts, fetched = await look(http, source)
    assert [(post.title, post.link) for post in posts] == [(item.title, item.link) for item in ITEMS[::-1]]
    newest = posts[-1]
    assert (newest.key, newest.image, newest.language) == (ITEMS[0].link, "https://news.example/2.jpg", "ko")
    assert newest.published == ITEMS[0].published and newest.categories == ("외교", "경제")
    assert isinstance(await kinds.fetch(http, source, fetched.validators, SETTINGS, trusted=True), Unchanged)


async def test_an_index_leads_to_the_newest_sitemaps_that_hold_news(
    publisher: FakePublisher, http: httpx.AsyncClient
) -> None:
    days = {f"{publisher.url}/news-{day}.xml": f"2026-06-{day:02}" for day in range(1, 9)}
    publisher.set("/index.xml", sitemap_index({f"{publisher.url}/pages.xml": "2026-06-30", **days}))
    for day in range(1, 9):
        publisher.set(f"/news-{day}.xml", news_sitemap([Item(f"소식 {day}", f"https://news.example/{day}")]))
    source = source_at(f"{publisher.url}/index.xml")
    posts, first = await look(http, source)
    assert {post.title for post in posts} == {f"소식 {day}" for day in range(4, 9)}
    asked = len(publisher.requests)
    assert isinstance(await kinds.fetch(http, source, first.validators, SETTINGS, trusted=True), Unchanged)
    assert len(publisher.requests) == asked + 1, "what did not change by its date is not asked for"
    publisher.set("/news-8.xml", news_sitemap([Item("소식 9", "https://news.example/9")]))
    publisher.set("/index.xml", sitemap_index(days | {f"{publisher.url}/news-8.xml": "2026-06-09"}))
    posts, _ = await look(http, source, first)
    assert [post.title for post in posts] == ["소식 9"]


async def test_an_index_that_says_no_dates_is_read_for_changes(
    publisher: FakePublisher, http: httpx.AsyncClient
) -> None:
    publisher.set("/index.xml", sitemap_index({f"{publisher.url}/a.xml": "", f"{publisher.url}/b.xml": ""}))
    publisher.set("/a.xml", news_sitemap(ITEMS[1:]))
    source = source_at(f"{publisher.url}/index.xml")
    posts, first = await look(http, source)
    assert [post.title for post in posts] == ["소식 하나"], "b.xml is not there: that costs b.xml only"
    publisher.set("/a.xml", news_sitemap(ITEMS))
    posts, second = await look(http, source, first)
    assert [post.title for post in posts] == ["소식 하나", "소식 둘"]
    publisher.set("/b.xml", gzip.compress(news_sitemap([Item("소식 셋", "https://news.example/3")]).encode()))
    posts, third = await look(http, source, second)
    assert [post.title for post in posts] == ["소식 셋"]
    assert isinstance(await kinds.fetch(http, source, third.validators, SETTINGS, trusted=True), Unchanged)


async def test_an_index_whose_sitemaps_are_all_gone_says_so(publisher: FakePublisher, http: httpx.AsyncClient) -> None:
    publisher.set("/index.xml", sitemap_index({f"{publisher.url}/a.xml": ""}))
    with pytest.raises(SourceError, match="404"):
        await look(http, source_at(f"{publisher.url}/index.xml"))


async def test_a_sitemap_inside_the_network_is_not_asked_for(publisher: FakePublisher, http: httpx.AsyncClient) -> None:
    with FakePublisher() as inside:
        publisher.set("/index.xml", sitemap_index({f"{inside.url}/a.xml": ""}))
        with pytest.raises(SourceError, match="not a public address"):
            await look(http, source_at(f"{publisher.url}/index.xml"))
        assert inside.requests == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (gzip.compress(b" " * 50_000_000), "too-large"),
        (gzip.compress(b"<urlset>" * 1000)[:-20], "cut"),
        (b"\x1f\x8b\x08" + b"x" * 100, "gzip"),
    ],
    ids=["a bomb", "cut off", "broken"],  # gzip writes the time into its bytes: no name of a test
)
async def test_a_packed_sitemap_is_unpacked_within_bounds(
    publisher: FakePublisher, http: httpx.AsyncClient, body: bytes, reason: str
) -> None:
    publisher.set("/news.xml.gz", body, "application/gzip")
    with pytest.raises(SourceError) as caught:
        await look(http, source_at(f"{publisher.url}/news.xml.gz"))
    assert caught.value.reason == reason


def parse(text: str) -> list[Post]:
    return sitemap.parse(source_at("https://a.example/"), Document("https://a.example/", text.encode()))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("<html></html>", "no-sitemap"),
        ('<!DOCTYPE urlset [<!ENTITY a "b">]><urlset><url><loc>&a;</loc></url></urlset>', "entities"),
        (f"<urlset><url {'a' * 100_001}='1'/></urlset>", "attributes"),
    ],
)
def test_what_is_no_sitemap_is_said(text: str, reason: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse(text)
    assert caught.value.reason == reason


def test_a_plain_sitemap_names_the_newest_pages_and_a_news_sitemap_its_news() -> None:
    many = "".join(
        f"<url><loc>https://a.example/{n}</loc><lastmod>20{n // 400 + 20}-01-01</lastmod></url>" for n in range(1200)
    )
    posts = parse(f"<urlset>{many}</urlset>")
    assert len(posts) == sitemap.MOST_POSTS and posts[-1].link == "https://a.example/1199"
    mixed = news_sitemap([*ITEMS, Item("", "https://news.example/about")])
    assert len(parse(mixed)) == 2


@settings(max_examples=40)
@given(st.lists(st.sampled_from([
    "<url>", "</url>", "<loc>", "https://a.example/", "http://[", "</loc>", "<news:title>", "x", "</news:title>", "&",
    "<lastmod>", "2026", "99999999999", "<!--", "-->", "<![CDATA[", "]]>", "<image:image>", "</urlset>", "<?p", "\x00",
]), max_size=20))  # fmt: skip
def test_markup_in_any_order_gives_posts_or_the_one_error(pieces: list[str]) -> None:
    with contextlib.suppress(SourceError):
        parse("<urlset>" + "".join(pieces))
    sitemap.chosen("".join(["<sitemapindex><sitemap>", *pieces, "</sitemap>"]).encode())
