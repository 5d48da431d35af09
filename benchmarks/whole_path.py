"""The whole pass of a folder of posts: read, parse, condense, commit, render for both platforms; nothing is sent.

Side by side, in one run on one core, with what a small bot does instead: PyYAML's own loader, the first three
sentences, and one commit for each post.
"""

import asyncio
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import yaml
from markdown_it import MarkdownIt

import pipeline
from config.settings import load
from formatters import slack, telegram
from models import ChatSettings, Kind, Source
from pipeline import Desk
from storage import archive
from storage import sources as stored
from storage.database import Database

SETTINGS = ChatSettings("ko", "Asia/Seoul")


async def sokbo(folder: Path, scratch: Path) -> int:
    """The real path, through the pipeline's own functions; returns how many posts."""
    settings = load(None, {"SOKBO_DATABASE_URL": f"sqlite:///{scratch}/sokbo.db"})
    database = await Database.open(settings.database_path)
    async with httpx.AsyncClient() as http:
        desk = Desk(database, http, settings, {}, lambda: datetime.now(UTC), "bench")
        source = Source("bench", "bench", Kind.JEKYLL, str(folder), "https://bench.example", timezone="Asia/Seoul")
        async with database.write() as tx:
            await stored.declare(tx, [source], desk.now(), 60)
        async with database.read() as connection:
            watched = await stored.one(connection, "bench")
        assert watched is not None
        await pipeline.poll(desk, watched)
    async with database.read() as connection:
        alerts = await archive.latest(connection, 1_000_000)
    for alert in alerts:
        telegram.alert(alert, SETTINGS)
        slack.alert(alert, SETTINGS)
    await database.close()
    return len(alerts)


def small_bot(folder: Path, scratch: Path) -> int:
    """Front matter by yaml.safe_load, Markdown to HTML, tags off, three sentences, one commit a post."""
    connection = sqlite3.connect(scratch / "small.db")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE posts (title TEXT, text TEXT, message TEXT)")
    markdown = MarkdownIt("commonmark", {"html": True})
    count = 0
    for file in sorted((folder / "_posts").iterdir()):
        head, _, body = file.read_text(encoding="utf-8", errors="replace").removeprefix("---").partition("\n---")
        try:
            title = str(yaml.safe_load(head)["title"])
        except (yaml.YAMLError, KeyError, TypeError):
            title = file.stem
        text = re.sub(r"<[^>]+>", " ", markdown.render(body))
        lead = re.split(r"(?<=[.!?])\s+", " ".join(text.split()))[:3]
        connection.execute("INSERT INTO posts VALUES (?, ?, ?)", (title, text, "\n".join([title, *lead])))
        connection.commit()
        count += 1
    connection.close()
    return count


def timed(work: Callable[[Path], int]) -> tuple[int, float, float]:
    """(posts, wall seconds, CPU seconds) in a fresh folder."""
    with tempfile.TemporaryDirectory() as scratch:
        wall, cpu = time.perf_counter(), time.process_time()
        count = work(Path(scratch))
        return count, time.perf_counter() - wall, time.process_time() - cpu


def main(folder: Path, rounds: int = 3) -> None:
    """Alternate the two, and print the median of each with their ratio."""
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(timed(lambda scratch: asyncio.run(sokbo(folder, scratch))))
        theirs.append(timed(lambda scratch: small_bot(folder, scratch)))
    print(f"whole path over {ours[0][0]} posts of {folder.name}, median of {rounds} rounds, one process")
    rates = []
    for name, runs in (("Sokbo", ours), ("small bot", theirs)):
        count, wall, cpu = sorted(runs, key=lambda run: run[1])[len(runs) // 2]
        rates.append(count / wall)
        print(f"  {name:<10} {count / wall:7.0f} posts/s   {1000 * cpu / count:6.2f} CPU ms a post")
    print(f"  ratio      {rates[0] / rates[1]:7.2f}")
