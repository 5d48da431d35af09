"""Single stories copied from one database into another, as they were at a time."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import alerts, stories, story_links, versions


async def carriers_of(connection: AsyncConnection, alert_id: int, before: datetime) -> tuple[str, ...]:
    """The ids of the sources of an alert that was there before then, the first one first; none where it was not."""
    query = select(alerts.c.source_ids).where(alerts.c.id == alert_id, alerts.c.created < before)
    return tuple(await connection.scalar(query) or ())


async def copy(
    known: AsyncConnection, tx: AsyncConnection, alert_id: int, before: datetime, carriers: Collection[str]
) -> int:
    """Copy an alert with its story, in the words of then, as one of the first so many sources; returns its id there,
    0 where it does not exist."""
    alert = (await known.execute(select(alerts).where(alerts.c.id == alert_id))).one_or_none()
    words = or_(versions.c.changed.is_(None), versions.c.changed < before)
    newest = select(versions).where(versions.c.alert_id == alert_id, words).order_by(versions.c.n.desc()).limit(1)
    version = (await known.execute(newest)).one_or_none()
    if alert is None or version is None:
        return 0
    story_id: int = (await tx.execute(insert(stories).values(opened=before).returning(stories.c.id))).scalar_one()
    links = set(await known.scalars(select(story_links.c.link).where(story_links.c.story_id == alert.story_id)))
    links -= set(await tx.scalars(select(story_links.c.link).where(story_links.c.link.in_(links))))
    if links:
        await tx.execute(insert(story_links), [{"link": link, "story_id": story_id} for link in sorted(links)])
    row = {**alert._mapping, "story_id": story_id, "version": 1, "source_ids": list(carriers)}
    del row["id"]
    new_id: int = (await tx.execute(insert(alerts).values(**row).returning(alerts.c.id))).scalar_one()
    names = version.sources[: len(carriers)]
    await tx.execute(insert(versions).values(**{**version._mapping, "alert_id": new_id, "n": 1, "sources": names}))
    return new_id
