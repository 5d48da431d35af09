"""The page and the terminal as a chat: where alerts go when nothing else is connected, and beside the rest."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from delivery import AccountPace, CannotLook, Limit, LookUp
from models import Alert, Chat, ChatSettings, Outgoing, Parcel, Reply, SendResult, Sent
from platforms.state import State

CHAT = Chat("console", "", "page")
BEHIND = 200
"""Alerts that a reader of the page may be behind before its stream is ended; the browser then connects anew."""


class Console:
    """Hands every alert to whoever has the page open, and a line to the terminal."""

    name = "console"
    can_look = False
    alarm = None

    def __init__(self, line: Callable[[Alert, bool], None]) -> None:
        self.state = State(self.name)
        self.pace = AccountPace(1000, lambda _: (Limit(1000, 1),))
        self.state.ready()
        self._line = line
        self._readers: set[asyncio.Queue[Alert | None]] = set()

    @property
    def ready(self) -> bool:
        return True

    def start_link(self, parameter: str) -> str:
        """There are no such links here."""
        return ""

    def split(self, alerts: Sequence[Alert], settings: ChatSettings) -> list[tuple[int, ...]]:
        return [tuple(alert.id for alert in alerts)]

    async def send(self, outgoing: Outgoing) -> SendResult:
        """The page and the terminal are lists already: a round-up comes as its alerts."""
        for alert in outgoing.alerts:
            self._line(alert, False)
            self._tell(alert)
        return Sent(str(outgoing.delivery.id))

    async def edit(self, outgoing: Outgoing) -> SendResult:
        for parcel in outgoing.parcels:
            if parcel.delivery.shown < parcel.delivery.wanted:
                self._line(parcel.alert, True)
                self._tell(parcel.alert)
        return Sent(outgoing.delivery.message_id)

    async def reply(self, parcel: Parcel) -> SendResult:
        """The page draws an alert as it is now."""
        return await self.edit(parcel)

    async def look_up(self, outgoing: Outgoing, called_at: datetime) -> LookUp:
        return CannotLook()

    async def tell(self, chat: Chat, told: Reply) -> SendResult:
        """Nobody is told things here: the page shows what is open, and the log has all of it."""
        return Sent("")

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
