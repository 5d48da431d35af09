"""From the moment a publisher has news to its alert in the chat: told by a hub (WebSub), by a hook, and by reading.

The real bot in a process of its own, with doubles of publisher, hub and Telegram on loopback. Every chat gets at most
one message a second, as Telegram wants it, so the news comes a little slower than that.
"""

import hashlib
import hmac
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.bot import Bot, configuration, free_port, wait_until_up
from tests.fakes.hub import FakeHub
from tests.fakes.publisher import FakePublisher, Item, rss
from tests.fakes.telegram import FakeTelegram

SECRET = "a secret of the benchmark"
APART = 1.2
CHAT = 42


def document(numbers: int) -> bytes:
    """The newest of so many entries, 20 at most, newest first."""
    items = [
        Item(
            f"소식 {n:04d}호",
            f"https://news.example/{n}",
            f"g{n}",
            html=f"<p>협약 {n}건이 체결되었습니다. 관계자는 다음 달 3일에 시작한다고 밝혔습니다.</p>",
        )
        for n in range(numbers, max(0, numbers - 20), -1)
    ]
    return rss("소식", items).encode()


def hook(url: str) -> None:
    signature = hmac.new(SECRET.encode(), b"", hashlib.sha256).hexdigest()
    request = urllib.request.Request(url, b"", {"X-Hub-Signature-256": f"sha256={signature}"})
    with urllib.request.urlopen(request, timeout=10):
        pass


def measured(how: str, rounds: int) -> list[float]:
    """Seconds from publishing to the chat, for each of so many news."""
    with tempfile.TemporaryDirectory() as scratch, FakePublisher() as publisher, FakeTelegram() as telegram:
        port, folder = free_port(), Path(scratch)
        url, feed = f"http://127.0.0.1:{port}", f"{publisher.url}/feed.xml"
        with FakeHub() as hub:
            named = {"Link": f'<{hub.address}>; rel="hub", <{feed}>; rel="self"'} if how == "hub" else {}
            publisher.set("/feed.xml", document(1), headers=named)
            telegram.add_chat(CHAT, "private")
            every = "2s" if how.startswith("reading") else "1h"
            config = configuration(
                telegram={"token": telegram.token, "api_base": telegram.url, "open": True},
                web={"port": port, "public_url": url},
                fetch={"allow_networks": ["127.0.0.0/8"]},
                sources=[{"id": "news", "url": feed, "every": every, "hook_secret": SECRET}],
            )
            with Bot(folder, config=config):
                wait_until_up(url)
                telegram.send_text(CHAT, CHAT, "/start")
                before = len(telegram.wait_for_messages(CHAT, 1, 30))
                publisher.wait_for_requests("/feed.xml", 1)
                if how == "hub":
                    hub.wait_for_subscribers(1, 30)
                time.sleep(APART)
                tell: Callable[[bytes], object] = {
                    "hub": lambda body: hub.publish(feed, body),
                    "hook": lambda _: hook(f"{url}/hooks/news"),
                }.get(how, lambda _: None)
                return [_once(publisher, telegram, named, before, n, tell) for n in range(rounds)]


def _once(
    publisher: FakePublisher,
    telegram: FakeTelegram,
    headers: dict[str, str],
    before: int,
    number: int,
    tell: Callable[[bytes], object],
) -> float:
    body = document(number + 2)
    began = time.monotonic()
    publisher.set("/feed.xml", body, headers=headers)
    tell(body)
    telegram.wait_for_messages(CHAT, before + number + 1, 90)
    took = time.monotonic() - began
    time.sleep(max(0.0, APART - took))
    return took


def line(how: str, times: list[float]) -> str:
    ordered = sorted(times)
    p50, p95 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.95))
    return f"  {how:<20} {len(times):4d}   p50 {p50:7.3f} s   p95 {p95:7.3f} s   longest {ordered[-1]:7.3f} s"


def main(rounds: int) -> None:
    """One line for each way."""
    print("from published to the message at Telegram (doubles on loopback, the bot in its own process)")
    for how, times in (("hub", rounds), ("hook", rounds), ("reading, every = 2s", rounds)):
        print(line(how, measured(how, times)), flush=True)
