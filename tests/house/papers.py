"""What the documentation must say, as checks of texts: each returns what is wrong with one, in words."""

import ast
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any, cast

import pytest
import typer
from babel import Locale
from prometheus_client import Counter, Gauge, Histogram
from pydantic import SecretStr
from typer.core import TyperGroup, TyperOption
from typer.exceptions import TyperException

from config.settings import Section, Settings, SourceTable, load
from errors import ConfigError
from tests.house.layers import ROOT

NEEDED = {"id": "a", "url": "https://example.org/feed.xml"}
FOREIGN = ("pypi", "pythonhosted", "docker.io", "ghcr.io", "quay.io", "npmjs", "jfrog")
MACHINE_PATH = re.compile(r"(?<![\w.~/-])/(?:work|tmp|root)(?=/)|(?<![\w.~/-])/(?:work|root)\b")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def files_of_git() -> list[Path]:
    """Every file that git holds or would take. Skips the test where there is no git checkout."""
    command = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def fenced(text: str, kind: str) -> list[str]:
    """The insides of all ```kind blocks, without their indentation."""
    blocks = re.findall(rf"^( *)```{kind}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, body in blocks]


def table_rows(text: str) -> Iterator[list[str]]:
    """The cells of every row of every table, headings left out."""
    for line in text.splitlines():
        if line.startswith("|") and not re.fullmatch(r"[|\s:-]+", line):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


# ------------------------------------------------------------------------------------------------------- settings


def sections() -> dict[str, type[Section]]:
    """Heading in docs/configuration.md -> the model whose keys stand below it."""
    found: dict[str, type[Section]] = {"At the top": Settings}
    for key, info in Settings.model_fields.items():
        if _is_table(info.annotation):
            found[f"[{key}]"] = cast(type[Section], info.annotation)
    return found | {"[[sources]]": SourceTable}


def keys_of(model: type[Section]) -> list[str]:
    """The keys that are values, not tables."""
    return [key for key, info in model.model_fields.items() if not _is_table(info.annotation) and key != "sources"]


def _is_table(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)


def wrong_settings(page: str) -> list[str]:
    """Every key stands in its section's table with its real default and what is accepted; and no other key does."""
    parts = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    wrong = []
    for heading, model in sections().items():
        rows = {row[0].strip("`"): row for row in table_rows(parts.get(heading, "")) if row[0] != "key"}
        for key in keys_of(model):
            wrong += [f"{heading} {key}: {what}" for what in _wrong_row(model, key, rows.get(key))]
        wrong += [f"{heading} {key}: not a key" for key in rows.keys() - set(keys_of(model))]
    return wrong


def _wrong_row(model: type[Section], key: str, row: list[str] | None) -> list[str]:
    if row is None or len(row) != 4:
        return ["no row"]
    info = model.model_fields[key]
    wrong = []
    if row[2].replace("\\|", "|") != info.description:
        wrong.append(f"accepted is {info.description}")
    if info.is_required() or info.default is None:
        wrong += [] if row[1] == ("required" if info.is_required() else "left out") else ["default is wrong"]
    elif not _is_default(model, key, row[1].strip("`")):
        wrong.append(f"default is {info.default!r}")
    if not row[3]:
        wrong.append("does not say what it does")
    return wrong


def _is_default(model: type[Section], key: str, cell: str) -> bool:
    needed = NEEDED if model is SourceTable else {}
    try:
        given = model.model_validate({**needed, **tomllib.loads(f"{key} = {cell}")})
    except ValueError:
        return False
    return bool(getattr(given, key) == getattr(model.model_validate(needed), key))


def wrong_examples(page: str, folder: Path) -> list[str]:
    """Every TOML block is a configuration that loads, and every key stands in one."""
    shown: set[tuple[str, str]] = set()
    wrong = []
    for number, block in enumerate(fenced(page, "toml"), 1):
        file = folder / f"example{number}.toml"
        file.write_text(block, encoding="utf-8")
        try:
            load(file, {})
        except ConfigError as error:
            wrong.append(str(error))
            continue
        shown |= _keys_in(tomllib.loads(block))
    wanted = {(heading, key) for heading, model in sections().items() for key in keys_of(model)}
    return wrong + [f"{heading} {key}: no example" for heading, key in sorted(wanted - shown)]


def _keys_in(tables: Mapping[str, Any]) -> set[tuple[str, str]]:
    found = set()
    for key, value in tables.items():
        if isinstance(value, dict):
            found |= {(f"[{key}]", inner) for inner in value}
        elif key == "sources":
            found |= {("[[sources]]", inner) for table in value for inner in table}
        else:
            found.add(("At the top", key))
    return found


def wrong_example_file(text: str, folder: Path) -> list[str]:
    """The shipped example lists every key, with its default; so does its commented table of a source."""
    uncommented = re.sub(r"^# (?=\[\[sources\]\]|\w+ = )", "", text, flags=re.MULTILINE)
    wrong = []
    for name, form in (("as it is", text), ("uncommented", uncommented)):
        file = folder / "sokbo.toml"
        file.write_text(form, encoding="utf-8")
        try:
            settings = load(file, {})
        except ConfigError as error:
            wrong.append(f"{name}: {error}")
            continue
        if settings.model_dump(exclude={"sources"}) != Settings().model_dump(exclude={"sources"}):
            wrong.append(f"{name}: not the defaults")
    tables = tomllib.loads(uncommented)
    wanted = {(heading, key) for heading, model in sections().items() for key in keys_of(model)}
    wrong += [f"{heading} {key}: missing" for heading, key in sorted(wanted - _keys_in(tables))]
    return wrong + _wrong_source_values(tables.get("sources", []))


def _wrong_source_values(tables: list[dict[str, Any]]) -> list[str]:
    """Keys that only show a form (a name, a language) may differ from the default; all others may not."""
    shown_only = {"id", "name", "url", "every", "language", "timezone", "full_text"}
    plain = SourceTable.model_validate(NEEDED).model_dump(mode="json")
    given = [SourceTable.model_validate(table).model_dump(mode="json") for table in tables]
    return [
        f"[[sources]] {key}: not the default"
        for table in given
        for key, value in table.items()
        if key not in shown_only and value != plain[key]
    ]


def unknown_variables(text: str, known: Iterable[str]) -> list[str]:
    """Names of environment variables that the program would refuse."""
    secrets = set()
    for heading, model in sections().items():
        for key, info in model.model_fields.items():
            if info.annotation is SecretStr and heading != "[[sources]]":
                secrets.add(f"SOKBO_{heading.strip('[]')}__{key}_FILE".upper())
    allowed = {*known, *secrets, "SOKBO_CONFIG", "SOKBO_LOG_LEVEL"}
    names = re.findall(r"SOKBO_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_<…])", text)
    return sorted(set(names) - allowed)


# ------------------------------------------------------------------------------------------- commands, metrics, links


def commands_in_tables(text: str) -> set[str]:
    """The chat commands that begin a row of a table."""
    return {found[1] for row in table_rows(text) if (found := re.match(r"`/([a-z]+)", row[0]))}


def verbs(group: TyperGroup, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every verb of the command line by its words, nested ones included."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from verbs(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def wrong_rights(page: str, rights: Mapping[str, str]) -> list[str]:
    """Chat commands whose row names others than those who may ask them."""
    rows: dict[str, str] = {}
    for row in table_rows(page):
        if found := re.match(r"`/([a-z]+)", row[0]):
            rows.setdefault(found[1], row[1])
    wrong = {name: who for name, who in rights.items() if rows.get(name) != who}
    return [f"{name}: for {who}, the page says {rows.get(name)}" for name, who in wrong.items()]


def command_lines(text: str) -> list[list[str]]:
    """What stands behind `python bot.py` in the console blocks, as words."""
    lines = "\n".join(fenced(text, "console")).replace("\\\n", " ").splitlines()
    found = [line.split("bot.py", 1)[1] for line in lines if re.match(r"\$ .*python bot\.py", line)]
    return [shlex.split(line.split("|")[0]) for line in found]


def missing_verbs(text: str, group: TyperGroup) -> list[str]:
    """Verbs without an example, and examples that the command line would not take."""
    lines = command_lines(text)
    shown = {name for name, _ in verbs(group) for line in lines if line[: len(name.split())] == name.split()}
    wrong = [f"{name}: no example" for name, _ in verbs(group) if name not in shown]
    for line in lines:
        try:
            _parse(group, line)
        except TyperException as error:
            wrong.append(f"{' '.join(line)}: {error}")
    return wrong


def _parse(group: TyperGroup, words: list[str]) -> None:
    """Parse without running anything."""
    name, command, rest = group.resolve_command(typer.Context(group), list(words))
    if isinstance(command, TyperGroup):
        _parse(command, rest)
    else:
        assert command is not None
        command.make_context(name, rest, parent=typer.Context(group))


def undocumented_options(text: str, group: TyperGroup) -> list[str]:
    return [
        f"{name} {option}"
        for name, command in verbs(group)
        for parameter in command.params
        if isinstance(parameter, TyperOption)
        for option in parameter.opts
        if option != "--help" and f"`{option}" not in text
    ]


def metrics_in(module: Any) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Every metric as Prometheus shows it: name -> (type, labels)."""
    found = {}
    for value in vars(module).values():
        if isinstance(value, Counter | Gauge | Histogram):
            suffix = "_total" if isinstance(value, Counter) else ""
            (family,) = value.describe()
            found[f"{family.name}{suffix}"] = (family.type, tuple(value._labelnames))
    return found


def wrong_metrics(page: str, known: Mapping[str, tuple[str, tuple[str, ...]]]) -> list[str]:
    """Every metric has a row with its type, exactly its labels and a meaning; and no row is of another metric."""
    rows = {row[0].strip("`"): row for row in table_rows(page) if row[0].startswith("`sokbo_")}
    wrong = [f"{name}: not a metric" for name in rows.keys() - known.keys()]
    for name, (kind, labels) in known.items():
        row = rows.get(name)
        if row is None or len(row) != 4 or not row[3]:
            wrong.append(f"{name}: no row")
        elif (row[1], tuple(re.findall(r"`(\w+)`", row[2]))) != (kind, labels):
            wrong.append(f"{name}: is a {kind} with labels {labels}")
    return wrong


def dead_links(text: str, folder: Path) -> list[str]:
    """Relative links that lead nowhere: no such file, or no such heading in it."""
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = folder / name if name else None
        there = file is None or file.exists()
        if not there or (anchor and anchor not in _anchors(file.read_text(encoding="utf-8") if file else text)):
            dead.append(target)
    return dead


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


# ------------------------------------------------------------------------------------------------------ other files


Texts = Mapping[str, Mapping[str, Any]]


def unlike_texts(one: Texts, other: Texts) -> list[str]:
    """Texts that only one language has, or whose {placeholders} differ; of those that count, in any plural form."""
    flat = [
        {f"{table}.{key}": text for table, texts in all_.items() for key, text in texts.items()}
        for all_ in (one, other)
    ]
    wrong = [f"{key}: only in one" for key in sorted(flat[0].keys() ^ flat[1].keys())]
    for key in sorted(flat[0].keys() & flat[1].keys()):
        forms = [*_forms(flat[0][key]), *_forms(flat[1][key])]
        if isinstance(flat[0][key], str) is not isinstance(flat[1][key], str):
            wrong.append(f"{key}: counts in one only")
        elif any(_places(form) != _places(forms[0]) for form in forms):
            wrong.append(f"{key}: other placeholders")
    return wrong


def _forms(text: Any) -> list[str]:
    return [text] if isinstance(text, str) else [*text.values()]


def wrong_plurals(language: str, texts: Texts) -> list[str]:
    """Texts that count whose forms are not those of the language (https://cldr.unicode.org, plural rules)."""
    wanted = {*Locale.parse(language).plural_form.tags, "other"}
    return [
        f"{table}.{key}: {', '.join(sorted(text))}"
        for table, all_ in texts.items()
        for key, text in all_.items()
        if not isinstance(text, str) and text.keys() != wanted
    ]


SENTENCE = re.compile(r"[A-Za-z']{2,}[,:;]? [A-Za-z']+[,:;]? [A-Za-z']{2,}|[가-힣]{2,}[,.:]? [가-힣]+")


OUTCOMES = frozenset({"TryLater", "ChatGone", "Refused", "Unknown", "frozenset"})
"""What is said in these is for operators, beside a delivery, or a set of what platforms say."""


def sentences(source: str) -> list[str]:
    """Words for people in a module: what is no docstring, goes to no log, no exception and no SQL."""
    tree = ast.parse(source)
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OUTCOMES:
            skipped |= {id(one) for one in ast.walk(node)}
        if isinstance(node, ast.Expr | ast.Raise | ast.Assert) and not isinstance(getattr(node, "value", 0), ast.Await):
            if isinstance(node, ast.Expr) and not _is_quiet(node.value):
                continue
            skipped |= {id(one) for one in ast.walk(node)}
    found = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in skipped]
    return [text for text in found if isinstance(text, str) and SENTENCE.search(text)]


def sentences_of_a_page(source: str) -> list[str]:
    """Words for people in a script or a template of the page: in quotes, or between tags."""
    code = re.sub(r"(?<!:)//[^\n]*|/\*.*?\*/|{#.*?#}|{[{%].*?[%}]}", "", source, flags=re.DOTALL)
    found = re.findall(r'"([^"\n]*)"|\'([^\'\n]*)\'|`([^`\n]*)`|>([^<>{}]+)<', code)
    return [text for texts in found for text in texts if SENTENCE.search(text)]


def _is_quiet(value: ast.expr) -> bool:
    """A docstring, or a line of the log."""
    if isinstance(value, ast.Constant):
        return True
    called = value.func if isinstance(value, ast.Call) else None
    return isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "log"


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


SCOPES = (
    *("app_mentions:read", "channels:history", "channels:read", "chat:write", "commands"),
    *("groups:history", "groups:read", "im:history", "users:read"),
)


def wrong_manifest(manifest: Mapping[str, Any]) -> list[str]:
    """Slack would refuse /search in some workspaces and with it the whole manifest; the rest is what the code calls."""
    wrong = []
    declared = [one["command"] for one in manifest["features"]["slash_commands"]]
    if sorted(declared) != ["/latest", "/sokbo"]:
        wrong.append(f"commands {declared}")
    scopes = manifest["oauth_config"]["scopes"]["bot"]
    if sorted(scopes) != sorted(SCOPES):
        wrong.append(f"scopes {sorted(set(scopes) ^ set(SCOPES))}")
    if manifest["settings"]["socket_mode_enabled"] is not True:
        wrong.append("socket mode is off")
    return wrong


def wrong_lock(text: str) -> list[str]:
    """Packages without a hash, and download addresses."""
    packages = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    wrong = [one.split()[0] for one in packages if re.match(r"[A-Za-z0-9]", one) and "--hash=sha256:" not in one]
    return wrong + re.findall(r"https?://\S+", text)


def strangers(text: str, *, own_tmp: bool) -> list[str]:
    """Hosts of package registries and paths of one machine. `own_tmp`: a test that makes its own temporary folder."""
    found = [host for host in FOREIGN if re.search(rf"\b{re.escape(host)}", text, re.IGNORECASE)]
    paths = [match[0] for match in MACHINE_PATH.finditer(text)]
    return found + [path for path in paths if not (own_tmp and path.endswith("tmp"))]


def not_in_the_image(dockerfile: str, ignore: str, wanted: Iterable[str]) -> list[str]:
    """What the program needs and the image lacks: not copied, or kept out by .dockerignore."""
    copied: set[str] = set()
    for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE):
        copied.update(word.rstrip("/") for word in line.split()[:-1])
    rules = [line.rstrip("/") for line in ignore.splitlines() if line and not line.startswith("#")]
    let_through = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    wrong = [f"{name}: not copied" for name in wanted if name not in copied]
    if "*" in rules:
        wrong += [f"{name}: kept out" for name in sorted(copied) if name not in let_through]
    return wrong + [f"{name}: kept out" for name in sorted(copied) if name in rules or not (ROOT / name).exists()]
