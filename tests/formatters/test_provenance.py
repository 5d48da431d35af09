"""A bullet says nothing that its post does not say, and tells where it was taken from."""

import html
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formatters import condense, provenance
from formatters.provenance import Evidence, spans
from models import Post
from tests.formatters import corpus

PAGE = (
    "<p>양국은 총 <b>47건</b>의 협력 문서를 체결했다. 계약 규모는 2,700억 원, 수출은 3.5% 늘었다.</p>"
    '<p>장관은 "첫 수출의 문이 열렸다"고 말했다. KTX &amp; Korail said 1,204 people came.</p>'
)


@pytest.mark.parametrize(
    "bullet",
    [
        "총 47건의 협력 문서를 체결",
        "계약 규모 2,700억 원",
        "계약 규모는 2,700억원",
        "수출은 3.5% 늘었다",
        "장관은 “첫 수출의 문이 열렸다”고 말했다",
        "KTX & Korail said 1,204 people came",
        "",
    ],
)
def test_what_the_post_says_is_let_through(bullet: str) -> None:
    assert Evidence.of("제목", PAGE).problem(bullet) == ""


@pytest.mark.parametrize(
    ("bullet", "told"),
    [
        ("총 48건의 협력 문서를 체결", "number 48건"),
        ("총 47명의 협력 문서를 체결", "number 47명"),
        ("총 7건의 협력 문서를 체결", "number 7건"),
        ("계약 규모는 700억 원", "number 700억 원"),
        ("계약 규모는 2,700만 원", "number 2,700만 원"),
        ("수출은 5% 늘었다", "number 5%"),
        ("수출은 3% 늘었다", "number 3%"),
        ("1,204,000 people came", "number 1,204,000 p"),
        ("204 people came", "number 204 p"),
        ("장관은 “첫 수출의 문이 닫혔다”고 말했다", "quotation 첫 수출의 문이 닫혔다"),
        ("총리는 협력 문서를 체결", "word 총리는"),
        ("Siemens said 1,204 people came", "word Siemens"),
        ("rail said 1,204 people came", "word rail"),
    ],
)
def test_an_invented_number_unit_name_or_quotation_is_told(bullet: str, told: str) -> None:
    assert Evidence.of("제목", PAGE).problem(bullet) == told


def test_what_stands_in_a_tag_is_no_evidence() -> None:
    evidence = Evidence.of("Bridge", '<p class="grand">It costs <strong>40</strong> million</p>')
    assert evidence.problem("It costs 40 million") == ""
    assert evidence.problem("A grand bridge") == "word grand"


def test_a_verb_may_have_its_plain_ending() -> None:
    evidence = Evidence.of("", "<p>다리를 짓고 있습니다. 표가 발급됩니다. 지원을 받습니다.</p>")
    assert [evidence.problem(line) for line in ("다리를 짓고 있다", "표가 발급된다", "지원을 받는다")] == ["", "", ""]
    assert evidence.problem("다리를 짓고 없다") == "word 없다"


@given(st.text(max_size=200), st.text(max_size=80))
def test_no_text_breaks_the_checker(page: str, bullet: str) -> None:
    Evidence.of(page, f"<p>{page}</p>").problem(bullet)
    spans(bullet, page, 0, len(page))


def test_a_false_candidate_gives_way_to_a_true_one(monkeypatch: pytest.MonkeyPatch) -> None:
    post = Post("s", "k", "다리 공사", "https://example.org", PAGE)
    honest = condense(post)
    assert any("47건" in bullet for bullet in honest.bullets)
    problem = Evidence.problem
    monkeypatch.setattr(
        Evidence, "problem", lambda self, bullet: "number 47건" if "47건" in bullet else problem(self, bullet)
    )
    assert not any("47건" in bullet for bullet in condense(post).bullets)


def test_without_the_checker_an_invention_would_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("formatters.clauses.variants", lambda text, language="": [text.replace("47", "48")])
    post = Post("s", "k", "다리 공사", "https://example.org", PAGE)
    assert not any("48건" in bullet for bullet in condense(post).bullets)
    monkeypatch.setattr(Evidence, "problem", lambda self, bullet: "")
    assert any("48건" in bullet for bullet in condense(post).bullets)


PLAIN_END = re.compile(r"(?:다|[된진한는인][다입]?)$")


def letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


def test_every_bullet_of_the_corpus_stands_where_it_says() -> None:
    exact = all_ = 0
    for post in corpus.posts()[::3]:
        result = condense(post)
        source = post.html if result.spans and any(result.spans) and _inside(result.spans, post.html) else post.excerpt
        assert len(result.spans) == len(result.bullets)
        for bullet, places in zip(result.bullets, result.spans, strict=True):
            shown = "".join(re.sub(r"<[^<>]*>", "", source[start:end]) for start, end in places)
            # A polite verb stands in the bullet with its plain ending, for which there is no place.
            wanted, found = (PLAIN_END.sub("", letters(text)) for text in (bullet.rstrip("…"), html.unescape(shown)))
            exact += found == wanted
            all_ += 1
    assert exact / all_ > 0.97, f"{exact} of {all_}"


def _inside(places: tuple[tuple[tuple[int, int], ...], ...], html_: str) -> bool:
    return all(end <= len(html_) for bullet in places for _, end in bullet)


def test_a_bullet_from_two_places_has_two_spans() -> None:
    page = (
        "<table><tr><th>역</th><th>이용객</th><th>열차</th></tr><tr><td>서울</td><td>41만 명</td><td>9편</td></tr>"
        "<tr><td>부산</td><td>9만 명</td><td>4편</td></tr></table>"
    )
    result = condense(Post("s", "k", "역 이용객", "https://example.org", page))
    row = next(number for number, bullet in enumerate(result.bullets) if bullet.startswith("서울"))
    pieces = [page[start:end] for start, end in result.spans[row]]
    assert pieces == ["서울", "이용객", "41만 명", "열차", "9편"]


def test_the_checker_shares_no_rule_with_what_makes_bullets() -> None:
    source = (provenance.__file__ or "").replace(".pyc", ".py")
    with open(source, encoding="utf-8") as file:  # noqa: PTH123
        assert "from formatters" not in file.read()


def test_a_post_keeps_its_spans_when_only_its_excerpt_has_text() -> None:
    post = replace(Post("s", "k", "제목", "https://e.org", ""), excerpt="군은 18톤을 수출했다고 밝혔다.")
    result = condense(post)
    assert [post.excerpt[start:end] for start, end in result.spans[0]] == ["군은 18톤을 수출했다고 밝혔다"]
