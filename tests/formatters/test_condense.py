"""What becomes of posts: the shared corpus, the seed post, posts of our own, and hostile text."""

import html
import re
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formatters.condense import _condense, condense
from models import Condensed, Post
from tests.formatters import corpus
from tests.formatters.english import POSTS, Example

# Our own list: what the corpus says about itself, whatever boilerplate.toml knows of it.
PROMOTION = re.compile(
    r"뉴스를 원한다면|생생한 뉴스|각종 정보가 필요할|뉴스다오 실시간|newsdao|koreanews|tistory|opensis|onioninfo"
    r"|자세히 ?보기|원문 ?보기|클릭|👈|바로 ?가기"
    r"|예약하기|공공누리|저작권|무단 전재|정책브리핑|출처\s*:|문의\s*:|\d{2,3}-\d{3,4}-\d{4}|https?://|www\.|알아보겠|알아봅시다|살펴보겠"
    r"|[가-힣]{2,4} 기자$"
)
SENTENCE = re.compile(r"[.!?](?=\s|$)")
TAG = re.compile(r"<[^<>]*>")
# What may be left of a Korean sentence's end: "체결했습니다" is shown as "체결", "예정입니다" as "예정".
LEFT_OFF = re.compile(
    r"(?:했|하였|하고\s?있|할|하|합|한|해)?(?:습니다|니다|으며|며|고|지만|으나|다|어요|요)?|입니다|이다|이에요|예요|이며|이고|이라고"
)
NIEUN, BIEUP = "\u11ab", "\u11b8"
EDGES = " .…,:;!?\"'“”‘’()[]{}<>*#·•-–—~「」『』"


def post(title: str = "제목", html: str = "", **fields: str) -> Post:
    given = Post(source_id="s", key="k", title=title, link="https://example.org/1", html=html)
    return replace(given, **fields)  # type: ignore[arg-type]


def inner(one: Post, **options: int) -> Condensed:
    return _condense(one, bullets=options.get("bullets", 4), bullet_chars=options.get("bullet_chars", 90), language="")


@cache
def read(one: Post) -> Condensed:
    """What becomes of a post of the corpus: condensed once for all tests. A post that would fall back raises."""
    return inner(one)


@cache
def source_text(one: Post) -> str:
    text = unicodedata.normalize("NFC", html.unescape(TAG.sub(" ", one.html)))
    return " ".join(text.replace("**", " ").replace("__", " ").split())


def words(text: str) -> list[str]:
    return [bare for bare in (word.strip(EDGES) for word in text.split()) if bare]


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+(?:[.,]\d+)*", text))


def shortened(edge: str, known: set[str]) -> bool:
    if not known.isdisjoint(politer(edge)):
        return True
    return any(word.startswith(edge) and LEFT_OFF.fullmatch(word[len(edge) :]) for word in known)


def politer(edge: str) -> set[str]:
    """What a plain verb may have been: 있다 was 있습니다 or 있으며, 된다 was 됩니다, 가능하다 was 가능합니다."""
    if not edge.endswith("다"):
        return set()
    stem = edge.removesuffix("다")
    letters = unicodedata.normalize("NFD", stem)
    found = {stem + ending for ending in ("습니다", "어요", "으며", "고", "지만", "으나", "는데")}
    found.add(f"{stem.removesuffix('는')}습니다")
    found.add(unicodedata.normalize("NFC", f"{letters.removesuffix(NIEUN)}{BIEUP}니다"))
    return found


def test_the_seed_post_keeps_its_two_numbers() -> None:
    result = inner(corpus.seed())
    joined = " ".join(result.bullets)
    assert "47건" in joined
    assert "2,700억" in joined
    assert 3 <= len(result.bullets) <= 4
    assert result.headline == "한국의 KTX 수출, 핵심 광물 협력으로 경쟁력 강화!"
    assert result.link == "https://newsdao.kr/4261"


def test_no_post_of_the_corpus_falls_back() -> None:
    assert [one.key for one in corpus.posts() if read(one).fallback or not read(one).headline] == []


def test_no_promotion_reaches_a_bullet() -> None:
    found = [(one.key, line) for one in corpus.posts() for line in read(one).bullets if PROMOTION.search(line)]
    assert found == []


def test_posts_of_six_sentences_have_three_bullets_or_more() -> None:
    long_posts = [one for one in corpus.posts() if len(SENTENCE.findall(source_text(one))) >= 6]
    assert len(long_posts) > 400
    assert [one.key for one in long_posts if len(read(one).bullets) < 3] == []


def test_bullets_begin_and_end_with_whole_words_of_the_post() -> None:
    broken = []
    for one in corpus.posts():
        edges = {edge for line in read(one).bullets for edge in (words(line)[0], words(line)[-1])}
        for reading in readings(one):
            known = set(words(reading))
            edges = {edge for edge in edges if edge not in known and not shortened(edge, known)}
            if not edges:
                break
        broken += [(one.key, edge) for edge in edges]
    assert broken == []


def readings(one: Post) -> Iterator[str]:
    """Tags inside a word ("<b>숙박</b>은") part it here and not in the bullet: both readings count."""
    yield source_text(one)
    glued = unicodedata.normalize("NFC", html.unescape(TAG.sub("", one.html))).replace("**", "")
    yield glued
    yield re.sub("<=[a-z]+>", "", glued)
    yield re.sub(r"(?<=[다요죠])\.", ". ", glued)
    yield re.sub(r"\s?\([^()]{1,40}\)", "", glued)
    yield one.excerpt


def test_every_number_of_a_bullet_stands_in_the_post() -> None:
    for one in corpus.posts():
        known = numbers(source_text(one)) | numbers(TAG.sub("", html.unescape(one.html))) | numbers(one.excerpt)
        assert numbers(" ".join(read(one).bullets)) <= known, one.key


def test_bullets_are_short_and_no_quotation_is_cut() -> None:
    for one in corpus.posts():
        for line in read(one).bullets:
            assert len(line) <= 90
            if line.endswith("…"):
                assert line.count("“") <= line.count("”"), (one.key, line)
                assert line.count('"') % 2 == 0, (one.key, line)


def test_no_bullet_is_said_twice_or_repeats_the_headline() -> None:
    for one in corpus.posts():
        result = read(one)
        assert len(set(result.bullets)) == len(result.bullets)
        assert not any(line in result.headline for line in result.bullets)


def test_the_same_post_gives_the_same_words() -> None:
    sample = corpus.posts()[::20]
    assert [inner(one) for one in sample] == [inner(one) for one in sample]


@pytest.mark.parametrize("example", POSTS, ids=lambda example: example.headline[:20])
def test_an_english_post_keeps_its_facts_and_loses_the_rest(example: Example) -> None:
    result = inner(post(example.title, example.html))
    joined = "\n".join(result.bullets)
    assert result.headline == example.headline
    assert [fact for fact in example.facts if fact not in joined] == []
    assert [phrase for phrase in example.absent if phrase in joined] == []


def test_fewer_bullets_are_given_when_fewer_are_wanted() -> None:
    one = post(html="<p>회사는 3명을 뽑았다. 공장은 5월에 문을 연다. 투자액은 20억 원이다. 직원은 모두 410명이다.</p>")
    assert len(inner(one, bullets=2).bullets) == 2
    assert inner(one, bullets=0).bullets == ()


def test_english_has_one_bullet_more() -> None:
    facts = (
        "The firm hired 31 people",
        "The plant opens in May",
        "Rents rose by 4%",
        "Prices fell by 9%",
        "One bridge cost 7 million",
    )
    one = post("Town", "".join(f"<p>{fact}.</p>" for fact in facts))
    assert [len(inner(one, bullets=wanted).bullets) for wanted in (0, 3, 4, 5)] == [0, 4, 5, 5]


def test_bullets_stand_in_the_order_of_the_post() -> None:
    text = "회의는 월요일 아침에 시청에서 열렸다. 참석자는 210명이다. 예산은 35억 원이다. 공사는 9월에 시작한다."
    found = [text.index(line) for line in inner(post(html=f"<p>{text}</p>")).bullets]
    assert found == sorted(found)
    assert len(found) == 4


def test_text_outside_tags_and_markdown_inside_html_are_read() -> None:
    markup = "<h2>지원</h2>\n정부는 **올해** 예산 12억 원을 쓴다.\n<div>## 신청\n- 신청은 4월 3일까지 받는다\n</div>"
    assert inner(post(html=markup)).bullets == ("정부는 올해 예산 12억 원을 쓴다", "신청은 4월 3일까지 받는다")


def test_a_table_row_is_said_with_its_first_cell() -> None:
    rows = "".join(
        f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in [("대상", "금액"), ("청년", "70만 원")]
    )
    table = f"<table>{rows}<tr><td>어르신</td><td>45만 원</td></tr><tr><td>문의</td><td>044-123-4567</td></tr></table>"
    assert inner(post(html=table)).bullets == ("청년: 70만 원", "어르신: 45만 원")


def test_a_leading_connective_goes_only_where_the_rest_stands() -> None:
    one = post(
        html="<p>또한, 시는 버스 40대를 더 산다. 이에 대해 시민 3명이 물었다. 더불어민주당은 8일 법안을 냈다.</p>"
    )
    assert inner(one).bullets == (
        "시는 버스 40대를 더 산다",
        "이에 대해 시민 3명이 물었다",
        "더불어민주당은 8일 법안을 냈다",
    )


def test_a_post_without_text_takes_its_excerpt() -> None:
    assert inner(post(excerpt="역은 6월 2일에 문을 연다.")).bullets == ("역은 6월 2일에 문을 연다",)


def test_the_original_link_is_shown_before_the_posts_own() -> None:
    assert inner(post(original_link="https://example.org/original")).link == "https://example.org/original"
    assert inner(post()).link == "https://example.org/1"


def test_what_cannot_be_condensed_comes_back_as_title_and_link() -> None:
    broken = post(title="살아 있는  제목", html=None)  # type: ignore[arg-type]
    result = condense(broken)
    assert result == Condensed(headline="살아 있는 제목", bullets=(), link="https://example.org/1", fallback=True)


HOSTILE = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("<>/&;\"'“”‘’.!?… \n\u200b\u202e\u2066\ufeff\ue000\ue001|#*_[]()0123456789가다요.며고,👈😀"),
    ),
    max_size=400,
)
MARKUP = st.lists(
    st.one_of(
        HOSTILE,
        st.sampled_from(["<b>", "</b>", "<p>", "</p>", "<td>", "</table>", "<table><tr><th>", "<li>", "<br>", "<h2>"]),
    ),
    max_size=12,
).map("".join)


@settings(max_examples=150, deadline=None)
@given(HOSTILE, MARKUP, HOSTILE)
def test_no_text_makes_the_condenser_raise(title: str, markup: str, headline: str) -> None:
    result = inner(post(title, markup, source_headline=headline))
    assert all(line and len(line) <= 90 and "\n" not in line for line in result.bullets)
    assert len(result.bullets) <= 4
    assert not set("\u200b\u202e\u2066\ue000\ue001") & set(result.headline + "".join(result.bullets))


@pytest.mark.parametrize(
    "markup",
    [
        "<b>" * 200_000 + "끝",
        "<div><table><tr><td>" * 40_000 + "끝",
        "<" * 200_000,
        '<a href="' * 50_000,
        "<a b='<a b=\"" * 20_000,
        "1 " * 100_000,
        "1" * 200_000,
        "😀" * 100_000,
        "“" * 100_000 + "가. 나. " * 20_000,
        "[" * 200_000,
        "**a " * 60_000,
        "가나다라 " * 40_000,
        "그는 말했고, " * 30_000,
        "A. " * 60_000,
        "<li>" * 100_000,
        "| a | b |\n" * 20_000,
        "&lt;b&gt;" * 30_000,
        "(" * 100_000 + " .",
        "Mr. Smith, and he said, " * 9_000,
    ],
    ids=lambda markup: markup[:12],
)
def test_hostile_pages_are_read_in_bounded_time(markup: str) -> None:
    started = time.process_time()
    inner(post(html=markup))
    assert time.process_time() - started < 2


def test_hostile_titles_are_read_in_bounded_time() -> None:
    started = time.process_time()
    for title in (
        "[" * 100_000,
        "😀 " * 50_000,
        "<a" * 50_000,
        " - " * 50_000,
        "A" * 100_000,
        "가, " * 50_000,
        "1," * 50_000,
    ):
        inner(post(title, "<p>본문이다.</p>", source_headline=title))
    assert time.process_time() - started < 3


def test_a_source_line_of_any_form_is_no_bullet() -> None:
    lines = ("출처: 어떤 제목", "원문 출처: 어떤 제목", "자료 출처 : 어떤 부처", "기사 출처: 어떤 신문")
    for line in lines:
        post = Post("s", "k", "제목", "https://a.example/1", f"<p>{line}</p><p>협약 47건이 체결됐다.</p>")
        assert condense(post).bullets == ("협약 47건이 체결됐다",)


def test_a_sources_own_standing_lines_are_no_bullets() -> None:
    one = post(html="<p>오늘의 운세 3월 2일. 군은 18톤을 수출했다고 밝혔다. 공사는 9월 3일에 시작한다.</p>")
    assert any("운세" in line for line in condense(one).bullets)
    assert not any("운세" in line for line in condense(one, boilerplate=("^오늘의 운세",)).bullets)
