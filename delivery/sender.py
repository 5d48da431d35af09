"""What a platform offers to the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from delivery.ledger import LookUp
from delivery.pace import AccountPace
from locales import say
from models import Alert, Chat, ChatSettings, Outgoing, Parcel, Reply, SendResult


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with an account: a text of the locales ("account.…"), and what fills it."""

    text: str
    words: tuple[tuple[str, str], ...] = ()

    @staticmethod
    def of(text: str, **words: str) -> "Problem":
        return Problem(f"account.{text}", tuple(words.items()))

    def said(self, language: str) -> str:
        return say(language, self.text, **dict(self.words))


@dataclass(frozen=True, slots=True)
class Alarm:
    """What an account's admins are told: a text of the locales ("notice.…"), and the problem."""

    text: str
    problem: Problem


class Sender(Protocol):
    """One platform's way out. Its methods never raise a platform's exception: every answer is a SendResult."""

    @property
    def name(self) -> str:
        """ "telegram", "slack" or "console": the word in `Chat.platform`."""
        ...

    @property
    def ready(self) -> bool:
        """Whether calls may be made now; while not, deliveries wait."""
        ...

    @property
    def alarm(self) -> Alarm | None:
        """What admins must know about the account, as long as it is so."""
        ...

    @property
    def pace(self) -> AccountPace:
        """How fast the account and its chats may be called; shared with the answers to commands."""
        ...

    @property
    def can_look(self) -> bool:
        """Whether `look_up` can ever tell."""
        ...

    def start_link(self, parameter: str) -> str:
        """An address that opens the bot with /start and this word; "" where there is none."""
        ...

    def split(self, alerts: Sequence[Alert], settings: ChatSettings) -> list[tuple[int, ...]]:
        """The ids of the alerts that each message of a round-up shows, in order: in as few messages as fit."""
        ...

    async def send(self, outgoing: Outgoing) -> SendResult:
        """Post the alert, or the message of a round-up, as a new message."""
        ...

    async def edit(self, outgoing: Outgoing) -> SendResult:
        """Make the message `outgoing.delivery.message_id` show what it shows as that is now."""
        ...

    async def reply(self, parcel: Parcel) -> SendResult:
        """Say below the message `parcel.delivery.message_id` which further sources carry its alert; silently."""
        ...

    async def look_up(self, outgoing: Outgoing, called_at: datetime) -> LookUp:
        """Whether the message of a call made at `called_at` stands in the chat."""
        ...

    async def tell(self, chat: Chat, told: Reply) -> SendResult:
        """Post something that is no alert: what admins are told."""
        ...
