"""Alerts and replies as Slack Block Kit, with `text` always beside the blocks.

Section text 3,000 characters, 50 blocks, all blocks about 13,000 characters, image addresses 3,000
(https://docs.slack.dev/reference/block-kit/blocks). Publishers' text is escaped, or it would ping people.
"""

from dataclasses import dataclass
from typing import Any

from formatters import parts, when
from locales import say
from models import Alert, ChatSettings, Reply, Story

SECTION = 2900
BLOCKS_ROOM = 11_000
MOST_BLOCKS = 45
LINK = 2900


@dataclass(frozen=True, slots=True)
class SlackText:
    """`text` is the notification and the fallback; `blocks` empty in the plain form."""

    text: str
    blocks: tuple[dict[str, Any], ...] = ()


def escape(text: str) -> str:
    """The three characters of mrkdwn that can make links and pings."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _measure(text: str) -> int:
    return parts.utf16(escape(text))


def _link(alert: Alert) -> str:
    link = parts.address(alert.link)
    return link if len(escape(link)) <= LINK - 400 else ""


def alert(alert: Alert, settings: ChatSettings) -> SlackText:
    """The alert as EXAMPLES has it: headline section, bullets with the picture, context, link button."""
    headline, link = parts.shorten(alert.headline, 300, _measure), _link(alert)
    title = f"*<{escape(link)}|{escape(headline)}>*" if link else f"*{escape(headline)}*"
    blocks: list[dict[str, Any]] = [_section(title)]
    bullets = "\n".join(f"• {escape(parts.shorten(bullet, 500, _measure))}" for bullet in alert.bullets[:5])
    if bullets:
        body = _section(bullets)
        picture = parts.picture(alert, settings)
        if picture and len(picture) <= LINK:
            body["accessory"] = {"type": "image", "image_url": picture, "alt_text": headline[:1900] or "-"}
        blocks.append(body)
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _context(alert, settings)}]})
    if link:
        label = {"type": "plain_text", "text": say(settings.language, "alert.open")}
        button = {"type": "button", "action_id": "open", "text": label, "url": link}
        blocks.append({"type": "actions", "elements": [button]})
    return SlackText(_fallback(headline, link), tuple(blocks))


def _fallback(headline: str, link: str) -> str:
    return f"{escape(headline)}\n{escape(link)}".strip() or "-"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _context(alert: Alert, settings: ChatSettings) -> str:
    language, zone = settings.language, settings.timezone
    shown = [f":red_circle: {say(language, 'alert.urgent')}"] if parts.is_urgent(alert) else []
    shown.append(escape(parts.shorten(parts.source_names(alert), 300)))
    moment = alert.published or alert.created
    stamp = when.stamp(alert, language, zone)
    dated = alert.published is not None and alert.date_only
    shown.append(stamp if dated else f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{stamp}>")
    if alert.changed is not None:
        shown.append(say(language, "alert.changed", time=when.clock(alert.changed, zone)))
    shown += [escape(parts.shorten(", ".join(alert.topics[:3]), 100))] if alert.topics else []
    return " · ".join(shown)


def plain_alert(alert: Alert, settings: ChatSettings) -> SlackText:
    """The form without blocks, for when the rich one was refused."""
    bullets = [f"• {parts.shorten(bullet, 500, _measure)}" for bullet in alert.bullets[:5]]
    lines = [parts.shorten(alert.headline, 300, _measure), *bullets, parts.source_names(alert)[:200], _link(alert)]
    return SlackText(escape("\n".join(line for line in lines if line)) or "-")


def reply(answer: Reply, settings: ChatSettings) -> SlackText:
    """The answer as sections; stories that do not fit one message are left to a narrower question."""
    texts = [f"*{escape(parts.shorten(answer.title, 500))}*"] if answer.title else []
    texts += [escape(parts.shorten(line, 1000)) for line in answer.lines]
    texts += [_story(number, story, answer, settings) for number, story in enumerate(answer.stories, answer.first)]
    sections: list[str] = []
    room = BLOCKS_ROOM
    for text in texts:
        room -= len(text)
        if room < 0:
            break
        if sections and len(sections[-1]) + len(text) < SECTION:
            sections[-1] += f"\n{text}"
        else:
            sections.append(text)
    fallback = parts.shorten(" ".join((answer.title, *answer.lines)).strip() or "-", 3000)
    return SlackText(escape(fallback), tuple(_section(text) for text in sections[:MOST_BLOCKS]))


def _story(number: int, story: Story, answer: Reply, settings: ChatSettings) -> str:
    alert, link = story.alert, _link(story.alert)
    short = parts.shorten(alert.headline, 200)
    # Marks cannot stand inside a link's label, so the searched words are marked in the snippet only.
    headline = f"<{escape(link)}|{escape(short)}>" if link else escape(short)
    source = escape(parts.shorten(parts.short_sources(alert, settings.language), 100))
    second = f"{source} · {when.stamp(alert, settings.language, settings.timezone)}"
    snippet = parts.mark(parts.shorten(story.snippet, 160), answer.marked, escape, ("*", "*"))
    return f"{number}. {headline}\n     {second}" + (f" — {snippet}" if snippet else "")
