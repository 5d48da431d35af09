"""A request is counted when its connection stands: what was slow to connect does not come too close to what follows."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from delivery import Departure, Door, Passage
from models import Chat
from platforms.connector import Connector
from platforms.slack import Slack
from platforms.telegram import Telegram
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram
from tests.parcels import SETTINGS, parcel
from tests.platforms import test_slack, test_telegram
from tests.platforms.test_telegram_request import Talk, Wire, http, read_request, wire

RATE = 5


class Time:
    """Passes where a test says so, and while somebody waits at the door."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class Addresses(AbstractResolver):
    """Everything is this machine; the way to "slow" is found when a test says so."""

    def __init__(self) -> None:
        self.found = asyncio.Event()
        self.asked = asyncio.Event()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host == "slow":
            self.asked.set()
            await self.found.wait()
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        return None


def most_in_a_second(times: Sequence[float]) -> int:
    return max(sum(end - 1 < one <= end for one in times) for end in times)


@pytest.mark.parametrize("counted", ["when its connection stands", "before"])
async def test_a_call_that_was_slow_to_connect_is_counted_when_it_leaves(counted: str) -> None:
    """The receiver keeps a strict sliding second; counted before they connect, calls breach it."""
    time, addresses, received = Time(), Addresses(), list[float]()
    door = Door(RATE, 1.0, time.clock, time.sleep)

    def receiving(_: Wire) -> Talk:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                await read_request(reader)
                received.append(time.now)
                writer.write(http(b"{}"))

        return behave

    connector = (aiohttp.TCPConnector if counted == "before" else Connector)(resolver=addresses)
    async with wire(receiving) as server, aiohttp.ClientSession(connector=connector) as session:

        async def call(host: str) -> None:
            async with Departure(0.0, door):
                if counted == "before":
                    await Departure.leave()
                async with session.post(f"http://{host}:{server.port}/", data=b"{}") as response:
                    await response.read()

        slow = asyncio.create_task(call("slow"))
        await addresses.asked.wait()
        for quarter in (1, 2, 3, 3.5):
            time.now = quarter / 4
            await call("fast")
        time.now = 0.9375
        addresses.found.set()
        await slow
        time.now = 1.0
        for _ in range(2 * RATE):
            await call("fast")
    assert len(received) == 5 + 2 * RATE
    assert (most_in_a_second(received) <= RATE) is (counted != "before")


async def test_what_is_cancelled_at_the_door_gives_its_connection_back() -> None:
    stuck, at_the_door = asyncio.Event(), asyncio.Event()

    async def sleep(_: float) -> None:
        at_the_door.set()
        await stuck.wait()

    def receiving(_: Wire) -> Talk:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                await read_request(reader)
                writer.write(http(b"{}"))

        return behave

    door = Door(1, 1.0, lambda: 0.0, sleep)
    async with wire(receiving) as server, aiohttp.ClientSession(connector=Connector(limit=1)) as session:

        async def call() -> None:
            async with Departure(0.0, door), session.post(f"http://127.0.0.1:{server.port}/") as response:
                await response.read()

        await call()
        waiting = asyncio.create_task(call())
        await at_the_door.wait()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(5), session.post(f"http://127.0.0.1:{server.port}/") as response:
            assert response.status == 200
        assert server.connections == 1


class Noted(Door):
    """Remembers what it was told was written."""

    def __init__(self) -> None:
        super().__init__(100, 1.0)
        self.noted: list[float] = []

    def written(self, passage: Passage) -> None:
        before = passage.at
        super().written(passage)
        self.noted.append(passage.at - before)


async def both() -> AsyncIterator[tuple[Slack | Telegram, Chat]]:
    """Each platform's sender, signed in, with a chat of it."""
    with FakeSlack() as slack, FakeTelegram() as telegram:
        slack.add_channel("C1", "news", creator="U1")
        desks = test_slack.Desk(), test_telegram.Desk()
        senders = (
            (Slack(test_slack.settings(slack), desks[0].take, desks[0], SETTINGS), test_slack.CHAT),
            (Telegram(test_telegram.settings(telegram), desks[1].take, desks[1], SETTINGS), test_telegram.CHAT),
        )
        for sender, chat in senders:
            assert await sender.check() == ""
            yield sender, chat
            await sender.close()


async def test_messages_of_both_platforms_are_counted_again_when_they_are_written() -> None:
    async for sender, chat in both():
        door = Noted()
        async with Departure(0.0, door):
            await sender.send(parcel(chat))
        assert len(door.noted) == 1 and door.noted[0] >= 0


async def test_messages_of_both_platforms_pass_the_door() -> None:
    time = Time()
    async for sender, chat in both():
        door, began = Door(1, 2.0, time.clock, time.sleep), time.now
        for left in (0.0, 2.0):
            async with Departure(0.0, door):
                await sender.send(parcel(chat))
            assert time.now - began == left
