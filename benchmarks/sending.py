"""What a message costs from claim to mark, over TLS to a server that answers after 50 ms, in CPU time of the sender.

Side by side, in one run and in turns: python-telegram-bot as its README has it with one commit of an ORM a row, aiohttp
with nothing around it, and Sokbo's dispatcher, ledger and adapters. Every contender is a process of its own, and so is
the server, which gives the answers of the real ones at their length.
"""

import asyncio
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import orjson

import pipeline
from benchmarks import scene

ROOT = Path(__file__).parents[1]
TOKEN = "7700:TEST-token-aaaaaaaaaaaaaaaaaaaaaaaaaa"
LATENCY = 0.05
TEXT = "<b>" + scene.HEADLINE.format(1) + "</b>\n\n" + "\n".join(f"• {one}" for one in scene.BULLETS)
FORM: dict[str, Any] = {
    "parse_mode": "HTML",
    "link_preview_options": {"is_disabled": True},
    "reply_markup": {"inline_keyboard": [[{"text": "원문 보기", "url": "https://news.example/1"}]]},
}
CHEAPER, DEARER, MORE_IN_FLIGHT, SLACK = 10.0, 3.2, 1.3, 0.5
"""Wanted: against python-telegram-bot, against raw aiohttp, 256 in flight against 32, ms a message on Slack."""


# --------------------------------------------------------------------------------------------------------- the server


class Platform(asyncio.Protocol):
    """Answers each call after the latency, as Telegram or Slack does."""

    def connection_made(self, transport: Any) -> None:
        self._to, self._read = transport, b""

    def data_received(self, data: bytes) -> None:
        self._read += data
        while b"\r\n\r\n" in self._read:
            head, _, rest = self._read.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").lower().split("\r\n")
            length = next((int(one.partition(":")[2]) for one in lines if one.startswith("content-length:")), 0)
            if len(rest) < length:
                return
            self._read = rest[length:]
            method = lines[0].split(" ")[1].rpartition("/")[2]
            wait = 25.0 if method == "getupdates" else LATENCY
            asyncio.get_running_loop().call_later(wait, self._answer, ANSWERS.get(method, ANSWERS[""]))

    def _answer(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._to.write(head.encode() + body)


BOT = {"id": 7700, "is_bot": True, "first_name": "Sokbo", "username": "sokbo_bot"}
POSTED = {"message_id": 4711, "from": BOT, "date": 1_790_000_000, "text": TEXT, "reply_markup": FORM["reply_markup"],
          "chat": {"id": 1000, "first_name": "Kim", "username": "kim", "type": "private"},
          "entities": [{"offset": 0, "length": 40, "type": "bold"}], "link_preview_options": {"is_disabled": True}}  # fmt: skip  # noqa: E501
ON_SLACK = {"ok": True, "channel": "C1", "ts": "1790000000.000100",
            "message": {"user": "U1", "type": "message", "ts": "1790000000.000100", "bot_id": "B1", "text": TEXT,
                        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": TEXT}}]}}  # fmt: skip
ANSWERS = {
    "": b'{"ok":true,"result":true}',
    "getme": orjson.dumps({"ok": True, "result": BOT}),
    "getupdates": b'{"ok":true,"result":[]}',
    "sendmessage": orjson.dumps({"ok": True, "result": POSTED}),
    "chat.postmessage": orjson.dumps(ON_SLACK),
    "auth.test": b'{"ok":true,"team_id":"T1","user_id":"U1"}',
}


async def serve(certificate: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.get_running_loop().create_server(Platform, "127.0.0.1", 0, ssl=context, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


# ----------------------------------------------------------------------------------------------------- the contenders


async def at_once(call: Callable[[int], Awaitable[None]], count: int, in_flight: int) -> float:
    """CPU seconds for so many calls, so many of them at a time, once the connections stand."""
    numbers = iter(range(-in_flight, count))

    async def works(until: int) -> None:
        for number in numbers:
            await call(number)
            if number >= until:
                return

    await asyncio.gather(*(works(-in_flight) for _ in range(in_flight)))
    began = time.process_time()
    await asyncio.gather(*(works(count) for _ in range(in_flight)))
    return time.process_time() - began


async def python_telegram_bot(url: str, count: int, in_flight: int) -> float:
    """As its README has it, and a row of an ORM that is committed for each message."""
    from sqlalchemy.orm import Session
    from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
    from telegram.constants import ParseMode
    from telegram.error import TimedOut

    from benchmarks.ledger import Row, orm_engine

    button = InlineKeyboardButton("원문 보기", url="https://news.example/1")
    with tempfile.TemporaryDirectory() as folder:
        engine = orm_engine(Path(folder) / "orm.db")
        with Session(engine) as session:
            session.add_all([Row(id=n, alert=1, chat=n, status="waiting", message_id="") for n in range(count)])
            session.commit()
            async with Bot(TOKEN, base_url=f"{url}/bot") as bot:

                async def send(number: int) -> None:
                    try:
                        message = await bot.send_message(
                            chat_id=1000 + number,
                            text=TEXT,
                            parse_mode=ParseMode.HTML,
                            link_preview_options=LinkPreviewOptions(is_disabled=True),
                            reply_markup=InlineKeyboardMarkup([[button]]),
                        )
                    except TimedOut:  # in its own pool, with so many in flight: whoever sends has to try again
                        await send(number)
                        return
                    if number >= 0:
                        row = session.get(Row, number)
                        assert row is not None
                        row.status, row.message_id = "sent", str(message.message_id)
                        session.commit()

                spent = await at_once(send, count, in_flight)
        engine.dispose()
    return spent


async def raw_aiohttp(url: str, count: int, in_flight: int) -> float:
    """The exchange alone: no ledger, no errors told apart."""
    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def send(number: int) -> None:
            body = orjson.dumps({"chat_id": 1000 + number, "text": TEXT} | FORM)
            headers = {"Content-Type": "application/json"}
            async with session.post(f"{url}/bot{TOKEN}/sendMessage", data=body, headers=headers) as response:
                assert orjson.loads(await response.read())["result"]["message_id"]

        return await at_once(send, count, in_flight)


async def sokbo(url: str, count: int, in_flight: int) -> float:
    """All of it: claimed, drawn, sent and marked, with every commit on the disk."""
    from handlers import answer
    from models import Chat, ChatSettings
    from platforms.telegram import Telegram

    pipeline.AT_ONCE = in_flight
    settings = {
        "TELEGRAM__TOKEN": TOKEN, "TELEGRAM__API_BASE": url, "TELEGRAM__OPEN": "true",
        "TELEGRAM__MESSAGES_PER_SECOND": "1000", "TELEGRAM__PAID_BROADCAST": "true",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        async with scene.desk(Path(folder), **settings) as desk:
            shown = ChatSettings("ko", "Asia/Seoul")
            sender = Telegram(desk.settings.telegram, lambda command: answer(desk, command), desk, shown)
            desk.senders = {sender.name: sender}
            await scene.subscribe(desk, [Chat(sender.name, sender.account, f"{1000 + n}") for n in range(count)])
            tasks = [asyncio.create_task(pipeline.deliver_forever(desk)), asyncio.create_task(sender.run())]
            while not sender.ready:  # noqa: ASYNC110, the adapter tells nobody
                await asyncio.sleep(0.01)
            await asyncio.sleep(1)
            for alert in (1, 2):
                began = time.process_time()
                await scene.publish(desk, alert)
                while await scene.is_owed(desk):  # noqa: ASYNC110, nor does the ledger
                    await asyncio.sleep(0.5)
                spent = time.process_time() - began
            desk.stopping.set()
            await tasks[0]
            tasks[1].cancel()
            with suppress(asyncio.CancelledError):
                await tasks[1]
            await sender.close()
    return spent


async def sokbo_slack(url: str, count: int, in_flight: int) -> float:
    """The adapter alone, over its one session."""
    from handlers import answer
    from models import Chat, ChatSettings, Sent
    from platforms.slack import Slack
    from storage import ledger

    settings = {"SLACK__BOT_TOKEN": "xoxb-TEST", "SLACK__API_BASE": f"{url}/api/", "SLACK__MODE": "http",
                "SLACK__SIGNING_SECRET": "TEST-signing-secret"}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        async with scene.desk(Path(folder), **settings) as desk:
            sender = Slack(desk.settings.slack, lambda command: answer(desk, command), desk, ChatSettings("ko", "UTC"))
            desk.senders = {sender.name: sender}
            await scene.subscribe(desk, [Chat(sender.name, "T1", "C1")])
            await scene.publish(desk, 1)
            async with desk.database.write() as tx:
                await pipeline.plan(tx, desk.now())
                everybody = ledger.Closed(frozenset(), frozenset())
                ids = await ledger.first_in_line(tx, now=desk.now(), room={"slack": 1}, closed=everybody)
                (parcel,) = await pipeline.claim(desk, tx, ids, desk.now())

            async def send(_: int) -> None:
                assert isinstance(await sender.send(parcel), Sent)

            spent = await at_once(send, count, in_flight)
            await sender.close()
    return spent


CONTENDERS = {one.__name__: one for one in (python_telegram_bot, raw_aiohttp, sokbo, sokbo_slack)}


# ---------------------------------------------------------------------------------------------------------- the report


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a server, and the environment in which its certificate is believed."""
    both = folder / "both.pem"
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
               "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sending", "serve", str(both)], cwd=ROOT, stdin=pipe, stdout=pipe, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            # Python reads SSL_CERT_FILE when a context is made: it has to be there from the start.
            environment = os.environ | {"SSL_CERT_FILE": str(certificate)}
            yield f"https://localhost:{process.stdout.readline().strip()}", environment
        finally:
            process.stdin.close()


def measured(name: str, url: str, environment: dict[str, str], count: int, in_flight: int) -> float:
    """CPU ms a message of one contender, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.sending", name, url, str(count), str(in_flight)]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.splitlines()[-1]) * 1000 / count


def line(what: str, found: float, wanted: float, *, most: bool = True, unit: str = "") -> bool:
    """Print a figure beside what is wanted of it; whether it is as good."""
    kept = found <= wanted if most else found >= wanted
    asked = f"(wanted: at {'most' if most else 'least'} {wanted})"
    print(f"  {what:<52} {found:6.2f}{unit} {asked}{'' if kept else '  MISSED'}")
    return kept


def main(count: int = 1000, rounds: int = 3) -> bool:
    """Print the table; whether all was as wanted."""
    runs = [(one, 64) for one in CONTENDERS] + [("sokbo", 32), ("sokbo", 256)]
    spent: dict[tuple[str, int], list[float]] = {run: [] for run in runs}
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as (url, environment):
        for _ in range(rounds):
            for name, in_flight in runs:
                some = count // 4 if name == "python_telegram_bot" else count
                spent[name, in_flight].append(measured(name, url, environment, some, in_flight))
    of = {run: median(times) for run, times in spent.items()}
    print(f"CPU ms a message, {count:,} messages over TLS, {LATENCY * 1000:.0f} ms to an answer; median of {rounds}")
    for (name, in_flight), cost in of.items():
        print(f"  {name.replace('_', ' '):<20} {in_flight:4d} in flight {cost:7.2f}")
    ours, raw, theirs = of["sokbo", 64], of["raw_aiohttp", 64], of["python_telegram_bot", 64]
    kept = [
        line("cheaper than python-telegram-bot and an ORM, times", theirs / ours, CHEAPER, most=False),
        line("against raw aiohttp, which sends and does no more", ours / raw, DEARER),
        line("256 in flight against 32", of["sokbo", 256] / of["sokbo", 32], MORE_IN_FLIGHT),
        line("Slack, one message, over one session", of["sokbo_slack", 64], SLACK, unit=" ms"),
    ]
    return all(kept)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "serve":
        asyncio.run(serve(rest[0]))
    else:
        print(asyncio.run(CONTENDERS[what](rest[0], int(rest[1]), int(rest[2]))))
