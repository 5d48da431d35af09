"""A document of any kind → its posts: for looking at what somebody has at hand, not for watching a source.

A feed, a page, a Jekyll post, Markdown, plain text, and JSON (`sources.records`).
"""

import html as entities
import json
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from errors import SourceError
from models import Post, Source
from sources import feed, front_matter, jekyll, page, records
from sources.documents import Document
from sources.encoding import to_text
from sources.jekyll import SiteConfig

MARKDOWN = (".md", ".markdown")
PAGES = (".html", ".htm", ".xhtml")
FEED = re.compile(r"\s*(?:<!--.*?-->\s*|<[?!][^<>]*>\s*)*<(?:[A-Za-z]+:)?(?:rss|feed|RDF)[\s>]", re.DOTALL)
MARKUP = re.compile(r"<!doctype html|<(?:html|head|body|article|main|div|p|h[1-6]|ul|table)\b[^<>]*>", re.IGNORECASE)
FIRST_HEADING = re.compile(r"\s*<h1>(.*?)</h1>", re.DOTALL)
TAG = re.compile(r"<[^<>]*>")
LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class Found:
    """The posts, newest first, and the name of their site where the document says it."""

    posts: tuple[Post, ...]
    site: str = ""


def posts_in(source: Source, document: Document, site: SiteConfig | None = None) -> Found:
    """The posts of a document, whatever it is; its name is its address or file name.

    `site` is the configuration of the Jekyll site that a post belongs to. Raises SourceError where there is no post.
    """
    if b"\0" in document.body[:1000] and not document.body.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError("no-text", "this is no text: a picture, an archive or the like")
    text = to_text(document.body, charset=document.charset, override=source.encoding)
    found = _posts(source, document, text, site or SiteConfig())
    told = tuple(post for post in found.posts if post.title.strip() or TAG.sub("", post.html).strip())
    if not told:
        raise SourceError("empty", "there is nothing to read in it")
    return replace(found, posts=told)


def _posts(source: Source, document: Document, text: str, site: SiteConfig) -> Found:
    name = PurePosixPath(document.name.partition("?")[0]).name
    suffix = PurePosixPath(name).suffix.lower()
    if not text.strip():
        raise SourceError("empty", "there is nothing in it")
    if records.is_json(text) and (loaded := _loaded(text)) is not None:
        return _of_json(source, loaded, document.name)
    if FEED.match(text):
        return Found(tuple(reversed(feed.parse(source, document))))
    if front_matter.split(text)[0]:
        return Found((jekyll.read_post(source, name, document.body, site),), site.title)
    if suffix in MARKDOWN:
        return Found((_markdown(source, name, document.body, site),), site.title)
    if suffix in PAGES or MARKUP.search(text[:5000]):
        found = page.read(source, document)
        return Found((found.post if found.post.title else replace(found.post, title=name),), found.site)
    return Found((_plain(source, name, text),))


def _markdown(source: Source, name: str, body: bytes, site: SiteConfig) -> Post:
    """A text without front matter: its first heading is the title."""
    post = jekyll.read_post(source, name, body, site)
    heading = FIRST_HEADING.match(post.html)
    if heading is None:
        return post
    title = " ".join(entities.unescape(TAG.sub("", heading[1])).split())
    return replace(post, title=title, html=post.html[heading.end() :])


def _plain(source: Source, name: str, text: str) -> Post:
    """Paragraphs between empty lines; the first line is the title, unless it is as long as a paragraph."""
    first, _, rest = text.strip().partition("\n")
    if len(first) > LONGEST_TITLE:
        first, rest = name, text
    return Post(source.id, name, " ".join(first.split()), "", records.paragraphs(rest), language=source.language)


# --------------------------------------------------------------------------------------------------------------- JSON


def _loaded(text: str) -> Any:
    """The document's JSON, or that of its lines; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        lines = [line for line in text.splitlines() if line.strip()]
    try:
        return [json.loads(line) for line in lines]
    except (ValueError, RecursionError):
        return None


def _of_json(source: Source, loaded: Any, base: str) -> Found:
    read = records.records_of(loaded)
    posts = feed.posts_of(source, read.entries, base)
    if not posts:
        raise SourceError("no-posts", "this JSON holds no posts")
    return Found(tuple(reversed(feed.oldest_first(posts))), read.site)
