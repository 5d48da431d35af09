"""The only HTTP to publishers, against a publisher on loopback that fails in every way."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from config.settings import Fetch
from errors import SourceError
from sources import fetch
from sources.documents import Fetched, Unchanged
from tests.fakes.publisher import FakePublisher

SETTINGS = Fetch(timeout=1.0, allow_networks=("127.0.0.0/8",))


@pytest.fixture
def publisher() -> Iterator[FakePublisher]:
    with FakePublisher() as made:
        made.set("/feed.xml", "<rss></rss>", headers={"Cache-Control": "max-age=120"})
        yield made


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with fetch.client(SETTINGS, "0.1.0") as made:
        yield made


async def test_a_changed_document_comes_with_validators_and_the_next_one_is_asked_for_changes_only(
    publisher: FakePublisher, http: httpx.AsyncClient
) -> None:
    url = f"{publisher.url}/feed.xml"
    first = await fetch.fetch(http, url, {}, SETTINGS, trusted=True)
    assert isinstance(first, Fetched) and first.documents[0].body == b"<rss></rss>" and first.fresh_for == 120
    assert first.documents[0].charset == "utf-8"
    second = await fetch.fetch(http, url, first.validators, SETTINGS, trusted=True)
    assert second == Unchanged(120)
    assert publisher.requests[-1].status == 304
    assert publisher.requests[-1].headers["If-Modified-Since"]
    assert "Sokbo/" in publisher.requests[-1].headers["User-Agent"]


async def test_a_publisher_without_validators_is_recognised_by_its_bytes(
    publisher: FakePublisher, http: httpx.AsyncClient
) -> None:
    url = f"{publisher.url}/feed.xml"
    first = await fetch.fetch(http, url, {}, SETTINGS, trusted=True)
    assert isinstance(first, Fetched)
    assert await fetch.fetch(http, url, {"body": first.validators["body"]}, SETTINGS, trusted=True) == Unchanged(120)


async def test_a_304_that_nobody_asked_for_is_no_successful_read(
    publisher: FakePublisher, http: httpx.AsyncClient
) -> None:
    publisher.set("/feed.xml", "", status=304)
    with pytest.raises(SourceError) as caught:
        await fetch.fetch(http, f"{publisher.url}/feed.xml", {}, SETTINGS, trusted=True)
    assert caught.value.reason == "http-304"


@pytest.mark.parametrize(
    ("kind", "detail", "reason", "words"),
    [
        ("404", {}, "http-404", "not found there"),
        ("403", {}, "http-403", "refuses us"),
        ("401", {}, "http-401", "password"),
        ("410", {}, "http-410", "gone for good"),
        ("418", {}, "http-418", "it answers 418"),
        ("503", {}, "http-503", "has trouble"),
        ("429", {"retry_after": 90}, "http-429", "less often"),
        ("truncated", {}, "cut", "cut off"),
        ("reset", {}, "network", "connection failed"),
        ("hang", {}, "timeout", "within 1 s"),
        ("slow", {"seconds": 3}, "timeout", "within 1 s"),
        ("huge", {"size": 6_000_000}, "too-large", "larger than 5,000,000 bytes"),
        ("gzip_bomb", {"size": 60_000_000}, "too-large", "larger than"),
        ("redirect", {"to": "ftp://a.example/x"}, "redirect", "not a web address"),
    ],
)
async def test_what_goes_wrong_is_said_in_words(
    publisher: FakePublisher, http: httpx.AsyncClient, kind: str, detail: dict[str, Any], reason: str, words: str
) -> None:
    publisher.fault("/feed.xml", kind, **detail)
    with pytest.raises(SourceError, match=words) as caught:
        await fetch.fetch(http, f"{publisher.url}/feed.xml", {}, SETTINGS, trusted=True)
    assert caught.value.reason == reason
    assert caught.value.retry_after == detail.get("retry_after")


async def test_nobody_at_the_address_is_said_in_words(http: httpx.AsyncClient) -> None:
    with pytest.raises(SourceError, match="nobody answers"):
        await fetch.fetch(http, "http://127.0.0.1:9/feed", {}, SETTINGS, trusted=True)


async def test_only_permanent_redirects_are_remembered(publisher: FakePublisher, http: httpx.AsyncClient) -> None:
    for status, remembered in ((302, None), (307, None), (301, "/feed.xml"), (308, "/feed.xml")):
        publisher.fault("/old.xml", "redirect", to="/feed.xml", status=status)
        fetched = await fetch.fetch(http, f"{publisher.url}/old.xml", {}, SETTINGS, trusted=True)
        assert isinstance(fetched, Fetched)
        moved = fetched.validators.get("moved_to")
        assert moved == (remembered and f"{publisher.url}{remembered}")


async def test_a_circle_of_redirects_ends(publisher: FakePublisher, http: httpx.AsyncClient) -> None:
    publisher.fault("/a.xml", "redirect", times=20, to="/a.xml")
    with pytest.raises(SourceError, match="redirects in a row"):
        await fetch.fetch(http, f"{publisher.url}/a.xml", {}, SETTINGS, trusted=True)
    assert len(publisher.requests) <= 7


async def test_a_dripping_publisher_cannot_hold_us(publisher: FakePublisher, http: httpx.AsyncClient) -> None:
    publisher.fault("/feed.xml", "slow", seconds=30)
    began = time.monotonic()
    with pytest.raises(SourceError):
        await fetch.fetch(http, f"{publisher.url}/feed.xml", {}, SETTINGS, trusted=True)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(("size", "asked"), [(400_000, 0), (3_000_000, 1)])
async def test_a_large_body_waits_for_its_turn_and_its_publisher_is_not_blamed(
    publisher: FakePublisher, http: httpx.AsyncClient, size: int, asked: int
) -> None:
    turns: list[float] = []

    async def turn() -> None:
        turns.append(time.monotonic())
        await asyncio.sleep(1.5)  # longer than a publisher may take

    publisher.fault("/feed.xml", "huge", size=size)
    url = f"{publisher.url}/feed.xml"
    fetched = await fetch.fetch(http, url, {}, SETTINGS, trusted=True, large=turn)
    assert isinstance(fetched, Fetched)
    assert len(fetched.documents[0].body) == size
    assert len(turns) == asked


def test_retry_after_is_read_in_both_forms() -> None:
    now = datetime(2026, 6, 17, 5, 0, tzinfo=UTC)
    assert fetch.retry_after("90") == 90
    assert fetch.retry_after(format_datetime(now.replace(minute=2), usegmt=True), now) == 120
    assert fetch.retry_after(format_datetime(now.replace(hour=4), usegmt=True), now) == 0
    assert fetch.retry_after("99999999") == 86400
    assert fetch.retry_after("²") is None
    assert fetch.retry_after("soon") is None and fetch.retry_after("") is None
