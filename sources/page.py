"""A web page → the post that stands on it: for looking at one page, not for watching a site."""

from dataclasses import dataclass
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode

from models import Post, Source
from sources.clean import clean
from sources.documents import Document
from sources.encoding import to_text
from sources.moments import moment
from sources.original import original_of

AROUND = "nav, header, footer, aside, script, style, noscript, template, iframe"
"""What stands around the news on a page. The header of an article holds its title and authors, which are read apart."""


@dataclass(frozen=True, slots=True)
class Page:
    """The post, and the site's name where the page says it."""

    post: Post
    site: str = ""


def read(source: Source, document: Document) -> Page:
    """The post of a page; the document's name is its address. Takes any bytes and never raises."""
    tree = LexborHTMLParser(to_text(document.body, charset=document.charset, override=source.encoding))
    link = _absolute(_attribute(tree, 'link[rel="canonical"]', "href"), document.name) or document.name
    title = _meta(tree, "og:title") or _text(tree.css_first("title")) or _text(tree.css_first("h1"))
    language = _attribute(tree, "html", "lang")[:2].lower()
    image = _absolute(_meta(tree, "og:image"), document.name)
    html = clean(_body(tree, title), link)
    original, headline = original_of(html)
    post = Post(
        source_id=source.id,
        key=link,
        title=title,
        link=link if link.startswith(("http://", "https://")) else "",
        html=html,
        original_link=original,
        source_headline=headline,
        excerpt=_meta(tree, "og:description"),
        image=image,
        language=source.language or (language if language.isalpha() else ""),
        published=moment(_meta(tree, "article:published_time")),
    )
    return Page(post, _meta(tree, "og:site_name"))


def _body(tree: LexborHTMLParser, title: str) -> str:
    """The longest article, else the main part, else all of the page; without what stands around it."""
    articles = sorted(tree.css("article"), key=lambda node: len(node.text()), reverse=True)
    for part in (*articles[:1], tree.css_first("main"), tree.body):
        if part is None:
            continue
        for node in part.css(AROUND):
            node.decompose()
        for form in part.css("form"):
            if form.css_first("p") is not None:  # some pages are one form from top to bottom
                form.unwrap()
        for heading in part.css("h1"):
            if _text(heading) and _text(heading) in title:
                heading.decompose()
        if _text(part):
            return part.html or ""
    return ""


def _meta(tree: LexborHTMLParser, name: str) -> str:
    return _attribute(tree, f'meta[property="{name}"], meta[name="{name}"]', "content")


def _attribute(tree: LexborHTMLParser, selector: str, name: str) -> str:
    node = tree.css_first(selector)
    return " ".join((node.attributes.get(name) or "").split()) if node is not None else ""


def _text(node: LexborNode | None) -> str:
    return " ".join(node.text().split()) if node is not None else ""


def _absolute(address: str, base: str) -> str:
    try:
        return urljoin(base, address) if address else ""
    except ValueError:
        return ""
