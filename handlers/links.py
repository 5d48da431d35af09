"""Words that a link brings to /start, such as the topic to subscribe to. No platform's link holds more than 64 of A-Z,
a-z, 0-9, _ and -."""

import base64
import re
from dataclasses import replace

from handlers import filters
from handlers.asking import Asking
from models import Subscription

TOPIC = "topic_"
ENCODED = "-"
"""Before a topic that needs other signs: then comes its UTF-8 in base64url, without padding."""
PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
LONGEST = 64


def word_for(topic: str) -> str:
    """What a link to this topic says; "" where it would be too long."""
    encoded = ENCODED + base64.urlsafe_b64encode(topic.encode()).decode().rstrip("=")
    word = TOPIC + (topic if PLAIN.fullmatch(topic) else encoded)
    return word if len(word) <= LONGEST else ""


def topic_in(word: str) -> str:
    """The topic that a link's word names, "" where it names none."""
    named = word.strip().removeprefix(TOPIC)
    if named == word.strip() or PLAIN.fullmatch(named):
        return "" if named == word.strip() else named
    try:
        padded = named.removeprefix(ENCODED) + "=" * (-len(named.removeprefix(ENCODED)) % 4)
        topic = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except ValueError:
        return ""
    return topic if named.startswith(ENCODED) and topic.isprintable() else ""


def subscribing(asking: Asking, topic: str) -> Asking:
    """The same person, asking for this topic."""
    wish = filters.written(Subscription(0, topics=(topic,)))
    return replace(asking, command=replace(asking.command, name="subscribe", args=wish))
