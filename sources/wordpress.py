"""A WordPress site by its REST API, found from the site's address; by its feed, where the API refuses.

https://developer.wordpress.org/rest-api/using-the-rest-api/discovery/ says how it is found. A post has the same key
both ways: its guid.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from errors import SourceError
from models import Source
from sources.documents import Document, Fetched, Unchanged
from sources.fetch import Fetching

API = "https://api.w.org/"
POSTS = "wp/v2/posts?_embed=wp:featuredmedia,wp:term&orderby=date&per_page=20"
IN_HEADER = re.compile(r"<([^<>]{1,2000})>\s*;[^,<]{0,200}?\brel\s*=\s*\"?https://api\.w\.org/")
IN_PAGE = re.compile(rb"<link\b[^<>]{0,500}?>", re.IGNORECASE)
HREF = re.compile(r"\bhref\s*=\s*[\"']?([^\"'\s<>]{1,2000})", re.IGNORECASE)
REFUSED = frozenset({"http-400", "http-401", "http-403", "http-404", "http-405", "http-410", "http-501", "no-api"})
"""Answers by which a site says that it has no API for us: they stay, other troubles pass."""


async def fetch(ask: Fetching, source: Source, validators: Mapping[str, Any]) -> Fetched | Unchanged:
    """The newest posts. Which way they come is remembered in the validators, so that it does not change by the hour."""
    known = str(validators.get("posts_at", ""))
    if known:
        try:
            return await _ask(ask, source, known, validators, is_api=bool(validators.get("api")))
        except SourceError as error:
            if error.reason not in REFUSED:
                raise
    api = await _api(ask, source)
    try:
        return await _ask(ask, source, _posts_at(api), {}, is_api=True)
    except SourceError as error:
        if error.reason not in REFUSED:
            raise
    return await _ask(ask, source, f"{source.url.partition('?')[0].rstrip('/')}/feed/", {}, is_api=False)


async def _ask(
    ask: Fetching, source: Source, url: str, validators: Mapping[str, Any], *, is_api: bool
) -> Fetched | Unchanged:
    answer = await ask(url, validators, beside=source.url)
    if isinstance(answer, Unchanged):
        return answer
    (document,) = answer.documents
    if is_api and not document.body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        raise SourceError("no-api", "its REST API does not answer with posts")
    return replace(answer, validators={**answer.validators, "posts_at": url, "api": is_api})


async def _api(ask: Fetching, source: Source) -> str:
    """The address of the site's API: as the site says, else where it usually is."""
    usual = f"{source.url.partition('?')[0].rstrip('/')}/wp-json/"
    try:
        page = await ask(source.url, {}, beside=source.url)
    except SourceError as error:
        if error.reason in REFUSED | {"too-large"}:
            return usual
        raise
    assert isinstance(page, Fetched), "without validators there is no 304"
    (document,) = page.documents
    return _named_by(document, source.url) or usual


def _named_by(document: Document, site: str) -> str:
    header = IN_HEADER.search(document.links)
    links = [tag.decode("ascii", "ignore") for tag in IN_PAGE.findall(document.body[:200_000])]
    hrefs = [HREF.search(tag) for tag in links if API in tag]
    found = header[1] if header else next((html.unescape(href[1]) for href in hrefs if href), "")
    try:
        url = urljoin(document.name, found) if found else ""
        same_host = urlsplit(url).hostname == urlsplit(site).hostname
    except ValueError:
        return ""
    if not url.startswith(("http://", "https://")):
        return ""
    # Behind a proxy that does the encryption, WordPress takes itself for unencrypted.
    if same_host and site.startswith("https://"):
        url = re.sub(r"^http://", "https://", url)
    return url


def _posts_at(api: str) -> str:
    """`https://site/wp-json/`, or `https://site/?rest_route=/` where the site has no pretty addresses."""
    if "rest_route=" in api:
        return api + POSTS.replace("?", "&")
    return f"{api.rstrip('/')}/{POSTS}"
