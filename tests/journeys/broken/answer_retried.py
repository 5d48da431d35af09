"""A broken bot: a call whose answer was lost is made again by the client. The fault run must go red on it."""

from typing import Any

import bot
from models import Outgoing, SendResult, Unknown
from platforms.slack import Slack
from platforms.telegram import Telegram


def retrying(send: Any) -> Any:
    async def again(self: Any, outgoing: Outgoing) -> SendResult:
        result: SendResult = await send(self, outgoing)
        return await send(self, outgoing) if isinstance(result, Unknown) else result

    return again


if __name__ == "__main__":
    for platform in (Telegram, Slack):
        setattr(platform, "send", retrying(platform.send))  # noqa: B010
    bot.cli()
