"""Alerts and replies as text for a terminal, and as JSON for the page."""

from typing import Any

from formatters import parts, when
from models import Alert, ChatSettings, Reply


def reply(answer: Reply, settings: ChatSettings) -> str:
    """The answer as lines."""
    lines = [answer.title] if answer.title else []
    lines += answer.lines
    for number, story in enumerate(answer.stories, answer.first):
        alert = story.alert
        lines.append(f"{number}. {alert.headline}")
        source = parts.short_sources(alert, settings.language)
        lines.append(f"   {source} · {when.stamp(alert, settings.language, settings.timezone)}")
        lines += [f"   {story.snippet}"] if story.snippet else []
        lines += [f"   {alert.link}"] if alert.link else []
    return "\n".join(lines)


def reply_json(answer: Reply, settings: ChatSettings) -> dict[str, Any]:
    """The answer as the page and `--json` take it."""
    return {
        "title": answer.title,
        "lines": list(answer.lines),
        "stories": [
            {
                "id": story.alert.id,
                "headline": story.alert.headline,
                "bullets": list(story.alert.bullets),
                "link": parts.address(story.alert.link),
                "source": parts.short_sources(story.alert, settings.language),
                "time": when.stamp(story.alert, settings.language, settings.timezone),
                "snippet": story.snippet,
            }
            for story in answer.stories
        ],
        "marked": list(answer.marked),
    }


def alert_json(alert: Alert, *, fresh: bool) -> dict[str, Any]:
    """An alert as the page draws it."""
    return {
        "id": alert.id,
        "version": alert.version,
        "headline": alert.headline,
        "bullets": list(alert.bullets),
        "link": parts.address(alert.link),
        "sources": list(alert.sources),
        "urgency": alert.urgency.value,
        "topics": list(alert.topics),
        "image": alert.image if parts.PICTURE.match(alert.image) else "",
        "published": alert.published.isoformat() if alert.published else None,
        "date_only": alert.date_only,
        "created": alert.created.isoformat(),
        "changed": alert.changed.isoformat() if alert.changed else None,
        "fresh": fresh,
    }
