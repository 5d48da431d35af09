"""A real PostgreSQL finds what SQLite finds, in the same order: the same questions of both, over the same posts."""

import random
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from benchmarks import postgresql
from benchmarks import search as bench
from benchmarks.postgresql import Postgresql
from benchmarks.search import Corpus
from storage import bigrams, fulltext, search
from storage.database import Database
from storage.fulltext import Terms

CHANCE = random.Random(7)
SYLLABLES = "수출입규제가격정상회담은이가을를고속철도계약성사반도체외교장관협력핵심광물합의경제산업부총리국무회의"
WORDS = ["".join(CHANCE.choices(SYLLABLES, k=CHANCE.randint(2, 6))) for _ in range(400)]
CORPUS = Corpus(
    titles=tuple(" ".join(["수출", *CHANCE.choices(WORDS, k=3)][number % 2 :]) for number in range(40)),
    sentences=tuple(f"{' '.join(CHANCE.choices([*WORDS, 'Export', 'KTX'], k=8))}." for _ in range(160)),
)
POSTS = [*bench.make(CORPUS, 1000, 1)]
EVERYTHING = len(POSTS) + 1
BESIDE = (
    *("수", "가 나", "수출 가격", "ktx 수출", "EXP", '"수출 가격"', "export -수출", "-수출", "source:koreanews 수출"),
    *(
        "source:newsdao source:koreanews -source:newsdao 가격",
        "since:2026-10-31 규제",
        "topic:없음",
        "없는말이다",
        "it's",
    ),
    *(r"o'b\c", "'수출'", "수출:*", "!수출"),
)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    running = postgresql.start(tmp_path_factory.mktemp("postgresql"))
    yield running.get_uri()
    running.cleanup()


@pytest.fixture
async def there(server: str) -> AsyncIterator[Postgresql]:
    opened = await Postgresql.open(server)
    yield opened
    await opened.close()


async def newest(database: Database | Postgresql, line: str) -> tuple[int, ...]:
    async with database.read() as connection:
        return (await search.newest(connection, bench.question(line), EVERYTHING, most=2 * EVERYTHING)).ids


async def best(database: Database | Postgresql, line: str) -> search.Found:
    async with database.read() as connection:
        return await search.best(connection, bench.question(line), bench.LAST)


async def test_the_same_questions_find_the_same_newest_first_and_best_first(
    database: Database, there: Postgresql
) -> None:
    await bench.fill(database, CORPUS, POSTS)
    await bench.fill(there, CORPUS, POSTS)
    pieces = bench.pieces(CORPUS, 30, 2)
    found = [await newest(there, piece) for piece in pieces]
    assert bench.recall_and_precision(bench.truth(CORPUS, POSTS, pieces), [{n - 1 for n in one} for one in found]) == (
        1.0,
        1.0,
    )
    assert found == [await newest(database, piece) for piece in pieces]
    kinds = [line for lines in bench.asked(CORPUS, 4, 3).values() for line in lines]
    for line in (*kinds, *BESIDE):
        assert await newest(there, line) == await newest(database, line), line
        assert await best(there, line) == await best(database, line), line
    async with there.read() as one, database.read() as other:
        below = await search.last_place(one)
        assert below == await search.last_place(other)
        page = [await search.newest(each, bench.question("수출"), 3, below=below - 3000) for each in (one, other)]
    assert page[0] == page[1] and page[0].more


async def test_a_plain_search_in_the_order_of_writing_would_be_another(there: Postgresql) -> None:
    """What the comparison above would tell: places are given by time, whatever was written first."""
    for number in (3, 1, 2):
        await put(there, number, f"수출 {number}")
    assert await newest(there, "수출") == (3, 2, 1)


async def put(database: Postgresql, number: int, headline: str, words: str = "") -> None:
    at = bench.LAST - timedelta(hours=9) + timedelta(minutes=number)
    async with database.write() as tx:
        await bench.made(tx, [(number, at)])
        tokens = bigrams.tokens(headline, words)
        labels = bigrams.labels(["newsdao"], ["외교"])
        await search.add(tx, [search.Entry(number, at, headline, words, tokens, labels)])


async def test_what_changes_is_found_by_its_new_words_and_not_by_the_old(there: Postgresql) -> None:
    await put(there, 1, "고속철도 수출", "계약이 성사됐다.")
    await put(there, 2, "정상회담", "합의했다.")
    async with there.write() as tx:
        await search.replace_text(tx, 1, "고속철도 협력", "합의했다.")
        await search.add_source(tx, 1, "koreanews", bench.LAST)
    assert await newest(there, "수출") == ()
    assert await newest(there, "합의") == (1, 2)
    assert await newest(there, "source:koreanews topic:외교 협력") == (1,)


async def test_words_longer_than_postgresql_can_index_are_found_by_their_beginnings(there: Postgresql) -> None:
    await put(there, 1, "가" * 3000, f"{'a' * 5000} {'7' * 5000} {'é' * 1500}")
    assert await newest(there, "aaaaaaaaaaaa") == (1,)
    assert await newest(there, "가가가") == (1,)
    assert await newest(there, "ééé") == (1,)


def test_the_two_say_the_same_each_in_its_own_way() -> None:
    terms = Terms(("수출", "ktx"), (("__s_a", "__s_b"),), ("수",), ("광고", "__t_1"))
    assert fulltext.FTS5.match(terms) == (
        '("수출" AND "ktx" AND "수" * AND ("__s_a" OR "__s_b")) NOT ("광고" OR "__t_1")'
    )
    assert fulltext.TSVECTOR.match(terms) == ("'수출' & 'ktx' & '수':* & ('__s_a' | '__s_b') & !'광고' & !'__t_1'")
