"""How requests leave: every connection goes to exactly the address that was checked, a moment before.

httpx leaves resolving to httpcore's network backend; this one resolves by itself, checks, and connects to the checked
address. TLS and the Host header still name the host, so certificates are checked as ever.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpcore
import httpx

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


class Transport(httpx.AsyncBaseTransport):
    """Two pools of connections: what was connected for a trusted source is never used for another."""

    def __init__(self, allow_networks: Iterable[str], per_host: int = 1) -> None:
        self._turns = Turns(per_host)
        self.opened = tuple(ip_network(network) for network in allow_networks)
        tls = httpx.create_ssl_context(trust_env=False)
        self._public = _pool(tls, ())
        self._trusted = _pool(tls, self.opened)

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
        pool = self._trusted if request.extensions.get(OPENED) else self._public
        assert isinstance(request.stream, httpx.AsyncByteStream)
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        passed_on = httpcore.Request(
            request.method, url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
        )
        leave = await self._turns.take(origin(str(request.url)), request.extensions.get(CLOCK))
        try:
            with _as_httpx():
                answer = await pool.handle_async_request(passed_on)
        except BaseException:
            leave()
            raise
        body = _Body(answer, leave)
        return httpx.Response(answer.status, headers=answer.headers, stream=body, extensions=answer.extensions)


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
    stream = response.extensions.get("network_stream")
    peer = stream.get_extra_info("server_addr") if stream is not None else None
    return peer is not None and not is_public(ip_address(peer[0]))


def _pool(tls: ssl.SSLContext, opened: tuple[Network, ...]) -> httpcore.AsyncConnectionPool:
    return httpcore.AsyncConnectionPool(
        ssl_context=tls,
        max_connections=100,
        max_keepalive_connections=100,
        keepalive_expiry=60,
        network_backend=CheckedBackend(opened),
    )


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a host, refuses what must not be reached, and connects to what was checked."""

    def __init__(self, opened: tuple[Network, ...]) -> None:
        self._opened = opened
        self._connect = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = permitted(await resolve(host, port), host, self._opened)
        share = None if timeout is None else timeout / len(addresses)
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._connect.connect_tcp(str(address), port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("no socket of this machine is a publisher")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


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
    """The first addresses of a host, whichever way it is written (`127.1` and `0x7f.1` are addresses too)."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} has no address") from error
    unique = dict.fromkeys(ip_address(peer[0]) for *_, peer in found)
    return list(unique)[:TRIED]


class _Body(httpx.AsyncByteStream):
    """The answer's body, whose errors are httpx's as well."""

    def __init__(self, answer: httpcore.Response, leave: Callable[[], None]) -> None:
        self._answer = answer
        self._leave = leave

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for part in self._answer.aiter_stream():
                yield part

    async def aclose(self) -> None:
        try:
            await self._answer.aclose()
        finally:
            self._leave()


@contextmanager
def _as_httpx() -> Iterator[None]:
    """httpx's exceptions have the names of httpcore's."""
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise getattr(httpx, type(error).__name__, httpx.TransportError)(str(error)) from error
    except httpcore.UnsupportedProtocol as error:
        raise httpx.UnsupportedProtocol(str(error)) from error
