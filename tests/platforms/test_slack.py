"""Slack through the real bolt and slack_sdk clients: what goes out, what comes in, and every kind of no."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from aiohttp import web

import handlers
from config.settings import Slack as Settings
from delivery import Alarm, CannotLook, Found, NotThere
from models import (
    Button,
    Chat,
    ChatGone,
    Command,
    Part,
    Refused,
    Reply,
    Sent,
    Status,
    Story,
    TryLater,
    Unknown,
    Urgency,
)
from platforms import slack
from platforms.slack import Slack
from tests.bot import ROOT
from tests.fakes.slack import FakeSlack, read_block, signed
from tests.parcels import ALERT, SETTINGS, digest, parcel, roundup

CHAT = Chat("slack", "T0SOKBO1", "C1")


@pytest.fixture
def fake() -> Iterator[FakeSlack]:
    with FakeSlack() as made:
        made.add_channel("C1", "news", creator="U1")
        yield made


class Desk:
    """Remembers commands and answers them with a script."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.let_in: list[Chat] = []
        self.shut: list[tuple[Chat, ChatGone]] = []
        self.moves: list[tuple[str, str]] = []
        self.answer = Reply(title="안녕", lines=("a < b & <!channel>",))
        self.answers: dict[str, Reply] = {}
        self.admin: list[bool | None] = []

    async def take(self, command: Command) -> Reply:
        self.commands.append(command)
        if command.name == "subscribe":
            self.admin.append(await command.is_chat_admin())
        return replace(self.answers.get(command.name, self.answer), command=command.name)

    async def let_in_again(self, chat: Chat, by: str = "") -> None:
        self.let_in.append(chat)

    async def shut_out(self, chat: Chat, closed: ChatGone) -> None:
        self.shut.append((chat, closed))

    async def moved(self, old: Chat, new: Chat) -> None:
        self.moves.append((old.id, new.id))


def settings(fake: FakeSlack, **changed: Any) -> Settings:
    keys = {"bot_token": fake.bot_token, "app_token": fake.app_token, "api_base": f"{fake.url}/api/", **changed}
    return Settings.model_validate(keys)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def platform(fake: FakeSlack, desk: Desk) -> AsyncIterator[Slack]:
    made = Slack(settings(fake), desk.take, desk, SETTINGS)
    yield made
    await made.close()


async def blocking(call: Callable[..., Any], *args: Any, **names: Any) -> Any:
    """A blocking call of the double, off the loop that the platform runs in."""
    return await asyncio.to_thread(call, *args, **names)


@pytest.fixture
async def running(platform: Slack, fake: FakeSlack) -> AsyncIterator[Slack]:
    task = asyncio.create_task(platform.run())
    await blocking(fake.wait_for_connections)
    yield platform
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_alert_goes_out_with_blocks_text_and_metadata(platform: Slack, fake: FakeSlack) -> None:
    result = await platform.send(parcel(CHAT, urgency=Urgency.URGENT))
    (message,) = fake.channels["C1"].messages
    assert result == Sent(message.ts)
    assert message.metadata == {
        "event_type": "sokbo_alert",
        "event_payload": {"delivery": 11, "alert": 7, "version": 1},
    }
    assert message.text == f"{ALERT.headline}\nhttps://newsdao.kr/4261"
    assert (message.unfurl_links, message.unfurl_media) == (False, False)
    shown = message.visible
    for part in (ALERT.headline, "• 총 47건의 협력 문서 체결", "뉴스다오", "속보", "외교", "원문 보기"):
        assert part in shown, shown


async def test_a_round_up_is_found_by_its_metadata_and_edited(platform: Slack, fake: FakeSlack) -> None:
    called = datetime.now(UTC)
    fake.fault("reset_after")
    assert await platform.send(roundup(CHAT, 7)) == Unknown("the connection was cut")
    (message,) = fake.channels["C1"].messages
    assert message.metadata == {
        "event_type": "sokbo_roundup",
        "event_payload": {"message": 5, "deliveries": [21, 22, 23, 24, 25, 26, 27]},
    }
    assert await platform.look_up(roundup(CHAT, 7), called) == Found(message.ts)
    assert await platform.look_up(roundup(CHAT, 6), called) == NotThere()
    assert await platform.look_up(parcel(CHAT), called) == NotThere()
    edited = await platform.edit(roundup(CHAT, 7, message_id=message.ts, headline="고친 제목"))
    assert edited == Sent(message.ts)
    (message,) = fake.channels["C1"].messages
    assert message.visible.count("고친 제목") >= 7 and "https://newsdao.kr/7" in str(message.blocks)
    assert await platform.look_up(roundup(CHAT, 7), called) == Found(message.ts)


async def test_a_digest_leads_back_to_what_stands_in_the_channel(platform: Slack, fake: FakeSlack) -> None:
    await platform.check()
    before = parcel(CHAT, delivery={"message_id": "1700000000.000100", "status": Status.SENT})
    assert isinstance(await platform.send(digest(CHAT, 2, before)), Sent)
    (message,) = fake.channels["C1"].messages
    assert "소식 요약 3건" in message.visible and "channel=C1&amp;message_ts=1700000000.000100" in str(message.blocks)


async def test_an_urgent_alert_calls_everybody_only_where_the_chat_asked_for_it(
    platform: Slack, fake: FakeSlack
) -> None:
    asked = replace(SETTINGS, here=True)
    for settings, urgency in ((SETTINGS, Urgency.URGENT), (asked, Urgency.NORMAL), (asked, Urgency.URGENT)):
        await platform.send(replace(parcel(CHAT, urgency=urgency), settings=settings))
    assert [len(message.pings) for message in fake.channels["C1"].messages] == [0, 0, 1]


async def test_hostile_text_pings_nobody(platform: Slack, fake: FakeSlack) -> None:
    title = "<!channel> A < B & C > D <@U1> <https://evil.example|x> @here"
    await platform.send(parcel(CHAT, headline=title, bullets=(title,), sources=(title,), topics=(title,)))
    await platform.send(parcel(CHAT, delivery={"plain": True}, headline=title, bullets=(title,), sources=(title,)))
    for message in fake.channels["C1"].messages:
        assert message.pings == [] and title in message.visible, message.visible


async def test_an_edit_replaces_text_and_blocks(platform: Slack, fake: FakeSlack) -> None:
    sent = await platform.send(parcel(CHAT))
    assert isinstance(sent, Sent)
    changed = parcel(CHAT, delivery={"message_id": sent.message_id}, headline="고친 제목", changed=ALERT.created)
    assert await platform.edit(changed) == sent
    (message,) = fake.channels["C1"].messages
    assert "고친 제목" in message.visible and "14:06 고침" in message.visible and len(message.edits) == 1


@pytest.mark.parametrize(
    ("fault", "detail", "expected"),
    [
        ("429", {"retry_after": 7}, TryLater("slack asked us to wait", 7.0)),
        ("ratelimited", {}, TryLater("slack asked us to wait", 1.0)),
        ("500", {}, TryLater("slack has trouble (500)")),
        ("503", {}, TryLater("slack has trouble (503)")),
        ("internal_error", {}, Unknown("slack has trouble (internal_error)")),
        ("fatal_error", {}, Unknown("slack has trouble (fatal_error)")),
        ("service_unavailable", {}, TryLater("slack has trouble (service_unavailable)")),
        ("request_timeout", {}, TryLater("slack has trouble (request_timeout)")),
        ("channel_not_found", {}, ChatGone("channel_not_found")),
        ("not_in_channel", {}, ChatGone("not_in_channel", speechless=True)),
        ("is_archived", {}, ChatGone("is_archived", speechless=True)),
        ("restricted_action", {}, ChatGone("restricted_action", speechless=True)),
        ("team_access_not_granted", {}, TryLater("team_access_not_granted")),
        ("thread_not_found", {}, ChatGone("thread_not_found", speechless=True)),
        ("invalid_blocks", {}, Refused("invalid_blocks", Part.PICTURE)),
        ("invalid_blocks", {"messages": ["[ERROR] x [json-pointer:/blocks/0/text]"]}, Refused("invalid_blocks")),
        ("msg_too_long", {}, Refused("msg_too_long")),
        ("no_text", {}, Refused("no_text")),
        ("token_revoked", {}, TryLater("token_revoked")),
        ("malformed", {}, Unknown("an answer that makes no sense")),
        ("reset_after", {}, Unknown("the connection was cut")),
        ("close_after", {}, Unknown("the connection was cut")),
    ],
)
async def test_every_answer_becomes_one_of_the_closed_set(
    platform: Slack, fake: FakeSlack, fault: str, detail: dict[str, Any], expected: object
) -> None:
    fake.fault(fault, **detail)
    assert await platform.send(parcel(CHAT)) == expected


async def test_a_reply_that_never_comes_is_unknown(
    platform: Slack, fake: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack, "TIMEOUT", 0.3)
    fake.fault("hang_after")
    assert await platform.send(parcel(CHAT)) == Unknown("no answer in time")
    assert len(fake.channels["C1"].messages) == 1


async def test_nobody_at_the_address_means_not_sent(fake: FakeSlack, desk: Desk) -> None:
    platform = Slack(settings(fake, api_base="http://127.0.0.1:9/api/"), desk.take, desk, SETTINGS)
    assert await platform.send(parcel(CHAT)) == TryLater("slack cannot be reached")
    await platform.close()


async def test_a_revoked_token_pauses_the_platform(platform: Slack, fake: FakeSlack) -> None:
    platform.state.ready()
    fake.fault("account_inactive")
    await platform.send(parcel(CHAT))
    assert not platform.ready and "account_inactive" in platform.state.problem


async def test_a_picture_that_slack_cannot_fetch_costs_the_picture_not_the_form(
    platform: Slack, fake: FakeSlack
) -> None:
    fake.bad_images.add(ALERT.image)
    assert await platform.send(parcel(CHAT)) == Refused("invalid_blocks", Part.PICTURE)
    sent = await platform.send(parcel(CHAT, delivery={"pictureless": True}))
    (message,) = fake.channels["C1"].messages
    assert sent == Sent(message.ts) and message.blocks and ALERT.headline in message.visible
    changed = {"pictureless": True, "message_id": message.ts}
    assert await platform.edit(parcel(CHAT, delivery=changed, headline="고친 제목")) == sent


async def test_an_answer_that_names_no_message_is_unknown(platform: Slack, fake: FakeSlack) -> None:
    fake.fault("malformed", body='{"ok": true}')
    assert await platform.send(parcel(CHAT)) == Unknown("an answer that makes no sense")


async def test_a_lost_reply_is_found_again_by_its_metadata(platform: Slack, fake: FakeSlack) -> None:
    fake.fault("reset_after")
    called = datetime.now(UTC)
    assert await platform.send(parcel(CHAT)) == Unknown("the connection was cut")
    (message,) = fake.channels["C1"].messages
    assert await platform.look_up(parcel(CHAT), called) == Found(message.ts)
    assert await platform.look_up(parcel(CHAT, delivery={"id": 12}), called) == NotThere()
    assert await platform.look_up(parcel(CHAT), called - timedelta(hours=1)) == NotThere()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("missing_scope", CannotLook()),
        ("not_in_channel", CannotLook()),
        ("429", CannotLook(again=True, after=1.0)),
        ("ratelimited", CannotLook(again=True, after=1.0)),
        ("500", CannotLook(again=True)),
        ("malformed", CannotLook(again=True)),
    ],
)
async def test_a_look_that_is_refused_says_whether_to_try_again(
    platform: Slack, fake: FakeSlack, fault: str, expected: CannotLook
) -> None:
    fake.fault(fault, method="conversations.history")
    assert await platform.look_up(parcel(CHAT), datetime.now(UTC)) == expected


async def test_slash_commands_are_acknowledged_and_answered_in_private(
    running: Slack, fake: FakeSlack, desk: Desk
) -> None:
    desk.answer = Reply(title="최신 소식", stories=(Story(ALERT, "…첫 수출…"),), marked=("수출",))
    result = await blocking(fake.slash, "/latest", "3 외교", "C1", "U2")
    (reply,) = await blocking(fake.wait_for_replies, result)
    assert result.acked and reply.response_type == "ephemeral" and reply.pings == []
    assert "최신 소식" in reply.visible and ALERT.headline in reply.visible
    (command,) = desk.commands
    assert (command.name, command.args, command.chat, command.user) == ("latest", "3 외교", CHAT, "U2")


@pytest.mark.parametrize(
    ("slash", "text", "name", "args"),
    [
        ("/sokbo", "search KTX 수출", "search", "KTX 수출"),
        ("/sokbo", "", "help", ""),
        ("/sokbo", "/subscribe source:a", "subscribe", "source:a"),
        ("/search", "수출", "search", "수출"),
    ],
)
async def test_everything_is_understood_as_sokbo_command(
    running: Slack, fake: FakeSlack, desk: Desk, slash: str, text: str, name: str, args: str
) -> None:
    result = await blocking(fake.slash, slash, text, "C1", "U1")
    await blocking(fake.wait_for_replies, result)
    assert [(command.name, command.args) for command in desk.commands] == [(name, args)]


async def test_mentions_and_direct_messages_take_the_same_words_once_each(
    running: Slack, fake: FakeSlack, desk: Desk
) -> None:
    desk.answer = replace(desk.answer, public=True)
    event = await blocking(fake.mention, "C1", "U2", "search a & b https://newsdao.kr/1")
    await blocking(fake.wait_for_messages, "C1", 1)
    await blocking(fake.redeliver, event)
    await blocking(fake.direct_message, "U2", "latest 2")
    await blocking(fake.wait_until, lambda: len(desk.commands) == 2)
    mention, direct = desk.commands
    assert (mention.name, mention.args, mention.private) == ("search", "a & b https://newsdao.kr/1", False)
    assert (direct.name, direct.args, direct.private) == ("latest", "2", True)
    assert len(fake.channels["C1"].messages) == 1 and fake.channels["C1"].messages[0].pings == []


async def test_after_a_mention_all_read_the_news_in_its_thread_and_what_concerns_the_channel(
    running: Slack, fake: FakeSlack, desk: Desk
) -> None:
    desk.answers = {"latest": Reply(title="최신", stories=(Story(ALERT),)), "subscribe": Reply("구독", public=True)}
    await blocking(fake.mention, "C1", "U2", "latest")
    (news,) = await blocking(fake.wait_for_messages, "C1", 1)
    (question,) = fake.channels["C1"].others
    assert (news.thread_ts, news.visible.startswith("최신")) == (question.ts, True)
    await blocking(fake.mention, "C1", "U1", "subscribe")
    (_, done) = await blocking(fake.wait_for_messages, "C1", 2)
    assert (done.thread_ts, done.visible) == ("", "구독")
    assert fake.channels["C1"].ephemerals == []


@pytest.mark.parametrize("thread", [False, True])
async def test_after_a_mention_what_concerns_one_person_is_shown_to_nobody_else(
    running: Slack, fake: FakeSlack, desk: Desk, thread: bool
) -> None:
    fake.add_user("U2")
    parent = fake.add_message("C1", "U2", "이야기").ts if thread else ""
    rights = Reply(lines=("이 명령은 이 채팅의 관리자만 쓸 수 있습니다.",))
    panel = Reply(title="설정", buttons=((Button("사진 → 끔", "settings pictures off"),),))
    nothing = Reply(lines=("없습니다.",))
    desk.answers = {"stop": rights, "settings": panel, "search": nothing}
    for name in desk.answers:
        await blocking(fake.mention, "C1", "U2", name, thread_ts=parent)
    await blocking(fake.wait_until, lambda: len(fake.channels["C1"].ephemerals) == 3)
    told = fake.channels["C1"].ephemerals
    assert {one.visible.splitlines()[0] for one in told} == {rights.lines[0], "설정", "없습니다."}
    assert {(one.body["user"], one.body.get("thread_ts", "")) for one in told} == {("U2", parent)}
    assert fake.channels["C1"].messages == []


async def test_a_button_that_only_one_person_sees_after_a_mention_answers_that_person(
    running: Slack, fake: FakeSlack, desk: Desk
) -> None:
    fake.add_user("U2")
    desk.answer = Reply(title="설정", buttons=((Button("사진 → 끔", "settings pictures off"),),))
    await blocking(fake.mention, "C1", "U2", "settings")
    await blocking(fake.wait_until, lambda: fake.channels["C1"].ephemerals)
    (panel,) = fake.channels["C1"].ephemerals
    desk.answer = replace(desk.answer, title="설정 고침")
    pressed = await blocking(fake.press, "C1", "U2", panel.ts, "press:0:0")
    (reply,) = await blocking(fake.wait_for_replies, pressed)
    assert reply.replace_original and panel.visible.startswith("설정 고침") and fake.channels["C1"].messages == []


async def test_who_may_change_a_channel_is_asked_of_slack(running: Slack, fake: FakeSlack, desk: Desk) -> None:
    fake.add_user("U9", admin=True)
    fake.add_user("U5")
    for user in ("U1", "U9", "U5"):
        await blocking(fake.slash, "/sokbo", "subscribe", "C1", user)
    fake.fault("missing_scope", method="conversations.info")
    await blocking(fake.slash, "/sokbo", "subscribe", "C1", "U5")
    assert desk.admin == [True, True, False, None]


async def test_an_invitation_lets_the_channel_in_again(running: Slack, fake: FakeSlack, desk: Desk) -> None:
    await blocking(fake.join, "C1")
    await blocking(fake.wait_until, lambda: desk.let_in == [CHAT])


async def test_the_socket_comes_back_after_it_was_dropped(running: Slack, fake: FakeSlack, desk: Desk) -> None:
    fake.disconnect("refresh_requested")
    await blocking(fake.wait_for_connections, 1, 30)
    result = await blocking(fake.slash, "/latest", "", "C1", "U2")
    await blocking(fake.wait_for_replies, result)
    assert [command.name for command in desk.commands] == ["latest"]


@pytest.mark.parametrize("wrong", ["bot_token", "app_token"])
async def test_a_wrong_token_pauses_and_says_which(fake: FakeSlack, desk: Desk, wrong: str) -> None:
    platform = Slack(settings(fake, **{wrong: "xoxb-wrong"}), desk.take, desk, SETTINGS)
    assert f"{wrong} is refused (invalid_auth)" in await platform.check()
    task = asyncio.create_task(platform.run())
    await asyncio.wait_for(platform.state.answered.wait(), 5)
    assert platform.state.word == "paused" and wrong in platform.state.problem
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await platform.close()


async def test_admins_are_told_in_a_channel_or_by_their_id_in_private(platform: Slack, fake: FakeSlack) -> None:
    told = Reply(lines=("⚠️ a < b",))
    assert isinstance(await platform.tell(Chat("slack", "", "C1"), told), Sent)
    assert fake.visible("C1") == ["⚠️ a < b"]
    fake.add_user("U7")
    assert isinstance(await platform.tell(Chat("slack", "", "U7"), told), Sent)
    assert isinstance(await platform.tell(Chat("slack", "", "C404"), told), ChatGone)


async def test_a_channel_says_that_it_closes_and_opens(running: Slack, fake: FakeSlack, desk: Desk) -> None:
    for kind in ("channel_archive", "group_left", "channel_unarchive"):
        await blocking(fake.event, {"type": kind, "channel": "C1"})
    await blocking(fake.wait_until, lambda: desk.let_in == [CHAT])
    assert desk.shut == [
        (CHAT, ChatGone("is_archived", speechless=True)),
        (CHAT, ChatGone("not_in_channel", speechless=True)),
    ]


async def test_a_token_that_was_taken_away_pauses_the_workspace_at_once(running: Slack, fake: FakeSlack) -> None:
    await blocking(fake.event, {"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}})
    assert running.ready and running.alarm is None
    await blocking(fake.event, {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["U0"]}})
    await blocking(fake.wait_until, lambda: not running.ready)
    assert running.state.why is not None and running.alarm == Alarm("notice.account_paused", running.state.why)
    assert "거절된 토큰: bot_token(token_revoked)" in running.state.problem_in("ko")


# ------------------------------------------------------------------------------------------------------------ buttons

PAGES = ((Button("◀ 앞", "search page 17 1"), Button("뒤 ▶", "search page 17 3")),)
PAGE_1 = Reply(title="1쪽", stories=(Story(ALERT),), buttons=PAGES)
PAGE_2 = Reply(title="2쪽", stories=(Story(ALERT),), toast="2쪽입니다")


async def test_a_press_is_a_command_and_replaces_what_only_one_person_sees(
    running: Slack, fake: FakeSlack, desk: Desk
) -> None:
    desk.answer = PAGE_1
    (shown,) = await blocking(fake.wait_for_replies, await blocking(fake.slash, "/search", "수출", "C1", "U2"))
    assert [(one["text"]["text"], one["value"]) for one in shown.buttons] == [
        ("◀ 앞", "search page 17 1"),
        ("뒤 ▶", "search page 17 3"),
    ]
    desk.answer = replace(PAGE_2, buttons=PAGES)
    for _ in range(2):
        pressed = await blocking(fake.press, "C1", "U2", shown.ts, "press:0:1")
        (reply,) = await blocking(fake.wait_for_replies, pressed)
        assert pressed.acked and reply.replace_original and shown.visible.startswith("2쪽")
    command = desk.commands[-1]
    assert (command.name, command.args, command.user, command.pressed) == ("search", "page 17 3", "U2", True)
    assert command.chat == CHAT and fake.channels["C1"].messages == []


async def test_a_press_in_a_thread_changes_its_message_by_another_way_when_the_address_is_spent(
    running: Slack, fake: FakeSlack, desk: Desk
) -> None:
    parent = fake.add_message("C1", "U2", "이야기")
    desk.answer = PAGE_1
    await blocking(fake.mention, "C1", "U2", "search 수출", thread_ts=parent.ts)
    (message,) = await blocking(fake.wait_for_messages, "C1", 1)
    desk.answer = PAGE_2
    fake.spent_responses = True
    pressed = await blocking(fake.press, "C1", "U2", message.ts, "press:0:1")
    await blocking(fake.wait_until, lambda: message.edits)
    assert message.visible.startswith("2쪽") and pressed.refused == ["used_url"]
    assert desk.commands[-1].chat == Chat("slack", "T0SOKBO1", "C1", parent.ts)
    assert len(fake.channels["C1"].messages) == 1


async def test_what_a_stranger_is_told_is_seen_by_nobody_else(running: Slack, fake: FakeSlack, desk: Desk) -> None:
    desk.answer = PAGE_1
    await blocking(fake.mention, "C1", "U2", "search 수출")
    (message,) = await blocking(fake.wait_for_messages, "C1", 1)
    for answer in (Reply(lines=("관리자만 바꿀 수 있습니다.",)), Reply(toast="관리자만 바꿀 수 있습니다.")):
        desk.answer = answer
        pressed = await blocking(fake.press, "C1", "U7", message.ts, "press:0:0")
        (told,) = await blocking(fake.wait_for_replies, pressed)
        assert (told.visible, told.response_type) == ("관리자만 바꿀 수 있습니다.", "ephemeral")
        assert not told.replace_original
    assert message.edits == [] and len(fake.channels["C1"].messages) == 1


async def test_a_press_under_an_alert_is_answered_beside_it(running: Slack, fake: FakeSlack, desk: Desk) -> None:
    sent = await running.send(parcel(CHAT))
    assert isinstance(sent, Sent)
    desk.answer = Reply(title="외교", lines=("1시간 끕니다.",))
    pressed = await blocking(fake.press, "C1", "U2", sent.message_id, "beside:0:0")
    (told,) = await blocking(fake.wait_for_replies, pressed)
    assert told.visible.startswith("외교") and told.response_type == "ephemeral" and not told.replace_original
    (alert,) = fake.channels["C1"].messages
    assert alert.edits == [] and (desk.commands[-1].name, desk.commands[-1].args) == ("mutetopic", "7")


async def test_a_link_below_an_answer_is_acknowledged_and_no_command(
    running: Slack, fake: FakeSlack, desk: Desk
) -> None:
    desk.answer = Reply(title="안내", buttons=((Button("열기", url="https://news.example/x"),),))
    (shown,) = await blocking(fake.wait_for_replies, await blocking(fake.slash, "/sokbo", "help", "C1", "U2"))
    assert (await blocking(fake.press, "C1", "U2", shown.ts, "open:0:0")).acked
    assert len(desk.commands) == 1


# -------------------------------------------------------------------------------------------------- views and shortcuts


def read(view: dict[str, Any]) -> str:
    return "\n".join(filter(None, map(read_block, view["blocks"])))


async def test_the_home_shows_subscriptions_and_the_latest_and_what_is_pressed_there(
    running: Slack, fake: FakeSlack, desk: Desk
) -> None:
    desk.answers["subscriptions"] = Reply(
        title="구독", lines=("1. 외교",), buttons=((Button("빼기", "unsubscribe 1"),),)
    )
    desk.answers["latest"] = Reply(title="최신 소식", stories=(Story(ALERT),), buttons=((Button("더", "latest 10"),),))
    await blocking(fake.open_home, "U2")
    await blocking(fake.wait_until, lambda: "U2" in fake.homes)
    home = read(fake.homes["U2"])
    assert home.startswith("구독\n1. 외교\n[빼기]\n최신 소식\n1. 한·우즈") and home.endswith("[더]")
    assert {command.chat for command in desk.commands} == {Chat("slack", "T0SOKBO1", "D02")}
    assert all(command.private and not command.pressed for command in desk.commands)
    desk.answers["latest"] = Reply(title="최신 소식 10건", stories=(Story(ALERT),))
    assert (await blocking(fake.press_in_view, "U2", fake.homes["U2"], "latest 10")).acked
    await blocking(fake.wait_until, lambda: "최신 소식 10건" in read(fake.homes["U2"]))
    desk.answers["unsubscribe"] = Reply(lines=("구독을 그만두었습니다. 다시 받으려면 /subscribe",))
    await blocking(fake.press_in_view, "U2", fake.homes["U2"], "unsubscribe 1")
    await blocking(fake.wait_until, lambda: read(fake.homes["U2"]).startswith("구독을 그만두었습니다."))
    assert "다시 받으려면 /sokbo subscribe" in read(fake.homes["U2"])
    pressed = [(command.name, command.args, command.user) for command in desk.commands if command.pressed]
    assert pressed == [("latest", "10", "U2"), ("unsubscribe", "1", "U2")]


async def test_settings_open_in_a_window_of_their_own_and_change_there(
    running: Slack, fake: FakeSlack, desk: Desk
) -> None:
    desk.answers["settings"] = Reply(
        title="설정", lines=("사진: 켬",), buttons=((Button("사진 끄기", "settings pictures off"),),)
    )
    result = await blocking(fake.slash, "/sokbo", "settings", "C1", "U1")
    await blocking(fake.wait_until, lambda: fake.modals)
    (modal,) = fake.modals
    assert result.acked and result.replies == [] and modal["title"]["text"] == "설정" and "사진: 켬" in read(modal)
    desk.answers["settings"] = Reply(title="설정", lines=("사진: 끔",))
    await blocking(fake.press_in_view, "U1", modal, "settings pictures off")
    await blocking(fake.wait_until, lambda: "사진: 끔" in read(fake.modals[0]))
    command = desk.commands[-1]
    assert (command.name, command.args, command.chat, command.pressed) == ("settings", "pictures off", CHAT, True)


async def test_the_window_opens_whatever_word_the_command_was_called_by(
    running: Slack, fake: FakeSlack, desk: Desk
) -> None:
    async def take(command: Command) -> Reply:
        return Reply(title="설정", buttons=((Button("끔", "settings pictures off"),),), command="settings")

    running._answer = take
    result = await blocking(fake.slash, "/sokbo", "설정", "C1", "U1")
    await blocking(fake.wait_until, lambda: fake.modals)
    assert fake.modals[0]["title"]["text"] == "설정" and result.refused == []


async def test_settings_come_as_a_message_where_the_window_comes_too_late_or_is_not_for_the_asker(
    running: Slack, fake: FakeSlack, desk: Desk
) -> None:
    desk.answers["settings"] = Reply(
        title="설정", lines=("사진: 켬",), buttons=((Button("사진 끄기", "settings pictures off"),),)
    )
    fake.fault("expired_trigger_id", method="views.open")
    late = await blocking(fake.slash, "/sokbo", "settings", "C1", "U1")
    (shown,) = await blocking(fake.wait_for_replies, late)
    assert [one["value"] for one in shown.buttons] == ["settings pictures off"]
    desk.answers["settings"] = Reply(lines=("관리자만 바꿀 수 있습니다.",))
    (refused,) = await blocking(fake.wait_for_replies, await blocking(fake.slash, "/sokbo", "settings", "C1", "U7"))
    assert refused.visible == "관리자만 바꿀 수 있습니다." and fake.modals == []


async def test_a_message_shortcut_is_a_command_about_the_alert_that_the_message_shows(
    running: Slack, fake: FakeSlack, desk: Desk
) -> None:
    sent = await running.send(parcel(CHAT))
    assert isinstance(sent, Sent)
    desk.answer = Reply(toast="외교를 껐습니다.")
    (told,) = await blocking(
        fake.wait_for_replies, await blocking(fake.shortcut, "C1", "U2", sent.message_id, "mute_topic")
    )
    assert (told.visible, told.response_type) == ("외교를 껐습니다.", "ephemeral")
    assert [(command.name, command.args, command.chat) for command in desk.commands] == [("mutetopic", "7", CHAT)]
    other = fake.add_message("C1", "U2", "이야기")
    (told,) = await blocking(fake.wait_for_replies, await blocking(fake.shortcut, "C1", "U2", other.ts, "mute_topic"))
    assert told.visible == "이 메시지는 알림이 아닙니다." and len(desk.commands) == 1


async def test_the_manifest_asks_for_the_events_and_shortcuts_that_are_handled(platform: Slack) -> None:
    manifest = yaml.safe_load((ROOT / "config" / "slack-manifest.yaml").read_text(encoding="utf-8"))
    asked = {event.partition(".")[0] for event in manifest["settings"]["event_subscriptions"]["bot_events"]}
    source = (ROOT / "platforms" / "slack.py").read_text(encoding="utf-8")
    received = source[source.index("def app(self)") : source.index("async def _on_slash")]
    assert asked == set(re.findall(r'"([a-z_]+)"', received))
    shortcuts = {one["callback_id"]: one["type"] for one in manifest["features"]["shortcuts"]}
    assert shortcuts == dict.fromkeys(slack.SHORTCUTS, "message")
    assert set(slack.SHORTCUTS.values()) <= handlers.HANDLERS.keys()


# ----------------------------------------------------------------------------------------------------------- HTTP mode


@pytest.fixture
async def over_http(fake: FakeSlack, desk: Desk) -> AsyncIterator[Slack]:
    """The platform called by Slack, at an address of this machine."""
    changed = {"mode": "http", "app_token": "", "signing_secret": fake.signing_secret}
    made = Slack(settings(fake, **changed), desk.take, desk, SETTINGS)

    async def hooked(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        status, answered, body = await made.hooks[request.path](headers, await request.read())
        return web.Response(status=status, body=body, headers=answered)

    app = web.Application()
    app.router.add_post("/slack/events", hooked)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    task = asyncio.create_task(made.run())
    await asyncio.wait_for(made.state.answered.wait(), 5)
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await made.close()
    await runner.cleanup()


async def test_what_slack_sends_over_http_is_answered_like_what_comes_over_the_socket(
    over_http: Slack, fake: FakeSlack, desk: Desk
) -> None:
    desk.answer = PAGE_1
    result = await blocking(fake.slash, "/sokbo", "search 수출", "C1", "U2")
    (shown,) = await blocking(fake.wait_for_replies, result)
    assert result.acked and shown.visible.startswith("1쪽")
    pressed = await blocking(fake.press, "C1", "U2", shown.ts, "press:0:1")
    await blocking(fake.wait_for_replies, pressed)
    assert pressed.acked and desk.commands[-1].args == "page 17 3"
    event = await blocking(fake.mention, "C1", "U2", "latest")
    await blocking(fake.wait_for_messages, "C1", 1)
    assert event.envelopes[0].in_time
    await blocking(fake.redeliver, event)
    assert event.envelopes[1].acked_at is not None and len(desk.commands) == 3
    assert fake.connections == 0


async def test_a_call_that_is_not_slacks_or_too_old_is_refused(over_http: Slack, fake: FakeSlack, desk: Desk) -> None:
    now = int(datetime.now(UTC).timestamp())
    body = '{"type": "url_verification", "challenge": "c-123", "token": "x"}'

    async def status(headers: dict[str, str]) -> tuple[int, bytes]:
        lower = {name.lower(): value for name, value in headers.items()} | {"content-type": "application/json"}
        code, _, answered = await over_http.hooks["/slack/events"](lower, body.encode())
        return code, answered

    assert await status(signed(fake.signing_secret, body, now)) == (200, b'{"challenge": "c-123"}')
    for wrong in (
        signed("another", body, now),
        signed(fake.signing_secret, body, now - 301),
        signed(fake.signing_secret, body + " ", now),
        {},
    ):
        assert (await status(wrong))[0] == 401
    assert desk.commands == []


def test_a_socket_takes_no_calls(fake: FakeSlack, desk: Desk) -> None:
    assert Slack(settings(fake), desk.take, desk, SETTINGS).hooks == {}


async def test_a_further_source_is_said_in_the_thread_of_the_alert(platform: Slack, fake: FakeSlack) -> None:
    sent = await platform.send(parcel(CHAT))
    assert isinstance(sent, Sent)
    joined = parcel(CHAT, delivery={"message_id": sent.message_id}, sources=("뉴스다오", "다른 신문"))
    assert isinstance(await platform.reply(joined), Sent)
    reply = fake.channels["C1"].messages[-1]
    assert reply.thread_ts == sent.message_id and "다른 신문" in reply.visible and not reply.pings


async def test_a_thread_gets_its_alerts_there_and_a_lost_one_is_looked_for_among_its_replies(
    platform: Slack, fake: FakeSlack
) -> None:
    parent = fake.add_message("C1", "U1", "속보는 여기")
    thread = replace(CHAT, thread=parent.ts)
    fake.fault("reset_after")
    called = datetime.now(UTC)
    assert isinstance(await platform.send(parcel(thread)), Unknown)
    (message,) = fake.channels["C1"].messages
    assert message.thread_ts == parent.ts and (message.unfurl_links, message.unfurl_media) == (False, False)
    assert await platform.look_up(parcel(thread), called) == Found(message.ts)
    assert await platform.look_up(parcel(thread, delivery={"id": 12}), called) == NotThere()
    (asked, _) = fake.calls_to("conversations.replies")
    assert fake.calls_to("conversations.history") == []
    around = [float(str(asked.params[name])) - called.timestamp() for name in ("oldest", "latest")]
    assert around == pytest.approx([-120, 120], abs=0.01)
    edited = await platform.edit(parcel(thread, delivery={"message_id": message.ts}, headline="고친 제목"))
    assert edited == Sent(message.ts) and "고친 제목" in message.visible
