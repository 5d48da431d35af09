"""What comes packed, unpacked piece by piece: bodies of answers and files of sitemaps."""

import zlib

MEMBERS = 1000


class Unpacking:
    """gzip, of several members too, or zlib: piece by piece, each no larger than allowed. Raises zlib.error."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=47)
        self._members = 1

    @property
    def ended(self) -> bool:
        return self._inflate.eof

    def feed(self, raw: bytes, room: int) -> bytes:
        """What `raw` unpacks to, at most `room` bytes of it."""
        body = self._inflate.decompress(raw, room)
        while self.ended and len(body) < room and self._inflate.unused_data.startswith(b"\x1f\x8b"):
            if self._members == MEMBERS:
                raise zlib.error("more members than any publisher sends")
            self._members, rest = self._members + 1, self._inflate.unused_data
            self._inflate = zlib.decompressobj(wbits=31)
            body += self._inflate.decompress(rest, room - len(body))
        return body
