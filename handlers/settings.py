"""/settings [NAME VALUE]: what this chat chose. Each button is the typed form of what it does.

urgency all|urgent · quiet off|22:00-07:00 · pass on|off · digest off|hourly|daily 08:00|weekdays 08:00
nothing on|off · language ko|en · pictures on|off · hashtags on|off · timezone Asia/Seoul · here on|off
"""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import time
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import delivery
import pipeline
from handlers.asking import Asking
from locales import languages, name_of
from models import Button, ChatSettings, Digest, Every, QuietHours, Reply
from storage import chats

ZONES = (
    *("Asia/Seoul", "Asia/Tokyo", "Asia/Singapore", "Europe/London", "Europe/Berlin"),
    *("America/New_York", "America/Los_Angeles", "UTC"),
)
NIGHTS = ("22:00-07:00", "23:00-07:00", "00:00-08:00")
DIGESTS = ("hourly", "daily 08:00", "daily 18:00", "weekdays 08:00")
CLOCK = r"([01]?\d|2[0-3]):([0-5]\d)"
HOURS = re.compile(rf"{CLOCK}\s*(?:-|–|~|\s)\s*{CLOCK}")
AT = re.compile(rf"(daily|weekdays)(?:\s+{CLOCK})?")
YES, NO = ("on", "yes"), ("off", "no")
IN_A_ROW = 2

Change = ChatSettings | None
"""What is chosen then; None where the value is not accepted."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A setting: what a value makes of what was chosen before, how it reads, and what is offered as buttons."""

    change: Callable[[ChatSettings, str], Change]
    value: Callable[[ChatSettings], str]
    offers: tuple[str, ...]


def _flag(name: str) -> Choice:
    def change(chosen: ChatSettings, word: str) -> Change:
        wanted: dict[str, Any] = {name: _yes(word)}
        return None if wanted[name] is None else replace(chosen, **wanted)

    return Choice(change, lambda chosen: "on" if getattr(chosen, name) else "off", ("on", "off"))


def _yes(word: str) -> bool | None:
    return True if word in YES else False if word in NO else None


def _urgency(chosen: ChatSettings, word: str) -> Change:
    return replace(chosen, only_urgent=word == "urgent") if word in ("all", "urgent") else None


def _quiet(chosen: ChatSettings, word: str) -> Change:
    found = HOURS.fullmatch(word)
    if word in NO:
        return replace(chosen, quiet=None)
    if found is None:
        return None
    start, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    passes = chosen.quiet is None or chosen.quiet.urgent_passes
    return None if start == end else replace(chosen, quiet=QuietHours(start, end, passes))


def _passes(chosen: ChatSettings, word: str) -> Change:
    yes = _yes(word)
    if yes is None or chosen.quiet is None:
        return None
    return replace(chosen, quiet=replace(chosen.quiet, urgent_passes=yes))


def _digest(chosen: ChatSettings, word: str) -> Change:
    if word in NO:
        return replace(chosen, digest=None)
    nothing = chosen.digest is not None and chosen.digest.say_nothing_new
    found = AT.fullmatch(word)
    if word == "hourly":
        return replace(chosen, digest=Digest(Every.HOURLY, say_nothing_new=nothing))
    if found is None:
        return None
    at = time(int(found[2]), int(found[3])) if found[2] else time(8)
    return replace(chosen, digest=Digest(Every(found[1]), at, nothing))


def _nothing(chosen: ChatSettings, word: str) -> Change:
    yes = _yes(word)
    if yes is None or chosen.digest is None:
        return None
    return replace(chosen, digest=replace(chosen.digest, say_nothing_new=yes))


def _language(chosen: ChatSettings, word: str) -> Change:
    return replace(chosen, language=word) if word in languages() else None


@cache
def _zones() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


def _timezone(chosen: ChatSettings, word: str) -> Change:
    return replace(chosen, timezone=_zones()[word]) if word in _zones() else None


def _hours_of(chosen: ChatSettings) -> str:
    return f"{chosen.quiet.start:%H:%M}-{chosen.quiet.end:%H:%M}" if chosen.quiet else "off"


def _digest_of(chosen: ChatSettings) -> str:
    if chosen.digest is None:
        return "off"
    return "hourly" if chosen.digest.every is Every.HOURLY else f"{chosen.digest.every} {chosen.digest.at:%H:%M}"


def _passes_of(chosen: ChatSettings) -> str:
    return "on" if chosen.quiet is not None and chosen.quiet.urgent_passes else "off"


def _nothing_of(chosen: ChatSettings) -> str:
    return "on" if chosen.digest is not None and chosen.digest.say_nothing_new else "off"


CHOICES: dict[str, Choice] = {
    "urgency": Choice(_urgency, lambda chosen: "urgent" if chosen.only_urgent else "all", ("all", "urgent")),
    "quiet": Choice(_quiet, _hours_of, ("off", *NIGHTS)),
    "pass": Choice(
        _passes, lambda chosen: "on" if chosen.quiet and chosen.quiet.urgent_passes else "off", ("on", "off")
    ),
    "digest": Choice(_digest, _digest_of, ("off", *DIGESTS)),
    "nothing": Choice(_nothing, _nothing_of, ("on", "off")),
    "language": Choice(_language, lambda chosen: chosen.language, ()),
    "pictures": _flag("pictures"),
    "hashtags": _flag("hashtags"),
    "timezone": Choice(_timezone, lambda chosen: chosen.timezone, ZONES),
    "here": _flag("here"),
}


async def answer(asking: Asking) -> Reply:
    """The panel; with a name what can be chosen; with a value too that is chosen, and the panel shows it."""
    name, _, value = " ".join(asking.command.args.lower().split()).partition(" ")
    if not name:
        return panel(asking)
    if name not in shown_of(asking):
        close = difflib.get_close_matches(name, shown_of(asking), n=1)
        return Reply(
            lines=(asking.say("settings.wrong", names=", ".join(shown_of(asking)), example=(close or ["quiet"])[0]),)
        )
    if not value:
        return _offer(asking, name)
    return await _choose(asking, name, value)


def shown_of(asking: Asking) -> list[str]:
    """The settings that mean something here and now."""
    chosen, hidden = asking.chat_settings, set[str]()
    hidden |= set() if chosen.quiet else {"pass"}
    hidden |= set() if chosen.digest else {"nothing"}
    hidden |= set() if delivery.can_call_here(asking.command.chat) else {"here"}
    return [name for name in CHOICES if name not in hidden]


async def _choose(asking: Asking, name: str, value: str) -> Reply:
    desk, now = asking.desk, asking.desk.now()
    async with desk.database.write() as tx:
        known = await chats.find(tx, asking.command.chat)
        chosen = CHOICES[name].change(known.settings if known else asking.chat_settings, value)
        if chosen is None:
            return Reply(lines=(_refusal(asking, name, value),))
        chat_id = await chats.known(tx, asking.command.chat, chosen, now)
        await pipeline.settle_choice(tx, chat_id, chosen, now)
    desk.send.set()
    asking = replace(asking, chat_settings=chosen)
    public = not asking.command.pressed
    return replace(panel(asking), toast=_line(asking, name), settings=chosen, public=public)


def _refusal(asking: Asking, name: str, value: str) -> str:
    if name != "timezone":
        return asking.say(f"settings.accepted_{name}", languages=", ".join(languages()))
    close = difflib.get_close_matches(value.replace(" ", "_"), _zones(), n=1)
    return asking.say("settings.accepted_timezone", zone=value[:40], guess=_zones()[close[0]] if close else ZONES[0])


def panel(asking: Asking) -> Reply:
    """Every setting with its value, and a button for each: of two values it takes the other, of more it shows them."""
    names = shown_of(asking)
    buttons = [_button(asking, name) for name in names]
    rows = tuple(tuple(buttons[at : at + IN_A_ROW]) for at in range(0, len(buttons), IN_A_ROW))
    title = asking.say("settings.title")
    return Reply(title=title, lines=tuple(_line(asking, name) for name in names), buttons=rows)


def _offers(name: str) -> tuple[str, ...]:
    return languages() if name == "language" else CHOICES[name].offers


def _button(asking: Asking, name: str) -> Button:
    choice, label = CHOICES[name], asking.say(f"settings.{name}")
    offers = _offers(name)
    if len(offers) != 2:
        return Button(asking.say("settings.open", name=label), press=f"settings {name}")
    chosen = choice.value(asking.chat_settings)
    other = next(offer for offer in offers if offer != chosen)
    toggle = asking.say("settings.toggle", name=label, value=value_of(asking, name, other))
    return Button(toggle, press=f"settings {name} {other}")


def _offer(asking: Asking, name: str) -> Reply:
    offers = [Button(value_of(asking, name, one), press=f"settings {name} {one}") for one in _offers(name)]
    rows = [tuple(offers[at : at + IN_A_ROW]) for at in range(0, len(offers), IN_A_ROW)]
    back = (Button(asking.say("settings.back"), press="settings"),)
    lines = (_line(asking, name), asking.say(f"settings.typed_{name}"))
    return Reply(title=asking.say(f"settings.{name}"), lines=lines, buttons=(*rows, back))


def _line(asking: Asking, name: str) -> str:
    value = value_of(asking, name, CHOICES[name].value(asking.chat_settings))
    return asking.say("settings.line", name=asking.say(f"settings.{name}"), value=value)


def value_of(asking: Asking, name: str, value: str) -> str:
    """A value as people read it."""
    if name == "timezone":
        return value
    if name == "language":
        return name_of(value)
    if name == "urgency":
        return asking.say(f"settings.value_{value}")
    word, _, at = value.partition(" ")
    if name == "quiet" and word != "off":
        return word.replace("-", "–")
    return asking.say(f"settings.value_{word}", at=at)
