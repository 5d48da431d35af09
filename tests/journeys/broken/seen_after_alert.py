"""A broken bot: that a post was seen is saved after its alert is owed. The fault run must go red on it."""

import asyncio
from typing import Any

import bot
import pipeline
from storage import archive

commit = pipeline._commit
remember = archive.remember


async def commit_in_two_steps(desk: Any, *rest: Any, **named: Any) -> int:
    later = list[Any]()

    async def keep(tx: Any, *what: Any) -> None:
        later.append(what)

    setattr(archive, "remember", keep)  # noqa: B010, mypy knows the real one's type
    try:
        new = await commit(desk, *rest, **named)
    finally:
        setattr(archive, "remember", remember)  # noqa: B010
    await asyncio.sleep(3.0)  # wide enough that a kill at the alert's first call falls before the rest
    async with desk.database.write() as tx:
        for what in later:
            await remember(tx, *what)
    return new


if __name__ == "__main__":
    setattr(pipeline, "_commit", commit_in_two_steps)  # noqa: B010
    bot.cli()
