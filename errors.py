"""Everything Sokbo raises on purpose.

SokboError
├── ConfigError        the configuration cannot be used; carries every problem found
├── StartError         the desk cannot start here (port in use, database unreadable, a second copy)
├── UsageError         a command was given something it does not take; the text says what it takes
├── SourceError        a source could not be read; `reason` is a word for the metric, the text is for people
└── ModelError         the configured model did not answer as it should; the text says why, and holds no secret
"""


class SokboError(Exception):
    """The root: catching it catches all that Sokbo raises on purpose."""


class ConfigError(SokboError):
    """The configuration cannot be used.

    `problems` holds one (where, what) pair each: the key as a reader finds it in the file, and what is accepted.
    """

    def __init__(self, file: str, problems: list[tuple[str, str]]) -> None:
        self.file = file
        self.problems = problems
        width = max(len(where) for where, _ in problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [f"  {where:<{width}}   {what}" for where, what in problems]
        super().__init__("\n".join([f"{file}: {count}", *lines]))


class StartError(SokboError):
    """The desk cannot start here; the text says what to do."""


class UsageError(SokboError):
    """A command was given something it does not take."""


class SourceError(SokboError):
    """A source could not be read. `retry_after` is in seconds, when the publisher named a time."""

    def __init__(self, reason: str, text: str, *, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.reason = reason
        self.retry_after = retry_after


class ModelError(SokboError):
    """The configured model did not answer as it should; the text says why."""
