"""What a poll costs: the real path from a publisher to parsed posts, beside httpx and feedparser in the same run.

Publishers on loopback speak TLS, each with a host name and a document of its own. Names are answered in this process,
for both sides alike. CPU time is that of this process and of the workers; the publishers' own is not counted.
"""

import asyncio
import io
import os
import resource
import socket
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import httpx

import reader
from benchmarks.publishers import Running
from config.settings import Fetch
from models import Kind, Known, Source
from sources import fetch, kinds
from sources.documents import Fetched, Unchanged
from worker import Workers

AT_ONCE = 32
KEPT = 64
"""Hosts that are asked again and again over the connections that stay open."""
TIMES = 15.0
NEW_MS, KEPT_MS = 2.2, 0.6
MEMORY_MB = 120.0
TICK = 1 / os.sysconf("SC_CLK_TCK")
SETTINGS = Fetch(timeout=60.0, allow_networks=("127.0.0.0/8",))


def answer_names_here() -> None:
    """All hosts are on loopback: what looking up names costs is left out, for everybody."""

    async def getaddrinfo(host: object, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))]

    asyncio.get_running_loop().getaddrinfo = getaddrinfo  # type: ignore[assignment, method-assign]


def cpu_seconds(pids: Sequence[int] = ()) -> float:
    """Of this process, and of others by the kernel's count."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    others = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return own.ru_utime + own.ru_stime + TICK * sum(int(one[11]) + int(one[12]) for one in others)


def resident_mb(pid: int | str = "self") -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


async def all_of(numbers: Sequence[int], ask: Callable[[int], Awaitable[None]]) -> None:
    """So many at a time."""
    left = iter(numbers)

    async def one_after_the_other() -> None:
        for number in left:
            await ask(number)

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


class Sokbo:
    """The path of `pipeline.poll` up to the parsed posts: the client for publishers, the guard, the worker process."""

    def __init__(self, publishers: Running) -> None:
        self._publishers = publishers
        self._workers = Workers("reader")
        self._validators: dict[int, dict[str, Any]] = {}
        self._known: dict[int, bytes] = {}
        self.read: dict[int, tuple[int, int]] = {}
        self.renew()

    def renew(self) -> None:
        """A client that has no connection yet."""
        self._http = fetch.client(SETTINGS, "bench", tls=self._publishers.trusted())

    async def close(self) -> None:
        await self._http.aclose()

    async def end(self) -> None:
        await self._workers.close()

    def cpu_seconds(self) -> float:
        return cpu_seconds(self._workers.idle)

    def workers_mb(self) -> list[float]:
        return [resident_mb(pid) for pid in self._workers.idle]

    async def start(self) -> None:
        """Workers that are there already, so that their start is not counted."""
        await asyncio.gather(*(self._workers(os.getpid) for _ in range(2)))

    async def ask(self, number: int) -> Fetched | Unchanged:
        source = Source(f"h{number}", f"h{number}", Kind.FEED, self._publishers.url(number))
        validators = self._validators.get(number, {})
        fetched = await kinds.fetch(self._http, source, validators, SETTINGS, trusted=True, now=datetime.now(UTC))
        self._validators[number] = dict(fetched.validators or validators)
        if isinstance(fetched, Fetched):
            known = self._known.get(number, b"")
            entries, self._known[number] = await self._workers(
                reader.parse_changes, source, fetched.documents[0], known
            )
            self.read[number] = (sum(not isinstance(one.post, Known) for one in entries), len(entries))
        return fetched

    async def changed(self, number: int) -> None:
        assert isinstance(await self.ask(number), Fetched)

    async def unchanged(self, number: int) -> None:
        assert isinstance(await self.ask(number), Unchanged)


class Usual:
    """What one writes first: httpx as it comes, and feedparser on what it brings."""

    def __init__(self, publishers: Running) -> None:
        self._publishers = publishers
        self._tags: dict[int, str] = {}
        self.entries: dict[int, int] = {}

    def renew(self) -> None:
        self._http = httpx.AsyncClient(verify=self._publishers.trusted(), timeout=60)

    async def close(self) -> None:
        await self._http.aclose()

    async def changed(self, number: int) -> None:
        known = {"If-None-Match": self._tags[number]} if number in self._tags else {}
        answer = await self._http.get(self._publishers.url(number), headers=known)
        self._tags[number] = answer.headers["etag"]
        assert answer.status_code == 200
        self.entries[number] = len(feedparser.parse(io.BytesIO(answer.content)).entries)

    async def unchanged(self, number: int) -> None:
        answer = await self._http.get(self._publishers.url(number), headers={"If-None-Match": self._tags[number]})
        assert answer.status_code == 304


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU milliseconds of one poll, on connections that are new and on ones that were kept."""

    changed: float
    new: float
    kept: float


async def compared(publishers: Running, feeds: int, sample: int) -> tuple[Cost, Cost, float, list[float], float]:
    """Sokbo's cost over all feeds and the usual way's over a sample of them, with Sokbo's memory and workers; and what
    a whole document costs it that it sees for the first time."""
    answer_names_here()
    ours, theirs = Sokbo(publishers), Usual(publishers)
    theirs.renew()
    everybody, some = range(feeds), range(0, feeds, max(1, feeds // sample))
    await ours.start()
    first = await _ms(ours.cpu_seconds, ours.changed, everybody)
    memory, workers = resident_mb(), ours.workers_mb()  # before feedparser takes its own
    await all_of(some, theirs.changed)
    publishers.publish()
    our_changed, their_changed = [], []
    slices = [(everybody[n::10], some[n::10]) for n in range(10)]
    for one, other in slices:  # side by side, a tenth each time
        our_changed.append(await _on_new(ours, ours.cpu_seconds, ours.changed, one))
        their_changed.append(await _on_new(theirs, cpu_seconds, theirs.changed, other))
    assert set(ours.read.values()) == {(1, 50)} and set(theirs.entries.values()) == {50}
    our_new = await _on_new(ours, ours.cpu_seconds, ours.unchanged, everybody)
    their_new = await _on_new(theirs, cpu_seconds, theirs.unchanged, some)
    few = [*everybody[:KEPT], *some[:KEPT]]
    again = [few[n % KEPT] for n in range(KEPT * 20)]
    await ours.close()
    ours.renew()
    await all_of(few[:KEPT], ours.unchanged)
    our_kept = await _ms(ours.cpu_seconds, ours.unchanged, again)
    await theirs.close()
    theirs.renew()
    few = [*some[:KEPT]]
    again = [few[n % len(few)] for n in range(KEPT * 20)]
    await all_of(few, theirs.unchanged)
    their_kept = await _ms(cpu_seconds, theirs.unchanged, again)
    for client in (ours, theirs):
        await client.close()
    await ours.end()
    count = sum(len(one) for one, _ in slices), sum(len(other) for _, other in slices)
    mean = [
        sum(cost * len(part[side]) for cost, part in zip(costs, slices, strict=True)) / count[side]
        for side, costs in enumerate((our_changed, their_changed))
    ]
    return Cost(mean[0], our_new, our_kept), Cost(mean[1], their_new, their_kept), memory, workers, first


async def _ms(clock: Callable[[], float], ask: Callable[[int], Awaitable[None]], numbers: Sequence[int]) -> float:
    before = clock()
    await all_of(numbers, ask)
    return 1000 * (clock() - before) / len(numbers)


async def _on_new(
    client: Sokbo | Usual, clock: Callable[[], float], ask: Callable[[int], Awaitable[None]], numbers: Sequence[int]
) -> float:
    """With a client that has no connections: making them counts, and so does ending them."""
    await client.close()
    client.renew()
    return await _ms(clock, ask, numbers)


def main(feeds: int = 2000, sample: int = 200) -> None:
    """Print the table; exit 1 where a target is missed."""
    with tempfile.TemporaryDirectory() as folder, Running(Path(folder)) as publishers:
        ours, theirs, memory, workers, first = asyncio.run(compared(publishers, feeds, sample))
    rows = [
        ("changed: one new entry of 50, new connection", ours.changed, theirs.changed, theirs.changed / TIMES),
        ("unchanged (304), new connection", ours.new, theirs.new, NEW_MS),
        ("unchanged (304), kept connection", ours.kept, theirs.kept, KEPT_MS),
    ]
    print(f"one poll of {feeds:,} feeds over TLS, CPU ms, workers included; httpx + feedparser over {sample} of them")
    print(f"{'':46} {'Sokbo':>8} {'usual':>8} {'times':>7} {'at most':>8}")
    missed = []
    for name, own, other, most in rows:
        print(f"{name:46} {own:8.2f} {other:8.2f} {other / own:7.1f} {most:8.2f}")
        missed += [name] if own > most else []
    print(f"{'first read of a document':46} {first:8.2f}")
    print(f"memory after {feeds:,} hosts: {memory:.0f} MB (at most {MEMORY_MB:.0f}), workers "
          f"{' + '.join(f'{one:.0f}' for one in workers)} MB")  # fmt: skip
    missed += ["memory"] if memory > MEMORY_MB else []
    if missed:
        print(f"MISSED: {', '.join(missed)}")
        raise SystemExit(1)
