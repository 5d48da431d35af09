"""The library's bot, where it reads more than it should: updates one by one, and of a sent message only its id."""

from dataclasses import dataclass
from typing import Any

import structlog
from telegram import Bot, Update
from telegram.request import RequestData
from telegram.request._requestparameter import RequestParameter

from models import ChatGone

log = structlog.get_logger()

POLL = 25
TIMEOUT = 15.0
ALLOWED = ["message", "channel_post", "callback_query", "inline_query", "my_chat_member"]


@dataclass(frozen=True, slots=True)
class Door:
    """What the bot is in a chat has changed; `closed` says what keeps it from writing there, if anything does; `by`
    is who changed it."""

    chat: int
    closed: ChatGone | None
    by: str = ""


class Receiver(Bot):
    """A bot that one update does not stop which the library cannot read, and that reads no more than it needs.

    It lacks fields that a server of another version leaves out, and then refuses the whole answer, for ever.
    """

    async def updates(self, offset: int) -> list[tuple[int, Door | Update | None]]:
        """What came in, by long polling, with its numbers; None for what cannot be read. Raises what `get_updates`
        raises."""
        data = {"timeout": POLL, "offset": offset, "allowed_updates": ALLOWED}
        found: Any = await self._post("getUpdates", data, read_timeout=POLL + TIMEOUT)
        return [(int(update["update_id"]), self.read(update)) for update in found]

    async def post(self, method: str, message: dict[str, Any]) -> int:
        """Send or edit a message; its id. Raises what the library raises, and others where the answer is no message.

        `message` is plain JSON, and of what comes back the id is read: the library looks at each value for its own
        types, and makes dozens of them of the answer, which costs as much as the call.
        """
        told = [RequestParameter(name, value, None) for name, value in message.items() if value is not None]
        posted: Any = await self.request.post(f"{self.base_url}/{method}", RequestData(told))
        return int(posted["message_id"])

    def read(self, update: dict[str, Any]) -> Door | Update | None:
        """One update as Telegram writes it; None where it cannot be read."""
        try:
            return _door(update["my_chat_member"]) if "my_chat_member" in update else Update.de_json(update, self)
        except Exception as error:
            log.error("an update could not be read", update=update["update_id"], kind=type(error).__name__)
            return None


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
            return Door(chat, None, str(changed.get("from", {}).get("id", "")))
    return Door(chat, closed)
