"""The story of one post, with a real database, a real folder of posts, and a platform in memory."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import delivery
import metrics
import pipeline
from config.settings import load
from delivery import AccountPace, CannotLook, Found, Limit, Next, NotThere
from models import Chat, ChatGone, ChatSettings, Moved, Part, Refused, Status, Subscription, TryLater, Unknown
from pipeline import Desk, Dispatcher
from storage import archive, chats, notices
from storage import sources as stored
from storage.tables import deliveries
from tests.conftest import Clock
from tests.senders import ScriptedSender
from tests.sites import Site, watch


@pytest.fixture
def sender(desk: Desk) -> ScriptedSender:
    made = ScriptedSender()
    desk.senders = {made.name: made}
    return made


async def poll(desk: Desk, site: Site) -> int:
    async with desk.database.read() as connection:
        watched = await stored.one(connection, site.source.id)
    assert watched is not None
    return await pipeline.poll(desk, watched)


async def subscribe(desk: Desk, *names: str, wish: Subscription | None = None) -> None:
    async with desk.database.write() as tx:
        for name in names:
            chat = Chat("scripted", "", name)
            await chats.subscribe(tx, chat, ChatSettings("ko", "Asia/Seoul"), wish or Subscription(0), desk.now())


async def deliver(desk: Desk, turns: int = 14) -> Dispatcher:
    dispatcher = Dispatcher(desk)
    await dispatcher.take_over()
    for _ in range(turns):
        await dispatcher.turn()
        await dispatcher.calls_end()
        desk.now.forward(0.01)  # type: ignore[attr-defined]  # the next slot of the account's pace
    await dispatcher.turn()
    return dispatcher


async def rows(desk: Desk) -> list[tuple[str, int]]:
    async with desk.database.read() as connection:
        found = await connection.execute(select(deliveries.c.status, deliveries.c.unknowns).order_by(deliveries.c.id))
        return [(row.status, row.unknowns) for row in found]


async def troubles(desk: Desk) -> list[str]:
    """What the admins are told and is not over, newest first."""
    async with desk.database.read() as connection:
        return [one.text for one in await notices.unsolved(connection, 100)]


async def test_the_first_successful_read_is_silent_and_archived(desk: Desk, sender: ScriptedSender, site: Site) -> None:
    await watch(desk, site)
    await subscribe(desk, "a")
    site.publish(1)
    site.publish(2)
    assert await poll(desk, site) == 2
    await deliver(desk)
    assert sender.sent == []
    async with desk.database.read() as connection:
        assert [alert.headline for alert in await archive.latest(connection, 5)] == ["소식 2호", "소식 1호"]
    site.publish(3)
    await poll(desk, site)
    await deliver(desk)
    assert sender.shown["a"] == ["소식 3호"]


async def test_a_failed_first_read_does_not_make_the_next_one_loud(
    desk: Desk, sender: ScriptedSender, site: Site
) -> None:
    await watch(desk, site)
    await subscribe(desk, "a")
    away = site.posts.rename(site.posts.parent / "away")
    await poll(desk, site)
    away.rename(site.posts)
    site.publish(1)
    await poll(desk, site)
    await deliver(desk)
    assert sender.sent == []


async def test_first_read_sends_the_newest_n_in_order(desk: Desk, sender: ScriptedSender, tmp_path: Path) -> None:
    site = Site(tmp_path, "n", first_read=2)
    await watch(desk, site)
    await subscribe(desk, "a")
    for number in (1, 2, 3, 4):
        site.publish(number)
    await poll(desk, site)
    await deliver(desk)
    assert sender.shown["a"] == ["소식 3호", "소식 4호"]


async def started(desk: Desk, site: Site, *names: str) -> None:
    """A site whose silent first read is over, and chats that receive everything."""
    await watch(desk, site)
    await poll(desk, site)
    await subscribe(desk, *names)


async def test_every_chat_gets_every_alert_once_and_in_order(desk: Desk, sender: ScriptedSender, site: Site) -> None:
    await started(desk, site, "a", "b", "c")
    for number in range(1, 6):
        site.publish(number)
    await poll(desk, site)
    await poll(desk, site)
    await deliver(desk)
    wanted = [f"소식 {number}호" for number in range(1, 6)]
    assert dict(sender.shown) == {"a": wanted, "b": wanted, "c": wanted}
    assert sender.most_at_once == 1


async def test_a_held_chat_does_not_delay_another_and_keeps_its_order(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await started(desk, site, "a", "b")
    sender.script["a"].append(TryLater("wait", 30))
    for number in (1, 2, 3):
        site.publish(number)
    await poll(desk, site)
    await deliver(desk)
    assert sender.shown["a"] == [] and len(sender.shown["b"]) == 3
    clock.forward(31)
    await deliver(desk)
    assert sender.shown["a"] == ["소식 1호", "소식 2호", "소식 3호"]


def not_held(step: Next) -> Next:
    return replace(step, hold_until=None)


def not_repeated(step: Next) -> Next:
    return replace(step, values={**step.values, "status": Status.GIVEN_UP}) if step.hold_until else step


@pytest.mark.parametrize("broken", [not_held, not_repeated])
async def test_a_broken_rule_of_retrying_is_seen_by_the_test_of_a_held_chat(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock, monkeypatch: pytest.MonkeyPatch, broken: Any
) -> None:
    after = delivery.after
    monkeypatch.setattr(delivery, "after", lambda *of, **names: broken(after(*of, **names)))
    with pytest.raises(AssertionError):
        await test_a_held_chat_does_not_delay_another_and_keeps_its_order(desk, sender, site, clock)


async def test_an_urgent_alert_overtakes_in_a_held_chat(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await started(desk, site, "a")
    sender.script["a"].append(TryLater("wait", 30))
    site.publish(1)
    await poll(desk, site)
    await deliver(desk)
    site.publish(2, title="'[속보] 둘째 소식'")
    await poll(desk, site)
    clock.forward(31)
    await deliver(desk)
    assert sender.shown["a"] == ["둘째 소식", "소식 1호"]


async def test_a_refused_alert_stops_neither_chat_nor_batch(desk: Desk, sender: ScriptedSender, site: Site) -> None:
    await started(desk, site, "a", "b")
    sender.script["a"].extend([Refused("bad"), Refused("bad")])
    site.publish(1)
    site.publish(2)
    await poll(desk, site)
    await deliver(desk)
    assert sender.shown["a"] == ["소식 2호"] and len(sender.shown["b"]) == 2
    plain = [parcel.delivery.plain for parcel in sender.sent if parcel.chat.id == "a"]
    assert plain == [False, True, False]
    assert sorted(await rows(desk)) == [("given_up", 0), ("sent", 0), ("sent", 0), ("sent", 0)]


async def test_a_refused_picture_is_left_out_and_stays_out(desk: Desk, sender: ScriptedSender, site: Site) -> None:
    await started(desk, site, "a")
    sender.script["a"].append(Refused("no such picture", Part.PICTURE))
    site.publish(1)
    await poll(desk, site)
    await deliver(desk)
    site.publish(1, title="고친 제목")
    await poll(desk, site)
    await deliver(desk)
    tried = [(parcel.delivery.pictureless, parcel.delivery.plain) for parcel in [*sender.sent, *sender.edited]]
    assert tried == [(False, False), (True, False), (True, False)]
    assert await rows(desk) == [("sent", 0)]


async def test_a_closed_chat_is_paused_and_resumes_with_what_it_is_owed(
    desk: Desk, sender: ScriptedSender, site: Site
) -> None:
    await started(desk, site, "a")
    sender.script["a"].append(ChatGone("blocked"))
    site.publish(1)
    await poll(desk, site)
    await deliver(desk)
    assert len(sender.sent) == 1 and await troubles(desk) == ["notice.chat_closed"]
    await desk.let_in_again(Chat("scripted", "", "a"))
    await deliver(desk)
    assert sender.shown["a"] == ["소식 1호"] and await troubles(desk) == []


async def test_what_grew_too_old_for_a_closed_chat_comes_as_a_round_up(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await started(desk, site, "a")
    sender.script["a"].append(ChatGone("blocked"))
    site.publish(1)
    await poll(desk, site)
    await deliver(desk)
    clock.forward(25 * 3600)
    await desk.let_in_again(Chat("scripted", "", "a"))
    await deliver(desk)
    assert sender.shown["a"] == ["[1+1 of 1] 소식 1호"] and await rows(desk) == [("sent", 0)]


async def test_a_moved_group_takes_subscription_and_ledger_along(
    desk: Desk, sender: ScriptedSender, site: Site
) -> None:
    await started(desk, site, "old")
    sender.script["old"].append(Moved(Chat("scripted", "", "new")))
    site.publish(1)
    site.publish(2)
    await poll(desk, site)
    await deliver(desk)
    assert sender.shown["new"] == ["소식 1호", "소식 2호"] and not sender.shown["old"]


async def test_a_group_that_subscribed_anew_before_its_move_was_told_gets_each_alert_once(
    desk: Desk, sender: ScriptedSender, site: Site
) -> None:
    await started(desk, site, "old")
    site.publish(1)
    await poll(desk, site)
    async with desk.database.write() as tx:
        await pipeline.plan(tx, desk.now())  # owed to the old chat alone
    await subscribe(desk, "new")
    site.publish(2)
    await poll(desk, site)
    sender.script["old"].append(Moved(Chat("scripted", "", "new")))
    await deliver(desk)
    assert sorted(sender.shown["new"]) == ["소식 1호", "소식 2호"] and not sender.shown["old"]
    assert sorted(await rows(desk)) == [("dropped", 0), ("sent", 0), ("sent", 0)]


async def test_who_unsubscribes_while_a_call_is_under_way_gets_nothing_more(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await started(desk, site, "a")
    sender.script["a"].append(TryLater("busy", 1))
    site.publish(1)
    await poll(desk, site)
    dispatcher = Dispatcher(desk)
    await dispatcher.turn()
    async with desk.database.write() as tx:
        await chats.unsubscribe(tx, Chat("scripted", "", "a"))
    await dispatcher.calls_end()
    clock.forward(5)
    await deliver(desk)
    assert len(sender.sent) == 1 and sender.shown["a"] == []


async def test_a_slot_that_came_while_the_turn_was_at_work_is_taken_at_once(
    desk: Desk, sender: ScriptedSender, clock: Clock
) -> None:
    sender.pace = AccountPace(10, lambda _: (Limit(100, 1),))
    sender.pace.take("send", Chat("scripted", "", "a"), clock())
    dispatcher = Dispatcher(desk)
    await dispatcher.turn()
    clock.forward(0.2)
    assert dispatcher.next_slot() == 0.0
    await dispatcher.turn()
    assert dispatcher.next_slot() is None


async def test_a_call_without_an_answer_is_sent_again_and_counted(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await started(desk, site, "a")
    sender.script["a"].append(Unknown("cut"))
    site.publish(1)
    site.publish(2)
    await poll(desk, site)
    await deliver(desk)
    assert sender.shown["a"] == []
    clock.forward(5)
    await deliver(desk)
    assert sender.shown["a"] == ["소식 1호", "소식 2호"]
    assert await rows(desk) == [("sent", 1), ("sent", 0)]


async def test_a_look_finds_the_message_instead_of_sending_it_again(desk: Desk, site: Site, clock: Clock) -> None:
    sender = ScriptedSender(can_look=True)
    desk.senders = {sender.name: sender}
    await started(desk, site, "a")
    sender.script["a"].append(Unknown("cut"))
    sender.looks.extend([CannotLook(again=True), Found("17")])
    site.publish(1)
    await poll(desk, site)
    await deliver(desk)
    clock.forward(6)
    await deliver(desk)
    assert len(sender.sent) == 1
    clock.forward(6)
    await deliver(desk)
    assert len(sender.sent) == 1 and await rows(desk) == [("sent", 1)]


@pytest.mark.parametrize(("rule", "outcome"), [("resend", "sent"), ("skip", "given_up")])
async def test_looks_refused_for_want_of_scope_or_rate_leave_it_to_on_unknown_which_is_counted(
    desk: Desk, site: Site, clock: Clock, rule: str, outcome: str
) -> None:
    sender = ScriptedSender(can_look=True)
    desk.senders, desk.settings = {sender.name: sender}, load(None, {"SOKBO_DELIVERY__ON_UNKNOWN": rule})
    await started(desk, site, "a", "b")
    for name in ("a", "b"):
        sender.script[name].append(Unknown("cut"))
    before = settled(sender.name, rule)
    site.publish(1)
    await poll(desk, site)
    dispatcher = await deliver(desk)
    sender.looks.extend([CannotLook(), *[CannotLook(again=True, after=10.0)] * 9])
    for _ in range(7):
        clock.forward(11)
        for _ in range(2):
            await dispatcher.turn()
            await dispatcher.calls_end()
    await dispatcher.turn()
    assert {state for state, _ in await rows(desk)} == {outcome}
    assert len(sender.looked) == 1 + 5 and settled(sender.name, rule) == before + 2


def settled(platform: str, by: str) -> float:
    return float(metrics.unknown_settled.labels(platform, by)._value.get())


async def test_looks_keep_to_their_own_rate(desk: Desk, site: Site, clock: Clock) -> None:
    sender = ScriptedSender(can_look=True)
    sender.pace = AccountPace(100_000, lambda _: (Limit(100, 1),), looks=Limit(3, 60))
    desk.senders = {sender.name: sender}
    await started(desk, site, *"abcde")
    for name in "abcde":
        sender.script[name].append(Unknown("cut"))
        sender.looks.append(NotThere())
    site.publish(1)
    await poll(desk, site)
    dispatcher = await deliver(desk)
    for seconds, looked in ((6, 3), (30, 3), (40, 5)):
        clock.forward(seconds)
        for _ in range(3):
            await dispatcher.turn()
            await dispatcher.calls_end()
        assert len(sender.looked) == looked
    clock.forward(1)
    await deliver(desk)
    assert await rows(desk) == [("sent", 1)] * 5


async def test_a_message_that_is_not_there_is_sent(desk: Desk, site: Site, clock: Clock) -> None:
    sender = ScriptedSender(can_look=True)
    desk.senders = {sender.name: sender}
    await started(desk, site, "a")
    sender.script["a"].append(Unknown("cut"))
    sender.looks.append(NotThere())
    site.publish(1)
    await poll(desk, site)
    await deliver(desk)
    clock.forward(6)
    await deliver(desk)
    assert sender.shown["a"] == ["소식 1호"]


async def test_a_call_of_a_dead_owner_is_settled_before_anything_else(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await started(desk, site, "a")
    site.publish(1)
    site.publish(2)
    await poll(desk, site)
    dead = Dispatcher(desk)
    await dead.turn()  # claimed and saved as `sending`; what follows never happens
    desk.owner = "another process"
    sender.sent.clear()
    clock.forward(5)
    await deliver(desk)
    assert sender.shown["a"][-2:] == ["소식 1호", "소식 2호"]
    assert await rows(desk) == [("sent", 1), ("sent", 0)]


async def test_a_changed_title_edits_the_message_once(desk: Desk, sender: ScriptedSender, site: Site) -> None:
    await started(desk, site, "a", "b")
    site.publish(1)
    await poll(desk, site)
    await deliver(desk)
    for title in ("둘째 제목", "셋째 제목"):
        site.publish(1, title=title)
        await poll(desk, site)
    await deliver(desk)
    assert [parcel.alerts[0].headline for parcel in sender.edited] == ["셋째 제목", "셋째 제목"]
    assert all(parcel.alerts[0].changed for parcel in sender.edited)
    assert len(sender.sent) == 2


async def test_an_edit_that_failed_is_repeated(desk: Desk, sender: ScriptedSender, site: Site, clock: Clock) -> None:
    await started(desk, site, "a")
    site.publish(1)
    await poll(desk, site)
    await deliver(desk)
    sender.script["edit a"].extend([Unknown("cut"), TryLater("slow", 2)])
    site.publish(1, title="둘째 제목")
    await poll(desk, site)
    for _ in range(3):
        await deliver(desk)
        clock.forward(10)
    assert len(sender.edited) == 3 and len(sender.sent) == 1


async def test_a_second_source_joins_the_alert_by_edit(desk: Desk, sender: ScriptedSender, tmp_path: Path) -> None:
    one, two = Site(tmp_path, "one"), Site(tmp_path, "two")
    await watch(desk, one, two)
    await poll(desk, one)
    await poll(desk, two)
    await subscribe(desk, "a")
    one.publish(1, original="same")
    await poll(desk, one)
    await deliver(desk)
    two.publish(2, original="same?utm_source=x")
    await poll(desk, two)
    await deliver(desk)
    assert sender.shown["a"] == ["소식 1호"]
    assert [parcel.alerts[0].sources for parcel in sender.edited] == [("one", "two")]
    assert sender.edited[0].alerts[0].changed is None


async def test_a_story_archived_in_silence_is_new_when_another_source_brings_it(
    desk: Desk, sender: ScriptedSender, tmp_path: Path
) -> None:
    one, two = Site(tmp_path, "one"), Site(tmp_path, "two")
    await watch(desk, one, two)
    one.publish(1, original="same")
    await poll(desk, one)
    await poll(desk, two)
    await subscribe(desk, "a")
    two.publish(2, original="same")
    await poll(desk, two)
    await deliver(desk)
    assert sender.shown["a"] == ["소식 1호"]


async def test_a_chat_gets_only_what_it_asked_for(desk: Desk, sender: ScriptedSender, site: Site) -> None:
    await started(desk, site)
    await subscribe(desk, "a", wish=Subscription(0, include=("둘째",)))
    await subscribe(desk, "b", wish=Subscription(0, sources=("other",)))
    site.publish(1)
    site.publish(2, title="둘째 소식")
    await poll(desk, site)
    await deliver(desk)
    assert dict(sender.shown) == {"a": ["둘째 소식"]}


async def test_a_paused_platform_keeps_what_it_is_owed(desk: Desk, sender: ScriptedSender, site: Site) -> None:
    await started(desk, site, "a")
    sender.ready = False
    site.publish(1)
    await poll(desk, site)
    await deliver(desk)
    assert sender.sent == []
    sender.ready = True
    await deliver(desk)
    assert sender.shown["a"] == ["소식 1호"]


async def test_a_source_that_fails_says_why_and_comes_back(desk: Desk, site: Site, clock: Clock) -> None:
    await watch(desk, site)
    away = site.posts.rename(site.posts.parent / "away")
    await poll(desk, site)
    async with desk.database.read() as connection:
        failed = await stored.one(connection, "site")
    assert failed is not None and "there is no folder" in failed.problem and failed.failures == 1
    assert failed.next_at > clock()
    away.rename(site.posts)
    await poll(desk, site)
    async with desk.database.read() as connection:
        back = await stored.one(connection, "site")
    assert back is not None and back.problem == "" and back.failures == 0


async def restarted(desk: Desk) -> ScriptedSender:
    """A sender whose pace remembers nothing, as after a restart."""
    sender = ScriptedSender()
    desk.senders = {sender.name: sender}
    return sender


async def test_a_chat_that_is_told_to_wait_waits_alone_also_after_a_restart(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await started(desk, site, "a", "b")
    sender.script["a"].append(TryLater("429", 600))
    site.publish(1)
    await poll(desk, site)
    await deliver(desk)
    assert sender.shown["b"] == ["소식 1호"]
    sender = await restarted(desk)
    clock.forward(590)
    await deliver(desk)
    assert sender.sent == []
    clock.forward(11)
    await deliver(desk)
    assert sender.shown["a"] == ["소식 1호"]


async def test_an_account_that_is_told_to_wait_waits_also_after_a_restart(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await started(desk, site, "a", "b", "c")
    sender.script["a"].append(TryLater("429", 600))
    sender.script["b"].append(TryLater("429", 20))
    site.publish(1)
    await poll(desk, site)
    await deliver(desk)
    await subscribe(desk, "d")
    site.publish(2)
    await poll(desk, site)
    sender = await restarted(desk)
    clock.forward(590)
    await deliver(desk)
    assert sender.sent == []
    clock.forward(11)
    await deliver(desk)
    assert len(sender.shown["a"]) == 2 and sender.shown["d"] == ["소식 2호"]


async def test_calls_of_just_before_a_restart_count_for_the_pace_of_a_chat(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await started(desk, site, "a")
    site.publish(1)
    await poll(desk, site)
    await deliver(desk)
    sender = await restarted(desk)
    sender.pace = AccountPace(100_000, lambda _: (Limit(1, 60),))
    site.publish(2)
    await poll(desk, site)
    await deliver(desk)
    assert sender.sent == []
    clock.forward(62)
    await deliver(desk)
    assert sender.shown["a"] == ["소식 2호"]


async def test_threads_of_one_group_share_its_pace(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    sender.pace = AccountPace(100_000, lambda _: (Limit(1, 1),))
    await started(desk, site)
    async with desk.database.write() as tx:
        for thread in ("1", "2"):
            group = Chat("scripted", "", "-100", thread)
            await chats.subscribe(tx, group, ChatSettings("ko", "Asia/Seoul"), Subscription(0), desk.now())
    site.publish(1)
    await poll(desk, site)
    await deliver(desk, turns=5)
    assert len(sender.sent) == 1
    clock.forward(1.1)
    await deliver(desk, turns=5)
    assert len(sender.sent) == 2
