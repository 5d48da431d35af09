"""The only HTTP to publishers: conditional, capped in time, size and redirects. Nothing here parses."""

import asyncio
import hashlib
import re
import socket
import ssl
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from config.settings import Fetch
from errors import SourceError
from sources import schedule, walls, websub
from sources.documents import Document, Fetched, Unchanged
from sources.transport import CLOCK, OPENED, Transport, is_inside, permitted, resolve
from sources.unpacking import Unpacking

MAX_REDIRECTS = 5
ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
REDIRECTS = (301, 302, 303, 307, 308)
PERMANENT = (301, 308)
LARGE = 500_000
EXPIRED = 10
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED (https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/)."""
PACKED = ("gzip", "x-gzip", "deflate")
WHOLE_AFTER = 3 * 3600.0
"""Seconds after which a document is asked for as a whole, whatever its publisher says about changes."""
DISTRUSTED_FOR = 7 * 86400.0
"""Seconds for which nothing else is asked of a publisher that said "unchanged" of what had changed."""
Large = Callable[[], Awaitable[object]]


class Body:
    """Reads a body, decompressed piece by piece and never further than one byte past the cap."""

    def __init__(self, max_bytes: int, clock: asyncio.Timeout, large: Large | None) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._large = large

    async def read(self, response: httpx.Response) -> bytes:
        packing = response.headers.get("content-encoding", "").strip().lower() or "identity"
        if packing not in (*PACKED, "identity"):
            raise SourceError("packing", f"it comes packed in a way that was not asked for ({packing[:40]})")
        unpack = None if packing == "identity" else Unpacking()
        body = bytearray()
        try:
            async for raw in response.aiter_raw(65536):
                body += raw if unpack is None else unpack.feed(raw, self._max_bytes + 1 - len(body))
                if len(body) > self._max_bytes:
                    raise SourceError("too-large", f"larger than {self._max_bytes:,} bytes (fetch.max_bytes)")
                if len(body) > LARGE and self._large is not None:
                    await self._wait_for_room(self._large)
        except zlib.error as error:
            raise SourceError("gzip", "the compressed answer is damaged") from error
        if unpack is not None and not unpack.ended:
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


def client(settings: Fetch, version: str, *, tls: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    """The one client for publishers. Close it with `aclose()`.

    No proxies from the environment; only gzip, whose decompressed size stays bounded while streaming; addresses are
    checked where the connection is made (`sources.transport`).
    """
    return httpx.AsyncClient(
        transport=Transport(settings.allow_networks, settings.per_host, tls),
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
    now: datetime | None = None,
) -> Fetched | Unchanged:
    """Get a document if it has changed. Raises SourceError with the reason in words.

    `trusted`: the address stands in the configuration file, and may lead into the networks that are opened there.
    `large` is awaited when the body turns out to be larger than `LARGE` bytes; the rest of it is read after that.
    """
    start = _start(url, validators.get("moved_to", ""), trusted=trusted)
    with _in_words(settings):
        async with asyncio.timeout(settings.timeout) as clock:
            body = Body(settings.max_bytes, clock, large)
            asking = Asking(validators, now or datetime.now(UTC), clock, body)
            return await _follow(http, start, asking, trusted=trusted)


async def post(
    http: httpx.AsyncClient, url: str, form: Mapping[str, Any], settings: Fetch, *, trusted: bool = False
) -> None:
    """Send a form to a hub, with the same guards as a fetch. Raises SourceError unless the hub says 2xx.

    Only redirects that keep the form are followed (307 and 308).
    """
    with _in_words(settings):
        async with asyncio.timeout(settings.timeout) as clock:
            for _ in range(MAX_REDIRECTS + 1):
                _refuse_address(url, trusted=trusted)
                extensions = {OPENED: trusted, CLOCK: clock}
                async with http.stream("POST", url, data=form, extensions=extensions) as response:
                    if response.status_code in (307, 308) and "location" in response.headers:
                        url = _next(url, response.headers["location"])
                        trusted = trusted and is_inside(response)
                        continue
                    if not response.is_success:
                        raise _refusal(response, datetime.now(UTC))
                    return
            raise SourceError("redirect", f"more than {MAX_REDIRECTS} redirects in a row")


@contextmanager
def _in_words(settings: Fetch) -> Iterator[None]:
    """What goes wrong on the way, as a SourceError."""
    try:
        yield
    except TimeoutError as error:
        raise SourceError("timeout", f"no full answer within {settings.timeout:g} s") from error
    except httpx.TimeoutException as error:
        raise SourceError("timeout", f"no answer within {settings.timeout:g} s") from error
    except httpx.RemoteProtocolError as error:
        raise SourceError("cut", "the answer was cut off before its end") from error
    except httpx.ConnectError as error:
        raise _not_connected(error) from error
    except httpx.InvalidURL as error:
        raise SourceError("address", f"this is no web address that can be read ({error})") from error
    except httpx.HTTPError as error:
        raise SourceError("network", f"the connection failed ({type(error).__name__})") from error


@dataclass(frozen=True, slots=True)
class Fetching:
    """One look at one source, for the kinds that ask for more than one document. Call it with an address.

    What the configuration trusts is the host that it names: addresses that this host names, of others, are untrusted.
    """

    http: httpx.AsyncClient
    settings: Fetch
    trusted: bool = False
    large: Large | None = None
    now: datetime | None = None

    async def __call__(self, url: str, validators: Mapping[str, Any], *, beside: str) -> Fetched | Unchanged:
        """Get a document if it has changed; `beside`: the address that the source is known by. Raises SourceError."""
        trusted = self.trusted and _site(url) == _site(beside)
        large, now = self.large, self.now
        return await fetch(self.http, url, validators, self.settings, trusted=trusted, large=large, now=now)


def _site(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def _start(url: str, moved_to: str, *, trusted: bool) -> str:
    """Where to begin. What is trusted begins where the configuration says, unless it moved within its own host:
    another host gets no trust from a redirect that was followed once."""
    if trusted and moved_to and urlsplit(moved_to).hostname != urlsplit(url).hostname:
        return url
    return moved_to or url


def _not_connected(error: httpx.ConnectError) -> SourceError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            expired = cause.verify_code == EXPIRED
            words = f"the certificate is not valid: {cause.verify_message}"
            return SourceError("certificate-expired" if expired else "certificate", words)
        if isinstance(cause, ssl.SSLError):
            return SourceError("tls", "no encrypted connection could be agreed on")
        if isinstance(cause, socket.gaierror | UnicodeError):
            return SourceError("dns", "its name has no address (DNS)")
        cause = cause.__cause__ or cause.__context__
    return SourceError("connect", "cannot connect: nobody answers at this address")


@dataclass(frozen=True, slots=True)
class Asking:
    """What one fetch knows before it asks."""

    validators: Mapping[str, Any]
    now: datetime
    clock: asyncio.Timeout
    body: Body

    @property
    def conditions(self) -> dict[str, str]:
        """Headers that ask for changes only. Now and then the whole is asked for: some publishers say "unchanged" of
        what has changed."""
        known, now = self.validators, self.now.timestamp()
        if now - known.get("whole_at", 0) > WHOLE_AFTER or now < known.get("distrusted_until", 0):
            return {}
        named = {"If-None-Match": known.get("etag"), "If-Modified-Since": known.get("last_modified")}
        return {name: value for name, value in named.items() if value}


async def _follow(http: httpx.AsyncClient, url: str, asking: Asking, *, trusted: bool) -> Fetched | Unchanged:
    moved_to, still_permanent = asking.validators.get("moved_to", ""), True
    for _ in range(MAX_REDIRECTS + 1):
        _refuse_address(url, trusted=trusted)
        extensions = {OPENED: trusted, CLOCK: asking.clock}
        async with http.stream("GET", url, headers=asking.conditions, extensions=extensions) as response:
            if response.status_code in REDIRECTS and "location" in response.headers:
                url = _next(url, response.headers["location"])
                still_permanent = still_permanent and response.status_code in PERMANENT
                moved_to = url if still_permanent else moved_to
                # A publisher outside must not lead us into the networks that are opened for others.
                trusted = trusted and is_inside(response)
                continue
            return await _take(response, asking, moved_to)
    raise SourceError("redirect", f"more than {MAX_REDIRECTS} redirects in a row")


def _next(from_url: str, location: str) -> str:
    try:
        url = urljoin(from_url, location)
    except ValueError:
        url = ""
    if not url.startswith(("http://", "https://")):
        raise SourceError("redirect", "it redirects to something that is not a web address")
    if from_url.startswith("https://") and url.startswith("http://"):
        raise SourceError(
            "downgrade", "it redirects from https to http, where anybody on the way could write the news: refused"
        )
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


async def check_address(url: str, within: float = 5.0) -> None:
    """Raise SourceError if a source that is not in the configuration file may not have this address. Nothing is
    fetched, and a host that has no address now may have one later."""
    _refuse_address(url, trusted=False)
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(within):
            found = await resolve(parts.hostname or "", parts.port or 443)
    except OSError:
        return
    permitted(found, parts.hostname or "", ())


async def _take(response: httpx.Response, asking: Asking, moved_to: str) -> Fetched | Unchanged:
    known, headers = asking.validators, response.headers
    asked_at = schedule.moment(headers.get("date", "")) or asking.now
    if response.status_code == 304 and "body" in known:
        await response.aread()  # it has none, and the connection can be kept only when that was seen
        return _unchanged(headers, known, {}, asked_at)
    if response.status_code != 200:
        raise _refusal(response, asked_at)
    body = await asking.body.read(response)
    kept = {
        "etag": headers.get("etag", ""),
        "last_modified": _last_modified(headers, asked_at),
        "body": hashlib.sha256(body).hexdigest()[:32],
        "moved_to": moved_to,
        "whole_at": int(asking.now.timestamp()),
        "distrusted_until": known.get("distrusted_until", 0),
    }
    kept = {key: value for key, value in kept.items() if value}
    if kept["body"] == known.get("body"):
        return _unchanged(headers, known, kept, asked_at)
    fresh = schedule.fresh_for(headers, asked_at)
    kept |= _hub(response, body)
    kept |= schedule.asked_in(body) | ({} if fresh is None else {"fresh_for": fresh})
    charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", headers.get("content-type", ""), re.IGNORECASE)
    document = Document(str(response.url), body, charset[1] if charset else "", headers.get("link", "")[:10_000])
    return Fetched((document,), kept, fresh)


def _hub(response: httpx.Response, body: bytes) -> dict[str, Any]:
    """The document's hub. One that was named from inside an opened network may be there too."""
    named = websub.named_in(response.headers.get_list("link"), body, str(response.url))
    return {**named, "hub_inside": True} if named and is_inside(response) else {**named}


def _unchanged(
    headers: httpx.Headers, known: Mapping[str, Any], changed: Mapping[str, Any], asked_at: datetime
) -> Unchanged:
    """The document is as it was; its validators may not be. A 304 that says nothing about freshness means the old."""
    fresh = schedule.fresh_for(headers, asked_at)
    named = {"etag": headers.get("etag", ""), **changed}
    new = {**known, **{key: value for key, value in named.items() if value}}
    return Unchanged(known.get("fresh_for") if fresh is None else fresh, None if _alike(new, known) else new)


def was_unfaithful(known: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether the document changed and its ETag and Last-Modified did not: who asks for changes only would miss it."""
    tags = [(validators.get("etag"), validators.get("last_modified")) for validators in (known, new)]
    return tags[0] == tags[1] != (None, None) and known.get("body") != new.get("body")


def distrusting(validators: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Validators with which the whole document is asked for, for a week."""
    return {**validators, "distrusted_until": int(now.timestamp() + DISTRUSTED_FOR)}


def at_a_new_address(validators: Mapping[str, Any]) -> bool:
    """Whether the source was given another address and nothing has been read there yet."""
    return "new_address" in validators


def moved(validators: Mapping[str, Any]) -> bool:
    return "moved_to" in validators


def back_home(validators: Mapping[str, Any]) -> dict[str, Any]:
    """Validators that forget where the source moved to, and what they know of that place."""
    return {key: value for key, value in validators.items() if key not in ("moved_to", "etag", "last_modified")}


def _alike(new: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether it would be idle to save these: a whole document that was not asked for proves nothing new."""
    when = {"whole_at"}
    old_enough = new.get("whole_at", 0) - known.get("whole_at", 0) > WHOLE_AFTER and known.get("etag", "")
    same = all(new.get(key) == known.get(key) for key in new.keys() - when)
    return same and not old_enough


def _last_modified(headers: httpx.Headers, asked_at: datetime) -> str:
    """As a validator; what changed in the second of the answer may have changed once more in it, unless an ETag tells
    (RFC 9110, 8.8.2.2)."""
    value = headers.get("last-modified", "")
    changed = schedule.moment(value)
    fresh = changed is not None and (asked_at - changed).total_seconds() < 1
    return "" if fresh and "etag" not in headers else value


WORDS = {
    401: "it asks for a password (401)",
    403: "it refuses us (403), perhaps a wall against bots",
    404: "not found there (404)",
    410: "gone for good (410)",
    429: "it asks us to come less often (429)",
}


def _refusal(response: httpx.Response, asked_at: datetime) -> SourceError:
    status = response.status_code
    asked = schedule.retry_after(response.headers.get("retry-after", ""), asked_at)
    wall = walls.named_in(response.headers) if status in (401, 403, 429, 503) else ""
    if wall:
        return SourceError("bot-wall", f"a wall against bots ({wall}) refuses us ({status})", retry_after=asked)
    words = WORDS.get(status, f"its server has trouble ({status})" if status >= 500 else f"it answers {status}")
    return SourceError(f"http-{status}", words, retry_after=asked)
