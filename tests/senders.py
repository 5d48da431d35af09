"""A platform in memory: says what a test tells it to say, and remembers what it was asked."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import datetime

from delivery import AccountPace, Alarm, CannotLook, Limit, LookUp
from models import Alert, Chat, ChatGone, ChatSettings, Outgoing, Parcel, Reply, Roundup, SendResult, Sent


class ScriptedSender:
    """Answers `Sent` unless a chat has a script; `shown[chat]` is what stands in each chat, as headlines.

    A round-up shows as its headlines in one line; `most_lines` is how many one message takes. An edit changes what is
    shown.
    """

    def __init__(self, name: str = "scripted", *, can_look: bool = False, most_lines: int = 100) -> None:
        self.name = name
        self.ready = True
        self.pace = AccountPace(100_000, lambda _: (Limit(100, 1),))
        self.alarm: Alarm | None = None
        self.can_look = can_look
        self.most_lines = most_lines
        self.script: defaultdict[str, deque[SendResult]] = defaultdict(deque)
        self.looks: deque[LookUp] = deque()
        self.looked: list[Outgoing] = []
        self.shown: defaultdict[str, list[str]] = defaultdict(list)
        self.sent: list[Outgoing] = []
        self.edited: list[Outgoing] = []
        self.replied: list[Parcel] = []
        self.told: list[tuple[str, Reply]] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.at_once: dict[str, int] = defaultdict(int)
        self.most_at_once = 0

    def start_link(self, parameter: str) -> str:
        return f"https://bot.example/{parameter}"

    def split(self, alerts: Sequence[Alert], settings: ChatSettings) -> list[tuple[int, ...]]:
        ids = [alert.id for alert in alerts]
        return [tuple(ids[first : first + self.most_lines]) for first in range(0, len(ids), self.most_lines)]

    async def send(self, outgoing: Outgoing) -> SendResult:
        chat = outgoing.chat.id
        self.at_once[chat] += 1
        self.most_at_once = max(self.most_at_once, self.at_once[chat])
        if chat in self.gates:
            await self.gates[chat].wait()
        self.at_once[chat] -= 1
        self.sent.append(outgoing)
        result = self.script[chat].popleft() if self.script[chat] else Sent(f"{chat} {len(self.shown[chat])}")
        if isinstance(result, Sent):
            self.shown[chat].append(text_of(outgoing))
        return result

    async def edit(self, outgoing: Outgoing) -> SendResult:
        self.edited.append(outgoing)
        script = self.script[f"edit {outgoing.chat.id}"]
        if script:
            return script.popleft()
        chat, _, place = outgoing.delivery.message_id.rpartition(" ")
        self.shown[chat][int(place)] = text_of(outgoing)
        return Sent(outgoing.delivery.message_id)

    async def tell(self, chat: Chat, told: Reply) -> SendResult:
        script = self.script[f"tell {chat.id}"]
        result = script.popleft() if script else Sent("")
        self.told.append((chat.id, told))
        return result

    async def reply(self, parcel: Parcel) -> SendResult:
        self.replied.append(parcel)
        script = self.script[f"reply {parcel.chat.id}"]
        result = script.popleft() if script else Sent("")
        if isinstance(result, Sent):
            self.shown[parcel.chat.id].append(f"+ {', '.join(parcel.alert.sources)}")
        return result

    async def look_up(self, outgoing: Outgoing, called_at: datetime) -> LookUp:
        self.looked.append(outgoing)
        return self.looks.popleft() if self.looks else CannotLook()


def text_of(outgoing: Outgoing) -> str:
    headlines = " / ".join(alert.headline for alert in outgoing.alerts)
    if not isinstance(outgoing, Roundup):
        return headlines
    message = outgoing.message
    return f"[{message.first}+{len(outgoing.alerts)} of {message.total}] {headlines}"


class NoDoors:
    """A desk that does not care what becomes of its chats."""

    async def let_in_again(self, chat: Chat, by: str = "") -> None:
        return None

    async def shut_out(self, chat: Chat, closed: ChatGone) -> None:
        return None

    async def moved(self, old: Chat, new: Chat) -> None:
        return None
