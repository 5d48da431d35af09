"""What a source offers now, whatever its kind."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from config.settings import Fetch
from models import Kind, Source
from sources import fetch as http
from sources import folder, sitemap, wordpress
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
) -> Fetched | Unchanged:
    """What the source offers, if it changed since the validators were made. Raises SourceError.

    `trusted`: the source stands in the configuration file. `large` is awaited before a large body is taken in.
    """
    ask = http.Fetching(client, settings, trusted, large, now)
    match source.kind:
        case Kind.FEED:
            return await ask(source.url, validators, beside=source.url)
        case Kind.WORDPRESS:
            return await wordpress.fetch(ask, source, validators)
        case Kind.SITEMAP:
            return await sitemap.fetch(ask, source, validators)
        case Kind.JEKYLL:
            return await asyncio.to_thread(folder.read, source.url, validators, settings.max_bytes)
