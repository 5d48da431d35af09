"""Pure rules of who is owed what and when, and what the platforms must offer."""

from delivery.addressees import addressees, can_call_here, chat_at, name_of, person
from delivery.hours import due, is_muted, moment, next_digest, quiet_until
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
from delivery.limits import COMMANDS, PRESSES, Limits, Verdict
from delivery.pace import REMEMBERED, AccountPace, Departure, Limit, Pace
from delivery.reach import Reach, reach
from delivery.sender import Alarm, Problem, Sender
from delivery.wishes import Heard, listens, matching, plan, topic_form, wants

__all__ = [
    "COMMANDS",
    "LOOK_UP_AFTER",
    "PRESSES",
    "REMEMBERED",
    "AccountPace",
    "Alarm",
    "CannotLook",
    "Departure",
    "Found",
    "Heard",
    "Limit",
    "Limits",
    "LookUp",
    "Next",
    "NotThere",
    "Pace",
    "Problem",
    "Reach",
    "Sender",
    "Turn",
    "Verdict",
    "addressees",
    "after",
    "after_edit",
    "after_reply",
    "can_call_here",
    "chat_at",
    "due",
    "halves",
    "is_muted",
    "knock_after",
    "listens",
    "matching",
    "moment",
    "name_of",
    "next_digest",
    "next_up",
    "person",
    "plan",
    "quiet_until",
    "reach",
    "settle",
    "topic_form",
    "wait",
    "wants",
]
