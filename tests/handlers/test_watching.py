"""What the desk's admins ask about sources and about the desk, in both languages; what others are told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

import handlers
import pipeline
from formatters import plain
from models import Chat, ChatSettings, Command, Reply
from pipeline import Desk, Dispatcher
from platforms.console import CHAT, Console
from storage import chats
from storage import sources as stored
from tests.conftest import Clock
from tests.fakes.publisher import FakePublisher, rss
from tests.journeys.scene import item
from tests.sites import Site, watch

ADMIN = Command("help", "", Chat("telegram", "7700", "42"), "42", "ko", private=True, trusted=True, open=False)
STRANGER = replace(ADMIN, trusted=False, open=True)


@pytest.fixture
def publisher() -> Iterator[FakePublisher]:
    with FakePublisher() as running:
        running.set("/feed.xml", rss("소식", [item(1), item(2)]))
        yield running


async def asked(desk: Desk, line: str, command: Command = ADMIN) -> Reply:
    name, _, args = line.partition(" ")
    return await handlers.answer(desk, replace(command, name=name, args=args))


async def said(desk: Desk, line: str, command: Command = ADMIN) -> str:
    answer = await asked(desk, line, command)
    return plain.reply(replace(answer, buttons=()), answer.settings or ChatSettings("ko", "Asia/Seoul"))


def presses(answer: Reply) -> list[list[str]]:
    return [[button.press for button in row] for row in answer.buttons]


async def ids(desk: Desk) -> list[str]:
    async with desk.database.read() as connection:
        return [one.source.id for one in await stored.every_one(connection)]


@pytest.mark.parametrize(
    "line", ["sources", "addsource https://a.example/", "removesource a", "status", "sources pause a"]
)
async def test_the_desks_commands_are_for_admins(desk: Desk, site: Site, line: str) -> None:
    await watch(desk, site)
    assert await said(desk, line, STRANGER) == "이 명령은 봇 관리자만 쓸 수 있습니다."
    assert await ids(desk) == ["site"]


async def test_a_feed_is_added_in_the_chat_and_removed_with_its_button(desk: Desk, publisher: FakePublisher) -> None:
    url = f"{publisher.url}/feed.xml"
    added = await asked(desk, f"addsource <{url}|feed>")
    assert added.lines == ("127.0.0.1 (127-0-0-1): 이제 지켜봅니다. 지금 글 2건이 있고, 다음 글부터 알립니다.",)
    assert presses(added) == [["removesource 127-0-0-1"]] and desk.look.is_set()
    assert await said(desk, f"addsource {url}") == "이미 지켜보고 있습니다: 127-0-0-1"
    english = replace(ADMIN, language="en")
    assert await said(desk, f"addsource {url}", english) == "This is watched already: 127-0-0-1"
    gone = await said(desk, presses(added)[0][0])
    assert gone == "127.0.0.1 (127-0-0-1): 이제 지켜보지 않습니다. 기억은 남습니다."
    assert await ids(desk) == []


async def test_what_cannot_be_added_is_told_with_the_reason(desk: Desk, publisher: FakePublisher) -> None:
    wrong = "사이트나 피드의 주소를 주세요. 예: /addsource https://example.org"
    for args in ("", "hello world", "ftp://a.example/", "/etc/passwd", "https://", "http://[x", "https://a.example/ b"):
        assert await said(desk, f"addsource {args}") == wrong, args
    publisher.set("/feed.xml", "<!doctype html><html></html>", "text/html")
    told = await said(desk, f"addsource {publisher.url}/feed.xml")
    assert told.startswith(f"지켜볼 수 없는 주소입니다: {publisher.url}/feed.xml — ") and "feed" in told
    assert await ids(desk) == []


async def test_sources_of_the_file_are_paused_and_never_removed(desk: Desk, site: Site) -> None:
    await watch(desk, site)
    answer = await asked(desk, "removesource site")
    assert "설정 파일" in answer.lines[0] and presses(answer) == [["sources pause site"]]
    paused = await asked(desk, presses(answer)[0][0])
    assert paused.lines == ("⏸ site: 당분간 읽지 않습니다.", "site (site) — 글 0건, 멈춤")
    assert presses(paused) == [["sources resume site"]]
    resumed = await asked(desk, "sources resume site")
    assert resumed.lines[0] == "▶ site: 다시 읽습니다." and presses(resumed) == [["sources pause site"]]
    assert await ids(desk) == ["site"]


async def test_wrong_words_are_told_what_is_accepted(desk: Desk, site: Site) -> None:
    await watch(desk, site)
    assert await said(desk, "removesource") == "어느 출처입니까? 예: /removesource 출처. 여기서 더한 출처: 없음"
    assert await said(desk, "removesource nope") == "없는 출처입니다: nope. 여기서 더한 출처: 없음"
    assert await said(desk, "sources pause nope") == "없는 출처입니다: nope. 출처: site"
    for args in ("stop", "pause", "page x", "page 9999999"):
        assert (await said(desk, f"sources {args}")).startswith("알아듣지 못했습니다."), args


async def test_many_sources_are_shown_by_pages_with_buttons_that_fit(desk: Desk, site: Site) -> None:
    long = [replace(site.source, id=f"{'a' * 30}{number:02}") for number in range(23)]
    async with desk.database.write() as tx:
        await stored.declare(tx, long, desk.now(), 60)
    first = await asked(desk, "sources")
    assert len(first.lines) == 10 and first.title == "지켜보는 출처 23곳 (1/3)"
    assert presses(first)[-1] == ["sources page 2"]
    second = await asked(desk, "sources page 2")
    assert presses(second)[-1] == ["sources page 1", "sources page 3"]
    assert len((await asked(desk, "sources page 99")).lines) == 3
    paused = await asked(desk, f"sources pause {long[15].id}")
    assert paused.title == second.title, "the page on which it stands"
    assert all(len(press.encode()) <= 60 for row in presses(paused) for press in row)


async def test_the_status_says_what_needs_a_look(
    desk: Desk, clock: Clock, site: Site, publisher: FakePublisher
) -> None:
    desk.version = "0.1.0"
    fine = (
        "✅ 이상 없습니다\n출처: 0곳\n보낼 것: 기다림 0건, 답 없음 0건\n"
        "발행에서 알림까지: 지난 하루 보낸 것이 없습니다\n"
        "Sokbo 0.1.0, 켜진 지 0분"
    )
    assert await said(desk, "status") == fine
    await watch(desk, site)
    await asked(desk, f"addsource {publisher.url}/feed.xml")
    publisher.set("/feed.xml", "", status=500)
    async with desk.database.read() as connection:
        added = await stored.one(connection, "127-0-0-1")
    assert added is not None
    await pipeline.poll(desk, added)
    async with desk.database.write() as tx:
        await chats.keep_console(tx, Chat("telegram", "7700", "9"), "ko", "Asia/Seoul", clock())
    desk.started -= timedelta(days=2, hours=3)
    clock.forward(90_000)
    told = await said(desk, "status", replace(ADMIN, language="en"))
    assert told.splitlines() == [
        "⚠️ Something needs a look",
        "Sources: 2",
        "· cannot be read: 1 (127-0-0-1)",
        "· no news for a day: 1 (site)",
        "Deliveries: 0 waiting, 0 without an answer",
        "From published to the chat: nothing was sent in the last day",
        "Sokbo 0.1.0, running for 3 d 4 h",
    ]


async def test_the_status_says_how_long_alerts_took(desk: Desk, clock: Clock, publisher: FakePublisher) -> None:
    desk.senders = {"console": Console(lambda alert, edited: None)}
    await asked(desk, f"addsource {publisher.url}/feed.xml")
    async with desk.database.write() as tx:
        await chats.keep_console(tx, CHAT, "ko", "Asia/Seoul", clock())
    async with desk.database.read() as connection:
        added = await stored.one(connection, "127-0-0-1")
    assert added is not None
    await pipeline.poll(desk, added)
    new = [item(3 + n, published=clock() - timedelta(seconds=seconds)) for n, seconds in enumerate((2, 4, 90))]
    publisher.set("/feed.xml", rss("소식", [*new, item(1), item(2)]))
    await pipeline.poll(desk, replace(added, read_once=True))
    dispatcher = Dispatcher(desk)
    for _ in range(5):
        await dispatcher.turn()
        await dispatcher.calls_end()
        clock.forward(1)
    told = await said(desk, "status")
    assert "절반은 " in told and "초, 95%는 1분 안에 (3건)" in told
    clock.forward(90_000)
    assert "보낸 것이 없습니다" in await said(desk, "status")


async def test_an_admins_help_has_the_desks_commands(desk: Desk) -> None:
    assert "/status" in await said(desk, "help") and "/status" not in await said(desk, "help", STRANGER)
