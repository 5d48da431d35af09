"""What is news and what is not, through fetch, parser, database and planner: where peers send floods or nothing."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import bot
import handlers
import pipeline
from config.settings import Settings, load
from errors import UsageError
from models import Chat, ChatSettings, Command, Kind, Parcel, Reply, Source, Subscription
from notices import Teller
from pipeline import Desk, Dispatcher, KnownEntries
from storage import chats
from storage import sources as stored
from storage.tables import seen, versions
from tests.conftest import Clock
from tests.fakes.publisher import Item, rss
from tests.senders import ScriptedSender

URL = "https://news.example/feed"
SOURCE = Source("a", "아침신문", Kind.FEED, URL, every=600.0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    told = {"SOKBO_LANGUAGE": "en", "SOKBO_DESK__CHATS": "telegram:-1", "SOKBO_DELIVERY__ROUNDUP_AFTER": "1000"}
    return load(None, {"SOKBO_DATABASE_URL": f"sqlite:///{tmp_path}/sokbo.db", **told})


class Feed:
    """A publisher whose document tests write, and a chat that receives all of it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.items: list[Item] = []
        self.answer: httpx.Response | None = None
        self.sender = ScriptedSender("telegram")
        desk.senders = {"telegram": self.sender}
        desk.http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, _: httpx.Request) -> httpx.Response:
        made, self.answer = self.answer, None
        return made or httpx.Response(200, stream=httpx.ByteStream(rss("소식", self.items).encode()))

    async def read(self, *items: Item, answer: httpx.Response | None = None) -> list[str]:
        """What the chat gets after a read of these items, newest first as feeds are."""
        self.items, self.answer = [*items], answer
        before = len(self.sender.shown["chat"])
        async with self.desk.database.read() as connection:
            watched = await stored.one(connection, "a")
        assert watched is not None
        await pipeline.poll(self.desk, watched)
        return await self.delivered(before)

    async def delivered(self, before: int) -> list[str]:
        clock, dispatcher, quiet = self.desk.now, Dispatcher(self.desk), 0
        assert isinstance(clock, Clock)
        while quiet < 2:
            done = len(self.sender.sent) + len(self.sender.edited)
            await dispatcher.turn()
            await dispatcher.calls_end()
            clock.forward(0.02)
            quiet = quiet + 1 if done == len(self.sender.sent) + len(self.sender.edited) else 0
        clock.forward(600)
        return self.sender.shown["chat"][before:]

    async def notices(self) -> list[str]:
        await Teller(self.desk).turn()
        return [line for chat, reply in self.sender.told if chat == "-1" for line in reply.lines]

    async def ask(self, text: str, *, trusted: bool = True) -> Reply:
        name, _, args = text.partition(" ")
        chat = Chat("telegram", "", "-1")
        command = Command(name, args, chat, "1", "en", private=False, trusted=trusted, open=True, pressed=True)
        return await handlers.answer(self.desk, command)


@pytest.fixture
async def feed(desk: Desk) -> AsyncIterator[Feed]:
    made = Feed(desk)
    async with desk.database.write() as tx:
        await stored.declare(tx, [SOURCE], desk.now(), 60)
        await chats.subscribe(
            tx, Chat("telegram", "", "chat"), ChatSettings("ko", "Asia/Seoul"), Subscription(0), desk.now()
        )
    yield made


def item(n: int, **changed: Any) -> Item:
    text = f"<p>협약 {n}건이 체결되었습니다. 관계자는 다음 달 {n % 28 + 1}일에 시작한다고 밝혔습니다.</p>"
    return Item(
        **{"title": f"소식 {n}호", "link": f"https://news.example/{n}", "guid": f"g{n}", "html": text, **changed}
    )


def items(*numbers: int, **changed: Any) -> list[Item]:
    return [item(n, **changed) for n in numbers]


# ------------------------------------------------------------------------------------------------------ the first read


async def test_a_failed_first_read_floods_nobody_later(feed: Feed) -> None:
    assert await feed.read(answer=httpx.Response(503)) == []
    assert await feed.read(*items(3, 2, 1), answer=httpx.Response(200, stream=httpx.ByteStream(b"<rss><chan"))) == []
    assert await feed.read(*items(3, 2, 1)) == []
    assert await feed.read(*items(4, 3, 2, 1)) == ["소식 4호"]


async def test_a_first_read_that_was_empty_counts_as_a_read(feed: Feed) -> None:
    assert await feed.read() == []
    assert await feed.read(item(1)) == ["소식 1호"]


async def test_another_address_of_which_nothing_is_known_begins_in_silence_and_a_known_one_goes_on(feed: Feed) -> None:
    await feed.read(*items(3, 2, 1))
    for url, numbers, wanted in (
        ("https://news.example/moved", (4, 3, 2, 1), ["소식 4호"]),
        ("https://other.example/", (104, 103, 102, 101), []),
        ("https://other.example/", (105, 104, 103, 102), ["소식 105호"]),
    ):
        async with feed.desk.database.write() as tx:
            changed = Source(SOURCE.id, SOURCE.name, SOURCE.kind, url, every=600.0)
            await stored.declare(tx, [changed], feed.desk.now(), 60)
        assert await feed.read(*items(*numbers)) == wanted


# --------------------------------------------------------------------------------------------------------------- dates


async def test_undated_back_dated_future_dated_and_out_of_order_posts_are_all_news_once(
    feed: Feed, clock: Clock
) -> None:
    """n8n's trigger moves a date watermark: undated items never fire, late ones are missed, a future one blocks all."""
    first = [item(n, published=clock() - timedelta(hours=n)) for n in (1, 2, 3)]
    assert await feed.read(*first) == []
    future = item(10, published=clock() + timedelta(days=400))
    assert await feed.read(future, *first) == ["소식 10호"]
    late = item(11, published=clock() - timedelta(days=30))
    assert await feed.read(future, first[0], late, *first[1:]) == ["소식 11호"]
    now = item(12, published=clock())
    assert await feed.read(*first, late, now, future) == ["소식 12호"]
    assert await feed.read(item(13), *first) == ["소식 13호"]
    assert await feed.read(*first, item(14)) == ["소식 14호"]
    assert await feed.read(item(13), item(14), now, late, future, *first) == []


async def test_items_that_vanish_and_return_are_not_news_again(feed: Feed) -> None:
    await feed.read(*items(3, 2, 1))
    assert await feed.read(*items(5, 4, 3)) == ["소식 4호", "소식 5호"]
    assert await feed.read(*items(1)) == []
    assert await feed.read() == []
    assert await feed.read(*items(6, 5, 4, 3, 2, 1)) == ["소식 6호"]


async def test_where_an_item_is_deleted_an_older_one_slides_in_and_is_no_news(feed: Feed, clock: Clock) -> None:
    """NodeRSSBot#474, bitbot#83. What is merely dated back is news, also where another is deleted."""
    began = clock()

    def dated(n: int, **changed: Any) -> Item:
        return item(n, published=began - timedelta(hours=100 - n), **changed)

    await feed.read(*(dated(n) for n in (15, 14, 13, 12, 11)))
    assert await feed.read(*(dated(n) for n in (16, 15, 13, 12, 11))) == ["소식 16호"]
    assert await feed.read(*(dated(n) for n in (16, 15, 12, 11, 10))) == []
    assert await feed.read(*(dated(n) for n in (17, 16, 12, 11, 10))) == ["소식 17호"]
    assert await feed.read(*(dated(n) for n in (17, 12, 11, 10, 9, 8))) == ["소식 8호", "소식 9호"]  # two for one: news
    late = item(50, published=began - timedelta(hours=88))
    assert await feed.read(*(dated(n) for n in (17, 12)), late, dated(10), dated(9)) == ["소식 50호"]


# ---------------------------------------------------------------------------------------------------------------- keys


async def test_repeated_guids_are_told_apart_and_stay_so_when_their_fellows_leave(feed: Feed) -> None:
    """MonitoRSS takes other ids for such a fetch: every item looks new. flowerss takes all guid-less ones for one."""
    same = {n: item(n, guid="same") for n in range(1, 9)}
    await feed.read(same[2], same[1])
    assert await feed.read(same[1]) == [] and await feed.read(same[2]) == []
    assert await feed.read(same[3], same[2]) == ["소식 3호"]
    assert await feed.read(same[4]) == ["소식 4호"]
    assert await feed.read(*(same[n] for n in (5, 4, 3, 2, 1))) == ["소식 5호"]


async def test_a_feed_without_guids_is_known_by_its_links_and_one_without_links_by_its_text(feed: Feed) -> None:
    def bare(*numbers: int) -> list[Item]:
        return items(*numbers, guid="")

    await feed.read(*bare(2, 1))
    assert await feed.read(*bare(3, 2, 1)) == ["소식 3호"]
    counted = [item(n, guid="", link=f"http://news.example/{n}?utm_source=rss") for n in (3, 2, 1)]
    assert await feed.read(*counted) == []
    assert await feed.read(*items(3, 2, 1)) == []  # guids appear: the links go on naming the posts
    assert await feed.read(*items(4, 3, 2, 1)) == ["소식 4호"]
    nothing = items(6, 5, guid="", link="")
    assert await feed.read(*nothing) == ["소식 5호", "소식 6호"] and await feed.read(*reversed(nothing)) == []


async def test_an_edited_title_or_date_is_no_second_alert(feed: Feed, clock: Clock) -> None:
    """FeedCord#67, miniflux#1378, feediverse#46: publishers that edit, and push old entries to the top."""
    await feed.read(*items(2, 1))
    assert await feed.read(*items(3, 2, 1)) == ["소식 3호"]
    assert await feed.read(item(3, title="고친 소식 3호", published=clock()), item(1, published=clock()), item(2)) == []
    assert feed.sender.shown["chat"] == ["고친 소식 3호"]


async def test_an_old_entry_that_is_edited_among_known_ones_is_noticed(feed: Feed) -> None:
    """Entries that stand as they stood are not read again; one that does not is."""
    await feed.read(item(1))
    await feed.read(*items(4, 3, 2, 1))
    assert feed.desk.known.of("a")
    edited = item(3, html="<p>협약 3건이 취소되었습니다. 관계자는 까닭을 밝히지 않았습니다.</p>")
    assert await feed.read(item(5), item(4), edited, item(2), item(1)) == ["소식 5호"]
    (changed,) = feed.sender.edited
    assert isinstance(changed, Parcel) and any("취소" in bullet for bullet in changed.alert.bullets)
    assert await feed.read(item(2), edited, item(5), item(1), item(4)) == [] and len(feed.sender.edited) == 1


@pytest.mark.parametrize("known", ["as it was", "nothing"])
async def test_an_entry_that_was_settled_in_another_form_meanwhile_is_read_though_it_is_known(
    feed: Feed, known: str
) -> None:
    """A hub sent an edit, and the document does not have it yet."""
    await feed.read(item(1))
    await feed.read(*items(2, 1))
    async with feed.desk.database.write() as tx:
        await tx.execute(seen.update().where(seen.c.key == "g2").values(fingerprint="another"))
        await tx.execute(versions.update().where(versions.c.headline == "소식 2호").values(headline="고친 소식 2호"))
    if known == "nothing":
        feed.desk.known.keep("a", b"")
    assert await feed.read(*items(3, 2, 1)) == ["소식 3호"]
    assert feed.sender.shown["chat"] == ["소식 2호", "소식 3호"] and len(feed.sender.edited) == 1


def test_what_is_known_of_entries_takes_no_more_than_its_room() -> None:
    known = KnownEntries(most=100)
    for source in ("a", "b", "a", "c"):
        known.keep(source, b"x" * 40)
    assert [len(known.of(source)) for source in ("a", "b", "c")] == [40, 0, 40]
    known.keep("c", b"")
    known.keep("b", b"x" * 60)
    assert [len(known.of(source)) for source in ("a", "b", "c")] == [40, 60, 0]


# ---------------------------------------------------------------------------------------------------------------- held


def renamed(*numbers: int) -> list[Item]:
    return [item(n, guid=f"new-{n}", link=f"https://new.example/{n}") for n in numbers]


OLD = range(10, 0, -1)


async def test_a_change_of_all_guids_is_held_told_once_and_sent_when_an_admin_says_so(feed: Feed) -> None:
    """newrelic/docs-website#1271, LeaVerou/blog#18: hundreds of old posts sent again."""
    await feed.read(*items(*OLD))
    assert await feed.read(*renamed(*OLD)) == []
    assert await feed.read(*renamed(*OLD)) == []
    (told,) = await feed.notices()
    assert "아침신문 (a): 10 posts that come as new look like old ones" in told and "소식 1호" in told
    (buttons,) = feed.sender.told[0][1].buttons
    assert [button.press for button in buttons] == ["held send 1", "held seen 1"]
    before = len(feed.sender.shown["chat"])
    reply = await feed.ask(buttons[0].press)
    assert reply.lines == ("10 held posts go out as news.",)
    assert sorted(await feed.delivered(before)) == sorted(f"소식 {n}호" for n in OLD)
    assert (await feed.notices())[1:] == ["✅ 아침신문 (a): the 10 held posts go out as news."]
    assert (await feed.ask(buttons[1].press)).lines == ("Nothing is held under 1: somebody has decided already.",)
    assert await feed.read(*renamed(21, *OLD)) == ["소식 21호"]


async def test_what_is_marked_as_seen_is_never_sent_and_an_edit_of_it_reaches_the_old_alert(feed: Feed) -> None:
    await feed.read(*items(1))
    await feed.read(*items(6, 5, 4, 3, 2, 1))
    assert await feed.read(*renamed(6, 5, 4, 3, 2, 1)) == []
    assert (await feed.ask("held seen 1")).lines == ("6 held posts are taken as seen; nothing is sent.",)
    assert await feed.delivered(5) == []
    assert await feed.read(*renamed(7, 6, 5, 4, 3, 2, 1)) == ["소식 7호"]
    edited = [one if one.guid != "new-4" else item(4, guid="new-4", title="고친 소식 4호") for one in renamed(6, 5, 4)]
    assert await feed.read(*edited) == []
    assert "고친 소식 4호" in feed.sender.shown["chat"] and "소식 4호" not in feed.sender.shown["chat"]


async def test_news_among_renamed_posts_is_sent_and_later_news_too(feed: Feed) -> None:
    await feed.read(*items(*OLD))
    assert await feed.read(item(99), *renamed(*OLD)) == ["소식 99호"]
    assert await feed.read(item(100), item(99), *renamed(*OLD)) == ["소식 100호"]


async def test_a_mere_lot_of_news_is_never_held_nor_four_renamed_posts(feed: Feed) -> None:
    await feed.read(*items(*OLD))
    assert len(await feed.read(*items(*range(40, 20, -1)))) == 20
    assert len(await feed.read(*renamed(4, 3, 2, 1))) == 4
    assert await feed.notices() == []


async def test_only_admins_decide_and_a_list_shows_what_waits(feed: Feed) -> None:
    await feed.read(*items(*OLD))
    await feed.read(*renamed(*OLD))
    for text in ("held", "held send 1", "held seen 1"):
        assert (await feed.ask(text, trusted=False)).lines == ("This command is for the bot's admins.",)
    listed = await feed.ask("held")
    assert listed.lines[0].startswith("1. 아침신문: 10 posts that look like old ones under new names — 소식 1호 / ")
    assert [button.press for button in listed.buttons[0]] == ["held send 1", "held seen 1"]
    assert "/held send 7" in (await feed.ask("held nonsense")).lines[0]
    await feed.ask("held seen 1")
    assert (await feed.ask("held")).lines == ("Nothing is held.",)


async def test_the_command_line_lists_and_decides_too(
    feed: Feed, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await feed.read(*items(*OLD))
    await feed.read(*renamed(*OLD))
    assert await bot._sources_held(settings, [], as_json=True) == 0
    assert '"id": 1, "source": "a", "posts": 10' in capsys.readouterr().out
    assert await bot._sources_held(settings, ["seen", "1"], as_json=True) == 0
    assert await bot._sources_held(settings, [], as_json=True) == 0
    assert capsys.readouterr().out == '{"id": 1, "done": "seen", "posts": 10}\n'
    for wrong in (["seen", "1"], ["send"], ["burn", "1"]):
        with pytest.raises(UsageError):
            await bot._sources_held(settings, wrong, as_json=True)
    assert await feed.read(*renamed(*OLD)) == []
