"""What a platform offers to the ledger."""

from datetime import datetime
from typing import Protocol

from delivery.ledger import LookUp
from models import Parcel, SendResult


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
    def per_second(self) -> float:
        """Messages a second that the account may send."""
        ...

    @property
    def edits_per_second(self) -> float:
        """Edits a second that the account may make."""
        ...

    @property
    def can_look(self) -> bool:
        """Whether `look_up` can ever tell."""
        ...

    async def send(self, parcel: Parcel) -> SendResult:
        """Post the alert as a new message."""
        ...

    async def edit(self, parcel: Parcel) -> SendResult:
        """Make the message `parcel.delivery.message_id` show the alert as it is now."""
        ...

    async def look_up(self, parcel: Parcel, called_at: datetime) -> LookUp:
        """Whether the message of a call made at `called_at` stands in the chat."""
        ...
