"""Which connections are kept, on real sockets: few, and those that are of use again."""

import asyncio
import ssl
from collections.abc import AsyncIterator

import pytest

from config.settings import Fetch
from errors import SourceError
from sources import fetch, transport
from sources.documents import Fetched, Unchanged

OPENED = Fetch(timeout=5.0, allow_networks=("127.0.0.0/8",))
PAGE = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 11\r\n\r\n<rss></rss>'
SAME = b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n'
ENDLESS = b"HTTP/1.1 404 Not Found\r\nContent-Length: 900000000\r\n\r\n"


class Server:
    """Counts connections; a conditional request is answered with 304, one for /endless with a body without an end."""

    def __init__(self) -> None:
        self.made = self.open = 0
        self.changed = asyncio.Condition()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/feed"

    async def stop(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.made, self.open = self.made + 1, self.open + 1
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                endless = b"/endless" in request
                writer.write(ENDLESS if endless else SAME if b"If-None-Match" in request else PAGE)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.open -= 1
            async with self.changed:
                self.changed.notify_all()

    async def has_open(self, count: int) -> None:
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(lambda: self.open == count), 5)


@pytest.fixture
async def servers() -> AsyncIterator[list[Server]]:
    made = [Server() for _ in range(3)]
    for server in made:
        await server.start()
    yield made
    for server in made:
        await server.stop()


async def test_a_connection_is_kept_also_after_an_answer_without_a_body(servers: list[Server]) -> None:
    async with fetch.client(OPENED, "0") as http:
        first = await fetch.fetch(http, servers[0].url, {}, OPENED, trusted=True)
        assert isinstance(first, Fetched)
        for _ in range(3):
            same = await fetch.fetch(http, servers[0].url, first.validators, OPENED, trusted=True)
            assert isinstance(same, Unchanged)
        assert servers[0].made == 1
    await servers[0].has_open(0)


async def test_only_so_many_hosts_connections_are_kept(servers: list[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "IDLE", 2)
    async with fetch.client(OPENED, "0") as http:
        for _ in range(2):
            for server in servers:
                await fetch.fetch(http, server.url, {}, OPENED, trusted=True)
        await servers[2].has_open(0)
        assert [(server.made, server.open) for server in servers] == [(1, 1), (1, 1), (2, 0)]


async def test_a_host_that_is_not_asked_for_a_while_makes_room_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "IDLE", 1)
    connections = transport.Connections(ssl.create_default_context(), ())
    assert [connections._is_kept(host) for host in ("a:443", "b:443", "a:443")] == [True, False, True]
    loop, later = asyncio.get_running_loop(), asyncio.get_running_loop().time() + transport.IDLE_FOR + 1
    with monkeypatch.context() as patched:
        patched.setattr(loop, "time", lambda: later)
        assert [connections._is_kept(host) for host in ("b:443", "a:443")] == [True, False]


async def test_an_answer_that_is_not_read_to_its_end_costs_its_connection_and_nothing_else(
    servers: list[Server],
) -> None:
    async with fetch.client(OPENED, "0") as http:
        for _ in range(2):
            with pytest.raises(SourceError, match="not found"):
                await fetch.fetch(http, servers[0].url.replace("/feed", "/endless"), {}, OPENED, trusted=True)
        await servers[0].has_open(0)
        assert servers[0].made == 2
