"""Alerts, round-ups, digests and replies as text for a terminal, and as JSON for the page."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from formatters import inert, lists, parts, when
from formatters.lists import DigestEntry, Part
from locales import say
from models import Alert, Button, ChatSettings, Reply

HEADLINE = 300
BULLET = 400
LINK = 1000
ROOM = 3500
"""Of an alert in any measure: Slack takes 4,000 characters of text in an edit
(https://docs.slack.dev/reference/methods/chat.update), Telegram 4,096."""
ON_THE_PAGE = 1000


def alert(alert: Alert, settings: ChatSettings, measure: parts.Measure = len) -> str:
    """The alert as it is now, as lines; at most `ROOM` by the measure. Never empty, and nothing in it is markup."""
    return "".join(alert_and_link(alert, settings, measure))


def alert_and_link(alert: Alert, settings: ChatSettings, measure: parts.Measure = len) -> tuple[str, str]:
    """The same in two: what is told, up to its last line break, and the address below it ("" where there is none)."""
    link = parts.address(alert.link)
    link = link if measure(link) <= LINK else ""
    headline = parts.shorten(parts.headline(alert, settings), HEADLINE, measure)
    note = parts.correction(alert, measure)
    groups = [[f"✏️ {say(settings.language, 'alert.correction')}: {note}"] if note else []]
    mark = "🔴 " if parts.is_urgent(alert) and not alert.retracted else ""
    groups.append([f"{mark}{headline}"])
    groups.append([f"❌ {parts.retraction(alert, settings, measure)}"] if alert.retracted else [])
    groups.append([" · ".join(parts.byline(alert, settings, measure))])
    room = ROOM - measure(link) - sum(measure(line) + 2 for lines in groups for line in lines)
    kept = []
    for bullet in parts.bullets(alert, BULLET, measure):
        room -= measure(bullet) + 4
        kept += [f"• {bullet}"] if room >= 0 else []
    groups.insert(3, kept)
    told = "\n\n".join("\n".join(lines) for lines in groups if lines)
    return (f"{told}\n", link) if link else (told, "")


def also(alert: Alert, settings: ChatSettings) -> str:
    """Who carries the story too, and its link."""
    return "\n".join(filter(None, (parts.also(alert, settings), parts.address(alert.link))))


def roundup(alerts: Iterable[Alert], settings: ChatSettings) -> list[Part[str]]:
    """Every headline with its link, oldest first, all in one."""
    return lists.split(
        alerts, lambda *_: (0,), (0,), lambda held, first, total: roundup_message(held, settings, first, total)
    )


def roundup_message(alerts: Iterable[Alert], settings: ChatSettings, first: int, total: int) -> str:
    """The same, drawn from its alerts as they are now."""
    held = lists.oldest_first(alerts)
    lines = [line for number, alert in enumerate(held, first) for line in _lines(number, alert, settings)]
    return "\n".join([" ".join(("📰", *lists.title(held, settings, first, total))), *lines])


def digest(
    stories: Sequence[DigestEntry], settings: ChatSettings, since: datetime, until: datetime, more: int = 0
) -> Part[str]:
    """All stories of the period in the given order; `more` were left out before."""
    total = len(stories) + more
    lines = [" ".join(("🗞", *lists.digest_title(total, settings, since, until)))]
    for number, story in enumerate(stories, 1):
        lines += _lines(number, story.alert, settings)
        lines += [f"   {back}"] if (back := parts.address(story.chat_link)) else []
    lines.append(lists.others(more, settings) if total else say(settings.language, "digest.none"))
    return Part("\n".join(filter(None, lines)), tuple(story.alert.id for story in stories), 1, total)


def _lines(number: int, alert: Alert, settings: ChatSettings) -> list[str]:
    mark = parts.mark_of(alert)
    headline = parts.beside(parts.headline(alert, settings), HEADLINE)
    names = parts.short_sources(alert, settings.language)
    link = parts.address(alert.link)
    told = f"{number}. {f'{mark} ' if mark else ''}{headline}{f' — {names}' if names else ''}"
    return [told, *([f"   {link}"] if link else [])]


def reply(answer: Reply, settings: ChatSettings) -> str:
    """The answer as lines; of each button the command to type, or what it opens."""
    told = [inert.line(answer.title)] if answer.title else []
    told += map(inert.lines, answer.lines)
    for number, story in enumerate(answer.stories, answer.first):
        alert, mark = story.alert, parts.mark_of(story.alert)
        told.append(f"{number}. {f'{mark} ' if mark else ''}{parts.headline(alert, settings)}")
        source = parts.short_sources(alert, settings.language)
        stamp = when.stamp(alert, settings.language, settings.timezone)
        told.append(f"   {' · '.join(part for part in (source, stamp) if part)}")
        snippet = "" if alert.retracted else inert.line(story.snippet)
        told += [f"   {snippet}"] if snippet else []
        told += [f"   {link}"] if (link := parts.address(alert.link)) else []
    told += [f"{button.label}: {button.url or f'/{button.press}'}" for button in _buttons(answer)]
    return "\n".join(told)


def _buttons(answer: Reply) -> list[Button]:
    return [button for row in parts.buttons(answer.buttons) for button in row]


def reply_json(answer: Reply, settings: ChatSettings) -> dict[str, Any]:
    """The answer as the page and `--json` take it."""
    return {
        "title": inert.line(answer.title),
        "lines": [inert.lines(line) for line in answer.lines],
        "stories": [
            {
                "id": story.alert.id,
                "headline": parts.headline(story.alert, settings),
                "bullets": parts.bullets(story.alert, ON_THE_PAGE),
                "link": parts.address(story.alert.link),
                "source": parts.short_sources(story.alert, settings.language),
                "time": when.stamp(story.alert, settings.language, settings.timezone),
                "snippet": "" if story.alert.retracted else inert.line(story.snippet),
                "retracted": story.alert.retracted,
                "chat_link": parts.address(story.chat_link),
            }
            for story in answer.stories
        ],
        "first": answer.first,
        "marked": [inert.line(word) for word in answer.marked],
        "buttons": [{"label": one.label, "press": one.press, "url": one.url} for one in _buttons(answer)],
    }


def alert_json(alert: Alert, *, fresh: bool) -> dict[str, Any]:
    """An alert as the page draws it."""
    return {
        "id": alert.id,
        "version": alert.version,
        "headline": parts.text(alert.headline, ON_THE_PAGE) or parts.short_address(parts.address(alert.link)) or "–",
        "bullets": parts.bullets(alert, ON_THE_PAGE),
        "link": parts.address(alert.link),
        "sources": [parts.text(source, 200) for source in alert.sources],
        "urgency": alert.urgency.value,
        "topics": [parts.text(topic, 100) for topic in alert.topics],
        "image": "" if alert.retracted else parts.address(alert.image),
        "published": alert.published.isoformat() if alert.published else None,
        "date_only": alert.date_only,
        "created": alert.created.isoformat(),
        "changed": alert.changed.isoformat() if alert.changed else None,
        "correction": parts.correction(alert),
        "retracted": alert.retracted,
        "retraction": parts.text(alert.retraction, parts.NOTE // 2),
        "fresh": fresh,
    }
