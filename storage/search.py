"""Full-text search that is right for Korean: character bigrams (`storage.bigrams`), indexed by SQLite's FTS5."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.bigrams import folded, index_text, match_expression

__all__ = ["add", "find", "folded", "index_text", "match_expression", "replace"]


async def add(tx: AsyncConnection, texts: Sequence[tuple[int, str]]) -> None:
    """Index new alerts: (alert id, what `index_text` made)."""
    if texts:
        statement = text("INSERT INTO search(rowid, tokens) VALUES (:id, :tokens)")
        await tx.execute(statement, [{"id": alert_id, "tokens": tokens} for alert_id, tokens in texts])


async def replace(tx: AsyncConnection, alert_id: int, tokens: str) -> None:
    """Index an alert anew after its text changed."""
    await tx.execute(text("DELETE FROM search WHERE rowid = :id"), {"id": alert_id})
    await add(tx, [(alert_id, tokens)])


FIND = """
SELECT alerts.id FROM search JOIN alerts ON alerts.id = search.rowid
WHERE search.tokens MATCH :match ORDER BY alerts.newest DESC, alerts.id DESC LIMIT :limit OFFSET :skip
"""
COUNT = "SELECT count(*) FROM search WHERE search.tokens MATCH :match"


async def find(connection: AsyncConnection, question: str, limit: int, skip: int = 0) -> tuple[Sequence[int], int]:
    """The ids of the newest `limit` alerts that hold every word, and how many there are in all."""
    match = match_expression(question)
    if not match:
        return (), 0
    rows = await connection.execute(text(FIND), {"match": match, "limit": limit, "skip": skip})
    total = await connection.scalar(text(COUNT), {"match": match})
    return [row[0] for row in rows], total or 0
