"""Telegram's Bot API on loopback: behaves as its documents say, refuses what it refuses, misbehaves on demand.

Sources: core.telegram.org/bots/api, /bots/faq, and the wording of the open Bot API server. No code is shared with the
product: the HTML reader below is this double's own.
"""

import asyncio
import html
import json
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from tests.fakes.server import LoopbackServer

Json = dict[str, Any]
TOKEN_FORM = re.compile(r"^\d+:[A-Za-z0-9_-]+$")
TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "span": "spoiler",
    "tg-spoiler": "spoiler", "a": "text_link", "code": "code", "pre": "pre", "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}  # fmt: skip
ENTITY = re.compile(r"&(lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);")
AFTER_FAULTS = ("reset_after", "close_after", "hang_after", "malformed")
CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
UNCHANGED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)


def units(text: str) -> int:
    """UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


class RefusalError(Exception):
    """What Telegram answers instead of a result."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


class _Reader(HTMLParser):
    """Telegram's HTML: a few tags, four named entities, everything closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self.source = source
        self.text = ""
        self.entities: list[Json] = []
        self.open: list[tuple[str, int, Json]] = []

    def fail(self, what: str) -> RefusalError:
        line, column = self.getpos()
        before = "\n".join(self.source.split("\n")[: line - 1]) + ("\n" if line > 1 else "")
        offset = len((before + self.source.split("\n")[line - 1][:column]).encode())
        return RefusalError(400, f"Bad Request: can't parse entities: {what} at byte offset {offset}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise self.fail(f'Unsupported start tag "{tag}"')
        given = dict(attrs)
        if tag == "span" and given.get("class") != "tg-spoiler":
            raise self.fail('Tag "span" must have class "tg-spoiler"')
        entity: Json = {"type": TAGS[tag]}
        if tag == "a" and given.get("href"):
            entity["url"] = given["href"]
        self.open.append((tag, units(self.text), entity))

    def handle_endtag(self, tag: str) -> None:
        if not self.open:
            raise self.fail("Unexpected end tag")
        opened, start, entity = self.open.pop()
        if opened != tag:
            raise self.fail(f'Unmatched end tag, expected "</{opened}>", found "</{tag}>"')
        length = units(self.text) - start
        if length and not (entity["type"] == "text_link" and "url" not in entity):
            self.entities.append({**entity, "offset": start, "length": length})

    def handle_data(self, data: str) -> None:
        if "<" in data:
            raise self.fail("Unsupported start tag")
        self.text += data

    def handle_entityref(self, name: str) -> None:
        self.text += html.unescape(f"&{name};") if name in ("lt", "gt", "amp", "quot") else f"&{name};"

    def handle_charref(self, name: str) -> None:
        self.text += html.unescape(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        raise self.fail('Unsupported start tag "!--"')

    def handle_decl(self, decl: str) -> None:
        raise self.fail(f'Unsupported start tag "!{decl.split()[0].lower()}"')

    def unknown_decl(self, data: str) -> None:
        raise self.fail('Unsupported start tag "!"')

    def handle_pi(self, data: str) -> None:
        raise self.fail('Unsupported start tag "?"')


def read_html(source: str) -> tuple[str, list[Json]]:
    """The visible text and its entities. Raises RefusalError as Telegram words it."""
    reader = _Reader(source)
    reader.feed(source)
    if reader.rawdata:
        raise reader.fail("Unclosed start tag")
    reader.close()
    if reader.open:
        raise RefusalError(400, f"Bad Request: can't parse entities: Can't find end tag corresponding to start tag "
                                f'"{reader.open[-1][0]}"')  # fmt: skip
    return reader.text, reader.entities[:100]


@dataclass
class FakeMessage:
    """`text` is what a person sees, `html` what was sent; `edits` earlier texts; `at` monotonic."""

    message_id: int
    chat_id: int
    thread_id: int | None
    text: str
    html: str
    entities: list[Json]
    reply_markup: Json | None
    link_preview_options: Json
    silent: bool
    at: float
    age: float = 0.0
    edits: list[str] = field(default_factory=list)
    deleted: bool = False


@dataclass
class FakeChat:
    """A chat and what keeps the bot out of it."""

    id: int
    kind: str
    title: str = ""
    admins: tuple[int, ...] = ()
    messages: dict[int, FakeMessage] = field(default_factory=dict)
    blocked: bool = False
    kicked: bool = False
    not_member: bool = False
    deactivated: bool = False
    never_started: bool = False
    can_write: bool = True
    topic_closed: bool = False
    threads: set[int] | None = None
    migrated_to: int | None = None


@dataclass
class Call:
    """One call. `outcome` is "ok", the error's description, or the fault."""

    method: str
    params: Json
    at: float
    chat_id: int | str | None = None
    outcome: str = ""
    fault: str = ""


@dataclass
class Fault:
    kind: str
    method: str
    chat: int | None
    times: int | None
    detail: Json


class FakeTelegram(LoopbackServer):
    """One bot. Clients take `base_url=f"{fake.url}/bot"`.

    Hooks: "received"(call) once a request was read, "processed"(call) between processing and the reply.
    """

    def __init__(
        self,
        token: str = "7700:TEST-token-aaaaaaaaaaaaaaaaaaaaaaaaaa",
        username: str = "sokbo_test_bot",
        *,
        strict_rates: bool = False,
    ) -> None:
        super().__init__()
        self.token = token
        self.username = username
        self.strict_rates = strict_rates
        self.rate_breaches = 0
        self.chats: dict[int, FakeChat] = {}
        self.calls: list[Call] = []
        self.updates: deque[Json] = deque()
        self.webhook = ""
        self.menu: dict[str, list[Json]] = {}
        self._faults: list[Fault] = []
        self._next_message = 1
        self._next_update = 1
        self._reader_changed: asyncio.Event | None = None
        self._waiting: asyncio.Event | None = None
        self._sent: deque[tuple[float, int]] = deque()
        self._allowed: list[str] = []

    def routes(self, app: web.Application) -> None:
        app.router.add_route("*", "/bot{token:[^/]*}/{method}", self._api)

    # ------------------------------------------------------------------------------------------------- the scene

    def add_chat(self, chat_id: int, kind: str = "private", title: str = "", admins: tuple[int, ...] = ()) -> FakeChat:
        with self.lock:
            self.chats[chat_id] = FakeChat(chat_id, kind, title, admins)
            return self.chats[chat_id]

    def fault(
        self, kind: str, *, method: str = "sendMessage", chat: int | None = None, times: int | None = 1, **detail: Any
    ) -> None:
        """Make the next `times` calls misbehave. Not processed: "429" (retry_after), "500", "502", "reset_before",
        "hang", "redirect", "unauthorized", "conflict". Late: "delay" (seconds). Processed, the reply lost or spoilt:
        "reset_after", "close_after", "hang_after", "malformed"."""
        with self.lock:
            self._faults.append(Fault(kind, method, chat, times, detail))

    def clear_faults(self) -> None:
        with self.lock:
            self._faults.clear()

    def messages(self, chat_id: int) -> list[FakeMessage]:
        """The bot's messages in a chat, oldest first, deleted ones left out."""
        with self.lock:
            return [message for message in self.chats[chat_id].messages.values() if not message.deleted]

    def wait_for_messages(self, chat_id: int, n: int, seconds: float = 10.0) -> list[FakeMessage]:
        self.wait_until(lambda: len(self.chats[chat_id].messages) >= n, seconds, f"for {n} messages in {chat_id}")
        return self.messages(chat_id)

    def unconfirmed(self) -> int:
        with self.lock:
            return len(self.updates)

    # --------------------------------------------------------------------------------------------- what people do

    def send_text(
        self,
        chat_id: int,
        user_id: int,
        text: str,
        *,
        language: str = "ko",
        first_name: str = "Mina",
        sender_chat: bool = False,
        edited: bool = False,
        thread_id: int | None = None,
    ) -> int:
        """A person writes; in a channel, the channel posts. Returns the update's id."""
        chat = self.chats[chat_id]
        message: Json = {"message_id": self._number(), "date": int(time.time()), "chat": self._chat_json(chat)}
        message["text"] = text
        command = re.match(r"/[A-Za-z0-9_@]+", text)
        if command:
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(command[0])}]
        if thread_id is not None:
            message |= {"message_thread_id": thread_id, "is_topic_message": True}
        kind = "edited_" if edited else ""
        if chat.kind == "channel":
            return self._push({f"{kind}channel_post": {**message, "sender_chat": self._chat_json(chat)}})
        if sender_chat:
            anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
            return self._push({f"{kind}message": {**message, "from": anonymous, "sender_chat": self._chat_json(chat)}})
        user = {"id": user_id, "is_bot": False, "first_name": first_name, "language_code": language}
        return self._push({f"{kind}message": {**message, "from": user}})

    def press(self, chat_id: int, user_id: int, message_id: int, data: str) -> int:
        """A person presses a button."""
        message = self._message_json(self.chats[chat_id].messages[message_id])
        user = {"id": user_id, "is_bot": False, "first_name": "Mina", "language_code": "ko"}
        query = {"id": str(message_id), "from": user, "message": message, "chat_instance": "1", "data": data}
        return self._push({"callback_query": query})

    def add_member_status(self, chat_id: int, user_id: int, old: str, new: str) -> int:
        """Somebody changes what the bot is in a chat ("member", "administrator", "left", "kicked")."""
        bot = self._bot_json()
        until = {"until_date": 0}
        changed = {
            "chat": self._chat_json(self.chats[chat_id]),
            "from": {"id": user_id, "is_bot": False, "first_name": "Mina"},
            "date": int(time.time()),
            "old_chat_member": {"user": bot, "status": old, **(until if old == "kicked" else {})},
            "new_chat_member": {"user": bot, "status": new, **(until if new == "kicked" else {})},
        }
        return self._push({"my_chat_member": changed})

    def _push(self, update: Json) -> int:
        with self.lock:
            number = self._next_update
            self._next_update += 1
            self.updates.append({"update_id": number, **update})
        self.loop.call_soon_threadsafe(lambda: self._waiting.set() if self._waiting else None)
        return number

    def _number(self) -> int:
        with self.lock:
            self._next_message += 1
            return self._next_message

    # -------------------------------------------------------------------------------------------------- the calls

    async def _api(self, request: web.Request) -> web.StreamResponse:
        call = Call(request.match_info["method"], await _params(request), time.monotonic())
        call.chat_id = _integer(call.params.get("chat_id"))
        with self.lock:
            self.calls.append(call)
        if call.method != "getUpdates":
            self.emit("received", call)
        fault = self._take_fault(call)
        early = await self._before(fault, call, request)
        if early is not None:
            return early
        answer = await self._answer(call, request.match_info["token"])
        self.notify()
        if call.method != "getUpdates":
            self.emit("processed", call)
        return await self._after(fault, request, answer)

    def _take_fault(self, call: Call) -> Fault | None:
        with self.lock:
            for fault in self._faults:
                if fault.method in ("*", call.method) and fault.chat in (None, call.chat_id):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self._faults.remove(fault)
                    call.fault = fault.kind
                    return fault
        return None

    async def _before(self, fault: Fault | None, call: Call, request: web.Request) -> web.StreamResponse | None:
        if fault is None or fault.kind in AFTER_FAULTS:
            return None
        if fault.kind == "delay":
            await asyncio.sleep(float(fault.detail.get("seconds", 1)))
            return None
        call.outcome = fault.kind
        self.notify()
        match fault.kind:
            case "429":
                return _refusal(_too_many(int(fault.detail.get("retry_after", 1))))
            case "500":
                return _refusal(RefusalError(500, "Internal Server Error"))
            case "502":
                return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")
            case "redirect":
                return web.Response(status=302, headers={"Location": "/elsewhere"})
            case "unauthorized":
                return _refusal(RefusalError(401, "Unauthorized"))
            case "conflict":
                return _refusal(RefusalError(409, CONFLICT))
            case "hang":
                await self._stopping.wait()
            case "reset_before":
                assert request.transport is not None
                request.transport.abort()
            case other:
                raise AssertionError(f"no such fault: {other}")
        return web.Response(status=503)

    async def _after(self, fault: Fault | None, request: web.Request, answer: web.Response) -> web.StreamResponse:
        match fault.kind if fault else "":
            case "malformed":
                return web.Response(text="<html>not JSON</html>")
            case "reset_after":
                assert request.transport is not None
                request.transport.abort()
            case "close_after":
                assert request.transport is not None
                request.transport.close()
            case "hang_after":
                await self._stopping.wait()
        return answer

    async def _answer(self, call: Call, token: str) -> web.Response:
        try:
            if not TOKEN_FORM.match(token):
                raise RefusalError(404, "Not Found")
            if token != self.token:
                raise RefusalError(401, "Unauthorized")
            if call.method == "getUpdates":
                result: Any = await self._get_updates(call.params)
            else:
                handler: Callable[[Json], Any] | None = getattr(self, f"_do_{call.method}", None)
                if handler is None:
                    raise RefusalError(404, "Not Found")
                with self.lock:
                    result = handler(call.params)
        except RefusalError as refusal:
            call.outcome = refusal.description
            return _refusal(refusal)
        call.outcome = "ok"
        return web.json_response({"ok": True, "result": result})

    # ------------------------------------------------------------------------------------------------- receiving

    async def _get_updates(self, params: Json) -> list[Json]:
        if self.webhook:
            raise RefusalError(409, WEBHOOK)
        if self._reader_changed is not None:
            self._reader_changed.set()  # the earlier reader is thrown out
        changed = self._reader_changed = asyncio.Event()
        self._waiting = waiting = asyncio.Event()
        if "allowed_updates" in params:
            self._allowed = list(params["allowed_updates"] or [])
        self.notify()
        end = time.monotonic() + float(params.get("timeout") or 0)
        offset = int(params.get("offset") or 0)
        while True:
            found = self._pending(offset, int(params.get("limit") or 100))
            if found or time.monotonic() >= end:
                break
            waits = [asyncio.ensure_future(event.wait()) for event in (waiting, changed, self._stopping)]
            await asyncio.wait(waits, timeout=max(0, end - time.monotonic()), return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            if changed.is_set():
                raise RefusalError(409, CONFLICT)
            if self._stopping.is_set():
                break
            waiting.clear()
        if self._reader_changed is changed:
            self._reader_changed = None
        return found

    def _pending(self, offset: int, limit: int) -> list[Json]:
        with self.lock:
            while offset > 0 and self.updates and self.updates[0]["update_id"] < offset:
                self.updates.popleft()
            kinds = self._allowed or ["message", "edited_message", "channel_post", "edited_channel_post",
                                      "callback_query", "my_chat_member"]  # fmt: skip
            wanted = [update for update in self.updates if any(kind in update for kind in kinds)]
            self.updates = deque(wanted)
            return wanted[:limit]

    # ---------------------------------------------------------------------------------------------------- methods

    def _bot_json(self) -> Json:
        return {"id": int(self.token.split(":")[0]), "is_bot": True, "first_name": "Sokbo", "username": self.username}

    def _do_getMe(self, _: Json) -> Json:
        return {**self._bot_json(), "can_join_groups": True, "can_read_all_group_messages": False}

    def _do_setWebhook(self, params: Json) -> bool:
        self.webhook = str(params.get("url") or "")
        return True

    def _do_deleteWebhook(self, _: Json) -> bool:
        self.webhook = ""
        return True

    def _do_getWebhookInfo(self, _: Json) -> Json:
        return {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": len(self.updates)}

    def _do_setMyCommands(self, params: Json) -> bool:
        for command in params["commands"]:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
                raise RefusalError(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(command["description"]) <= 256:
                raise RefusalError(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        self.menu[str(params.get("language_code") or "")] = params["commands"]
        return True

    def _do_getMyCommands(self, params: Json) -> list[Json]:
        return self.menu.get(str(params.get("language_code") or ""), [])

    def _do_getChat(self, params: Json) -> Json:
        return {**self._chat_json(self._chat(params)), "accent_color_id": 0, "max_reaction_count": 11,
                "accepted_gift_types": {}}  # fmt: skip

    def _do_getChatMember(self, params: Json) -> Json:
        chat, user_id = self._chat(params), int(params["user_id"])
        user = {"id": user_id, "is_bot": False, "first_name": "Mina"}
        if user_id in chat.admins:
            return {"user": user, "status": "creator", "is_anonymous": False}
        return {"user": user, "status": "member"}

    def _do_sendChatAction(self, params: Json) -> bool:
        self._open_chat(params)
        return True

    def _do_answerCallbackQuery(self, _: Json) -> bool:
        return True

    def _do_sendMessage(self, params: Json) -> Json:
        chat = self._open_chat(params)
        text, entities = self._text(params)
        markup = self._markup(params)
        self._check_rate(chat)
        message = FakeMessage(
            self._number(), chat.id, _integer(params.get("message_thread_id")), text, str(params["text"]), entities,
            markup, params.get("link_preview_options") or {}, bool(params.get("disable_notification")),
            time.monotonic(),
        )  # fmt: skip
        chat.messages[message.message_id] = message
        return self._message_json(message)

    def _do_editMessageText(self, params: Json) -> Json:
        chat = self._open_chat(params)
        message = chat.messages.get(_integer(params.get("message_id")) or 0)
        if message is None or message.deleted:
            raise RefusalError(400, "Bad Request: message to edit not found")
        text, entities = self._text(params)
        markup = self._markup(params)
        if (text, entities, markup) == (message.text, message.entities, message.reply_markup):
            raise RefusalError(400, UNCHANGED)
        self._check_rate(chat)
        message.edits.append(message.text)
        message.text, message.entities, message.reply_markup = text, entities, markup
        message.html = str(params["text"])
        return self._message_json(message)

    def _do_deleteMessage(self, params: Json) -> bool:
        message = self._open_chat(params).messages.get(_integer(params.get("message_id")) or 0)
        if message is None or message.deleted:
            raise RefusalError(400, "Bad Request: message to delete not found")
        if message.age > 48 * 3600:
            raise RefusalError(400, "Bad Request: message can't be deleted for everyone")
        message.deleted = True
        return True

    def _text(self, params: Json) -> tuple[str, list[Json]]:
        raw = str(params.get("text") or "")
        mode = params.get("parse_mode")
        if mode not in (None, "", "HTML"):
            raise RefusalError(400, "Bad Request: unsupported parse_mode")
        text, entities = read_html(raw) if mode == "HTML" else (raw, [])
        if not text.strip():
            raise RefusalError(400, "Bad Request: message text is empty")
        if units(text) > 4096:
            raise RefusalError(400, "Bad Request: message is too long")
        return text.strip(), entities

    def _markup(self, params: Json) -> Json | None:
        markup: Json | None = params.get("reply_markup")
        for row in (markup or {}).get("inline_keyboard", []):
            for button in row:
                if "url" in button and not _button_url_works(str(button["url"])):
                    raise RefusalError(400, "Bad Request: BUTTON_URL_INVALID")
                if "callback_data" in button and not 1 <= len(str(button["callback_data"]).encode()) <= 64:
                    raise RefusalError(400, "Bad Request: BUTTON_DATA_INVALID")
        return markup

    def _chat(self, params: Json) -> FakeChat:
        chat = self.chats.get(_integer(params.get("chat_id")) or 0)
        if chat is None:
            raise RefusalError(400, "Bad Request: chat not found")
        return chat

    def _open_chat(self, params: Json) -> FakeChat:
        """The chat, if the bot may speak in it."""
        chat = self._chat(params)
        kind = "channel chat" if chat.kind == "channel" else f"{chat.kind} chat"
        if chat.migrated_to is not None:
            raise RefusalError(
                400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to
            )
        for closed, words in (
            (chat.blocked, "Forbidden: bot was blocked by the user"),
            (chat.deactivated, "Forbidden: user is deactivated"),
            (chat.kicked, f"Forbidden: bot was kicked from the {kind}"),
            (chat.not_member, f"Forbidden: bot is not a member of the {kind}"),
            (chat.never_started, "Forbidden: bot can't initiate conversation with a user"),
        ):
            if closed:
                raise RefusalError(403, words)
        if not chat.can_write:
            raise RefusalError(400, "Bad Request: not enough rights to send text messages to the chat")
        if chat.topic_closed:
            raise RefusalError(400, "Bad Request: TOPIC_CLOSED")
        thread = _integer(params.get("message_thread_id"))
        if thread is not None and chat.threads is not None and thread not in chat.threads:
            raise RefusalError(400, "Bad Request: message thread not found")
        return chat

    def _check_rate(self, chat: FakeChat) -> None:
        now = time.monotonic()
        while self._sent and self._sent[0][0] < now - 60:
            self._sent.popleft()
        last_second = [one for at, one in self._sent if at > now - 1]
        here = [at for at, one in self._sent if one == chat.id]
        group = chat.kind != "private"
        breach = (
            len(last_second) >= 30
            or sum(at > now - 1 for at in here) >= (20 if group else 3)
            or (group and len(here) >= 20)
        )
        if self.strict_rates and breach:
            self.rate_breaches += 1
            raise _too_many(1)
        self._sent.append((now, chat.id))

    def _chat_json(self, chat: FakeChat) -> Json:
        named = {"first_name": chat.title or "Mina"} if chat.kind == "private" else {"title": chat.title or "news"}
        return {"id": chat.id, "type": chat.kind, **named}

    def _message_json(self, message: FakeMessage) -> Json:
        shown: Json = {
            "message_id": message.message_id,
            "date": int(time.time()),
            "chat": self._chat_json(self.chats[message.chat_id]),
            "from": self._bot_json(),
            "text": message.text,
            "entities": message.entities,
        }
        return shown | ({"reply_markup": message.reply_markup} if message.reply_markup else {})


async def _params(request: web.Request) -> Json:
    """Query, form, multipart or JSON; nested values may come as JSON inside a string."""
    params: Json = dict(request.query)
    if request.content_type == "application/json":
        params.update(await request.json())
    elif request.can_read_body:
        params.update(await request.post())
    for key in ("reply_markup", "link_preview_options", "entities", "allowed_updates", "commands"):
        if isinstance(params.get(key), str):
            params[key] = json.loads(params[key])
    for key, value in params.items():
        if value in ("true", "True", "false", "False"):
            params[key] = value in ("true", "True")
    return params


def _integer(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _button_url_works(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "tg" or (parts.scheme in ("http", "https") and "." in (parts.hostname or ""))
    except ValueError:
        return False


def _too_many(seconds: int) -> RefusalError:
    return RefusalError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def _refusal(refusal: RefusalError) -> web.Response:
    body: Json = {"ok": False, "error_code": refusal.code, "description": refusal.description}
    if refusal.parameters:
        body["parameters"] = refusal.parameters
    return web.json_response(body, status=refusal.code)
