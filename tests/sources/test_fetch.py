"""The only HTTP to publishers, against a publisher on loopback that fails in every way."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
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
    publisher.set("/bare.xml", "<rss></rss>", headers={"ETag": "", "Last-Modified": "", "Cache-Control": "max-age=120"})
    url = f"{publisher.url}/bare.xml"
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
        ("reset", {"times": 2}, "network", "connection failed"),
        ("hang", {}, "timeout", "within 1 s"),
        ("slow", {"seconds": 3}, "timeout", "within 1 s"),
        ("huge", {"size": 6_000_000}, "too-large", "larger than 5,000,000 bytes"),
        ("gzip_bomb", {"size": 60_000_000}, "too-large", "larger than"),
        ("redirect", {"to": "ftp://a.example/x"}, "redirect", "not a web address"),
        ("redirect", {"to": "//["}, "redirect", "not a web address"),
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


def memory(answers: list[httpx.Response]) -> tuple[httpx.AsyncClient, list[httpx.Request]]:
    """A publisher in memory: one answer after the other."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answers.pop(0)

    return httpx.AsyncClient(transport=httpx.MockTransport(answer)), asked


def page(headers: Mapping[str, str], body: bytes = b"<rss></rss>") -> httpx.Response:
    return httpx.Response(200, stream=httpx.ByteStream(body), headers=headers)


URL = "https://news.example/feed.xml"
NOON = datetime(2026, 6, 17, 12, 0, tzinfo=UTC)


async def ask(
    http: httpx.AsyncClient, known: Mapping[str, Any], hours: float = 0.0, url: str = URL
) -> Fetched | Unchanged:
    return await fetch.fetch(http, url, known, SETTINGS, now=NOON + timedelta(hours=hours))


async def test_a_publisher_that_says_unchanged_of_what_changed_is_found_out() -> None:
    """Every three hours the whole document is asked for; if the ETag lied, nothing else is asked for a week."""
    tag = {"ETag": '"always"'}
    http, asked = memory([page(tag), httpx.Response(304, headers=tag), page(tag, b"<rss>new</rss>")])
    first = await ask(http, {})
    assert isinstance(first, Fetched) and not fetch.was_unfaithful({}, first.validators)
    assert await ask(http, first.validators, 2.9) == Unchanged()
    whole = await ask(http, first.validators, 3.1)
    assert isinstance(whole, Fetched) and fetch.was_unfaithful(first.validators, whole.validators)
    assert [("if-none-match" in request.headers) for request in asked] == [False, True, False]
    suspected = fetch.distrusting(whole.validators, NOON)
    http, asked = memory([page(tag, b"<rss>new</rss>"), page(tag, b"<rss>newer</rss>")])
    again = await ask(http, suspected, 4)
    assert isinstance(again, Unchanged)
    newer = await ask(http, suspected, 5)
    assert isinstance(newer, Fetched) and newer.validators["distrusted_until"] == suspected["distrusted_until"]
    assert not any("if-none-match" in request.headers for request in asked)


async def test_a_whole_document_that_is_as_it_was_is_noted_so_that_changes_are_asked_for_again() -> None:
    tag = {"ETag": '"one"'}
    http, asked = memory([page(tag), page(tag), httpx.Response(304)])
    first = await ask(http, {})
    assert isinstance(first, Fetched)
    whole = await ask(http, first.validators, 3.1)
    assert isinstance(whole, Unchanged) and whole.validators is not None
    assert await ask(http, whole.validators, 3.2) == Unchanged()
    assert [("if-none-match" in request.headers) for request in asked] == [False, False, True]


async def test_a_304_may_bring_a_new_etag_and_says_nothing_of_freshness_when_nothing_changed() -> None:
    http, _ = memory(
        [
            page({"ETag": '"one"', "Cache-Control": "max-age=600"}),
            httpx.Response(304, headers={"ETag": '"two"'}),
            page({}),
        ]
    )
    first = await ask(http, {})
    assert isinstance(first, Fetched)
    second = await ask(http, first.validators)
    assert isinstance(second, Unchanged) and second.fresh_for == 600
    assert second.validators is not None and second.validators["etag"] == '"two"'


async def test_a_page_that_changed_in_the_second_of_its_answer_is_asked_for_again_unless_an_etag_tells() -> None:
    fresh = {"Date": "Wed, 17 Jun 2026 12:00:00 GMT", "Last-Modified": "Wed, 17 Jun 2026 12:00:00 GMT"}
    older = {**fresh, "Last-Modified": "Wed, 17 Jun 2026 11:59:58 GMT"}
    http, _ = memory([page(fresh), page(older), page({**fresh, "ETag": '"one"'})])
    kept = [await ask(http, {}) for _ in range(3)]
    assert ["last_modified" in (one.validators or {}) for one in kept] == [False, True, True]


async def test_what_the_document_asks_for_is_kept_with_its_validators() -> None:
    http, _ = memory(
        [page({"Expires": "Wed, 17 Jun 2026 12:10:00 GMT"}, b"<rss><channel><ttl>30</ttl></channel></rss>")]
    )
    fetched = await ask(http, {})
    assert isinstance(fetched, Fetched) and fetched.fresh_for == 600
    assert fetched.validators["ttl"] == 1800 and fetched.validators["fresh_for"] == 600


async def test_a_time_to_come_back_is_told_by_the_publishers_own_clock() -> None:
    headers = {"Retry-After": "Wed, 17 Jun 2026 07:02:00 GMT", "Date": "Wed, 17 Jun 2026 07:00:00 GMT"}
    http, _ = memory([httpx.Response(503, headers=headers)])
    with pytest.raises(SourceError) as caught:
        await ask(http, {})
    assert caught.value.retry_after == 120


@pytest.mark.parametrize(
    ("status", "headers", "reason", "words"),
    [
        (403, {"Server": "cloudflare", "CF-Mitigated": "challenge"}, "bot-wall", r"\(Cloudflare\) refuses us \(403\)"),
        (503, {"Server": "ddos-guard"}, "bot-wall", "DDoS-Guard"),
        (429, {"X-DataDome": "protected"}, "bot-wall", "DataDome"),
        (404, {"Server": "cloudflare"}, "http-404", "not found"),
        (403, {"Server": "nginx"}, "http-403", "refuses us"),
    ],
)
async def test_a_wall_against_bots_is_named(status: int, headers: dict[str, str], reason: str, words: str) -> None:
    http, _ = memory([httpx.Response(status, headers=headers)])
    with pytest.raises(SourceError, match=words) as caught:
        await ask(http, {})
    assert caught.value.reason == reason


async def test_a_way_from_https_to_http_is_not_followed() -> None:
    http, asked = memory([httpx.Response(301, headers={"Location": "http://news.example/feed.xml"})])
    with pytest.raises(SourceError, match="from https to http") as caught:
        await ask(http, {})
    assert caught.value.reason == "downgrade" and len(asked) == 1
    http, asked = memory([httpx.Response(301, headers={"Location": "https://news.example/new.xml"}), page({})])
    fetched = await ask(http, {}, url="http://news.example/feed.xml")
    assert isinstance(fetched, Fetched) and fetched.validators["moved_to"] == "https://news.example/new.xml"


async def test_gzip_of_several_members_is_read_to_its_end_and_stays_within_the_limit() -> None:
    members = gzip.compress(b"<rss>") + gzip.compress(b"a" * 1000) + gzip.compress(b"</rss>")
    for body in (members, members + b"\x00" * 9):
        http, _ = memory([page({"Content-Encoding": "gzip"}, body)])
        fetched = await ask(http, {})
        assert isinstance(fetched, Fetched) and fetched.documents[0].body == b"<rss>" + b"a" * 1000 + b"</rss>"
    bomb = gzip.compress(b"<rss>") + gzip.compress(b" " * 20_000_000)
    http, _ = memory(
        [page({"Content-Encoding": "gzip"}, bomb), page({"Content-Encoding": "x-gzip"}, gzip.compress(b"") * 2000)]
    )
    for reason in ("too-large", "gzip"):
        with pytest.raises(SourceError) as caught:
            await ask(http, {})
        assert caught.value.reason == reason


async def test_what_comes_packed_in_another_way_is_refused_unread() -> None:
    http, asked = memory([page({"Content-Encoding": "br"}, b"\x00" * 100)])
    with pytest.raises(SourceError, match=r"not asked for \(br\)"):
        await ask(http, {})
    assert asked[0].headers["Accept-Encoding"] != ""


async def test_only_what_can_be_bounded_while_it_is_unpacked_is_asked_for(
    publisher: FakePublisher, http: httpx.AsyncClient
) -> None:
    await fetch.fetch(http, f"{publisher.url}/feed.xml", {}, SETTINGS, trusted=True)
    assert publisher.requests[0].headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize(("per_host", "most"), [(1, 1), (3, 3)])
async def test_a_host_is_asked_for_one_thing_at_a_time_and_nobody_is_blamed_for_waiting(
    publisher: FakePublisher, per_host: int, most: int
) -> None:
    """Redirects from elsewhere count: whatever leaves, waits its turn at the host."""
    settings = Fetch(timeout=1, allow_networks=("127.0.0.0/8",), per_host=per_host)
    at_once, highest = [0], [0]

    def begun(_: Any) -> None:
        at_once[0] += 1
        highest[0] = max(highest[0], at_once[0])

    publisher.on("received", begun)
    publisher.on("replied", lambda _: at_once.__setitem__(0, at_once[0] - 1))
    with FakePublisher() as elsewhere:
        publisher.fault("/feed.xml", "slow", seconds=0.25, times=6)
        elsewhere.fault("/feed.xml", "redirect", times=3, to=f"{publisher.url}/feed.xml")
        async with fetch.client(settings, "0.1.0") as http:
            urls = [publisher.url] * 3 + [elsewhere.url] * 3
            calls = (fetch.fetch(http, f"{url}/feed.xml", {}, settings, trusted=True) for url in urls)
            found = await asyncio.gather(*calls)
    assert len(found) == 6 and highest[0] == most


async def test_a_request_that_is_given_up_leaves_its_turn(publisher: FakePublisher) -> None:
    settings = Fetch(timeout=0.2, allow_networks=("127.0.0.0/8",))
    publisher.fault("/feed.xml", "hang")
    async with fetch.client(settings, "0.1.0") as http:
        with pytest.raises(SourceError, match="no full answer"):
            await fetch.fetch(http, f"{publisher.url}/feed.xml", {}, settings, trusted=True)
        assert isinstance(await fetch.fetch(http, f"{publisher.url}/feed.xml", {}, settings, trusted=True), Fetched)
