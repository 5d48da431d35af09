"""Rendered messages given to the doubles' own checks, without a server: what a platform would refuse fails here."""

import json
from typing import Any

from formatters.slack import SlackText
from formatters.telegram import TelegramText
from tests.fakes.slack import FakeMessage as SlackMessage
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeMessage as TelegramMessage
from tests.fakes.telegram import FakeTelegram, _HtmlReader

CHAT, CHANNEL = 42, "C1"
ENTITIES = 100
ENTITY_BYTES = 9500


def telegram_takes(shown: TelegramText | str) -> TelegramMessage:
    """Send it, then make another message show it by an edit. Gives the message as a reader sees it.

    Beyond the double's own refusals: Telegram drops every entity after the hundredth without a word, and refuses
    entities whose addresses together are too long.
    """
    shown = TelegramText(shown) if isinstance(shown, str) else shown
    form = _as_call(shown)
    fake = FakeTelegram()
    fake.add_chat(CHAT)
    sent = fake._do_sendMessage(form)
    other = fake._do_sendMessage({"chat_id": CHAT, "text": "another"})
    fake._do_editMessageText({**form, "message_id": other["message_id"]})
    if not shown.plain:
        _, entities = _HtmlReader(shown.html).read()
        assert len(entities) <= ENTITIES, f"{len(entities)} entities"
        size = sum(12 + len(entity.get("url", "").encode()) for entity in entities)
        assert size <= ENTITY_BYTES, f"{size} bytes of entities"
    return fake.chats[CHAT].messages[sent["message_id"]]


def _as_call(shown: TelegramText) -> dict[str, Any]:
    """The parameters of the call, once over the wire: an encoder must be able to write them."""
    form: dict[str, Any] = {"chat_id": CHAT, "text": shown.html}
    if not shown.plain:
        form["parse_mode"] = "HTML"
    rows = [[{"text": shown.button[0], "url": shown.button[1]}]] if shown.button else []
    rows += [[_pressed(one.label, one.press, one.url) for one in row] for row in shown.rows]
    if rows:
        form["reply_markup"] = {"inline_keyboard": rows}
    if shown.picture:
        form["link_preview_options"] = {"url": shown.picture}
    return over_the_wire(form)


def _pressed(label: str, press: str, url: str) -> dict[str, str]:
    """As under an alert, where one more sign stands before what the button stands for."""
    return {"text": label, "url": url} if url else {"text": label, "callback_data": f"+{press}"}


def slack_takes(shown: SlackText) -> SlackMessage:
    """Post it, then make another message show it by an update. Gives the message as a reader sees it."""
    form = over_the_wire({"channel": CHANNEL, "text": shown.text, "blocks": list(shown.blocks)})
    fake = FakeSlack()
    fake.add_channel(CHANNEL, "news", creator="U1")
    fake._chat_post(form)
    other = fake._chat_post({"channel": CHANNEL, "text": "another"})
    fake._chat_update({**form, "ts": other["ts"]})
    message = fake.channels[CHANNEL].messages[0]
    assert message.pings == [], message.pings
    return message


def over_the_wire(form: dict[str, Any]) -> dict[str, Any]:
    """Written as UTF-8 and read back: a lone surrogate ends it here, as it would end the client."""
    read: dict[str, Any] = json.loads(json.dumps(form, ensure_ascii=False).encode("utf-8"))
    return read
