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
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import orjson

import handlers
import pipeline
from benchmarks import scene
from models import Chat, ChatSettings, Command, Reply
from platforms.telegram import Telegram

ROOT = Path(__file__).parents[1]
TOKEN = "7700:TEST-token-aaaaaaaaaaaaaaaaaaaaaaaaaa"
STRANGERS = 9_000_000
"""Chats from here on ask commands, each one once, and get no alert."""
LATENCY = 0.05
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
WANTED = {"telegram 30/s": 1.05, "telegram 1000/s": 1.15}


class Platform(asyncio.Protocol):
    """One connection to the double; what was received stands in the class, for there is one double a process."""

    limit = 30
    began = 0.0
    every: float | None = None
    receipts: ClassVar[list[tuple[float, str]]] = []
    refused: ClassVar[list[float]] = []
    asked: ClassVar[dict[str, float]] = {}
    _last: ClassVar[deque[float]] = deque()

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
            self._called(head.split(b" ", 2)[1].decode().rpartition("/")[2], rest[:length])

    def _called(self, method: str, body: bytes) -> None:
        match method:
            case "report":
                seen = {"receipts": self.receipts, "refused": self.refused, "asked": self.asked}
                self._answer(seen | {"double": time.process_time() - self.began})
            case "getUpdates":
                after = orjson.loads(body).get("offset", 0)
                asyncio.get_running_loop().call_later(self.every or 25, self._asks, max(1, after))
            case "sendMessage":
                self._posted(body)
            case "getMe":
                self._answer(
                    {"ok": True, "result": {"id": 7700, "is_bot": True, "first_name": "B", "username": "b_bot"}}
                )
            case _:
                self._answer({"ok": True, "result": True})

    def _posted(self, body: bytes) -> None:
        now = time.monotonic()
        while self._last and self._last[0] <= now - 1:
            self._last.popleft()
        if len(self._last) >= self.limit:
            self.refused.append(now)
            self._answer({"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 1",
                          "parameters": {"retry_after": 1}, "error": "ratelimited"}, "429 Too Many Requests")  # fmt: skip  # noqa: E501
            return
        self._last.append(now)
        number = len(self.receipts) + 1
        to = str(orjson.loads(body)["chat_id"])
        message = {"message_id": number, "date": 1, "chat": {"id": int(to), "type": "private"}, "text": "x"}
        self.receipts.append((now, to))
        asyncio.get_running_loop().call_later(LATENCY, self._answer, {"ok": True, "result": message})

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


async def measure(folder: Path, url: str, rate: int, count: int) -> dict[str, Any]:
    """What the double saw, and when the alert was committed."""
    settings = {
        "TELEGRAM__TOKEN": TOKEN, "TELEGRAM__API_BASE": url, "TELEGRAM__OPEN": "true",
        "TELEGRAM__MESSAGES_PER_SECOND": str(rate), "TELEGRAM__PAID_BROADCAST": "true" if rate > 30 else "false",
    }  # fmt: skip
    async with scene.desk(folder, **settings) as desk:

        async def answer(command: Command) -> Reply:
            return await handlers.answer(desk, command)

        shown = ChatSettings("ko", "Asia/Seoul")
        sender = Telegram(desk.settings.telegram, answer, desk, shown)
        desk.senders = {sender.name: sender}
        await scene.subscribe(desk, [Chat(sender.name, sender.account, f"{1000 + number}") for number in range(count)])
        tasks = [asyncio.create_task(pipeline.deliver_forever(desk)), asyncio.create_task(sender.run())]
        while not sender.ready:  # noqa: ASYNC110, the adapter tells nobody
            await asyncio.sleep(0.01)
        await asyncio.sleep(1)
        await scene.publish(desk, 1)
        committed, began = time.monotonic(), time.process_time()
        deadline = committed + 60 + 4 * count / rate
        while await scene.is_owed(desk):
            assert time.monotonic() < deadline, "not all of the deliveries came through"
            await asyncio.sleep(0.2)
        spent = time.process_time() - began
        found: dict[str, Any] = (await desk.http.get(f"{url}/report")).json()
        desk.stopping.set()
        await tasks[0]
        for task in tasks[1:]:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
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


def run(rate: int, count: int) -> bool:
    """One run, told; whether it was as wanted."""
    every = str(max(0.1, 60 / rate))
    command = [sys.executable, "-m", "benchmarks.fanout", str(rate), every]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            url = f"http://127.0.0.1:{process.stdout.readline().strip()}"
            with tempfile.TemporaryDirectory() as folder:
                found = asyncio.run(measure(Path(folder), url, rate, count))
        finally:
            process.stdin.close()
    return report(f"telegram {rate}/s", rate, found)


def main(rate: int | None = None, chats: int | None = None) -> bool:
    """A run at each of Telegram's rates, or one at this rate; whether all was as wanted."""
    rates = (rate,) if rate else (30, 1000)
    kept = [run(one, chats or (600 if one <= 30 else 3000)) for one in rates]
    return all(kept)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) if sys.argv[2] else None))
