"""Turns of the dispatcher while many calls start: what they gather, what they put off, and how much may be out."""

import asyncio

import pytest

import pipeline
from pipeline import Desk, Dispatcher
from tests.conftest import Clock
from tests.senders import ScriptedSender
from tests.sites import Site
from tests.test_pipeline import poll, started, subscribe

HANGING = [f"c{number}" for number in range(pipeline.MANY_CALLS + 1)]


@pytest.fixture
def sender(desk: Desk) -> ScriptedSender:
    made = ScriptedSender()
    desk.senders = {made.name: made}
    return made


@pytest.fixture
async def busy(desk: Desk, sender: ScriptedSender, site: Site, clock: Clock) -> Dispatcher:
    """As many calls as make it busy have just started, and none of them ends."""
    for name in HANGING:
        sender.gates[name] = asyncio.Event()
    await started(desk, site, *HANGING)
    site.publish(1)
    await poll(desk, site)
    dispatcher = Dispatcher(desk)
    assert dispatcher.gathers() == 0
    await turns(dispatcher, clock, 2)
    return dispatcher


async def turns(dispatcher: Dispatcher, clock: Clock, count: int = 1, apart: float = 0.05) -> None:
    for _ in range(count):
        clock.forward(apart)
        await dispatcher.turn()
        await asyncio.sleep(0)


async def test_when_many_calls_start_a_turn_waits_for_what_ends_meanwhile(
    busy: Dispatcher, desk: Desk, clock: Clock
) -> None:
    assert busy.gathers() == pipeline.GATHERS.total_seconds()
    clock.forward(0.03)
    assert 0 < busy.gathers() < 0.02
    clock.forward(0.02)
    assert busy.gathers() <= 0


async def test_when_few_calls_start_a_turn_waits_for_nothing(busy: Dispatcher, clock: Clock) -> None:
    await turns(busy, clock, apart=pipeline.RECENTLY.total_seconds())
    assert busy.gathers() == 0


async def test_an_alert_that_comes_while_it_is_busy_is_planned_within_a_fifth_of_a_second(
    busy: Dispatcher, desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await subscribe(desk, "new")
    site.publish(2)
    await poll(desk, site)
    await turns(busy, clock, apart=0.03)
    wait = busy.next_slot()
    assert not sender.sent and wait is not None and wait <= 0.17
    await turns(busy, clock, apart=wait)
    assert [call.chat.id for call in sender.sent] == ["new"]


async def test_an_alert_is_planned_also_where_the_clock_was_set_back(
    busy: Dispatcher, desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await subscribe(desk, "new")
    site.publish(2)
    await poll(desk, site)
    await turns(busy, clock, apart=-3600)
    assert [call.chat.id for call in sender.sent] == ["new"]


async def test_no_more_calls_are_under_way_than_may_be(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "AT_ONCE", 3)
    names = [f"c{number}" for number in range(5)]
    for name in names:
        sender.gates[name] = asyncio.Event()
    await started(desk, site, *names)
    site.publish(1)
    await poll(desk, site)
    dispatcher = Dispatcher(desk)
    await turns(dispatcher, clock, 3)
    assert sorted(name for name in names if sender.at_once[name]) == names[:3]
    sender.gates["c0"].set()
    await asyncio.sleep(0)
    await turns(dispatcher, clock)
    assert sorted(name for name in names if sender.at_once[name]) == ["c1", "c2", "c3"]
