"""A backlog becomes a round-up: through the pipeline, with a real database and a platform in memory."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import delivery
import pipeline
from delivery import CannotLook, Found, NotThere
from models import Chat, ChatGone, Moved, Refused, Roundup, Subscription, TryLater, Unknown
from pipeline import Desk, Dispatcher
from storage import ledger
from storage.tables import deliveries, messages
from tests.conftest import Clock
from tests.senders import ScriptedSender
from tests.sites import Site
from tests.test_pipeline import deliver, poll, rows, started, subscribe


@pytest.fixture
def sender(desk: Desk) -> ScriptedSender:
    made = ScriptedSender()
    desk.senders = {made.name: made}
    return made


def line(*numbers: int, first: int = 1, total: int = 0) -> str:
    headlines = " / ".join(f"소식 {number}호" for number in numbers)
    return f"[{first}+{len(numbers)} of {total or len(numbers)}] {headlines}"


async def backlog(desk: Desk, site: Site, *names: str, count: int = 7, urgent: int = 0) -> None:
    """So many posts that came at once, the last of them urgent."""
    await started(desk, site, *names)
    for number in range(1, count + 1):
        site.publish(number, title=f"'[속보] 소식 {number}호'" if number > count - urgent else "")
    await poll(desk, site)


async def test_a_backlog_is_one_round_up_oldest_first_and_urgent_alerts_go_alone_and_first(
    desk: Desk, sender: ScriptedSender, site: Site
) -> None:
    await backlog(desk, site, "a", "b", count=9, urgent=2)
    await deliver(desk)
    assert sender.shown["a"] == ["소식 8호", "소식 9호", line(1, 2, 3, 4, 5, 6, 7)]
    assert sender.shown["b"] == sender.shown["a"] and sender.most_at_once == 1
    assert {row for row, _ in await rows(desk)} == {"sent"}


async def test_a_few_alerts_stay_single(desk: Desk, sender: ScriptedSender, site: Site) -> None:
    await backlog(desk, site, "a", count=5)
    await deliver(desk)
    assert sender.shown["a"] == [f"소식 {number}호" for number in range(1, 6)]


async def test_without_its_rule_the_same_backlog_is_a_flood(
    desk: Desk, sender: ScriptedSender, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "next_up", lambda waiting, *_, **__: delivery.Turn((waiting[0],)))
    await backlog(desk, site, "a", count=9)
    await deliver(desk)
    assert len(sender.shown["a"]) == 9


async def test_what_does_not_fit_into_one_message_comes_in_several_one_call_at_a_time(
    desk: Desk, sender: ScriptedSender, site: Site
) -> None:
    sender.most_lines = 3
    await backlog(desk, site, "a", count=8)
    await deliver(desk)
    parts = [line(1, 2, 3, total=8), line(4, 5, 6, first=4, total=8), line(7, 8, first=7, total=8)]
    assert sender.shown["a"] == parts and sender.most_at_once == 1


async def test_an_urgent_alert_overtakes_the_rest_of_a_round_up(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    sender.most_lines = 5
    await backlog(desk, site, "a", count=8)
    dispatcher = Dispatcher(desk)
    await dispatcher.turn()
    await dispatcher.calls_end()
    site.publish(9, title="'[속보] 소식 9호'")
    await poll(desk, site)
    for _ in range(3):
        clock.forward(0.01)
        await dispatcher.turn()
        await dispatcher.calls_end()
    assert sender.shown["a"] == [line(1, 2, 3, 4, 5, total=8), "소식 9호", line(6, 7, 8, first=6, total=8)]


async def test_a_changed_title_edits_the_round_up_that_lists_it(desk: Desk, sender: ScriptedSender, site: Site) -> None:
    await backlog(desk, site, "a")
    await deliver(desk)
    for title in ("고친 제목", "다시 고친 제목"):
        site.publish(3, title=title)
        await poll(desk, site)
    await deliver(desk)
    (shown,) = sender.shown["a"]
    assert shown.startswith("[1+7 of 7] 소식 1호 / 소식 2호 / 다시 고친 제목 / 소식 4호")
    assert len(sender.edited) == 1 and len(sender.sent) == 1
    await deliver(desk)
    assert len(sender.edited) == 1


async def test_an_edit_of_a_round_up_that_failed_is_repeated(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await backlog(desk, site, "a")
    await deliver(desk)
    sender.script["edit a"].extend([Unknown("cut"), TryLater("slow", 2)])
    site.publish(3, title="고친 제목")
    await poll(desk, site)
    for _ in range(3):
        await deliver(desk)
        clock.forward(10)
    assert "고친 제목" in sender.shown["a"][0] and len(sender.edited) == 3


@pytest.mark.parametrize("found", [True, False])
async def test_a_round_up_whose_reply_was_lost_is_looked_for_before_it_is_sent_again(
    desk: Desk, site: Site, clock: Clock, found: bool
) -> None:
    sender = ScriptedSender(can_look=True)
    desk.senders = {sender.name: sender}
    await backlog(desk, site, "a")
    sender.script["a"].append(Unknown("cut"))
    sender.looks.extend([CannotLook(again=True), Found("a 0") if found else NotThere()])
    await deliver(desk)
    for _ in range(2):
        assert len(sender.sent) == 1
        clock.forward(6)
        await deliver(desk)
    assert [type(looked) for looked in sender.looked] == [Roundup, Roundup]
    assert len(sender.sent) == (1 if found else 2)
    assert await rows(desk) == [("sent", 1)] * 7


async def test_without_a_look_a_lost_round_up_is_sent_again_whole_and_counted(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await backlog(desk, site, "a")
    sender.script["a"].append(Unknown("cut"))
    await deliver(desk)
    site.publish(8)
    await poll(desk, site)
    await deliver(desk)
    assert sender.shown["a"] == []
    clock.forward(5)
    await deliver(desk)
    assert sender.shown["a"] == [line(1, 2, 3, 4, 5, 6, 7), "소식 8호"]
    assert await rows(desk) == [("sent", 1)] * 7 + [("sent", 0)]


async def test_a_crash_in_the_middle_of_a_round_up_loses_nothing_and_doubles_at_most_the_call_in_flight(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    sender.most_lines = 3
    await backlog(desk, site, "a", count=8)
    dead = Dispatcher(desk)
    await dead.turn()
    await dead.calls_end()
    clock.forward(0.01)
    await dead.turn()  # the second message is claimed; it may arrive, but its answer never does
    await dead.calls_end()
    desk.owner = "another process"
    clock.forward(5)
    await deliver(desk)
    first, second, third = line(1, 2, 3, total=8), line(4, 5, 6, first=4, total=8), line(7, 8, first=7, total=8)
    assert sender.shown["a"] == [first, second, second, third]
    assert await rows(desk) == [("sent", 0)] * 3 + [("sent", 1)] * 3 + [("sent", 0)] * 2


async def test_rows_that_are_saved_one_by_one_would_be_listed_twice(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same crash, with a ledger that marks only the first row of a message as `sending`."""
    monkeypatch.setattr(ledger, "_with_their_messages", lambda ids: deliveries.c.id.in_(ids))
    await backlog(desk, site, "a")
    await deliver(desk)
    assert {state for state, _ in await rows(desk)} == {"sent", "waiting"}


async def test_a_refused_round_up_is_halved_until_the_alert_at_fault_stands_alone(
    desk: Desk, sender: ScriptedSender, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = ScriptedSender.send

    async def picky(self: ScriptedSender, outgoing: Any) -> Any:
        bad = any("3호" in alert.headline for alert in outgoing.alerts)
        if bad and not (len(outgoing.alerts) == 1 and outgoing.delivery.plain):
            return Refused("bad payload")
        return await send(self, outgoing)

    monkeypatch.setattr(ScriptedSender, "send", picky)
    await backlog(desk, site, "a", count=8)
    await deliver(desk)
    parts = [line(1, 2, total=8), "소식 3호", "소식 4호", line(5, 6, 7, 8, first=5, total=8)]
    assert sender.shown["a"] == parts
    assert await rows(desk) == [("sent", 0)] * 8
    async with desk.database.read() as connection:
        assert len((await connection.execute(select(messages))).all()) == 2


async def test_what_waited_longer_than_expire_after_goes_only_into_a_round_up_urgent_or_not(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await backlog(desk, site, "a", count=2, urgent=1)
    sender.ready = False
    await deliver(desk)
    clock.forward(25 * 3600)
    sender.ready = True
    site.publish(3, title="'[속보] 소식 3호'")
    await poll(desk, site)
    await deliver(desk)
    assert sender.shown["a"] == ["소식 3호", line(1, 2)]


async def test_a_burst_too_large_for_one_plan_becomes_round_ups_and_urgent_alerts_do_not_wait_for_it(
    desk: Desk, sender: ScriptedSender, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "PLAN_CHUNK", 2)
    await started(desk, site, *"abcde")
    for number in range(1, 8):
        site.publish(number, title="'[속보] 소식 1호'" if number == 1 else "")
    await poll(desk, site)
    await deliver(desk, turns=40)
    for chat in "abcde":
        assert sender.shown[chat] == ["소식 1호", line(2, 3, 4, 5, 6, 7)]


async def test_a_held_round_up_keeps_its_form_and_what_comes_meanwhile_follows(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await backlog(desk, site, "a")
    sender.script["a"].append(TryLater("wait", 30))
    await deliver(desk)
    site.publish(8)
    await poll(desk, site)
    clock.forward(31)
    await deliver(desk)
    assert sender.shown["a"] == [line(1, 2, 3, 4, 5, 6, 7), "소식 8호"]


async def test_alerts_that_waited_alone_join_the_round_up(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await started(desk, site, "a")
    sender.script["a"].append(TryLater("down", 300))
    for number in range(1, 8):
        site.publish(number)
        await poll(desk, site)
        await deliver(desk, turns=2)
    clock.forward(301)
    await deliver(desk)
    assert sender.shown["a"] == [line(1, 2, 3, 4, 5, 6, 7)]


async def test_a_group_that_moved_or_closed_in_the_middle_gets_its_round_up_later(
    desk: Desk, sender: ScriptedSender, site: Site
) -> None:
    await backlog(desk, site, "old")
    await subscribe(desk, "new", wish=Subscription(0, include=("nothing",)))
    sender.script["old"].append(Moved(Chat("scripted", "", "new")))
    sender.script["new"].append(ChatGone("kicked"))
    await deliver(desk)
    assert not sender.shown["new"] and not sender.shown["old"]
    await desk.let_in_again(Chat("scripted", "", "new"))
    await deliver(desk)
    assert sender.shown["new"] == [line(1, 2, 3, 4, 5, 6, 7)]


async def test_at_most_one_call_of_a_chat_can_be_saved(desk: Desk, sender: ScriptedSender, site: Site) -> None:
    """The database itself refuses a second `sending` message of a chat, and takes the rows of one."""
    sender.most_lines = 4
    await backlog(desk, site, "a", count=8)
    dispatcher = Dispatcher(desk)
    await dispatcher.turn()
    async with desk.database.read() as connection:
        where = deliveries.c.status == "sending"
        assert len((await connection.execute(select(deliveries).where(where))).all()) == 4
        lead = (await connection.execute(select(deliveries).where(~where, deliveries.c.lead))).one()
    with pytest.raises(Exception, match=r"UNIQUE constraint failed: deliveries.chat_id"):
        async with desk.database.write() as tx:
            await ledger.start(tx, [], [lead.id], owner="x", lease_until=desk.now(), now=desk.now())
    await dispatcher.finish()


def test_a_migrated_ledger_of_the_first_version_keeps_its_rows(tmp_path: Path) -> None:
    """Rows of before 0002 have messages of their own."""
    import sqlite3

    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine

    from storage.database import MIGRATIONS

    file = tmp_path / "old.db"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql("INSERT INTO stories (id) VALUES (1)")
        connection.exec_driver_sql("INSERT INTO alerts VALUES (1, 1, 1, '[]', 1, '2026-01-01', '2026-01-01')")
        connection.exec_driver_sql(
            "INSERT INTO chats VALUES (1, 'telegram', '7', '42', '', 'ko', 'UTC', 1, 1, '', NULL, '2026-01-01')"
        )
        connection.exec_driver_sql(
            "INSERT INTO deliveries VALUES (1, 1, 1, 'normal', '2026-01-01', 'waiting', 0, 1, 0, '', 0, '', '', NULL,"
            " NULL, 0, '2026-01-01', NULL)"
        )
        connection.commit()
        command.upgrade(config, "head")
        connection.commit()
    engine.dispose()
    with sqlite3.connect(file) as rows:
        assert rows.execute("SELECT status, lead, message FROM deliveries").fetchall() == [("waiting", 1, None)]


@pytest.mark.parametrize("after", [1, 3, 7])
async def test_roundup_after_is_a_setting(desk: Desk, sender: ScriptedSender, site: Site, after: int) -> None:
    changed = desk.settings.delivery.model_copy(update={"roundup_after": after})
    desk.settings = desk.settings.model_copy(update={"delivery": changed})
    await backlog(desk, site, "a", count=after)
    await deliver(desk)
    assert len(sender.shown["a"]) == after
    for number in range(1, after + 2):
        site.publish(number + 20)
    await poll(desk, site)
    await deliver(desk)
    assert len(sender.shown["a"]) == after + 1
