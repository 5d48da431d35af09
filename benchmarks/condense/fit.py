"""`python -m benchmarks.condense.fit`: what each trait of a bullet is worth, from the facts that editors named.

Ridge regression of the worth of the must-have facts in a possible bullet (those that the headline has not told already;
the first that a reader named is worth most) on its traits, over the tuning half of the gold posts only; the holding
half is never read. Beside it stands what was counted over other posts. Writes formatters/traits.toml. The scorer beside
this file knows nothing of it.
"""

import json
import math
from collections import Counter
from pathlib import Path

from benchmarks.condense import posts
from benchmarks.condense.score import Gold
from formatters.condense import possible
from formatters.traits import FILE
from models import Post
from sources.original import original_of

RIDGE, RIDGE_OF_WORDS = 8.0, 30.0
SEEN, WORD_SEEN = 8, 14
"""How often a trait, or a word, must have been seen to get a weight."""
WORTH = (1.5, 1.3, 1.15, 0.85, 0.7, 0.6, 0.5)
"""What a fact is worth by its place in the gold post's list: readers name first what the post is about."""
MOST_WORTH = 2.0
LIFTS = {
    "sentence 0 of the post": 3.8,
    "sentence 1 of the post": 2.2,
    "sentence 2 of the post": 2.2,
    "words of the title": 2.3,
    "sentence 0 of its section": 2.1,
    "number": 1.8,
    "item at the front": 1.5,
    "row at the front": 1.5,
    "quotation": 1.5,
    "last section": 0.8,
    "leaning": 0.7,
    "padding": 0.5,
    "wholly bold": 0.5,
}
"""How much likelier an editor's sentence has a trait than any sentence: counted over other posts than the gold ones."""
TRUST = 0.2
"""Facts that a lift of e is worth beside what was fitted: the readers of the gold posts have their own taste."""
TOLD = 0.01
"""Smaller weights are left out."""


def examples(lang: str, corpus: Path) -> list[tuple[frozenset[str], float, float]]:
    """(traits, worth of the facts told, weight) of each possible bullet of the tuning half; the forms of a sentence
    share a weight."""
    found = []
    for one, gold in posts.of_gold(lang, corpus):
        if one.half != "tune":
            continue
        link, headline = original_of(one.html)
        post = Post("fit", one.id, one.title, one.url, one.html, link, headline)
        head, forms = possible(post, lang)
        known = told(gold, head)
        worths = [WORTH[min(place, len(WORTH) - 1)] for place in range(len(known))]
        of_sentence = Counter(number for number, _, _ in forms)
        for number, text, traits in forms:
            new = sum(worth for worth, fact, old in zip(worths, told(gold, text), known, strict=True) if fact > old)
            found.append((traits, min(new, MOST_WORTH), 1 / of_sentence[number]))
    return found


def told(gold: Gold, line: str) -> list[bool]:
    return [fact.in_lines([line]) for fact in gold.must]


def fitted(rows: list[tuple[frozenset[str], float, float]]) -> dict[str, float]:
    """Trait → worth, the largest first."""
    import numpy

    seen = Counter(trait for traits, _, _ in rows for trait in traits)
    names = sorted(trait for trait, count in seen.items() if count >= (WORD_SEEN if is_word(trait) else SEEN))
    traits = numpy.array([[float(name in having) for name in names] for having, _, _ in rows])
    facts = numpy.array([fact for _, fact, _ in rows])
    weight = numpy.array([weight for _, _, weight in rows])
    ridge = numpy.diag(
        [RIDGE_OF_WORDS if is_word(name) else RIDGE / 100 if name == "always" else RIDGE for name in names]
    )
    worth = numpy.linalg.solve((traits.T * weight) @ traits + ridge, (traits.T * weight) @ facts)
    known = {name: TRUST * math.log(LIFTS.get(name, 1)) for name in names}
    found = [(name, float(value) + known[name]) for name, value in zip(names, worth, strict=True)]
    pairs = sorted(found, key=lambda pair: (-pair[1], pair[0]))
    return {name: value for name, value in pairs if abs(value) >= TOLD}


def is_word(trait: str) -> bool:
    return trait.startswith("word: ")


def main(corpus: Path = posts.SHARED) -> None:
    lines = [
        "# What each trait of traits.py is worth, in facts. Made by `python -m benchmarks.condense.fit`: not by hand."
    ]
    for lang in ("ko", "en"):
        rows = examples(lang, corpus)
        print(f"{lang}: {len(rows)} possible bullets")
        lines += [
            "",
            f"[{lang}]",
            *(f"{json.dumps(name, ensure_ascii=False)} = {value:.3f}" for name, value in fitted(rows).items()),
        ]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
