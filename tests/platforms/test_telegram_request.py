"""The contract of Telegram's HTTP side, each clause against a real socket: what left, what did not, what is unknown."""

import asyncio
import logging
import socket
import struct
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
import pytest
from aiohttp import web
from telegram import Bot
from telegram.error import BadRequest, NetworkError, TelegramError, TimedOut
from telegram.request import RequestData
from telegram.request._requestparameter import RequestParameter

from errors import StartError
from platforms.telegram_request import AiohttpRequest, Cut, NotSent

SECRET = "AAH-never-to-be-seen-by-anybody-00000"
TOKEN = f"7700:{SECRET}"
ANSWER = b'{"ok":true,"result":true}'

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def http(body: bytes, status: str = "200 OK", length: int | None = None, *more: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *more]
    return "\r\n".join([*head, "", ""]).encode() + body


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Head and body of one request whose length is given."""
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    return head + (await reader.readexactly(int(lengths[0])) if lengths else b"")


def reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Wire:
    """A server of one behaviour, and what it was sent."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.heard: list[bytes] = []

    def url(self, method: str = "sendMessage", scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}/bot{TOKEN}/{method}"


@asynccontextmanager
async def wire(talk: Callable[[Wire], Talk]) -> AsyncIterator[Wire]:
    made = Wire()
    behave = talk(made)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.connections += 1
        try:
            await behave(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


def answering(*answers: bytes, pause: float = 0.0) -> Callable[[Wire], Talk]:
    """Answers each request of a connection with the next of these, the last for ever; then the connection stays."""

    def talk(made: Wire) -> Talk:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for number in range(1000):
                made.heard.append(await read_request(reader))
                await asyncio.sleep(pause)
                writer.write(answers[min(number, len(answers) - 1)])
                await writer.drain()

        return behave

    return talk


def behaving(kind: str) -> Callable[[Wire], Talk]:
    def talk(made: Wire) -> Talk:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if kind == "mute":
                await asyncio.sleep(60)
            if kind == "cut at once":
                return reset(writer)
            made.heard.append(await read_request(reader))
            match kind:
                case "reset":
                    reset(writer)
                case "half an answer":
                    writer.write(http(ANSWER, length=100))
                case "no http":
                    writer.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
                case "silent":
                    await asyncio.sleep(60)
                case "dripping":
                    writer.write(http(b"", length=1000))
                    for _ in range(100):
                        writer.write(b" ")
                        await asyncio.sleep(0.05)
            return None

        return behave

    return talk


@asynccontextmanager
async def opened(connections: int = 8, **timeouts: float) -> AsyncIterator[AiohttpRequest]:
    made = AiohttpRequest(connections, **timeouts)
    await made.initialize()
    yield made
    await made.shutdown()


def data(**parameters: object) -> RequestData:
    return RequestData([RequestParameter.from_input(name, value) for name, value in parameters.items()])


# -------------------------------------------------------------------------------------------------------- what goes out


async def test_a_call_is_one_json_object_with_values_as_they_are() -> None:
    async with wire(answering(http(ANSWER))) as server, opened() as request:
        sent = {"chat_id": 42, "text": "속보 <b>", "reply_markup": {"inline_keyboard": [[{"text": "x"}]]}, "on": True}
        assert await request.post(server.url(), data(**sent)) is True
    head, _, body = server.heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /bot") and b"application/json" in head and b"python-telegram-bot" in head
    assert orjson.loads(body) == sent


async def test_half_a_surrogate_pair_still_goes_out() -> None:
    async with wire(answering(http(ANSWER))) as server, opened() as request:
        assert await request.post(server.url(), data(text="a\ud83d", chat_id=42)) is True
    assert b"\\ud83d" in server.heard[0]


async def test_a_file_goes_up_whole_with_its_name_and_the_other_parameters() -> None:
    got: dict[str, object] = {}

    async def take(request: web.Request) -> web.Response:
        form = await request.post()
        photo = form["photo"]
        assert isinstance(photo, web.FileField)
        got.update(caption=form["caption"], name=photo.filename, kind=photo.content_type, body=photo.file.read())
        return web.json_response({"ok": True, "result": {"message_id": 5, "date": 1, "chat": {"id": 42, "type": "x"}}})

    app = web.Application(client_max_size=2**24)
    app.router.add_post("/bot{token}/sendPhoto", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    picture = bytes(range(256)) * 4096
    async with opened() as request:
        bot = Bot(TOKEN, base_url=f"http://127.0.0.1:{runner.addresses[0][1]}/bot", request=request)
        message = await bot.send_photo(42, picture, caption="캡션", filename='사\r\n진".png')
    await runner.cleanup()
    assert message.message_id == 5
    assert got == {"caption": "캡션", "name": '사  진".png', "kind": "image/png", "body": picture}


async def test_a_download_comes_down_whole() -> None:
    body = bytes(range(256)) * 1000
    async with wire(answering(http(body))) as server, opened() as request:
        assert await request.retrieve(server.url("photos/file_1.jpg")) == body
    assert server.heard[0].startswith(b"GET ")


async def test_connections_are_kept_and_bounded() -> None:
    async with wire(answering(http(ANSWER), pause=0.02)) as server, opened(connections=2) as request:
        for _ in range(3):
            await request.post(server.url())
        assert server.connections == 1
        await asyncio.gather(*(request.post(server.url()) for _ in range(12)))
        assert server.connections == 2 and len(server.heard) == 15


async def test_a_kept_connection_that_the_server_closed_is_not_used_again() -> None:
    async with wire(lambda made: answering_once(made)) as server, opened() as request:
        for _ in range(3):
            assert await request.post(server.url()) is True
            await asyncio.sleep(0.05)
    assert server.connections == 3


def answering_once(made: Wire) -> Talk:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.heard.append(await read_request(reader))
        writer.write(http(ANSWER))
        await writer.drain()

    return behave


# ------------------------------------------------------------------------------------------------- proxies, redirects


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with wire(answering(http(ANSWER))) as server, opened() as request:
        assert await request.post(server.url()) is True


def test_a_proxy_asked_for_is_refused_in_words_that_help() -> None:
    with pytest.raises(StartError, match=r"not called through a proxy: set \[telegram\] api_base"):
        AiohttpRequest(8, proxy="http://127.0.0.1:3128")


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    moved = http(b"", "307 Temporary Redirect", None, "Location: /elsewhere")
    async with wire(answering(moved)) as server, opened() as request:
        assert await request.do_request(server.url(), "POST") == (307, b"")
        with pytest.raises(NetworkError) as raised:
            await request.post(server.url())
    assert type(raised.value) is NetworkError and len(server.heard) == 2


# ----------------------------------------------------------------------------------------- not sent, or nobody knows


def nobody() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize("address", ["", "http://name.invalid", "http://[::1", "ftp://127.0.0.1", "http://127.0.0.1:0"])
async def test_without_a_connection_nothing_was_sent(address: str) -> None:
    async with opened(connect_timeout=5) as request:
        with pytest.raises(NotSent) as raised:
            await request.post(f"{address or f'http://{nobody()}'}/bot{TOKEN}/sendMessage")
    assert_without_token(raised.value)


@pytest.mark.parametrize("kind", ["cut at once", "mute", "no http"])
async def test_without_tls_nothing_was_sent(kind: str) -> None:
    async with wire(behaving(kind)) as server, opened(connect_timeout=0.2, pool_timeout=0.2) as request:
        with pytest.raises(NotSent) as raised:
            await request.post(server.url(scheme="https"))
    assert server.connections == 1
    assert_without_token(raised.value)


async def test_a_call_that_gets_no_place_in_the_pool_was_not_sent() -> None:
    async with wire(behaving("silent")) as server, opened(connections=1, read_timeout=2) as request:
        first = asyncio.create_task(request.do_request(server.url(), "POST"))
        while not server.heard:
            await asyncio.sleep(0.01)
        with pytest.raises(NotSent):
            await request.post(server.url(), pool_timeout=0.1, connect_timeout=0.1)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    assert len(server.heard) == 1


async def test_a_request_that_is_not_open_sends_nothing_and_opens_again() -> None:
    async with wire(answering(http(ANSWER))) as server:
        request = AiohttpRequest(1)
        with pytest.raises(NotSent):
            await request.post(server.url())
        await request.initialize()
        await request.initialize()
        assert await request.post(server.url()) is True
        await request.shutdown()
        await request.shutdown()
        with pytest.raises(NotSent):
            await request.post(server.url())
    assert len(server.heard) == 1


@pytest.mark.parametrize("kind", ["cut at once", "reset", "fin", "half an answer", "no http"])
async def test_a_connection_lost_once_it_stood_leaves_the_outcome_unknown(kind: str) -> None:
    async with wire(behaving(kind)) as server, opened() as request:
        with pytest.raises(Cut) as raised:
            await request.post(server.url(), data(text="x"))
    assert not isinstance(raised.value, NotSent)
    assert server.connections == 1, "a call is never repeated here: that is for the ledger to decide"
    assert_without_token(raised.value)


@pytest.mark.parametrize("kind", ["silent", "dripping"])
async def test_no_answer_in_time_leaves_the_outcome_unknown(kind: str) -> None:
    began = time.monotonic()
    async with wire(behaving(kind)) as server, opened() as request:
        with pytest.raises(TimedOut) as raised:
            await request.post(server.url(), read_timeout=0.2, write_timeout=0.1, connect_timeout=0.1, pool_timeout=0.1)
    assert not isinstance(raised.value, Cut) and time.monotonic() - began < 2
    assert_without_token(raised.value)


async def test_an_upload_that_nobody_takes_ends_in_time() -> None:
    began = time.monotonic()
    async with wire(behaving("mute")) as server, opened(pool_timeout=0.1, connect_timeout=0.1) as request:
        bot = Bot(TOKEN, base_url=f"http://127.0.0.1:{server.port}/bot", request=request)
        with pytest.raises(TimedOut):
            await bot.send_photo(42, b"x" * 2**25, write_timeout=0.3, read_timeout=0.3)
    assert time.monotonic() - began < 3


async def test_time_outs_of_a_call_take_the_place_of_the_usual_ones() -> None:
    async with wire(answering(http(ANSWER), pause=0.4)) as server, opened(read_timeout=0.1) as request:
        assert request.read_timeout == 0.1
        with pytest.raises(TimedOut):
            await request.post(server.url())
        assert await request.post(server.url(), read_timeout=5) is True
        assert await request.post(server.url(), read_timeout=None, connect_timeout=None) is True


async def test_a_cancelled_call_ends_at_once() -> None:
    async with wire(behaving("silent")) as server, opened() as request:
        call = asyncio.create_task(request.do_request(server.url(), "POST"))
        while not server.heard:
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


# ------------------------------------------------------------------------------------------------- what is understood


@pytest.mark.parametrize("body", [b"<html>", b"", b"[1]", b"null", b'{"ok":true', b'{"ok":false,"description":"x"}'])
async def test_a_yes_without_a_result_is_neither_sent_nor_not_sent(body: bytes) -> None:
    async with wire(answering(http(body))) as server, opened() as request:
        with pytest.raises(TelegramError) as raised:
            await request.post(server.url())
    assert type(raised.value) is TelegramError


async def test_a_broken_character_in_an_answer_spoils_only_itself() -> None:
    async with wire(answering(http(b'{"ok":true,"result":"a\xff"}'))) as server, opened() as request:
        answer: object = await request.post(server.url())
        assert answer == "a\ufffd"


async def test_a_refusal_comes_with_its_words_and_a_page_with_its_cause() -> None:
    refusal = http(b'{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}', "400 Bad Request")
    page = http(f"<p>no /bot{TOKEN}/x".encode(), "400 Bad Request")
    async with wire(answering(refusal, page)) as server, opened() as request:
        with pytest.raises(BadRequest, match="Chat not found") as said:
            await request.post(server.url())
        with pytest.raises(BadRequest) as page_said:
            await request.post(server.url())
    assert said.value.__cause__ is None and type(page_said.value.__cause__) is TelegramError
    assert_without_token(page_said.value)


# ------------------------------------------------------------------------------------------------------- the token


def assert_without_token(error: BaseException) -> None:
    """Neither in its words nor in what a traceback would print of it and of its causes."""
    assert SECRET not in f"{error} {error!r} {''.join(traceback.format_exception(error))}"


@pytest.mark.parametrize("kind", ["reset", "no http", "half an answer", "silent", "page"])
async def test_the_token_stands_in_no_log_line(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    page = http(f"<p>no /bot{TOKEN}/x".encode())
    talk = answering(page) if kind == "page" else behaving(kind)
    async with wire(talk) as server, opened(read_timeout=0.2) as request:
        with pytest.raises(TelegramError) as raised:
            await request.post(server.url())
    logging.getLogger("anywhere").error("it failed", exc_info=raised.value)
    assert "it failed" in caplog.text and SECRET not in caplog.text


def test_the_check_of_the_token_can_fail() -> None:
    with pytest.raises(AssertionError):
        try:
            raise ValueError(f"GET /bot{TOKEN}/getMe")
        except ValueError as error:
            assert_without_token(TimedOut(f"no answer: {error}"))
