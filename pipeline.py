"""The story of one post, from its publisher to the chats. The only place where the parts meet.

    poll     what is due → fetch → parse → what is new → condense → one transaction: seen, post, alert, open fan-out
    deliver  open fan-out → deliveries → claim (saved as `sending`) → platform → what became of it, saved

The two meet only in the database: either may stop, crash or be slow without the other. Below this file nobody reads
the clock.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

import httpx
import structlog

import delivery
import metrics
import reader
import stories
from config.settings import Settings
from delivery import CannotLook, Next, Pace, Sender
from errors import SourceError
from models import Chat, ChatGone, Moved, Parcel, Post, Refused, SendResult, Sent, Source, TryLater, Unknown
from reader import Parsed, Reading
from sources import kinds
from sources.documents import Document, Fetched, Unchanged
from storage import archive, chats, ledger, search
from storage import sources as watched_sources
from storage.archive import NewStory, StoryState
from storage.database import Database, DatabaseTrouble, Transaction
from storage.sources import Watched
from stories import Verdict
from worker import OffTheLoop, in_a_thread

log = structlog.get_logger()

POLLS_AT_ONCE = 16
LARGE_AT_ONCE = 1
PLAN_CHUNK = 2000
LEASE = timedelta(seconds=30)
FINISH = 3.0
EARLY = 0.05
"""A poll may come up to a tenth of its interval early, never late (docs/architecture.md, "Politeness")."""
LONGEST_BACK_OFF = 3600.0


@dataclass(slots=True)
class Desk:
    """What the two loops share. `now` is the clock; `look` and `send` wake the loops, each second at the latest.

    `off_the_loop` is where strangers' documents are read: worker processes, for all that may come from outside.
    `large` is held from a large body's arrival until it is dealt with: there is memory for `LARGE_AT_ONCE`.
    """

    database: Database
    http: httpx.AsyncClient
    settings: Settings
    senders: Mapping[str, Sender]
    now: Callable[[], datetime]
    owner: str
    look: asyncio.Event = field(default_factory=asyncio.Event)
    send: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    polled: asyncio.Event = field(default_factory=asyncio.Event)
    off_the_loop: OffTheLoop = in_a_thread
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_AT_ONCE))

    async def let_in_again(self, chat: Chat) -> None:
        """A chat whose door was closed to us is open again: what has grown too old meanwhile is dropped."""
        now = self.now()
        async with self.database.write() as tx:
            chat_id = await chats.resume(tx, chat)
            if chat_id is not None:
                expired = now - timedelta(seconds=self.settings.delivery.expire_after)
                await ledger.drop_waiting(tx, chat_id, "expired", created_before=expired)
        self.send.set()


# ---------------------------------------------------------------------------------------------------------- polling


async def poll_forever(desk: Desk) -> None:
    """Read every source when its time has come, each in a task of its own, until the desk stops."""
    under_way: dict[str, asyncio.Task[None]] = {}
    while not desk.stopping.is_set():
        desk.look.clear()
        under_way = {one: task for one, task in under_way.items() if not task.done()}
        async with desk.database.read() as connection:
            due = await watched_sources.due(connection, desk.now(), POLLS_AT_ONCE + len(under_way))
            next_due = await watched_sources.next_due(connection, desk.now())
        for watched in due:
            if watched.source.id not in under_way and len(under_way) < POLLS_AT_ONCE:
                task = asyncio.create_task(_poll_and_wake(desk, watched))
                under_way[watched.source.id] = task
        desk.polled.set()
        until = None if next_due is None else max(0.01, (next_due - desk.now()).total_seconds())
        await _woken(desk.look, desk.stopping, seconds=until)
    for task in under_way.values():
        task.cancel()
    await asyncio.gather(*under_way.values(), return_exceptions=True)


async def _poll_and_wake(desk: Desk, watched: Watched) -> None:
    try:
        await poll(desk, watched)
    except Exception:
        # A defect in one source must not end the loop for all; it is tried again at its next time.
        log.exception("poll failed", source=watched.source.id)
        await _note_failure(desk, watched, SourceError("defect", "Sokbo could not read it: see the log"))
    desk.look.set()
    desk.send.set()


async def poll(desk: Desk, watched: Watched) -> int:
    """One read of one source; returns how many posts were new. What goes wrong is noted at the source."""
    async with AsyncExitStack() as held:
        return await _poll(desk, watched, partial(held.enter_async_context, desk.large))


async def _poll(desk: Desk, watched: Watched, large: Callable[[], Awaitable[object]]) -> int:
    started = desk.now()
    with metrics.poll_seconds.time():
        try:
            fetched = await kinds.fetch(
                desk.http,
                watched.source,
                watched.validators,
                desk.settings.fetch,
                trusted=watched.from_file,
                large=large,
            )
            parsed = list[Parsed]()
            if isinstance(fetched, Fetched):
                parsed = await parse(desk, watched.source, fetched.documents)
                fetched = replace(fetched, documents=())  # read, and large
            readings = await _condense_what_is_new(desk, watched.source, parsed)
        except SourceError as error:
            await _note_failure(desk, watched, error)
            return 0
    new = await _commit(desk, watched, readings, fetched, started)
    outcome = "unchanged" if isinstance(fetched, Unchanged) else "changed" if readings else "nothing-new"
    metrics.polls.labels(watched.source.id, outcome).inc()
    return new


async def parse(desk: Desk, source: Source, documents: tuple[Document, ...]) -> list[Parsed]:
    """The posts of the documents, oldest first. Raises SourceError."""
    parsed = []
    for portion in reader.portions(source, documents):
        parsed += await desk.off_the_loop(reader.parse, source, portion)
    return reader.in_order(source, parsed)


async def _condense_what_is_new(desk: Desk, source: Source, parsed: list[Parsed]) -> list[Reading]:
    """Condense only what this source has not shown before in this form."""
    if not parsed:
        return []
    async with desk.database.read() as connection:
        known = await archive.seen_of(connection, source.id, [post.key for post, _ in parsed])
    remembered = {key: seen.fingerprint for key, seen in known.items()}
    new = [(post, fingerprint) for post, fingerprint in parsed if remembered.get(post.key) != fingerprint]
    return await read_closely(desk, source, new)


async def read_closely(desk: Desk, source: Source, parsed: list[Parsed]) -> list[Reading]:
    """Condense posts, a few at a time."""
    condense, readings = desk.settings.condense, list[Reading]()
    for start in range(0, len(parsed), reader.POSTS_AT_ONCE):
        some = parsed[start : start + reader.POSTS_AT_ONCE]
        readings += await desk.off_the_loop(reader.read_closely, some, condense.bullets, condense.bullet_chars, source)
    for one in readings:
        if one.condensed.fallback:
            metrics.condense_fallbacks.labels(source.id).inc()
            log.warning("condense fell back to title and link", source=source.id, key=one.post.key)
    return readings


async def _commit(
    desk: Desk,
    watched: Watched,
    readings: list[Reading],
    fetched: Fetched | Unchanged,
    started: datetime,
) -> int:
    """All that a read changed, in one transaction: nothing is seen that is not owed, nothing owed twice."""
    now = desk.now()
    interval = _next_interval(desk, watched, any_new=bool(readings))
    wait = _wait(watched.source, interval, fetched.fresh_for)
    async with desk.database.write() as tx:
        settling = Settling(desk, tx, watched.source, now)
        await settling.settle(readings, _loud(watched, readings))
        results = settling.results
        await watched_sources.saved(
            tx,
            watched.source.id,
            now=now,
            next_at=max(now, started + timedelta(seconds=wait)),
            interval=int(interval),
            validators=dict(fetched.validators) if isinstance(fetched, Fetched) else None,
            any_new=Verdict.NEW in results or Verdict.JOINS in results,
        )
    for result, count in results.items():
        metrics.posts.labels(watched.source.id, result.value).inc(count)
    if watched.problem:
        log.info("source is back", source=watched.source.id)
    return results[Verdict.NEW] + results[Verdict.JOINS]


def _loud(watched: Watched, readings: list[Reading]) -> range:
    """Which readings are sent: all, but on the first successful read only the newest `first_read`."""
    first = max(0, len(readings) - watched.source.first_read) if not watched.read_once else 0
    return range(first, len(readings))


class Settling:
    """Decides what each post of one read is, in order, and saves that with all that follows from it.

    New stories are written together, since most posts are new; a post that names a story still unwritten makes it be
    written first.
    """

    def __init__(self, desk: Desk, tx: Transaction, source: Source, now: datetime) -> None:
        self.results: Counter[Verdict] = Counter()
        self._desk = desk
        self._tx = tx
        self._source = source
        self._now = now
        self._by_link: dict[str, StoryState] = {}
        self._unwritten: list[tuple[Reading, NewStory]] = []
        self._shown: list[tuple[str, str, int]] = []

    async def settle(self, readings: list[Reading], loud: range) -> None:
        """Settle all posts of the read; those whose number is in `loud` are sent."""
        known = await archive.seen_of(self._tx, self._source.id, [reading.post.key for reading in readings])
        links = [link for reading in readings for link in stories.story_links(reading.post)]
        self._by_link = await archive.stories_by_link(self._tx, links)
        for number, reading in enumerate(readings):
            await self._settle_one(reading, known.get(reading.post.key), loud=number in loud)
        await self._write_new()
        await archive.remember(self._tx, self._source.id, self._shown)

    async def _settle_one(self, reading: Reading, seen: archive.Seen | None, *, loud: bool) -> None:
        post = reading.post
        links = stories.story_links(post)
        if any(link in new.links for _, new in self._unwritten for link in links):
            await self._write_new()
        story, by_original = await self._find_story(post, seen, links)
        verdict = stories.judge(
            source_id=self._source.id,
            names_original=by_original,
            seen_fingerprint=seen.fingerprint if seen else None,
            fingerprint_now=reading.fingerprint,
            story_sources=story.source_ids if story else None,
        )
        self.results[verdict] += 1
        if verdict is Verdict.NEW:
            topics = self._source.topics or post.categories
            new = NewStory(post, reading.condensed, self._source.name, topics, links, planned=loud)
            self._unwritten.append((reading, new))
            return
        if story is not None and verdict is Verdict.JOINS:
            await self._join(reading, story, loud=loud)
        elif story is not None and verdict is Verdict.CHANGED:
            await self._change(reading, story)
        self._shown.append((post.key, reading.fingerprint, story.alert_id if story else 0))

    async def _find_story(
        self, post: Post, seen: archive.Seen | None, links: tuple[str, ...]
    ) -> tuple[StoryState | None, bool]:
        """The story a post belongs to: by its key if that was seen, else by its links."""
        if seen is not None:
            return await archive.story_of_alert(self._tx, seen.alert_id), False
        original = stories.link_key(post.original_link)
        for link in links:
            if link in self._by_link:
                return self._by_link[link], link == original
        return None, False

    async def _write_new(self) -> None:
        new = [story for _, story in self._unwritten]
        opened = await archive.open_stories(self._tx, new, self._now)
        written = list(zip(self._unwritten, opened, strict=True))
        await search.add(self._tx, [(state.alert_id, reading.tokens) for (reading, _), state in written])
        await archive.open_fanouts(self._tx, [state.alert_id for state in opened if state.planned])
        for (reading, story), state in written:
            self._shown.append((story.post.key, reading.fingerprint, state.alert_id))
            for link in story.links:
                self._by_link.setdefault(link, state)
        self._unwritten = []

    async def _join(self, reading: Reading, story: StoryState, *, loud: bool) -> None:
        """One more source has the story: the alert names it, and who has not got the alert may get it now."""
        await archive.join(self._tx, story, self._source.id, self._source.name, self._now, planned=loud)
        await archive.keep_posts(self._tx, [(reading.post, story.story_id)], self._now)
        if self._desk.settings.delivery.duplicates == "edit":
            await archive.show_everywhere(self._tx, story.alert_id, story.version + 1)
        if loud:
            await archive.open_fanouts(self._tx, [story.alert_id])
        await self._read_again(story)

    async def _change(self, reading: Reading, story: StoryState) -> None:
        """The source says its own story anew: where a reader would see a difference, messages are edited."""
        await archive.keep_posts(self._tx, [(reading.post, story.story_id)], self._now)
        await search.replace(self._tx, story.alert_id, reading.tokens)
        if await archive.change(self._tx, story, reading.post, reading.condensed, self._now):
            await archive.show_everywhere(self._tx, story.alert_id, story.version + 1)
            await self._read_again(story)

    async def _read_again(self, story: StoryState) -> None:
        now = await archive.story_of_alert(self._tx, story.alert_id)
        for link, known in self._by_link.items():
            if known.alert_id == story.alert_id and now is not None:
                self._by_link[link] = now


def _next_interval(desk: Desk, watched: Watched, *, any_new: bool) -> float:
    """Adaptive, for a source without `every`: the shortest after news, half as long again after nothing."""
    fetch = desk.settings.fetch
    if watched.source.every is not None:
        return watched.source.every
    return fetch.min_every if any_new else min(fetch.max_every, max(fetch.min_every, watched.interval * 1.5))


def _wait(source: Source, interval: float, fresh_for: float | None) -> float:
    """Seconds to the next read: `every` as set, a little early; adaptive ones obey the publisher's hint."""
    if source.every is not None:
        return interval * (1 - EARLY)
    return max(interval, min(fresh_for or 0.0, LONGEST_BACK_OFF))


async def _note_failure(desk: Desk, watched: Watched, error: SourceError) -> None:
    """The source is tried again later: sooner when it was the first time, as late as it asks when it asks."""
    now = desk.now()
    base = watched.source.every or desk.settings.fetch.min_every
    back_off = min(max(base, LONGEST_BACK_OFF), base * 2.0 ** min(watched.failures, 10))
    wait = max(error.retry_after or 0.0, back_off * random.uniform(0.9, 1.1))  # noqa: S311, jitter
    async with desk.database.write() as tx:
        await watched_sources.failed(
            tx, watched.source.id, now=now, next_at=now + timedelta(seconds=wait), problem=str(error)
        )
        if error.reason == "http-410":
            await watched_sources.pause(tx, watched.source.id, paused=True, now=now)
    metrics.polls.labels(watched.source.id, error.reason).inc()
    log.warning("source cannot be read", source=watched.source.id, reason=error.reason, problem=str(error))


# --------------------------------------------------------------------------------------------------------- delivering


@dataclass(slots=True)
class Call:
    """A call to a platform under way."""

    parcel: Parcel
    kind: Literal["send", "edit", "look_up"]


Answer = SendResult | delivery.LookUp


async def deliver_forever(desk: Desk) -> None:
    """Bring every owed alert to its chat until the desk stops; calls under way may then still end for a moment."""
    dispatcher = Dispatcher(desk)
    await dispatcher.take_over()
    while not desk.stopping.is_set():
        desk.send.clear()
        await dispatcher.turn()
        await _woken(desk.send, desk.stopping, seconds=dispatcher.next_slot())
    await dispatcher.finish()


class Dispatcher:
    """At most one call a chat at a time, all chats beside each other, each account within its rate."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._under_way: dict[asyncio.Task[Answer], Call] = {}
        self._unsaved: list[tuple[Call, Answer]] = []
        self._renewed = desk.now()
        self._paces = {("send", name): Pace(sender.per_second) for name, sender in desk.senders.items()}
        self._paces |= {("edit", name): Pace(sender.edits_per_second) for name, sender in desk.senders.items()}

    async def take_over(self) -> None:
        """Calls of earlier owners, who are dead, have no answer: they are settled before their chats get more."""
        now = self._desk.now()
        looked_up = {name: now + delivery.LOOK_UP_AFTER for name, one in self._desk.senders.items() if one.can_look}
        async with self._desk.database.write() as tx:
            lapsed = await ledger.lapse(tx, owner=self._desk.owner, now=now, looked_up=looked_up)
        if lapsed:
            log.warning("calls without an answer from before the start", count=lapsed)

    async def turn(self) -> None:
        """Save what became of the calls that ended, and start those that may start now."""
        now = self._desk.now()
        self._unsaved += [(self._under_way.pop(task), task.result()) for task in [*self._under_way] if task.done()]
        try:
            started = await self._save_and_claim(now)
            self._unsaved = []
        except DatabaseTrouble:
            # A full disk or a long lock: what the platforms answered is kept here until it can be saved.
            log.exception("the ledger cannot be written")
            return
        for call in started:
            task = asyncio.create_task(_call(self._desk, call))
            task.add_done_callback(lambda _: self._desk.send.set())
            self._under_way[task] = call
            if call.kind != "look_up":
                self._paces[call.kind, call.parcel.chat.platform].take(1, now)

    async def _save_and_claim(self, now: datetime) -> list[Call]:
        """One transaction: outcomes saved, what is planned owed, what may start claimed."""
        desk = self._desk
        ready = {name for name, sender in desk.senders.items() if sender.ready}
        room = {kind: {name: self._paces[kind, name].room(now) for name in ready} for kind in ("send", "edit")}
        busy = {call.parcel.delivery.chat_id for call in self._under_way.values()}
        async with desk.database.write() as tx:
            for call, answer in self._unsaved:
                await _save(desk, tx, call, answer, now)
            if now - self._renewed > LEASE / 3:
                await ledger.renew(tx, desk.owner, now + LEASE)
                self._renewed = now
            if await plan(tx, now):
                desk.send.set()
            until = now + LEASE
            sends = await ledger.claim(tx, owner=desk.owner, lease_until=until, now=now, room=room["send"], busy=busy)
            busy |= {parcel.delivery.chat_id for parcel in sends}
            looks = await ledger.unsettled(tx, now=now, ready=ready, busy=busy)
            busy |= {parcel.delivery.chat_id for parcel in looks}
            edits = await ledger.stale(tx, now=now, room=room["edit"], busy=busy)
        return [
            *(Call(parcel, "send") for parcel in sends),
            *(Call(parcel, "look_up") for parcel in looks),
            *(Call(parcel, "edit") for parcel in edits),
        ]

    def next_slot(self) -> float | None:
        """Seconds until a paced account may go on; None when none waits."""
        now = self._desk.now()
        waits = [(pace.free_at(now) - now).total_seconds() for pace in self._paces.values()]
        return min((wait for wait in waits if wait > 0), default=None)

    async def calls_end(self, seconds: float | None = None) -> None:
        """Wait until the calls under way have ended, or so long."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)

    async def finish(self) -> None:
        """Let calls under way end for a moment and save how they did; the rest stays `sending` for the next start."""
        await self.calls_end(FINISH)
        ended = [(call, task.result()) for task, call in self._under_way.items() if task.done()]
        now = self._desk.now()
        async with self._desk.database.write() as tx:
            for call, answer in [*self._unsaved, *ended]:
                await _save(self._desk, tx, call, answer, now)
        late = [task for task in self._under_way if not task.done()]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def plan(tx: Transaction, now: datetime) -> bool:
    """Fill in one chunk of the oldest open fan-out; says whether anything is left to plan."""
    fanout = await ledger.next_fanout(tx)
    if fanout is None:
        return False
    subscribed = await chats.subscribed_after(tx, fanout.cursor, PLAN_CHUNK)
    owed = delivery.plan(fanout.alert, fanout.source_ids, subscribed)
    last = subscribed[-1][0] if len(subscribed) == PLAN_CHUNK else None
    await ledger.fill(tx, fanout, owed, now, cursor=last)
    return True


async def _call(desk: Desk, call: Call) -> Answer:
    """One call to a platform. A defect in an adapter counts as unknown: the call may have left."""
    sender = desk.senders[call.parcel.chat.platform]
    try:
        match call.kind:
            case "send":
                return await sender.send(call.parcel)
            case "edit":
                return await sender.edit(call.parcel)
            case _:
                async with desk.database.read() as connection:
                    called_at = await ledger.called_at(connection, call.parcel.delivery.id)
                if called_at is None or not sender.can_look:
                    return CannotLook()
                return await sender.look_up(call.parcel, called_at)
    except Exception:
        log.exception("an adapter raised", platform=call.parcel.chat.platform, kind=call.kind)
        return CannotLook() if call.kind == "look_up" else Unknown("adapter failed")


async def _save(desk: Desk, tx: Transaction, call: Call, result: Answer, now: datetime) -> None:
    """Save what became of a call, and tell the metrics."""
    parcel, sender = call.parcel, desk.senders[call.parcel.chat.platform]
    version = parcel.alert.version
    match call.kind, result:
        case "look_up", delivery.Found() | delivery.NotThere() | CannotLook():
            on_unknown = desk.settings.delivery.on_unknown
            step = delivery.settle(parcel.delivery, result, version, now, on_unknown=on_unknown)
        case "send", Sent() | TryLater() | Moved() | ChatGone() | Refused() | Unknown():
            step = delivery.after(parcel.delivery, result, version, now, can_look=sender.can_look)
        case "edit", Sent() | TryLater() | Moved() | ChatGone() | Refused() | Unknown():
            step = delivery.after_edit(parcel.delivery, result, version, now)
        case _:
            raise AssertionError(f"{call.kind} cannot end with {result}")
    await _apply(tx, parcel, step, unknown=call.kind == "send" and isinstance(result, Unknown))
    _measure(call, result, now)


async def _apply(tx: Transaction, parcel: Parcel, step: Next, *, unknown: bool) -> None:
    await ledger.save(tx, parcel.delivery.id, step.values, unknown=unknown)
    if step.hold_until is not None:
        await chats.hold(tx, parcel.delivery.chat_id, step.hold_until)
    if step.pause:
        await chats.pause(tx, parcel.delivery.chat_id, step.pause)
        log.warning("chat is closed to us", platform=parcel.chat.platform, chat=parcel.chat.id, reason=step.pause)
    if step.move_to is not None:
        chat_id = await chats.move(tx, parcel.delivery.chat_id, step.move_to)
        if chat_id != parcel.delivery.chat_id:
            await ledger.hand_over(tx, parcel.delivery.chat_id, chat_id)


def _measure(call: Call, result: Answer, now: datetime) -> None:
    platform, alert = call.parcel.chat.platform, call.parcel.alert
    outcome = type(result).__name__.lower()
    metrics.deliveries.labels(platform, outcome if call.kind == "send" else f"{call.kind}_{outcome}").inc()
    if isinstance(result, TryLater) and result.after is not None:
        metrics.rate_limited.labels(platform).inc()
    if isinstance(result, Refused):
        log.error("refused", platform=platform, alert=alert.id, kind=call.kind, reason=result.reason)
    if call.kind == "send" and isinstance(result, Sent):
        metrics.delivery_seconds.observe((now - alert.created).total_seconds())
        if alert.published is not None and not alert.date_only:
            metrics.publish_to_alert_seconds.labels(platform).observe((now - alert.published).total_seconds())


async def _woken(wake: asyncio.Event, stopping: asyncio.Event, *, seconds: float | None) -> None:
    """Wait for a wake-up (the scheduler's tick is one), for the end, or for so many seconds."""
    waiting = [asyncio.create_task(event.wait()) for event in (wake, stopping)]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
