"""Subscribes at the hubs that feeds name (WebSub), keeps that up, and takes what hubs send.

    tend      what sources name → wanted subscriptions → asked of the hub → renewed in time, ended with the source
    confirm   a hub asks whether that was us (verification of intent)
    take      a hub sends a document → signed? of this topic? → the same path as a document that was read

Reading goes on beside it, more rarely where nobody set how often: a hub can make news faster and never lose any.
Nothing happens without `[web] public_url`.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

import metrics
from errors import SourceError
from pipeline import MISSED_IN_VAIN, Desk, take_push, woken
from sources import fetch, websub
from sources.documents import Document
from storage import sources as watched_sources
from storage import websub as stored
from storage.database import DatabaseTrouble, Transaction
from storage.websub import AtHub

log = structlog.get_logger()

AT_ONCE = 8
COMPARE_EVERY = timedelta(seconds=5)
"""How often sources and subscriptions are compared, besides when something is known to have changed."""
NOT_AGAIN_BEFORE = timedelta(hours=1)
"""Between two requests that nothing but doubt about a hub calls for."""
DENIED_FOR = timedelta(days=1)
GIVEN_UP_AFTER = 3
"""Requests to end a subscription, after which it is forgotten: it ends by itself with its lease."""
GRACE = timedelta(days=1)
"""For so long after its lease what a hub sends is taken all the same."""


# ------------------------------------------------------------------------------------------------------- subscribing


async def tend_forever(desk: Desk) -> None:
    """Keep subscriptions as the sources want them until the desk stops."""
    compared = desk.now() - COMPARE_EVERY
    while not desk.stopping.is_set():
        asked_for = desk.hubs.is_set()
        desk.hubs.clear()
        try:
            if asked_for or desk.now() - compared >= COMPARE_EVERY:
                compared = desk.now()
                await compare(desk)
            await tend(desk)
        except DatabaseTrouble:
            log.exception("subscriptions at hubs cannot be read or written")
        except Exception:
            log.exception("hubs could not be asked")
        await woken(desk.hubs, desk.stopping, seconds=1.0)


async def compare(desk: Desk) -> None:
    """Want a subscription for each source that is read and names a hub, and none for any other."""
    base = desk.settings.web.public_url.rstrip("/")
    async with desk.database.read() as connection:
        there = await stored.every_one(connection)
        named = await stored.named_hubs(connection) if base else {}
    if not there and not named:
        return
    now = desk.now()
    async with desk.database.write() as tx:
        for source_id, wish in named.items():
            mine = [one for one in there if one.source_id == source_id]
            await _want(tx, mine, source_id, {**wish, "callback": f"{base}/websub/{source_id}"}, now)
        for at_hub in there:
            if at_hub.wanted and at_hub.source_id not in named:
                await _end(tx, at_hub, now)


async def _want(tx: Transaction, mine: Sequence[AtHub], source_id: str, wish: Mapping[str, Any], now: datetime) -> None:
    same = None
    for at_hub in mine:
        if (at_hub.hub, at_hub.topic, at_hub.callback) == (wish["hub"], wish["topic"], wish["callback"]):
            same = at_hub
        elif at_hub.wanted:
            await _end(tx, at_hub, now)
    if same is None:
        await stored.open_(tx, source_id, {**wish, "secret": secrets.token_urlsafe(32)}, now)
    elif not same.wanted:
        await stored.save(tx, same.id, wanted=True, pending="", attempts=0, missed=0, next_at=now)
    elif same.inside != wish["inside"]:
        await stored.save(tx, same.id, inside=wish["inside"])
    elif same.missed >= MISSED_IN_VAIN:
        await _doubt(tx, same, now)


async def _end(tx: Transaction, at_hub: AtHub, now: datetime) -> None:
    if at_hub.asked_at is None:
        await stored.forget(tx, at_hub.id)
    else:
        await stored.save(tx, at_hub.id, wanted=False, pending="", attempts=0, next_at=now)


async def _doubt(tx: Transaction, at_hub: AtHub, now: datetime) -> None:
    """Ask the hub again before its time, but not again and again."""
    if at_hub.asked_at is None or now - at_hub.asked_at >= NOT_AGAIN_BEFORE:
        await stored.save(tx, at_hub.id, next_at=now)


async def tend(desk: Desk) -> None:
    """Ask what is due to be asked, a few hubs at a time."""
    async with desk.database.read() as connection:
        due = await stored.due(connection, desk.now())
    room = asyncio.Semaphore(AT_ONCE)

    async def in_turn(at_hub: AtHub) -> None:
        async with room:
            await _ask(desk, at_hub)

    await asyncio.gather(*(in_turn(at_hub) for at_hub in due))


async def _ask(desk: Desk, at_hub: AtHub) -> None:
    """One request. What was asked is saved first: a hub may ask back before it answers."""
    now, mode = desk.now(), "subscribe" if at_hub.wanted else "unsubscribe"
    over = at_hub.attempts >= GIVEN_UP_AFTER or at_hub.lease_until is None or at_hub.lease_until <= now
    async with desk.database.write() as tx:
        if not at_hub.wanted and over:
            await stored.forget(tx, at_hub.id)
            return
        again = now + timedelta(seconds=websub.ask_again_after(at_hub.attempts))
        asked = {"pending": mode, "asked_at": now, "attempts": at_hub.attempts + 1, "next_at": again}
        await stored.save(tx, at_hub.id, **asked)
    form = websub.request(mode, at_hub.topic, at_hub.callback, at_hub.secret)
    problem = ""
    try:
        await fetch.post(desk.http, at_hub.hub, form, desk.settings.fetch, trusted=at_hub.inside)
    except SourceError as error:
        problem = str(error)
        metrics.websub.labels(at_hub.source_id, "refused").inc()
        log.warning("a hub does not take a request", source=at_hub.source_id, mode=mode, problem=problem)
    async with desk.database.write() as tx:
        await stored.note(tx, at_hub.id, problem)


# --------------------------------------------------------------------------------------------------- what hubs say


class Receiving:
    """What hubs ask and send. Who they are is not known: a signature proves what is sent, a request of ours what is
    asked."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def confirm(self, source_id: str, asked: Mapping[str, str]) -> str | None:
        """The body of the answer to a hub's question; None for what was not asked of it."""
        mode, topic, now = asked.get("hub.mode", ""), asked.get("hub.topic", ""), self._desk.now()
        async with self._desk.database.write() as tx:
            for at_hub in await stored.of_source(tx, source_id):
                if at_hub.topic != topic:
                    continue
                if mode == "denied" and at_hub.wanted:
                    await self._denied(tx, at_hub, asked.get("hub.reason", ""), now)
                    return ""
                if mode == at_hub.pending != "" and asked.get("hub.challenge"):
                    await self._confirmed(tx, at_hub, asked.get("hub.lease_seconds", ""), now)
                    return asked["hub.challenge"]
        return None

    async def _confirmed(self, tx: Transaction, at_hub: AtHub, lease_seconds: str, now: datetime) -> None:
        metrics.websub.labels(at_hub.source_id, f"{at_hub.pending}d").inc()
        if at_hub.pending == "unsubscribe":
            await stored.forget(tx, at_hub.id)
            return
        lease = websub.lease_of(lease_seconds)
        next_at = now + timedelta(seconds=websub.renew_after(lease))
        granted = {"lease_until": now + timedelta(seconds=lease), "next_at": next_at, "pending": "", "problem": ""}
        await stored.save(tx, at_hub.id, attempts=0, **granted)

    async def _denied(self, tx: Transaction, at_hub: AtHub, reason: str, now: datetime) -> None:
        """Anybody may say so: it counts where a request is open, and calls for a request where none is."""
        metrics.websub.labels(at_hub.source_id, "denied").inc()
        self._desk.hubs.set()
        if at_hub.pending != "subscribe":
            await _doubt(tx, at_hub, now)
            return
        problem = f"the hub denies it: {reason[:200]}" if reason else "the hub denies it"
        denied = {"pending": "", "lease_until": None, "problem": problem, "next_at": now + DENIED_FOR}
        await stored.save(tx, at_hub.id, **denied)
        log.warning("a hub denies a subscription", source=at_hub.source_id, reason=reason[:200])

    async def expects(self, source_id: str) -> bool | None:
        """Whether hubs may send something for this source; None where that has ended."""
        async with self._desk.database.read() as connection:
            there = await stored.of_source(connection, source_id)
        if any(one.wanted for one in there):
            return any(_is_granted(one, self._desk.now()) for one in there)
        return None if there else False

    async def take(self, source_id: str, signature: str, links: Sequence[str], body: bytes, charset: str) -> None:
        """One document that was sent. What is not signed, or of another topic, has no effect; nobody is told."""
        async with self._turns[source_id]:
            outcome = await self._take(source_id, signature, links, Document(source_id, body, charset))
        metrics.websub.labels(source_id, outcome).inc()

    async def _take(self, source_id: str, signature: str, links: Sequence[str], sent: Document) -> str:
        desk = self._desk
        async with desk.database.read() as connection:
            watched = await watched_sources.one(connection, source_id)
            there = [one for one in await stored.of_source(connection, source_id) if _is_granted(one, desk.now())]
        if watched is None or watched.paused or not watched.read_once or not there:
            return "ended"
        (at_hub, *_) = there
        if not websub.is_signed(signature, sent.body, at_hub.secret):
            log.warning("what a hub sent is not signed as agreed", source=source_id)
            return "unsigned"
        if websub.topic_of(links, sent.body, at_hub.topic) not in ("", at_hub.topic):
            log.warning("a hub sent another topic", source=source_id)
            return "other-topic"
        try:
            new = await take_push(desk, watched, Document(at_hub.topic, sent.body, sent.charset))
        except SourceError as error:
            log.warning("what a hub sent cannot be read", source=source_id, problem=str(error))
            return "unreadable"
        if at_hub.missed:
            async with desk.database.write() as tx:
                await stored.save(tx, at_hub.id, missed=0)
        return "news" if new else "nothing-new"


def _is_granted(at_hub: AtHub, now: datetime) -> bool:
    return at_hub.wanted and at_hub.lease_until is not None and now < at_hub.lease_until + GRACE
