"""Pure rules of who is owed what and when, and what the platforms must offer."""

from delivery.addressees import addressees, chat_at, name_of, person
from delivery.ledger import (
    LOOK_UP_AFTER,
    CannotLook,
    Found,
    LookUp,
    Next,
    NotThere,
    Turn,
    after,
    after_edit,
    after_reply,
    halves,
    knock_after,
    next_up,
    settle,
    wait,
)
from delivery.pace import REMEMBERED, AccountPace, Limit, Pace
from delivery.sender import Alarm, Sender
from delivery.wishes import Heard, listens, matching, plan, topic_form, wants

__all__ = [
    "LOOK_UP_AFTER",
    "REMEMBERED",
    "AccountPace",
    "Alarm",
    "CannotLook",
    "Found",
    "Heard",
    "Limit",
    "LookUp",
    "Next",
    "NotThere",
    "Pace",
    "Sender",
    "Turn",
    "addressees",
    "after",
    "after_edit",
    "after_reply",
    "chat_at",
    "halves",
    "knock_after",
    "listens",
    "matching",
    "name_of",
    "next_up",
    "person",
    "plan",
    "settle",
    "topic_form",
    "wait",
    "wants",
]
