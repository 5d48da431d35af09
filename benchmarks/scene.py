"""A desk with chats and alerts written as rows: what the benchmarks of delivering have in common."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from config.settings import load
from models import Chat
from pipeline import Desk
from storage import archive
from storage.database import Database
from storage.tables import alerts, chats, stories, subscriptions, versions

HEADLINE = "한·우즈베키스탄 정상회담서 KTX 첫 수출·핵심광물 협력 합의 {}호"
BULLETS = (
    "총 47건의 협력 문서 체결, 고속철도 KTX 첫 수출 성사, 계약 규모 2,700억 원",
    "핵심광물 공급망 협력과 관세 인하를 다음 달 3일부터 논의, 실무단은 분기마다 회의",
    "공동 성명에서 배터리와 반도체 투자 계획 발표, 앞으로 5년 동안 1조 2천억 원 규모",
    "관계자는 후속 협상을 올해 안에 마무리하고 국회 비준을 거칠 예정이라고 밝혀",
)


@asynccontextmanager
async def desk(folder: Path, **settings: str) -> AsyncIterator[Desk]:
    """A desk on a fresh database in `folder`; `settings` as their environment variables without SOKBO_."""
    given = {f"SOKBO_{name}": value for name, value in settings.items()}
    read = load(None, {"SOKBO_DATABASE_URL": f"sqlite:///{folder}/sokbo.db", **given})
    database = await Database.open(read.database_path)
    try:
        async with httpx.AsyncClient() as http:
            yield Desk(database, http, read, {}, lambda: datetime.now(UTC), "bench")
    finally:
        await database.close()


async def subscribe(desk: Desk, named: Sequence[Chat]) -> None:
    """These chats want everything."""
    async with desk.database.write() as tx:
        rows = [
            {"platform": one.platform, "account": one.account, "chat": one.id, "thread": one.thread, "language": "ko",
             "timezone": "Asia/Seoul", "pictures": True, "subscribed": True, "paused": "", "created": desk.now()}
            for one in named
        ]  # fmt: skip
        await tx.execute(chats.insert(), rows)
        ids = [*await tx.scalars(chats.select().with_only_columns(chats.c.id))]
        wish: dict[str, list[str]] = {"sources": [], "topics": [], "include": [], "exclude": []}
        await tx.execute(subscriptions.insert(), [{"chat_id": one, **wish} for one in ids])


async def publish(desk: Desk, first: int, count: int = 1, *, planned: bool = True) -> datetime:
    """So many alerts with ids from `first` on, owed to every chat unless not `planned`; returns when that was saved."""
    now, ids = desk.now(), range(first, first + count)
    async with desk.database.write() as tx:
        await tx.execute(stories.insert(), [{"id": n, "opened": now} for n in ids])
        row = {"version": 1, "source_ids": ["bench"], "planned": True, "created": now, "newest": now}
        await tx.execute(alerts.insert(), [{"id": n, "story_id": n, **row} for n in ids])
        text = {
            "n": 1, "bullets": list(BULLETS), "sources": ["뉴스다오"], "language": "ko", "urgency": "normal",
            "topics": ["외교", "경제"], "image": "", "published": now, "date_only": False, "changed": None,
        }  # fmt: skip
        named = [
            {
                "alert_id": n,
                "headline": f"한·우즈베키스탄 정상회담서 협력 합의 {n}호",
                "link": f"https://news.example/{n}",
            }
            for n in ids
        ]
        await tx.execute(versions.insert(), [one | text for one in named])
        if planned:
            await archive.open_fanouts(tx, [*ids])
    desk.send.set()
    return desk.now()


async def is_owed(desk: Desk) -> bool:
    """Whether anything has yet to arrive."""
    async with desk.database.read() as connection:
        sql = "SELECT EXISTS(SELECT 1 FROM fanouts) OR EXISTS(SELECT 1 FROM deliveries WHERE status = 'waiting') "
        sql += "OR EXISTS(SELECT 1 FROM deliveries WHERE status IN ('sending', 'unknown'))"
        return bool((await connection.exec_driver_sql(sql)).scalar())
