"""What a publisher answered, as bytes that can be kept, and an HTTP that knows only what was kept. Nothing here parses.

An answer is a line of JSON that says how long each of its documents is, and the documents behind it, compressed.
"""

import hashlib
import json
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx

from errors import SourceError
from sources.documents import Document

LARGEST = 10_000_000
"""Bytes of one answer, before compression: what is larger is not kept."""
LEVEL = 6
"""zlib's own default: a feed of 130 KB becomes 30 KB in 3 ms, not on the event loop."""


@dataclass(frozen=True, slots=True)
class Packed:
    """An answer ready to be kept; `digest` tells whether it is another than the last one."""

    body: bytes
    digest: str


def pack(documents: Sequence[Document]) -> Packed | None:
    """The documents as bytes; None where they are larger than `LARGEST` together."""
    if sum(len(one.body) for one in documents) > LARGEST:
        return None
    facts = [[one.name, len(one.body), one.charset, one.links] for one in documents]
    whole = b"\n".join([json.dumps(facts).encode(), b"".join(one.body for one in documents)])
    return Packed(zlib.compress(whole, LEVEL), hashlib.blake2b(whole, digest_size=16).hexdigest())


def unpack(body: bytes) -> tuple[Document, ...]:
    """The documents again. Raises SourceError where the bytes are damaged."""
    try:
        inflate = zlib.decompressobj()
        whole = inflate.decompress(body, 2 * LARGEST)
        head, _, rest = whole.partition(b"\n")
        documents, start = list[Document](), 0
        for name, length, charset, links in json.loads(head):
            documents.append(Document(name, rest[start : start + length], charset, links))
            start += length
    except (zlib.error, ValueError, TypeError) as error:
        raise SourceError("damaged", "what was kept of it is damaged") from error
    if not inflate.eof or start != len(rest):
        raise SourceError("damaged", "what was kept of it is damaged")
    return tuple(documents)


def client(find: Callable[[str], Awaitable[Document | None]]) -> httpx.AsyncClient:
    """A client that knows only what was kept. Close it with `aclose()`."""
    return httpx.AsyncClient(transport=Recorded(find), trust_env=False)


class Recorded(httpx.AsyncBaseTransport):
    """Answers with the kept document of an address, and to all else as if nobody were there: it never connects."""

    def __init__(self, find: Callable[[str], Awaitable[Document | None]]) -> None:
        self._find = find

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        document = await self._find(str(request.url))
        if document is None:
            raise httpx.ConnectError("not kept", request=request)
        headers = {"content-type": f"text/html; charset={document.charset}"} if document.charset else {}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(document.body))
