"""The real bot, watched from inside: how long its event loop ever stood still, and what memory all of it took.

Arguments as of bot.py. What was seen goes to `watched.json` in the folder, again and again. Of the time in which the
loop stood still only that counts in which the bot was computing: what other programs took is not its doing.
"""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import bot
import pipeline

TICK = 0.01
poll_forever = pipeline.poll_forever


def resident(pid: int | str, key: str = "VmRSS") -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(key)), 0)


def children() -> list[int]:
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


async def watch(file: Path) -> None:
    seen: dict[str, Any] = {"stall": 0.0, "most": 0, "worker": 0, "workers": []}
    turn = 0
    while True:
        began, computed = time.monotonic(), time.process_time()
        await asyncio.sleep(TICK)
        stall = min(time.monotonic() - began - TICK, time.process_time() - computed)
        turn += 1
        seen["stall"] = max(seen["stall"], stall)
        seen["most"] = max(seen["most"], resident("self"))
        if turn % 10 == 1:
            if "started" not in seen and Path("warm").exists():  # first uses of libraries are over
                seen |= {"stall": 0.0, "started": resident("self"), "most": 0}
            seen["workers"] = children()
            seen["worker"] = max([seen["worker"], *(resident(pid, "VmHWM") for pid in seen["workers"])])
            new = file.with_suffix(".new")
            new.write_text(json.dumps(seen))
            new.replace(file)


async def watched(desk: pipeline.Desk) -> None:
    task = asyncio.create_task(watch(Path("watched.json")))
    try:
        await poll_forever(desk)
    finally:
        task.cancel()


def main() -> None:
    setattr(pipeline, "poll_forever", watched)  # noqa: B010, mypy knows the real one's type
    bot.cli()


if __name__ == "__main__":
    main()
