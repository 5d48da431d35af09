"""All shared posts through the whole path: every one becomes an alert or joins one, and every message is accepted."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
from sqlalchemy import select

import metrics
import pipeline
from config.settings import Settings, Slack, Telegram, load
from formatters import slack as slack_form
from formatters import telegram as telegram_form
from models import Alert, Chat, Kind, Parcel, Reply, Sent, Source
from pipeline import Desk
from platforms.slack import Slack as SlackPlatform
from platforms.telegram import Telegram as TelegramPlatform
from storage import archive
from storage import sources as stored
from storage.database import Database
from storage.tables import seen
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram
from tests.parcels import DELIVERY, SETTINGS
from tests.senders import NoDoors

SITES = ("koreanews", "newsdao")


async def read_all(shared: Path, settings: Settings) -> tuple[Desk, Database]:
    database = await Database.open(settings.database_path)
    desk = Desk(database, httpx.AsyncClient(), settings, {}, lambda: datetime.now(UTC), "test")
    sources = [
        Source(site, site, Kind.JEKYLL, str(shared / "corpus" / site), f"https://{site}.example",
               timezone="Asia/Seoul", first_read=10_000)
        for site in SITES
    ]  # fmt: skip
    async with database.write() as tx:
        await stored.declare(tx, sources, desk.now(), 60)
    for source in sources:
        async with database.read() as connection:
            watched = await stored.one(connection, source.id)
        assert watched is not None
        await pipeline.poll(desk, watched)
    return desk, database


async def test_every_post_becomes_an_alert_or_joins_one_and_every_message_is_accepted(
    shared: Path, tmp_path: Path
) -> None:
    settings = load(None, {"SOKBO_DATABASE_URL": f"sqlite:///{tmp_path}/sokbo.db"})
    before = sum(metrics.condense_fallbacks.labels(site)._value.get() for site in SITES)
    desk, database = await read_all(shared, settings)
    async with database.read() as connection:
        rows = (await connection.execute(select(seen.c.source_id, seen.c.key, seen.c.alert_id))).all()
        alerts = {alert.id: alert for alert in await archive.latest(connection, 10_000)}
    table = {(row.source_id, row.key): row.alert_id for row in rows}
    files = {(site, file.name) for site in SITES for file in (shared / "corpus" / site / "_posts").iterdir()}
    assert len(files) == 520 and set(table) == files, "a post is missing from the table"
    assert all(table[one] in alerts for one in table)
    assert set(table.values()) == set(alerts), "an alert without a post"
    after = sum(metrics.condense_fallbacks.labels(site)._value.get() for site in SITES)
    assert after == before, "a post fell back to title and link"
    shared_by = Counter(table.values())
    print(f"{len(files)} posts, {len(alerts)} alerts, {sum(count - 1 for count in shared_by.values())} joined")
    await send_all(sorted(alerts.values(), key=lambda alert: alert.id))
    await desk.http.aclose()
    await database.close()


async def send_all(alerts: list[Alert]) -> None:
    """Each alert in both forms, through the real clients, to doubles that refuse what the platforms refuse."""

    async def nobody(_: object) -> Reply:
        raise AssertionError("nobody asked")

    with FakeTelegram() as telegram, FakeSlack() as slack:
        telegram.add_chat(42, "private")
        slack.add_channel("C1", "news", creator="U1")
        settings = Telegram.model_validate({"token": telegram.token, "api_base": telegram.url})
        keys = {"bot_token": slack.bot_token, "app_token": slack.app_token, "api_base": f"{slack.url}/api/"}
        platforms = (
            (TelegramPlatform(settings, nobody, NoDoors(), SETTINGS), Chat("telegram", "7700", "42")),
            (SlackPlatform(Slack.model_validate(keys), nobody, NoDoors(), SETTINGS), Chat("slack", "T0SOKBO1", "C1")),
        )
        assert await platforms[0][0].check() == ""
        gate = asyncio.Semaphore(8)

        async def send(alert: Alert, plain: bool) -> list[str]:
            refused = []
            async with gate:
                for platform, chat in platforms:
                    parcel = Parcel(replace(DELIVERY, plain=plain), alert, chat, SETTINGS)
                    result = await platform.send(parcel)
                    if not isinstance(result, Sent):
                        refused.append(f"{platform.name} {alert.id} {alert.headline}: {result}")
            return refused

        answers = await asyncio.gather(*(send(alert, plain) for alert in alerts for plain in (False, True)))
        assert [line for lines in answers for line in lines] == []
        assert all(not message.pings for message in slack.channels["C1"].messages)
        for platform, _ in platforms:
            await platform.close()
    assert all(
        telegram_form.alert(alert, SETTINGS).html and slack_form.alert(alert, SETTINGS).blocks for alert in alerts
    )
