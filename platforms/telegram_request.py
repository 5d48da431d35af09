"""Telegram's HTTP side on aiohttp: a call that never left is told apart from one whose answer was lost.

python-telegram-bot's own request reports both alike over some transports, and its connection pool costs 17 times the
work at 64 calls in flight (docs/decisions/0008). Retries, redirects and proxies of its own it has none.
"""

import re
from functools import lru_cache
from typing import Any, cast

import aiohttp
import orjson
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData

from errors import StartError
from platforms.connector import Connector, session

HIDDEN = "•••"
KEEP_ALIVE = 15.0
"""Seconds that an idle connection is kept; servers close theirs later, so one of ours is rarely cut under a call."""

Seconds = float | None
Given = Any
"""A number of seconds, None for no limit, or `BaseRequest.DEFAULT_NONE` for what the constructor was given."""


class NotSent(NetworkError):  # noqa: N818, an outcome like the others
    """The call certainly never left: nobody listens there, or no connection came about in time."""


class Cut(TimedOut):
    """The connection was lost once it stood: the call may have been carried out."""


class AiohttpRequest(BaseRequest):
    """Calls over kept connections, at most `connections` of them; time-outs in seconds, None for none.

    `pool_timeout` and `connect_timeout` together limit the way to a connection, `write_timeout` and `read_timeout`
    together the call from there to the end of its answer (`media_write_timeout` where files go up). A download only
    has to go on: `read_timeout` limits each of its pauses. Raises StartError for a proxy.
    """

    __slots__ = ("_connect", "_connections", "_media_write", "_pool", "_read", "_session", "_write")

    def __init__(
        self,
        connections: int,
        *,
        read_timeout: Seconds = 15.0,
        write_timeout: Seconds = 5.0,
        connect_timeout: Seconds = 5.0,
        pool_timeout: Seconds = 10.0,
        media_write_timeout: Seconds = 20.0,
        proxy: object = None,
    ) -> None:
        if proxy is not None:
            raise StartError(
                "Telegram is not called through a proxy: set [telegram] api_base to a Bot API server that this "
                "machine reaches"
            )
        self._connections = connections
        self._read, self._write, self._media_write = read_timeout, write_timeout, media_write_timeout
        self._connect, self._pool = connect_timeout, pool_timeout
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> Seconds:
        return self._read

    async def initialize(self) -> None:
        """Open the session; it may be called again, and after `shutdown`."""
        if self._session is None or self._session.closed:
            self._session = session(
                Connector(limit=self._connections, keepalive_timeout=KEEP_ALIVE),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": self.USER_AGENT},
                trust_env=False,
            )

    async def shutdown(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def do_request(  # noqa: PLR0917, the signature is the library's
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Given = BaseRequest.DEFAULT_NONE,
        write_timeout: Given = BaseRequest.DEFAULT_NONE,
        connect_timeout: Given = BaseRequest.DEFAULT_NONE,
        pool_timeout: Given = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """One exchange: status and body, whatever the status. Raises NotSent, Cut, TimedOut or TelegramError."""
        if self._session is None or self._session.closed:
            raise NotSent("the connection is not open")
        uploads = request_data is not None and request_data.contains_files
        timeout = _timeout(
            connect=_sum(_or(connect_timeout, self._connect), _or(pool_timeout, self._pool)),
            one_connect=_or(connect_timeout, self._connect),
            write=_or(write_timeout, self._media_write if uploads else self._write),
            read=_or(read_timeout, self._read),
            download=method == "GET",
        )
        try:
            async with self._session.request(
                method, url, timeout=timeout, allow_redirects=False, **_body(request_data)
            ) as response:
                status, body = response.status, await response.read()
        # Causes are left out on purpose: aiohttp's texts may hold the URL, and with it the token.
        except aiohttp.ClientConnectorError as error:
            raise NotSent(_without_token(str(error), url)) from None
        except aiohttp.ConnectionTimeoutError:
            raise NotSent("no connection in time") from None
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            raise NotSent("the address is not one of a server") from None
        except TimeoutError:
            raise TimedOut("no answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Cut(f"the connection was cut ({type(error).__name__})") from None
        if method == "POST" and 200 <= status <= 299 and "result" not in self.parse_json_payload(body):
            raise TelegramError("Invalid server response")
        return status, body if status <= 299 else _without_token(body.decode(errors="replace"), url).encode()

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The answer as a dict; raises TelegramError, as python-telegram-bot expects, when it is none."""
        try:
            try:
                answer = orjson.loads(payload)
            except orjson.JSONDecodeError:
                answer = orjson.loads(payload.decode(errors="replace"))
        except orjson.JSONDecodeError:
            # What came instead is left out: a page may repeat the address, and be long.
            raise TelegramError("Invalid server response") from None
        if not isinstance(answer, dict):
            raise TelegramError("Invalid server response")
        return answer


def _or(given: Given, default: Seconds) -> Seconds:
    return default if given is BaseRequest.DEFAULT_NONE else cast(Seconds, given)


def _sum(one: Seconds, other: Seconds) -> Seconds:
    return None if one is None or other is None else one + other


@lru_cache(maxsize=64)
def _timeout(
    *, connect: Seconds, one_connect: Seconds, write: Seconds, read: Seconds, download: bool
) -> aiohttp.ClientTimeout:
    """aiohttp has no limit for writing, so a call is limited as a whole: time on the way there included."""
    total = None if download else _sum(connect, _sum(write, read))
    return aiohttp.ClientTimeout(total=total, connect=connect, sock_connect=one_connect, sock_read=read)


def _body(data: RequestData | None) -> dict[str, Any]:
    """JSON, or a form where files go up."""
    if data is None or (not data.parameters and not data.contains_files):
        return {}
    if data.contains_files:
        form = aiohttp.FormData(quote_fields=False)
        for name, value in data.json_parameters.items():
            form.add_field(name, value)
        for name, (filename, content, mime) in data.multipart_data.items():
            form.add_field(name, content, filename=re.sub(r"[\r\n]", " ", filename), content_type=mime)
        return {"data": form}
    try:
        body = orjson.dumps(data.parameters)
    except TypeError:
        # Half a surrogate pair, or a type that only the standard library takes.
        body = data.json_payload
    return {"data": body, "headers": {"Content-Type": "application/json"}}


def _without_token(text: str, url: str) -> str:
    """A text from outside, with the token struck out: an error page may repeat the address."""
    for token in re.findall(r"/bot([^/?#]+)", url):
        text = text.replace(token, HIDDEN)
    return text
