"""An endpoint that speaks the part of OpenAI's API that Sokbo uses, on loopback: POST /v1/chat/completions.

What it answers is said by tests; it fails in every way in which such endpoints fail, and can hold answers back.
"""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.fakes.server import LoopbackServer

FAULTS = (
    *("400", "401", "404", "429", "500", "503"),
    *("html", "no_json", "no_choices", "no_text", "empty", "cut", "reset", "redirect", "huge", "hold"),
)


@dataclass
class Question:
    """A request as it came."""

    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def rules(self) -> str:
        return str(self.body["messages"][0]["content"])

    @property
    def material(self) -> str:
        return str(self.body["messages"][-1]["content"])


class FakeModel(LoopbackServer):
    """Answers with what `say` was given, for each question in turn, the last one for all that follow.

    A text is the content of the answer; a list becomes its JSON; a function makes it of the question. Hook:
    "asked"(question) before anything is done.
    """

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[Question] = []
        self.held = 0
        self._answers: deque[str | Callable[[Question], str]] = deque(["[]"])
        self._faults: deque[str] = deque()

    def routes(self, app: web.Application) -> None:
        app.router.add_route("POST", "/v1/chat/completions", self._complete)

    @property
    def endpoint(self) -> str:
        return f"{self.url}/v1"

    def say(self, *answers: str | list[str] | Callable[[Question], str]) -> None:
        made = [json.dumps(one, ensure_ascii=False) if isinstance(one, list) else one for one in answers]
        with self.lock:
            self._answers = deque(made)

    def fail(self, *kinds: str) -> None:
        """The next questions are answered in these ways, one each."""
        assert set(kinds) <= set(FAULTS), kinds
        with self.lock:
            self._faults.extend(kinds)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        question = Question(dict(request.headers), await request.json())
        with self.lock:
            self.questions.append(question)
            fault = self._faults.popleft() if self._faults else ""
            answer = self._answers.popleft() if len(self._answers) > 1 else self._answers[0]
        self.emit("asked", question)
        self.notify()
        if fault:
            return await self._misbehave(fault, request)
        return web.json_response(completion(answer if isinstance(answer, str) else answer(question)))

    async def _misbehave(self, fault: str, request: web.Request) -> web.StreamResponse:
        match fault:
            case "html":
                return web.Response(text="<html><body>Sign in</body></html>", content_type="text/html")
            case "no_json":
                return web.Response(text='{"choices": [', content_type="application/json")
            case "no_choices":
                return web.json_response({"object": "chat.completion", "choices": []})
            case "no_text":
                return web.json_response(completion(None))
            case "empty":
                return web.Response(body=b"", content_type="application/json")
            case "redirect":
                return web.Response(status=307, headers={"Location": f"{self.url}/v1/elsewhere"})
            case "huge":
                return web.json_response(completion("많다 " * 500_000))
            case "cut":
                response = web.StreamResponse(headers={"Content-Length": "5000", "Content-Type": "application/json"})
                await response.prepare(request)
                await response.write(b'{"choices": [{"message":')
                assert request.transport is not None
                request.transport.close()
                return response
            case "reset":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            case "hold":
                with self.changed:
                    self.held += 1
                    self.changed.notify_all()
                await self._stopping.wait()
                return web.Response(status=503)
        key = request.headers.get("Authorization", "")
        return web.json_response({"error": {"message": f"trouble with {key}", "code": "x"}}, status=int(fault))


def completion(text: str | None) -> dict[str, Any]:
    """A chat completion with one choice (https://platform.openai.com/docs/api-reference/chat/object)."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1781672400, "model": "fake",
        "choices": [choice], "usage": usage,
    }  # fmt: skip
