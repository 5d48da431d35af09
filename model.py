"""The optional model: any endpoint that speaks OpenAI's API proposes bullets, within a time and an hourly budget.

The only file that knows the client library, which is loaded when a model is configured and not before. Which proposals
are shown is decided in `formatters.proposals`; whatever goes wrong here, the bullets taken from the post stay.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

import metrics
from config.settings import Condense
from errors import ModelError
from formatters import proposals
from models import Condensed, Post

if TYPE_CHECKING:
    from openai import AsyncOpenAI

log = structlog.get_logger()

AT_ONCE = 16
MOST_BYTES = 500_000
"""Of an answer; one is a few hundred."""
BUDGET_PERIOD = timedelta(hours=1)
NO_KEY = "none"
"""What is sent where no key is configured: the library wants one, and a server that wants none takes any."""
QUESTION = 'Answer with this JSON array and nothing else: ["ok"]'


class Model:
    """A client of the configured endpoint, for settings whose `model_url` is set. Close it with `close()`."""

    def __init__(self, settings: Condense, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self._client = _client(settings)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._called: deque[datetime] = deque()
        self._spent = False
        self._ending: set[asyncio.Task[Condensed]] = set()

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> str:
        """What keeps the model from answering, in words; "" when it answers. Costs one call."""
        try:
            async with asyncio.timeout(self._settings.model_timeout):
                await self._ask([{"role": "user", "content": QUESTION}])
        except TimeoutError:
            return f"no answer within {self._settings.model_timeout:g} s"
        except ModelError as error:
            return str(error)
        return ""

    async def improve(
        self, made: Sequence[tuple[Post, Condensed]], boilerplate: tuple[str, ...] = ()
    ) -> list[Condensed]:
        """Each post with the model's bullets, or as it was given where they may not be shown. Never raises.

        All are asked about at the same time and share one deadline, `model_timeout`. `boilerplate` are their source's
        own patterns, as in `formatters.condense`.
        """
        tasks = [asyncio.create_task(self._improve(post, condensed, boilerplate)) for post, condensed in made]
        late: set[asyncio.Task[Condensed]] = set()
        try:
            if tasks:
                _, late = await asyncio.wait(tasks, timeout=self._settings.model_timeout)
        finally:
            self._end([task for task in tasks if not task.done()])
        return [
            _given_up(condensed, "late") if task in late else _ended(task, condensed)
            for task, (_, condensed) in zip(tasks, made, strict=True)
        ]

    def _end(self, tasks: Sequence[asyncio.Task[Condensed]]) -> None:
        """Cancel without waiting: closing a connection may take its time, and an alert does not wait for that."""
        for task in tasks:
            task.cancel()
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _improve(self, post: Post, condensed: Condensed, boilerplate: tuple[str, ...]) -> Condensed:
        settings = self._settings
        wish = proposals.wanted(
            post, bullets=settings.bullets, bullet_chars=settings.bullet_chars, boilerplate=boilerplate
        )
        question = await asyncio.to_thread(proposals.question, post, condensed, wish)
        if not question:
            return _given_up(condensed, "rejected")
        async with self._room:
            if not self._may_call():
                return _given_up(condensed, "over_budget")
            try:
                answer = await self._ask(question)
            except TimeoutError:
                return _given_up(condensed, "late")
            except ModelError as error:
                log.warning("the model did not answer", problem=str(error))
                return _given_up(condensed, "failed")
        better = await asyncio.to_thread(proposals.decide, post, condensed, proposals.lines_of(answer), wish)
        if better is condensed:
            return _given_up(condensed, "rejected")
        _count("accepted")
        return better

    def _may_call(self) -> bool:
        """Whether the hour's budget has room for one more call, which is taken from it."""
        now = self._now()
        while self._called and self._called[0] <= now - BUDGET_PERIOD:
            self._called.popleft()
        if len(self._called) < self._settings.model_calls_per_hour:
            self._called.append(now)
            self._spent = False
            return True
        if not self._spent:
            log.warning("the model's budget for this hour is used up", calls=len(self._called))
            self._spent = True
        return False

    async def _ask(self, messages: Any) -> str:
        """The text of the model's answer. Raises ModelError, and TimeoutError when it came too late."""
        import httpx2
        import openai

        try:
            async with self._client.chat.completions.with_streaming_response.create(
                model=self._settings.model, messages=messages
            ) as response:
                return _text_of(await _capped(response.iter_bytes()))
        except (openai.APITimeoutError, httpx2.TimeoutException) as error:
            raise TimeoutError from error
        except openai.APIStatusError as error:
            raise ModelError(_refusal(error.status_code)) from error
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise ModelError(f"the connection failed ({type(error.__cause__ or error).__name__})") from error


def _client(settings: Condense) -> "AsyncOpenAI":
    import httpx2
    import openai

    client = openai.AsyncOpenAI(
        base_url=settings.model_url,
        api_key=settings.api_key.get_secret_value() or NO_KEY,
        max_retries=0,
        timeout=settings.model_timeout,
        # Neither proxies nor redirects: the post and the key go to the configured address and nowhere else.
        http_client=httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=settings.model_timeout),
        # One that is packed could be small on the way and huge in memory.
        default_headers={"Accept-Encoding": "identity"},
    )
    # The library fills these from the environment; they belong to an account of OpenAI's, not to this endpoint.
    client.organization = client.project = None
    # It loads its parts when they are first used: now, and not within the first alert's time.
    _ = client.chat.completions.with_streaming_response
    return client


async def _capped(pieces: Any) -> bytes:
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > MOST_BYTES:
            raise ModelError(f"the answer is larger than {MOST_BYTES:,} bytes")
    return bytes(body)


def _text_of(body: bytes) -> str:
    """The first choice's text (https://platform.openai.com/docs/api-reference/chat/object)."""
    try:
        text = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ModelError("it answers something else than a chat completion: is model_url right?") from error
    if not isinstance(text, str):
        raise ModelError("the answer holds no text")
    return text


WORDS = {
    400: "it does not take the question (400)",
    401: "it refuses the key (401): check api_key",
    403: "it refuses us (403)",
    404: "nothing there (404): check model_url and model",
    429: "it asks for fewer calls (429)",
}


def _refusal(status: int) -> str:
    return WORDS.get(status, f"its server has trouble ({status})" if status >= 500 else f"it answers {status}")


def _ended(task: asyncio.Task[Condensed], condensed: Condensed) -> Condensed:
    error = task.exception()
    if error is None:
        return task.result()
    # A defect here must not cost the alert.
    log.error("the model could not be used", exc_info=error)
    return _given_up(condensed, "failed")


def _given_up(condensed: Condensed, outcome: str) -> Condensed:
    _count(outcome)
    return condensed


def _count(outcome: str) -> None:
    metrics.model_proposals.labels(outcome).inc()
