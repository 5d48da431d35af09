"""The only HTTP to publishers: conditional, capped in time, size and redirects. Nothing here parses."""

import asyncio
import hashlib
import re
import ssl
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

import httpx

from config.settings import Fetch
from errors import SourceError
from sources.documents import Document, Fetched, Unchanged

MAX_REDIRECTS = 5
ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
REDIRECTS = (301, 302, 303, 307, 308)
PERMANENT = (301, 308)


def client(settings: Fetch, version: str) -> httpx.AsyncClient:
    """The one client for publishers. Close it with `aclose()`.

    No proxies from the environment; only gzip, whose decompressed size stays bounded while streaming.
    """
    return httpx.AsyncClient(
        timeout=settings.timeout,
        trust_env=False,
        follow_redirects=False,
        limits=httpx.Limits(max_keepalive_connections=100, keepalive_expiry=60),
        headers={
            "User-Agent": f"Sokbo/{version} (news desk; feed reader)",
            "Accept": ACCEPT,
            "Accept-Encoding": "gzip",
        },
    )


async def fetch(
    http: httpx.AsyncClient, url: str, validators: Mapping[str, Any], settings: Fetch
) -> Fetched | Unchanged:
    """Get a document if it has changed. Raises SourceError with the reason in words."""
    try:
        async with asyncio.timeout(settings.timeout):
            return await _follow(http, validators.get("moved_to") or url, validators, settings.max_bytes)
    except TimeoutError as error:
        raise SourceError("timeout", f"no full answer within {settings.timeout:g} s") from error
    except httpx.TimeoutException as error:
        raise SourceError("timeout", f"no answer within {settings.timeout:g} s") from error
    except httpx.RemoteProtocolError as error:
        raise SourceError("cut", "the answer was cut off before its end") from error
    except httpx.ConnectError as error:
        raise SourceError("connect", _why_not_connected(error)) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceError("network", f"the connection failed ({type(error).__name__})") from error


def _why_not_connected(error: httpx.ConnectError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not valid: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    return "cannot connect: nobody answers at this address"


async def _follow(
    http: httpx.AsyncClient, url: str, validators: Mapping[str, Any], max_bytes: int
) -> Fetched | Unchanged:
    headers = {}
    if validators.get("etag"):
        headers["If-None-Match"] = validators["etag"]
    if validators.get("last_modified"):
        headers["If-Modified-Since"] = validators["last_modified"]
    moved_to, still_permanent = validators.get("moved_to", ""), True
    for _ in range(MAX_REDIRECTS + 1):
        async with http.stream("GET", url, headers=headers) as response:
            if response.status_code in REDIRECTS and "location" in response.headers:
                url = urljoin(url, response.headers["location"])
                if not url.startswith(("http://", "https://")):
                    raise SourceError("redirect", "it redirects to something that is not a web address")
                still_permanent = still_permanent and response.status_code in PERMANENT
                moved_to = url if still_permanent else moved_to
                continue
            return await _take(response, validators, moved_to, max_bytes)
    raise SourceError("redirect", f"more than {MAX_REDIRECTS} redirects in a row")


async def _take(
    response: httpx.Response, validators: Mapping[str, Any], moved_to: str, max_bytes: int
) -> Fetched | Unchanged:
    fresh_for = _fresh_for(response.headers)
    if response.status_code == 304 and validators:
        return Unchanged(fresh_for)
    if response.status_code != 200:
        raise _refusal(response)
    body = await _read_capped(response, max_bytes)
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


async def _read_capped(response: httpx.Response, max_bytes: int) -> bytes:
    """The body, decompressed piece by piece and never further than one byte past the cap."""
    inflate = zlib.decompressobj(wbits=47) if response.headers.get("content-encoding", "").lower() == "gzip" else None
    body = bytearray()
    try:
        async for raw in response.aiter_raw(65536):
            body += raw if inflate is None else inflate.decompress(raw, max_bytes + 1 - len(body))
            if len(body) > max_bytes:
                raise SourceError("too-large", f"larger than {max_bytes:,} bytes (fetch.max_bytes)")
    except zlib.error as error:
        raise SourceError("gzip", "the compressed answer is damaged") from error
    if inflate is not None and not inflate.eof:
        raise SourceError("cut", "the answer was cut off before its end")
    return bytes(body)


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
