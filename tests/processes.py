"""Programs of ours as processes, started by forking a process that has made the imports (tests/programs/forked.py)."""

import atexit
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from tests.programs.forked import LENGTH

ROOT = Path(__file__).parents[1]
ONE_AT_A_TIME = threading.Lock()


class Process:
    """One program that runs, with the part of `subprocess.Popen` that tests need. `status` tells how it ended."""

    def __init__(self, pid: int, status: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._ended(0)

    def wait(self, seconds: float | None = None) -> int:
        """Its exit status, as a negative number the signal that ended it. Raises TimeoutExpired."""
        status = self._ended(seconds)
        if status is None:
            raise subprocess.TimeoutExpired(str(self.pid), seconds or 0)
        return status

    def _ended(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], seconds)[0]:
            self.returncode = int(os.read(self._status, 16) or b"-9")  # who should say so was killed
            os.close(self._status)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ended, and its status is on the way
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@cache
def _server() -> socket.socket:
    """The connection to this test process's own forking process, started when first needed."""
    ours, theirs = socket.socketpair()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.programs.forked"],
        cwd=ROOT,
        env=environment,
        stdin=theirs.fileno(),
        start_new_session=True,
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def start(
    program: Path, args: tuple[str, ...], folder: Path, environment: Mapping[str, str], streams: tuple[int, int, int]
) -> Process:
    """Start `program` in `folder` with these arguments, environment and streams (descriptors, still the caller's)."""
    arguments = [str(program), *args]
    told = "\0".join([str(folder), str(len(arguments)), *arguments, *(f"{k}={v}" for k, v in environment.items())])
    body = told.encode("utf-8", "surrogateescape")
    status, theirs = os.pipe()
    with ONE_AT_A_TIME:
        server = _server()
        socket.send_fds(server, [LENGTH.pack(len(body))], [*streams, theirs])
        server.sendall(body)
        os.close(theirs)
        pid = LENGTH.unpack(server.recv(LENGTH.size, socket.MSG_WAITALL))[0]
    return Process(pid, status)


def run(
    program: Path, args: tuple[str, ...], folder: Path, environment: Mapping[str, str], stdin: str, seconds: float = 60
) -> "subprocess.CompletedProcess[str]":
    """Run it to its end, as `subprocess.run` does. Raises TimeoutExpired."""
    (theirs_in, ours_in), (ours_out, theirs_out), (ours_err, theirs_err) = os.pipe(), os.pipe(), os.pipe()
    process = start(program, args, folder, environment, (theirs_in, theirs_out, theirs_err))
    for stream in (theirs_in, theirs_out, theirs_err):
        os.close(stream)
    found = dict[str, bytes]()

    def feed(stream: BinaryIO) -> None:
        with suppress(BrokenPipeError), stream:  # it may need no more
            stream.write(stdin.encode())

    def read(name: str, stream: BinaryIO) -> None:
        with stream:
            found[name] = stream.read()

    threads = [
        threading.Thread(target=feed, args=(os.fdopen(ours_in, "wb", buffering=0),), daemon=True),
        threading.Thread(target=read, args=("out", os.fdopen(ours_out, "rb")), daemon=True),
        threading.Thread(target=read, args=("err", os.fdopen(ours_err, "rb")), daemon=True),
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    for thread in threads[1:]:
        thread.join(max(0.1, end - time.monotonic()))
    out, err = (found.get(name, b"").decode("utf-8", "replace") for name in ("out", "err"))
    return subprocess.CompletedProcess([str(program), *args], status, out, err)
