"""Quiet hours, digests and mutes: commands on one end, what stands in the chat on the other, a driven clock between."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

import pipeline
from delivery import hours
from models import ChatGone, Condensed, MessageKind, Post, Refused, Roundup, Unknown
from pipeline import Desk, Dispatcher
from storage import archive, ledger, notices, postponed
from storage.tables import deliveries
from tests.conftest import Clock
from tests.handlers.talks import CHAT, ask, publish
from tests.senders import ScriptedSender
from tests.test_pipeline import deliver


@pytest.fixture
def sender(desk: Desk) -> ScriptedSender:
    made = ScriptedSender()
    desk.senders = {made.name: made}
    return made


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


async def chosen(desk: Desk, *lines: str) -> None:
    await ask(desk, "/subscribe")
    for line in lines:
        assert "/settings" not in (await ask(desk, line)).lines[0], line


async def news(desk: Desk, clock: Clock, moment: str, *titles: str) -> None:
    """Alerts that appear at that time, as a running desk would bring them."""
    clock.time = at(moment)
    for title in titles:
        await publish(desk, sum(map(ord, title)), title, clock(), urgent="속보" in title, owed=True)
    await deliver(desk)


async def until(desk: Desk, clock: Clock, moment: str) -> None:
    clock.time = at(moment)
    await deliver(desk)


async def restart(desk: Desk) -> None:
    desk.owner = f"{desk.owner}'"
    await deliver(desk)


async def told_by_notice(desk: Desk) -> list[tuple[str, dict[str, object], tuple[str, ...]]]:
    async with desk.database.read() as connection:
        return [(one.text, one.words, one.to) for one in await notices.pending(connection)]


QUIET = "/settings quiet 22:00-07:00"


async def test_in_quiet_hours_over_midnight_alerts_wait_urgent_ones_pass_and_one_round_up_comes_at_the_end(
    desk: Desk, sender: ScriptedSender, clock: Clock
) -> None:
    await chosen(desk, QUIET)
    await news(desk, clock, "2026-06-17T21:59+09:00", "저녁")
    await news(desk, clock, "2026-06-17T22:00+09:00", "밤")
    await news(desk, clock, "2026-06-17T23:59+09:00", "[속보] 지진")
    await restart(desk)
    await news(desk, clock, "2026-06-18T00:30+09:00", "새벽")
    assert sender.shown["a"] == ["저녁", "[속보] 지진"]
    await until(desk, clock, "2026-06-18T06:59:59+09:00")
    assert len(sender.shown["a"]) == 2
    await until(desk, clock, "2026-06-18T07:00+09:00")
    await news(desk, clock, "2026-06-18T07:01+09:00", "아침")
    assert sender.shown["a"] == ["저녁", "[속보] 지진", "[1+2 of 2] 밤 / 새벽", "아침"]


async def test_urgent_alerts_wait_too_where_the_chat_says_so_and_one_alone_comes_as_it_is(
    desk: Desk, sender: ScriptedSender, clock: Clock
) -> None:
    await chosen(desk, QUIET, "/settings pass off")
    await news(desk, clock, "2026-06-17T23:00+09:00", "[속보] 지진")
    assert sender.shown["a"] == []
    await until(desk, clock, "2026-06-18T07:00+09:00")
    assert sender.shown["a"] == ["[속보] 지진"]


async def test_what_is_held_comes_at_once_when_the_quiet_hours_are_taken_away(
    desk: Desk, sender: ScriptedSender, clock: Clock
) -> None:
    await chosen(desk, QUIET)
    await news(desk, clock, "2026-06-17T23:00+09:00", "하나", "둘")
    await chosen(desk, "/settings quiet 23:30-06:00")
    await deliver(desk)
    assert sender.shown["a"] == ["[1+2 of 2] 하나 / 둘"]


async def test_a_held_backlog_stands_in_no_line_and_delays_nobody(
    desk: Desk, sender: ScriptedSender, clock: Clock
) -> None:
    await chosen(desk, QUIET)
    await news(desk, clock, "2026-06-17T23:00+09:00", *(f"소식 {number}" for number in range(9)))
    async with desk.database.read() as connection:
        rows = (await connection.execute(select(deliveries.c.queue, deliveries.c.held))).all()
    assert {tuple(row) for row in rows} == {(None, True)} and sender.sent == []


async def test_a_chat_whose_door_was_closed_meanwhile_gets_what_was_held_when_it_opens(
    desk: Desk, sender: ScriptedSender, clock: Clock
) -> None:
    await chosen(desk, QUIET)
    await news(desk, clock, "2026-06-17T23:00+09:00", "하나", "둘")
    await desk.shut_out(CHAT, ChatGone("kicked"))
    await until(desk, clock, "2026-06-18T07:00+09:00")
    assert sender.shown["a"] == []
    await desk.let_in_again(CHAT)
    await deliver(desk)
    assert sender.shown["a"] == ["[1+2 of 2] 하나 / 둘"]


# ------------------------------------------------------------------------------------------------------------ digests


@pytest.mark.parametrize(
    ("zone", "before", "due"),
    [
        ("Europe/Berlin", "2026-03-28T20:00+01:00", "2026-03-29T08:00+02:00"),
        ("Europe/Berlin", "2026-10-24T20:00+02:00", "2026-10-25T08:00+01:00"),
        ("America/New_York", "2026-03-07T20:00-05:00", "2026-03-08T08:00-04:00"),
        ("America/New_York", "2026-10-31T20:00-04:00", "2026-11-01T08:00-05:00"),
    ],
)
async def test_a_daily_digest_comes_at_eight_by_the_chats_clock_on_the_day_it_is_changed(
    desk: Desk, sender: ScriptedSender, clock: Clock, zone: str, before: str, due: str
) -> None:
    clock.time = at(before)
    await chosen(desk, f"/settings timezone {zone}", "/settings digest daily 08:00")
    await news(desk, clock, before, "하나", "둘", "셋", "넷", "다섯", "여섯", "일곱")
    clock.time = at(due) - timedelta(seconds=1)
    await restart(desk)
    assert sender.shown["a"] == []
    await until(desk, clock, due)
    (digest,) = sender.sent
    assert isinstance(digest, Roundup) and digest.message.kind is MessageKind.DIGEST
    assert (digest.message.since, digest.message.until) == (at(before), at(due))
    assert len(digest.parcels) == 7
    await until(desk, clock, f"{due[:10]}T23:00{due[16:]}")
    assert len(sender.sent) == 1


async def test_a_digest_names_what_came_meanwhile_and_where_it_stands(
    desk: Desk, sender: ScriptedSender, clock: Clock
) -> None:
    await chosen(desk, "/settings digest hourly")
    await news(desk, clock, "2026-06-17T14:10+09:00", "하나")
    await news(desk, clock, "2026-06-17T14:20+09:00", "[속보] 지진")
    assert sender.shown["a"] == ["[속보] 지진"]
    await until(desk, clock, "2026-06-17T15:00+09:00")
    digest = sender.sent[-1]
    assert isinstance(digest, Roundup)
    assert [one.alert.headline for one in digest.told] == ["[속보] 지진"]
    assert [one.delivery.message_id for one in digest.told] == ["a 0"]
    await news(desk, clock, "2026-06-17T15:10+09:00", "둘")
    await until(desk, clock, "2026-06-17T16:00+09:00")
    later = sender.sent[-1]
    assert isinstance(later, Roundup) and later.told == () and later.message.since == at("2026-06-17T15:00+09:00")


async def test_where_nothing_is_new_nothing_comes_or_a_line_as_set(
    desk: Desk, sender: ScriptedSender, clock: Clock
) -> None:
    clock.time = at("2026-06-17T14:10+09:00")
    await chosen(desk, "/settings digest hourly")
    await news(desk, clock, "2026-06-17T14:20+09:00", "[속보] 지진")
    await until(desk, clock, "2026-06-17T15:00+09:00")
    assert len(sender.sent) == 1 and await told_by_notice(desk) == []
    await chosen(desk, "/settings nothing on")
    await until(desk, clock, "2026-06-17T16:00+09:00")
    await restart(desk)
    assert len(sender.sent) == 1 and await told_by_notice(desk) == [("digest.none", {}, ("scripted:a",))]


async def test_a_digest_inside_the_quiet_hours_comes_at_their_end(
    desk: Desk, sender: ScriptedSender, clock: Clock
) -> None:
    await chosen(desk, QUIET, "/settings digest daily 23:00")
    await news(desk, clock, "2026-06-17T15:00+09:00", "낮")
    await news(desk, clock, "2026-06-17T23:30+09:00", "밤")
    assert sender.sent == []
    await until(desk, clock, "2026-06-18T07:00+09:00")
    assert sender.shown["a"] == ["[1+2 of 2] 낮 / 밤"]


async def test_a_digest_whose_reply_was_lost_is_sent_again_whole_and_an_edit_reaches_it(
    desk: Desk, sender: ScriptedSender, clock: Clock
) -> None:
    await chosen(desk, "/settings digest hourly")
    await news(desk, clock, "2026-06-17T14:10+09:00", "하나", "둘")
    sender.script["a"].append(Unknown("cut"))
    await until(desk, clock, "2026-06-17T15:00+09:00")
    assert sender.shown["a"] == []
    clock.forward(5)
    await deliver(desk)
    assert sender.shown["a"] == ["[1+2 of 2] 하나 / 둘"]
    alert = sender.sent[-1].alerts[0]
    async with desk.database.write() as tx:
        story = await archive.story_of_alert(tx, alert.id)
        assert story is not None
        new = Post("newsdao", "new", "고친 하나", alert.link, "")
        await archive.change(tx, story, new, Condensed("고친 하나", (), alert.link), clock())
        await archive.show_everywhere(tx, alert.id, 2)
    await deliver(desk)
    (edited,) = sender.edited
    assert isinstance(edited, Roundup) and edited.message.kind is MessageKind.DIGEST
    assert sender.shown["a"] == ["[1+2 of 2] 고친 하나 / 둘"]


async def test_a_refused_digest_is_halved_like_a_round_up_and_one_story_alone_gets_the_plain_form(
    desk: Desk, sender: ScriptedSender, clock: Clock
) -> None:
    await chosen(desk, "/settings digest hourly")
    await news(desk, clock, "2026-06-17T14:10+09:00", "하나")
    sender.script["a"].append(Refused("bad payload"))
    await until(desk, clock, "2026-06-17T15:00+09:00")
    assert sender.shown["a"] == ["하나"] and sender.sent[-1].delivery.plain


async def test_a_digest_that_is_switched_off_gives_up_what_it_held(
    desk: Desk, sender: ScriptedSender, clock: Clock
) -> None:
    await chosen(desk, "/settings digest daily 08:00")
    await news(desk, clock, "2026-06-17T14:10+09:00", "하나", "둘")
    await chosen(desk, "/settings digest off")
    await deliver(desk)
    assert sender.shown["a"] == ["[1+2 of 2] 하나 / 둘"]
    await news(desk, clock, "2026-06-17T14:20+09:00", "셋")
    assert sender.shown["a"][-1] == "셋"


async def test_a_crash_between_the_hour_and_the_call_makes_one_digest(
    desk: Desk, sender: ScriptedSender, clock: Clock
) -> None:
    await chosen(desk, "/settings digest hourly")
    await news(desk, clock, "2026-06-17T14:10+09:00", "하나", "둘")
    clock.time = at("2026-06-17T15:00+09:00")
    async with desk.database.write() as tx:
        await pipeline.release(desk, tx, clock())  # saved, and then the process dies
    await restart(desk)
    assert sender.shown["a"] == ["[1+2 of 2] 하나 / 둘"]


async def test_a_crash_in_the_middle_of_a_release_changes_nothing(
    desk: Desk, sender: ScriptedSender, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> None:
        raise RuntimeError("the process dies here")

    await chosen(desk, "/settings digest hourly")
    await news(desk, clock, "2026-06-17T14:10+09:00", "하나", "둘")
    clock.time = at("2026-06-17T15:00+09:00")
    with monkeypatch.context() as broken, pytest.raises(RuntimeError):
        broken.setattr(postponed, "let_go", die)
        await Dispatcher(desk).turn()
    await restart(desk)
    assert sender.shown["a"] == ["[1+2 of 2] 하나 / 둘"]


async def test_without_its_rule_the_night_would_not_be_quiet(
    desk: Desk, sender: ScriptedSender, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hours, "due", lambda settings, urgency, now: now)
    await chosen(desk, QUIET)
    await news(desk, clock, "2026-06-17T23:00+09:00", "밤")
    assert sender.shown["a"] == ["밤"]


async def test_without_its_message_a_digest_would_be_a_flood(
    desk: Desk, sender: ScriptedSender, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forget(*_: object, **__: object) -> None: ...

    monkeypatch.setattr(ledger, "make_digest", forget)
    await chosen(desk, "/settings digest hourly")
    await news(desk, clock, "2026-06-17T14:10+09:00", "하나", "둘")
    await until(desk, clock, "2026-06-17T15:00+09:00")
    assert sender.shown["a"] == ["하나", "둘"]


# -------------------------------------------------------------------------------------------------------------- mutes


async def test_a_mute_drops_counts_and_ends_by_itself_over_a_restart(
    desk: Desk, sender: ScriptedSender, clock: Clock
) -> None:
    await chosen(desk)
    clock.time = at("2026-06-17T14:00+09:00")
    await ask(desk, "/mute 2h")
    await news(desk, clock, "2026-06-17T14:10+09:00", "하나", "[속보] 지진")
    await restart(desk)
    await news(desk, clock, "2026-06-17T15:59:58+09:00", "둘")
    assert sender.shown["a"] == []
    await restart(desk)
    await news(desk, clock, "2026-06-17T16:00+09:00", "셋")
    assert sender.shown["a"] == ["셋"]
    assert await told_by_notice(desk) == [("mute.over", {"count": 3}, ("scripted:a",))]
    async with desk.database.read() as connection:
        assert len(await archive.latest(connection, 10)) == 4


async def test_unmute_says_how_many_alerts_did_not_come(desk: Desk, sender: ScriptedSender, clock: Clock) -> None:
    await chosen(desk)
    await ask(desk, "/mute 1d")
    await news(desk, clock, "2026-06-17T15:00+09:00", *(f"소식 {number}" for number in range(7)))
    told = await ask(desk, "/unmute")
    assert told.lines == ("알림을 다시 받습니다.", "알림을 끈 동안: 7건 (보려면 /latest 20)")
    await news(desk, clock, "2026-06-17T15:10+09:00", "다음")
    assert sender.shown["a"] == ["다음"] and await told_by_notice(desk) == []
    assert (await ask(desk, "/unmute")).lines == ("알림이 꺼져 있지 않습니다. 끄려면: /mute 2h",)
    await ask(desk, "/mute 1d")
    assert (await ask(desk, "/unmute")).lines == ("알림을 다시 받습니다.",)


async def test_a_mute_drops_what_was_held_and_a_longer_one_counts_on(
    desk: Desk, sender: ScriptedSender, clock: Clock
) -> None:
    await chosen(desk, "/settings digest daily 18:00", "/settings nothing on")
    await news(desk, clock, "2026-06-17T15:00+09:00", "하나")
    await ask(desk, "/mute 1h")
    clock.forward(60)
    await ask(desk, "/mute until 20:00")
    await news(desk, clock, "2026-06-17T17:00+09:00", "둘")
    await until(desk, clock, "2026-06-17T18:00+09:00")
    assert sender.sent == [] and await told_by_notice(desk) == []
    assert (await ask(desk, "/unmute")).lines[1].startswith("알림을 끈 동안: 2건")


async def test_only_urgent_is_a_setting_of_the_whole_chat(desk: Desk, sender: ScriptedSender, clock: Clock) -> None:
    await chosen(desk, "/settings urgency urgent")
    await news(desk, clock, "2026-06-17T15:00+09:00", "하나", "[속보] 지진")
    assert sender.shown["a"] == ["[속보] 지진"]
