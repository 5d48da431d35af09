"""The block between two `---` lines at the top of a post: YAML, and a line by line reading where YAML refuses it."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

OPENING = re.compile(r"\s*---[ \t]*\n")
CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*$\n?", re.MULTILINE)
KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*):(?:[ \t]+(.*))?$")
BLOCK_SCALAR = re.compile(r"[>|][+-]?[1-9]?[+-]?[ \t]*$")
LISTS = {"categories", "tags"}
QUOTES = "\"'"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Every plain scalar stays text: a title may be `2024` or `yes`, and `2024-02-31` raises nothing."""

    yaml_implicit_resolvers: Mapping[str, Any] = {}


def split(text: str) -> tuple[str, str]:
    """Front matter and body. A block that was never closed ends at the first line that cannot belong to it."""
    opening = OPENING.match(text)
    if opening is None:
        return "", text
    closing = CLOSING.search(text, opening.end())
    if closing is None:
        return _unclosed(text[opening.end() :])
    block = text[opening.end() : closing.start()]
    if block.strip() and not any(KEY.match(line) for line in block.split("\n")):
        return "", text
    return block, text[closing.end() :]


def _unclosed(text: str) -> tuple[str, str]:
    lines = text.split("\n")
    for index, line in enumerate(lines):
        following = lines[index + 1] if index + 1 < len(lines) else ""
        inside = line.startswith((" ", "\t", "- ", "#")) or KEY.match(line)
        if not inside and not (line == "" and following.startswith((" ", "\t"))):
            return "\n".join(lines[:index]), "\n".join(lines[index:])
    return text, ""


def read(block: str) -> Mapping[str, Any]:
    """The fields of a front matter block (or of a whole `_config.yml`). Takes any text and never raises."""
    loaded = _yaml(block)
    if not isinstance(loaded, dict):
        return _by_line(block)
    if not isinstance(loaded.get("title", ""), str):
        # `title: [속보]` is a list to YAML and a headline to its writer.
        return {**loaded, "title": _by_line(block).get("title", "")}
    return loaded


def _yaml(block: str) -> object:
    try:
        loader = _Loader(block)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except Exception:
        # Explicit tags (`!!int x`) raise whatever their constructor does; what is no YAML is read by line.
        return None


def _by_line(block: str) -> dict[str, Any]:
    """First values win; what follows a value on unindented lines is dropped with no harm to the next field."""
    values: dict[str, tuple[str, list[str]]] = {}
    rest: list[str] = []
    for line in block.split("\n"):
        if key := KEY.match(line):
            rest = []
            values.setdefault(key[1], ((key[2] or "").strip(), rest))
        else:
            rest.append(line)
    return {key: _value(key, first, lines) for key, (first, lines) in values.items()}


def _value(key: str, first: str, rest: list[str]) -> str | list[str]:
    if BLOCK_SCALAR.fullmatch(first):
        return "\n".join(line.strip() for line in rest).strip()
    if key in LISTS:
        inline = first.strip("[]").split(",") if first else []
        items = [line.strip()[1:] for line in rest if line.strip().startswith("-")]
        return [unquoted(item.strip()) for item in (*inline, *items) if item.strip()]
    return unquoted(first or next((line.strip() for line in rest if line.strip()), ""))


def unquoted(text: str) -> str:
    """Without its surrounding quotes, if they are a pair: `'a' and 'b'` keeps all of its own."""
    if len(text) < 2 or text[0] not in QUOTES or text[0] != text[-1]:
        return text
    depth = 0
    for index, character in enumerate(text):
        if character != text[0] or _is_apostrophe(text, index):
            continue
        depth += 1 if index == 0 or text[index - 1] in " ([" else -1
        if depth == 0 and index < len(text) - 1:
            return text
    return text[1:-1].strip()


def _is_apostrophe(text: str, index: int) -> bool:
    around = text[index - 1 : index] + text[index + 1 : index + 2]
    return text[index] == "'" and len(around) == 2 and around.isascii() and around.isalpha()
