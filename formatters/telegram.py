"""Alerts and replies as Telegram HTML. Limits are kept by construction, measured as Telegram measures.

Text 1 to 4096 UTF-16 code units after entities (https://core.telegram.org/bots/api#sendmessage).
"""

import html
from dataclasses import dataclass

from formatters import parts, when
from locales import say
from models import Alert, ChatSettings, Reply, Story

LIMIT = 4096
HEADLINE = 400
BULLET = 600
ROOM = LIMIT - 96


@dataclass(frozen=True, slots=True)
class TelegramText:
    """`html` in parse mode HTML (none when `plain`), the button as (label, address), the preview picture's address."""

    html: str
    plain: bool = False
    button: tuple[str, str] | None = None
    picture: str = ""


def _escape(text: str) -> str:
    return html.escape(text, quote=True)


def alert(alert: Alert, settings: ChatSettings) -> TelegramText:
    """The alert as EXAMPLES has it: mark, headline, bullets, byline, link; a button and a picture where they work."""
    link = parts.address(alert.link)
    headline = parts.shorten(alert.headline, HEADLINE, parts.utf16)
    tail = [" · ".join(parts.byline(alert, settings, hashtags=True))]
    tail = [parts.shorten(line, 500, parts.utf16) for line in tail]
    shown_link = parts.short_address(link)
    room = ROOM - parts.utf16(headline) - sum(map(parts.utf16, tail)) - parts.utf16(shown_link)
    lines = [f"{'🔴 ' if parts.is_urgent(alert) else ''}<b>{_escape(headline)}</b>", ""]
    bullets = _bullets(alert, room)
    lines += [*(f"• {_escape(bullet)}" for bullet in bullets), *([""] if bullets else [])]
    lines += map(_escape, tail)
    if link:
        lines.append(f'<a href="{_escape(link)}">{_escape(shown_link)}</a>')
    button = (say(settings.language, "alert.open"), link) if link and parts.has_public_host(link) else None
    return TelegramText("\n".join(lines), button=button, picture=parts.picture(alert, settings))


def _bullets(alert: Alert, room: int) -> list[str]:
    kept = []
    for bullet in alert.bullets:
        short = parts.shorten(bullet, BULLET, parts.utf16)
        room -= parts.utf16(short) + 3
        if room < 0:
            break
        kept.append(short)
    return kept


def plain_alert(alert: Alert, settings: ChatSettings) -> TelegramText:
    """The form without markup, button and picture, for when the rich one was refused."""
    headline = parts.shorten(alert.headline, HEADLINE, parts.utf16)
    link = parts.shorten(alert.link, 1000, parts.utf16)
    bullets = [f"• {bullet}" for bullet in _bullets(alert, 2000)]
    lines = [headline, "", *bullets, *([""] if bullets else []), parts.source_names(alert)[:200], link]
    return TelegramText("\n".join(lines).strip() or say(settings.language, "alert.no_link"), plain=True)


def reply(answer: Reply, settings: ChatSettings) -> list[str]:
    """The answer in as few messages as the limit allows; a story is never split."""
    blocks = [f"<b>{_escape(parts.shorten(answer.title, 1000, parts.utf16))}</b>"] if answer.title else []
    blocks += [_line(line) for line in answer.lines]
    blocks += [_story(number, story, answer, settings) for number, story in enumerate(answer.stories, answer.first)]
    messages: list[str] = []
    for block in blocks:
        # The markup counts here too, so the visible text is always shorter than what is measured.
        if messages and parts.utf16(messages[-1]) + parts.utf16(block) < LIMIT:
            messages[-1] += f"\n{block}"
        else:
            messages.append(block)
    return messages


def _line(line: str) -> str:
    return _escape(parts.shorten(line, 1500, parts.utf16))


def _story(number: int, story: Story, answer: Reply, settings: ChatSettings) -> str:
    alert, link = story.alert, parts.address(story.alert.link)
    headline = parts.mark(parts.shorten(alert.headline, 200), answer.marked, _escape, ("<u>", "</u>"))
    first = (
        f'{number}. <a href="{_escape(link)}">{headline}</a>' if link and len(link) < 1500 else f"{number}. {headline}"
    )
    source = parts.shorten(parts.short_sources(alert, settings.language), 100)
    second = f"{source} · {when.stamp(alert, settings.language, settings.timezone)}"
    snippet = parts.mark(parts.shorten(story.snippet, 160), answer.marked, _escape, ("<u>", "</u>"))
    return f"{first}\n   {_escape(second)}" + (f" — {snippet}" if snippet else "")
