"""The address of any page of a site leads to what of it can be watched."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import Fetch
from errors import SourceError
from models import Kind
from sources import discovery, fetch
from sources.documents import Document
from sources.fetch import Fetching
from tests.fakes.publisher import FakePublisher, Item, atom, news_sitemap, rss, wordpress
from worker import in_a_thread

SETTINGS = Fetch(timeout=1.0, allow_networks=("127.0.0.0/8",))
ITEMS = [Item("소식", "https://news.example/1", "1")]
FEED = rss("News", ITEMS)


@pytest.fixture
def publisher() -> Iterator[FakePublisher]:
    with FakePublisher() as made:
        yield made


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with fetch.client(SETTINGS, "0.1.0") as made:
        yield made


def page(publisher: FakePublisher, *links: str, path: str = "/") -> None:
    head = "".join(f'<link rel="alternate" {link}>' for link in links)
    publisher.set(path, f"<!DOCTYPE html><html><head>{head}</head><body>News</body></html>", "text/html")


async def find(http: httpx.AsyncClient, url: str) -> tuple[str, Kind, str]:
    found = await discovery.find(Fetching(http, SETTINGS, trusted=True), url, in_a_thread)
    return found.url, found.kind, found.how


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (FEED, Kind.FEED),
        (atom("News", ITEMS), Kind.FEED),
        ('{"items": []}', Kind.FEED),
        (news_sitemap(ITEMS), Kind.SITEMAP),
    ],
)
async def test_what_can_be_watched_is_taken_as_it_is(
    publisher: FakePublisher, http: httpx.AsyncClient, body: str, kind: Kind
) -> None:
    publisher.set("/it", body, "text/html")
    assert await find(http, f"{publisher.url}/it") == (f"{publisher.url}/it", kind, "itself")
    assert len(publisher.requests) == 1


async def test_the_feed_that_a_page_names_is_taken_and_that_of_comments_last(
    publisher: FakePublisher, http: httpx.AsyncClient
) -> None:
    page(
        publisher,
        'type="application/rss+xml" title="Comments" href="/comments.xml"',
        'type="application/atom+xml" href="/gone.xml"',
        'type="application/rss+xml" href="news.xml"',
        path="/a/b.html",
    )
    publisher.set("/comments.xml", FEED)
    publisher.set("/a/news.xml", FEED)
    assert await find(http, f"{publisher.url}/a/b.html") == (f"{publisher.url}/a/news.xml", Kind.FEED, "link")


@pytest.mark.parametrize("place", ["/feed", "/rss", "/rss.xml", "/atom.xml", "/feed.xml", "/index.xml", "/blog/feed"])
async def test_where_the_page_names_none_the_usual_places_are_tried(
    publisher: FakePublisher, http: httpx.AsyncClient, place: str
) -> None:
    page(publisher, path="/blog/")
    publisher.set(place, FEED)
    assert await find(http, f"{publisher.url}/blog/") == (f"{publisher.url}{place}", Kind.FEED, "place")


async def test_a_wordpress_without_feeds_is_found(publisher: FakePublisher, http: httpx.AsyncClient) -> None:
    page(publisher)
    publisher.set("/wp-json/wp/v2/posts", wordpress(ITEMS), "application/json")
    assert await find(http, f"{publisher.url}/") == (f"{publisher.url}/", Kind.WORDPRESS, "wordpress")


async def test_where_there_is_nothing_that_is_said_with_what_was_tried(
    publisher: FakePublisher, http: httpx.AsyncClient
) -> None:
    page(publisher, 'type="application/rss+xml" href="/page2"')
    page(publisher, path="/page2")
    with pytest.raises(SourceError, match=r"usual places \(/feed, .*wp-json"):
        await find(http, f"{publisher.url}/")
    assert len(publisher.requests) < 12
    with pytest.raises(SourceError, match="404"):
        await find(http, f"{publisher.url}/missing")


async def test_a_site_that_falls_silent_is_not_asked_at_a_dozen_places(
    publisher: FakePublisher, http: httpx.AsyncClient
) -> None:
    page(publisher)
    publisher.fault("/feed", "hang")
    with pytest.raises(SourceError, match="within"):
        await find(http, f"{publisher.url}/")
    assert len(publisher.requests) == 2


async def test_a_page_leads_into_no_other_network(publisher: FakePublisher, http: httpx.AsyncClient) -> None:
    with FakePublisher() as inside:
        inside.set("/feed.xml", FEED)
        page(publisher, f'type="application/rss+xml" href="{inside.url}/feed.xml"')
        with pytest.raises(SourceError, match="usual places"):
            await find(http, f"{publisher.url}/")
        assert inside.requests == []


@settings(max_examples=40)
@given(
    st.binary(max_size=200) | st.sampled_from([b"[", b"{", b'{"items": 7}', b"<link rel=alternate href='http://['>"])
)
def test_bytes_of_any_kind_are_looked_at(body: bytes) -> None:
    discovery.look_at(Document("https://a.example/", body))
