"""Posts, stories, alerts and their versions; and the memory of what was seen."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from models import Alert, Condensed, Post, Urgency
from storage.tables import alerts, deliveries, each, fanouts, posts, seen, seen_marks, stories, story_links, versions

CHUNK = 500  # SQLite takes 32,766 parameters a statement (https://www.sqlite.org/limits.html)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is remembered of a key."""

    fingerprint: str
    alert_id: int
    apart: str = ""
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What is to be remembered of a post; `marks`: by what it is recognised under another key."""

    key: str
    fingerprint: str
    alert_id: int
    apart: str = ""
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoryState:
    """An open story, as far as deciding about a post needs it. `source_ids`: the first one found it."""

    story_id: int
    alert_id: int
    version: int
    source_ids: tuple[str, ...]
    planned: bool


async def seen_of(connection: AsyncConnection, source_id: str, keys: Sequence[str]) -> dict[str, Seen]:
    """Those of the keys that this source has shown before."""
    known: dict[str, Seen] = {}
    for start in range(0, len(keys), CHUNK):
        rows = await connection.execute(
            select(seen).where(seen.c.source_id == source_id, seen.c.key.in_(keys[start : start + CHUNK]))
        )
        known.update({row.key: Seen(row.fingerprint, row.alert_id, row.apart, row.repeated) for row in rows})
    return known


async def posts_of(connection: AsyncConnection, source_id: str, keys: Sequence[str]) -> dict[str, Post]:
    """Title, link and text of posts as they are archived."""
    found: dict[str, Post] = {}
    for start in range(0, len(keys), CHUNK):
        rows = await connection.execute(
            select(posts.c.key, posts.c.title, posts.c.link, posts.c.html).where(
                posts.c.source_id == source_id, posts.c.key.in_(keys[start : start + CHUNK])
            )
        )
        found.update({row.key: Post(source_id, row.key, row.title, row.link, row.html) for row in rows})
    return found


async def marked(connection: AsyncConnection, source_id: str, marks: Sequence[str]) -> dict[str, str]:
    """Those of the marks by which a post of this source is known, with its key."""
    known: dict[str, str] = {}
    for start in range(0, len(marks), CHUNK):
        wanted = seen_marks.c.mark.in_(marks[start : start + CHUNK])
        rows = await connection.execute(select(seen_marks).where(seen_marks.c.source_id == source_id, wanted))
        known.update({row.mark: row.key for row in rows})
    return known


async def remember(tx: AsyncConnection, source_id: str, shown: Sequence[Shown]) -> None:
    """Keep what the source has shown now."""
    if not shown:
        return
    statement = insert(seen)
    fresh = {name: statement.excluded[name] for name in ("fingerprint", "alert_id", "apart")}
    await tx.execute(
        statement.on_conflict_do_update(index_elements=["source_id", "key"], set_=fresh),
        [
            {
                "source_id": source_id,
                "key": one.key,
                "fingerprint": one.fingerprint,
                "alert_id": one.alert_id,
                "apart": one.apart,
            }
            for one in shown
        ],
    )
    marks = [{"source_id": source_id, "mark": mark, "key": one.key} for one in shown for mark in one.marks]
    if marks:
        marking = insert(seen_marks)
        newest = {"key": marking.excluded.key}
        await tx.execute(marking.on_conflict_do_update(index_elements=["source_id", "mark"], set_=newest), marks)


async def note_repeated(tx: AsyncConnection, source_id: str, keys: Sequence[str]) -> None:
    """Of these keys there were several in one document: from now on more may come and are other posts."""
    for start in range(0, len(keys), CHUNK):
        some = seen.c.key.in_(keys[start : start + CHUNK])
        await tx.execute(update(seen).where(seen.c.source_id == source_id, some).values(repeated=True))


def _state() -> Select[Any]:
    return select(alerts.c.id, alerts.c.story_id, alerts.c.version, alerts.c.source_ids, alerts.c.planned)


def _story_state(row: Row[Any]) -> StoryState:
    return StoryState(row.story_id, row.id, row.version, tuple(row.source_ids), row.planned)


async def stories_by_link(tx: AsyncConnection, links: Sequence[str]) -> dict[str, StoryState]:
    """The stories that normalised links belong to."""
    found: dict[str, StoryState] = {}
    for start in range(0, len(links), CHUNK):
        joined = _state().add_columns(story_links.c.link)
        joined = joined.join(story_links, story_links.c.story_id == alerts.c.story_id)
        for row in await tx.execute(joined.where(story_links.c.link.in_(links[start : start + CHUNK]))):
            found[row.link] = _story_state(row)
    return found


async def story_of_alert(tx: AsyncConnection, alert_id: int) -> StoryState | None:
    row = (await tx.execute(_state().where(alerts.c.id == alert_id))).one_or_none()
    return None if row is None else _story_state(row)


async def keep_posts(tx: AsyncConnection, kept: Sequence[tuple[Post, int]], now: datetime) -> None:
    """Save posts as they are now, each with its story's id, in place of earlier forms of them."""
    statement = insert(posts)
    changed = {
        name: statement.excluded[name]
        for name in ("story_id", "title", "link", "original_link", "html", "published", "read_at")
    }
    rows = [
        {
            "source_id": post.source_id,
            "key": post.key,
            "story_id": story_id,
            "title": post.title,
            "link": post.link,
            "original_link": post.original_link,
            "html": post.html,
            "published": post.published,
            "read_at": now,
        }
        for post, story_id in kept
    ]
    await tx.execute(statement.on_conflict_do_update(index_elements=["source_id", "key"], set_=changed), rows)


@dataclass(frozen=True, slots=True)
class NewStory:
    """What opens a story. `links` are its normalised links; `planned` is false for what is archived in silence."""

    post: Post
    condensed: Condensed
    source_name: str
    topics: tuple[str, ...]
    links: tuple[str, ...]
    planned: bool


def newest_of(story: NewStory, now: datetime) -> datetime:
    """What /latest sorts by: what is archived in silence keeps its publisher's date."""
    published = story.post.published
    return now if story.planned or published is None else min(published, now)


async def open_stories(tx: AsyncConnection, new: Sequence[NewStory], now: datetime) -> list[StoryState]:
    """New stories, each with the first version of its alert, in this order. Links of other stories stay theirs."""
    if not new:
        return []
    opened = insert(stories).returning(stories.c.id, sort_by_parameter_order=True)
    story_ids = list(await tx.scalars(opened, [{"opened": now}] * len(new)))
    links = [
        {"link": link, "story_id": story_id} for one, story_id in zip(new, story_ids, strict=True) for link in one.links
    ]
    if links:
        await tx.execute(insert(story_links).on_conflict_do_nothing(), links)
    rows = [
        {
            "story_id": story_id,
            "version": 1,
            "source_ids": [one.post.source_id],
            "planned": one.planned,
            "created": now,
            "newest": newest_of(one, now),
        }
        for one, story_id in zip(new, story_ids, strict=True)
    ]
    made = insert(alerts).returning(alerts.c.id, sort_by_parameter_order=True)
    alert_ids = list(await tx.scalars(made, rows))
    await tx.execute(
        insert(versions),
        [
            {
                "alert_id": alert_id,
                "n": 1,
                "sources": [one.source_name],
                "language": one.post.language,
                "topics": list(one.topics),
                "image": one.post.image,
                "published": one.post.published,
                "date_only": one.post.date_only,
                "changed": None,
                **_shown(one.condensed),
            }
            for one, alert_id in zip(new, alert_ids, strict=True)
        ],
    )
    await keep_posts(tx, [(one.post, story_id) for one, story_id in zip(new, story_ids, strict=True)], now)
    return [
        StoryState(story_id, alert_id, 1, (one.post.source_id,), one.planned)
        for one, story_id, alert_id in zip(new, story_ids, alert_ids, strict=True)
    ]


def _shown(condensed: Condensed) -> dict[str, Any]:
    return {
        "headline": condensed.headline,
        "bullets": list(condensed.bullets),
        "link": condensed.link,
        "urgency": condensed.urgency,
    }


async def join(
    tx: AsyncConnection, story: StoryState, source_id: str, source_name: str, now: datetime, *, planned: bool
) -> None:
    """One more source carries the story: a version that names it too. Not marked as changed: the news is the same."""
    before = (await tx.execute(_version(story))).one()
    await tx.execute(
        insert(versions).values(
            **{**before._mapping, "n": story.version + 1, "sources": [*before.sources, source_name]}
        )
    )
    values: dict[str, Any] = {"version": story.version + 1, "source_ids": [*story.source_ids, source_id]}
    if planned and not story.planned:
        values |= {"planned": True, "created": now, "newest": now}
    await tx.execute(update(alerts).where(alerts.c.id == story.alert_id).values(**values))


async def change(tx: AsyncConnection, story: StoryState, post: Post, condensed: Condensed, now: datetime) -> bool:
    """A new version if a reader would see a difference; says whether there was one."""
    before = (await tx.execute(_version(story))).one()
    shown = {**_shown(condensed), "urgency": before.urgency}
    if all(getattr(before, key) == value for key, value in shown.items()):
        return False
    await tx.execute(
        insert(versions).values(
            **{**before._mapping, **shown, "n": story.version + 1, "image": post.image, "changed": now}
        )
    )
    await tx.execute(update(alerts).where(alerts.c.id == story.alert_id).values(version=story.version + 1))
    return True


def _version(story: StoryState) -> Select[Any]:
    return select(versions).where(versions.c.alert_id == story.alert_id, versions.c.n == story.version)


async def only_joined(connection: AsyncConnection, shown: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Of (alert id, version): those since which the alert was joined by further sources, and nothing else changed."""
    found = set()
    for alert_id, number in shown:
        now = _version_of(alert_id).where(versions.c.n == alerts.c.version)
        rows = [(await connection.execute(one)).first() for one in (now, _version_of(alert_id, number))]
        told = [None if row is None else {k: v for k, v in row._mapping.items() if k not in JOINING} for row in rows]
        if None not in told and told[0] == told[1]:
            found.add((alert_id, number))
    return found


JOINING = ("n", "sources")


def _version_of(alert_id: int, number: int | None = None) -> Select[Any]:
    query = select(versions).join(alerts, alerts.c.id == versions.c.alert_id).where(versions.c.alert_id == alert_id)
    return query if number is None else query.where(versions.c.n == number)


async def show_everywhere(tx: AsyncConnection, alert_id: int, version: int) -> None:
    """Chats that have the alert, or will get it, are owed this version."""
    await tx.execute(update(deliveries).where(deliveries.c.alert_id == alert_id).values(wanted=version))


async def open_fanouts(tx: AsyncConnection, alert_ids: Sequence[int]) -> None:
    """Owe the alerts to every chat that wants them; the planner fills in the rows."""
    if alert_ids:
        await tx.execute(insert(fanouts), [{"alert_id": alert_id, "cursor": 0} for alert_id in alert_ids])


def alert_columns() -> Select[Any]:
    """Alerts with the version that is current; add a where clause and an order."""
    return select(
        alerts.c.id,
        alerts.c.story_id,
        alerts.c.created,
        alerts.c.newest,
        versions,
    ).join(versions, (versions.c.alert_id == alerts.c.id) & (versions.c.n == alerts.c.version))


def alert_of(row: Row[Any]) -> Alert:
    return Alert(
        id=row.id,
        story_id=row.story_id,
        version=row.n,
        headline=row.headline,
        bullets=tuple(row.bullets),
        link=row.link,
        sources=tuple(row.sources),
        language=row.language,
        urgency=Urgency(row.urgency),
        topics=tuple(row.topics),
        image=row.image,
        published=row.published,
        date_only=row.date_only,
        created=row.created,
        changed=row.changed,
    )


async def latest(connection: AsyncConnection, limit: int, *, skip: int = 0, last: int | None = None) -> list[Alert]:
    """The newest alerts first; with `last` none with a later id."""
    query = alert_columns().order_by(alerts.c.newest.desc(), alerts.c.id.desc()).limit(limit).offset(skip)
    if last is not None:
        query = query.where(alerts.c.id <= last)
    return [alert_of(row) for row in await connection.execute(query)]


async def last_alert(connection: AsyncConnection) -> int:
    return await connection.scalar(select(func.max(alerts.c.id))) or 0


BY_IDS = alert_columns().where(alerts.c.id.in_(each("ids")))


async def by_ids(connection: AsyncConnection, ids: Sequence[int]) -> list[Alert]:
    """The alerts with these ids, in this order."""
    rows = await connection.execute(BY_IDS, {"ids": json.dumps([*ids])})
    found = {row.id: alert_of(row) for row in rows}
    return [found[one] for one in ids if one in found]


async def newest_with_sources(connection: AsyncConnection, limit: int) -> list[tuple[Alert, tuple[str, ...]]]:
    """The newest alerts first, each with the ids of its sources: what a filter is tried on."""
    query = alert_columns().add_columns(alerts.c.source_ids).order_by(alerts.c.newest.desc(), alerts.c.id.desc())
    return [(alert_of(row), tuple(row.source_ids)) for row in await connection.execute(query.limit(limit))]
