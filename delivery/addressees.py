"""Whom the desk tells things: the chats of the configuration, else its admins in private."""

import re
from collections.abc import Iterable

from models import Chat

ADDRESSEE = re.compile(r"(?:telegram:(?P<chat>-?\d+)(?:/(?P<thread>\d+))?|slack:(?:(?P<team>[TE]\w+)/)?(?P<place>\w+))")


def addressees(
    chats: Iterable[str], telegram_admins: Iterable[int], slack_admins: Iterable[str], claimed: Iterable[str] = ()
) -> tuple[str, ...]:
    """The desk's chats; where there are none, its admins: a Telegram user's chat has the user's id, and Slack takes a
    user's id for a direct message (https://docs.slack.dev/reference/methods/chat.postMessage)."""
    people = [f"telegram:{one}" for one in telegram_admins]
    people += [f"slack:{one.replace(':', '/')}" for one in slack_admins]
    return tuple(dict.fromkeys([*chats] or [*people, *claimed]))


def name_of(chat: Chat) -> str:
    """A chat as people write it: "telegram:-100", "telegram:-100/5", "slack:C0"."""
    return f"{chat.platform}:{chat.id}{f'/{chat.thread}' if chat.thread else ''}"


def person(chat: Chat, user: str) -> str:
    """A user of the chat's platform as an addressee; "" when it is not known who, or the chat is that person's own."""
    if not user or user == chat.id:
        return ""
    return f"{chat.platform}:{chat.account}/{user}" if chat.platform == "slack" else f"{chat.platform}:{user}"


def chat_at(addressee: str) -> Chat | None:
    """ "telegram:-100", "telegram:-100/5" (a topic), "slack:C0" or "slack:T0/C0" as a chat; None for anything else."""
    found = ADDRESSEE.fullmatch(addressee)
    if found is None:
        return None
    if found["chat"]:
        return Chat("telegram", "", found["chat"], found["thread"] or "")
    return Chat("slack", found["team"] or "", found["place"])


def can_call_here(chat: Chat) -> bool:
    """Whether a message there can call everybody who is there."""
    return chat.platform == "slack"
