"""A double of Slack: the Web API, response URLs and Socket Mode over a real websocket, as docs.slack.dev tells it.

It shares no code with the product. Limits and error names: docs.slack.dev/reference (methods, block-kit). Where the
documents name no wording (`response_metadata.messages`, answers of a response URL), it is what Slack was seen to say.

The methods of the double block, so a test whose client lives in the test's own event loop calls them through
`asyncio.to_thread`.
"""

import asyncio
import hashlib
import hmac
import itertools
import json
import math
import re
import socket
import struct
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientSession, WSMsgType, web

from tests.fakes.server import LoopbackServer

Json = dict[str, Any]

APP_ID = "A0SOKBO1"
BOT_ID = "B0SOKBO1"

ACK_SECONDS = 3.0
TRIGGER_SECONDS = 3.0
RESPONSE_URL_USES = 5
RESPONSE_URL_SECONDS = 30 * 60.0
REDELIVERIES = 3
CONNECTIONS = 10
GRACE_SECONDS = 10.0
"""How long Slack keeps a socket open after announcing that it will close it."""

POST_TEXT = 40_000
UPDATE_TEXT = 4_000
ALL_BLOCKS_TEXT = 13_000
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100

CHANNEL_BURST = 5
CHANNEL_PER_SECOND = 1.0
WORKSPACE_PER_MINUTE = 300

SCOPES = (
    "chat:write commands app_mentions:read channels:history groups:history im:history "
    "channels:read groups:read im:read im:write users:read team:read"
)

AFTER_FAULTS = ("reset_after", "close_after", "hang_after", "malformed")

# ------------------------------------------------------------------------------------------------ reading messages

_PING = re.compile(r"<(!(?:channel|here|everyone)|@[UW][A-Z0-9]+|!subteam\^[A-Z0-9]+)(?:\|[^<>]*)?>")
_NAME_PING = re.compile(r"(?<!\w)@(channel|here|everyone)\b")
_SPAN = re.compile(r"<([^<>\n]+)>")
_KEPT = re.compile("\ue000(\\d+)\ue001")
_MARKS = [
    re.compile(rf"(?<![\w{mark}]){re.escape(mark)}(?=\S)([^{mark}\n]+?)(?<=\S){re.escape(mark)}(?![\w{mark}])")
    for mark in "*_~`"
]


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def read_mrkdwn(text: str) -> str:
    """What a reader sees: formatting gone, `<url|label>` as `label (url)`, `<!here>` as `@here`, entities undone."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(_read_span(match[1]))
        return f"\ue000{len(kept) - 1}\ue001"

    plain = _SPAN.sub(keep, text)
    for marks in _MARKS:
        plain = marks.sub(r"\1", plain)
    return unescape(_KEPT.sub(lambda match: kept[int(match[1])], plain))


def _read_span(inside: str) -> str:
    target, _, label = inside.partition("|")
    if target.startswith("#"):
        return f"#{label or target[1:]}"
    if target.startswith(("@", "!date", "!subteam")):
        return label or target
    if target.startswith("!"):
        return f"@{target[1:]}"
    return f"{label} ({target})" if label else target


def _objects(node: Any) -> Iterator[Json]:
    """Every JSON object inside blocks, in the order it is read."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from _objects(value)


def _read_text(obj: Any) -> str:
    if not isinstance(obj, dict):
        return ""
    text = str(obj.get("text", ""))
    return read_mrkdwn(text) if obj.get("type") == "mrkdwn" else unescape(text)


def _read_element(element: Json) -> str:
    kind = element.get("type")
    if kind == "button":
        return f"[{_read_text(element.get('text'))}]"
    if kind == "image":
        return f"[image: {element.get('alt_text', '')}]"
    return _read_text(element)


def _read_rich(node: Json) -> str:
    kind = node.get("type")
    if kind == "rich_text_list":
        return "\n".join(f"• {_read_rich(item)}" for item in node.get("elements", []))
    if kind == "rich_text":
        return "\n".join(_read_rich(item) for item in node.get("elements", []))
    if "elements" in node:
        return "".join(_read_rich(item) for item in node["elements"])
    if kind == "link":
        return f"{node['text']} ({node['url']})" if node.get("text") else str(node.get("url", ""))
    if kind == "broadcast":
        return f"@{node.get('range', '')}"
    if kind == "emoji":
        return f":{node.get('name', '')}:"
    return str(node.get("text") or node.get("user_id") or "")


def read_block(block: Json) -> str:
    """The plain text that one block shows."""
    match block.get("type"):
        case "section":
            parts = [_read_text(block.get("text")), *(_read_text(entry) for entry in block.get("fields", []))]
            if block.get("accessory"):
                parts.append(_read_element(block["accessory"]))
            return "\n".join(part for part in parts if part)
        case "header":
            return _read_text(block.get("text"))
        case "context" | "actions":
            return " ".join(_read_element(element) for element in block.get("elements", []))
        case "image":
            return _read_element(block)
        case "rich_text":
            return _read_rich(block)
        case _:
            return ""


class Readable:
    """What messages and replies have in common: a text, blocks, and what a person makes of them."""

    text: str
    blocks: list[Json]
    names_parsed: bool

    @property
    def visible(self) -> str:
        """What a reader sees: the blocks, or the text where there are none."""
        if not self.blocks:
            return read_mrkdwn(self.text)
        return "\n".join(line for line in map(read_block, self.blocks) if line)

    @property
    def pings(self) -> list[str]:
        """Who would be notified, each once: `<!here>`, `<@U1>`, … in the text, mrkdwn and rich text."""
        mrkdwn = [self.text, *(str(o.get("text", "")) for o in _objects(self.blocks) if o.get("type") == "mrkdwn")]
        found = [f"<{match[1]}>" for text in mrkdwn for match in _PING.finditer(text)]
        if self.names_parsed:
            found += [f"<!{match[1]}>" for text in mrkdwn for match in _NAME_PING.finditer(text)]
        for node in _objects(self.blocks):
            match node:
                case {"type": "broadcast", "range": name}:
                    found.append(f"<!{name}>")
                case {"type": "user", "user_id": name}:
                    found.append(f"<@{name}>")
                case {"type": "usergroup", "usergroup_id": name}:
                    found.append(f"<!subteam^{name}>")
        return list(dict.fromkeys(found))

    @property
    def links(self) -> list[str]:
        """Every address that can be clicked, each once, in reading order."""
        found: list[str] = []
        for node in [{"type": "mrkdwn", "text": self.text}, *_objects(self.blocks)]:
            if node.get("type") == "mrkdwn":
                spans = (match[1].partition("|")[0] for match in _SPAN.finditer(str(node.get("text", ""))))
                found += [unescape(target) for target in spans if target[:1] not in "#@!"]
            elif node.get("type") in ("button", "link") and node.get("url"):
                found.append(str(node["url"]))
        return list(dict.fromkeys(found))

    @property
    def buttons(self) -> list[Json]:
        return [node for node in _objects(self.blocks) if node.get("type") == "button"]


# ----------------------------------------------------------------------------------------------- checking messages

TOP_KEYS = {
    "section": {"text", "fields", "accessory", "expand"},
    "header": {"text"},
    "context": {"elements"},
    "actions": {"elements"},
    "divider": set(),
    "image": {"image_url", "alt_text", "title"},
    "rich_text": {"elements"},
    "input": {"label", "element", "hint", "optional", "dispatch_action"},
}
BUTTON_KEYS = {"type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"}
OTHER_INPUTS = {
    "checkboxes",
    "conversations_select",
    "datepicker",
    "multi_static_select",
    "overflow",
    "plain_text_input",
    "radio_buttons",
    "static_select",
    "timepicker",
    "users_select",
}
RICH_PARTS = {"rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"}
RICH_LEAVES = {
    "text": "text",
    "link": "url",
    "user": "user_id",
    "usergroup": "usergroup_id",
    "channel": "channel_id",
    "emoji": "name",
    "broadcast": "range",
    "date": "timestamp",
    "color": "value",
}


class Checker:
    """Checks blocks against docs.slack.dev/reference/block-kit; `problems` as Slack words them, `length` of all text.

    Lengths are in code points, the way Python counts.
    """

    def __init__(self, bad_images: set[str], most: int = MESSAGE_BLOCKS, *, inputs: bool = False) -> None:
        self.problems: list[str] = []
        self.length = 0
        self._bad_images = bad_images
        self._most = most
        self._inputs = inputs
        self._block_ids: set[str] = set()
        self._action_ids: set[str] = set()

    def check(self, blocks: Any, at: str = "/blocks") -> None:
        self._count(blocks, at, self._most, least=0)
        for number, block in enumerate(blocks if isinstance(blocks, list) else []):
            self._block(block, f"{at}/{number}")

    def _say(self, what: str, at: str) -> None:
        self.problems.append(f"[ERROR] {what} [json-pointer:{at}]")

    def _count(self, items: Any, at: str, most: int, least: int = 1) -> list[Any]:
        if not isinstance(items, list):
            self._say("must provide an array", at)
            return []
        if len(items) > most:
            self._say(f"no more than {most} items allowed", at)
        if len(items) < least:
            self._say(f"must have at least {least} items", at)
        return items

    def _string(
        self, holder: Json, key: str, at: str, most: int, *, required: bool = False, counts: bool = False
    ) -> None:
        if holder.get(key) is None:
            if required:
                self._say(f"missing required field: {key}", at)
            return
        value = holder[key]
        if not isinstance(value, str):
            self._say("must be a string", f"{at}/{key}")
        elif len(value) > most:
            self._say(f"must be less than {most + 1} characters", f"{at}/{key}")
        elif not value and (required or key.endswith("_id")):
            self._say("must be more than 0 characters", f"{at}/{key}")
        elif counts:
            self.length += len(value)

    def _url(self, holder: Json, key: str, at: str, *, required: bool = False) -> None:
        self._string(holder, key, at, 3000, required=required)
        value = holder.get(key)
        if isinstance(value, str) and value and not re.match(r"https?://[^\s/]+", value):
            self._say("invalid url", f"{at}/{key}")

    def _unique(self, holder: Json, key: str, at: str, seen: set[str]) -> None:
        self._string(holder, key, at, 255)
        value = holder.get(key)
        if isinstance(value, str):
            if value in seen:
                self._say(f"`{key}` already exists: {value}", f"{at}/{key}")
            seen.add(value)

    def _only(self, holder: Json, keys: set[str], at: str) -> None:
        for key in holder.keys() - keys:
            self._say(f"invalid additional property: {key}", at)

    def _text(self, holder: Json, key: str, at: str, most: int, *, plain: bool = False, required: bool = True) -> None:
        if holder.get(key) is None:
            if required:
                self._say(f"missing required field: {key}", at)
            return
        self._text_object(holder[key], f"{at}/{key}", most, plain=plain)

    def _text_object(self, obj: Any, at: str, most: int, *, plain: bool = False) -> None:
        kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
        if not isinstance(obj, dict):
            self._say("must provide an object", at)
        elif obj.get("type") not in kinds:
            self._say(f"must be one of: {', '.join(kinds)}", f"{at}/type")
        else:
            self._only(obj, {"type", "text", "emoji" if obj["type"] == "plain_text" else "verbatim"}, at)
            self._string(obj, "text", at, most, required=True, counts=True)

    def _block(self, block: Any, at: str) -> None:
        kind = block.get("type") if isinstance(block, dict) else None
        if kind not in TOP_KEYS or (kind == "input" and not self._inputs):
            self._say(f"unsupported type: {kind}", f"{at}/type")
            return
        self._only(block, TOP_KEYS[kind] | {"type", "block_id"}, at)
        self._unique(block, "block_id", at, self._block_ids)
        # Slack asks for an action_id to be unique within its own block only.
        self._action_ids = set()
        match kind:
            case "section":
                self._section(block, at)
            case "header":
                self._text(block, "text", at, 150, plain=True)
            case "context":
                for number, element in enumerate(self._count(block.get("elements"), f"{at}/elements", 10)):
                    self._context_element(element, f"{at}/elements/{number}")
            case "actions":
                for number, element in enumerate(self._count(block.get("elements"), f"{at}/elements", 25)):
                    self._interactive(element, f"{at}/elements/{number}")
            case "image":
                self._image(block, at)
                self._text(block, "title", at, 2000, plain=True, required=False)
            case "rich_text":
                for number, part in enumerate(self._count(block.get("elements"), f"{at}/elements", 1000)):
                    self._rich_part(part, f"{at}/elements/{number}")
            case "input":
                self._text(block, "label", at, 2000, plain=True)
                self._interactive(block.get("element"), f"{at}/element")

    def _section(self, block: Json, at: str) -> None:
        self._text(block, "text", at, 3000, required="fields" not in block)
        if "fields" in block:
            for number, entry in enumerate(self._count(block["fields"], f"{at}/fields", 10)):
                self._text_object(entry, f"{at}/fields/{number}", 2000)
        accessory = block.get("accessory")
        if isinstance(accessory, dict) and accessory.get("type") == "image":
            self._image(accessory, f"{at}/accessory")
        elif accessory is not None:
            self._interactive(accessory, f"{at}/accessory")

    def _context_element(self, element: Any, at: str) -> None:
        if isinstance(element, dict) and element.get("type") == "image":
            self._image(element, at)
        else:
            self._text_object(element, at, 3000)

    def _image(self, image: Json, at: str) -> None:
        self._url(image, "image_url", at, required=True)
        self._string(image, "alt_text", at, 2000, required=True)
        if image.get("image_url") in self._bad_images:
            self._say("downloading image failed", f"{at}/image_url")

    def _interactive(self, element: Any, at: str) -> None:
        kind = element.get("type") if isinstance(element, dict) else None
        if kind == "button":
            self._button(element, at)
        elif kind in OTHER_INPUTS:
            self._unique(element, "action_id", at, self._action_ids)
        else:
            self._say(f"unsupported type: {kind}", f"{at}/type")

    def _button(self, button: Json, at: str) -> None:
        self._only(button, BUTTON_KEYS, at)
        self._text(button, "text", at, 75, plain=True)
        self._string(button, "value", at, 2000)
        self._url(button, "url", at)
        self._unique(button, "action_id", at, self._action_ids)
        if button.get("style") not in (None, "primary", "danger"):
            self._say("must be one of: primary, danger", f"{at}/style")

    def _rich_part(self, part: Any, at: str) -> None:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in RICH_PARTS:
            self._say(f"unsupported type: {kind}", f"{at}/type")
            return
        if kind == "rich_text_list" and part.get("style") not in ("bullet", "ordered"):
            self._say("must be one of: bullet, ordered", f"{at}/style")
        for number, leaf in enumerate(self._count(part.get("elements"), f"{at}/elements", 1000, least=0)):
            inner = f"{at}/elements/{number}"
            if kind == "rich_text_list":
                self._rich_part(leaf, inner)
            else:
                self._rich_leaf(leaf, inner)

    def _rich_leaf(self, leaf: Any, at: str) -> None:
        kind = leaf.get("type") if isinstance(leaf, dict) else None
        if kind not in RICH_LEAVES:
            self._say(f"unsupported type: {kind}", f"{at}/type")
        elif kind == "link":
            self._url(leaf, "url", at, required=True)
            self._string(leaf, "text", at, POST_TEXT, counts=True)
        elif kind == "text":
            self._string(leaf, "text", at, POST_TEXT, required=True, counts=True)
        elif not leaf.get(RICH_LEAVES[kind]):
            self._say(f"missing required field: {RICH_LEAVES[kind]}", at)


# --------------------------------------------------------------------------------------------------- what is kept


@dataclass
class FakeUser:
    id: str
    name: str
    admin: bool = False
    owner: bool = False


@dataclass
class Edit:
    """What a message became, and when (monotonic)."""

    at: float
    ts: str
    text: str
    blocks: list[Json]


@dataclass
class FakeMessage(Readable):
    """A message in a channel. `at` is monotonic; `user` is its author; `names_parsed` says that `@here` pings."""

    ts: str
    channel: str
    text: str
    blocks: list[Json]
    at: float
    user: str
    metadata: Json | None = None
    thread_ts: str = ""
    unfurl_links: bool | None = None
    unfurl_media: bool | None = None
    names_parsed: bool = False
    edits: list[Edit] = field(default_factory=list)
    deleted: bool = False


@dataclass
class FakeReply(Readable):
    """What a response URL (or an acknowledgement with a text, or chat.postEphemeral) showed to one person."""

    ts: str
    text: str
    blocks: list[Json]
    body: Json
    at: float
    response_type: str = "ephemeral"
    replace_original: bool = False
    delete_original: bool = False
    names_parsed: bool = False


@dataclass
class FakeChannel:
    """`messages` are the app's own, `others` what people wrote, `ephemerals` what only one person saw."""

    id: str
    name: str
    creator: str
    private: bool
    member: bool
    archived: bool
    kind: str
    restricted: str = ""
    user: str = ""
    messages: list[FakeMessage] = field(default_factory=list)
    others: list[FakeMessage] = field(default_factory=list)
    ephemerals: list[FakeReply] = field(default_factory=list)


@dataclass
class Call:
    """One call of the Web API. `outcome` is "ok" or the error; `fault` is what was done to it on demand."""

    method: str
    params: Json
    at: float
    outcome: str = ""
    channel: str = ""
    fault: str = ""


@dataclass
class Fault:
    kind: str
    method: str
    channel: str | None
    times: int | None
    detail: Json


@dataclass
class Envelope:
    """One envelope sent over a socket; `acked_at` is None until its acknowledgement came."""

    id: str
    kind: str
    payload: Json
    sent_at: float
    retry_attempt: int = 0
    acked_at: float | None = None
    ack_payload: Json | None = None

    @property
    def in_time(self) -> bool:
        return self.acked_at is not None and self.acked_at - self.sent_at <= ACK_SECONDS


@dataclass
class SlashResult:
    """What came back for a slash command or a pressed button. `replies` grows while the response URL is used."""

    envelope: Envelope
    response_url: str
    trigger_id: str
    replies: list[FakeReply] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def acked(self) -> bool:
        """Whether it was acknowledged within Slack's 3 seconds."""
        return self.envelope.in_time

    @property
    def ack_payload(self) -> Json | None:
        return self.envelope.ack_payload


@dataclass
class FakeEvent:
    """One event and every envelope it went out in: redelivered, it keeps its `event_id`."""

    event_id: str
    payload: Json
    envelopes: list[Envelope] = field(default_factory=list)

    @property
    def acked(self) -> bool:
        return any(envelope.acked_at is not None for envelope in self.envelopes)

    @property
    def ts(self) -> str:
        return str(self.payload["event"].get("ts", ""))


@dataclass
class _ResponseUrl:
    result: SlashResult
    channel: str
    message: FakeMessage | FakeReply | None
    since: float
    uses: int = 0


@dataclass(eq=False)
class _Connection:
    socket: web.WebSocketResponse
    transport: asyncio.Transport
    number: int
    leaving: bool = False


class _RefusalError(Exception):
    """The answer is `ok: false`; `extra` stands beside the error's name."""

    def __init__(self, error: str, status: int = 200, headers: dict[str, str] | None = None, **extra: Any) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.headers = headers or {}
        self.extra = extra


def _invalid(error: str, problems: list[str]) -> _RefusalError:
    return _RefusalError(error, response_metadata={"messages": problems})


def _true(value: Any) -> bool:
    return value in (True, 1, "1", "true", "True")


def _decoded(value: Any, error: str) -> Any:
    """Nested values may come as JSON inside a string."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value else None
    except ValueError:
        raise _RefusalError(error) from None


# -------------------------------------------------------------------------------------------------------- the double


class FakeSlack(LoopbackServer):
    """One workspace with one app. Clients take `base_url=f"{fake.url}/api/"`.

    Hooks: "received"(call) once a request was read, "processed"(call) between processing and the reply.
    `request_url`: what comes in is sent there, signed with `signing_secret`, and not over a socket.
    `token_error` answers every call with that error; `scopes` are what the bot token may do; `bad_images` are
    addresses that Slack cannot fetch; `edit_window` closes editing after that many seconds; `history_page` caps a
    page of history; `spent_responses`: every response URL was used up; `strict_rates` enforces the rates
    (`rate_breaches` counts them); `redelivers` sends events
    again, up to 3 times, when `redeliver_after` seconds went by without an acknowledgement.
    """

    def __init__(
        self,
        bot_token: str = "xoxb-test-1111-2222-sokbo",
        app_token: str = "xapp-test-1-3333-sokbo",
        team_id: str = "T0SOKBO1",
        bot_user: str = "U0BOT001",
        *,
        strict_rates: bool = False,
        redelivers: bool = False,
    ) -> None:
        super().__init__()
        self.bot_token = bot_token
        self.app_token = app_token
        self.team_id = team_id
        self.bot_user = bot_user
        self.strict_rates = strict_rates
        self.redelivers = redelivers
        self.redeliver_after = ACK_SECONDS
        self.token_error = ""
        self.request_url = ""
        self.signing_secret = "signing-secret-of-a-test"
        self.scopes = set(SCOPES.split())
        self.bad_images: set[str] = set()
        self.edit_window: float | None = None
        self.history_page = 999
        self.rate_breaches = 0
        self.spent_responses = False
        self.channel_burst = CHANNEL_BURST
        self.channel_per_second = CHANNEL_PER_SECOND
        self.workspace_per_minute = WORKSPACE_PER_MINUTE
        self.calls: list[Call] = []
        self.channels: dict[str, FakeChannel] = {}
        self.users = {bot_user: FakeUser(bot_user, "sokbo")}
        self.homes: dict[str, Json] = {}
        self.modals: list[Json] = []
        self.envelopes: list[Envelope] = []
        self._skipped = 0.0
        self._last_ts = 0
        self._faults: list[Fault] = []
        self._tickets: set[str] = set()
        self._connections: list[_Connection] = []
        self._numbers = itertools.count()
        self._triggers: dict[str, float] = {}
        self._responses: dict[str, _ResponseUrl] = {}
        self._buckets: dict[str, tuple[float, float]] = {}
        self._posted: deque[float] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._methods: dict[str, tuple[Callable[[Json], Json], str]] = {
            "auth.test": (self._auth_test, ""),
            "team.info": (self._team_info, "team:read"),
            "users.info": (self._users_info, "users:read"),
            "chat.postMessage": (self._chat_post, "chat:write"),
            "chat.update": (self._chat_update, "chat:write"),
            "chat.delete": (self._chat_delete, "chat:write"),
            "chat.postEphemeral": (self._chat_ephemeral, "chat:write"),
            "conversations.info": (self._conversations_info, "{}:read"),
            "conversations.history": (self._conversations_history, "{}:history"),
            "conversations.replies": (self._conversations_replies, "{}:history"),
            "conversations.open": (self._conversations_open, "im:write"),
            "views.publish": (self._views_publish, ""),
            "views.open": (self._views_open, ""),
            "views.update": (self._views_update, ""),
        }

    def routes(self, app: web.Application) -> None:
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_post("/respond/{id}", self._respond)
        app.router.add_get("/socket", self._socket)

    # ------------------------------------------------------------------------------------------- what tests set up

    def add_user(self, id: str, name: str = "", *, admin: bool = False, owner: bool = False) -> FakeUser:
        with self.lock:
            self.users[id] = FakeUser(id, name or id.lower(), admin, owner)
            return self.users[id]

    def add_channel(
        self,
        id: str,
        name: str = "",
        *,
        creator: str = "U0OWNER1",
        private: bool = False,
        member: bool = True,
        archived: bool = False,
        kind: str = "channel",
        restricted: str = "",
    ) -> FakeChannel:
        """`restricted` is the error that posting gives, such as restricted_action_read_only_channel."""
        with self.lock:
            self.channels[id] = FakeChannel(
                id, name or id.lower(), creator, private, member, archived, kind, restricted
            )
            return self.channels[id]

    def add_message(self, channel: str, user: str, text: str, *, thread_ts: str = "") -> FakeMessage:
        """What a person wrote: it is in the history, and the bot may neither edit nor delete it."""
        with self.lock:
            self._known_user(user)
            message = FakeMessage(self._new_ts(), channel, text, [], self._now(), user, thread_ts=thread_ts)
            self.channels[channel].others.append(message)
            return message

    def fault(
        self,
        kind: str,
        *,
        method: str = "chat.postMessage",
        channel: str | None = None,
        times: int | None = 1,
        **detail: Any,
    ) -> None:
        """Make the next `times` calls misbehave (None: until `clear_faults`; method "*": any).

        Not processed: "429" (retry_after=…), "500" or another status with a page, "redirect", "reset_before", "hang",
        and any error name of Slack's (detail goes beside it in the answer). Processed late: "delay" (seconds=…).
        Processed, the reply lost or spoilt: "reset_after", "close_after", "hang_after", "malformed" (body=…).
        """
        with self.lock:
            self._faults.append(Fault(kind, method, channel, times, detail))

    def clear_faults(self) -> None:
        with self.lock:
            self._faults.clear()

    def skip(self, seconds: float) -> None:
        """Let time pass for response URLs, trigger ids and the edit window."""
        with self.lock:
            self._skipped += seconds

    # ------------------------------------------------------------------------------------------ what tests look at

    def visible(self, channel: str) -> list[str]:
        """What a reader of the channel sees of the app's messages, oldest first, deleted ones left out."""
        with self.lock:
            return [message.visible for message in self.channels[channel].messages if not message.deleted]

    def wait_for_messages(self, channel: str, n: int, seconds: float = 10.0) -> list[FakeMessage]:
        """The app's messages in a channel once there are `n` (deleted ones count); AssertionError after `seconds`."""
        self.wait_until(lambda: len(self.channels[channel].messages) >= n, seconds, f"for {n} messages in {channel}")
        with self.lock:
            return list(self.channels[channel].messages)

    def wait_for_replies(self, result: SlashResult, n: int = 1, seconds: float = 10.0) -> list[FakeReply]:
        self.wait_until(lambda: len(result.replies) >= n, seconds, f"for {n} replies")
        with self.lock:
            return list(result.replies)

    def calls_to(self, method: str) -> list[Call]:
        with self.lock:
            return [call for call in self.calls if call.method == method]

    @property
    def unacked(self) -> list[Envelope]:
        """Envelopes whose acknowledgement has not come."""
        with self.lock:
            return [envelope for envelope in self.envelopes if envelope.acked_at is None]

    @property
    def connections(self) -> int:
        with self.lock:
            return len(self._connections)

    def wait_for_connections(self, n: int = 1, seconds: float = 10.0) -> None:
        """Block until `n` sockets are open, those that were told to leave not counted."""
        if self.request_url:
            return
        self.wait_until(
            lambda: sum(not connection.leaving for connection in self._connections) >= n, seconds, f"for {n} sockets"
        )

    # --------------------------------------------------------------------------------------------- what people do

    def slash(self, command: str, text: str, channel: str, user: str, *, seconds: float = 10.0) -> SlashResult:
        """A person types a slash command; returns once it was acknowledged, or after `seconds`."""
        payload = {
            "command": command,
            "text": text,
            "channel_id": channel,
            "channel_name": "directmessage" if channel.startswith("D") else self.channels[channel].name,
            "user_id": user,
            "user_name": self._known_user(user).name,
            "team_id": self.team_id,
            "team_domain": "sokbo-test",
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
        }
        return self._interact("slash_commands", payload, channel, None, seconds)

    def press(
        self, channel: str, user: str, message_ts: str, action_id: str, value: str = "", *, seconds: float = 10.0
    ) -> SlashResult:
        """A person presses a button of a message or of an ephemeral reply (by its `ts`).

        AssertionError when there is no such button (`value` "": any with that `action_id`).
        """
        message = self._shown(channel, message_ts)
        button, block_id = _button(message, action_id, value)
        ephemeral = isinstance(message, FakeReply)
        payload: Json = {
            "type": "block_actions",
            "api_app_id": APP_ID,
            "team": {"id": self.team_id, "domain": "sokbo-test"},
            "user": {"id": user, "username": self._known_user(user).name, "team_id": self.team_id},
            "channel": {"id": channel, "name": self.channels[channel].name},
            "container": {
                "type": "message",
                "message_ts": message_ts,
                "channel_id": channel,
                "is_ephemeral": ephemeral,
            },
            "actions": [{**button, "block_id": block_id, "action_ts": self._new_ts()}],
            "state": {"values": {}},
        }
        if isinstance(message, FakeMessage):
            payload["message"] = self._message_json(message, metadata=True)
            if message.thread_ts:
                payload["container"]["thread_ts"] = message.thread_ts
        return self._interact("interactive", payload, channel, message, seconds)

    def open_home(self, user: str, *, seconds: float = 10.0) -> FakeEvent:
        """A person looks at the app's Home tab."""
        with self.lock:
            channel = self._direct_channel(user).id
        event = {"type": "app_home_opened", "user": user, "channel": channel, "tab": "home"}
        return self.event(event, seconds=seconds)

    def press_in_view(self, user: str, view: Json, value: str, *, seconds: float = 10.0) -> SlashResult:
        """A person presses a button of their home or of a modal. AssertionError when there is none of that value."""
        found = next((node for node in _objects(view["blocks"]) if node.get("value") == value), None)
        if found is None:
            raise AssertionError(f"no button {value!r} in the view")
        payload: Json = {
            "type": "block_actions",
            "api_app_id": APP_ID,
            "team": {"id": self.team_id, "domain": "sokbo-test"},
            "user": {"id": user, "username": self._known_user(user).name, "team_id": self.team_id},
            "container": {"type": "view", "view_id": view["id"]},
            "view": view,
            "actions": [{**found, "block_id": "b", "action_ts": self._new_ts()}],
        }
        return self._interact("interactive", payload, "", None, seconds)

    def shortcut(
        self, channel: str, user: str, message_ts: str, callback_id: str, *, seconds: float = 10.0
    ) -> SlashResult:
        """A person chooses a shortcut in the menu of a message, the app's or anybody's."""
        with self.lock:
            message = self._find(self.channels[channel], message_ts)
        assert message is not None
        payload: Json = {
            "type": "message_action",
            "callback_id": callback_id,
            "team": {"id": self.team_id, "domain": "sokbo-test"},
            "user": {"id": user, "name": self._known_user(user).name},
            "channel": {"id": channel, "name": self.channels[channel].name},
            "message_ts": message_ts,
            "message": self._message_json(message, metadata=True),
        }
        return self._interact("interactive", payload, channel, message, seconds)

    def mention(self, channel: str, user: str, text: str, *, thread_ts: str = "", seconds: float = 10.0) -> FakeEvent:
        """A person writes `@bot text` in a channel."""
        return self._say(channel, user, f"<@{self.bot_user}> {_as_typed(text)}", "app_mention", thread_ts, seconds)

    def direct_message(self, user: str, text: str, *, seconds: float = 10.0) -> FakeEvent:
        """A person writes to the bot in their direct-message channel, which is opened when it is missing."""
        with self.lock:
            channel = self._direct_channel(user).id
        return self._say(channel, user, _as_typed(text), "message", "", seconds)

    def join(self, channel: str, *, seconds: float = 10.0) -> FakeEvent:
        """Somebody invites the bot to a channel."""
        with self.lock:
            self.channels[channel].member = True
        event = {"type": "member_joined_channel", "user": self.bot_user, "channel": channel, "team": self.team_id}
        return self.event(event, seconds=seconds)

    def event(self, event: Json, *, seconds: float = 10.0) -> FakeEvent:
        """Send any event of the Events API; returns once it was acknowledged, or after `seconds`."""
        stamp = self._new_ts()
        event_id = f"Ev{uuid.uuid4().hex[:10].upper()}"
        payload = {
            "type": "event_callback",
            "team_id": self.team_id,
            "context_team_id": self.team_id,
            "api_app_id": APP_ID,
            "event": {"event_ts": stamp, **event},
            "event_id": event_id,
            "event_time": int(float(stamp)),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": self.team_id,
                    "user_id": self.bot_user,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
        }
        sent = FakeEvent(event_id, payload)
        self._send_event(sent, seconds)
        if self.redelivers:
            self.loop.call_soon_threadsafe(self._watch, sent)
        self._wait_for(lambda: sent.acked, seconds)
        return sent

    def redeliver(self, event: FakeEvent, *, seconds: float = 10.0) -> FakeEvent:
        """Send the same event again, as Slack does when it missed the acknowledgement."""
        envelope = self._send_event(event, seconds)
        self._wait_for(lambda: envelope.acked_at is not None, seconds)
        return event

    def disconnect(self, reason: str = "warning") -> None:
        """Announce on every socket that it will close ("warning", "refresh_requested"), and close it 10 s later."""
        asyncio.run_coroutine_threadsafe(self._disconnect(reason), self.loop).result(10)

    def drop(self) -> None:
        """Kill every socket without a word."""
        with self.lock:
            dropped = list(self._connections)
        for connection in dropped:
            self.loop.call_soon_threadsafe(connection.transport.abort)

    # ------------------------------------------------------------------------------------------------- small things

    def _now(self) -> float:
        return time.monotonic() + self._skipped

    def _new_ts(self) -> str:
        with self.lock:
            self._last_ts = max(time.time_ns() // 1000, self._last_ts + 1)
            return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def _known_user(self, id: str) -> FakeUser:
        with self.lock:
            return self.users.setdefault(id, FakeUser(id, id.lower()))

    def _direct_channel(self, user: str) -> FakeChannel:
        self._known_user(user)
        for channel in self.channels.values():
            if channel.kind == "im" and channel.user == user:
                return channel
        id = f"D0{user[1:]}"
        self.channels[id] = FakeChannel(id, "", user, True, True, False, "im", user=user)
        return self.channels[id]

    def _wait_for(self, condition: Callable[[], Any], seconds: float) -> None:
        with self.changed:
            self.changed.wait_for(condition, seconds)

    def _shown(self, channel: str, ts: str) -> FakeMessage | FakeReply:
        with self.lock:
            place = self.channels[channel]
            replies = [reply for known in self._responses.values() for reply in known.result.replies]
            shown: list[FakeMessage | FakeReply] = [*place.messages, *place.ephemerals, *replies]
            found = next((message for message in shown if message.ts == ts), None)
        if found is None:
            raise AssertionError(f"{channel} has no message {ts}")
        return found

    # ----------------------------------------------------------------------------------------------------- Web API

    async def _api(self, request: web.Request) -> web.StreamResponse:
        call, token, problem = await self._read(request)
        self.notify()
        self.emit("received", call)
        fault = self._next_fault(call)
        early = await self._before(fault, call, request)
        if early is not None:
            return early
        response = self._answer(call, token, problem)
        self.notify()
        self.emit("processed", call)
        return await self._after(fault, request, response)

    async def _read(self, request: web.Request) -> tuple[Call, str, str]:
        """The call as it was asked, its token, and what was wrong with the body."""
        params: Json = dict(request.query)
        problem = ""
        if request.content_type == "application/json":
            try:
                body = await request.json()
                params.update(body if isinstance(body, dict) else {})
            except ValueError:
                problem = "invalid_json"
        else:
            params.update(await request.post())
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or str(params.get("token", ""))
        params.pop("token", None)
        for key in ("blocks", "metadata", "view"):
            if isinstance(params.get(key), str):
                try:
                    params[key] = json.loads(params[key])
                except ValueError:
                    continue
        call = Call(request.match_info["method"], params, time.monotonic(), channel=str(params.get("channel", "")))
        with self.lock:
            self.calls.append(call)
        return call, token, problem

    def _next_fault(self, call: Call) -> Fault | None:
        with self.lock:
            for fault in self._faults:
                if fault.method in ("*", call.method) and fault.channel in (None, call.channel):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self._faults.remove(fault)
                    call.fault = fault.kind
                    return fault
        return None

    async def _before(self, fault: Fault | None, call: Call, request: web.Request) -> web.StreamResponse | None:
        """The answer of a call that is not processed; None lets it through."""
        if fault is None or fault.kind in AFTER_FAULTS:
            return None
        if fault.kind == "delay":
            await asyncio.sleep(float(fault.detail.get("seconds", 1.0)))
            return None
        call.outcome = fault.kind
        if fault.kind == "hang":
            await self._stopping.wait()
            return web.Response(status=503)
        if fault.kind == "reset_before":
            return _cut(request, reset=True)
        if fault.kind in ("429", "ratelimited"):
            call.outcome = "ratelimited"
            return self._refuse(_too_fast(fault.detail.get("retry_after", 1)))
        if fault.kind == "redirect":
            return web.Response(status=307, headers={"Location": f"/api/{call.method}"})
        if fault.kind.isdigit():
            return web.Response(status=int(fault.kind), text="<html>upstream trouble</html>", content_type="text/html")
        detail = dict(fault.detail)
        if "messages" in detail:
            detail["response_metadata"] = {"messages": detail.pop("messages")}
        return self._refuse(_RefusalError(fault.kind, **detail))

    async def _after(self, fault: Fault | None, request: web.Request, response: web.Response) -> web.StreamResponse:
        match fault.kind if fault else "":
            case "reset_after":
                return _cut(request, reset=True)
            case "close_after":
                return _cut(request, reset=False)
            case "hang_after":
                await self._stopping.wait()
            case "malformed":
                body = fault.detail.get("body", "<html>not JSON</html>") if fault else ""
                return web.Response(text=body, content_type="application/json")
        return response

    def _answer(self, call: Call, token: str, problem: str) -> web.Response:
        try:
            with self.lock:
                payload = self._perform(call, token, problem)
        except _RefusalError as refusal:
            call.outcome = refusal.error
            return self._refuse(refusal)
        call.outcome = "ok"
        return web.json_response({"ok": True, **payload}, headers={"X-OAuth-Scopes": ",".join(sorted(self.scopes))})

    def _refuse(self, refusal: _RefusalError) -> web.Response:
        answer = {"ok": False, "error": refusal.error, **refusal.extra}
        return web.json_response(answer, status=refusal.status, headers=refusal.headers)

    def _perform(self, call: Call, token: str, problem: str) -> Json:
        if call.method == "apps.connections.open":
            self._check_token(token, self.app_token, self.bot_token)
            return self._connections_open()
        if call.method not in self._methods:
            raise _RefusalError("unknown_method", req_method=call.method)
        self._check_token(token, self.bot_token, self.app_token)
        if problem:
            raise _RefusalError(problem)
        perform, scope = self._methods[call.method]
        self._check_scope(scope, call.params)
        return perform(call.params)

    def _check_token(self, token: str, right: str, other: str) -> None:
        if not token:
            raise _RefusalError("not_authed")
        if token == other:
            raise _RefusalError("not_allowed_token_type")
        if token != right:
            raise _RefusalError("invalid_auth")
        if self.token_error:
            raise _RefusalError(self.token_error)

    def _check_scope(self, scope: str, params: Json) -> None:
        """A scope such as `{}:history` depends on the channel's kind."""
        if scope.startswith("{"):
            channel = self.channels.get(str(params.get("channel")))
            kind = "channels" if channel is None or not channel.private else "groups"
            scope = scope.format("im" if channel and channel.kind == "im" else kind)
        if scope and scope not in self.scopes:
            raise _RefusalError("missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))

    def _auth_test(self, params: Json) -> Json:
        return {
            "url": f"{self.url}/",
            "team": "Sokbo Test",
            "user": self.users[self.bot_user].name,
            "team_id": self.team_id,
            "user_id": self.bot_user,
            "bot_id": BOT_ID,
            "is_enterprise_install": False,
        }

    def _team_info(self, params: Json) -> Json:
        return {"team": {"id": self.team_id, "name": "Sokbo Test", "domain": "sokbo-test", "icon": {}}}

    def _users_info(self, params: Json) -> Json:
        user = self.users.get(str(params.get("user")))
        if user is None:
            raise _RefusalError("user_not_found")
        return {
            "user": {
                "id": user.id,
                "team_id": self.team_id,
                "name": user.name,
                "deleted": False,
                "is_admin": user.admin or user.owner,
                "is_owner": user.owner,
                "is_bot": user.id == self.bot_user,
                "tz": "Asia/Seoul",
                "locale": "ko-KR",
                "profile": {"display_name": user.name},
            }
        }

    # ----------------------------------------------------------------------------------------------------- messages

    def _channel(self, id: str) -> FakeChannel:
        """A channel as the bot sees it: private ones it is not in do not exist for it."""
        channel = self.channels.get(id)
        if channel is None or (channel.private and not channel.member):
            raise _RefusalError("channel_not_found")
        return channel

    def _post_channel(self, id: str) -> FakeChannel:
        """Where a post goes: an id, a `#name`, or a user, whose direct channel it is then."""
        named = next((c.id for c in self.channels.values() if id.startswith("#") and c.name == id[1:]), id)
        channel = self._direct_channel(id) if id in self.users else self._channel(named)
        if channel.archived:
            raise _RefusalError("is_archived")
        if not channel.member:
            raise _RefusalError("not_in_channel")
        if channel.restricted:
            raise _RefusalError(channel.restricted)
        return channel

    def _content(self, params: Json) -> tuple[str, list[Json]]:
        """Text and blocks of a message, checked."""
        text = str(params.get("text") or "")
        blocks = _decoded(params.get("blocks"), "invalid_blocks_format") or []
        if not isinstance(blocks, list):
            raise _RefusalError("invalid_blocks_format")
        if not text.strip() and not blocks:
            raise _RefusalError("no_text")
        checker = Checker(self.bad_images)
        checker.check(blocks)
        if checker.problems:
            raise _invalid("invalid_blocks", checker.problems)
        if checker.length > ALL_BLOCKS_TEXT:
            raise _RefusalError("msg_blocks_too_long")
        for number, block in enumerate(blocks):
            block.setdefault("block_id", f"b{number}")
        return text, blocks

    def _metadata(self, params: Json) -> Json | None:
        metadata = _decoded(params.get("metadata"), "invalid_metadata_format")
        if not metadata:
            return None
        match metadata:
            case {"event_type": str(), "event_payload": dict()}:
                return dict(metadata)
        raise _RefusalError("invalid_metadata_format")

    def _chat_post(self, params: Json) -> Json:
        channel = self._post_channel(str(params.get("channel", "")))
        self._check_rate(channel.id)
        text, blocks = self._content(params)
        thread = str(params.get("thread_ts") or "")
        if thread and self._find(channel, thread) is None:
            raise _RefusalError("thread_not_found")
        message = FakeMessage(
            ts=self._new_ts(),
            channel=channel.id,
            text=text[:POST_TEXT],
            blocks=blocks,
            at=time.monotonic(),
            user=self.bot_user,
            metadata=self._metadata(params),
            thread_ts=thread,
            unfurl_links=_true(params["unfurl_links"]) if params.get("unfurl_links") is not None else None,
            unfurl_media=_true(params["unfurl_media"]) if params.get("unfurl_media") is not None else None,
            names_parsed=_true(params.get("link_names")) or params.get("parse") == "full",
        )
        channel.messages.append(message)
        cut = {"response_metadata": {"warnings": ["message_truncated"]}} if len(text) > POST_TEXT else {}
        return {"channel": channel.id, "ts": message.ts, "message": self._message_json(message, metadata=True), **cut}

    def _chat_update(self, params: Json) -> Json:
        channel = self._channel(str(params.get("channel", "")))
        if channel.archived:
            raise _RefusalError("is_inactive")
        message = self._own(channel, str(params.get("ts", "")), "cant_update_message")
        if self.edit_window is not None and self._now() - message.at > self.edit_window:
            raise _RefusalError("edit_window_closed")
        if len(str(params.get("text") or "")) > UPDATE_TEXT:
            raise _RefusalError("msg_too_long")
        text, blocks = self._content(params)
        metadata = self._metadata(params)
        message.text, message.blocks = text, blocks
        message.metadata = metadata if "metadata" in params else message.metadata
        message.edits.append(Edit(time.monotonic(), self._new_ts(), text, blocks))
        shown = self._message_json(message, metadata=True)
        return {"channel": channel.id, "ts": message.ts, "text": text, "message": shown}

    def _chat_delete(self, params: Json) -> Json:
        channel = self._channel(str(params.get("channel", "")))
        message = self._own(channel, str(params.get("ts", "")), "cant_delete_message")
        message.deleted = True
        return {"channel": channel.id, "ts": message.ts}

    def _chat_ephemeral(self, params: Json) -> Json:
        channel = self._post_channel(str(params.get("channel", "")))
        if str(params.get("user")) not in self.users:
            raise _RefusalError("user_not_in_channel")
        text, blocks = self._content(params)
        reply = FakeReply(self._new_ts(), text, blocks, params, time.monotonic())
        channel.ephemerals.append(reply)
        return {"message_ts": reply.ts}

    def _find(self, channel: FakeChannel, ts: str) -> FakeMessage | None:
        both = (*channel.messages, *channel.others)
        return next((message for message in both if message.ts == ts and not message.deleted), None)

    def _own(self, channel: FakeChannel, ts: str, otherwise: str) -> FakeMessage:
        message = self._find(channel, ts)
        if message is None:
            raise _RefusalError("message_not_found")
        if message.user != self.bot_user:
            raise _RefusalError(otherwise)
        return message

    def _check_rate(self, channel: str) -> None:
        """About one post a second and channel with a short burst, several hundred a minute and workspace."""
        if not self.strict_rates:
            return
        now = time.monotonic()
        level, since = self._buckets.get(channel, (float(self.channel_burst), now))
        level = min(float(self.channel_burst), level + (now - since) * self.channel_per_second)
        while self._posted and self._posted[0] <= now - 60:
            self._posted.popleft()
        wait = 0.0
        if level < 1:
            wait = (1 - level) / self.channel_per_second
        if len(self._posted) >= self.workspace_per_minute:
            wait = max(wait, self._posted[0] + 60 - now)
        self._buckets[channel] = (level if wait else level - 1, now)
        if wait:
            self.rate_breaches += 1
            raise _too_fast(math.ceil(wait))
        self._posted.append(now)

    def _message_json(self, message: FakeMessage, *, metadata: bool) -> Json:
        shown: Json = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text}
        shown["team"] = self.team_id
        if message.user == self.bot_user:
            shown |= {"bot_id": BOT_ID, "app_id": APP_ID}
        if message.blocks:
            shown["blocks"] = message.blocks
        if message.thread_ts:
            shown["thread_ts"] = message.thread_ts
        if message.edits:
            shown["edited"] = {"user": message.user, "ts": message.edits[-1].ts}
        if message.metadata:
            # Without include_all_metadata only the type comes back, never the payload.
            shown["metadata"] = message.metadata if metadata else {"event_type": message.metadata["event_type"]}
        return shown

    # ------------------------------------------------------------------------------------------------ conversations

    def _conversations_info(self, params: Json) -> Json:
        channel = self._channel(str(params.get("channel", "")))
        direct = channel.kind == "im"
        return {
            "channel": {
                "id": channel.id,
                "name": channel.name,
                "is_channel": not direct and not channel.private,
                "is_group": not direct and channel.private,
                "is_im": direct,
                "is_private": channel.private,
                "is_archived": channel.archived,
                "is_member": channel.member,
                "creator": channel.creator,
                "context_team_id": self.team_id,
                **({"user": channel.user} if direct else {}),
            }
        }

    def _readable_channel(self, params: Json) -> FakeChannel:
        channel = self._channel(str(params.get("channel", "")))
        if not channel.member:
            raise _RefusalError("not_in_channel")
        return channel

    def _conversations_history(self, params: Json) -> Json:
        channel = self._readable_channel(params)
        messages = [message for message in (*channel.messages, *channel.others) if not message.thread_ts]
        messages.sort(key=lambda message: message.ts, reverse=True)
        return self._page(messages, params, 100)

    def _conversations_replies(self, params: Json) -> Json:
        channel = self._readable_channel(params)
        parent = self._find(channel, str(params.get("ts", "")))
        if parent is None:
            raise _RefusalError("thread_not_found")
        root = parent.thread_ts or parent.ts
        thread = [m for m in (*channel.messages, *channel.others) if root in (m.ts, m.thread_ts)]
        return self._page(sorted(thread, key=lambda message: message.ts), params, 1000, always=root)

    def _page(self, messages: list[FakeMessage], params: Json, default: int, always: str = "") -> Json:
        oldest, latest = str(params.get("oldest") or "0"), str(params.get("latest") or "inf")
        inclusive, everything = _true(params.get("inclusive")), _true(params.get("include_all_metadata"))
        kept = [m for m in messages if not m.deleted and (m.ts == always or _within(m.ts, oldest, latest, inclusive))]
        start = _cursor(params.get("cursor"))
        limit = min(int(params.get("limit") or default), self.history_page)
        more = start + limit < len(kept)
        return {
            "messages": [self._message_json(m, metadata=everything) for m in kept[start : start + limit]],
            "has_more": more,
            "response_metadata": {"next_cursor": f"next:{start + limit}" if more else ""},
        }

    def _conversations_open(self, params: Json) -> Json:
        user = str(params.get("users") or "")
        if not user:
            raise _RefusalError("users_list_not_supplied")
        if user not in self.users:
            raise _RefusalError("user_not_found")
        if user == self.bot_user:
            raise _RefusalError("cannot_dm_bot")
        return {"channel": {"id": self._direct_channel(user).id}}

    # -------------------------------------------------------------------------------------------------------- views

    def _view(self, params: Json, kind: str) -> Json:
        view = _decoded(params.get("view"), "invalid_arguments")
        if not isinstance(view, dict) or view.get("type") != kind:
            raise _invalid("invalid_arguments", [f"[ERROR] must be a view of type {kind} [json-pointer:/view/type]"])
        checker = Checker(self.bad_images, VIEW_BLOCKS, inputs=True)
        checker.check(view.get("blocks"), "/view/blocks")
        title = view.get("title") or {}
        if len(str(view.get("private_metadata") or "")) > 3000:
            checker.problems.append("[ERROR] must be less than 3001 characters [json-pointer:/view/private_metadata]")
        if kind == "modal" and not 0 < len(str(title.get("text", ""))) < 25:
            checker.problems.append("[ERROR] must be less than 25 characters [json-pointer:/view/title/text]")
        if checker.problems:
            raise _invalid("invalid_arguments", checker.problems)
        return {"id": f"V{uuid.uuid4().hex[:9].upper()}", "team_id": self.team_id, "app_id": APP_ID, **view}

    def _views_publish(self, params: Json) -> Json:
        user = str(params.get("user_id", ""))
        if user not in self.users:
            raise _RefusalError("user_not_found")
        self.homes[user] = self._view(params, "home")
        return {"view": self.homes[user]}

    def _views_open(self, params: Json) -> Json:
        trigger = str(params.get("trigger_id", ""))
        since = self._triggers.get(trigger)
        if since is None:
            raise _RefusalError("invalid_trigger_id")
        if self._now() - since > TRIGGER_SECONDS:
            raise _RefusalError("expired_trigger_id")
        view = self._view(params, "modal")
        del self._triggers[trigger]
        self.modals.append(view)
        return {"view": view}

    def _views_update(self, params: Json) -> Json:
        known = next((view for view in self.modals if view["id"] == params.get("view_id")), None)
        if known is None:
            raise _RefusalError("not_found")
        known |= {**self._view(params, "modal"), "id": known["id"]}
        return {"view": known}

    # ------------------------------------------------------------------------------------------------ response URLs

    async def _respond(self, request: web.Request) -> web.Response:
        try:
            body = await request.json()
        except ValueError:
            return self._refuse(_RefusalError("invalid_payload", 400))
        known = self._responses.get(request.match_info["id"])
        try:
            with self.lock:
                self._take_reply(known, body)
        except _RefusalError as refusal:
            if known is not None:
                known.result.refused.append(refusal.error)
            # Of the status only 404 for a spent address is certain; nothing of a bad payload is documented.
            refusal.status = 404 if refusal.error in ("used_url", "expired_url", "invalid_url") else 400
            return self._refuse(refusal)
        finally:
            self.notify()
        return web.json_response({"ok": True})

    def _take_reply(self, known: _ResponseUrl | None, body: Json) -> None:
        if known is None:
            raise _RefusalError("invalid_url")
        if self._now() - known.since > RESPONSE_URL_SECONDS:
            raise _RefusalError("expired_url")
        if known.uses >= RESPONSE_URL_USES or self.spent_responses:
            raise _RefusalError("used_url")
        reply = self._reply(body)
        known.uses += 1
        known.result.replies.append(reply)
        self._show(known, reply)

    def _reply(self, body: Json) -> FakeReply:
        deletes = _true(body.get("delete_original"))
        text, blocks = ("", []) if deletes else self._content(body)
        kind = str(body.get("response_type") or "ephemeral")
        if kind not in ("ephemeral", "in_channel"):
            raise _RefusalError("invalid_response_type")
        replaces = _true(body.get("replace_original"))
        return FakeReply(self._new_ts(), text, blocks, body, time.monotonic(), kind, replaces, deletes)

    def _show(self, known: _ResponseUrl, reply: FakeReply) -> None:
        """What a reply does in its channel: changes the message it answers, or is a new one there, or nothing."""
        original = known.message
        if isinstance(original, FakeMessage) and reply.delete_original:
            original.deleted = True
        elif original is not None and reply.replace_original:
            # What only one person sees is replaced as well, and keeps its time.
            original.text, original.blocks = reply.text, reply.blocks
            if isinstance(original, FakeMessage):
                original.edits.append(Edit(reply.at, reply.ts, reply.text, reply.blocks))
        elif reply.response_type == "in_channel":
            public = FakeMessage(reply.ts, known.channel, reply.text, reply.blocks, reply.at, self.bot_user)
            self.channels[known.channel].messages.append(public)

    # ---------------------------------------------------------------------------------------------------- Socket Mode

    def _connections_open(self) -> Json:
        ticket = uuid.uuid4().hex
        self._tickets.add(ticket)
        return {"url": f"ws://127.0.0.1:{self.port}/socket?ticket={ticket}&app_id={APP_ID}"}

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403, text="invalid ticket")
        self._tickets.discard(ticket)
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        connection = _Connection(ws, request.transport, next(self._numbers))
        if len(self._connections) >= CONNECTIONS:
            await ws.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await ws.close()
            return ws
        await ws.send_json(
            {
                "type": "hello",
                "num_connections": len(self._connections) + 1,
                "connection_info": {"app_id": APP_ID},
                "debug_info": {"host": "applink-test", "approximate_connection_time": 18060},
            }
        )
        self._opened(connection)
        try:
            async for message in ws:
                if message.type == WSMsgType.TEXT:
                    self._acknowledged(message.data)
        finally:
            self._closed(connection)
        return ws

    def _opened(self, connection: _Connection) -> None:
        with self.lock:
            self._connections.append(connection)
        self.notify()

    def _closed(self, connection: _Connection) -> None:
        with self.lock:
            self._connections.remove(connection)
        self.notify()

    def _acknowledged(self, text: str) -> None:
        answer = json.loads(text)
        with self.lock:
            for envelope in self.envelopes:
                if envelope.id == answer.get("envelope_id") and envelope.acked_at is None:
                    envelope.acked_at = time.monotonic()
                    envelope.ack_payload = answer.get("payload") or None
        self.notify()

    def _envelope(self, kind: str, payload: Json, retry_attempt: int = 0) -> Envelope:
        envelope = Envelope(str(uuid.uuid4()), kind, payload, time.monotonic(), retry_attempt)
        with self.lock:
            self.envelopes.append(envelope)
        return envelope

    async def _post(self, envelope: Envelope) -> None:
        """Call the app over HTTP, signed (https://docs.slack.dev/authentication/verifying-requests-from-slack)."""
        if envelope.kind == "events_api":
            kind, body = "application/json", json.dumps(envelope.payload)
        else:
            form = envelope.payload if envelope.kind == "slash_commands" else {"payload": json.dumps(envelope.payload)}
            kind, body = "application/x-www-form-urlencoded", urlencode(form)
        headers = {"Content-Type": kind, **signed(self.signing_secret, body, int(time.time()))}
        if envelope.retry_attempt:
            headers |= {"X-Slack-Retry-Num": str(envelope.retry_attempt), "X-Slack-Retry-Reason": "http_timeout"}
        async with ClientSession() as session, session.post(self.request_url, data=body, headers=headers) as answer:
            text = await answer.text()
        with self.lock:
            if answer.status == 200:
                envelope.acked_at = time.monotonic()
                envelope.ack_payload = json.loads(text) if text.startswith("{") else None
        self.notify()

    async def _push(self, envelope: Envelope) -> None:
        """Over the newest socket that is not about to close, as Slack does; over any other when it fails."""
        message: Json = {"type": envelope.kind, "envelope_id": envelope.id, "payload": envelope.payload}
        message["accepts_response_payload"] = envelope.kind != "events_api"
        if envelope.kind == "events_api":
            reason = "timeout" if envelope.retry_attempt else ""
            message |= {"retry_attempt": envelope.retry_attempt, "retry_reason": reason}
        envelope.sent_at = time.monotonic()
        if self.request_url:
            await self._post(envelope)
            return
        for connection in sorted(self._connections, key=lambda known: (known.leaving, -known.number)):
            try:
                await connection.socket.send_json(message)
                return
            except ConnectionError:
                continue

    def _interact(
        self, kind: str, payload: Json, channel: str, message: FakeMessage | FakeReply | None, seconds: float
    ) -> SlashResult:
        """Send what a person did, with a response URL and a trigger id, and wait for the acknowledgement."""
        self.wait_for_connections(1, seconds)
        key, trigger = uuid.uuid4().hex, uuid.uuid4().hex
        url = f"{self.url}/respond/{key}"
        envelope = self._envelope(kind, {**payload, "response_url": url, "trigger_id": trigger})
        result = SlashResult(envelope, url, trigger)
        with self.lock:
            self._triggers[trigger] = self._now()
            self._responses[key] = _ResponseUrl(result, channel, message, self._now())
        asyncio.run_coroutine_threadsafe(self._push(envelope), self.loop).result(seconds)
        self._wait_for(lambda: envelope.acked_at is not None, seconds)
        if kind == "slash_commands" and envelope.ack_payload:
            self._take_ack(result, channel, envelope.ack_payload)
        return result

    def _take_ack(self, result: SlashResult, channel: str, payload: Json) -> None:
        """An acknowledgement with a text or blocks is the command's first answer."""
        try:
            with self.lock:
                reply = self._reply(payload)
                result.replies.insert(0, reply)
                self._show(_ResponseUrl(result, channel, None, self._now()), reply)
        except _RefusalError as refusal:
            result.refused.append(refusal.error)

    def _say(self, channel: str, user: str, text: str, kind: str, thread_ts: str, seconds: float) -> FakeEvent:
        message = self.add_message(channel, user, text, thread_ts=thread_ts)
        event: Json = {"type": kind, "user": user, "text": text, "ts": message.ts, "channel": channel}
        event |= {"team": self.team_id, "client_msg_id": str(uuid.uuid4())}
        if kind == "message":
            event["channel_type"] = "im"
        if thread_ts:
            event["thread_ts"] = thread_ts
        return self.event(event, seconds=seconds)

    def _send_event(self, event: FakeEvent, seconds: float) -> Envelope:
        self.wait_for_connections(1, seconds)
        envelope = self._envelope("events_api", event.payload, len(event.envelopes))
        event.envelopes.append(envelope)
        asyncio.run_coroutine_threadsafe(self._push(envelope), self.loop).result(seconds)
        return envelope

    def _watch(self, event: FakeEvent) -> None:
        """Slack waits longer from one try to the next; here each waits `redeliver_after`."""
        self.loop.call_later(self.redeliver_after, self._send_again, event)

    def _send_again(self, event: FakeEvent) -> None:
        if event.acked or len(event.envelopes) > REDELIVERIES:
            return
        envelope = self._envelope("events_api", event.payload, len(event.envelopes))
        event.envelopes.append(envelope)
        task = self.loop.create_task(self._push(envelope))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.notify()
        self._watch(event)

    async def _disconnect(self, reason: str) -> None:
        for connection in list(self._connections):
            connection.leaving = True
            await connection.socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})
            self.loop.call_later(GRACE_SECONDS, connection.transport.close)


def signed(secret: str, body: str, at: int) -> dict[str, str]:
    """The headers that prove to an app that Slack calls it."""
    signature = hmac.new(secret.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": f"v0={signature}"}


def _as_typed(text: str) -> str:
    """What people type arrives escaped, and addresses arrive as links."""
    return re.sub(r"https?://[^\s<>]+", lambda match: f"<{match[0]}>", escape(text))


def _button(message: FakeMessage | FakeReply, action_id: str, value: str) -> tuple[Json, str]:
    """The button with that action id (and value), and the id of the block it stands in."""
    for block in message.blocks:
        for node in _objects(block):
            if node.get("type") == "button" and node.get("action_id") == action_id and value in ("", node.get("value")):
                return node, str(block.get("block_id", ""))
    raise AssertionError(f"no button {action_id!r} with the value {value!r} in {message.visible!r}")


def _too_fast(retry_after: float) -> _RefusalError:
    return _RefusalError("ratelimited", 429, {"Retry-After": str(retry_after)})


def _within(ts: str, oldest: str, latest: str, inclusive: bool) -> bool:
    """Compared as decimals: a float rounds the last digit of a timestamp away."""
    stamp, low, high = Decimal(ts), Decimal(oldest), Decimal(latest)
    return low <= stamp <= high if inclusive else low < stamp < high


def _cursor(cursor: Any) -> int:
    if not cursor:
        return 0
    match = re.fullmatch(r"next:(\d+)", str(cursor))
    if match is None:
        raise _RefusalError("invalid_cursor")
    return int(match[1])


def _cut(request: web.Request, *, reset: bool) -> web.Response:
    """End the connection in the middle of a call: by RST, or by an orderly FIN without an answer."""
    transport = request.transport
    if transport is not None and reset:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    elif transport is not None:
        transport.close()
    return web.Response()
