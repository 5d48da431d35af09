"""The HTTP side: the page and its stream, commands from the page, health and metrics."""

import asyncio
import hmac
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson
from jinja2 import Environment, FileSystemLoader, select_autoescape
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

import handlers
import hubs
import metrics
import notices
from config.settings import Settings, Web
from formatters import plain, slack, telegram
from handlers.names import command_called
from locales import say, tables
from models import Alert, Chat, ChatSettings, Command
from pipeline import Desk
from storage import archive, ledger, sources
from storage import notices as stored_notices
from web.callbacks import Callbacks
from web.hooks import Hooks, Wake

HERE = Path(__file__).parent
BACKLOG = 20
TROUBLES = 20
SECRET = ("chat", "user")
"""Words of a notice that the page hides: it has no sign-in."""
REFRESH = 2.0
LONGEST_BODY = 10_000
LONGEST_CALL = 1_000_000
ON_THE_PAGE = frozenset({"help", "latest", "search", "sources", "start"})
"""What the page answers to everybody who sees it."""
NAMED_ANYHOW = ("/healthz", "/readyz", "/metrics")
SIGNED = ("/hooks/", "/websub/")
"""What proves itself with a signature, or with an answer to our own request, may come under any name: no page of a
browser can make one."""
CSP = "default-src 'self'; img-src https: http: data: 'self'; frame-ancestors 'none'; base-uri 'none'"


Hook = Callable[[Mapping[str, str], bytes], Awaitable[tuple[int, Mapping[str, str], bytes]]]
"""What a platform does with a call of its servers: headers and body in; status, headers and body out."""


class Readable(Protocol):
    """The console's stream of alerts, as the page needs it."""

    def read(self) -> asyncio.Queue[Alert | None]: ...

    def leave(self, queue: asyncio.Queue[Alert | None]) -> None: ...


class PlatformState(Protocol):
    """What the page and /readyz say of a platform."""

    name: str
    word: str
    answered: asyncio.Event

    @property
    def problem(self) -> str: ...

    def problem_in(self, language: str) -> str: ...


class Site:
    """Everything the HTTP side answers; `app` is the ASGI application."""

    def __init__(
        self,
        desk: Desk,
        stream: Readable,
        page_chat: Chat,
        platforms: Sequence[PlatformState],
        version: str,
        *,
        wake: Wake,
        hooks: Mapping[str, Hook] | None = None,
    ) -> None:
        self._desk = desk
        self._stream = stream
        self._chat = page_chat
        self._platforms = platforms
        self._version = version
        self._settings = ChatSettings(desk.settings.language, desk.settings.timezone)
        self._alone = _is_alone(desk.settings)
        pages = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape())
        self._page = pages.get_template("page.html")
        hook_secrets = {table.id: table.hook_secret.get_secret_value() for table in desk.settings.sources}
        routes = [
            Route("/hooks/{source}", Hooks(hook_secrets, wake).answer, methods=["POST"]),
            Route(
                "/websub/{source}",
                Callbacks(hubs.Receiving(desk), desk.settings.fetch.max_bytes).answer,
                methods=["GET", "POST"],
            ),
            Route("/", self.page),
            Route("/events", self.events),
            Route("/commands", self.commands, methods=["POST"]),
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/metrics", self.metrics),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]
        routes += [Route(path, _hooked(hook), methods=["POST"]) for path, hook in (hooks or {}).items()]
        # A platform's servers call under whatever name leads here; each hook asks for its own proof.
        named_anyhow = (*NAMED_ANYHOW, *(hooks or {}))
        guard = Middleware(Guard, web=desk.settings.web, language=desk.settings.language, named_anyhow=named_anyhow)
        self.app = Starlette(routes=routes, middleware=[guard])

    async def page(self, _: Request) -> Response:
        language = self._desk.settings.language
        texts = tables(language)["page"]
        body = self._page.render(lang=language, t=texts, version=self._version, timezone=self._desk.settings.timezone)
        return HTMLResponse(body, headers={"Content-Security-Policy": CSP, "Cache-Control": "no-cache"})

    async def healthz(self, _: Request) -> Response:
        await self._desk.database.check()
        return PlainTextResponse("ok\n")

    async def readyz(self, _: Request) -> Response:
        reasons = [] if self._desk.polled.is_set() else ["the poll loop has not ticked yet"]
        for platform in self._platforms:
            if platform.word != "ready":
                reasons.append(f"{platform.name}: {platform.problem or 'has not answered yet'}")
        troubles = [f"{one.name}: {one.problem}" for one in self._platforms if one.word == "ready" and one.problem]
        said = {"ready": not reasons, "reasons": reasons, "troubles": troubles}
        return JSONResponse(said, status_code=503 if reasons else 200)

    async def metrics(self, _: Request) -> Response:
        now = self._desk.now()
        async with self._desk.database.read() as connection:
            waiting = await ledger.waiting_by_platform(connection)
            watched = await sources.every_one(connection)
        for name in self._desk.senders:
            metrics.deliveries_waiting.labels(name).set(waiting.get(name, 0))
        metrics.source_silent_seconds.clear()  # a source that is no longer watched is not silent
        for one in watched:
            silent = now - (one.last_new_at or one.added_at)
            metrics.source_silent_seconds.labels(one.source.id).set(silent.total_seconds())
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    # ------------------------------------------------------------------------------------------------ commands

    async def commands(self, request: Request) -> Response:
        """One command of the page; without the token only verbs that read, but where the page is all there is."""
        text = await _command_text(request)
        language = self._settings.language
        if text is None:
            return JSONResponse({"title": say(language, "command.say_something"), "lines": []}, status_code=400)
        name, _, args = text.strip().removeprefix("/").partition(" ")
        name = command_called(name.lower())
        all_verbs = self._alone or self._knows_the_token(request)
        reads_only = name in ON_THE_PAGE and not (name == "sources" and _changes(args))
        if name in handlers.HANDLERS and not (all_verbs or reads_only):
            return JSONResponse({"title": say(language, "command.page_only"), "lines": []}, status_code=403)
        command = Command(
            name=name,
            args=args.strip(),
            chat=self._chat,
            user="page",
            language=language,
            private=False,
            trusted=all_verbs or name in ON_THE_PAGE,
            open=True,
            metered=False,
        )
        answer = await handlers.answer(self._desk, command)
        kept = tuple(tuple(one for one in row if not _changes(one.press.partition(" ")[2])) for row in answer.buttons)
        if name == "sources" and not all_verbs:
            answer = replace(answer, buttons=tuple(row for row in kept if row))
        return JSONResponse(plain.reply_json(answer, answer.settings or self._settings))

    def _knows_the_token(self, request: Request) -> bool:
        """Whether it brings the `admin_token`, compared in constant time."""
        token = self._desk.settings.web.admin_token.get_secret_value()
        brought = request.headers.get("authorization", "").removeprefix("Bearer ")
        return bool(token) and hmac.compare_digest(brought.encode(), token.encode())

    # ---------------------------------------------------------------------------------------------- the stream

    async def events(self, _: Request) -> Response:
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._events(), media_type="text/event-stream", headers=headers)

    async def _events(self) -> AsyncIterator[bytes]:
        """The newest alerts, then alerts as they go out; how sources and platforms are doing when that changes."""
        queue = self._stream.read()
        try:
            shown, backlog = b"", list[Alert]()
            while not self._desk.stopping.is_set():
                if not backlog:  # nor does the first reader of a new desk miss what its first read archives
                    async with self._desk.database.read() as connection:
                        backlog = [*await archive.latest(connection, BACKLOG)]
                    for alert in reversed(backlog):
                        yield _event("alert", self._card(alert, fresh=False))
                state = await self._state()
                # A comment when nothing changed: proxies and browsers notice a dead line by its silence.
                yield state if state != shown else b": \n\n"
                shown = state
                try:
                    alert_or_end = await asyncio.wait_for(queue.get(), REFRESH)
                except TimeoutError:
                    continue
                if alert_or_end is None:
                    return
                yield _event("alert", self._card(alert_or_end, fresh=True))
        finally:
            self._stream.leave(queue)

    def _card(self, alert: Alert, *, fresh: bool) -> dict[str, Any]:
        """The alert as the page draws it, and what a Telegram and a Slack chat with the page's settings would get."""
        forms = {"telegram": telegram.alert(alert, self._settings), "slack": slack.alert(alert, self._settings)}
        return {**plain.alert_json(alert, fresh=fresh), "forms": forms}

    async def _state(self) -> bytes:
        async with self._desk.database.read() as connection:
            watched = await sources.every_one(connection)
            counts = await sources.post_counts(connection)
            troubles = await stored_notices.unsolved(connection, TROUBLES)
        told = [
            {"text": notices.words_of(one, self._settings.language, without=SECRET), "since": _iso(one.created)}
            for one in troubles
        ]
        language = self._settings.language
        platforms = [
            {"name": one.name, "state": one.word, "problem": one.problem_in(language)} for one in self._platforms
        ]
        rows = [_source_row(one, counts.get(one.source.id, 0)) for one in watched]
        return _event("sources", rows) + _event("status", {"platforms": platforms, "notices": told})


def _is_alone(settings: Settings) -> bool:
    """Whether the page is the only chat, and seen from this machine alone."""
    host = settings.web.host
    try:
        here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost"
    slack_is_on = settings.slack.bot_token.get_secret_value() or settings.slack.client_id
    return here and not (settings.telegram.token.get_secret_value() or slack_is_on)


def _changes(args: str) -> bool:
    """Whether /sources with these words does more than to show."""
    return bool(args.split()) and args.split(maxsplit=1)[0] != "page"


def _source_row(watched: sources.Watched, posts: int) -> dict[str, Any]:
    return {
        "id": watched.source.id,
        "name": watched.source.name,
        "kind": watched.source.kind.value,
        "url": watched.source.url,
        "last_read": _iso(watched.last_read_at),
        "next_read": _iso(None if watched.paused else watched.next_at),
        "posts": posts,
        "problem": watched.problem,
        "paused": watched.paused,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _event(name: str, data: Any) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


def _hooked(hook: Hook) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        body = await _body(request, LONGEST_CALL)
        if body is None:
            return PlainTextResponse("too long\n", status_code=413)
        status, headers, answered = await hook(request.headers, body)
        return Response(answered, status, headers)

    return answer


async def _body(request: Request, most: int) -> bytes | None:
    """The request's body; None when it is longer than `most`."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > most:
            return None
    return body


async def _command_text(request: Request) -> str | None:
    """The text of the request's JSON body; None when the body is anything else."""
    body = await _body(request, LONGEST_BODY)
    try:
        text = orjson.loads(body or b"")["text"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return text if isinstance(text, str) and text.strip() else None


class Guard:
    """Refuses requests under a foreign name (DNS rebinding) or from a foreign page (cross-site requests)."""

    def __init__(self, app: ASGIApp, web: Web, language: str, named_anyhow: Sequence[str] = NAMED_ANYHOW) -> None:
        self._app = app
        self._language = language
        self._named_anyhow = named_anyhow
        self._known = {"localhost", web.host.lower(), (urlsplit(web.public_url).hostname or "localhost").lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        refused: Callable[[str], Response] = lambda name: PlainTextResponse(  # noqa: E731
            f"{say(self._language, f'http.{name}')}\n", status_code=403
        )
        host = request.headers.get("host", "")
        origin = request.headers.get("origin", "")
        if request.url.path.startswith(SIGNED):
            await self._app(scope, receive, send)
        elif request.url.path not in self._named_anyhow and not self._is_ours(host):
            await refused("unknown_host")(scope, receive, send)
        elif request.method != "GET" and origin and urlsplit(origin).netloc != host:
            await refused("other_page")(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name in self._known:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True
