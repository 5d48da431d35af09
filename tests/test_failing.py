"""A source is never silently given up: what fails for a day is told, once, in words; and that it is back."""

import json
import re
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

import bot
import handlers
import pipeline
from config.settings import Settings, load
from errors import SourceError
from locales import tables
from models import Chat, Command, Kind, Source
from notices import Teller
from pipeline import Desk
from sources import troubles
from storage import sources as stored
from storage.sources import Watched
from tests.conftest import Clock
from tests.fakes.publisher import Item, rss
from tests.senders import ScriptedSender

FEED = rss("소식", [Item("소식 1호", link="https://a.example/1", guid="g1")]).encode()
SOURCE = Source("a", "아침신문", Kind.FEED, "https://a.example/feed", every=600.0)
Answer = Callable[[], httpx.Response]


@pytest.fixture(params=["en"])
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    told = {"SOKBO_LANGUAGE": str(request.param), "SOKBO_DESK__CHATS": "telegram:-1", "SOKBO_TELEGRAM__TOKEN": "1:a"}
    return load(None, {"SOKBO_DATABASE_URL": f"sqlite:///{tmp_path}/sokbo.db", **told})


class Publisher:
    """One that answers as it is told to."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.answer: Answer = good
        self.sender = ScriptedSender("telegram")
        desk.senders = {"telegram": self.sender}
        desk.http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: self.answer()))

    async def watched(self) -> Watched:
        async with self.desk.database.read() as connection:
            found = await stored.one(connection, "a")
        assert found is not None
        return found

    async def hours(self, hours: float) -> None:
        """So much time passes, with a read whenever one is due and not paused."""
        clock = self.desk.now
        assert isinstance(clock, Clock)
        end = clock() + timedelta(hours=hours)
        while (watched := await self.watched()).next_at <= end and not watched.paused:
            clock.time = max(clock(), watched.next_at)
            await pipeline.poll(self.desk, watched)
            await Teller(self.desk).turn()
        clock.time = end

    @property
    def told(self) -> list[str]:
        return [line for _, reply in self.sender.told for line in reply.lines]


def good() -> httpx.Response:
    return httpx.Response(200, stream=httpx.ByteStream(FEED))


def status(number: int, **headers: str) -> Answer:
    return lambda: httpx.Response(number, headers=headers)


def page(text: str) -> Answer:
    return lambda: httpx.Response(200, stream=httpx.ByteStream(text.encode()))


def broken(cause: Exception) -> Answer:
    def answer() -> httpx.Response:
        raise httpx.ConnectError("no") from cause

    return answer


def refused(error: SourceError) -> Answer:
    """As the transport refuses where a request would lead."""

    def answer() -> httpx.Response:
        raise error

    return answer


def certificate(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("verify failed")
    error.verify_code, error.verify_message = code, message
    return error


@pytest.fixture
async def publisher(desk: Desk) -> Publisher:
    async with desk.database.write() as tx:
        await stored.add(tx, SOURCE, desk.now(), 60)
    made = Publisher(desk)
    await made.hours(1)
    return made


async def test_a_day_of_failure_is_told_once_and_its_end_once(publisher: Publisher) -> None:
    publisher.answer = status(500)
    await publisher.hours(23)
    assert publisher.told == []
    await publisher.hours(8)
    (told,) = publisher.told
    why = r"its server has trouble \(its server has trouble \(500\)\)"
    assert re.match(rf"⚠️ 아침신문 \(a\) could not be read for 24 hours: {why}\. ", told)
    publisher.answer = good
    await publisher.hours(2)
    assert publisher.told[1:] == ["✅ 아침신문 (a) can be read again."]
    publisher.answer = status(404)
    await publisher.hours(26)
    assert len(publisher.told) == 3 and "nothing is found at its address any more" in publisher.told[2]


async def test_what_fails_now_and_then_is_told_nobody(publisher: Publisher) -> None:
    for _ in range(5):
        publisher.answer = status(503)
        await publisher.hours(5)
        publisher.answer = good
        await publisher.hours(1)
    assert publisher.told == []


async def test_a_source_that_failed_for_a_day_is_still_read_every_hour_and_loses_nothing(publisher: Publisher) -> None:
    publisher.answer = page("<!doctype html><html><title>Sold</title></html>")
    await publisher.hours(60)
    assert len(publisher.told) == 1
    before = (await publisher.watched()).last_read_at
    assert before is not None and publisher.desk.now() - before <= timedelta(hours=1.1)
    publisher.answer = good
    await publisher.hours(1.2)
    assert (await publisher.watched()).problem == ""


async def test_gone_is_told_at_once_and_stops_the_source_until_it_is_resumed(publisher: Publisher) -> None:
    publisher.answer = status(410)
    await publisher.hours(48)
    (told,) = publisher.told
    assert "is gone for good and was paused" in told and "sources resume a" in told
    publisher.answer = good
    async with publisher.desk.database.write() as tx:
        await stored.pause(tx, "a", paused=False, now=publisher.desk.now())
    await publisher.hours(1)
    assert publisher.told[1:] == ["✅ 아침신문 (a) can be read again."]


REASONS: list[tuple[Answer, str]] = [
    (status(403, **{"cf-mitigated": "challenge"}), "a wall against bots refuses us (a wall against bots (Cloudflare)"),
    (page("<!doctype html><title>Just a moment...</title>"), "a wall against bots (Cloudflare) stands where"),
    (page("<html><div class='g-recaptcha'></div></html>"), "a wall against bots (captcha) stands where"),
    (broken(certificate(10, "certificate has expired")), "its certificate has expired"),
    (broken(certificate(18, "self-signed certificate")), "its certificate is not valid"),
    (broken(OSError()), "nobody answers"),
    (status(302, Location="http://a.example/"), "from https to http, which is refused"),
    (lambda: httpx.Response(200, stream=httpx.ByteStream(b" " * 6_000_000)), "its document is too large"),
    (page('<rss version="2.0"><channel>' + "<item/>" * 6000 + "</channel></rss>"), "more than one source may take"),
    (status(401), "it asks for a password"),
    (status(429), "it asks us to come less often"),
    (page(""), "not a feed"),
    (status(418), "it cannot be read (it answers 418)"),
    (status(302, Location="/again"), "it redirects to nowhere (more than 5 redirects in a row)"),
    (refused(SourceError("address", "10.0.0.1 is not a public address")), "its address is not a public one"),
    (page('<rss><channel><item><title a="' + "a" * 110_000 + '"/></item></channel></rss>'), "100,000 characters"),
    (page('<rss><channel><!ENTITY a "b"><item/></channel></rss>'), "declares entities of its own"),
    (page("<rss><channel><item><title>a</ti"), "its answers break off"),
]


@pytest.mark.parametrize(("answer", "words"), REASONS)
async def test_each_reason_is_told_in_words_and_stands_at_the_source(
    publisher: Publisher, answer: Answer, words: str, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    async with publisher.desk.database.write() as tx:  # as if it had failed yesterday already
        now = publisher.desk.now()
        yesterday = now - timedelta(days=1)
        await stored.failed(tx, "a", now=yesterday, next_at=now, reason="timeout", problem="late")
    publisher.answer = answer
    await publisher.hours(1)
    (told,) = publisher.told
    assert words in told
    problem = (await publisher.watched()).problem
    assert problem and problem in told and problem in await ask(publisher.desk, "sources")
    capsys.readouterr()
    assert await bot._sources_list(settings, as_json=True) == 0
    (listed,) = (json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{"))
    assert listed["state"] == problem


async def ask(desk: Desk, name: str) -> str:
    chat = Chat("telegram", "", "-1")
    command = Command(name, "", chat, "1", desk.settings.language, private=False, trusted=True, open=True)
    return "\n".join((await handlers.answer(desk, command)).lines)


@pytest.mark.parametrize("settings", ["ko"], indirect=True)
async def test_the_reason_is_said_in_the_language_of_the_reader(publisher: Publisher) -> None:
    publisher.answer = status(404)
    await publisher.hours(26)
    (told,) = publisher.told
    # The back-off has its dice: it is the first read after a day, not the day.
    said = r"⚠️ 아침신문 \(a\) 출처를 2[45]시간 동안 읽지 못했습니다: 그 주소에 더는 아무것도 없습니다 \("
    assert re.match(said, told)
    assert "그 주소에 더는 아무것도 없습니다" in await ask(publisher.desk, "sources")


def test_every_reason_has_its_text() -> None:
    texts = {text.removeprefix("trouble.") for text in map(troubles.text_of, [*troubles.TEXTS, "http-500", "new"])}
    assert texts == tables("en")["trouble"].keys() == tables("ko")["trouble"].keys()
