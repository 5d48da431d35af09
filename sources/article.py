"""The page of an article → its main text, for posts whose source gives a teaser only."""

import re
from dataclasses import replace

from selectolax.lexbor import LexborHTMLParser

from models import Post, Source
from sources import page
from sources.clean import clean
from sources.documents import Document
from sources.encoding import to_text
from sources.original import original_of

SHORT = 600
"""Characters of text: shorter posts are taken for teasers."""
GOES_ON = re.compile(
    r"(?:…|\.\.\.|&hellip;|더\s?보기|전문\s?보기|계속 읽기|read more|continue reading)\W{0,5}$", re.IGNORECASE
)
TAG = re.compile(r"<[^<>]*>")
LONGEST = 300_000
"""Characters of a page that are looked at."""


def is_teaser(post: Post) -> bool:
    """Whether the text is short, or says that it goes on elsewhere."""
    text = " ".join(TAG.sub(" ", post.html or post.excerpt).split())
    return len(text) < SHORT or GOES_ON.search(text[-60:]) is not None


def with_full_text(source: Source, post: Post, document: Document) -> Post:
    """The post with the text of its page; as it was, where the page holds no more than the post does.

    What the source says goes before what its page says: title, link and picture are taken where they are missing.
    """
    html = to_text(document.body, charset=document.charset, override=source.encoding)[:LONGEST]
    if post.html and "<" not in html:
        return post
    body = clean(_main_text(html), document.name)
    found = page.read(source, document).post
    title = post.title or found.title
    body = body or found.html
    if len(_plain(body)) <= len(_plain(post.html)):
        return replace(post, title=title, image=post.image or found.image)
    original, headline = original_of(body)
    return replace(
        post,
        title=title,
        html=_without_title(body, title),
        excerpt=post.excerpt or _plain(post.html)[:2000],
        image=post.image or found.image,
        original_link=post.original_link or original,
        source_headline=post.source_headline or headline,
        language=post.language or source.language,
    )


def _main_text(html: str) -> str:
    import trafilatura  # with all that it brings, for the sources that need it

    found = trafilatura.extract(
        html, output_format="html", include_comments=False, include_tables=True, include_links=True, fast=True
    )
    return str(found or "")


def _without_title(body: str, title: str) -> str:
    tree = LexborHTMLParser(body)
    first = tree.css_first("h1")
    if first is not None and " ".join(first.text().split()) in title:
        first.decompose()
    return (tree.body.inner_html if tree.body is not None else "") or body


def _plain(html: str) -> str:
    return " ".join(TAG.sub(" ", html).split())
