"""Logging for the whole process: structlog over the standard library, and no secret ever in a line."""

import logging
import sys
from collections.abc import Iterable
from typing import Any

import structlog

HIDDEN = "•••"
LIBRARIES = (
    *("httpx", "httpcore", "aiosqlite", "apscheduler", "alembic", "telegram", "slack_bolt", "slack_sdk"),
    *("openai", "httpx2", "httpcore2"),
)


class Redacting(logging.Formatter):
    """Formats with another formatter and strikes every secret out of the result.

    It works on the finished line, so it also covers other libraries' messages and the text of exceptions (httpx logs
    whole URLs, and Telegram's hold the token).
    """

    def __init__(self, inner: logging.Formatter, secrets: Iterable[str]) -> None:
        super().__init__()
        self._inner = inner
        self._secrets = sorted({*secrets}, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        line = self._inner.format(record)
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        return line


def configure(level: str, secrets: Iterable[str]) -> None:
    """Send everything to stderr from `level` on; libraries speak up at WARNING unless `level` is DEBUG."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    renderer = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer], foreign_pre_chain=shared
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redacting(formatter, secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    quiet = level if level == "DEBUG" else "WARNING"
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(quiet)
    # The driver logs every statement with all its values at DEBUG: posts by the megabyte, and nothing of use.
    logging.getLogger("aiosqlite").setLevel("WARNING")
