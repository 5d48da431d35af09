"""The tables of `python -m benchmarks condense`."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks.condense import contenders, posts
from benchmarks.condense.baselines import BASELINES, best, body
from benchmarks.condense.posts import Post
from benchmarks.condense.score import Alert, Gold, Score, Source, score
from benchmarks.condense.text import sentences

Pair = tuple[Post, Gold]
LANGUAGES = {"ko": "Korean", "en": "English"}
# Check -> its column.
CHECKS = {
    "filler": "filler",
    "boilerplate": "boiler",
    "dangling": "dangl",
    "cut": "cut",
    "markup": "mark",
    "headline": "head",
}
LEGEND = """\
facts: must-have facts found, all words of a fact in one line · any: its words anywhere in headline and bullets · first
3: of the three that a post's gold names first · not: strings no alert may carry, found (count) · n, sum, chars: bullets
a post, characters of these, characters a bullet · filler, boiler(plate), dangl(ing), cut, mark(up), head(line
repeated): % of bullets · redun: mean ROUGE-L F1 x100 between bullets · faith: % of posts whose every number, quotation,
name and word stands in the post · R1/R2: ROUGE F1 x100 against the site's excerpt (word tokens, Korean particles
stripped), a floor only · 3-5: % of the posts with 600 characters and 6 sentences or more that get 3 to 5 bullets ·
link: % of the original links of a source line found.
The limit rows pick whole sentences knowing the gold; "by hand" is the gold's own alert, where
the gold has one; it may use its own words."""


@dataclass(frozen=True, slots=True)
class Row:
    """The scores of one contender over some posts, and its alerts by post id."""

    name: str
    alerts: dict[str, Alert]
    scores: dict[str, Score]

    def of(self, ids: Sequence[str]) -> "Row":
        return Row(self.name, self.alerts, {name: self.scores[name] for name in ids if name in self.scores})

    def share(self, check: str) -> float:
        """Percent of bullets that a check fires on."""
        bullets = sum(len(one.lengths) for one in self.scores.values())
        return 100 * sum(one.count(check) for one in self.scores.values()) / max(1, bullets)

    def facts(self, first: int | None = None) -> float:
        """Percent of the must-have facts found; only of the `first` that the gold names for each post, if given."""
        return _percent(fact for one in self.scores.values() for fact in one.facts[:first])

    def anywhere(self) -> float:
        return _percent(fact for one in self.scores.values() for fact in one.anywhere)

    def faithful(self) -> float:
        return 100 * sum(not one.count("unfaithful") for one in self.scores.values()) / max(1, len(self.scores))

    def mean(self, of: Callable[[Score], float | None]) -> float | None:
        values = [value for one in self.scores.values() if (value := of(one)) is not None]
        return sum(values) / len(values) if values else None

    def lengths(self) -> list[int]:
        return [length for one in self.scores.values() for length in one.lengths]


def _percent(found: Iterable[bool]) -> float:
    hits = list(found)
    return 100 * sum(hits) / max(1, len(hits))


# -------------------------------------------------------------------------------------------------------- scoring


def rows(pairs: Sequence[Pair], progress: Progress) -> list[Row]:
    """Sokbo, the installed baselines, the limits and the editor's own alerts, over the posts of one language."""
    names = ["sokbo", *(name for name in BASELINES if not contenders.missing(name))]
    task = progress.add_task(f"condensing {len(pairs)} {LANGUAGES[pairs[0][0].lang]} posts", total=len(names) + 3)
    sources = {post.id: Source(post.html, post.title, post.lang) for post, _ in pairs}
    found = []
    for name in names:
        alerts = contenders.answers(name, [post for post, _ in pairs])
        found.append(_row(contenders.label(name), alerts, pairs, sources))
        progress.advance(task)
    for count in (3, 4):
        alerts = {post.id: best(gold, post.title, post.html, count) for post, gold in pairs}
        found.append(_row(f"limit: best {count}", alerts, pairs, sources))
        progress.advance(task)
    written = [(post, gold) for post, gold in pairs if gold.bullets]
    by_hand = {post.id: Alert(gold.headline, gold.bullets) for post, gold in written}
    found.append(_row("by hand", by_hand, written, sources))
    progress.remove_task(task)
    return found


def _row(name: str, alerts: dict[str, Alert], pairs: Sequence[Pair], sources: dict[str, Source]) -> Row:
    scores = {post.id: score(alerts[post.id], sources[post.id], gold, post.excerpt) for post, gold in pairs}
    return Row(name, alerts, scores)


# --------------------------------------------------------------------------------------------------------- tables


def table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Columns as wide as they need; the first is a name, the rest are figures."""
    grid = [list(heads), *(list(line) for line in lines)]
    widths = [max(len(line[column]) for line in grid) for column in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in grid
    )


def _figure(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def quality(found: Sequence[Row]) -> str:
    """One line a contender."""
    heads = [
        "",
        "facts %",
        "any %",
        "first 3 %",
        "not",
        "n",
        "sum",
        "chars",
        *CHECKS.values(),
        "redun",
        "faith %",
        "R1",
        "R2",
    ]
    lines = []
    for row in found:
        lengths = row.lengths()
        lines.append(
            [
                row.name,
                _figure(row.facts()),
                _figure(row.anywhere()),
                _figure(row.facts(first=3)),
                str(sum(len(one.forbidden) for one in row.scores.values())),
                _figure(len(lengths) / max(1, len(row.scores)), 1),
                _figure(sum(lengths) / max(1, len(row.scores))),
                _figure(sum(lengths) / max(1, len(lengths))),
                *(_figure(row.share(check)) for check in CHECKS),
                _figure(row.mean(lambda one: one.redundancy)),
                _figure(row.faithful()),
                _figure(row.mean(lambda one: one.rouge1)),
                _figure(row.mean(lambda one: one.rouge2)),
            ]
        )
    return table(heads, lines)


def misses(row: Row, pairs: Sequence[Pair]) -> str:
    """For each gold post: the alert, the facts it lacks, and what was found wrong with its lines."""
    said = []
    for post, gold in pairs:
        one, alert = row.scores[post.id], row.alerts[post.id]
        said.append(f"\n{post.id} ({post.half}): {sum(one.facts)} of {len(one.facts)} facts\n  # {alert.headline}")
        said += [f"  - {bullet}" for bullet in alert.bullets]
        said += [f"    missed: {fact.what}" for fact, hit in zip(gold.must, one.facts, strict=True) if not hit]
        said += [f"    must not: {bad}" for bad in one.forbidden]
        said += [f"    {found.check}: {found.why} | {found.line}" for found in one.findings]
    return "\n".join(said)


# ---------------------------------------------------------------------------------------------------------- shape


def shape(corpus: Sequence[Post], show: bool, progress: Progress) -> str:
    """How Sokbo's alerts look over all shared posts, as their sites serve them and as they are written."""
    lines: list[list[str]] = []
    wrong: dict[str, None] = {}
    for form, given in (("rendered", [posts.rendered(post) for post in corpus]), ("as written", list(corpus))):
        task = progress.add_task(f"condensing {len(given)} shared posts, {form}", total=len(given))
        alerts = contenders.answers("sokbo", given)
        for site in sorted({post.id.split("/")[0] for post in given}):
            mine = [post for post in given if post.id.startswith(site + "/")]
            scores, right, long = {}, [], []
            for post in mine:
                scores[post.id] = score(alerts[post.id], Source(post.html, post.title, post.lang), None, post.excerpt)
                if is_long(post):
                    long.append(3 <= len(alerts[post.id].bullets) <= 5)
                if original := posts.original_link(post):
                    right.append(alerts[post.id].link.rstrip("/") == original.rstrip("/"))
                progress.advance(task)
            lines.append(_shape_line(f"{site} {form}", Row(site, alerts, scores), long, right))
            for name, one in scores.items():
                wrong.update(
                    dict.fromkeys(f"{name}: {found.check}: {found.why} | {found.line}" for found in one.findings)
                )
        progress.remove_task(task)
    heads = ["", "posts", "3-5 %", "link %", "n", "chars", "longest", *CHECKS.values(), "redun", "faith %", "R1", "R2"]
    return "\n".join([table(heads, lines), *(wrong if show else ())])


def is_long(post: Post) -> bool:
    """A post that must give 3 to 5 bullets: 600 characters and 6 sentences of text or more."""
    text = body(post.html)
    return sum(len(block.text) for block in text) >= 600 and sum(len(sentences(block.text)) for block in text) >= 6


def _shape_line(name: str, row: Row, long: Sequence[bool], right: Sequence[bool]) -> list[str]:
    lengths = row.lengths()
    return [
        name,
        str(len(row.scores)),
        _figure(100 * sum(long) / len(long), 1) if long else "-",
        _figure(100 * sum(right) / len(right), 1) if right else "-",
        _figure(len(lengths) / len(row.scores), 1),
        _figure(sum(lengths) / max(1, len(lengths))),
        str(max(lengths, default=0)),
        *(_figure(row.share(check), 1) for check in CHECKS),
        _figure(row.mean(lambda one: one.redundancy)),
        _figure(row.faithful(), 1),
        _figure(row.mean(lambda one: one.rouge1)),
        _figure(row.mean(lambda one: one.rouge2)),
    ]


# ---------------------------------------------------------------------------------------------------------- speed


def fast(given: Sequence[Post]) -> str:
    """Sokbo beside LEAD-3 and sumy: posts a second, p99.9, memory, and as ratios to LEAD-3."""
    names = [name for name in ("sokbo", "lead", "lexrank") if not contenders.missing(name)]
    found = contenders.speed(names, given)
    base = found["lead"]
    heads = ["", "posts/CPU s", "p99.9 ms", "RSS MiB", "start CPU s", "posts/s :LEAD", "p99.9 :LEAD", "RSS :LEAD"]
    return table(
        heads,
        (
            [
                contenders.label(name),
                *(
                    _figure(value, digits)
                    for value, digits in ((one.rate, 0), (one.p999, 2), (one.rss, 0), (one.start, 2))
                ),
                *(_figure(value, 2) for value in (one.rate / base.rate, one.p999 / base.p999, one.rss / base.rss)),
            ]
            for name, one in found.items()
        ),
    )


# ----------------------------------------------------------------------------------------------------------- main


def main(corpus: Path = posts.SHARED, half: str | None = None, show_misses: bool = False) -> None:
    """Print everything. `half`: tune or hold, None for both; `show_misses` lists what each alert lacks."""
    shared = list(posts.of_corpus(corpus))
    if not shared:
        print(
            f"No posts under {corpus}: only the English half runs. (Korean: --corpus FOLDER, with SITE/_posts in it.)"
        )
    if lacking := sorted(BASELINES[name][0] for name in BASELINES if contenders.missing(name)):
        print(f"Not installed, so left out (make bench installs them): {', '.join(lacking)}")
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        for lang, language in LANGUAGES.items():
            pairs = [pair for pair in posts.of_gold(lang, corpus) if half in (None, pair[0].half)]
            found = rows(pairs, progress) if pairs else []
            for part in ("tune", "hold"):
                if ids := [post.id for post, _ in pairs if post.half == part]:
                    print(f"\n{language}, {part}: {len(ids)} posts\n{quality([row.of(ids) for row in found])}")
            if found and show_misses:
                print(misses(found[0], pairs))
        print(f"\n{LEGEND}")
        if shared:
            print(f"\nShape of Sokbo's alerts over all shared posts\n{shape(shared, show_misses, progress)}")
        given = [posts.rendered(post) for post in shared] or [post for post, _ in posts.of_gold("en", corpus)]
        if given:
            task = progress.add_task(f"timing {len(given)} posts", total=None)
            print(f"\nSpeed over {len(given)} posts, one core, a process each, alternating, median of 3\n{fast(given)}")
            progress.remove_task(task)
