"""What people do on Telegram as commands: messages, channel posts, presses of buttons, inline queries."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from telegram import Bot, CallbackQuery, ChatMember, InlineQuery, Message, User
from telegram import Chat as TelegramChat
from telegram.error import TelegramError

from config.settings import Telegram as Settings
from locales import languages, say
from models import Chat, Command, Reply

NAME = "telegram"
BESIDE = "+"
"""Before what a button under an alert stands for: its answer must not take the alert's place."""
ADMINS = (ChatMember.OWNER, ChatMember.ADMINISTRATOR)
# A public name (https://core.telegram.org/method/account.checkUsername), or the id of a channel or supergroup.
ELSEWHERE = re.compile(r"(@[A-Za-z][A-Za-z0-9_]{3,31}|-100\d{8,12})(?!\S)\s*")
FOR_ELSEWHERE = frozenset({"subscribe", "unsubscribe", "subscriptions", "settings", "mute", "unmute", "stop"})
MARKED = re.compile(rf"(?:{re.escape(BESIDE)}|@(?P<chat>-?\d+) )?(?P<press>.*)", re.DOTALL)


# What the button to a further page stands for; in an inline list it is the offset of what comes next.
PAGE = re.compile(r"(?P<name>search|latest) page (?P<question>\d{1,12}) (?P<page>\d{1,6})")


@dataclass(frozen=True, slots=True)
class Asked:
    """A command, the chat where it is answered, and what stands before the presses of the answer's buttons.

    `refusal`: what is said instead of an answer. `beside`: the answer must not take the place of what was pressed.
    """

    command: Command
    answered_in: Chat
    mark: str = ""
    beside: bool = False
    refusal: Reply | None = None


class Incoming:
    """Makes commands of updates. `username` is the bot's own, in lower case, once it is known."""

    def __init__(self, bot: Bot, account: str, settings: Settings, language: str) -> None:
        self.username = ""
        self._bot = bot
        self._account = account
        self._settings = settings
        self._language = language

    async def message(self, message: Message) -> Asked | None:
        """What a message asks; None where it asks nothing, or another bot. Only what is typed counts: captions, and
        what was chosen from an inline list, are no commands."""
        text, user = (message.text or "").strip(), message.from_user
        if not text or message.via_bot or (user is not None and user.is_bot and message.sender_chat is None):
            return None
        private = message.chat.type == TelegramChat.PRIVATE
        if not text.startswith("/"):
            if not private:
                return None
            text = f"/{text}"
        head, _, args = text[1:].partition(" ") if "\n" not in text.split(" ")[0] else text[1:].partition("\n")
        name, _, addressed = head.partition("@")
        if addressed and addressed.lower() != self.username:
            return None
        command = self._of_message(message, user, name.lower(), args.strip())
        elsewhere = ELSEWHERE.match(command.args) if private and command.name in FOR_ELSEWHERE else None
        if elsewhere is not None and user is not None:
            return await self._elsewhere(command, user, elsewhere[1], command.args[elsewhere.end() :])
        return Asked(command, command.chat)

    def press(self, query: CallbackQuery) -> Asked | None:
        """What a button stands for; None where nobody can say which message held it."""
        message, found = query.message, MARKED.fullmatch(query.data or "")
        if message is None or found is None or not found["press"]:
            return None
        name, _, args = found["press"].partition(" ")
        thread = _thread_of(message) if isinstance(message, Message) else ""
        private = message.chat.type == TelegramChat.PRIVATE
        here = Chat(NAME, self._account, str(message.chat.id), thread)
        # Whoever reads a channel may press there, so unlike a post a press has to be asked about.
        may = _yes if private else partial(self.is_admin, message.chat.id, query.from_user.id)
        command = self._command(query.from_user, here, name, args, private=private, may=may, pressed=True)
        if found["chat"]:
            there = self._for_chat(command, query.from_user, int(found["chat"]), args)
            return Asked(there, here, mark=_mark(int(found["chat"])))
        return Asked(command, here, beside=(query.data or "").startswith(BESIDE))

    def inline(self, query: InlineQuery) -> Command:
        """A search by somebody who writes in any chat; without words, the newest."""
        words, further = query.query.strip(), PAGE.fullmatch(query.offset or "")
        private = Chat(NAME, self._account, str(query.from_user.id))
        name, args = ("search", words) if words else ("latest", "20")
        if further:
            name, args = further["name"], f"page {further['question']} {further['page']}"
        # A page is asked for as by its button: what was forgotten is then not searched for by its number.
        asked = self._command(query.from_user, private, name, args, private=True, may=_yes, pressed=bool(further))
        return replace(asked, metered=False)

    def _of_message(self, message: Message, user: User | None, name: str, args: str) -> Command:
        chat = message.chat
        private = chat.type == TelegramChat.PRIVATE
        # A channel's post and an anonymous admin have no user of their own: the chat itself speaks.
        as_the_chat = chat.type == TelegramChat.CHANNEL or (
            message.sender_chat is not None and message.sender_chat.id == chat.id
        )
        here = Chat(NAME, self._account, str(chat.id), _thread_of(message))
        may = _yes if private or as_the_chat else partial(self.is_admin, chat.id, user.id if user else 0)
        who = chat.id if as_the_chat else user.id if user else 0
        command = self._command(user, here, name, args, private=private, may=may)
        return replace(command, user=str(who), trusted=who in self._settings.admins)

    async def _elsewhere(self, command: Command, user: User, name: str, args: str) -> Asked:
        """A command written in private about a channel or group that the person names."""
        try:
            chat = await self._bot.get_chat(name if name.startswith("@") else int(name))
            bot = await self._bot.get_chat_member(chat.id, int(self._account))
            there = chat.type != TelegramChat.PRIVATE and bot.status not in (ChatMember.LEFT, ChatMember.BANNED)
            there = there and (chat.type != TelegramChat.CHANNEL or bot.status in ADMINS)
        except TelegramError:
            there = False
        if not there:
            spoken = command.language[:2].lower()
            told = say(spoken if spoken in languages() else self._language, "telegram.not_there", name=name)
            return Asked(command, command.chat, refusal=Reply(lines=(told,)))
        return Asked(self._for_chat(command, user, chat.id, args), command.chat, mark=_mark(chat.id))

    def _for_chat(self, command: Command, user: User, chat_id: int, args: str) -> Command:
        there = Chat(NAME, self._account, str(chat_id))
        may = partial(self.is_admin, chat_id, user.id)
        return replace(command, chat=there, args=args.strip(), private=False, is_chat_admin=may)

    def _command(
        self,
        user: User | None,
        chat: Chat,
        name: str,
        args: str,
        *,
        private: bool,
        may: Callable[[], Awaitable[bool | None]],
        pressed: bool = False,
    ) -> Command:
        return Command(
            name=name.lower(),
            args=args.strip(),
            chat=chat,
            user=str(user.id if user else 0),
            language=(user.language_code or "") if user else "",
            private=private,
            trusted=user is not None and user.id in self._settings.admins,
            open=self._settings.open,
            pressed=pressed,
            is_chat_admin=may,
        )

    async def is_admin(self, chat_id: int | str, user_id: int) -> bool | None:
        """Whether the person may change the chat; None when Telegram does not say."""
        try:
            member = await self._bot.get_chat_member(chat_id, user_id)
        except TelegramError:
            return None
        return member.status in ADMINS


async def _yes() -> bool | None:
    return True


def _mark(chat_id: int) -> str:
    """Before the presses of an answer about another chat than the one that holds it."""
    return f"@{chat_id} "


def _thread_of(message: Any) -> str:
    """Of a forum's topic; other threads are a matter between people."""
    return str(message.message_thread_id) if message.is_topic_message and message.message_thread_id else ""
