"""The measure of the condenser: every check can fail, and a good alert passes all of them."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.condense import posts
from benchmarks.condense.baselines import best, headings, lead
from benchmarks.condense.contenders import percentile
from benchmarks.condense.score import Alert, Fact, Gold, Source, findings, redundancy, rouge_l, rouge_n, score
from benchmarks.condense.text import blocks, sentences, words

ROOT = Path(__file__).parents[2]
TITLE = "한·우즈베키스탄 정상회담, KTX 첫 수출 합의"
KOREAN = """
<p>출처: <a href="https://newsdao.kr/4261" rel="dofollow">KTX 수출, 핵심광물 협력 강화!</a> | 뉴스다오</p>
<h2>정상회담 주요 성과</h2>
우즈베키스탄과의 정상회담에서 나온 주요 성과에 대해 알아봅시다.
<p>양국은 14일 회담을 바탕으로 총 47건의 협력 문서를 체결하였습니다.
<b>경제 전 분야에서 협력을 강화하기로</b> 합의했습니다.</p>
<ul><li>2,700억 원규모의 고속철도 KTX 수출 성사</li></ul>
<p>윤석열 대통령은 "핵심광물 공급망을 함께 만들겠다"고 밝혔습니다.
이는 중요한 계기가 될 것입니다. 물품도 지원되었습니다.</p>
<table><tr><td>송파구</td><td>0.56%</td></tr></table>
빠르고 정확한 뉴스를 원한다면? <a href="https://newsdao.kr">뉴스다오</a>
"""
ENGLISH = """
<p>OSTRAND (Reuters) - Velmark&#8217;s central bank cut its rate to 4.25% on Thursday,
its first reduction since 2024.</p>
<p>&#8220;We are easing off the brake,&#8221; Governor Tomas Heldring said.
He wants to see softer data at $2.5 billion a month.</p>
<p>But the Federation of Velmark Industries called the move too little.</p><p>Also read: Crown slips</p>
"""
KO, EN = Source(KOREAN, TITLE, "ko"), Source(ENGLISH, "Velmark cuts rates", "en")
GOOD_KO = (
    "총 47건의 협력 문서를 체결",
    "2,700억 원규모의 고속철도 KTX 수출 성사",
    '윤석열 대통령은 "핵심광물 공급망을 함께 만들겠다"고 밝혔다',
    "경제 전 분야에서 협력을 강화하기로 합의했습니다.",
    "송파구 0.56%",
)
GOOD_EN = (
    "Velmark’s central bank cut its rate to 4.25% on Thursday",
    "“We are easing off the brake,” Governor Tomas Heldring said",
    "The Federation of Velmark Industries called the move too little",
)


def fired(bullet: str, source: Source = KO, headline: str = "우즈베키스탄 회담") -> set[str]:
    """The checks that find something wrong with a bullet."""
    return {found.check for found in findings(Alert(headline, (bullet,)), source) if found.line == bullet}


@pytest.mark.parametrize("bullet", GOOD_KO)
def test_a_good_korean_bullet_is_left_alone(bullet: str) -> None:
    assert fired(bullet) == set()


@pytest.mark.parametrize("bullet", GOOD_EN)
def test_a_good_english_bullet_is_left_alone(bullet: str) -> None:
    assert fired(bullet, EN, "Rates fall") == set()


@pytest.mark.parametrize(
    ("check", "bullet"),
    [
        ("unfaithful", "총 74건의 협력 문서를 체결"),  # an invented number
        ("unfaithful", "총 7건의 협력 문서를 체결"),  # a piece of a number
        ("unfaithful", "총 47명의 협력 문서를 체결"),  # another unit
        ("unfaithful", "700억 원규모의 고속철도 KTX 수출 성사"),  # the front of a number lost
        ("unfaithful", "2,700조 원규모의 고속철도 KTX 수출 성사"),  # another scale
        ("unfaithful", "송파구 -0.56%"),  # another sign
        ("unfaithful", '윤석열 대통령은 "핵심광물 공급망을 같이 만들겠다"고 밝혔다'),  # a changed quotation
        ("unfaithful", '윤석열 대통령은 "핵심광물 공급망을 만들겠다"고 밝혔다'),  # a shortened quotation
        ("unfaithful", '양국은 "협력 문서를 체결"'),  # quotation marks of its own
        ("unfaithful", "총 47건의 협력 문서를 파기"),  # a word that is not there
        ("unfaithful", "이재명 대통령은 47건의 문서를 체결"),  # a name
        ("unfaithful", "2,700억 원규모의 고속철도 SRT 수출 성사"),  # a Latin name
        ("cut", "2,700억 원규모의 고속철도 KTX 수출 성"),  # inside a word
        ("cut", "양국은 14일 회담을 바탕으로 총 47"),  # inside a number
        ("cut", '윤석열 대통령은 "핵심광물 공급망을 함께'),  # inside a quotation
        ("cut", "윤석열 대통령은 (핵심광물"),  # inside a bracket
        ("cut", "양국은 14일 회담을 바탕으로 총 47건의 협력 문서를"),  # ends with a particle
        ("cut", "양국은 14일 회담을 바탕으로 총 47건의 협력…"),  # trails off
        ("cut", "경제 전 분야에서 협력을 강화하며"),  # ends with a connective
        ("cut", "협력이 가능한다"),  # an ending Korean lacks
        ("filler", "이번 회담은 중요한 계기가 될 것입니다"),
        ("filler", "우즈베키스탄과의 정상회담에서 나온 주요 성과에 대해 알아봅시다"),
        ("filler", "협력에 기여할 것으로 기대됩니다"),
        ("boilerplate", "빠르고 정확한 뉴스를 원한다면?"),
        ("boilerplate", "출처: KTX 수출, 핵심광물 협력 강화!"),
        ("boilerplate", "문의: 외교부 유럽과(02-2100-7000)"),
        ("boilerplate", "홍길동 기자 hong@example.com"),
        ("dangling", "이는 회담을 바탕으로 합의했습니다"),
        ("dangling", "또한, 경제 전 분야에서 합의했습니다"),
        ("dangling", "그는 핵심광물 공급망을 강조했다"),
        ("dangling", "이 제도는 14일 합의했습니다"),  # a demonstrative with nothing to point at
        ("markup", "<b>경제 전 분야에서</b> 합의했습니다"),
        ("markup", "경제 &amp; 분야에서 합의했습니다"),
        ("markup", "**경제 전 분야에서** 합의했습니다"),
        ("markup", "## 정상회담 주요 성과"),
        ("markup", "[뉴스](https://newsdao.kr)"),
        ("markup", "경제  분야에서 합의했습니다"),  # a hole
        ("headline", "우즈베키스탄과의 회담"),
    ],
)
def test_every_check_finds_a_broken_korean_bullet(check: str, bullet: str) -> None:
    assert check in fired(bullet)


@pytest.mark.parametrize(
    ("check", "bullet"),
    [
        ("unfaithful", "Velmark’s central bank cut its rate to 4.5% on Thursday"),
        ("unfaithful", "softer data at $2.5 million a month"),
        ("unfaithful", "softer data at 2.5 billion a month"),  # the currency lost
        ("unfaithful", "“We are easing on the brake,” Governor Tomas Heldring said"),
        ("unfaithful", "Governor Thomas Heldring said"),
        ("cut", "Velmark’s central bank cut its rate to 4"),
        ("cut", "Velmark’s central bank cut its rate to"),
        ("cut", "Velmark’s central ba"),
        ("cut", "“We are easing off the brake"),
        ("filler", "It remains to be seen what Velmark will do"),
        ("boilerplate", "Also read: Crown slips"),
        ("boilerplate", "OSTRAND (Reuters) - Velmark’s central bank cut its rate"),
        ("boilerplate", "Follow us on Google News"),
        ("boilerplate", "Photo: Jonna Pelt"),
        ("dangling", "He wants to see softer data"),
        ("dangling", "But the Federation of Velmark Industries called the move too little"),
        ("dangling", "“We are easing off the brake,” he said"),
        ("dangling", "“We are easing off the brake.”"),
        ("markup", "Velmark&#8217;s central bank cut its rate"),
        ("markup", "?We are easing off the brake,? Governor Tomas Heldring said"),
        ("headline", "Rates fall"),
    ],
)
def test_every_check_finds_a_broken_english_bullet(check: str, bullet: str) -> None:
    assert check in fired(bullet, EN, "Rates fall")


@pytest.mark.parametrize(
    ("bullet", "before"),
    [
        ("이 대통령은 14일 합의했습니다", ""),  # a surname
        ("이번 회담은 14일 합의했습니다", ""),
        ("이 회담은 14일 합의했습니다", "정상회담 합의, 회담 끝나"),  # what it points at stands above
        ("이재명 대표는 합의했습니다", ""),
    ],
)
def test_what_only_looks_like_a_pointer_does_not_dangle(bullet: str, before: str) -> None:
    assert "dangling" not in fired(bullet, KO, before or "우즈베키스탄 회담")


def test_a_number_or_a_quotation_is_more_than_filler() -> None:
    assert "filler" not in fired("총 47건의 협력 문서를 체결해 중요한 계기가 되었다")


def test_a_headline_with_an_invented_name_is_unfaithful_and_its_title_counts_as_source() -> None:
    checks = [{found.check for found in findings(Alert(line, ()), KO)} for line in (TITLE, "한·카자흐스탄 정상회담")]
    assert checks == [set(), {"unfaithful"}]


GOLD = Gold(
    "a",
    "",
    (),
    (Fact("문서 47건", (("47건", "협력문서"),)), Fact("수출", (("2,700억", "KTX"), ("3조",)))),
    ("계기가 될",),
)


def test_a_fact_needs_all_its_strings_in_one_line() -> None:
    apart = score(Alert("총 47건", ("협력 문서를 체결", "2,700억 규모 ktx")), KO, GOLD)
    together = score(Alert("협력 문서 총 47건", ("중요한 계기가 될 것",)), KO, GOLD)
    assert (apart.facts, together.facts) == ((False, True), (True, False))
    assert (apart.anywhere, together.anywhere) == ((True, True), (True, False))
    assert (apart.forbidden, together.forbidden) == ((), ("계기가 될",))


def test_lengths_are_characters_and_a_line_is_counted_once_a_check() -> None:
    one = score(Alert("회담", ("총 74건, 88명의 문서",)), KO)
    assert (one.lengths, one.count("unfaithful"), one.facts) == ((14,), 1, ())


def test_rouge_counts_words_and_the_longest_common_subsequence() -> None:
    assert words("문서를 체결하였습니다, Bank's 4.25%") == ["문서", "체결", "bank", "4.25%"]
    assert rouge_n(["a", "b", "c"], ["a", "b", "d"], 1) == pytest.approx(200 / 3)
    assert rouge_n(["a", "b", "c"], ["a", "b", "d"], 2) == pytest.approx(50)
    assert rouge_l(["a", "x", "b", "c"], ["a", "b", "c", "y"]) == pytest.approx(75)
    assert (redundancy(["문서 체결", "문서를 체결"]), redundancy(["하나"])) == (100, None)


def test_rouge_against_the_excerpt_is_left_out_where_there_is_none() -> None:
    alert = Alert("회담", ("총 47건의 협력 문서를 체결",))
    assert score(alert, KO).rouge1 is None
    assert score(alert, KO, None, "총 47건의 협력 문서 체결").rouge1 == 100


# -------------------------------------------------------------------------------------------------- reading posts


def test_tags_and_markdown_are_read_and_pseudo_tags_are_text() -> None:
    found = blocks(
        "<h2>가</h2>나 <b>다</b> <자료출처=통계청>\n\n## 라\n| 마 | 바 |\n|---|---|\n- [사](https://a.b) &amp; **아**"
    )
    assert [(block.kind, block.text) for block in found] == [
        ("heading", "가"),
        ("text", "나 다 <자료출처=통계청>"),
        ("heading", "라"),
        ("cell", "마"),
        ("cell", "바"),
        ("item", "사 & 아"),
    ]


@pytest.mark.parametrize(
    ("block", "count"),
    [
        ("물가가 3.1% 올랐다. 금리는 그대로다.", 2),
        ("발표했습니다.글로벌 시장도 반겼다.", 2),
        ("회의는 2024. 6. 12. 열렸다.", 1),
        ('그는 "끝났다. 모두 끝났다."라고 말했다. 회의는 계속됐다.', 2),
        ("U.S. President J. Doe met Mr. Roe at 4 p.m. on Friday. They talked.", 2),
        ("“It is over. All is over,” he said. Nobody spoke.", 2),
        ("1. 사건 배경", 1),
    ],
)
def test_sentences_end_where_they_end(block: str, count: int) -> None:
    assert len(sentences(block)) == count


@pytest.mark.parametrize(
    ("text", "title", "body"),
    [
        ('---\ntitle: "A: b"\nexcerpt: >\n  c\n  d\n---\ne', "A: b", "e"),
        ("---\ntitle: 'it''s\nnonsense [\n---\ne", "'it''s", "e"),
        ("---\ntitle: 열림\n", None, "---\ntitle: 열림\n"),
        ("no front matter", None, "no front matter"),
        ("", None, ""),
    ],
)
def test_broken_front_matter_gives_what_is_left(text: str, title: str | None, body: str) -> None:
    fields, rest = posts.split(text)
    assert (fields.get("title"), rest) == (title, body)


def test_the_original_link_is_the_one_of_the_source_line_and_no_home_page() -> None:
    post = posts.Post("a/b", TITLE, "", KOREAN, "", "ko")
    home = posts.Post("a/b", TITLE, "", '<p>출처: <a href="https://newsdao.kr/">뉴스다오</a></p>', "", "ko")
    assert (posts.original_link(post), posts.original_link(home)) == ("https://newsdao.kr/4261", "")


def test_the_half_of_a_post_never_changes() -> None:
    halves = [posts.Post(f"newsdao/2024-06-12-{n}", "", "", "", "", "ko").half for n in range(8)]
    assert halves == ["hold", "hold", "tune", "tune", "tune", "hold", "tune", "hold"]


def test_every_gold_entry_asks_for_something_and_its_hand_written_alert_passes() -> None:
    for lang in ("ko", "en"):
        for gold in posts.gold(lang).values():
            assert gold.must, gold.id
            lines = (gold.headline, *gold.bullets)
            assert not gold.bullets or all(fact.in_lines(lines) for fact in gold.must), gold.id


def test_baselines_take_whole_sentences_and_the_limit_takes_the_right_ones() -> None:
    assert lead(TITLE, KOREAN, "ko")[1] == "양국은 14일 회담을 바탕으로 총 47건의 협력 문서를 체결하였습니다."
    assert headings(TITLE, KOREAN, "ko") == ["우즈베키스탄과의 정상회담에서 나온 주요 성과에 대해 알아봅시다."]
    limit = best(GOLD, TITLE, KOREAN, 3)
    assert [bullet[:6] for bullet in limit.bullets] == ["양국은 14", "2,700억"]
    assert score(limit, KO, GOLD).facts == (True, True)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert [percentile(range(1, 1001), share) for share in (0.5, 0.999, 1.0)] == [500, 999, 1000]


# ------------------------------------------------------------------------------------------------------ the house


def test_the_measure_imports_nothing_of_the_project() -> None:
    ours = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert {"formatters", "models", "pipeline", "benchmarks"} <= ours
    reached = _measure()
    assert {"report", "contenders", "baselines", "posts", "score", "patterns", "text"} == set(reached)
    assert [name for names in reached.values() for name in names if name.split(".")[0] in ours - {"benchmarks"}] == []


def test_an_import_of_the_project_would_be_found() -> None:
    assert list(_imports(ast.parse("def f():\n    from formatters import condense"))) == ["formatters.condense"]


def _measure() -> dict[str, list[str]]:
    """Module of the folder -> what it imports anywhere, for all that report.py reaches."""
    found: dict[str, list[str]] = {}
    waiting = ["report"]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        file = ROOT / "benchmarks" / "condense" / f"{name}.py"
        found[name] = list(_imports(ast.parse(file.read_text(encoding="utf-8"))))
        own = [known.removeprefix("benchmarks.condense.") for known in found[name] if known.startswith("benchmarks.")]
        waiting += [known.split(".")[0] for known in own]
    return found


def _imports(tree: ast.AST) -> Iterator[str]:
    """Every imported name, in full, inside functions too. A relative import starts with a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ("." * node.level + f"{node.module}.{alias.name}" for alias in node.names)


def test_the_measure_needs_none_of_the_packages_it_compares_with() -> None:
    at_import = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for name in _measure()
        for node in ast.parse((ROOT / "benchmarks" / "condense" / f"{name}.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    roots = {str(name).split(".")[0] for name in at_import}
    assert roots - set(sys.stdlib_module_names) == {"benchmarks", "rich"}


def test_the_lock_of_the_benchmarks_has_a_hash_for_each_package_and_agrees_with_the_others() -> None:
    pins = [dict(_pins(ROOT / f"requirements{part}.lock")) for part in ("", "-dev", "-bench")]
    assert [name for name, version in pins[2].items() if {**pins[0], **pins[1]}.get(name, version) != version] == []
    lock = (ROOT / "requirements-bench.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=\S)", lock.strip()))


def _pins(lock: Path) -> list[tuple[str, str]]:
    text = lock.read_text(encoding="utf-8")
    return re.findall(r"^([\w.-]+)==(\S+)(?! ; )(?= \\| *$)", text, re.MULTILINE)
