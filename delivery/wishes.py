"""Whether an alert is what a chat wishes for. No user's pattern is ever run: words are looked up, in linear time.

- A Korean word (Chinese and Japanese ones too) of two or more letters is found anywhere: 수출 in 수출이, 수출액.
  One of a single letter is found as a word alone or with a particle behind it: 불 in 불이, not in 불법.
- Any other word is found whole, in any case, with an English plural or possessive: tariff in Tariffs, not in
  tarifford. `export*` finds whatever begins so.
- Words in quotes are found in this order, whatever spaces stand between Korean ones.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal

from delivery import hours
from models import Alert, ChatSettings, Listener, Owed, Subscription, Urgency

DENSE = "\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
"""Scripts in which a word is found inside a longer one, as in `storage.bigrams`."""
WORD = re.compile(rf"[{DENSE}]+|[^\W_{DENSE}]+")
IS_DENSE = re.compile(rf"[{DENSE}]")
HANGUL = re.compile("[가-힣]{2,}")
SPACES = re.compile(r"[^\S\n]+")
BETWEEN_DENSE = re.compile(rf"(?<=[{DENSE}]) (?=[{DENSE}])")
PARTICLES = frozenset(
    (
        "",
        *("은", "는", "이", "가", "을", "를", "에", "의", "도", "만", "로", "와", "과", "에서", "에게", "으로", "까지"),
        *("부터", "보다", "처럼", "이나", "이라", "이다", "에는", "에도", "에만", "마다", "조차", "밖에"),
    )
)


def folded(text: str) -> str:
    """The one form in which texts and words are compared."""
    return SPACES.sub(" ", unicodedata.normalize("NFC", text).casefold().replace("’", "'").replace("ʼ", "'"))


@lru_cache(maxsize=10_000)
def topic_form(topic: str) -> str:
    """The one form in which topics are compared: any case, with # or without."""
    return " ".join(folded(topic).lstrip("#").split())


class Heard:
    """An alert as filters read it: all is prepared once, each word is looked up once, however many chats name it."""

    def __init__(self, alert: Alert, source_ids: Iterable[str]) -> None:
        text = folded("\n".join((alert.headline, *alert.bullets, *alert.topics)))
        self.source_ids = frozenset(source_ids)
        self.topics = frozenset(map(topic_form, alert.topics))
        self.language = alert.language[:2].lower()
        self.urgency = alert.urgency
        self._text = text
        lines = [WORD.findall(line) for line in text.split("\n")]
        self._words = frozenset(word for line in lines for word in line)
        self._sequence = f" {' | '.join(' '.join(line) for line in lines)} "
        self._unspaced = BETWEEN_DENSE.sub("", text)
        self._known: dict[str, bool] = {}

    def holds(self, word: str) -> bool:
        """Whether the word, or the words in this order, stand in the alert."""
        known = self._known.get(word)
        if known is None:
            known = self._known[word] = self._look_for(prepared(word))
        return known

    def _look_for(self, word: "Word") -> bool:
        match word.kind:
            case "whole":
                return not self._words.isdisjoint(word.forms)
            case "inside":
                return word.forms[0] in self._text
            case "unspaced":
                return word.forms[0] in self._unspaced
            case "syllable":
                return any(one.startswith(word.forms[0]) and one[1:] in PARTICLES for one in self._words)
            case "sequence":
                return any(form in self._sequence for form in word.forms)


@dataclass(frozen=True, slots=True)
class Word:
    """How a word of a filter is looked for, and the forms of it of which one is enough."""

    kind: Literal["whole", "inside", "unspaced", "syllable", "sequence"]
    forms: tuple[str, ...]


@lru_cache(maxsize=50_000)
def prepared(word: str) -> Word:
    """A word of a filter, made ready once for all alerts."""
    if HANGUL.fullmatch(word):
        return Word("inside", (word,))
    word = folded(word)
    if IS_DENSE.search(word):
        word = word.rstrip("*")
        if BETWEEN_DENSE.search(word):
            return Word("unspaced", (BETWEEN_DENSE.sub("", word),))
        return Word("inside" if len(word) > 1 else "syllable", (word,))
    parts = WORD.findall(word)
    if not parts:
        return Word("whole", ())
    if word.endswith("*"):
        return Word("sequence", (f" {' '.join(parts)}",))
    if len(parts) == 1:
        return Word("whole", _plurals(parts[0]))
    return Word("sequence", tuple(f" {' '.join([*parts[:-1], last])} " for last in _plurals(parts[-1])))


def _plurals(word: str) -> tuple[str, ...]:
    """The word as an English text may have it. The possessive is two words there: "tariff's" is "tariff s"."""
    if not word.isascii() or word.isdigit() or len(word) < 3:
        return (word,)
    found = (word, f"{word}s", f"{word}es")
    return (*found, f"{word[:-1]}ies") if word.endswith("y") else found


def wants(wish: Subscription, heard: Heard) -> bool:
    """All that is named must hold: one of the sources, one of the topics, one of the words, none of those left out."""
    if wish.urgency is Urgency.URGENT and heard.urgency is not Urgency.URGENT:
        return False
    if wish.languages and heard.language not in wish.languages:
        return False
    if wish.sources and heard.source_ids.isdisjoint(wish.sources):
        return False
    if wish.topics and heard.topics.isdisjoint(map(topic_form, wish.topics)):
        return False
    if wish.without and not heard.topics.isdisjoint(map(topic_form, wish.without)):
        return False
    if wish.include and not any(map(heard.holds, wish.include)):
        return False
    return not any(map(heard.holds, wish.exclude))


def plan(alert: Alert, source_ids: Iterable[str], chats: Iterable[Listener], now: datetime) -> list[Owed]:
    """Who is owed the alert, and when it may come: one of the chat's subscriptions wants it, and no setting forbids."""
    heard = Heard(alert, source_ids)
    return [owed(chat, alert, now) for chat in chats if listens(chat, heard)]


def owed(chat: Listener, alert: Alert, now: datetime) -> Owed:
    """What a chat that wishes for the alert is owed: now, later, or nothing while it is muted."""
    if hours.is_muted(chat.settings, now):
        return Owed(chat.chat_id, now, "muted")
    return Owed(chat.chat_id, hours.due(chat.settings, alert.urgency, now))


def listens(chat: Listener, heard: Heard) -> bool:
    """Whether the chat wishes for the alert."""
    if chat.settings.only_urgent and heard.urgency is not Urgency.URGENT:
        return False
    muted = chat.settings.muted_topics
    if muted and not heard.topics.isdisjoint(map(topic_form, muted)):
        return False
    return any(wants(wish, heard) for wish in chat.wishes)


def matching(alerts: Iterable[tuple[Alert, Iterable[str]]], wish: Subscription, settings: ChatSettings) -> list[Alert]:
    """Those of the alerts, each with the ids of its sources, that the wish would bring to a chat."""
    chat = Listener(0, (wish,), settings)
    return [alert for alert, source_ids in alerts if listens(chat, Heard(alert, source_ids))]
