"""Many stories in one message: what round-ups and digests of all platforms share.

A round-up lists every story, oldest first, numbered through, in as few messages as the platform's limits allow. Each
of its messages can be drawn again later, when a headline in it was changed or taken back, and always fits: a change
uses the room that was left for it, and what needs more shortens the lines of its message (`CAPS`), never drops one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from formatters import parts, places, when
from locales import say
from models import Alert, ChatSettings, Roundup

Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class Part(Generic[Shown]):
    """One message: `shown` is the platform's form of it, `alert_ids` what it lists, in order.

    `first` is the number of its first line, `total` how many stories there are over all messages. With the alerts of
    `alert_ids` as they are now, that is all that `roundup_message` needs to draw it again.
    """

    shown: Shown
    alert_ids: tuple[int, ...]
    first: int
    total: int


@dataclass(frozen=True, slots=True)
class DigestEntry:
    """A story of a digest; `chat_link` leads to the alert's message in the chat, "" where there is none."""

    alert: Alert
    chat_link: str = ""


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that one line may take, in the platform's own measure: headline, sources, address."""

    headline: int
    sources: int
    link: int


CAPS = (Caps(160, 60, 2000), Caps(120, 40, 2000), Caps(80, 30, 600), Caps(50, 20, 200), Caps(24, 0, 0))
"""From the full line to the shortest. With the last one every message fits, whatever became of its alerts."""


def oldest_first(alerts: Iterable[Alert]) -> list[Alert]:
    """By when the desk first saw the story: what is known of every story, and does not change."""
    return sorted(alerts, key=lambda alert: (alert.created, alert.id))


def split(
    alerts: Iterable[Alert],
    size: Callable[[int, Alert], parts.Size],
    room: parts.Size,
    draw: Callable[[Sequence[Alert], int, int], Shown],
) -> list[Part[Shown]]:
    """The round-up in as few messages as the room allows. `size(number, alert)` is that of a full line;
    `draw(alerts, first, total)` makes a message.
    """
    numbered = list(enumerate(oldest_first(alerts), 1))
    groups = parts.packed(numbered, lambda one: size(*one), room)
    made = []
    for group in groups:
        first, held = group[0][0], [alert for _, alert in group]
        made.append(Part(draw(held, first, len(numbered)), tuple(alert.id for alert in held), first, len(numbered)))
    return made


def title(alerts: Sequence[Alert], settings: ChatSettings, first: int, total: int) -> tuple[str, str]:
    """ "그사이 소식 17건", and the time these span, with their numbers where the message does not hold all of them."""
    told = say(settings.language, "roundup.title", count=total)
    span = when.period(alerts[0].created, alerts[-1].created, settings.language, settings.timezone)
    numbers = "" if len(alerts) == total else f"{first}–{first + len(alerts) - 1} "
    return told, f"{numbers}({span})"


def digest_title(count: int, settings: ChatSettings, since: datetime, until: datetime) -> tuple[str, str]:
    """ "소식 요약 12건", and the period with its days."""
    key = "digest.title" if count else "digest.title_none"
    return say(
        settings.language, key, count=count
    ), f"({when.days(since, until, settings.language, settings.timezone)})"


def digest_entries(digest: Roundup) -> list[DigestEntry]:
    """What a digest lists, the weightiest first; of what the chat got before, with the link to its message."""
    found = [DigestEntry(parcel.alert) for parcel in digest.parcels]
    found += [DigestEntry(one.alert, places.message_link(one.chat, one.delivery.message_id)) for one in digest.told]
    return sorted(found, key=lambda entry: _weight(entry.alert), reverse=True)


def _weight(alert: Alert) -> tuple[bool, bool, int, datetime]:
    """Urgent ones first, then what more sources carry, then the newest; what was taken back last."""
    return not alert.retracted, parts.is_urgent(alert), len(alert.sources), alert.published or alert.created


def others(count: int, settings: ChatSettings) -> str:
    """How many stories more there were and how to get them; "" for none."""
    return say(settings.language, "digest.others", count=count) if count else ""
