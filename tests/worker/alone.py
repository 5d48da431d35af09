"""A bot in small: it gives its workers a job each, says who they are, and waits to be killed."""

import asyncio
import sys

from tests.worker import jobs
from worker import Limits, Workers


async def main(job: str) -> None:
    workers = Workers(limits=Limits(cpu=60, deadline=60))
    pids = [(await workers(jobs.who))[0]]
    if job != "idle":
        busy = asyncio.create_task(workers(getattr(jobs, job), *([60.0] if job == "sleep" else [])))
        pids.append((await workers(jobs.who))[0])  # the second one, as the first is at work
        await asyncio.sleep(0.1)
    print(*pids, flush=True)
    if job != "idle":
        await busy
    await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
