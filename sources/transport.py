"""How requests leave: every connection goes to exactly the address that was checked, a moment before.

httpx leaves resolving to httpcore's network backend; this one resolves by itself, checks, and connects to the checked
address. TLS and the Host header still name the host, so certificates are checked as ever.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from types import TracebackType
from typing import Self

import httpcore
import httpx

from errors import SourceError
from sources.addresses import Address, Network, is_public, refuse

OPENED = "sokbo_opened"
"""The request extension that lets a request into the networks that the configuration opened."""
TRIED = 4
"""So many of a host's addresses are tried."""


class Transport(httpx.AsyncBaseTransport):
    """Two pools of connections: what was connected for a trusted source is never used for another."""

    def __init__(self, allow_networks: Iterable[str]) -> None:
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
        with _as_httpx():
            answer = await pool.handle_async_request(passed_on)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)


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

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for part in self._answer.aiter_stream():
                yield part

    async def aclose(self) -> None:
        await self._answer.aclose()


@contextmanager
def _as_httpx() -> Iterator[None]:
    """httpx's exceptions have the names of httpcore's."""
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise getattr(httpx, type(error).__name__, httpx.TransportError)(str(error)) from error
    except httpcore.UnsupportedProtocol as error:
        raise httpx.UnsupportedProtocol(str(error)) from error
