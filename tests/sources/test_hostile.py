"""Documents made to exhaust or to deceive who reads them, through a worker process as the bot reads them."""

import time
from collections.abc import AsyncIterator

import pytest

import reader
from errors import SourceError
from models import Kind, Source
from sources.documents import Document
from tests.sources.hostile import BODIES, feed, item, section
from tests.worker import jobs
from worker import Workers

SOURCE = Source("hostile", "hostile", Kind.FEED, "https://hostile.example/feed.xml")
REFUSED = {
    "100,000 attributes": "attributes",
    "100,000 attributes at the root": "attributes",
    "100,000 namespaces": "attributes",
    "500,000 items": "entries",
    "140,000 items with keys": "entries",
    "an entity behind a forged end": "entities",
    "one long entity, named often": "no-feed",
    "a file's name": "no-feed",
    "a device's name": "no-feed",
    "an address": "no-feed",
    "a file's address": "no-feed",
}
"""What is refused before a parser sees it; the rest is read, or cut off at the worker's limits."""


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    made = Workers("reader", at_once=1)
    await made(jobs.who)
    yield made
    await made.close()


async def read(workers: Workers, body: str) -> list[reader.Reading]:
    document = Document(SOURCE.url, body.encode(), "utf-8")
    posts = await workers(reader.parse, SOURCE, (document,))
    return await workers(reader.read_closely, posts[: reader.POSTS_AT_ONCE], 4, 90, SOURCE)


@pytest.mark.parametrize("name", BODIES)
async def test_a_hostile_document_is_read_or_refused_within_the_allowance(workers: Workers, name: str) -> None:
    assert len(BODIES[name].encode()) <= 5_000_000, "larger ones are cut off by the fetch"
    reason, began = "", time.monotonic()
    try:
        await read(workers, BODIES[name])
    except SourceError as error:
        reason = error.reason
    if name in REFUSED:
        assert reason == REFUSED[name]
        assert time.monotonic() - began < 1.5
    else:
        assert reason in ("", "cpu", "memory", "died")
    assert (await workers(jobs.peak)) < 200_000_000
    assert len(await read(workers, feed(item()))) == 1, "the next document is read"


async def test_no_entity_is_expanded_and_nothing_is_opened(workers: Workers) -> None:
    for name in ("a billion laughs", "an entity of a file", "an entity of an address"):
        (reading,) = await read(workers, BODIES[name])
        assert len(reading.post.html) < 1_000_000
        assert "root:" not in reading.post.html
        assert "lollol" not in reading.post.html


async def test_a_harmless_doctype_costs_no_post(workers: Workers) -> None:
    html_latin = '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://my.netscape.com/rss-0.91.dtd">'
    subset = '<!DOCTYPE rss [<!ENTITY % l PUBLIC "-//W3C//ENTITIES Latin 1//EN" "http://www.w3.org/l.ent"> %l;]>'
    for doctype in (html_latin, subset):
        (reading,) = await read(workers, f'<?xml version="1.0"?>\n{doctype}\n{feed(item("caf&eacute; &copy;"))}')
        assert "café ©" in reading.post.html


async def test_what_only_looks_like_an_attack_is_read(workers: Workers) -> None:
    picture = f'<img src="data:image/png;base64,{"A" * 150_000}">'
    telling = "&lt;!ENTITY a &quot;b&quot;&gt; is how XML declares one"
    many = feed(*(f"<item><title>n{n}</title><guid>{n}</guid></item>" for n in range(500)))
    for body in (feed(item(section(f"{picture}<p>text</p>"))), feed(item(telling)), many):
        assert await read(workers, body)


async def test_a_post_without_measure_is_read_up_to_a_measure(workers: Workers) -> None:
    body = "".join([
        f"<item><title>{'가 ' * 800_000}</title><guid>{'g' * 5_000}</guid><link>https://a.example/{'l' * 5_000}</link>",
        *(f"<category>정치 {n}</category>" for n in range(500)),
        f"<description>{'문장이다. ' * 300_000}</description></item>",
    ])  # fmt: skip
    (post, _), (again, _) = [
        parsed
        for _ in range(2)
        for parsed in await workers(reader.parse, SOURCE, (Document(SOURCE.url, feed(body).encode(), "utf-8"),))
    ]
    assert (len(post.title), len(post.categories), post.link) == (2_000, 50, "")
    assert len(post.html) <= 500_000
    assert post.key == again.key
    assert len(post.key) < 100
