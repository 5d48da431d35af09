"""Starts the real programs without their imports: this process has made them, and each program is a fork of it.

A start of the bot costs more than a second of computing, nearly all of it for imports, and the tests start it some two
hundred times. A forked program has its own process id, signals, streams, folder and environment, and ends as any does.
Used through `tests.processes`; the tests of what is imported, and of the interpreter's own settings, start cold.
"""

import gc
import importlib
import os
import random
import runpy
import selectors
import signal
import socket
import struct
import sys
from pathlib import Path
from types import FrameType

IMPORTED = (
    "bot", "handlers", "model", "pipeline", "platforms.console", "platforms.slack", "platforms.telegram", "preview",
    "web.app", "worker", "alembic.command", "apscheduler.schedulers.asyncio", "rich.console", "rich.table", "uvicorn",
    "uvicorn.loops.auto", "uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto", "uvicorn.lifespan.on",
    "sqlalchemy.dialects.sqlite.aiosqlite",
)  # fmt: skip
LENGTH = struct.Struct(">I")


def main() -> None:
    """Serve the socket that is standard input; in a fork, become the program that was asked for."""
    requests = socket.socket(fileno=os.dup(0))
    for module in IMPORTED:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ended, wake = socket.socketpair()
    for end in (ended, wake):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, _nothing)
    signal.set_wakeup_fd(wake.fileno())
    running: dict[int, int] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(requests, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if ended in ready:
                ended.recv(4096)
                _say_who_ended(running)
            if requests in ready:
                head, streams, _, _ = socket.recv_fds(requests, LENGTH.size, 4)
                if not head:
                    for pid in running:
                        os.kill(pid, signal.SIGKILL)
                    return
                told = _exactly(requests, LENGTH.unpack(head)[0]).decode("utf-8", "surrogateescape").split("\0")
                pid = os.fork()
                if pid == 0:
                    break
                *given, status = streams
                for stream in given:
                    os.close(stream)
                running[pid] = status
                requests.sendall(LENGTH.pack(pid))
    for one in (requests, ended, wake):
        one.close()
    for status in running.values():
        os.close(status)
    _become(streams, told)


def _nothing(number: int, frame: FrameType | None) -> None:
    """A signal needs a handler to wake the loop."""


def _exactly(requests: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        found += requests.recv(length - len(found))
    return found


def _say_who_ended(running: dict[int, int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        os.write(running[pid], str(os.waitstatus_to_exitcode(status)).encode())
        os.close(running.pop(pid))


def _become(streams: list[int], told: list[str]) -> None:
    """The program, with these streams (the last is not for it); the interpreter ends as after any program."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams[:3]):
        os.dup2(stream, number)
    for stream in streams:
        os.close(stream)
    folder, count, *rest = told
    arguments, environment = rest[: int(count)], rest[int(count) :]
    os.chdir(folder)
    kept = {"PTB_TIMEDELTA": os.environ["PTB_TIMEDELTA"]}  # set by an import of ours, for the library's sake
    os.environ.clear()
    os.environ.update(kept)
    for entry in environment:
        name, _, value = entry.partition("=")
        os.environ[name] = value
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(0, encoding="utf-8", errors="surrogateescape"),
        os.fdopen(1, "w", encoding="utf-8", buffering=1),
        os.fdopen(2, "w", encoding="utf-8", buffering=1, errors="backslashreplace"),
    )
    random.seed()
    sys.argv = arguments
    sys.path[0] = str(Path(arguments[0]).parent)
    runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main()
