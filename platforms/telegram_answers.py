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
    InlineQuery,
    InlineQueryResultArticle,
    InlineQueryResultsButton,
    InputTextMessageContent,
    LinkPreviewOptions,
    MaybeInaccessibleMessage,
    ReplyParameters,
)
from telegram.constants import ParseMode
from telegram.error import BadRequest, RetryAfter, TelegramError

from delivery import AccountPace
from formatters import parts
from formatters import telegram as render
from models import Button, Chat, ChatSettings, Reply, Story
from platforms.telegram_incoming import PAGE, Asked

log = structlog.get_logger()

ACKNOWLEDGE_WITHIN = 1.0
ANSWER_WITHIN = 20.0
NOTHING_TO_EDIT = "message is not modified"
LONGEST_DATA = 64
"""Bytes of `callback_data` (https://core.telegram.org/bots/api#inlinekeyboardbutton)."""
MOST_RESULTS, BAR = 50, 64
"""Of an inline answer (https://core.telegram.org/bots/api#answerinlinequery)."""
CACHED = 30
FROM_INLINE = "inline"
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
FORM: dict[str, Any] = {"parse_mode": ParseMode.HTML, "link_preview_options": NO_PREVIEW}


class Answers:
    """Brings replies to where they were asked for, within the account's pace."""

    def __init__(self, bot: Bot, pace: AccountPace, defaults: ChatSettings) -> None:
        self._bot = bot
        self._pace = pace
        self._defaults = defaults
        self._turns: WeakValueDictionary[tuple[int, int], asyncio.Lock] = WeakValueDictionary()

    def drawn(self, answer: Reply, mark: str = "") -> list[dict[str, Any]]:
        """What each message of the answer holds: text, form, and the buttons below the last one."""
        forms = [{"text": text, **FORM} for text in render.reply(answer, answer.settings or self._defaults)]
        if forms and (rows := render.keyboard(answer)):
            forms[-1]["reply_markup"] = keyboard(rows, mark)
        return forms

    async def to_command(self, asked: Asked, answer: Reply) -> None:
        """New messages in the chat that asked, the buttons below the last one."""
        await self._send(asked, answer)

    async def to_press(self, query: CallbackQuery, asked: Asked, answering: Awaitable[Reply]) -> None:
        """The press is acknowledged at once; then its message is changed, or one person told, or a message added."""
        message = query.message
        assert message is not None
        task = asyncio.ensure_future(answering)
        await asyncio.wait([task], timeout=ACKNOWLEDGE_WITHIN)
        early = task.result() if task.done() and task.exception() is None else None
        told = self._told_to_one(early, asked) if early else ""
        toast = early.toast if early else ""
        await self.quietly(
            self._bot.answer_callback_query(query.id, told or render.toast(toast) or None, show_alert=bool(told))
        )
        answer = await task
        if told:
            return
        if asked.beside:
            await self._send(asked, answer, below=message.message_id)
        else:
            await self._change(message, asked, answer)

    async def to_inline(self, query: InlineQuery, answer: Reply) -> None:
        """A list to choose from; what is chosen is posted as the alert it stands for. An empty one has words above."""
        settings = answer.settings or self._defaults
        results = [_result(story, settings) for story in answer.stories[:MOST_RESULTS]]
        said = "" if results else render.toast(answer.title or " ".join(answer.lines[:1]))[:BAR]
        await self.quietly(
            self._bot.answer_inline_query(
                query.id,
                results,
                cache_time=CACHED,
                is_personal=True,
                next_offset=_next_page(query.offset or "", answer),
                button=InlineQueryResultsButton(said, start_parameter=FROM_INLINE) if said else None,
            )
        )

    @staticmethod
    def _told_to_one(answer: Reply, asked: Asked) -> str:
        """What is said over the chat to the person who pressed, and to nobody else: all that is neither for the whole
        chat nor something to look through."""
        if not asked.answered_in.id.startswith("-") or answer.public or answer.stories or answer.buttons:
            return ""
        told = render.popup(answer)
        return "" if asked.beside and told.endswith("…") else told

    async def _change(self, message: MaybeInaccessibleMessage, asked: Asked, answer: Reply) -> None:
        """Make the message that held the button show the answer; where it is out of reach, send the answer anew.

        What was pressed later is shown later: one change of a message at a time, in the order of the presses.
        """
        place = (message.chat.id, message.message_id)
        turn = self._turns.setdefault(place, asyncio.Lock())
        async with turn:
            messages = self.drawn(answer, asked.mark)
            if not messages:
                return

            async def edit() -> None:
                await self._bot.edit_message_text(chat_id=place[0], message_id=place[1], **messages[0])

            changed = await self._in_time(asked.answered_in, edit)
            if changed is not None:
                await self._send(asked, answer, after=1 if changed else 0)

    async def _send(self, asked: Asked, answer: Reply, *, after: int = 0, below: int = 0) -> None:
        """The answer's messages, the first `after` of them left out; the first one as a reply to `below`."""
        chat = asked.answered_in
        thread = int(chat.thread) if chat.thread else None
        for number, drawn in enumerate(self.drawn(answer, asked.mark)[after:], after + 1):
            to = ReplyParameters(below, allow_sending_without_reply=True) if below and number == 1 else None

            async def send(form: dict[str, Any] = drawn, to: ReplyParameters | None = to) -> None:
                await self._bot.send_message(int(chat.id), message_thread_id=thread, reply_parameters=to, **form)

            if not await self._in_time(chat, send):
                return

    async def _in_time(self, chat: Chat, call: Callable[[], Awaitable[None]]) -> bool | None:
        """Make the call when its turn comes, once more when Telegram asks for a short wait. Whether it was taken; None
        when it had no answer, or another call would fare no better."""
        for attempt in (1, 2):
            try:
                async with self._pace.answer(chat, datetime.now(UTC)):
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


def keyboard(rows: parts.Rows, mark: str) -> InlineKeyboardMarkup | None:
    """Inline buttons; `mark` stands before what each of them stands for. What gets too long by it is left out."""
    drawn = [[button for one in row if (button := _button(one, mark))] for row in rows]
    return InlineKeyboardMarkup([row for row in drawn if row]) if any(drawn) else None


def _button(button: Button, mark: str) -> InlineKeyboardButton | None:
    if button.url:
        return InlineKeyboardButton(button.label, url=button.url)
    data = f"{mark}{button.press}"
    return InlineKeyboardButton(button.label, callback_data=data) if len(data.encode()) <= LONGEST_DATA else None


def _next_page(offset: str, answer: Reply) -> str:
    """The press that leads from this page to the next, "" where there is none."""
    now = PAGE.fullmatch(offset)
    wanted = int(now["page"]) + 1 if now else 2
    presses = (button.press for row in answer.buttons for button in row)
    pages = (found for press in presses if (found := PAGE.fullmatch(press)))
    return next((page[0] for page in pages if int(page["page"]) == wanted), "")


def _result(story: Story, settings: ChatSettings) -> InlineQueryResultArticle:
    """One line of an inline list, and the alert that it becomes."""
    shown = render.alert(story.alert, settings)
    title, told = render.inline_line(story, settings)
    opens = ((Button(shown.button[0], url=shown.button[1]),),) if shown.button else ()
    preview = LinkPreviewOptions(url=shown.picture, prefer_large_media=True) if shown.picture else NO_PREVIEW
    return InlineQueryResultArticle(
        id=str(story.alert.id),
        title=title,
        description=told,
        thumbnail_url=shown.picture or None,
        input_message_content=InputTextMessageContent(shown.html, ParseMode.HTML, link_preview_options=preview),
        reply_markup=keyboard(opens, ""),
    )


def seconds(wait: int | timedelta) -> float:
    """How long Telegram asks to wait, in seconds."""
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
