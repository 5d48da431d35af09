"""Subscribing at a hub, and what it may and may not do to the news: a hub, a publisher and the desk between them."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import update

import hubs
import pipeline
from config.settings import Settings, load
from pipeline import Desk
from platforms.console import CHAT, Console
from sources import fetch, websub
from storage import archive, sources, tables
from storage import websub as stored
from storage.sources import Watched
from storage.websub import AtHub
from tests.bot import configuration
from tests.conftest import Clock
from tests.fakes.hub import FakeHub, Subscriber
from tests.fakes.publisher import FakePublisher, Item, rss
from tests.journeys.scene import item
from web.app import Site

EDITED = rss("소식", [replace(item(2), title="소식 0002호 (고침)"), item(1)]).encode()


@dataclass
class World:
    """A publisher whose feed names a hub, and a desk that hubs can reach."""

    publisher: FakePublisher
    hub: FakeHub
    listener: socket.socket
    items: list[Item] = field(default_factory=list)
    desk: Desk = field(init=False)

    @property
    def topic(self) -> str:
        return f"{self.publisher.url}/feed.xml"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def document(self, *new: Item) -> bytes:
        return rss("소식", [*reversed(new), *self.items]).encode()

    def publish(self, *new: Item, hub: str | None = None) -> bytes:
        """What stands at the publisher from now on; the hub is not told."""
        self.items = [*reversed(new), *self.items]
        named = hub or self.hub.address
        links = {"Link": f'<{named}>; rel="hub", <{self.topic}>; rel="self"'} if hub != "" else {}
        self.publisher.set("/feed.xml", self.document(), headers=links)
        return self.document()

    async def read(self, source_id: str = "news") -> int:
        return await pipeline.poll(self.desk, await self.watched(source_id))

    async def watched(self, source_id: str = "news") -> Watched:
        async with self.desk.database.read() as connection:
            watched = await sources.one(connection, source_id)
        assert watched is not None
        return watched

    async def tend(self) -> None:
        await hubs.compare(self.desk)
        await hubs.tend(self.desk)

    async def subscribe(self) -> Subscriber:
        """Read the feed, ask its hub, and wait until the hub has verified."""
        before = len(self.hub.verified)
        await self.read()
        await self.tend()
        wait = lambda: self.hub.wait_until(lambda: len(self.hub.verified) > before, what="for a verification")  # noqa: E731
        await asyncio.to_thread(wait)
        (subscriber,) = self.hub.subscribers.values()
        return subscriber

    async def push(self, body: bytes, topic: str = "") -> list[int]:
        return await asyncio.to_thread(self.hub.publish, topic or self.topic, body)

    async def at_hub(self) -> list[AtHub]:
        async with self.desk.database.read() as connection:
            return await stored.every_one(connection)

    async def headlines(self) -> list[str]:
        async with self.desk.database.read() as connection:
            return [alert.headline for alert in await archive.latest(connection, 20)]


@pytest.fixture
def world() -> Iterator[World]:
    with FakePublisher() as publisher, FakeHub() as hub, socket.create_server(("127.0.0.1", 0)) as listener:
        yield World(publisher, hub, listener)


@pytest.fixture
def table() -> dict[str, Any]:
    return {}


@pytest.fixture
def settings(tmp_path: Path, world: World, table: dict[str, Any]) -> Settings:
    file = tmp_path / "sokbo.toml"
    source = {"id": "news", "url": world.topic, **table}
    text = configuration(
        web={"public_url": f"{world.url}/"}, fetch={"allow_networks": ["127.0.0.0/8"]}, sources=[source]
    )
    file.write_text(text, encoding="utf-8")
    return load(file, {"SOKBO_DATABASE_URL": f"sqlite:///{tmp_path}/sokbo.db"})


@pytest.fixture(autouse=True)
async def served(world: World, desk: Desk) -> AsyncIterator[None]:
    world.desk = desk
    world.publish(item(1))
    async with desk.database.write() as tx:
        await sources.declare(tx, desk.settings.watched(), desk.now(), 60)
    site = Site(desk, Console(lambda alert, edited: None), CHAT, [], "0.1.0", wake=desk.wake)
    server = uvicorn.Server(uvicorn.Config(site.app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve(sockets=[world.listener]))
    yield
    server.should_exit = True
    await task


# -------------------------------------------------------------------------------------------------------- subscribing


async def test_a_feed_that_names_a_hub_is_subscribed_there(world: World) -> None:
    subscriber = await world.subscribe()
    assert world.hub.problems == []
    assert (subscriber.callback, subscriber.topic) == (f"{world.url}/websub/news", world.topic)
    assert 32 <= len(subscriber.secret) < 200
    (at_hub,) = await world.at_hub()
    assert at_hub.lease_until is not None and at_hub.pending == ""


@pytest.mark.parametrize("kind", ["early", "moved_to"])
async def test_hubs_that_verify_before_they_answer_or_send_us_elsewhere_are_understood(world: World, kind: str) -> None:
    setattr(world.hub, kind, True if kind == "early" else "/elsewhere")
    await world.subscribe()
    (at_hub,) = await world.at_hub()
    assert at_hub.lease_until is not None and at_hub.problem == ""


async def test_a_hub_that_has_trouble_is_asked_again_later_and_later(world: World, clock: Clock) -> None:
    world.hub.fails = [500, 404, 500]
    await world.read()
    waits = []
    for _ in range(3):
        await world.tend()
        (at_hub,) = await world.at_hub()
        waits.append((at_hub.next_at - clock()).total_seconds())
        await world.tend()
        clock.forward(waits[-1])
    assert waits == [60, 240, 960] and len(world.hub.asked) == 3
    assert "404" not in at_hub.problem and "500" in at_hub.problem
    await world.subscribe()


async def test_without_an_address_of_ours_no_hub_is_asked(world: World) -> None:
    quiet = world.desk.settings.model_copy(
        update={"web": world.desk.settings.web.model_copy(update={"public_url": ""})}
    )
    world.desk.settings = quiet
    await world.read()
    await world.tend()
    assert world.hub.asked == [] and await world.at_hub() == []


async def test_a_lease_is_renewed_before_its_end_with_the_same_secret(world: World, clock: Clock) -> None:
    world.hub.lease = 1000
    first = await world.subscribe()
    clock.forward(700)
    await world.tend()
    assert len(world.hub.asked) == 1
    clock.forward(60)
    again = await world.subscribe()
    assert again.secret == first.secret
    (at_hub,) = await world.at_hub()
    assert at_hub.lease_until is not None and (at_hub.lease_until - clock()).total_seconds() == 1000


async def test_a_feed_that_changes_its_hub_leaves_the_old_one(world: World) -> None:
    await world.subscribe()
    with FakeHub() as other:
        world.publish(item(2), hub=other.address)
        await world.read()
        await world.tend()
        await asyncio.to_thread(other.wait_for_subscribers, 1)
        await asyncio.to_thread(world.hub.wait_until, lambda: not world.hub.subscribers)
        (at_hub,) = await world.at_hub()
        assert at_hub.hub == other.address


@pytest.mark.parametrize("how", ["remove", "pause"])
async def test_a_source_that_is_not_read_any_more_is_unsubscribed(world: World, clock: Clock, how: str) -> None:
    await world.subscribe()
    async with world.desk.database.write() as tx:
        await (sources.remove(tx, "news") if how == "remove" else sources.pause(tx, "news", paused=True, now=clock()))
    await world.tend()
    await asyncio.to_thread(world.hub.wait_until, lambda: not world.hub.subscribers)
    assert world.hub.verified[-1].agreed and await world.at_hub() == []


async def test_a_hub_that_does_not_let_go_is_told_that_we_are_gone_and_forgotten(world: World, clock: Clock) -> None:
    subscriber = await world.subscribe()
    world.hub.mute = True
    async with world.desk.database.write() as tx:
        await sources.remove(tx, "news")
    await world.tend()
    assert await world.push(world.document(item(2))) == [410]
    assert world.hub.gone == [subscriber.callback]
    for _ in range(3):
        clock.forward(1000)
        await world.tend()
    assert await world.at_hub() == [] and len(world.hub.asked) == 4


async def test_a_hub_inside_is_not_asked_for_a_source_that_somebody_added(world: World, clock: Clock) -> None:
    """A publisher outside, or whoever adds a source, must not make us send requests into our own network."""
    async with fetch.client(world.desk.settings.fetch, "0.1.0") as guarded:
        world.desk.http = guarded
        for inside, from_file in ((False, True), (True, False)):
            async with world.desk.database.write() as tx:
                hub = {"hub": world.hub.address, "topic": world.topic} | ({"hub_inside": True} if inside else {})
                found = {"validators": hub, "from_file": from_file}
                await tx.execute(update(tables.sources).where(tables.sources.c.id == "news").values(**found))
            clock.forward(100_000)
            await world.tend()
            (at_hub,) = await world.at_hub()
            assert "not a public address" in at_hub.problem and world.hub.asked == []


# ------------------------------------------------------------------------------------------------- what anybody may ask


async def ask(world: World, source: str = "news", **question: str) -> tuple[int, str]:
    named = {f"hub.{name}": value for name, value in question.items()}
    return await asyncio.wrap_future(
        asyncio.run_coroutine_threadsafe(world.hub.question(f"{world.url}/websub/{source}", named), world.hub.loop)
    )


async def test_what_we_did_not_ask_for_is_not_confirmed(world: World, clock: Clock) -> None:
    right = {"mode": "subscribe", "topic": world.topic, "challenge": "c", "lease_seconds": "99999999"}
    assert (await ask(world, **right))[0] == 404
    await world.subscribe()
    (before,) = await world.at_hub()
    clock.forward(10)
    for source, question in (
        ("news", right),
        ("nobody", right),
        ("news", right | {"topic": "https://other.example/"}),
        ("news", right | {"mode": "unsubscribe"}),
        ("news", right | {"mode": "publish"}),
        ("news", {"mode": "", "topic": world.topic, "challenge": "c"}),
        ("news", {}),
    ):
        assert await ask(world, source, **question) == (404, "nothing is subscribed here\n"), question
    assert await world.at_hub() == [before]


async def test_an_answer_to_a_hub_is_no_page(world: World) -> None:
    world.hub.mute = True
    await world.read()
    await world.tend()
    challenge = "<script>alert(1)</script>"
    question = {"hub.mode": "subscribe", "hub.topic": world.topic, "hub.challenge": challenge}
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"{world.url}/websub/news", params=question)
    assert (answer.status_code, answer.text) == (200, challenge)
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_hub_that_denies_is_left_for_a_day_and_the_feed_read_as_before(world: World, clock: Clock) -> None:
    world.hub.deny = "전체 공개 글만"
    await world.read()
    await world.tend()
    await asyncio.to_thread(world.hub.wait_until, lambda: bool(world.hub.verified))
    (at_hub,) = await world.at_hub()
    assert (at_hub.problem, at_hub.lease_until) == ("the hub denies it: 전체 공개 글만", None)
    assert (at_hub.next_at - clock()).total_seconds() == 86400
    assert (await world.watched()).interval < world.desk.settings.fetch.max_every


async def test_a_stranger_who_denies_only_makes_us_ask_the_hub(world: World, clock: Clock) -> None:
    await world.subscribe()
    clock.forward(7200)
    assert (await ask(world, mode="denied", topic=world.topic, reason="x"))[0] == 200
    (at_hub,) = await world.at_hub()
    assert at_hub.lease_until is not None and at_hub.next_at == clock()
    await world.subscribe()
    await ask(world, mode="denied", topic=world.topic)
    (at_hub,) = await world.at_hub()
    assert at_hub.next_at > clock()


# --------------------------------------------------------------------------------------------------- what hubs send


@pytest.mark.parametrize("method", ["sha1", "sha512"])
async def test_what_a_hub_sends_is_news_at_once_and_not_again_when_read(world: World, method: str) -> None:
    await world.subscribe()
    world.hub.method = method
    assert await world.push(world.publish(item(2))) == [202]
    assert await world.headlines() == ["소식 0002호", "소식 0001호"]
    async with world.desk.database.read() as connection:
        (newest, *_) = await archive.latest(connection, 1)
        story = await archive.story_of_alert(connection, newest.id)
    assert story is not None and story.planned
    assert await world.read() == 0
    assert await world.push(world.document()) == [202]
    assert len(await world.headlines()) == 2


async def test_what_is_not_signed_as_agreed_is_taken_politely_and_has_no_effect(world: World) -> None:
    subscriber = await world.subscribe()
    for secret in ("", "another"):
        world.hub.subscribers = {("x", world.topic): replace(subscriber, secret=secret)}
        assert await world.push(world.document(item(2))) == [202]
    assert await world.headlines() == ["소식 0001호"]


async def test_a_receiver_that_does_not_look_at_signatures_is_caught(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websub, "is_signed", lambda *_: True)
    with pytest.raises(AssertionError):
        await test_what_is_not_signed_as_agreed_is_taken_politely_and_has_no_effect(world)


async def test_a_document_of_another_topic_has_no_effect(world: World) -> None:
    subscriber = await world.subscribe()
    world.hub.subscribers = {("x", "x"): replace(subscriber, topic="https://other.example/feed.xml")}
    assert await world.push(world.document(item(2)), "https://other.example/feed.xml") == [202]
    assert await world.headlines() == ["소식 0001호"]


async def test_a_receiver_that_does_not_look_at_topics_is_caught(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websub, "topic_of", lambda *_: "")
    with pytest.raises(AssertionError):
        await test_a_document_of_another_topic_has_no_effect(world)


async def test_a_signed_document_that_is_no_feed_harms_nothing(world: World) -> None:
    await world.subscribe()
    for body in (b"", b"<html></html>", b"<rss><channel>", b"\x00" * 1000):
        assert await world.push(body) == [202]
    assert await world.headlines() == ["소식 0001호"]
    assert (await world.watched()).problem == ""


async def test_nobody_can_send_before_a_subscription_or_more_than_is_allowed(world: World) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(f"{world.url}/websub/news", content=b"x")).status_code == 404
        await world.subscribe()
        too_much = b"x" * (world.desk.settings.fetch.max_bytes + 1)
        assert (await http.post(f"{world.url}/websub/news", content=too_much)).status_code == 413
        packed = await http.post(f"{world.url}/websub/news", content=b"x", headers={"Content-Encoding": "gzip"})
        assert packed.status_code == 415


async def test_a_paused_source_takes_nothing_from_a_hub(world: World, clock: Clock) -> None:
    await world.subscribe()
    async with world.desk.database.write() as tx:
        await sources.pause(tx, "news", paused=True, now=clock())
    await world.push(world.document(item(2)))
    assert await world.headlines() == ["소식 0001호"]


async def test_a_read_that_a_push_overtook_does_not_take_an_alert_back(world: World) -> None:
    """The read's answer is from before the edit that the hub sends meanwhile."""
    await world.subscribe()
    await world.push(world.publish(item(2)))
    world.publish(item(3))
    answered, pushed = asyncio.Event(), asyncio.Event()

    async def first_wait(work: Any, *args: Any) -> Any:
        if not answered.is_set():
            answered.set()
            await pushed.wait()
        return work(*args)

    setattr(world.desk, "off_the_loop", first_wait)  # noqa: B010, generic in the original
    reading = asyncio.create_task(world.read())
    await answered.wait()
    await world.push(EDITED)
    pushed.set()
    assert await reading == 0
    assert await world.headlines() == ["소식 0002호 (고침)", "소식 0001호"]
    assert await wait_until_read(world) <= world.desk.settings.fetch.min_every * 1.1


class Careless(Counter[str]):
    def __setitem__(self, key: str, value: int) -> None:
        """Does not count what was settled."""


async def test_a_desk_that_does_not_notice_that_a_read_was_overtaken_is_caught(world: World) -> None:
    world.desk.settled = Careless()
    with pytest.raises(AssertionError):
        await test_a_read_that_a_push_overtook_does_not_take_an_alert_back(world)


# ------------------------------------------------------------------------------------------- reading goes on beside it


async def wait_until_read(world: World) -> float:
    return ((await world.watched()).next_at - world.desk.now()).total_seconds()


async def test_a_feed_whose_hub_sends_is_read_as_rarely_as_allowed(world: World, clock: Clock) -> None:
    limits = world.desk.settings.fetch
    await world.subscribe()
    clock.forward(60)
    await world.read()
    assert limits.max_every * 0.85 <= await wait_until_read(world) <= limits.max_every


@pytest.mark.parametrize("table", [{"every": "60s"}])
async def test_every_stays_what_it_is(world: World, clock: Clock) -> None:
    await world.subscribe()
    await world.push(world.publish(item(2)))
    clock.forward(57)
    await world.read()
    assert 54 <= await wait_until_read(world) <= 60


async def test_a_hub_that_falls_silent_is_not_relied_on_until_it_sends_again(world: World, clock: Clock) -> None:
    limits = world.desk.settings.fetch
    await world.subscribe()
    for number in (2, 3):
        clock.forward(4000)
        world.publish(item(number))
        assert await world.read() == 1
    assert await wait_until_read(world) <= limits.min_every * 1.1
    asked = len(world.hub.asked)
    await world.tend()
    assert len(world.hub.asked) == asked + 1, "the hub is asked whether it still knows us"
    await world.push(world.publish(item(4)))
    clock.forward(60)
    await world.read()
    assert await wait_until_read(world) > limits.max_every * 0.85


async def test_after_a_lease_that_nobody_renewed_the_feed_is_read_as_before(world: World, clock: Clock) -> None:
    world.hub.lease = 1000
    await world.subscribe()
    world.hub.mute = True
    clock.forward(1001)
    world.publish(item(2))
    assert await world.read() == 1
    assert await wait_until_read(world) <= world.desk.settings.fetch.min_every * 1.1
