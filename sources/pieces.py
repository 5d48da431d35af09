"""A feed's entries as they stand in its bytes, so that what was read before and stands as it stood is not read again.

Cut apart are documents in which every entry is plainly one piece; of all others the whole is read each time.
"""

import hashlib
import re
from typing import NamedTuple

SECTION = re.compile(rb"<!\[CDATA\[.*?\]\]>", re.DOTALL)
TEXT = re.compile(rb">[^<]+")
LONGEST_FRAME = 50_000
KINDS = (
    (b"</item>", re.compile(rb"<item[\s>]"), b"</entry>"),
    (b"</entry>", re.compile(rb"<entry[\s>]"), b"</item>"),
)


class Pieces(NamedTuple):
    """A document: `head`, then the entries with nothing but white space between them, then `tail`."""

    head: bytes
    entries: tuple[bytes, ...]
    tail: bytes


def cut(body: bytes) -> Pieces | None:
    """The document cut apart; None where something may reach over the border of an entry."""
    kind = next((kind for kind in KINDS if kind[0] in body), None)
    if kind is None or kind[2] in body or b"<!--" in body or b"xml:base" in body:
        return None
    end, opening, _ = kind
    *pieces, tail = body.split(end)
    first = opening.search(pieces[0])
    if first is None:
        return None
    head, pieces[0] = pieces[0][: first.start()], pieces[0][first.start() :]
    entries = tuple(piece.lstrip() + end for piece in pieces)
    if not all(opening.match(one) and len(opening.findall(one)) == 1 and _is_whole(one) for one in entries):
        return None
    if opening.search(tail) or not _is_whole(head) or not _is_whole(tail) or len(head) + len(tail) > LONGEST_FRAME:
        return None
    return Pieces(head, entries, tail)


def _is_whole(piece: bytes) -> bool:
    """Whether no CDATA section begins or ends outside of it."""
    return piece.count(b"<![CDATA[") == piece.count(b"]]>")


def names(parts: Pieces, base: str, encoding: str) -> list[bytes]:
    """A hash for each entry: of its bytes, and of all around it that has a say in how they are read. That is the
    markup of head and tail (namespaces, what is open), not their text, which tells the time."""
    frame = TEXT.sub(b">", SECTION.sub(b"", parts.head)) + b"\0" + TEXT.sub(b">", SECTION.sub(b"", parts.tail))
    context = hashlib.blake2b(f"{base}\0{encoding}\0".encode("utf-8", "replace") + frame, digest_size=16).digest()
    return [hashlib.blake2b(one, digest_size=16, key=context).digest() for one in parts.entries]
