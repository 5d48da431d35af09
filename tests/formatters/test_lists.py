"""Round-ups and digests: nothing left out, in few messages, and every one of them can be drawn again."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formatters import lists, parts, plain, slack, telegram
from formatters.lists import DigestEntry, Part
from models import Alert, Chat, ChatSettings, Urgency
from tests.formatters.taken import slack_takes, telegram_takes
from tests.parcels import ALERT, SETTINGS, parcel, roundup

START = datetime(2026, 6, 17, 0, 10, tzinfo=UTC)
SHORT = "지진"
WORST = replace(
    ALERT,
    headline="<&> & 끝없는 제목 " * 300,
    sources=tuple(f"<출처> & {number} " + "가" * 90 for number in range(40)),
    link="https://a.example/" + "&" * 400 + "x" * 1580,
    urgency=Urgency.URGENT,
    correction="고침",
)
FORMS = pytest.mark.parametrize("form", [telegram, slack], ids=["telegram", "slack"])


def backlog(count: int, **fields: Any) -> list[Alert]:
    """So many stories, a minute apart, given in any order."""
    made = [
        replace(
            ALERT, id=number, link=f"https://a.example/{number}", created=START + timedelta(minutes=number), **fields
        )
        for number in range(count)
    ]
    random.Random(7).shuffle(made)
    return made


def seen(form: Any, shown: Any) -> str:
    """What a reader sees of a message that was accepted."""
    return telegram_takes(shown).text if form is telegram else slack_takes(shown).visible


def check_complete(form: Any, alerts: Sequence[Alert], chat: ChatSettings = SETTINGS) -> list[Part[Any]]:
    """Every story once, oldest first, numbered through, with its link, in messages that the platform takes."""
    made: list[Part[Any]] = form.roundup(alerts, chat)
    ordered = sorted(alerts, key=lambda alert: (alert.created, alert.id))
    assert [one for part in made for one in part.alert_ids] == [alert.id for alert in ordered]
    number = 1
    for part in made:
        assert (part.first, part.total) == (number, len(alerts))
        told, clickable = seen(form, part.shown), links(form, part.shown)
        for alert in ordered[number - 1 : number - 1 + len(part.alert_ids)]:
            assert f"\n{number}. " in told, number
            address = parts.address(alert.link)
            assert not address or address in clickable, address
            number += 1
    assert number == len(alerts) + 1
    return made


def links(form: Any, shown: Any) -> list[str]:
    if form is slack:
        return slack_takes(shown).links
    return [entity["url"] for entity in telegram_takes(shown).entities if entity["type"] == "text_link"]


# ---------------------------------------------------------------------------------------------------------- round-ups


@FORMS
@pytest.mark.parametrize("count", [1, 2, 17, 98, 99, 100, 250])
@pytest.mark.parametrize("headline", [SHORT, ALERT.headline, "끝없는 제목 & " * 100])
def test_a_round_up_lists_every_story_with_its_link_oldest_first(form: Any, count: int, headline: str) -> None:
    check_complete(form, backlog(count, headline=headline))


@FORMS
@pytest.mark.parametrize("long", [40, 300, 900, 1900])
def test_long_addresses_make_more_messages_and_lose_nothing(form: Any, long: int) -> None:
    alerts = [replace(alert, link=f"https://a.example/{'x' * long}{alert.id}") for alert in backlog(60)]
    check_complete(form, alerts)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=200), st.integers(0, 1500), st.booleans()), min_size=1, max_size=60))
def test_any_round_up_is_complete(stories: list[tuple[str, int, bool]]) -> None:
    alerts = [
        replace(
            ALERT, id=number, headline=headline, link=f"https://a.example/{'x' * long}{number}", retracted=retracted
        )
        for number, (headline, long, retracted) in enumerate(stories)
    ]
    check_complete(telegram, alerts)
    check_complete(slack, alerts)


def test_messages_are_as_few_as_the_limits_allow() -> None:
    # 98 links and the title are 99 of 100 entities; one is left for what Telegram finds by itself.
    assert [
        len(part.alert_ids) for part in telegram.roundup(backlog(200, headline=SHORT, sources=("A",)), SETTINGS)
    ] == [98, 98, 4]
    made = telegram.roundup(backlog(200), SETTINGS)
    for part in made[:-1]:
        units = parts.utf16(telegram_takes(part.shown).text)
        assert telegram.LIST_SIZE[0] - 60 <= units <= telegram.LIMIT, "a further line would have fitted"
    made_of_blocks = slack.roundup(backlog(400), SETTINGS)
    for one in made_of_blocks[:-1]:
        size = sum(len(block["text"]["text"]) for block in one.shown.blocks)
        assert slack.BLOCKS_ROOM - 400 <= size <= slack.BLOCKS_ROOM


def test_a_round_up_that_loses_a_story_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = parts.packed
    monkeypatch.setattr(parts, "packed", lambda *args: [group[:-1] for group in whole(*args)])
    with pytest.raises(AssertionError):
        check_complete(telegram, backlog(17))


@pytest.mark.parametrize(
    ("place", "value", "fields"),
    [
        (0, 9000, {}),
        (1, 300, {"headline": SHORT}),
        (2, 90_000, {"headline": SHORT, "link": "https://a.example/" + "x" * 400}),
    ],
)
def test_a_limit_of_telegrams_that_is_not_kept_is_found(
    monkeypatch: pytest.MonkeyPatch, place: int, value: int, fields: dict[str, str]
) -> None:
    alerts = [replace(alert, **fields) for alert in backlog(150)]  # type: ignore[arg-type]
    check_complete(telegram, alerts)
    size = [*telegram.LIST_SIZE]
    size[place] = value
    monkeypatch.setattr(telegram, "LIST_SIZE", tuple(size))
    monkeypatch.setattr(telegram, "CAPS", lists.CAPS[:1])
    with pytest.raises(Exception, match=r"too long|entities"):
        check_complete(telegram, alerts)


def test_a_limit_of_slacks_that_is_not_kept_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    check_complete(slack, backlog(300))
    monkeypatch.setattr(slack, "SECTION", 4000)
    with pytest.raises(Exception, match="invalid_blocks"):
        check_complete(slack, backlog(300))
    monkeypatch.setattr(slack, "SECTION", 2900)
    monkeypatch.setattr(slack, "BLOCKS_ROOM", 20_000)
    monkeypatch.setattr(slack, "CAPS", lists.CAPS[:1])
    with pytest.raises(Exception, match="msg_blocks_too_long"):
        check_complete(slack, backlog(300))


# ----------------------------------------------------------------------------------------------------- drawn again


def changed(alerts: Sequence[Alert], part: Part[Any], **fields: Any) -> list[Alert]:
    held = {alert.id: alert for alert in alerts}
    return [replace(held[one], **fields) for one in part.alert_ids]


def test_a_digest_ranks_by_urgency_then_sources_then_freshness_and_what_was_taken_back_is_last() -> None:
    chat = Chat("telegram", "7700", "-1001")
    alerts: dict[str, dict[str, Any]] = {
        "old": {"published": START},
        "fresh": {"published": START + timedelta(hours=2)},
        "two sources": {"published": START, "sources": ("A", "B")},
        "urgent": {"published": START, "urgency": Urgency.URGENT},
        "taken back": {"published": START, "urgency": Urgency.URGENT, "retracted": True},
    }
    sent = {"message_id": "7"}
    parcels = {name: parcel(chat, delivery=sent, headline=name, **values) for name, values in alerts.items()}
    made = replace(roundup(chat, 1), parcels=tuple(parcels.values())[:3], told=tuple(parcels.values())[3:])
    entries = lists.digest_entries(made)
    assert [one.alert.headline for one in entries] == ["urgent", "two sources", "fresh", "old", "taken back"]
    assert [bool(one.chat_link) for one in entries] == [True, False, False, False, True]


@FORMS
@pytest.mark.parametrize("headline", [SHORT, ALERT.headline])
@pytest.mark.parametrize("retracted", [False, True])
def test_a_message_fits_whatever_became_of_all_its_alerts(form: Any, headline: str, retracted: bool) -> None:
    alerts = backlog(120, headline=headline)
    fields = {name: getattr(WORST, name) for name in ("headline", "sources", "link", "urgency", "correction")}
    for part in form.roundup(alerts, SETTINGS):
        later = changed(alerts, part, **fields, retracted=retracted)
        told = seen(form, form.roundup_message(later, SETTINGS, part.first, part.total))
        assert [f"\n{part.first + place}. " in told for place in range(len(later))] == [True] * len(later)


@FORMS
def test_a_message_that_may_not_get_shorter_lines_would_not_fit(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    alerts = backlog(230)
    part = form.roundup(alerts, SETTINGS)[0]
    later = changed(alerts, part, headline=WORST.headline, link=WORST.link)
    seen(form, form.roundup_message(later, SETTINGS, part.first, part.total))
    monkeypatch.setattr(form, "CAPS", lists.CAPS[:1])
    with pytest.raises(Exception, match=r"too_long|too long|bytes of entities"):
        seen(form, form.roundup_message(later, SETTINGS, part.first, part.total))


@FORMS
def test_one_headline_that_grows_takes_nothing_from_the_others(form: Any) -> None:
    alerts = backlog(230)
    part = form.roundup(alerts, SETTINGS)[0]
    later = changed(alerts, part)
    later[3] = replace(later[3], headline="새 제목 " * 60, sources=WORST.sources)
    told = seen(form, form.roundup_message(later, SETTINGS, part.first, part.total))
    assert told.count(ALERT.headline) == len(later) - 1 and "새 제목 새 제목" in told


@FORMS
def test_one_story_that_was_taken_back_is_struck_through_in_its_place(form: Any) -> None:
    alerts = backlog(17)
    (part,) = form.roundup(alerts, SETTINGS)
    later = changed(alerts, part)
    later[4] = replace(later[4], retracted=True, retraction="오보")
    shown = form.roundup_message(later, SETTINGS, part.first, part.total)
    told = seen(form, shown)
    assert f"\n5. ❌ {ALERT.headline}" in told and told.count("❌") == 1
    assert later[4].link in links(form, shown)
    if form is telegram:
        struck = [entity for entity in telegram_takes(shown).entities if entity["type"] == "strikethrough"]
        assert len(struck) == 1 and struck[0]["length"] == len(ALERT.headline)
    else:
        assert f"5. ❌ ~<{later[4].link}|{ALERT.headline}>~ — " in shown.blocks[0]["text"]["text"]


def test_ninety_eight_stories_taken_back_keep_within_a_hundred_entities() -> None:
    alerts = backlog(98, headline=SHORT, sources=("A",))
    (part,) = telegram.roundup(alerts, SETTINGS)
    message = telegram_takes(telegram.roundup_message(changed(alerts, part, retracted=True), SETTINGS, 1, 98))
    assert sum(entity["type"] == "strikethrough" for entity in message.entities) == 98


def test_drawing_the_same_again_changes_nothing() -> None:
    alerts = backlog(230)
    for part in telegram.roundup(alerts, SETTINGS):
        assert telegram.roundup_message(changed(alerts, part)[::-1], SETTINGS, part.first, part.total) == part.shown
    for one in slack.roundup(alerts, SETTINGS):
        assert slack.roundup_message(changed(alerts, one), SETTINGS, one.first, one.total) == one.shown


def test_a_round_up_of_nothing_is_no_message() -> None:
    assert (
        telegram.roundup([], SETTINGS) == [] and slack.roundup([], SETTINGS) == [] and plain.roundup([], SETTINGS) == []
    )


def test_a_terminal_gets_all_in_one() -> None:
    (part,) = plain.roundup(backlog(300), SETTINGS)
    assert part.shown.startswith("📰 그사이 소식 300건 (09:10–14:09)\n1. ") and "\n300. " in part.shown


@pytest.mark.parametrize(
    ("count", "title"), [(1, "1 story meanwhile (09:10)"), (17, "17 stories meanwhile (09:10–09:26)")]
)
def test_the_title_counts_and_says_when(count: int, title: str) -> None:
    english = ChatSettings("en", "Asia/Seoul")
    (part,) = telegram.roundup(backlog(count), english)
    assert telegram_takes(part.shown).text.splitlines()[0] == f"📰 {title}"


# ------------------------------------------------------------------------------------------------------------ digests

SINCE, UNTIL = START, START + timedelta(hours=24)


@FORMS
def test_a_digest_keeps_the_given_order_and_leads_back_to_the_chat(form: Any) -> None:
    stories = [DigestEntry(alert, f"https://t.me/c/1/{alert.id}") for alert in backlog(9)]
    part = form.digest(stories, SETTINGS, SINCE, UNTIL, more=3)
    assert part.alert_ids == tuple(story.alert.id for story in stories) and (part.first, part.total) == (1, 12)
    told = seen(form, part.shown)
    assert "소식 요약 12건 (6월 17일 09:10 – 6월 18일 09:10)" in told and "이 밖에 3건이 더 있습니다" in told
    assert [link for link in links(form, part.shown) if "t.me" in link] == [story.chat_link for story in stories]


@FORMS
@pytest.mark.parametrize("headline", [SHORT, "긴 제목 & " * 90])
@pytest.mark.parametrize("long", [10, 1900])
def test_a_digest_is_one_message_and_counts_what_it_leaves_out(form: Any, headline: str, long: int) -> None:
    stories = [
        DigestEntry(replace(alert, link=f"https://a.example/{'x' * long}"), "javascript:alert(1)")
        for alert in backlog(300, headline=headline)
    ]
    part = form.digest(stories, SETTINGS, SINCE, UNTIL, more=7)
    told = seen(form, part.shown)
    shown = len(part.alert_ids)
    assert 1 <= shown < 300 and f"\n{shown}. " in told and f"\n{shown + 1}. " not in told
    assert f"이 밖에 {307 - shown}건이 더 있습니다" in told and "javascript" not in str(part.shown)


@pytest.mark.parametrize("form", [telegram, slack, plain])
def test_a_digest_of_nothing_says_so(form: Any) -> None:
    part = form.digest([], SETTINGS, SINCE, UNTIL)
    told = part.shown if form is plain else seen(form, part.shown)
    assert told.splitlines() == ["🗞 소식 요약 (6월 17일 09:10 – 6월 18일 09:10)", "이 기간에는 새 소식이 없습니다."]
    assert part.alert_ids == () and "new in this time" in str(form.digest([], ChatSettings("en", "UTC"), SINCE, UNTIL))
    only_more = form.digest([], SETTINGS, SINCE, UNTIL, more=4)
    assert "소식 요약 4건" in str(only_more.shown) and "이 밖에 4건이 더" in str(only_more.shown)


def test_items_that_are_larger_than_the_room_stand_alone() -> None:
    assert parts.packed([3, 3, 9, 1, 5, 1], lambda one: (one, 1), (6, 2)) == [[3, 3], [9], [1, 5], [1]]
    assert parts.packed([], lambda one: (1,), (1,)) == []
    assert lists.oldest_first([]) == []
