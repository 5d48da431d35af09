"""What a source offers now, and its posts, whatever its kind."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from config.settings import Fetch
from models import Kind, Post, Source
from sources import feed, folder
from sources import fetch as http
from sources.documents import Document, Fetched, Unchanged


async def fetch(
    client: httpx.AsyncClient, source: Source, validators: Mapping[str, Any], settings: Fetch, *, trusted: bool = False
) -> Fetched | Unchanged:
    """What the source offers, if it changed since the validators were made. Raises SourceError.

    `trusted`: the source stands in the configuration file.
    """
    match source.kind:
        case Kind.FEED:
            return await http.fetch(client, source.url, validators, settings, trusted=trusted)
        case Kind.JEKYLL:
            return await asyncio.to_thread(folder.read, source.url, validators, settings.max_bytes)


def parse(source: Source, documents: tuple[Document, ...]) -> list[Post]:
    """The posts in the documents, oldest first. Pure computing: never call it on the event loop."""
    match source.kind:
        case Kind.FEED:
            return [post for document in documents for post in feed.parse(source, document)]
        case Kind.JEKYLL:
            return folder.parse(source, documents)
