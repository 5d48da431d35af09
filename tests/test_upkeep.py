"""Old rows are pruned, with a real database: what has ended goes, what may still change stays, nobody waits."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

import pipeline
import upkeep
from models import ChatGone, Refused
from pipeline import Desk
from storage import notices
from storage.tables import deliveries, fanouts, messages
from storage.tables import notices as notice_rows
from tests.conftest import Clock
from tests.senders import ScriptedSender
from tests.sites import Site, watch
from tests.storage.test_ledger import many_chats
from tests.test_pipeline import deliver, poll, rows, started, subscribe

KEEP = 91 * 86400


@pytest.fixture(autouse=True)
def sender(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> ScriptedSender:
    monkeypatch.setattr(upkeep, "REST", 0.0)
    made = ScriptedSender()
    desk.senders = {made.name: made}
    return made


async def publish(desk: Desk, site: Site, *numbers: int) -> None:
    for number in numbers:
        site.publish(number)
    await poll(desk, site)
    await deliver(desk)


async def test_what_ended_long_ago_goes_and_what_is_owed_unknown_or_to_be_edited_stays(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await started(desk, site, "a", "closed")
    sender.script["closed"].append(ChatGone("blocked"))
    sender.script["a"].extend([Refused("bad")] * 2)
    await publish(desk, site, 1)
    await publish(desk, site, 2, 3)
    async with desk.database.write() as tx:
        stale = select(func.max(deliveries.c.id)).where(deliveries.c.status == "sent").scalar_subquery()
        await tx.execute(update(deliveries).where(deliveries.c.id == stale).values(wanted=2))
    assert sorted(await rows(desk)) == [("given_up", 0), ("sent", 0), ("sent", 0), *[("waiting", 0)] * 3]
    clock.forward(KEEP - 2 * 86400)
    assert await upkeep.prune(desk) == 0
    clock.forward(2 * 86400)
    assert await upkeep.prune(desk) == 2
    assert sorted(await rows(desk)) == [("sent", 0), *[("waiting", 0)] * 3]


async def test_a_round_up_goes_whole_or_not_at_all(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await started(desk, site, "a", "b")
    await publish(desk, site, *range(1, 8))
    async with desk.database.write() as tx:
        first = select(func.min(deliveries.c.id)).scalar_subquery()
        await tx.execute(update(deliveries).where(deliveries.c.id == first).values(wanted=2))
    clock.forward(KEEP)
    assert await upkeep.prune(desk) == 7
    async with desk.database.read() as connection:
        kept = (await connection.execute(select(messages))).all()
        assert len(kept) == 1 and len(await rows(desk)) == 7


async def test_a_source_that_joins_after_the_memory_is_gone_doubles_nothing(
    desk: Desk, sender: ScriptedSender, tmp_path: Path, clock: Clock
) -> None:
    one, two = Site(tmp_path, "one"), Site(tmp_path, "two")
    await watch(desk, one, two)
    for site in (one, two):
        await poll(desk, site)
    await subscribe(desk, "a")
    one.publish(1, original="same")
    await poll(desk, one)
    await deliver(desk)
    clock.forward(KEEP)
    assert await upkeep.prune(desk) == 1
    two.publish(2, original="same")
    await poll(desk, two)
    await deliver(desk)
    assert len(sender.sent) == 1
    async with desk.database.read() as connection:
        assert (await connection.execute(select(fanouts))).all() == []


async def test_notices_that_are_over_go_and_open_ones_stay(desk: Desk, clock: Clock) -> None:
    async with desk.database.write() as tx:
        for key in ("over", "open"):
            await notices.tell(tx, desk.now(), key, "notice.chat_open", chat="telegram:1")
        await notices.over(tx, desk.now(), "over")
    clock.forward(KEEP)
    await upkeep.prune(desk)
    async with desk.database.read() as connection:
        assert [*await connection.scalars(select(notice_rows.c.key))] == ["open"]


@pytest.mark.parametrize(("batch", "turns"), [(500, 10), (1_000_000, 1)])
async def test_who_writes_beside_it_waits_for_one_batch_never_for_all(
    desk: Desk, site: Site, clock: Clock, monkeypatch: pytest.MonkeyPatch, batch: int, turns: int
) -> None:
    """Units of the writer take turns; in one batch, as the second line has it, pruning would be one giant turn."""
    monkeypatch.setattr(upkeep, "BATCH", batch)
    await started(desk, site)
    await many_chats(desk, 5000)
    site.publish(1)
    await poll(desk, site)
    more = True
    while more:
        async with desk.database.write() as tx:
            more = await pipeline.plan(tx, desk.now())
    async with desk.database.write() as tx:
        await tx.execute(update(deliveries).values(status="sent", shown=1, sent_at=desk.now()))
    clock.forward(KEEP)
    pruning, written = asyncio.create_task(upkeep.prune(desk)), 0
    await asyncio.sleep(0)  # the pruning asks for the writer first
    while not pruning.done():
        async with desk.database.write() as tx:
            await tx.execute(update(deliveries).where(deliveries.c.id == 0).values(shown=1))
        written += 1
    assert await pruning == 5000 and (written >= turns if turns > 1 else written <= 5)
    assert await rows(desk) == []
