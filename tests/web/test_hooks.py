"""POST /hooks/<source>: who may say "look now", what everybody else learns, and how often a source is then read."""

import asyncio
import hmac
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

import pipeline
from config.settings import Settings, load
from pipeline import Desk
from platforms.console import CHAT, Console
from storage import sources
from storage.sources import Watched
from tests.bot import configuration
from tests.conftest import Clock
from tests.fakes.publisher import FakePublisher, Item, rss
from web import hooks
from web.app import Site

SECRET = "한 긴 비밀"
BODY = b'{"ref":"refs/heads/main"}'


def signature(body: bytes, secret: str = SECRET, name: str = "sha256") -> str:
    return f"{name}={hmac.new(secret.encode(), body, name).hexdigest()}"


def signed(body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature-256": signature(body)}


@pytest.fixture
def publisher() -> Iterator[FakePublisher]:
    with FakePublisher() as running:
        running.set("/feed.xml", rss("t", [Item("소식 1호", guid="1", html="<p>본문 1</p>")]))
        yield running


@pytest.fixture
def settings(tmp_path: Path, publisher: FakePublisher) -> Settings:
    url = f"{publisher.url}/feed.xml"
    table = {"id": "news", "url": url, "every": "1h", "hook_secret": SECRET}
    file = tmp_path / "sokbo.toml"
    file.write_text(configuration(sources=[table, {"id": "quiet", "url": url, "every": "1h"}]), encoding="utf-8")
    return load(file, {"SOKBO_DATABASE_URL": f"sqlite:///{tmp_path}/sokbo.db"})


@pytest.fixture
async def http(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with desk.database.write() as tx:
        await sources.declare(tx, desk.settings.watched(), desk.now(), 60)
    site = Site(desk, Console(lambda alert, edited: None), CHAT, [], "0.1.0", wake=desk.wake)
    transport = httpx.ASGITransport(site.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://news.example") as client:
        yield client


async def state(desk: Desk, source_id: str = "news") -> Watched:
    async with desk.database.read() as connection:
        watched = await sources.one(connection, source_id)
    assert watched is not None
    return watched


async def read_all(desk: Desk) -> None:
    for source_id in ("news", "quiet"):
        await pipeline.poll(desk, await state(desk, source_id))


@pytest.mark.parametrize("body", [BODY, b"", b"payload=%7B%7D", b"x" * 2_000_000])
async def test_a_signed_hook_makes_a_look_due_at_once(
    desk: Desk, clock: Clock, http: httpx.AsyncClient, body: bytes
) -> None:
    await read_all(desk)
    clock.forward(60)
    answer = await http.post("/hooks/news", content=body, headers=signed(body))
    assert (answer.status_code, answer.text) == (202, "accepted\n")
    async with desk.database.read() as connection:
        assert [one.source.id for one in await sources.due(connection, clock(), 10)] == ["news"]
    assert desk.look.is_set()


async def test_whatever_is_wrong_with_a_hook_the_answer_tells_nothing(
    desk: Desk, clock: Clock, http: httpx.AsyncClient
) -> None:
    await read_all(desk)
    clock.forward(60)
    wrong: list[tuple[str, dict[str, str]]] = [
        ("news", {}),
        ("news", {"X-Hub-Signature-256": ""}),
        ("news", {"X-Hub-Signature-256": signature(BODY, "another secret")}),
        ("news", {"X-Hub-Signature-256": signature(BODY + b" ")}),
        ("news", {"X-Hub-Signature-256": signature(BODY)[:-1]}),
        ("news", {"X-Hub-Signature-256": signature(BODY).removeprefix("sha256=")}),
        ("news", {"X-Hub-Signature-256": "sha256=" + "\u0661" * 64}),
        ("news", {"X-Hub-Signature": signature(BODY, name="sha1")}),
        ("quiet", signed(BODY)),
        ("quiet", {"X-Hub-Signature-256": signature(BODY, "")}),
        ("nobody", signed(BODY)),
        ("NEWS", signed(BODY)),
    ]
    answers = [
        await http.post(f"/hooks/{source}", content=BODY, headers={k.encode(): v.encode() for k, v in headers.items()})
        for source, headers in wrong
    ]
    assert {(one.status_code, one.text) for one in answers} == {(403, hooks.REFUSED)}
    assert len({tuple(one.headers.items()) for one in answers}) == 1
    assert (await state(desk)).asked_at is None and not desk.look.is_set()


async def test_a_body_without_end_is_not_read_to_its_end(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "LONGEST_BODY", 1000)
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while taken < 100_000:
            taken += 100
            yield b"x" * 100

    for source in ("news", "nobody"):
        assert (await http.post(f"/hooks/{source}", content=endless(), headers=signed(b""))).status_code == 413


async def test_a_body_that_never_comes_is_given_up(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "WITHIN", 0.05)

    async def stalling() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(5)

    assert (await asyncio.wait_for(http.post("/hooks/news", content=stalling()), 3)).status_code == 408


async def test_a_hook_comes_under_any_name_but_a_command_does_not(http: httpx.AsyncClient) -> None:
    elsewhere = {"Host": "somewhere.example", "Origin": "https://elsewhere.example"}
    assert (await http.post("/hooks/news", content=BODY, headers=signed(BODY) | elsewhere)).status_code == 202
    assert (await http.post("/commands", json={"text": "help"}, headers=elsewhere)).status_code == 403


async def flood(desk: Desk, publisher: FakePublisher, http: httpx.AsyncClient) -> int:
    """How many reads there are when 40 hooks come during the first one."""
    begun, go_on = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        begun.set()
        go_on.wait(10)

    publisher.on("received", hold)
    polling = asyncio.create_task(pipeline.poll_forever(desk))
    assert await asyncio.to_thread(begun.wait, 10)
    for _ in range(4):
        await asyncio.gather(*(http.post("/hooks/news", content=BODY, headers=signed(BODY)) for _ in range(10)))
    publisher.off("received")
    go_on.set()
    while (await state(desk)).asked_at is not None or desk.looking:
        desk.polled.clear()
        await desk.polled.wait()
    desk.stopping.set()
    await polling
    return sum(request.path == "/feed.xml" for request in publisher.requests)


async def test_a_flood_of_hooks_during_a_look_makes_one_more_look(
    desk: Desk, clock: Clock, publisher: FakePublisher, http: httpx.AsyncClient
) -> None:
    async with desk.database.write() as tx:
        await sources.pause(tx, "quiet", paused=True, now=clock())
    ticking = asyncio.create_task(_tick(clock))
    assert await flood(desk, publisher, http) == 2
    ticking.cancel()


async def test_a_desk_that_forgets_what_came_during_a_look_is_caught(
    desk: Desk, clock: Clock, publisher: FakePublisher, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def careless(_tx: object, _id: str, next_at: object, _asked: object, not_before: object) -> dict[str, object]:
        return {"next_at": next_at, "not_before": not_before, "asked_at": None}

    monkeypatch.setattr(sources, "_again", careless)
    async with desk.database.write() as tx:
        await sources.pause(tx, "quiet", paused=True, now=clock())
    ticking = asyncio.create_task(_tick(clock))
    assert await flood(desk, publisher, http) == 1
    ticking.cancel()


async def _tick(clock: Clock) -> None:
    while True:
        await asyncio.sleep(0.001)
        clock.forward(0.001)


async def test_a_look_that_was_asked_for_outlives_the_process(
    desk: Desk, clock: Clock, http: httpx.AsyncClient
) -> None:
    await read_all(desk)
    clock.forward(60)
    await http.post("/hooks/news", content=BODY, headers=signed(BODY))
    after_the_crash = Desk(desk.database, desk.http, desk.settings, {}, clock, "another")
    watched = await state(after_the_crash)
    assert watched.next_at == clock()
    await pipeline.poll(after_the_crash, watched)
    assert (await state(desk)).asked_at is None
    assert (await state(desk)).next_at > clock()


async def test_no_hook_breaks_the_rest_that_a_publisher_asked_for(
    desk: Desk, clock: Clock, publisher: FakePublisher, http: httpx.AsyncClient
) -> None:
    publisher.fault("/feed.xml", "429", retry_after=600)
    await pipeline.poll(desk, await state(desk))
    rested = clock().timestamp() + 600
    clock.forward(10)
    await http.post("/hooks/news", content=BODY, headers=signed(BODY))
    assert (await state(desk)).next_at.timestamp() == rested
    clock.forward(600)
    await pipeline.poll(desk, await state(desk))
    clock.forward(10)
    await http.post("/hooks/news", content=BODY, headers=signed(BODY))
    assert (await state(desk)).next_at == clock()


async def test_a_hook_looks_again_where_the_last_read_failed(
    desk: Desk, clock: Clock, publisher: FakePublisher, http: httpx.AsyncClient
) -> None:
    publisher.fault("/feed.xml", "500")
    await pipeline.poll(desk, await state(desk))
    clock.forward(1)
    await http.post("/hooks/news", content=BODY, headers=signed(BODY))
    assert (await state(desk)).next_at == clock()
    assert await pipeline.poll(desk, await state(desk)) == 1


async def test_a_paused_source_is_not_read_for_a_hook(desk: Desk, clock: Clock, http: httpx.AsyncClient) -> None:
    async with desk.database.write() as tx:
        await sources.pause(tx, "news", paused=True, now=clock())
    assert (await http.post("/hooks/news", content=BODY, headers=signed(BODY))).status_code == 202
    assert (await state(desk)).asked_at is None
