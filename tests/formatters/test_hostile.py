"""Whatever a publisher or the desk wrote: every form is taken, rings for nobody, and shows the headline as text."""

import html
import re
import time
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from formatters import inert, parts, plain, slack, telegram
from formatters.lists import DigestEntry
from formatters.snippet import snippet
from models import Alert, ChatSettings, Reply, Story, Urgency
from tests.formatters.taken import slack_takes, telegram_takes
from tests.parcels import ALERT, SETTINGS

HEBREW, ARABIC = "\u05d7\u05d3\u05e9\u05d5\u05ea", "\u0623\u062e\u0628\u0627\u0631"
PIECES = (
    *("\u202e", "\u202d", "\u202a", "\u202b", "\u202c", "\u2066", "\u2067", "\u2068", "\u2069", "\u200e", "\u200f"),
    *("\u200b", "\u200c", "\u200d", "\ufeff", "\u2060", "\u00ad", "\u3164", "\u2800", "\u034f", "\u0301" * 40),
    *("\ud83d", "\ude00", "\ud83d\ude00", "\ufffd", "\uffff", "\x00", "\x1b[2J", "\x07", "\r\n", "\u2028", "\x85"),
    *("🔴", "👨\u200d👩\u200d👧", "🏴\U000e0067\U000e0062\U000e007f", "1\ufe0f\u20e3", "0", "9" * 30, "-1", "٣"),
    *("<", ">", "&", '"', "'", "</b>", "</a>", "<a href='x'>", "<b>", "<tg-spoiler>", "&lt;", "&#60;", "&#xD83D;"),
    *("<!channel>", "<!here|x>", "<@U0OWNER1>", "<#C1|x>", "<!subteam^S1>", "<https://evil.example|x>", "<!date^0^|x>"),
    *("@here", "@channel", "@newsdao_bot", "#tag", "/start", "t.me/evil", "https://evil.example/?a=1&b=2", "$USD"),
    *("*", "_", "~", "`", "```", "|", "\\", "[x](y)", "((((", "]]]]", "{name}", "{0}", "%s", "•", "…", "—", ":fire:"),
    *(HEBREW, ARABIC, "수출", "KTX", unicodedata.normalize("NFD", "수출"), "ẞ", "İ", " ", "\n", "\t", "\u3000"),
)  # fmt: skip
ANY = st.text(st.characters(exclude_categories=()), max_size=30)
WORDS = st.lists(st.sampled_from(PIECES) | ANY, max_size=12).map("".join)
REPEATED = st.tuples(st.sampled_from(PIECES), st.sampled_from([1, 50, 400, 5000])).map(lambda pair: pair[0] * pair[1])
TEXT = st.one_of(WORDS, WORDS, REPEATED, st.tuples(REPEATED, WORDS, REPEATED).map("".join))
TEXTS = st.lists(TEXT, max_size=4).map(tuple)
LINKS = st.one_of(
    st.sampled_from(["", "https://newsdao.kr/4261", "http://localhost/x", "http://[::1", "https://뉴스.kr/글"]),
    TEXT,
    TEXT.map(lambda text: f"https://a.example/{text}"),
    TEXT.map(lambda text: f"https://{text}/x"),
)
MOMENTS = st.one_of(
    st.just(ALERT.created),
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]),
)
ALERTS = st.builds(
    Alert, id=st.integers(1, 9), story_id=st.just(1), version=st.just(2), headline=TEXT, bullets=TEXTS, link=LINKS,
    sources=TEXTS, language=st.just("ko"), urgency=st.sampled_from(Urgency), topics=TEXTS, image=LINKS,
    published=st.none() | MOMENTS, date_only=st.booleans(), created=MOMENTS, changed=st.none() | MOMENTS,
    correction=st.just("") | TEXT, retracted=st.booleans(), retraction=TEXT,
)  # fmt: skip
CHATS = st.builds(
    ChatSettings, language=st.sampled_from(["ko", "en"]), timezone=st.sampled_from(["Asia/Seoul", "America/New_York"]),
    pictures=st.booleans(), hashtags=st.booleans(),
)  # fmt: skip
PLENTY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DAY = timedelta(days=1)
LOOKALIKES = str.maketrans("∗ˍ∼ˋ›", "*_~`>")


# ------------------------------------------------------------------------------------------------- what is promised


def letters(text: str) -> str:
    """What of a text a reader can tell apart, independent of the product: no marks, no white space, no controls."""
    flat = unicodedata.normalize("NFD", text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    flat = flat.translate(LOOKALIKES)
    return "".join(one for one in flat if unicodedata.category(one)[0] not in "CZM" and one not in "\ufffd\u3164\u2800")


def check_headline(headline: str, shown: str) -> None:
    # With parts that are not seen between its letters, fewer of these fit; what draws nothing takes no room.
    flat = headline[:5000].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    drawn = "".join(one for one in flat if unicodedata.category(one)[0] != "C")
    wanted = letters(drawn[:60])[: 40 if headline.isprintable() else 12]
    assert wanted in letters(shown), (headline[:200], shown[:500])


def check_direction(shown: str) -> None:
    """No line's direction is turned by what a publisher wrote into it."""
    for line in shown.split("\n"):
        assert not re.search(r"[\u202a-\u202e\u2066\u2067]", line), repr(line)
        depth = 0
        for one in line:
            depth += (one == inert.ISOLATE) - (one == inert.END_OF_ISOLATE)
            assert depth in (0, 1), repr(line)
        assert depth == 0, repr(line)


def check_telegram(shown: telegram.TelegramText, links: set[str]) -> str:
    """Taken, no link but ours, no name that Telegram would ring for. Gives what is seen."""
    message = telegram_takes(shown)
    kinds = {"bold", "strikethrough", "text_link", "underline"}
    assert {entity["type"] for entity in message.entities} <= kinds
    found = {entity["url"] for entity in message.entities if entity["type"] == "text_link"}
    assert found <= {link if "/" in link[8:] else f"{link}/" for link in links}, found
    for link in links:
        message.text = message.text.replace(link, "")
    loose = re.sub(r"<a [^<>]*>.*?</a>", "", message.html) if not shown.plain else message.text
    assert not re.search(r"(?<![A-Za-z0-9_])@[A-Za-z0-9_]{5}", loose), loose
    check_direction(message.text)
    return message.text


def check_slack(shown: slack.SlackText, links: set[str]) -> str:
    """Taken, nothing pinged, no link but ours. Gives what is seen."""
    message = slack_takes(shown)
    assert set(message.links) <= links, message.links
    check_direction(message.visible)
    # What is said of a picture to those who cannot see it is no place for a headline to be shown in.
    return re.sub(r"^\[image: .*\]$", "", message.visible, flags=re.MULTILINE)


def check_alert(alert: Alert, chat: ChatSettings) -> None:
    links = {parts.address(alert.link)} - {""}
    seen = {
        "telegram": check_telegram(telegram.alert(alert, chat), links),
        "telegram plain": check_telegram(telegram.plain_alert(alert, chat), links),
        "slack": check_slack(slack.alert(alert, chat), links),
        "plain": plain.alert(alert, chat),
    }
    for told in seen.values():
        check_headline(alert.headline, told)
    check_direction(seen["plain"])
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", seen["plain"]), "a terminal would obey"
    check_telegram(telegram.also(alert, chat), links)
    for one in (slack.also(alert, chat), slack.plain_alert(alert, chat)):
        check_slack(one, links)
    orjson.dumps(plain.alert_json(alert, fresh=True))


# -------------------------------------------------------------------------------------------------------- hypothesis


@PLENTY
@given(ALERTS, CHATS)
@example(replace(ALERT, headline="\u202e" + HEBREW, sources=(ARABIC, "x\u2069"), topics=(HEBREW,)), SETTINGS)
@example(replace(ALERT, headline="<!channel> @newsdao_bot *x* `y`", link="", sources=("*a* _b_",)), SETTINGS)
@example(
    replace(ALERT, headline="\ud83d", bullets=("\ude00",), topics=("\ud83d",), image="https://a.example/\ud83d"),
    SETTINGS,
)
def test_any_alert_is_taken_in_every_form(alert: Alert, chat: ChatSettings) -> None:
    check_alert(alert, chat)


@PLENTY
@given(st.lists(ALERTS, min_size=1, max_size=25), CHATS, LINKS)
def test_any_stories_are_taken_as_round_up_and_digest(alerts: list[Alert], chat: ChatSettings, back: str) -> None:
    alerts = [replace(alert, id=number) for number, alert in enumerate(alerts)]
    links = {parts.address(link) for link in (back, *(alert.link for alert in alerts))} - {""}
    for part in telegram.roundup(alerts, chat):
        check_telegram(part.shown, links)
    for one in slack.roundup(alerts, chat):
        check_slack(one.shown, links)
    entries = [DigestEntry(alert, back) for alert in alerts]
    check_telegram(telegram.digest(entries, chat, ALERT.created, ALERT.created + DAY, 3).shown, links)
    check_slack(slack.digest(entries, chat, ALERT.created, ALERT.created + DAY, 3).shown, links)
    check_direction(plain.roundup(alerts, chat)[0].shown)
    check_direction(plain.digest(entries, chat, ALERT.created, ALERT.created + DAY).shown)


@PLENTY
@given(TEXT, TEXTS, st.lists(st.tuples(ALERTS, TEXT), max_size=6), TEXTS)
def test_any_answer_is_taken(
    title: str, lines: tuple[str, ...], found: list[tuple[Alert, str]], words: tuple[str, ...]
) -> None:
    stories = tuple(Story(alert, text) for alert, text in found)
    answer = Reply(title=title, lines=lines, stories=stories, marked=words)
    links = {parts.address(alert.link) for alert, _ in found} - {""}
    for message in telegram.reply(answer, SETTINGS):
        check_telegram(telegram.TelegramText(message), links)
    if title.strip() or stories:
        check_slack(slack.reply(answer, SETTINGS), links)
    check_direction(plain.reply(answer, SETTINGS))
    orjson.dumps(plain.reply_json(answer, SETTINGS))
    for text in (title, *lines):
        snippet(text, words)


# ------------------------------------------------------------------------------------------------------- by the clock

HUGE: dict[str, Callable[[], str]] = {
    "letters": lambda: "가나다 " * 3_500_000,
    "one word": lambda: "x" * 10_000_000,
    "emoji": lambda: "👨\u200d👩\u200d👧" * 2_000_000,
    "digits": lambda: "0123456789" * 1_000_000,
    "nothing to be seen": lambda: "\u200b" * 10_000_000,
    "joiners": lambda: "\u200d" * 10_000_000,
    "accents": lambda: "a" + "\u0301" * 10_000_000,
    "surrogates": lambda: "\ud83d" * 10_000_000,
    "open tags": lambda: "<b>" * 3_500_000,
    "brackets": lambda: "(" * 5_000_000 + ")" * 5_000_000,
    "nested": lambda: "<!channel" * 1_200_000 + ">" * 1_200_000,
    "stars": lambda: "*_~`" * 2_500_000,
    "turned": lambda: "\u202e\u2067" * 5_000_000,
    "names": lambda: "@newsdao_bot " * 800_000,
    "ampersands": lambda: "&" * 10_000_000,
    "from right to left": lambda: HEBREW * 2_000_000,
}


@pytest.mark.parametrize("kind", HUGE)
def test_ten_megabytes_of_anything_are_taken_at_once(kind: str) -> None:
    text = HUGE[kind]()
    alert = replace(
        ALERT, headline=text, bullets=(text,) * 4, sources=(text, text), topics=(text,) * 3, link=f"https://a.example/{text}",
        image=f"https://a.example/{text}", correction=text,
    )  # fmt: skip
    started = time.process_time()
    for form in (telegram.alert, telegram.plain_alert, slack.alert, slack.plain_alert, plain.alert):
        form(alert, SETTINGS)
    telegram.roundup([alert] * 3, SETTINGS)
    taken = time.process_time() - started
    assert taken < 1, f"{taken:.2f} s of computing"
    check_alert(alert, SETTINGS)
    check_alert(replace(alert, retracted=True, retraction=text), SETTINGS)


def test_an_ordinary_alert_takes_less_than_a_millisecond() -> None:
    """It stands on the way of every delivery: about 0.1 ms here. The bound leaves room for a busy machine."""
    alert = replace(ALERT, bullets=("고속철도 KTX 첫 수출 성사, 계약 규모 2,700억 원",) * 4, changed=ALERT.created)
    for form in (telegram.alert, slack.alert):
        best = min(_seconds(lambda form=form: form(alert, SETTINGS), 200) for _ in range(5))  # type: ignore[misc]
        assert best < 0.001, f"{best * 1000:.2f} ms"


def _seconds(call: Callable[[], Any], times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - started) / times


# -------------------------------------------------------------------------------------- the checks can fail, one by one

HOSTILE = replace(ALERT, headline=f"\u202e{HEBREW}\u2067", sources=("\u202ex", HEBREW), bullets=("a", "b"))


@pytest.mark.parametrize(
    ("module", "name", "broken"),
    [
        (inert, "NOTHING", re.compile("(?!)")),
        (inert, "isolated", lambda text: f"{inert.ISOLATE}{text}"),
    ],
)
def test_a_turned_direction_is_found(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, broken: Any) -> None:
    check_alert(HOSTILE, SETTINGS)
    monkeypatch.setattr(module, name, broken)
    with pytest.raises(AssertionError):
        check_alert(HOSTILE, SETTINGS)


def test_a_lone_surrogate_that_is_let_through_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inert, "SURROGATE", re.compile("(?!)"))
    with pytest.raises(UnicodeEncodeError):
        check_alert(replace(ALERT, headline="\ud83d"), SETTINGS)


@pytest.mark.parametrize(
    ("headline", "module", "name", "broken"),
    [
        ("<b>", telegram, "_escape", str),
        ("<a href='https://evil.example'>x</a>", telegram, "_escape", str),
        ("&lt;b&gt;", telegram, "_escape", html.unescape),
        ("@newsdao_bot", telegram, "MENTION", re.compile("(?!)")),
        ("<!here>", slack, "escape", str),
        ("an *odd* word", slack, "FORMATTING", re.compile("(?!)")),
    ],
)
def test_markup_that_is_let_through_is_found(
    monkeypatch: pytest.MonkeyPatch, headline: str, module: Any, name: str, broken: Any
) -> None:
    alert = replace(ALERT, headline=headline, link="")
    check_alert(alert, SETTINGS)
    monkeypatch.setattr(module, name, broken)
    with pytest.raises(Exception, match=r"."):
        check_alert(alert, SETTINGS)


def test_a_headline_that_is_not_shown_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "headline", lambda alert, settings: "something else")
    with pytest.raises(AssertionError):
        check_alert(ALERT, SETTINGS)
