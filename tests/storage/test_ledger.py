"""What the ledger costs when it is long: which indexes serve it, and a fan-out in chunks."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import delete, event, func, select
from sqlalchemy.engine import Connection

import pipeline
from models import Chat, Status
from pipeline import Desk, Dispatcher
from storage import chats as stored_chats
from storage import ledger
from storage import subscriptions as stored_subscriptions
from storage.tables import chats, deliveries, subscriptions
from tests.senders import ScriptedSender
from tests.sites import Site
from tests.test_pipeline import deliver, poll, started, subscribe

EVERYTHING: dict[str, list[str]] = {"sources": [], "topics": [], "include": [], "exclude": []}


async def many_chats(desk: Desk, count: int, narrow: int = 0) -> None:
    """So many subscribed chats, `narrow` of them with words to look for (every second of these finds them)."""
    async with desk.database.write() as tx:
        row = {
            "platform": "scripted", "account": "", "thread": "", "language": "ko", "timezone": "Asia/Seoul",
            "pictures": True, "subscribed": True, "paused": "", "created": desk.now(),
        }  # fmt: skip
        await tx.execute(chats.insert(), [{"id": n, "chat": f"c{n}", **row} for n in range(1, count + 1)])
        wishes: list[dict[str, Any]] = [{"chat_id": n, **EVERYTHING} for n in range(1, count + 1)]
        for wish in wishes[:narrow]:
            found = wish["chat_id"] % 2 == 0
            wish["include"] = ["소식" if found else "없는 낱말", f"낱말{wish['chat_id']}"]
        await tx.execute(subscriptions.insert(), wishes)


@asynccontextmanager
async def steps(desk: Desk) -> AsyncIterator[list[int]]:
    """How much SQLite does in the writer's units, in hundreds of its virtual machine's instructions: the same on every
    machine, whatever else runs."""
    count = [0]

    def note() -> int:
        count[0] += 1
        return 0

    async with desk.database.write() as tx:
        driver = (await tx.get_raw_connection()).driver_connection
    assert driver is not None
    await driver.set_progress_handler(note, 100)
    yield count
    await driver.set_progress_handler(None, 0)


async def test_what_ends_alike_is_one_statement_and_each_row_gets_its_own_end(desk: Desk, site: Site) -> None:
    sender = ScriptedSender()
    desk.senders = {sender.name: sender}
    await started(desk, site)
    await many_chats(desk, 5)
    site.publish(1)
    await poll(desk, site)
    now = desk.now()
    statements: list[str] = []

    def note(*given: Any) -> None:
        if given[2].startswith("UPDATE deliveries"):
            statements.append(given[2])

    async with desk.database.write() as tx:
        await pipeline.plan(tx, now)
        ids = [*await tx.scalars(select(deliveries.c.id).order_by(deliveries.c.id))]
        event.listen(tx.sync_connection, "before_cursor_execute", note)
        sent = {"status": Status.SENT, "shown": 1, "sent_at": now, "problem": ""}
        ends: list[dict[str, Any]] = [sent | {"message_id": f"{one}.0001"} for one in ids[:3]]
        ends += [{"status": Status.UNKNOWN, "due": now, "problem": 'it said "no", 100%'}]
        await ledger.save(tx, zip(ids[:4], ends, strict=True))
        rows = (await tx.execute(select(deliveries).order_by(deliveries.c.id))).all()
    assert len(statements) == 2
    for row, end in zip(rows, ends, strict=False):
        assert {name: getattr(row, name) for name in end} == end
    assert {(row.status, row.message_id, row.sent_at) for row in rows[4:]} == {("waiting", "", None)}


async def test_a_fan_out_to_thousands_is_filled_in_chunks_and_others_write_between(desk: Desk, site: Site) -> None:
    sender = ScriptedSender()
    desk.senders = {sender.name: sender}
    await started(desk, site)
    await many_chats(desk, 12_000, narrow=1_500)
    site.publish(1)
    await poll(desk, site)
    planned, units, more = list[int](), 0, True
    while more:
        async with desk.database.write() as tx:
            more = await pipeline.plan(tx, desk.now())
            planned.append(await tx.scalar(select(func.count()).select_from(deliveries)) or 0)
        units += 1
    assert planned[-1] == 10_500 + 750
    assert max(after - before for before, after in pairwise([0, *planned])) < 2 * pipeline.PLAN_CHUNK
    assert units >= 3, "between two units whoever else writes has its turn"


@pytest.mark.parametrize("broken", [False, True])
async def test_what_comes_next_does_not_depend_on_how_much_waits(desk: Desk, site: Site, broken: bool) -> None:
    sender = ScriptedSender()
    desk.senders = {sender.name: sender}
    await started(desk, site)
    await many_chats(desk, 6_000)
    site.publish(1)
    await poll(desk, site)
    dispatcher = Dispatcher(desk)
    for _ in range(4):
        await dispatcher.turn()
        await dispatcher.calls_end()
        desk.now.forward(0.1)  # type: ignore[attr-defined]
    if broken:
        async with desk.database.write() as tx:
            await tx.exec_driver_sql("DROP INDEX deliveries_next")
    costs = []
    for left in (6_000, 1_200):
        async with desk.database.write() as tx:
            await tx.execute(delete(deliveries).where(deliveries.c.chat_id > left, deliveries.c.status == "waiting"))
        before = len(sender.shown)
        async with steps(desk) as count:
            await dispatcher.turn()
            await dispatcher.calls_end()
        assert len(sender.shown) == before + pipeline.AT_ONCE
        desk.now.forward(0.1)  # type: ignore[attr-defined]
        costs.append(count[0])
    await dispatcher.finish()
    assert (costs[0] > 1.5 * costs[1]) == broken, costs


SMALL = re.compile("unsettled|replying")
"""Indexes of what is under way: they hold a few rows, whatever waits."""


async def test_what_runs_each_turn_is_served_by_indexes(desk: Desk, site: Site) -> None:
    sender = ScriptedSender()
    desk.senders = {sender.name: sender}
    asked: list[tuple[str, Any]] = []

    def note(connection: Connection, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    await started(desk, site, "a")
    site.publish(1)
    await poll(desk, site)
    engine = desk.database._writer.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    await deliver(desk, turns=3)
    event.remove(engine, "before_cursor_execute", note)
    scanned = set()
    async with desk.database.write() as tx:
        for statement, parameters in asked:
            if statement.startswith(("SELECT", "UPDATE")) and "deliveries" in statement:
                values = parameters if isinstance(parameters, tuple) else tuple(parameters)
                values = values[0] if values and isinstance(values[0], tuple) else values
                plan = await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                lines = [row.detail for row in plan]
                sorts = [line for line in lines if "ORDER BY" in line and "LIMIT" in statement]
                scans = [line for line in lines if line.startswith("SCAN deliveries") and not SMALL.search(line)]
                scanned |= {(line, statement[:200]) for line in sorts + scans}
    assert len(asked) > 20 and scanned == set()


async def test_a_closed_chat_stands_in_no_line_until_it_opens(desk: Desk, site: Site) -> None:
    sender = ScriptedSender()
    desk.senders = {sender.name: sender}
    await started(desk, site, "a", "b")
    closed = Chat("scripted", "", "a")
    async with desk.database.write() as tx:
        known = await stored_chats.find(tx, closed)
        assert known is not None
        await stored_chats.pause(tx, known.id, "blocked")
    site.publish(1)
    await poll(desk, site)
    await deliver(desk)
    assert sender.shown == {"b": ["소식 1호"]}
    async with desk.database.read() as connection:
        lines = await connection.execute(select(deliveries.c.queue).order_by(deliveries.c.chat_id))
        assert [row.queue for row in lines] == [None, "scripted"]
    await subscribe(desk, "a")
    await deliver(desk)
    assert sender.shown["a"] == ["소식 1호"]


async def test_wishes_are_weighed_and_everything_is_not_read_into_memory(desk: Desk, site: Site) -> None:
    await started(desk, site)
    await many_chats(desk, 10, narrow=4)
    async with desk.database.read() as connection:
        narrow = await stored_subscriptions.listeners_between(connection, 0, 10)
    assert [one.chat_id for one in narrow] == [1, 2, 3, 4] and narrow[1].wishes[0].include == ("소식", "낱말2")
    site.publish(1)
    await poll(desk, site)
    await deliver(desk)
    async with desk.database.read() as connection:
        owed = [*await connection.scalars(select(deliveries.c.chat_id).order_by(deliveries.c.chat_id))]
    assert owed == [2, 4, 5, 6, 7, 8, 9, 10]


async def test_a_chunk_holds_only_so_many_chats_whose_wishes_must_be_weighed(desk: Desk, site: Site) -> None:
    await started(desk, site)
    await many_chats(desk, 20, narrow=9)
    async with desk.database.read() as connection:
        chunks = [await stored_subscriptions.chunk_after(connection, cursor, 8, 4) for cursor in (0, 4, 8, 16, 20)]
    assert chunks == [(4, 4), (4, 8), (8, 16), (4, 20), None]


async def test_a_plan_in_one_piece_would_be_one_giant_transaction(
    desk: Desk, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "PLAN_CHUNK", 1_000_000)
    await started(desk, site)
    await many_chats(desk, 3000)
    site.publish(1)
    await poll(desk, site)
    async with desk.database.write() as tx:
        await pipeline.plan(tx, desk.now())
        assert await ledger.open_fanouts(tx) == 0
