"""Which alerts a filter brings: words in Korean and English, topics, sources, languages, urgency."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from delivery import plan
from delivery.wishes import Heard, topic_form
from handlers import filters
from models import Alert, ChatSettings, Listener, Subscription, Urgency

NOW = datetime(2026, 6, 17, 5, 0, tzinfo=UTC)
SETTINGS = ChatSettings("ko", "Asia/Seoul")
ALERT = Alert(
    7, 7, 1, "KTX 첫 수출", ("총 47건",), "", ("뉴스다오",), "ko", Urgency.NORMAL, ("외교",), "", None, False, NOW
)


def wanting(alert: Alert, chats: list[Listener]) -> list[int]:
    return [one.chat_id for one in plan(alert, ("newsdao",), chats, NOW)]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("", True),
        ("source:newsdao", True),
        ("source:other", False),
        ("topic:외교", True),
        ("topic:#외교", True),
        ("topic:경제", False),
        ("-topic:외교", False),
        ("-topic:경제", True),
        ("수출", True),
        ("ktx", True),
        ("수입", False),
        ("수입 수출", True),
        ("-수출", False),
        ("source:newsdao topic:외교 -수입", True),
        ("lang:ko", True),
        ("lang:en lang:ja", False),
        ("only:urgent", False),
    ],
)
def test_an_alert_goes_to_chats_that_want_it(words: str, wanted: bool) -> None:
    wish = filters.read(words)
    assert isinstance(wish, Subscription)
    chats = [Listener(1, (wish,), SETTINGS), Listener(2, (), SETTINGS)]
    assert wanting(ALERT, chats) == ([1] if wanted else [])


def test_one_subscription_is_enough_and_a_muted_topic_outweighs_all() -> None:
    wishes = (Subscription(1, include=("없는말",)), Subscription(1, topics=("외교",)))
    assert wanting(ALERT, [Listener(1, wishes, SETTINGS)]) == [1]
    assert wanting(ALERT, [Listener(1, wishes, replace(SETTINGS, muted_topics=("#외교",)))]) == []
    assert wanting(ALERT, [Listener(1, wishes, replace(SETTINGS, muted_topics=("경제",)))]) == [1]


def test_only_urgent_lets_urgent_alerts_through() -> None:
    wish = Subscription(1, urgency=Urgency.URGENT)
    assert wanting(replace(ALERT, urgency=Urgency.URGENT), [Listener(1, (wish,), SETTINGS)]) == [1]


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("수출", "수출이 늘었다", True),
        ("수출", "수출액 2,700억 원", True),
        ("수출", "대수출국", True),
        ("수출", "수 출하", False),
        ("수출", "\u1109\u116e\u110e\u116e\u11af", True),
        ("불", "산에서 불이 났다", True),
        ("불", "불법 체류", False),
        ("정상 회담", "한미 정상회담 개최", True),
        ("정상 회담", "한미 정상 회담 개최", True),
        ("정상 회담", "정상에서 회담", False),
        ("기준 금리", "기준\n금리", False),
        ("AI 반도체", "ai  반도체 수요", True),
        ("tariff", "Tariffs fall", True),
        ("tariff", "the TARIFF's end", True),
        ("city", "Cities flood", True),
        ("tariff", "tarifford", False),
        ("art", "a party starts", False),
        ("export*", "Exporters gain", True),
        ("export", "Exporters gain", False),
        ("ktx", "KTX의 첫 수출", True),
        ("central bank", "the Central-Bank holds", True),
        ("central bank", "central banks hold", True),
        ("central bank", "a bank, central", False),
        ("u.s.", "the U.S. holds", True),
        ("2026", "in 2026", True),
        ("202", "in 2026", False),
        ("straße", "STRASSE", True),
        ("(?:a+)+$", "a" * 40 + "!", False),
    ],
)
def test_words_are_found_the_way_their_language_is_written(word: str, text: str, found: bool) -> None:
    assert Heard(replace(ALERT, headline=text, bullets=(), topics=()), ()).holds(word) is found


def test_words_of_different_bullets_are_not_one_phrase() -> None:
    heard = Heard(replace(ALERT, headline="the central", bullets=("bank holds",)), ())
    assert not heard.holds("central bank") and heard.holds("bank holds")


def test_topics_are_the_same_in_any_case_and_with_a_hash() -> None:
    assert topic_form("#Economy ") == topic_form("economy") and topic_form("#") == ""


def test_a_filter_that_is_written_reads_the_same_again() -> None:
    long = 'source:a topic:"중앙 은행" 수출 export* "two words" -주가 -"세 낱말" -topic:스포츠 lang:en only:urgent'
    for words in (long, "a:b"):
        wish = filters.read(words)
        assert isinstance(wish, Subscription)
        assert filters.read(filters.written(wish)) == wish


def test_korean_keys_and_curly_quotes_are_read() -> None:
    assert filters.read("출처:site 주제:경제 “중앙 은행” only:속보") == Subscription(
        0, sources=("site",), topics=("경제",), include=("중앙 은행",), urgency=Urgency.URGENT
    )
    assert filters.same(Subscription(0, include=("A", "b")), Subscription(1, include=("B", "a")))


def test_the_time_a_filter_takes_grows_no_faster_than_the_text() -> None:
    """Not a timed test of speed: what is quadratic takes minutes here."""
    long = "수출 " * 200_000 + "a" * 500_000
    started = time.monotonic()
    heard = Heard(replace(ALERT, headline=long), ())
    assert not any(map(heard.holds, ("aab", "가나 다라", "a*" * 29, "ab cd")))
    assert time.monotonic() - started < 30
