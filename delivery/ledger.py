"""What becomes of a delivery after a call: one rule, in one place, and pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from models import (
    Chat,
    ChatGone,
    Delivery,
    Moved,
    Part,
    Refused,
    SendResult,
    Sent,
    Status,
    TryLater,
    Unknown,
    Urgency,
)

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
KNOCK_AFTER = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
LOOK_UP_PATIENCE = timedelta(seconds=45)
LOOK_UP_AFTER = timedelta(seconds=5)
"""A message may take this long to appear in a channel's history (docs/decisions/0004)."""


@dataclass(frozen=True, slots=True)
class Next:
    """What to save: columns of the delivery, and what happens to its chat."""

    values: dict[str, Any] = field(default_factory=dict)
    hold_until: datetime | None = None
    pause: str = ""
    speechless: bool = False
    move_to: Chat | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What goes out next in a chat: a delivery (with all of its message), or several that become a round-up."""

    deliveries: tuple[Delivery, ...]
    roundup: bool = False


def next_up(waiting: Sequence[Delivery], now: datetime, *, roundup_after: int, expire_after: float) -> Turn:
    """Choose among what waits in one chat, one delivery for each message made before.

    Urgent alerts go alone and first, the rest by alert. More than `roundup_after` of them become a round-up; so does
    whatever waits when one has waited longer than `expire_after` seconds, and then an alert is urgent no more.
    """
    too_old = now - timedelta(seconds=expire_after)
    by_alert = sorted(waiting, key=lambda one: one.alert_id)
    urgent = [one for one in by_alert if one.urgency is Urgency.URGENT and one.created > too_old]
    alone = [one for one in urgent if one.message is None]
    if alone:
        return Turn((alone[0],))
    first = by_alert[0]
    backlog = tuple(one for one in by_alert if one.message is None and not one.plain)
    if first not in backlog:
        return Turn((first,))
    if len(backlog) > roundup_after or any(one.created <= too_old for one in backlog):
        return Turn(backlog, roundup=True)
    return Turn((first,))


def halves(deliveries: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A round-up that was refused, in two: the alert at fault is found in a few steps, and the rest arrives."""
    middle = (len(deliveries) + 1) // 2
    return tuple(deliveries[:middle]), tuple(deliveries[middle:])


def wait(attempts: int) -> float:
    """Seconds before the next try: 1, 2, 4 … 60."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(max(0, attempts - 1), 10))


def knock_after(knocks: int) -> timedelta:
    """How long a door that was found closed so often in a row is left alone: an event may open it before."""
    return KNOCK_AFTER[min(knocks, len(KNOCK_AFTER)) - 1]


def after(
    delivery: Delivery, result: SendResult, version: int, now: datetime, *, can_look: bool, together: bool = False
) -> Next:
    """What a call of a new message left behind. `version` is the one that was sent; `together`: with others."""
    match result:
        case Sent(message_id):
            values = {"status": Status.SENT, "shown": version, "message_id": message_id, "sent_at": now, "problem": ""}
            return Next(values)
        case TryLater(reason, seconds):
            until = now + timedelta(seconds=wait(delivery.attempts) if seconds is None else seconds)
            return Next({"status": Status.WAITING, "due": until, "problem": reason}, hold_until=until)
        case Moved(chat):
            return Next({"status": Status.WAITING, "due": now, "problem": "moved"}, move_to=chat)
        case ChatGone(reason, speechless):
            values = {"status": Status.WAITING, "due": now, "problem": reason}
            return Next(values, pause=reason, speechless=speechless)
        case Refused(reason) if together:
            return Next({"status": Status.WAITING, "due": now, "problem": reason})
        case Refused(reason, Part.PICTURE) if not (delivery.pictureless or delivery.plain):
            return Next({"status": Status.WAITING, "due": now, "pictureless": True, "problem": reason})
        case Refused(reason) if not delivery.plain:
            # The payload may be at fault in its markup, picture or button: the plain form has none of them.
            return Next({"status": Status.WAITING, "due": now, "plain": True, "problem": reason})
        case Refused(reason):
            return Next({"status": Status.GIVEN_UP, "problem": reason})
        case Unknown(reason):
            # Waiting grows with each try: a broken way out must not double the message again and again.
            pause = timedelta(seconds=wait(delivery.attempts))
            due = now + (max(pause, LOOK_UP_AFTER) if can_look else pause)
            return Next({"status": Status.UNKNOWN, "due": due, "problem": reason})


def after_edit(delivery: Delivery, result: SendResult, version: int, now: datetime) -> Next:
    """What a call that edits a message left behind. An edit may be repeated, so an unknown one simply is."""
    match result:
        case Sent():
            return Next({"shown": version, "attempts": 0, "problem": ""})
        case TryLater(reason, seconds):
            until = now + timedelta(seconds=wait(delivery.attempts + 1) if seconds is None else seconds)
            return Next({"attempts": delivery.attempts + 1, "problem": reason}, hold_until=until)
        case Unknown(reason):
            until = now + timedelta(seconds=wait(delivery.attempts + 1))
            return Next({"attempts": delivery.attempts + 1, "problem": reason}, hold_until=until)
        case Moved(chat):
            return Next({"problem": "moved"}, move_to=chat)
        case ChatGone(reason, speechless):
            return Next({"problem": reason}, pause=reason, speechless=speechless)
        case Refused(reason, Part.PICTURE) if not (delivery.pictureless or delivery.plain):
            return Next({"pictureless": True, "problem": reason})
        case Refused(reason, Part.FORM | Part.PICTURE) if not delivery.plain:
            return Next({"plain": True, "problem": reason})
        case Refused(reason):
            # That message is beyond reach (deleted, too old), or no form will do: the edit is over, it stays as it was.
            return Next({"shown": version, "problem": reason})


def after_reply(delivery: Delivery, result: SendResult, version: int, now: datetime, *, on_unknown: str) -> Next:
    """What a reply left behind that says which further sources carry an alert. It is a new message, which nobody looks
    for: without an answer `on_unknown` decides."""
    if isinstance(result, Unknown) and on_unknown == "skip":
        return Next({"shown": version, "attempts": 0, "problem": result.reason, "replying": 0})
    if isinstance(result, Refused):
        return Next({"shown": version, "problem": result.reason, "replying": 0})
    step = after_edit(delivery, result, version, now)
    return replace(step, values={**step.values, "replying": 0})


@dataclass(frozen=True, slots=True)
class Found:
    """The look-up saw the message in the chat."""

    message_id: str


@dataclass(frozen=True, slots=True)
class NotThere:
    """The look-up could look, and the message is not in the chat."""


@dataclass(frozen=True, slots=True)
class CannotLook:
    """The platform offers no look-up, or refused it. `again` when a later try may succeed; `after`: the seconds that it
    asks to wait, where it refused for its rate."""

    again: bool = False
    after: float | None = None


LookUp = Found | NotThere | CannotLook


def settle(
    delivery: Delivery,
    seen: LookUp,
    version: int,
    now: datetime,
    *,
    on_unknown: str,
    looking: timedelta = timedelta(),
) -> Next:
    """An unknown outcome, after the look: found, certainly missing, or for `on_unknown` to decide. `looking`: for how
    long it has been looked for; patience with a rate ends."""
    match seen:
        case Found(message_id):
            # Which version it shows is not known: 1 at least; a later one is edited in.
            shown = version if delivery.wanted == 1 else 1
            return Next({"status": Status.SENT, "shown": shown, "message_id": message_id, "sent_at": now})
        case NotThere():
            return Next({"status": Status.WAITING, "due": now})
        case CannotLook(again=True, after=None):
            return Next({"due": now + LOOK_UP_AFTER})
        case CannotLook(again=True, after=float(seconds)) if looking + timedelta(seconds=seconds) <= LOOK_UP_PATIENCE:
            return Next({"due": now + timedelta(seconds=max(1.0, seconds))})
        case CannotLook():
            if on_unknown == "skip":
                return Next({"status": Status.GIVEN_UP, "problem": "may have been delivered; on_unknown is skip"})
            return Next({"status": Status.WAITING, "due": now})
