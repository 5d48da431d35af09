"""A call under way has an owner and a lease; the owner renews it, and only a void lease makes a call unknown."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

import pipeline
from pipeline import Desk, Dispatcher
from storage import ledger
from storage.tables import deliveries
from tests.senders import ScriptedSender
from tests.sites import Site
from tests.test_pipeline import poll, started


async def a_call_that_waits(desk: Desk, site: Site) -> tuple[ScriptedSender, Dispatcher]:
    """One alert to chat "a", whose platform does not answer until its gate is opened."""
    sender = ScriptedSender()
    desk.senders = {sender.name: sender}
    await started(desk, site, "a")
    sender.gates["a"] = asyncio.Event()
    site.publish(1)
    await poll(desk, site)
    dispatcher = Dispatcher(desk)
    await dispatcher.turn()
    return sender, dispatcher


async def rows(desk: Desk) -> list[Any]:
    async with desk.database.read() as connection:
        return [*await connection.execute(deliveries.select().order_by(deliveries.c.id))]


async def lapse(desk: Desk, owner: str, now: datetime) -> dict[str, int]:
    async with desk.database.write() as tx:
        return await ledger.lapse(tx, owner=owner, now=now, looked_up={})


async def test_a_call_is_saved_with_owner_and_lease_before_it_is_made(desk: Desk, site: Site) -> None:
    sender, dispatcher = await a_call_that_waits(desk, site)
    (row,) = await rows(desk)
    assert (row.status, row.owner, row.lease_until) == ("sending", desk.owner, desk.now() + pipeline.LEASE)
    sender.gates["a"].set()
    await dispatcher.finish()
    (row,) = await rows(desk)
    assert row.status == "sent" and sender.shown["a"] == ["소식 1호"]


@pytest.mark.parametrize("renews", [True, False])
async def test_a_long_call_stays_its_owners_as_long_as_that_renews_its_lease(
    desk: Desk, site: Site, monkeypatch: pytest.MonkeyPatch, renews: bool
) -> None:
    sender, dispatcher = await a_call_that_waits(desk, site)
    if not renews:

        async def forgotten(*_: Any) -> None:
            """An owner that renews nothing."""

        monkeypatch.setattr(ledger, "renew", forgotten)
    for _ in range(9):
        desk.now.forward(pipeline.LEASE.total_seconds() / 2)  # type: ignore[attr-defined]
        await dispatcher.turn()
    assert (await lapse(desk, desk.owner, desk.now()) == {}) is renews
    assert len(sender.sent) == 0, "and nobody calls a second time meanwhile"
    (row,) = await rows(desk)
    assert row.status == ("sending" if renews else "unknown")
    sender.gates["a"].set()
    await dispatcher.finish()


async def test_the_lease_of_another_owner_is_void_whatever_its_time(desk: Desk, site: Site) -> None:
    """Who asks holds the file's lock, so the other is dead."""
    sender, dispatcher = await a_call_that_waits(desk, site)
    assert await lapse(desk, desk.owner, desk.now()) == {}
    assert await lapse(desk, "who started after the crash", desk.now()) == {"scripted": 1}
    (row,) = await rows(desk)
    assert (row.status, row.unknowns) == ("unknown", 1)
    sender.gates["a"].set()
    await dispatcher.finish()


async def test_a_lease_counts_until_its_last_moment(desk: Desk, site: Site) -> None:
    sender, dispatcher = await a_call_that_waits(desk, site)
    end = desk.now() + pipeline.LEASE
    assert await lapse(desk, desk.owner, end) == {}
    assert await lapse(desk, desk.owner, end + timedelta(microseconds=1)) == {"scripted": 1}
    sender.gates["a"].set()
    await dispatcher.finish()
