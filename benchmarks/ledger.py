"""The ledger by itself: inserts, marks and planning with every commit on the disk, and whether its length matters.

Side by side, in one run, with what a small bot does instead: a session of an ORM and one commit for each row.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Engine, Index, String, create_engine, event, func, select, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import delivery
import pipeline
import upkeep
from benchmarks import scene
from delivery import AccountPace, Limit
from models import Chat, Outgoing, Sent
from pipeline import Desk
from storage import ledger
from storage.tables import deliveries, subscriptions

BATCH = 100
CHATS = 10_000
SIZES = (10_000, 100_000, 1_000_000)


class NoPlatform:
    """Stands where a platform would: nothing is sent here."""

    name, ready, alarm, can_look = "bench", True, None, False
    pace = AccountPace(1e6, lambda _: (Limit(1000, 1),))


def chats(count: int) -> list[Chat]:
    return [Chat("bench", "", str(number)) for number in range(count)]


async def plan(desk: Desk) -> tuple[float, float]:
    """Plan all that is open; seconds in all, and of the longest transaction."""
    began, longest, more = time.perf_counter(), 0.0, True
    while more:
        start = time.perf_counter()
        async with desk.database.write() as tx:
            more = await pipeline.plan(tx, desk.now())
        longest = max(longest, time.perf_counter() - start)
    return time.perf_counter() - began, longest


async def insert(desk: Desk, batches: int) -> float:
    """Owe an alert to the chats, a hundred in a transaction; rows a second."""
    async with desk.database.write() as tx:
        fanout = await ledger.next_fanout(tx)
    assert fanout is not None
    began = time.perf_counter()
    for after in range(0, batches * BATCH, BATCH):
        async with desk.database.write() as tx:
            await ledger.fill(tx, fanout, (), desk.now(), everything=(after, after + BATCH))
    rate = batches * BATCH / (time.perf_counter() - began)
    async with desk.database.write() as tx:
        await ledger.move_cursor(tx, fanout, None)
    return rate


async def claim(desk: Desk) -> list[Outgoing]:
    """The next hundred calls, saved as `sending`."""
    nobody = ledger.Closed(frozenset(), frozenset())
    async with desk.database.write() as tx:
        ids = await ledger.first_in_line(tx, now=desk.now(), room={"bench": BATCH}, closed=nobody)
        return await pipeline.claim(desk, tx, ids, desk.now())


async def mark(desk: Desk, calls: Sequence[Outgoing]) -> None:
    """All of them were sent."""
    now = desk.now()
    rows = [
        (one.delivery.id, delivery.after(one.delivery, Sent(str(one.delivery.id)), 1, now, can_look=False).values)
        for one in calls
    ]
    async with desk.database.write() as tx:
        await ledger.save(tx, rows)


async def batches(desk: Desk, count: int) -> tuple[float, float]:
    """Claim and mark so many batches; rows a second of each."""
    claiming = marking = 0.0
    for _ in range(count):
        start = time.perf_counter()
        calls = await claim(desk)
        claimed = time.perf_counter()
        await mark(desk, calls)
        claiming, marking = claiming + claimed - start, marking + time.perf_counter() - claimed
    return count * BATCH / claiming, count * BATCH / marking


# ---------------------------------------------------------------------------------------------------------- beside it


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "deliveries"
    id: Mapped[int] = mapped_column(primary_key=True)
    alert: Mapped[int]
    chat: Mapped[int]
    status: Mapped[str] = mapped_column(String(8))
    message_id: Mapped[str] = mapped_column(String(64))
    sent_at: Mapped[Any] = mapped_column(DateTime, nullable=True)
    __table_args__ = (Index("waiting", "status", "alert"),)


def orm_engine(path: Path) -> Engine:
    """A database with the small bot's table, every commit on the disk."""
    engine = create_engine(f"sqlite:///{path}")

    def prepare(connection: Any, _: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", prepare)
    Base.metadata.create_all(engine)
    return engine


def orm(folder: Path, rows: int) -> tuple[float, float]:
    """Inserts and marks a second, each with its own `session.commit()`."""
    engine = orm_engine(folder / "orm.db")
    with Session(engine) as session:
        began = time.perf_counter()
        for number in range(rows):
            session.add(Row(id=number, alert=1, chat=number, status="waiting", message_id=""))
            session.commit()
        inserted = time.perf_counter()
        for number in range(rows):
            row = session.get(Row, number)
            assert row is not None
            row.status, row.message_id = "sent", str(number)
            session.commit()
        marked = time.perf_counter()
    engine.dispose()
    return rows / (inserted - began), rows / (marked - inserted)


# --------------------------------------------------------------------------------------------------------- the tables


async def throughput(folder: Path, count: int) -> bool:
    """Beside an ORM; says whether both rates are as wanted."""
    async with scene.desk(folder) as desk:
        desk.senders = {"bench": NoPlatform()}  # type: ignore[dict-item]
        await scene.subscribe(desk, chats(CHATS))
        await scene.publish(desk, 1)
        inserts = await insert(desk, count)
        _, marks = await batches(desk, count)
    theirs = orm(folder, 10 * count)
    print(f"ledger, {count} batches of {BATCH}, synchronous FULL; beside it one ORM commit a row")
    print("             Sokbo rows/s   ORM rows/s    ratio   wanted")
    for name, ours, other, wanted in (("insert", inserts, theirs[0], 20_000), ("mark", marks, theirs[1], 30_000)):
        print(f"  {name:<10} {ours:12,.0f} {other:12,.0f} {ours / other:8.0f}   {wanted:,}")
    return inserts >= 20_000 and marks >= 30_000


@asynccontextmanager
async def longest_stall() -> AsyncIterator[list[float]]:
    """The seconds that the loop's thread computed at most without letting others have their turn: in its own CPU time,
    since on a busy machine a wall clock measures the neighbours."""
    worst = [0.0]

    async def watch() -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0.001)
            worst[0] = max(worst[0], time.thread_time() - before)

    task = asyncio.create_task(watch())
    await asyncio.sleep(0)
    yield worst
    task.cancel()


async def planning(folder: Path, count: int) -> bool:
    """An alert to so many chats, all of which want everything, then three in ten with words to look for."""
    kept = True
    for narrow in (0, 3 * count // 10):
        async with scene.desk(folder / str(narrow)) as desk:
            await scene.subscribe(desk, chats(count))
            async with desk.database.write() as tx:
                words = {"include": ["수출", "없는 낱말"]}
                await tx.execute(update(subscriptions).where(subscriptions.c.chat_id <= narrow).values(words))
            await scene.publish(desk, 1)
            async with longest_stall() as stall:
                seconds, longest = await plan(desk)
        print(
            f"planning {count:,} deliveries, {narrow:,} chats with words: {seconds:.2f} s, longest transaction "
            f"{longest * 1000:.0f} ms, the loop away for {stall[0] * 1000:.0f} ms at most (wanted 100"
            + ("" if narrow else "; 0.5 s for 100,000")
            + ")"
        )
        kept = kept and stall[0] < 0.1 and (narrow > 0 or seconds < 0.5 * max(1, count / 100_000))
    return kept


async def flatness(folder: Path, sizes: Sequence[int]) -> None:
    """µs a row with so many rows of old in the ledger; at the last size old rows are pruned."""
    print(f"with old rows in the ledger, µs a row: planning {CHATS:,}, claiming and marking by {BATCH}")
    print("       rows     plan    claim     mark")
    async with scene.desk(folder) as desk:
        desk.senders = {"bench": NoPlatform()}  # type: ignore[dict-item]
        await scene.subscribe(desk, chats(CHATS))
        there = 0
        for size in sizes:
            more = max(0, size - there * CHATS) // CHATS
            await scene.publish(desk, there + 1, more)
            await plan(desk)
            async with desk.database.write() as tx:
                await tx.execute(text("UPDATE deliveries SET status = 'sent', shown = 1 WHERE status = 'waiting'"))
            there += more
            await scene.publish(desk, there + 1)
            seconds, _ = await plan(desk)
            claims, marks = await batches(desk, CHATS // BATCH)
            print(f"  {size:9,} {seconds / CHATS * 1e6:8.1f} {1e6 / claims:8.1f} {1e6 / marks:8.1f}")
            there += 1
        await retention(desk)


async def retention(desk: Desk) -> None:
    """Prune all but the last chats' rows, as the hourly job does, while somebody writes every 10 ms."""
    async with desk.database.write() as tx:
        old = {"sent_at": desk.now() - 2 * timedelta(seconds=desk.settings.delivery.keep)}
        old["created"] = old["sent_at"]
        rows = await tx.scalar(select(func.count()).select_from(deliveries)) or 0
        await tx.execute(update(deliveries).where(deliveries.c.id <= rows - CHATS).values(old))
    waits: list[float] = []

    async def write() -> None:
        while True:
            began = time.perf_counter()
            async with desk.database.write() as tx:
                await tx.execute(text("UPDATE chats SET paused = '' WHERE id = 1"))
            waits.append(time.perf_counter() - began)
            await asyncio.sleep(0.01)

    writer, began = asyncio.create_task(write()), time.perf_counter()
    pruned = await upkeep.prune(desk)
    seconds = time.perf_counter() - began
    writer.cancel()
    waits.sort()
    print(
        f"retention: {pruned:,} of {rows:,} rows pruned in {seconds:.0f} s; meanwhile a write of somebody else took "
        f"{waits[len(waits) // 2] * 1000:.0f} ms, {waits[len(waits) * 99 // 100] * 1000:.0f} at p99, "
        f"{waits[-1] * 1000:.0f} at most"
    )


def main(batch_count: int = CHATS // BATCH, planned: int = 100_000, sizes: Sequence[int] = SIZES) -> None:
    """The three tables, each on a database of its own. Exits 1 where a rate is missed."""
    with tempfile.TemporaryDirectory() as folder:
        kept = [
            asyncio.run(throughput(Path(folder) / "1", batch_count)),
            asyncio.run(planning(Path(folder) / "2", planned)),
        ]
        asyncio.run(flatness(Path(folder) / "3", sizes))
    if not all(kept):
        sys.exit("ledger: a figure above is not as wanted")
