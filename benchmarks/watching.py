"""Ten thousand sources in one process: what watching them costs, how late reads are, how much memory it takes.

The real poll loop, database, worker processes and client, against publishers over TLS on loopback of which every tenth
answer is a changed feed (one new entry of 50). The database begins as after months: every source was read, every entry
is known. Names are answered in this process.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pipeline
import reader
import stories
from benchmarks.polling import answer_names_here, cpu_seconds, resident_mb
from benchmarks.publishers import DOMAIN, ENTRIES, Running, document
from config.settings import load
from models import Kind, Post, Source
from pipeline import Desk, Poller
from sources import fetch
from sources.documents import Document
from storage.database import Database
from storage.sources import Watched, host_of
from storage.tables import seen, sources
from worker import Workers

EVERY = 300.0
CORE, LATE_SECONDS, MEMORY_MB = 0.5, 5.0, 400.0
AT_ONCE = 1000
"""Sources whose rows are written in one transaction."""


def source_of(publishers: Running, number: int) -> Source:
    return Source(f"h{number}", f"h{number}", Kind.FEED, publishers.url(number), every=EVERY, language="ko")


async def remember(database: Database, publishers: Running, count: int) -> None:
    """The rows of sources whose documents were read before, due evenly over one interval."""
    pattern = [post for post, _ in reader.parse(source_of(publishers, 0), (pattern_document(publishers),))]
    for start in range(0, count, AT_ONCE):
        numbers = range(start, min(count, start + AT_ONCE))
        async with database.write() as tx:
            await tx.execute(seen.insert(), [row for number in numbers for row in entries_of(pattern, number)])
    now = datetime.now(UTC) + timedelta(seconds=5)
    async with database.write() as tx:
        await tx.execute(sources.insert(), [row_of(publishers, number, count, now) for number in range(count)])


def pattern_document(publishers: Running) -> Document:
    return Document(publishers.url(0), document(f"h0.{DOMAIN}", ENTRIES, alike=True), "utf-8")


def row_of(publishers: Running, number: int, count: int, now: datetime) -> dict[str, object]:
    source = source_of(publishers, number)
    validators = {"etag": f'"{ENTRIES}"', "body": "-", "whole_at": int(now.timestamp())}
    return {
        "id": source.id, "from_file": True, "active": True, "paused": False, "spec": asdict(source),
        "host": host_of(source), "validators": validators, "added_at": now, "last_read_at": now, "read_once": True,
        "next_at": now + timedelta(seconds=EVERY * number / count), "interval": int(EVERY), "failures": 0,
        "problem": "", "keyed_by": "guid",
    }  # fmt: skip


def entries_of(pattern: Sequence[Post], number: int) -> list[dict[str, object]]:
    """What is remembered of the entries of a source: those of the first one, with its own name in their place."""
    rows = []
    for post in pattern:
        named = ("guid", "link", "html", "original_link")
        text = {name: getattr(post, name).replace("h0.", f"h{number}.") for name in named}
        own = replace(post, **text)
        rows.append({"source_id": f"h{number}", "key": own.guid, "fingerprint": stories.fingerprint(own), "alert_id": 0,
                     "apart": own.link, "repeated": False})  # fmt: skip
    return rows


@dataclass(slots=True)
class Watch:
    """What was seen of the polls, while `measuring`."""

    late: list[float] = field(default_factory=list)
    news: int = 0
    measuring: bool = False


def observed(watch: Watch) -> None:
    """Have each poll of the loop noted: how long after its time it begins, and how much news it brings."""
    poll = pipeline.poll

    async def noted(desk: Desk, watched: Watched, *rest: Any) -> int:
        late = (desk.now() - watched.next_at).total_seconds()
        new = await poll(desk, watched, *rest)
        if watch.measuring:
            watch.late.append(late)
            watch.news += new
        return new

    pipeline.poll = noted  # type: ignore[assignment]


async def watched(
    publishers: Running, folder: Path, count: int, minutes: float
) -> tuple[Watch, float, float, list[float]]:
    """The polls of so many minutes, the share of a core, and the memory of the process and of its workers."""
    answer_names_here()
    given = {"SOKBO_DATABASE_URL": f"sqlite:///{folder}/sokbo.db", "SOKBO_FETCH__ALLOW_NETWORKS": "127.0.0.0/8"}
    settings = load(None, given)
    database, workers, watch = await Database.open(settings.database_path), Workers("reader"), Watch()
    await remember(database, publishers, count)
    observed(watch)
    async with fetch.client(settings.fetch, "bench", tls=publishers.trusted()) as http:
        desk = Desk(database, http, settings, {}, lambda: datetime.now(UTC), "bench", off_the_loop=workers)
        await asyncio.gather(*(workers(os.getpid) for _ in range(2)))
        polling = asyncio.create_task(Poller(desk).run())
        pids, began, cpu, memory = workers.idle, time.monotonic(), 0.0, 0.0
        cpu, watch.measuring = cpu_seconds(pids), True
        while time.monotonic() - began < 60 * minutes:
            await asyncio.sleep(1)
            memory = max(memory, resident_mb())
        share = (cpu_seconds(pids) - cpu) / (time.monotonic() - began)
        watch.measuring = False
        workers_mb = [resident_mb(pid) for pid in pids]
        desk.stopping.set()
        await polling
    await workers.close()
    await database.close()
    return watch, share, memory, workers_mb


def main(count: int = 10_000, minutes: float = 10.0) -> None:
    """Print what was measured beside what is promised; exit 1 where that is missed."""
    with tempfile.TemporaryDirectory() as name, Running(Path(name), tenths=True) as publishers:
        watch, share, memory, workers = asyncio.run(watched(publishers, Path(name), count, minutes))
    late = sorted(watch.late)
    worst = late[int(0.99 * len(late))]
    print(f"{count:,} sources every {EVERY:.0f} s for {minutes:g} minutes: {len(late):,} polls, {watch.news:,} news")
    rows = [
        ("share of a core, workers included", share, CORE),
        ("seconds after its time, p99", worst, LATE_SECONDS),
        ("MB of the process, most", memory, MEMORY_MB),
    ]
    missed = [name for name, value, most in rows if value > most]
    for name, value, most in rows:
        print(f"  {name:36} {value:8.2f}   at most {most:g}")
    print(f"  {'CPU ms a poll':36} {1000 * share * 60 * minutes / len(late):8.2f}")
    print(f"  seconds after its time: median {late[len(late) // 2]:.2f}, most {late[-1]:.2f}; workers "
          f"{' + '.join(f'{one:.0f}' for one in workers)} MB")  # fmt: skip
    if len(late) < 0.95 * count * 60 * minutes / EVERY:
        missed.append("polls")
    if missed:
        print(f"MISSED: {', '.join(missed)}")
        raise SystemExit(1)
