"""The kill run: alerts go out to nine chats while the bot is killed again and again, at moments the doubles pick.

Nothing in the product knows of it: the doubles see requests, the database's files are watched from outside, and the
verdict is read off what stands in the chats. Only the counting of possible doubles is read from the ledger.
"""

import re
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.bot import Bot, configuration
from tests.fakes.publisher import FakePublisher, Item, rss
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram

CHATS = tuple(range(101, 109))
CHANNEL = "C1"
NUMBER = re.compile(r"소식 (\d{4})호")
MOMENTS = ("received", "processed", "publisher", "commit", "startup")


@dataclass
class Verdict:
    """What the chats say. `lost`, `doubled`: (chat, alert); `in_flight`: calls that a kill may have caught."""

    lost: list[tuple[str, int]] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    doubled: list[tuple[str, int]] = field(default_factory=list)
    in_flight: set[tuple[str, int]] = field(default_factory=set)
    uncounted: list[tuple[str, int]] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    messages: int = 0


class KillRun:
    """Set up doubles and bot; `run(moments)` kills once at each of the moments, then reads the verdict."""

    def __init__(
        self, folder: Path, seed: int, program: Path | None = None, *, batch: int = 5, commits: int = 4
    ) -> None:
        self.random = Random(seed)
        self.batch = batch
        self.commits = commits
        self.telegram = FakeTelegram()
        self.slack = FakeSlack()
        self.publisher = FakePublisher()
        self.folder = folder
        self.program = program
        self.published = 0
        self.verdict = Verdict()
        self.last_call: dict[str, list[int]] = {}
        self.armed: Callable[[str, str, Any], bool] | None = None
        self.killed = threading.Event()
        self.lock = threading.Lock()

    def run(self, moments: list[str], settle: float = 90) -> Verdict:
        with self.telegram, self.slack, self.publisher:
            self._set_up()
            with self.bot:
                self._subscribe()
                for moment in moments:
                    self._kill_at(moment)
                self._publish()
                self._wait_for_the_rest(settle)
            return self._read_verdict()

    # -------------------------------------------------------------------------------------------------- the scene

    def _set_up(self) -> None:
        for chat in CHATS:
            self.telegram.add_chat(chat, "private")
        self.slack.add_channel(CHANNEL, "news", creator="U1")
        self.publisher.set("/feed.xml", self._feed())
        config = configuration(
            telegram={
                "token": self.telegram.token,
                "api_base": self.telegram.url,
                "open": True,
                "messages_per_second": 1000,
                "chat_per_second": 1000,
            },
            slack={
                "bot_token": self.slack.bot_token,
                "app_token": self.slack.app_token,
                "api_base": f"{self.slack.url}/api/",
                "open": True,
                "messages_per_minute": 60000,
                "channel_per_second": 1000,
            },
            web={"port": 0},
            fetch={"allow_networks": ["127.0.0.0/8"]},
            sources=[{"id": "feed", "url": f"{self.publisher.url}/feed.xml", "every": "300ms"}],
        )
        self.bot = Bot(self.folder, config=config, program=self.program)
        for name, double in (("telegram", self.telegram), ("slack", self.slack)):
            for event in ("received", "processed"):
                double.on(event, lambda call, event=event, name=name: self._seen(name, event, call))
        self.publisher.on("replied", lambda request: self._seen("publisher", "replied", request))

    def _subscribe(self) -> None:
        for chat in CHATS:
            self.telegram.send_text(chat, chat, "/start")
        for chat in CHATS:
            self.telegram.wait_for_messages(chat, 1, 30)
        self.slack.wait_for_connections(1, 30)
        result = self.slack.slash("/sokbo", "subscribe", CHANNEL, "U1")
        self.slack.wait_for_replies(result)

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

    def _publish(self) -> None:
        self.published += self.batch
        self.publisher.set("/feed.xml", self._feed())

    # --------------------------------------------------------------------------------------------------- killing

    def _seen(self, where: str, event: str, call: Any) -> None:
        """Runs in a double's thread, at exactly that point of the request."""
        with self.lock:
            if where != "publisher" and event == "received":
                numbers = numbers_in(str(call.params.get("text", "")))
                if numbers and call.method in ("sendMessage", "chat.postMessage"):
                    chat = str(call.params.get("chat_id") or call.params.get("channel"))
                    self.last_call[chat] = numbers
                    if self.killed.is_set():  # sent before the kill, read after it
                        self.verdict.in_flight |= {(chat, number) for number in numbers}
            if self.armed is not None and self.armed(where, event, call):
                self.armed = None
                self._kill()

    def _kill(self) -> None:
        self.bot.process.kill()
        self.verdict.in_flight |= {(chat, number) for chat, numbers in self.last_call.items() for number in numbers}
        self.killed.set()

    def _kill_at(self, moment: str) -> None:
        if moment == "startup":
            self._kill_while_starting()
        elif moment == "commit":
            self._kill_after_a_commit()
        else:
            skip = self.random.randint(0, 7) if moment != "publisher" else 0
            self.armed = self._countdown(moment, skip)
            self._publish()
            assert self.killed.wait(60), f"the moment {moment} never came:\n{self.bot.output}"
        self.verdict.kills[moment] += 1
        self._let_the_dead_be_heard()
        self.telegram.clear_faults()
        self.slack.clear_faults()
        self.bot.start()

    def _let_the_dead_be_heard(self) -> None:
        """Wait for the killed bot's end and until the doubles have read all that it had sent."""
        self.bot.kill()
        self.telegram.wait_until_quiet()
        self.slack.wait_until_quiet()
        self.killed.clear()

    def _countdown(self, moment: str, skip: int) -> Callable[[str, str, Any], bool]:
        left = [skip]

        def now(where: str, event: str, call: Any) -> bool:
            if moment == "publisher":
                return where == "publisher" and call.status == 200
            if where == "publisher" or event != moment or call.method not in ("sendMessage", "chat.postMessage"):
                return False
            left[0] -= 1
            if left[0] >= 0:
                return False
            if moment == "received":  # the platform never does it
                double = self.telegram if where == "telegram" else self.slack
                double.fault("reset_before", method=call.method)
            return True

        return now

    def _kill_after_a_commit(self) -> None:
        """Within 50 ms after one of the first commits that follow a new document."""
        replied = threading.Event()

        def watch(where: str, event: str, call: Any) -> bool:
            if where == "publisher" and call.status == 200:
                replied.set()
            return False

        wal = self.folder / "data" / "sokbo.db-wal"
        self.armed = watch
        self._publish()
        assert replied.wait(60)
        state = _state(wal)
        for _ in range(self.random.randint(1, self.commits)):
            end = time.monotonic() + 20
            while _state(wal) == state and time.monotonic() < end:
                time.sleep(0.0005)
            state = _state(wal)
        with self.lock:
            self.armed = None
            self._kill()

    def _kill_while_starting(self) -> None:
        self._publish()
        with self.lock:
            self._kill()
        self._let_the_dead_be_heard()
        self.bot.start()
        time.sleep(self.random.uniform(0.05, 1.5))
        with self.lock:
            self._kill()

    # ------------------------------------------------------------------------------------------------ the verdict

    def _shown(self) -> dict[str, list[int]]:
        """Alert numbers in each chat, in the order in which they appeared; a round-up shows several."""
        shown: dict[str, list[int]] = defaultdict(list)
        for chat in CHATS:
            for text in [message.text for message in self.telegram.chats[chat].messages.values()]:
                shown[str(chat)] += numbers_in(text)
        for message in self.slack.channels[CHANNEL].messages:
            shown[CHANNEL] += numbers_in(message.visible)
        return shown

    def _wait_for_the_rest(self, seconds: float) -> None:
        wanted = set(range(1, self.published + 1))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            shown = self._shown()
            if all(wanted <= set(shown[chat]) for chat in [*map(str, CHATS), CHANNEL]):
                return
            time.sleep(0.2)

    def _read_verdict(self) -> Verdict:
        verdict, shown = self.verdict, self._shown()
        for chat in [*map(str, CHATS), CHANNEL]:
            times = Counter(shown[chat])
            verdict.messages += sum(times.values())
            verdict.lost += [(chat, number) for number in range(1, self.published + 1) if not times[number]]
            verdict.doubled += [(chat, number) for number, count in times.items() if count > 1]
            firsts = list(dict.fromkeys(shown[chat]))
            if firsts != sorted(firsts):
                verdict.disordered.append(f"{chat}: {firsts}")
        counted = counted_as_unknown(self.folder)
        verdict.uncounted = [double for double in verdict.doubled if double not in counted]
        return verdict


def counted_as_unknown(folder: Path) -> set[tuple[str, int]]:
    """The (chat, alert) pairs of which the bot in `folder` counted a call without an answer."""
    connection = sqlite3.connect(folder / "data" / "sokbo.db")
    rows = connection.execute(
        "SELECT chats.chat, versions.headline FROM deliveries JOIN chats ON chats.id = deliveries.chat_id"
        " JOIN versions ON versions.alert_id = deliveries.alert_id WHERE deliveries.unknowns > 0"
    ).fetchall()
    connection.close()
    found = [(chat, NUMBER.search(headline)) for chat, headline in rows]
    return {(chat, int(number[1])) for chat, number in found if number}


def numbers_in(text: str) -> list[int]:
    """The alerts that a text shows, each once (Slack's blocks come with a text that says the same)."""
    return list(dict.fromkeys(int(number) for number in NUMBER.findall(text)))


def _state(file: Path) -> tuple[int, int]:
    try:
        state = file.stat()
    except OSError:
        return (0, 0)
    return (state.st_size, state.st_mtime_ns)
