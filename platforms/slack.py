"""Slack: commands, mentions and messages in, alerts out, its errors made ours. It and slack_answers.py know bolt."""

import asyncio
import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import aiohttp
import orjson
import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from config.settings import Slack as Settings
from delivery import AccountPace, Alarm, CannotLook, Found, Limit, LookUp, NotThere, Problem
from formatters import slack as render
from locales import say
from models import (
    Alert,
    Chat,
    ChatGone,
    ChatSettings,
    Command,
    Outgoing,
    Parcel,
    Part,
    Refused,
    Reply,
    Roundup,
    SendResult,
    Sent,
    TryLater,
    Unknown,
)
from platforms.connector import Connector, session
from platforms.doors import Doors
from platforms.drawing import drawn
from platforms.slack_answers import Answers, Held
from platforms.slack_views import Place, Views, opens_a_modal
from platforms.state import ANSWERS_END, State

log = structlog.get_logger()

NAME = "slack"
TIMEOUT = 15
CONNECT_TIMEOUT = 5
ACK_WITHIN = 2.0
LOOK_UP_TIMEOUT = 2.0
ASK_AGAIN = 60.0
LONGEST_PAUSE = 30.0
WINDOW = timedelta(minutes=2)
PAGES = 5
EVENT = "sokbo_alert"
ROUNDUP_EVENT = "sokbo_roundup"
BURST = 3
"""Messages that a channel takes at once, when it then gets none for as many seconds."""
REMEMBERED_EVENTS = 2000
EVENTS = "/slack/events"
TOKENS = "api.slack.com/apps"
SHORTCUTS = {"mute_topic": "mutetopic"}
"""Message shortcuts of the manifest, and the commands that they are."""

# https://docs.slack.dev/reference/methods/chat.postMessage#errors
CLOSED_DOORS = frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "is_inactive",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_non_threadable_channel",
        "restricted_action_thread_locked",
        "thread_not_found",
        "user_not_found",
        "cannot_dm_bot",
        "messages_tab_disabled",
    }
)
SPEECHLESS = frozenset({"not_in_channel", "is_archived", "is_inactive", "thread_not_found"})
TOKEN_REFUSED = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"})
APP_LIMITED = frozenset({"missing_scope", "team_access_not_granted", "access_denied", "ekm_access_denied"})
# Slack warns that with these "some aspect of the operation" may have succeeded.
PERHAPS_DONE = frozenset({"internal_error", "fatal_error"})
TROUBLE = PERHAPS_DONE | {"service_unavailable", "request_timeout", "ratelimited", "team_added_to_org"}
BEYOND_REACH = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "cant_delete_message"})

Answer = Callable[[Command], Awaitable[Reply]]
Hooked = tuple[int, Mapping[str, str], bytes]
Hook = Callable[[Mapping[str, str], bytes], Awaitable[Hooked]]
"""Headers (names in lower case) and body of a request; status, headers and body of its answer."""


class Redirected(aiohttp.ClientError):
    """Slack never sends its callers elsewhere: something between us and it does."""


class Slack:
    """One workspace, over Socket Mode or called by Slack. `run()` connects and receives until it is cancelled."""

    name = NAME
    can_look = True

    def __init__(
        self,
        settings: Settings,
        answer: Answer,
        doors: Doors,
        defaults: ChatSettings,
    ) -> None:
        self.state = State(NAME)
        self.pace = AccountPace(
            settings.messages_per_minute / 60,
            self._limits_of,
            edits_per_second=settings.edits_per_minute / 60,
            looks=Limit(settings.look_ups_per_minute, 60),
        )
        self._settings = settings
        self._answer = answer
        self._doors = doors
        self._defaults = defaults
        self._team = ""
        self._bot_user = ""
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncWebClient | None = None
        self._handler: AsyncSocketModeHandler | None = None
        self._socket: asyncio.Task[None] | None = None
        self._events: OrderedDict[str, None] = OrderedDict()
        self._answering: set[asyncio.Task[Any]] = set()
        self._answers = Answers(lambda: self.client, self.pace, defaults)
        self._views = Views(lambda: self.client, self._answers, self._asked_in_a_view)

    # ------------------------------------------------------------------------------------------------- life

    @property
    def ready(self) -> bool:
        return self.state.word == "ready"

    @property
    def alarm(self) -> Alarm | None:
        return self.state.alarm

    @property
    def client(self) -> AsyncWebClient:
        """The one client, over the one session; retries are the ledger's business, so it has none of its own."""
        if self._client is None:
            self._session = session(
                Connector(),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT, connect=CONNECT_TIMEOUT),
                middlewares=(_follow_nobody,),
                cookie_jar=aiohttp.DummyCookieJar(),
                json_serialize_bytes=_json,
                response_class=_Response,
            )
            self._client = AsyncWebClient(
                token=self._settings.bot_token.get_secret_value(),
                base_url=self._settings.api_base.rstrip("/") + "/",
                session=self._session,
                timeout=TIMEOUT,
                retry_handlers=[],
            )
        return self._client

    async def run(self) -> None:
        """Connect and stay connected; whatever goes wrong is said in `state` and tried again. Answers under way may end
        for a moment when it is cancelled."""
        try:
            await self._stay_connected()
        finally:
            if self._answering:
                await asyncio.wait(self._answering, timeout=ANSWERS_END)

    async def _stay_connected(self) -> None:
        pause = 1.0
        while True:
            problem, refused = await self._sign_in()
            if problem is None:
                break
            if refused:
                self._pause(problem)
                await asyncio.sleep(ASK_AGAIN)
                continue
            self.state.trouble(problem)
            log.warning("slack cannot be reached", problem=self.state.problem)
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)
        self.state.ready()
        log.info("slack is connected", team=self._team)
        if self._settings.mode == "socket":
            await self._connect()
        while True:
            await asyncio.sleep(ASK_AGAIN)
            if not self.ready and not (await self._sign_in())[0]:
                self.state.ready()

    async def _connect(self) -> None:
        self._handler = AsyncSocketModeHandler(self.app, self._settings.app_token.get_secret_value())
        # With Slack down this neither returns nor raises, so it is a task that can be cancelled.
        self._socket = asyncio.create_task(self._handler.connect_async())  # type: ignore[no-untyped-call]
        await self._socket

    @property
    def hooks(self) -> dict[str, Hook]:
        """What the HTTP side shall hand to this platform, by path."""
        return {EVENTS: self._hook} if self._settings.mode == "http" else {}

    async def _hook(self, headers: Mapping[str, str], body: bytes) -> Hooked:
        """One call by Slack: bolt checks its signature and age, and answers what must be answered at once."""
        if not self._team:
            return 503, {}, b""
        request = AsyncBoltRequest(body=body.decode("utf-8", "replace"), headers={**headers})
        answer = await self.app.async_dispatch(request)
        return answer.status, answer.first_headers_without_set_cookie(), (answer.body or "").encode()

    async def check(self) -> str:
        """Ask once whether both tokens work; "" or what is wrong, in words."""
        problem, _ = await self._sign_in()
        return problem.said("en") if problem else ""

    async def close(self) -> None:
        """Let the socket and the session go, within a second."""
        if self._socket is not None:
            self._socket.cancel()
        try:
            async with asyncio.timeout(1):
                if self._handler is not None:
                    await self._handler.close_async()  # type: ignore[no-untyped-call]
        except (TimeoutError, aiohttp.ClientError):
            log.debug("slack did not close in time")
        if self._session is not None:
            await self._session.close()

    def _pause(self, problem: Problem) -> None:
        """Nothing is sent to this workspace until it takes us again, which is asked each minute."""
        if self.state.word != "paused":
            log.error("slack is paused", problem=problem.said("en"))
        self.state.refused(problem)

    async def _sign_in(self) -> tuple[Problem | None, bool]:
        """(None, False), or what is wrong and whether it is a refusal."""
        base = self._settings.api_base
        asked = [("bot_token", self._ask_who)]
        asked += [("app_token", self._ask_socket)] if self._settings.mode == "socket" else []
        for what, call in asked:
            try:
                await call()
            except SlackApiError as error:
                code = _code(error)
                if code in TROUBLE or _status(error) >= 429:
                    return Problem.of("unreachable", base=base, error=code or str(_status(error))), False
                return Problem.of("token_named", name=what, code=code, where=TOKENS), True
            except (aiohttp.ClientError, SlackClientError, TimeoutError, OSError) as error:
                return Problem.of("unreachable", base=base, error=type(error).__name__), False
        return None, False

    async def _ask_who(self) -> None:
        who = await self.client.auth_test()
        self._team, self._bot_user = str(who.get("team_id") or ""), str(who.get("user_id") or "")

    async def _ask_socket(self) -> None:
        await self.client.apps_connections_open(app_token=self._settings.app_token.get_secret_value())

    # ---------------------------------------------------------------------------------------------- receiving

    @cached_property
    def app(self) -> AsyncApp:
        """Who is to be called for what comes in."""
        secret = self._settings.signing_secret.get_secret_value()
        app = AsyncApp(client=self.client, signing_secret=secret or None)
        app.use(self._once)
        for name in ("/sokbo", "/latest", "/search"):
            app.command(name)(self._on_slash)
        app.event("app_mention")(self._on_message)
        app.event("message")(self._on_message)
        app.event("member_joined_channel")(self._on_joined)
        for names, take in (
            (("channel_unarchive", "group_unarchive"), self._on_opened),
            (("channel_archive", "group_archive"), self._on_archived),
            (("channel_left", "group_left"), self._on_left),
            (("app_uninstalled", "tokens_revoked"), self._on_revoked),
        ):
            for name in names:
                app.event(name)(take)
        app.event("app_home_opened")(self._on_home)
        for shortcut in SHORTCUTS:
            app.message_shortcut(shortcut)(self._on_shortcut)
        app.action(re.compile(f"(?:{render.PRESS}|{render.BESIDE}):"))(self._on_press)
        app.action(re.compile(render.OPEN))(_acknowledge)
        return app

    async def _on_slash(self, ack: AsyncAck, respond: AsyncRespond, body: dict[str, Any]) -> None:
        """Handled, acknowledged, answered, in this order; the acknowledgement within Slack's 3 s at any rate."""
        self._is_answering()
        name, args = str(body["command"]).removeprefix("/"), str(body.get("text") or "")
        if name == "sokbo":
            name, args = _words(args or "help")
        command = self._command(name, args, str(body["channel_id"]), "", str(body["user_id"]))
        answering = asyncio.ensure_future(self._answer(command))
        await asyncio.wait([answering], timeout=ACK_WITHIN)
        await ack()
        answer = await answering
        place = Place(command.chat.id, command.chat.thread, command.user)
        if opens_a_modal(answer) and await self._views.modal(str(body["trigger_id"]), place, answer):
            return
        await self._answers.to_slash(respond, answer)

    async def _on_press(self, ack: AsyncAck, respond: AsyncRespond, body: dict[str, Any]) -> None:
        """A button: the command that it stands for, of whoever pressed it."""
        self._is_answering()
        name, args = _words(str(body["actions"][0].get("value") or ""))
        if body["container"]["type"] == "view":
            await ack()
            await self._views.pressed(body, name, args)
            return
        held = Held.of(body)
        command = self._command(name, args, held.channel, held.thread, str(body["user"]["id"]), pressed=True)
        answering = asyncio.ensure_future(self._answer(command))
        await asyncio.wait([answering], timeout=ACK_WITHIN)
        await ack()
        await self._answers.to_press(respond, held, command, await answering)

    async def _on_home(self, event: dict[str, Any]) -> None:
        """Somebody looks at the app: the tab is drawn for them."""
        if event.get("tab") == "home":
            self._is_answering()
            await self._views.home(Place(str(event["channel"]), "", str(event["user"])))

    async def _on_shortcut(self, ack: AsyncAck, respond: AsyncRespond, body: dict[str, Any]) -> None:
        """A command about the alert that a message shows, from the message's own menu."""
        self._is_answering()
        await ack()
        name, message = SHORTCUTS[body["callback_id"]], body["message"]
        payload = (message.get("metadata") or {}).get("event_payload") or {}
        thread = str(message.get("thread_ts") or "")
        thread = "" if thread == message["ts"] else thread
        alert = str(payload.get("alert") or "")
        command = self._command(name, alert, str(body["channel"]["id"]), thread, str(body["user"]["id"]), pressed=True)
        answer = await self._answer(command) if alert else Reply(lines=(self._say("view.no_alert"),))
        told = answer.lines or not answer.toast
        await self._answers.to_slash(respond, answer if told else replace(answer, lines=(answer.toast,)))

    def _say(self, key: str) -> str:
        return say(self._defaults.language, key)

    async def _asked_in_a_view(self, name: str, args: str, place: Place, pressed: bool) -> Reply:
        command = self._command(name, args, place.channel, place.thread, place.user, pressed=pressed)
        return await self._answer(replace(command, metered=False))

    async def _on_message(self, event: dict[str, Any]) -> None:
        """A mention, or a direct message: the same words as the commands."""
        if event.get("bot_id") or event.get("subtype"):
            return
        if event["type"] == "message" and event.get("channel_type") != "im":
            return
        self._is_answering()
        text = str(event.get("text") or "").replace(f"<@{self._bot_user}>", "").strip()
        name, args = _words(text.removeprefix("/"))
        if name == "sokbo":
            name, args = _words(args or "help")
        thread = str(event.get("thread_ts") or "")
        command = self._command(name, _unescape(args), str(event["channel"]), thread, str(event.get("user") or ""))
        await self._answers.to_message(command, await self._answer(command), str(event["ts"]), thread)

    def _is_answering(self) -> None:
        """The task that runs now is waited for at the end."""
        task = asyncio.current_task()
        if task is not None:
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    async def _on_joined(self, event: dict[str, Any]) -> None:
        if event.get("user") == self._bot_user:
            await self._doors.let_in_again(self._chat(event), str(event.get("inviter") or ""))

    def _chat(self, event: dict[str, Any]) -> Chat:
        return Chat(NAME, self._team, str(event["channel"]))

    async def _on_opened(self, event: dict[str, Any]) -> None:
        await self._doors.let_in_again(self._chat(event))

    async def _on_archived(self, event: dict[str, Any]) -> None:
        await self._doors.shut_out(self._chat(event), ChatGone("is_archived", speechless=True))

    async def _on_left(self, event: dict[str, Any]) -> None:
        await self._doors.shut_out(self._chat(event), ChatGone("not_in_channel", speechless=True))

    async def _on_revoked(self, event: dict[str, Any]) -> None:
        """The app was removed from the workspace, or its token taken away."""
        if event["type"] == "app_uninstalled" or (event.get("tokens") or {}).get("bot"):
            self._pause(_account_problem("token_revoked"))

    async def _once(self, body: dict[str, Any], next: Callable[[], Awaitable[BoltResponse]]) -> BoltResponse:
        """Slack sends an event again when it missed the acknowledgement: it is acknowledged, and not handled again."""
        event_id = str(body.get("event_id") or "")
        if event_id and event_id in self._events:
            return BoltResponse(status=200, body="")
        if event_id:
            self._events[event_id] = None
            if len(self._events) > REMEMBERED_EVENTS:
                self._events.popitem(last=False)
        return await next()

    def _command(self, name: str, args: str, channel: str, thread: str, user: str, *, pressed: bool = False) -> Command:
        private = channel.startswith("D")

        async def is_chat_admin() -> bool | None:
            return True if private else await self._is_admin(channel, user)

        return Command(
            name=name.lower(),
            args=args.strip(),
            chat=Chat(NAME, self._team, channel, "" if private else thread),
            user=user,
            language="",
            private=private,
            trusted=user in self._settings.admins or f"{self._team}:{user}" in self._settings.admins,
            open=self._settings.open,
            pressed=pressed,
            is_chat_admin=is_chat_admin,
        )

    async def _is_admin(self, channel: str, user: str) -> bool | None:
        """Chat admins are the channel's creator and the workspace's admins."""
        try:
            async with asyncio.timeout(LOOK_UP_TIMEOUT):
                info = await self.client.conversations_info(channel=channel)
                if info["channel"].get("creator") == user:
                    return True
                person = (await self.client.users_info(user=user))["user"]
        except (SlackClientError, aiohttp.ClientError, TimeoutError, KeyError):
            return None
        return bool(person.get("is_admin") or person.get("is_owner"))

    # ------------------------------------------------------------------------------------------------ sending

    def start_link(self, parameter: str) -> str:
        """There are no such links here."""
        return ""

    def split(self, alerts: Sequence[Alert], settings: ChatSettings) -> list[tuple[int, ...]]:
        """Which alerts each message of a round-up shows."""
        return [part.alert_ids for part in render.roundup(alerts, settings)]

    async def send(self, parcel: Outgoing) -> SendResult:
        """Post the alert, or a round-up, with the ids of what it shows in the message's metadata: by these it is found
        again."""
        shown = drawn(render, parcel)
        try:
            posted = await self.client.chat_postMessage(
                channel=parcel.chat.id,
                text=shown.text,
                blocks=list(shown.blocks) or None,
                thread_ts=parcel.chat.thread or None,
                metadata=_metadata(parcel),
                unfurl_links=False,
                unfurl_media=False,
            )
        except Exception as error:
            return self._result(error, shown)
        return Sent(str(posted["ts"])) if posted.get("ts") else Unknown("an answer that makes no sense")

    async def edit(self, parcel: Outgoing) -> SendResult:
        """Make the sent message show its alerts as they are now; text and blocks always go together."""
        shown = drawn(render, parcel)
        try:
            changed = await self.client.chat_update(
                channel=parcel.chat.id,
                ts=parcel.delivery.message_id,
                text=shown.text,
                blocks=list(shown.blocks),
                metadata=_metadata(parcel),
            )
        except Exception as error:
            return self._result(error, shown)
        return Sent(parcel.delivery.message_id) if changed.get("ts") else Unknown("an answer that makes no sense")

    async def reply(self, parcel: Parcel) -> SendResult:
        """Say in the thread of the sent alert who carries it too."""
        shown = render.also(parcel.alert, parcel.settings)
        try:
            posted = await self.client.chat_postMessage(
                channel=parcel.chat.id,
                text=shown.text,
                blocks=list(shown.blocks),
                thread_ts=parcel.chat.thread or parcel.delivery.message_id,
                unfurl_links=False,
                unfurl_media=False,
            )
        except Exception as error:
            return self._result(error, shown)
        return Sent(str(posted["ts"])) if posted.get("ts") else Unknown("an answer that makes no sense")

    async def tell(self, chat: Chat, told: Reply) -> SendResult:
        """Post something that is no alert, to a channel or (by a user's id) to a person."""
        shown = render.reply(told, self._defaults)
        try:
            posted = await self.client.chat_postMessage(
                channel=chat.id,
                text=shown.text,
                blocks=list(shown.blocks) or None,
                thread_ts=chat.thread or None,
                unfurl_links=False,
                unfurl_media=False,
            )
        except Exception as error:
            return self._result(error, shown)
        return Sent(str(posted["ts"])) if posted.get("ts") else Unknown("an answer that makes no sense")

    def _limits_of(self, _: Chat) -> tuple[Limit, ...]:
        """About one a second in a channel, with short bursts (https://docs.slack.dev/apis/web-api/rate-limits)."""
        rate = self._settings.channel_per_second
        calls = max(1, round(BURST * rate))
        return (Limit(calls, calls / rate),)

    async def look_up(self, parcel: Outgoing, called_at: datetime) -> LookUp:
        """Search the channel's history around the call for the message's metadata."""
        window: dict[str, Any] = {
            "channel": parcel.chat.id,
            "oldest": f"{(called_at - WINDOW).timestamp():.6f}",
            "latest": f"{(called_at + WINDOW).timestamp():.6f}",
            "inclusive": True,
            "include_all_metadata": True,
            "limit": 200,
        }
        cursor = ""
        try:
            for _ in range(PAGES):
                if parcel.chat.thread:
                    page = await self.client.conversations_replies(
                        ts=parcel.chat.thread, **window, cursor=cursor or None
                    )
                else:
                    page = await self.client.conversations_history(**window, cursor=cursor or None)
                for message in page.get("messages") or []:
                    if _is_of(message, parcel):
                        return Found(str(message["ts"]))
                cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
                if not cursor:
                    return NotThere()
        except SlackApiError as error:
            code, status = _code(error), _status(error)
            if status == 429 or code == "ratelimited":
                return CannotLook(again=True, after=_retry_after(error))
            return CannotLook(again=code in TROUBLE or status >= 500 or not code)
        except (aiohttp.ClientError, SlackClientError, TimeoutError, OSError):
            return CannotLook(again=True)
        return CannotLook()

    def _result(self, error: Exception, shown: render.SlackText) -> SendResult:
        match error:
            case SlackApiError():
                return self._api_error(error, shown)
            case Redirected():
                return TryLater("an answer that is not slack's")
            case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
                return TryLater("slack cannot be reached")
            case TimeoutError():
                return Unknown("no answer in time")
            case aiohttp.ClientError() | SlackClientError() | OSError() | json.JSONDecodeError():
                return Unknown("the connection was cut")
            case _:
                log.error("slack raised what nobody expected", kind=type(error).__name__)
                return Unknown(type(error).__name__)

    def _api_error(self, error: SlackApiError, shown: render.SlackText) -> SendResult:
        code, status = _code(error), _status(error)
        if status == 429 or code == "ratelimited":
            return TryLater("slack asked us to wait", _retry_after(error))
        if code in PERHAPS_DONE:
            return Unknown(f"slack has trouble ({code})")
        if status >= 500 or code in TROUBLE:
            return TryLater(f"slack has trouble ({code or status})")
        if code in TOKEN_REFUSED | APP_LIMITED:
            self._pause(_account_problem(code))
            return TryLater(code)
        if code in CLOSED_DOORS or code.startswith("restricted_action"):
            return ChatGone(code, speechless=code in SPEECHLESS or code.startswith("restricted_action"))
        if not code:
            answered_no = status >= 400
            return (
                TryLater("an answer that is not slack's") if answered_no else Unknown("an answer that makes no sense")
            )
        if code == "invalid_blocks" and _blames_picture(error, shown):
            return Refused(code, Part.PICTURE)
        return Refused(code, Part.MESSAGE if code in BEYOND_REACH else Part.FORM)


class _Response(aiohttp.ClientResponse):
    """Read by orjson, which takes a tenth of the time."""

    async def json(self, *, loads: Callable[[str], Any] = orjson.loads, **options: Any) -> Any:
        return await super().json(loads=loads, **options)


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        # Half a surrogate pair, or a type that only the standard library takes.
        return json.dumps(value).encode()


async def _follow_nobody(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """A redirect is an answer: the library would follow it, and post to whoever is named there."""
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise Redirected(f"redirected ({response.status})")
    return response


def _account_problem(code: str) -> Problem:
    if code in TOKEN_REFUSED:
        return Problem.of("token_named", name="bot_token", code=code, where=TOKENS)
    return Problem.of("may_not_post", code=code, manifest="config/slack-manifest.yaml")


def _blames_picture(error: SlackApiError, shown: render.SlackText) -> bool:
    """Whether Slack's pointer leads to a picture; without a pointer, whether there is one to be blamed."""
    metadata = getattr(error.response, "data", {}).get("response_metadata") or {}
    pointers = re.findall(r"json-pointer:([^\]\s]+)", " ".join(map(str, metadata.get("messages") or [])))
    if pointers:
        return all(pointer.endswith("/image_url") for pointer in pointers)
    return '"image_url"' in json.dumps(shown.blocks)


async def _acknowledge(ack: AsyncAck) -> None:
    await ack()


def _metadata(parcel: Outgoing) -> dict[str, Any]:
    if isinstance(parcel, Roundup):
        shown = {"message": parcel.message.id, "deliveries": list(parcel.message.deliveries)}
        return {"event_type": ROUNDUP_EVENT, "event_payload": shown}
    delivery = parcel.delivery
    payload = {"delivery": delivery.id, "alert": delivery.alert_id, "version": parcel.alert.version}
    return {"event_type": EVENT, "event_payload": payload}


def _is_of(message: dict[str, Any], parcel: Outgoing) -> bool:
    """By what names the message for good: an alert that was edited has another version."""
    wanted = _metadata(parcel)
    metadata = message.get("metadata") or {}
    payload = {**(metadata.get("event_payload") or {})}
    for of in (payload, wanted["event_payload"]):
        of.pop("version", None)
    return bool(metadata.get("event_type") == wanted["event_type"] and payload == wanted["event_payload"])


def _code(error: SlackApiError) -> str:
    """The error's name, "" when the answer was not one of Slack's."""
    data = getattr(error.response, "data", None)
    return str(data.get("error") or "") if isinstance(data, dict) else ""


def _status(error: SlackApiError) -> int:
    response: Any = error.response
    return int(getattr(response, "status_code", None) or getattr(response, "status", None) or 0)


def _retry_after(error: SlackApiError) -> float:
    headers: Any = getattr(error.response, "headers", None) or {}
    value = str(headers.get("Retry-After") or headers.get("retry-after") or "")
    return float(value) if re.fullmatch(r"\d{1,6}", value) else 30.0


def _words(text: str) -> tuple[str, str]:
    """The first word without its slash, and the rest."""
    first, _, rest = text.strip().partition(" ")
    return first.removeprefix("/"), rest.strip()


def _unescape(text: str) -> str:
    """What a person typed: Slack escapes three characters and wraps addresses (docs.slack.dev, formatting)."""
    text = re.sub(r"<(https?://[^|>]+)(?:\|[^>]*)?>", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
