"""The measure of archive search: what it takes for the truth is what a plain look finds, and it can fail."""

import random
from pathlib import Path

import pytest

from benchmarks import search as bench
from benchmarks.search import Corpus

CHANCE = random.Random(3)
WORDS = ["".join(CHANCE.choices("수출입규제가격정상회담은이가을를", k=CHANCE.randint(2, 7))) for _ in range(200)]
CORPUS = Corpus(
    titles=tuple(" ".join(CHANCE.choices(WORDS, k=3)) for _ in range(20)),
    sentences=tuple(f"{' '.join(CHANCE.choices([*WORDS, 'Export', 'KTX'], k=8))}." for _ in range(80)),
)


def test_the_truth_is_what_a_plain_look_through_all_posts_finds() -> None:
    posts = [*bench.make(CORPUS, 60, 1)]
    wanted = bench.pieces(CORPUS, 30, 2)
    texts = ["\n".join(bench.words_of(CORPUS, post)) for post in posts]
    plain = [{number for number, text in enumerate(texts) if piece in text} for piece in wanted]
    assert bench.truth(CORPUS, posts, wanted) == plain and any(plain)


def test_half_of_the_pieces_have_two_syllables_and_a_third_stand_inside_words() -> None:
    wanted = bench.pieces(CORPUS, 300, 2)
    assert sum(len(piece) == 2 for piece in wanted) == 150
    inside = [piece for place, piece in enumerate(wanted) if place % 3 == 0]
    words = " ".join(CORPUS.sentences).replace(".", "").split()
    assert all(any(piece in word[1:-1] for word in words) for piece in inside)
    assert wanted == bench.pieces(CORPUS, 300, 2) != bench.pieces(CORPUS, 300, 3)


def test_what_is_missed_costs_recall_and_what_is_wrong_precision() -> None:
    assert bench.recall_and_precision([{1, 2}, {3}], [{1, 2}, {3}]) == (1.0, 1.0)
    assert bench.recall_and_precision([{1, 2}, {3, 4}], [{1}, {3, 4}]) == (0.75, 1.0)
    assert bench.recall_and_precision([{1}, {3}], [{1, 2}, {3, 4}]) == (1.0, 0.5)


async def test_a_small_run_ends_with_its_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "read_corpus", lambda _: CORPUS)
    monkeypatch.setattr(bench, "ASKED", 3)
    monkeypatch.setattr(bench, "PIECES", 12)
    targets = await bench.measure(tmp_path, 200, 1, tmp_path)
    assert not any("recall" in one or "precision" in one for one in targets.missed)
    told = capsys.readouterr().out
    assert "recall 1.0000, precision 1.0000" in told and "of the text" in told and "trigram tokenizer" in told


def test_a_missed_target_is_said_and_ends_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "read_corpus", lambda _: CORPUS)
    monkeypatch.setattr(bench, "ASKED", 1)
    monkeypatch.setattr(bench, "PIECES", 2)
    monkeypatch.setattr(bench, "EXACT", 1.1)
    with pytest.raises(SystemExit) as ended:
        bench.main(tmp_path, 20, 1, beside_postgresql=False)
    assert ended.value.code == 1
    assert "missed  recall: 1.0000, at least 1.1000 wanted" in capsys.readouterr().out
