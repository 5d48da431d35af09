"""Worker processes: what they are kept from, how they end, and what becomes of who waits for them."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from errors import SourceError
from tests.bot import ROOT, eventually
from tests.worker import jobs
from worker import Limits, Workers

LIMITS = Limits(cpu=0.5, deadline=3.0, memory=120_000_000, answer=1_000_000)


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    made = Workers(limits=LIMITS)
    yield made
    await made.close()


def runs(pid: int) -> bool:
    """Whether a process is there and more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


async def test_work_is_done_in_another_process_which_is_kept_warm(workers: Workers) -> None:
    (pid, parent), (again, _) = await workers(jobs.who), await workers(jobs.who)
    assert pid == again != os.getpid() == parent
    assert workers.idle == [pid]


async def test_what_goes_in_comes_out_whatever_its_form_and_size(workers: Workers) -> None:
    for value in (None, [], [1, "둘"] * 333, {"a": (b"x" * 300_000,)}, "", list(range(51))):
        assert await workers(jobs.echo, value) == value


async def test_what_a_source_did_wrong_comes_back_as_it_was_said(workers: Workers) -> None:
    with pytest.raises(SourceError, match="neither RSS nor Atom") as caught:
        await workers(jobs.refuse)
    assert (caught.value.reason, caught.value.retry_after) == ("no-feed", 7.0)
    assert len(workers.idle) == 1, "nothing is wrong with the worker"


async def test_a_defect_brings_its_traceback_and_is_no_fault_of_the_source(workers: Workers) -> None:
    with pytest.raises(RuntimeError) as caught:
        await workers(jobs.fail)
    assert "ZeroDivisionError: a defect" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("job", "args", "reason", "words"),
    [
        (jobs.spin, (), "cpu", "more than 0.5 s of computing"),
        (jobs.spin_in_c, (), "cpu", "more than 0.5 s of computing"),
        (jobs.sleep, (60.0,), "hang", "cut off after 3 s"),
        (jobs.eat, (130_000_000,), "memory", "more memory than a source may have"),
        (jobs.echo, (b"x" * 1_000_000,), "too-large", "more than can be taken in"),
        (jobs.nest, (), "nested", "nested too deeply"),
        (jobs.die, (signal.SIGKILL,), "died", "died"),
        (jobs.crash, (), "died", "died"),
    ],
)
async def test_what_goes_too_far_is_cut_off_and_the_next_job_is_done(
    workers: Workers, job: Any, args: tuple[Any, ...], reason: str, words: str
) -> None:
    await workers(jobs.who)
    before = workers.idle
    with pytest.raises(SourceError, match=words) as caught:
        await workers(job, *args)
    assert caught.value.reason == reason
    assert await workers(jobs.echo, 1) == 1
    if reason not in ("too-large", "nested"):
        assert not runs(before[0])


async def test_a_job_that_hangs_delays_no_other(workers: Workers) -> None:
    hanging = asyncio.create_task(workers(jobs.sleep, 60.0))
    await workers(jobs.who)
    for _ in range(20):
        await workers(jobs.who)
    assert not hanging.done()
    with pytest.raises(SourceError):
        await hanging


async def test_each_job_has_the_whole_allowance(workers: Workers) -> None:
    for _ in range(4):
        await workers(jobs.eat, 20_000_000)
        assert await workers(sum, range(6_000_000)) > 0  # about 0.2 s of computing
    assert len(workers.idle) == 1


async def test_a_worker_that_died_while_it_waited_is_replaced_in_silence(workers: Workers) -> None:
    pid, _ = await workers(jobs.who)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not runs(pid))
    await asyncio.sleep(0.2)
    assert (await workers(jobs.who))[0] != pid


async def test_who_stops_waiting_ends_the_work(workers: Workers) -> None:
    pid, _ = await workers(jobs.who)
    task = asyncio.create_task(workers(jobs.sleep, 60.0))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not runs(pid)


async def test_closing_leaves_no_process() -> None:
    workers = Workers(limits=LIMITS)
    both = await asyncio.gather(workers(jobs.sleep, 0.2), workers(jobs.sleep, 0.2))
    assert len(set(both)) == 2
    await workers.close()
    assert not any(map(runs, both))


def test_who_only_reads_loads_no_client_and_no_database() -> None:
    """Each worker would hold them: half of its memory."""
    program = "import sys, reader; print({'httpx', 'aiohttp', 'sqlalchemy', 'telegram', 'slack_sdk'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


async def test_a_worker_sees_nothing_of_ours(workers: Workers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOKBO_TELEGRAM__TOKEN", "secret")
    with (tmp_path / "ours").open("w") as ours:
        os.set_inheritable(ours.fileno(), True)
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        seen = await workers(jobs.surroundings)
        server.close()
    assert [file for file in seen["files"] if not file.startswith(("pipe:", "/dev/null", "/proc/"))] == []
    assert not [name for name in seen["environment"] if name.startswith("SOKBO_")]
    assert seen["ignored"] == [True, True]
    assert seen["session"], "Ctrl-C reaches the terminal's group, and a worker is not of it"


async def test_what_a_library_prints_is_no_answer(workers: Workers) -> None:
    assert await workers(jobs.speak) == "said"


@pytest.mark.parametrize("job", ["idle", "sleep", "spin", "spin_in_c"])
def test_workers_die_with_their_parent_however_it_dies(job: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.worker.alone", job], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == (1 if job == "idle" else 2)
        assert all(map(runs, pids))
        parent.kill()
    eventually(lambda: not any(map(runs, pids)), 2, f"for {pids} to be gone")


def test_ctrl_c_shows_no_traceback_of_a_worker() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.worker.alone", "sleep"], cwd=ROOT, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        assert parent.stderr is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        os.killpg(parent.pid, signal.SIGINT)
        said = parent.stderr.read()
    assert said.count("Traceback") <= 2, said  # of the small bot itself, which does not catch it
    assert "process.py" not in said
    eventually(lambda: not any(map(runs, pids)), 2)
