"""When a source is read next: `every` to the letter, else between the limits and as its publisher asks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from config.settings import Fetch
from models import Kind, Source
from sources import schedule

NOW = datetime(2026, 6, 17, 5, 0, tzinfo=UTC)  # a Wednesday
ADAPTIVE = Source("a", "a", Kind.FEED, "https://a.example/feed")
LIMITS = Fetch(min_every=60, max_every=3600)


def wait(source: Source, interval: float, **said: Any) -> float:
    return (schedule.next_read(source, interval, LIMITS, NOW, **said) - NOW).total_seconds()


def test_retry_after_is_read_in_both_forms() -> None:
    assert schedule.retry_after("90", NOW) == 90
    assert schedule.retry_after(format_datetime(NOW.replace(minute=2), usegmt=True), NOW) == 120
    assert schedule.retry_after(format_datetime(NOW.replace(hour=4), usegmt=True), NOW) == 0
    assert schedule.retry_after("99999999", NOW) == 86400
    assert schedule.retry_after("²", NOW) is None
    assert schedule.retry_after("soon", NOW) is None and schedule.retry_after("", NOW) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache-control": "public, max-age=600"}, 600),
        ({"cache-control": "max-age=600", "age": "200"}, 400),
        ({"cache-control": "max-age=600", "age": "900"}, 0),
        ({"cache-control": "max-age=600", "expires": "Wed, 17 Jun 2026 06:00:00 GMT"}, 600),
        ({"cache-control": "s-maxage=600"}, None),
        ({"cache-control": "no-cache, max-age=600"}, 0),
        ({"expires": "Wed, 17 Jun 2026 05:20:00 GMT"}, 1200),
        ({"expires": "Wed, 17 Jun 2026 04:20:00 GMT"}, 0),
        ({"expires": "0"}, 0),
        ({"cache-control": "max-age=soon"}, None),
        ({}, None),
    ],
)
def test_freshness_is_read_from_cache_control_else_from_expires(headers: dict[str, str], seconds: float | None) -> None:
    assert schedule.fresh_for(headers, NOW) == seconds


def test_what_a_feed_asks_for_is_found_before_and_behind_its_items_and_nowhere_else() -> None:
    asks = b"<ttl> 30 </ttl><skipHours><hour>0</hour><hour>24</hour><hour>7</hour><hour>99</hour></skipHours>"
    days = b"<skipDays><day>Saturday</day><day>sunday</day><day>Doomsday</day></skipDays>"
    item = b"<item><title>a</title></item>"
    wanted = {"ttl": 1800, "skip_hours": [0, 7], "skip_days": [5, 6]}
    assert schedule.asked_in(b"<rss><channel>" + asks + days + item + b"</channel></rss>") == wanted
    assert schedule.asked_in(b"<rss><channel>" + item * 500 + asks + days + b"</channel></rss>") == wanted
    assert schedule.asked_in(b"<rss><channel><item><ttl>30</ttl></item><item/></channel></rss>") == {}
    assert schedule.asked_in(b"<rss><channel><ttl>0</ttl><ttl>x</ttl><skipHours></skipHours></channel></rss>") == {}
    assert schedule.asked_in(b"\xff\xfe\x00<skipHours>" * 20_000) == {}


@pytest.mark.parametrize("every", [2.0, 60.0, 300.0, 86400.0])
def test_every_is_kept_up_to_a_tenth_earlier_and_never_later_whatever_the_publisher_hints(every: float) -> None:
    said = {"fresh": 7200.0, "asked": {"ttl": 86400, "skip_hours": [*range(23)], "skip_days": [2]}}
    for number in range(200):
        source = replace(ADAPTIVE, id=f"s{number}", every=every)
        assert schedule.next_interval(source, 1.0, LIMITS, any_new=False) == every
        assert 0.9 * every <= wait(source, every, **said) < every


def test_without_every_the_interval_grows_from_the_shortest_to_the_longest_and_falls_back_after_news() -> None:
    interval, seen = 60.0, list[float]()
    for _ in range(14):
        interval = schedule.next_interval(ADAPTIVE, interval, LIMITS, any_new=False)
        seen.append(interval)
        assert 60 <= wait(ADAPTIVE, interval) <= 3600
    assert seen[:3] == [90, 135, 202.5] and seen[-1] == 3600
    assert schedule.next_interval(ADAPTIVE, 3600, LIMITS, any_new=True) == 60


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ({"fresh": 600.0}, 600, 660),
        ({"asked": {"ttl": 1800}}, 1800, 1980),
        ({"fresh": 10.0}, 60, 66),
        ({"fresh": 31536000.0}, 3600, 3600),  # who says "a year" is not believed longer than the operator allows
        ({"asked": {"skip_hours": [5]}}, 3600, 3900),
        ({"asked": {"skip_hours": [5, 6, 7]}}, 3 * 3600, 3 * 3600 + 300),
        ({"asked": {"skip_days": [2]}}, 19 * 3600, 19 * 3600 + 300),
        ({"asked": {"skip_hours": [*range(24)]}}, 60, 66),  # who skips everything skips nothing
    ],
)
def test_without_every_the_publishers_hints_are_obeyed(said: dict[str, Any], least: float, most: float) -> None:
    for number in range(50):
        assert least <= wait(replace(ADAPTIVE, id=f"s{number}"), 60.0, **said) <= most


def test_sources_that_began_together_are_read_evenly_over_time_in_the_end() -> None:
    sources = [replace(ADAPTIVE, id=f"source-{number}", every=300.0) for number in range(600)]
    at = dict.fromkeys(sources, NOW)
    for _ in range(25):
        at = {one: schedule.next_read(one, 300.0, LIMITS, began + timedelta(seconds=0.2)) for one, began in at.items()}
    in_a_tenth = [0] * 10
    for moment in at.values():
        in_a_tenth[int(moment.timestamp() % 298 / 29.8)] += 1
    assert min(in_a_tenth) > 30 and max(in_a_tenth) < 90


@pytest.mark.parametrize(
    ("reason", "waits"),
    [
        ("timeout", [60, 120, 240, 480, 900, 900]),
        ("http-503", [60, 120, 240, 480, 900, 900]),
        ("http-404", [60, 120, 240, 480, 960, 1920, 3600, 3600]),
        ("certificate", [60, 120, 240, 480, 960, 1920, 3600, 3600]),
        ("bot-wall", [300, 600, 1200, 2400, 3600]),
        ("http-429", [300, 600, 1200, 2400, 3600]),
        ("no-folder", [60, 60]),
    ],
)
def test_a_failing_source_is_tried_ever_later_as_its_reason_says(reason: str, waits: list[float]) -> None:
    assert [schedule.back_off(reason, failures, 60, None, 0.0) for failures in range(len(waits))] == waits
    assert schedule.back_off(reason, 10_000, 7200, None, 0.0) == 7200  # never sooner than usual
    assert waits[0] < schedule.back_off(reason, 0, 60, None, 0.9) <= waits[0] * 1.1


def test_a_publisher_that_names_a_time_is_asked_then_and_not_before() -> None:
    assert schedule.back_off("http-429", 9, 60, 120.0, 0.0) == 120
    assert 120 < schedule.back_off("http-503", 0, 60, 120.0, 0.5) < 126
    assert schedule.back_off("http-503", 0, 60, 5.0, 0.0) == 60
