"""Search by an index, right for Korean; beside it a plain look through all texts, which shares no code with it."""

import random
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from storage import archive, bigrams, fulltext, questions, search
from storage.database import Database
from storage.questions import Question, Wrong
from tests.archived import archived
from tests.conftest import Clock

TEXTS = (
    ("고속철도 수출액 2,700억 원", "계약이 성사됐다.", "newsdao", ("외교",)),
    ("정상회담서 협력 합의", "두 정상은 핵심광물 협력에 뜻을 모았다.", "newsdao", ("외교", "경제")),
    ("반도체 Export figures for KTX trains", "AI chips and air freight.", "koreanews", ()),
    ("가나다 수 출 기사", "정상은 아니다.", "koreanews", ("광고",)),
    ("KTX수출 성사", "대중수출규제와 무관하다.", "newsdao", ()),
)


def asked(line: str) -> Question:
    question = questions.read(line, datetime(2026, 6, 17, 6, 0, tzinfo=UTC), "Asia/Seoul")
    assert not isinstance(question, Wrong), question
    return question


async def fill(database: Database, clock: Clock) -> list[int]:
    ids = []
    for headline, words, source, topics in TEXTS:
        clock.forward(60)
        ids.append(await archived(database, headline, words, clock(), source=source, topics=topics))
    return ids


async def newest(database: Database, line: str, limit: int = 100) -> Sequence[int]:
    async with database.read() as connection:
        return (await search.newest(connection, asked(line), limit)).ids


async def best(database: Database, line: str, now: datetime) -> Sequence[int]:
    async with database.read() as connection:
        return (await search.best(connection, asked(line), now)).ids


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("수출", [4, 0]),
        ("수출액", [0]),
        ("액", [0]),
        ("수", [4, 3, 0]),
        ("정상회담", [1]),
        ("상회", [1]),
        ("중수출규", [4]),
        ("서", [1]),
        ("export", [2]),
        ("EXPORT ktx", [2]),
        ("exp fig", [2]),
        ("xport", []),
        ("ai", [2]),
        ("ktx", [4, 2]),
        ("KTX 수출", [4]),
        ("KTX수출", [4]),
        (unicodedata.normalize("NFD", "수출"), [4, 0]),
        ("출수", []),
        ("2,700억", [0]),
        ("700억", [0]),
        ("270", []),
        ('"두 정상은"', [1]),
        ('"정상은 두"', []),
        ("정상은 두", [1]),
        ("수출 -성사", []),
        ("정상 -핵심광물", [3]),
        ("정상 -아", [1]),
        ("수출 -KTX", [0]),
        ("source:newsdao 정상", [1]),
        ("source:newsdao source:koreanews 정상", [3, 1]),
        ("-source:newsdao 정상", [3]),
        ("topic:외교", [1, 0]),
        ("topic:경제 협력", [1]),
        ("수 -topic:광고", [4, 0]),
        ("수출 since:2026-06-18", []),
        ("since:58m", [4, 3, 2, 1]),
        ("-수출", [3, 2, 1]),
        ("없는말", []),
    ],
)
async def test_questions_find_what_a_reader_expects_newest_first(
    database: Database, clock: Clock, line: str, expected: list[int]
) -> None:
    ids = await fill(database, clock)
    assert list(await newest(database, line)) == [ids[one] for one in expected]
    assert set(await best(database, line, clock())) == {ids[one] for one in expected}


async def test_the_best_match_comes_first_and_the_newer_one_among_equals(database: Database, clock: Clock) -> None:
    on_top = await archived(database, "수출 규제 완화", "정부가 밝혔다.", clock())
    clock.forward(60)
    inside = await archived(database, "대중수출규제", "정부가 밝혔다.", clock())
    clock.forward(60)
    often = await archived(database, "정부 발표", "수출이 늘었다. 수출액은 수출 통계에 따른다. 수출.", clock())
    clock.forward(60)
    once = await archived(database, "다른 발표", "수출이 늘었다.", clock())
    clock.forward(60)
    again = await archived(database, "또 다른 발표", "수출이 늘었다.", clock())
    assert list(await best(database, "수출", clock())) == [on_top, inside, often, again, once]


async def test_what_is_fresh_goes_before_what_says_the_word_once_more(database: Database, clock: Clock) -> None:
    old = await archived(database, "발표", "수출이 늘고 수출이 준다.", clock())
    clock.forward(30 * 86400)
    new = await archived(database, "발표", "수출이 늘었다.", clock())
    assert list(await best(database, "수출", clock())) == [new, old]


async def test_an_old_headline_is_found_behind_any_number_of_newer_mentions(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "WINDOW", 3)
    old = await archived(database, "고속철도 수출", "성사됐다.", clock())
    clock.forward(86400 * 30)
    mentions = [await archived(database, f"소식 {number}", "수출이 늘었다.", clock()) for number in range(6)]
    async with database.read() as connection:
        found = await search.best(connection, asked("수출"), clock())
    assert found.ids == (old, *reversed(mentions[3:])) and found.more


async def test_what_was_archived_late_stands_where_its_date_puts_it(database: Database, clock: Clock) -> None:
    ids = await fill(database, clock)
    before = clock() - timedelta(days=400)
    old = await archived(database, "옛 수출", "본문", clock(), published=before, planned=False)
    assert list(await newest(database, "수출")) == [ids[4], ids[0], old]
    assert list(await newest(database, "수출", 2)) == [ids[4], ids[0]]


async def test_a_thousand_of_one_second_have_places_of_their_own(database: Database, clock: Clock) -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    async with database.write() as tx:
        assert await search._free_places(tx, [5, 5, 5, 6, 20, 5]) == [5, 6, 7, 8, 20, 9]
    first = [await archived(database, "수출", str(one), clock(), published=day, planned=False) for one in range(5)]
    clock.forward(60)
    second = [await archived(database, "수출", str(one), clock(), published=day, planned=False) for one in range(5)]
    assert list(await newest(database, "수출")) == [*reversed([*first, *second])]
    assert list(await newest(database, "수출 since:2026-01-01")) == [*reversed([*first, *second])]


async def test_a_changed_text_is_found_by_its_new_words_only(database: Database, clock: Clock) -> None:
    ids = await fill(database, clock)
    async with database.write() as tx:
        await search.replace_text(tx, ids[0], "고속철도 수입액", "계약이 깨졌다.")
    assert (list(await newest(database, "수출액")), list(await newest(database, "수입액"))) == ([], [ids[0]])
    assert list(await newest(database, "source:newsdao 깨졌다")) == [ids[0]]


async def test_a_second_source_finds_the_story_too_and_may_make_it_news(database: Database, clock: Clock) -> None:
    ids = await fill(database, clock)
    clock.forward(60)
    async with database.write() as tx:
        await search.add_source(tx, ids[0], "koreanews", clock())
    assert list(await newest(database, "source:koreanews 수출")) == [ids[0]]
    assert list(await newest(database, "source:newsdao 수출")) == [ids[0], ids[4]]


async def test_later_news_does_not_shift_an_answer(database: Database, clock: Clock) -> None:
    ids = await fill(database, clock)
    async with database.read() as connection:
        below = await search.last_place(connection)
    clock.forward(60)
    await archived(database, "수출 속보", "본문", clock())
    async with database.read() as connection:
        assert (await search.newest(connection, asked("수출"), 10, below=below)).ids == (ids[4], ids[0])


async def test_the_answer_comes_from_the_index_in_its_own_order(database: Database, clock: Clock) -> None:
    await fill(database, clock)
    match = fulltext.FTS5.match(search.plan(asked("수출")).match)
    values = {"match": match, "since": 0, "below": search.LAST_PLACE, "limit": 5}
    async with database.read() as connection:
        asked_for = text(f"EXPLAIN QUERY PLAN {fulltext.FTS5_ENTRIES.format(texts='')}")
        first, *others = [row[3] for row in await connection.execute(asked_for, values)]
    assert first.startswith("SCAN search VIRTUAL TABLE INDEX")
    assert others == ["SEARCH entries USING INTEGER PRIMARY KEY (rowid=?)"]


async def test_many_posts_at_once_are_collected_in_one_piece_of_the_index(database: Database) -> None:
    pieces = []
    for number in range(2):
        words = " ".join(f"{chr(0xAC00 + n)}{chr(0xAC00 + n + number)}" for n in range(0, 11000))
        rows = [(number * 100 + place, words) for place in range(1, 30)]
        async with database.write() as tx:
            if number:
                await tx.execute(text("INSERT INTO search(search, rank) VALUES ('hashsize', 65536)"))
            await fulltext.FTS5.put(tx, rows)
        async with database.read() as connection:
            pieces.append(await connection.scalar(text("SELECT count(DISTINCT segid) FROM search_idx")))
    assert pieces[0] == 1 < pieces[1] - 1


async def test_best_matches_are_chosen_when_enough_are_known_and_a_rare_one_is_looked_for_further(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "AT_ONCE", 4)
    monkeypatch.setattr(search, "RANKED_AFTER", 6)
    monkeypatch.setattr(search, "RANKED_FROM", 2)
    for number in range(8):
        clock.forward(60)
        await archived(database, f"가나다 {number}" if number in (3, 5) else "가나 나다", str(number), clock())
    rare = await archived(database, "라마바", "끝", clock() - timedelta(days=1))
    for _ in range(8):
        clock.forward(60)
        await archived(database, "라마 마바", "", clock())
    async with database.read() as connection:
        found = await search.best(connection, asked("가나다"), clock())
        assert (len(found.ids), found.more) == (2, True)
        assert await search.best(connection, asked("라마바"), clock()) == search.Found((rare,), more=False)


async def test_few_texts_are_compared_where_the_index_says_little(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "AT_ONCE", 2)
    ids = [await archived(database, "가나 나다", str(number), clock()) for number in range(8)]
    last = await archived(database, "가나다", "끝", clock() - timedelta(days=1))
    async with database.read() as connection:
        assert (await search.newest(connection, asked("가나다"), 5, most=4)) == search.Found((), more=True)
        assert (await search.newest(connection, asked("가나다"), 5)) == search.Found((last,), more=False)
        assert (await search.newest(connection, asked('"가나 나다"'), 5)).ids == tuple(reversed(ids[3:]))


async def test_a_full_page_reads_few_more_texts_than_it_shows(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "WINDOW", 10)
    monkeypatch.setattr(search, "WINDOW_OF_HEADLINES", 0)
    monkeypatch.setattr(search, "AT_FIRST", 1)
    read = list[str]()
    accepts = search._Plan.accepts

    def counted(plan: search._Plan, row: search._Row) -> bool:
        read.append(row.headline)
        return accepts(plan, row)

    monkeypatch.setattr(search._Plan, "accepts", counted)
    for number in range(40):
        clock.forward(60)
        await archived(database, f"소식 {number}", "가나다" if number % 2 else "가나 나다", clock())
    assert len(await best(database, "가나다", clock())) == 10
    assert len(read) == 21  # up to the eleventh that is right, which tells that there are more


def test_the_next_texts_are_as_many_as_are_likely_to_fill_the_page() -> None:
    assert search._next_portion(before=100, looked_at=100, found=50, limit=60) == search.AT_FIRST + 22
    assert search._next_portion(before=10, looked_at=10, found=1, limit=60) == 40
    assert search._next_portion(before=10, looked_at=10, found=0, limit=5) == 40
    assert search._next_portion(before=310, looked_at=310, found=1, limit=300) == search.AT_ONCE


async def test_a_long_word_is_found_in_a_text_of_taken_apart_syllables(database: Database, clock: Clock) -> None:
    apart = await archived(database, "소식", unicodedata.normalize("NFD", "대중수출규제"), clock())
    await archived(database, "소식", "중수 수출 출규", clock())
    assert list(await newest(database, "중수출규")) == [apart]


SIGNS = (
    '"',
    "-",
    "*",
    "NEAR(",
    "AND",
    "OR",
    "NOT",
    "(",
    ")",
    ":",
    "tokens:",
    "^",
    "{",
    "}",
    "'",
    "\x00",
    "\\",
    "+",
    "--",
)
WORDS = ("수출", "수", "ktx", "search", "source:x", "topic:외교", "since:7d", "__all", "_수출", "𝔸𝔹ℂ", "ᄀ", "가나다라")
HOSTILE = st.one_of(st.text(max_size=60), st.lists(st.sampled_from((*SIGNS, *WORDS)), max_size=12).map(" ".join))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(HOSTILE)
@example("가" * 300)
@example(" ".join(f"-가{number}" for number in range(60)))
@example('AND "OR" NOT NEAR(수출 ktx, 3) tokens:수출 {a b}: ^c')
async def test_no_question_is_an_expression_of_the_index(database: Database, clock: Clock, line: str) -> None:
    question = questions.read(line, clock(), "Asia/Seoul")
    if isinstance(question, Wrong):
        return
    async with database.read() as connection:
        await search.newest(connection, question, 5)
        await search.best(connection, question, clock())


async def test_every_substring_of_many_texts_is_found_and_nothing_else(database: Database, clock: Clock) -> None:
    chance = random.Random(1)
    syllables = "수출입규제가격정상회담은이가을를액"
    texts = [" ".join("".join(chance.choices(syllables, k=chance.randint(1, 6))) for _ in range(30)) for _ in range(40)]
    ids = [await archived(database, f"소식 {number}", words, clock()) for number, words in enumerate(texts)]
    for length in (1, 2, 2, 3, 4, 5) * 8:
        run = chance.choice([one for one in chance.choice(texts).split() if len(one) >= length] or ["수출"])
        start = chance.randint(0, max(0, len(run) - length))
        piece = run[start : start + length]
        expected = [one for one, words in zip(ids, texts, strict=True) if piece in words]
        assert list(await newest(database, piece)) == [*reversed(expected)], piece


async def test_a_broken_index_is_noticed_by_the_look_through_all_texts(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bigrams, "_pairs", lambda words: " ".join(words.split()) + " ")
    with pytest.raises(AssertionError):
        await test_every_substring_of_many_texts_is_found_and_nothing_else(database, clock)


async def test_archived_alerts_are_read_whole(database: Database, clock: Clock) -> None:
    ids = await fill(database, clock)
    async with database.read() as connection:
        assert [one.id for one in await archive.by_ids(connection, ids[1:3])] == ids[1:3]
        assert (await search.texts_of(connection, ids[:1])) == {ids[0]: TEXTS[0][1]}
