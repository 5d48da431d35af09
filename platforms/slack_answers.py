"""Answers on Slack: to one person or to the channel, new or in the place of the message that held a pressed button."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import structlog
from slack_bolt.async_app import AsyncRespond
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from delivery import AccountPace
from formatters import slack as render
from models import ChatSettings, Command, Reply

log = structlog.get_logger()

UNREACHED = (aiohttp.ClientError, SlackClientError, TimeoutError)
READ_ALONG = frozenset({"latest", "search"})
"""What is asked in front of others so that they can read the answer too."""


@dataclass(frozen=True, slots=True)
class Held:
    """The message that held a pressed button. `ephemeral`: only the person who pressed sees it."""

    channel: str
    ts: str
    thread: str
    ephemeral: bool
    beside: bool
    """Its answer must not take its place: it is an alert."""

    @staticmethod
    def of(body: dict[str, Any]) -> "Held":
        """From what Slack sends of a press (https://docs.slack.dev/reference/interaction-payloads)."""
        container, message = body["container"], body.get("message") or {}
        ts = str(container.get("message_ts") or "")
        thread = str(container.get("thread_ts") or message.get("thread_ts") or "")
        action = str(body["actions"][0].get("action_id") or "")
        return Held(
            channel=str(body["channel"]["id"]),
            ts=ts,
            # A message that others answered names itself.
            thread="" if thread == ts else thread,
            ephemeral=bool(container.get("is_ephemeral")),
            beside=action.startswith(render.BESIDE),
        )


class Answers:
    """Brings replies to where they were asked for."""

    def __init__(self, client: Callable[[], AsyncWebClient], pace: AccountPace, defaults: ChatSettings) -> None:
        self._client = client
        self._pace = pace
        self._defaults = defaults

    def settings_of(self, answer: Reply) -> ChatSettings:
        return answer.settings or self._defaults

    def drawn(self, answer: Reply) -> render.SlackText:
        return render.reply(answer, self.settings_of(answer))

    async def to_slash(self, respond: AsyncRespond, answer: Reply) -> None:
        """A new message: to the person who asked, or to the channel where it concerns all of it."""
        if answer.is_silent:
            return
        await self._respond(respond, answer, replace=False)

    async def to_message(self, command: Command, answer: Reply, asked: str, thread: str) -> None:
        """A new message where somebody wrote. In a channel, news comes in the thread of the message that `asked`, what
        concerns the channel where it was asked, and all else is shown to nobody but the person who asked."""
        if answer.is_silent:
            return
        news = answer.command in READ_ALONG and bool(answer.stories) and not command.private
        alone = not (command.private or news or answer.public) and bool(command.user)
        shown, client = self.drawn(answer), self._client()
        place: dict[str, Any] = {"channel": command.chat.id, "thread_ts": thread or (asked if news else None)}
        form: dict[str, Any] = {"text": shown.text, "blocks": list(shown.blocks)}
        async with self._pace.answer(command.chat, datetime.now(UTC)):
            if alone:
                await _told(client.chat_postEphemeral(user=command.user, **place, **form))
            else:
                await _told(client.chat_postMessage(**place, **form, unfurl_links=False, unfurl_media=False))

    async def to_press(self, respond: AsyncRespond, held: Held, command: Command, answer: Reply) -> None:
        """In the place of the message that held the button, unless that is an alert, or the answer is for one person
        and others see the message too."""
        if not (answer.title or answer.lines or answer.stories):
            if answer.toast and not held.ephemeral:
                await self._respond(respond, Reply(lines=(answer.toast,), settings=answer.settings), replace=False)
            return
        for_all = answer.public or bool(answer.stories or answer.buttons)
        alone = held.ephemeral or command.private
        if held.beside or not (for_all or alone):
            await self._respond(respond, answer, replace=False, thread=held.thread)
        elif not await self._respond(respond, answer, replace=True) and not held.ephemeral:
            shown = self.drawn(answer)
            await _told(
                self._client().chat_update(channel=held.channel, ts=held.ts, text=shown.text, blocks=list(shown.blocks))
            )

    async def _respond(self, respond: AsyncRespond, answer: Reply, *, replace: bool, thread: str = "") -> bool:
        """Use the response URL; whether Slack took it."""
        shown = self.drawn(answer)
        extra: dict[str, Any] = {"thread_ts": thread} if thread else {}
        if not replace:
            extra["response_type"] = "in_channel" if answer.public else "ephemeral"
        try:
            taken = await respond(
                text=shown.text,
                blocks=list(shown.blocks),
                replace_original=replace,
                unfurl_links=False,
                unfurl_media=False,
                **extra,
            )
        except UNREACHED as error:
            log.warning("an answer could not be sent", problem=type(error).__name__)
            return False
        if taken.status_code != 200:
            log.warning("an answer was refused", status=taken.status_code)
        return bool(taken.status_code == 200)


async def _told(call: Awaitable[Any]) -> None:
    try:
        await call
    except UNREACHED as error:
        log.warning("an answer could not be sent", problem=type(error).__name__)
