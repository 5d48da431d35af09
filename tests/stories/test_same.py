"""New, same, joins, changed: the whole table; and when two links name one article."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Post
from stories import Verdict, fingerprint, judge, link_key, story_links


def verdict(seen: str | None, story: tuple[str, ...] | None, *, names_original: bool = True) -> Verdict:
    return judge(
        source_id="mine",
        names_original=names_original,
        seen_fingerprint=seen,
        fingerprint_now="now",
        story_sources=story,
    )


@pytest.mark.parametrize(
    ("seen", "story", "expected"),
    [
        (None, None, Verdict.NEW),
        (None, ("other",), Verdict.JOINS),
        (None, ("mine",), Verdict.CHANGED),
        (None, ("other", "mine"), Verdict.SAME),
        ("now", ("mine",), Verdict.SAME),
        ("before", ("mine",), Verdict.CHANGED),
        ("before", ("other", "mine"), Verdict.SAME),
        ("before", None, Verdict.SAME),
    ],
)
def test_what_a_post_is(seen: str | None, story: tuple[str, ...] | None, expected: Verdict) -> None:
    assert verdict(seen, story) is expected


def test_one_address_for_many_posts_of_a_source_does_not_make_them_one() -> None:
    assert verdict(None, ("mine",), names_original=False) is Verdict.NEW
    assert verdict(None, ("other",), names_original=False) is Verdict.JOINS


@pytest.mark.parametrize(
    "link",
    [
        "https://newsdao.kr/4261",
        "http://newsdao.kr/4261/",
        "https://www.newsdao.kr/4261?utm_source=x&fbclid=1",
        "https://m.newsdao.kr/4261#top",
        "https://NEWSDAO.kr:443/4261",
    ],
)
def test_forms_of_one_address_are_equal(link: str) -> None:
    assert link_key(link) == "newsdao.kr/4261"


def test_addresses_of_different_articles_stay_different() -> None:
    links = ["https://a.kr/?p=1", "https://a.kr/?p=2", "https://a.kr/1", "https://b.kr/1", "https://a.kr/1?id=3"]
    assert len({link_key(link) for link in links}) == len(links)


@pytest.mark.parametrize("link", ["", "https://newsdao.kr", "https://newsdao.kr/", "javascript:1", "http://[", "/4261"])
def test_what_names_no_article_matches_nothing(link: str) -> None:
    assert link_key(link) == ""


@given(st.text())
def test_no_address_breaks_the_normalisation(link: str) -> None:
    assert link_key(link_key(link)) in ("", link_key(link_key(link)))
    link_key(f"https://{link}")


def test_a_post_is_found_by_its_original_and_by_its_own_link() -> None:
    post = Post("s", "k", "t", "https://blog.example/1", "", original_link="https://newsdao.kr/4261")
    assert story_links(post) == ("newsdao.kr/4261", "blog.example/1")


def test_the_fingerprint_changes_with_title_text_and_link_only() -> None:
    post = Post("s", "k", "제목", "https://a.kr/1", "<p>글</p>", excerpt="a")
    assert fingerprint(post) == fingerprint(Post("s", "k", "제목", "https://a.kr/1", "<p>글</p>", excerpt="b"))
    for changed in (
        Post("s", "k", "제목!", "https://a.kr/1", "<p>글</p>"),
        Post("s", "k", "제목", "https://a.kr/2", "<p>글</p>"),
        Post("s", "k", "제목", "https://a.kr/1", "<p>글.</p>"),
    ):
        assert fingerprint(changed) != fingerprint(post)
