"""A WordPress site is read by its REST API, and by its feed where the API refuses."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import httpx
import pytest

import reader
from config.settings import Fetch
from errors import SourceError
from models import Kind, Post, Source
from sources import fetch, kinds
from sources.documents import Fetched, Unchanged
from tests.fakes.publisher import FakePublisher, Item, rss, wordpress

SETTINGS = Fetch(timeout=2.0, allow_networks=("127.0.0.0/8",))
ITEMS = [
    Item("소금 & 후추", "https://news.example/2", "https://news.example/?p=2&x=1",
         datetime(2026, 6, 17, 5, 5, tzinfo=UTC), "<p>본문 둘.</p>", ("외교 & 안보",), picture="https://news.example/2.jpg"),
    Item("소식 하나", "https://news.example/1", "https://news.example/?p=1", datetime(2026, 6, 17, 5, 0, tzinfo=UTC),
         "<p>본문 하나.</p>"),
]  # fmt: skip


@pytest.fixture
def publisher() -> Iterator[FakePublisher]:
    with FakePublisher() as made:
        made.set("/blog/wp-json/wp/v2/posts", wordpress(ITEMS), "application/json")
        made.set("/blog/feed/", rss("Blog", ITEMS))
        yield made


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with fetch.client(SETTINGS, "0.1.0") as made:
        yield made


def source_at(publisher: FakePublisher) -> Source:
    return Source("blog", "blog", Kind.WORDPRESS, f"{publisher.url}/blog")


def front_page(publisher: FakePublisher, api: str, *, in_header: bool) -> None:
    link = f'<{api}>; rel="https://api.w.org/", <x>; rel="next"'
    tag = "" if in_header else f'<link rel="https://api.w.org/" href="{api}" />'
    headers = {"Link": link} if in_header else {}
    publisher.set("/blog", f"<html><head>{tag}</head><body>Blog</body></html>", "text/html", headers=headers)


async def look(http: httpx.AsyncClient, source: Source, validators: object = None) -> tuple[list[Post], Fetched]:
    known = validators.validators if isinstance(validators, Fetched) else {}
    fetched = await kinds.fetch(http, source, known, SETTINGS, trusted=True)
    assert isinstance(fetched, Fetched)
    return [post for post, _ in reader.parse(source, fetched.documents)], fetched


@pytest.mark.parametrize("in_header", [True, False])
@pytest.mark.parametrize("api", ["wp-json/", "index.php?rest_route=/"])
async def test_the_api_is_where_the_site_says(
    publisher: FakePublisher, http: httpx.AsyncClient, api: str, in_header: bool
) -> None:
    front_page(publisher, f"{publisher.url}/blog/{api}", in_header=in_header)
    publisher.set("/blog/index.php", wordpress(ITEMS), "application/json")
    source = source_at(publisher)
    posts, fetched = await look(http, source)
    assert [post.title for post in posts] == ["소식 하나", "소금 & 후추"]
    asked = publisher.requests[-1]
    assert asked.query["_embed"] and (asked.path.endswith("/wp/v2/posts") or "wp/v2/posts" in asked.query["rest_route"])
    newest = posts[-1]
    assert (newest.link, newest.html, newest.image) == (
        "https://news.example/2", "<p>본문 둘.</p>", "https://news.example/2.jpg",
    )  # fmt: skip
    assert newest.categories == ("외교 & 안보",) and newest.published == ITEMS[0].published
    assert await kinds.fetch(http, source, fetched.validators, SETTINGS, trusted=True) == Unchanged()
    assert len(publisher.requests) == 3, "the API is not looked for again, and asked for changes only"


async def test_the_api_is_tried_where_it_usually_is(publisher: FakePublisher, http: httpx.AsyncClient) -> None:
    publisher.set("/blog", "<html></html>", "text/html")
    assert len((await look(http, source_at(publisher)))[0]) == 2
    publisher.set("/blog", "no", status=403)
    assert len((await look(http, source_at(publisher)))[0]) == 2
    assert publisher.requests[-1].path == "/blog/wp-json/wp/v2/posts"


@pytest.mark.parametrize("answer", ["401", "404", "a page", "an object"])
async def test_where_the_api_refuses_its_feed_is_read_and_posts_keep_their_keys(
    publisher: FakePublisher, http: httpx.AsyncClient, answer: str
) -> None:
    front_page(publisher, f"{publisher.url}/blog/wp-json/", in_header=True)
    source = source_at(publisher)
    by_api, first = await look(http, source)
    body = {"a page": "<html></html>", "an object": '{"code": "rest_disabled"}'}.get(answer, "no")
    publisher.set("/blog/wp-json/wp/v2/posts", body, status=int(answer) if answer.isdigit() else 200)
    by_feed, second = await look(http, source, first)
    assert [post.key for post in by_feed] == [post.key for post in by_api]
    asked = len(publisher.requests)
    assert isinstance(await kinds.fetch(http, source, second.validators, SETTINGS, trusted=True), Unchanged)
    assert len(publisher.requests) == asked + 1, "the way is not looked for at each read"


async def test_trouble_that_passes_changes_nothing(publisher: FakePublisher, http: httpx.AsyncClient) -> None:
    front_page(publisher, f"{publisher.url}/blog/wp-json/", in_header=True)
    _, first = await look(http, source_at(publisher))
    publisher.fault("/blog/wp-json/wp/v2/posts", "503")
    with pytest.raises(SourceError, match="has trouble"):
        await kinds.fetch(http, source_at(publisher), first.validators, SETTINGS, trusted=True)
    assert publisher.requests[-1].path == "/blog/wp-json/wp/v2/posts"


async def test_an_api_on_another_host_gets_no_trust(publisher: FakePublisher, http: httpx.AsyncClient) -> None:
    with FakePublisher() as inside:
        inside.set("/wp-json/wp/v2/posts", wordpress(ITEMS), "application/json")
        front_page(publisher, f"{inside.url}/wp-json/", in_header=True)
        with pytest.raises(SourceError, match="not a public address"):
            await kinds.fetch(http, source_at(publisher), {}, SETTINGS, trusted=True)
        assert inside.requests == []
