"""Publishers of the benchmarks of watching: thousands of hosts with a Korean feed each, over TLS, in one process.

`python -m benchmarks.publishers FOLDER TENTHS` writes certificate and port into FOLDER and serves until its standard
input ends; a line on it makes one more entry stand in every feed. Documents are made when they are asked for. With
TENTHS every tenth request of a host finds one more, whatever stands on standard input, and all hosts say the same.
"""

import asyncio
import gzip
import random
import re
import ssl
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from tests.fakes.certificates import Authority

ENTRIES = 50
DOMAIN = "publishers.test"
FIRST = datetime(2026, 6, 17, 5, 0, tzinfo=UTC)
WHO = (
    "시의회는",
    "국토교통부는",
    "한국은행은",
    "도서관 이용자 대표단은",
    "항만공사 관계자는",
    "연구진은",
    "소방 당국은",
)
WHAT = (
    "내년 예산 {}억 원을 확정했다고 {}일 밝혔다",
    "신청자 {}명 가운데 {}명을 뽑아 다음 달부터 교육한다고 설명했다",
    "노선 {}개를 없애고 배차 간격을 {}분으로 줄이기로 했다",
    "수출액이 지난해보다 {}퍼센트 늘어 {}억 달러가 됐다고 전했다",
    "접수 {}분 만에 자리 {}석이 모두 찼다며 추가 모집 계획을 내놓았다",
    "피해 신고 {}건을 조사해 {}건을 경찰에 넘겼다고 말했다",
)
WHY = (
    "주민 설명회에서 나온 의견을 반영한 결정이다",
    "지난해 가을의 시범 운영이 좋은 평가를 받은 데 따른 것이다",
    "물가가 오르면서 비용을 감당하기 어렵다는 지적이 이어졌다",
    "비슷한 계획이 두 차례 미뤄진 뒤에 나온 결과여서 관심을 모은다",
)


def sentences(dice: random.Random, count: int) -> str:
    made = []
    for _ in range(count):
        did = dice.choice(WHAT).format(dice.randrange(2, 9000), dice.randrange(2, 90))
        made.append(f"{dice.choice(WHO)} {did}. {dice.choice(WHY)}.")
    return " ".join(made)


def entry(host: str, number: int, *, alike: bool = False) -> str:
    """One entry of about 2.6 KB, always the same for a host and a number; `alike`: its text for the number alone."""
    dice = random.Random(str(number) if alike else f"{host} {number}")
    text = "".join(f"<p>{sentences(dice, 4)}</p>" for _ in range(2))
    html = (
        f'{text}<p><img src="/pictures/{number}.jpg" alt="현장 사진"></p><ul><li>{sentences(dice, 1)}</li></ul>'
        f'<p>출처: <a href="https://original.example/{host}/{number}">{sentences(dice, 1)[:30]}</a></p>'
    )
    return (
        f"<item><title>{sentences(dice, 1)[:38]} {number}호</title><link>https://{host}/news/{number}</link>"
        f'<guid isPermaLink="false">{host}-{number}</guid>'
        f"<pubDate>{format_datetime(FIRST + timedelta(minutes=7 * number))}</pubDate><category>경제</category>"
        f"<description><![CDATA[{sentences(dice, 2)}]]></description>"
        f"<content:encoded><![CDATA[{html}]]></content:encoded></item>"
    )


def document(host: str, newest: int, *, alike: bool = False) -> bytes:
    """The feed whose newest entry has this number; `alike`: it says what all others say, under its own addresses."""
    head = (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>{host}</title><link>https://{host}/</link><description>소식</description>"
        f"<lastBuildDate>{format_datetime(FIRST + timedelta(minutes=7 * newest))}</lastBuildDate>"
    )
    entries = "".join(entry(host, number, alike=alike) for number in range(newest, newest - ENTRIES, -1))
    return f"{head}{entries}</channel></rss>".encode()


class Publishers(asyncio.Protocol):
    """Just enough HTTP: requests without a body, conditional ones answered with 304."""

    newest: ClassVar = ENTRIES
    asked: ClassVar = Counter[str]()

    def __init__(self, tenths: bool) -> None:
        self._tenths = tenths
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        while b"\r\n\r\n" in self._read:
            request, _, self._read = self._read.partition(b"\r\n\r\n")
            self._transport.write(self._answer(request.decode("latin-1") + "\r\n"))

    def _answer(self, request: str) -> bytes:
        named = dict(re.findall(r"^([\w-]+): *(.*?)\r$", request.lower(), re.MULTILINE))
        host, newest = named["host"].partition(":")[0], self.newest
        if self._tenths:
            self.asked[host] += 1
            newest += (self.asked[host] + int(re.sub(r"\D", "", host)) % 10) // 10
        tag = f'"{newest}"'
        if named.get("if-none-match") == tag:
            return f"HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n".encode()
        body = gzip.compress(document(host, newest, alike=self._tenths), compresslevel=6)
        head = f"HTTP/1.1 200 OK\r\nETag: {tag}\r\nContent-Type: application/rss+xml; charset=utf-8\r\n"
        return f"{head}Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def serve(folder: Path, tenths: bool) -> None:
    server_side = Authority(folder).context(f"*.{DOMAIN}")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        partial(Publishers, tenths), "127.0.0.1", 0, ssl=server_side, backlog=500, ssl_handshake_timeout=30
    )
    (folder / "port").write_text(str(server.sockets[0].getsockname()[1]))
    print("ready", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        Publishers.newest += 1
        print("published", flush=True)


class Running:
    """The publishers in a process of their own, as a context manager."""

    def __init__(self, folder: Path, *, tenths: bool = False) -> None:
        self._folder = folder
        self._tenths = tenths

    def __enter__(self) -> "Running":
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.publishers", str(self._folder), "tenths" if self._tenths else ""],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._said()
        self.port = int((self._folder / "port").read_text())
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.terminate()
        self._process.wait(10)

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def publish(self) -> None:
        """One more entry stands in every feed."""
        assert self._process.stdin is not None
        print(file=self._process.stdin, flush=True)
        self._said()

    def url(self, number: int) -> str:
        return f"https://h{number}.{DOMAIN}:{self.port}/feed.xml"

    def trusted(self) -> ssl.SSLContext:
        """A client's side that trusts them."""
        return ssl.create_default_context(cafile=self._folder / "ca.pem")


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2] == "tenths"))
