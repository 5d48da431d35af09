"""Answers on Telegram: new messages, changed ones below pressed buttons, and words over the chat for one person."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

import structlog
from telegram import (
    Bot,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    MaybeInaccessibleMessage,
    ReplyParameters,
)
from telegram.constants import ParseMode
from telegram.error import BadRequest, RetryAfter, TelegramError

from delivery import AccountPace
from formatters import parts
from formatters import telegram as render
from models import Chat, ChatSettings, Command, Reply

log = structlog.get_logger()

BESIDE = "+"
"""Before what a button under an alert stands for: its answer must not take the alert's place."""
ACKNOWLEDGE_WITHIN = 1.0
ANSWER_WITHIN = 20.0
NOTHING_TO_EDIT = "message is not modified"


class Answers:
    """Brings replies to where they were asked for, within the account's pace."""

    def __init__(self, bot: Bot, pace: AccountPace, defaults: ChatSettings) -> None:
        self._bot = bot
        self._pace = pace
        self._defaults = defaults
        self._turns: WeakValueDictionary[tuple[int, int], asyncio.Lock] = WeakValueDictionary()

    def drawn(self, answer: Reply) -> list[dict[str, Any]]:
        """What each message of the answer holds: text, form, and the buttons below the last one."""
        forms = [{"text": text, **FORM} for text in render.reply(answer, answer.settings or self._defaults)]
        if forms and (rows := render.keyboard(answer)):
            forms[-1]["reply_markup"] = keyboard(rows, "")
        return forms

    async def to_command(self, command: Command, answer: Reply) -> None:
        """New messages in the chat that asked, the buttons below the last one."""
        await self._send(command.chat, answer)

    async def to_press(self, query: CallbackQuery, command: Command, answering: Awaitable[Reply]) -> None:
        """The press is acknowledged at once; then its message is changed, or one person told, or a message added."""
        message = query.message
        assert message is not None
        asked = asyncio.ensure_future(answering)
        await asyncio.wait([asked], timeout=ACKNOWLEDGE_WITHIN)
        early = asked.result() if asked.done() and asked.exception() is None else None
        beside = (query.data or "").startswith(BESIDE)
        told = self._told_to_one(early, command, beside=beside) if early else ""
        toast = early.toast if early else ""
        await self.quietly(
            self._bot.answer_callback_query(query.id, told or render.toast(toast) or None, show_alert=bool(told))
        )
        answer = await asked
        if told:
            return
        if beside:
            await self._send(command.chat, answer, below=message.message_id)
        else:
            await self._change(message, command.chat, answer)

    @staticmethod
    def _told_to_one(answer: Reply, command: Command, *, beside: bool) -> str:
        """What is said over the chat to the person who pressed, and to nobody else: all that is neither for the whole
        chat nor something to look through."""
        if command.private or answer.public or answer.stories or answer.buttons:
            return ""
        told = render.popup(answer)
        return "" if beside and told.endswith("…") else told

    async def _change(self, message: MaybeInaccessibleMessage, chat: Chat, answer: Reply) -> None:
        """Make the message that held the button show the answer; where it is out of reach, send the answer anew.

        What was pressed later is shown later: one change of a message at a time, in the order of the presses.
        """
        place = (message.chat.id, message.message_id)
        turn = self._turns.setdefault(place, asyncio.Lock())
        async with turn:
            messages = self.drawn(answer)
            if not messages:
                return

            async def edit() -> None:
                await self._bot.edit_message_text(chat_id=place[0], message_id=place[1], **messages[0])

            changed = await self._in_time(chat, edit)
            if changed is not None:
                await self._send(chat, answer, after=1 if changed else 0)

    async def _send(self, chat: Chat, answer: Reply, *, after: int = 0, below: int = 0) -> None:
        """The answer's messages, the first `after` of them left out; the first one as a reply to `below`."""
        thread = int(chat.thread) if chat.thread else None
        for number, drawn in enumerate(self.drawn(answer)[after:], after + 1):
            to = ReplyParameters(below, allow_sending_without_reply=True) if below and number == 1 else None

            async def send(form: dict[str, Any] = drawn, to: ReplyParameters | None = to) -> None:
                await self._bot.send_message(int(chat.id), message_thread_id=thread, reply_parameters=to, **form)

            if not await self._in_time(chat, send):
                return

    async def _in_time(self, chat: Chat, call: Callable[[], Awaitable[None]]) -> bool | None:
        """Make the call when its turn comes, once more when Telegram asks for a short wait. Whether it was taken; None
        when it had no answer, or another call would fare no better."""
        for attempt in (1, 2):
            await asyncio.sleep(self._pace.answer(chat, datetime.now(UTC)))
            try:
                await call()
            except RetryAfter as error:
                wait = seconds(error.retry_after)
                if attempt == 2 or wait > ANSWER_WITHIN:
                    return None
                await asyncio.sleep(wait)
            except BadRequest as error:
                if error.message.lower().removeprefix("bad request: ").startswith(NOTHING_TO_EDIT):
                    return True  # pressed twice
                log.info("telegram refused an answer", problem=error.message)
                return False
            except TelegramError as error:
                log.warning("an answer could not be sent", problem=type(error).__name__)
                return None
            else:
                return True
        return None

    async def quietly(self, call: Awaitable[Any]) -> None:
        """A call that makes things nicer; what Telegram says to it changes nothing."""
        try:
            await call
        except TelegramError as error:
            log.info("telegram refused a convenience", problem=type(error).__name__)


FORM: dict[str, Any] = {
    "parse_mode": ParseMode.HTML,
    "link_preview_options": LinkPreviewOptions(is_disabled=True),
}


def keyboard(rows: parts.Rows, mark: str) -> InlineKeyboardMarkup:
    """Inline buttons; `mark` stands before what each of them stands for."""
    return InlineKeyboardMarkup(
        [
            [
                InlineKeyboardButton(one.label, url=one.url)
                if one.url
                else InlineKeyboardButton(one.label, callback_data=f"{mark}{one.press}")
                for one in row
            ]
            for row in rows
        ]
    )


def seconds(wait: int | timedelta) -> float:
    """How long Telegram asks to wait, in seconds."""
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
