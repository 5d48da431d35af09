"""The fault run: thousands of deliveries over both platforms, a tenth of the calls disturbed, the bot killed again and
again.

Nothing in the product knows of it. The doubles disturb calls by a seeded dice, the verdict is read off what stands in
the chats, and which doubles a lost answer explains off what the doubles saw. Only the counting of possible doubles is
read from the ledger.
"""

import asyncio
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from storage.database import Database
from storage.tables import chats as chat_rows
from storage.tables import subscriptions
from tests.bot import Bot, configuration
from tests.fakes.publisher import FakePublisher, Item, rss
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram
from tests.journeys.killing import counted_as_unknown, numbers_in

KINDS = ("429", "500", "502", "reset_before", "reset_after", "delay", "malformed")
UNANSWERED = ("reset_after", "malformed", "delay")
"""Calls that were carried out and whose answer the bot may not have got: a delayed one may meet a kill."""
POSTS = ("sendMessage", "chat.postMessage")
DISTURBED = (*POSTS, "editMessageText", "chat.update", "conversations.history")
JUST_BEFORE = 5.0
"""Seconds before a kill within which the answer of a chat's last call may not have been saved."""


@dataclass(frozen=True)
class Size:
    """How large a run is. `part` of the calls are disturbed; `kill_every` is in seconds, the range of a dice."""

    people: int = 240
    channels: int = 60
    alerts: int = 17
    batch: int = 2
    part: float = 0.35
    kinds: tuple[str, ...] = KINDS
    kill_every: tuple[float, float] = (2.0, 4.0)
    most_kills: int = 1000
    settle: float = 120.0


@dataclass
class Verdict:
    """What the chats say. `lost`, doubles: (chat, alert); `explained`: by a kill, or by an answer that was lost."""

    lost: list[tuple[str, int]] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    doubled: list[tuple[str, int]] = field(default_factory=list)
    doubled_on_slack: list[tuple[str, int]] = field(default_factory=list)
    unexplained: list[tuple[str, int]] = field(default_factory=list)
    uncounted: list[tuple[str, int]] = field(default_factory=list)
    explained: set[tuple[str, int]] = field(default_factory=set)
    disturbed: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    calls: int = 0
    delivered: int = 0
    seconds: float = 0.0

    @property
    def faults(self) -> list[str]:
        """What must not be, in words."""
        found: dict[str, list[Any]] = {
            "lost": self.lost,
            "out of order": self.disordered,
            "doubled on Slack": self.doubled_on_slack,
            "doubled without a reason": self.unexplained,
            "doubled and not counted": self.uncounted,
        }
        return [f"{len(what)} {name}: {what[:3]}" for name, what in found.items() if what]


class FaultRun:
    """Sets up doubles and bot; `run()` publishes, disturbs, kills, waits for the rest and reads the verdict."""

    def __init__(self, folder: Path, seed: int, size: Size | None = None, program: Path | None = None) -> None:
        self.size = size or Size()
        self.dice, self.killing = Random(seed), Random(seed + 1)
        self.telegram, self.slack, self.publisher = FakeTelegram(), FakeSlack(), FakePublisher()
        self.folder, self.program = folder, program
        self.people = [str(number) for number in range(1001, 1001 + self.size.people)]
        self.channels = [f"C{number:04d}" for number in range(1, 1 + self.size.channels)]
        self.published = 0
        self.verdict = Verdict()
        self.last_call: dict[str, tuple[float, list[int]]] = {}
        self.newest = 0
        self.next_kill = 0.0
        self.fresh = threading.Event()
        self.dead = threading.Event()
        self.lock = threading.Lock()
        self.disturbing = True

    def run(self) -> Verdict:
        began = time.monotonic()
        with self.telegram, self.slack, self.publisher:
            self._set_up()
            with self.bot:
                self._publish_and_kill()
                self._wait_for_the_rest()
            self._read_verdict()
        self.verdict.seconds = time.monotonic() - began
        return self.verdict

    # -------------------------------------------------------------------------------------------------- the scene

    def _set_up(self) -> None:
        for person in self.people:
            self.telegram.add_chat(int(person), "private")
        for channel in self.channels:
            self.slack.add_channel(channel, channel.lower(), creator="U1")
        self.publisher.set("/feed.xml", self._feed())
        config = configuration(
            telegram={
                "token": self.telegram.token,
                "api_base": self.telegram.url,
                "messages_per_second": 1000,
                "paid_broadcast": True,
                "chat_per_second": 1000,
            },
            slack={
                "bot_token": self.slack.bot_token,
                "app_token": self.slack.app_token,
                "api_base": f"{self.slack.url}/api/",
                "messages_per_minute": 60000,
                "edits_per_minute": 60000,
                "channel_per_second": 1000,
            },
            web={"port": 0},
            fetch={"allow_networks": ["127.0.0.0/8"]},
            sources=[{"id": "feed", "url": f"{self.publisher.url}/feed.xml", "every": "300ms"}],
        )
        asyncio.run(self._fill())
        self.bot = Bot(self.folder, config=config, program=self.program)
        for double in (self.telegram, self.slack):
            double.on("received", lambda call, double=double: self._received(double, call))

    async def _fill(self) -> None:
        """The chats as rows: 300 commands would take longer than the rest."""
        database = await Database.open(self.folder / "data" / "sokbo.db")
        named = [("telegram", str(self.telegram.id), person) for person in self.people]
        named += [("slack", self.slack.team_id, channel) for channel in self.channels]
        row = {"thread": "", "language": "ko", "timezone": "Asia/Seoul", "pictures": True, "subscribed": True}
        row |= {"paused": "", "created": datetime.now(UTC)}
        lists: dict[str, Any] = {"sources": [], "topics": [], "include": [], "exclude": []}
        async with database.write() as tx:
            rows = [{"platform": one, "account": account, "chat": chat, **row} for one, account, chat in named]
            await tx.execute(chat_rows.insert(), rows)
            ids = [*await tx.scalars(chat_rows.select().with_only_columns(chat_rows.c.id))]
            await tx.execute(subscriptions.insert(), [{"chat_id": one, **lists} for one in ids])
        await database.close()

    def _feed(self) -> str:
        items = [
            Item(
                title=f"소식 {number:04d}호",
                link=f"https://news.example/{number}",
                guid=f"g{number}",
                html=f"<p>협약 {number}건이 체결되었습니다. 관계자는 다음 달 3일에 시작한다고 밝혔습니다.</p>",
            )
            for number in range(self.published, 0, -1)
        ]
        return rss("소식", items)

    # ------------------------------------------------------------------------------------------------ disturbing

    def _received(self, double: FakeTelegram | FakeSlack, call: Any) -> None:
        """Runs in a double's thread once it has read a call: what is wished for now happens to this one."""
        if call.method not in DISTURBED:
            return
        chat = str(call.params.get("chat_id") or call.params.get("channel") or "")
        numbers = numbers_in(str(call.params.get("text", "")))
        with self.lock:
            self.verdict.calls += 1
            shown = {(chat, number) for number in numbers}
            if call.method in POSTS:
                self.last_call[chat] = (time.monotonic(), numbers)
                if self.dead.is_set():  # sent before the kill, read after it
                    self.verdict.explained |= shown
                if numbers and max(numbers) > self.newest:
                    self.newest = max(numbers)
                    self.fresh.set()
            if not self.disturbing or self.dice.random() > self.size.part:
                return
            kind = self.dice.choice(self.size.kinds)
            self.verdict.disturbed[kind] += 1
            if call.method in POSTS and kind in UNANSWERED:
                self.verdict.explained |= shown
            double.fault(kind, method=call.method, seconds=self.dice.uniform(0.05, 0.4))

    def _kill(self) -> None:
        """SIGKILL; then wait until the doubles have read all that the dead one had sent."""
        with self.lock:
            now = time.monotonic()
            self.bot.process.kill()
            self.dead.set()
            for chat, (at, numbers) in self.last_call.items():
                if at > now - JUST_BEFORE:
                    self.verdict.explained |= {(chat, number) for number in numbers}
        self.bot.kill()
        self.telegram.wait_until_quiet()
        self.slack.wait_until_quiet()
        self.dead.clear()
        self.verdict.kills += 1
        self.bot.start()
        self.next_kill = time.monotonic() + self.killing.uniform(*self.size.kill_every)

    def _publish_and_kill(self) -> None:
        """Batches of posts as fast as they arrive in the chats; kills meanwhile, and, where one is due, at a new
        alert's first call."""
        self._first_read()
        while self.published < self.size.alerts:
            self.fresh.clear()
            self.published = min(self.size.alerts, self.published + self.size.batch)
            self.publisher.set("/feed.xml", self._feed())
            if self._may_kill():
                assert self.fresh.wait(60), self.bot.output
                self._kill()
            until = time.monotonic() + 30
            while time.monotonic() < until and not self._has_arrived(0.8):
                if self._may_kill():
                    self._kill()
                time.sleep(0.02)

    def _may_kill(self) -> bool:
        return time.monotonic() > self.next_kill and self.verdict.kills < self.size.most_kills

    def _first_read(self) -> None:
        """The first successful read is silent: wait until it is over."""
        self._wait_for_reads(2)

    def _wait_for_reads(self, count: int) -> None:
        """Reads of one source follow each other: the last but one is committed when the last one comes."""
        left, enough = [count], threading.Event()

        def read(_: object) -> None:
            left[0] -= 1
            if left[0] <= 0:
                enough.set()

        self.publisher.on("replied", read)
        assert enough.wait(60), self.bot.output
        self.publisher.off("replied")

    # ------------------------------------------------------------------------------------------------ the verdict

    def _shown(self) -> dict[str, list[int]]:
        """Alert numbers in each chat, in the order in which they appeared; a round-up shows several."""
        shown: dict[str, list[int]] = defaultdict(list)
        for person in self.people:
            for message in list(self.telegram.chats[int(person)].messages.values()):
                shown[person] += numbers_in(message.text)
        for channel in self.channels:
            for posted in list(self.slack.channels[channel].messages):
                shown[channel] += numbers_in(posted.visible)
        return shown

    def _has_arrived(self, part: float) -> bool:
        """Whether so large a part of the chats has the newest post."""
        with self.lock:
            there = sum(1 for _, numbers in self.last_call.values() if numbers and max(numbers) >= self.published)
        return there >= part * (self.size.people + self.size.channels)

    def _wait_for_the_rest(self) -> None:
        wanted = set(range(1, self.published + 1))
        end = time.monotonic() + self.size.settle
        while time.monotonic() < end:
            shown = self._shown()
            if all(wanted <= set(shown[chat]) for chat in self.people + self.channels):
                self._wait_for_reads(2)  # a double of the last ones comes now or never
                time.sleep(0.5)
                return
            time.sleep(0.2)

    def _read_verdict(self) -> None:
        verdict, shown, counted = self.verdict, self._shown(), counted_as_unknown(self.folder)
        for chat in self.people + self.channels:
            times = Counter(shown[chat])
            verdict.delivered += len(times)
            verdict.lost += [(chat, number) for number in range(1, self.published + 1) if not times[number]]
            doubled = [(chat, number) for number, count in times.items() if count > 1]
            verdict.doubled += doubled
            verdict.doubled_on_slack += doubled if chat in self.channels else []
            firsts = list(dict.fromkeys(shown[chat]))
            if firsts != sorted(firsts):
                verdict.disordered.append(f"{chat}: {firsts}")
        verdict.unexplained = [one for one in verdict.doubled if one not in verdict.explained]
        verdict.uncounted = [one for one in verdict.doubled if one not in counted]
