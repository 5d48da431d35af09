"""Telegram through the real python-telegram-bot client: what goes out, what comes in, and every kind of no."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

import handlers
from config.settings import Telegram as Settings
from delivery import Alarm, CannotLook, Problem
from locales import tables
from models import (
    Button,
    Chat,
    ChatGone,
    Command,
    Moved,
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
from platforms import telegram, telegram_answers, telegram_menu
from platforms.telegram import Telegram
from tests.fakes.telegram import FakeTelegram
from tests.parcels import ALERT, SETTINGS, digest, parcel, roundup

ACCOUNT = "7700"
CHAT = Chat("telegram", ACCOUNT, "42")
GROUP = Chat("telegram", ACCOUNT, "-100")


@pytest.fixture
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram() as made:
        made.add_chat(42, "private")
        made.add_chat(-100, "supergroup", "news", admins=(1,))
        made.add_chat(-200, "channel", "channel")
        yield made


class Desk:
    """Remembers commands and answers them with a script."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.let_in: list[Chat] = []
        self.shut: list[tuple[Chat, ChatGone]] = []
        self.moves: list[tuple[str, str]] = []
        self.answer = Reply(title="안녕", lines=("a < b & c",))
        self.admin: list[bool | None] = []
        self.broken = False

    async def take(self, command: Command) -> Reply:
        if self.broken:
            self.broken = False
            raise RuntimeError("a defect")
        self.commands.append(command)
        if command.name == "subscribe":
            self.admin.append(await command.is_chat_admin())
        return self.answer

    async def let_in_again(self, chat: Chat, by: str = "") -> None:
        self.let_in.append(chat)

    async def shut_out(self, chat: Chat, closed: ChatGone) -> None:
        self.shut.append((chat, closed))

    async def moved(self, old: Chat, new: Chat) -> None:
        self.moves.append((old.id, new.id))


def settings(fake: FakeTelegram, **changed: Any) -> Settings:
    return Settings.model_validate({"token": fake.token, "api_base": fake.url, "admins": [9], **changed})


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def platform(fake: FakeTelegram, desk: Desk) -> AsyncIterator[Telegram]:
    made = Telegram(settings(fake), desk.take, desk, SETTINGS)
    assert await made.check() == ""
    yield made
    await made.close()


async def blocking(call: Callable[..., Any], *args: Any, **names: Any) -> Any:
    """A blocking call of the double, off the loop that the platform runs in."""
    return await asyncio.to_thread(call, *args, **names)


@pytest.fixture
async def running(platform: Telegram, fake: FakeTelegram) -> AsyncIterator[Telegram]:
    task = asyncio.create_task(platform.run())
    await blocking(fake.wait_until, lambda: any(call.method == "getUpdates" for call in fake.calls))
    yield platform
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_alert_goes_out_silently_with_button_and_picture(platform: Telegram, fake: FakeTelegram) -> None:
    result = await platform.send(parcel(CHAT))
    (message,) = fake.chats[42].messages.values()
    assert result == Sent(str(message.message_id))
    assert message.text == (
        "한·우즈베키스탄 정상회담서 KTX 첫 수출·핵심광물 협력 합의\n\n"
        "• 총 47건의 협력 문서 체결\n• 고속철도 KTX 첫 수출 성사, 계약 규모 2,700억 원\n\n"
        "뉴스다오 · 6월 17일 14:05 · #외교\nnewsdao.kr/4261"
    )
    assert message.silent is True
    assert message.link_preview_options and message.link_preview_options["url"] == "https://newsdao.kr/a.jpg"
    assert message.reply_markup
    (button,) = message.reply_markup["inline_keyboard"][0]
    assert (button["text"], button["url"]) == ("원문 보기", "https://newsdao.kr/4261")


async def test_an_urgent_alert_rings_and_is_marked(platform: Telegram, fake: FakeTelegram) -> None:
    await platform.send(parcel(CHAT, urgency=Urgency.URGENT))
    (message,) = fake.chats[42].messages.values()
    assert message.silent is False and message.text.startswith("🔴 한·우즈")


@pytest.mark.parametrize(
    "title",
    [
        "if a<b && c>d </b> <!channel> &amp; \"q\" 'x'",
        "<script>alert(1)</script><a href='x'>",
        "🔴" * 3000,
        "가" * 9000,
        "낱말 " * 3000,
        "\u202e거꾸로\u202c \u200b\u200b",
        "&" * 5000,
    ],
)
@pytest.mark.parametrize("plain", [False, True])
async def test_any_title_is_taken_and_shows_as_text(
    platform: Telegram, fake: FakeTelegram, title: str, plain: bool
) -> None:
    hostile = parcel(
        CHAT, delivery={"plain": plain}, headline=title, bullets=(title,) * 5, sources=(title,), topics=(title,),
        link=f"https://a.example/{title[:3000]}",
    )  # fmt: skip
    assert isinstance(await platform.send(hostile), Sent)
    (message,) = fake.chats[42].messages.values()
    # What turns the direction of the following text, and what nobody sees, is left out.
    assert re.sub(r"[\u202a-\u202e\u200b]", "", title)[:20].strip() in message.text


async def test_a_round_up_goes_out_silently_and_an_edit_draws_it_again(platform: Telegram, fake: FakeTelegram) -> None:
    sent = await platform.send(roundup(CHAT, 7))
    assert isinstance(sent, Sent)
    (message,) = fake.chats[42].messages.values()
    lines = message.text.split("\n")
    assert "7건" in lines[0] and lines[1].startswith("1. 소식 1호") and lines[7].startswith("7. 소식 7호")
    assert message.silent is True and "https://newsdao.kr/7" in message.html
    assert await platform.edit(roundup(CHAT, 7, message_id=sent.message_id, headline="고친 제목")) == sent
    (message,) = fake.chats[42].messages.values()
    assert message.text.count("고친 제목") == 7
    assert platform.split(roundup(CHAT, 3).alerts, SETTINGS) == [(1, 2, 3)]


async def test_a_digest_comes_silently_and_leads_back_to_what_stands_in_the_channel(
    platform: Telegram, fake: FakeTelegram
) -> None:
    before = {"message_id": "77", "status": Status.SENT}
    in_channel = parcel(Chat("telegram", "7700", "-1001234567"), delivery=before, urgency=Urgency.URGENT)
    in_private = parcel(CHAT, delivery=before, headline="개인 채팅")
    assert isinstance(await platform.send(digest(CHAT, 2, in_channel, in_private)), Sent)
    (message,) = fake.chats[42].messages.values()
    lines = message.text.split("\n")
    assert lines[0].startswith("🗞 소식 요약 4건") and lines[1].startswith("1. 🔴") and message.silent is True
    assert message.html.count("https://t.me/c/") == 1 and "https://t.me/c/1234567/77" in message.html


async def test_a_link_without_a_public_host_costs_the_button_only(platform: Telegram, fake: FakeTelegram) -> None:
    assert isinstance(await platform.send(parcel(CHAT, link="http://localhost/x")), Sent)
    assert isinstance(await platform.send(parcel(CHAT, link="")), Sent)
    assert isinstance(await platform.send(parcel(CHAT, link="javascript:alert(1)")), Sent)
    for message in fake.chats[42].messages.values():
        assert "url" not in str(message.reply_markup)


async def test_an_edit_changes_the_message_and_a_second_one_is_no_error(platform: Telegram, fake: FakeTelegram) -> None:
    sent = await platform.send(parcel(CHAT))
    assert isinstance(sent, Sent)
    changed = parcel(CHAT, delivery={"message_id": sent.message_id}, headline="고친 제목", changed=ALERT.created)
    assert await platform.edit(changed) == sent
    assert await platform.edit(changed) == sent
    (message,) = fake.chats[42].messages.values()
    assert "고친 제목" in message.text and "14:06 고침" in message.text
    gone = parcel(CHAT, delivery={"message_id": "99999"})
    assert isinstance(await platform.edit(gone), Refused)


async def test_a_forum_topic_gets_its_alerts_in_its_thread(platform: Telegram, fake: FakeTelegram) -> None:
    await platform.send(parcel(Chat("telegram", ACCOUNT, "-100", "5")))
    call = next(call for call in fake.calls if call.method == "sendMessage")
    assert str(call.params["message_thread_id"]) == "5"


@pytest.mark.parametrize(
    ("fault", "detail", "expected"),
    [
        ("429", {"retry_after": 7}, TryLater("telegram asked us to wait", 7.0)),
        ("500", {}, TryLater("telegram has trouble")),
        ("502", {}, TryLater("telegram has trouble")),
        ("malformed", {}, Unknown("an answer that makes no sense")),
        ("reset_after", {}, Unknown("the connection was cut")),
        ("close_after", {}, Unknown("the connection was cut")),
        ("unauthorized", {}, TryLater("the token is refused")),
    ],
)
async def test_every_answer_becomes_one_of_the_closed_set(
    platform: Telegram, fake: FakeTelegram, fault: str, detail: dict[str, Any], expected: object
) -> None:
    fake.fault(fault, **detail)
    assert await platform.send(parcel(CHAT)) == expected


async def test_a_reply_that_never_comes_is_unknown(
    fake: FakeTelegram, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telegram, "TIMEOUT", 0.3)
    hasty = Telegram(settings(fake), desk.take, desk, SETTINGS)
    assert await hasty.check() == ""
    fake.fault("hang_after")
    assert await hasty.send(parcel(CHAT)) == Unknown("no answer in time")
    assert len(fake.messages(42)) == 1
    await hasty.close()


async def test_a_picture_that_telegram_refuses_costs_the_picture_not_the_form(
    platform: Telegram, fake: FakeTelegram
) -> None:
    fake.bad_pictures[ALERT.image] = "wrong type of the web page content"
    refused = await platform.send(parcel(CHAT))
    assert isinstance(refused, Refused) and refused.part is Part.PICTURE
    sent = await platform.send(parcel(CHAT, delivery={"pictureless": True}))
    (message,) = fake.messages(42)
    assert sent == Sent(str(message.message_id)) and message.reply_markup and "<b>" in message.html
    changed = {"pictureless": True, "message_id": str(message.message_id)}
    assert await platform.edit(parcel(CHAT, delivery=changed, headline="고친 제목")) == sent


async def test_a_new_message_is_never_sent_because_an_edit_would_change_nothing(
    platform: Telegram, fake: FakeTelegram
) -> None:
    fake.fault("answer", code=400, description="Bad Request: message is not modified: x")
    assert isinstance(await platform.send(parcel(CHAT)), Refused)


@pytest.mark.parametrize("code", [400, 401, 403, 404])
async def test_a_page_of_a_proxy_closes_no_chat_and_pauses_no_account(
    fake: FakeTelegram, desk: Desk, platform: Telegram, code: int
) -> None:
    platform.state.ready()
    fake.fault("page", code=code)
    assert await platform.send(parcel(CHAT)) == TryLater("an answer that is not telegram's")
    fake.fault("page", code=code, method="getMe")
    assert (await platform.check()).startswith("no answer from")
    assert platform.state.word == "ready"


@pytest.mark.parametrize("door", ["blocked", "deactivated"])
async def test_a_closed_door_is_told_from_a_bad_payload(platform: Telegram, fake: FakeTelegram, door: str) -> None:
    setattr(fake.chats[42], door, True)
    assert isinstance(await platform.send(parcel(CHAT)), ChatGone)
    assert isinstance(await platform.send(parcel(Chat("telegram", ACCOUNT, "555"))), ChatGone)


async def test_a_group_that_may_not_be_written_to_is_closed(platform: Telegram, fake: FakeTelegram) -> None:
    fake.chats[-100].can_write = False
    assert isinstance(await platform.send(parcel(GROUP)), ChatGone)


async def test_a_migrated_group_tells_its_new_id(platform: Telegram, fake: FakeTelegram) -> None:
    fake.chats[-100].migrated_to = -1009
    assert await platform.send(parcel(GROUP)) == Moved(Chat("telegram", ACCOUNT, "-1009"))


async def test_nobody_at_the_address_means_not_sent(fake: FakeTelegram, desk: Desk) -> None:
    away = Telegram(settings(fake, api_base="http://127.0.0.1:9"), desk.take, desk, SETTINGS)
    assert "no answer from" in await away.check()
    assert await away.send(parcel(CHAT)) == TryLater("telegram cannot be reached")
    await away.close()


async def test_a_bot_cannot_look(platform: Telegram) -> None:
    assert await platform.look_up(parcel(CHAT), ALERT.created) == CannotLook()


async def test_a_wrong_token_pauses_the_platform(fake: FakeTelegram, desk: Desk) -> None:
    wrong = Telegram(settings(fake, token="7700:WRONG"), desk.take, desk, SETTINGS)
    task = asyncio.create_task(wrong.run())
    await asyncio.wait_for(wrong.state.answered.wait(), 5)
    assert wrong.state.word == "paused" and "token is refused" in wrong.state.problem
    assert "WRONG" not in wrong.state.problem
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await wrong.close()


@pytest.mark.parametrize(
    ("chat", "text", "name", "args"),
    [
        (42, "/latest 3 외교", "latest", "3 외교"),
        (42, "/latest@sokbo_test_bot 3", "latest", "3"),
        (-100, "/SEARCH KTX\n수출", "search", "KTX\n수출"),
        (42, "search 수출", "search", "수출"),
        (42, "/start@SOKBO_test_bot", "start", ""),
        (-200, "/subscribe", "subscribe", ""),
    ],
)
async def test_a_message_becomes_a_command(
    running: Telegram, fake: FakeTelegram, desk: Desk, chat: int, text: str, name: str, args: str
) -> None:
    fake.send_text(chat, 5, text)
    await blocking(fake.wait_for_messages, chat, 1)
    (command,) = desk.commands
    assert (command.name, command.args, command.chat.id) == (name, args, str(chat))
    assert command.private is (chat == 42)
    (message,) = fake.chats[chat].messages.values()
    assert message.text == "안녕\na < b & c"


async def test_what_is_not_for_us_is_left_alone(running: Telegram, fake: FakeTelegram, desk: Desk) -> None:
    fake.send_text(-100, 5, "/latest@another_bot")
    fake.send_text(-100, 5, "just talking")
    fake.send_text(42, 5, "/latest", edited=True)
    fake.send_text(42, 5, "/help")
    await blocking(fake.wait_for_messages, 42, 1)
    assert [command.name for command in desk.commands] == ["help"]


async def test_who_may_change_a_group_is_asked_of_telegram(running: Telegram, fake: FakeTelegram, desk: Desk) -> None:
    fake.send_text(-100, 1, "/subscribe")
    fake.send_text(-100, 5, "/subscribe")
    fake.send_text(-100, 5, "/subscribe", sender_chat=True)
    fake.send_text(-200, 5, "/subscribe")
    fake.send_text(42, 5, "/subscribe")
    await blocking(fake.wait_for_messages, -100, 3)
    await blocking(fake.wait_for_messages, 42, 1)
    assert desk.admin == [True, False, True, True, True]


async def test_admins_are_trusted_by_their_id_only(running: Telegram, fake: FakeTelegram, desk: Desk) -> None:
    fake.send_text(42, 9, "/latest")
    fake.send_text(42, 5, "/latest")
    await blocking(fake.wait_for_messages, 42, 2)
    assert [command.trusted for command in desk.commands] == [True, False]


async def test_updates_are_confirmed_only_after_they_were_handled(
    running: Telegram, fake: FakeTelegram, desk: Desk
) -> None:
    desk.broken = True
    fake.send_text(42, 5, "/latest")
    fake.send_text(42, 5, "/help")
    await blocking(fake.wait_for_messages, 42, 1)
    await blocking(fake.wait_until, lambda: fake.unconfirmed() == 0)
    assert [command.name for command in desk.commands] == ["help"]


async def test_a_bot_let_in_again_says_so(running: Telegram, fake: FakeTelegram, desk: Desk) -> None:
    fake.add_member_status(-100, 1, "kicked", "member")
    await blocking(fake.wait_until, lambda: desk.let_in == [GROUP])


async def test_a_second_reader_is_told_until_it_is_gone_for_a_while_and_the_bot_goes_on(
    running: Telegram, fake: FakeTelegram, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.fault("conflict", method="getUpdates")
    fake.send_text(42, 5, "/latest")
    await blocking(fake.wait_until, lambda: running.alarm is not None)
    assert running.ready and running.alarm == Alarm("notice.second_reader", Problem.of("second_reader"))
    fake.send_text(42, 5, "/help")
    await blocking(fake.wait_for_messages, 42, 1)
    assert running.alarm is not None
    monkeypatch.setattr(telegram, "CALM", 0.0)
    fake.send_text(42, 5, "/help")
    await blocking(fake.wait_until, lambda: running.alarm is None)


async def test_a_webhook_that_somebody_set_is_taken_away(running: Telegram, fake: FakeTelegram, desk: Desk) -> None:
    fake.webhook = "https://elsewhere.example/telegram"
    fake.send_text(42, 5, "/help")
    await blocking(fake.wait_until, lambda: fake.webhook == "")
    assert "webhook" in running.state.problem
    fake.send_text(42, 5, "/help")
    await blocking(fake.wait_for_messages, 42, 2)
    assert running.ready


async def test_a_token_revoked_under_way_pauses_says_so_once_and_comes_back(
    running: Telegram, fake: FakeTelegram, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.fault("unauthorized", times=2)
    for _ in range(2):
        assert await running.send(parcel(CHAT)) == TryLater("the token is refused")
    assert not running.ready and "token is refused" in running.state.problem
    assert capsys.readouterr().out.count("telegram is paused") == 1
    fake.send_text(42, 5, "/help")
    await blocking(fake.wait_until, lambda: running.ready)


async def test_a_revoked_token_is_asked_about_again_not_remembered_as_good(
    platform: Telegram, fake: FakeTelegram
) -> None:
    fake.fault("unauthorized", method="getMe")
    assert "token is refused" in await platform.check()
    assert await platform.check() == ""


async def test_the_token_stands_in_no_log_line_even_when_it_is_wrong_or_nobody_is_there(
    fake: FakeTelegram, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "AAH-never-to-be-seen-by-anybody-00000"
    for base in (fake.url, "http://127.0.0.1:9"):
        wrong = Telegram(settings(fake, token=f"7700:{secret}", api_base=base), desk.take, desk, SETTINGS)
        await wrong.check()
        await wrong.send(parcel(CHAT))
        await wrong.edit(parcel(CHAT, delivery={"message_id": "5"}))
        assert secret not in f"{wrong.state.problem} {await wrong.check()}"
        await wrong.close()
    # The library itself logs its base addresses at DEBUG: those lines are the log formatter's to redact (tests/house).
    ours = [line for line in caplog.text.splitlines() if "Set Bot API" not in line]
    assert len(ours) >= 4 and not any(secret in line for line in ours)


async def test_what_is_no_update_does_not_end_the_receiving(running: Telegram, fake: FakeTelegram, desk: Desk) -> None:
    fake.fault("malformed", method="getUpdates", body='{"ok":true,"result":true}')
    fake.send_text(42, 5, "/help")  # ends the call that waits already; the next one is spoilt
    await blocking(fake.wait_for_messages, 42, 1)
    fake.send_text(42, 5, "/latest")
    async with asyncio.timeout(5):
        while not running.state.problem.startswith("cannot receive"):
            await asyncio.sleep(0.01)
    await blocking(fake.wait_for_messages, 42, 2)
    await blocking(fake.wait_until, lambda: fake.unconfirmed() == 0)
    assert running.ready


async def test_a_long_answer_comes_in_several_messages(running: Telegram, fake: FakeTelegram, desk: Desk) -> None:
    stories = tuple(Story(ALERT, "수출 " * 40) for _ in range(20))
    desk.answer = Reply(title="최신 소식", stories=stories, marked=("수출",))
    fake.send_text(42, 5, "/latest 20")
    messages = await blocking(fake.wait_for_messages, 42, 3)
    text = "\n".join(message.text for message in messages)
    assert text.count("한·우즈베키스탄") == 20
    assert "<u>수출</u>" in messages[0].html


async def test_admins_are_told_in_their_chat_or_topic(platform: Telegram, fake: FakeTelegram) -> None:
    told = Reply(lines=("⚠️ a < b", "zwei"))
    assert isinstance(await platform.tell(Chat("telegram", "", "42"), told), Sent)
    (message,) = fake.chats[42].messages.values()
    assert message.text == "⚠️ a < b\nzwei" and message.silent is False
    assert isinstance(await platform.tell(Chat("telegram", "", "5"), told), ChatGone)


async def test_an_update_that_the_library_cannot_read_stops_nothing(
    running: Telegram, fake: FakeTelegram, desk: Desk
) -> None:
    fake.say(42, date="yesterday", text="/latest")
    fake.send_text(42, 5, "/help")
    await blocking(fake.wait_until, lambda: fake.unconfirmed() == 0)
    assert [command.name for command in desk.commands] == ["help"]


@pytest.mark.parametrize(
    ("chat", "status", "closed"),
    [
        (42, "kicked", ChatGone("bot was blocked by the user")),
        (-100, "kicked", ChatGone("bot was kicked from the supergroup chat")),
        (-100, "left", ChatGone("bot is not a member of the supergroup chat")),
        (-100, "restricted", ChatGone("not enough rights to send text messages to the chat", speechless=True)),
        (-200, "no_posts", ChatGone("need administrator rights in the channel chat", speechless=True)),
    ],
)
async def test_a_door_that_closes_is_noted_before_anything_runs_into_it(
    running: Telegram, fake: FakeTelegram, desk: Desk, chat: int, status: str, closed: ChatGone
) -> None:
    fake.add_member_status(chat, 1, "member", status)
    await blocking(fake.wait_until, lambda: desk.shut != [])
    assert desk.shut == [(Chat("telegram", ACCOUNT, str(chat)), closed)] and desk.let_in == []


async def test_a_group_says_its_new_id_on_both_sides_and_a_topic_that_it_is_open_again(
    running: Telegram, fake: FakeTelegram, desk: Desk
) -> None:
    fake.add_chat(-7, "group", "old")
    fake.say(-7, migrate_to_chat_id=-100)
    fake.say(-100, migrate_from_chat_id=-7)
    fake.say(-100, forum_topic_reopened={}, message_thread_id=5, is_topic_message=True)
    await blocking(fake.wait_until, lambda: desk.let_in != [])
    assert desk.moves == [("-7", "-100")] * 2
    assert desk.let_in == [Chat("telegram", ACCOUNT, "-100", "5")] and desk.commands == []


# ------------------------------------------------------------------------------------------------------------ buttons

PAGES = ((Button("◀ 앞", "search page 17 1"), Button("뒤 ▶", "search page 17 3")),)


async def asked(fake: FakeTelegram, desk: Desk, chat: int = 42) -> int:
    """A message of the bot with `PAGES` below it; its id."""
    desk.answer = Reply(title="1쪽", stories=(Story(ALERT),), buttons=PAGES)
    fake.send_text(chat, 5, "/search 수출")
    (message,) = await blocking(fake.wait_for_messages, chat, 1)
    return int(message.message_id)


async def acknowledged(fake: FakeTelegram, query: str) -> dict[str, Any]:
    await blocking(fake.wait_until, lambda: query in fake.answers)
    return fake.answers[query]


async def test_a_press_is_a_command_and_its_answer_takes_the_messages_place(
    running: Telegram, fake: FakeTelegram, desk: Desk
) -> None:
    message = await asked(fake, desk)
    desk.answer = Reply(title="2쪽", stories=(Story(ALERT),), toast="2쪽입니다")
    query = fake.press_button(42, 5, message, "뒤 ▶")
    assert (await acknowledged(fake, query))["text"] == "2쪽입니다"
    await blocking(fake.wait_until, lambda: fake.messages(42)[0].text.startswith("2쪽"))
    (shown,) = fake.messages(42)
    assert shown.reply_markup is None and len(shown.edits) == 1
    command = desk.commands[-1]
    assert (command.name, command.args, command.user, command.pressed) == ("search", "page 17 3", "5", True)
    assert command.chat == CHAT and command.private and command.language == "ko"


async def test_a_double_press_changes_a_message_once_and_adds_none(
    running: Telegram, fake: FakeTelegram, desk: Desk
) -> None:
    message = await asked(fake, desk)
    desk.answer = Reply(title="2쪽", stories=(Story(ALERT),))
    for query in [fake.press_button(42, 5, message, "뒤 ▶"), fake.press(42, 5, message, "search page 17 3")]:
        await acknowledged(fake, query)

    def outcomes() -> list[str]:
        return [call.outcome for call in fake.calls if call.method == "editMessageText" and call.outcome]

    await blocking(fake.wait_until, lambda: len(outcomes()) == 2)
    assert outcomes()[0] == "ok" and outcomes()[1].startswith("Bad Request: message is not modified")
    assert len(fake.messages(42)) == 1 and len(fake.messages(42)[0].edits) == 1


@pytest.mark.parametrize("door", ["deleted", "age", "editable"])
async def test_an_answer_whose_message_is_out_of_reach_comes_anew(
    running: Telegram, fake: FakeTelegram, desk: Desk, door: str
) -> None:
    message = await asked(fake, desk)
    setattr(fake.chats[42].messages[message], door, {"deleted": True, "age": 50 * 3600.0, "editable": False}[door])
    desk.answer = Reply(title="2쪽", stories=(Story(ALERT),), buttons=PAGES)
    await acknowledged(fake, fake.press(42, 5, message, "search page 17 3"))
    if door == "age":  # of an old message Telegram names the place only; the bot may still change its own
        await blocking(fake.wait_until, lambda: fake.chats[42].messages[message].edits)
    else:
        await blocking(fake.wait_for_messages, 42, 2)
        assert fake.messages(42)[-1].text.startswith("2쪽") and fake.messages(42)[-1].reply_markup


async def test_what_a_stranger_is_told_stands_over_the_chat_and_changes_nothing_for_others(
    running: Telegram, fake: FakeTelegram, desk: Desk
) -> None:
    message = await asked(fake, desk, -100)
    desk.answer = Reply(lines=("이 채팅의 관리자만 바꿀 수 있습니다.",))
    told = await acknowledged(fake, fake.press(-100, 6, message, "settings urgent on"))
    assert (told["text"], told["show_alert"]) == ("이 채팅의 관리자만 바꿀 수 있습니다.", True)
    desk.answer = Reply(lines=("닫힌 봇입니다. " * 60,))
    told = await acknowledged(fake, fake.press(-100, 6, message, "settings urgent on"))
    assert len(told["text"]) <= 200 and told["text"].endswith("…")
    (shown,) = fake.messages(-100)
    assert shown.edits == [] and shown.text.startswith("1쪽")


async def test_who_presses_in_a_channel_is_asked_about_though_a_post_is_not(
    running: Telegram, fake: FakeTelegram, desk: Desk
) -> None:
    fake.chats[-200].admins = (1,)
    message = await asked(fake, desk, -200)
    for user in (1, 6):
        await acknowledged(fake, fake.press(-200, user, message, "subscribe"))
    await blocking(fake.wait_until, lambda: len(desk.admin) == 2)
    assert desk.admin == [True, False]


async def test_a_press_under_an_alert_is_answered_below_it_and_leaves_it_alone(
    running: Telegram, fake: FakeTelegram, desk: Desk
) -> None:
    sent = await running.send(parcel(GROUP))
    assert isinstance(sent, Sent)
    desk.answer = Reply(title="왜", lines=("제목이 바뀜 " * 40,))
    await acknowledged(fake, fake.press(-100, 5, int(sent.message_id), "+why 7"))
    alert, why = await blocking(fake.wait_for_messages, -100, 2)
    assert alert.edits == [] and why.reply_to == alert.message_id and why.text.startswith("왜")
    assert (desk.commands[-1].name, desk.commands[-1].args) == ("why", "7")


async def test_a_press_is_acknowledged_before_a_slow_answer_and_whatever_happens_to_it(
    running: Telegram, fake: FakeTelegram, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telegram_answers, "ACKNOWLEDGE_WITHIN", 0.0)
    message = await asked(fake, desk)
    desk.broken = True
    assert not (await acknowledged(fake, fake.press(42, 5, message, "search page 17 3"))).get("text")
    fake.fault("answer", method="answerCallbackQuery", code=400, description="Bad Request: query is too old")
    desk.answer = Reply(title="2쪽", stories=(Story(ALERT),))
    fake.press(42, 5, message, "search page 17 3")
    await blocking(fake.wait_until, lambda: fake.messages(42)[0].text.startswith("2쪽"))


async def test_an_answer_that_is_only_a_toast_leaves_the_message(
    running: Telegram, fake: FakeTelegram, desk: Desk
) -> None:
    message = await asked(fake, desk)
    desk.answer = Reply(toast="저장했습니다")
    told = await acknowledged(fake, fake.press(42, 5, message, "settings urgent on"))
    assert (told["text"], told.get("show_alert", False)) == ("저장했습니다", False)
    assert fake.messages(42)[0].edits == []


async def test_a_press_in_a_forum_topic_is_a_command_of_that_topic(
    running: Telegram, fake: FakeTelegram, desk: Desk
) -> None:
    desk.answer = Reply(title="1쪽", stories=(Story(ALERT),), buttons=PAGES)
    fake.send_text(-100, 5, "/search 수출", thread_id=8)
    (message,) = await blocking(fake.wait_for_messages, -100, 1)
    await acknowledged(fake, fake.press_button(-100, 5, message.message_id, "◀ 앞"))
    assert [command.chat.thread for command in desk.commands] == ["8", "8"] and message.thread_id == 8


# ---------------------------------------------------------------------------------------------- menus, inline, channels


async def test_everybody_is_offered_what_they_may_use_in_their_language(running: Telegram, fake: FakeTelegram) -> None:
    await blocking(fake.wait_until, lambda: len(fake.menu) == 2 * len(telegram_menu.scopes([9])))
    shown = {key: [one["command"] for one in menu] for key, menu in fake.menu.items()}
    assert shown["all_private_chats:ko"] == list(telegram_menu.IN_PRIVATE) == shown["all_private_chats:"]
    assert shown["all_group_chats:ko"] == ["latest", "search", "help"] == shown[""]
    assert "subscribe" in shown["all_chat_administrators:"] and "subscribe" not in shown["all_group_chats:"]
    assert "sources" in shown["chat/9:ko"] and not any("sources" in shown[key] for key in shown if "/9" not in key)
    assert [fake.menu[key][0]["description"] for key in ("ko", "")] == ["최신 소식", "The newest news"]


def test_every_command_of_a_menu_is_answered_and_described_in_every_language() -> None:
    assert handlers.HANDLERS.keys() >= telegram_menu.EVERY_COMMAND
    for language in ("ko", "en"):
        assert tables(language)["menu"].keys() >= telegram_menu.EVERY_COMMAND


async def test_an_admin_who_never_wrote_costs_the_others_no_menu(fake: FakeTelegram, desk: Desk) -> None:
    fake.fault(
        "answer", method="setMyCommands", chat=None, times=3, code=400, description="Bad Request: chat not found"
    )
    made = Telegram(settings(fake), desk.take, desk, SETTINGS)
    assert await made.check() == ""
    assert await telegram_menu.set_menus(made._bot, [9]) == 3
    assert len(fake.menu) == 7
    await made.close()


async def test_words_behind_the_bots_name_are_searched_and_a_choice_posts_the_alert(
    running: Telegram, fake: FakeTelegram, desk: Desk
) -> None:
    desk.answer = Reply(title="검색 결과", stories=(Story(ALERT, "…첫 수출…"), Story(replace(ALERT, id=8, image=""))))
    told = await acknowledged(fake, fake.ask_inline(5, " KTX 수출 "))
    command = desk.commands[-1]
    assert (command.name, command.args, command.private, command.pressed) == ("search", "KTX 수출", True, False)
    assert command.chat == Chat("telegram", ACCOUNT, "5")
    first, second = told["results"]
    assert (first["id"], first["title"]) == ("7", ALERT.headline)
    assert first["description"] == "뉴스다오 · 6월 17일 14:05 · …첫 수출…"
    posted = first["input_message_content"]
    assert posted["message_text"].startswith(f"<b>{ALERT.headline}</b>") and posted["parse_mode"] == "HTML"
    assert first["reply_markup"]["inline_keyboard"][0][0]["url"] == ALERT.link
    assert posted["link_preview_options"]["url"] == ALERT.image == first["thumbnail_url"]
    assert "thumbnail_url" not in second and told["is_personal"] is True and told["cache_time"] <= 60
    desk.answer = Reply(title="이 봇은 초대받은 사람만 쓸 수 있습니다.", lines=("회원님의 ID: 5",))
    told = await acknowledged(fake, fake.ask_inline(5, ""))
    assert (desk.commands[-1].name, desk.commands[-1].args) == ("latest", "20")
    assert told["results"] == [] and told["button"]["text"] == "이 봇은 초대받은 사람만 쓸 수 있습니다."


async def test_a_long_inline_list_goes_on_where_it_ended(running: Telegram, fake: FakeTelegram, desk: Desk) -> None:
    ring = (Button("◀", "search page 17 3"), Button("▶", "search page 17 2"))
    desk.answer = Reply(title="결과", stories=(Story(ALERT),), buttons=(ring,))
    told = await acknowledged(fake, fake.ask_inline(5, "수출"))
    assert told["next_offset"] == "search page 17 2"
    desk.answer = replace(desk.answer, buttons=((Button("◀", "search page 17 1"), Button("▶", "search page 17 1")),))
    told = await acknowledged(fake, fake.ask_inline(5, "수출", told["next_offset"]))
    command = desk.commands[-1]
    assert (command.name, command.args, command.pressed) == ("search", "page 17 2", True)
    assert told["next_offset"] == ""  # the ring leads back to the first page
    await acknowledged(fake, fake.ask_inline(5, "수출", "unsubscribe all"))
    assert (desk.commands[-1].name, desk.commands[-1].args) == ("search", "수출")


async def test_at_most_fifty_results_are_offered(running: Telegram, fake: FakeTelegram, desk: Desk) -> None:
    desk.answer = Reply(title="결과", stories=tuple(Story(replace(ALERT, id=number)) for number in range(60)))
    assert len((await acknowledged(fake, fake.ask_inline(5, "수출")))["results"]) == 50


async def test_what_was_edited_captioned_or_chosen_from_a_list_is_no_command(
    running: Telegram, fake: FakeTelegram, desk: Desk
) -> None:
    fake.push("edited_message", fake.incoming(42, 5, "/latest", edit_date=5))
    fake.push("edited_channel_post", fake.incoming(-200, 5, "/subscribe", edit_date=5))
    fake.push("message", fake.incoming(42, 5, "", caption="/latest"))
    via = {"id": int(ACCOUNT), "is_bot": True, "first_name": "Sokbo"}
    fake.push("message", fake.incoming(42, 5, "한·우즈베키스탄 정상회담", via_bot=via))
    fake.send_text(42, 5, "/help")
    await blocking(fake.wait_for_messages, 42, 1)
    assert [command.name for command in desk.commands] == ["help"] and fake.messages(-200) == []


async def test_a_deep_link_brings_its_word_to_start(running: Telegram, fake: FakeTelegram, desk: Desk) -> None:
    fake.send_text(42, 5, "/start topic_-7Jm46rWQ")
    await blocking(fake.wait_for_messages, 42, 1)
    assert (desk.commands[0].name, desk.commands[0].args) == ("start", "topic_-7Jm46rWQ")


CHANNEL = -1001234567890


async def test_a_channel_is_subscribed_from_a_private_chat_by_its_admins(
    running: Telegram, fake: FakeTelegram, desk: Desk
) -> None:
    fake.add_chat(CHANNEL, "channel", admins=(1,), username="sokbo_news")
    desk.answer = Reply(
        lines=("구독했습니다.",), public=True, buttons=((Button("그만", "unsubscribe 3"), Button("긴", "x" * 60)),)
    )
    for number, (user, text) in enumerate([(1, "/subscribe @sokbo_news topic:외교"), (6, f"/subscribe {CHANNEL}")], 1):
        fake.send_text(42, user, text)
        await blocking(fake.wait_for_messages, 42, number)
    first, second = desk.commands
    assert (first.chat.id, first.args, first.private, first.user) == (str(CHANNEL), "topic:외교", False, "1")
    assert (second.chat.id, second.args) == (str(CHANNEL), "") and desk.admin == [True, False]
    (message, _) = fake.messages(42)
    assert message.reply_markup
    assert [one["text"] for one in message.reply_markup["inline_keyboard"][0]] == ["그만"]
    await acknowledged(fake, fake.press_button(42, 1, message.message_id, "그만"))
    pressed = desk.commands[-1]
    assert (pressed.name, pressed.args, pressed.chat.id, pressed.private) == ("unsubscribe", "3", str(CHANNEL), False)
    assert await pressed.is_chat_admin() is True and fake.messages(CHANNEL) == []


@pytest.mark.parametrize("trouble", ["unknown", "out", "silent"])
async def test_a_channel_that_the_bot_cannot_post_in_is_said_to_be_one(
    running: Telegram, fake: FakeTelegram, desk: Desk, trouble: str
) -> None:
    fake.add_chat(CHANNEL, "channel", admins=(1,), username="sokbo_news")
    fake.chats[CHANNEL].not_member = trouble == "out"
    if trouble == "silent":
        fake.fault("500", method="getChatMember")
    fake.send_text(42, 1, "/subscribe @nobody_here" if trouble == "unknown" else "/subscribe @sokbo_news")
    (message,) = await blocking(fake.wait_for_messages, 42, 1)
    assert desk.commands == [] and "찾을 수 없거나 제가 들어가 있지 않은 곳입니다" in message.text


async def test_a_question_about_a_chat_from_outside_that_gets_no_answer_is_no_yes(
    running: Telegram, fake: FakeTelegram, desk: Desk
) -> None:
    fake.add_chat(CHANNEL, "channel", admins=(1,), username="sokbo_news")

    async def later(command: Command) -> Reply:
        fake.fault("500", method="getChatMember")
        desk.admin.append(await command.is_chat_admin())
        return desk.answer

    running._answer = later
    fake.send_text(42, 1, "/subscribe @sokbo_news")
    await blocking(fake.wait_for_messages, 42, 1)
    assert desk.admin == [None]


# -------------------------------------------------------------------------------------------------------------- webhook


async def called(platform: Telegram, update: dict[str, Any], secret: str = "s3cret-Word") -> int:
    headers = {"x-telegram-bot-api-secret-token": secret}
    return (await platform.hooks["/telegram"](headers, json.dumps(update).encode()))[0]


async def test_in_webhook_mode_telegram_is_told_where_to_call_and_proves_itself(fake: FakeTelegram, desk: Desk) -> None:
    changed = settings(fake, mode="webhook", webhook_secret="s3cret-Word")
    made = Telegram(changed, desk.take, desk, SETTINGS, "https://desk.example/")
    update = {"update_id": 1, "message": fake.incoming(42, 5, "/latest 3")}
    assert await called(made, update) == 503  # its own name is not known yet: Telegram calls again
    task = asyncio.create_task(made.run())
    await blocking(fake.wait_until, lambda: fake.webhook == "https://desk.example/telegram")
    assert fake.webhook_secret == "s3cret-Word" and "callback_query" in fake._allowed
    assert not any(call.method == "getUpdates" for call in fake.calls)
    assert [await called(made, update, secret) for secret in ("", "s3cret-word", "s3cret-Word\u00e9")] == [403] * 3
    assert desk.commands == []
    assert [await called(made, update), await called(made, update)] == [200, 200]
    await blocking(fake.wait_for_messages, 42, 1)
    assert [command.args for command in desk.commands] == ["3"]
    assert await called(made, {"update_id": 2, "message": "spoilt"}) == 200  # it would come for ever
    assert (await made.hooks["/telegram"]({"x-telegram-bot-api-secret-token": "s3cret-Word"}, b"<html>"))[0] == 400
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await made.close()


def test_a_polling_bot_takes_no_calls(fake: FakeTelegram, desk: Desk) -> None:
    assert Telegram(settings(fake), desk.take, desk, SETTINGS).hooks == {}


async def test_a_further_source_is_said_in_a_silent_reply_even_where_the_alert_was_deleted(
    platform: Telegram, fake: FakeTelegram
) -> None:
    sent = await platform.send(parcel(CHAT))
    assert isinstance(sent, Sent)
    joined = parcel(CHAT, delivery={"message_id": sent.message_id}, sources=("뉴스다오", "다른 신문"))
    assert isinstance(await platform.reply(joined), Sent)
    reply = [*fake.chats[42].messages.values()][-1]
    assert reply.text.startswith("함께 전한 곳: 다른 신문") and reply.reply_to == int(sent.message_id) and reply.silent
    gone = parcel(CHAT, delivery={"message_id": "404"}, sources=("뉴스다오", "다른 신문"))
    assert isinstance(await platform.reply(gone), Sent)
