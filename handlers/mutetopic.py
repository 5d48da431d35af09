"""/mutetopic TOPIC, /mutetopic off TOPIC: what this chat never gets, whatever it subscribed to.

The button under an alert presses `mutetopic ALERT`; of an alert with several topics one is then chosen.
"""

import delivery
from handlers.asking import Asking
from models import Button, Reply
from storage import archive, chats, subscriptions
from storage.database import Transaction

MOST = 30
LONGEST = 60
IN_A_ROW = 3


async def answer(asking: Asking) -> Reply:
    """Mute the topic, or that of an alert; `off` and a topic lets it in again."""
    if asking.known is None or not asking.known.subscribed:
        return Reply(lines=(asking.say("subscribe.was_not"),))
    first, _, rest = asking.command.args.strip().partition(" ")
    if first.lower() == "off":
        return await unmuted(asking, rest)
    if not first:
        return Reply(lines=(asking.say("mutetopic.wrong"), *lines(asking)), buttons=buttons(asking))
    topics = await _topics_of(asking, first, rest)
    if topics is None:
        return await _muted(asking, asking.command.args)
    if len(topics) > 1:
        return _choice(asking, first, topics)
    return await _muted(asking, topics[0] if topics else "")


async def _topics_of(asking: Asking, first: str, rest: str) -> list[str] | None:
    """The topics of the alert with this id, of several the one with the number; None where it is no alert's id."""
    if not first.isdecimal() or len(first) > 11 or (rest and not rest.isdecimal()):
        return None
    async with asking.desk.database.read() as connection:
        found = await archive.by_ids(connection, [int(first)])
    if not found:
        return None
    topics = [topic for alert in found for topic in alert.topics[:MOST]]
    number = int(rest) if rest and len(rest) < 4 else 0
    return topics[number - 1 : number] if 1 <= number <= len(topics) else topics


def _choice(asking: Asking, alert: str, topics: list[str]) -> Reply:
    offered = [Button(topic, press=f"mutetopic {alert} {number}") for number, topic in enumerate(topics, 1)]
    rows = tuple(tuple(offered[at : at + IN_A_ROW]) for at in range(0, len(offered), IN_A_ROW))
    return Reply(lines=(asking.say("mutetopic.which"),), buttons=rows)


async def _muted(asking: Asking, topic: str) -> Reply:
    assert asking.known is not None
    topic = " ".join(topic.lstrip("#").split())[:LONGEST]
    if not delivery.topic_form(topic):
        return Reply(lines=(asking.say("mutetopic.wrong"),))
    async with asking.desk.database.write() as tx:
        before = await _muted_now(tx, asking)
        known = delivery.topic_form(topic) in map(delivery.topic_form, before)
        if len(before) >= MOST and not known:
            return Reply(lines=(asking.say("mutetopic.many", most=MOST),))
        if not known:
            await subscriptions.mute_topics(tx, asking.known.id, [*before, topic])
    undo = Button(asking.say("mutetopic.undo", topic=topic), press=f"mutetopic off {topic}")
    return Reply(lines=(asking.say("mutetopic.done", topic=topic),), buttons=((undo,),), public=True)


async def unmuted(asking: Asking, topic: str) -> Reply:
    """Let alerts with the topic in again."""
    async with asking.desk.database.write() as tx:
        before = await _muted_now(tx, asking)
        kept = [one for one in before if delivery.topic_form(one) != delivery.topic_form(topic)]
        if asking.known is None or len(kept) == len(before):
            return Reply(lines=(asking.say("mutetopic.was_not", topic=topic[:LONGEST]), *lines(asking)))
        await subscriptions.mute_topics(tx, asking.known.id, kept)
    return Reply(lines=(asking.say("mutetopic.undone", topic=topic[:LONGEST]),), public=True)


async def _muted_now(tx: Transaction, asking: Asking) -> tuple[str, ...]:
    known = await chats.find(tx, asking.command.chat)
    return () if known is None else known.settings.muted_topics


def lines(asking: Asking) -> tuple[str, ...]:
    """Which topics are muted; nothing where none is."""
    muted = asking.chat_settings.muted_topics
    return (asking.say("mutetopic.muted", topics=", ".join(muted)),) if muted else ()


def buttons(asking: Asking) -> tuple[tuple[Button, ...], ...]:
    """One for each muted topic, which lets it in again."""
    muted = asking.chat_settings.muted_topics
    offered = [Button(asking.say("mutetopic.undo", topic=one), press=f"mutetopic off {one}") for one in muted]
    return tuple(tuple(offered[at : at + IN_A_ROW]) for at in range(0, len(offered), IN_A_ROW))
