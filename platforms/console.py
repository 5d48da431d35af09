"""The page and the terminal as a chat: where alerts go when nothing else is connected, and beside the rest."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from delivery import CannotLook, LookUp
from models import Alert, Chat, Parcel, SendResult, Sent
from platforms.state import State

CHAT = Chat("console", "", "page")
BEHIND = 200
"""Alerts that a reader of the page may be behind before its stream is ended; the browser then connects anew."""


class Console:
    """Hands every alert to whoever has the page open, and a line to the terminal."""

    name = "console"
    per_second = 1000.0
    edits_per_second = 1000.0
    can_look = False

    def __init__(self, line: Callable[[Alert, bool], None]) -> None:
        self.state = State(self.name)
        self.state.ready()
        self._line = line
        self._readers: set[asyncio.Queue[Alert | None]] = set()

    @property
    def ready(self) -> bool:
        return True

    async def send(self, parcel: Parcel) -> SendResult:
        self._line(parcel.alert, False)
        self._tell(parcel.alert)
        return Sent(str(parcel.delivery.id))

    async def edit(self, parcel: Parcel) -> SendResult:
        self._line(parcel.alert, True)
        self._tell(parcel.alert)
        return Sent(parcel.delivery.message_id)

    async def look_up(self, parcel: Parcel, called_at: datetime) -> LookUp:
        return CannotLook()

    def read(self) -> asyncio.Queue[Alert | None]:
        """Alerts from now on, then None at the end of the desk; give it back with `leave`."""
        queue: asyncio.Queue[Alert | None] = asyncio.Queue()
        self._readers.add(queue)
        return queue

    def leave(self, queue: asyncio.Queue[Alert | None]) -> None:
        self._readers.discard(queue)

    def close(self) -> None:
        """End every stream, or the server would wait for its readers."""
        for queue in self._readers:
            queue.put_nowait(None)

    def _tell(self, alert: Alert) -> None:
        for queue in self._readers:
            queue.put_nowait(alert if queue.qsize() < BEHIND else None)
