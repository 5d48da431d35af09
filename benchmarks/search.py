"""Archive search over many posts: how fast, how large, and whether it finds what a plain look finds.

The posts are made of the sentences of a corpus, shuffled by seed, with dates half a minute apart. The truth shares no
code with the search: a piece of a word stands in a post if it stands in its headline or in one of its sentences. The
database is that of the desk, in a folder that is deleted at the end; beside it in the same run `LIKE` and the trigram
tokenizer of FTS5, and where it is asked for a PostgreSQL that answers the same questions.
"""

import asyncio
import random
import re
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

import formatters
from benchmarks import postgresql
from benchmarks.postgresql import Postgresql
from storage import bigrams, questions, search
from storage.database import Database
from storage.questions import Question
from storage.tables import alerts, stories

LAST = datetime(2026, 11, 1, tzinfo=UTC)
APART = timedelta(seconds=30)
AT_ONCE = 2000
SENTENCES = (2, 6)
PIECES = 300
ASKED = 150
REPEATED = 3
TRIGRAMS = 100_000
NEWEST_MS, BEST_MS, INDEXED, EXACT, POSTGRESQL_MS = 5.0, 40.0, 5000.0, 0.999, 250.0
"""The targets, for a million posts."""
COMPARED, OF_PIECES = 500, 60
"""Of so many pieces so many of each answer are compared with PostgreSQL's, in order."""
HANGUL = re.compile(r"[\uac00-\ud7a3]+")
LATIN = re.compile(r"(?<![^\W_])[A-Za-z]{3,}(?![^\W_])")


@dataclass(frozen=True, slots=True)
class Corpus:
    """What posts are made of."""

    titles: tuple[str, ...]
    sentences: tuple[str, ...]


def read_corpus(folder: Path) -> Corpus:
    """The titles and sentences of all posts below the folder."""
    titles, sentences = list[str](), list[str]()
    for file in sorted(folder.glob("**/_posts/*")):
        head, _, body = file.read_text(encoding="utf-8", errors="replace").removeprefix("---").partition("\n---")
        if title := re.search(r"^title:\s*[\"']?(.+?)[\"']?\s*$", head, re.MULTILINE):
            titles.append(title[1])
        found = re.split(r"(?<=[.!?])\s+|\n", formatters.plain_text(body))
        sentences += [one.strip() for one in found if len(one.strip()) >= 10]
    return Corpus(tuple(titles), tuple(sentences))


@dataclass(frozen=True, slots=True)
class Made:
    """A post as numbers: its title and its sentences."""

    title: int
    sentences: tuple[int, ...]


def make(corpus: Corpus, count: int, seed: int) -> Iterator[Made]:
    """So many posts, the same for the same seed."""
    chance = random.Random(seed)
    numbers = range(len(corpus.sentences))
    for _ in range(count):
        yield Made(chance.randrange(len(corpus.titles)), tuple(chance.sample(numbers, chance.randint(*SENTENCES))))


def words_of(corpus: Corpus, made: Made) -> tuple[str, str]:
    return corpus.titles[made.title], " ".join(corpus.sentences[one] for one in made.sentences)


# ----------------------------------------------------------------------------------------------------------- questions


def pieces(corpus: Corpus, count: int, seed: int) -> list[str]:
    """Korean pieces of words: half of two syllables, the rest of three to five; a third from inside words at least."""
    chance = random.Random(seed)
    found = list[str]()
    while len(found) < count:
        length = 2 if len(found) % 2 == 0 else chance.randint(3, 5)
        inside = len(found) % 3 == 0
        runs = [one for one in HANGUL.findall(chance.choice(corpus.sentences)) if len(one) >= length + 2 * inside]
        if runs:
            run = chance.choice(runs)
            start = chance.randint(1, len(run) - length - 1) if inside else chance.randint(0, len(run) - length)
            found.append(run[start : start + length])
    return found


def asked(corpus: Corpus, count: int, seed: int) -> dict[str, list[str]]:
    """Questions of each kind."""
    chance = random.Random(seed)

    def run(least: int) -> str:
        while True:
            found: list[str] = [one for one in HANGUL.findall(chance.choice(corpus.sentences)) if len(one) >= least]
            if found:
                return chance.choice(found)

    def pair() -> str:
        while True:
            found = [one[:2] for one in HANGUL.findall(chance.choice(corpus.sentences)) if len(one) >= 2]
            if len(found) > 1:
                return " ".join(chance.sample(found, 2))

    latin = sorted({word for one in corpus.sentences for word in LATIN.findall(one)}, key=str.lower)
    return {
        "two syllables": [run(2)[:2] for _ in range(count)],
        "longer": [run(4)[: chance.randint(3, 6)] for _ in range(count)],
        "two words": [pair() for _ in range(count)],
        "English": [word[: chance.randint(3, len(word))] for word in (chance.choice(latin) for _ in range(count))],
    }


def question(line: str) -> Question:
    read = questions.read(line, LAST, "UTC")
    assert isinstance(read, Question), line
    return read


# --------------------------------------------------------------------------------------------------------- the truth


def truth(corpus: Corpus, posts: Sequence[Made], wanted: Sequence[str]) -> list[set[int]]:
    """For each piece the numbers of the posts that hold it."""
    in_title, in_sentence = dict[int, list[int]](), dict[int, list[int]]()
    for number, made in enumerate(posts):
        in_title.setdefault(made.title, []).append(number)
        for one in made.sentences:
            in_sentence.setdefault(one, []).append(number)
    found = []
    for piece in wanted:
        numbers = set[int]()
        for texts, held in ((corpus.titles, in_title), (corpus.sentences, in_sentence)):
            for place, words in enumerate(texts):
                if piece in words:
                    numbers.update(held.get(place, ()))
        found.append(numbers)
    return found


def recall_and_precision(right: Sequence[set[int]], found: Sequence[set[int]]) -> tuple[float, float]:
    hits = sum(len(one & other) for one, other in zip(right, found, strict=True))
    return hits / max(1, sum(map(len, right))), hits / max(1, sum(map(len, found)))


# -------------------------------------------------------------------------------------------------------- the search


@dataclass(slots=True)
class Filled:
    """What filling the database took: bytes, and CPU seconds of making tokens and of writing."""

    bytes_of_text: int = 0
    tokens: float = 0.0
    writing: float = 0.0


async def fill(database: Database | Postgresql, corpus: Corpus, posts: Sequence[Made]) -> Filled:
    """Put the posts into the archive's index as the pipeline does, many in one transaction."""
    filled = Filled()
    first = LAST - APART * len(posts)
    for start in range(0, len(posts), AT_ONCE):
        some = range(start, min(len(posts), start + AT_ONCE))
        async with database.write() as tx:
            await made(tx, [(number + 1, first + APART * number) for number in some])
        began = time.process_time()
        entries = []
        for number in some:
            headline, words = words_of(corpus, posts[number])
            filled.bytes_of_text += len(headline.encode()) + len(words.encode())
            labels = bigrams.labels(["newsdao" if number % 3 else "koreanews"], ())
            tokens = bigrams.tokens(headline, words)
            entries.append(search.Entry(number + 1, first + APART * number, headline, words, tokens, labels))
        filled.tokens += time.process_time() - began
        began = time.process_time()
        async with database.write() as tx:
            await search.add(tx, entries)
        filled.writing += time.process_time() - began
    return filled


async def made(tx: AsyncConnection, numbered: Sequence[tuple[int, datetime]]) -> None:
    """The rows that entries point to, by their ids; not part of the index."""
    await tx.execute(insert(stories), [{"id": number, "opened": at} for number, at in numbered])
    row = {"version": 1, "source_ids": [], "planned": False}
    rows = [row | {"id": number, "story_id": number, "created": at, "newest": at} for number, at in numbered]
    await tx.execute(insert(alerts), rows)


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of CPU and on the clock for one kind of question."""

    cpu: list[float]
    clock: list[float]

    def __str__(self) -> str:
        cpu, clock = ((percentile(one, 0.5), percentile(one, 0.99)) for one in (self.cpu, self.clock))
        return f"{cpu[0]:8.2f} / {cpu[1]:7.2f} CPU   {clock[0]:8.2f} / {clock[1]:7.2f} clock"


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def timed(lines: Sequence[str], ask: Callable[[str], Awaitable[object]], repeated: int = REPEATED) -> Times:
    """Each question several times, the median of each."""
    cpu, clock = list[float](), list[float]()
    for line in lines:
        taken = []
        for _ in range(repeated):
            began = time.process_time(), time.perf_counter()
            await ask(line)
            taken.append((time.process_time() - began[0], time.perf_counter() - began[1]))
        cpu.append(1000 * sorted(one for one, _ in taken)[repeated // 2])
        clock.append(1000 * sorted(one for _, one in taken)[repeated // 2])
    return Times(cpu, clock)


async def size_of(database: Database, tables: str) -> int:
    async with database.read() as connection:
        query = f"SELECT coalesce(sum(length(block)), 0) FROM {tables}"
        return await connection.scalar(text(query)) or 0


@dataclass(slots=True)
class Targets:
    """What was missed, in words; every figure that has a target goes through here."""

    missed: list[str] = field(default_factory=list)

    def most(self, what: str, value: float, limit: float) -> None:
        if value > limit:
            self.missed.append(f"{what}: {value:,.2f}, at most {limit:,.2f} wanted")

    def least(self, what: str, value: float, limit: float) -> None:
        if value < limit:
            self.missed.append(f"{what}: {value:,.4f}, at least {limit:,.4f} wanted")


async def measure(folder: Path, count: int, seed: int, scratch: Path, *, beside_postgresql: bool = False) -> Targets:
    """Fill, ask and compare; prints as it goes."""
    corpus, targets = read_corpus(folder), Targets()
    posts = [*make(corpus, count, seed)]
    questions_of_kinds = asked(corpus, ASKED, seed + 1)
    wanted = pieces(corpus, PIECES, seed + 2)
    database = await Database.open(scratch / "sokbo.db")
    filled = await fill(database, corpus, posts)
    print(f"{count:,} posts, {filled.bytes_of_text / count:.0f} bytes of text each, seed {seed}")
    _print_filled(count, filled, await size_of(database, "search_data"), targets)
    await _print_times(database, questions_of_kinds, targets)
    everything = len(posts) + 1
    found = [await newest_of(database, piece, everything) for piece in wanted]
    right = truth(corpus, posts, wanted)
    recall, precision = recall_and_precision(right, [{one - 1 for one in ids} for ids in found])
    print(f"  {len(wanted)} pieces of words: recall {recall:.4f}, precision {precision:.4f}")
    targets.least("recall", recall, EXACT)
    targets.least("precision", precision, EXACT)
    await database.close()
    trigrams(corpus, posts[:TRIGRAMS], wanted, scratch)
    if beside_postgresql:
        await _beside_postgresql(
            corpus, posts, questions_of_kinds, dict(zip(wanted, found, strict=True)), targets, scratch
        )
    return targets


def _print_filled(count: int, filled: Filled, index: int, targets: Targets) -> None:
    per_second, of_text = count / (filled.tokens + filled.writing), index / filled.bytes_of_text
    print(
        f"  indexed       {per_second:8,.0f} posts/s of CPU: tokens {count / filled.tokens:,.0f},"
        f" writing {count / filled.writing:,.0f}"
    )
    print(f"  index         {of_text:8.2f} of the text")
    targets.least("posts indexed a second of CPU", per_second, INDEXED)
    targets.most("index in parts of the text", of_text, 1.0)


async def _print_times(database: Database, kinds: dict[str, list[str]], targets: Targets) -> None:
    async with database.read() as connection:

        async def newest(line: str) -> object:
            return await search.newest(connection, question(line), 5)

        async def best(line: str) -> object:
            return await search.best(connection, question(line), LAST)

        async def like(line: str) -> object:
            wanted = " AND ".join(f"text LIKE '%{word}%'" for word in line.split())
            return (await connection.execute(text(f"SELECT id FROM entries WHERE {wanted} ORDER BY id DESC"))).all()

        print("  ms a question, p50 / p99")
        for kind, lines in kinds.items():
            for name, ask, limit in (("newest first", newest, NEWEST_MS), ("best match", best, BEST_MS)):
                times = await timed(lines, ask)
                print(f"    {kind:<14} {name:<14} {times}", flush=True)
                targets.most(f"{kind}, {name}, p99 in ms of CPU", percentile(times.cpu, 0.99), limit)
            print(f"    {'':<14} {'LIKE, all':<14} {await timed(lines[:3], like, repeated=1)}", flush=True)


async def newest_of(database: Database | Postgresql, line: str, most: int) -> tuple[int, ...]:
    """The ids of so many of the newest that answer."""
    async with database.read() as connection:
        return (await search.newest(connection, question(line), most, most=sys.maxsize)).ids


async def _beside_postgresql(
    corpus: Corpus,
    posts: Sequence[Made],
    kinds: dict[str, list[str]],
    found: dict[str, tuple[int, ...]],
    targets: Targets,
    scratch: Path,
) -> None:
    """The same posts and questions in a PostgreSQL; its time is that on the clock, since it works elsewhere."""
    server = postgresql.start(scratch / "postgresql")
    database = await Postgresql.open(server.get_uri())
    began = time.perf_counter()
    async with database.filling():
        filled = await fill(database, corpus, posts)
    await database.settle()
    took = time.perf_counter() - began
    print(f"PostgreSQL, {len(posts):,} posts")
    print(f"  indexed       {len(posts) / took:8,.0f} posts/s on the clock")
    print(f"  index         {await database.size() / filled.bytes_of_text:8.2f} of the text, without the tokens")
    async with database.read() as connection:

        async def newest(line: str) -> object:
            return await search.newest(connection, question(line), 5)

        async def best(line: str) -> object:
            return await search.best(connection, question(line), LAST)

        for kind, lines in kinds.items():
            for name, ask in (("newest first", newest), ("best match", best)):
                times = await timed(lines, ask)
                print(f"    {kind:<14} {name:<14} {times}", flush=True)
                if ask is newest:
                    targets.most(f"PostgreSQL, {kind}, {name}, p99 in ms", percentile(times.clock, 0.99), POSTGRESQL_MS)
    some = dict(islice(found.items(), OF_PIECES))
    other = [piece for piece, ids in some.items() if await newest_of(database, piece, COMPARED) != ids[:COMPARED]]
    print(f"  {len(some)} pieces of words, the newest {COMPARED:,}: {len(other)} answers differ from SQLite's")
    targets.most("answers that differ from SQLite's", len(other), 0)
    await database.close()
    server.cleanup()


def trigrams(corpus: Corpus, posts: Sequence[Made], wanted: Sequence[str], scratch: Path) -> None:
    """The same with FTS5's own tokenizer for parts of words, on so many posts that it ends."""
    connection = sqlite3.connect(scratch / "trigram.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE VIRTUAL TABLE search USING fts5(words, content = '', tokenize = 'trigram')")
    size, began = 0, time.process_time()
    for start in range(0, len(posts), AT_ONCE):
        some = enumerate(posts[start : start + AT_ONCE], start)
        rows = [(number, "\n".join(words_of(corpus, one))) for number, one in some]
        size += sum(len(words.encode()) for _, words in rows)
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO search (rowid, words) VALUES (?, ?)", rows)
        connection.execute("COMMIT")
    took = time.process_time() - began
    (index,) = connection.execute("SELECT sum(length(block)) FROM search_data").fetchone()
    found = []
    for piece in wanted:
        rows = connection.execute("SELECT rowid FROM search WHERE search MATCH ?", (f'"{piece}"',)).fetchall()
        found.append({row[0] for row in rows})
    recall, precision = recall_and_precision(truth(corpus, posts, wanted), found)
    connection.close()
    print(f"trigram tokenizer, {len(posts):,} of them")
    print(f"  indexed       {len(posts) / took:8,.0f} posts/s of CPU")
    print(f"  index         {index / size:8.2f} of the text")
    print(f"  {len(wanted)} pieces of words: recall {recall:.4f}, precision {precision:.4f}")


def main(folder: Path, count: int, seed: int, *, beside_postgresql: bool) -> None:
    """Build, ask, compare, and delete what was built. A missed target is printed and ends with exit status 1."""
    with tempfile.TemporaryDirectory(prefix="sokbo-search-") as scratch:
        targets = asyncio.run(measure(folder, count, seed, Path(scratch), beside_postgresql=beside_postgresql))
    for line in targets.missed:
        print(f"missed  {line}")
    if targets.missed:
        sys.exit(1)
