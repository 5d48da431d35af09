"""Who goes first where not all can: urgent alerts, then the oldest, then edits; and nobody starves."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from delivery import AccountPace, Limit
from models import TryLater
from pipeline import Desk, Dispatcher
from storage import ledger
from storage.tables import deliveries
from tests.conftest import Clock
from tests.senders import ScriptedSender
from tests.sites import Site
from tests.test_pipeline import deliver, poll, started, subscribe


@pytest.fixture
def sender(desk: Desk) -> ScriptedSender:
    """Ten calls a second; one a second in a chat."""
    made = ScriptedSender()
    made.pace = AccountPace(10, lambda _: (Limit(1, 1),))
    desk.senders = {made.name: made}
    return made


async def run(desk: Desk, clock: Clock, seconds: float, dispatcher: Dispatcher | None = None) -> Dispatcher:
    dispatcher = dispatcher or Dispatcher(desk)
    for _ in range(int(seconds * 20)):
        await dispatcher.turn()
        await dispatcher.calls_end()
        clock.forward(0.05)
    return dispatcher


async def test_an_urgent_alert_for_all_overtakes_a_backlog_for_all(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    names = [f"c{number}" for number in range(20)]
    await started(desk, site, *names)
    site.publish(1)
    await poll(desk, site)
    dispatcher = await run(desk, clock, 0.5)
    before = len(sender.sent)
    assert 0 < before < 10
    site.publish(2, title="'[속보] 소식 2호'")
    await poll(desk, site)
    await run(desk, clock, 6, dispatcher)
    after = [call.alerts[0].headline for call in sender.sent[before:]]
    assert after[1:20] == ["소식 2호"] * 19, "one call at most was chosen before the urgent alert was known"
    assert len(after) == 40 - before


async def test_no_chat_starves_beside_one_with_a_backlog_and_one_that_is_held(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await started(desk, site, "busy", "held")
    sender.script["held"].extend([TryLater("wait", 1)] * 50)
    for number in range(1, 5):
        site.publish(number)
    await poll(desk, site)
    await deliver(desk, turns=2)
    await subscribe(desk, *"abcdefgh")
    site.publish(5)
    await poll(desk, site)
    await run(desk, clock, 3)
    assert all(sender.shown[chat] == ["소식 5호"] for chat in "abcdefgh")


async def test_edits_take_what_alerts_leave(desk: Desk, sender: ScriptedSender, site: Site, clock: Clock) -> None:
    names = [f"c{number}" for number in range(10)]
    await started(desk, site, *names)
    site.publish(1)
    await poll(desk, site)
    dispatcher = await run(desk, clock, 4)
    site.publish(1, title="고친 제목")
    site.publish(2)
    await poll(desk, site)
    await run(desk, clock, 0.9, dispatcher)
    assert not sender.edited and len(sender.sent) > 15
    await run(desk, clock, 4, dispatcher)
    assert len(sender.edited) == 10 and Counter(len(sender.shown[name]) for name in names) == {2: 10}


async def test_answers_take_their_place_from_the_alerts(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    names = [f"c{number}" for number in range(40)]
    await started(desk, site, *names)
    site.publish(1)
    await poll(desk, site)
    dispatcher = await run(desk, clock, 1)
    alone = len(sender.sent)
    for _ in range(10):
        assert sender.pace.answer(sender.sent[0].chat, clock()).after <= 0.1
        await run(desk, clock, 0.1, dispatcher)
    assert len(sender.sent) - alone <= 2 < alone


async def test_without_the_lines_order_the_same_urgent_alert_is_late(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken bot: who goes next is chosen by alert alone."""

    async def oldest_first(tx: Any, *, room: Mapping[str, int], **_: Any) -> list[int]:
        waiting = select(deliveries.c.chat_id).where(deliveries.c.status == "waiting")
        ids = await tx.scalars(waiting.order_by(deliveries.c.alert_id, deliveries.c.id))
        return [*dict.fromkeys(ids)][: sum(room.values())]

    monkeypatch.setattr(ledger, "first_in_line", oldest_first)
    with pytest.raises(AssertionError):
        await test_an_urgent_alert_for_all_overtakes_a_backlog_for_all(desk, sender, site, clock)
