"""`bot.py preview`: the alert that a post would make, as each platform shows it. Nothing is kept, nothing is sent."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from rich.console import Console
from rich.style import Style
from rich.text import Text

from config.settings import Fetch
from errors import SourceError
from formatters import condense, language_of, slack, telegram, visible
from formatters.visible import Piece
from models import Alert, ChatSettings, Condensed, Kind, Post, Source
from sources import anything, fetch
from sources.anything import Found
from sources.documents import Document, Fetched
from sources.jekyll import SiteConfig, read_config

STYLES = {
    "bold": Style(bold=True),
    "italic": Style(italic=True),
    "underline": Style(underline=True),
    "strike": Style(strike=True),
    "code": Style(dim=True),
    "button": Style(reverse=True),
}
ADDRESS = Style(dim=True)


@dataclass(frozen=True, slots=True)
class Made:
    """An alert with what it was made of: which of how many entries, and whether a model's bullets are in it."""

    alert: Alert
    number: int
    entries: int
    by_model: bool


@dataclass(frozen=True, slots=True)
class Form:
    """One message as a platform gets it (`payload`), and what a reader sees of it."""

    platform: str
    form: str
    pieces: tuple[Piece, ...]
    payload: dict[str, Any]


# ------------------------------------------------------------------------------------------------------ what is there


async def posts_at(target: str, source: Source, http: httpx.AsyncClient, settings: Fetch) -> Found:
    """The posts of a file or an address, newest first. Raises SourceError, whose text names the target."""
    try:
        if target.startswith(("http://", "https://")):
            return await _at_address(target, source, http, settings)
        return await asyncio.to_thread(_in_file, Path(target), source, settings.max_bytes)
    except SourceError as error:
        raise SourceError(error.reason, f"{target}: {error}") from error


async def _at_address(url: str, source: Source, http: httpx.AsyncClient, settings: Fetch) -> Found:
    fetched = await fetch.fetch(http, url, {}, settings)
    assert isinstance(fetched, Fetched), "without validators there is no 304"
    (document,) = fetched.documents
    found = await asyncio.to_thread(anything.posts_in, source, document)
    return replace(found, site=found.site or (urlsplit(document.name).hostname or "").removeprefix("www."))


def _in_file(file: Path, source: Source, max_bytes: int) -> Found:
    body = _read(file, max_bytes)
    site = SiteConfig()
    config = file.absolute().parent.parent / "_config.yml"
    if file.absolute().parent.name in ("_posts", "_drafts") and config.is_file():
        site = read_config(_read(config, max_bytes))
    found = anything.posts_in(source, Document(file.name, body), site)
    return replace(found, site=found.site or file.name)


def _read(file: Path, max_bytes: int) -> bytes:
    try:
        with file.open("rb") as handle:
            body = handle.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise SourceError("no-file", "there is no such file") from error
    except IsADirectoryError as error:
        raise SourceError("folder", "this is a folder: name one file in it") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else ""
        raise SourceError("file", f"cannot be read ({reason or type(error).__name__})") from error
    if len(body) > max_bytes:
        raise SourceError("too-large", f"larger than {max_bytes:,} bytes (fetch.max_bytes)")
    return body


def source_for(timezone: str) -> Source:
    """The source that a previewed post has: nobody's."""
    return Source("preview", "preview", Kind.FEED, "", timezone=timezone)


# -------------------------------------------------------------------------------------------------- what is made of it


def condensed(post: Post, *, bullets: int, bullet_chars: int) -> tuple[Post, Condensed]:
    """The post with its language, and what it is in short."""
    spoken = replace(post, language=post.language or language_of(post))
    return spoken, condense(spoken, bullets=bullets, bullet_chars=bullet_chars)


def alert_of(post: Post, made: Condensed, site: str, now: datetime) -> Alert:
    """The first version of the alert that the post would make now."""
    return Alert(
        id=1, story_id=1, version=1, headline=made.headline, bullets=made.bullets, link=made.link, sources=(site,),
        language=post.language, urgency=made.urgency, topics=post.categories, image=post.image,
        published=post.published, date_only=post.date_only, created=now,
    )  # fmt: skip


def forms(alert: Alert, chat: ChatSettings) -> list[Form]:
    """Every form that a chat may get the alert in: the rich ones, and the plain ones where those are refused."""
    rich, plain = telegram.alert(alert, chat), telegram.plain_alert(alert, chat)
    blocks, text = slack.alert(alert, chat), slack.plain_alert(alert, chat)
    button = {"label": rich.button[0], "url": rich.button[1]} if rich.button else None
    seen = visible.telegram(rich.html, button=rich.button, picture=rich.picture)
    return [
        Form("telegram", "rich", tuple(seen), {"html": rich.html, "button": button, "picture": rich.picture}),
        Form(
            "slack", "rich", tuple(visible.slack(blocks.blocks)), {"text": blocks.text, "blocks": list(blocks.blocks)}
        ),
        Form("telegram", "plain", (Piece(plain.html),), {"text": plain.html}),
        Form("slack", "plain", tuple(visible.mrkdwn(text.text)), {"text": text.text}),
    ]


def rows(made: Made, shown: Iterable[Form]) -> list[dict[str, Any]]:
    """One object for each form: `visible` is what a reader sees, without how it is drawn."""
    alert = made.alert
    about = {
        "headline": alert.headline,
        "bullets": list(alert.bullets),
        "bullets_by": "model" if made.by_model else "post",
        "link": alert.link,
        "language": alert.language,
        "urgency": alert.urgency.value,
        "entry": made.number,
        "entries": made.entries,
    }
    return [
        {"platform": one.platform, "form": one.form, "visible": visible.text_of(one.pieces), **one.payload, **about}
        for one in shown
    ]


# ---------------------------------------------------------------------------------------------------------- on a screen


TITLES = {
    ("telegram", "rich"): "Telegram",
    ("slack", "rich"): "Slack",
    ("telegram", "plain"): "Plain, where the platform refuses the above",
}


def show(made: Made, shown: Iterable[Form], terminal: Console) -> None:
    """A section for each platform, and what the alert was made of."""
    for one in shown:
        if title := TITLES.get((one.platform, one.form)):
            terminal.print(Text(f"── {title} ", style="cyan"))
            terminal.print(drawn(one.pieces), soft_wrap=True)
            terminal.print()
    terminal.print(Text(_made_of(made), style="dim"), soft_wrap=True)


def drawn(pieces: Iterable[Piece]) -> Text:
    """The pieces as a terminal draws them; a link's address stands behind its text."""
    text = Text()
    written = ""
    for piece in pieces:
        style = Style.combine([Style.null(), *(STYLES[name] for name in sorted(piece.styles))])
        text.append(piece.text, style)
        if piece.address and piece.address not in (piece.text, written):
            text.append(f" <{piece.address}>", ADDRESS)
        written = piece.address
    return text


def _made_of(made: Made) -> str:
    alert = made.alert
    count = f"{len(alert.bullets)} bullet{'' if len(alert.bullets) == 1 else 's'}"
    parts = [
        f"language {alert.language}",
        alert.urgency.value,
        f"{count} {'by the model' if made.by_model else 'taken from the post'}",
        f"link {alert.link}" if alert.link else "no link",
    ]
    parts += [f"entry {made.number} of {made.entries}"] if made.entries > 1 else []
    return f"made of: {' · '.join(parts)}"
