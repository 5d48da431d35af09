"""GET and POST /websub/<source>: a hub asks whether a subscription was ours, and sends what is new."""

import asyncio
import re

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from hubs import Receiving

WITHIN = 10.0
"""Seconds for the whole body."""
LARGE = 500_000
NOTHING = "nothing is subscribed here\n"


class Callbacks:
    """What hubs read and hear. Bodies above `LARGE` are taken in one after the other."""

    def __init__(self, receiving: Receiving, max_bytes: int) -> None:
        self._receiving = receiving
        self._max_bytes = max_bytes
        self._large = asyncio.Semaphore(1)

    async def answer(self, request: Request) -> Response:
        source = request.path_params["source"]
        if request.method == "POST":
            return await self._sent(source, request)
        body = await self._receiving.confirm(source, dict(request.query_params))
        if body is None:
            return PlainTextResponse(NOTHING, status_code=404)
        # The body is the hub's own word, sent back: no browser shall take it for a page.
        return PlainTextResponse(body, headers={"X-Content-Type-Options": "nosniff"})

    async def _sent(self, source: str, request: Request) -> Response:
        expected = await self._receiving.expects(source)
        if not expected:
            return PlainTextResponse(NOTHING, status_code=410 if expected is None else 404)
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            return PlainTextResponse("unpacked, please\n", status_code=415)
        announced = request.headers.get("content-length", "")
        large = not announced.isdecimal() or len(announced) > 9 or int(announced) > LARGE
        try:
            if not large:
                return await self._take(source, request)
            async with self._large:
                return await self._take(source, request)
        except (TimeoutError, ClientDisconnect):
            return PlainTextResponse("the body did not come\n", status_code=408)

    async def _take(self, source: str, request: Request) -> Response:
        """202 whatever becomes of it: who is not the hub learns nothing."""
        body = bytearray()
        async with asyncio.timeout(WITHIN):
            async for part in request.stream():
                body += part
                if len(body) > self._max_bytes:
                    return PlainTextResponse("too large\n", status_code=413)
        charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", request.headers.get("content-type", ""), re.IGNORECASE)
        signature, links = request.headers.get("x-hub-signature", ""), request.headers.getlist("link")
        await self._receiving.take(source, signature, links, bytes(body), charset[1] if charset else "")
        return PlainTextResponse("accepted\n", status_code=202)
