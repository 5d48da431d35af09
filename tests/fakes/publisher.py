"""A publisher on loopback: feeds with validators, and every way in which publishers fail."""

import asyncio
import hashlib
import time
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from aiohttp import web

from tests.fakes.server import LoopbackServer


@dataclass(frozen=True)
class Item:
    """One entry of a feed."""

    title: str
    link: str = ""
    guid: str = ""
    published: datetime | None = None
    html: str = ""
    categories: tuple[str, ...] = ()
    author: str = ""


def rss(title: str, items: list[Item], *, link: str = "https://news.example/") -> str:
    """An RSS 2.0 document, items in the order given."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>']
    parts.append(f"<title>{escape(title)}</title><link>{escape(link)}</link><description/>")
    for item in items:
        parts.append(f"<item><title>{escape(item.title)}</title>")
        parts += [f"<link>{escape(item.link)}</link>"] if item.link else []
        parts += [f'<guid isPermaLink="false">{escape(item.guid)}</guid>'] if item.guid else []
        parts += [f"<pubDate>{format_datetime(item.published)}</pubDate>"] if item.published else []
        parts += [f"<category>{escape(category)}</category>" for category in item.categories]
        parts += [f"<author>{escape(item.author)}</author>"] if item.author else []
        parts.append(f"<description>{escape(item.html)}</description></item>")
    return "".join([*parts, "</channel></rss>"])


def atom(title: str, items: list[Item]) -> str:
    """An Atom 1.0 document."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom">']
    parts.append(f"<title>{escape(title)}</title><id>urn:feed</id><updated>2026-06-17T00:00:00Z</updated>")
    for item in items:
        moment = (item.published or datetime(2026, 6, 17, tzinfo=UTC)).isoformat()
        parts.append(f"<entry><title>{escape(item.title)}</title><id>{escape(item.guid)}</id>")
        parts.append(f"<link href={quoteattr(item.link)}/><updated>{moment}</updated>")
        parts += [f"<published>{moment}</published>"] if item.published else []
        parts += [f"<category term={quoteattr(category)}/>" for category in item.categories]
        parts.append(f'<content type="html">{escape(item.html)}</content></entry>')
    return "".join([*parts, "</feed>"])


@dataclass
class Page:
    body: bytes
    content_type: str
    status: int
    headers: dict[str, str]
    changed: datetime


@dataclass
class Fault:
    path: str
    kind: str
    times: int
    detail: dict[str, Any]


@dataclass
class Request:
    """`status` is 0 until an answer was begun."""

    path: str
    headers: dict[str, str]
    at: float
    status: int = 0
    detail: dict[str, Any] = field(default_factory=dict)


class FakePublisher(LoopbackServer):
    """Hooks: "received"(request) before, "replied"(request) right after the answer was written."""

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
        """What stands at a path from now on."""
        raw = body.encode() if isinstance(body, str) else body
        with self.lock:
            self.pages[path] = Page(raw, content_type, status, headers or {}, datetime.now(UTC))

    def fault(self, path: str, kind: str, times: int = 1, **detail: Any) -> None:
        """A status as text ("404", "429" with retry_after), "redirect" (to, status), "truncated", "reset", "hang",
        "slow" (seconds), "empty", "huge" (size), "gzip_bomb" (size)."""
        with self.lock:
            self.faults.append(Fault(path, kind, times, detail))

    def _take_fault(self, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.path == path:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                    return fault
        return None

    async def _get(self, request: web.Request) -> web.StreamResponse:
        seen = Request(request.path, dict(request.headers), time.monotonic())
        with self.lock:
            self.requests.append(seen)
        self.emit("received", seen)
        fault = self._take_fault(request.path)
        response = await (self._misbehave(fault, seen, request) if fault else self._serve_page(seen, request))
        self.emit("replied", seen)
        self.notify()
        return response

    async def _serve_page(self, seen: Request, request: web.Request) -> web.StreamResponse:
        with self.lock:
            page = self.pages.get(request.path)
        if page is None:
            return await _write(seen, request, web.Response(status=404, text="not found"))
        etag = f'"{hashlib.sha256(page.body).hexdigest()[:16]}"'
        headers = {"ETag": etag, "Last-Modified": format_datetime(page.changed, usegmt=True), **page.headers}
        if request.headers.get("If-None-Match") == etag:
            return await _write(seen, request, web.Response(status=304, headers=headers))
        headers["Content-Type"] = page.content_type
        return await _write(seen, request, web.Response(status=page.status, body=page.body, headers=headers))

    async def _misbehave(self, fault: Fault, seen: Request, request: web.Request) -> web.StreamResponse:
        detail = fault.detail
        match fault.kind:
            case "redirect":
                answer = web.Response(status=detail.get("status", 302), headers={"Location": detail["to"]})
            case "empty":
                answer = web.Response(body=b"")
            case "huge":
                answer = web.Response(body=b"<rss>" + b" " * detail.get("size", 20_000_000))
            case "gzip_bomb":
                packer = zlib.compressobj(wbits=31)
                body = packer.compress(b" " * detail.get("size", 100_000_000)) + packer.flush()
                answer = web.Response(body=body, headers={"Content-Encoding": "gzip"})
            case "429":
                headers = {"Retry-After": str(detail.get("retry_after", 60))}
                answer = web.Response(status=429, headers=headers)
            case "reset":
                seen.status = -1
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            case "hang":
                seen.status = -1
                await self._stopping.wait()
                return web.Response(status=503)
            case "slow":
                await asyncio.sleep(float(detail.get("seconds", 1)))
                return await self._serve_page(seen, request)
            case "truncated":
                return await self._cut(seen, request)
            case status:
                answer = web.Response(status=int(status), text="trouble")
        return await _write(seen, request, answer)

    async def _cut(self, seen: Request, request: web.Request) -> web.StreamResponse:
        """Promise the whole page, write half of it, and hang up."""
        body = self.pages[request.path].body
        response = web.StreamResponse(headers={"Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        seen.status = 200
        assert request.transport is not None
        request.transport.close()
        return response


async def _write(seen: Request, request: web.Request, response: web.Response) -> web.Response:
    """Write the whole answer now, so that "replied" comes after it."""
    seen.status = response.status
    await response.prepare(request)
    await response.write_eof()
    return response
