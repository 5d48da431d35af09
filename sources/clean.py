"""A publisher's HTML → the few tags that carry structure, with absolute addresses and nothing that runs."""

import re
from urllib.parse import urljoin

import nh3

TAGS = {
    *(
        "p",
        "div",
        "span",
        "section",
        "aside",
        "article",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "blockquote",
        "hr",
        "br",
        "pre",
        "code",
    ),
    *("ul", "ol", "li", "dl", "dt", "dd", "figure", "figcaption"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
    *("b", "strong", "i", "em", "s", "del", "sub", "sup", "a", "img"),
}
UNREAD = {
    "nav",
    "footer",
    "form",
    "button",
    "script",
    "style",
    "noscript",
    "iframe",
    "noembed",
    "noframes",
    "template",
    "svg",
    "math",
    "title",
}
ATTRIBUTES = {
    # What a class says of a share bar or a byline helps the condenser to leave it out.
    "*": {"class"},
    "a": {"href"},
    "img": {"src", "alt"},
    "th": {"colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
}
SCHEMES = {"http", "https", "mailto", "tel"}
# A tag cut off by Korean text ("</b되며") would take the words up to the next ">" with it.
CUT_OFF = re.compile(r"<(/?(?:b|i|u|strong|em|span|p|li|td|th|tr|div|a|h[1-6]))(?=[가-힣])", re.IGNORECASE)


def clean(html: str, base: str) -> str:
    """Sanitised HTML: structural tags, links and pictures only, relative addresses made absolute with `base`.

    Without a `base` relative addresses stay as they are. Takes any text and never raises.
    """
    return nh3.clean(
        CUT_OFF.sub(r"<\1>", html),
        tags=TAGS,
        clean_content_tags=UNREAD,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel=None,
        url_relative=lambda address: absolute(address, base),
    )


def absolute(address: str, base: str) -> str | None:
    """The address seen from `base`; None for one that no browser could follow."""
    try:
        return urljoin(base, address.strip())
    except ValueError:
        return None
