"""Telegram's Bot API on loopback: behaves as its documents say, refuses what it refuses, misbehaves on demand.

Sources: core.telegram.org/bots/api and /bots/faq, and the wording of the open Bot API server. No code is shared with
the product: the HTML reader below is this double's own.

Not here: the deletion of updates after 24 hours, delivery by webhook (a test posts what is in `updates` itself),
privacy mode, Markdown (refused), and the links, hashtags and mentions that Telegram finds in plain text by itself.
"""

import asyncio
import html
import json
import math
import re
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from tests.fakes.server import LoopbackServer

Json = dict[str, Any]

TOKEN_FORM = re.compile(r"\d+:[A-Za-z0-9_-]+")
REFERENCE = re.compile(
    r"&(?:#x([0-9a-fA-F]{1,7}+)(?![0-9a-fA-F])|#([0-9]{1,8}+)(?![0-9])|(lt|gt|amp|quot)(?![A-Za-z]));?"
)
BLANK = " \t\r\n\v"  # what TDLib takes for a space
COMMAND = re.compile(r"(?<![\w/])/[A-Za-z0-9_]{1,32}(?:@[A-Za-z0-9_]{3,32})?")
TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "span": "spoiler",
    "tg-spoiler": "spoiler", "a": "text_link", "code": "code", "pre": "pre", "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}  # fmt: skip
NESTED = (
    "reply_markup", "link_preview_options", "entities", "caption_entities", "allowed_updates", "commands",
    "reply_parameters", "results", "scope", "button",
)  # fmt: skip
# What getUpdates gives when `allowed_updates` is empty or was never named.
BY_DEFAULT = (
    "message", "edited_message", "channel_post", "edited_channel_post", "callback_query", "inline_query",
    "my_chat_member",
)  # fmt: skip
ADMIN_RIGHTS = (
    "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
    "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories",
    "can_edit_stories", "can_delete_stories",
)  # fmt: skip
MEMBER_RIGHTS = (
    "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
    "can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages",
    "can_add_web_page_previews", "can_change_info", "can_invite_users", "can_pin_messages", "can_manage_topics",
    "can_edit_tag",
)  # fmt: skip
GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")

BEFORE_FAULTS = (
    *("429", "500", "502", "reset_before", "hang", "redirect", "unauthorized", "conflict", "delay"),
    *("answer", "page"),
)
AFTER_FAULTS = ("reset_after", "close_after", "hang_after", "malformed")
TWO_DAYS = 48 * 3600

CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
UNCHANGED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
TEXT_BUTTON = "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
SURROGATE = (
    "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units"
)


class RefusalError(Exception):
    """What Telegram answers instead of a result."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad_request(what: str, **parameters: Any) -> RefusalError:
    return RefusalError(400, f"Bad Request: {what}", **parameters)


def too_many(seconds: int) -> RefusalError:
    return RefusalError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def units(text: str) -> int:
    """UTF-16 code units, which is what Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


# ------------------------------------------------------------------------------------------------ text with entities


class _HtmlReader:
    """Telegram's HTML: a few tags, four named entities and numeric ones, everything closed in order.

    Reads as the open server does: a lone `&` and an unknown entity stay as they are, `</>` closes whatever is open,
    attributes that mean nothing are let through.
    """

    def __init__(self, source: str) -> None:
        self.source = source.replace("\0", "") + "\0"  # the zero ends every inner loop
        self.at = 0
        self.begun = 0
        self.text: list[str] = []
        self.length = 0
        self.entities: list[Json] = []
        self.open: list[tuple[str, str, int, int]] = []  # tag, argument, UTF-16 offset, pieces of text before it

    def read(self) -> tuple[str, list[Json]]:
        while (character := self.source[self.at]) != "\0":
            if character == "<":
                self.begun = self.at
                self._end_tag() if self.source[self.at + 1] == "/" else self._start_tag()
            elif character == "&":
                self._add(self._reference())
            else:
                self.at += 1
                self._add(character)
        if self.open:
            raise self._problem(f'Can\'t find end tag corresponding to start tag "{self.open[-1][0]}"')
        return "".join(self.text), sorted(self.entities, key=lambda entity: (entity["offset"], -entity["length"]))

    def _problem(self, what: str) -> RefusalError:
        return bad_request(f"can't parse entities: {what}")

    def _offset(self, place: int) -> int:
        return len(self.source[:place].encode("utf-8", "surrogatepass"))

    def _here(self) -> str:
        return f"at byte offset {self._offset(self.begun)}"

    def _add(self, text: str) -> None:
        self.text.append(text)
        self.length += units(text)

    def _skip(self, unwanted: Callable[[str], bool]) -> str:
        start = self.at
        while self.source[self.at] != "\0" and unwanted(self.source[self.at]):
            self.at += 1
        return self.source[start : self.at]

    def _reference(self) -> str:
        found = REFERENCE.match(self.source, self.at)
        number = int(found[1], 16) if found and found[1] else int(found[2]) if found and found[2] else 0
        if found is None or (not found[3] and not 0 < number < 0x10FFFF):
            self.at += 1
            return "&"
        if 0xD800 <= number <= 0xDFFF:
            raise self._problem(SURROGATE)
        self.at = found.end()
        return chr(number) if number else html.unescape(f"&{found[3]};")

    def _start_tag(self) -> None:
        self.at += 1
        tag = self._skip(lambda character: character not in BLANK + ">").lower()
        if self.source[self.at] == "\0":
            raise self._problem(f"Unclosed start tag {self._here()}")
        if tag not in TAGS:
            raise self._problem(f'Unsupported start tag "{tag}" {self._here()}')
        argument = ""
        while True:
            self._skip(BLANK.__contains__)
            if self.source[self.at] == ">":
                break
            argument = self._argument(tag, *self._attribute(tag)) or argument
        self.at += 1
        if tag == "span" and argument != "spoiler":
            raise self._problem(f'Tag "span" must have class "tg-spoiler" {self._here()}')
        self.open.append((tag, argument, self.length, len(self.text)))

    def _argument(self, tag: str, name: str, value: str) -> str:
        """The part of an attribute that means something."""
        match tag, name:
            case ("a", "href") | ("tg-emoji", "emoji-id"):
                return value
            case "code", "class":
                return value.removeprefix("language-") if value.startswith("language-") else ""
            case "span", "class":
                return value.removeprefix("tg-") if value.startswith("tg-") else ""
            case "blockquote", "expandable":
                return "1"
        return ""

    def _attribute(self, tag: str) -> tuple[str, str]:
        name = self._skip(lambda character: character not in BLANK + "=>/\"'").lower()
        if not name:
            raise self._problem(
                f'Empty attribute name in the tag "{tag}" {self._here()}'
                if self.source[self.at] != "\0"
                else f'Unclosed start tag "{tag}" {self._here()}'
            )
        self._skip(BLANK.__contains__)
        if self.source[self.at] != "=":
            return name, ""
        self.at += 1
        self._skip(BLANK.__contains__)
        if self.source[self.at] == "\0":
            raise self._problem(f'Unclosed start tag "{tag}" {self._here()}')
        value = self._quoted() if self.source[self.at] in "\"'" else self._name_token()
        if self.source[self.at] == "\0":
            raise self._problem(f"Unclosed start tag {self._here()}")
        return name, value

    def _quoted(self) -> str:
        quote, value = self.source[self.at], ""
        self.at += 1
        while self.source[self.at] not in (quote, "\0"):
            if self.source[self.at] == "&":
                value += self._reference()
            else:
                value += self.source[self.at]
                self.at += 1
        self.at += self.source[self.at] == quote
        return value

    def _name_token(self) -> str:
        start = self.at
        value = self._skip(lambda character: (character.isascii() and character.isalnum()) or character in ".-")
        if self.source[self.at] not in BLANK + ">\0":
            raise self._problem(f"Unexpected end of name token at byte offset {self._offset(start)}")
        return value.lower()

    def _end_tag(self) -> None:
        if not self.open:
            raise self._problem(f"Unexpected end tag {self._here()}")
        self.at += 2
        name = self._skip(lambda character: character not in BLANK + ">").lower()
        self._skip(BLANK.__contains__)
        if self.source[self.at] != ">":
            raise self._problem(f"Unclosed end tag {self._here()}")
        self.at += 1
        tag, argument, offset, pieces = self.open.pop()
        if name not in ("", tag):
            raise self._problem(f'Unmatched end tag {self._here()}, expected "</{tag}>", found "</{name}>"')
        if self.length > offset:
            entity = {"type": TAGS[tag], "offset": offset, "length": self.length - offset}
            self._close(entity, tag, argument, "".join(self.text[pieces:]))

    def _close(self, entity: Json, tag: str, argument: str, inner: str) -> None:
        if tag == "a":
            entity["url"] = checked_link(argument or inner)
            if not entity["url"]:
                return
        elif tag == "tg-emoji":
            if not re.fullmatch(r"-?[0-9]{1,19}", argument) or not int(argument):
                raise self._problem("Invalid custom emoji identifier specified")
            entity["custom_emoji_id"] = argument
        elif tag == "blockquote" and argument:
            entity["type"] = "expandable_blockquote"
        elif tag == "code" and argument:
            entity["language"] = argument
        elif tag == "pre" and self.entities:
            self._join_language(entity)
        self.entities.append(entity)

    def _join_language(self, entity: Json) -> None:
        """`<pre><code class="language-x">` is one entity."""
        last = self.entities[-1]
        same_place = (last["offset"], last["length"]) == (entity["offset"], entity["length"])
        if same_place and last["type"] == "code" and last.get("language"):
            entity["language"] = self.entities.pop()["language"]


def checked_link(url: str) -> str:
    """The link as Telegram keeps it, "" when it would drop it: text then stays without a link."""
    url = url.strip()
    if url.startswith("tg:"):
        return url
    if "://" not in url:
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https", "ftp", "ton") or ("." not in host and ":" not in host):
        return ""
    return url if parts.path or parts.query or parts.fragment else f"{url}/"


def read_html(source: str) -> tuple[str, list[Json]]:
    """The visible text and its entities, at most 100. Raises RefusalError as Telegram words it."""
    text, entities = _HtmlReader(source).read()
    for entity in entities:
        if entity["type"] == "code":
            entity.pop("language", None)
    return _trimmed(text, entities[:100])


def _trimmed(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Telegram cuts white space off both ends; entities move along."""
    cut = units(text) - units(text.lstrip())
    text = text.strip()
    length = units(text)
    kept = []
    for entity in entities:
        start = max(0, entity["offset"] - cut)
        end = min(length, entity["offset"] - cut + entity["length"])
        if end > start:
            kept.append({**entity, "offset": start, "length": end - start})
    return text, kept


# -------------------------------------------------------------------------------------------------------- the values


@dataclass
class FakeMessage:
    """A message of the bot. `text` is what a person sees, `html` what was sent, `edits` the earlier texts.

    `at` is monotonic; `age` (seconds) makes the message that much older for the 48-hour rule.
    """

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
    date: int = 0
    age: float = 0.0
    edits: list[str] = field(default_factory=list)
    edit_date: int | None = None
    deleted: bool = False
    editable: bool = True
    photo: str = ""
    reply_to: int | None = None


@dataclass
class FakeChat:
    """A chat and what keeps the bot out of it.

    `refuses` is any further 400 (such as "CHAT_WRITE_FORBIDDEN"); `threads` None means that any topic exists;
    the first of `admins` is the creator; `people` are the ids of messages that are not the bot's.
    """

    id: int
    kind: str
    title: str = ""
    admins: tuple[int, ...] = ()
    username: str = ""
    messages: dict[int, FakeMessage] = field(default_factory=dict)
    blocked: bool = False
    kicked: bool = False
    not_member: bool = False
    deactivated: bool = False
    never_started: bool = False
    can_write: bool = True
    refuses: str = ""
    topic_closed: bool = False
    threads: set[int] | None = None
    migrated_to: int | None = None
    left: set[int] = field(default_factory=set)
    people: set[int] = field(default_factory=set)

    def has_thread(self, thread: int) -> bool:
        return self.threads is None or thread in self.threads


@dataclass
class Call:
    """One call. `outcome` is "ok", the error's description, or the fault that kept it from being processed."""

    method: str
    params: Json
    at: float
    chat_id: int | str | None = None
    outcome: str = ""
    fault: str = ""


@dataclass
class Fault:
    """What shall go wrong; `times` None means for ever."""

    kind: str
    method: str
    chat: int | None
    times: int | None
    detail: Json


class _Bucket:
    """So many at once, then one per `1 / rate` seconds."""

    def __init__(self, size: float, rate: float) -> None:
        self.size, self.rate, self.left, self.at = size, rate, size, 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next one may go; 0 when it may go now."""
        self.left = min(self.size, self.left + (now - self.at) * self.rate)
        self.at = now
        return max(0.0, (1 - self.left) / self.rate)


class _Rates:
    """The FAQ's limits: 30/s in all (1,000/s if paid), 1/s to a person in bursts of 3, 20/min to a group."""

    def __init__(self) -> None:
        self._free, self._paid = _Bucket(30, 30), _Bucket(1000, 1000)
        self._people: dict[int, _Bucket] = {}
        self._groups: dict[int, deque[float]] = {}

    def take(self, chat: FakeChat, paid: bool, now: float) -> float:
        """Seconds to wait; 0 when the message was counted and may go."""
        account = self._paid if paid else self._free
        if chat.kind == "private":
            bucket = self._people.setdefault(chat.id, _Bucket(3, 1))
            wait = max(account.wait(now), bucket.wait(now))
            if not wait:
                bucket.left -= 1
        else:
            sent = self._groups.setdefault(chat.id, deque(maxlen=20))
            wait = account.wait(now)
            if len(sent) == 20:
                wait = max(wait, sent[0] + 60 - now)
            if not wait:
                sent.append(now)
        if not wait:
            account.left -= 1
        return wait


@dataclass
class _UpdateReader:
    """One getUpdates that waits."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    replaced: bool = False


# -------------------------------------------------------------------------------------------------------- the server


class FakeTelegram(LoopbackServer):
    """One bot. Clients take `base_url=f"{fake.url}/bot"`.

    Hooks: "received"(call) once a request was read and before anything is done, "processed"(call) between processing
    and the reply; neither is called for getUpdates, which a client repeats for ever.
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
        self.answers: dict[str, Json] = {}
        self.webhook = ""
        self.webhook_secret = ""
        self.menu: dict[str, list[Json]] = {}
        self.bad_pictures: dict[str, str] = {}
        self._faults: list[Fault] = []
        self._next_message = 1
        self._next_update = 1
        self._queries: set[str] = set()
        self._reader: _UpdateReader | None = None
        self._rates = _Rates()
        self._allowed: list[str] = []

    @property
    def id(self) -> int:
        return int(self.token.split(":")[0])

    def routes(self, app: web.Application) -> None:
        app.router.add_route("*", "/bot{token:[^/]*}/{method}", self._api)

    def is_long_poll(self, request: web.Request) -> bool:
        return request.match_info.get("method") == "getUpdates"

    # ------------------------------------------------------------------------------------------------- the scene

    def add_chat(
        self,
        chat_id: int,
        kind: str = "private",
        title: str = "",
        admins: tuple[int, ...] = (),
        username: str = "",
    ) -> FakeChat:
        """A chat the bot is in: "private", "group", "supergroup" or "channel"."""
        with self.lock:
            self.chats[chat_id] = FakeChat(chat_id, kind, title, tuple(admins), username)
            return self.chats[chat_id]

    def fault(
        self, kind: str, *, method: str = "sendMessage", chat: int | None = None, times: int | None = 1, **detail: Any
    ) -> None:
        """Make the next `times` matching calls misbehave (None: all; method "*": any), earlier faults first.

        Not processed: "429" (retry_after), "500", "502", "reset_before", "hang", "redirect", "unauthorized",
        "conflict", "answer" (code, description, parameters): any refusal in Telegram's words, "page" (code): what a
        proxy says in its place, the address repeated in it. Late: "delay" (seconds). Processed, the reply lost or
        spoilt: "reset_after", "close_after", "hang_after", "malformed" (body). What hangs does so until the double
        stops.
        """
        if kind not in BEFORE_FAULTS + AFTER_FAULTS:
            raise ValueError(f"no such fault: {kind}")
        with self.lock:
            self._faults.append(Fault(kind, method, chat, times, detail))

    def clear_faults(self) -> None:
        with self.lock:
            self._faults.clear()

    def messages(self, chat_id: int) -> list[FakeMessage]:
        """The bot's messages in a chat, oldest first, deleted ones left out."""
        with self.lock:
            return [message for message in self.chats[chat_id].messages.values() if not message.deleted]

    def replies_after(self, chat_id: int, n: int) -> list[FakeMessage]:
        """What the bot wrote in a chat after its first `n` messages, deleted ones left out."""
        with self.lock:
            later = list(self.chats[chat_id].messages.values())[n:]
        return [message for message in later if not message.deleted]

    def wait_for_messages(self, chat_id: int, n: int, seconds: float = 10.0) -> list[FakeMessage]:
        """Block until the bot wrote `n` messages in a chat (deleted ones count); gives the visible ones."""
        self.wait_until(lambda: len(self.chats[chat_id].messages) >= n, seconds, f"for {n} messages in {chat_id}")
        return self.messages(chat_id)

    def unconfirmed(self) -> int:
        """How many updates the bot has not confirmed yet."""
        with self.lock:
            return len(self.updates)

    @property
    def readers(self) -> int:
        """How many getUpdates calls wait right now: 0 or 1."""
        return int(self._reader is not None)

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
        reply_to: int | None = None,
    ) -> int:
        """A person writes (with `sender_chat`: an anonymous admin); in a channel, the channel posts.

        `reply_to` is a message of the bot. Returns the update's id.
        """
        chat = self.chats[chat_id]
        message = self._incoming(chat, text) | ({"edit_date": int(time.time())} if edited else {})
        if thread_id is not None:
            message |= {"message_thread_id": thread_id, "is_topic_message": True}
        if reply_to is not None:
            message["reply_to_message"] = self._message_json(chat.messages[reply_to])
        if chat.kind == "channel" or sender_chat:
            message["sender_chat"] = self._chat_json(chat)
        if chat.kind != "channel":
            anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
            message["from"] = anonymous if sender_chat else _person(user_id, first_name, language)
        kind = "channel_post" if chat.kind == "channel" else "message"
        return self._push(f"edited_{kind}" if edited else kind, message)

    def _incoming(self, chat: FakeChat, text: str) -> Json:
        number = self._number()
        chat.people.add(number)
        commands = [
            {"type": "bot_command", "offset": units(text[: found.start()]), "length": len(found[0])}
            for found in COMMAND.finditer(text)
        ]
        message: Json = {"message_id": number, "date": int(time.time()), "chat": self._chat_json(chat), "text": text}
        return message | ({"entities": commands} if commands else {})

    def press(self, chat_id: int, user_id: int, message_id: int, data: str, *, language: str = "ko") -> str:
        """A person presses a button of one of the bot's messages: of a message that is deleted or too old, Telegram
        names the place only. Returns the query's id, under which `answers` keeps what the bot said to it."""
        message = self.chats[chat_id].messages[message_id]
        chat = self._chat_json(self.chats[chat_id])
        out_of_reach = message.deleted or message.age > TWO_DAYS
        shown = {"message_id": message_id, "chat": chat, "date": 0} if out_of_reach else self._message_json(message)
        query = {
            "id": self._query(),
            "from": _person(user_id, language=language),
            "message": shown,
            "chat_instance": str(chat_id),
            "data": data,
        }
        self._push("callback_query", query)
        return str(query["id"])

    def press_button(self, chat_id: int, user_id: int, message_id: int, label: str, *, language: str = "ko") -> str:
        """The same by what stands on the button. AssertionError when the message has none of that label."""
        rows = (self.chats[chat_id].messages[message_id].reply_markup or {}).get("inline_keyboard", [])
        found = next((button for row in rows for button in row if button["text"] == label), None)
        if found is None or "callback_data" not in found:
            raise AssertionError(f"no button {label!r} to press in {rows}")
        return self.press(chat_id, user_id, message_id, found["callback_data"], language=language)

    def ask_inline(self, user_id: int, text: str, offset: str = "", *, language: str = "ko") -> str:
        """A person writes `@bot text` somewhere. Returns the query's id, under which `answers` keeps the answer."""
        asked = {"id": self._query(), "from": _person(user_id, language=language), "query": text, "offset": offset}
        self._push("inline_query", asked)
        return str(asked["id"])

    def push(self, kind: str, content: Json) -> int:
        """Any other update, whatever `allowed_updates` said. Returns its id."""
        with self.lock:
            self._allowed = [*self._allowed, kind] if self._allowed else []
        return self._push(kind, content)

    def incoming(self, chat_id: int, user_id: int, text: str, **fields: Any) -> Json:
        """A message as an update holds it, with further fields; one without a text has none."""
        message = {**self._incoming(self.chats[chat_id], text), "from": _person(user_id), **fields}
        return {key: value for key, value in message.items() if value != ""}

    def add_member_status(self, chat_id: int, user_id: int, old: str, new: str) -> int:
        """Somebody changes what the bot is in a chat ("member", "administrator", "left", "kicked"), and so its door."""
        chat = self.chats[chat_id]
        chat.blocked = chat.kind == "private" and new == "kicked"
        chat.kicked = chat.kind != "private" and new == "kicked"
        chat.not_member = new == "left"
        changed = {
            "chat": self._chat_json(chat),
            "from": _person(user_id),
            "date": int(time.time()),
            "old_chat_member": _member(self._bot_json(), old),
            "new_chat_member": _member(self._bot_json(), new),
        }
        return self._push("my_chat_member", changed)

    def say(self, chat_id: int, **service: Any) -> int:
        """A service message, such as `migrate_to_chat_id=-100`."""
        chat = self.chats[chat_id]
        message = {"message_id": self._number(), "date": int(time.time()), "chat": self._chat_json(chat), **service}
        return self._push("message", message)

    def _query(self) -> str:
        with self.lock:
            self._queries.add(made := str(90_000_000 + len(self._queries)))
        return made

    def _push(self, kind: str, content: Json) -> int:
        with self.lock:
            number = self._next_update
            self._next_update += 1
            if kind in (self._allowed or BY_DEFAULT):
                self.updates.append({"update_id": number, kind: content})
        self.loop.call_soon_threadsafe(self._wake)
        return number

    def _wake(self) -> None:
        if self._reader is not None:
            self._reader.news.set()

    def _number(self) -> int:
        with self.lock:
            self._next_message += 1
            return self._next_message

    # -------------------------------------------------------------------------------------------------- the calls

    async def _api(self, request: web.Request) -> web.StreamResponse:
        call = Call(request.match_info["method"], {}, time.monotonic())
        problem: RefusalError | None = None
        try:
            call.params = await _params(request)
        except RefusalError as refusal:
            problem = refusal
        call.chat_id = _chat_id(call.params.get("chat_id"))
        with self.lock:
            self.calls.append(call)
        if call.method != "getUpdates":
            self.emit("received", call)
        fault = self._take_fault(call)
        early = await self._before(fault, call, request)
        if early is not None:
            return early
        answer = await self._answer(call, request.match_info["token"], problem)
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
        """The answer of a call that is not processed; None when it is."""
        if fault is None or fault.kind in AFTER_FAULTS:
            return None
        if fault.kind == "delay":
            await asyncio.sleep(float(fault.detail.get("seconds", 1)))
            return None
        call.outcome = fault.kind
        self.notify()
        match fault.kind:
            case "429":
                return _refusal(too_many(int(fault.detail.get("retry_after", 1))))
            case "500":
                return _refusal(RefusalError(500, "Internal Server Error"))
            case "502":
                page = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
                return web.Response(status=502, text=page, content_type="text/html")
            case "redirect":
                return web.Response(status=302, headers={"Location": "/elsewhere"})
            case "answer":
                detail = fault.detail
                return _refusal(RefusalError(detail["code"], detail["description"], **detail.get("parameters", {})))
            case "page":
                page = f"<html><body>No {request.path} here</body></html>"
                return web.Response(status=fault.detail["code"], text=page, content_type="text/html")
            case "unauthorized":
                return _refusal(RefusalError(401, "Unauthorized"))
            case "conflict":
                return _refusal(RefusalError(409, CONFLICT))
            case "hang":
                await self._stopping.wait()
            case "reset_before":
                _reset(request)
        return web.Response(status=503)

    async def _after(self, fault: Fault | None, request: web.Request, answer: web.Response) -> web.StreamResponse:
        match fault.kind if fault else "":
            case "malformed":
                return web.Response(text=fault.detail.get("body", "<html>not JSON</html>") if fault else "")
            case "reset_after":
                _reset(request)
            case "close_after":
                assert request.transport is not None
                request.transport.close()
            case "hang_after":
                await self._stopping.wait()
        return answer

    async def _answer(self, call: Call, token: str, problem: RefusalError | None) -> web.Response:
        try:
            if not TOKEN_FORM.fullmatch(token):
                raise RefusalError(404, "Not Found")
            if token != self.token:
                raise RefusalError(401, "Unauthorized")
            if problem is not None:
                raise problem
            result = await self._result(call)
        except RefusalError as refusal:
            call.outcome = refusal.description
            return _refusal(refusal)
        call.outcome = "ok"
        return web.json_response({"ok": True, "result": result})

    async def _result(self, call: Call) -> Any:
        if call.method == "getUpdates":
            return await self._get_updates(call.params)
        handler: Callable[[Json], Any] | None = getattr(self, f"_do_{call.method}", None)
        if handler is None:
            raise RefusalError(404, "Not Found")
        with self.lock:
            return handler(call.params)

    # ------------------------------------------------------------------------------------------------- receiving

    async def _get_updates(self, params: Json) -> list[Json]:
        if self.webhook:
            raise RefusalError(409, WEBHOOK)
        if self._reader is not None:
            self._reader.replaced = True
            self._reader.news.set()
        reader = self._reader = _UpdateReader()
        if "allowed_updates" in params:
            self._allowed = list(params["allowed_updates"] or [])
        self._confirm(_integer(params.get("offset")) or 0)
        self.notify()
        try:
            return await self._long_poll(reader, params)
        finally:
            if self._reader is reader:
                self._reader = None

    async def _long_poll(self, reader: _UpdateReader, params: Json) -> list[Json]:
        limit = min(100, max(1, _integer(params.get("limit")) or 100))
        end = time.monotonic() + min(50.0, float(params.get("timeout") or 0))
        while True:
            reader.news.clear()
            with self.lock:
                found = list(self.updates)[:limit]
            left = end - time.monotonic()
            if found or left <= 0 or self._stopping.is_set():
                return found
            waits = [asyncio.ensure_future(event.wait()) for event in (reader.news, self._stopping)]
            await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            if reader.replaced:
                raise RefusalError(409, CONFLICT)

    def _confirm(self, offset: int) -> None:
        """Forget what lies before `offset`; a negative one keeps that many from the end."""
        with self.lock:
            if offset < 0:
                self.updates = deque(list(self.updates)[offset:])
            while self.updates and self.updates[0]["update_id"] < offset:
                self.updates.popleft()

    def _do_setWebhook(self, params: Json) -> bool:
        url = str(params.get("url") or "")
        if url and not url.startswith("https://"):
            raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", str(params.get("secret_token") or "")):
            raise bad_request("secret token contains unallowed characters")
        self.webhook = url
        self.webhook_secret = str(params.get("secret_token") or "")
        if "allowed_updates" in params:
            self._allowed = list(params["allowed_updates"] or [])
        if _yes(params.get("drop_pending_updates")):
            self.updates.clear()
        return True

    def _do_deleteWebhook(self, params: Json) -> bool:
        return self._do_setWebhook({**params, "url": ""})

    def _do_getWebhookInfo(self, _: Json) -> Json:
        info = {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": len(self.updates)}
        return info | ({"allowed_updates": self._allowed} if self._allowed else {})

    # ------------------------------------------------------------------------------------------ the bot and chats

    def _bot_json(self) -> Json:
        return {"id": self.id, "is_bot": True, "first_name": "Sokbo", "username": self.username}

    def _do_getMe(self, _: Json) -> Json:
        rights = {"can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": True}
        return self._bot_json() | rights

    def _do_setMyCommands(self, params: Json) -> bool:
        commands = params.get("commands") or []
        if len(commands) > 100:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
                raise bad_request("BOT_COMMAND_INVALID")
            if not 1 <= len(command["description"]) <= 256:
                raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        self.menu[_menu_key(params)] = commands
        return True

    def _do_getMyCommands(self, params: Json) -> list[Json]:
        return self.menu.get(_menu_key(params), [])

    def _do_getChat(self, params: Json) -> Json:
        full = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": dict.fromkeys(GIFTS, False)}
        return self._chat_json(self._chat(params)) | full

    def _do_getChatMember(self, params: Json) -> Json:
        chat, user_id = self._chat(params), _integer(params.get("user_id"))
        if user_id is None or user_id <= 0:
            raise bad_request("invalid user_id specified")
        if user_id == self.id and chat.not_member:
            raise RefusalError(403, f"Forbidden: bot is not a member of the {chat.kind} chat")
        if user_id == self.id:
            return _member(self._bot_json(), "administrator" if chat.kind == "channel" else "member")
        if user_id in chat.left:
            return _member(_person(user_id), "left")
        return _member(_person(user_id), self._rank(chat, user_id))

    def _rank(self, chat: FakeChat, user_id: int) -> str:
        if user_id not in chat.admins:
            return "member"
        return "creator" if user_id == chat.admins[0] else "administrator"

    def _do_getChatAdministrators(self, params: Json) -> list[Json]:
        chat = self._chat(params)
        if chat.kind == "private":
            raise bad_request("there are no administrators in the private chat")
        return [_member(_person(user_id), self._rank(chat, user_id)) for user_id in chat.admins]

    def _do_sendChatAction(self, params: Json) -> bool:
        self._open_chat(params)
        return True

    def _do_answerCallbackQuery(self, params: Json) -> bool:
        self._answer_query(str(params.get("callback_query_id")), params)
        if len(str(params.get("text") or "")) > 200:
            raise bad_request("MESSAGE_TOO_LONG")
        return True

    def _do_answerInlineQuery(self, params: Json) -> bool:
        self._answer_query(str(params.get("inline_query_id")), params)
        if len(params.get("results") or []) > 50:
            raise bad_request("RESULTS_TOO_MUCH")
        if len(str(params.get("next_offset") or "").encode()) > 64:
            raise bad_request("NEXT_OFFSET_INVALID")
        seen: set[str] = set()
        for result in params.get("results") or []:
            self._check_result(result, seen)
        button = params.get("button")
        if button and not (button.get("text") and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", button["start_parameter"])):
            raise bad_request("BUTTON_INVALID")
        return True

    def _check_result(self, result: Json, seen: set[str]) -> None:
        """An article: an id of its own, a title, and a message that could be sent."""
        name = str(result.get("id") or "")
        if result.get("type") != "article" or not 1 <= len(name.encode()) <= 64 or name in seen:
            raise bad_request("RESULT_ID_INVALID")
        seen.add(name)
        if not str(result.get("title") or "").strip():
            raise bad_request("can't parse inline query result: Can't find field \"title\"")
        content = result.get("input_message_content") or {}
        text, _ = self._parsed({**content, "text": content.get("message_text")}, "text")
        if not 1 <= units(text) <= 4096:
            raise bad_request("MESSAGE_EMPTY" if not text else "MESSAGE_TOO_LONG")
        self._markup(result)

    def _answer_query(self, query: str, params: Json) -> None:
        if query not in self._queries:
            raise bad_request(TOO_OLD)
        self.answers[query] = params

    # --------------------------------------------------------------------------------------------------- messages

    def _do_sendMessage(self, params: Json) -> Json:
        text, entities = self._text(params)
        chat = self._open_chat(params)
        if units(text) > 4096:
            raise bad_request("message is too long")
        self._check_preview(params)
        return self._sent(chat, params, text, entities, str(params.get("text")))

    def _do_sendPhoto(self, params: Json) -> Json:
        text, entities = self._parsed(params, "caption")
        chat = self._open_chat(params)
        if units(text) > 1024:
            raise bad_request("message caption is too long")
        photo = params.get("photo")
        if not photo:
            raise bad_request("there is no photo in the request")
        if isinstance(photo, str):
            self._check_picture(photo)
        name = photo if isinstance(photo, str) else "an uploaded file"
        return self._sent(chat, params, text, entities, str(params.get("caption") or ""), name)

    def _check_preview(self, params: Json) -> None:
        """A preview's address is fetched like a picture's; only `bad_pictures` are refused."""
        url = str((params.get("link_preview_options") or {}).get("url") or "")
        if url in self.bad_pictures:
            raise bad_request(self.bad_pictures[url])

    def _check_picture(self, url: str) -> None:
        """Telegram fetches a picture itself; `bad_pictures` says what it would find."""
        if url in self.bad_pictures:
            raise bad_request(self.bad_pictures[url])
        if not (checked_link(url).startswith(("http://", "https://")) and "://" in url):
            raise bad_request("wrong file identifier/HTTP URL specified")

    def _sent(
        self, chat: FakeChat, params: Json, text: str, entities: list[Json], source: str, photo: str = ""
    ) -> Json:
        markup = self._markup(params)
        reply_to = self._reply_to(chat, params)
        self._check_rate(chat, params)
        message = FakeMessage(
            message_id=self._number(),
            chat_id=chat.id,
            thread_id=_integer(params.get("message_thread_id")),
            text=text,
            html=source,
            entities=entities,
            reply_markup=markup,
            link_preview_options=params.get("link_preview_options") or {},
            silent=_yes(params.get("disable_notification")),
            at=time.monotonic(),
            date=int(time.time()),
            photo=photo,
            reply_to=reply_to,
        )
        chat.messages[message.message_id] = message
        return self._message_json(message)

    def _reply_to(self, chat: FakeChat, params: Json) -> int | None:
        wanted = params.get("reply_parameters") or {}
        number = _integer(wanted.get("message_id"))
        if number is None:
            return None
        known = number in chat.people or (number in chat.messages and not chat.messages[number].deleted)
        if known or wanted.get("allow_sending_without_reply"):
            return number if known else None
        raise bad_request("message to be replied not found")

    def _do_editMessageText(self, params: Json) -> Json:
        text, entities = self._text(params)
        message = self._editable(params)
        if message.photo:
            raise bad_request("there is no text in the message to edit")
        if units(text) > 4096:
            raise bad_request("message is too long")
        self._check_preview(params)
        markup = self._markup(params)
        if (text, entities, markup) == (message.text, message.entities, message.reply_markup):
            raise bad_request(UNCHANGED)
        self._check_rate(self.chats[message.chat_id], params)
        message.edits.append(message.text)
        message.text, message.entities, message.reply_markup = text, entities, markup
        message.html = str(params["text"])
        message.link_preview_options = params.get("link_preview_options") or {}
        message.edit_date = int(time.time())
        return self._message_json(message)

    def _do_editMessageReplyMarkup(self, params: Json) -> Json:
        message = self._editable(params)
        markup = self._markup(params)
        if markup == message.reply_markup:
            raise bad_request(UNCHANGED)
        self._check_rate(self.chats[message.chat_id], params)
        message.reply_markup = markup
        return self._message_json(message)

    def _editable(self, params: Json) -> FakeMessage:
        chat = self._open_chat(params)
        number = _integer(params.get("message_id")) or 0
        message = chat.messages.get(number)
        if number in chat.people or (message is not None and not message.editable):
            raise bad_request("message can't be edited")
        if message is None or message.deleted:
            raise bad_request("message to edit not found")
        return message

    def _do_deleteMessage(self, params: Json) -> bool:
        chat = self._open_chat(params)
        number = _integer(params.get("message_id")) or 0
        if number in chat.people:
            raise bad_request("message can't be deleted")
        message = chat.messages.get(number)
        if message is None or message.deleted:
            raise bad_request("message to delete not found")
        if message.age + time.monotonic() - message.at > TWO_DAYS:
            raise bad_request("message can't be deleted for everyone")
        message.deleted = True
        return True

    # ----------------------------------------------------------------------------------------------- what is refused

    def _parsed(self, params: Json, key: str) -> tuple[str, list[Json]]:
        raw = str(params.get(key) or "")
        match str(params.get("parse_mode") or "").lower():
            case "html":
                return read_html(raw)
            case "" | "none":
                given = params.get("caption_entities" if key == "caption" else "entities") or []
                return _trimmed(raw, given[:100])
            case "markdown" | "markdownv2":
                raise bad_request("can't parse entities: this double reads HTML only")
        raise bad_request("unsupported parse_mode")

    def _text(self, params: Json) -> tuple[str, list[Json]]:
        text, entities = self._parsed(params, "text")
        if not text:
            raise bad_request("message text is empty")
        return text, entities

    def _markup(self, params: Json) -> Json | None:
        markup = params.get("reply_markup") or None
        if markup is None:
            return None
        if not isinstance(markup, dict):
            raise bad_request("object expected as reply markup")
        rows = markup.get("inline_keyboard", [])
        for row in rows:
            for button in row:
                _check_button(button)
        if sum(map(len, rows)) > 100:
            raise bad_request("reply markup is too long")
        # Telegram leaves a keyboard without buttons away.
        return markup if any(markup.get("inline_keyboard", [True])) else None

    def _chat(self, params: Json) -> FakeChat:
        wanted = _chat_id(params.get("chat_id"))
        if wanted is None:
            raise bad_request("chat_id is empty")
        if isinstance(wanted, int):
            chat = self.chats.get(wanted)
        else:
            chat = next((one for one in self.chats.values() if one.username and f"@{one.username}" == wanted), None)
        if chat is None:
            raise bad_request("chat not found")
        return chat

    def _open_chat(self, params: Json) -> FakeChat:
        """The chat, if the bot may speak in it."""
        chat = self._chat(params)
        if chat.migrated_to is not None:
            moved = "group chat was upgraded to a supergroup chat"
            raise bad_request(moved, migrate_to_chat_id=chat.migrated_to)
        for closed, words in (
            (chat.blocked, "bot was blocked by the user"),
            (chat.deactivated, "user is deactivated"),
            (chat.kicked, f"bot was kicked from the {chat.kind} chat"),
            (chat.not_member, f"bot is not a member of the {chat.kind} chat"),
            (chat.never_started, "bot can't initiate conversation with a user"),
        ):
            if closed:
                raise RefusalError(403, f"Forbidden: {words}")
        thread = _integer(params.get("message_thread_id"))
        for closed, words in (
            (not chat.can_write, "not enough rights to send text messages to the chat"),
            (bool(chat.refuses), chat.refuses),
            (chat.topic_closed, "TOPIC_CLOSED"),
            (thread is not None and not chat.has_thread(thread), "message thread not found"),
        ):
            if closed:
                raise bad_request(words)
        return chat

    def _check_rate(self, chat: FakeChat, params: Json) -> None:
        if not self.strict_rates:
            return
        wait = self._rates.take(chat, _yes(params.get("allow_paid_broadcast")), time.monotonic())
        if wait:
            self.rate_breaches += 1
            raise too_many(max(1, math.ceil(wait)))

    # ------------------------------------------------------------------------------------------------ what is shown

    def _chat_json(self, chat: FakeChat) -> Json:
        named = {"first_name": chat.title or "Mina"} if chat.kind == "private" else {"title": chat.title or "news"}
        return {"id": chat.id, "type": chat.kind, **named} | ({"username": chat.username} if chat.username else {})

    def _message_json(self, message: FakeMessage) -> Json:
        chat = self._chat_json(self.chats[message.chat_id])
        shown: Json = {"message_id": message.message_id, "date": message.date, "chat": chat}
        shown |= {"sender_chat": chat} if chat["type"] == "channel" else {"from": self._bot_json()}
        if message.photo:
            size = {"file_id": "AgAC", "file_unique_id": "AQAD", "width": 640, "height": 480}
            shown |= {"photo": [size], "caption": message.text, "caption_entities": message.entities}
        else:
            shown |= {"text": message.text, "entities": message.entities}
        if message.thread_id is not None:
            shown |= {"message_thread_id": message.thread_id, "is_topic_message": True}
        optional = {
            "edit_date": message.edit_date,
            "reply_markup": message.reply_markup,
            "link_preview_options": message.link_preview_options,
        }
        return shown | {key: value for key, value in optional.items() if value}


# ---------------------------------------------------------------------------------------------------------- on the wire


async def _params(request: web.Request) -> Json:
    """Query, form, multipart or JSON; nested values may come as JSON inside a string."""
    params: Json = dict(request.query)
    try:
        if request.content_type == "application/json":
            params.update(await request.json())
        elif request.can_read_body:
            params.update(await request.post())
    except (TypeError, ValueError):
        raise bad_request("can't parse the request's body") from None
    for key in NESTED:
        if isinstance(params.get(key), str):
            try:
                params[key] = json.loads(params[key])
            except ValueError:
                raise bad_request(f"can't parse {key} JSON object") from None
    return params


def _yes(value: Any) -> bool:
    return value is True or str(value).lower() in ("true", "1")


def _integer(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _chat_id(value: Any) -> int | str | None:
    number = _integer(value)
    return number if number is not None else (str(value) if value else None)


def _menu_key(params: Json) -> str:
    """The language, with the scope before it unless that is the default one."""
    scope = params.get("scope") or {}
    place = "/".join(str(scope[key]) for key in ("type", "chat_id", "user_id") if key in scope)
    language = str(params.get("language_code") or "")
    return language if place in ("", "default") else f"{place}:{language}"


def _check_button(button: Any) -> None:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    actions = {key: value for key, value in button.items() if key != "text"}
    if not any(actions.values()):
        raise bad_request(TEXT_BUTTON)
    if not str(button.get("text") or "").strip():
        raise bad_request("BUTTON_TEXT_INVALID")
    if "url" in button and not _button_url_works(str(button["url"])):
        raise bad_request("BUTTON_URL_INVALID")
    if len(str(button.get("callback_data") or "").encode()) > 64:
        raise bad_request("BUTTON_DATA_INVALID")


def _button_url_works(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "tg" or (parts.scheme in ("http", "https") and "." in (parts.hostname or ""))
    except ValueError:
        return False


def _person(user_id: int, first_name: str = "Mina", language: str = "ko") -> Json:
    return {"id": user_id, "is_bot": False, "first_name": first_name, "language_code": language}


def _member(user: Json, status: str) -> Json:
    """A ChatMember with everything that its status must have."""
    extra: Json = {}
    match status:
        case "creator":
            extra = {"is_anonymous": False}
        case "administrator":
            extra = dict.fromkeys(ADMIN_RIGHTS, False) | {"can_manage_chat": True, "can_post_messages": True}
        case "no_posts":
            status, extra = "administrator", dict.fromkeys(ADMIN_RIGHTS, False) | {"can_post_messages": False}
        case "restricted":
            extra = {"is_member": True, "until_date": 0} | dict.fromkeys(MEMBER_RIGHTS, False)
        case "kicked":
            extra = {"until_date": 0}
    return {"user": user, "status": status, **extra}


def _reset(request: web.Request) -> None:
    """Cut the connection with RST, so that it differs from an orderly end."""
    assert request.transport is not None
    connection = request.transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()


def _refusal(refusal: RefusalError) -> web.Response:
    body: Json = {"ok": False, "error_code": refusal.code, "description": refusal.description}
    headers = {}
    if refusal.parameters:
        body["parameters"] = refusal.parameters
    if "retry_after" in refusal.parameters:
        headers["Retry-After"] = str(refusal.parameters["retry_after"])
    return web.json_response(body, status=refusal.code, headers=headers)
