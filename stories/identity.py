"""What a post is called inside its source, and whether "new" posts are old ones under new names. Pure.

docs/decisions/0014-what-is-new.md says why it is so.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from models import Known, Post

HELD_FROM = 5
HELD_SHARE = 0.8
"""So many "new" posts at once, and so much of them known by title, link or text, are held for the admins."""
WINDOW = 500
TRACKING = re.compile(r"(?:^|&)(?:utm_\w+|fbclid|gclid|igshid|mc_[ce]id)=[^&]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Name:
    """What a post is called: `alone` where that is enough, with `apart` beside it where several are called so."""

    alone: str
    apart: str
    earlier: str = ""
    """What an earlier version of Sokbo called it."""

    @property
    def both(self) -> str:
        return f"{self.alone} {self.apart}"


@dataclass(frozen=True, slots=True)
class Named:
    """What is remembered under a key: which post has it, and whether several were called so in one document."""

    apart: str
    repeated: bool


@dataclass(frozen=True, slots=True)
class Identified:
    """The posts with their keys, and the keys of which there were several in one document."""

    keys: tuple[str, ...]
    repeated: frozenset[str]


def choice(posts: Sequence[Post | Known]) -> str:
    """What names the posts of a source, decided once: "guid" or "link", whichever most of them have, else "hash"."""
    if 2 * sum(bool(_guid(post)) for post in posts) >= len(posts):
        return "guid"
    return "link" if 2 * sum(bool(post.link) for post in posts) >= len(posts) else "hash"


def name_of(post: Post | Known, chosen: str) -> Name:
    """The name of a feed's entry; a post of which its kind says the key (a file's name) has no other."""
    if isinstance(post, Post) and not post.digest:
        return Name(post.key, "")
    link = canonical(post.link)
    if chosen == "hash":
        return Name(post.digest, post.digest)
    if chosen == "guid" and _guid(post):
        return Name(post.guid, post.link or post.digest)
    alone = link or post.guid or post.digest
    return Name(alone, post.digest, post.link if alone == link else "")


def _guid(post: Post | Known) -> str:
    """What its publisher calls it; a parser puts the link in the place of a guid that is not there."""
    return "" if post.guid == post.link else post.guid


def canonical(link: str) -> str:
    """A link without what changes while the post stays the same: its scheme, and what is added to count clicks."""
    try:
        parts = urlsplit(link)
        host = (parts.hostname or "") + (f":{parts.port}" if parts.port not in (None, 80, 443) else "")
    except ValueError:
        return link
    if not host:
        return link
    query = TRACKING.sub("", parts.query).strip("&")
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return f"//{host}{parts.path or '/'}" + (f"?{query}" if query else "") + fragment


def candidates(names: Iterable[Name]) -> list[str]:
    """All keys under which posts of these names may be remembered."""
    return list(dict.fromkeys(key for name in names for key in (name.alone, name.both, name.earlier) if key))


def identify(names: Sequence[Name], known: Mapping[str, Named]) -> Identified:
    """The key of each post. What had a key keeps it, however many posts of its name come and go.

    The first post of a name has the name for its key; others have what tells them apart beside it.
    """
    times = Counter(name.alone for name in names)
    owner = {alone: named.apart for alone, named in known.items()}
    ever_repeated = {alone for alone, named in known.items() if named.repeated}
    keys = []
    for name in names:
        several = times[name.alone] > 1 or name.alone in ever_repeated
        if name.apart and name.both in known:
            key = name.both
        elif name.earlier in known and name.alone not in known:
            key = name.earlier
        elif not several or owner.setdefault(name.alone, name.apart) in (name.apart, ""):
            key = name.alone
            owner[name.alone] = name.apart
        else:
            key = name.both
        keys.append(key)
    return Identified(tuple(keys), frozenset(alone for alone, count in times.items() if count > 1))


def window(keys: Sequence[str]) -> list[str]:
    """A document's posts, oldest first, as the next one is compared with it."""
    return [hashlib.blake2b(key.encode("utf-8", errors="replace"), digest_size=6).hexdigest() for key in keys[-WINDOW:]]


def slid_in(
    posts: Sequence[Post | Known],
    keys: Sequence[str],
    known: Container[str],
    before: Sequence[str],
    oldest: datetime | None,
) -> frozenset[str]:
    """The keys of posts that are as old as the feed: where one was deleted, an older one slides into the window.

    Such a post stands at the document's old end, at most as many of them as were deleted, and is older than all that
    the first read found (`oldest`); what is only back-dated is news. `before`: the window of the last document.
    """
    if oldest is None or not before:
        return frozenset()
    now = window(keys)
    left = [number for number, key in enumerate(before) if key in set(now)]
    deleted = len(before) - left[0] - len(left) if left else 0
    found = list[str]()
    for post, key in zip(posts, keys, strict=True):
        if key in known or post.published is None or post.published >= oldest:
            break
        found.append(key)
    return frozenset(found) if len(found) <= deleted else frozenset()


def marks(post: Post) -> tuple[str, ...]:
    """What a post is recognised by when its key is another: hashes of its title, its link and its text."""
    text = " ".join(re.sub(r"<[^>]{0,2000}>", " ", post.html or post.excerpt).split())
    told = {"t": " ".join(post.title.lower().split()), "l": canonical(post.link) if post.link else "", "x": text}
    return tuple(f"{kind}{_hash(value)}" for kind, value in told.items() if value)


def _hash(value: str) -> str:
    return hashlib.blake2b(value.encode("utf-8", errors="replace"), digest_size=12).hexdigest()


def renamed(new: Sequence[tuple[str, ...]], known: frozenset[str]) -> tuple[int, ...]:
    """Which of the "new" posts, by their marks, are to be held: those known by a mark, if they are 80% of 5 or more.

    A mark that several of them share (the address of a live page, one title for everything) tells nothing.
    """
    if len(new) < HELD_FROM:
        return ()
    times = Counter(mark for marks_of_one in new for mark in marks_of_one)
    found = [
        number
        for number, marks_of_one in enumerate(new)
        if any(mark in known and times[mark] == 1 for mark in marks_of_one)
    ]
    return tuple(found) if len(found) >= HELD_SHARE * len(new) else ()
