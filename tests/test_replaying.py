"""Answers kept as they came, and what they would bring under other rules: through fetch, database and planner."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

import bot
import pipeline
import reader
import replaying
import upkeep
from config.settings import Settings, load
from errors import UsageError
from models import Chat, ChatSettings, Kind, Post, Source, Subscription
from pipeline import Desk
from reader import Parsed
from replaying import Replayed
from sources.documents import Document
from storage import chats, raw
from storage import sources as stored
from storage.database import DatabaseTrouble
from tests.fakes.publisher import Item, rss

URL = "https://news.example/feed"
PAPER = Source("paper", "아침신문", Kind.FEED, URL, every=600.0)
OTHER = Source("other", "저녁신문", Kind.FEED, "https://evening.example/feed", every=600.0)
ARTICLE = "".join(f"<p>시의회는 {n}일 본회의에서 예산 {n}7억 원을 확정했다고 밝혔다.</p>" for n in range(1, 12))


@pytest.fixture
def settings(tmp_path: Path, keep: int) -> Settings:
    return load(None, {"SOKBO_DATABASE_URL": f"sqlite:///{tmp_path}/sokbo.db", "SOKBO_FETCH__KEEP_RAW": str(keep)})


@pytest.fixture
def keep() -> int:
    return 100


class Newsroom:
    """Two publishers whose documents tests write, and a chat that wants all."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.pages: dict[str, bytes] = {}
        self.asked: list[str] = []
        self._beside = sqlite3.connect(desk.database.path)
        desk.http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        return httpx.Response(200, stream=httpx.ByteStream(self.pages[str(request.url)]))

    async def read(self, *items: Item, source: Source = PAPER, body: bytes = b"") -> int:
        self.pages[source.url] = body or rss("소식", list(items)).encode()
        async with self.desk.database.read() as connection:
            watched = await stored.one(connection, source.id)
        assert watched is not None
        self.desk.now.forward(600)  # type: ignore[attr-defined]
        return await pipeline.poll(self.desk, watched)

    async def replay(
        self, source: Source = PAPER, since: datetime | None = None, boilerplate: tuple[str, ...] = ()
    ) -> list[Replayed]:
        async with self.desk.database.read() as connection:
            watched = await stored.one(connection, source.id)
        assert watched is not None
        watched = replace(watched, source=replace(watched.source, boilerplate=boilerplate))
        return [one async for one in replaying.replay(self.desk, watched, since)]

    def version(self) -> int:
        """Another one after each commit that wrote something (https://www.sqlite.org/pragma.html#pragma_data_version)."""
        return int(self._beside.execute("PRAGMA data_version").fetchone()[0])


@pytest.fixture
async def newsroom(desk: Desk) -> Newsroom:
    async with desk.database.write() as tx:
        await stored.declare(tx, [PAPER, OTHER], desk.now(), 60)
        settings = ChatSettings("ko", "Asia/Seoul")
        await chats.subscribe(tx, Chat("scripted", "", "all"), settings, Subscription(0), desk.now())
    return Newsroom(desk)


def item(number: int, title: str = "", original: str = "", text: str = "") -> Item:
    source = f'<p>출처: <a href="https://first.example/{original}">처음</a></p>' if original else ""
    html = f"{source}<p>{text or f'협약 {number}건이 17일 체결되었습니다.'}</p>"
    return Item(title or f"소식 {number:04}호", f"https://news.example/{number}", f"g{number}", None, html)


def verdicts(answers: Sequence[Replayed]) -> list[list[str]]:
    return [[one.now.verdict if one.now else "-" for one in answer.entries] for answer in answers]


def differing(answers: Sequence[Replayed]) -> list[tuple[str, ...]]:
    return [one.differs for answer in answers for one in answer.entries if one.differs]


async def an_evening(newsroom: Newsroom) -> None:
    """News, changed news, a story that both have, the one and the other first, and a guid that comes twice."""
    await newsroom.read(item(1), item(2))
    await newsroom.read(item(9, original="x"), source=OTHER)
    await newsroom.read(item(3), item(2), item(1))
    await newsroom.read(item(8, original="y"), item(9, original="x"), source=OTHER)
    await newsroom.read(item(4, original="y"), item(3), item(2), item(1))
    await newsroom.read(item(5, original="z"), item(4, original="y"), item(3, "고친 소식 3호"), item(2), item(1))
    await newsroom.read(item(7, original="z"), item(8, original="y"), item(9, original="x"), source=OTHER)
    await newsroom.read(item(6), item(5, original="z"), item(3, "고친 소식 3호"), item(2, "고친 소식 2호"))


EVENING = [["old", "old"], ["alert"], ["joins"], ["changed", "alert"], ["changed", "alert"]]


async def test_under_the_same_rules_everything_is_as_it_was_and_nothing_is_written(newsroom: Newsroom) -> None:
    await an_evening(newsroom)
    before = newsroom.version()
    answers = await newsroom.replay()
    assert verdicts(answers) == EVENING and differing(answers) == []
    assert all(answer.compared for answer in answers)
    assert verdicts(await newsroom.replay(OTHER)) == [["old"], ["alert"], ["joins"]]
    assert newsroom.version() == before and len(newsroom.asked) == 8


@pytest.mark.parametrize("keep", [1, 2, 3, 4])
async def test_the_answers_before_those_that_are_kept_are_not_missed(newsroom: Newsroom, keep: int) -> None:
    await an_evening(newsroom)
    answers = await newsroom.replay()
    assert verdicts(answers) == EVENING[-keep:] and differing(answers) == []
    third = (await newsroom.replay())[-1].kept.at
    assert verdicts(await newsroom.replay(since=third)) == EVENING[-1:]


@pytest.mark.parametrize("keep", [2])
async def test_who_forgets_what_was_known_before_finds_differences(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def know_nothing(*_: object) -> None:
        pass

    await an_evening(newsroom)
    monkeypatch.setattr(replaying._Replayer, "_know", know_nothing)
    assert ("new",) in differing(await newsroom.replay())


async def test_another_rule_shows_what_it_changes_and_nothing_else(newsroom: Newsroom) -> None:
    await newsroom.read(item(1))
    long = [item(n, text=f"협약 {n}건이 17일 체결되었습니다.</p><p>광고: 구독 {n}개월 무료 신청") for n in (2, 3)]
    assert await newsroom.read(*long, item(1)) == 2
    assert differing(await newsroom.replay()) == []
    changed = await newsroom.replay(boilerplate=("^광고",))
    assert differing(changed) == [("bullets",), ("bullets",)]
    now, was = changed[1].entries[0].now, changed[1].entries[0].was
    assert now and now.condensed and was
    assert set(now.condensed.bullets) < set(was["bullets"])


async def test_an_entry_that_the_parser_no_longer_gives_is_missing_and_one_that_it_names_anew_is_new(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    await newsroom.read(item(1))
    await newsroom.read(item(2), item(1))
    parse = reader.parse

    def without_the_second(source: Source, documents: tuple[Document, ...]) -> list[Parsed]:
        return [one for one in parse(source, documents) if "2호" not in one[0].title]

    def named_anew(source: Source, documents: tuple[Document, ...]) -> list[Parsed]:
        return [(replace(post, guid=f"new {post.guid}"), mark) for post, mark in parse(source, documents)]

    monkeypatch.setattr(reader, "parse", without_the_second)
    assert differing(await newsroom.replay()) == [("missing",)]
    monkeypatch.setattr(reader, "parse", named_anew)
    assert differing(await newsroom.replay()) == [("new",), ("missing",)] * 2


async def test_what_could_not_be_read_is_kept_too_and_read_when_the_rules_can(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    await newsroom.read(item(1))
    await newsroom.read(body=b"<html><body>no feed</body></html>")
    (_, broken) = await newsroom.replay()
    assert broken.problem and broken.was_problem == broken.problem and broken.entries == ()
    post = Post("paper", "k", "소식 9호", "https://news.example/9", "<p>협약 9건이 체결되었습니다.</p>")

    def reads_all(source: Source, documents: tuple[Document, ...]) -> list[Parsed]:
        return [(post, "mark")]

    monkeypatch.setattr(reader, "parse", reads_all)
    (_, read) = await newsroom.replay()
    assert not read.problem and read.was_problem == broken.was_problem


async def test_articles_are_replayed_without_asking_for_them(newsroom: Newsroom, desk: Desk) -> None:
    async with desk.database.write() as tx:
        await stored.declare(tx, [replace(PAPER, full_text=True)], desk.now(), 60)
    await newsroom.read(item(1))
    newsroom.pages["https://news.example/2"] = f"<html><body><article>{ARTICLE}</article></body></html>".encode()
    await newsroom.read(item(2, text="자세한 내용은…"), item(1))
    asked = len(newsroom.asked)
    answers = await newsroom.replay()
    assert verdicts(answers) == [["old"], ["alert"]] and differing(answers) == []
    assert len(newsroom.asked) == asked
    with_article = answers[1].entries[0].now
    assert with_article and with_article.condensed and "확정했다" in " ".join(with_article.condensed.bullets)


async def test_what_a_hub_sends_is_replayed_as_a_push(newsroom: Newsroom, desk: Desk) -> None:
    await newsroom.read(item(1), item(2))
    async with desk.database.read() as connection:
        watched = await stored.one(connection, "paper")
    assert watched is not None
    await pipeline.take_push(desk, watched, Document(URL, rss("소식", [item(3)]).encode()))
    answers = await newsroom.replay()
    assert [answer.kept.how for answer in answers] == ["read", "push"]
    assert verdicts(answers) == [["old", "old"], ["alert"]] and differing(answers) == []


# ------------------------------------------------------------------------------------------------- what is kept


async def kept(desk: Desk, source: Source = PAPER) -> list[raw.Kept]:
    async with desk.database.read() as connection:
        found = [await raw.one(connection, number) for number in await raw.since(connection, source.id, None)]
    return [one for one in found if one is not None]


@pytest.mark.parametrize("keep", [0, 2])
async def test_nothing_is_kept_unless_it_is_asked_for_and_then_the_newest(
    newsroom: Newsroom, desk: Desk, keep: int
) -> None:
    for number in range(1, 5):
        await newsroom.read(item(number))
    assert [one.at for one in await kept(desk)] == [desk.now() - timedelta(seconds=600 * n) for n in (1, 0)][:keep]


async def test_an_answer_that_comes_again_is_kept_once(newsroom: Newsroom, desk: Desk) -> None:
    for _ in range(3):
        await newsroom.read(item(1))
        async with desk.database.write() as tx:
            await stored.declare(tx, [replace(PAPER, url=f"{URL}?{desk.now()}"), OTHER], desk.now(), 60)
            await stored.declare(tx, [PAPER, OTHER], desk.now(), 60)  # its validators are forgotten
    assert len(await kept(desk)) == 1


def answer(source: str, number: int, size: int) -> raw.Answer:
    at = datetime.fromisoformat("2026-06-17T05:00Z")
    return raw.Answer(source, at, "read", bytes(size), f"{source} {number}")


async def test_a_noisy_source_costs_the_others_nothing(desk: Desk) -> None:
    caps = raw.Caps(100, 10_000)
    async with desk.database.write() as tx:
        for number in range(3):
            await raw.keep(tx, answer("paper", number, 1000), caps)
        for number in range(50):
            assert await raw.keep(tx, answer("other", number, 900), caps)
        assert await raw.keep(tx, answer("other", 99, 10_001), caps) is None
    assert len(await kept(desk)) == 3
    left = await kept(desk, OTHER)
    assert sum(len(one.body) for one in left) == 6300 and left[-1].id == 53


@pytest.mark.parametrize("keep", [100])
async def test_when_it_is_switched_off_what_was_kept_is_deleted(
    newsroom: Newsroom, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "REST", 0.0)
    await newsroom.read(item(1))
    await newsroom.read(item(2), source=OTHER)
    async with desk.database.write() as tx:
        await stored.declare(tx, [PAPER], desk.now(), 60)
    await upkeep.prune(desk)
    assert (len(await kept(desk)), len(await kept(desk, OTHER))) == (1, 0)
    fetch = desk.settings.fetch.model_copy(update={"keep_raw": 0})
    desk.settings = desk.settings.model_copy(update={"fetch": fetch})
    await upkeep.prune(desk)
    assert await kept(desk) == []


async def test_news_comes_though_its_answer_cannot_be_kept(
    newsroom: Newsroom, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> int:
        raise DatabaseTrouble("disk is full")

    await newsroom.read(item(1))
    monkeypatch.setattr(raw, "keep", full)
    assert await newsroom.read(item(2), item(1)) == 1


async def test_a_damaged_answer_is_told_in_words(newsroom: Newsroom, desk: Desk) -> None:
    await newsroom.read(item(1))
    with sqlite3.connect(desk.database.path) as connection:
        connection.execute("UPDATE raw_responses SET body = substr(body, 1, 50)")
    (answer,) = await newsroom.replay()
    assert answer.problem == "what was kept of it is damaged" and differing([answer]) == [("missing",)]


# ---------------------------------------------------------------------------------------------- on the command line


async def test_the_command_line_tells_it_in_words_and_as_json(
    newsroom: Newsroom, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    await newsroom.read(item(1))
    await newsroom.read(item(2), item(1))
    before = newsroom.version()
    assert await bot._sources_replay(desk.settings, "paper", "", as_json=False) == 0
    told = capsys.readouterr().out
    assert "[alert] 소식 0002호" in told and "→ 1 chat" in told
    assert told.splitlines()[-1] == "2 answers, 1 old, 0 different, 1 alert"
    assert await bot._sources_replay(desk.settings, "paper", "3650d", as_json=True) == 0
    old, new = map(json.loads, capsys.readouterr().out.splitlines())
    assert (old["now"]["verdict"], new["now"]["headline"]) == ("old", "소식 0002호")
    assert new["differs"] == [] and new["now"]["reach"] == {"chats": 1, "later": 0, "kept_from": {}}
    assert await bot._sources_replay(desk.settings, "other", "", as_json=False) == 1
    assert "keep_raw" in capsys.readouterr().err
    for name, since in (("nobody", ""), ("paper", "yesterday")):
        with pytest.raises(UsageError):
            await bot._sources_replay(desk.settings, name, since, as_json=False)
    assert newsroom.version() == before


async def test_an_alert_that_no_chat_wants_is_filtered_with_the_reason(newsroom: Newsroom, desk: Desk) -> None:
    async with desk.database.write() as tx:
        settings = ChatSettings("ko", "Asia/Seoul")
        await chats.subscribe(
            tx, Chat("scripted", "", "few"), settings, Subscription(0, include=("없는말",)), desk.now()
        )
    await newsroom.read(item(1))
    await newsroom.read(item(2), item(1))
    (entry,) = (await newsroom.replay())[1].entries
    assert entry.now and entry.now.reach
    assert (entry.now.verdict, entry.now.reach.chats, entry.now.reach.kept_from) == ("alert", 1, {"word": 1})
    async with desk.database.write() as tx:
        await chats.unsubscribe(tx, Chat("scripted", "", "all"))
    (entry,) = (await newsroom.replay())[1].entries
    assert entry.now and entry.now.verdict == "filtered" and entry.differs == ()
    assert bot._reach_lines(entry.now.reach) == ["  → no chat; 1 kept from it: word"]
