"""No secret reaches stderr, whoever logs it and however."""

import asyncio
import logging
from collections.abc import Iterator

import httpx
import pytest
import structlog

import logs

SECRET = "7700:AAH-a_secret.that+must*never-be~seen"
LONGER = f"{SECRET}-and-more"
URL = f"https://api.example.org/bot{SECRET}/getUpdates"


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Logging belongs to the process: what a test configures is put back."""
    root = logging.getLogger()
    names = [*logging.Logger.manager.loggerDict]
    levels = {name: logging.getLogger(name).level for name in names}
    handlers, level, kept = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in logging.Logger.manager.loggerDict:
        logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))
    structlog.configure(**kept)


def written(capsys: pytest.CaptureFixture[str]) -> str:
    """What reached stderr; nothing may reach stdout, where alerts go."""
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def struck_out(text: str) -> bool:
    return SECRET not in text and "must*never" not in text and logs.HIDDEN in text


def raise_with_a_cause() -> None:
    try:
        raise ValueError(f"GET {URL} failed")
    except ValueError as error:
        raise RuntimeError(f"no answer from {URL}") from error


def test_a_secret_in_a_message_or_its_arguments_is_struck_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("DEBUG", [SECRET])
    log = logging.getLogger("some.library")
    log.debug("POST %s %s", URL, {"url": [URL]})
    log.info("%r %s", httpx.URL(URL), URL.encode())
    log.warning(URL)
    text = written(capsys)
    assert text.count(logs.HIDDEN) >= 4
    assert struck_out(text)


def test_a_secret_in_a_structured_line_is_struck_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("DEBUG", [SECRET])
    log = structlog.get_logger().bind(bound=SECRET)
    log.debug(f"calling {URL}", url=URL, nested={"headers": [("Authorization", f"Bearer {SECRET}")]})
    log.error(SECRET, stack_info=True)
    text = written(capsys)
    assert text.count(logs.HIDDEN) >= 5
    assert struck_out(text)


def test_a_secret_in_a_traceback_and_its_causes_is_struck_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("DEBUG", [SECRET])
    for log in (logging.getLogger("some.library"), structlog.get_logger()):
        try:
            raise_with_a_cause()
        except RuntimeError:
            log.exception("it failed")
    text = written(capsys)
    assert text.count("The above exception was the direct cause") == 2
    assert struck_out(text)


def test_a_secret_in_an_exception_of_a_forgotten_task_is_struck_out(capsys: pytest.CaptureFixture[str]) -> None:
    async def fails() -> None:
        raise_with_a_cause()

    async def forget() -> None:
        task = asyncio.create_task(fails())
        await asyncio.wait({task})
        del task

    logs.configure("DEBUG", [SECRET])
    asyncio.run(forget())
    text = written(capsys)
    assert "Task exception was never retrieved" in text
    assert struck_out(text)


async def test_a_secret_in_the_address_of_a_real_request_is_struck_out(capsys: pytest.CaptureFixture[str]) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    logs.configure("DEBUG", [SECRET])
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server, httpx.AsyncClient(trust_env=False) as http:
        await http.get(f"http://{host}:{port}/bot{SECRET}/getMe")
    text = written(capsys)
    assert "getMe" in text
    assert struck_out(text)


def test_a_secret_that_begins_like_another_is_struck_out_whole(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("DEBUG", [SECRET, LONGER])
    logging.getLogger("x").info(LONGER)
    text = written(capsys)
    assert struck_out(text)
    assert "and-more" not in text


def test_without_the_secrets_the_same_lines_would_show_them(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("DEBUG", [])
    logging.getLogger("some.library").debug(URL)
    structlog.get_logger().info("calling", url=URL)
    assert written(capsys).count(SECRET) == 2


def test_libraries_are_quiet_about_addresses_unless_debugging(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", [SECRET])
    logging.getLogger("httpx").info("HTTP Request: GET %s", "https://example.org")
    structlog.get_logger().info("connected")
    text = written(capsys)
    assert "connected" in text and "example.org" not in text
