"""Sokbo's command line and life cycle: build, run, stop in reverse order. No decisions.

python bot.py [run] [--config FILE]      everything
python bot.py check | poll | condense | latest | search | sources … | deliveries …

Verbs import what they need when they run: `condense` loads no chat library and no database.
"""

import asyncio
import gc
import io
import json
import os
import signal
import socket
import sys
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from config.settings import Settings, load
from errors import ConfigError, SokboError, SourceError, StartError, UsageError

if TYPE_CHECKING:
    from delivery import Reach
    from model import Model
    from models import Alert, Command, Condensed, Post, Reply, Source
    from pipeline import Desk
    from platforms.console import Console
    from platforms.slack import Slack
    from platforms.telegram import Telegram
    from replaying import Entry, Replayed

    Platform = Telegram | Slack
    Improving = Callable[[Post, Condensed], Condensed]

VERSION = "0.1.0"
HERE = Path(__file__).parent
FOUND = {
    "itself": "the address itself",
    "link": "named by the page",
    "place": "at a usual place",
    "wordpress": "the site's WordPress",
}
"""How a source was found from an address, in words."""
SAMPLE_AFTER = (10, 25)
"""Seconds after the start at which the sample site's two scheduled posts appear."""
PATIENCE = {signal.SIGINT: 3.0, signal.SIGTERM: 8.0}
"""Seconds that calls to platforms have to end in. Who presses Ctrl-C waits; a service manager gives 10 in all."""
RESTART_AFTER = 5.0

cli = typer.Typer(add_completion=False, no_args_is_help=False, rich_markup_mode=None, pretty_exceptions_enable=False)
sources_cli = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What is watched.")
cli.add_typer(sources_cli, name="sources")
opml_cli = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Lists of feeds for and from other readers.")
cli.add_typer(opml_cli, name="opml")

ConfigOption = Annotated[Path | None, typer.Option("--config", help="The configuration file.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


# ------------------------------------------------------------------------------------------------------- the verbs


@cli.callback(invoke_without_command=True)
def start(context: typer.Context, config: ConfigOption = None) -> None:
    """A breaking-news desk: watches sources, condenses posts, alerts Telegram and Slack."""
    context.obj = config
    if context.invoked_subcommand is None:
        run(context, None)


@cli.command()
def run(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Run everything; with no token configured the page is the chat."""
    settings = _settings(context, config)
    _finish(_run(settings, as_json=as_json))


@cli.command()
def check(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Read the configuration, reach database, platforms, model and sources; exit 1 if anything would not work."""
    settings = _settings(context, config)
    _finish(_check(settings, as_json=as_json))


@cli.command()
def poll(
    context: typer.Context,
    every_one: Annotated[bool, typer.Option("--all", help="Every source, not only those that are due.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """One pass over the sources; plans alerts, sends nothing."""
    settings = _settings(context, config)
    _finish(_poll(settings, every_one=every_one, as_json=as_json))


@cli.command()
def condense(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = True) -> None:
    """JSON lines {"id","title","html","url","lang"} on stdin, {"id","headline","bullets","link"} on stdout."""
    settings = _settings(context, config)
    with _improving(settings) as improve, _progress() as advance:
        for line in sys.stdin.buffer:
            if line.strip():
                answer = json.dumps(_condense_line(line, settings, improve), ensure_ascii=False)
                sys.stdout.buffer.write(answer.encode("utf-8", "replace") + b"\n")
                sys.stdout.buffer.flush()
                advance()


@cli.command()
def preview(  # noqa: PLR0917, one for each option
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="FILE|URL")],
    number: Annotated[int, typer.Option("--n", min=1, help="Which entry, 1 being the newest.")] = 1,
    language: Annotated[str, typer.Option("--language", help="Of the chat that reads it: ko or en.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """The alert that a post would make, as each platform shows it; nothing is kept or sent."""
    _finish(_preview(_settings(context, config), target, number, language, as_json=as_json))


@cli.command()
def latest(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="[N] [TOPIC OR SOURCE]")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """The newest news."""
    _finish(_ask(_settings(context, config), "latest", " ".join(words or []), as_json=as_json))


@cli.command(context_settings={"ignore_unknown_options": True})
def search(  # noqa: PLR0917, one for each option
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="WORDS")],
    newest: Annotated[bool, typer.Option("--newest", help="Newest first, not the best matches first.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 5,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Earlier news that holds every word: source:ID topic:T since:7d "phrase" -word."""
    _finish(_search(_settings(context, config), " ".join(words), limit, newest=newest, as_json=as_json))


@sources_cli.command("list")
def sources_list(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """What is watched, and how that goes."""
    _finish(_sources_list(_settings(context, config), as_json=as_json))


@sources_cli.command("add")
def sources_add(
    context: typer.Context,
    url: str,
    source_id: Annotated[str, typer.Option("--id", help="Its id; made from the address if left out.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Watch a feed; a running bot begins within a second."""
    _finish(_sources_add(_settings(context, config), url, source_id, as_json=as_json))


@sources_cli.command("remove")
def sources_remove(
    context: typer.Context, source_id: str, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Stop watching a source that was added; its memory stays."""
    _finish(_sources_change(_settings(context, config), source_id, "remove", as_json=as_json))


@sources_cli.command("pause")
def sources_pause(
    context: typer.Context, source_id: str, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Stop reading a source for now."""
    _finish(_sources_change(_settings(context, config), source_id, "pause", as_json=as_json))


@sources_cli.command("resume")
def sources_resume(
    context: typer.Context, source_id: str, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Read a paused source again."""
    _finish(_sources_change(_settings(context, config), source_id, "resume", as_json=as_json))


@sources_cli.command("held")
def sources_held(
    context: typer.Context,
    decision: Annotated[list[str] | None, typer.Argument(metavar="[send|seen ID]", show_default=False)] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Posts that look like old ones under new names; `send` or `seen` decides about them."""
    _finish(_sources_held(_settings(context, config), decision or [], as_json=as_json))


@sources_cli.command("test")
def sources_test(context: typer.Context, url: str, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Read a feed once and show what would be alerted; nothing is kept."""
    _finish(_sources_test(_settings(context, config), url, as_json=as_json))


@sources_cli.command("replay")
def sources_replay(
    context: typer.Context,
    source_id: str,
    since: Annotated[str, typer.Option(help="Only what came since then: 12h, 7d or 2026-11-01.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """What the kept answers of a source would bring under the rules of today; nothing is sent or changed."""
    _finish(_sources_replay(_settings(context, config), source_id, since, as_json=as_json))


@opml_cli.command("import")
def opml_import(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="OPML; - is the standard input.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Watch the feeds of another reader's list; folders become topics."""
    _finish(_opml_import(_settings(context, config), file, as_json=as_json))


@opml_cli.command("export")
def opml_export(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """The feeds that are watched, as a list for other readers."""
    _finish(_opml_export(_settings(context, config), as_json=as_json))


@cli.command()
def deliveries(
    context: typer.Context,
    retry: Annotated[list[str] | None, typer.Argument(metavar="[retry ID...]", show_default=False)] = None,
    *,
    status: Annotated[str, typer.Option("--status", help="Only those in this state, or all.")] = "",
    chat: Annotated[str, typer.Option("--chat", help="Only this chat's: 42, or telegram:42.")] = "",
    every_one: Annotated[bool, typer.Option("--all", help="With retry: all that were given up.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is owed to which chat and how far that got; `retry` owes again what was given up."""
    settings = _settings(context, config)
    if retry:
        _finish(_deliveries_retry(settings, retry, every_one=every_one, as_json=as_json))
    _finish(_deliveries(settings, status, chat, as_json=as_json))


def _settings(context: typer.Context, config: Path | None) -> Settings:
    """The settings of --config (before or after the verb), else of SOKBO_CONFIG, else of ./sokbo.toml if there."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")  # headlines are Korean, whatever the locale
    parent = context.find_root().obj
    named = config or (parent if isinstance(parent, Path) else None) or os.environ.get("SOKBO_CONFIG")
    file = Path(named) if named else (Path("sokbo.toml") if Path("sokbo.toml").is_file() else None)
    try:
        settings = load(file, os.environ)
    except ConfigError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    level = os.environ.get("SOKBO_LOG_LEVEL", "WARNING").upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        print(f"SOKBO_LOG_LEVEL   {level} is not accepted: DEBUG, INFO, WARNING or ERROR", file=sys.stderr)
        raise typer.Exit(2)
    import logs

    logs.configure(level, settings.secrets())
    return settings


def _finish(verb: Awaitable[int]) -> None:
    """Run a verb to its end and exit with its status; what Sokbo raises on purpose is one line, not a traceback."""

    async def main() -> int:
        return await verb

    try:
        status = asyncio.run(main())
    except UsageError as error:
        print(error, file=sys.stderr)
        status = 2
    except SokboError as error:
        print(error, file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        status = 130
    raise typer.Exit(status)


def _show(rows: Iterable[dict[str, Any]], *, as_json: bool, columns: tuple[str, ...]) -> None:
    """Rows as JSON lines or as a table."""
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False, default=str))
        return
    from rich.console import Console as Terminal
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(row.get(column, "") or "")) for column in columns))
    Terminal(soft_wrap=not sys.stdout.isatty()).print(table)


# ---------------------------------------------------------------------------------------------------------- condense


@contextmanager
def _improving(settings: Settings) -> Iterator["Improving"]:
    """What the configured model makes of one post after the other; without one everything stays as it is."""
    if not settings.condense.model_url:
        yield lambda post, made: made
        return
    from model import Model

    with asyncio.Runner() as runner:
        model = Model(settings.condense, _now)
        try:
            yield lambda post, made: runner.run(model.improve([(post, made)]))[0]
        finally:
            runner.run(model.close())


@contextmanager
def _progress() -> Iterator[Callable[[], None]]:
    """How many and how fast, on stderr, for whoever sits there while a file is read and the answers go elsewhere."""
    if sys.stdin.isatty() or sys.stdout.isatty() or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console as Terminal
    from rich.progress import Progress, ProgressColumn, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Any) -> Text:
            return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s")

    columns = (TextColumn("{task.completed:,} posts"), Rate(), TimeElapsedColumn())
    with Progress(*columns, console=Terminal(stderr=True), redirect_stdout=False) as progress:
        task = progress.add_task("condense", total=None)
        yield lambda: progress.advance(task)


def _condense_line(line: bytes, settings: Settings, improve: "Improving") -> dict[str, Any]:
    """The answer to one line, `{"id", "error"}` where it holds no post."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"id": None, "error": f"not a JSON object: {error}"}
    if not isinstance(record, dict):
        return {"id": None, "error": "not a JSON object"}
    known = record.get("id")
    texts = {key: record.get(key) or "" for key in ("title", "html", "url", "lang")}
    if not all(isinstance(text, str) for text in texts.values()):
        return {"id": known, "error": "title, html, url and lang must be texts"}
    try:
        # half a surrogate pair is JSON, and no text: it becomes a question mark
        return {"id": known} | _condensed(
            {key: text.encode("utf-8", "replace").decode() for key, text in texts.items()}, settings, improve
        )
    except Exception as error:
        return {"id": known, "error": f"{type(error).__name__}: {error}"}


def _condensed(texts: dict[str, str], settings: Settings, improve: "Improving") -> dict[str, Any]:
    from formatters import condense as condense_post
    from models import Post
    from sources.clean import clean
    from sources.original import original_of

    html = clean(texts["html"], texts["url"])
    original, headline = original_of(html)
    post = Post(
        source_id="stdin",
        key="stdin",
        title=texts["title"],
        link=texts["url"],
        html=html,
        original_link=original,
        source_headline=headline,
        language=texts["lang"],
    )
    made = condense_post(
        post,
        bullets=settings.condense.bullets,
        bullet_chars=settings.condense.bullet_chars,
        language=texts["lang"],
    )
    made = improve(post, made)
    return {"headline": made.headline, "bullets": list(made.bullets), "link": made.link}


# ----------------------------------------------------------------------------------------------------------- preview


async def _preview(settings: Settings, target: str, number: int, language: str, *, as_json: bool) -> int:
    from rich.console import Console as Terminal

    import preview as previews
    from models import ChatSettings
    from sources import fetch

    if language not in ("", "ko", "en"):
        raise UsageError(f"--language {language} is not accepted: ko or en")
    limits = settings.condense
    async with fetch.client(settings.fetch, VERSION) as http, _model(settings) as model:
        source = previews.source_for(settings.timezone)
        found = await previews.posts_at(target, source, http, settings.fetch)
        if number > len(found.posts):
            raise UsageError(f"--n {number} is not accepted: {target} holds {len(found.posts)}")
        post, made = await asyncio.to_thread(
            previews.condensed, found.posts[number - 1], bullets=limits.bullets, bullet_chars=limits.bullet_chars
        )
        (better,) = await model.improve([(post, made)]) if model else [made]
    alert = previews.alert_of(post, better, found.site, _now())
    told = previews.Made(alert, number, len(found.posts), by_model=better is not made)
    forms = previews.forms(alert, ChatSettings(language or settings.language, settings.timezone))
    if as_json:
        _show(previews.rows(told, forms), as_json=True, columns=())
    else:
        previews.show(told, forms, Terminal())
    return 0


# ------------------------------------------------------------------------------------------------- verbs with a desk


@asynccontextmanager
async def _desk(settings: Settings) -> AsyncIterator["Desk"]:
    """Database and publishers' client, without platforms: what verbs beside a running bot need."""
    from pipeline import Desk
    from sources import fetch
    from storage.database import Database
    from worker import Workers

    async with AsyncExitStack() as stack:
        database = await Database.open(settings.database_path)
        stack.push_async_callback(database.close)
        http = fetch.client(settings.fetch, VERSION)
        stack.push_async_callback(http.aclose)
        workers = Workers("reader")
        stack.push_async_callback(workers.close)
        yield Desk(database, http, settings, {}, _now, _owner(), off_the_loop=workers, version=VERSION)


@asynccontextmanager
async def _model(settings: Settings) -> AsyncIterator["Model | None"]:
    """The configured model, if there is one; its library is loaded for nobody else."""
    if not settings.condense.model_url:
        yield None
        return
    from model import Model

    model = Model(settings.condense, _now)
    try:
        yield model
    finally:
        await model.close()


def _now() -> datetime:
    return datetime.now(UTC)


def _owner() -> str:
    return f"{socket.gethostname()[:20]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


async def _declare(desk: "Desk", declared: tuple["Source", ...]) -> None:
    from storage import sources

    async with desk.database.write() as tx:
        await sources.declare(tx, declared, desk.now(), int(desk.settings.fetch.min_every))


async def _ask(settings: Settings, name: str, args: str, *, as_json: bool) -> int:
    import handlers

    async with _desk(settings) as desk:
        answer = await handlers.answer(desk, _typed(settings, name, args))
    return _show_reply(settings, answer, as_json=as_json)


async def _search(settings: Settings, words: str, limit: int, *, newest: bool, as_json: bool) -> int:
    import handlers

    async with _desk(settings) as desk:
        order = "newest" if newest else "best"
        answer = await handlers.listed(desk, _typed(settings, "search", words), order, limit)
    return _show_reply(settings, answer, as_json=as_json)


def _typed(settings: Settings, name: str, args: str) -> "Command":
    from models import Command
    from platforms.console import CHAT

    return Command(
        name, args, CHAT, "terminal", settings.language, private=False, trusted=True, open=True, metered=False
    )


def _show_reply(settings: Settings, answer: "Reply", *, as_json: bool) -> int:
    from dataclasses import replace

    from formatters import plain
    from models import ChatSettings

    shown = answer.settings or ChatSettings(settings.language, settings.timezone)
    if not as_json:
        print(plain.reply(replace(answer, buttons=()), shown))
    else:
        for story in plain.reply_json(answer, shown)["stories"]:
            print(json.dumps(story, ensure_ascii=False))
    return 0 if answer.stories or not answer.title else 1


async def _poll(settings: Settings, *, every_one: bool, as_json: bool) -> int:
    import pipeline
    from storage import sources

    async with _desk(settings) as desk, _model(settings) as model:
        desk.improve = model.improve if model else None
        await _watch(desk)
        async with desk.database.read() as connection:
            watched = await sources.every_one(connection)
        due = [one for one in watched if not one.paused and (every_one or one.next_at <= desk.now())]
        rows = []
        for one in due:
            new = await pipeline.poll(desk, one)
            async with desk.database.read() as connection:
                after = await sources.one(connection, one.source.id)
            rows.append({"source": one.source.id, "new": new, "problem": after.problem if after else ""})
        await _plan_all(desk)
    _show(rows, as_json=as_json, columns=("source", "new", "problem"))
    return 1 if any(row["problem"] for row in rows) else 0


async def _plan_all(desk: "Desk") -> None:
    import pipeline

    more = True
    while more:
        async with desk.database.write() as tx:
            more = await pipeline.plan(tx, desk.now(), desk.settings.delivery.keep)


async def _sources_list(settings: Settings, *, as_json: bool) -> int:
    from storage import sources

    async with _desk(settings) as desk:
        await _watch(desk)
        async with desk.database.read() as connection:
            watched = await sources.every_one(connection)
            counts = await sources.post_counts(connection)
    rows = [
        {
            "id": one.source.id,
            "name": one.source.name,
            "kind": one.source.kind.value,
            "url": one.source.url,
            "posts": str(counts.get(one.source.id, 0)),
            "state": "paused" if one.paused else one.problem or ("ok" if one.read_once else "not read yet"),
        }
        for one in watched
    ]
    _show(rows, as_json=as_json, columns=("id", "name", "kind", "url", "posts", "state"))
    return 0


async def _sources_add(settings: Settings, url: str, source_id: str, *, as_json: bool) -> int:
    import watching

    async with _desk(settings) as desk:
        await _watch(desk)
        added = await watching.add(desk, url, source_id)
    match added:
        case watching.Problem("address"):
            raise UsageError(f"{url} is not accepted: the http or https address of a feed, or of a page of its site")
        case watching.Problem("id"):
            raise UsageError(f"--id {source_id} is not accepted: 1 to 32 of a-z, 0-9 and -")
        case watching.Problem(_, known):
            raise UsageError(f"a source {known} is watched already: choose another id with --id")
    source = added.source
    row = {
        "id": source.id,
        "kind": source.kind.value,
        "url": source.url,
        "found": FOUND[added.how],
        "posts": added.posts,
    }
    _show([row], as_json=as_json, columns=("id", "kind", "url", "found", "posts"))
    return 0


async def _opml_import(settings: Settings, file: str, *, as_json: bool) -> int:
    import watching
    from sources import opml

    try:
        document = sys.stdin.buffer.read(opml.LONGEST + 1) if file == "-" else _read_some(Path(file), opml.LONGEST + 1)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    outlines = opml.read(document)
    async with _desk(settings) as desk:
        await _watch(desk)
        results = await watching.import_(desk, outlines)
    rows: list[dict[str, Any]] = [
        {
            "line": one.outline.line,
            "state": one.state,
            "id": one.source_id,
            "name": one.outline.name,
            "url": one.outline.url,
            "topics": list(one.outline.topics),
            "problem": one.problem,
        }
        for one in results
    ]
    if as_json:
        _show(rows, as_json=True, columns=())
    else:
        told = [row | {"topics": " / ".join(row["topics"])} for row in rows]
        _show(told, as_json=False, columns=("line", "state", "id", "topics", "url", "problem"))
        counts = {state: sum(row["state"] == state for row in rows) for state in ("added", "known", "refused")}
        print(", ".join(f"{count} {state}" for state, count in counts.items()))
    return 1 if any(row["state"] == "refused" for row in rows) else 0


def _read_some(file: Path, most: int) -> bytes:
    with file.open("rb") as stream:
        return stream.read(most)


async def _opml_export(settings: Settings, *, as_json: bool) -> int:
    import watching
    from sources import opml

    async with _desk(settings) as desk:
        await _watch(desk)
        document, left_out = await watching.export(desk)
    if as_json:
        rows = [{"name": one.name, "url": one.url, "topics": list(one.topics)} for one in opml.read(document)]
        _show(rows, as_json=True, columns=())
    else:
        sys.stdout.buffer.write(document)
        sys.stdout.buffer.flush()
    if left_out:
        print(f"not in it, since OPML lists feeds only: {', '.join(left_out)}", file=sys.stderr)
    return 0


async def _deliveries(settings: Settings, status: str, chat: str, *, as_json: bool) -> int:
    from models import Status
    from storage import ledger

    words = [one.value for one in Status]
    if status not in ("", "all", *words):
        raise UsageError(f"--status {status} is not accepted: {', '.join(words)} or all")
    open_ = [one for one in Status if one not in (Status.SENT, Status.DROPPED)]
    statuses = [*Status] if status == "all" else [Status(status)] if status else open_
    async with _desk(settings) as desk, desk.database.read() as connection:
        found = await ledger.listed(connection, statuses, chat)
    rows = [
        {
            "id": one.delivery.id,
            "chat": f"{one.chat.platform}:{one.chat.id}{f'/{one.chat.thread}' if one.chat.thread else ''}",
            "alert": one.delivery.alert_id,
            "headline": one.headline,
            "status": one.delivery.status.value,
            "due": one.delivery.due.isoformat(timespec="seconds"),
            "attempts": one.delivery.attempts,
            "unknowns": one.unknowns,
            "message": one.delivery.message,
            "problem": one.delivery.problem or one.closed,
        }
        for one in found
    ]
    _show(rows, as_json=as_json, columns=("id", "chat", "status", "headline", "problem"))
    return 0


async def _deliveries_retry(settings: Settings, words: list[str], *, every_one: bool, as_json: bool) -> int:
    from storage import ledger

    verb, *ids = words
    if verb != "retry" or not all(one.isdecimal() for one in ids) or bool(ids) == every_one:
        raise UsageError("deliveries retry takes ids, as `deliveries` lists them, or --all")
    async with _desk(settings) as desk, desk.database.write() as tx:
        done = await ledger.retry(tx, None if every_one else [int(one) for one in ids], desk.now())
    if not done and not every_one:
        raise UsageError("none of these was given up: see deliveries --status given_up")
    _show([{"id": one, "done": "retry"} for one in sorted(done)], as_json=as_json, columns=("id", "done"))
    return 0


async def _sources_change(settings: Settings, source_id: str, verb: str, *, as_json: bool) -> int:
    import watching

    async with _desk(settings) as desk:
        await _watch(desk)
        done = await watching.change(desk, source_id, verb)
    match done:
        case watching.Problem("unknown", known):
            raise UsageError(f"no source {source_id}; known: {known or 'none'}")
        case watching.Problem():
            raise UsageError(f"{source_id} stands in the configuration file: remove it there, or pause it")
    _show([{"id": source_id, "done": verb}], as_json=as_json, columns=("id", "done"))
    return 0


async def _sources_held(settings: Settings, decision: list[str], *, as_json: bool) -> int:
    import pipeline
    from storage import held

    if decision and (len(decision) != 2 or decision[0] not in ("send", "seen") or not decision[1].isdecimal()):
        raise UsageError("sources held takes nothing, or `send ID` or `seen ID`, as it lists them")
    async with _desk(settings) as desk:
        if decision:
            count = await pipeline.decide(desk, int(decision[1]), send=decision[0] == "send")
            if count is None:
                raise UsageError(f"nothing is held under {decision[1]}: see sources held")
            _show(
                [{"id": int(decision[1]), "done": decision[0], "posts": count}],
                as_json=as_json,
                columns=("id", "done", "posts"),
            )
            return 0
        async with desk.database.read() as connection:
            waiting = await held.batches(connection)
    rows = [
        {
            "id": one.id,
            "source": one.source_id,
            "posts": one.count,
            "since": one.created.isoformat(timespec="seconds"),
            "titles": " / ".join(one.titles),
        }
        for one in waiting
    ]
    _show(rows, as_json=as_json, columns=("id", "source", "posts", "since", "titles"))
    return 0


async def _sources_test(settings: Settings, url: str, *, as_json: bool) -> int:
    import watching
    from models import Kind

    folder = not url.startswith(("http://", "https://"))
    async with _desk(settings) as desk:
        await _watch(desk)
        trial = await watching.try_out(desk, url, Kind.JEKYLL if folder else Kind.FEED)
    newest_first = trial.tried[::-1]
    if as_json:
        rows = [
            {
                "headline": one.condensed.headline if one.condensed else one.post.title,
                "bullets": list(one.condensed.bullets) if one.condensed else [],
                "link": one.condensed.link if one.condensed else one.post.link,
                "key": one.post.key,
                "published": one.post.published,
                "verdict": one.verdict,
                "story_of": list(one.others),
                "reach": _reach_row(one.reach),
                "document": trial.facts,
            }
            for one in newest_first
        ]
        _show(rows, as_json=True, columns=())
        return 0
    facts = ", ".join(f"{name} {value}" for name, value in trial.facts.items())
    where = f"watched as {trial.source.id}" if trial.watched else "not watched: as if it had been read before"
    print(f"{facts}; {len(trial.tried)} entries; {where}\n")
    for one in newest_first:
        why = f"{one.verdict}: {', '.join(one.others)}" if one.others else one.verdict
        if one.condensed is None:
            print(f"[{why}] {one.post.title}")
            continue
        made = one.condensed
        lines = [f"[{why}] {made.headline}", *(f"  • {bullet}" for bullet in made.bullets), f"  {made.link}"]
        print("\n".join([*lines, *_reach_lines(one.reach), ""]))
    return 0


async def _sources_replay(settings: Settings, source_id: str, since: str, *, as_json: bool) -> int:
    import replaying
    from storage import questions, sources

    moment = questions.moment_of(since, _now(), settings.timezone) if since else None
    if since and moment is None:
        raise UsageError(f"--since {since} is not understood: 12h, 7d or 2026-11-01")
    counts: Counter[str] = Counter()
    async with _desk(settings) as desk:
        async with desk.database.read() as connection:
            watched = await sources.one(connection, source_id)
            known = [one.source.id for one in await sources.every_one(connection)]
        if watched is None:
            raise UsageError(f"no source {source_id}; known: {', '.join(known) or 'none'}")
        declared = next((one for one in settings.watched() if one.id == source_id), watched.source)
        async for answer in replaying.replay(desk, replace(watched, source=declared), moment):
            counts.update(["answers"])
            counts.update(one.now.verdict for one in answer.entries if one.now)
            counts["different"] += sum(bool(one.differs) for one in answer.entries)
            _show_replayed(answer, as_json=as_json)
    if not counts["answers"]:
        print(f"no answer of {source_id} is kept: set [fetch] keep_raw, and wait for the next ones", file=sys.stderr)
        return 1
    if not as_json:
        print(", ".join(f"{count} {name}" for name, count in counts.items()))
    return 0


def _show_replayed(answer: "Replayed", *, as_json: bool) -> None:
    """What an answer would bring, and what it brought where that was something else."""
    import replaying

    kept = answer.kept
    common = {"answer": kept.id, "at": kept.at, "how": kept.how}
    rows: list[dict[str, Any]] = []
    if answer.problem or answer.was_problem:
        rows = [{**common, "problem": answer.problem, "was_problem": answer.was_problem}]
    for one in answer.entries:
        now = {**replaying.row_of(one.now), "reach": _reach_row(one.now.reach)} if one.now else None
        was = dict(one.was) if one.was else None
        differs = list(one.differs) if answer.compared else None
        rows.append({**common, "key": one.key, "now": now, "was": was, "differs": differs})
    if as_json:
        _show(rows, as_json=True, columns=())
        return
    if rows:
        print(f"{kept.at.isoformat(sep=' ', timespec='seconds')} {kept.how}")
    if answer.problem:
        print(f"  cannot be read: {answer.problem}")
    if answer.was_problem:
        print(f"  could not be read then: {answer.was_problem}")
    for one in answer.entries:
        print("\n".join([*_replayed_lines(one), ""]))


def _replayed_lines(one: "Entry") -> list[str]:
    import replaying

    lines = ["[nothing]"]
    if one.now is not None:
        now = replaying.row_of(one.now)
        why = f"{one.now.verdict}: {', '.join(one.now.others)}" if one.now.others else one.now.verdict
        bullets = (f"  • {bullet}" for bullet in now.get("bullets", ()))
        lines = [
            f"[{why}] {now.get('headline', '')}",
            *bullets,
            f"  {now.get('link', '')}",
            *_reach_lines(one.now.reach),
        ]
    if one.differs == ("new",):
        lines.append("  was: nothing new")
    elif one.differs and one.was is not None:
        lines.append(f"  was: [{one.was['verdict']}] {one.was.get('headline', one.key)}")
        lines += [f"    • {bullet}" for bullet in one.was.get("bullets", ()) if "bullets" in one.differs]
        lines += [f"    {one.was['link']}"] if "link" in one.differs else []
    return lines


def _reach_row(reach: "Reach | None") -> dict[str, Any] | None:
    return None if reach is None else {"chats": reach.chats, "later": reach.later, "kept_from": dict(reach.kept_from)}


def _reach_lines(reach: "Reach | None") -> list[str]:
    """Whom an alert would reach and why not others, as one line; none where that is not asked."""
    if reach is None:
        return []
    if not reach.chats and not reach.kept_from:
        return ["  → no chat: nobody has subscribed"]
    count = f"{reach.chats} chat{'' if reach.chats == 1 else 's'}" if reach.chats else "no chat"
    later = f" ({reach.later} of them later: quiet hours or a digest)" if reach.later else ""
    reasons = sorted(reach.kept_from.items(), key=lambda one: -one[1])
    kept = "".join(f"; {number} kept from it: {reason}" for reason, number in reasons)
    return [f"  → {count}{later}{kept}"]


# ------------------------------------------------------------------------------------------------------------- check


async def _check(settings: Settings, *, as_json: bool) -> int:
    rows: list[dict[str, Any]] = []
    try:
        async with _desk(settings) as desk:
            rows.append({"what": "database", "name": settings.database_url, "problem": ""})
            for platform in _platforms(settings, _nobody, None):
                problem = await platform.check()
                rows.append({"what": "platform", "name": platform.name, "problem": problem})
                await platform.close()
            async with _model(settings) as model:
                if model is not None:
                    rows.append({"what": "model", "name": settings.condense.model, "problem": await model.check()})
            sources = settings.watched() or _sample_if_alone(settings)
            rows += [await _check_source(desk, source) for source in sources]
            if not sources:
                rows.append({"what": "source", "name": "-", "problem": "nothing is watched: add [[sources]]"})
    except StartError as error:
        rows.append({"what": "database", "name": settings.database_url, "problem": str(error)})
    for row in rows:
        row["state"] = row["problem"] or row.pop("note", "") or "ok"
    _show(rows, as_json=as_json, columns=("what", "name", "state"))
    return 1 if any(row["problem"] for row in rows) else 0


async def _check_source(desk: "Desk", source: "Source") -> dict[str, Any]:
    import watching

    row: dict[str, Any] = {"what": "source", "name": source.id, "problem": "", "note": ""}
    try:
        posts = [post for post, _ in await watching.read_once(desk, source, trusted=True)]
    except SourceError as error:
        return row | {"problem": str(error)}
    without = sum(1 for post in posts if not (post.link or post.original_link))
    if without:
        row["note"] = f"{len(posts)} posts, {without} without any link: set site_url"
    else:
        row["note"] = f"ok, {len(posts)} posts"
    return row


async def _nobody(_: Any) -> Any:
    raise AssertionError("check takes no commands")


# --------------------------------------------------------------------------------------------------------------- run


def _platforms(settings: Settings, answer: Any, doors: Any) -> list["Platform"]:
    """The platforms that have a token."""
    from models import ChatSettings

    defaults = ChatSettings(settings.language, settings.timezone)
    made: list[Platform] = []
    if settings.telegram.token.get_secret_value():
        from platforms import telegram

        made.append(telegram.Telegram(settings.telegram, answer, doors, defaults, settings.web.public_url))
    if settings.slack.bot_token.get_secret_value():
        from platforms import slack

        made.append(slack.Slack(settings.slack, answer, doors, defaults))
    return made


async def _run(settings: Settings, *, as_json: bool) -> int:
    """Build everything, run until told to stop, take it down in reverse order."""
    import handlers
    from platforms.console import CHAT, Console
    from storage import access, chats
    from storage.database import hold
    from web.app import Site

    async with AsyncExitStack() as stack:
        stack.callback(hold(settings.database_path).close)
        listener = stack.enter_context(_listen(settings))
        desk = await stack.enter_async_context(_desk(settings))
        model = await stack.enter_async_context(_model(settings))
        desk.improve = model.improve if model else None
        console = Console(_printer(settings, as_json=as_json))

        async def answer(command: Any) -> Any:
            return await handlers.answer(desk, command)

        platforms = _platforms(settings, answer, desk)
        desk.senders = {"console": console, **{platform.name: platform for platform in platforms}}
        sources = await _watch(desk)
        async with desk.database.write() as tx:
            desk.claimed.update(await access.all_admins(tx))
            await chats.keep_console(tx, CHAT, settings.language, settings.timezone, desk.now())
        hooks = {path: hook for platform in platforms for path, hook in platform.hooks.items()}
        states = [platform.state for platform in platforms]
        site = Site(desk, console, CHAT, states, VERSION, wake=desk.wake, hooks=hooks)
        _on_signals(desk)
        if not as_json:
            _greet(settings, sources, [platform.name for platform in platforms], listener)
        offers = [_offer_claim(desk, platform, sys.stderr if as_json else sys.stdout) for platform in platforms]
        return await _until_stopped(desk, site.app, listener, platforms, console, offers=offers, sample=not platforms)


async def _watch(desk: "Desk") -> tuple["Source", ...]:
    """Declare the file's sources, or the sample site where nothing else is configured; all that is watched."""
    from storage import sources

    declared = desk.settings.watched()
    async with desk.database.read() as connection:
        added = [one.source for one in await sources.every_one(connection) if not one.from_file]
    if not declared and not added:
        declared = _sample_if_alone(desk.settings)
    await _declare(desk, declared)
    return (*declared, *added)


def _sample_if_alone(settings: Settings) -> tuple["Source", ...]:
    """The sample site, copied beside the database at the first run."""
    import shutil

    from models import Kind, Source

    if settings.telegram.token.get_secret_value() or settings.slack.bot_token.get_secret_value():
        return ()
    folder = settings.database_path.parent / "examples"
    if not folder.exists():
        shutil.copytree(HERE / "examples", folder, copy_function=shutil.copyfile)
        for place in (folder, *folder.rglob("*/")):
            place.chmod(0o755)  # an image may hold the examples read-only
    site = str(folder / "site")
    return (Source("sample", "Sokbo 예제", Kind.JEKYLL, site, every=2.0, timezone=settings.timezone),)


async def _offer_claim(desk: "Desk", platform: "Platform", terminal: TextIO) -> None:
    """While a platform has no admin, whoever sees the terminal may become the first: told once it has answered."""
    import handlers

    await platform.state.answered.wait()
    token = await handlers.first_claim(desk, platform.name)
    if token:
        link = platform.start_link(f"claim_{token}")
        how = f"open {link}" if link else f"send the bot: /sokbo claim {token}"
        print(f"  admin      {platform.name} has none yet: {how} (once, within 24 hours)", file=terminal, flush=True)


async def _publish_scheduled(desk: "Desk") -> None:
    """Move the sample site's scheduled posts into place, one after the other, once."""
    site = desk.settings.database_path.parent / "examples" / "site"
    began = asyncio.get_running_loop().time()
    posts = sorted(site.glob("_scheduled/*.md")) if not desk.settings.sources else []
    for post, after in zip(posts, SAMPLE_AFTER[-len(posts) :] if posts else (), strict=False):
        await asyncio.sleep(max(0.0, began + after - asyncio.get_running_loop().time()))
        try:
            post.rename(site / "_posts" / post.name)
        except OSError as error:
            print(f"  sample     {post.name} cannot be published: {error.strerror}", flush=True)
        desk.look.set()


def _listen(settings: Settings) -> socket.socket:
    """The page's address, taken at once: a port in use is told before anything else starts."""
    host, port = settings.web.host, settings.web.port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        raise StartError(
            f"http://{host}:{port} cannot be used ({error.strerror}): end what uses it, or choose another port with "
            "[web] port or SOKBO_WEB__PORT."
        ) from error
    listener.listen(128)
    listener.setblocking(False)
    return listener


def _on_signals(desk: "Desk") -> None:
    """The first Ctrl-C or SIGTERM stops in good order, the second at once."""

    def stop(number: int) -> None:
        if desk.stopping.is_set():
            os._exit(128 + number)
        desk.patience = PATIENCE[signal.Signals(number)]
        desk.stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)


async def _until_stopped(
    desk: "Desk",
    app: Any,
    listener: socket.socket,
    platforms: list["Platform"],
    console: "Console",
    *,
    offers: list[Coroutine[Any, Any, None]],
    sample: bool,
) -> int:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    import hubs
    import notices
    import pipeline
    import upkeep

    server = _server(app)
    gc.collect()
    gc.freeze()  # a collection that looks through all libraries stops the event loop for a tenth of a second
    loops = {
        asyncio.create_task(pipeline.poll_forever(desk), name="polling"),
        asyncio.create_task(pipeline.deliver_forever(desk), name="delivering"),
        asyncio.create_task(notices.tell_forever(desk), name="telling"),
        asyncio.create_task(upkeep.keep_up(desk), name="pruning"),
        asyncio.create_task(hubs.tend_forever(desk), name="subscribing"),
        asyncio.create_task(server.serve(sockets=[listener]), name="serving"),
    }
    others = {asyncio.create_task(_keep_running(platform)) for platform in platforms}
    others |= {asyncio.create_task(offer) for offer in offers}
    if sample:
        others.add(asyncio.create_task(_publish_scheduled(desk)))
    scheduler = AsyncIOScheduler(timezone=UTC)
    for wake in (desk.look, desk.send, desk.tell):
        scheduler.add_job(_set, "interval", seconds=1, args=[wake], coalesce=True, max_instances=1)
    scheduler.start()
    stopped = asyncio.create_task(desk.stopping.wait())
    await asyncio.wait({stopped, *loops}, return_when=asyncio.FIRST_COMPLETED)
    broken = [task for task in loops if task.done()]
    desk.stopping.set()
    scheduler.shutdown(wait=False)
    console.close()
    server.should_exit = True
    for task in others:
        task.cancel()
    _, late = await asyncio.wait({stopped, *loops, *others}, timeout=desk.patience + 1)
    for task in late:
        task.cancel()
    await asyncio.gather(*(platform.close() for platform in platforms), return_exceptions=True)
    for task in broken:
        with suppress(asyncio.CancelledError):
            if (error := task.exception()) is not None:
                raise StartError(f"{task.get_name()} ended by itself: {type(error).__name__}: {error}") from error
    return 0


async def _keep_running(platform: "Platform") -> None:
    """A defect in one platform's receiving is said, and it is started again; the rest runs on."""
    import structlog

    from delivery import Problem

    while True:
        try:
            await platform.run()
        except Exception:
            structlog.get_logger().exception("a platform stopped by itself", platform=platform.name)
            platform.state.trouble(Problem.of("ended"))
        await asyncio.sleep(RESTART_AFTER)


async def _set(event: asyncio.Event) -> None:
    event.set()


def _server(app: Any) -> Any:
    """uvicorn, which must neither take the signals nor wait for open streams."""
    import contextlib

    import uvicorn

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Any:
            yield

    return Server(uvicorn.Config(app, log_config=None, lifespan="off", access_log=False, timeout_graceful_shutdown=1))


def _printer(settings: Settings, *, as_json: bool) -> Callable[["Alert", bool], None]:
    """What a run prints for each alert."""
    from zoneinfo import ZoneInfo

    from formatters import plain

    def line(alert: "Alert", edited: bool) -> None:
        if as_json:
            print(json.dumps(plain.alert_json(alert, fresh=not edited), ensure_ascii=False), flush=True)
            return
        clock = _now().astimezone(ZoneInfo(settings.timezone)).strftime("%H:%M:%S")
        print(f"{clock}  {'edited' if edited else 'alert '}  {alert.headline} → console", flush=True)

    return line


def _greet(settings: Settings, sources: tuple["Source", ...], platforms: list[str], listener: socket.socket) -> None:
    """What a first run needs to know: what is watched, where the page is, how to connect a platform."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    alone = "no account configured: the page is the chat"
    print(f"Sokbo {VERSION} · {' + '.join(platforms) if platforms else alone}")
    for source in sources[:20]:
        print(f"  watching   {source.url} ({source.kind.value})")
    if not sources:
        print("  watching   nothing yet: add [[sources]] to sokbo.toml, or: python bot.py sources add URL")
    print(f"  page       http://{shown}:{port}")
    print(f"  database   {settings.database_path}")
    if settings.condense.model_url:
        print(f"  model      {settings.condense.model} proposes bullets → docs/configuration.md")
    if "telegram" not in platforms:
        print("  Telegram   not connected: put a bot token into sokbo.toml   → docs/first-hour.md")
    if "slack" not in platforms:
        print("  Slack      not connected: paste config/slack-manifest.yaml  → docs/first-hour.md")
    for key in settings.without_effect():
        print(f"  note       {key} is read, and has no effect in this version")
    sys.stdout.flush()


if __name__ == "__main__":
    cli()
