"""What each command answers, whichever platform asked; the wording is compared whole."""

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import handlers
from formatters import plain
from handlers import names
from handlers.access import Who
from locales import languages, tables
from models import Chat, ChatSettings, Command, Condensed, Post
from pipeline import Desk
from storage import archive, chats, search, subscriptions
from storage import sources as stored
from tests.archived import entry
from tests.conftest import Clock
from tests.sites import Site, watch

GROUP = Chat("telegram", "7700", "-100")
PRIVATE = Chat("telegram", "7700", "42")
OPEN = Command("help", "", GROUP, "42", "ko", private=False, trusted=False, open=True)
SETTINGS = ChatSettings("ko", "Asia/Seoul")


async def said(desk: Desk, command: Command) -> str:
    answer = await handlers.answer(desk, command)
    return plain.reply(answer, answer.settings or SETTINGS)


async def archive_news(desk: Desk, clock: Clock) -> None:
    posts = (
        ("고속철도 수출액 2,700억 원", "<p>고속철도 KTX의 첫 수출이 성사됐다. 계약 규모는 2,700억 원이다.</p>", "외교"),
        ("상반기 전기차 보급 12만 대", "<p>환경 당국은 12만 대가 보급됐다고 밝혔다.</p>", "환경"),
    )
    async with desk.database.write() as tx:
        for number, (title, html, topic) in enumerate(posts):
            clock.forward(60)
            post = Post("newsdao", str(number), title, f"https://news.example/{number}", html,
                        published=datetime(2026, 6, 17, 5, number, tzinfo=UTC))  # fmt: skip
            story = archive.NewStory(post, Condensed(title, (), post.link), "뉴스다오", (topic,), (), planned=True)
            (state,) = await archive.open_stories(tx, [story], clock())
            await search.add(tx, [entry(state.alert_id, story, title, re.sub("<[^>]*>", "", html), clock())])


async def test_latest_shows_the_newest_first(desk: Desk, clock: Clock) -> None:
    await archive_news(desk, clock)
    assert await said(desk, replace(OPEN, name="latest", args="2")) == (
        "최신 소식 2건\n"
        "1. 상반기 전기차 보급 12만 대\n   뉴스다오 · 6월 17일 14:01\n   https://news.example/1\n"
        "2. 고속철도 수출액 2,700억 원\n   뉴스다오 · 6월 17일 14:00\n   https://news.example/0"
    )


@pytest.mark.parametrize("args", ["0", "21", "-3", "999999999999999999999", "+0"])
async def test_latest_says_what_it_takes(desk: Desk, args: str) -> None:
    assert await said(desk, replace(OPEN, name="latest", args=args)) == "개수는 1에서 20까지입니다. 예: /latest 5"


async def test_latest_of_a_topic_or_source_or_nothing(desk: Desk, clock: Clock) -> None:
    assert await said(desk, replace(OPEN, name="latest")) == "아직 소식이 없습니다."
    await archive_news(desk, clock)
    topic = await said(desk, replace(OPEN, name="latest", args="3 외교"))
    assert topic.startswith("외교 최신 소식 1건\n1. 고속철도")
    assert (await said(desk, replace(OPEN, name="latest", args="야구"))).startswith("“야구” 소식이 없습니다.")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("serach", "/serach 는 모르는 명령입니다. /search 를 찾으셨나요?"),
        ("xyzzy", "/xyzzy 는 모르는 명령입니다.\n쓸 수 있는 명령: /help"),
        ("", "명령을 적어 주세요. 예: /latest"),
    ],
)
async def test_an_unknown_command_gets_a_suggestion(desk: Desk, name: str, told: str) -> None:
    assert await said(desk, replace(OPEN, name=name)) == told


async def test_english_speakers_are_answered_in_english_in_private(desk: Desk) -> None:
    english = replace(OPEN, name="search", args="nothing", chat=PRIVATE, private=True, language="en-GB")
    assert await said(desk, english) == "No results for “nothing”. Try fewer words."
    korean_group = replace(OPEN, name="search", args="nothing", language="en")
    assert "검색 결과가 없습니다" in await said(desk, korean_group)


async def subscribed(desk: Desk, chat: Chat) -> bool:
    async with desk.database.read() as connection:
        known = await chats.find(connection, chat)
    return known is not None and known.subscribed


async def test_start_subscribes_a_private_chat_and_tells_what_is_watched(desk: Desk) -> None:
    start = replace(OPEN, name="start", chat=PRIVATE, private=True)
    first = await said(desk, start)
    assert first.startswith("Sokbo 속보 알림 봇입니다.\n구독을 시작했습니다.") and await subscribed(desk, PRIVATE)
    assert "이미 구독 중입니다." in await said(desk, start)


async def test_start_in_a_group_says_how_and_changes_nothing(desk: Desk) -> None:
    assert "/subscribe" in await said(desk, replace(OPEN, name="start"))
    assert not await subscribed(desk, GROUP)


async def test_a_stranger_of_a_closed_bot_gets_their_id_and_the_line_to_add(desk: Desk) -> None:
    for name in ("start", "latest", "search", "subscribe", "help"):
        stranger = replace(OPEN, name=name, open=False, chat=PRIVATE, private=True)
        assert await said(desk, stranger) == (
            "이 봇은 초대받은 사람만 쓸 수 있습니다.\n"
            "쓰고 싶으시면 이 봇의 운영자에게 초대를 부탁해 주세요. 운영자는 /invite 로 초대 링크를 만듭니다.\n"
            "회원님의 ID: 42\n"
            "직접 운영하는 봇이라면 설정 파일의 [telegram] 아래에 다음 줄을 넣으세요:\n"
            "admins = [42]"
        )
    assert not await subscribed(desk, PRIVATE)
    slack = replace(OPEN, open=False, user="U0ABC", chat=Chat("slack", "T1", "C1"))
    assert (await said(desk, slack)).endswith('admins = ["U0ABC"]')


async def test_an_admin_lets_a_group_in_and_its_people_may_then_read(desk: Desk) -> None:
    admin = replace(OPEN, open=False, trusted=True)
    told = await said(desk, replace(admin, name="subscribe"))
    assert told == "구독했습니다: 모든 소식\n구독 목록: /subscriptions"
    member = replace(OPEN, open=False, user="77", name="latest")
    assert await said(desk, member) == "아직 소식이 없습니다."


async def test_only_chat_admins_change_what_a_group_gets(desk: Desk) -> None:
    async def no() -> bool | None:
        return False

    changing = [name for name, verb in handlers.HANDLERS.items() if verb.who is Who.CHAT_ADMINS]
    assert {"subscribe", "unsubscribe", "subscriptions", "mutetopic", "settings", "stop", "forget"} == {*changing}
    for name in changing:
        refused = await said(desk, replace(OPEN, name=name, is_chat_admin=no))
        assert refused == "이 명령은 이 채팅의 관리자만 쓸 수 있습니다."
    assert not await subscribed(desk, GROUP)
    await said(desk, replace(OPEN, name="subscribe", is_chat_admin=no, trusted=True))
    assert await subscribed(desk, GROUP), "the bot's admins may do it everywhere"


async def test_where_nobody_says_who_the_admins_are_nothing_is_changed(desk: Desk) -> None:
    async def unknown() -> bool | None:
        return None

    changing = [name for name, verb in handlers.HANDLERS.items() if verb.who is Who.CHAT_ADMINS]
    for name in changing:
        told = await said(desk, replace(OPEN, name=name, is_chat_admin=unknown, metered=False))
        assert told == (
            "누가 이 채팅의 관리자인지 확인하지 못해 아무것도 바꾸지 않았습니다. 잠시 뒤 다시 해 주세요.\n"
            "계속 이러면 봇이 참가자를 볼 수 없는 것입니다. "
            "그룹에서는 봇을 관리자로 지정하고, 채널에는 봇을 추가해 주세요."
        )
    assert not await subscribed(desk, GROUP)
    english = replace(OPEN, name="subscribe", private=True, language="en", is_chat_admin=unknown)
    assert "Please try again in a moment.\nIf it stays so, the bot cannot see" in await said(desk, english)


async def test_unsubscribe_stops_everything(desk: Desk) -> None:
    await said(desk, replace(OPEN, name="subscribe"))
    stopped = await said(desk, replace(OPEN, name="unsubscribe"))
    assert stopped == "구독을 그만두었습니다. 다시 받으려면 /subscribe" and not await subscribed(desk, GROUP)
    again = await said(desk, replace(OPEN, name="unsubscribe"))
    assert again == "구독하고 있지 않습니다. 받으려면 /subscribe"


async def test_subscribe_names_a_source_that_is_not_there(desk: Desk, site: Site) -> None:
    await watch(desk, site)
    wrong = await said(desk, replace(OPEN, name="subscribe", args="source:nope"))
    assert wrong == "모르는 출처입니다: nope. 예: /subscribe source:site"
    right = await said(desk, replace(OPEN, name="subscribe", args='source:site topic:외교 "정상 회담" -주가'))
    assert right.splitlines()[0] == '구독했습니다: source:site topic:외교 "정상 회담" -주가'
    async with desk.database.write() as tx:
        (listener,) = await subscriptions.listeners_between(tx, 0, 10)
    (wish,) = listener.wishes
    assert (wish.sources, wish.topics, wish.include, wish.exclude) == (("site",), ("외교",), ("정상 회담",), ("주가",))


async def test_sources_are_for_admins(desk: Desk, site: Site) -> None:
    await watch(desk, site)
    assert "관리자만" in await said(desk, replace(OPEN, name="sources"))
    listed = await said(desk, replace(OPEN, name="sources", trusted=True))
    assert listed == "지켜보는 출처 1곳\nsite (site) — 글 0건, 아직 읽지 못함\n⏸ site 멈추기: /sources pause site"
    async with desk.database.write() as tx:
        await stored.pause(tx, "site", paused=True, now=desk.now())
    assert "멈춤" in await said(desk, replace(OPEN, name="sources", trusted=True))


async def test_a_defect_is_answered_politely(desk: Desk) -> None:
    await desk.database.close()
    object.__setattr__(desk, "database", None)
    assert await said(desk, OPEN) == "지금은 대답할 수 없습니다. 잠시 뒤 다시 해 주세요."


@pytest.mark.parametrize(
    ("typed", "command"),
    [("최신", "latest"), ("news", "latest"), ("검색", "search"), ("도움말", "help"), ("구독", "subscribe")],
)
def test_a_command_has_names_in_the_language_of_who_asks(typed: str, command: str) -> None:
    assert names.command_called(typed) == command
    assert names.command_called(unicodedata.normalize("NFD", typed)) == command


@pytest.mark.parametrize(
    ("typed", "guess"), [("lates", "latest"), ("serach", "search"), ("최신소", "latest"), ("검색어", "search")]
)
async def test_a_near_miss_is_answered_with_what_was_meant(desk: Desk, typed: str, guess: str) -> None:
    told = await said(desk, replace(OPEN, name=typed))
    assert told == f"/{typed} 는 모르는 명령입니다. /{guess} 를 찾으셨나요?"


def test_every_other_name_is_one_for_a_command_and_for_no_second_one() -> None:
    texts = [tables(language)["names"] for language in languages()]
    assert all(table.keys() <= handlers.HANDLERS.keys() for table in texts)
    words = [word.strip() for table in texts for several in table.values() for word in several.split(",")]
    assert len(words) == len({*words}) and not {*words} & handlers.HANDLERS.keys()
    assert all(word == word.lower() and " " not in word for word in words)
