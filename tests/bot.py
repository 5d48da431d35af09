"""The real bot in a process of its own, as an operator starts it."""

import json
import os
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TextIO

from tests import databases, processes

ROOT = Path(__file__).parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def toml(value: Any) -> str:
    """A value as TOML writes it; JSON's forms are the same for what tests use."""
    return json.dumps(value, ensure_ascii=False)


def configuration(**sections: Any) -> str:
    """A configuration file from keyword arguments; `sources` is a list of tables."""
    lines = [f"{key} = {toml(value)}" for key, value in sections.items() if not isinstance(value, dict | list)]
    for name, table in sections.items():
        if isinstance(table, dict):
            lines += [f"[{name}]", *(f"{key} = {toml(value)}" for key, value in table.items())]
    for source in sections.get("sources", []):
        lines += ["[[sources]]", *(f"{key} = {toml(value)}" for key, value in source.items())]
    return "\n".join(lines) + "\n"


class Bot:
    """`python bot.py …` in `folder`. Use as a context manager; leaving it ends the process if it still runs."""

    def __init__(
        self,
        folder: Path,
        *args: str,
        config: str = "",
        level: str = "WARNING",
        program: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        if config:
            (folder / "sokbo.toml").write_text(config, encoding="utf-8")
        self.args = args or ("run",)
        self.program = program or ROOT / "bot.py"
        self.environment = {"SOKBO_LOG_LEVEL": level, **(environment or {})}
        self.lines: list[str] = []
        self.changed = threading.Condition()

    def start(self) -> Self:
        if self.args == ("run",) and not (self.folder / "data").exists() and "database_url" not in self._settings():
            databases.put(self.folder / "data" / "sokbo.db")
        kept = {key: value for key, value in os.environ.items() if not key.startswith("SOKBO_")}
        environment = {**kept, "PYTHONPATH": str(ROOT), **self.environment}
        ours, theirs = os.pipe()
        with Path(os.devnull).open("rb") as nothing:
            streams = (nothing.fileno(), theirs, theirs)
            self.process = processes.start(self.program, self.args, self.folder, environment, streams)
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, args=(os.fdopen(ours, encoding="utf-8"),), daemon=True)
        self._reader.start()
        return self

    def _settings(self) -> str:
        file = self.folder / "sokbo.toml"
        return (file.read_text(encoding="utf-8") if file.exists() else "") + " ".join(self.environment).lower()

    def _read(self, output: TextIO) -> None:
        with output:
            for line in output:
                with self.changed:
                    self.lines.append(line.rstrip("\n"))
                    self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.kill()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for_line(self, text: str, seconds: float = 20) -> None:
        with self.changed:
            there = self.changed.wait_for(lambda: any(text in line for line in self.lines), seconds)
        assert there, f"no line with {text!r} within {seconds} s:\n{self.output}"

    def kill(self) -> None:
        """SIGKILL: nothing of the process gets a last word."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(5)

    def stop(self, number: int = signal.SIGINT, seconds: float = 15) -> tuple[int, float]:
        """Send the signal; returns the exit status and how long it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(seconds)
        self._reader.join(5)
        return status, time.monotonic() - began

    def finish(self, seconds: float = 60) -> int:
        """Wait for the process to end by itself."""
        status = self.process.wait(seconds)
        self._reader.join(5)
        return status


def fetch(url: str, data: dict[str, Any] | None = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """GET, or POST of JSON; status and body, refusals included."""
    body = json.dumps(data).encode() if data is not None else None
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def wait_until_up(url: str, seconds: float = 20) -> None:
    """Wait until the page answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            fetch(f"{url}/healthz")
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def eventually(condition: Callable[[], bool], seconds: float = 10, what: str = "") -> None:
    """Wait until something that can only be asked, not waited for, has become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain {what}".rstrip()
        time.sleep(0.05)
