"""`bot.py sources replay`: what the kept answers of a source would bring under the rules of today.

They are decided about in order, as reads and pushes decide, in a database of their own that is deleted at the end. The
desk's database is read: for the answers, for who subscribes, and for what was known when each answer came.
"""

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pipeline
import stories
from errors import SourceError
from models import Source
from pipeline import Desk, Listening, Tried
from reader import Parsed
from sources import raw as packing
from sources.documents import Document
from storage import archive, copies, raw, subscriptions
from storage import sources as stored
from storage.archive import Shown
from storage.database import Database
from storage.raw import Kept
from storage.sources import Watched
from stories import identity

COMPARED = ("verdict", "headline", "bullets", "link")
NOT_NEW = ("changed", "known")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of an answer: what it would be today, and what it was; None where it would not be, or was not, anything
    new. `differs`: which of COMPARED are not as they were, or "new" or "missing"."""

    key: str
    now: Tried | None
    was: Mapping[str, Any] | None
    differs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """One answer. `problem`: why it cannot be read today; `was_problem`: why it could not be read then. `compared` is
    false where it is not known what was made of it."""

    kept: Kept
    problem: str
    was_problem: str
    compared: bool
    entries: tuple[Entry, ...]


async def replay(desk: Desk, watched: Watched, since: datetime | None) -> AsyncIterator[Replayed]:
    """The kept answers of a source, oldest first. Nothing is asked of anybody, and nothing is written."""
    async with AsyncExitStack() as stack:
        async with desk.database.read() as connection:
            numbers = await raw.since(connection, watched.source.id, since)
            decisions = await raw.news_of(connection, numbers)
            listening = await subscriptions.everybody(connection)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sokbo-replay-"))
        database = await Database.open(Path(folder) / "replay.db")
        stack.push_async_callback(database.close)
        replayer = _Replayer(desk, database, watched, listening)
        stack.push_async_callback(replayer.desk.http.aclose)
        await replayer.begin(decisions)
        for number in numbers:
            async with desk.database.read() as connection:
                kept = await raw.one(connection, number)
            if kept is not None and kept.how != "article":
                yield await replayer.take(kept)


@dataclass(slots=True)
class _Replayer:
    """`brought`: the keys that the kept answers brought: all else that the desk has seen was there before them."""

    real: Desk
    database: Database
    watched: Watched
    listening: Listening
    brought: frozenset[str] = frozenset()
    copied: dict[int, int] = field(default_factory=dict)
    now: datetime = field(init=False)
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.now = self.real.now()
        http = packing.client(self._article)
        fetch = self.real.settings.fetch.model_copy(update={"keep_raw": 0})
        settings = self.real.settings.model_copy(update={"fetch": fetch})
        self.desk = Desk(
            self.database, http, settings, {}, lambda: self.now, "replay", off_the_loop=self.real.off_the_loop
        )

    @property
    def source(self) -> Source:
        return self.watched.source

    async def _article(self, url: str) -> Document | None:
        async with self.real.database.read() as connection:
            body = await raw.article(connection, self.source.id, url)
        return packing.unpack(body)[0] if body is not None else None

    async def begin(self, decisions: Sequence[Mapping[str, Any] | None]) -> None:
        """The source as it was before the first answer: not read at all, or read, with what names its posts."""
        entries = [entry for one in decisions if one for entry in one["entries"]]
        self.brought = frozenset(entry["key"] for entry in entries if entry["verdict"] not in NOT_NEW)
        first = decisions[0] if decisions else None
        async with self.database.write() as tx:
            await stored.add(tx, self.source, self.now, 60)
            if first is None or not first.get("silent"):
                keyed_by, oldest = self.watched.keyed_by, self.watched.oldest
                await stored.saved(
                    tx, self.source.id, now=self.now, next_at=self.now, interval=60, validators={}, any_new=False,
                    keyed_by=keyed_by, oldest=oldest,
                )  # fmt: skip

    async def take(self, kept: Kept) -> Replayed:
        self.now = kept.at
        was = kept.decided
        was_problem = str(was.get("problem", "")) if was else ""
        before = {entry["key"]: entry for entry in was["entries"]} if was else {}
        try:
            parsed = await pipeline.parse(self.desk, self.source, packing.unpack(kept.body))
        except SourceError as error:
            missing = [Entry(key, None, entry, ("missing",)) for key, entry in before.items()]
            return Replayed(kept, str(error), was_problem, was is not None, tuple(missing))
        await self._know(parsed, {key for key, entry in before.items() if entry["verdict"] == "changed"})
        async with self.database.read() as connection:
            watched = await stored.one(connection, self.source.id)
        assert watched is not None, "it was added at the beginning"
        tried = await pipeline.decide_again(self.desk, watched, parsed, self.listening, kept.how)
        entries = _compared([one for one in tried if one.verdict != "known"], before, known=was is not None)
        return Replayed(kept, "", was_problem, was is not None, tuple(entries))

    async def _know(self, parsed: Sequence[Parsed], changed: set[str]) -> None:
        """What was known when the answer came: of its posts those from before the first answer, in the form that they
        have in it unless they were `changed` by it; and the stories of other sources that it names."""
        async with self.database.read() as connection:
            mine = await stored.one(connection, self.source.id)
        chosen = mine.keyed_by if mine else ""
        names = [identity.name_of(post, chosen) for post, _ in parsed]
        keys = identity.candidates(names)
        links = [link for post, _ in parsed for link in stories.story_links(post)]
        async with self.real.database.read() as real, self.database.write() as tx:
            seen = await archive.seen_of(real, self.source.id, keys)
            seen = {key: one for key, one in seen.items() if key not in self.brought}
            told = await archive.seen_of(tx, self.source.id, keys)
            named = {key: identity.Named(one.apart, one.repeated) for key, one in seen.items()}
            shown = list[Shown]()
            for key, (post, fingerprint) in zip(identity.identify(names, named).keys, parsed, strict=True):
                if key in seen and key not in told:
                    alert_id = await self._copy(real, tx, seen[key].alert_id, (self.source.id,))
                    one = pipeline.shown(replace(post, key=key), fingerprint, alert_id, chosen)
                    shown.append(replace(one, fingerprint="" if key in changed else fingerprint))
            await archive.remember(tx, self.source.id, shown)
            await archive.note_repeated(tx, self.source.id, [key for key, one in seen.items() if one.repeated])
            here = await archive.stories_by_link(tx, links)
            for link, story in (await archive.stories_by_link(real, links)).items():
                carriers = await copies.carriers_of(real, story.alert_id, self.now)
                mine_at = carriers.index(self.source.id) if self.source.id in carriers else len(carriers)
                if link not in here and carriers[:mine_at]:
                    await self._copy(real, tx, story.alert_id, carriers[:mine_at])

    async def _copy(self, real: Any, tx: Any, alert_id: int, carriers: Sequence[str]) -> int:
        if alert_id not in self.copied:
            self.copied[alert_id] = await copies.copy(real, tx, alert_id, self.now, carriers)
        return self.copied[alert_id]


def _compared(tried: Sequence[Tried], before: Mapping[str, Mapping[str, Any]], *, known: bool) -> list[Entry]:
    """Each entry that is or was anything new, with what differs."""
    found = []
    for one in tried:
        was = before.get(one.post.key)
        differs = () if not known else ("new",) if was is None else differences(row_of(one), was)
        found.append(Entry(one.post.key, one, was, differs))
    keys = {one.post.key for one in tried}
    gone = [was for key, was in before.items() if key not in keys and was["verdict"] != "known"]
    return [*found, *(Entry(was["key"], None, was, ("missing",)) for was in gone)]


def row_of(tried: Tried) -> dict[str, Any]:
    """What an entry would be, in the form in which it is kept what entries were."""
    made = tried.condensed
    words = {"headline": made.headline, "bullets": list(made.bullets), "link": made.link} if made else {}
    return {"key": tried.post.key, "verdict": tried.verdict, **words}


def differences(now: Mapping[str, Any], was: Mapping[str, Any]) -> tuple[str, ...]:
    """Which of COMPARED differ. Who subscribes is not kept: an alert that is filtered today was an alert then, too."""
    verdict = "alert" if now["verdict"] == "filtered" else now["verdict"]
    return tuple(name for name in COMPARED if name in was and {**now, "verdict": verdict}.get(name) != was[name])
