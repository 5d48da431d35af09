"""Twenty-four hours with failing, moving, slow and lying sources: nothing missed, nothing doubled, nobody starved."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar, TypeVarTuple, Unpack

import httpx
import pytest

import pipeline
import reader
from config.settings import Settings
from models import Chat, ChatSettings, Kind, Source, Subscription
from notices import Teller
from pipeline import Desk, Dispatcher
from storage import archive, chats
from storage import sources as stored
from tests.conftest import Clock
from tests.fakes.day import Publisher, the_day
from tests.senders import ScriptedSender

Args = TypeVarTuple("Args")
Result = TypeVar("Result")
LONGEST = timedelta(hours=1.2)
"""Between two requests to one source: its back-off ends at an hour."""
SOON = timedelta(hours=4.5)
"""In which a post must have been asked for: the longest bad spell of the day, and a back-off."""


@pytest.fixture
def desk_settings(settings: Settings) -> Settings:
    fetch = settings.fetch.model_copy(update={"min_every": 1200.0})
    return settings.model_copy(update={"fetch": fetch})


async def at_once(work: Callable[[Unpack[Args]], Result], *args: *Args) -> Result:
    return work(*args)


class Simulation:
    """The desk, with time that is driven and publishers in memory."""

    def __init__(self, desk: Desk, settings: Settings, publishers: Sequence[Publisher]) -> None:
        assert isinstance(desk.now, Clock)
        self.clock, self.desk, self.publishers = desk.now, desk, publishers
        self.by_host = {f"{one.name}.example": one for one in publishers}
        self.sender = ScriptedSender("telegram")
        desk.settings, desk.senders, desk.off_the_loop = settings, {"telegram": self.sender}, at_once
        desk.http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        return self.by_host[request.url.host].answer(self.clock(), request)

    async def begin(self) -> None:
        sources = [Source(one.name, one.name, Kind.FEED, one.url, every=one.every) for one in self.publishers]
        chat = Chat("telegram", "", "chat")
        async with self.desk.database.write() as tx:
            await stored.declare(tx, sources, self.clock(), 60)
            await chats.subscribe(tx, chat, ChatSettings("ko", "Asia/Seoul"), Subscription(0), self.clock())

    async def run(self, hours: float) -> None:
        """Every source when it is due, and what follows from it delivered every six hours."""
        end, deliver_at = self.clock() + timedelta(hours=hours), self.clock() + timedelta(hours=1)
        while self.clock() < end:
            async with self.desk.database.read() as connection:
                due = await stored.due(connection, self.clock(), 100)
                next_due = await stored.next_due(connection, self.clock())
            for watched in due:
                await pipeline.poll(self.desk, watched)
            if not due:
                self.clock.time = min(end, deliver_at, max(next_due or end, self.clock() + timedelta(seconds=1)))
            if self.clock() >= deliver_at:
                await self.deliver()
                deliver_at += timedelta(hours=6)
        await self.deliver()

    async def deliver(self) -> None:
        dispatcher, before = Dispatcher(self.desk), -1
        while before != len(self.sender.sent):
            before = len(self.sender.sent)
            await dispatcher.turn()
            await dispatcher.calls_end()
            self.clock.forward(0.02)
        await dispatcher.turn()

    def complaints(self) -> list[str]:
        """What the publishers' logs say against the chat: missed, doubled, never shown, starved."""
        got = Counter(alert.headline for outgoing in self.sender.sent for alert in outgoing.alerts)
        found = [f"doubled: {title}" for title, times in got.items() if times > 1]
        for one in self.publishers:
            owed = set(one.shown)
            found += [f"missed: {title}" for title in sorted(owed - got.keys())]
            found += [
                f"out of nowhere: {title}" for title in got if title.startswith(f"{one.name} ") and title not in owed
            ]
            found += [
                f"too late: {item.title}"
                for at, item in one.published
                if item.title not in (one.first or ()) and one.shown.get(item.title, self.clock()) - at > SOON
            ]
            gaps = [after - before for before, after in zip(one.asked, [*one.asked[1:], self.clock()], strict=True)]
            found += [f"starved: {one.name} for {gap}" for gap in gaps if gap > LONGEST]
        return found


async def test_a_day_of_failing_moving_slow_and_lying_sources(
    desk: Desk, desk_settings: Settings, clock: Clock
) -> None:
    day = Simulation(desk, desk_settings, the_day(clock()))
    await day.begin()
    await day.run(24)
    assert day.complaints() == []
    assert all(one.first and len(one.shown) > 10 for one in day.publishers)
    assert all(len(one.asked) > 24 for one in day.publishers)
    await Teller(desk).turn()
    assert day.sender.told == []  # nothing failed for a day, and nothing was held


SOME = ("steady", "dating", "repeating", "falling")


async def shorter(desk: Desk, settings: Settings, clock: Clock, hours: float = 4) -> list[str]:
    day = Simulation(desk, settings, [one for one in the_day(clock()) if one.name in SOME])
    await day.begin()
    await day.run(hours)
    return day.complaints()


async def test_a_date_watermark_makes_it_red(
    desk: Desk, desk_settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest: dict[str, Any] = {}
    honest = reader.parse_changes

    def after_the_newest(source: Source, document: Any, known: bytes) -> reader.Changes:
        changes = honest(source, document, known)
        dated = [(one, one.post.published) for one in changes.entries]
        until = newest.get(source.id, clock.time - timedelta(days=9999))
        newest[source.id] = max([until, *(moment for _, moment in dated if moment)])
        return changes._replace(entries=[one for one, moment in dated if moment and moment > until])

    monkeypatch.setattr(reader, "parse_changes", after_the_newest)
    found = await shorter(desk, desk_settings, clock)
    assert any(one.startswith("missed: dating") for one in found)


async def test_a_memory_that_forgets_makes_it_red(
    desk: Desk, desk_settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any) -> None: ...

    monkeypatch.setattr(archive, "remember", nothing)
    assert any(one.startswith("doubled") for one in await shorter(desk, desk_settings, clock, hours=2))


async def test_believing_every_304_makes_it_red(
    desk: Desk, desk_settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sources.fetch.WHOLE_AFTER", 1e9)
    day = Simulation(desk, desk_settings, [one for one in the_day(clock()) if one.name == "unchanged"])
    await day.begin()
    await day.run(9)
    assert any(one.startswith("too late: unchanged") for one in day.complaints())
