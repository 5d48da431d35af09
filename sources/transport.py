"""How requests leave: every connection goes to exactly the address that was checked, a moment before.

httpx asks, aiohttp carries (docs/decisions/0021-aiohttp-under-httpx.md). Names are resolved and checked here, and the
address of each socket once more where it is made. TLS and the Host header still name the host, so certificates are
checked as ever.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address, ip_network
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import aiohttp.abc
import aiohttp.connector
import httpx
import yarl

from errors import SourceError
from sources.addresses import Address, Network, is_public, refuse

OPENED = "sokbo_opened"
"""The request extension that lets a request into the networks that the configuration opened."""
CLOCK = "sokbo_clock"
"""The request extension with the deadline (an `asyncio.Timeout`) that stands still while the request waits its turn."""
TURN_WITHIN = 60.0
"""Seconds for which a request waits for its turn at a host; what takes longer is no queue any more."""
TRIED = 4
"""So many of a host's addresses are tried."""


PEER = "sokbo_peer"
"""The extension of an answer that says which address it came from."""
IDLE, IDLE_FOR = 64, 60.0
"""So many hosts' connections are kept open, each for so many seconds; of all others they end with the answer."""
HEAD = 65_536
"""Bytes of one line of an answer's head."""


class Transport(httpx.AsyncBaseTransport):
    """Two pools of connections: what was connected for a trusted source is never used for another."""

    def __init__(self, allow_networks: Iterable[str], per_host: int = 1, tls: ssl.SSLContext | None = None) -> None:
        self._turns = Turns(per_host)
        self.opened = tuple(ip_network(network) for network in allow_networks)
        tls = tls or httpx.create_ssl_context(trust_env=False)
        self._public = Connections(tls, ())
        self._trusted = Connections(tls, self.opened)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._public.aclose()
        await self._trusted.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        connections = self._trusted if request.extensions.get(OPENED) else self._public
        leave = await self._turns.take(origin(str(request.url)), request.extensions.get(CLOCK))
        try:
            with _as_httpx():
                answer = await connections.ask(request)
        except BaseException:
            leave()
            raise
        body = _Body(answer, leave)
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=body, extensions={PEER: answer.peer})


def origin(url: str) -> str:
    """Host and port: what counts as one host for politeness; "" for what is no web address."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return ""
    return f"{parts.hostname}:{port}" if parts.hostname and port else ""


@dataclass(slots=True)
class Queue:
    """At one host: `users` are those who have a turn or wait for one."""

    turns: asyncio.Semaphore
    users: int = 0


class Turns:
    """So many requests at a time to one host; the others wait, in order."""

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._queues: dict[str, Queue] = {}

    async def take(self, host: str, clock: asyncio.Timeout | None) -> Callable[[], None]:
        """Wait for a turn, with the clock standing still; call what comes back when the answer is done with."""
        queue = self._queues.setdefault(host, Queue(asyncio.Semaphore(self._per_host)))
        queue.users += 1
        try:
            with _standing_still(clock) if queue.turns.locked() else nullcontext():
                await asyncio.wait_for(queue.turns.acquire(), TURN_WITHIN)
        except BaseException as error:
            self._gone(host, queue)
            if isinstance(error, TimeoutError):
                raise httpx.PoolTimeout(f"no turn at {host}") from error
            raise
        left = False

        def leave() -> None:
            nonlocal left
            if not left:
                left = True
                queue.turns.release()
                self._gone(host, queue)

        return leave

    def _gone(self, host: str, queue: Queue) -> None:
        queue.users -= 1
        if not queue.users:
            self._queues.pop(host, None)


@contextmanager
def _standing_still(clock: asyncio.Timeout | None) -> Iterator[None]:
    """Whoever waits for us is not blamed for the wait."""
    until = clock.when() if clock is not None else None
    if clock is None or until is None:
        yield
        return
    loop = asyncio.get_running_loop()
    left = until - loop.time()
    clock.reschedule(None)
    try:
        yield
    finally:
        if not clock.expired():
            clock.reschedule(loop.time() + left)


def is_inside(response: httpx.Response) -> bool:
    """Whether an answer came from an address that is not public."""
    peer = response.extensions.get(PEER)
    return peer is not None and not is_public(ip_address(peer[0]))


class Answer(aiohttp.ClientResponse):
    """It remembers whom it came from: where it has no body, its connection is gone before anybody can ask."""

    peer: tuple[Any, ...] | None = None

    async def start(self, connection: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        if connection.transport is not None:
            self.peer = connection.transport.get_extra_info("peername")
        return await super().start(connection)


class Connections:
    """A few hosts' connections are kept for their next request, those of all others are closed: aiohttp itself keeps
    as many as there are hosts, at 300 KB each."""

    def __init__(self, tls: ssl.SSLContext, opened: tuple[Network, ...]) -> None:
        self._tls = tls
        self._opened = opened
        self._kept: dict[str, float] = {}
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def ask(self, request: httpx.Request) -> Answer:
        session = self._session(keeping=self._is_kept(origin(str(request.url))))
        seconds = request.extensions.get("timeout", {}).get("connect")
        answer = await session.request(
            request.method,
            _url(request.url),
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
            data=await request.aread() or None,
            allow_redirects=False,
            # For each address that is tried; the whole has its time limit where it is asked for.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None if seconds is None else seconds / 2),
        )
        assert isinstance(answer, Answer)
        return answer

    async def aclose(self) -> None:
        while self._sessions:
            await self._sessions.popitem()[1].close()

    def _is_kept(self, host: str) -> bool:
        now = asyncio.get_running_loop().time()
        self._kept = {one: until for one, until in self._kept.items() if until > now}
        if host in self._kept or len(self._kept) < IDLE:
            self._kept[host] = now + IDLE_FOR
            return True
        return False

    def _session(self, *, keeping: bool) -> aiohttp.ClientSession:
        if keeping not in self._sessions:
            connector = aiohttp.TCPConnector(
                ssl=self._tls,
                resolver=CheckedResolver(self._opened),
                socket_factory=partial(checked_socket, self._opened),
                use_dns_cache=False,
                happy_eyeballs_delay=None,
                limit=0,
                **({"keepalive_timeout": IDLE_FOR} if keeping else {"force_close": True}),
            )
            self._sessions[keeping] = aiohttp.ClientSession(
                connector=connector,
                response_class=Answer,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                max_line_size=HEAD,
                max_field_size=HEAD,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        return self._sessions[keeping]


def _url(url: httpx.URL) -> yarl.URL:
    """As httpx wrote it, character by character."""
    host = url.raw_host.decode("ascii")
    host = f"[{host}]" if ":" in host else host
    port = "" if url.port is None else f":{url.port}"
    return yarl.URL(f"{url.scheme}://{host}{port}{url.raw_path.decode('ascii')}", encoded=True)


class CheckedResolver(aiohttp.abc.AbstractResolver):
    """Resolves a host, and names only those of its addresses that may be connected to."""

    def __init__(self, opened: tuple[Network, ...]) -> None:
        self._opened = opened

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[aiohttp.abc.ResolveResult]:
        addresses = permitted(await resolve(host, port), host, self._opened)
        return [
            {
                "hostname": host,
                "host": str(address),
                "port": port,
                "family": socket.AF_INET if address.version == 4 else socket.AF_INET6,
                "proto": socket.IPPROTO_TCP,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in addresses
        ]

    async def close(self) -> None:
        pass


def checked_socket(opened: tuple[Network, ...], peer: Sequence[Any]) -> socket.socket:
    """The socket for a connection. No address comes here that was not checked as a host's, but addresses that stand in
    the place of a host: those are checked only here."""
    family, kind, proto, _, (host, *_) = peer
    try:
        address = ip_address(host)
    except ValueError as error:
        raise SourceError("address", f"{host} is no address that can be read") from error
    refuse(address, str(address), opened)
    return socket.socket(family, kind, proto)


def permitted(addresses: list[Address], host: str, opened: tuple[Network, ...]) -> list[Address]:
    """Those that may be connected to; raises SourceError when there is none."""
    found, refusal = list[Address](), SourceError("connect", f"{host} has no address")
    for address in addresses:
        try:
            refuse(address, host, opened)
            found.append(address)
        except SourceError as error:
            refusal = error
    if not found:
        raise refusal
    return found


async def resolve(host: str, port: int) -> list[Address]:
    """The first addresses of a host, whichever way it is written (`127.1` and `0x7f.1` are addresses too). Raises
    OSError."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror(f"{host} has no address") from error
    unique = dict.fromkeys(ip_address(peer[0]) for *_, peer in found)
    return list(unique)[:TRIED]


class _Body(httpx.AsyncByteStream):
    """The answer's body, whose errors are httpx's as well."""

    def __init__(self, answer: Answer, leave: Callable[[], None]) -> None:
        self._answer = answer
        self._leave = leave

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for part in self._answer.content.iter_any():
                yield part

    async def aclose(self) -> None:
        try:
            self._answer.close()  # what was read to its end has given its connection back by now
        finally:
            self._leave()


@contextmanager
def _as_httpx() -> Iterator[None]:
    """aiohttp's exceptions as those of httpx."""
    try:
        yield
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, aiohttp.ClientResponseError) as error:
        raise httpx.RemoteProtocolError(str(error)) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(str(error)) from error
    except (aiohttp.InvalidURL, ValueError) as error:
        raise httpx.InvalidURL(str(error)) from error
    except (aiohttp.ClientError, OSError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise httpx.ReadError(str(error)) from error
