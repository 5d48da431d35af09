"""A broken bot: that a post was seen is saved before its alert. The kill run must go red on it."""

import asyncio
from typing import Any

import bot
import pipeline
from storage import archive

commit = pipeline._commit


async def commit_in_two_steps(desk: Any, watched: Any, news: Any, *rest: Any, **named: Any) -> int:
    async with desk.database.write() as tx:
        before = await archive.seen_of(tx, watched.source.id, [reading.post.key for reading in news.readings])
        shown = [archive.Shown(reading.post.key, reading.fingerprint, 0) for reading in news.readings]
        await archive.remember(tx, watched.source.id, shown)
    await asyncio.sleep(0.4)  # wide enough that a kill after this commit falls before the next
    remembered = archive.seen_of

    async def as_before(*_: Any) -> Any:
        return before

    setattr(archive, "seen_of", as_before)  # noqa: B010, mypy knows the real one's type
    try:
        return await commit(desk, watched, news, *rest, **named)
    finally:
        setattr(archive, "seen_of", remembered)  # noqa: B010


if __name__ == "__main__":
    setattr(pipeline, "_commit", commit_in_two_steps)  # noqa: B010
    bot.cli()
