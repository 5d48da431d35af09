"""What posts are called, whichever of them come and go; and which "new" ones are old."""

from dataclasses import replace

import pytest

from models import Post
from stories import identity
from stories.identity import Named


def post(guid: str = "", link: str = "", title: str = "제목", html: str = "<p>본문</p>") -> Post:
    return Post("s", guid or link or "d", title, link, html, guid=guid, digest=f"digest of {title}")


class Memory:
    """Reads documents one after the other, and remembers as the database does."""

    def __init__(self) -> None:
        self.known: dict[str, Named] = {}
        self.chosen = ""

    def read(self, *posts: Post) -> list[str]:
        self.chosen = self.chosen or identity.choice(posts)
        names = [identity.name_of(one, self.chosen) for one in posts]
        asked = identity.candidates(names)
        found = identity.identify(names, {key: self.known[key] for key in asked if key in self.known})
        for key, name in zip(found.keys, names, strict=True):
            repeated = key in self.known and self.known[key].repeated
            self.known[key] = Named(name.apart, repeated)
        for key in found.repeated & self.known.keys():
            self.known[key] = replace(self.known[key], repeated=True)
        return list(found.keys)


A, B, C = (post("G", f"https://a.example/{letter}", letter) for letter in "abc")


def test_a_repeated_guid_names_each_post_the_same_whichever_of_them_come_and_go() -> None:
    for documents in ([(A,), (A, B), (B,), (A,), (B, A), (B, C), (C,)], [(B, A), (A,), (B,), (C,), (A, B, C)]):
        memory, names = Memory(), dict[str, set[str]]()
        for document in documents:
            for one, key in zip(document, memory.read(*document), strict=True):
                names.setdefault(one.title, set()).add(key)
        assert all(len(keys) == 1 for keys in names.values()), names
        assert len(set[str]().union(*names.values())) == 3


def test_a_guid_that_never_repeated_stays_the_post_when_its_link_changes() -> None:
    memory = Memory()
    assert memory.read(A) == memory.read(replace(A, link="https://a.example/moved")) == ["G"]


def test_what_names_the_posts_is_chosen_once() -> None:
    memory = Memory()
    bare = [post("", f"https://a.example/{n}", f"t{n}") for n in range(4)]
    first = memory.read(*bare)
    with_guids = [replace(one, guid=f"g{n}") for n, one in enumerate(bare)]
    assert memory.chosen == "link" and memory.read(*with_guids) == first
    memory = Memory()
    memory.read(*with_guids)
    assert memory.chosen == "guid" and memory.read(with_guids[0], bare[1])[0] == "g0"
    memory = Memory()
    nothing = [replace(one, link="") for one in bare]
    first = memory.read(*nothing)
    assert memory.chosen == "hash" and memory.read(*bare) == first


def test_a_scheme_and_click_counters_do_not_change_a_link() -> None:
    same = (
        "https://a.example/1?x=2",
        "http://A.example:80/1?x=2&utm_source=feed",
        "https://a.example/1?utm_medium=rss&x=2",
    )
    assert {identity.canonical(link) for link in same} == {"//a.example/1?x=2"}
    other = (
        "https://a.example/live#1",
        "https://a.example/live#2",
        "https://a.example/live",
        "https://a.example/1?x=3",
    )
    assert len({identity.canonical(link) for link in other}) == 4
    assert identity.canonical("http://[") == "http://[" and identity.canonical("tag:x") == "tag:x"


def test_what_an_earlier_version_called_by_its_link_keeps_that_name() -> None:
    memory = Memory()
    memory.chosen, memory.known = "link", {"https://a.example/a": Named("", False)}
    assert memory.read(post("", "https://a.example/a")) == ["https://a.example/a"]
    memory.known = {"G https://a.example/a": Named("", False), "G https://a.example/b": Named("", False)}
    memory.chosen = "guid"
    assert memory.read(A, B) == ["G https://a.example/a", "G https://a.example/b"] and memory.read(B) == [
        "G https://a.example/b"
    ]


def test_a_kind_that_says_the_key_is_believed() -> None:
    assert (
        identity.name_of(Post("s", "2026-06-17-a.md", "t", "https://a.example/", ""), "link").alone == "2026-06-17-a.md"
    )


def marked(*posts: Post) -> list[tuple[str, ...]]:
    return [identity.marks(one) for one in posts]


def number(n: int, site: str = "a.example", title: str = "", text: str = "") -> Post:
    return post(f"{site} {n}", f"https://{site}/{n}", title or f"소식 {n}", f"<p>{text or f'글 {n}'}</p>")


OLD = [number(n) for n in range(20)]
KNOWN = frozenset(mark for marks in marked(*OLD) for mark in marks)


@pytest.mark.parametrize(
    ("new", "held"),
    [
        ([number(n, "b.example") for n in range(10)], 10),  # a new address: title and text are known
        ([number(n, title=f"New {n}") for n in range(6)], 6),  # new guids and titles: link and text are known
        ([number(n, "b.example", text=f"new {n}") for n in range(5)], 5),  # the title alone
        ([number(n, "b.example") for n in range(4)], 0),  # four are sent
        ([number(n, "b.example") for n in range(100, 200)], 0),  # a mere lot of news
        ([number(n, "b.example") for n in (*range(8), 100, 101)], 8),  # 80%: the others are news
        ([number(n, "b.example") for n in (*range(7), 100, 101)], 0),
        ([number(n, "b.example", title="소식 1", text="글 1") for n in range(100, 120)], 0),  # one title for everything
        ([post(f"n{n}", "https://a.example/1", f"new {n}", f"<p>new {n}</p>") for n in range(9)], 0),  # a live page
    ],
)
def test_only_five_or_more_of_which_four_in_five_are_known_are_held(new: list[Post], held: int) -> None:
    assert len(identity.renamed(marked(*new), KNOWN)) == held
