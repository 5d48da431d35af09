"""What a reader sees of Telegram's HTML and of Slack's blocks."""

from dataclasses import replace
from typing import Any

import pytest

from formatters import slack, telegram, visible
from formatters.visible import Piece, mrkdwn, text_of
from tests.parcels import ALERT, SETTINGS

LINK = "https://newsdao.kr/4261"


def piece(text: str, *styles: str, address: str = "") -> Piece:
    return Piece(text, frozenset(styles), address)


def test_telegrams_tags_become_styles_and_its_characters_text() -> None:
    markup = f'🔴 <b>A &lt;b&gt; &amp; <i>C</i></b>\n<s>old</s> <u>w</u> <a href="{LINK}?a=1&amp;b=2">here</a>'
    assert visible.telegram(markup) == [
        piece("🔴 "),
        piece("A <b> & ", "bold"),
        piece("C", "bold", "italic"),
        piece("\n"),
        piece("old", "strike"),
        piece(" "),
        piece("w", "underline"),
        piece(" "),
        piece("here", address=f"{LINK}?a=1&b=2"),
    ]


def test_button_and_picture_stand_below() -> None:
    seen = visible.telegram("<b>A</b>", button=("원문 보기", LINK), picture=f"{LINK}.jpg")
    assert seen[-3:] == [
        piece("[ 원문 보기 ]", "button", address=LINK),
        piece("\n"),
        piece("picture", address=f"{LINK}.jpg"),
    ]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("*bold* plain", [piece("bold", "bold"), piece(" plain")]),
        ("~gone~ _it_ `x*y*`", [
            piece("gone", "strike"), piece(" "), piece("it", "italic"), piece(" "), piece("x*y*", "code"),
        ]),
        (f"*<{LINK}|A &lt; B>*", [piece("A < B", "bold", address=LINK)]),
        (f"<{LINK}>", [piece(LINK, address=LINK)]),
        ("<!date^1718600700^{date_short_pretty} {time}|6월 17일 14:05> · x", [piece("6월 17일 14:05"), piece(" · x")]),
        (":red_circle: 속보 :unknown:", [piece("🔴"), piece(" 속보 "), piece(":unknown:")]),
        ("<!here> now", [piece("@here", "bold"), piece(" now")]),
        ("2*3*4 and a_b_c and 5 * 6 * 7", [piece("2*3*4 and a_b_c and 5 * 6 * 7")]),
        ("&lt;b&gt; &amp;lt; &copy;", [piece("<b> &lt; &copy;")]),
        ("", []),
    ],
)  # fmt: skip
def test_slacks_markup_becomes_styles_and_text(text: str, seen: list[Piece]) -> None:
    assert mrkdwn(text) == seen


def test_every_kind_of_block_is_shown() -> None:
    go = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "url": LINK}
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": "Top"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*A*\n• b"},
         "accessory": {"type": "image", "image_url": f"{LINK}.jpg", "alt_text": "A"}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "one"}, {"type": "plain_text", "text": "two"}]},
        {"type": "divider"},
        {"type": "actions", "elements": [go]},
        {"type": "image", "image_url": f"{LINK}.png", "alt_text": ""},
        {"type": "hologram"},
    ]  # fmt: skip
    seen = visible.slack(blocks)
    assert text_of(seen).split("\n\n") == [
        "Top", "A\n• b\npicture", "one  two", "────────", "[ Go ]", "picture", "(hologram)",
    ]  # fmt: skip
    assert piece("[ Go ]", "button", address=LINK) in seen


def test_a_message_without_blocks_shows_its_text() -> None:
    assert visible.slack((), "*A*") == [piece("A", "bold")]


def test_what_our_renderers_make_can_be_seen_whole() -> None:
    hostile = replace(ALERT, headline="A <b> & *C* <!channel> `x`", bullets=("_d_ ~e~ <@U1> &amp;",))
    rich = telegram.alert(hostile, SETTINGS)
    seen = text_of(visible.telegram(rich.html))
    assert "A <b> & *C* <!channel> `x`" in seen and "_d_ ~e~ <@U1> &amp;" in seen
    shown = visible.slack(slack.alert(hostile, SETTINGS).blocks)
    assert "<!channel>" in text_of(shown) and "<@U1> &amp;" in text_of(shown)
    assert not any(piece.text == "@channel" for piece in shown), "escaped: it pings nobody"


def test_nothing_that_a_terminal_would_obey_is_left() -> None:
    wicked = "\x1b[2J\x1b]0;title\x07 a\r\x9b31m b"
    for seen in (visible.telegram(f"<b>{wicked}</b>"), mrkdwn(wicked), visible.telegram("x", button=(wicked, wicked))):
        assert not any(character in text_of(seen) + seen[-1].address for character in "\x1b\x07\r\x9b")
