"""POST /hooks/<source>: a publisher, or a repository's webhook, says "look now". It proves itself with a signature.

The form is GitHub's (https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries): the header
X-Hub-Signature-256 holds the HMAC-SHA256 of the body's bytes. What the body says does not matter.
"""

import asyncio
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

import metrics

Wake = Callable[[str], Awaitable[None]]
LONGEST_BODY = 25 * 1024 * 1024
"""Bytes; GitHub sends no more (https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap)."""
WITHIN = 10.0
"""Seconds for the whole body."""
SIGNATURE = re.compile(r"sha256=([0-9a-fA-F]{64})")
REFUSED = "no such hook, or not its signature\n"


class Hooks:
    """`hook_secrets` by source; a source without one has no hook, and nobody outside can tell."""

    def __init__(self, hook_secrets: Mapping[str, str], wake: Wake) -> None:
        self._secrets = {source: secret.encode() for source, secret in hook_secrets.items() if secret}
        self._wake = wake
        self._nobody = secrets.token_bytes(32)

    async def answer(self, request: Request) -> Response:
        """202 and a look at once for the right signature; else 403, the same whatever was wrong."""
        source = request.path_params["source"]
        given = SIGNATURE.fullmatch(request.headers.get("x-hub-signature-256", "").strip())
        known = self._secrets.get(source)
        try:
            async with asyncio.timeout(WITHIN):
                right = await _digest(request, known or self._nobody)
        except (TimeoutError, ClientDisconnect):
            return PlainTextResponse("the body did not come\n", status_code=408)
        if right is None:
            return PlainTextResponse("too large\n", status_code=413)
        is_right = hmac.compare_digest(right, given[1].lower() if given else "")
        metrics.hooks.labels(source if known else "unknown", "accepted" if known and is_right else "refused").inc()
        if known is None or not is_right:
            return PlainTextResponse(REFUSED, status_code=403)
        await self._wake(source)
        return PlainTextResponse("accepted\n", status_code=202)


async def _digest(request: Request, secret: bytes) -> str | None:
    """The signature that the body should have, read piece by piece; None when it is longer than `LONGEST_BODY`."""
    signing, length = hmac.new(secret, digestmod="sha256"), 0
    async for part in request.stream():
        length += len(part)
        if length > LONGEST_BODY:
            return None
        signing.update(part)
    return signing.hexdigest()
