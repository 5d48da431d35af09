"""Is a post new, a story we have, a new version of it, or nothing at all?"""

import hashlib
import re
from enum import Enum
from urllib.parse import parse_qsl, urlencode, urlsplit

from models import Post

TRACKING = re.compile(r"^(utm_\w+|fbclid|gclid|igshid|mc_[ce]id|ref|spm|cmpid|_ga)$", re.IGNORECASE)


class Verdict(Enum):
    """What a post is to the desk."""

    SAME = "same"
    """Nothing that a reader would see."""
    NEW = "new"
    """A story of its own."""
    JOINS = "joins"
    """Another source's story: it is named there too."""
    CHANGED = "changed"
    """Its own story, said anew."""


def link_key(link: str) -> str:
    """The form of an address in which two links to one article are equal; "" for what names no article.

    Scheme, www., m., tracking parameters, fragment and a slash at the end do not count. A bare home page names no
    article.
    """
    try:
        parts = urlsplit(link.strip())
        host = (parts.hostname or "").lower()
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host:
        return ""
    host = re.sub(r"^(www|m)\.", "", host)
    query = sorted((key, value) for key, value in parse_qsl(parts.query) if not TRACKING.match(key))
    path = re.sub(r"(/index\.\w+|/)+$", "", parts.path)
    if not path and not query:
        return ""
    return f"{host}{port}{path}" + (f"?{urlencode(query)}" if query else "")


def story_links(post: Post) -> tuple[str, ...]:
    """The keys under which others may find the post's story: the original's first, then its own."""
    return tuple(dict.fromkeys(key for key in map(link_key, (post.original_link, post.link)) if key))


def fingerprint(post: Post) -> str:
    """A hash of what a reader could see: title, text and link (docs/architecture.md, "Change")."""
    text = "\x00".join((post.title, post.html, post.link, post.original_link))
    return hashlib.blake2b(text.encode("utf-8", errors="replace"), digest_size=16).hexdigest()


def judge(
    *,
    source_id: str,
    names_original: bool,
    seen_fingerprint: str | None,
    fingerprint_now: str,
    story_sources: tuple[str, ...] | None,
) -> Verdict:
    """Decide about one post.

    `seen_fingerprint` is what is remembered of its key, None when the key was never seen. `story_sources` are the
    sources of the story found by its link (by its key, when it was seen before), the first one found it; None when
    there is no such story. `names_original`: the link that found it is the one the post names as its original.
    """
    if seen_fingerprint == fingerprint_now:
        return Verdict.SAME
    if seen_fingerprint is not None:
        own = story_sources is not None and story_sources[0] == source_id
        return Verdict.CHANGED if own else Verdict.SAME
    if story_sources is None:
        return Verdict.NEW
    if source_id not in story_sources:
        return Verdict.JOINS
    if not names_original:
        # A source may give one address to many posts (a live page): its keys tell them apart.
        return Verdict.NEW
    return Verdict.CHANGED if story_sources[0] == source_id else Verdict.SAME
