"""A real HTTP server on loopback in a thread of its own: what every double of this folder stands on.

It shares no code with the product, on purpose: what measures a rule is never what enforces it.
"""

import asyncio
import ssl
import threading
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web
from aiohttp.typedefs import Handler


class LoopbackServer:
    """Runs an aiohttp application on 127.0.0.1 in its own thread and event loop, so that tests may block.

    With `tls` it speaks https (tests/fakes/certificates.py makes what that needs).

    Subclasses add routes in `routes(app)`. `on(event, hook)` registers hooks; `emit(event, *args)` calls them in the
    server's thread, at exactly the point of the request where the double stands: a kill test kills from there.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.loop: asyncio.AbstractEventLoop
        self.port = 0
        self.tls: ssl.SSLContext | None = None
        self._hooks: dict[str, list[Callable[..., None]]] = {}
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._answering = 0

    def routes(self, app: web.Application) -> None:
        raise AssertionError("a double without routes")

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def on(self, event: str, hook: Callable[..., None]) -> None:
        self._hooks.setdefault(event, []).append(hook)

    def off(self, event: str) -> None:
        self._hooks.pop(event, None)

    def emit(self, event: str, *args: Any) -> None:
        for hook in list(self._hooks.get(event, ())):
            hook(*args)

    def wait_until(self, condition: Callable[[], Any], seconds: float = 10.0, what: str = "") -> Any:
        """Block until `condition()` is true; the double notifies on every request. Raises AssertionError in the end."""
        with self.changed:
            if not self.changed.wait_for(condition, seconds):
                raise AssertionError(f"{type(self).__name__}: waited {seconds} s in vain {what}".rstrip())
            return condition()

    def notify(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def wait_until_quiet(self, seconds: float = 10.0) -> None:
        """Block until nobody is connected and every request that came has been dealt with.

        What a killed client had sent stands in the socket's buffer and is read after its death: this waits for that.
        """
        asyncio.run_coroutine_threadsafe(self._quiet(), self.loop).result(seconds)

    async def _quiet(self) -> None:
        server = self._runner.server
        assert server is not None
        while self._answering or any(connection.transport is not None for connection in server.connections):
            await asyncio.sleep(0.005)  # aiohttp tells nobody when a connection is lost

    def is_long_poll(self, request: web.Request) -> bool:
        """Whether the request is held open until there is news, and so goes on after its client's death."""
        return False

    @web.middleware
    async def _count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.is_long_poll(request):
            return await handler(request)
        self._answering += 1
        try:
            return await handler(request)
        finally:
            self._answering -= 1

    def start(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()
        return self

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._stopping.set)
        if self._thread:
            self._thread.join(10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        app = web.Application(client_max_size=32 * 1024 * 1024, middlewares=[self._count])
        self.routes(app)
        self._runner = runner = web.AppRunner(app, shutdown_timeout=0.2, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True, ssl_context=self.tls)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stopping.wait()
        await runner.cleanup()
