"""The article that a post names as its source: `출처: <a href="…">…</a>` and the other forms of that line."""

import html as entities
import re
from urllib.parse import urlsplit

LABEL = re.compile(r"출처|원문|\bsource\b|\boriginal\b", re.IGNORECASE)
# Only at the start of a line: "사진 출처" and "자료출처" name a photographer or a ministry, not an article.
LINE_START = re.compile(
    r"(?:^|[>\n])(?:&nbsp;|[\s\-*·•※▶(\[「]){0,12}(?:(?:원문|본문|기사|original) ?)?$", re.IGNORECASE
)
LINK_START = re.compile(r"<a\b[^<>]*?\bhref\s*=\s*[\"']?([^\"'\s<>]+)[^<>]*>[\s(\[]{0,4}(?:(?:원문|본문|기사) ?)?$")
INLINE = r"(?:</?(?:b|strong|i|em|span|font|u)\b[^<>]{0,200}>|&nbsp;|\s){0,8}"
COLON = re.compile(rf"{INLINE}[:：=]{INLINE}")
MIDDLE = r"[^<>\n\[\]]{0,60}?"
ANCHOR = re.compile(
    rf"{MIDDLE}<a\b[^<>]*?\bhref\s*=\s*[\"']?([^\"'\s<>]+)[^<>]*>(.{{0,2000}}?)</a>", re.DOTALL | re.IGNORECASE
)
MARKDOWN = re.compile(rf"{MIDDLE}\[([^\[\]\n]{{0,400}})\]\(\s*(https?://[^\s()<>]+)\s*\)")
MARKDOWN_REST = re.compile(r"((?:[^\[\]\n<>]|\[[^\[\]\n<>]*\]){0,400})\]\(\s*(https?://[^\s()<>]+)\s*\)")
BARE = re.compile(rf"{MIDDLE}(https?://[^\s<>\"'()\[\]]+)")
ANCHOR_REST = re.compile(r"(.{0,2000}?)</a>", re.DOTALL | re.IGNORECASE)
TAG = re.compile(r"<[^<>]*>")


def original_of(html: str) -> tuple[str, str]:
    """Link and headline of the first source line; ("", "") when there is none.

    A bare home page names a publisher and no article, so it does not count. A line with an address only has no
    headline.
    """
    for label in LABEL.finditer(html):
        found = _in_link(html, label) or _after_label(html, label)
        if found is not None and _is_article(found[0]):
            return found
    return "", ""


def _in_link(html: str, label: re.Match[str]) -> tuple[str, str] | None:
    """The label inside the link: `<a href="…">출처: headline</a>`, or just `<a href="…">출처</a>`."""
    start = html.rfind("<a", max(0, label.start() - 4000), label.start())
    opened = LINK_START.match(html, start, label.start()) if start >= 0 else None
    if opened is None:
        return None
    colon = COLON.match(html, label.end())
    rest = ANCHOR_REST.match(html, colon.end() if colon else label.end())
    if rest is None or (colon is None and rest[1].strip()):
        return None
    return entities.unescape(opened[1]), _text(rest[1])


def _after_label(html: str, label: re.Match[str]) -> tuple[str, str] | None:
    """The label at the start of a line, and after it a link, a Markdown link or a bare address."""
    if LINE_START.search(html, max(0, label.start() - 40), label.start()) is None:
        return None
    colon = COLON.match(html, label.end())
    if colon is None:
        return None
    if anchor := ANCHOR.match(html, colon.end()):
        return entities.unescape(anchor[1]), _text(anchor[2])
    if link := MARKDOWN.match(html, colon.end()):
        return entities.unescape(link[2]), _text(link[1])
    if link := MARKDOWN_REST.match(html, colon.end()):
        return entities.unescape(link[2]), _text(link[1])
    if address := BARE.match(html, colon.end()):
        return entities.unescape(address[1]).rstrip(".,;"), ""
    return None


def _is_article(link: str) -> bool:
    try:
        parts = urlsplit(link)
        return (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and (parts.path not in {"", "/"} or bool(parts.query))
        )
    except ValueError:
        return False


def _text(html: str) -> str:
    return " ".join(entities.unescape(TAG.sub("", html)).split())
