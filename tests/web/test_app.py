"""The HTTP side over a real socket: page, stream, commands, health, metrics, and who is refused."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
import uvicorn

from config.settings import Settings, load
from delivery import Problem
from models import Condensed, Kind, Post, Source, Urgency
from pipeline import Desk, Dispatcher
from platforms.console import CHAT, Console
from platforms.state import State
from storage import archive, chats, notices, search, sources
from tests.archived import entry
from tests.conftest import Clock
from tests.parcels import parcel
from web.app import Site


class Served:
    """The site on a free port of loopback."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.printed: list[str] = []
        self.calls: list[tuple[str, bytes]] = []
        self.console = Console(lambda alert, edited: self.printed.append(alert.headline))
        desk.senders = {"console": self.console}
        self.platform = State("telegram")
        self.site = Site(
            desk, self.console, CHAT, [self.platform], "0.1.0", wake=desk.wake, hooks={"/telegram": self.called}
        )
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(self.site.app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.task = asyncio.create_task(self.server.serve(sockets=[listener]))

    async def called(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """What a platform does with a call of its servers."""
        self.calls.append((headers.get("x-proof", ""), body))
        return (200 if headers.get("x-proof") else 403), {"x-said": "yes"}, b"heard"


TOKEN = "a token of sixteen or more"


@pytest.fixture
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """With a platform connected, so that the page is not all there is, unless a test says otherwise."""
    values = {"SOKBO_DATABASE_URL": f"sqlite:///{tmp_path}/sokbo.db", "SOKBO_TELEGRAM__TOKEN": "1:token"}
    return load(None, {**values, **getattr(request, "param", {})})


@pytest.fixture
async def served(desk: Desk) -> AsyncIterator[Served]:
    made = Served(desk)
    yield made
    desk.stopping.set()
    made.console.close()
    made.server.should_exit = True
    await made.task


@pytest.fixture
async def http(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=10) as client:
        yield client


async def publish(desk: Desk, title: str, *, planned: bool = True) -> int:
    post = Post("s", title, title, "https://news.example/1", "<p>본문</p>")
    async with desk.database.write() as tx:
        await chats.keep_console(tx, CHAT, "ko", "Asia/Seoul", desk.now())
        story = archive.NewStory(post, Condensed(title, ("요점",), post.link), "출처", ("외교",), (), planned=planned)
        (state,) = await archive.open_stories(tx, [story], desk.now())
        await search.add(tx, [entry(state.alert_id, story, title, title, desk.now())])
        await archive.open_fanouts(tx, [state.alert_id])
    return state.alert_id


async def read_events(response: httpx.Response) -> AsyncIterator[tuple[str, object]]:
    name = ""
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


async def test_the_stream_brings_what_was_and_then_what_comes(served: Served, http: httpx.AsyncClient) -> None:
    await publish(served.desk, "어제 소식")
    dispatcher = Dispatcher(served.desk)
    await dispatcher.turn()
    await dispatcher.calls_end()
    await dispatcher.turn()
    async with http.stream("GET", "/events") as response:
        events = read_events(response)
        name, first = await anext(events)
        assert (name, first["headline"], first["fresh"]) == ("alert", "어제 소식", False)  # type: ignore[index]
        assert [(await anext(events))[0], (await anext(events))[0]] == ["sources", "status"]
        await publish(served.desk, "새 소식")
        served.desk.now.forward(1)  # type: ignore[attr-defined]
        await dispatcher.turn()
        name, second = await anext(events)
        assert (name, second["headline"], second["fresh"]) == ("alert", "새 소식", True)  # type: ignore[index]
    assert served.printed == ["어제 소식", "새 소식"]


async def test_who_came_before_the_first_read_sees_what_that_archived(
    served: Served, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.app.REFRESH", 0.01)
    async with http.stream("GET", "/events") as response:
        events = read_events(response)
        assert [(await anext(events))[0], (await anext(events))[0]] == ["sources", "status"]
        await publish(served.desk, "첫 소식")
        name, first = await anext(events)
        assert (name, first["headline"], first["fresh"]) == ("alert", "첫 소식", False)  # type: ignore[index]


async def test_every_alert_of_the_stream_carries_what_telegram_and_slack_would_get(
    served: Served, http: httpx.AsyncClient
) -> None:
    await publish(served.desk, "어제 <소식>")
    async with http.stream("GET", "/events") as response:
        events = read_events(response)
        _, old = await anext(events)
        await anext(events), await anext(events)
        await served.console.send(
            parcel(CHAT, headline="반쪽 \ud83d \u202e글자", bullets=("\ude00",), urgency=Urgency.URGENT)
        )
        _, new = await anext(events)
    for alert, headline in ((old, "어제 &lt;소식&gt;"), (new, "반쪽 \ufffd 글자")):
        forms = alert["forms"]  # type: ignore[index]
        assert f"<b>{headline}</b>" in forms["telegram"]["html"]
        assert forms["telegram"]["button"][0] == "원문 보기"
        assert f"|{headline}>*" in forms["slack"]["blocks"][0]["text"]["text"]
    assert new["forms"]["telegram"]["html"].startswith("🔴")  # type: ignore[index]


async def test_the_page_holds_its_texts_and_nothing_from_elsewhere(http: httpx.AsyncClient) -> None:
    page = await http.get("/")
    assert page.status_code == 200 and "아직 알림이 없습니다" in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for address in ("/static/page.css", "/static/page.js", "/static/forms.js"):
        assert (await http.get(address)).status_code == 200
    assert 'src="http' not in page.text and 'href="http' not in page.text


async def test_commands_of_the_page_are_answered(served: Served, http: httpx.AsyncClient) -> None:
    await publish(served.desk, "고속철도 수출액 늘어")
    latest = (await http.post("/commands", json={"text": "/latest 3"})).json()
    assert [story["headline"] for story in latest["stories"]] == ["고속철도 수출액 늘어"]
    found = (await http.post("/commands", json={"text": "/search 수출"})).json()
    assert found["title"] == "“수출” 검색 결과 1–1 / 1" and found["marked"] == ["수출"]
    assert "찾으셨나요" in (await http.post("/commands", json={"text": "/serach 수출"})).json()["lines"][0]
    assert (await http.post("/commands", json={"text": "help"})).json()["title"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"text": 5}', 400),
        (b'{"text": " "}', 400),
        (b'{"text": "/unsubscribe"}', 403),
        (b'{"text": "/stop"}', 403),
        (b'{"text": "/forget yes"}', 403),
        (b'{"text": "/claim AAAA"}', 403),
        (b'{"text": "/status"}', 403),
        (b'{"text": "/subscribe"}', 403),
        (b'{"text": "' + b"x" * 20_000 + b'"}', 400),
    ],
)
async def test_what_is_no_command_of_the_page_is_refused_in_json(
    http: httpx.AsyncClient, body: bytes, status: int
) -> None:
    answer = await http.post("/commands", content=body)
    assert answer.status_code == status and answer.json()["title"]


async def test_the_page_shows_sources_and_cannot_change_them(served: Served, http: httpx.AsyncClient) -> None:
    async with served.desk.database.write() as tx:
        source = Source("news", "News", Kind.FEED, "https://news.example/")
        await sources.declare(tx, [source], served.desk.now(), 60)
    shown = (await http.post("/commands", json={"text": "/sources"})).json()
    assert "News" in shown["lines"][0] and "pause" not in str(shown)
    for text in (
        "/sources pause news", "feeds pause news", "출처 pause news", "/follow", "구독",
        "/addsource https://a.example/feed", "/removesource news", "/status",
    ):  # fmt: skip
        assert (await http.post("/commands", json={"text": text})).status_code == 403, text
    async with served.desk.database.read() as connection:
        assert [one.paused for one in await sources.every_one(connection)] == [False]


async def settings_answer(http: httpx.AsyncClient, **headers: str) -> int:
    answer = await http.post("/commands", json={"text": "/settings pictures off"}, headers=headers)
    assert answer.json()["title"] or answer.json()["lines"]
    return answer.status_code


@pytest.mark.parametrize("settings", [{"SOKBO_WEB__ADMIN_TOKEN": TOKEN}], indirect=True)
async def test_whoever_brings_the_token_may_ask_everything(served: Served, http: httpx.AsyncClient) -> None:
    for wrong in ("", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}"):
        assert await settings_answer(http, Authorization=wrong) == 403, wrong
    assert await settings_answer(http, Authorization=f"Bearer {TOKEN}") == 200
    status = await http.post("/commands", json={"text": "/status"}, headers={"Authorization": f"Bearer {TOKEN}"})
    assert status.status_code == 200 and status.json()["lines"]


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"SOKBO_TELEGRAM__TOKEN": ""}, 200),
        ({"SOKBO_TELEGRAM__TOKEN": "", "SOKBO_WEB__HOST": "localhost"}, 200),
        ({"SOKBO_TELEGRAM__TOKEN": "", "SOKBO_WEB__HOST": "0.0.0.0"}, 403),
        ({}, 403),
    ],
    indirect=["settings"],
)
async def test_a_page_that_is_all_there_is_may_be_asked_everything_from_this_machine(
    served: Served, http: httpx.AsyncClient, status: int
) -> None:
    assert await settings_answer(http) == status


async def test_a_foreign_name_or_page_is_refused(served: Served, http: httpx.AsyncClient) -> None:
    assert (await http.get("/", headers={"Host": "evil.example"})).status_code == 403
    assert (await http.get("/events", headers={"Host": "evil.example:8080"})).status_code == 403
    refused = await http.post("/commands", json={"text": "help"}, headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403
    own = await http.post("/commands", json={"text": "help"}, headers={"Origin": served.url})
    assert own.status_code == 200
    assert (await http.get("/", headers={"Host": "localhost:8080"})).status_code == 200
    assert (await http.get("/healthz", headers={"Host": "sokbo:8080"})).status_code == 200


async def test_ready_only_when_the_loop_ticked_and_every_platform_answered(
    served: Served, http: httpx.AsyncClient
) -> None:
    waiting = await http.get("/readyz")
    assert waiting.status_code == 503 and len(waiting.json()["reasons"]) == 2
    served.desk.polled.set()
    served.platform.refused(Problem.of("token", where="@BotFather"))
    paused = await http.get("/readyz")
    assert paused.status_code == 503 and paused.json()["reasons"] == [
        "telegram: the token is refused: copy it again from @BotFather"
    ]
    served.platform.ready()
    assert (await http.get("/readyz")).status_code == 200
    assert (await http.get("/healthz")).text == "ok\n"


async def test_a_source_is_silent_since_its_last_news_and_not_at_all_once_it_is_removed(
    served: Served, http: httpx.AsyncClient
) -> None:
    desk, source = served.desk, Source("quiet", "quiet", Kind.FEED, "https://quiet.example/")
    clock = desk.now
    assert isinstance(clock, Clock)

    async def silent() -> list[str]:
        lines = (await http.get("/metrics")).text.splitlines()
        return [line.split()[-1] for line in lines if line.startswith('sokbo_source_silent_seconds{source="quiet"}')]

    async with desk.database.write() as tx:
        await sources.add(tx, source, clock(), 60)
    clock.forward(90)
    assert await silent() == ["90.0"]
    for any_new, expected in ((False, "100.0"), (True, "10.0")):
        async with desk.database.write() as tx:
            at = clock()
            await sources.saved(tx, "quiet", now=at, next_at=at, interval=60, validators=None, any_new=any_new)
        clock.forward(10)
        assert await silent() == [expected]
    async with desk.database.write() as tx:
        await sources.remove(tx, "quiet")
    assert await silent() == []


async def test_the_metrics_have_their_names(http: httpx.AsyncClient) -> None:
    text = (await http.get("/metrics")).text
    for name in (
        "sokbo_publish_to_alert_seconds",
        "sokbo_polls_total",
        "sokbo_poll_seconds",
        "sokbo_posts_total",
        "sokbo_deliveries_total",
        "sokbo_deliveries_waiting",
        "sokbo_delivery_seconds",
        "sokbo_rate_limited_total",
        "sokbo_source_silent_seconds",
    ):
        assert f"# TYPE {name} " in text or f"# TYPE {name.removesuffix('_total')} " in text, name


async def test_the_page_tells_what_is_wrong_and_hides_whose_chat_it_is(
    desk: Desk, served: Served, http: httpx.AsyncClient
) -> None:
    async with desk.database.write() as tx:
        await notices.tell(tx, desk.now(), "chat/1", "notice.chat_closed", chat="telegram:4242", reason="blocked")
    async with http.stream("GET", "/events") as response:
        events = read_events(response)
        await anext(events)
        _, status = await anext(events)
    assert isinstance(status, dict)
    (told,) = status["notices"]
    assert "blocked" in told["text"] and "4242" not in str(status)


async def test_a_platform_is_called_under_any_name_and_judges_the_call_itself(
    served: Served, http: httpx.AsyncClient
) -> None:
    proof = {"host": "desk.example", "x-proof": "s3cret"}
    answer = await http.post("/telegram", content=b'{"update_id": 1}', headers=proof)
    assert (answer.status_code, answer.text, answer.headers["x-said"]) == (200, "heard", "yes")
    assert (await http.post("/telegram", content=b"{}", headers={"host": "desk.example"})).status_code == 403
    assert (await http.post("/telegram", content=b"x" * 1_000_001, headers={"x-proof": "s"})).status_code == 413
    assert (await http.post("/slack/events", content=b"{}")).status_code == 404
    assert served.calls == [("s3cret", b'{"update_id": 1}'), ("", b"{}")]
