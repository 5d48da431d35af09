"""Takes away what nobody will ask for any more, a little at a time, so that everybody else writes in between."""

import asyncio
from datetime import timedelta

import structlog

from pipeline import Desk, woken
from storage import ledger, notices, raw
from storage.database import DatabaseTrouble

log = structlog.get_logger()

EVERY = timedelta(hours=1)
FIRST_AFTER = timedelta(minutes=1)
"""Nobody's start is slowed down by it."""
BATCH = 500
RAW_BATCH = 20
REST = 0.02
"""Seconds between two batches: the others have the database most of the time."""


async def keep_up(desk: Desk) -> None:
    """Prune each hour until the desk stops."""
    wait = FIRST_AFTER
    while not desk.stopping.is_set():
        await woken(desk.stopping, desk.stopping, seconds=wait.total_seconds())
        if not desk.stopping.is_set():
            try:
                await prune(desk)
            except DatabaseTrouble:
                log.exception("old rows could not be pruned")
        wait = EVERY


async def prune(desk: Desk) -> int:
    """Delete what is older than `[delivery] keep`, and kept answers that nobody wants any more; returns how many
    deliveries. It ends early when the desk stops."""
    before = desk.now() - timedelta(seconds=desk.settings.delivery.keep)
    count, cursor = 0, 0
    last: int | None = 0
    while last is not None and not desk.stopping.is_set():
        async with desk.database.write() as tx:
            deleted, last = await ledger.prune(tx, before, cursor, BATCH)
        count, cursor = count + deleted, last or 0
        await asyncio.sleep(REST)
    left = True
    while left and not desk.stopping.is_set():
        async with desk.database.write() as tx:
            left = await notices.prune(tx, before, BATCH)
        await asyncio.sleep(REST)
    left = True
    while left and not desk.stopping.is_set():
        async with desk.database.write() as tx:
            left = await raw.prune(tx, before if desk.settings.fetch.keep_raw else None, RAW_BATCH)
        await asyncio.sleep(REST)
    if count:
        log.info("old deliveries are pruned", count=count)
    return count
