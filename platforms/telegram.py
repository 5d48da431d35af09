"""Telegram: updates in, alerts out, its errors made ours. It and the modules named after it alone know the library."""

import asyncio
import hmac
import os
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

# Before the library is imported: retry_after as a timedelta (docs.python-telegram-bot.org, v22.2).
os.environ.setdefault("PTB_TIMEDELTA", "1")

import orjson
import structlog
from telegram import CallbackQuery, InlineQuery, LinkPreviewOptions, Message, Update
from telegram.constants import ParseMode
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

from config.settings import Telegram as Settings
from delivery import AccountPace, Alarm, CannotLook, Limit, LookUp, Problem
from formatters import telegram as render
from formatters.parts import is_urgent
from models import (
    Alert,
    Button,
    Chat,
    ChatGone,
    ChatSettings,
    Command,
    Moved,
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
from platforms.doors import Doors
from platforms.drawing import drawn
from platforms.state import ANSWERS_END, State
from platforms.telegram_answers import NOTHING_TO_EDIT, Answers, keyboard, seconds
from platforms.telegram_incoming import BESIDE, NAME, Incoming
from platforms.telegram_menu import set_menus
from platforms.telegram_receiver import ALLOWED, Door, Receiver
from platforms.telegram_request import AiohttpRequest, Cut, NotSent

log = structlog.get_logger()

TIMEOUT = 15.0
CONNECT_TIMEOUT = 5.0
POOL_TIMEOUT = 10.0
ASK_AGAIN = 60.0
LONGEST_PAUSE = 30.0
CALM = 120.0
"""Seconds without a conflict after which another reader counts as gone: two that back off take turns before."""
LATELY = timedelta(minutes=2)
REMEMBERED_UPDATES = 1000
WEBHOOK = "/telegram"
SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105, a header's name

TOKEN_REFUSED = Problem.of("token", where="@BotFather")

# Telegram has no error codes beside 400: its exact descriptions are the codes
# (https://github.com/tdlib/telegram-bot-api, Client.cpp; lower case here).
CLOSED_DOORS = frozenset(
    {
        "chat not found",
        "user not found",
        "peer_id_invalid",
        "group chat was upgraded to a supergroup chat",
        "group chat was deactivated",
    }
)
SPEECHLESS = frozenset(
    {
        "not enough rights to send text messages to the chat",
        "have no rights to send a message",
        "need administrator rights in the channel chat",
        "chat_write_forbidden",
        "topic_closed",
        "message thread not found",
        "chat_send_plain_forbidden",
        "chat_restricted",
        "chat_admin_required",
    }
)
PICTURE_TROUBLE = frozenset(
    {
        "wrong type of the web page content",
        "failed to get http url content",
        "wrong file identifier/http url specified",
        "webpage_curl_failed",
        "webpage_media_empty",
        "webpage_url_invalid",
    }
)
BEYOND_REACH = frozenset({"message to edit not found", "message can't be edited", "message to delete not found"})
WEBHOOK_IS_SET = "conflict: can't use getupdates method while webhook is active"

Answer = Callable[[Command], Awaitable[Reply]]
Hooked = tuple[int, Mapping[str, str], bytes]
Hook = Callable[[Mapping[str, str], bytes], Awaitable[Hooked]]
"""Headers (names in lower case) and body of a request; status, headers and body of its answer."""


class Telegram:
    """One bot account. `run()` connects and receives until it is cancelled; `send` and `edit` serve the ledger."""

    name = NAME
    can_look = False

    def __init__(
        self,
        settings: Settings,
        answer: Answer,
        doors: Doors,
        defaults: ChatSettings,
        public_url: str = "",
    ) -> None:
        token = settings.token.get_secret_value()
        self.state = State(NAME)
        self.pace = AccountPace(settings.messages_per_second, self._limits_of)
        self.account = token.partition(":")[0]
        self._settings = settings
        self._answer = answer
        self._doors = doors
        self._defaults = defaults
        self._bot = Receiver(
            token,
            base_url=f"{settings.api_base.rstrip('/')}/bot",
            base_file_url=f"{settings.api_base.rstrip('/')}/file/bot",
            request=_request(connections=256),
            get_updates_request=_request(connections=2),
        )
        self._incoming = Incoming(self._bot, self.account, settings, defaults.language)
        self._answers = Answers(self._bot, self.pace, defaults)
        self._public_url = public_url
        self._called = False
        self._heard: deque[int] = deque(maxlen=REMEMBERED_UPDATES)
        self._one_after_the_other = asyncio.Lock()
        self._replying: set[asyncio.Task[None]] = set()
        self._conflict: float | None = None

    # ------------------------------------------------------------------------------------------------- life

    @property
    def ready(self) -> bool:
        return self.state.word == "ready"

    @property
    def alarm(self) -> Alarm | None:
        return self.state.alarm

    async def run(self) -> None:
        """Connect, then receive; whatever goes wrong is said in `state` and tried again. When it is cancelled, answers
        under way may end for a moment."""
        try:
            while True:
                if await self._connect():
                    await self._receive()
                await asyncio.sleep(ASK_AGAIN)
        finally:
            replying = {*self._replying}
            if replying:
                _, late = await asyncio.wait(replying, timeout=ANSWERS_END)
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)

    async def check(self) -> str:
        """Ask once whether the token works; "" or what is wrong, in words."""
        problem = await self._sign_in()
        return problem.said("en") if problem else ""

    async def _sign_in(self) -> Problem | None:
        base = self._settings.api_base
        try:
            if self._incoming.username:
                await self._bot.get_me()
            else:
                await self._bot.initialize()
        except InvalidToken as error:
            if not _is_foreign(error):
                return TOKEN_REFUSED
            return Problem.of("foreign_page", base=base, name=NAME)
        except TelegramError as error:
            said = error.message if isinstance(error, NotSent) else type(error).__name__
            return Problem.of("unreachable", base=base, error=said)
        self._incoming.username = self._bot.username.lower()
        return None

    async def close(self) -> None:
        """Give the connections back; a bot that never got through has some too."""
        try:
            async with asyncio.timeout(1):
                await self._bot.shutdown()
        except (TelegramError, TimeoutError, RuntimeError):
            log.debug("telegram did not close in time")

    def _pause(self) -> None:
        """The token is refused: nothing is sent until it is taken again, which is asked each minute."""
        if self.state.word != "paused":
            log.error("telegram is paused", problem=TOKEN_REFUSED.said("en"))
        self.state.refused(TOKEN_REFUSED)

    async def _connect(self) -> bool:
        pause = 1.0
        while True:
            problem = await self._sign_in()
            if problem is None:
                break
            if problem == TOKEN_REFUSED:
                self._pause()
                return False
            self.state.trouble(problem)
            log.warning("telegram cannot be reached", problem=self.state.problem)
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)
        self.state.ready()
        log.info("telegram is connected", bot=self._bot.username)
        return True

    # ---------------------------------------------------------------------------------------------- receiving

    async def _receive(self) -> None:
        """Until the token is refused. The menus are set beside it: an update waits for none of them."""
        self._goes_on(self._set_menus())
        await (self._be_called() if self._settings.mode == "webhook" else self._poll())

    async def _set_menus(self) -> None:
        if refused := await set_menus(self._bot, self._settings.admins):
            log.info("telegram took not every menu", refused=refused)

    async def _be_called(self) -> None:
        """Webhook mode: Telegram is told where to call, and asked each minute whether it can."""
        url = f"{self._public_url.rstrip('/')}{WEBHOOK}"
        while True:
            try:
                info = await self._bot.get_webhook_info()
                if info.url != url or not self._called:
                    secret = self._settings.webhook_secret.get_secret_value()
                    await self._bot.set_webhook(url, allowed_updates=ALLOWED, secret_token=secret)
                    self._called = True
                if info.url == url and info.last_error_date and datetime.now(UTC) - info.last_error_date < LATELY:
                    said = str(info.last_error_message)
                    self.state.trouble(Problem.of("not_called", url=url, error=said))
                else:
                    self.state.ready()
            except InvalidToken as error:
                if not _is_foreign(error):
                    self._pause()
                    return
            except TelegramError as error:
                self.state.trouble(Problem.of("no_webhook", url=url, error=error.message))
            await asyncio.sleep(ASK_AGAIN)

    @property
    def hooks(self) -> dict[str, Hook]:
        """What the HTTP side shall hand to this platform, by path."""
        return {WEBHOOK: self._hook} if self._settings.mode == "webhook" else {}

    async def _hook(self, headers: Mapping[str, str], body: bytes) -> Hooked:
        return await self._heard_out(headers, body), {}, b""

    async def _heard_out(self, headers: Mapping[str, str], body: bytes) -> int:
        """One call of the webhook; the HTTP status to answer it with. Telegram calls again until it gets 200."""
        secret = self._settings.webhook_secret.get_secret_value()
        given = headers.get(SECRET_HEADER, "")
        if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
            return 403
        if not self._incoming.username:
            return 503
        try:
            sent = orjson.loads(body)
            number = int(sent["update_id"])
        except (ValueError, KeyError, TypeError):
            return 400
        async with self._one_after_the_other:
            if number not in self._heard and (update := self._bot.read(sent)) is not None:
                await self._handle(number, update)
            self._heard.append(number)
        return 200

    async def _poll(self) -> None:
        """Long polling. Updates are confirmed by the next call, so each is handled before it."""
        await self._answers.quietly(self._bot.delete_webhook())
        offset, pause = 0, 1.0
        while True:
            try:
                updates = await self._bot.updates(offset)
                pause = 1.0
                if self.state.problem and self._is_calm():
                    self.state.ready()
            except InvalidToken as error:
                if not _is_foreign(error):
                    self._pause()
                    return
                self.state.trouble(Problem.of("foreign_page", base=self._settings.api_base, name=NAME))
                pause = min(LONGEST_PAUSE, pause * 2)
            except Conflict as error:
                await self._yield_to_nobody(error)
                pause = min(LONGEST_PAUSE, pause * 2)
            except RetryAfter as error:
                pause = seconds(error.retry_after)
            except Exception as error:
                # Not only the library's own: of what is no update it makes whatever its constructors raise.
                self.state.trouble(Problem.of("not_receiving", error=type(error).__name__))
                pause = min(LONGEST_PAUSE, pause * 2)
            else:
                for number, update in updates:
                    if update is not None:
                        await self._handle(number, update)
                    offset = number + 1
                continue
            await asyncio.sleep(pause)

    def _is_calm(self) -> bool:
        return self._conflict is None or asyncio.get_running_loop().time() - self._conflict >= CALM

    async def _yield_to_nobody(self, error: Conflict) -> None:
        """Another program has the updates: said, and a webhook is taken away, since this bot polls."""
        if error.message.lower().startswith(WEBHOOK_IS_SET):
            self.state.trouble(Problem.of("webhook_set"))
            await self._answers.quietly(self._bot.delete_webhook())
        else:
            self._conflict = asyncio.get_running_loop().time()
            problem = Problem.of("second_reader")
            if self.state.why != problem:
                log.error("telegram has a second reader", problem=problem.said("en"))
            self.state.trouble(problem, alarm="notice.second_reader")

    async def _handle(self, number: int, update: Update | Door) -> None:
        """What changes state is done here; only the sending of the answer goes on by itself."""
        try:
            if isinstance(update, Door):
                await self._note_door(update)
            elif update.callback_query is not None:
                await self._on_press(update.callback_query)
            elif update.inline_query is not None:
                self._goes_on(self._on_inline(update.inline_query))
            # Not `effective_message`: what was edited would be answered again.
            elif (message := update.message or update.channel_post) is not None:
                await self._note_change(message)
                await self._on_message(message)
        except Exception:
            # One odd update must not stop the rest; it is confirmed, or it would come for ever.
            log.exception("an update could not be handled", update=number)

    async def _note_door(self, door: Door) -> None:
        chat = Chat(NAME, self.account, str(door.chat))
        if door.closed is None:
            await self._doors.let_in_again(chat, door.by)
        else:
            await self._doors.shut_out(chat, door.closed)

    async def _note_change(self, message: Message) -> None:
        """A group that has a new id, said on both sides; a topic that is open again."""
        here = Chat(NAME, self.account, str(message.chat.id))
        if message.migrate_to_chat_id is not None:
            await self._doors.moved(here, replace(here, id=str(message.migrate_to_chat_id)))
        elif message.migrate_from_chat_id is not None:
            await self._doors.moved(replace(here, id=str(message.migrate_from_chat_id)), here)
        elif message.forum_topic_reopened is not None and message.message_thread_id is not None:
            await self._doors.let_in_again(replace(here, thread=str(message.message_thread_id)))

    async def _on_message(self, message: Message) -> None:
        asked = await self._incoming.message(message)
        if asked is not None:
            answer = asked.refusal or await self._answer(asked.command)
            self._goes_on(self._answers.to_command(asked, answer))

    async def _on_press(self, query: CallbackQuery) -> None:
        asked = self._incoming.press(query)
        if asked is None:
            await self._answers.quietly(self._bot.answer_callback_query(query.id))
            return
        answering = asyncio.ensure_future(self._answer(asked.command))
        self._goes_on(self._answers.to_press(query, asked, answering))
        await asyncio.wait([answering])

    async def _on_inline(self, query: InlineQuery) -> None:
        """It changes nothing, so nothing waits for it."""
        await self._answers.to_inline(query, await self._answer(self._incoming.inline(query)))

    def _goes_on(self, sending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(sending)
        self._replying.add(task)
        task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._replying.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an answer could not be brought", exc_info=error)

    # ------------------------------------------------------------------------------------------------ sending

    def start_link(self, parameter: str) -> str:
        """https://core.telegram.org/bots/features#deep-linking; "" before the bot's name is known."""
        return f"https://t.me/{self._incoming.username}?start={parameter}" if self._incoming.username else ""

    def split(self, alerts: Sequence[Alert], settings: ChatSettings) -> list[tuple[int, ...]]:
        """Which alerts each message of a round-up shows."""
        return [part.alert_ids for part in render.roundup(alerts, settings)]

    async def send(self, parcel: Outgoing) -> SendResult:
        """Post the alert, or a round-up, which never rings. Whether it left is told by the error's type."""
        silent = isinstance(parcel, Roundup) or not is_urgent(parcel.alert)
        return await self._post(parcel.chat, {"disable_notification": silent} | _form(drawn(render, parcel)))

    async def edit(self, parcel: Outgoing) -> SendResult:
        """Make the sent message show its alerts as they are now."""
        shown = drawn(render, parcel)
        message_id = parcel.delivery.message_id
        try:
            place = {"chat_id": int(parcel.chat.id), "message_id": int(message_id)}
            await self._bot.post("editMessageText", place | _form(shown))
        except BadRequest as error:
            return Sent(message_id) if _said(error).startswith(NOTHING_TO_EDIT) else self._result(error, parcel.chat)
        except Exception as error:
            return self._result(error, parcel.chat)
        return Sent(message_id)

    async def reply(self, parcel: Parcel) -> SendResult:
        """Say below the sent alert who carries it too; where that was deleted, without it."""
        shown = render.also(parcel.alert, parcel.settings)
        below = {"message_id": int(parcel.delivery.message_id), "allow_sending_without_reply": True}
        return await self._post(parcel.chat, {"disable_notification": True, "reply_parameters": below} | _form(shown))

    async def _post(self, chat: Chat, message: dict[str, Any]) -> SendResult:
        extra = {"allow_paid_broadcast": True} if self._settings.paid_broadcast else {}
        thread = {"message_thread_id": int(chat.thread)} if chat.thread else {}
        try:
            posted = await self._bot.post("sendMessage", {"chat_id": int(chat.id)} | thread | message | extra)
        except Exception as error:
            return self._result(error, chat)
        return Sent(str(posted))

    async def tell(self, chat: Chat, told: Reply) -> SendResult:
        """Post something that is no alert; it rings."""
        thread = int(chat.thread) if chat.thread else None
        result: SendResult = Sent("")
        try:
            for form in self._answers.drawn(told):
                message = await self._bot.send_message(int(chat.id), message_thread_id=thread, **form)
                result = Sent(str(message.message_id))
        except Exception as error:
            return self._result(error, chat)
        return result

    def _limits_of(self, chat: Chat) -> tuple[Limit, ...]:
        """Of a person's chat, and of a group or channel, whose ids are below zero
        (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this)."""
        rate = self._settings.chat_per_second
        calls = max(1, int(rate))
        steady = Limit(calls, calls / rate)
        return (steady, Limit(self._settings.group_per_minute, 60)) if chat.id.startswith("-") else (steady,)

    async def look_up(self, parcel: Outgoing, called_at: datetime) -> LookUp:
        """A bot cannot read a chat's history."""
        return CannotLook()

    def _result(self, error: Exception, chat: Chat) -> SendResult:
        match error:
            case NotSent():
                return TryLater("telegram cannot be reached")
            case Cut():
                return Unknown("the connection was cut")
            case TimedOut():
                return Unknown("no answer in time")
            case RetryAfter():
                return TryLater("telegram asked us to wait", seconds(error.retry_after))
            case ChatMigrated():
                return Moved(Chat(NAME, chat.account, str(error.new_chat_id), chat.thread))
            case InvalidToken() | Forbidden() | BadRequest() if _is_foreign(error):
                # A proxy's or a gateway's page: nothing about the token, the chat or the alert.
                return TryLater("an answer that is not telegram's")
            case InvalidToken():
                self._pause()
                return TryLater("the token is refused")
            case Forbidden():
                return ChatGone(error.message)
            case BadRequest():
                return _bad_request(error)
            case Conflict():
                return TryLater("telegram has trouble")
            case NetworkError() if error.__cause__ is None or isinstance(error.__cause__, TelegramError):
                # A 5xx answer or a redirect, with a JSON body or without: Telegram says that it did not do it.
                return TryLater("telegram has trouble")
            case TelegramError():
                # A body that is not JSON, with status 200: the message had arrived when this was tried.
                return Unknown("an answer that makes no sense")
            case _:
                # JSON, but no message: the library fails on it with whatever its constructors raise.
                log.error("telegram's answer was not understood", kind=type(error).__name__)
                return Unknown("an answer that makes no sense")


def _request(connections: int) -> AiohttpRequest:
    return AiohttpRequest(connections, read_timeout=TIMEOUT, connect_timeout=CONNECT_TIMEOUT, pool_timeout=POOL_TIMEOUT)


def _bad_request(error: BadRequest) -> SendResult:
    said = _said(error)
    if said in CLOSED_DOORS | SPEECHLESS:
        return ChatGone(error.message, speechless=said in SPEECHLESS)
    if said in PICTURE_TROUBLE:
        return Refused(error.message, Part.PICTURE)
    return Refused(error.message, Part.MESSAGE if said in BEYOND_REACH else Part.FORM)


def _said(error: BadRequest) -> str:
    return error.message.lower().removeprefix("bad request: ")


def _is_foreign(error: BaseException) -> bool:
    """Whether the answer had no JSON in it; the library keeps that as the cause."""
    cause = error.__cause__
    return cause is not None and (type(cause) is TelegramError or _is_foreign(cause))


@lru_cache(maxsize=256)
def _form(shown: render.TelegramText) -> dict[str, Any]:
    """What a message says, as the Bot API takes it (https://core.telegram.org/bots/api#sendmessage)."""
    picture = shown.picture
    preview = LinkPreviewOptions(url=picture, prefer_large_media=True) if picture else LinkPreviewOptions(True)
    opens = ((Button(shown.button[0], url=shown.button[1]),),) if shown.button else ()
    buttons = keyboard((*opens, *shown.rows), BESIDE)
    return {
        "text": shown.html,
        "parse_mode": None if shown.plain else ParseMode.HTML.value,
        "link_preview_options": preview.to_dict(),
        "reply_markup": buttons.to_dict() if buttons else None,
    }
