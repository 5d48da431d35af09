"""A feed's entries as they stand in its bytes, so that what was read before and stands as it stood is not read again.

Cut apart are documents in which every entry is plainly one piece; of all others the whole is read each time.
"""

import hashlib
import re
from typing import Any, NamedTuple

SECTION = re.compile(rb"<!\[CDATA\[.*?\]\]>", re.DOTALL)
TEXT = re.compile(rb">[^<]+")
LONGEST_FRAME = 50_000
KINDS = (
    (b"</item>", re.compile(rb"<item[\s>]"), b"</entry>"),
    (b"</entry>", re.compile(rb"<entry[\s>]"), b"</item>"),
)


class Pieces(NamedTuple):
    """A document: `head`, then the entries with nothing but white space between them, then `tail`. `opening` is what an
    entry begins with."""

    head: bytes
    entries: tuple[bytes, ...]
    tail: bytes
    opening: re.Pattern[bytes]


def cut(body: bytes) -> Pieces | None:
    """The document cut behind each entry; None where that cannot be. What was cut is to be looked at with `is_plain`,
    unless it is known."""
    kind = next((kind for kind in KINDS if kind[0] in body), None)
    if kind is None or kind[2] in body:
        return None
    end, opening, _ = kind
    *pieces, tail = body.split(end)
    first = opening.search(pieces[0])
    if first is None:
        return None
    head, pieces[0] = pieces[0][: first.start()], pieces[0][first.start() :]
    if opening.search(tail) or not _stands_alone(head) or not _stands_alone(tail) or len(head + tail) > LONGEST_FRAME:
        return None
    return Pieces(head, tuple(piece.lstrip() + end for piece in pieces), tail, opening)


def are_plain(parts: Pieces) -> bool:
    """Whether each entry is one, and nothing in it reaches over its borders."""
    opening = parts.opening
    return all(opening.match(one) and len(opening.findall(one)) == 1 and _stands_alone(one) for one in parts.entries)


def _stands_alone(piece: bytes) -> bool:
    """Whether no CDATA section begins or ends outside of it, no comment begins in it, and no address in it is seen from
    elsewhere."""
    sections = piece.count(b"<![CDATA[") == piece.count(b"]]>")
    return sections and b"<!--" not in piece and b"xml:base" not in piece


def names(parts: Pieces, base: str, encoding: str) -> list[bytes]:
    """A hash for each entry: of its bytes, and of all around it that has a say in how they are read. That is the
    markup of head and tail (namespaces, what is open), not their text, which tells the time."""
    frame = TEXT.sub(b">", SECTION.sub(b"", parts.head)) + b"\0" + TEXT.sub(b">", SECTION.sub(b"", parts.tail))
    context = hashlib.sha256(f"{base}\0{encoding}\0".encode("utf-8", "replace") + frame + b"\0")
    return [_hash(context, one) for one in parts.entries]


def _hash(context: Any, entry: bytes) -> bytes:
    hashed = context.copy()
    hashed.update(entry)
    digest: bytes = hashed.digest()
    return digest[:16]
