"""Search by an index, right for Korean."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from models import Condensed, Post
from storage import archive, search
from storage.database import Database
from tests.conftest import Clock

TEXTS = (
    "고속철도 수출액 2,700억 원",
    "정상회담서 협력 합의",
    "반도체 Export figures for KTX trains",
    "가나다 수 출 기사",
    "KTX수출 성사",
)


async def fill(database: Database, clock: Clock) -> list[int]:
    ids = []
    async with database.write() as tx:
        for number, words in enumerate(TEXTS):
            clock.forward(60)
            post = Post("s", str(number), words, "", "")
            story = archive.NewStory(post, Condensed(words, (), ""), "s", (), (), planned=True)
            (state,) = await archive.open_stories(tx, [story], clock())
            await search.add(tx, [(state.alert_id, search.index_text(words))])
            ids.append(state.alert_id)
    return ids


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("수출", [4, 0]),
        ("수출액", [0]),
        ("액", [0]),
        ("정상회담", [1]),
        ("상회", [1]),
        ("서", [1]),
        ("export", [2]),
        ("EXPORT ktx", [2]),
        ("ktx", [4, 2]),
        ("KTX 수출", [4]),
        (unicodedata.normalize("NFD", "수출"), [4, 0]),
        ("출수", []),
        ("2,700억", [0]),
        ("없는말", []),
    ],
)
async def test_questions_find_what_a_reader_expects_newest_first(
    database: Database, clock: Clock, question: str, expected: list[int]
) -> None:
    ids = await fill(database, clock)
    async with database.read() as connection:
        found, total = await search.find(connection, question, 10)
    assert list(found) == [ids[one] for one in expected] and total == len(expected)


async def test_the_answer_comes_from_the_index(database: Database, clock: Clock) -> None:
    await fill(database, clock)
    async with database.read() as connection:
        rows = await connection.execute(
            text(f"EXPLAIN QUERY PLAN {search.FIND}"),
            {"match": search.match_expression("수출"), "limit": 5, "skip": 0},
        )
        plan = " ".join(row[-1] for row in rows)
    assert "SCAN search VIRTUAL TABLE INDEX 0:M" in plan and "SEARCH alerts USING INTEGER PRIMARY KEY" in plan, plan
    assert "SCAN alerts" not in plan


@given(st.text(max_size=60))
def test_no_question_is_a_syntax_error_for_the_index(question: str) -> None:
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE search USING fts5(tokens, tokenize = 'unicode61 remove_diacritics 0')")
    connection.execute("INSERT INTO search VALUES (?)", (search.index_text(question),))
    match = search.match_expression(question)
    if match:
        connection.execute("SELECT count(*) FROM search WHERE tokens MATCH ?", (match,)).fetchone()
    connection.close()


@given(st.text(alphabet="가나다라수출액 ", min_size=2, max_size=30), st.data())
def test_every_piece_of_two_syllables_or_more_is_found_in_its_text(words: str, data: st.DataObject) -> None:
    import sqlite3

    runs = [run for run in words.split() if len(run) >= 2]
    if not runs:
        return
    run = data.draw(st.sampled_from(runs))
    start = data.draw(st.integers(0, len(run) - 2))
    piece = run[start : data.draw(st.integers(start + 2, len(run)))]
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE search USING fts5(tokens, tokenize = 'unicode61 remove_diacritics 0')")
    connection.execute("INSERT INTO search VALUES (?)", (search.index_text(words),))
    found = connection.execute(
        "SELECT count(*) FROM search WHERE tokens MATCH ?", (search.match_expression(piece),)
    ).fetchone()
    connection.close()
    assert found == (1,)
