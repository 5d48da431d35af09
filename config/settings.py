"""File and environment in, frozen `Settings` out, once. Every problem is found before any is shown.

Each key's `description` says what is accepted; the error messages and `docs/configuration.md` both use it.
"""

import copy
import difflib
import json
import re
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from errors import ConfigError
from models import REPOSITORY, Kind, Source, is_elsewhere

ALLOWED_BESIDE_KEYS = re.compile(r"SOKBO_(CONFIG|LOG_LEVEL|TEST_.*)$")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(value: object) -> object:
    """Read "90s", "5m", "1h", "250ms" or a plain number of seconds; raises ValueError for anything else."""
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*", value)
        if not match:
            raise ValueError("not a duration")
        return float(match[1]) * UNITS[match[2] or "s"]
    return value


def _time_zone(value: str) -> str:
    try:
        if value:
            ZoneInfo(value)
        return value
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("not a time zone") from error


def _network(value: str) -> str:
    ip_network(value)
    return value


Duration = Annotated[float, BeforeValidator(seconds), Field(gt=0, allow_inf_nan=False)]
TimeZone = Annotated[str, BeforeValidator(_time_zone)]
NetworkText = Annotated[str, AfterValidator(_network)]
Addressee = Annotated[str, Field(pattern=r"^(telegram:-?\d+(/\d+)?|slack:([TE]\w+/)?[A-Z]\w+)$")]
SourceId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]


class Section(BaseModel):
    """A table of the file: frozen, and no key that is not declared."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True)


class Telegram(Section):
    token: SecretStr = Field(SecretStr(""), description="the bot's token from @BotFather; empty: Telegram is off")
    api_base: str = Field("https://api.telegram.org", pattern=r"^https?://", description="an http or https address")
    mode: Literal["polling", "webhook"] = Field("polling", description='"polling" or "webhook"')
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="1 to 256 of A-Z, a-z, 0-9, _ and -; used by webhook mode only"
    )
    messages_per_second: float = Field(30, gt=0, le=1000, description="a number from 1 to 1000")
    chat_per_second: float = Field(1, gt=0, le=1000, description="a number above 0, 1000 at most")
    group_per_minute: int = Field(20, ge=1, description="a number, 1 or more")
    paid_broadcast: bool = Field(False, description="true or false")
    admins: tuple[int, ...] = Field((), description="a list of numeric user ids, such as [12345678]")
    open: bool = Field(False, description="true (anyone may subscribe) or false")


class Slack(Section):
    bot_token: SecretStr = Field(SecretStr(""), description="the bot token, xoxb-…; empty: Slack is off")
    app_token: SecretStr = Field(SecretStr(""), description="an app-level token with connections:write, xapp-…")
    signing_secret: SecretStr = Field(SecretStr(""), description="the app's signing secret; used by http mode only")
    client_id: str = Field("", description="text; used when many workspaces install the app")
    client_secret: SecretStr = Field(SecretStr(""), description="text; used when many workspaces install the app")
    api_base: str = Field("https://slack.com/api/", pattern=r"^https?://", description="an http or https address")
    mode: Literal["socket", "http"] = Field("socket", description='"socket" or "http"')
    admins: tuple[str, ...] = Field((), description='a list of user ids, such as ["U0123456789"]')
    open: bool = Field(False, description="true (anyone in the workspace may subscribe) or false")
    messages_per_minute: float = Field(300, gt=0, description="a number above 0")
    channel_per_second: float = Field(1, gt=0, le=1000, description="a number above 0, 1000 at most")
    edits_per_minute: float = Field(50, gt=0, description="a number above 0")
    look_ups_per_minute: int = Field(45, ge=1, le=1000, description="a number from 1 to 1000")


class Web(Section):
    host: str = Field("127.0.0.1", min_length=1, description="an address of this machine")
    port: int = Field(8080, ge=0, le=65535, description="0 to 65535 (0: any free port)")
    public_url: str = Field("", pattern=r"^(https?://.+)?$", description="an http or https address, or empty")
    admin_token: SecretStr = Field(SecretStr(""), description="16 characters or more, or empty")


class Fetch(Section):
    timeout: Duration = Field(10, description='a duration such as "10s"')
    max_bytes: int = Field(5_000_000, ge=1000, description="a number of bytes, 1000 or more")
    min_every: Duration = Field(60, description='a duration such as "60s"')
    max_every: Duration = Field(3600, description='a duration such as "1h"')
    per_host: int = Field(1, ge=1, le=100, description="a number, 1 to 100")
    allow_networks: tuple[NetworkText, ...] = Field((), description='a list of networks such as ["127.0.0.0/8"]')
    keep_raw: int = Field(0, ge=0, le=10_000, description="a number of answers, 10000 at most; 0: none")
    keep_raw_bytes: int = Field(50_000_000, ge=1_000_000, description="a number of bytes, 1000000 or more")


class Condense(Section):
    bullets: int = Field(4, ge=3, le=5, description="3, 4 or 5")
    bullet_chars: int = Field(90, ge=40, le=300, description="40 to 300 characters of Korean; alphabets get 16/9 of it")
    model_url: str = Field("", pattern=r"^(https?://[^/\s].*)?$", description="an http or https address; empty: off")
    model: str = Field("", description="the model's name, as the endpoint knows it")
    api_key: SecretStr = Field(SecretStr(""), description="the endpoint's key, or empty")
    model_timeout: Duration = Field(5, le=60, description='a duration such as "5s", 60 seconds at most')
    model_calls_per_hour: int = Field(600, ge=1, description="a number, 1 or more")


class Delivery(Section):
    roundup_after: int = Field(5, ge=1, description="a number, 1 or more")
    on_unknown: Literal["resend", "skip"] = Field("resend", description='"resend" or "skip"')
    duplicates: Literal["edit", "reply", "silent"] = Field("edit", description='"edit", "reply" or "silent"')
    expire_after: Duration = Field(86400, description='a duration such as "24h"')
    keep: Duration = Field(90 * 86400, ge=86400, description='a duration such as "90d", one day or more')


class Desk(Section):
    chats: tuple[Addressee, ...] = Field((), description='a list such as ["telegram:-100123", "slack:T0/C0"]')


class SourceTable(Section):
    id: SourceId = Field(description="1 to 32 of a-z, 0-9 and -")
    name: str = Field("", description="text; empty: the id")
    kind: Kind = Field(Kind.FEED, description="feed, jekyll, wordpress or sitemap")
    url: str = Field(
        min_length=1,
        description="an http or https address; jekyll: the folder that holds _posts, or https and a git repository",
    )
    every: Duration | None = Field(None, description='a duration such as "60s"; left out: adaptive')
    language: str = Field("", pattern=r"^([a-z]{2,3})?$", description='a language code such as "ko"; empty: detected')
    topics: tuple[str, ...] = Field((), description='a list of words such as ["외교"]')
    first_read: int = Field(0, ge=0, description="how many of the newest posts the first read sends; 0: none")
    site_url: str = Field("", pattern=r"^(https?://.+)?$", description="an http or https address (jekyll), or empty")
    weight: int = Field(1, ge=0, le=10, description="0 to 10")
    timezone: TimeZone = Field("", description='a time zone such as "Asia/Seoul"; empty: the one at the top')
    boilerplate: tuple[str, ...] = Field(
        (), description='a list of regular expressions such as ["^오늘의 운세"]; none that repeat a repetition'
    )
    encoding: str = Field("", description='a character encoding such as "cp949"; empty: found out')
    full_text: bool | None = Field(None, description="true or false; left out: true for sitemaps, else false")
    on_delete: Literal["keep", "retract"] = Field("keep", description='"keep" or "retract"')
    hook_secret: SecretStr = Field(SecretStr(""), description="text, or empty (no hook)")


class Settings(Section):
    """Everything the desk is told from outside."""

    database_url: str = Field(
        "sqlite:///data/sokbo.db",
        pattern=r"^sqlite:///.+",
        description="sqlite:///PATH (sqlite:////PATH from the root)",
    )
    language: Literal["ko", "en"] = Field("ko", description='"ko" or "en"')
    timezone: TimeZone = Field("Asia/Seoul", description='a time zone such as "Asia/Seoul"')
    telegram: Telegram = Telegram()
    slack: Slack = Slack()
    web: Web = Web()
    fetch: Fetch = Fetch()
    condense: Condense = Condense()
    delivery: Delivery = Delivery()
    desk: Desk = Desk()
    sources: tuple[SourceTable, ...] = ()

    @property
    def database_path(self) -> Path:
        return Path(self.database_url.removeprefix("sqlite:///"))

    @property
    def clones(self) -> Path:
        """Where copies of git repositories are kept: beside the database."""
        return self.database_path.parent / "repositories"

    def watched(self) -> tuple[Source, ...]:
        """The sources of the file as the values that travel; a missing name, language zone is filled in here."""
        return tuple(self._source(table) for table in self.sources)

    def _source(self, table: SourceTable) -> Source:
        return Source(
            id=table.id,
            name=table.name or table.id,
            kind=table.kind,
            url=table.url,
            site_url=table.site_url,
            every=table.every,
            language=table.language,
            timezone=table.timezone or self.timezone,
            encoding=table.encoding,
            weight=table.weight,
            topics=table.topics,
            first_read=table.first_read,
            boilerplate=table.boilerplate,
            full_text=table.kind is Kind.SITEMAP if table.full_text is None else table.full_text,
        )

    def secrets(self) -> tuple[str, ...]:
        """Every secret value that is set, for the log formatter to strike out."""
        found = [*_secrets_in(self)]
        return tuple(secret for secret in found if secret)

    def without_effect(self) -> tuple[str, ...]:
        """Keys that were set and that this version reads but does not act on yet; the start says so."""
        return tuple(
            f"[{section}] {key}"
            for section, key in LATER
            if _part(self, section) is not None and key in getattr(self, section).model_fields_set
        ) + tuple(
            f"[[sources]] {table.id} {key}"
            for table in self.sources
            for key in ("weight", "on_delete")
            if key in table.model_fields_set
        )


LATER = (
    ("slack", "client_id"),
    ("slack", "client_secret"),
)


def _part(settings: Settings, section: str) -> Section | None:
    part = getattr(settings, section)
    return part if isinstance(part, Section) and part.model_fields_set else None


def _secrets_in(section: Section) -> list[str]:
    found: list[str] = []
    for key in type(section).model_fields:
        value = getattr(section, key)
        if isinstance(value, SecretStr):
            found.append(value.get_secret_value())
        elif isinstance(value, Section):
            found.extend(_secrets_in(value))
        elif key == "sources":
            for table in value:
                found.extend(_secrets_in(table))
    return found


def load(file: Path | None, environment: Mapping[str, str]) -> Settings:
    """Read the settings. `file` None: the defaults. Raises ConfigError with every problem found."""
    name = file.name if file else "environment"
    tables = _read_file(file) if file else {}
    problems: list[tuple[str, str]] = []
    _apply_environment(tables, environment, problems)
    settings = _validate(tables, problems)
    if problems or settings is None:
        raise ConfigError(name, problems)
    return settings


def _read_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(file), [("syntax", f"not valid TOML: {error}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(file), [("encoding", "not UTF-8: save the file as UTF-8")]) from error
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise ConfigError(str(file), [("file", f"{reason}: name an existing file with --config")]) from error


def keys() -> dict[str, tuple[str, str]]:
    """Environment name -> (section or "", key), for every key the environment may set."""
    names: dict[str, tuple[str, str]] = {}
    for key, info in Settings.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            for inner in kind.model_fields:
                names[f"SOKBO_{key}__{inner}".upper()] = (key, inner)
        elif key != "sources":
            names[f"SOKBO_{key}".upper()] = ("", key)
    return names


def _apply_environment(tables: dict[str, Any], environment: Mapping[str, str], problems: list[tuple[str, str]]) -> None:
    known = keys()
    for name in sorted(environment):
        if not name.startswith("SOKBO_") or ALLOWED_BESIDE_KEYS.match(name):
            continue
        value: Any = environment[name]
        plain = name
        if name not in known and name.endswith("_FILE") and _is_secret(known.get(name.removesuffix("_FILE"))):
            plain = name.removesuffix("_FILE")
            try:
                value = Path(value).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                problems.append((name, f"cannot be read ({error.__class__.__name__}): name a readable file"))
                continue
        if plain not in known:
            problems.append((name, f"not a known key{_near(name, known)}"))
            continue
        section, key = known[plain]
        target = tables.setdefault(section, {}) if section else tables
        if isinstance(target, dict):
            target[key] = _from_text(_field(section, key), value)


def _field(section: str, key: str) -> Any:
    model = Settings.model_fields[section].annotation if section else Settings
    assert isinstance(model, type) and issubclass(model, Section)
    return model.model_fields[key].annotation


def _is_secret(place: tuple[str, str] | None) -> bool:
    return place is not None and _field(*place) is SecretStr


def _from_text(annotation: Any, text: str) -> Any:
    if getattr(annotation, "__origin__", None) is not tuple:
        return text
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    return [part.strip() for part in text.split(",") if part.strip()]


def _validate(tables: dict[str, Any], problems: list[tuple[str, str]]) -> Settings | None:
    try:
        settings = Settings.model_validate(tables)
    except ValidationError as error:
        for detail in error.errors():
            problems.append(_explain(detail, tables))
        problems.extend(_cross_checks_of_the_rest(tables, error))
        return None
    problems.extend(_cross_checks(settings))
    return settings


def _cross_checks_of_the_rest(tables: dict[str, Any], error: ValidationError) -> list[tuple[str, str]]:
    """Leave out what is wrong by itself, so that what is wrong between keys is told in the same breath."""
    rest = copy.deepcopy(tables)
    broken_sources: set[int] = set()
    for detail in error.errors():
        path = [part for part in detail["loc"] if part not in ("float", "nullable")]
        if path[0] == "sources" and len(path) > 1:
            broken_sources.add(int(path[1]))
        elif len(path) > 1 and isinstance(rest.get(str(path[0])), dict):
            rest[str(path[0])].pop(path[1], None)
        else:
            rest.pop(str(path[0]), None)
    if isinstance(rest.get("sources"), list):
        rest["sources"] = [table for number, table in enumerate(rest["sources"]) if number not in broken_sources]
    try:
        return _cross_checks(Settings.model_validate(rest))
    except ValidationError:
        return []


def _explain(detail: Any, tables: dict[str, Any]) -> tuple[str, str]:
    path = [part for part in detail["loc"] if part not in ("float", "nullable")]
    model: type[Section] = Settings
    where, place = "", ""
    for position, part in enumerate(path):
        info = model.model_fields.get(str(part)) if isinstance(part, str) else None
        if info is None:
            break
        if isinstance(info.annotation, type) and issubclass(info.annotation, Section):
            model, place = info.annotation, f"[{part}] "
        elif part == "sources" and len(path) > position + 1:
            model, place = SourceTable, f"[[sources]] #{path[position + 1] + 1} "
            path = [*path[: position + 1], *path[position + 2 :]]
    rest = [part for part in path if isinstance(part, str) and f"[{part}] " != place and part != "sources"]
    key = rest[0] if rest else (str(path[-1]) if path else "file")
    where = f"{place}{key}" if rest or not place else place.strip()
    return where, _what(detail, model, key, tables)


def _what(detail: Any, model: type[Section], key: str, tables: dict[str, Any]) -> str:
    info = model.model_fields.get(key)
    if detail["type"] == "extra_forbidden":
        return f"not a known key{_near(key, model.model_fields)}"
    accepted = info.description if info and info.description else "see docs/configuration.md"
    if detail["type"] == "missing":
        return f"missing: {accepted}"
    if info is not None and info.annotation is SecretStr:
        return f"not accepted: {accepted}"
    given = _given(detail["loc"], tables)
    if key == "database_url" and str(given).startswith("postgres"):
        return f"PostgreSQL comes with a later version; accepted now: {accepted}"
    return f"{json.dumps(given, ensure_ascii=False, default=str)} is not accepted: {accepted}"


def _given(path: tuple[Any, ...], tables: Any) -> Any:
    value = tables
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            break
    return value


def _near(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(sorted(known)[:12])}"


def _cross_checks(settings: Settings) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if settings.slack.bot_token.get_secret_value():
        found += _slack_problems(settings.slack)
    found += _webhook_problems(settings)
    if 0 < len(settings.web.admin_token.get_secret_value()) < 16:
        found.append(("[web] admin_token", "too short: 16 characters or more"))
    if settings.fetch.min_every > settings.fetch.max_every:
        found.append(("[fetch] min_every", "longer than max_every: make it the shorter of the two"))
    if settings.condense.model_url and not settings.condense.model:
        found.append(("[condense] model", "missing, and model_url is set: give the model's name, or empty model_url"))
    seen: set[str] = set()
    for number, table in enumerate(settings.sources, 1):
        where = f"[[sources]] #{number}"
        if table.id in seen:
            found.append((f"{where} id", f'"{table.id}" is used twice: every source needs an id of its own'))
        seen.add(table.id)
        if table.kind is not Kind.JEKYLL and not re.match(r"https?://[^/]", table.url):
            found.append((f"{where} url", f'"{table.url}" is not accepted: an http or https address'))
        if table.kind is Kind.JEKYLL and is_elsewhere(table.url) and not REPOSITORY.fullmatch(table.url):
            # Not shown: such addresses often hold a password.
            accepted = "a folder, or a git repository as https://host/path without name, password and query"
            found.append((f"{where} url", f"not accepted: {accepted}"))
        found += [(f"{where} boilerplate", problem) for problem in map(_pattern_problem, table.boilerplate) if problem]
        if table.encoding and not _is_encoding(table.encoding):
            found.append((f"{where} encoding", f'"{table.encoding}" is not known: a name such as "cp949" or "utf-8"'))
    return found


def _slack_problems(slack: Slack) -> list[tuple[str, str]]:
    """Each way of receiving needs a secret of its own."""
    if slack.mode == "socket" and not slack.app_token.get_secret_value():
        return [("[slack] app_token", 'missing, and mode is "socket": create an app-level token (connections:write)')]
    if slack.mode == "http" and not slack.signing_secret.get_secret_value():
        return [("[slack] signing_secret", 'missing, and mode is "http": copy it from Basic Information of the app')]
    return []


def _webhook_problems(settings: Settings) -> list[tuple[str, str]]:
    """What Telegram needs to call us (https://core.telegram.org/bots/api#setwebhook)."""
    if settings.telegram.mode != "webhook":
        return []
    found = []
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", settings.telegram.webhook_secret.get_secret_value()):
        found.append(("[telegram] webhook_secret", 'mode is "webhook": give 1 to 256 of A-Z, a-z, 0-9, _ and -'))
    if not settings.web.public_url.startswith("https://"):
        found.append(("[web] public_url", '[telegram] mode is "webhook": the https address where Telegram can call'))
    return found


def _pattern_problem(pattern: str) -> str:
    """What is wrong with a regular expression; "" when it can be used on any text in bounded time."""
    try:
        re.compile(pattern)
    except re.error as error:
        return f'"{pattern}" is no regular expression: {error}'
    # "(a+)+" takes time that grows exponentially with the text.
    nested = re.search(r"[*+}][^()]*\)[*+{]", pattern)
    return f'"{pattern}" repeats a repetition, which can take for ever: write it without' if nested else ""


def _is_encoding(name: str) -> bool:
    try:
        "".encode(name)
    except LookupError:
        return False
    return True
