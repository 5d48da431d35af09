"""What tests let a worker do, and what strangers would like it to do."""

import ctypes
import os
import signal
import time
from pathlib import Path
from typing import Any

from errors import SourceError


def echo(value: Any) -> Any:
    return value


def who() -> tuple[int, int]:
    return os.getpid(), os.getppid()


def sleep(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def spin() -> None:
    while True:
        pass


def spin_in_c() -> None:
    """One call into C that never looks at Python's signals."""
    _ = 3 ** (10**8)


def eat(size: int) -> int:
    return len(bytearray(size))


def die(number: int) -> None:
    os.kill(os.getpid(), number)


def crash() -> None:
    ctypes.string_at(0)


def refuse() -> None:
    raise SourceError("no-feed", "this is neither RSS nor Atom", retry_after=7.0)


def fail() -> None:
    raise ZeroDivisionError("a defect")


def nest() -> None:
    nest()


def speak() -> str:
    print("this is no answer", flush=True)
    os.write(1, b"nor this")
    return "said"


def surroundings() -> dict[str, Any]:
    return {
        "files": [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()],
        "environment": dict(os.environ),
        "ignored": [signal.getsignal(one) is signal.SIG_IGN for one in (signal.SIGINT, signal.SIGTERM)],
        "session": os.getsid(0) == os.getpid(),
    }


def peak() -> int:
    """The most memory that this process ever held, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
