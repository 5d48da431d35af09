"""What people do on Telegram as commands: messages, channel posts, presses of buttons, inline queries."""

from dataclasses import dataclass
from typing import Any

from telegram import Bot, CallbackQuery, InlineQuery, Message, User
from telegram import Chat as TelegramChat
from telegram.error import TelegramError

from config.settings import Telegram as Settings
from models import Chat, Command
from platforms.telegram_answers import BESIDE

NAME = "telegram"


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody spoke, and as whom; `user` is 0 where nobody signs."""

    chat: TelegramChat
    thread: str
    user: int
    language: str
    as_the_chat: bool = False
    """A channel's post and an anonymous admin have no user of their own: the chat itself speaks."""

    @property
    def private(self) -> bool:
        return self.chat.type == TelegramChat.PRIVATE

    @property
    def who(self) -> int:
        return self.chat.id if self.as_the_chat else self.user


class Incoming:
    """Makes commands of updates. `username` is the bot's own, in lower case, once it is known."""

    def __init__(self, bot: Bot, account: str, settings: Settings) -> None:
        self.username = ""
        self._bot = bot
        self._account = account
        self._settings = settings

    def message(self, message: Message) -> Command | None:
        """The command that a message is, None where it is none or is addressed to another bot."""
        text, user = (message.text or "").strip(), message.from_user
        if not text or (user is not None and user.is_bot and message.sender_chat is None):
            return None
        place = _place_of(message, user)
        if not text.startswith("/"):
            if not place.private:
                return None
            text = f"/{text}"
        head, _, args = text[1:].partition(" ") if "\n" not in text.split(" ")[0] else text[1:].partition("\n")
        name, _, addressed = head.partition("@")
        if addressed and addressed.lower() != self.username:
            return None
        return self._command(place, name, args)

    def press(self, query: CallbackQuery) -> Command | None:
        """The command that a button stands for, None where nobody can say which message held it."""
        message, user = query.message, query.from_user
        if message is None or not query.data:
            return None
        # Whoever reads a channel may press there, so unlike a post a press has to be asked about.
        thread = _thread_of(message) if isinstance(message, Message) else ""
        place = Place(message.chat, thread, user.id, user.language_code or "")
        name, _, args = query.data.removeprefix(BESIDE).partition(" ")
        return self._command(place, name, args, pressed=True)

    def inline(self, query: InlineQuery) -> Command:
        """A search by somebody who writes in any chat; without words, the newest."""
        user, words = query.from_user, query.query.strip()
        place = Place(TelegramChat(user.id, TelegramChat.PRIVATE), "", user.id, user.language_code or "")
        return self._command(place, "search" if words else "latest", words)

    def _command(self, place: Place, name: str, args: str, *, pressed: bool = False) -> Command:
        async def is_chat_admin() -> bool | None:
            if place.private or place.as_the_chat:
                return True
            return await self.is_admin(place.chat.id, place.user)

        return Command(
            name=name.lower(),
            args=args.strip(),
            chat=Chat(NAME, self._account, str(place.chat.id), place.thread),
            user=str(place.who),
            language=place.language,
            private=place.private,
            trusted=place.who in self._settings.admins,
            open=self._settings.open,
            pressed=pressed,
            is_chat_admin=is_chat_admin,
        )

    async def is_admin(self, chat_id: int | str, user_id: int) -> bool | None:
        """Whether the person may change the chat; None when Telegram does not say."""
        try:
            member = await self._bot.get_chat_member(chat_id, user_id)
        except TelegramError:
            return None
        return member.status in ("creator", "administrator")


def _place_of(message: Message, user: User | None) -> Place:
    chat = message.chat
    as_the_chat = chat.type == TelegramChat.CHANNEL or (
        message.sender_chat is not None and message.sender_chat.id == chat.id
    )
    language = (user.language_code or "") if user else ""
    return Place(chat, _thread_of(message), user.id if user else 0, language, as_the_chat)


def _thread_of(message: Any) -> str:
    """Of a forum's topic; other threads are a matter between people."""
    return str(message.message_thread_id) if message.is_topic_message and message.message_thread_id else ""
