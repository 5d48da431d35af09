"""Words that a link brings to /start, such as the topic to subscribe to. No platform's link holds more than 64 of A-Z,
a-z, 0-9, _ and -."""

import base64
import re
from dataclasses import replace

from handlers import filters
from handlers.asking import Asking
from models import Subscription
from storage import shared

TOPIC, KEPT, EVERYTHING = "topic_", "filter_", "all"
"""Before a topic; before the word under which a filter is kept; all there is."""
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


async def to_share(asking: Asking, wish: Subscription) -> str:
    """A link that subscribes whoever opens it to the same; "" where the platform has no such links."""
    sender = asking.desk.senders.get(asking.command.chat.platform)
    if sender is None or not sender.start_link(EVERYTHING):
        return ""
    if not filters.written(wish):
        return sender.start_link(EVERYTHING)
    word = word_for(wish.topics[0]) if filters.same(wish, Subscription(0, topics=wish.topics[:1])) else ""
    if not word:
        async with asking.desk.database.write() as tx:
            word = KEPT + await shared.keep(tx, filters.written(wish))
    return sender.start_link(word)


async def filter_in(asking: Asking) -> str | None:
    """The filter, as it would be typed, that the link's word names: "" where it names none, None where it names one
    that is not known here."""
    word = asking.command.args.strip()
    if topic := topic_in(word):
        return filters.written(Subscription(0, topics=(topic,)))
    if not word.startswith((TOPIC, KEPT)):
        return ""
    async with asking.desk.database.read() as connection:
        return await shared.find(connection, word.removeprefix(KEPT))


def subscribing(asking: Asking, wish: str) -> Asking:
    """The same person, asking for this filter."""
    return replace(asking, command=replace(asking.command, name="subscribe", args=wish))
