"""Who imports whom, read from the source text; and what the table in docs/architecture.md allows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "config",
    "delivery",
    "formatters",
    "handlers",
    "locales",
    "platforms",
    "sources",
    "storage",
    "stories",
    "web",
    "worker",
)
MODULES = (
    "bot",
    "errors",
    "hubs",
    "logs",
    "metrics",
    "model",
    "models",
    "notices",
    "pipeline",
    "preview",
    "reader",
    "replaying",
    "upkeep",
    "watching",
)
LIBRARIES = {
    "telegram": {"platforms"},
    "slack_sdk": {"platforms"},
    "slack_bolt": {"platforms"},
    "sqlalchemy": {"storage"},
    "alembic": {"storage"},
    "feedparser": {"sources"},
    "fastfeedparser": {"sources"},
    "lxml": {"sources"},
    "trafilatura": {"sources"},
    "charset_normalizer": {"sources"},
    "selectolax": {"sources", "formatters"},
    "nh3": {"sources", "formatters"},
    "markdown_it": {"sources", "formatters"},
    "httpx": {"sources", "pipeline", "preview"},
    "aiohttp": {"platforms", "sources"},
    "starlette": {"web"},
    "jinja2": {"web"},
    "uvicorn": {"bot"},
    "apscheduler": {"bot"},
    "openai": {"model"},
    "httpx2": {"model"},
    "typer": {"bot"},
    "rich": {"bot", "preview"},
}


def allowed(table: str) -> dict[str, set[str]]:
    """The layer table of the architecture page: package -> what it may import of ours."""
    rows: dict[str, set[str]] = {}
    for left, right in re.findall(r"^\| ([a-z, ]+) \| ([^|]+) \|$", table, re.MULTILINE):
        if left == "package":
            continue
        for package in left.split(", "):
            rows[package] = set(re.findall(r"[a-z]+", right.split(";")[0])) if "nothing" not in right else set()
    return rows


def imports(source: str) -> Iterator[tuple[str, str]]:
    """(top-level package, what exactly) for every import statement, also inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split(".")[0], alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield node.module.split(".")[0], f"{node.module}.{alias.name}"


def violations(home: str, source: str, table: dict[str, set[str]]) -> list[str]:
    """What a module of `home` (a package or a top-level module) imports and may not."""
    found = []
    for package, exact in imports(source):
        ours = package in PACKAGES or package in MODULES
        if ours and package != home and not (home == "bot" or package in table[home] or _section(exact)):
            found.append(f"{home} imports {exact}")
        if package in LIBRARIES and home not in LIBRARIES[package]:
            found.append(f"{home} imports the library {package}")
    return found


def _section(exact: str) -> bool:
    """Everyone may import a frozen section type of the settings."""
    return exact.startswith("config.settings.") and exact != "config.settings.load"


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            yield package, file
    for module in MODULES:
        yield module, ROOT / f"{module}.py"
