"""Whom an alert would reach, and what is said of those that it would not."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import product

import pytest

from delivery import Heard, listens, plan, reach
from delivery.reach import obstacle
from handlers import filters
from models import Alert, ChatSettings, Digest, Every, Listener, QuietHours, Subscription, Urgency

NOW = datetime(2026, 6, 17, 5, 0, tzinfo=UTC)
SETTINGS = ChatSettings("ko", "Asia/Seoul")
ALERT = Alert(
    7, 7, 1, "KTX 첫 수출", ("총 47건",), "", ("뉴스다오",), "ko", Urgency.NORMAL, ("외교",), "", None, False, NOW
)


def wish(words: str) -> Subscription:
    read = filters.read(words)
    assert isinstance(read, Subscription)
    return read


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("수출", ""),
        ("only:urgent", "urgency"),
        ("lang:en", "language"),
        ("source:other", "source"),
        ("topic:경제", "topic"),
        ("-topic:외교", "topic left out"),
        ("source:newsdao 수입", "word"),
        ("-수출", "word left out"),
        ("source:other 수입", "source"),
    ],
)
def test_the_part_of_a_subscription_that_fails_is_named(words: str, reason: str) -> None:
    assert obstacle(Listener(1, (wish(words),), SETTINGS), Heard(ALERT, ["newsdao"])) == reason


def test_of_several_subscriptions_the_one_that_came_nearest_is_named() -> None:
    chat = Listener(1, (wish("lang:en"), wish("수입"), wish("source:other")), SETTINGS)
    assert obstacle(chat, Heard(ALERT, ["newsdao"])) == "word"


def test_chats_are_counted_by_what_becomes_of_the_alert_there() -> None:
    everything = (Subscription(0),)
    chats = [
        Listener(1, (wish("수출"),), SETTINGS),
        Listener(2, everything, replace(SETTINGS, quiet=QuietHours(time(13), time(15)))),
        Listener(3, everything, replace(SETTINGS, digest=Digest(Every.HOURLY))),
        Listener(4, everything, replace(SETTINGS, muted_until=NOW + timedelta(hours=1))),
        Listener(5, everything, replace(SETTINGS, only_urgent=True)),
        Listener(6, everything, replace(SETTINGS, muted_topics=("#외교",))),
        Listener(7, (wish("수입"),), SETTINGS),
        Listener(8, (wish("수입"),), replace(SETTINGS, muted_until=NOW + timedelta(hours=1))),
    ]
    found = reach(ALERT, ["newsdao"], chats, 10, NOW)
    assert (found.chats, found.later) == (13, 2)
    assert found.kept_from == {"muted": 1, "only urgent": 1, "muted topic": 1, "word": 2}


def test_whoever_has_an_obstacle_is_left_out_by_the_planner_and_nobody_else() -> None:
    words = ("", "수출", "수입", "topic:외교", "-topic:외교", "source:other", "lang:en", "only:urgent", "-수출")
    settings = (SETTINGS, replace(SETTINGS, only_urgent=True), replace(SETTINGS, muted_topics=("외교",)))
    heard = Heard(ALERT, ["newsdao"])
    for number, (one, other, chosen) in enumerate(product(words, words, settings)):
        chat = Listener(number, (wish(one), wish(other)), chosen)
        assert (obstacle(chat, heard) == "") == listens(chat, heard) == bool(plan(ALERT, ["newsdao"], [chat], NOW))
