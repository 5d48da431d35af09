"""A platform in memory: says what a test tells it to say, and remembers what it was asked."""

import asyncio
from collections import defaultdict, deque
from datetime import datetime

from delivery import CannotLook, LookUp
from models import Parcel, SendResult, Sent


class ScriptedSender:
    """Answers `Sent` unless a chat has a script; `shown[chat]` is what stands in each chat, as headlines."""

    def __init__(self, name: str = "scripted", *, can_look: bool = False) -> None:
        self.name = name
        self.ready = True
        self.per_second = self.edits_per_second = 100_000.0
        self.can_look = can_look
        self.script: defaultdict[str, deque[SendResult]] = defaultdict(deque)
        self.looks: deque[LookUp] = deque()
        self.shown: defaultdict[str, list[str]] = defaultdict(list)
        self.sent: list[Parcel] = []
        self.edited: list[Parcel] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.at_once: dict[str, int] = defaultdict(int)
        self.most_at_once = 0

    async def send(self, parcel: Parcel) -> SendResult:
        chat = parcel.chat.id
        self.at_once[chat] += 1
        self.most_at_once = max(self.most_at_once, self.at_once[chat])
        if chat in self.gates:
            await self.gates[chat].wait()
        self.at_once[chat] -= 1
        self.sent.append(parcel)
        result = self.script[chat].popleft() if self.script[chat] else Sent(str(len(self.sent)))
        if isinstance(result, Sent):
            self.shown[chat].append(parcel.alert.headline)
        return result

    async def edit(self, parcel: Parcel) -> SendResult:
        self.edited.append(parcel)
        script = self.script[f"edit {parcel.chat.id}"]
        return script.popleft() if script else Sent(parcel.delivery.message_id)

    async def look_up(self, parcel: Parcel, called_at: datetime) -> LookUp:
        return self.looks.popleft() if self.looks else CannotLook()
