"""One alert to many chats at the rate an account is allowed: how evenly it goes out, and who asks meanwhile.

The platform is a process of its own that keeps a strict sliding second and counts what came too early; it shares no
code with what it judges. The desk, its ledger and its adapter run here as they run in the bot.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import orjson
from pydantic import SecretStr

import handlers
import pipeline
from benchmarks import scene
from models import Chat, ChatSettings
from pipeline import Desk
from platforms.slack import Slack
from platforms.telegram import Telegram

ROOT = Path(__file__).parents[1]
TOKEN = "7700:TEST-token-aaaaaaaaaaaaaaaaaaaaaaaaaa"
STRANGERS = 9_000_000
"""Chats from here on ask commands, each one once, and get no alert."""
LATENCY = 0.05
TOKEN_OF = re.compile(rb"(?i)\r\nauthorization: *bearer ([^\r]+)")
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
WORKSPACES = 20
WANTED = {"telegram 30/s": 1.05, "telegram 1000/s": 1.15, "slack": 1.15}


class Platform(asyncio.Protocol):
    """One connection to the double; what was received stands in the class, for there is one double a process."""

    limit = 30
    began = 0.0
    every: float | None = None
    receipts: ClassVar[list[tuple[float, str]]] = []
    refused: ClassVar[list[float]] = []
    asked: ClassVar[dict[str, float]] = {}
    _last: ClassVar[defaultdict[bytes, deque[float]]] = defaultdict(deque)

    def connection_made(self, transport: Any) -> None:
        self._to, self._read = transport, b""

    def data_received(self, data: bytes) -> None:
        self._read += data
        while b"\r\n\r\n" in self._read:
            head, _, rest = self._read.partition(b"\r\n\r\n")
            said = LENGTH.search(head)
            length = int(said[1]) if said else 0
            if len(rest) < length:
                return
            self._read = rest[length:]
            token = TOKEN_OF.search(head)
            self._called(head.split(b" ", 2)[1].decode().rpartition("/")[2], token[1] if token else b"", rest[:length])

    def _called(self, method: str, account: bytes, body: bytes) -> None:
        match method:
            case "report":
                seen = {"receipts": self.receipts, "refused": self.refused, "asked": self.asked}
                self._answer(seen | {"double": time.process_time() - self.began})
            case "getUpdates":
                after = orjson.loads(body).get("offset", 0)
                asyncio.get_running_loop().call_later(self.every or 25, self._asks, max(1, after))
            case "sendMessage" | "chat.postMessage":
                self._posted(account, body)
            case "auth.test":
                self._answer({"ok": True, "team_id": f"T{account.decode().rpartition('-')[2]}", "user_id": "U1"})
            case "getMe":
                self._answer(
                    {"ok": True, "result": {"id": 7700, "is_bot": True, "first_name": "B", "username": "b_bot"}}
                )
            case _:
                self._answer({"ok": True, "result": True})

    def _posted(self, account: bytes, body: bytes) -> None:
        now, last = time.monotonic(), self._last[account]
        while last and last[0] <= now - 1:
            last.popleft()
        if len(last) >= self.limit:
            self.refused.append(now)
            self._answer({"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 1",
                          "parameters": {"retry_after": 1}, "error": "ratelimited"}, "429 Too Many Requests")  # fmt: skip  # noqa: E501
            return
        last.append(now)
        number, given = len(self.receipts) + 1, orjson.loads(body)
        to = str(given.get("chat_id") or given["channel"])
        self.receipts.append((now, to))
        answer: dict[str, Any] = {"ok": True, "ts": f"{number}.000001"}
        if not account:
            chat = {"id": int(to), "type": "private"}
            answer = {"ok": True, "result": {"message_id": number, "date": 1, "chat": chat, "text": "x"}}
        asyncio.get_running_loop().call_later(LATENCY, self._answer, answer)

    def _asks(self, number: int) -> None:
        if self.every is None:
            self._answer({"ok": True, "result": []})
            return
        who = STRANGERS + number
        person = {"id": who, "is_bot": False, "first_name": "A"}
        message = {"message_id": number, "date": 1, "chat": {"id": who, "type": "private", "first_name": "A"},
                   "from": person, "text": "/help", "entities": [{"type": "bot_command", "offset": 0, "length": 5}]}  # fmt: skip  # noqa: E501
        self.asked[str(who)] = time.monotonic()
        self._answer({"ok": True, "result": [{"update_id": number, "message": message}]})

    def _answer(self, answer: dict[str, Any], status: str = "200 OK") -> None:
        body = orjson.dumps(answer)
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._to.write(head.encode() + body)


async def serve(limit: int, every: float | None) -> None:
    Platform.limit, Platform.every, Platform.began = limit, every, time.process_time()
    server = await asyncio.get_running_loop().create_server(Platform, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


async def telegram(folder: Path, url: str, rate: int, count: int) -> dict[str, Any]:
    """One bot at its rate; strangers ask meanwhile."""
    settings = {
        "TELEGRAM__TOKEN": TOKEN, "TELEGRAM__API_BASE": url, "TELEGRAM__OPEN": "true",
        "TELEGRAM__MESSAGES_PER_SECOND": str(rate), "TELEGRAM__PAID_BROADCAST": "true" if rate > 30 else "false",
    }  # fmt: skip
    async with scene.desk(folder, **settings) as desk:
        sender = Telegram(desk.settings.telegram, partial(handlers.answer, desk), desk, ChatSettings("ko", "UTC"))
        chats = [Chat(sender.name, sender.account, f"{1000 + number}") for number in range(count)]
        return await measure(desk, [sender], chats, url, 60 + 4 * count / rate)


class Workspace(Slack):
    """One of several workspaces: the desk has one sender for each name, and one Slack of its own."""

    def __init__(self, desk: Desk, number: int) -> None:
        token = SecretStr(f"xoxb-{number}")
        of = desk.settings.slack.model_copy(update={"bot_token": token})
        super().__init__(of, partial(handlers.answer, desk), desk, ChatSettings("ko", "UTC"))
        self.name = f"slack-{number}"


async def slack(folder: Path, url: str, count: int) -> dict[str, Any]:
    """Workspaces beside each other, at the rate that a configuration has which names none."""
    settings = {"SLACK__BOT_TOKEN": "xoxb-0", "SLACK__API_BASE": f"{url}/api/", "SLACK__MODE": "http",
                "SLACK__SIGNING_SECRET": "TEST-signing-secret"}  # fmt: skip
    async with scene.desk(folder, **settings) as desk:
        senders = [Workspace(desk, number) for number in range(WORKSPACES)]
        chats = [Chat(senders[n % WORKSPACES].name, f"T{n % WORKSPACES}", f"C{n}") for n in range(count)]
        rate = desk.settings.slack.messages_per_minute / 60 * WORKSPACES
        return await measure(desk, senders, chats, url, 60 + 4 * count / rate)


async def measure(
    desk: Desk, senders: Sequence[Telegram | Slack], chats: Sequence[Chat], url: str, patience: float
) -> dict[str, Any]:
    """What the double saw, when the alert was committed, and the CPU seconds from then on."""
    desk.senders = {sender.name: sender for sender in senders}
    await scene.subscribe(desk, chats)
    delivering = asyncio.create_task(pipeline.deliver_forever(desk))
    running = [asyncio.create_task(sender.run()) for sender in senders]
    while not all(sender.ready for sender in senders):  # noqa: ASYNC110, the adapters tell nobody
        await asyncio.sleep(0.01)
    await asyncio.sleep(1)
    await scene.publish(desk, 1)
    committed, began = time.monotonic(), time.process_time()
    while await scene.is_owed(desk):
        assert time.monotonic() < committed + patience, "not all of the deliveries came through"
        await asyncio.sleep(0.2)
    spent = time.process_time() - began
    found: dict[str, Any] = (await desk.http.get(f"{url}/report")).json()
    desk.stopping.set()
    await delivering
    for task in running:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    for sender in senders:
        await sender.close()
    return found | {"committed": committed, "cpu": spent}


def at(share: float, times: Sequence[float]) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def report(name: str, limit: float, found: dict[str, Any]) -> bool:
    """Print what was seen; whether it is as good as wanted."""
    alerts = [when for when, to in found["receipts"] if not (to.isdigit() and int(to) >= STRANGERS)]
    first, last = min(alerts), max(alerts)
    among = sum(first <= when <= last for when, _ in found["receipts"])
    ratio, with_answers = ((last - first) / (number / limit) for number in (len(alerts), among))
    late = [when - found["committed"] for when in alerts]
    print(f"{name}: {len(alerts):,} chats; too early (429): {len(found['refused'])}")
    wanted = WANTED.get(name, 1.15)
    kept = not found["refused"] and with_answers <= wanted
    print(f"  first to last receipt {last - first:.2f} s, ideal {len(alerts) / limit:.2f} s: {ratio:.3f} times as long")
    print(f"  the answers counted as messages {with_answers:.3f} (wanted {wanted}){'' if kept else '  MISSED'}")
    print(f"  from commit to message: first {min(late):.3f} s, p50 {at(0.5, late):.2f} s, p99 {at(0.99, late):.2f} s")
    answers = [
        when - found["asked"][to] for when, to in found["receipts"] if to in found["asked"] and first <= when <= last
    ]
    if answers:
        print(
            f"  answers to {len(answers)} commands meanwhile: p50 {at(0.5, answers):.3f} s, p99 {at(0.99, answers):.3f} s"  # noqa: E501
        )
    spent = [found[whose] * 1000 / among for whose in ("cpu", "double")]
    print(f"  CPU ms a message: {spent[0]:.2f} of the desk, {spent[1]:.2f} of the double")
    return kept


@contextmanager
def double(limit: int, every: str = "") -> Iterator[str]:
    """The address of a double that takes so many messages a second and account, in a process of its own. `every`: the
    seconds between commands that strangers ask."""
    command = [sys.executable, "-m", "benchmarks.fanout", str(limit), every]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.stdin.close()


def run(name: str, rate: float, count: int) -> bool:
    """One run, told; whether it was as wanted."""
    per_account = int(rate / WORKSPACES) if name == "slack" else int(rate)
    every = "" if name == "slack" else str(max(0.1, 60 / rate))
    with double(per_account, every) as url, tempfile.TemporaryDirectory() as folder:
        if name == "slack":
            found = asyncio.run(slack(Path(folder), url, count))
        else:
            found = asyncio.run(telegram(Path(folder), url, per_account, count))
    return report(name, rate, found)


def main(only: str | None = None, chats: int | None = None) -> bool:
    """A run at each of Telegram's rates and one over Slack, or one of them; whether all was as wanted."""
    runs = {"30": ("telegram 30/s", 30, 600), "1000": ("telegram 1000/s", 1000, 3000)}
    runs["slack"] = ("slack", 5 * WORKSPACES, 3000)
    kept = [run(name, rate, chats or count) for key, (name, rate, count) in runs.items() if only in (None, key)]
    return all(kept)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) if sys.argv[2] else None))
