"""The worker's own side: reads jobs from its standard input, does them within its limits, writes the answers.

Started as a script by `worker.pool`, with an interpreter of its own: it inherits no socket, lock or thread. A job is a
pickled (function, arguments). An answer is one frame or, for a list, many, so that who reads it need not read for long
at once. A frame is its kind, its length and so many bytes.
"""

import ctypes
import importlib
import os
import pickle
import resource
import signal
import struct
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
HEAD = struct.Struct(">cQ")
VALUE, PART, END, REFUSED, MEMORY, DEFECT = b"v", b"p", b"e", b"r", b"m", b"d"
PART_LENGTH = 50
PR_SET_PDEATHSIG = 1


def main(parent: int, cpu: float, memory: int, answer: int, *preload: str) -> None:
    """Serve jobs until standard input ends."""
    _die_with(parent)
    # Ctrl-C in a terminal and a stop of the container reach every process: this one ends with its standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.path.insert(0, str(ROOT))
    jobs, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):  # what a library prints is no answer
        os.dup2(nowhere, stream)
    for module in preload:
        importlib.import_module(module)
    _limit(memory)
    _write(answers, [(VALUE, pickle.dumps(os.getpid()))])
    while True:
        head = jobs.read(8)
        if len(head) < 8:
            return
        job = jobs.read(int.from_bytes(head, "big"))
        # At its end SIGPROF kills the process, also in the middle of a library's C code.
        signal.setitimer(signal.ITIMER_PROF, cpu)
        frames = _done(job, answer)
        del job
        signal.setitimer(signal.ITIMER_PROF, 0)
        _write(answers, frames)


def _die_with(parent: int) -> None:
    """Be killed when the parent dies, however it dies. Elsewhere than on Linux: at the end of the job."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above
        os._exit(0)


def _limit(memory: int) -> None:
    """So many bytes of memory in all, what is loaded by now included; and no core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return
    size, resident = (int(pages) * resource.getpagesize() for pages in Path("/proc/self/statm").read_text().split()[:2])
    room = size + max(0, memory - resident)
    resource.setrlimit(resource.RLIMIT_AS, (room, room))


def _done(job: bytes, limit: int) -> list[tuple[bytes, bytes]]:
    from errors import SourceError

    try:
        work, args = pickle.loads(job)  # noqa: S301, from our own process
        frames, size = [], 0
        for frame in _frames(work(*args)):
            size += len(frame[1])
            if size > limit:
                return [(REFUSED, pickle.dumps(("too-large", "it holds more than can be taken in at once", None)))]
            frames.append(frame)
        return frames
    except SourceError as error:
        return [(REFUSED, pickle.dumps((error.reason, str(error), error.retry_after)))]
    except RecursionError:
        return [(REFUSED, pickle.dumps(("nested", "it is nested too deeply", None)))]
    except MemoryError:
        return [(MEMORY, b"")]
    except Exception:
        return [(DEFECT, traceback.format_exc().encode("utf-8", "replace"))]


def _frames(result: Any) -> Iterator[tuple[bytes, bytes]]:
    if not isinstance(result, list):
        yield VALUE, pickle.dumps(result, pickle.HIGHEST_PROTOCOL)
        return
    for start in range(0, len(result), PART_LENGTH):
        yield PART, pickle.dumps(result[start : start + PART_LENGTH], pickle.HIGHEST_PROTOCOL)
    yield END, b""


def _write(stream: Any, frames: list[tuple[bytes, bytes]]) -> None:
    for kind, payload in frames:
        stream.write(HEAD.pack(kind, len(payload)) + payload)
    stream.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])
