"""Runs condensers as processes over JSON lines: what they answer, how fast, and how much memory they take."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from benchmarks.condense.baselines import BASELINES, NEEDS
from benchmarks.condense.posts import Post
from benchmarks.condense.score import Alert

ROOT = Path(__file__).parents[2]
SOKBO = (sys.executable, "bot.py", "condense")
# No library may reach for a network here, nor a BLAS for more than the one core.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "NLTK_DATA": "/nonexistent", "PYTHONHASHSEED": "0"}


def command(name: str) -> tuple[str, ...]:
    """The command line of a baseline, or of Sokbo for "sokbo"."""
    return SOKBO if name == "sokbo" else (sys.executable, "-m", "benchmarks.condense.baselines", name)


def label(name: str) -> str:
    return "Sokbo" if name == "sokbo" else BASELINES[name][0]


def missing(name: str) -> bool:
    """Whether the package behind a baseline is not installed (`make bench` installs them)."""
    return name in NEEDS and find_spec(NEEDS[name]) is None


def _start(name: str, stdin: int, stdout: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command(name), cwd=ROOT, env={**os.environ, **ENVIRONMENT}, stdin=stdin, stdout=stdout)


def answers(name: str, posts: Sequence[Post]) -> dict[str, Alert]:
    """id -> alert. Raises RuntimeError when a line is missing or is an error."""
    process = _start(name, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    output, _ = process.communicate(b"".join(post.line() for post in posts))
    replies = [json.loads(line) for line in output.splitlines()]
    wrong = [reply for reply in replies if "error" in reply]
    if process.returncode or wrong or [reply["id"] for reply in replies] != [post.id for post in posts]:
        raise RuntimeError(
            f"{label(name)}: exit {process.returncode}, {len(replies)} of {len(posts)} lines, {wrong[:1]}"
        )
    return {r["id"]: Alert(r["headline"], tuple(r["bullets"]), r.get("link") or "") for r in replies}


# --------------------------------------------------------------------------------------------------------- speed


@dataclass(frozen=True, slots=True)
class Speed:
    """Posts per CPU second without start-up, 99.9th percentile (wall ms), peak resident MiB, start (CPU s)."""

    rate: float
    p999: float
    rss: float
    start: float


def throughput(name: str, posts: Sequence[Post], times: int) -> float:
    """CPU seconds (user and system) for all posts `times` over, start-up included, from a file to a file.

    CPU and not wall: whatever else the machine does, the ratios stay.
    """
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as sink:
        lines = b"".join(post.line() for post in posts)
        for _ in range(times):
            source.write(lines)
        source.seek(0)
        process = _start(name, stdin=source.fileno(), stdout=sink.fileno())
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{label(name)} failed")
        return used.ru_utime + used.ru_stime


def one_by_one(name: str, posts: Sequence[Post], rounds: int) -> tuple[list[float], float]:
    """(milliseconds from line to reply for every post, peak resident MiB); one uncounted post warms it up."""
    process = _start(name, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    taken = []
    lines = [post.line() for post in posts]
    for line in (lines[0], *(line for _ in range(rounds) for line in lines)):
        start = time.perf_counter()
        process.stdin.write(line)
        process.stdin.flush()
        if not process.stdout.readline():
            raise RuntimeError(f"{label(name)} stopped answering")
        taken.append(1000 * (time.perf_counter() - start))
    peak = sum(_peak(pid) for pid in _family(process.pid))
    process.stdin.close()
    process.stdout.read()
    process.wait()
    return taken[1:], peak


def _family(pid: int) -> Iterable[int]:
    """A process and its children; /proc knows them, elsewhere there is the process alone."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _family(int(child))


def _peak(pid: int) -> float:
    """VmHWM in MiB. (ru_maxrss would count the parent's memory at the fork.) NaN where there is no /proc."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return float("nan")
    return int(found[1]) / 1024 if found else float("nan")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, int(-(-share * len(ordered) // 1)) - 1))]


def speed(names: Sequence[str], posts: Sequence[Post], rounds: int = 3) -> dict[str, Speed]:
    """Every contender in its own process, alternating, median of `rounds`; the slow ones get the posts fewer times."""
    spent: dict[str, list[float]] = {name: [] for name in names}
    starts: dict[str, list[float]] = {name: [] for name in names}
    times = {name: 1 if name in NEEDS else 6 for name in names}
    for _ in range(rounds):
        for name in names:
            starts[name].append(throughput(name, posts[:1], 1))
            spent[name].append(throughput(name, posts, times[name]))
    found = {}
    for name in names:
        taken, peak = one_by_one(name, posts, max(2, -(-1000 // len(posts))))
        start = median(starts[name])
        rate = len(posts) * times[name] / (median(spent[name]) - start)
        found[name] = Speed(rate, percentile(taken, 0.999), peak, start)
    return found
