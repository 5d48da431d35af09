"""A WebSub hub on loopback, as https://www.w3.org/TR/websub/ has it (sections 5 to 7).

It refuses what a real one refuses, and shares no code with the product.
"""

import asyncio
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit, urlunsplit

import aiohttp
from aiohttp import web

from tests.fakes.server import LoopbackServer

MODES = ("subscribe", "unsubscribe")


@dataclass
class Subscriber:
    """Who gets a topic: where, signed with what, until when."""

    callback: str
    topic: str
    secret: str
    lease: int
    until: float


@dataclass
class Asked:
    """A request as it came, and what was answered."""

    form: dict[str, str]
    status: int = 0


@dataclass
class Verified:
    """A verification of intent: what the subscriber answered, and whether that was a yes."""

    mode: str
    topic: str
    status: int
    agreed: bool


@dataclass
class FakeHub(LoopbackServer):
    """Behaviours: `topics` (None: any), `lease` that it grants whatever was asked, `method` of its signatures;
    `mute` answers 202 and verifies nothing, `deny` a reason for which it denies, `fails` statuses of the next answers,
    `moved_to` another path by 307, `early` verifies before it answers.
    """

    topics: set[str] | None = None
    lease: int = 864_000
    method: str = "sha256"
    mute: bool = False
    deny: str = ""
    early: bool = False
    moved_to: str = ""
    fails: list[int] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    verified: list[Verified] = field(default_factory=list)
    subscribers: dict[tuple[str, str], Subscriber] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def routes(self, app: web.Application) -> None:
        app.router.add_post("/{path:.*}", self._subscription)

    @property
    def address(self) -> str:
        return f"{self.url}/hub"

    # ------------------------------------------------------------------------------------------------- subscribing

    async def _subscription(self, request: web.Request) -> web.Response:
        if self.moved_to and request.path != self.moved_to:
            return web.Response(status=307, headers={"Location": self.moved_to})
        form = {name: str(value) for name, value in (await request.post()).items()}
        asked = Asked(form)
        problem = self._problem(request, form)
        if self.fails:
            asked.status = self.fails.pop(0)
        elif problem:
            asked.status = 400
            self.problems.append(problem)
        else:
            asked.status = 202
            if self.early:
                await self._verify(form)
            elif not self.mute:
                self._later(self._deny(form) if self.deny else self._verify(form))
        with self.lock:
            self.asked.append(asked)
        self.notify()
        return web.Response(status=asked.status, text=problem)

    def _later(self, work: object) -> None:
        self._tasks = [*getattr(self, "_tasks", []), asyncio.ensure_future(work)]  # type: ignore[call-overload]

    def _problem(self, request: web.Request, form: dict[str, str]) -> str:
        """What section 5.1 does not allow."""
        callback = urlsplit(form.get("hub.callback", ""))
        if request.content_type != "application/x-www-form-urlencoded":
            return "the request must be form-encoded"
        if form.get("hub.mode") not in MODES:
            return "hub.mode must be subscribe or unsubscribe"
        if callback.scheme not in ("http", "https") or not callback.netloc or callback.fragment:
            return "hub.callback must be a full address without a fragment"
        if not form.get("hub.topic") or (self.topics is not None and form["hub.topic"] not in self.topics):
            return "hub.topic is not published here"
        if len(form.get("hub.secret", "").encode()) >= 200:
            return "hub.secret must be shorter than 200 bytes"
        lease = form.get("hub.lease_seconds", "1")
        return "" if lease.isdecimal() and int(lease) > 0 else "hub.lease_seconds must be a positive number"

    async def _verify(self, form: dict[str, str]) -> None:
        mode, topic, challenge = form["hub.mode"], form["hub.topic"], secrets.token_urlsafe(24)
        question = {"hub.mode": mode, "hub.topic": topic, "hub.challenge": challenge}
        if mode == "subscribe":
            question["hub.lease_seconds"] = str(self.lease)
        status, body = await self.question(form["hub.callback"], question)
        agreed = 200 <= status < 300 and body == challenge
        key = (form["hub.callback"], topic)
        with self.lock:
            self.verified.append(Verified(mode, topic, status, agreed))
            if agreed and mode == "subscribe":
                until = time.monotonic() + self.lease
                secret = form.get("hub.secret", "")
                self.subscribers[key] = Subscriber(form["hub.callback"], topic, secret, self.lease, until)
            elif agreed:
                self.subscribers.pop(key, None)
        self.notify()

    async def _deny(self, form: dict[str, str]) -> None:
        question = {"hub.mode": "denied", "hub.topic": form["hub.topic"], "hub.reason": self.deny}
        status, _ = await self.question(form["hub.callback"], question)
        with self.lock:
            self.verified.append(Verified("denied", form["hub.topic"], status, agreed=False))
        self.notify()

    async def question(self, callback: str, question: dict[str, str]) -> tuple[int, str]:
        """GET the callback, whose own query is kept; redirects are no answer."""
        parts = urlsplit(callback)
        query = "&".join(one for one in (parts.query, urlencode(question)) if one)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as http:
            address = urlunsplit(parts._replace(query=query))
            async with http.get(address, allow_redirects=False) as answer:
                return answer.status, await answer.text()

    def wait_for_subscribers(self, n: int, seconds: float = 10) -> list[Subscriber]:
        self.wait_until(lambda: len(self.subscribers) >= n, seconds, f"for {n} subscribers")
        return list(self.subscribers.values())

    # -------------------------------------------------------------------------------------------------- distributing

    def publish(self, topic: str, body: bytes, content_type: str = "application/rss+xml") -> list[int]:
        """Send the document to all that subscribed to the topic and whose lease is not over; their answers."""
        sending = self._publish(topic, body, content_type)
        return asyncio.run_coroutine_threadsafe(sending, self.loop).result(30)

    async def _publish(self, topic: str, body: bytes, content_type: str) -> list[int]:
        with self.lock:
            there = [one for one in self.subscribers.values() if one.topic == topic and one.until > time.monotonic()]
        return [await self.send(one, body, content_type) for one in there]

    async def send(self, to: Subscriber, body: bytes, content_type: str) -> int:
        """One content distribution request (section 7); 410 ends the subscription."""
        headers = {
            "Content-Type": content_type,
            "Link": f'<{self.address}>; rel="hub", <{to.topic}>; rel="self"',
        }
        if to.secret:
            digest = hmac.new(to.secret.encode(), body, getattr(hashlib, self.method)).hexdigest()
            headers["X-Hub-Signature"] = f"{self.method}={digest}"
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as http,
            http.post(to.callback, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            if answer.status == 410:
                with self.lock:
                    self.subscribers.pop((to.callback, to.topic), None)
                    self.gone.append(to.callback)
            return answer.status
