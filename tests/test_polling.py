"""Many sources beside each other: what is read when, and who must not wait for whom. Publishers in memory."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

import bot
import pipeline
from config.settings import Settings
from models import Kind, Source
from pipeline import Desk, Poller
from storage import sources as stored
from storage.sources import Watched
from tests.conftest import Clock
from tests.fakes.publisher import Item, rss
from worker import Workers

FEED = rss("소식", [Item("소식 1호", link="https://a.example/1", guid="g1")]).encode()


class Publishers:
    """Whole hosts in memory. Those in `gates` answer when their gate opens; `asked` and `most` count requests."""

    def __init__(self) -> None:
        self.gates: dict[str, asyncio.Event] = {}
        self.asked: list[str] = []
        self.at_once: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.changed = asyncio.Condition()
        self.answer: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(200, content=FEED)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        self.at_once[host] += 1
        self.most[host] = max(self.most[host], self.at_once[host])
        self.asked.append(str(request.url))
        async with self.changed:
            self.changed.notify_all()
        if host in self.gates:
            await self.gates[host].wait()
        self.at_once[host] -= 1
        made = self.answer(request)
        return httpx.Response(made.status_code, headers=made.headers, stream=httpx.ByteStream(made.content))

    async def wait_for(self, count: int) -> None:
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(lambda: len(self.asked) >= count), 10)


@pytest.fixture
def publishers(desk: Desk) -> Publishers:
    made = Publishers()
    desk.http = httpx.AsyncClient(transport=httpx.MockTransport(made))
    return made


def feed(source_id: str, url: str, every: float | None = 60.0) -> Source:
    return Source(source_id, source_id, Kind.FEED, url, every=every)


async def declare(desk: Desk, *sources: Source) -> None:
    async with desk.database.write() as tx:
        await stored.declare(tx, sources, desk.now(), 60)


async def one(desk: Desk, source_id: str) -> Watched:
    async with desk.database.read() as connection:
        found = await stored.one(connection, source_id)
    assert found is not None
    return found


async def read(desk: Desk, source_id: str) -> Watched:
    await pipeline.poll(desk, await one(desk, source_id))
    return await one(desk, source_id)


async def test_a_slow_host_with_many_sources_is_asked_one_at_a_time_and_delays_nobody(
    desk: Desk, publishers: Publishers
) -> None:
    publishers.gates["slow.example"] = asyncio.Event()
    slow = [feed(f"slow-{number}", f"https://slow.example/{number}") for number in range(200)]
    quick = [feed(f"quick-{number}", f"https://quick-{number}.example/") for number in range(40)]
    await declare(desk, *slow)
    desk.now.forward(1)  # type: ignore[attr-defined]  # all of the slow host's are overdue longer
    await declare(desk, *slow, *quick)
    polling = asyncio.create_task(Poller(desk).run())
    await publishers.wait_for(41)
    assert sum("slow" in url for url in publishers.asked) == 1
    publishers.gates["slow.example"].set()
    await publishers.wait_for(46)
    assert publishers.most["slow.example"] == 1
    desk.stopping.set()
    await polling


async def test_more_requests_to_a_host_at_a_time_where_the_configuration_allows_it(
    desk: Desk, publishers: Publishers
) -> None:
    fetch = desk.settings.fetch.model_copy(update={"per_host": 3})
    desk.settings = desk.settings.model_copy(update={"fetch": fetch})
    publishers.gates["a.example"] = asyncio.Event()
    await declare(desk, *(feed(f"s{number}", f"https://a.example/{number}") for number in range(9)))
    polling = asyncio.create_task(Poller(desk).run())
    await publishers.wait_for(3)
    publishers.gates["a.example"].set()
    await publishers.wait_for(9)
    assert publishers.most["a.example"] == 3
    desk.stopping.set()
    await polling


async def test_a_source_with_every_is_read_on_time_and_only_errors_and_retry_after_make_it_later(
    desk: Desk, publishers: Publishers, clock: Clock
) -> None:
    await declare(desk, feed("a", "https://a.example/", every=100.0))
    publishers.answer = lambda _: httpx.Response(200, headers={"Cache-Control": "max-age=9999"}, content=FEED)
    for _ in range(4):
        began, after = clock(), await read(desk, "a")
        assert timedelta(seconds=90) <= after.next_at - began < timedelta(seconds=100)
        clock.time = after.next_at
    publishers.answer = lambda _: httpx.Response(429, headers={"Retry-After": "500"})
    after = await read(desk, "a")
    assert timedelta(seconds=500) <= after.next_at - clock() <= timedelta(seconds=525)
    publishers.answer = lambda _: httpx.Response(500)
    waits = [(await read(desk, "a")).next_at - clock() for _ in range(3)]
    assert [wait.total_seconds() // 10 for wait in waits] == pytest.approx([20, 40, 80], rel=0.12)
    publishers.answer = lambda _: httpx.Response(200, content=FEED)
    after = await read(desk, "a")
    assert after.failures == 0 and after.next_at - clock() < timedelta(seconds=100)


async def test_validators_stand_in_the_database_and_outlive_a_restart(desk: Desk, publishers: Publishers) -> None:
    await declare(desk, feed("a", "https://a.example/"))
    seen: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(
            200, content=FEED, headers={"ETag": '"one"', "Last-Modified": "Mon, 01 Jun 2026 00:00:00 GMT"}
        )

    publishers.answer = answer
    await read(desk, "a")
    again = Desk(desk.database, desk.http, desk.settings, {}, desk.now, "another process")
    await pipeline.poll(again, await one(desk, "a"))
    assert seen[1]["If-None-Match"] == '"one"' and seen[1]["If-Modified-Since"].startswith("Mon, 01 Jun")


async def test_a_source_that_moved_for_good_is_asked_at_its_new_place_and_again_at_its_old_one_when_that_is_lost(
    desk: Desk, publishers: Publishers
) -> None:
    await declare(desk, feed("a", "https://a.example/feed"))
    new_place = 200

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/feed":
            return httpx.Response(301, headers={"Location": "/new"})
        return httpx.Response(new_place, content=FEED)

    publishers.answer = answer
    await read(desk, "a")
    await read(desk, "a")
    assert [url.rpartition("/")[2] for url in publishers.asked] == ["feed", "new", "new"]
    new_place = 410
    after = await read(desk, "a")
    assert not after.paused  # gone is the place to which it moved: its own is asked before it is stopped
    publishers.answer = lambda _: httpx.Response(200, content=FEED)
    after = await read(desk, "a")
    assert publishers.asked[-1] == "https://a.example/feed" and after.problem == ""
    publishers.answer = lambda _: httpx.Response(410)
    after = await read(desk, "a")
    assert after.paused and "gone for good" in after.problem


async def test_a_move_is_not_believed_before_something_was_read_at_the_new_place(
    desk: Desk, publishers: Publishers
) -> None:
    await declare(desk, feed("a", "https://a.example/feed"))
    publishers.answer = lambda request: (
        httpx.Response(301, headers={"Location": "https://login.example/"})
        if request.url.host == "a.example"
        else httpx.Response(200, content=b"<!doctype html><html>Sign in</html>")
    )
    after = await read(desk, "a")
    assert "web page" in after.problem and after.validators == {}


async def test_a_publisher_whose_etag_lies_is_asked_for_the_whole_from_then_on(
    desk: Desk, publishers: Publishers, clock: Clock
) -> None:
    await declare(desk, feed("a", "https://a.example/", every=600.0))
    items = [Item("소식 1호", guid="g1")]

    def answer(request: httpx.Request) -> httpx.Response:
        if "if-none-match" in request.headers:
            return httpx.Response(304)
        return httpx.Response(200, content=rss("소식", items).encode(), headers={"ETag": '"lie"'})

    publishers.answer = answer
    await read(desk, "a")
    items.append(Item("소식 2호", guid="g2"))
    assert (await read(desk, "a")).last_new_at == (await one(desk, "a")).added_at
    clock.forward(3 * 3600 + 1)
    assert (await read(desk, "a")).last_new_at == clock()
    items.append(Item("소식 3호", guid="g3"))
    clock.forward(600)
    assert (await read(desk, "a")).last_new_at == clock()


async def test_the_host_of_a_source_is_kept_and_changes_with_its_address(desk: Desk) -> None:
    source = feed("a", "https://News.example/feed")
    await declare(desk, source)
    assert (await one(desk, "a")).host == "news.example:443"
    await declare(desk, replace(source, url="http://news.example:8080/feed"))
    assert (await one(desk, "a")).host == "news.example:8080"
    await declare(desk, replace(source, kind=Kind.JEKYLL, url="site"))
    assert (await one(desk, "a")).host == "source a"


def processor_time(pid: int) -> int:
    """What a process has computed, in ticks, by the kernel's count."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


async def test_the_desk_of_a_running_bot_parses_in_worker_processes(settings: Settings) -> None:
    """The desk that `run` and every verb build: what it polls is computed in its workers, and never beside its loop."""
    async with bot._desk(settings) as desk:
        assert isinstance(desk.off_the_loop, Workers) and desk.off_the_loop.idle == []
        publishers = Publishers()
        publishers.answer = lambda _: httpx.Response(200, content=FEED)
        desk.http = httpx.AsyncClient(transport=httpx.MockTransport(publishers))
        await declare(desk, feed("a", "https://a.example/"))
        after = await read(desk, "a")
        assert after.read_once and after.problem == ""
        (worker,) = desk.off_the_loop.idle
        assert worker != os.getpid() and processor_time(worker) > 0
