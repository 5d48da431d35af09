"""Telegram: updates in, alerts out, its errors made ours. The only module that knows python-telegram-bot."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

# Before the library is imported: retry_after as a timedelta (docs.python-telegram-bot.org, v22.2).
os.environ.setdefault("PTB_TIMEDELTA", "1")

import structlog
from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
    Update,
)
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
from delivery import AccountPace, Alarm, CannotLook, Limit, LookUp
from formatters import telegram as render
from formatters.parts import is_urgent
from locales import say
from models import (
    Alert,
    Chat,
    ChatGone,
    ChatSettings,
    Command,
    Moved,
    Outgoing,
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
from platforms.state import State
from platforms.telegram_request import AiohttpRequest, Cut, NotSent

log = structlog.get_logger()

NAME = "telegram"
POLL = 25
TIMEOUT = 15.0
CONNECT_TIMEOUT = 5.0
POOL_TIMEOUT = 10.0
ALLOWED = ["message", "channel_post", "my_chat_member"]
ASK_AGAIN = 60.0
LONGEST_PAUSE = 30.0
ANSWER_WITHIN = 20.0
MENU = ("latest", "search", "subscribe", "unsubscribe", "help")

TOKEN_REFUSED = "the token is refused: copy it again from @BotFather"  # noqa: S105, words for people

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
NOTHING_TO_EDIT = "message is not modified"
WEBHOOK_IS_SET = "conflict: can't use getupdates method while webhook is active"

Answer = Callable[[Command], Awaitable[Reply]]


class Receiver(Bot):
    """A bot that one update does not stop which the library cannot read.

    It lacks fields that a server of another version leaves out, and then refuses the whole answer, for ever.
    """

    async def updates(self, offset: int) -> list[tuple[int, "Door | Update | None"]]:
        """What came in, by long polling, with its numbers; None for what cannot be read. Raises what `get_updates`
        raises."""
        data = {"timeout": POLL, "offset": offset, "allowed_updates": ALLOWED}
        found: Any = await self._post("getUpdates", data, read_timeout=POLL + TIMEOUT)
        return [(int(update["update_id"]), self._read(update)) for update in found]

    def _read(self, update: dict[str, Any]) -> "Door | Update | None":
        try:
            return _door(update["my_chat_member"]) if "my_chat_member" in update else Update.de_json(update, self)
        except Exception as error:
            log.error("an update could not be read", update=update["update_id"], kind=type(error).__name__)
            return None


@dataclass(frozen=True, slots=True)
class Door:
    """What the bot is in a chat has changed; `closed` says what keeps it from writing there, if anything does."""

    chat: int
    closed: ChatGone | None


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
            request=_request(connections=64),
            get_updates_request=_request(connections=2),
        )
        self._username = ""
        self._replying: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------------------------------------------- life

    @property
    def ready(self) -> bool:
        return self.state.word == "ready"

    @property
    def alarm(self) -> Alarm | None:
        return self.state.alarm

    async def run(self) -> None:
        """Connect, then receive; whatever goes wrong is said in `state` and tried again."""
        try:
            while True:
                if await self._connect():
                    await self._receive()
                await asyncio.sleep(ASK_AGAIN)
        finally:
            for task in self._replying:
                task.cancel()
            await asyncio.gather(*self._replying, return_exceptions=True)

    async def check(self) -> str:
        """Ask once whether the token works; "" or what is wrong, in words."""
        try:
            if self._username:
                await self._bot.get_me()
            else:
                await self._bot.initialize()
        except InvalidToken as error:
            if not _is_foreign(error):
                return TOKEN_REFUSED
            return f"no answer from {self._settings.api_base} (a page that is not telegram's)"
        except TelegramError as error:
            why = error.message if isinstance(error, NotSent) else type(error).__name__
            return f"no answer from {self._settings.api_base} ({why})"
        self._username = self._bot.username.lower()
        return ""

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
            log.error("telegram is paused", problem=TOKEN_REFUSED)
        self.state.refused(TOKEN_REFUSED)

    async def _connect(self) -> bool:
        pause = 1.0
        while True:
            problem = await self.check()
            if not problem:
                break
            if problem == TOKEN_REFUSED:
                self._pause()
                return False
            self.state.trouble(problem)
            log.warning("telegram cannot be reached", problem=problem)
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)
        self.state.ready()
        log.info("telegram is connected", bot=self._bot.username)
        return True

    # ---------------------------------------------------------------------------------------------- receiving

    async def _receive(self) -> None:
        """Long polling. Updates are confirmed by the next call, so each is handled before it."""
        await self._quietly(self._bot.delete_webhook())
        await self._quietly(self._set_menu())
        offset, pause = 0, 1.0
        while True:
            try:
                updates = await self._bot.updates(offset)
                pause = 1.0
                if self.state.problem:
                    self.state.ready()
            except InvalidToken as error:
                if not _is_foreign(error):
                    self._pause()
                    return
                self.state.trouble("cannot receive (a page that is not telegram's); trying again")
                pause = min(LONGEST_PAUSE, pause * 2)
            except Conflict as error:
                await self._yield_to_nobody(error)
                pause = min(LONGEST_PAUSE, pause * 2)
            except RetryAfter as error:
                pause = _seconds(error.retry_after)
            except Exception as error:
                # Not only the library's own: of what is no update it makes whatever its constructors raise.
                self.state.trouble(f"cannot receive ({type(error).__name__}); trying again")
                pause = min(LONGEST_PAUSE, pause * 2)
            else:
                for number, update in updates:
                    if update is not None:
                        await self._handle(number, update)
                    offset = number + 1
                continue
            await asyncio.sleep(pause)

    async def _yield_to_nobody(self, error: Conflict) -> None:
        """Another program has the updates: said, and a webhook is taken away, since this bot polls."""
        if error.message.lower().startswith(WEBHOOK_IS_SET):
            self.state.trouble("another program set a webhook for this bot: it is taken away")
            await self._quietly(self._bot.delete_webhook())
        else:
            problem = "another program reads this bot's messages: stop the other one"
            if self.state.problem != problem:
                log.error("telegram has a second reader", problem=problem)
            self.state.trouble(problem, alarm="notice.second_reader")

    async def _set_menu(self) -> None:
        for language in ("ko", "en"):
            menu = [BotCommand(name, say(language, f"menu.{name}")) for name in MENU]
            await self._bot.set_my_commands(menu, language_code="" if language == "en" else language)

    async def _quietly(self, call: Coroutine[Any, Any, Any]) -> None:
        try:
            await call
        except TelegramError as error:
            log.info("telegram refused a convenience", problem=type(error).__name__)

    async def _handle(self, number: int, update: Update | Door) -> None:
        """What changes state is done here; only the sending of the answer goes on by itself."""
        try:
            if isinstance(update, Door):
                await self._note_door(update)
                return
            message = update.effective_message
            if message is None:
                return
            await self._note_change(message)
            command = self._command(message)
            if command is None:
                return
            answer = await self._answer(command)
            task = asyncio.create_task(self._reply(message, command, answer))
            self._replying.add(task)
            task.add_done_callback(self._replying.discard)
        except Exception:
            # One odd update must not stop the rest; it is confirmed, or it would come for ever.
            log.exception("an update could not be handled", update=number)

    async def _note_door(self, door: Door) -> None:
        chat = Chat(NAME, self.account, str(door.chat))
        if door.closed is None:
            await self._doors.let_in_again(chat)
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

    def _command(self, message: Message) -> Command | None:
        text = (message.text or "").strip()
        chat, user = message.chat, message.from_user
        private = chat.type == "private"
        if not text or (user is not None and user.is_bot and message.sender_chat is None):
            return None
        if not text.startswith("/"):
            if not private:
                return None
            text = f"/{text}"
        head, _, args = text[1:].partition(" ") if "\n" not in text.split(" ")[0] else text[1:].partition("\n")
        name, _, addressed = head.partition("@")
        if addressed and addressed.lower() != self._username:
            return None
        thread = str(message.message_thread_id) if message.is_topic_message and message.message_thread_id else ""
        speaks_as_chat = message.sender_chat is not None and message.sender_chat.id == chat.id
        user_id = 0 if user is None else user.id
        # A channel's post and an anonymous admin have no user of their own: the chat itself speaks.
        who = chat.id if speaks_as_chat or chat.type == "channel" else user_id

        async def is_chat_admin() -> bool | None:
            if private or speaks_as_chat or chat.type == "channel":
                return True
            return await self._is_admin(chat.id, user_id)

        return Command(
            name=name.lower(),
            args=args.strip(),
            chat=Chat(NAME, self.account, str(chat.id), thread),
            user=str(who),
            language=(user.language_code or "") if user else "",
            private=private,
            trusted=who in self._settings.admins,
            open=self._settings.open,
            is_chat_admin=is_chat_admin,
        )

    async def _is_admin(self, chat_id: int, user_id: int) -> bool | None:
        try:
            member = await self._bot.get_chat_member(chat_id, user_id)
        except TelegramError:
            return None
        return member.status in ("creator", "administrator")

    async def _reply(self, message: Message, command: Command, answer: Reply) -> None:
        settings = answer.settings or self._defaults
        thread = int(command.chat.thread) if command.chat.thread else None
        for text in render.reply(answer, settings):
            for attempt in (1, 2):
                await asyncio.sleep(self.pace.answer(command.chat, datetime.now(UTC)))
                try:
                    await self._bot.send_message(
                        message.chat.id,
                        text,
                        parse_mode=ParseMode.HTML,
                        message_thread_id=thread,
                        link_preview_options=LinkPreviewOptions(is_disabled=True),
                    )
                    break
                except RetryAfter as error:
                    if attempt == 2 or _seconds(error.retry_after) > ANSWER_WITHIN:
                        return
                    await asyncio.sleep(_seconds(error.retry_after))
                except TelegramError as error:
                    log.warning("an answer could not be sent", problem=type(error).__name__)
                    return

    # ------------------------------------------------------------------------------------------------ sending

    def split(self, alerts: Sequence[Alert], settings: ChatSettings) -> list[tuple[int, ...]]:
        """Which alerts each message of a round-up shows."""
        return [part.alert_ids for part in render.roundup(alerts, settings)]

    async def send(self, parcel: Outgoing) -> SendResult:
        """Post the alert, or a round-up, which never rings. Whether it left is told by the error's type."""
        shown = self._render(parcel)
        extra: dict[str, Any] = {"allow_paid_broadcast": True} if self._settings.paid_broadcast else {}
        try:
            message = await self._bot.send_message(
                int(parcel.chat.id),
                shown.html,
                message_thread_id=int(parcel.chat.thread) if parcel.chat.thread else None,
                disable_notification=isinstance(parcel, Roundup) or not is_urgent(parcel.alert),
                **_form(shown),
                **extra,
            )
            return Sent(str(message.message_id))
        except Exception as error:
            return self._result(error, parcel.chat)

    async def edit(self, parcel: Outgoing) -> SendResult:
        """Make the sent message show its alerts as they are now."""
        shown = self._render(parcel)
        message_id = parcel.delivery.message_id
        try:
            await self._bot.edit_message_text(
                shown.html, chat_id=int(parcel.chat.id), message_id=int(message_id), **_form(shown)
            )
        except BadRequest as error:
            return Sent(message_id) if _said(error).startswith(NOTHING_TO_EDIT) else self._result(error, parcel.chat)
        except Exception as error:
            return self._result(error, parcel.chat)
        return Sent(message_id)

    async def tell(self, chat: Chat, told: Reply) -> SendResult:
        """Post something that is no alert; it rings."""
        thread = int(chat.thread) if chat.thread else None
        result: SendResult = Sent("")
        try:
            for text in render.reply(told, self._defaults):
                message = await self._bot.send_message(
                    int(chat.id),
                    text,
                    parse_mode=ParseMode.HTML,
                    message_thread_id=thread,
                    link_preview_options=LinkPreviewOptions(is_disabled=True),
                )
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

    def _render(self, parcel: Outgoing) -> render.TelegramText:
        if isinstance(parcel, Roundup):
            message = parcel.message
            return render.roundup_message(parcel.alerts, parcel.settings, message.first, message.total)
        if parcel.delivery.plain:
            return render.plain_alert(parcel.alert, parcel.settings)
        pictures = parcel.settings.pictures and not parcel.delivery.pictureless
        return render.alert(parcel.alert, replace(parcel.settings, pictures=pictures))

    def _result(self, error: Exception, chat: Chat) -> SendResult:
        match error:
            case NotSent():
                return TryLater("telegram cannot be reached")
            case Cut():
                return Unknown("the connection was cut")
            case TimedOut():
                return Unknown("no answer in time")
            case RetryAfter():
                return TryLater("telegram asked us to wait", _seconds(error.retry_after))
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


def _door(changed: dict[str, Any]) -> Door:
    """The door that a `my_chat_member` update is about (https://core.telegram.org/bots/api#chatmember)."""
    chat, now = int(changed["chat"]["id"]), changed["new_chat_member"]
    kind = changed["chat"]["type"]
    match now:
        case {"status": "kicked"} if kind == "private":
            closed = ChatGone("bot was blocked by the user")
        case {"status": "kicked"}:
            closed = ChatGone(f"bot was kicked from the {kind} chat")
        case {"status": "left"} | {"status": "restricted", "is_member": False}:
            closed = ChatGone(f"bot is not a member of the {kind} chat")
        case {"status": "restricted", "can_send_messages": False}:
            closed = ChatGone("not enough rights to send text messages to the chat", speechless=True)
        case {"status": "administrator", "can_post_messages": False} if kind == "channel":
            closed = ChatGone("need administrator rights in the channel chat", speechless=True)
        case _:
            return Door(chat, None)
    return Door(chat, closed)


def _said(error: BadRequest) -> str:
    return error.message.lower().removeprefix("bad request: ")


def _is_foreign(error: BaseException) -> bool:
    """Whether the answer had no JSON in it; the library keeps that as the cause."""
    cause = error.__cause__
    return cause is not None and (type(cause) is TelegramError or _is_foreign(cause))


def _form(shown: render.TelegramText) -> dict[str, Any]:
    picture = shown.picture
    preview = LinkPreviewOptions(url=picture, prefer_large_media=True) if picture else LinkPreviewOptions(True)
    keyboard = None
    if shown.button:
        label, link = shown.button
        keyboard = InlineKeyboardMarkup([[InlineKeyboardButton(label, url=link)]])
    return {
        "parse_mode": None if shown.plain else ParseMode.HTML,
        "link_preview_options": preview,
        "reply_markup": keyboard,
    }


def _seconds(wait: int | timedelta) -> float:
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
