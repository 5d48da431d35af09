"""The story of one post, from its publisher to the chats. The only place where the parts meet.

    poll     what is due → fetch → parse → what is new → condense → ask the model, where there is one
             → one transaction: seen, post, alert, open fan-out
    deliver  open fan-out → deliveries → alone, or many as a round-up → claim (saved as `sending`) → platform
             → what became of it, saved

The two meet only in the database: either may stop, crash or be slow without the other. Below this file nobody reads
the clock.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Container, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

import httpx
import structlog

import delivery
import metrics
import reader
import stories
from config.settings import Settings
from delivery import CannotLook, Limits, Next, Sender
from errors import SourceError
from locales import say
from models import (
    Button,
    Chat,
    ChatGone,
    ChatSettings,
    Condensed,
    Delivery,
    Kind,
    Known,
    Listener,
    Moved,
    Outgoing,
    Parcel,
    Post,
    Refused,
    Roundup,
    SendResult,
    Sent,
    Source,
    Status,
    TryLater,
    Unknown,
    Urgency,
)
from reader import Parsed, Reading
from sources import fetch, kinds, schedule, troubles
from sources.documents import Document, Fetched, Unchanged
from sources.raw import pack
from storage import (
    access,
    archive,
    bigrams,
    chats,
    held,
    ledger,
    notices,
    postponed,
    raw,
    search,
    subscriptions,
    websub,
)
from storage import sources as watched_sources
from storage.access import Admin
from storage.archive import NewStory, Shown, StoryState
from storage.chats import KnownChat, columns_of
from storage.database import Database, DatabaseTrouble, Transaction
from storage.held import HeldPost
from storage.postponed import Holding
from storage.sources import Watched
from stories import Verdict, identity
from worker import OffTheLoop, in_a_thread

log = structlog.get_logger()

POLLS_AT_ONCE = 32
DUE_AT_ONCE = 100
LARGE_AT_ONCE = 1
LOOKS_APART = 0.05
"""Seconds between two looks for what is due, where nobody asks for one."""
PLAN_CHUNK = 5000
PLAN_ALERTS = 100
PLAN_WEIGHED = 250
"""Of one transaction of the planner: at most so many chats looked at, and so many alerts. The wishes of so many chats
are weighed at a time, since that is done on the loop."""
RELEASE_CHATS = 100
AT_ONCE = 256
"""At most so many calls of a platform are under way, however fast it may go: what it answers late stays in the line."""
GATHERS = timedelta(milliseconds=40)
LOOKS_ROUND = timedelta(milliseconds=200)
MANY_CALLS, RECENTLY = 10, timedelta(milliseconds=200)
"""While so many calls start in so short a time, a turn of the dispatcher waits for what ends and what may start within
the first of these times, since it costs about as much for thirty calls as for one; and looks for all that is no alert
in line, which is mostly nothing, no more often than the second says."""
LEASE = timedelta(seconds=30)
KNOCK_EVERY = timedelta(seconds=10)
MISSED_IN_VAIN = 2
"""So many reads in a row may find what a hub did not send; after that it is not relied on."""
FORGOTTEN = timedelta(minutes=10)
TELL_AFTER = timedelta(days=1)
"""So long a source may fail before the admins hear of it."""
MOVED_IN_VAIN = 2
"""So many failures in a row at the place to which a source moved may pass; after that its old place is tried."""

Improve = Callable[[Sequence[tuple[Post, Condensed]], tuple[str, ...]], Awaitable[list[Condensed]]]
"""Better bullets for some posts of a source with this boilerplate, or the same; within a deadline, never raising."""


class KnownEntries:
    """What the entries of each feed's newest document are known by (`reader.Changes`), as far as `most` bytes reach:
    those that were read longest ago go first, and are read as a whole next time. It saves work and decides nothing."""

    def __init__(self, most: int = 50_000_000) -> None:
        self._most = most
        self._size = 0
        self._by_source: dict[str, bytes] = {}

    def of(self, source_id: str) -> bytes:
        return self._by_source.get(source_id, b"")

    def keep(self, source_id: str, known: bytes) -> None:
        self._size += len(known) - len(self._by_source.pop(source_id, b""))
        self._by_source[source_id] = known
        while self._size > self._most:
            self._size -= len(self._by_source.pop(next(iter(self._by_source))))


@dataclass(slots=True)
class Desk:
    """What the loops share. `now` is the clock; `look`, `send` and `tell` (notices.py) wake them, each second at the
    latest.

    `patience`: the seconds that calls under way have to end in when it stops.
    `improve` is the optional model.
    `off_the_loop` is where strangers' documents are read: worker processes, for all that may come from outside.
    `large` is held from a large body's arrival until it is dealt with: there is memory for `LARGE_AT_ONCE`.
    `looking`: the sources that are being read, each with the ask (`wake`) that this read is to answer; those of
    `look_again` were asked for since. `hubs` wakes who subscribes at hubs (hubs.py). `settled` counts what was read of
    each source: a document that another one overtook is not settled, or an alert would go back to what it was.
    `known`: the entries that need not be read again.
    `claimed`: the admins beside those of the configuration. `limits`: how often who asked of late.
    """

    database: Database
    http: httpx.AsyncClient
    settings: Settings
    senders: Mapping[str, Sender]
    now: Callable[[], datetime]
    owner: str
    improve: Improve | None = None
    look: asyncio.Event = field(default_factory=asyncio.Event)
    send: asyncio.Event = field(default_factory=asyncio.Event)
    tell: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    polled: asyncio.Event = field(default_factory=asyncio.Event)
    off_the_loop: OffTheLoop = in_a_thread
    patience: float = 3.0
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_AT_ONCE))
    looking: dict[str, datetime | None] = field(default_factory=dict)
    look_again: set[str] = field(default_factory=set)
    hubs: asyncio.Event = field(default_factory=asyncio.Event)
    settled: Counter[str] = field(default_factory=Counter)
    known: KnownEntries = field(default_factory=KnownEntries)
    claimed: set[Admin] = field(default_factory=set)
    limits: Limits = field(default_factory=Limits)
    version: str = ""
    started: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.now()

    async def wake(self, source_id: str) -> None:
        """Have a source read at once. However often it is asked for: one read at a time, and one more after it."""
        async with self.database.read() as connection:
            if not await self._is_to_be_asked(connection, source_id):
                return
        async with self.database.write() as tx:
            if await self._is_to_be_asked(tx, source_id):
                await watched_sources.ask(tx, source_id, self.now())
        if source_id in self.looking:
            self.look_again.add(source_id)
        self.look.set()

    async def _is_to_be_asked(self, connection: Transaction, source_id: str) -> bool:
        """Whether no read is to come yet that begins after now."""
        watched = await watched_sources.one(connection, source_id)
        if watched is None or watched.paused:
            return False
        return watched.asked_at is None or self.looking.get(source_id) == watched.asked_at

    def has_admin(self, platform: str) -> bool:
        """Whether anybody may do the desk's work from this platform."""
        configured = {"telegram": self.settings.telegram.admins, "slack": self.settings.slack.admins}
        return bool(configured.get(platform)) or any(one.platform == platform for one in self.claimed)

    def is_admin(self, chat: Chat, user: str) -> bool:
        """Whether the person is an admin of the bot, by the configuration or by a claim."""
        if Admin(chat.platform, chat.account, user) in self.claimed:
            return True
        of = self.settings
        return user in (*map(str, of.telegram.admins), *of.slack.admins) or f"{chat.account}:{user}" in of.slack.admins

    async def let_in_again(self, chat: Chat, by: str = "") -> None:
        """A chat whose door was closed to us is open again, with all its threads, and gets what it is owed. `by`: who
        opened it; where that is an admin, a closed bot lets the chat in."""
        async with self.database.write() as tx:
            if by and self.is_admin(chat, by):
                await access.admit(tx, chat, self.now())
            for known in await chats.resume(tx, chat):
                await _tell_opened(tx, known, self.now())
        self.send.set()

    async def shut_out(self, chat: Chat, closed: ChatGone) -> None:
        """A chat says that it takes nothing more, before anything was sent there."""
        async with self.database.write() as tx:
            for known in await chats.with_threads(tx, chat):
                if known.subscribed and not known.paused:
                    await _close(self, tx, known, closed)

    async def moved(self, old: Chat, new: Chat) -> None:
        """A chat says that it has a new id."""
        async with self.database.write() as tx:
            for known in await chats.with_threads(tx, old):
                if known.paused != "moved":
                    await _move(tx, known.id, replace(new, thread=known.chat.thread))
                    await _tell_opened(tx, known, self.now())
        self.send.set()


# ---------------------------------------------------------------------------------------------------------- polling


async def poll_forever(desk: Desk) -> None:
    """Read every source when its time has come, each in a task of its own, until the desk stops."""
    await Poller(desk).run()


class Poller:
    """Many sources beside each other, of one host so many as `fetch.per_host` says; the longest overdue first."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._hosts: Counter[str] = Counter()
        self._due: list[Watched] = []
        self._next_due: datetime | None = None
        self._room = asyncio.Event()
        self._looked = -LOOKS_APART

    async def run(self) -> None:
        desk, time = self._desk, asyncio.get_running_loop().time
        while not desk.stopping.is_set():
            self._room.clear()
            if desk.look.is_set() or not self._due or self._until_next() == 0:
                # Reads that end close to each other make room for one look.
                if (early := self._looked + LOOKS_APART - time()) > 0:
                    await woken(desk.look, desk.stopping, seconds=early)
                desk.look.clear()
                self._looked = time()
                await self._look()
            self._start()
            desk.polled.set()
            await woken(desk.look, self._room, desk.stopping, seconds=self._until_next())
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _look(self) -> None:
        """Sources of hosts that are busy stay out, so that one slow host with many sources hides nobody else's."""
        now, per_host = self._desk.now(), self._desk.settings.fetch.per_host
        busy = [host for host, requests in self._hosts.items() if requests >= per_host]
        async with self._desk.database.read() as connection:
            due = await watched_sources.due(
                connection, now, DUE_AT_ONCE, per_host=per_host, busy=busy, under_way=list(self._under_way)
            )
            self._next_due = await watched_sources.next_due(connection, now)
        self._due = due

    def _start(self) -> None:
        left = list[Watched]()
        for watched in self._due:
            host = watched.host
            if watched.source.id in self._under_way:
                continue
            if len(self._under_way) >= POLLS_AT_ONCE or self._hosts[host] >= self._desk.settings.fetch.per_host:
                left.append(watched)
                continue
            self._hosts[host] += 1
            self._under_way[watched.source.id] = asyncio.create_task(self._read(watched, host))
        self._due = left

    async def _read(self, watched: Watched, host: str) -> None:
        """The host is free for the next source as soon as its answer is there."""
        held = [host]

        def answered() -> None:
            if held:
                self._hosts.subtract([held.pop()])
                self._room.set()

        try:
            await _poll_and_wake(self._desk, watched, answered)
        finally:
            answered()
            self._hosts += Counter()  # forgets the hosts that nobody asks
            self._under_way.pop(watched.source.id, None)
            self._room.set()

    def _until_next(self) -> float | None:
        """Seconds until a source becomes due that was not at the last look; None where none is known."""
        if self._next_due is None:
            return None
        return max(0.0, (self._next_due - self._desk.now()).total_seconds())


async def _poll_and_wake(desk: Desk, watched: Watched, answered: Callable[[], None]) -> None:
    try:
        await poll(desk, watched, answered)
    except Exception:
        # A defect in one source must not end the loop for all; it is tried again at its next time.
        log.exception("poll failed", source=watched.source.id)
        await _note_failure(desk, watched, SourceError("defect", "Sokbo could not read it: see the log"))
    desk.send.set()


async def poll(desk: Desk, watched: Watched, answered: Callable[[], None] = lambda: None) -> int:
    """One read of one source; returns how many posts were new. What goes wrong is noted at the source.

    `answered` is called when nothing more is asked of the publisher.
    """
    async with AsyncExitStack() as held:
        held.enter_context(_looking(desk, watched))
        return await _poll(desk, watched, partial(held.enter_async_context, desk.large), answered)


@contextmanager
def _looking(desk: Desk, watched: Watched) -> Iterator[None]:
    desk.looking[watched.source.id] = watched.asked_at
    try:
        yield
    finally:
        del desk.looking[watched.source.id]
        if watched.source.id in desk.look_again:
            desk.look_again.remove(watched.source.id)
            desk.look.set()


async def _poll(
    desk: Desk, watched: Watched, large: Callable[[], Awaitable[object]], answered: Callable[[], None]
) -> int:
    started, before = desk.now(), desk.settled[watched.source.id]
    kept: int | None = None
    with metrics.poll_seconds.time():
        try:
            fetched = await kinds.fetch(
                desk.http,
                watched.source,
                watched.validators,
                desk.settings.fetch,
                trusted=watched.from_file,
                large=large,
                now=started,
                clones=desk.settings.clones,
            )
            answered()
            documents = fetched.documents if isinstance(fetched, Fetched) else ()
            if documents:
                kept = await _keep_raw(desk, watched.source.id, documents)
            news = await _what_is_new_in(desk, watched, documents)
            if isinstance(fetched, Fetched):
                fetched = replace(fetched, documents=())  # read, and large
            del documents
        except SourceError as error:
            if kept is not None:
                await _note_raw(desk, kept, {"problem": str(error), "entries": []})
            await _note_failure(desk, watched, error)
            return 0
    news = replace(news, readings=await _improved(desk, watched, news), kept=kept)
    new = await _commit(desk, watched, news, fetched, started=started, before=before)
    outcome = "unchanged" if isinstance(fetched, Unchanged) else "changed" if news.readings else "nothing-new"
    metrics.polls.labels(watched.source.id, outcome).inc()
    return new


async def parse(desk: Desk, source: Source, documents: tuple[Document, ...]) -> list[Parsed]:
    """The posts of the documents, oldest first. Raises SourceError."""
    parsed = []
    for portion in reader.portions(source, documents):
        parsed += await desk.off_the_loop(reader.parse, source, portion)
    return reader.in_order(source, parsed)


@dataclass(frozen=True, slots=True)
class News:
    """What a read brought that this source had not shown before in this form, the oldest first.

    `keyed_by` names its posts, `repeated` are keys of which there were several. `silent`: a first read, of which only
    the newest few are sent; `old`: keys of what slid into the document from before that. `window` and `oldest` are
    what later reads are compared with. `kept`: the number of the answer, where it is kept to be replayed.
    """

    readings: list[Reading]
    keyed_by: str = ""
    repeated: frozenset[str] = frozenset()
    silent: bool = False
    old: frozenset[str] = frozenset()
    window: list[str] | None = None
    oldest: datetime | None = None
    kept: int | None = None


async def _what_is_new_in(desk: Desk, watched: Watched, documents: tuple[Document, ...]) -> News:
    """What is new in documents as a source offers them. Raises SourceError."""
    source = watched.source
    if source.kind in (Kind.FEED, Kind.WORDPRESS) and documents:
        (document,) = documents
        changes = await desk.off_the_loop(reader.parse_changes, source, document, desk.known.of(source.id))
        desk.known.keep(source.id, changes.known)
        with suppress(_TextIsMissing):
            return await _what_is_new(desk, watched, changes.entries)
    whole = source.kind is not Kind.SITEMAP  # of an index only what changed is read
    return await _what_is_new(desk, watched, await parse(desk, source, documents), whole=whole)


class _TextIsMissing(Exception):  # noqa: N818, it calls for the whole document and tells of no error
    pass


def _with_key(post: Post | Known, key: str) -> Post:
    if isinstance(post, Known):
        raise _TextIsMissing
    return replace(post, key=key)


async def _what_is_new(
    desk: Desk, watched: Watched, parsed: Sequence[tuple[Post | Known, str]], *, whole: bool = True
) -> News:
    """Give the posts their keys, and condense those that are new or changed. `whole`: they are all that the source
    shows, and not only what a hub sent. Raises _TextIsMissing where one of them is known and not as it was settled."""
    silent = not watched.read_once
    if not parsed:
        return News([], silent=silent)
    source, posts = watched.source, [post for post, _ in parsed]
    feed = any(post.digest for post in posts)
    chosen = watched.keyed_by or (identity.choice(posts) if feed else "")
    names = [identity.name_of(post, chosen) for post in posts]
    async with desk.database.read() as connection:
        known = await archive.seen_of(connection, source.id, identity.candidates(names))
        identified = identity.identify(
            names, {key: identity.Named(seen.apart, seen.repeated) for key, seen in known.items()}
        )
        on_hold = await held.fingerprints(connection, source.id, identified.keys)
    remembered = {**{key: seen.fingerprint for key, seen in known.items()}, **on_hold}
    under_key = dict(zip(identified.keys, parsed, strict=True))
    new = [
        (_with_key(post, key), fingerprint)
        for key, (post, fingerprint) in under_key.items()
        if remembered.get(key) != fingerprint
    ]
    # Another address may be another feed: where nothing of it is known, it begins as every source does.
    strange = fetch.at_a_new_address(watched.validators) and not known
    silent = silent or strange
    dates = [post.published for post in posts]
    oldest = min((at for at in dates if at is not None), default=None) if feed and silent and all(dates) else None
    before = watched.validators.get("window", ())
    old = (
        identity.slid_in(posts, identified.keys, known, before, watched.oldest)
        if whole and not silent
        else frozenset[str]()
    )
    window = identity.window(identified.keys) if feed and whole else None
    if source.full_text:
        first = max(0, len(new) - source.first_read) if silent else 0
        loud = [number for number, (post, _) in enumerate(new) if number >= first and post.key not in {*known, *old}]
        new = await _with_full_texts(desk, watched, new, remembered, loud)
    readings = await read_closely(desk, source, new)
    return News(readings, chosen, identified.repeated, silent, old, window, oldest)


async def _with_full_texts(
    desk: Desk, watched: Watched, new: list[Parsed], known: Mapping[str, str], wanted: list[int]
) -> list[Parsed]:
    """The texts of the articles in place of teasers, of the posts whose number is `wanted`: asked for at most once a
    post, all of a read within the time that one document may take. Without them the teaser stays."""
    async with desk.database.read() as connection:
        kept = await archive.posts_of(connection, watched.source.id, [post.key for post, _ in new if post.key in known])
    texts = [
        (reader.keep_full_text(post, kept[post.key], known[post.key]) if post.key in kept else post, fingerprint)
        for post, fingerprint in new
    ]
    try:
        async with asyncio.timeout(desk.settings.fetch.timeout):
            for number in wanted:
                post, fingerprint = texts[number]
                texts[number] = (await _full_text(desk, watched, post), fingerprint)
    except TimeoutError:
        log.info("not all articles came in time", source=watched.source.id)
    return texts


async def _full_text(desk: Desk, watched: Watched, post: Post) -> Post:
    """The post with the text of its article; as it is, where that is no teaser or the article cannot be read."""
    if not post.link or not reader.is_teaser(post):
        return post
    ask = fetch.Fetching(desk.http, desk.settings.fetch, trusted=watched.from_file)
    try:
        answer = await ask(post.link, {}, beside=watched.source.url)
        assert isinstance(answer, Fetched), "without validators there is no 304"
        await _keep_raw(desk, watched.source.id, answer.documents, "article", post.link)
        return await desk.off_the_loop(reader.with_full_text, watched.source, post, answer.documents[0])
    except SourceError as error:
        log.info("article cannot be read", source=watched.source.id, key=post.key, problem=str(error))
        return post


async def _keep_raw(
    desk: Desk, source_id: str, documents: Sequence[Document], how: raw.How = "read", url: str = ""
) -> int | None:
    """Keep an answer as it came, where the settings say so; returns its number. News never waits for a full disk."""
    limits = desk.settings.fetch
    if not limits.keep_raw:
        return None
    packed = await asyncio.to_thread(pack, documents)
    if packed is None:
        log.info("answer is too large to be kept", source=source_id)
        return None
    caps = raw.Caps(limits.keep_raw, limits.keep_raw_bytes)
    try:
        async with desk.database.write() as tx:
            return await raw.keep(tx, raw.Answer(source_id, desk.now(), how, packed.body, packed.digest, url), caps)
    except DatabaseTrouble:
        log.exception("answer cannot be kept", source=source_id)
        return None


async def _note_raw(desk: Desk, number: int, what: Mapping[str, Any]) -> None:
    async with desk.database.write() as tx:
        await raw.decided(tx, number, what)


def _decided(watched: Watched, news: News, settling: "Settling") -> dict[str, Any]:
    """What is remembered of what became of an answer's entries: the words of what was sent, of the rest its keys."""
    loud, entries = _loud(watched, news), list[dict[str, Any]]()
    for number, one in enumerate(news.readings):
        verdict = settling.verdicts.get(one.post.key)
        word = WORDS_OF_VERDICTS[verdict] if verdict else "held"
        word = "old" if verdict is Verdict.NEW and number not in loud else word
        made = one.condensed
        words = {"headline": made.headline, "bullets": list(made.bullets), "link": made.link}
        entries.append({"key": one.post.key, "verdict": word, **(words if word not in ("old", "known") else {})})
    return {"silent": news.silent, "entries": entries}


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


async def _improved(desk: Desk, watched: Watched, news: News) -> list[Reading]:
    """What will be sent with the model's bullets, where it has any: nobody waits for what is only archived."""
    loud = sorted(_loud(watched, news))
    if desk.improve is None or not loud:
        return news.readings
    made = [(news.readings[number].post, news.readings[number].condensed) for number in loud]
    better = dict(zip(loud, await desk.improve(made, watched.source.boilerplate), strict=True))
    return [
        replace(one, condensed=better[number]) if number in better else one for number, one in enumerate(news.readings)
    ]


async def _commit(
    desk: Desk,
    watched: Watched,
    news: News,
    fetched: Fetched | Unchanged,
    *,
    started: datetime,
    before: int,
) -> int:
    """All that a read changed, in one transaction: nothing is seen that is not owed, nothing owed twice."""
    now, limits = desk.now(), desk.settings.fetch
    interval = schedule.next_interval(watched.source, watched.interval, limits, any_new=bool(news.readings))
    validators = fetched.validators
    asked = watched.validators if validators is None else validators
    async with desk.database.write() as tx:
        overtaken = bool(news.readings) and desk.settled[watched.source.id] != before
        if overtaken:
            news, validators, interval = replace(news, readings=[]), None, watched.source.every or limits.min_every
        settling = Settling(desk, tx, watched.source, now, keyed_by=news.keyed_by, may_hold=not news.silent)
        await settling.settle(news.readings, _loud(watched, news))
        if news.kept is not None:
            await raw.decided(tx, news.kept, _decided(watched, news, settling))
        await archive.note_repeated(tx, watched.source.id, [*news.repeated])
        results = settling.results
        desk.settled[watched.source.id] += bool(news.readings)
        if not overtaken and named_hub(asked) and await _is_pushed(desk, tx, watched, results, now):
            interval = limits.max_every
        next_at = schedule.next_read(watched.source, interval, limits, started, fresh=fetched.fresh_for, asked=asked)
        if validators is not None and results and fetch.was_unfaithful(watched.validators, validators):
            validators = fetch.distrusting(validators, now)
        if validators is not None and news.window is not None:
            validators = {**validators, "window": news.window}
        if watched.problem:
            words = {"id": watched.source.id, "name": watched.source.name}
            await notices.over(tx, now, trouble_of(watched.source.id), "notice.source_back", **words)
        await watched_sources.saved(
            tx,
            watched.source.id,
            now=now,
            next_at=max(now, next_at),
            interval=int(interval),
            validators=None if validators is None else dict(validators),
            any_new=Verdict.NEW in results or Verdict.JOINS in results,
            asked_at=watched.asked_at,
            keyed_by=news.keyed_by,
            oldest=news.oldest,
        )
    if named_hub(asked) != named_hub(watched.validators):
        desk.hubs.set()
    _measure_posts(desk, watched.source, settling)
    if watched.problem:
        desk.tell.set()
        log.info("source is back", source=watched.source.id)
    return results[Verdict.NEW] + results[Verdict.JOINS]


def named_hub(validators: Mapping[str, Any]) -> tuple[str, str] | None:
    """Hub and topic that a document names."""
    return (validators["hub"], validators["topic"]) if "hub" in validators else None


async def _is_pushed(desk: Desk, tx: Transaction, watched: Watched, results: Counter[Verdict], now: datetime) -> bool:
    """Whether a hub sends this source's news, so that reading it is for safety only: as rarely as is allowed.

    A hub that let reads find the news is not relied on until it sends some again.
    """
    if not desk.settings.web.public_url or watched.source.every is not None:
        return False
    if results[Verdict.NEW] or results[Verdict.JOINS]:
        await websub.missed(tx, watched.source.id)
        desk.hubs.set()
    return await websub.is_pushed(tx, watched.source.id, now, MISSED_IN_VAIN)


async def take_push(desk: Desk, watched: Watched, document: Document) -> int:
    """What a hub brought, through the same as what was read; returns how many posts were new. Raises SourceError.

    It changes neither the schedule nor the validators: the next read finds nothing new, or what the hub left out.
    """
    source, before = watched.source, desk.settled[watched.source.id]
    async with AsyncExitStack() as held:
        if len(document.body) > fetch.LARGE:
            await held.enter_async_context(desk.large)
        kept = await _keep_raw(desk, source.id, (document,), "push")
        parsed = await parse(desk, source, (document,))
        news = await _what_is_new(desk, watched, parsed, whole=False)
    news = replace(news, readings=await _improved(desk, watched, news), kept=kept)
    now = desk.now()
    async with desk.database.write() as tx:
        overtaken = bool(news.readings) and desk.settled[source.id] != before
        settling = Settling(desk, tx, source, now, keyed_by=news.keyed_by, may_hold=not news.silent)
        await settling.settle([] if overtaken else news.readings, _loud(watched, news))
        if news.kept is not None:
            await raw.decided(tx, news.kept, _decided(watched, news, settling))
        desk.settled[source.id] += bool(news.readings)
        new = settling.results[Verdict.NEW] + settling.results[Verdict.JOINS]
        if new:
            await watched_sources.had_news(tx, source.id, now)
    _measure_posts(desk, source, settling)
    if overtaken:
        await desk.wake(source.id)
    desk.send.set()
    return new


@dataclass(frozen=True, slots=True)
class Tried:
    """What a post would be now: alert, filtered (an alert that no chat wants), joins (the story of `others`), changed,
    held, old (archived only) or known. `reach`: whom it would reach, where it is an alert or joins one."""

    post: Post
    condensed: Condensed | None
    verdict: str
    others: tuple[str, ...] = ()
    reach: delivery.Reach | None = None


WORDS_OF_VERDICTS = {Verdict.NEW: "alert", Verdict.JOINS: "joins", Verdict.CHANGED: "changed", Verdict.SAME: "known"}


class _NothingKept(Exception):  # noqa: N818, it ends a transaction and tells of no error
    pass


async def try_out(desk: Desk, watched: Watched, parsed: list[Parsed]) -> list[Tried]:
    """What a read of a source would do now, oldest first: decided as ever, in a transaction that is taken back."""
    source, tried = watched.source, list[Tried]()
    async with desk.database.read() as connection:
        listening = await subscriptions.everybody(connection)
    news = await _what_is_new(desk, watched, parsed)
    with suppress(_NothingKept):
        async with desk.database.write() as tx:
            if await watched_sources.one(tx, source.id) is None:
                await watched_sources.add(tx, source, desk.now(), int(desk.settings.fetch.min_every))
            tried = await settle_and_tell(desk, tx, watched, news, listening)
            raise _NothingKept
    new = {one.post.key for one in tried}
    return [*(Tried(post, None, "known") for post, _ in parsed if post.key not in new), *tried]


async def decide_again(
    desk: Desk, watched: Watched, parsed: list[Parsed], listening: "Listening", how: raw.How
) -> list[Tried]:
    """Decide about what was read once, as a read (or a hub's push) decides, and keep that: for a desk whose database is
    there for nothing else (replaying.py)."""
    news = await _what_is_new(desk, watched, parsed, whole=how == "read" and watched.source.kind is not Kind.SITEMAP)
    async with desk.database.write() as tx:
        tried = await settle_and_tell(desk, tx, watched, news, listening)
        await archive.note_repeated(tx, watched.source.id, [*news.repeated])
        if how == "read":
            window = watched.validators if news.window is None else {**watched.validators, "window": news.window}
            await watched_sources.saved(
                tx, watched.source.id, now=desk.now(), next_at=desk.now(), interval=watched.interval,
                validators=window, any_new=False, keyed_by=news.keyed_by, oldest=news.oldest,
            )  # fmt: skip
    return tried


Listening = tuple[int, list[Listener]]
"""How many chats get everything, and all others."""


async def settle_and_tell(
    desk: Desk, tx: Transaction, watched: Watched, news: News, listening: Listening
) -> list[Tried]:
    """Settle what is new, and say what became of each post, and whom it would reach."""
    source, now, tried = watched.source, desk.now(), list[Tried]()
    loud = {news.readings[number].post.key for number in _loud(watched, news)}
    keys = [one.post.key for one in news.readings]
    before = await archive.seen_of(tx, source.id, keys)
    settling = Settling(desk, tx, source, now, keyed_by=news.keyed_by, may_hold=not news.silent)
    await settling.settle(news.readings, _loud(watched, news))
    after = await archive.seen_of(tx, source.id, keys)
    for one in news.readings:
        seen = after.get(one.post.key)
        alert = next(iter(await archive.by_ids(tx, [seen.alert_id])), None) if seen else None
        others = tuple(name for name in alert.sources if name != source.name) if alert else ()
        verdict = _verdict_word(one, known=one.post.key in before, seen=seen, others=others, loud=loud)
        reach = None
        if alert is not None and (verdict == "alert" or (verdict == "joins" and one.post.key in loud)):
            story = await archive.story_of_alert(tx, alert.id)
            reach = delivery.reach(alert, story.source_ids if story else (), listening[1], listening[0], now)
            verdict = "filtered" if verdict == "alert" and not reach.chats and reach.kept_from else verdict
        tried.append(Tried(one.post, one.condensed, verdict, others, reach))
    return tried


def _verdict_word(
    one: Reading, *, known: bool, seen: archive.Seen | None, others: tuple[str, ...], loud: Container[str]
) -> str:
    if seen is None:
        return "held"
    if known:
        return "changed"
    if others:
        return "joins"
    return "alert" if one.post.key in loud else "old"


def _loud(watched: Watched, news: News) -> frozenset[int]:
    """Which readings are sent: all but what is old, and on the first successful read only the newest `first_read`."""
    first = max(0, len(news.readings) - watched.source.first_read) if news.silent else 0
    numbers = range(first, len(news.readings))
    return frozenset(number for number in numbers if news.readings[number].post.key not in news.old)


def _measure_posts(desk: Desk, source: Source, settling: "Settling") -> None:
    for result, count in settling.results.items():
        metrics.posts.labels(source.id, result.value).inc(count)
    if settling.held:
        metrics.posts.labels(source.id, "held").inc(settling.held)
        log.warning("posts are held", source=source.id, count=settling.held)
        desk.tell.set()


class Settling:
    """Decides what each post of one read is, in order, and saves that with all that follows from it.

    New stories are written together, since most posts are new; a post that names a story still unwritten makes it be
    written first.
    """

    def __init__(
        self, desk: Desk, tx: Transaction, source: Source, now: datetime, *, keyed_by: str, may_hold: bool
    ) -> None:
        self.results: Counter[Verdict] = Counter()
        self.verdicts: dict[str, Verdict] = {}
        self.held = 0
        self._keyed_by = keyed_by
        self._may_hold = may_hold
        self._desk = desk
        self._tx = tx
        self._source = source
        self._now = now
        self._by_link: dict[str, StoryState] = {}
        self._unwritten: list[tuple[Reading, NewStory]] = []
        self._shown: list[Shown] = []

    async def settle(self, readings: list[Reading], loud: Container[int]) -> None:
        """Settle all posts of the read; those whose number is in `loud` are sent."""
        known = await archive.seen_of(self._tx, self._source.id, [reading.post.key for reading in readings])
        links = [link for reading in readings for link in stories.story_links(reading.post)]
        self._by_link = await archive.stories_by_link(self._tx, links)
        on_hold = await self._hold_back(readings, known) if self._may_hold else frozenset()
        for number, reading in enumerate(readings):
            if reading.post.key not in on_hold:
                await self._settle_one(reading, known.get(reading.post.key), loud=number in loud)
        await self._write_new()
        await archive.remember(self._tx, self._source.id, self._shown)

    async def _hold_back(self, readings: list[Reading], known: Mapping[str, archive.Seen]) -> frozenset[str]:
        """The keys of what waits for an admin's word: posts that look like old ones under new names."""
        source = self._source
        new = [one for one in readings if one.post.key not in known and not self._is_own_story(one.post)]
        already = await held.fingerprints(self._tx, source.id, [one.post.key for one in new])
        await held.change(self._tx, source.id, [_to_hold(one) for one in new if one.post.key in already])
        new = [one for one in new if one.post.key not in already]
        marks = [identity.marks(one.post) for one in new] if len(new) >= identity.HELD_FROM else []
        marked = await archive.marked(self._tx, source.id, [mark for those in marks for mark in those])
        back = [
            _to_hold(new[number], known=next(marked[mark] for mark in marks[number] if mark in marked))
            for number in identity.renamed(marks, frozenset(marked))
        ]
        if back:
            self.held = len(back)
            number = await held.hold(self._tx, source.id, back, self._now)
            await self._ask_about(number, [one.condensed.headline for one in back])
        return frozenset([*already, *(one.post.key for one in back)])

    async def _ask_about(self, number: int, headlines: list[str]) -> None:
        """Whoever presses first decides; the command line can, too."""
        language = self._desk.settings.language
        buttons = [
            Button(say(language, "held.send_button"), press=f"held send {number}"),
            Button(say(language, "held.seen_button"), press=f"held seen {number}"),
        ]
        await notices.tell(
            self._tx,
            self._now,
            held_key(number),
            "notice.held",
            buttons=[buttons],
            id=self._source.id,
            name=self._source.name,
            number=number,
            count=len(headlines),
            first=headlines[0][:120],
        )

    def _is_own_story(self, post: Post) -> bool:
        """Whether it names an original that the source had before: then it is a version of that, under whatever key."""
        story = self._by_link.get(stories.link_key(post.original_link))
        return story is not None and self._source.id in story.source_ids

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
        self.verdicts[post.key] = verdict
        if verdict is Verdict.NEW:
            topics = self._source.topics or post.categories
            new = NewStory(post, reading.condensed, self._source.name, topics, links, planned=loud)
            self._unwritten.append((reading, new))
            return
        if story is not None and verdict is Verdict.JOINS:
            await self._join(reading, story, loud=loud)
        elif story is not None and verdict is Verdict.CHANGED:
            await self._change(reading, story)
        self._show(reading, story.alert_id if story else 0)

    def _show(self, reading: Reading, alert_id: int) -> None:
        self._shown.append(shown(reading.post, reading.fingerprint, alert_id, self._keyed_by))

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
        await search.add(self._tx, [self._entry(reading, story, state) for (reading, story), state in written])
        await archive.open_fanouts(self._tx, [state.alert_id for state in opened if state.planned])
        for (reading, story), state in written:
            self._show(reading, state.alert_id)
            for link in story.links:
                self._by_link.setdefault(link, state)
        self._unwritten = []

    def _entry(self, reading: Reading, story: NewStory, state: StoryState) -> search.Entry:
        labels = bigrams.labels([self._source.id], story.topics)
        newest = archive.newest_of(story, self._now)
        return search.Entry(state.alert_id, newest, reading.headline, reading.text, reading.tokens, labels)

    async def _join(self, reading: Reading, story: StoryState, *, loud: bool) -> None:
        """One more source has the story: the alert names it, and who has not got the alert may get it now."""
        await archive.join(self._tx, story, self._source.id, self._source.name, self._now, planned=loud)
        await archive.keep_posts(self._tx, [(reading.post, story.story_id)], self._now)
        if self._desk.settings.delivery.duplicates != "silent":
            await archive.show_everywhere(self._tx, story.alert_id, story.version + 1)
        if loud:
            await archive.open_fanouts(self._tx, [story.alert_id])
        becomes_news = self._now if loud and not story.planned else None
        await search.add_source(self._tx, story.alert_id, self._source.id, becomes_news)
        await self._read_again(story)

    async def _change(self, reading: Reading, story: StoryState) -> None:
        """The source says its own story anew: where a reader would see a difference, messages are edited."""
        await archive.keep_posts(self._tx, [(reading.post, story.story_id)], self._now)
        await search.replace_text(self._tx, story.alert_id, reading.headline, reading.text)
        if await archive.change(self._tx, story, reading.post, reading.condensed, self._now):
            await archive.show_everywhere(self._tx, story.alert_id, story.version + 1)
            await self._read_again(story)

    async def _read_again(self, story: StoryState) -> None:
        now = await archive.story_of_alert(self._tx, story.alert_id)
        for link, known in self._by_link.items():
            if known.alert_id == story.alert_id and now is not None:
                self._by_link[link] = now


def _to_hold(reading: Reading, known: str = "") -> HeldPost:
    searched = (reading.headline, reading.text, reading.tokens)
    return HeldPost(reading.post, reading.condensed, reading.fingerprint, searched, known)


def shown(post: Post, fingerprint: str, alert_id: int, keyed_by: str) -> Shown:
    """What is to be remembered of a post."""
    apart = identity.name_of(post, keyed_by).apart
    return Shown(post.key, fingerprint, alert_id, apart, identity.marks(post))


def held_key(number: int) -> str:
    """The key of what the admins are told about a batch of held posts."""
    return f"held/{number}"


async def decide(desk: Desk, number: int, *, send: bool) -> int | None:
    """An admin's word about held posts: send them as news, or take them as seen. Returns how many there were; None
    where somebody decided before."""
    now = desk.now()
    async with desk.database.write() as tx:
        released = await held.release(tx, number)
        if released is None:
            return None
        source_id, posts = released
        watched = await watched_sources.one(tx, source_id)
        keyed_by = watched.keyed_by if watched else ""
        if send and watched is not None:
            readings = [Reading(one.post, one.condensed, one.fingerprint, *one.searched) for one in posts]
            settling = Settling(desk, tx, watched.source, now, keyed_by=keyed_by, may_hold=False)
            await settling.settle(readings, range(len(readings)))
        else:
            known = await archive.seen_of(tx, source_id, [one.known for one in posts])
            alerts = [known[one.known].alert_id if one.known in known else 0 for one in posts]
            seen = [shown(one.post, one.fingerprint, at, keyed_by) for one, at in zip(posts, alerts, strict=True)]
            await archive.remember(tx, source_id, seen)
        text = "notice.held_sent" if send else "notice.held_seen"
        name = watched.source.name if watched else source_id
        await notices.over(tx, now, held_key(number), text, id=source_id, name=name, count=len(posts))
    desk.send.set()
    desk.tell.set()
    return len(posts)


async def _note_failure(desk: Desk, watched: Watched, error: SourceError) -> None:
    """The source is tried again later: how much later, its reason and its publisher say."""
    now = desk.now()
    wait = schedule.back_off(
        error.reason,
        watched.failures,
        watched.source.every or watched.interval,
        error.retry_after,
        random.random(),  # noqa: S311, nobody gains by guessing it
    )
    lost = fetch.moved(watched.validators) and (not schedule.passes(error.reason) or watched.failures >= MOVED_IN_VAIN)
    stops = error.reason == "http-410" and not lost
    async with desk.database.write() as tx:
        since = await watched_sources.failed(
            tx,
            watched.source.id,
            now=now,
            next_at=now + timedelta(seconds=wait),
            reason=error.reason,
            problem=str(error),
            validators=fetch.back_home(watched.validators) if lost else None,
            not_before=now + timedelta(seconds=error.retry_after) if error.retry_after else None,
            asked_at=watched.asked_at,
        )
        if stops:
            await watched_sources.pause(tx, watched.source.id, paused=True, now=now)
        if stops or now - since >= TELL_AFTER:
            await _tell_of_failing(tx, watched, error, now, since, stopped=stops)
    if stops or now - since >= TELL_AFTER:
        desk.tell.set()
    metrics.polls.labels(watched.source.id, error.reason).inc()
    log.warning("source cannot be read", source=watched.source.id, reason=error.reason, problem=str(error))


async def _tell_of_failing(
    tx: Transaction, watched: Watched, error: SourceError, now: datetime, since: datetime, *, stopped: bool
) -> None:
    """The admins hear of it once, until it is over."""
    source, key = watched.source, trouble_of(watched.source.id)
    if stopped:
        await notices.over(tx, now, key)  # that it failed for a day is old news
    await notices.tell(
        tx,
        now,
        key,
        "notice.source_gone" if stopped else "notice.source_failing",
        id=source.id,
        name=source.name,
        hours=int((now - since).total_seconds() // 3600),
        why=troubles.text_of(error.reason),
        problem=str(error)[:300],
    )


def trouble_of(source_id: str) -> str:
    """The key of what the admins are told about a source that cannot be read."""
    return f"source/{source_id}"


# --------------------------------------------------------------------------------------------------------- delivering


@dataclass(slots=True)
class Call:
    """A call to a platform under way."""

    outgoing: Outgoing
    kind: Literal["send", "edit", "reply", "look_up"]
    looking: timedelta = timedelta()
    """For how long the message has been looked for."""

    @property
    def chat_id(self) -> int:
        return self.outgoing.delivery.chat_id

    @property
    def platform(self) -> str:
        return self.outgoing.chat.platform


Answer = SendResult | delivery.LookUp


async def deliver_forever(desk: Desk) -> None:
    """Bring every owed alert to its chat until the desk stops; calls under way may then still end for a moment."""
    dispatcher = Dispatcher(desk)
    await dispatcher.take_over()
    while not desk.stopping.is_set():
        desk.send.clear()
        await dispatcher.turn()
        if (gathers := dispatcher.gathers()) > 0:
            await woken(desk.stopping, seconds=gathers)
        await woken(desk.send, desk.stopping, seconds=dispatcher.next_slot())
    await dispatcher.finish()


class Dispatcher:
    """At most one call a chat at a time, all chats beside each other, each account within its rate."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._under_way: dict[asyncio.Task[Answer], Call] = {}
        self._unsaved: list[tuple[Call, Answer]] = []
        self._renewed = self._knocked = self._turned = desk.now()
        self._burst = False
        self._looks_round_at = self._turned
        self._put_off = False
        self._started: deque[datetime] = deque(maxlen=MANY_CALLS)
        self._arrived: set[int] = set()
        self._looking: dict[int, datetime] = {}

    async def take_over(self) -> None:
        """Calls of earlier owners, who are dead, have no answer: they are settled before their chats get more. How much
        the platforms were asked just before, and for how long they told us to wait, still counts."""
        now = self._desk.now()
        looked_up = {name: now + delivery.LOOK_UP_AFTER for name, one in self._desk.senders.items() if one.can_look}
        async with self._desk.database.write() as tx:
            lapsed = await ledger.lapse(tx, owner=self._desk.owner, now=now, looked_up=looked_up)
            repeat = self._desk.settings.delivery.on_unknown == "resend"
            replies = await ledger.lapse_replies(tx, repeat=repeat)
            held = await chats.held_accounts(tx)
            calls = await ledger.calls_since(tx, now - delivery.REMEMBERED)
        for name, sender in self._desk.senders.items():
            if name in held:
                sender.pace.hold(held[name])
            for chat, called_at in calls:
                if chat.platform == name:
                    sender.pace.called(chat, called_at)
        for name, count in lapsed.items():
            metrics.deliveries.labels(name, "lapsed").inc(count)
        if lapsed or replies:
            count = sum(lapsed.values()) + replies
            log.warning("calls without an answer from before the start", count=count)

    async def turn(self) -> None:
        """Save what became of the calls that ended, and start those that may start now."""
        now = self._turned = self._desk.now()
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
            self._started.append(now)

    async def _save_and_claim(self, now: datetime) -> list[Call]:
        """One transaction: outcomes saved, what is planned owed, what may start claimed."""
        desk = self._desk
        paces = {name: sender.pace for name, sender in desk.senders.items() if sender.ready}
        under_way = Counter(call.platform for call in self._under_way.values())
        free = {name: max(0, AT_ONCE - under_way[name]) for name in paces}
        busy = frozenset(call.chat_id for call in self._under_way.values())
        closed = ledger.Closed(busy, frozenset[str]().union(*(pace.resting(now) for pace in paces.values())))
        async with desk.database.write() as tx:
            await _save(desk, tx, self._unsaved, now)
            self._arrived |= {call.chat_id for call, answer in self._unsaved if isinstance(answer, Sent)}
            looks_round = self._looks_round(now)
            if looks_round:
                await self._look_round(tx, now)
            room = {name: min(free[name], pace.room("send", now)) for name, pace in paces.items()}
            chat_ids = await ledger.first_in_line(tx, now=now, room=room, closed=closed, urgent_only=self._burst)
            sends = await claim(desk, tx, chat_ids, now)
            for one in sends:
                paces[one.chat.platform].take("send", one.chat, now)
            calls = [Call(one, "send") for one in sends]
            if looks_round:
                calls += await self._claim_the_rest(tx, paces, free, closed.beside(sends), now)
        if looks_round:
            self._looks_round_at, self._arrived = now + LOOKS_ROUND, set()
        self._put_off = not looks_round
        return calls

    def _looks_round(self, now: datetime) -> bool:
        """Whether this turn does more than to save and to claim alerts."""
        wait = self._looks_round_at - now
        return not self._is_busy() or self._burst or not timedelta() < wait <= LOOKS_ROUND

    async def _look_round(self, tx: Transaction, now: datetime) -> None:
        """Doors that opened or are to be tried, leases, what was postponed, alerts that are to be planned."""
        for known in await chats.arrived(tx, self._arrived):
            await _tell_opened(tx, known, now)
        if now - self._knocked > KNOCK_EVERY:
            await chats.knock(tx, now)
            self._knocked = now
        if now - self._renewed > LEASE / 3:
            await ledger.renew(tx, self._desk.owner, now + LEASE)
            self._renewed = now
        await release(self._desk, tx, now)
        await self._plan(tx, now)

    async def _claim_the_rest(
        self,
        tx: Transaction,
        paces: Mapping[str, delivery.AccountPace],
        free: Mapping[str, int],
        closed: ledger.Closed,
        now: datetime,
    ) -> list[Call]:
        """Look-ups, then edits and replies, in what the alerts leave."""
        room = {name: min(free[name], pace.room("look_up", now)) for name, pace in paces.items()}
        looks = await ledger.unsettled(tx, now=now, room=room, closed=closed)
        for one in looks:
            paces[one.chat.platform].take("look_up", one.chat, now)
        room = {name: min(free[name], pace.room("edit", now)) for name, pace in paces.items()}
        edits = await ledger.stale(tx, now=now, room=room, closed=closed.beside(looks))
        replies = await self._replies(tx, edits)
        edits = [one for one in edits if one not in replies]
        for one in edits:
            paces[one.chat.platform].take("edit", one.chat, now)
        for reply in replies:
            paces[reply.chat.platform].take("send", reply.chat, now)
        return [
            *self._looking_for(looks, now),
            *(Call(one, "edit") for one in edits),
            *(Call(one, "reply") for one in replies),
        ]

    async def _replies(self, tx: Transaction, stale: list[Outgoing]) -> list[Parcel]:
        """Those of the messages to be changed that only lack a further source, where that is to be said in a reply."""
        if self._desk.settings.delivery.duplicates != "reply":
            return []
        parcels = [one for one in stale if isinstance(one, Parcel)]
        joined = await archive.only_joined(tx, {(one.alert.id, one.delivery.shown) for one in parcels})
        replies = [one for one in parcels if (one.alert.id, one.delivery.shown) in joined]
        await ledger.start_replies(tx, replies)
        return replies

    def _looking_for(self, looks: list[Outgoing], now: datetime) -> list[Call]:
        """What is looked for, with how long it has been. After a restart that begins anew."""
        since = self._looking
        self._looking = {one.delivery.id: since.get(one.delivery.id, now) for one in looks} | {
            of: began for of, began in since.items() if now - began < FORGOTTEN
        }
        return [Call(one, "look_up", now - self._looking[one.delivery.id]) for one in looks]

    async def _plan(self, tx: Transaction, now: datetime) -> None:
        """While more alerts are open than a chat takes one by one, only urgent ones go out: the rest of such a burst
        becomes round-ups, and not only its end."""
        if await plan(tx, now, self._desk.settings.delivery.keep):
            self._desk.send.set()
            left = await ledger.open_fanouts(tx)
            self._burst = left > 0 and (self._burst or left > self._desk.settings.delivery.roundup_after)
        else:
            self._burst = False

    def _is_busy(self) -> bool:
        started = self._started
        return len(started) == MANY_CALLS and timedelta() <= self._turned - started[0] < RECENTLY

    def gathers(self) -> float:
        """Seconds until the next turn is worth its price."""
        if not self._is_busy():
            return 0.0
        return min(GATHERS, self._turned + GATHERS - self._desk.now()).total_seconds()

    def next_slot(self) -> float | None:
        """Seconds until a paced account or chat may go on, or what was put off; None when none waits. What came free
        since the turn looked may go on at once."""
        times = [sender.pace.free_at(self._turned) for sender in self._desk.senders.values()]
        times += [self._looks_round_at] if self._put_off else []
        now = self._desk.now()
        return min((max(0.0, (time - now).total_seconds()) for time in times if time is not None), default=None)

    async def calls_end(self, seconds: float | None = None) -> None:
        """Wait until the calls under way have ended, or so long."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)

    async def finish(self) -> None:
        """Let calls under way end for a moment and save how they did; the rest stays `sending` for the next start."""
        await self.calls_end(self._desk.patience)
        ended = [(call, task.result()) for task, call in self._under_way.items() if task.done()]
        now = self._desk.now()
        async with self._desk.database.write() as tx:
            await _save(self._desk, tx, [*self._unsaved, *ended], now)
        late = [task for task in self._under_way if not task.done()]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def plan(tx: Transaction, now: datetime, keep: float | None = None) -> bool:
    """Fill in chunks of the oldest open fan-outs, so many chats in all; says whether anything may be left to plan.

    `keep`: for how many seconds it is known who has had an alert.
    """
    room = PLAN_CHUNK
    while room > 0:
        fanout = await ledger.next_fanout(tx)
        if fanout is None:
            return False
        if keep is not None and fanout.alert.created <= now - timedelta(seconds=keep):
            # Who has had it is no longer known: a source that joins so late must not double it.
            await ledger.move_cursor(tx, fanout, None)
            continue
        room -= max(await _fill_in(tx, fanout, now), PLAN_CHUNK // PLAN_ALERTS)
    return True


async def _fill_in(tx: Transaction, fanout: ledger.Fanout, now: datetime) -> int:
    """One chunk of one fan-out; returns how many chats were looked at."""
    chunk = await subscriptions.chunk_after(tx, fanout.cursor, PLAN_CHUNK, PLAN_WEIGHED)
    if chunk is None:
        await ledger.move_cursor(tx, fanout, None)
        return 0
    count, last = chunk
    narrow = await subscriptions.listeners_between(tx, fanout.cursor, last)
    owed = delivery.plan(fanout.alert, fanout.source_ids, narrow, now)
    await ledger.fill(tx, fanout, owed, now, everything=(fanout.cursor, last))
    await ledger.move_cursor(tx, fanout, last)
    return count


async def claim(desk: Desk, tx: Transaction, chat_ids: list[int], now: datetime) -> list[Outgoing]:
    """Take what each of these chats gets next, making a round-up of a backlog, and save it as `sending`."""
    rule, leads = desk.settings.delivery, list[int]()
    alone = list[tuple[ledger.Waiting, Delivery]]()
    for waiting in await ledger.waiting_in(tx, chat_ids):
        turn = delivery.next_up(
            waiting.deliveries, now, roundup_after=rule.roundup_after, expire_after=rule.expire_after
        )
        first = turn.deliveries[0]
        if turn.roundup:
            await _make_roundup(desk, tx, waiting.chat, waiting.settings, turn.deliveries)
        if turn.roundup or first.message is not None:
            leads.append(first.id)
        else:
            alone.append((waiting, first))
    return await ledger.start(tx, alone, leads, owner=desk.owner, lease_until=now + LEASE, now=now)


async def _make_roundup(
    desk: Desk, tx: Transaction, chat: Chat, settings: ChatSettings, backlog: Sequence[Delivery]
) -> None:
    """Say which messages show the backlog. Only the first is called now; the others wait for their turn like alerts."""
    alerts = await archive.by_ids(tx, [one.alert_id for one in backlog])
    of_alert = {one.alert_id: one.id for one in backlog}
    groups = desk.senders[chat.platform].split(alerts, settings)
    shown = [[of_alert[alert_id] for alert_id in group] for group in groups]
    await ledger.make_messages(tx, backlog[0].chat_id, shown, desk.now())


async def release(desk: Desk, tx: Transaction, now: datetime) -> None:
    """Quiet hours that ended, digests whose time has come, mutes that are over: what was held goes into its line."""
    for holding in await postponed.due(tx, now, [*desk.senders], RELEASE_CHATS):
        await _release(desk, tx, holding, now)


async def _release(desk: Desk, tx: Transaction, holding: Holding, now: datetime) -> None:
    """What one chat may get now: a digest of what is not urgent, where the chat has one; all else in one round-up."""
    settings, changes = holding.settings, dict[str, Any]()
    ripe = [one for one in await postponed.rows(tx, holding.chat_id) if one.due <= now]
    digested = [one for one in ripe if settings.digest and one.urgency is not Urgency.URGENT]
    rest = [one for one in ripe if one not in digested]
    if digested or (settings.digest and holding.digest_at and holding.digest_at <= now):
        await _make_digest(tx, holding, digested, now)
        changes = {"digest_since": now}
    if len(rest) > 1:
        await _make_roundup(desk, tx, holding.chat, settings, rest)
    await postponed.let_go(tx, [one.id for one in ripe])
    if settings.muted_until and settings.muted_until <= now:
        await _tell_muted(tx, holding, now)
        changes |= {"muted_until": None, "muted_since": None}
        settings = replace(settings, muted_until=None)
    await wake_later(tx, holding.chat_id, settings, now, **changes)


async def _make_digest(tx: Transaction, holding: Holding, digested: Sequence[Delivery], now: datetime) -> None:
    """A digest lists what was held, and what the chat got meanwhile; where nothing was held, nothing is new."""
    settings = holding.settings
    since = holding.digest_since or min((one.created for one in digested), default=now)
    if digested:
        told = await postponed.told_between(tx, holding.chat_id, since, now)
        await ledger.make_digest(tx, holding.chat_id, [one.id for one in digested], told, since=since, until=now)
    elif settings.digest and settings.digest.say_nothing_new and not delivery.is_muted(settings, now):
        await _tell_chat(tx, holding, now, "digest.none")


async def _tell_muted(tx: Transaction, holding: Holding, now: datetime) -> None:
    missed = await postponed.dropped_since(tx, holding.chat_id, holding.muted_since or now)
    if missed:
        await _tell_chat(tx, holding, now, "mute.over", count=missed)


async def _tell_chat(tx: Transaction, holding: Holding, now: datetime, text: str, **words: int) -> None:
    """A line for the chat that is no alert, by way of the notices."""
    name, language = delivery.name_of(holding.chat), holding.settings.language
    await notices.say(tx, now, f"chat/{holding.chat_id}/{text}", text, to=name, language=language, **words)


async def wake_later(tx: Transaction, chat_id: int, settings: ChatSettings, now: datetime, **changes: Any) -> None:
    """Save these columns of the chat, and when it has to be looked at again for what is postponed."""
    digest = settings.digest
    at = delivery.next_digest(digest, settings.quiet, settings.timezone, now) if digest else None
    times = [one.due for one in await postponed.rows(tx, chat_id)] + [one for one in (at, settings.muted_until) if one]
    await postponed.choose(tx, chat_id, **changes, digest_at=at, release_at=min(times, default=None))


async def mute_until(tx: Transaction, chat_id: int, until: datetime | None, now: datetime) -> None:
    """Nothing comes until then; None: alerts come again."""
    chosen = replace((await postponed.one(tx, chat_id)).settings, muted_until=until)
    since = {} if until else {"muted_since": None}
    await wake_later(tx, chat_id, chosen, now, muted_until=until, **since)


async def settle_choice(tx: Transaction, chat_id: int, settings: ChatSettings, now: datetime) -> None:
    """The chat chose something: it is saved, and what is held for the chat becomes due as it would be by that."""
    before = await postponed.one(tx, chat_id)
    changes = columns_of(settings)
    if before.settings.digest is None and settings.digest is not None:
        changes |= {"digest_since": now}
    await postponed.hold_anew(tx, chat_id, {urgency: delivery.due(settings, urgency, now) for urgency in Urgency})
    await wake_later(tx, chat_id, settings, now, **changes)


async def _call(desk: Desk, call: Call) -> Answer:
    """One call to a platform. A defect in an adapter counts as unknown: the call may have left."""
    sender = desk.senders[call.platform]
    try:
        if call.kind == "look_up":
            async with desk.database.read() as connection:
                called_at = await ledger.called_at(connection, call.outgoing.delivery.id)
            if called_at is None or not sender.can_look:
                return CannotLook()
            return await sender.look_up(call.outgoing, called_at)
        async with sender.pace.departs("edit" if call.kind == "edit" else "send"):
            match call.kind:
                case "send":
                    return await sender.send(call.outgoing)
                case "edit":
                    return await sender.edit(call.outgoing)
                case _:
                    (parcel,) = call.outgoing.parcels
                    return await sender.reply(parcel)
    except Exception:
        log.exception("an adapter raised", platform=call.platform, kind=call.kind)
        return CannotLook() if call.kind == "look_up" else Unknown("adapter failed")


async def _save(desk: Desk, tx: Transaction, ended: Sequence[tuple[Call, Answer]], now: datetime) -> None:
    """Save what became of the calls for all that their messages show, and tell the metrics."""
    steps = [[_step(desk, call, parcel, result, now) for parcel in call.outgoing.parcels] for call, result in ended]
    rows, unknown = list[tuple[int, Mapping[str, Any]]](), list[int]()
    for (call, result), of_call in zip(ended, steps, strict=True):
        ids = [parcel.delivery.id for parcel in call.outgoing.parcels]
        rows += zip(ids, (step.values for step in of_call), strict=True)
        if call.kind in ("send", "reply") and isinstance(result, Unknown):
            unknown += ids
    await ledger.save(tx, rows)
    await ledger.count_unknown(tx, unknown)
    for (call, result), (step, *_) in zip(ended, steps, strict=True):
        if isinstance(call.outgoing, Roundup) and call.kind == "send" and isinstance(result, Refused):
            ids = [parcel.delivery.id for parcel in call.outgoing.parcels]
            await ledger.take_apart(tx, call.outgoing.message, delivery.halves(ids), now)
        await _apply_to_chat(desk, tx, call, step)
        if isinstance(result, TryLater) and result.after is not None:
            await _slow_down(desk, tx, call, result, now)
        _measure(call, result, now)
        if call.kind == "look_up" and "status" in step.values:
            metrics.unknown_settled.labels(call.platform, _settled_by(result, step)).inc()


def _settled_by(result: Answer, step: Next) -> str:
    match result:
        case delivery.Found():
            return "found"
        case delivery.NotThere():
            return "missing"
        case _:
            return "skip" if step.values["status"] is Status.GIVEN_UP else "resend"


def _step(desk: Desk, call: Call, parcel: Parcel, result: Answer, now: datetime) -> Next:
    of, version, together = parcel.delivery, parcel.alert.version, isinstance(call.outgoing, Roundup)
    match call.kind, result:
        case "look_up", delivery.Found() | delivery.NotThere() | CannotLook():
            rule = desk.settings.delivery.on_unknown
            return delivery.settle(of, result, version, now, on_unknown=rule, looking=call.looking)
        case "send", Sent() | TryLater() | Moved() | ChatGone() | Refused() | Unknown():
            can_look = desk.senders[call.platform].can_look
            return delivery.after(of, result, version, now, can_look=can_look, together=together)
        case "edit", Sent() | TryLater() | Moved() | ChatGone() | Refused() | Unknown():
            return delivery.after_edit(of, result, version, now)
        case "reply", Sent() | TryLater() | Moved() | ChatGone() | Refused() | Unknown():
            rule = desk.settings.delivery.on_unknown
            return delivery.after_reply(of, result, version, now, on_unknown=rule)
    raise AssertionError(f"{call.kind} cannot end with {result}")


async def _slow_down(desk: Desk, tx: Transaction, call: Call, told: TryLater, now: datetime) -> None:
    """A platform asked us to wait: the chat does; when that is true of more than one, the account."""
    until = now + timedelta(seconds=told.after or 0)
    pace: delivery.AccountPace = desk.senders[call.platform].pace
    kind: Literal["send", "edit"] = "edit" if call.kind == "edit" else "send"
    held = None if call.kind == "look_up" else pace.told_to_wait(kind, call.outgoing.chat, until, now)
    if held is not None:
        await chats.hold_account(tx, call.platform, held)
        log.warning("the account is told to wait", platform=call.platform, seconds=round((held - now).total_seconds()))


async def _apply_to_chat(desk: Desk, tx: Transaction, call: Call, step: Next) -> None:
    if step.hold_until is not None:
        await chats.hold(tx, call.chat_id, step.hold_until)
    if step.pause:
        await _close(desk, tx, await chats.one(tx, call.chat_id), ChatGone(step.pause, step.speechless))
    if step.move_to is not None:
        await _move(tx, call.chat_id, step.move_to)


async def _move(tx: Transaction, chat_id: int, to: Chat) -> None:
    new = await chats.move(tx, chat_id, to)
    if new != chat_id:
        await ledger.hand_over(tx, chat_id, new)


async def _close(desk: Desk, tx: Transaction, known: KnownChat, closed: ChatGone) -> None:
    """The chat gets nothing until it opens or its door is tried again. The admins hear of it once; where the bot is
    inside and may not write, so does the person who subscribed the chat."""
    now = desk.now()
    await chats.pause(tx, known.id, closed.reason, now + delivery.knock_after(known.knocks + 1))
    log.warning("chat is closed to us", platform=known.chat.platform, chat=known.chat.id, reason=closed.reason)
    text = "notice.chat_speechless" if closed.speechless else "notice.chat_closed"
    name, why = delivery.name_of(known.chat), closed.reason
    await notices.tell(tx, now, f"chat/{known.id}", text, chat=name, reason=why)
    person = delivery.person(known.chat, known.admin)
    told = addressees(desk)
    if closed.speechless and person and person not in told:
        key, language = f"chat/{known.id}/admin", known.settings.language
        await notices.tell(tx, now, key, text, to=(person,), language=language, chat=name, reason=why)


def addressees(desk: Desk) -> tuple[str, ...]:
    """Whom the desk tells things: its chats, else its admins."""
    of = desk.settings
    claimed = [delivery.person(Chat(one.platform, one.account, ""), one.user) for one in desk.claimed]
    return delivery.addressees(of.desk.chats, of.telegram.admins, of.slack.admins, sorted(claimed))


async def _tell_opened(tx: Transaction, known: KnownChat, now: datetime) -> None:
    for key in (f"chat/{known.id}", f"chat/{known.id}/admin"):
        await notices.over(tx, now, key, "notice.chat_open", chat=delivery.name_of(known.chat))


def _measure(call: Call, result: Answer, now: datetime) -> None:
    platform, alerts = call.platform, call.outgoing.alerts
    kind = f"roundup_{call.kind}" if isinstance(call.outgoing, Roundup) else call.kind
    outcome = type(result).__name__.lower()
    metrics.deliveries.labels(platform, outcome if kind == "send" else f"{kind}_{outcome}").inc()
    if isinstance(result, TryLater) and result.after is not None:
        metrics.rate_limited.labels(platform).inc()
    if isinstance(result, Refused):
        log.error("refused", platform=platform, alert=alerts[0].id, kind=kind, reason=result.reason)
    for alert in alerts if call.kind == "send" and isinstance(result, Sent) else ():
        metrics.delivery_seconds.observe((now - alert.created).total_seconds())
        if alert.published is not None and not alert.date_only:
            # A post dated ahead took no time: less than none would make the sum fall, which it never may.
            took = max(0.0, (now - alert.published).total_seconds())
            metrics.publish_to_alert_seconds.labels(platform).observe(took)


async def woken(*events: asyncio.Event, seconds: float | None) -> None:
    """Wait for one of the events (the scheduler's tick sets some), or for so many seconds."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
