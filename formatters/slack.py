"""Alerts, round-ups, digests and replies as Slack Block Kit, with `text` always beside the blocks.

Section text 3,000 characters, 50 blocks, image addresses 3,000 (https://docs.slack.dev/reference/block-kit/blocks);
all blocks together about 13,000, by experience. Publishers' text is escaped, or it would ping people
(https://docs.slack.dev/messaging/formatting-message-text#escaping).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from formatters import inert, lists, marking, offers, parts, plain, when
from formatters.lists import CAPS, Caps, DigestEntry, Part
from locales import say
from models import Alert, Button, ChatSettings, Reply, Story

SECTION = 2900
BLOCKS_ROOM = 11_000
BLOCKS_MOST = 12_500
"""What an edit may take of the 13,000 characters of all blocks; first messages keep to `BLOCKS_ROOM`."""
MOST_BLOCKS = 45
MOST_LINES = 200
LINK = 2900
HEADLINE = 300
BULLET = 500
FALLBACK = 3000
"""Of `text`, which an edit refuses from 4,000 on (https://docs.slack.dev/reference/methods/chat.update)."""

Block = dict[str, Any]

# mrkdwn has no escape for these: where one stands at the edge of a word it could begin or end bold, italic, struck or
# code (and > a quotation). They are shown by signs that look the same.
FORMATTING = re.compile(r"(?<![^\W_])[*_~`]|[*_~`](?![^\W_])|^>", re.MULTILINE)
LOOKALIKE = {"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ", ">": "›"}
TYPED = re.compile(r"(^|[\s(\"'“‘:])/(?!sokbo\b)([a-z]{2,16})(?![\w/-]|\.\w)", re.MULTILINE)
PRESS, BESIDE, OPEN = "press", "beside", "open"
"""How the action ids of buttons begin: the answer takes the message's place, or stands beside it; a link has none."""
ZERO_WIDTH_SPACE = "\u200b"


@dataclass(frozen=True, slots=True)
class SlackText:
    """`text` is the notification and the fallback; `blocks` empty in the plain form."""

    text: str
    blocks: tuple[Block, ...] = ()


def escape(text: str) -> str:
    """The three characters of mrkdwn that can make links and pings."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _measure(text: str) -> int:
    return parts.utf16(escape(text))


def _inert(text: str) -> str:
    """Escaped, for a place where formatting would be read: nothing in it can be bold, struck or code."""
    return escape(FORMATTING.sub(lambda found: LOOKALIKE[found[0]], text))


def _link(link: str) -> str:
    link = parts.address(link)
    return link if len(escape(link)) <= LINK - 400 else ""


def _linked(link: str, label: str) -> str:
    """A label inside a link is not read for formatting; outside of one it has to be made inert."""
    return f"<{escape(link)}|{escape(label)}>" if link else _inert(label)


def _mrkdwn(text: str) -> Block:
    # verbatim: names and addresses in the text are not looked up and linked
    # (https://docs.slack.dev/reference/block-kit/composition-objects/text-object)
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _words(text: str) -> Block:
    """A section of a publisher's text as it is: mrkdwn like the rest where that shows the same, else plain text."""
    if not FORMATTING.search(text):
        return _section(escape(text))
    return {"type": "section", "text": {"type": "plain_text", "text": escape(text), "emoji": False}}


# ------------------------------------------------------------------------------------------------------------ alerts


def alert(alert: Alert, settings: ChatSettings) -> SlackText:
    """The alert as it is now: headline, bullets with the picture, context line, link button.

    A corrected one has the desk's note on top. Of one that was taken back the headline is struck through and the
    bullets are gone; context, link and button stay.
    """
    headline, link = parts.shorten(parts.headline(alert, settings), HEADLINE, _measure), _link(alert.link)
    blocks: list[Block] = []
    note = parts.correction(alert, _measure)
    if note:
        blocks.append(_section(f"✏️ *{say(settings.language, 'alert.correction')}* {_inert(note)}"))
    blocks.append(_headline(headline, link, struck=alert.retracted))
    if alert.retracted:
        blocks.append(_section(f"❌ {_inert(parts.retraction(alert, settings, _measure))}"))
    bullets = "\n".join(f"• {bullet}" for bullet in parts.bullets(alert, BULLET, _measure)[:5])
    if bullets:
        blocks.append(_words(bullets))
    picture = parts.picture(alert, settings)
    if picture and len(picture) <= LINK:
        blocks[-1]["accessory"] = {"type": "image", "image_url": picture, "alt_text": headline}
    blocks.append({"type": "context", "elements": [_mrkdwn(_context(alert, settings))]})
    below: list[Block] = []
    if link:
        label = {"type": "plain_text", "text": say(settings.language, "alert.open")}
        below.append({"type": "button", "action_id": OPEN, "text": label, "url": link})
    for row in buttons([offers.alert_buttons(alert, settings)], BESIDE):
        below += row["elements"]
    if below:
        blocks.append({"type": "actions", "elements": below})
    gone = f"❌ {parts.retraction(alert, settings, _measure)}" if alert.retracted else ""
    return SlackText(_fallback(gone, headline, link), tuple(blocks))


def _headline(headline: str, link: str, *, struck: bool) -> Block:
    around = "~" if struck else "*"
    if link or struck or not FORMATTING.search(headline):
        return _section(f"{around}{_linked(link, headline)}{around}")
    return _words(headline)


def _fallback(*lines: str) -> str:
    return escape("\n".join(line for line in lines if line)) or "-"


def _context(alert: Alert, settings: ChatSettings) -> str:
    language, zone = settings.language, settings.timezone
    urgent = parts.is_urgent(alert) and not alert.retracted
    # The one ping that is ours: only where the chat asked for it.
    call = " <!here>" if settings.here else ""
    shown = [f":red_circle: {say(language, 'alert.urgent')}{call}"] if urgent else []
    shown.append(_inert(parts.source_names(alert, settings, 300, _measure)))
    moment, stamp = alert.published or alert.created, when.stamp(alert, language, zone)
    dated = alert.published is not None and alert.date_only
    # Slack shows the time in each reader's own zone, and the words behind the bar where it cannot.
    shown.append(stamp if dated else f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{stamp}>")
    shown += parts.updated(alert, settings)
    topics = alert.topics[: parts.TOPICS] if settings.hashtags else ()
    named = (_inert(parts.beside(topic, 60, _measure)) for topic in topics)
    shown.append(", ".join(topic for topic in named if topic))
    return " · ".join(part for part in shown if part)


def plain_alert(alert: Alert, settings: ChatSettings) -> SlackText:
    """The form without blocks, for when the rich one was refused."""
    told, link = plain.alert_and_link(alert, settings, _measure)
    return SlackText(f"{_inert(told)}{escape(link)}")


def also(alert: Alert, settings: ChatSettings) -> SlackText:
    """The short reply that says who carries the story too, where that shall not be an edit."""
    names, link = parts.also(alert, settings, measure=_measure), _link(alert.link)
    shown = [_inert(names), *([_linked(link, parts.short_address(link))] if link else [])]
    return SlackText(_fallback(names, link), (_section("\n".join(shown)),))


# ------------------------------------------------------------------------------------------------------ many stories


def roundup(alerts: Iterable[Alert], settings: ChatSettings) -> list[Part[SlackText]]:
    """Every headline with its link, oldest first, in as few messages as the limits allow."""
    return lists.split(
        alerts,
        lambda number, alert: (parts.utf16(_line(number, alert, settings, CAPS[0])) + 1, 1),
        (BLOCKS_ROOM - 200, MOST_LINES),
        lambda held, first, total: roundup_message(held, settings, first, total),
    )


def roundup_message(alerts: Iterable[Alert], settings: ChatSettings, first: int, total: int) -> SlackText:
    """One message of a round-up, drawn from its alerts as they are now. It fits for whatever alerts it once held."""
    held = lists.oldest_first(alerts)
    told, span = lists.title(held, settings, first, total)
    sections: list[str] = []
    for caps in CAPS:
        lines = [_line(number, alert, settings, caps) for number, alert in enumerate(held, first)]
        sections = _sections([f"📰 *{told}* {span}", *lines])
        if sum(map(parts.utf16, sections)) <= BLOCKS_MOST and len(sections) <= MOST_BLOCKS:
            break
    fallback = _fallback(f"📰 {told} {span}", *_headlines(held, settings))
    return SlackText(fallback, tuple(map(_section, sections)))


def digest(
    stories: Sequence[DigestEntry], settings: ChatSettings, since: datetime, until: datetime, more: int = 0
) -> Part[SlackText]:
    """The period's stories in the given order, as many as one message takes; `more` were left out before."""
    total = len(stories) + more
    told, span = lists.digest_title(total, settings, since, until)
    lines = [_digest_line(number, story, settings) for number, story in enumerate(stories, 1)]
    room = (BLOCKS_ROOM - 400, MOST_LINES)
    (shown, *_) = parts.packed(lines, lambda line: (parts.utf16(line) + 1, 1), room) or [[]]
    foot = lists.others(total - len(shown), settings) if total else say(settings.language, "digest.none")
    sections = _sections([f"🗞 *{told}* {span}", *shown, *([foot] if foot else [])])
    held = [story.alert for story in stories[: len(shown)]]
    fallback = _fallback(f"🗞 {told} {span}", *_headlines(held, settings))
    made = SlackText(fallback, tuple(map(_section, sections)))
    return Part(made, tuple(alert.id for alert in held), 1, total)


def _digest_line(number: int, story: DigestEntry, settings: ChatSettings) -> str:
    line, back = _line(number, story.alert, settings, CAPS[0]), _link(story.chat_link)
    return f"{line} · {_linked(back, say(settings.language, 'digest.alert'))}" if back else line


def _line(number: int, alert: Alert, settings: ChatSettings, caps: Caps) -> str:
    """ "3. 🔴 headline — A and 2 more"; one that was taken back is struck through."""
    mark, link = parts.mark_of(alert), _link(alert.link)
    headline = parts.beside(parts.headline(alert, settings), caps.headline, _measure)
    shown = _linked(link if len(escape(link)) <= caps.link else "", headline)
    names = _inert(parts.short_sources(alert, settings.language, caps.sources, _measure)) if caps.sources else ""
    struck = f"~{shown}~" if alert.retracted else shown
    return f"{number}. {f'{mark} ' if mark else ''}{struck}{f' — {names}' if names else ''}"


def _headlines(alerts: Sequence[Alert], settings: ChatSettings) -> list[str]:
    """The headlines that fit into a notification."""
    shown = [
        f"• {parts.shorten(parts.headline(alert, settings), 160, _measure)}" for alert in alerts if not alert.retracted
    ]
    return parts.packed(shown, lambda line: (_measure(line) + 1,), (FALLBACK - 200,))[0] if shown else []


def _sections(texts: Iterable[str]) -> list[str]:
    """The texts as the texts of as few sections as possible, none of them cut."""
    groups = parts.packed(texts, lambda text: (parts.utf16(text) + 1,), (SECTION,))
    return ["\n".join(group).lstrip("\n") for group in groups]


# ----------------------------------------------------------------------------------------------------------- replies


def reply(answer: Reply, settings: ChatSettings) -> SlackText:
    """The answer as sections of one message. What does not fit is counted in its last line, which says how to ask."""
    title = parts.text(typed(answer.title), 500, _measure)
    texts = [f"*{_inert(title)}*"] if title else []
    texts += [_inert(parts.shorten(inert.lines(typed(line)), 1000, _measure)) for line in answer.lines]
    texts += [_story(number, story, answer, settings) for number, story in enumerate(answer.stories, answer.first)]
    told = [at for at, text in enumerate(texts) if text.strip()]
    # A line that is empty parts those beside it; Slack takes no section of nothing else.
    texts = [text for text in texts[told[0] : told[-1] + 1] if text.strip() or not text] if told else []
    (shown, *_) = parts.packed(texts, lambda text: (parts.utf16(text) + 1,), (BLOCKS_ROOM - 300,)) or [[]]
    left = sum(bool(text) for text in texts[len(shown) :])
    if left:
        stories = min(left, len(answer.stories))
        key, count = ("reply.more_stories", stories) if stories else ("reply.more_lines", left)
        shown = [*shown, say(settings.language, key, count=count)]
    words = inert.lines(" ".join(filter(None, (answer.title, *answer.lines)))).strip() or _titles(answer, settings)
    fallback = parts.shorten(words, FALLBACK, _measure)
    blocks = [*map(_section, _sections(shown)), *buttons(answer.buttons, PRESS)]
    return SlackText(escape(fallback) or "-", tuple(blocks))


def typed(words: str) -> str:
    """The words with commands written as one types them here: of a slash and a name, Slack knows its own only."""
    return TYPED.sub(r"\1/sokbo \2", words)


def buttons(rows: Iterable[Sequence[Button]], kind: str) -> list[Block]:
    """A block for each row. `kind` begins every action id: it says what is to be done with the answer to a press."""
    return [
        {
            "type": "actions",
            "elements": [_button(button, kind, f"{row}:{place}") for place, button in enumerate(held)],
        }
        for row, held in enumerate(parts.buttons(rows, _measure))
    ]


def _button(button: Button, kind: str, place: str) -> Block:
    does = {"url": button.url} if button.url else {"value": button.press}
    label = {"type": "plain_text", "text": escape(button.label)}
    return {"type": "button", "action_id": f"{OPEN if button.url else kind}:{place}", "text": label, **does}


def _titles(answer: Reply, settings: ChatSettings) -> str:
    return "\n".join(parts.headline(story.alert, settings) for story in answer.stories)


def _story(number: int, story: Story, answer: Reply, settings: ChatSettings) -> str:
    alert, link, mark = story.alert, _link(story.alert.link), parts.mark_of(story.alert)
    headline = parts.beside(parts.headline(alert, settings), 200, _measure)
    # Marks cannot stand inside a link's label, so the searched words are marked in the snippet only.
    shown = _linked(link, headline)
    first = f"{number}. {f'{mark} ' if mark else ''}{f'~{shown}~' if alert.retracted else shown}"
    source = _inert(parts.short_sources(alert, settings.language, 100, _measure))
    stamp = when.stamp(alert, settings.language, settings.timezone)
    snippet = "" if alert.retracted else _marked(parts.beside(story.snippet, 160, _measure), answer.marked)
    back = _link(story.chat_link)
    seen = _linked(back, say(settings.language, "digest.alert")) if back else ""
    second = " · ".join(part for part in (source, stamp, seen) if part)
    return parts.in_a_list(first, second, snippet, answer)


def _marked(text: str, words: Sequence[str]) -> str:
    """Bold around the words. Slack reads a mark at the edge of a word only, so inside one it stands behind a
    zero-width space.
    """
    found = marking.pieces(text, words)
    shown = ""
    for place, (piece, is_word) in enumerate(found):
        if not is_word:
            shown += _inert(piece)
            continue
        before = found[place - 1][0][-1:] if place else ""
        after = found[place + 1][0][:1] if place + 1 < len(found) else ""
        opens = ZERO_WIDTH_SPACE if before.strip() else ""
        closes = ZERO_WIDTH_SPACE if after.strip() else ""
        shown += f"{opens}*{_inert(piece)}*{closes}"
    return shown
