"""Every form of an alert through the doubles' own checks, and the promises that no picture of it shows."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from formatters import parts, plain, slack, telegram
from formatters.telegram import TelegramText
from models import Alert, Button, ChatSettings, Reply, Story, Urgency
from tests.fakes.telegram import RefusalError
from tests.formatters.examples import LANGUAGES, alerts
from tests.formatters.taken import slack_takes, telegram_takes
from tests.parcels import ALERT, SETTINGS

LONG = replace(
    ALERT,
    headline="제목 & <b> " * 300,
    bullets=("요점 & 요점 " * 300,) * 10,
    sources=tuple(f"출처 {number} & Söhne" for number in range(300)),
    topics=tuple(f"주제 {number}" for number in range(50)),
    link="https://a.example/" + "가&" * 180,
    urgency=Urgency.URGENT,
    changed=ALERT.created,
)
NAMES = replace(LONG, headline="@abcde " * 90, bullets=("@abcde " * 900,) * 10, sources=("@abcde " * 90,) * 9)
STATES = [alert for language in LANGUAGES for alert in alerts(language).values()] + [
    LONG,
    replace(LONG, correction="고쳐 씁니다 & " * 200),
    replace(LONG, retracted=True, retraction="오보 & " * 200),
    NAMES,
    replace(ALERT, headline="", bullets=(), sources=(), topics=(), link="", image=""),
    replace(ALERT, headline="\u200b\u202e", bullets=("\u3164",), sources=("\u200b",), link="http://localhost/x"),
    replace(ALERT, published=datetime.min.replace(tzinfo=UTC), link="https://뉴스.example/글"),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("alert", STATES)
def test_both_platforms_take_every_form(alert: Alert, language: str) -> None:
    chat = ChatSettings(language, "America/New_York")
    for form in (telegram.alert, telegram.plain_alert, telegram.also):
        assert telegram_takes(form(alert, chat)).text.strip()
    for other in (slack.alert, slack.plain_alert, slack.also):
        assert slack_takes(other(alert, chat)).visible.strip()
    assert plain.alert(alert, chat).strip() and plain.also(alert, chat).strip()


def test_what_is_too_long_is_refused_and_the_check_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # What keeps a name from ringing counts too.
    with monkeypatch.context() as patch, pytest.raises(RefusalError, match="too long"):
        patch.setattr(telegram, "_measure", parts.utf16)
        telegram_takes(telegram.alert(NAMES, SETTINGS))
    monkeypatch.setattr(telegram, "ROOM", 9000)
    with pytest.raises(RefusalError, match="too long"):
        telegram_takes(telegram.alert(LONG, SETTINGS))
    monkeypatch.setattr(slack, "BULLET", 5000)
    with pytest.raises(Exception, match="invalid_blocks"):
        slack_takes(slack.alert(LONG, SETTINGS))


def test_what_is_not_escaped_is_refused_or_rings_and_the_check_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = replace(ALERT, headline="<script> & <!channel>", bullets=("<!here>",))
    monkeypatch.setattr(telegram, "_escape", lambda text: text)
    with pytest.raises(RefusalError, match="Unsupported start tag"):
        telegram_takes(telegram.alert(hostile, SETTINGS))
    monkeypatch.setattr(slack, "escape", lambda text: text)
    with pytest.raises(AssertionError, match="!here"):
        slack_takes(slack.alert(hostile, SETTINGS))


def test_an_edit_of_slacks_plain_form_keeps_below_four_thousand(monkeypatch: pytest.MonkeyPatch) -> None:
    slack_takes(slack.plain_alert(LONG, SETTINGS))
    monkeypatch.setattr(plain, "ROOM", 9000)
    with pytest.raises(Exception, match="msg_too_long"):
        slack_takes(slack.plain_alert(LONG, SETTINGS))


# -------------------------------------------------------------------------------------------------------- the states


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_alert_that_was_taken_back_keeps_its_link_and_loses_its_bullets_and_picture(language: str) -> None:
    gone = alerts(language)["taken back by the desk"]
    shown = telegram.alert(gone, ChatSettings(language, "Asia/Seoul"))
    seen = telegram_takes(shown)
    assert [entity["type"] for entity in seen.entities] == ["strikethrough", "text_link"]
    assert seen.text.startswith(gone.headline) and gone.retraction in seen.text
    assert shown.button is not None and shown.button[1] == gone.link and shown.picture == ""
    blocks = slack.alert(gone, ChatSettings(language, "Asia/Seoul"))
    message = slack_takes(blocks)
    assert blocks.blocks[0]["text"]["text"] == f"~<{gone.link}|{gone.headline}>~"
    assert [button["url"] for button in message.buttons] == [gone.link]
    assert not any("accessory" in block for block in blocks.blocks)
    told = plain.alert(gone, ChatSettings(language, "Asia/Seoul"))
    for bullet in gone.bullets:
        assert bullet not in seen.text + message.visible + told
    assert "🔴" not in telegram.alert(replace(gone, urgency=Urgency.URGENT), SETTINGS).html
    assert "red_circle" not in str(slack.alert(replace(gone, urgency=Urgency.URGENT), SETTINGS).blocks)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_correction_stands_on_top_with_the_alert_below_it(language: str) -> None:
    corrected = alerts(language)["corrected by the desk"]
    chat = ChatSettings(language, "Asia/Seoul")
    for told in (
        telegram_takes(telegram.alert(corrected, chat)).text,
        slack_takes(slack.alert(corrected, chat)).visible,
        slack_takes(slack.plain_alert(corrected, chat)).visible,
        plain.alert(corrected, chat),
    ):
        assert told.startswith("✏️")
        assert told.index(corrected.correction) < told.index(corrected.headline) < told.index(corrected.bullets[0])


def test_a_reader_is_told_how_many_sources_more_there_are() -> None:
    names = parts.source_names(LONG, SETTINGS)
    assert names.startswith("출처 0 & Söhne, 출처 1") and len(names) <= 200
    shown = names.count(",") + 1
    assert names.endswith(f"외 {300 - shown}")
    # However many there are, the time and the hashtags stay.
    assert (
        "6월 17일 14:05 · 14:06 고침 · #주제_0 #주제_1 #주제_2" in telegram_takes(telegram.alert(LONG, SETTINGS)).text
    )


@pytest.mark.parametrize(
    ("topic", "tag"),
    [
        ("외교", "#외교"),
        ("한·우즈 관계", "#한_우즈_관계"),
        ("C++ & Go!", "#C_Go"),
        ("2026", ""),
        ("!!!", ""),
        ("\u202e거꾸로", "#거꾸로"),
        ("a" * 99, "#" + "a" * 64),
    ],
)
def test_a_topic_becomes_one_hashtag(topic: str, tag: str) -> None:
    assert parts.hashtag(topic) == tag


def test_hashtags_come_once_each_and_only_where_wished() -> None:
    alert = replace(ALERT, topics=("외교", "외교", "?", "경제", "산업", "과학"))
    assert parts.hashtags(alert, SETTINGS) == "#외교 #경제 #산업"
    bare = replace(SETTINGS, hashtags=False)
    assert "#" not in telegram.alert(alert, bare).html and "외교" not in slack_takes(slack.alert(alert, bare)).visible


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        ("https://newsdao.kr/a.jpg", "https://newsdao.kr/a.jpg"),
        ("https://newsdao.kr/그림.jpg?w=1", "https://newsdao.kr/%EA%B7%B8%EB%A6%BC.jpg?w=1"),
        ("https://newsdao.kr/a.SVG?x=.jpg", ""),
        ("https://newsdao.kr/favicon.ico", ""),
        ("http://localhost/a.jpg", ""),
        ("http://intranet/a.jpg", ""),
        ("http://127.0.0.1/a.jpg", ""),
        ("http://10.0.0.8/a.jpg", ""),
        ("http://169.254.169.254/a.jpg", ""),
        ("http://[fe80::1]/a.jpg", ""),
        ("http://nas.local/a.jpg", ""),
        ("http://desk.internal./a.jpg", ""),
        ("http://8.8.8.8/a.jpg", "http://8.8.8.8/a.jpg"),
        ("data:image/png;base64,AAAA", ""),
        ("javascript:alert(1)", ""),
        ("https://a.example/" + "x" * 4000, ""),
        ("not a link", ""),
        ("", ""),
    ],
)
def test_a_picture_is_shown_only_where_a_platform_can_fetch_and_draw_it(image: str, shown: str) -> None:
    alert = replace(ALERT, image=image)
    assert parts.picture(alert, SETTINGS) == shown
    assert telegram.alert(alert, SETTINGS).picture == shown
    found = [block["accessory"] for block in slack.alert(alert, SETTINGS).blocks if "accessory" in block]
    assert [one["image_url"] for one in found] == ([shown] if shown else [])
    assert all(one["alt_text"] == ALERT.headline for one in found)
    assert parts.picture(alert, replace(SETTINGS, pictures=False)) == ""
    assert parts.picture(replace(alert, retracted=True), SETTINGS) == ""


def test_a_slack_alert_without_bullets_has_its_picture_beside_the_headline() -> None:
    assert "accessory" in slack.alert(replace(ALERT, bullets=()), SETTINGS).blocks[0]


def test_a_name_in_a_title_rings_for_nobody_on_telegram() -> None:
    alert = replace(ALERT, headline="@newsdao_bot 과 press@newsdao.kr, @here", link="https://medium.com/@somebody/1")
    for shown in (telegram.alert(alert, SETTINGS), telegram.plain_alert(alert, SETTINGS)):
        assert "@\u2060newsdao_bot 과 press@newsdao.kr, @here" in shown.html
        assert "https://medium.com/@somebody/1" in shown.html


def test_slack_shows_signs_of_formatting_as_they_are() -> None:
    words = "*굵게* _기울임_ ~지움~ `코드` snake_case 2*3"
    alert = replace(ALERT, headline=words, bullets=(words,), image="")
    assert slack_takes(slack.alert(alert, SETTINGS)).visible.count(words) == 2
    assert slack_takes(slack.alert(replace(alert, link=""), SETTINGS)).visible.count(words) == 2
    bullets = slack.alert(alert, SETTINGS).blocks[1]
    bullets["text"] = {"type": "mrkdwn", "text": bullets["text"]["text"]}
    assert words not in slack_takes(slack.SlackText("x", (bullets,))).visible, "the double reads formatting"


# ----------------------------------------------------------------------------------------------------------- replies

WIDE = Reply(
    title="최신 소식 20건",
    stories=tuple(
        Story(
            replace(LONG, id=number, sources=LONG.sources[:3], link="https://a.example/" + "x" * 900), "…" + "글 " * 80
        )
        for number in range(20)
    ),
)


def test_telegram_answers_with_twenty_long_stories_in_several_messages() -> None:
    seen = [telegram_takes(message).text for message in telegram.reply(WIDE, SETTINGS)]
    assert [f"{number}. 🔴" in "\n".join(seen) for number in range(1, 21)] == [True] * 20


def test_slack_says_how_many_stories_it_left_out_and_how_to_get_them() -> None:
    told = slack_takes(slack.reply(WIDE, SETTINGS)).visible
    shown = [number for number in range(1, 21) if f"{number}. 🔴" in told]
    assert shown == list(range(1, len(shown) + 1)) and 5 < len(shown) < 20
    assert told.splitlines()[-1].startswith(f"자리가 모자라 {20 - len(shown)}건을 더 싣지 못했습니다. 출처나 주제")
    english = slack_takes(slack.reply(WIDE, ChatSettings("en", "Asia/Seoul"))).visible
    assert "more did not fit into this message. Ask again, narrowed" in english


def test_slack_says_how_many_lines_it_left_out() -> None:
    answer = Reply(title="소스", lines=tuple(f"{number} " + "가" * 200 for number in range(100)))
    told = slack_takes(slack.reply(answer, SETTINGS)).visible
    shown = sum(f"\n{number} 가" in told for number in range(100))
    assert f"{100 - shown}줄을 더 싣지 못했습니다" in told and 0 < shown < 100


@pytest.mark.parametrize("count", [1, 5, 20])
def test_what_fits_is_shown_whole_and_says_nothing_of_more(count: int) -> None:
    answer = Reply(title="최신", stories=tuple(Story(ALERT, "조각") for _ in range(count)))
    told = slack_takes(slack.reply(answer, SETTINGS)).visible
    assert told.count(ALERT.headline) == count and "싣지 못했습니다" not in told
    assert (
        "\n".join(telegram_takes(one).text for one in telegram.reply(answer, SETTINGS)).count(ALERT.headline) == count
    )


def test_an_answer_of_nothing_is_no_message() -> None:
    assert telegram.reply(Reply(lines=("", "\u200b")), SETTINGS) == []
    assert telegram_takes(TelegramText("x")).text == "x"


def test_both_platforms_take_any_buttons_below_an_answer_and_lose_those_that_nobody_could_use() -> None:
    rows = (
        *((Button(f"쪽 {number} & <다음> " * 20, f"search page 17 {number}"),) * 30 for number in range(12)),
        (
            Button("너무 긴 명령", "가" * 21),
            Button("", "help"),
            Button("줄", "search a\nb"),
            Button("짝", "a\ud800"),
        ),
        (Button("안쪽", url="http://localhost/x"), Button("글", url="javascript:alert(1)"), Button("없음")),
    )
    answer = Reply(title="1쪽", buttons=rows)
    assert telegram_takes(TelegramText("1", rows=telegram.keyboard(answer))).reply_markup
    assert slack_takes(slack.reply(answer, SETTINGS)).buttons
    shown = [button for row in telegram.keyboard(answer) for button in row]
    assert {button.press[:7] for button in shown} == {"search "} and len(shown) <= 80
    assert telegram.keyboard(Reply(buttons=rows[-2:])) == ()


def test_on_slack_commands_read_as_they_are_typed_there_and_paths_stay() -> None:
    line = (
        "To get them again: /subscribe. Also /latest, (/help) and /sokbo stop; not a/b, /etc/hosts, /x.y or /news.xml"
    )
    assert slack.typed(line) == (
        "To get them again: /sokbo subscribe. Also /sokbo latest, (/sokbo help) and /sokbo stop; "
        "not a/b, /etc/hosts, /x.y or /news.xml"
    )


def test_an_empty_line_parts_an_answer_on_every_platform_and_stands_at_no_end() -> None:
    answer = Reply(title="명령", lines=("", "하나", "", "둘", ""))
    (section,) = slack_takes(slack.reply(answer, SETTINGS)).blocks
    assert section["text"]["text"] == "*명령*\n\n하나\n\n둘"
    assert plain.reply(answer, SETTINGS).strip() == "명령\n\n하나\n\n둘"
    (shown,) = telegram.reply(answer, SETTINGS)
    assert shown.strip() == "<b>명령</b>\n\n하나\n\n둘"


def test_a_terminal_shows_for_each_button_the_command_to_type() -> None:
    answer = Reply(
        title="1쪽",
        buttons=(
            (
                Button("다음", "search page 17 2"),
                Button("원문", url="https://a.example/"),
            ),
        ),
    )
    assert plain.reply(answer, SETTINGS) == "1쪽\n다음: /search page 17 2\n원문: https://a.example/"
    assert plain.reply_json(answer, SETTINGS)["buttons"] == [
        {"label": "다음", "press": "search page 17 2", "url": ""},
        {"label": "원문", "press": "", "url": "https://a.example/"},
    ]
