"""What is computed from a publisher's bytes, and nothing else: this runs in a worker process, away from everything.

Pure: no network, no database, no secrets, no metrics. It loads no client library, so a worker stays small.
"""

import pickle
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

import formatters
import stories
from models import Condensed, Kind, Known, Post, Source
from sources import article, feed, folder, sitemap
from sources.documents import Document
from storage import bigrams

DOCUMENTS_AT_ONCE = 50
POSTS_AT_ONCE = 10
"""Work is handed over in pieces, each with a worker's whole allowance: a large site is read, a hostile post is not."""
KNOWN_ENTRIES = 1000
"""So many of a document's entries are remembered, the newest."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A post that is new or changed, with all that could be computed before the transaction.

    `headline` and `text` are what is searched of it, `tokens` what the index stores of them.
    """

    post: Post
    condensed: Condensed
    fingerprint: str
    headline: str
    text: str
    tokens: str


Parsed = tuple[Post, str]
"""A post and its fingerprint."""


class Entry(NamedTuple):
    """A feed's entry with its fingerprint, read or known."""

    post: Post | Known
    fingerprint: str


class Changes(NamedTuple):
    """A feed's entries, oldest first, and what the next `parse_changes` of the feed knows them by."""

    entries: list[Entry]
    known: bytes


def portions(source: Source, documents: tuple[Document, ...]) -> Iterator[tuple[Document, ...]]:
    """The documents as `parse` takes them: feeds one by one, of a site a few posts each time."""
    if source.kind is not Kind.JEKYLL:
        yield from ((one,) for one in documents)
        return
    site = tuple(one for one in documents if one.name == folder.CONFIG)
    posts = [one for one in documents if one.name != folder.CONFIG]
    for start in range(0, len(posts), DOCUMENTS_AT_ONCE):
        yield (*site, *posts[start : start + DOCUMENTS_AT_ONCE])


def parse(source: Source, documents: tuple[Document, ...]) -> list[Parsed]:
    """The posts of one portion, oldest first. Raises SourceError."""
    match source.kind:
        case Kind.FEED | Kind.WORDPRESS:
            posts = [post for document in documents for post in feed.parse(source, document)]
        case Kind.SITEMAP:
            posts = [post for document in documents for post in sitemap.parse(source, document)]
        case Kind.JEKYLL:
            posts = folder.parse(source, documents)
    return [(post, stories.fingerprint(post)) for post in posts]


def parse_changes(source: Source, document: Document, known: bytes) -> Changes:
    """The entries of a feed: those that stand in `known`, which came with an earlier document (b"": none did), without
    their text. All else about them is as `parse` says it. Raises SourceError."""
    read = feed.parse_changes(source, document, _recalled(known))
    entries = [Entry(post, _fingerprint(post)) for post, _ in read]
    return Changes(entries, _remembered(entries, [name for _, name in read]))


def _fingerprint(post: Post | Known) -> str:
    return post.fingerprint if isinstance(post, Known) else stories.fingerprint(post)


def _remembered(entries: Sequence[Entry], names: Sequence[bytes]) -> bytes:
    """What entries with these names (b"": none) are known by; b"" where that is nothing."""
    newest = [*zip(entries, names, strict=True)][-KNOWN_ENTRIES:]
    known = {name: tuple(_known(*entry)) for entry, name in newest if name}
    return zlib.compress(pickle.dumps(known, pickle.HIGHEST_PROTOCOL), 1) if known else b""


def _known(post: Post | Known, fingerprint: str) -> Known:
    return Known(post.link, post.guid, post.digest, post.published, post.updated, fingerprint)


def _recalled(known: bytes) -> dict[bytes, Known]:
    recalled = pickle.loads(zlib.decompress(known)) if known else {}  # noqa: S301, made by `_remembered`
    return {name: Known(*fields) for name, fields in recalled.items()}


def in_order(source: Source, parsed: Iterable[Parsed]) -> list[Parsed]:
    """The posts of all portions together, oldest first."""
    if source.kind in (Kind.FEED, Kind.WORDPRESS):
        return list(parsed)
    return sorted(parsed, key=lambda one: one[0].published or datetime.min.replace(tzinfo=UTC))


def is_teaser(post: Post) -> bool:
    return article.is_teaser(post)


def keep_full_text(post: Post, archived: Post, remembered: str) -> Post:
    """A changed post with the archived text of its article, where its teaser is the one of the remembered fingerprint:
    then its title or link changed."""
    for title in (archived.title, ""):  # "": where the page had to give it
        if stories.fingerprint(replace(post, title=title, link=archived.link)) == remembered:
            return replace(post, html=archived.html, title=post.title or archived.title)
    return post


def with_full_text(source: Source, post: Post, document: Document) -> Post:
    """The post with the text of its article's page, where that holds more."""
    return article.with_full_text(source, post, document)


def read_closely(posts: list[Parsed], bullets: int, bullet_chars: int, source: Source) -> list[Reading]:
    """Everything else about new and changed posts that needs computing and no database."""
    readings = []
    for post, fingerprint in posts:
        condensed = formatters.condense(
            post,
            bullets=bullets,
            bullet_chars=bullet_chars,
            language=source.language,
            boilerplate=source.boilerplate,
        )
        language = post.language or source.language or formatters.language_of(post)
        headline = "\n".join(dict.fromkeys((condensed.headline, post.title)))
        text = formatters.plain_text(post.html)[: bigrams.LONGEST_TEXT]
        tokens = bigrams.tokens(headline, text)
        readings.append(Reading(replace(post, language=language), condensed, fingerprint, headline, text, tokens))
    return readings
