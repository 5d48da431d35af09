"""What a source offers now, whatever its kind."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from config.settings import Fetch
from errors import SourceError
from models import Kind, Source, is_elsewhere
from sources import fetch as http
from sources import folder, repository, sitemap, wordpress
from sources.documents import Fetched, Unchanged


async def fetch(
    client: httpx.AsyncClient,
    source: Source,
    validators: Mapping[str, Any],
    settings: Fetch,
    *,
    trusted: bool = False,
    large: http.Large | None = None,
    now: datetime | None = None,
    clones: Path | None = None,
) -> Fetched | Unchanged:
    """What the source offers, if it changed since the validators were made. Raises SourceError.

    `trusted`: the source stands in the configuration file. `large` is awaited before a large body is taken in.
    `clones`: the folder for what git brings.
    """
    ask = http.Fetching(client, settings, trusted, large, now)
    match source.kind:
        case Kind.FEED:
            return await ask(source.url, validators, beside=source.url)
        case Kind.WORDPRESS:
            return await wordpress.fetch(ask, source, validators)
        case Kind.SITEMAP:
            return await sitemap.fetch(ask, source, validators)
        case Kind.JEKYLL if is_elsewhere(source.url):
            if not trusted or clones is None:
                raise SourceError("address", "git is asked for sources of the configuration file only")
            return await repository.fetch(source, validators, settings, clones)
        case Kind.JEKYLL:
            return await asyncio.to_thread(folder.read, source.url, validators, settings.max_bytes)
