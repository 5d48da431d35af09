"""The command menus: which commands Telegram offers whom, in which language."""

from collections.abc import Iterable

from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeDefault,
)
from telegram.error import TelegramError

from locales import say

READING = ("latest", "search")
CHANGING = ("subscribe", "subscriptions", "unsubscribe", "settings", "mute", "unmute")
DESK = ("sources", "held", "invite")
LANGUAGES = ("", "ko")
"""Of the menus: English is what people of all other languages are shown."""

IN_PRIVATE = (*READING, *CHANGING, "stop", "forget", "help", "start")
IN_GROUPS = (*READING, "help")
OF_CHAT_ADMINS = (*READING, *CHANGING, "stop", "help")
OF_BOT_ADMINS = (*IN_PRIVATE[:-1], *DESK)
EVERY_COMMAND = frozenset({*IN_PRIVATE, *IN_GROUPS, *OF_CHAT_ADMINS, *OF_BOT_ADMINS})


def scopes(admins: Iterable[int]) -> list[tuple[BotCommandScope, tuple[str, ...]]]:
    """Who is offered what; the narrowest scope wins (https://core.telegram.org/bots/api#botcommandscope)."""
    return [
        (BotCommandScopeDefault(), IN_GROUPS),
        (BotCommandScopeAllPrivateChats(), IN_PRIVATE),
        (BotCommandScopeAllGroupChats(), IN_GROUPS),
        (BotCommandScopeAllChatAdministrators(), OF_CHAT_ADMINS),
        *((BotCommandScopeChat(admin), OF_BOT_ADMINS) for admin in admins),
    ]


async def set_menus(bot: Bot, admins: Iterable[int]) -> int:
    """Offer everybody what they may use; returns how many menus Telegram did not take, such as that of an admin who
    never wrote to the bot."""
    refused = 0
    for scope, names in scopes(admins):
        for language in LANGUAGES:
            menu = [BotCommand(name, say(language or "en", f"menu.{name}")) for name in names]
            try:
                await bot.set_my_commands(menu, scope, language)
            except TelegramError:
                refused += 1
    return refused
