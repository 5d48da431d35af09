"""What becomes of a delivery after a call: every outcome, without a clock or a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from delivery import CannotLook, Found, NotThere, after, after_edit, halves, next_up, settle
from delivery.ledger import LOOK_UP_AFTER, wait
from models import (
    Chat,
    ChatGone,
    Delivery,
    Moved,
    Part,
    Refused,
    Sent,
    Status,
    TryLater,
    Unknown,
    Urgency,
)

NOW = datetime(2026, 6, 17, 5, 5, tzinfo=UTC)
CALLED = Delivery(1, 7, 3, Urgency.NORMAL, NOW, Status.SENDING, 1, 1, 0, "", plain=False, problem="", created=NOW)


def test_a_sent_one_keeps_its_message_and_version() -> None:
    step = after(CALLED, Sent("99"), 4, NOW, can_look=False)
    assert step.values["status"] is Status.SENT
    assert (step.values["message_id"], step.values["shown"]) == ("99", 4)
    assert step.hold_until is None and not step.pause


def test_try_later_holds_the_whole_chat_as_long_as_the_platform_asks() -> None:
    step = after(CALLED, TryLater("slow down", 17), 1, NOW, can_look=False)
    assert step.values["status"] is Status.WAITING
    assert step.hold_until == NOW + timedelta(seconds=17) == step.values["due"]


def test_try_later_without_a_time_waits_longer_each_time_and_never_over_a_minute() -> None:
    waits = [wait(attempts) for attempts in range(1, 12)]
    assert waits[:4] == [1, 2, 4, 8] and waits == sorted(waits) and waits[-1] == 60
    later = replace(CALLED, attempts=3)
    assert after(later, TryLater("down"), 1, NOW, can_look=False).hold_until == NOW + timedelta(seconds=4)


def test_a_moved_chat_is_called_at_its_new_id() -> None:
    step = after(CALLED, Moved(Chat("p", "a", "-100")), 1, NOW, can_look=False)
    assert step.move_to == Chat("p", "a", "-100") and step.values["status"] is Status.WAITING


def test_a_closed_door_pauses_the_chat_and_keeps_what_it_is_owed() -> None:
    step = after(CALLED, ChatGone("blocked"), 1, NOW, can_look=False)
    assert step.pause == "blocked" and step.values["status"] is Status.WAITING


def test_a_refused_alert_is_tried_once_more_without_markup_and_then_given_up() -> None:
    first = after(CALLED, Refused("can't parse"), 1, NOW, can_look=False)
    assert first.values["status"] is Status.WAITING and first.values["plain"] is True and not first.pause
    second = after(replace(CALLED, plain=True), Refused("too long"), 1, NOW, can_look=False)
    assert second.values == {"status": Status.GIVEN_UP, "problem": "too long"}


def test_a_refused_picture_costs_the_picture_first_then_the_form_and_only_then_the_alert() -> None:
    no_picture = Refused("no such picture", Part.PICTURE)
    first = after(CALLED, no_picture, 1, NOW, can_look=False).values
    assert first["status"] is Status.WAITING and first["pictureless"] is True and "plain" not in first
    second = after(replace(CALLED, pictureless=True), no_picture, 1, NOW, can_look=False).values
    assert second["status"] is Status.WAITING and second["plain"] is True
    assert after(replace(CALLED, plain=True), no_picture, 1, NOW, can_look=False).values["status"] is Status.GIVEN_UP


@pytest.mark.parametrize(("can_look", "least"), [(True, LOOK_UP_AFTER), (False, timedelta(seconds=1))])
def test_an_unknown_one_is_settled_later_and_the_wait_grows(can_look: bool, least: timedelta) -> None:
    first = after(CALLED, Unknown("cut"), 1, NOW, can_look=can_look)
    fifth = after(replace(CALLED, attempts=5), Unknown("cut"), 1, NOW, can_look=can_look)
    assert first.values["status"] is Status.UNKNOWN
    assert NOW + least <= first.values["due"] < fifth.values["due"]


def test_a_look_decides_what_became_of_an_unknown_one() -> None:
    unknown = replace(CALLED, status=Status.UNKNOWN)
    assert settle(unknown, Found("5"), 1, NOW, on_unknown="skip").values["status"] is Status.SENT
    assert settle(unknown, NotThere(), 1, NOW, on_unknown="skip").values["status"] is Status.WAITING
    assert settle(unknown, CannotLook(), 1, NOW, on_unknown="resend").values["status"] is Status.WAITING
    assert settle(unknown, CannotLook(), 1, NOW, on_unknown="skip").values["status"] is Status.GIVEN_UP
    assert "status" not in settle(unknown, CannotLook(again=True), 1, NOW, on_unknown="skip").values


@pytest.mark.parametrize(
    ("asked", "looking", "again"),
    [(1, 0, True), (30, 10, True), (1, 44, True), (0, 0, True), (60, 0, False), (30, 20, False), (1, 45, False)],
)
def test_a_look_that_is_refused_for_its_rate_is_repeated_as_asked_for_a_while_then_on_unknown_decides(
    asked: float, looking: float, again: bool
) -> None:
    unknown, since = replace(CALLED, status=Status.UNKNOWN), timedelta(seconds=looking)
    step = settle(unknown, CannotLook(again=True, after=float(asked)), 1, NOW, on_unknown="skip", looking=since)
    assert ("status" not in step.values) is again
    if again:
        assert step.values["due"] == NOW + timedelta(seconds=max(1, asked))


def test_a_found_message_of_an_older_version_is_edited() -> None:
    unknown = replace(CALLED, status=Status.UNKNOWN, wanted=3)
    assert settle(unknown, Found("5"), 3, NOW, on_unknown="resend").values["shown"] == 1


def test_an_edit_repeats_until_it_is_shown_or_beyond_reach() -> None:
    shown = replace(CALLED, status=Status.SENT, wanted=2, shown=1, message_id="5")
    assert after_edit(shown, Sent("5"), 2, NOW).values["shown"] == 2
    for held in (TryLater("slow", 3), Unknown("cut")):
        step = after_edit(shown, held, 2, NOW)
        assert "shown" not in step.values and step.hold_until is not None and step.hold_until > NOW
    assert after_edit(shown, ChatGone("blocked"), 2, NOW).pause == "blocked"
    assert after_edit(shown, Refused("bad"), 2, NOW).values["plain"] is True
    assert after_edit(replace(shown, plain=True), Refused("gone"), 2, NOW).values["shown"] == 2
    no_picture = Refused("no such picture", Part.PICTURE)
    assert after_edit(shown, no_picture, 2, NOW).values == {"pictureless": True, "problem": "no such picture"}
    assert after_edit(replace(shown, pictureless=True), no_picture, 2, NOW).values["plain"] is True
    assert after_edit(shown, Refused("deleted", Part.MESSAGE), 2, NOW).values["shown"] == 2


def waiting(alert: int, urgency: Urgency = Urgency.NORMAL, *, hours: float = 0, **changed: Any) -> Delivery:
    owed = NOW - timedelta(hours=hours)
    values = {"id": alert, "alert_id": alert, "urgency": urgency, "status": Status.WAITING, "created": owed, **changed}
    return replace(CALLED, **values)


def chosen(*rows: Delivery) -> tuple[list[int], bool]:
    turn = next_up(rows, NOW, roundup_after=3, expire_after=24 * 3600)
    return [one.alert_id for one in turn.deliveries], turn.roundup


def test_a_few_go_one_by_one_and_more_become_a_round_up_in_order() -> None:
    assert chosen(waiting(3), waiting(1), waiting(2)) == ([1], False)
    assert chosen(waiting(3), waiting(1), waiting(4), waiting(2)) == ([1, 2, 3, 4], True)


def test_urgent_ones_go_alone_and_first_however_many_wait() -> None:
    many = [waiting(number) for number in range(1, 9)]
    assert chosen(*many, waiting(10, Urgency.URGENT), waiting(9, Urgency.URGENT)) == ([9], False)


def test_old_ones_go_only_into_a_round_up_and_are_urgent_no_more() -> None:
    assert chosen(waiting(1, hours=25)) == ([1], True)
    assert chosen(waiting(1, Urgency.URGENT, hours=25), waiting(2)) == ([1, 2], True)
    assert chosen(waiting(1, Urgency.URGENT, hours=25), waiting(2, Urgency.URGENT)) == ([2], False)


def test_a_message_once_made_keeps_its_form_and_a_refused_alert_stays_alone() -> None:
    later = [waiting(number) for number in range(5, 9)]
    assert chosen(waiting(1, message=5), *later) == ([1], False)
    assert chosen(waiting(1, plain=True), *later) == ([1], False)
    assert chosen(*later, waiting(9, message=5), waiting(10, plain=True)) == ([5, 6, 7, 8], True)


def test_a_refused_round_up_is_neither_lost_nor_sent_plain() -> None:
    step = after(CALLED, Refused("bad"), 1, NOW, can_look=True, together=True)
    assert step.values == {"status": Status.WAITING, "due": NOW, "problem": "bad"}
    assert halves([1, 2, 3, 4, 5]) == ((1, 2, 3), (4, 5)) and halves([1, 2]) == ((1,), (2,))
