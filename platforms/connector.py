"""The way out to a platform: a request is counted when its connection stands, not before, and when it is written."""

from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.connector import Connection

from delivery import Departure

if TYPE_CHECKING:
    from aiohttp.client import ClientTimeout
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.tracing import Trace


class Connector(aiohttp.TCPConnector):
    """Calls pass the account's door between having a connection and writing to it.

    Opening a connection takes as long as it takes: calls that were apart before it would come together after it.
    """

    async def connect(self, req: "ClientRequest", traces: "list[Trace]", timeout: "ClientTimeout") -> Connection:
        """A connection on which the request may be written now."""
        connection = await super().connect(req, traces, timeout)
        try:
            await Departure.leave()
        except BaseException:
            connection.release()
            raise
        return connection


async def _written(*_: object) -> None:
    Departure.written()


def session(connector: Connector, **options: Any) -> aiohttp.ClientSession:
    """A session over the connector; `options` are aiohttp's own."""
    written = aiohttp.TraceConfig()
    written.on_request_chunk_sent.append(_written)
    return aiohttp.ClientSession(connector=connector, trace_configs=[written], **options)
