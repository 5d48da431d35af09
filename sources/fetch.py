"""The only HTTP to publishers: conditional, capped in time, size and redirects. Nothing here parses."""

import asyncio
import hashlib
import re
import ssl
import zlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from config.settings import Fetch
from errors import SourceError
from sources.documents import Document, Fetched, Unchanged
from sources.transport import OPENED, Transport, is_inside

MAX_REDIRECTS = 5
ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
REDIRECTS = (301, 302, 303, 307, 308)
PERMANENT = (301, 308)
LARGE = 500_000
Large = Callable[[], Awaitable[object]]


class Body:
    """Reads a body, decompressed piece by piece and never further than one byte past the cap."""

    def __init__(self, max_bytes: int, clock: asyncio.Timeout, large: Large | None) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._large = large

    async def read(self, response: httpx.Response) -> bytes:
        packed = response.headers.get("content-encoding", "").lower() == "gzip"
        inflate = zlib.decompressobj(wbits=47) if packed else None
        body = bytearray()
        try:
            async for raw in response.aiter_raw(65536):
                body += raw if inflate is None else inflate.decompress(raw, self._max_bytes + 1 - len(body))
                if len(body) > self._max_bytes:
                    raise SourceError("too-large", f"larger than {self._max_bytes:,} bytes (fetch.max_bytes)")
                if len(body) > LARGE and self._large is not None:
                    await self._wait_for_room(self._large)
        except zlib.error as error:
            raise SourceError("gzip", "the compressed answer is damaged") from error
        if inflate is not None and not inflate.eof:
            raise SourceError("cut", "the answer was cut off before its end")
        return bytes(body)

    async def _wait_for_room(self, large: Large) -> None:
        """The time that we make a publisher wait is not counted as its own."""
        loop, until = asyncio.get_running_loop(), self._clock.when()
        left = None if until is None else until - loop.time()
        self._clock.reschedule(None)
        await large()
        self._large = None
        self._clock.reschedule(None if left is None else loop.time() + left)


def client(settings: Fetch, version: str) -> httpx.AsyncClient:
    """The one client for publishers. Close it with `aclose()`.

    No proxies from the environment; only gzip, whose decompressed size stays bounded while streaming; addresses are
    checked where the connection is made (`sources.transport`).
    """
    return httpx.AsyncClient(
        transport=Transport(settings.allow_networks),
        timeout=settings.timeout,
        trust_env=False,
        follow_redirects=False,
        headers={
            "User-Agent": f"Sokbo/{version} (news desk; feed reader)",
            "Accept": ACCEPT,
            "Accept-Encoding": "gzip",
        },
    )


async def fetch(
    http: httpx.AsyncClient,
    url: str,
    validators: Mapping[str, Any],
    settings: Fetch,
    *,
    trusted: bool = False,
    large: Large | None = None,
) -> Fetched | Unchanged:
    """Get a document if it has changed. Raises SourceError with the reason in words.

    `trusted`: the address stands in the configuration file, and may lead into the networks that are opened there.
    `large` is awaited when the body turns out to be larger than `LARGE` bytes; the rest of it is read after that.
    """
    start = _start(url, validators.get("moved_to", ""), trusted=trusted)
    try:
        async with asyncio.timeout(settings.timeout) as clock:
            body = Body(settings.max_bytes, clock, large)
            return await _follow(http, start, validators, body, trusted=trusted)
    except TimeoutError as error:
        raise SourceError("timeout", f"no full answer within {settings.timeout:g} s") from error
    except httpx.TimeoutException as error:
        raise SourceError("timeout", f"no answer within {settings.timeout:g} s") from error
    except httpx.RemoteProtocolError as error:
        raise SourceError("cut", "the answer was cut off before its end") from error
    except httpx.ConnectError as error:
        raise SourceError("connect", _why_not_connected(error)) from error
    except httpx.InvalidURL as error:
        raise SourceError("address", f"this is no web address that can be read ({error})") from error
    except httpx.HTTPError as error:
        raise SourceError("network", f"the connection failed ({type(error).__name__})") from error


def _start(url: str, moved_to: str, *, trusted: bool) -> str:
    """Where to begin. What is trusted begins where the configuration says, unless it moved within its own host:
    another host gets no trust from a redirect that was followed once."""
    if trusted and moved_to and urlsplit(moved_to).hostname != urlsplit(url).hostname:
        return url
    return moved_to or url


def _why_not_connected(error: httpx.ConnectError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not valid: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    return "cannot connect: nobody answers at this address"


async def _follow(
    http: httpx.AsyncClient, url: str, validators: Mapping[str, Any], body: Body, *, trusted: bool
) -> Fetched | Unchanged:
    headers = {}
    if validators.get("etag"):
        headers["If-None-Match"] = validators["etag"]
    if validators.get("last_modified"):
        headers["If-Modified-Since"] = validators["last_modified"]
    moved_to, still_permanent = validators.get("moved_to", ""), True
    for _ in range(MAX_REDIRECTS + 1):
        _refuse_address(url, trusted=trusted)
        async with http.stream("GET", url, headers=headers, extensions={OPENED: trusted}) as response:
            if response.status_code in REDIRECTS and "location" in response.headers:
                url = _next(url, response.headers["location"])
                still_permanent = still_permanent and response.status_code in PERMANENT
                moved_to = url if still_permanent else moved_to
                # A publisher outside must not lead us into the networks that are opened for others.
                trusted = trusted and is_inside(response)
                continue
            return await _take(response, validators, moved_to, body)
    raise SourceError("redirect", f"more than {MAX_REDIRECTS} redirects in a row")


def _next(url: str, location: str) -> str:
    try:
        url = urljoin(url, location)
    except ValueError:
        url = ""
    if not url.startswith(("http://", "https://")):
        raise SourceError("redirect", "it redirects to something that is not a web address")
    return url


def _refuse_address(url: str, *, trusted: bool) -> None:
    """What the written address alone tells; where it leads is checked when the connection is made."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SourceError("address", f"this is no web address that can be read ({error})") from error
    if trusted:
        return
    if parts.username is not None or parts.password is not None:
        raise SourceError("address", "it holds a name or password: only the configuration file may name such a source")
    if port is not None and port < 1024 and port not in (80, 443):
        raise SourceError(
            "address", f"port {port} is not for the web: only the configuration file may name such a source"
        )


async def _take(
    response: httpx.Response, validators: Mapping[str, Any], moved_to: str, limits: Body
) -> Fetched | Unchanged:
    fresh_for = _fresh_for(response.headers)
    if response.status_code == 304 and validators:
        return Unchanged(fresh_for)
    if response.status_code != 200:
        raise _refusal(response)
    body = await limits.read(response)
    digest = hashlib.blake2b(body, digest_size=16).hexdigest()
    if digest == validators.get("body"):
        return Unchanged(fresh_for)
    kept = {
        "etag": response.headers.get("etag", ""),
        "last_modified": response.headers.get("last-modified", ""),
        "body": digest,
        "moved_to": moved_to,
    }
    charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", response.headers.get("content-type", ""), re.IGNORECASE)
    document = Document(str(response.url), body, charset[1] if charset else "")
    return Fetched((document,), {key: value for key, value in kept.items() if value}, fresh_for)


WORDS = {
    401: "it asks for a password (401)",
    403: "it refuses us (403), perhaps a wall against bots",
    404: "not found there (404)",
    410: "gone for good (410)",
    429: "it asks us to come less often (429)",
}


def _refusal(response: httpx.Response) -> SourceError:
    status = response.status_code
    words = WORDS.get(status, f"its server has trouble ({status})" if status >= 500 else f"it answers {status}")
    return SourceError(f"http-{status}", words, retry_after=retry_after(response.headers.get("retry-after", "")))


def retry_after(value: str, now: datetime | None = None) -> float | None:
    """Seconds named by a Retry-After header, in either of its forms; at most a day."""
    if re.fullmatch(r"\s*[0-9]+\s*", value):
        return min(float(value), 86400.0)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(0.0, (at - (now or datetime.now(UTC))).total_seconds()), 86400.0)


def _fresh_for(headers: httpx.Headers) -> float | None:
    age = re.search(r"max-age\s*=\s*(\d{1,9})", headers.get("cache-control", ""))
    return float(age[1]) if age else None
