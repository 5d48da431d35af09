"""Full-text search that is right for Korean: the tokens of `storage.bigrams`, under the index of `storage.fulltext`.

An entry's row id is the second of its news, or the first free one after it: newest first is the index's own order,
and the first page of a common word is read without looking at the rest. The index keeps which tokens a text has, not
where (`detail=none`); what that cannot tell is compared with the text (docs/decisions/0003-bigrams.md).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bigrams, ranking
from storage.bigrams import folded
from storage.fulltext import Terms, index_of
from storage.questions import Question
from storage.tables import entries

WINDOW = 300
"""So many of the newest matches are ranked; beside them `WINDOW_OF_HEADLINES` older ones with the words on top."""
WINDOW_OF_HEADLINES = 100
COMPARED = 5000
"""The most texts that one question is compared with: a bound for questions that the index can say little about."""
RANKED_AFTER, RANKED_FROM = 1000, 25
"""Best matches are chosen once so many texts were compared and so many of them match, though there may be more."""
SCANNED = 2000
"""One syllable alone is looked for in so many of the newest texts before its every beginning is collected."""
AT_FIRST, GROWING, AT_ONCE = 30, 4, 400
"""Texts compared in one go: at first so many more than are wanted, since most of what the index offers is right, and to
ask it again takes longer than to read these; then as many as are likely to fill the page, at most `GROWING` times as
many as before, and `AT_ONCE`."""

FREE = """
SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM entries WHERE id = :place) THEN :place ELSE (
    SELECT id + 1 FROM entries AS one WHERE id >= :place
    AND NOT EXISTS (SELECT 1 FROM entries WHERE id = one.id + 1) ORDER BY id LIMIT 1
) END
"""
LAST_PLACE = 2**62

_Row = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is searched of an alert: headline and text as they are, `tokens` and `labels` as `bigrams` makes them."""

    alert_id: int
    newest: datetime
    headline: str
    text: str
    tokens: str
    labels: str


@dataclass(frozen=True, slots=True)
class Found:
    """Alert ids in order. `more`: there are others beyond what was looked at."""

    ids: tuple[int, ...]
    more: bool = False


# ----------------------------------------------------------------------------------------------------------- writing


async def add(tx: AsyncConnection, new: Sequence[Entry]) -> None:
    """Index new alerts."""
    if not new:
        return
    places = await _free_places(tx, [int(one.newest.timestamp()) for one in new])
    rows = [
        {
            "id": place,
            "alert_id": one.alert_id,
            "newest": one.newest,
            "headline": one.headline,
            "text": one.text[: bigrams.LONGEST_TEXT],
            "labels": one.labels,
        }
        for place, one in zip(places, new, strict=True)
    ]
    await tx.execute(insert(entries), rows)
    tokens = [(place, f"{one.tokens} {one.labels}") for place, one in zip(places, new, strict=True)]
    await index_of(tx).put(tx, tokens)


async def replace_text(tx: AsyncConnection, alert_id: int, headline: str, text: str) -> None:
    """Index an alert anew after its words changed."""
    if (row := await _taken_out(tx, alert_id)) is not None:
        text = text[: bigrams.LONGEST_TEXT]
        await tx.execute(update(entries).where(entries.c.id == row.id).values(headline=headline, text=text))
        await index_of(tx).put(tx, [(row.id, f"{bigrams.tokens(headline, text)} {row.labels}")])


async def add_source(tx: AsyncConnection, alert_id: int, source_id: str, newest: datetime | None = None) -> None:
    """One more source carries the alert; with `newest` it becomes news of that time."""
    if (row := await _taken_out(tx, alert_id)) is not None:
        labels = " ".join(dict.fromkeys([*row.labels.split(), bigrams.source_label(source_id)]))
        moved = row.newest if newest is None else newest
        place = row.id if newest is None else (await _free_places(tx, [int(newest.timestamp())]))[0]
        await tx.execute(update(entries).where(entries.c.id == row.id).values(id=place, newest=moved, labels=labels))
        await index_of(tx).put(tx, [(place, f"{bigrams.tokens(row.headline, row.text)} {labels}")])


async def _taken_out(tx: AsyncConnection, alert_id: int) -> _Row | None:
    """The alert's entry, no longer in the index."""
    row = (await tx.execute(select(entries).where(entries.c.alert_id == alert_id))).one_or_none()
    if row is not None:
        await index_of(tx).take_out(tx, row.id, f"{bigrams.tokens(row.headline, row.text)} {row.labels}")
    return row


async def _free_places(tx: AsyncConnection, wanted: Sequence[int]) -> list[int]:
    """For each second the first place from it on that nobody has, in this order."""
    last: int = await tx.scalar(select(func.coalesce(func.max(entries.c.id), 0))) or 0
    beyond = dict[int, int]()
    places = []
    for second in wanted:
        place = _follow(beyond, second)
        while place <= last and (free := await tx.scalar(text(FREE), {"place": place})) != place:
            beyond[place] = free
            place = _follow(beyond, second)
        beyond[place] = place + 1
        places.append(place)
    return places


def _follow(beyond: dict[int, int], place: int) -> int:
    """The first place from this one on that is not known to be taken; the way there is shortened."""
    way = []
    while place in beyond:
        way.append(place)
        place = beyond[place]
    beyond.update(dict.fromkeys(way, place))
    return place


# ----------------------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class _Plan:
    """A question as the index and the texts answer it. `in_headlines` and `beginnings`: other ways of asking the index
    that some questions have."""

    match: Terms
    in_headlines: Terms | None
    words: tuple[re.Pattern[str], ...]
    literal: tuple[str, ...]
    compared: tuple[re.Pattern[str], ...]
    refused: tuple[re.Pattern[str], ...]
    together: re.Pattern[str] | None
    beginnings: Terms | None
    since: int

    def accepts(self, row: _Row) -> bool:
        """Whether headline and text hold all that the index could not tell."""
        if self.only_literal and all(one in row.text or one in row.headline for one in self.literal):
            return True  # as they stand; only what seems to be missing may be there in another form
        words = folded(f"{row.headline}\n{row.text}")
        if not all(one in words for one in self.literal):
            return False
        return all(one.search(words) for one in self.compared) and not any(one.search(words) for one in self.refused)

    @property
    def only_literal(self) -> bool:
        return not (self.compared or self.refused)

    @property
    def compares(self) -> bool:
        return bool(self.literal or self.compared or self.refused)


def plan(question: Question) -> _Plan:
    """What of the question the index answers, and what is left to compare."""
    must, compared, literal = list[str](), list[re.Pattern[str]](), list[str]()
    patterns = {word: made for word in (*question.words, *question.without) if (made := bigrams.pattern(word))}
    for word in question.words:
        tokens, enough = bigrams.terms(word)
        must += tokens
        if not enough and bigrams.is_dense(word):
            literal.append(word)  # the same, five times as fast
        elif not enough and word in patterns:
            compared.append(patterns[word])
    never, refused = list[str](), list[re.Pattern[str]]()
    for word in question.without:
        tokens, enough = bigrams.terms(word)
        if enough:
            never += tokens
        elif word in patterns:
            refused.append(patterns[word])
    never += [*map(bigrams.source_label, question.not_sources), *map(bigrams.topic_label, question.not_topics)]
    must = list(dict.fromkeys(must))
    groups = [map(bigrams.source_label, question.sources), map(bigrams.topic_label, question.topics)]
    narrow = Terms(any_of=tuple(group for group in map(tuple, groups) if group), none_of=tuple(never))
    beginnings = tuple(one for word in question.words if (one := bigrams.beginning(word)))
    on_top = tuple(f"{bigrams.IN_HEADLINE}{one}" for one in must)
    return _Plan(
        match=replace(narrow, all_of=tuple(must) if must or narrow.any_of else (bigrams.ALL,)),
        in_headlines=replace(narrow, all_of=on_top) if must else None,
        words=tuple(patterns[word] for word in question.words if word in patterns),
        literal=tuple(literal),
        compared=tuple(compared),
        refused=tuple(refused),
        together=bigrams.pattern(" ".join(question.words)) if len(question.words) > 1 else None,
        beginnings=replace(narrow, beginnings=beginnings) if beginnings and not must else None,
        since=-LAST_PLACE if question.since is None else int(question.since.timestamp()),
    )


async def last_place(connection: AsyncConnection) -> int:
    """Where the newest entry stands: asked again with it as `below`, a question is not answered with later news."""
    return await connection.scalar(select(func.max(entries.c.id))) or 0


async def newest(
    connection: AsyncConnection, question: Question, limit: int, *, below: int = LAST_PLACE, most: int = COMPARED
) -> Found:
    """The newest `limit` alerts that answer the question, newest first; texts of `most` candidates are compared."""
    rows, more = await _matches(connection, plan(question), limit, below, most, texts=False)
    return Found(tuple(row.alert_id for row in sorted(_since(question, rows), key=_newer)), more)


async def best(connection: AsyncConnection, question: Question, asked: datetime, *, below: int = LAST_PLACE) -> Found:
    """The matches in order of `ranking.points`, the newer one first among equals."""
    planned = plan(question)
    rows, more = await _matches(connection, planned, WINDOW, below, COMPARED, texts=True)
    if more and planned.in_headlines and rows:
        on_top = replace(planned, match=planned.in_headlines, beginnings=None)
        older = rows[-1].id - 1
        rows += (await _matches(connection, on_top, WINDOW_OF_HEADLINES, older, COMPARED, texts=True))[0]
    ranked = []
    for row in _since(question, rows):
        worth = ranking.points(planned.words, planned.together, folded(row.headline), folded(row.text))
        ranked.append((-worth - ranking.freshness(row.newest, asked), *_newer(row), row.alert_id))
    return Found(tuple(alert_id for *_, alert_id in sorted(ranked)), more)


def _newer(row: _Row) -> tuple[float, int]:
    return -row.newest.timestamp(), -row.alert_id


def _since(question: Question, rows: list[_Row]) -> list[_Row]:
    """Without those that only their neighbours moved behind the time asked for."""
    return [row for row in rows if question.since is None or row.newest >= question.since]


async def _matches(
    connection: AsyncConnection, planned: _Plan, limit: int, below: int, most: int, *, texts: bool
) -> tuple[list[_Row], bool]:
    """The newest entries that answer, and whether there are or may be more."""
    if planned.beginnings:
        # Collecting all beginnings with a common syllable costs more than finding it in the newest texts.
        rows, more = await _stream(connection, planned, limit, below, SCANNED, texts=texts)
        if len(rows) >= limit or not more:
            return rows, more
        planned = replace(planned, match=planned.beginnings)
    return await _stream(connection, planned, limit, below, most, texts=texts)


async def _stream(
    connection: AsyncConnection, planned: _Plan, limit: int, below: int, most: int, *, texts: bool
) -> tuple[list[_Row], bool]:
    found = list[_Row]()
    looked_at, portion = 0, min(limit + AT_FIRST, AT_ONCE) if planned.compares else limit + 1
    index = index_of(connection)
    statement, match = index.entries(texts=texts or planned.compares), index.match(planned.match)
    while True:
        asked = {"match": match, "since": planned.since, "below": below, "limit": portion}
        rows = (await connection.execute(statement, asked)).all()
        looked_at += len(rows)
        found += [row for row in rows if not planned.compares or planned.accepts(row)]
        if len(found) > limit or (looked_at >= most and planned.compares):
            return found[:limit], True
        if texts and planned.compares and looked_at >= RANKED_AFTER and len(found) >= RANKED_FROM:
            return found, True
        if len(rows) < portion:
            return found, False
        below, portion = rows[-1].id - 1, _next_portion(portion, looked_at, len(found), limit)


def _next_portion(before: int, looked_at: int, found: int, limit: int) -> int:
    """As many as hold what the page still lacks, if as large a part of them is right as so far."""
    most = min(before * GROWING, AT_ONCE)
    return min(most, AT_FIRST + (limit + 1 - found) * looked_at // found) if found else most


async def texts_of(connection: AsyncConnection, alert_ids: Sequence[int]) -> dict[int, str]:
    """What is searched of these alerts, without their headlines."""
    query = select(entries.c.alert_id, entries.c.text).where(entries.c.alert_id.in_(alert_ids))
    return {row.alert_id: row.text for row in await connection.execute(query)}
