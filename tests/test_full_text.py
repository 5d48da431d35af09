"""Where a source gives teasers, what is sent has the text of its article; the alert never waits or fails for it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from config.settings import Fetch
from models import Kind, Source
from pipeline import Desk, poll
from sources import fetch
from storage import archive
from storage import sources as watched_sources
from tests.conftest import Clock
from tests.fakes.publisher import FakePublisher, Item, news_sitemap, rss

LIMITS = Fetch(timeout=30.0, allow_networks=("127.0.0.0/8",))
HURRIED = LIMITS.model_copy(update={"timeout": 1.0})
"""For publishers that let one wait; of others, nobody is to be late on a busy machine."""
TEASER = "<p>의장은 17일 표결에서 찬성 37표가 나왔다고 밝혔다.</p><p>자세한 내용은…</p>"
ARTICLE = "".join(f"<p>시의회는 {n}일 본회의에서 예산 {n}7억 원을 확정했다고 밝혔다.</p>" for n in range(1, 12))


@pytest.fixture
def publisher() -> Iterator[FakePublisher]:
    with FakePublisher() as made:
        yield made


class Paper:
    """A publisher of teasers, watched."""

    def __init__(self, desk: Desk, publisher: FakePublisher, limits: Fetch = LIMITS, kind: Kind = Kind.FEED) -> None:
        limited = desk.settings.model_copy(update={"fetch": limits})
        self.desk = Desk(desk.database, fetch.client(limits, "0.1.0"), limited, {}, desk.now, "test")
        self.publisher = publisher
        self.source = Source("paper", "Paper", kind, f"{publisher.url}/feed", every=60.0, full_text=True)

    def publish(self, *items: Item) -> None:
        written = news_sitemap(list(items)) if self.source.kind is Kind.SITEMAP else rss("Paper", list(items))
        self.publisher.set("/feed", written)

    def item(self, number: int, title: str = "", html: str = "") -> Item:
        link = f"{self.publisher.url}/{number}"
        return Item(title or f"시의회, {number}호 예산안 통과", link, str(number), None, html or TEASER)

    async def look(self) -> None:
        async with self.desk.database.write() as tx:
            await watched_sources.declare(tx, [self.source], self.desk.now(), 60)
        async with self.desk.database.read() as connection:
            watched = await watched_sources.one(connection, "paper")
        assert watched is not None
        await poll(self.desk, watched)

    async def alerts(self) -> dict[str, str]:
        """Headline -> bullets, in one text."""
        async with self.desk.database.read() as connection:
            return {alert.headline: " ".join(alert.bullets) for alert in await archive.latest(connection, 50)}

    def asked(self, path: str) -> int:
        return sum(request.path == path for request in self.publisher.requests)


@pytest.fixture
async def paper(desk: Desk, publisher: FakePublisher) -> Paper:
    return Paper(desk, publisher)


@pytest.fixture
async def hurried(desk: Desk, publisher: FakePublisher) -> Paper:
    return Paper(desk, publisher, HURRIED)


async def test_new_posts_get_the_text_of_their_article_once(paper: Paper) -> None:
    for number in (1, 2):
        paper.publisher.set(f"/{number}", f"<html><article>{ARTICLE}</article></html>", "text/html")
    paper.publish(paper.item(1))
    await paper.look()
    assert paper.asked("/1") == 0, "the silent first read asks for no article"
    paper.publish(paper.item(2), paper.item(1))
    await paper.look()
    assert "확정했다" in (await paper.alerts())["시의회, 2호 예산안 통과"]
    paper.publish(paper.item(2, "시의회, 2호 예산안 끝내 통과"), paper.item(1))
    await paper.look()
    assert "확정했다" in (await paper.alerts())["시의회, 2호 예산안 끝내 통과"], "its text is still known"
    paper.publish(
        paper.item(2, "시의회, 2호 예산안 부결", "<p>의장은 17일 표결에서 예산안이 3표 차로 부결됐다고 밝혔다.</p>"),
        paper.item(1),
    )
    await paper.look()
    assert "부결됐다" in (await paper.alerts())["시의회, 2호 예산안 부결"], "what its source says anew goes first"
    assert (paper.asked("/1"), paper.asked("/2")) == (0, 1)


@pytest.mark.parametrize("trouble", ["404", "hang", "huge"])
async def test_an_article_that_cannot_be_read_costs_its_text_and_no_alert(hurried: Paper, trouble: str) -> None:
    hurried.publish()
    await hurried.look()
    hurried.publisher.fault("/1", trouble, times=9)
    hurried.publish(hurried.item(1))
    await hurried.look()
    assert "37표" in (await hurried.alerts())["시의회, 1호 예산안 통과"]


async def test_articles_that_take_long_delay_no_read_longer_than_one_document_may(hurried: Paper, clock: Clock) -> None:
    hurried.publish()
    await hurried.look()
    for number in range(4):
        hurried.publisher.fault(f"/{number}", "slow", seconds=0.8)
    hurried.publish(*(hurried.item(number) for number in range(4)))
    await hurried.look()
    assert len(await hurried.alerts()) == 4
    assert sum(hurried.asked(f"/{number}") for number in range(4)) < 4


async def test_where_it_is_switched_off_no_article_is_asked_for(paper: Paper) -> None:
    paper.source = replace(paper.source, full_text=False)
    for items in ((), (paper.item(1),)):
        paper.publish(*items)
        await paper.look()
    assert paper.asked("/1") == 0


async def test_an_article_inside_the_network_is_not_asked_for(paper: Paper) -> None:
    with FakePublisher() as inside:
        paper.publish()
        await paper.look()
        paper.publish(replace(paper.item(1), link=f"{inside.url}/secret"))
        await paper.look()
        assert len(await paper.alerts()) == 1 and inside.requests == []


async def test_a_sitemap_gives_title_and_date_and_the_page_its_text(
    desk: Desk, publisher: FakePublisher, clock: Clock
) -> None:
    paper = Paper(desk, publisher, kind=Kind.SITEMAP)
    publisher.set("/2", f"<html><article>{ARTICLE}</article></html>", "text/html")
    paper.publish(replace(paper.item(1), published=clock()))
    await paper.look()
    paper.publish(replace(paper.item(2), published=clock()), replace(paper.item(1), published=clock()))
    await paper.look()
    assert "확정했다" in (await paper.alerts())["시의회, 2호 예산안 통과"]
    assert paper.asked("/1") == 0
