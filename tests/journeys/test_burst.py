"""A burst for thousands of chats over real HTTP, with doubles that refuse what is too fast, and commands meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

import handlers
import pipeline
from config.settings import Settings, Slack, Telegram
from models import Chat, ChatSettings, Command, Reply
from pipeline import Desk
from platforms.slack import Slack as SlackPlatform
from platforms.telegram import Telegram as TelegramPlatform
from sources import fetch
from storage.database import Database
from storage.tables import chats as chat_rows
from storage.tables import subscriptions
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram
from tests.sites import Site, watch
from tests.test_pipeline import poll

CHATS = 5000
ASKING = 77
SETTINGS = ChatSettings("ko", "Asia/Seoul")


@pytest.fixture
def telegram() -> Iterator[FakeTelegram]:
    with FakeTelegram(strict_rates=True) as made:
        for number in range(100_000, 100_000 + CHATS):
            made.add_chat(number, "private")
        made.add_chat(ASKING, "private")
        made.add_chat(-1001, "supergroup")
        yield made


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack(strict_rates=True) as made:
        for number in range(5):
            made.add_channel(f"C{number}", f"news{number}", creator="U1")
        yield made


@pytest.fixture
async def desk(settings: Settings, database: Database) -> AsyncIterator[Desk]:
    async with fetch.client(settings.fetch, "test") as http:
        yield Desk(database, http, settings, {}, lambda: datetime.now(UTC), "test")


async def with_platforms(
    desk: Desk, telegram: FakeTelegram, slack: FakeSlack
) -> tuple[TelegramPlatform, SlackPlatform]:
    async def answer(command: Command) -> Reply:
        return await handlers.answer(desk, command)

    keys = {"token": telegram.token, "api_base": telegram.url, "open": True}
    one = TelegramPlatform(Telegram.model_validate(keys), answer, desk, SETTINGS)
    keys = {"bot_token": slack.bot_token, "app_token": slack.app_token, "api_base": f"{slack.url}/api/", "open": True}
    other = SlackPlatform(Slack.model_validate(keys), answer, desk, SETTINGS)
    other.state.ready()
    desk.senders = {one.name: one, other.name: other}
    return one, other


async def fill(desk: Desk) -> None:
    """Subscribed chats, written as rows: 5,000 people, a group, five channels."""
    named = [
        *(Chat("telegram", "7700", str(n)) for n in range(100_000, 100_000 + CHATS)),
        Chat("telegram", "7700", "-1001"),
    ]
    named += [Chat("slack", "T0SOKBO1", f"C{n}") for n in range(5)]
    async with desk.database.write() as tx:
        rows = [
            {"platform": one.platform, "account": one.account, "chat": one.id, "thread": "", "language": "ko",
             "timezone": "Asia/Seoul", "pictures": True, "subscribed": True, "paused": "", "created": desk.now()}
            for one in named
        ]  # fmt: skip
        await tx.execute(chat_rows.insert(), rows)
        ids = [*await tx.scalars(chat_rows.select().with_only_columns(chat_rows.c.id))]
        wish: dict[str, list[str]] = {"sources": [], "topics": [], "include": [], "exclude": []}
        await tx.execute(subscriptions.insert(), [{"chat_id": one, **wish} for one in ids])


async def test_a_burst_for_five_thousand_chats_breaches_no_limit_and_delays_no_command(
    desk: Desk, telegram: FakeTelegram, slack: FakeSlack, site: Site
) -> None:
    one, other = await with_platforms(desk, telegram, slack)
    await watch(desk, site)
    await poll(desk, site)
    await fill(desk)
    for number in (1, 2, 3):
        site.publish(number, title=f"'[속보] 소식 {number}호'" if number == 3 else "")
    await poll(desk, site)
    running = [asyncio.create_task(one.run()), asyncio.create_task(pipeline.deliver_forever(desk))]
    try:
        await asyncio.to_thread(telegram.wait_for_messages, 100_000, 1)
        delays = []
        for number in range(1, 9):
            asked = time.monotonic()
            telegram.send_text(ASKING, ASKING, "/latest 2" if number % 2 else "/search 소식")
            (*_, answered) = await asyncio.to_thread(telegram.wait_for_messages, ASKING, number)
            delays.append(answered.at - asked)
            await asyncio.sleep(1.1 - min(1.1, answered.at - asked))
    finally:
        desk.stopping.set()
        await running[1]
        running[0].cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await one.close()
        await other.close()
    sent = sum(len(chat.messages) for chat in telegram.chats.values())
    print(f"answers after {min(delays):.3f} to {max(delays):.3f} s, {sent} messages meanwhile")
    assert telegram.rate_breaches == 0 and slack.rate_breaches == 0
    assert max(delays) < 1.0
    assert sent >= 100, "there was no burst"
    assert all(len(channel.messages) == 3 for channel in slack.channels.values() if channel.id.startswith("C"))
    first = next(iter(telegram.chats[100_000].messages.values()))
    assert "소식 3호" in first.text, "the urgent alert did not go first"


async def test_with_alerts_that_are_not_paced_the_doubles_say_no(
    desk: Desk, telegram: FakeTelegram, slack: FakeSlack, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same burst, with the pace of a desk that knows no limits: the run can fail."""
    monkeypatch.setattr("delivery.pace.AccountPace.room", lambda *_: 20)
    monkeypatch.setattr("delivery.pace.Door._left", lambda *_: 0.0)
    one, other = await with_platforms(desk, telegram, slack)
    await watch(desk, site)
    await poll(desk, site)
    await fill(desk)
    site.publish(1)
    await poll(desk, site)
    running = [asyncio.create_task(one.run()), asyncio.create_task(pipeline.deliver_forever(desk))]
    await asyncio.to_thread(telegram.wait_until, lambda: telegram.rate_breaches > 0, 20)
    desk.stopping.set()
    await running[1]
    running[0].cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await one.close()
    await other.close()
