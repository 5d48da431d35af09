"""The bot's side of the worker processes: started when first needed, kept warm, ended when a job goes wrong.

Why not a library's pool: docs/decisions/0010-worker-processes.md.
"""

import asyncio
import os
import pickle
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, TypeVarTuple, Unpack

from errors import SourceError
from worker import process as child

START_WITHIN = 60.0
PIECE = 65536
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class OffTheLoop(Protocol):
    """Where parsing and condensing run: never on the event loop."""

    async def __call__(self, work: Callable[[Unpack[Ts]], T], *args: *Ts) -> T: ...


async def in_a_thread(work: Callable[[Unpack[Ts]], T], *args: *Ts) -> T:
    """For documents that are trusted, as those of tests: no limits, and the loop stalls where a library holds the lock
    of the interpreter."""
    return await asyncio.to_thread(work, *args)


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one job: seconds of computing, seconds by the clock, bytes of the process's memory, bytes of the answer."""

    cpu: float = 2.0
    deadline: float = 15.0
    memory: int = 200_000_000
    answer: int = 8_000_000


class Workers:
    """Call it with a function of a module and its arguments. Raises SourceError when the job was cut off.

    At most `at_once` processes. `preload`: modules that a worker imports at its start, outside the limits of any job.
    """

    def __init__(self, *preload: str, limits: Limits | None = None, at_once: int = 2) -> None:
        self._preload = preload
        self._limits = limits or Limits()
        self._room = asyncio.Semaphore(at_once)
        self._idle: list[Process] = []

    @property
    def idle(self) -> list[int]:
        """The ids of the processes that wait for work."""
        return [process.pid for process in self._idle]

    async def __call__(self, work: Callable[[Unpack[Ts]], T], *args: *Ts) -> T:
        async with self._room:
            process = await self._ready()
            try:
                async with asyncio.timeout(self._limits.deadline):
                    # Pickled only now, and not kept: while it waits and while it is read there is one copy of it.
                    await _send(process, pickle.dumps((work, args), pickle.HIGHEST_PROTOCOL))
                    result: T = await _answer(process)
            except SourceError as error:
                if error.reason == "memory":  # a heap once so full stays in pieces
                    await _end(process)
                else:
                    self._idle.append(process)
                raise
            except TimeoutError as error:
                await _end(process)
                said = f"reading it was cut off after {self._limits.deadline:g} s"
                raise SourceError("hang", said) from error
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                await process.wait()  # its pipe has ended, so it has
                raise _death(process, self._limits) from error
            except BaseException:
                # Cancelled, or a defect with the answer still under way.
                await _end(process)
                raise
            self._idle.append(process)
            return result

    async def close(self) -> None:
        """End every process that waits. Those at work end with the task that waits for them."""
        while self._idle:
            await _end(self._idle.pop())

    async def _ready(self) -> Process:
        while self._idle:
            process = self._idle.pop()
            if process.returncode is None:
                return process
            await _end(process)
        return await self._start()

    async def _start(self) -> Process:
        limits = self._limits
        numbers = (os.getpid(), limits.cpu, limits.memory, limits.answer)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", child.__file__, *map(str, numbers), *self._preload,
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL, limit=1_000_000, start_new_session=True, env=_environment(),
        )  # fmt: skip
        try:
            async with asyncio.timeout(START_WITHIN):
                await _answer(process)
        except BaseException:
            await _end(process)
            raise
        return process


async def _send(process: Process, job: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(len(job).to_bytes(8, "big"))
    for start in range(0, len(job), PIECE):  # as a whole it would be copied into the pipe's buffer
        process.stdin.write(job[start : start + PIECE])
        await process.stdin.drain()


async def _answer(process: Process) -> Any:
    """The value, put together from its frames; the loop gets its turn after each."""
    assert process.stdout is not None
    parts: list[Any] = []
    while True:
        kind, size = child.HEAD.unpack(await process.stdout.readexactly(child.HEAD.size))
        payload = await process.stdout.readexactly(size)
        match kind:
            case child.PART:
                parts += pickle.loads(payload)  # noqa: S301, from our own process
                await asyncio.sleep(0)
            case child.END:
                return parts
            case child.VALUE:
                return pickle.loads(payload)  # noqa: S301
            case child.REFUSED:
                reason, words, retry_after = pickle.loads(payload)  # noqa: S301
                raise SourceError(reason, words, retry_after=retry_after)
            case child.MEMORY:
                raise SourceError("memory", "reading it needs more memory than a source may have")
            case _:
                error = RuntimeError("a worker raised what it should not")
                error.add_note(payload.decode("utf-8", "replace"))
                raise error


def _death(process: Process, limits: Limits) -> SourceError:
    if process.returncode == -signal.SIGPROF:
        return SourceError("cpu", f"reading it takes more than {limits.cpu:g} s of computing")
    return SourceError("died", f"the process that read it died ({process.returncode}): too much memory, or a defect")


async def _end(process: Process) -> None:
    """Kill it, if it lives, and wait until it is gone."""
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _environment() -> dict[str, str]:
    """No secret of the configuration; and one arena, so that the limit on memory is not spent on reserves."""
    return {key: value for key, value in os.environ.items() if not key.startswith("SOKBO_")} | {"MALLOC_ARENA_MAX": "1"}
