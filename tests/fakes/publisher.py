"""A publisher on loopback: feeds with validators, and every way in which publishers fail."""

import asyncio
import functools
import hashlib
import json
import socket
import struct
import time
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from aiohttp import web

from tests.fakes.server import LoopbackServer

KINDS = ("redirect", "truncated", "reset", "hang", "slow", "empty", "huge", "gzip_bomb")
PIECE = 65536
FILLER = b"<rss><channel><title>news</title></channel></rss>"


# --------------------------------------------------------------------------------------------------- the documents


@dataclass(frozen=True)
class Item:
    """One entry of a feed; `published` must be aware."""

    title: str
    link: str = ""
    guid: str = ""
    published: datetime | None = None
    html: str = ""
    categories: tuple[str, ...] = ()
    author: str = ""
    picture: str = ""


def rss(title: str, items: list[Item], *, link: str = "https://news.example/") -> str:
    """An RSS 2.0 document, items in the order given."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?>']
    parts.append('<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>')
    parts.append(f"<title>{escape(title)}</title><link>{escape(link)}</link><description/>")
    for item in items:
        parts.append(f"<item><title>{escape(item.title)}</title>")
        parts += [f"<link>{escape(item.link)}</link>"] if item.link else []
        parts += [f'<guid isPermaLink="false">{escape(item.guid)}</guid>'] if item.guid else []
        parts += [f"<pubDate>{format_datetime(item.published)}</pubDate>"] if item.published else []
        parts += [f"<category>{escape(category)}</category>" for category in item.categories]
        parts += [f"<dc:creator>{escape(item.author)}</dc:creator>"] if item.author else []
        parts.append(f"<description>{escape(item.html)}</description></item>")
    return "".join([*parts, "</channel></rss>"])


def atom(title: str, items: list[Item], *, link: str = "https://news.example/") -> str:
    """An Atom 1.0 document, items in the order given. Atom demands an id and a date: what is missing is made up."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom">']
    parts.append(f"<title>{escape(title)}</title><id>{escape(link)}</id><updated>2026-06-17T00:00:00+00:00</updated>")
    parts.append(f"<author><name>{escape(title)}</name></author><link href={quoteattr(link)}/>")
    for item in items:
        moment = (item.published or datetime(2026, 6, 17, tzinfo=UTC)).isoformat()
        identity = item.guid or item.link or f"urn:title:{hashlib.sha256(item.title.encode()).hexdigest()}"
        parts.append(f"<entry><title>{escape(item.title)}</title><id>{escape(identity)}</id>")
        parts += [f"<link href={quoteattr(item.link)}/>"] if item.link else []
        parts.append(f"<updated>{moment}</updated>")
        parts += [f"<published>{moment}</published>"] if item.published else []
        parts += [f"<author><name>{escape(item.author)}</name></author>"] if item.author else []
        parts += [f"<category term={quoteattr(category)}/>" for category in item.categories]
        parts.append(f'<content type="html">{escape(item.html)}</content></entry>')
    return "".join([*parts, "</feed>"])


def wordpress(items: list[Item]) -> str:
    """What WordPress answers at `wp-json/wp/v2/posts?_embed`, items in the order given."""
    return json.dumps(
        [
            {
                "id": number,
                "guid": {"rendered": escape(item.guid or f"https://news.example/?p={number}")},
                "date_gmt": (item.published or datetime(2026, 6, 17, tzinfo=UTC)).strftime("%Y-%m-%dT%H:%M:%S"),
                "modified_gmt": "2026-06-17T06:00:00",
                "link": item.link,
                "title": {"rendered": escape(item.title)},
                "content": {"rendered": item.html, "protected": False},
                "excerpt": {"rendered": item.html[:80], "protected": False},
                "categories": [3],
                "_embedded": {
                    "wp:featuredmedia": [{"source_url": item.picture}] if item.picture else [],
                    "wp:term": [
                        [{"taxonomy": "category", "name": escape(name)} for name in item.categories],
                        [{"taxonomy": "post_tag", "name": "a tag"}],
                    ],
                },
            }
            for number, item in enumerate(items, 1)
        ]
    )


def news_sitemap(items: list[Item]) -> str:
    """A news sitemap; items without a title stand in it as a plain sitemap has them."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"']
    parts.append(' xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"')
    parts.append(' xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">')
    for item in items:
        parts.append(f"<url><loc>{escape(item.link)}</loc>")
        if item.title:
            moment = (item.published or datetime(2026, 6, 17, tzinfo=UTC)).isoformat()
            parts.append("<news:news><news:publication><news:name>News</news:name><news:language>ko</news:language>")
            parts.append(f"</news:publication><news:publication_date>{moment}</news:publication_date>")
            parts.append(f"<news:title>{escape(item.title)}</news:title>")
            parts += [f"<news:keywords>{escape(', '.join(item.categories))}</news:keywords>"] if item.categories else []
            parts.append("</news:news>")
        if item.picture:
            parts.append(f"<image:image><image:loc>{escape(item.picture)}</image:loc>")
            parts.append("<image:title>Not the title</image:title></image:image>")
        parts.append("</url>")
    return "".join([*parts, "</urlset>"])


def sitemap_index(maps: dict[str, str]) -> str:
    """An index of sitemaps: address -> date of change ("": it does not say)."""
    parts = ['<?xml version="1.0"?><sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">']
    for address, changed in maps.items():
        parts.append(f"<sitemap><loc>{escape(address)}</loc>")
        parts += [f"<lastmod>{changed}</lastmod>"] if changed else []
        parts.append("</sitemap>")
    return "".join([*parts, "</sitemapindex>"])


# ------------------------------------------------------------------------------------------------------ the server


@dataclass
class Page:
    """What stands at a path."""

    body: bytes
    content_type: str
    status: int
    headers: dict[str, str]
    changed: datetime

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'

    def is_known_to(self, request: web.Request) -> bool:
        """Whether the asker has this version; If-None-Match goes before If-Modified-Since (RFC 9110, 13.2.2)."""
        tags = request.headers.get("If-None-Match")
        if tags is not None:
            known = [tag.strip().removeprefix("W/") for tag in tags.split(",")]
            return self.headers.get("ETag", self.etag).removeprefix("W/") in known or known == ["*"]
        since = request.headers.get("If-Modified-Since")
        try:
            return since is not None and self.changed <= parsedate_to_datetime(since)
        except (TypeError, ValueError):
            return False


@dataclass
class Fault:
    path: str
    kind: str
    times: int
    detail: dict[str, Any]


@dataclass
class Request:
    """A request and what became of it: `status` is 0 when no answer was begun, `fault` "" when nothing went wrong."""

    path: str
    headers: dict[str, str]
    at: float
    query: dict[str, str] = field(default_factory=dict)
    status: int = 0
    fault: str = ""


class FakePublisher(LoopbackServer):
    """Serves what was set, with ETag and Last-Modified, and answers 304 to who has it already.

    Hooks: "received"(request) before anything is done, "replied"(request) right after an answer was written.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, Page] = {}
        self.faults: list[Fault] = []
        self.requests: list[Request] = []

    def routes(self, app: web.Application) -> None:
        app.router.add_route("GET", "/{path:.*}", self._get)

    def set(
        self,
        path: str,
        body: bytes | str,
        content_type: str = "application/rss+xml; charset=utf-8",
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> None:
        """What stands at a path from now on; a path with a query is found before the path alone.

        `headers` go over the double's own; an empty value leaves one away (no ETag, no Last-Modified).
        """
        raw = body.encode() if isinstance(body, str) else body
        moment = datetime.now(UTC).replace(microsecond=0)
        with self.lock:
            self.pages[path] = Page(raw, content_type, status, headers or {}, moment)

    def fault(self, path: str, kind: str, times: int = 1, **detail: Any) -> None:
        """Make the next `times` requests of a path fail, earlier faults first.

        A status as text ("404", "500", "429" with `retry_after`), "redirect" (`to`, `status`), "truncated" (half of
        what Content-Length says), "reset" (RST), "hang" (until the double stops), "slow" (drips for `seconds`),
        "empty", "huge" (`size` bytes), "gzip_bomb" (`size` bytes once unpacked).
        """
        if kind not in KINDS and not (kind.isdigit() and len(kind) == 3):
            raise ValueError(f"no such fault: {kind}")
        if kind == "gzip_bomb":
            detail["body"] = _bomb(int(detail.get("size", 100_000_000)))  # here, not in the time of the request
        with self.lock:
            self.faults.append(Fault(path, kind, times, detail))

    def wait_for_requests(self, path: str, n: int, seconds: float = 10.0) -> list[Request]:
        """Block until a path was asked for `n` times."""

        def asked() -> list[Request]:
            return [request for request in self.requests if request.path == path]

        self.wait_until(lambda: len(asked()) >= n, seconds, f"for {n} requests of {path}")
        return asked()

    def _take_fault(self, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.path == path:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                    return fault
        return None

    def _page(self, request: web.Request) -> Page | None:
        with self.lock:
            return self.pages.get(request.path_qs) or self.pages.get(request.path)

    # ---------------------------------------------------------------------------------------------------- answering

    async def _get(self, request: web.Request) -> web.StreamResponse:
        seen = Request(request.path, dict(request.headers), time.monotonic(), dict(request.query))
        with self.lock:
            self.requests.append(seen)
        self.emit("received", seen)
        fault = self._take_fault(request.path)
        seen.fault = fault.kind if fault else ""
        try:
            response = await (self._misbehave(fault, seen, request) if fault else self._serve_page(seen, request))
        except ConnectionError:  # the asker had enough
            response = web.Response()
        if seen.status:
            self.emit("replied", seen)
        self.notify()
        return response

    async def _serve_page(self, seen: Request, request: web.Request) -> web.StreamResponse:
        page = self._page(request)
        if page is None:
            return await _write(seen, request, web.Response(status=404, text="not found"))
        own = {"ETag": page.etag, "Last-Modified": format_datetime(page.changed, usegmt=True)}
        headers = {name: value for name, value in {**own, **page.headers}.items() if value}
        if page.status == 200 and page.is_known_to(request):
            return await _write(seen, request, web.Response(status=304, headers=headers))
        headers["Content-Type"] = page.content_type
        return await _write(seen, request, web.Response(status=page.status, body=page.body, headers=headers))

    async def _misbehave(self, fault: Fault, seen: Request, request: web.Request) -> web.StreamResponse:
        detail = fault.detail
        match fault.kind:
            case "redirect":
                headers = {"Location": str(detail["to"])}
                return await _write(seen, request, web.Response(status=detail.get("status", 302), headers=headers))
            case "empty":
                return await _write(seen, request, web.Response(body=b"", content_type="application/rss+xml"))
            case "huge":
                return await self._stream(seen, request, _padding(int(detail.get("size", 20_000_000))))
            case "gzip_bomb":
                headers = {"Content-Encoding": "gzip", "Content-Type": "application/rss+xml; charset=utf-8"}
                return await _write(seen, request, web.Response(body=detail["body"], headers=headers))
            case "slow":
                return await self._stream(seen, request, self._drops(request, float(detail.get("seconds", 1))))
            case "truncated":
                return await self._cut(seen, request)
            case "reset":
                _reset(request)
                return web.Response()
            case "hang":
                await self._stopping.wait()
                return web.Response(status=503)
        headers = {"Retry-After": str(detail["retry_after"])} if "retry_after" in detail else {}
        return await _write(seen, request, web.Response(status=int(fault.kind), text="trouble", headers=headers))

    async def _stream(self, seen: Request, request: web.Request, pieces: AsyncIterator[bytes]) -> web.StreamResponse:
        """Write piece by piece, without a Content-Length."""
        response = web.StreamResponse(headers={"Content-Type": "application/rss+xml; charset=utf-8"})
        await response.prepare(request)
        seen.status = 200
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
        return response

    async def _drops(self, request: web.Request, seconds: float) -> AsyncIterator[bytes]:
        """The page in up to 50 pieces, each after its share of the time."""
        page = self._page(request)
        body = page.body if page else FILLER
        step = max(1, -(-len(body) // 50))
        starts = range(0, len(body), step)
        for start in starts:
            try:
                await asyncio.wait_for(self._stopping.wait(), seconds / len(starts))
                return
            except TimeoutError:
                yield body[start : start + step]

    async def _cut(self, seen: Request, request: web.Request) -> web.StreamResponse:
        """Promise the whole page, write half of it, and hang up."""
        page = self._page(request)
        body = page.body if page else FILLER
        response = web.StreamResponse(headers={"Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        seen.status = 200
        assert request.transport is not None
        request.transport.close()
        return response


async def _padding(size: int) -> AsyncIterator[bytes]:
    yield b"<rss>"
    for left in range(size - 5, 0, -PIECE):
        yield b" " * min(PIECE, left)


@functools.cache
def _bomb(size: int) -> bytes:
    packer = zlib.compressobj(level=1, wbits=31)
    packed = [packer.compress(b" " * min(1_000_000, left)) for left in range(size, 0, -1_000_000)]
    return b"".join([*packed, packer.flush()])


async def _write(seen: Request, request: web.Request, response: web.Response) -> web.Response:
    """Write the whole answer now, so that "replied" comes after it."""
    await response.prepare(request)
    seen.status = response.status
    await response.write_eof()
    return response


def _reset(request: web.Request) -> None:
    """Cut the connection with RST, so that it differs from an orderly end."""
    assert request.transport is not None
    connection = request.transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
