"""Alerts, round-ups, digests and replies as Telegram HTML. Limits are kept by construction, measured as Telegram does.

A message has 1 to 4096 UTF-16 units of text after its entities are taken out, and at most 100 entities
(https://core.telegram.org/bots/api#sendmessage, https://core.telegram.org/bots/api#html-style).
"""

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from formatters import inert, lists, marking, offers, parts, plain, when
from formatters.lists import CAPS, Caps, DigestEntry, Part
from formatters.parts import utf16
from locales import say
from models import Alert, ChatSettings, Reply, Story

LIMIT = 4096
ENTITIES = 100
ENTITY_BYTES = 9000
"""All entities of a message with their addresses; from about 9,500 on Telegram answers ENTITIES_TOO_LONG
(https://github.com/tdlib/telegram-bot-api/issues/165)."""
EACH_ENTITY = 16
HEADLINE = 400
BULLET = 600
ROOM = LIMIT - 96
LIST_SIZE = (LIMIT - 400, ENTITIES - 2, ENTITY_BYTES - 100)
"""Of the lines of a round-up when it is first sent. Its title, and one headline that grows to its full length, fit
into the rest."""
STORY_LINK = 1500
POPUP = 200

TAG = re.compile(r"<[^<>]*>")
LINK = re.compile(r"<a [^<>]*>.*?</a>")
# What Telegram makes entities of by itself, outside of links: domains and hashtags.
BY_ITSELF = re.compile(r"\w\.[^\W\d_]{2}|#\w")
# A name that Telegram would make a mention, and so ring for whoever bears it. Names have 5 to 32 characters
# (https://core.telegram.org/method/account.checkUsername).
MENTION = re.compile(r"(?<![A-Za-z0-9_])@(?=[A-Za-z0-9_]{5})")
WORD_JOINER = "\u2060"


@dataclass(frozen=True, slots=True)
class TelegramText:
    """`html` in parse mode HTML (none when `plain`), the button that opens the source as (label, address), the preview
    picture's address, and below that button the rows of those to press."""

    html: str
    plain: bool = False
    button: tuple[str, str] | None = None
    picture: str = ""
    rows: parts.Rows = ()


def _escape(text: str) -> str:
    return html.escape(_without_mentions(text), quote=False)


def _without_mentions(text: str) -> str:
    """An invisible joiner behind the @ of a name: a publisher's text rings for nobody."""
    return MENTION.sub(f"@{WORD_JOINER}", text) if "@" in text else text


def _measure(text: str) -> int:
    """UTF-16 units of what `_escape` makes of the text, as a reader's client counts them."""
    return utf16(_without_mentions(text))


def _linked(link: str, inner: str) -> str:
    return f'<a href="{html.escape(link)}">{inner}</a>' if link else inner


def _link_line(link: str) -> str:
    return _linked(link, html.escape(parts.short_address(link)))


def _size(message: str) -> parts.Size:
    """UTF-16 units of text, entities, bytes of entities. Publishers' text is escaped: every tag in it is ours."""
    seen = TAG.sub("", message)
    entities = message.count("</")
    found = len(BY_ITSELF.findall(LINK.sub("", message)))
    return utf16(html.unescape(seen)), entities + found, len(message) - len(seen) + EACH_ENTITY * (entities + found)


def _fits(message: str) -> bool:
    return all(taken <= most for taken, most in zip(_size(message), (LIMIT, ENTITIES, ENTITY_BYTES), strict=True))


# ------------------------------------------------------------------------------------------------------------ alerts


def alert(alert: Alert, settings: ChatSettings) -> TelegramText:
    """The alert as it is now: mark, headline, bullets, byline, link; a button and a picture where they work.

    A corrected one has the desk's note on top. Of one that was taken back the headline is struck through and the
    bullets are gone; byline, link and button stay.
    """
    link = parts.address(alert.link)
    headline = _escape(parts.shorten(parts.headline(alert, settings), HEADLINE, _measure))
    foot = [_escape(" · ".join(parts.byline(alert, settings, _measure)))]
    foot += [_link_line(link)] if link else []
    if alert.retracted:
        groups = [[f"<s>{headline}</s>"], [f"❌ {_escape(parts.retraction(alert, settings, _measure))}"], foot]
    else:
        note = _escape(parts.correction(alert, _measure))
        on_top = [f"✏️ <b>{say(settings.language, 'alert.correction')}</b> {note}"] if note else []
        groups = [on_top, [f"{'🔴 ' if parts.is_urgent(alert) else ''}<b>{headline}</b>"], foot]
        groups.insert(2, _bullets(alert, ROOM - utf16(html.unescape(TAG.sub("", _message(groups))))))
    button = (say(settings.language, "alert.open"), link) if link and parts.has_public_host(link) else None
    rows = parts.buttons([offers.alert_buttons(alert, settings)], _measure)
    return TelegramText(_message(groups), button=button, picture=parts.picture(alert, settings), rows=rows)


def _message(groups: Iterable[Sequence[str]]) -> str:
    return "\n\n".join("\n".join(lines) for lines in groups if lines)


def _bullets(alert: Alert, room: int) -> list[str]:
    kept = []
    for bullet in parts.bullets(alert, BULLET, _measure):
        room -= _measure(bullet) + 4
        if room < 0:
            break
        kept.append(f"• {_escape(bullet)}")
    return kept


def plain_alert(alert: Alert, settings: ChatSettings) -> TelegramText:
    """The form without markup, button and picture, for when the rich one was refused."""
    told, link = plain.alert_and_link(alert, settings, _measure)
    return TelegramText(f"{_without_mentions(told)}{link}", plain=True)


def also(alert: Alert, settings: ChatSettings) -> TelegramText:
    """The short reply that says who carries the story too, where that shall not be an edit."""
    link = parts.address(alert.link)
    names = _escape(parts.also(alert, settings, measure=_measure))
    return TelegramText(f"{names}\n{_link_line(link)}" if link else names)


# ------------------------------------------------------------------------------------------------------ many stories


def roundup(alerts: Iterable[Alert], settings: ChatSettings) -> list[Part[TelegramText]]:
    """Every headline with its link, oldest first, in as few messages as the limits allow."""
    return lists.split(
        alerts,
        lambda number, alert: _size(f"{_line(number, alert, settings, CAPS[0])}\n"),
        LIST_SIZE,
        lambda held, first, total: roundup_message(held, settings, first, total),
    )


def roundup_message(alerts: Iterable[Alert], settings: ChatSettings, first: int, total: int) -> TelegramText:
    """One message of a round-up, drawn from its alerts as they are now. It fits for whatever alerts it once held."""
    held = lists.oldest_first(alerts)
    told, span = lists.title(held, settings, first, total)
    # A struck headline that is a link is two entities: where a hundred would not do, it stays without its link.
    room_for_both = len(held) + sum(alert.retracted for alert in held) < ENTITIES
    message = ""
    for caps in CAPS:
        lines = [
            _line(number, alert, settings, caps, linked=room_for_both or not alert.retracted)
            for number, alert in enumerate(held, first)
        ]
        message = "\n".join([f"📰 <b>{told}</b> {span}", *lines])
        if _fits(message):
            break
    return TelegramText(message)


def digest(
    stories: Sequence[DigestEntry], settings: ChatSettings, since: datetime, until: datetime, more: int = 0
) -> Part[TelegramText]:
    """The period's stories in the given order, as many as one message takes; `more` were left out before."""
    total = len(stories) + more
    told, span = lists.digest_title(total, settings, since, until)
    lines = [_digest_line(number, story, settings) for number, story in enumerate(stories, 1)]
    (shown, *_) = parts.packed(lines, lambda line: _size(f"{line}\n"), LIST_SIZE) or [[]]
    foot = lists.others(total - len(shown), settings) if total else say(settings.language, "digest.none")
    message = "\n".join([f"🗞 <b>{told}</b> {span}", *shown, *([foot] if foot else [])])
    return Part(TelegramText(message), tuple(story.alert.id for story in stories[: len(shown)]), 1, total)


def _digest_line(number: int, story: DigestEntry, settings: ChatSettings) -> str:
    back = parts.address(story.chat_link)
    line = _line(number, story.alert, settings, CAPS[0])
    return f"{line} · {_linked(back, say(settings.language, 'digest.alert'))}" if back else line


def _line(number: int, alert: Alert, settings: ChatSettings, caps: Caps, *, linked: bool = True) -> str:
    """ "3. 🔴 headline — A and 2 more"; one that was taken back is struck through."""
    mark = parts.mark_of(alert)
    link = parts.address(alert.link) if linked else ""
    headline = _escape(parts.beside(parts.headline(alert, settings), caps.headline, _measure))
    shown = _linked(link if len(link) <= caps.link else "", headline)
    names = _escape(parts.short_sources(alert, settings.language, caps.sources, _measure)) if caps.sources else ""
    struck = f"<s>{shown}</s>" if alert.retracted else shown
    return f"{number}. {f'{mark} ' if mark else ''}{struck}{f' — {names}' if names else ''}"


# ----------------------------------------------------------------------------------------------------------- replies


def reply(answer: Reply, settings: ChatSettings) -> list[str]:
    """The answer in as few messages as the limits allow; a story is never split."""
    title = _escape(parts.text(answer.title, 1000, _measure))
    blocks = [f"<b>{title}</b>"] if title else []
    blocks += [_escape(parts.shorten(inert.lines(line), 1500, _measure)) for line in answer.lines]
    blocks += [_story(number, story, answer, settings) for number, story in enumerate(answer.stories, answer.first)]
    groups = parts.packed(blocks, lambda block: _size(f"{block}\n"), (LIMIT, ENTITIES, ENTITY_BYTES))
    messages = ["\n".join(group).lstrip("\n") for group in groups]
    return [message for message in messages if inert.line(TAG.sub("", message))]


def inline_line(story: Story, settings: ChatSettings) -> tuple[str, str]:
    """A line of an inline list: the headline, and below it where it comes from, when, and a piece of the text."""
    alert = story.alert
    mark = parts.mark_of(alert)
    headline = parts.shorten(parts.headline(alert, settings), 200, utf16)
    source = parts.short_sources(alert, settings.language, 60)
    told = (source, when.stamp(alert, settings.language, settings.timezone), inert.line(story.snippet))
    below = parts.shorten(" · ".join(filter(None, told)), 200, utf16)
    return f"{mark} {headline}" if mark else headline, below


def keyboard(answer: Reply) -> parts.Rows:
    """The rows of buttons under the answer's last message."""
    return parts.buttons(answer.buttons, _measure)


def popup(answer: Reply) -> str:
    """The answer in so few words that Telegram shows them over the chat, to one person
    (https://core.telegram.org/bots/api#answercallbackquery)."""
    told = inert.lines("\n".join(filter(None, (answer.title, *answer.lines)))).strip()
    return parts.shorten(told, POPUP, _measure)


def toast(words: str) -> str:
    """What is shown for a moment to whoever pressed a button."""
    return parts.text(words, POPUP, _measure)


def _story(number: int, story: Story, answer: Reply, settings: ChatSettings) -> str:
    alert, link = story.alert, parts.address(story.alert.link)
    mark = parts.mark_of(alert)
    headline = _marked(parts.beside(parts.headline(alert, settings), 200, _measure), answer.marked)
    shown = _linked(link if len(link) <= STORY_LINK else "", headline)
    first = f"{number}. {f'{mark} ' if mark else ''}{f'<s>{shown}</s>' if alert.retracted else shown}"
    source = parts.short_sources(alert, settings.language, 100, _measure)
    stamp = when.stamp(alert, settings.language, settings.timezone)
    snippet = "" if alert.retracted else _marked(parts.beside(story.snippet, 160, _measure), answer.marked)
    second = [_escape(part) for part in (source, stamp) if part]
    second += (
        [_linked(back, say(settings.language, "digest.alert"))] if (back := parts.address(story.chat_link)) else []
    )
    return parts.in_a_list(first, " · ".join(second), snippet, answer)


def _marked(text: str, words: Sequence[str]) -> str:
    found = marking.pieces(text, words)
    return "".join(f"<u>{_escape(piece)}</u>" if is_word else _escape(piece) for piece, is_word in found)
