"""That the double of Telegram behaves as Telegram does, seen by plain HTTP and by the real python-telegram-bot."""

import asyncio
import threading
import time
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from telegram import (
    Bot,
    BotCommand,
    ChatMemberAdministrator,
    ChatMemberLeft,
    ChatMemberMember,
    ChatMemberOwner,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InputTextMessageContent,
    LinkPreviewOptions,
    Message,
    ReplyParameters,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from tests.fakes.telegram import Call, FakeTelegram, Json, RefusalError, read_html

ROWS: list[Json] = tomllib.loads((Path(__file__).parent / "refusals.toml").read_text("utf-8"))["telegram"]

# What the Bot API is known to answer and an adapter must tell apart.
NAMED = {
    "message is not modified", "message to edit not found", "message can't be edited", "message to delete not found",
    "message can't be deleted for everyone", "chat not found", "bot was blocked by the user", "user is deactivated",
    "bot was kicked from the group chat", "bot was kicked from the supergroup chat",
    "bot was kicked from the channel chat", "bot is not a member of the supergroup chat",
    "bot is not a member of the channel chat", "bot can't initiate conversation with a user",
    "group chat was upgraded to a supergroup chat", "not enough rights to send text messages to the chat",
    "CHAT_WRITE_FORBIDDEN", "TOPIC_CLOSED", "message thread not found", "can't parse entities", "message is too long",
    "message caption is too long", "message text is empty", "BUTTON_URL_INVALID", "BUTTON_DATA_INVALID",
    "wrong type of the web page content", "failed to get HTTP URL content", "wrong file identifier/HTTP URL specified",
    "BOT_COMMAND_INVALID", "BOT_COMMANDS_TOO_MUCH", "RESULTS_TOO_MUCH", "Unauthorized", "Not Found",
    "terminated by other getUpdates request", "can't use getUpdates method while webhook is active",
    "Too Many Requests: retry after",
}  # fmt: skip

# Importing the product's adapter sets PTB_TIMEDELTA; without it the client warns.
pytestmark = pytest.mark.filterwarnings("ignore:Deprecated since version v22.2")

# No connection is kept: the next double may get the port of the last one.
HTTP = httpx.Client(trust_env=False, verify=False, limits=httpx.Limits(max_keepalive_connections=0))


@pytest.fixture
def fake() -> Iterator[FakeTelegram]:
    with FakeTelegram() as made:
        made.add_chat(42, "private")
        made.add_chat(-1, "group", "group", admins=(1, 2))
        made.add_chat(-2, "supergroup", "forum", admins=(1,))
        made.add_chat(-3, "channel", "channel", username="sokbo_news")
        yield made


@pytest.fixture
async def bot(fake: FakeTelegram) -> AsyncIterator[Bot]:
    async with Bot(fake.token, base_url=f"{fake.url}/bot") as made:
        yield made


def post(fake: FakeTelegram, method: str, params: Json, token: str = "") -> httpx.Response:
    return HTTP.post(f"{fake.url}/bot{token or fake.token}/{method}", json=params, timeout=25)


def sent(fake: FakeTelegram, chat_id: int = 42, text: str = "hello", **more: Any) -> int:
    """A message of the bot's, by plain HTTP."""
    answer = post(fake, "sendMessage", {"chat_id": chat_id, "text": text, **more}).json()
    assert answer["ok"], answer
    number: int = answer["result"]["message_id"]
    return number


async def blocking(call: Callable[..., Any], *args: Any, **names: Any) -> Any:
    """A blocking call, off the loop that the client runs in."""
    return await asyncio.to_thread(call, *args, **names)


# --------------------------------------------------------------------------------------------------- the refusals


def filled(value: Any, names: Json) -> Any:
    """The request of a row: {repeat, count} written out, `$names` filled in."""
    if isinstance(value, dict) and value.keys() == {"repeat", "count"}:
        return (value["repeat"] if isinstance(value["repeat"], str) else [value["repeat"]]) * value["count"]
    if isinstance(value, dict):
        return {key: filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, names) for inner in value]
    return names.get(value, value) if isinstance(value, str) else value


def people_and_messages(fake: FakeTelegram) -> Json:
    """What the `$names` of the rows stand for."""
    message = sent(fake)
    fake.send_text(42, 42, "hi")
    fake.press(42, 42, message, "x")
    fake.ask_inline(42, "news")
    pushed = {kind: content for update in fake.updates for kind, content in update.items()}
    return {
        "$message": message,
        "$theirs": pushed["message"]["message_id"],
        "$press": pushed["callback_query"]["id"],
        "$inline": pushed["inline_query"]["id"],
    }


def arrange(fake: FakeTelegram, setup: str, request: Json, message: int) -> None:
    """Bring the double into the state that a row asks for."""
    chat = fake.chats[request.get("chat_id", 42)] if request.get("chat_id", 42) in fake.chats else fake.chats[42]
    match setup:
        case "":
            pass
        case "migrated":
            chat.migrated_to = -1009
        case "may not write":
            chat.can_write = False
        case "write forbidden":
            chat.refuses = "CHAT_WRITE_FORBIDDEN"
        case "other topics":
            chat.threads = {7}
        case "deleted":
            chat.messages[message].deleted = True
        case "not editable":
            chat.messages[message].editable = False
        case "two days old":
            chat.messages[message].age = 48 * 3600 + 1
        case "a picture":
            chat.messages[message].photo = "https://a.example/a.jpg"
        case "picture is a page":
            fake.bad_pictures[request["photo"]] = "wrong type of the web page content"
        case "picture is gone":
            fake.bad_pictures[request["photo"]] = "failed to get HTTP URL content"
        case "webhook":
            assert post(fake, "setWebhook", {"url": "https://a.example/telegram"}).json()["ok"]
        case "second reader":
            threading.Thread(target=read_too, args=(fake,)).start()
        case "three at once":
            fake.strict_rates = True
            for _ in range(3):
                sent(fake)
        case fault if fault.startswith("fault "):
            fake.fault(fault.removeprefix("fault "), retry_after=7)
        case door:
            assert getattr(chat, door) is False
            setattr(chat, door, True)


def read_too(fake: FakeTelegram) -> None:
    """A second reader, which comes when the first one waits."""
    fake.wait_until(lambda: fake.readers)
    post(fake, "getUpdates", {"offset": -1})


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_what_telegram_refuses_is_refused_in_its_words(fake: FakeTelegram, row: Json) -> None:
    names = people_and_messages(fake)
    request = filled(row["request"], names)
    if row.get("setup") == "second reader":
        fake.updates.clear()
    arrange(fake, row.get("setup", ""), request, names["$message"])
    answer = post(fake, row["method"], request, row.get("token", ""))
    body = answer.json()
    assert (answer.status_code, body["ok"], body["error_code"]) == (row["status"], False, row["code"])
    assert body["description"] == row["description"]


def test_every_answer_that_is_known_has_its_row() -> None:
    described = "\n".join(row["description"] for row in ROWS)
    assert {name for name in NAMED if name not in described} == set()
    assert len({row["id"] for row in ROWS}) == len(ROWS)


# ---------------------------------------------------------------------------------------------- what is just allowed


@pytest.mark.parametrize("text", ["가" * 4096, "🔴" * 2048, "  " + "a" * 4096 + "\n"])
def test_a_text_of_4096_units_is_taken(fake: FakeTelegram, text: str) -> None:
    sent(fake, text=text)
    assert fake.messages(42)[0].text == text.strip()


def test_tags_and_escapes_do_not_count_as_text(fake: FakeTelegram) -> None:
    sent(fake, text="<b>&amp;</b>" * 4096, parse_mode="HTML")
    (message,) = fake.messages(42)
    assert message.text == "&" * 4096 and len(message.entities) == 100


def test_the_largest_button_data_menu_and_caption_are_taken(fake: FakeTelegram) -> None:
    button = {"text": "x", "callback_data": "a" * 64}
    sent(fake, reply_markup={"inline_keyboard": [[button, {"text": "y", "url": "tg://resolve?domain=x"}]]})
    commands = [{"command": "a" * 32, "description": "x"}] * 100
    assert post(fake, "setMyCommands", {"commands": commands}).json()["ok"]
    photo = {"chat_id": 42, "photo": "https://a.example/a.jpg", "caption": "가" * 1024}
    assert post(fake, "sendPhoto", photo).json()["result"]["caption"] == "가" * 1024


def test_a_text_that_looks_like_a_value_stays_a_text(fake: FakeTelegram) -> None:
    for text in ("true", "0", "[1]", "null"):
        url = f"{fake.url}/bot{fake.token}/sendMessage"
        assert HTTP.post(url, data={"chat_id": "42", "text": text}).json()["result"]["text"] == text
    assert [message.text for message in fake.messages(42)] == ["true", "0", "[1]", "null"]


def test_forms_multipart_and_json_say_the_same(fake: FakeTelegram) -> None:
    url = f"{fake.url}/bot{fake.token}/sendMessage"
    keyboard = {"inline_keyboard": [[{"text": "원문 보기", "url": "https://a.example/1"}]]}
    as_text = '{"inline_keyboard": [[{"text": "원문 보기", "url": "https://a.example/1"}]]}'
    form = {"chat_id": "42", "text": "<b>속보</b>", "parse_mode": "HTML", "reply_markup": as_text}
    form["disable_notification"] = "true"
    HTTP.post(url, data=form)
    HTTP.post(url, files={key: (None, value) for key, value in form.items()})
    HTTP.post(url, json={**form, "chat_id": 42, "reply_markup": keyboard, "disable_notification": True})
    HTTP.get(url, params=form)
    messages = fake.messages(42)
    assert len(messages) == 4
    assert all((message.text, message.silent, message.reply_markup) == ("속보", True, keyboard) for message in messages)


# ------------------------------------------------------------------------------------------------------------- HTML


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("&lt;b&gt; &amp;amp; &quot;q&quot; &#128308; &#x1F534;", '<b> &amp; "q" 🔴 🔴', []),
        ("AT&T &nbsp; &copy;", "AT&T &nbsp; &copy;", []),
        ("a > b", "a > b", []),
        ("🔴 <B>속보</B>", "🔴 속보", [{"type": "bold", "offset": 3, "length": 2}]),
        ("<b>a<i>b</i></b>", "ab", [("bold", 0, 2), ("italic", 1, 1)]),
        ("  <u>a</u>\n", "a", [("underline", 0, 1)]),
        ("<ins>a</ins><del>b</del><tg-spoiler>c</tg-spoiler>", "abc",
         [("underline", 0, 1), ("strikethrough", 1, 1), ("spoiler", 2, 1)]),
        ('<span class="tg-spoiler">a</span>', "a", [("spoiler", 0, 1)]),
        ("<blockquote expandable>a</blockquote>", "a", [("expandable_blockquote", 0, 1)]),
        ('<pre><code class="language-python">a</code></pre>', "a",
         [{"type": "pre", "offset": 0, "length": 1, "language": "python"}]),
        ("<a href='https://a.example/?a=1&amp;b=2'>a</a>", "a",
         [{"type": "text_link", "offset": 0, "length": 1, "url": "https://a.example/?a=1&b=2"}]),
        ('<a href="https://a.example">a</a>', "a",
         [{"type": "text_link", "offset": 0, "length": 1, "url": "https://a.example/"}]),
        ('<a href="javascript:alert(1)">a</a><a href="http://localhost/">b</a>', "ab", []),
        ("<b></b>a", "a", []),
        ('<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>', "👍",
         [{"type": "custom_emoji", "offset": 0, "length": 2, "custom_emoji_id": "5368324170671202286"}]),
    ],
)  # fmt: skip
def test_html_becomes_text_and_entities(source: str, text: str, entities: list[Any]) -> None:
    expected = [
        one if isinstance(one, dict) else dict(zip(("type", "offset", "length"), one, strict=True)) for one in entities
    ]
    assert read_html(source) == (text, expected)


@pytest.mark.parametrize("tail", ["", ">", " ", '="', "='x", "=", "/", "&", "&#", "&#9999999999999999999999;", "\0"])
@pytest.mark.parametrize("head", ["", "<", "</", "<a", "<a href", '<a href="x"', "<b>x</", "<b>x</b"])
def test_no_html_breaks_the_reader(head: str, tail: str) -> None:
    try:
        read_html(head + tail)
    except RefusalError as refusal:
        assert refusal.code == 400


# --------------------------------------------------------------------------------------------------- the real client


async def test_a_message_comes_back_as_it_is_shown(fake: FakeTelegram, bot: Bot) -> None:
    shown = await bot.send_message(
        42,
        '🔴 <b>속보</b> <a href="https://a.example/1">원문</a>',
        parse_mode="HTML",
        disable_notification=True,
        link_preview_options=LinkPreviewOptions(url="https://a.example/a.jpg", show_above_text=True),
        reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("원문 보기", url="https://a.example/1")]]),
    )
    assert shown.text == "🔴 속보 원문" and shown.text_html.startswith("🔴 <b>속보</b>")
    assert shown.from_user and shown.from_user.username == "sokbo_test_bot"
    assert shown.reply_markup and shown.reply_markup.inline_keyboard[0][0].url == "https://a.example/1"
    (message,) = fake.messages(42)
    assert (message.message_id, message.silent) == (shown.message_id, True)
    assert message.link_preview_options == {"url": "https://a.example/a.jpg", "show_above_text": True}
    (call,) = [call for call in fake.calls if call.method == "sendMessage"]
    assert (call.chat_id, call.outcome) == (42, "ok")


async def test_a_channel_is_found_by_its_name_and_writes_as_itself(bot: Bot) -> None:
    shown = await bot.send_message("@sokbo_news", "속보")
    assert shown.chat.id == -3 and shown.sender_chat == shown.chat and shown.from_user is None


async def test_an_edit_is_seen_and_remembered(fake: FakeTelegram, bot: Bot) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data="x")]])
    shown = await bot.send_message(42, "앞", reply_markup=keyboard)
    edited = await bot.edit_message_text("<i>뒤</i>", 42, shown.message_id, parse_mode="HTML", reply_markup=keyboard)
    assert isinstance(edited, Message) and edited.text == "뒤" and edited.edit_date and edited.date == shown.date
    with pytest.raises(BadRequest, match="Message is not modified"):
        await bot.edit_message_text("<i>뒤</i>", 42, shown.message_id, parse_mode="HTML", reply_markup=keyboard)
    await bot.edit_message_reply_markup(42, shown.message_id)
    (message,) = fake.messages(42)
    assert (message.text, message.edits, message.reply_markup) == ("뒤", ["앞"], None)


async def test_a_message_is_deleted_once(fake: FakeTelegram, bot: Bot) -> None:
    first, second = await bot.send_message(42, "1"), await bot.send_message(42, "2")
    assert await bot.delete_message(42, first.message_id)
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await bot.delete_message(42, first.message_id)
    assert [message.message_id for message in fake.messages(42)] == [second.message_id]
    assert fake.replies_after(42, 1) == fake.messages(42) and fake.replies_after(42, 2) == []


async def test_topics_and_replies_are_kept(fake: FakeTelegram, bot: Bot) -> None:
    first = await bot.send_message(-2, "1", message_thread_id=5)
    await bot.send_message(-2, "2", message_thread_id=5, reply_parameters=ReplyParameters(first.message_id))
    assert first.message_thread_id == 5 and first.is_topic_message
    assert [(message.thread_id, message.reply_to) for message in fake.messages(-2)] == [
        (5, None),
        (5, first.message_id),
    ]


async def test_a_picture_is_sent_by_address_or_as_a_file(fake: FakeTelegram, bot: Bot) -> None:
    shown = await bot.send_photo(42, "https://a.example/a.jpg", caption="<b>속보</b>", parse_mode="HTML")
    assert shown.caption == "속보" and shown.photo
    await bot.send_photo(42, b"\x89PNG", caption="파일")
    assert [message.photo for message in fake.messages(42)] == ["https://a.example/a.jpg", "an uploaded file"]


async def test_who_is_what_in_a_chat_is_told(fake: FakeTelegram, bot: Bot) -> None:
    fake.chats[-1].left.add(6)
    kinds = [type(await bot.get_chat_member(-1, user)) for user in (1, 2, 5, 6, fake.id)]
    assert kinds == [ChatMemberOwner, ChatMemberAdministrator, ChatMemberMember, ChatMemberLeft, ChatMemberMember]
    assert [one.user.id for one in await bot.get_chat_administrators(-1)] == [1, 2]
    assert (await bot.get_chat("@sokbo_news")).id == -3
    assert await bot.send_chat_action(42, "typing")


async def test_the_menu_is_kept_by_language(bot: Bot) -> None:
    await bot.set_my_commands([BotCommand("latest", "The newest")])
    await bot.set_my_commands([BotCommand("latest", "새 소식")], language_code="ko")
    assert [one.description for one in await bot.get_my_commands()] == ["The newest"]
    assert [one.description for one in await bot.get_my_commands(language_code="ko")] == ["새 소식"]


# ------------------------------------------------------------------------------------------------------ the updates


async def test_people_are_heard_in_order_until_confirmed(fake: FakeTelegram, bot: Bot) -> None:
    fake.send_text(42, 42, "🔴 /latest@sokbo_test_bot 3", language="en", first_name="Minji")
    fake.send_text(-1, 5, "/start", sender_chat=True)
    fake.send_text(-3, 0, "/subscribe")
    last = fake.send_text(42, 42, "again", edited=True)
    updates = await bot.get_updates()
    assert [update.update_id for update in updates] == list(range(last - 3, last + 1))
    private, anonymous, channel, edited = updates
    assert private.message and private.message.from_user
    assert (private.message.from_user.language_code, private.message.from_user.first_name) == ("en", "Minji")
    assert list(private.message.parse_entities(["bot_command"]).values()) == ["/latest@sokbo_test_bot"]
    assert anonymous.message and anonymous.message.sender_chat == anonymous.message.chat
    assert channel.channel_post and channel.channel_post.from_user is None
    assert edited.edited_message and edited.edited_message.edit_date
    assert fake.unconfirmed() == 4
    assert [update.update_id for update in await bot.get_updates(offset=last, limit=1)] == [last]
    assert fake.unconfirmed() == 1
    assert await bot.get_updates(offset=last + 1) == () and fake.unconfirmed() == 0


async def test_a_button_press_is_answered_once_it_was_made(fake: FakeTelegram, bot: Bot) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("▶", callback_data="page:2")]])
    shown = await bot.send_message(42, "1/5", reply_markup=keyboard)
    fake.press(42, 7, shown.message_id, "page:2")
    (update,) = await bot.get_updates()
    query = update.callback_query
    assert query and (query.data, query.from_user.id) == ("page:2", 7)
    assert query.message and query.message.message_id == shown.message_id
    assert await query.answer("네") and fake.answers[query.id]["text"] == "네"


async def test_an_inline_question_is_answered(fake: FakeTelegram, bot: Bot) -> None:
    fake.ask_inline(42, "수출")
    (update,) = await bot.get_updates()
    assert update.inline_query and update.inline_query.query == "수출"
    found = InlineQueryResultArticle("1", "제목", InputTextMessageContent("본문"))
    assert await update.inline_query.answer([found])
    assert fake.answers[update.inline_query.id]["results"][0]["title"] == "제목"


async def test_a_reply_to_the_bot_carries_its_message(fake: FakeTelegram, bot: Bot) -> None:
    shown = await bot.send_message(-2, "무엇을 찾을까요?")
    fake.send_text(-2, 5, "수출", reply_to=shown.message_id, thread_id=5)
    (update,) = await bot.get_updates()
    assert update.message and update.message.reply_to_message == shown and update.message.message_thread_id == 5


@pytest.mark.parametrize("status", ["member", "administrator", "left", "kicked"])
async def test_a_changed_membership_is_told_and_moves_the_door(fake: FakeTelegram, bot: Bot, status: str) -> None:
    fake.add_member_status(-2, 1, "member", status)
    (update,) = await bot.get_updates()
    assert update.my_chat_member and update.my_chat_member.new_chat_member.status == status
    if status in ("left", "kicked"):
        with pytest.raises(Forbidden):
            await bot.send_message(-2, "x")
        fake.add_member_status(-2, 1, status, "member")
    await bot.send_message(-2, "x")


async def test_only_the_allowed_kinds_come_and_the_list_is_remembered(fake: FakeTelegram, bot: Bot) -> None:
    await bot.get_updates(allowed_updates=["callback_query"])
    fake.send_text(42, 42, "/latest")
    assert fake.unconfirmed() == 0
    await bot.get_updates()
    fake.send_text(42, 42, "/latest")
    assert fake.unconfirmed() == 0
    await bot.get_updates(allowed_updates=[])
    fake.send_text(42, 42, "/latest")
    assert fake.unconfirmed() == 1


async def test_a_negative_offset_keeps_the_newest(fake: FakeTelegram, bot: Bot) -> None:
    numbers = [fake.send_text(42, 42, str(number)) for number in range(5)]
    assert [update.update_id for update in await bot.get_updates(offset=-2)] == numbers[-2:]
    assert fake.unconfirmed() == 2


async def test_a_long_poll_ends_with_the_first_update(fake: FakeTelegram, bot: Bot) -> None:
    waiting = asyncio.create_task(bot.get_updates(timeout=20))
    await blocking(fake.wait_until, lambda: fake.readers)
    began = time.monotonic()
    fake.send_text(42, 42, "/latest")
    assert len(await waiting) == 1 and time.monotonic() - began < 20


async def test_a_long_poll_without_news_ends_in_time(bot: Bot) -> None:
    assert await bot.get_updates(timeout=1) == ()


async def test_the_earlier_of_two_readers_is_thrown_out(fake: FakeTelegram, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=20))
    await blocking(fake.wait_until, lambda: fake.readers)
    async with Bot(fake.token, base_url=f"{fake.url}/bot") as other:
        second = asyncio.create_task(other.get_updates(timeout=20))
        with pytest.raises(Conflict, match="terminated by other getUpdates request"):
            await first
        fake.send_text(42, 42, "/latest")
        assert len(await second) == 1


async def test_a_webhook_keeps_readers_out_until_it_is_deleted(fake: FakeTelegram, bot: Bot) -> None:
    fake.send_text(42, 42, "/latest")
    await bot.set_webhook("https://bot.example/telegram", secret_token="s3cret", allowed_updates=["message"])
    info = await bot.get_webhook_info()
    assert (info.url, info.pending_update_count) == ("https://bot.example/telegram", 1)
    assert fake.webhook_secret == "s3cret"
    with pytest.raises(Conflict, match="webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == ()


# ------------------------------------------------------------------------------------------------------- the refusals


async def test_the_client_makes_its_errors_of_the_answers(fake: FakeTelegram, bot: Bot) -> None:
    fake.chats[42].blocked = True
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(42, "x")
    fake.chats[-1].migrated_to = -1009
    with pytest.raises(ChatMigrated) as moved:
        await bot.send_message(-1, "x")
    assert moved.value.new_chat_id == -1009
    with pytest.raises(BadRequest, match='unsupported start tag "h1" at byte offset 0'):
        await bot.send_message(-2, "<h1>x</h1>", parse_mode="HTML")


async def test_a_wrong_token_is_refused_at_once(fake: FakeTelegram) -> None:
    with pytest.raises(InvalidToken):
        await Bot("7700:WRONG", base_url=f"{fake.url}/bot").initialize()


def seconds(given: int | timedelta) -> float:
    """Whether the client gives a number or a timedelta depends on PTB_TIMEDELTA."""
    return given.total_seconds() if isinstance(given, timedelta) else float(given)


async def test_a_flood_names_the_seconds_to_wait(fake: FakeTelegram, bot: Bot) -> None:
    fake.fault("429", chat=42, retry_after=7)
    await bot.send_message(-1, "another chat")
    with pytest.raises(RetryAfter) as flood:
        await bot.send_message(42, "x")
    assert seconds(flood.value.retry_after) == 7
    await bot.send_message(42, "x")
    assert [call.outcome for call in fake.calls if call.chat_id == 42] == ["429", "ok"]


# --------------------------------------------------------------------------------------------------------- the faults


@pytest.mark.parametrize(
    ("kind", "error", "cause", "arrived"),
    [
        ("500", NetworkError, type(None), 0),
        ("502", NetworkError, TelegramError, 0),
        ("redirect", NetworkError, TelegramError, 0),
        ("unauthorized", InvalidToken, type(None), 0),
        ("conflict", Conflict, type(None), 0),
        ("reset_before", NetworkError, httpx.ReadError, 0),
        ("reset_after", NetworkError, httpx.ReadError, 1),
        ("close_after", NetworkError, httpx.RemoteProtocolError, 1),
        ("hang", TimedOut, httpx.ReadTimeout, 0),
        ("hang_after", TimedOut, httpx.ReadTimeout, 1),
        ("malformed", TelegramError, ValueError, 1),
    ],
)
async def test_a_fault_is_seen_by_the_client_and_the_message_arrived_or_not(
    fake: FakeTelegram, bot: Bot, kind: str, error: type[Exception], cause: type[object], arrived: int
) -> None:
    fake.fault(kind)
    with pytest.raises(error) as caught:
        await bot.send_message(42, "x", read_timeout=0.5)
    assert isinstance(caught.value.__cause__, cause)
    assert len(fake.messages(42)) == arrived
    assert fake.calls[-1].fault == kind and (fake.calls[-1].outcome == "ok") is bool(arrived)
    await bot.send_message(42, "y")
    assert len(fake.messages(42)) == arrived + 1


async def test_nobody_at_the_address_is_told_from_a_cut_connection(fake: FakeTelegram) -> None:
    with FakeTelegram() as gone:
        address = gone.url
    with pytest.raises(NetworkError) as caught:
        await Bot(fake.token, base_url=f"{address}/bot").initialize()
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


async def test_a_late_answer_is_an_answer(fake: FakeTelegram, bot: Bot) -> None:
    fake.fault("delay", seconds=0.3)
    began = time.monotonic()
    await bot.send_message(42, "x")
    assert time.monotonic() - began >= 0.3


async def test_faults_come_in_order_and_only_where_they_belong(fake: FakeTelegram, bot: Bot) -> None:
    fake.fault("500", times=2)
    fake.fault("429", retry_after=3)
    fake.fault("500", method="getMe", times=None)
    with pytest.raises(ValueError, match="no such fault"):
        fake.fault("earthquake")
    for error in (NetworkError, NetworkError, RetryAfter):
        with pytest.raises(error):
            await bot.send_message(42, "x")
    await bot.send_message(42, "x")
    for _ in range(3):
        with pytest.raises(NetworkError):
            await bot.get_me()
    fake.clear_faults()
    assert (await bot.get_me()).username == "sokbo_test_bot"


def test_hooks_stand_before_and_after_the_processing(fake: FakeTelegram) -> None:
    seen: list[tuple[str, str, int]] = []

    def hook(event: str) -> Callable[[Call], None]:
        return lambda call: seen.append((event, call.method, len(fake.messages(42))))

    for event in ("received", "processed"):
        fake.on(event, hook(event))
    sent(fake)
    post(fake, "getUpdates", {})
    assert seen == [("received", "sendMessage", 0), ("processed", "sendMessage", 1)]


def test_waiting_for_messages_ends_with_the_last_of_them(fake: FakeTelegram) -> None:
    threading.Timer(0.05, lambda: [sent(fake, text=str(number)) for number in range(2)]).start()
    assert [message.text for message in fake.wait_for_messages(42, 2)] == ["0", "1"]
    with pytest.raises(AssertionError, match="for 3 messages in 42"):
        fake.wait_for_messages(42, 3, 0.05)


# ---------------------------------------------------------------------------------------------------------- the rates


def answers(fake: FakeTelegram, chats: list[int], **more: Any) -> list[int]:
    return [post(fake, "sendMessage", {"chat_id": chat, "text": "x", **more}).status_code for chat in chats]


def test_rates_are_not_watched_unless_asked_for(fake: FakeTelegram) -> None:
    assert set(answers(fake, [42] * 40)) == {200} and fake.rate_breaches == 0


def test_a_group_gets_twenty_in_a_minute(fake: FakeTelegram) -> None:
    fake.strict_rates = True
    assert answers(fake, [-1] * 21) == [200] * 20 + [429]
    assert post(fake, "sendMessage", {"chat_id": -1, "text": "x"}).json()["parameters"]["retry_after"] > 50
    assert fake.rate_breaches == 2


def test_an_edit_counts_too(fake: FakeTelegram) -> None:
    fake.strict_rates = True
    number = sent(fake)
    edits = [post(fake, "editMessageText", {"chat_id": 42, "message_id": number, "text": str(n)}) for n in range(3)]
    assert [edit.status_code for edit in edits] == [200, 200, 429]
    assert edits[-1].headers["Retry-After"] == "1"


def test_the_account_has_a_rate_of_its_own_unless_it_pays(fake: FakeTelegram) -> None:
    people = list(range(1000, 1100))
    for person in people:
        fake.add_chat(person)
    fake.strict_rates = True
    assert set(answers(fake, people, allow_paid_broadcast=True)) == {200}
    began = time.monotonic()
    taken = answers(fake, people).count(200)
    assert 30 <= taken <= 31 + 30 * (time.monotonic() - began)
