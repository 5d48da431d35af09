"""Whom an alert would reach, and what keeps it from the others. Pure: for people who try a source or a rule."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from delivery.wishes import Heard, listens, owed, topic_form, wants
from models import Alert, Listener, Subscription, Urgency

REASONS = ("urgency", "language", "source", "topic", "topic left out", "word", "word left out")
"""The parts of a subscription in the order in which they are looked at: a later one that fails came nearer."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How many chats would get an alert, how many of them only later (quiet hours, digest), and what keeps it from how
    many others: one of REASONS, "only urgent", "muted topic" or "muted"."""

    chats: int = 0
    later: int = 0
    kept_from: Mapping[str, int] = field(default_factory=dict)


def reach(alert: Alert, source_ids: Iterable[str], chats: Iterable[Listener], everything: int, now: datetime) -> Reach:
    """Whom an alert would reach: of these chats, and `everything` others that get every alert."""
    heard, kept, takers, later = Heard(alert, source_ids), Counter[str](), everything, 0
    for chat in chats:
        one = owed(chat, alert, now)
        if reason := obstacle(chat, heard) or one.dropped:
            kept[reason] += 1
        else:
            takers += 1
            later += one.due > now
    return Reach(takers, later, dict(kept))


def obstacle(chat: Listener, heard: Heard) -> str:
    """What keeps the alert from the chat, "" where nothing does; of several subscriptions the one that came nearest."""
    if listens(chat, heard):
        return ""
    if chat.settings.only_urgent and heard.urgency is not Urgency.URGENT:
        return "only urgent"
    if not heard.topics.isdisjoint(map(topic_form, chat.settings.muted_topics)):
        return "muted topic"
    return max((_refusal(wish, heard) for wish in chat.wishes), key=REASONS.index)


def _refusal(wish: Subscription, heard: Heard) -> str:
    """The first part of a subscription that fails, each asked by itself of the rule that decides."""
    parts = (
        Subscription(0, urgency=wish.urgency),
        Subscription(0, languages=wish.languages),
        Subscription(0, sources=wish.sources),
        Subscription(0, topics=wish.topics),
        Subscription(0, without=wish.without),
        Subscription(0, include=wish.include),
        Subscription(0, exclude=wish.exclude),
    )
    return next(reason for reason, part in zip(REASONS, parts, strict=True) if not wants(part, heard))
