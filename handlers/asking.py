"""A command with what the desk knows about who asks."""

from dataclasses import dataclass, replace
from typing import Any

from locales import languages, say
from models import ChatSettings, Command
from pipeline import Desk
from storage import chats
from storage.access import Admin
from storage.chats import KnownChat


@dataclass(frozen=True, slots=True)
class Asking:
    """The command, the desk, the chat's row (None: it never subscribed) and how to talk to it. `around`: the chat's row
    or, for a thread without one, that of the chat whose thread it is."""

    desk: Desk
    command: Command
    known: KnownChat | None
    around: KnownChat | None
    chat_settings: ChatSettings

    def say(self, key: str, **values: Any) -> str:
        """A text in the chat's language."""
        return say(self.chat_settings.language, key, **values)


async def ask(desk: Desk, command: Command) -> Asking:
    """Look the chat up. One that asks again after its door was closed is let in again."""
    async with desk.database.read() as connection:
        known = around = await chats.find(connection, command.chat)
        if known is None and command.chat.thread:
            around = await chats.find(connection, replace(command.chat, thread=""))
    if known is not None and known.paused:
        await desk.let_in_again(command.chat)
    settings = known.settings if known else settings_for(desk, command, around)
    if Admin(command.chat.platform, command.chat.account, command.user) in desk.claimed:
        command = replace(command, trusted=True)
    return Asking(desk, command, known, around, settings)


def settings_for(desk: Desk, command: Command, around: KnownChat | None = None) -> ChatSettings:
    """How to talk to a chat that has chosen nothing: as its thread's chat chose, in a person's own language, else in
    the desk's."""
    if around is not None:
        return ChatSettings(around.settings.language, around.settings.timezone)
    spoken = command.language[:2].lower()
    language = spoken if command.private and spoken in languages() else desk.settings.language
    return ChatSettings(language, desk.settings.timezone)
