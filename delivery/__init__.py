"""Pure rules of who is owed what and when, and what the platforms must offer."""

from delivery.addressees import addressees, chat_at, name_of
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
    halves,
    next_up,
    settle,
    wait,
)
from delivery.pace import REMEMBERED, AccountPace, Limit, Pace
from delivery.sender import Sender
from delivery.wishes import Heard, listens, matching, plan, topic_form, wants

__all__ = [
    "LOOK_UP_AFTER",
    "REMEMBERED",
    "AccountPace",
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
    "chat_at",
    "halves",
    "listens",
    "matching",
    "name_of",
    "next_up",
    "plan",
    "settle",
    "topic_form",
    "wait",
    "wants",
]
