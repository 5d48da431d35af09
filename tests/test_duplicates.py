"""What a chat sees when another source joins a story it has: an edit, a reply, or nothing."""

from pathlib import Path

import pytest

from config.settings import Settings, load
from models import ChatGone, Refused, TryLater, Unknown
from pipeline import Desk, Dispatcher
from storage import ledger
from tests.conftest import Clock
from tests.senders import ScriptedSender
from tests.sites import Site, watch
from tests.test_pipeline import deliver, poll, rows, subscribe


@pytest.fixture(params=["reply"])
def rule(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def settings(tmp_path: Path, rule: str) -> Settings:
    return load(None, {"SOKBO_DATABASE_URL": f"sqlite:///{tmp_path}/sokbo.db", "SOKBO_DELIVERY__DUPLICATES": rule})


@pytest.fixture
def sender(desk: Desk) -> ScriptedSender:
    made = ScriptedSender()
    desk.senders = {made.name: made}
    return made


@pytest.fixture
async def sites(desk: Desk, sender: ScriptedSender, tmp_path: Path) -> tuple[Site, Site]:
    """Two sources of one story, which the chat "a" has from the first."""
    one, two = Site(tmp_path, "one"), Site(tmp_path, "two")
    await watch(desk, one, two)
    for site in (one, two):
        await poll(desk, site)
    await subscribe(desk, "a")
    one.publish(1, original="same")
    await poll(desk, one)
    await deliver(desk)
    assert sender.shown["a"] == ["소식 1호"]
    return one, two


async def join(desk: Desk, site: Site) -> None:
    site.publish(2, original="same")
    await poll(desk, site)


SAID = ["소식 1호", "+ one, two"]


@pytest.mark.parametrize("rule", ["reply", "silent", "edit"], indirect=True)
async def test_a_further_source_is_said_by_the_rule_and_once(
    desk: Desk, sender: ScriptedSender, sites: tuple[Site, Site], rule: str
) -> None:
    await join(desk, sites[1])
    await deliver(desk)
    await deliver(desk)
    assert sender.shown["a"] == (SAID if rule == "reply" else SAID[:1])
    assert (len(sender.replied), len(sender.edited)) == {"reply": (1, 0), "silent": (0, 0), "edit": (0, 1)}[rule]


async def test_a_changed_title_is_an_edit_and_says_the_further_source_too(
    desk: Desk, sender: ScriptedSender, sites: tuple[Site, Site]
) -> None:
    await join(desk, sites[1])
    sites[0].publish(1, title="고친 소식", original="same")
    await poll(desk, sites[0])
    await deliver(desk)
    assert sender.shown["a"] == ["고친 소식"] and sender.replied == []
    assert sender.edited[0].alerts[0].sources == ("one", "two")


async def test_a_change_after_a_reply_edits_the_alert(
    desk: Desk, sender: ScriptedSender, sites: tuple[Site, Site]
) -> None:
    await join(desk, sites[1])
    await deliver(desk)
    sites[0].publish(1, title="고친 소식", original="same")
    await poll(desk, sites[0])
    await deliver(desk)
    assert sender.shown["a"] == ["고친 소식", "+ one, two"]


@pytest.mark.parametrize("rule_on_unknown", ["resend", "skip"])
@pytest.mark.parametrize("how", ["crash", "cut"])
async def test_a_reply_without_an_answer_is_counted_and_repeated_at_most_once_by_on_unknown(
    desk: Desk, sender: ScriptedSender, sites: tuple[Site, Site], clock: Clock, rule_on_unknown: str, how: str
) -> None:
    desk.settings = load(None, {"SOKBO_DELIVERY__DUPLICATES": "reply", "SOKBO_DELIVERY__ON_UNKNOWN": rule_on_unknown})
    await join(desk, sites[1])
    if how == "cut":
        sender.script["reply a"].append(Unknown("cut"))
        await deliver(desk, turns=2)
    else:
        dead = Dispatcher(desk)
        await dead.turn()
        await dead.calls_end()
        desk.owner = "another process"
    clock.forward(5)
    await deliver(desk)
    await deliver(desk)
    assert len(sender.replied) == (2 if rule_on_unknown == "resend" else 1)
    assert await rows(desk) == [("sent", 1)]


async def test_a_reply_that_was_not_sent_is_tried_again_and_a_refused_one_is_over(
    desk: Desk, sender: ScriptedSender, sites: tuple[Site, Site], clock: Clock
) -> None:
    sender.script["reply a"].extend([TryLater("slow", 5), ChatGone("blocked"), Refused("empty")])
    await join(desk, sites[1])
    await deliver(desk)
    assert len(sender.replied) == 1
    clock.forward(6)
    await deliver(desk)
    assert len(sender.replied) == 2
    await desk.let_in_again(sender.sent[0].chat)
    await deliver(desk)
    await deliver(desk)
    assert len(sender.replied) == 3 and sender.shown["a"] == SAID[:1] and await rows(desk) == [("sent", 0)]


async def test_a_round_up_is_edited_whatever_the_rule(
    desk: Desk, sender: ScriptedSender, sites: tuple[Site, Site]
) -> None:
    for number in range(3, 10):
        sites[0].publish(number)
    await poll(desk, sites[0])
    await deliver(desk)
    sites[1].publish(2, original="a3")
    await poll(desk, sites[1])
    await deliver(desk)
    assert sender.replied == [] and len(sender.edited) == 1


async def test_an_alert_taken_back_before_it_was_sent_leaves_its_round_up_whole(
    desk: Desk, sender: ScriptedSender, sites: tuple[Site, Site]
) -> None:
    """The first of a formed round-up's alerts goes: another leads, and the rest arrives together."""
    for number in range(3, 10):
        sites[0].publish(number)
    await poll(desk, sites[0])
    sender.script["a"].append(TryLater("slow", 60))
    await deliver(desk, turns=2)
    first = sender.sent[-1].alerts[0]
    async with desk.database.write() as tx:
        assert await ledger.drop_alert(tx, first.id, "retracted") == 1
    desk.now.forward(61)  # type: ignore[attr-defined]
    await deliver(desk)
    shown = sender.shown["a"][-1]
    assert first.headline not in shown and shown.count("소식") == 6
    assert sorted({state for state, _ in await rows(desk)}) == ["dropped", "sent"]
