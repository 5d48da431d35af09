"""Slack's views: the App Home of a person, and the modal in which a chat's settings are pressed.

Both hold what the commands answer, and are drawn anew from an answer when something in them is pressed.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from formatters import slack as render
from locales import say
from models import Reply
from platforms.slack_answers import UNREACHED, Answers

log = structlog.get_logger()

AT_HOME = (("subscriptions", ""), ("latest", "5"))
IN_A_MODAL = frozenset({"settings"})
MOST_BLOCKS = 100
"""Of a view (https://docs.slack.dev/reference/views)."""

Ask = Callable[[str, str, "Place", bool], Awaitable[Reply]]
"""Name and words of a command, where it is asked and by whom, and whether with a button."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a view is about: a chat, and who looks at it."""

    channel: str
    thread: str
    user: str


class Views:
    """Publishes homes and opens modals; what Slack says to that changes nothing for the desk."""

    def __init__(self, client: Callable[[], AsyncWebClient], answers: Answers, ask: Ask) -> None:
        self._client = client
        self._answers = answers
        self._ask = ask

    async def home(self, place: Place, pressed: tuple[str, Reply] | None = None) -> None:
        """Subscriptions and the newest news of the person's own chat. What was pressed is answered in its part, or on
        top where it belongs to none."""
        parts = [await self._ask(name, args, place, False) for name, args in AT_HOME]
        name, answer = pressed or ("", Reply())
        if pressed and not _has_content(answer):
            answer = Reply(lines=(answer.toast,), settings=answer.settings)
        names = [part for part, _ in AT_HOME]
        if name in names and _has_content(answer):
            parts[names.index(name)] = answer
        elif _has_content(answer):
            parts.insert(0, answer)
        blocks: list[render.Block] = []
        for part in parts:
            blocks += [*([{"type": "divider"}] if blocks else []), *self._answers.drawn(part).blocks]
        view = {"type": "home", "private_metadata": _kept(place, ""), "blocks": blocks[:MOST_BLOCKS]}
        await _quietly(self._client().views_publish(user_id=place.user, view=view))

    async def modal(self, trigger: str, place: Place, answer: Reply) -> bool:
        """Open the answer as a modal; whether Slack took it, which it does for 3 seconds after what was done."""
        view = self._modal(answer.command, place, answer)
        return await _quietly(self._client().views_open(trigger_id=trigger, view=view))

    async def pressed(self, body: dict[str, Any], command: str, args: str) -> None:
        """Something in a view was pressed: the view shows what came of it."""
        view = body["view"]
        place, root = place_of(body)
        answer = await self._ask(command, args, place, True)
        if view["type"] == "home":
            await self.home(place, (command, answer))
            return
        if not _has_content(answer):
            answer = await self._ask(root, "", place, False)
        await _quietly(self._client().views_update(view_id=view["id"], view=self._modal(root, place, answer)))

    def _modal(self, name: str, place: Place, answer: Reply) -> dict[str, Any]:
        language = self._answers.settings_of(answer).language
        return {
            "type": "modal",
            "title": _plain(say(language, f"menu.{name}")[:24]),
            "close": _plain(say(language, "view.close")),
            "private_metadata": _kept(place, name),
            "blocks": list(self._answers.drawn(answer).blocks)[:MOST_BLOCKS],
        }


def place_of(body: dict[str, Any]) -> tuple[Place, str]:
    """Where a view belongs and which command it began with, as kept in it; the person is always who pressed."""
    kept = json.loads(body["view"].get("private_metadata") or "{}")
    user = str(body["user"]["id"])
    return Place(str(kept.get("channel") or user), str(kept.get("thread") or ""), user), str(kept.get("name") or "")


def opens_a_modal(answer: Reply) -> bool:
    """Whether the answer is something to press that Slack shows in a window of its own."""
    return answer.command in IN_A_MODAL and bool(answer.buttons)


def _has_content(answer: Reply) -> bool:
    return bool(answer.title or any(answer.lines) or answer.stories)


def _kept(place: Place, name: str) -> str:
    return json.dumps({"channel": place.channel, "thread": place.thread, "name": name})


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


async def _quietly(call: Awaitable[Any]) -> bool:
    try:
        await call
    except UNREACHED as error:
        log.warning("a view could not be shown", problem=type(error).__name__)
        return False
    return True
