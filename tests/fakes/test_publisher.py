"""That the double of a publisher serves, remembers and fails as publishers do."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from xml.etree import ElementTree

import httpx
import pytest

from tests.fakes.publisher import FakePublisher, Item, Request, atom, rss

MOMENT = datetime(2026, 6, 17, 14, 5, tzinfo=timezone(timedelta(hours=9)))
ITEM = Item(
    'KTX <수출> & "광물"',
    "https://a.example/?a=1&b=2",
    "tag:1",
    MOMENT,
    "<p>47건 &amp; 더</p>",
    ("외교", "R&D"),
    "편집부",
)
ATOM = "{http://www.w3.org/2005/Atom}"

# No connection is kept: the next double may get the port of the last one.
HTTP = httpx.Client(trust_env=False, verify=False, limits=httpx.Limits(max_keepalive_connections=0))


@pytest.fixture
def publisher() -> Iterator[FakePublisher]:
    with FakePublisher() as made:
        made.set("/feed.xml", rss("소식", [ITEM]))
        yield made


def get(publisher: FakePublisher, path: str = "/feed.xml", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HTTP.get(f"{publisher.url}{path}", headers=named)


# --------------------------------------------------------------------------------------------------- the documents


def text_of(element: ElementTree.Element, path: str) -> str:
    found = element.find(path)
    assert found is not None and found.text
    return found.text


def test_an_rss_document_says_what_its_items_say() -> None:
    root = ElementTree.fromstring(rss("소식 & <소문>", [ITEM, Item("bare")]))
    assert text_of(root, "channel/title") == "소식 & <소문>"
    full, bare = root.findall("channel/item")
    assert [text_of(full, name) for name in ("title", "link", "guid")] == [ITEM.title, ITEM.link, ITEM.guid]
    assert parsedate_to_datetime(text_of(full, "pubDate")) == MOMENT
    assert text_of(full, "description") == ITEM.html
    assert [category.text for category in full.findall("category")] == ["외교", "R&D"]
    assert text_of(full, "{http://purl.org/dc/elements/1.1/}creator") == "편집부"
    assert [child.tag for child in bare] == ["title", "description"]


def test_an_atom_document_says_what_its_items_say() -> None:
    root = ElementTree.fromstring(atom("소식", [ITEM, Item("bare")]))
    full, bare = root.findall(f"{ATOM}entry")
    assert [text_of(full, f"{ATOM}{name}") for name in ("title", "id", "content")] == [ITEM.title, "tag:1", ITEM.html]
    assert datetime.fromisoformat(text_of(full, f"{ATOM}published")) == MOMENT
    assert [link.get("href") for link in full.findall(f"{ATOM}link")] == [ITEM.link]
    assert [category.get("term") for category in full.findall(f"{ATOM}category")] == ["외교", "R&D"]
    assert text_of(full, f"{ATOM}author/{ATOM}name") == "편집부"
    assert text_of(bare, f"{ATOM}id").startswith("urn:title:") and bare.find(f"{ATOM}published") is None


# ------------------------------------------------------------------------------------------------------- the serving


def test_a_page_is_served_with_its_validators(publisher: FakePublisher) -> None:
    answer = get(publisher, User_Agent="Sokbo/0.1")
    assert (answer.status_code, answer.text) == (200, rss("소식", [ITEM]))
    assert answer.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    assert answer.headers["ETag"].startswith('"') and parsedate_to_datetime(answer.headers["Last-Modified"])
    (request,) = publisher.requests
    assert (request.path, request.status, request.headers["User-Agent"]) == ("/feed.xml", 200, "Sokbo/0.1")


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_who_has_the_page_is_told_that_nothing_changed(publisher: FakePublisher, form: str) -> None:
    etag = get(publisher).headers["ETag"]
    answer = get(publisher, If_None_Match=form.format(etag))
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
    publisher.set("/feed.xml", rss("소식", []))
    if form != "*":
        assert get(publisher, If_None_Match=form.format(etag)).status_code == 200


def test_a_date_is_a_validator_only_where_no_tag_is_given(publisher: FakePublisher) -> None:
    date = get(publisher).headers["Last-Modified"]
    assert get(publisher, If_Modified_Since=date).status_code == 304
    assert get(publisher, If_Modified_Since=date, If_None_Match='"other"').status_code == 200
    earlier = format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)
    assert get(publisher, If_Modified_Since=earlier).status_code == 200
    assert get(publisher, If_Modified_Since="yesterday").status_code == 200


def test_headers_status_and_type_are_as_set(publisher: FakePublisher) -> None:
    headers = {"Cache-Control": "max-age=120", "ETag": "", "Last-Modified": ""}
    publisher.set("/wall", b"\xb0\xa1", "text/html; charset=euc-kr", 203, headers)
    answer = get(publisher, "/wall")
    assert (answer.status_code, answer.content) == (203, b"\xb0\xa1")
    assert answer.headers["Content-Type"] == "text/html; charset=euc-kr"
    assert answer.headers["Cache-Control"] == "max-age=120"
    assert "ETag" not in answer.headers and "Last-Modified" not in answer.headers


def test_a_path_with_a_query_goes_before_the_path_alone(publisher: FakePublisher) -> None:
    publisher.set("/posts?page=2", "second")
    publisher.set("/posts", "first")
    assert [get(publisher, path).text for path in ("/posts?page=2", "/posts?page=9", "/posts")] == [
        "second", "first", "first",
    ]  # fmt: skip
    assert [request.query for request in publisher.requests] == [{"page": "2"}, {"page": "9"}, {}]


def test_what_was_never_set_is_not_found(publisher: FakePublisher) -> None:
    assert get(publisher, "/nothing").status_code == 404


def test_hooks_stand_before_the_answer_and_right_after_it(publisher: FakePublisher) -> None:
    seen: list[tuple[str, int]] = []
    publisher.on("received", lambda request: seen.append(("received", request.status)))
    publisher.on("replied", lambda request: seen.append(("replied", request.status)))
    get(publisher)
    get(publisher, If_None_Match="*")
    publisher.fault("/feed.xml", "reset")
    with pytest.raises(httpx.ReadError):
        get(publisher)
    publisher.wait_until(lambda: len(seen) == 5)
    assert seen == [("received", 0), ("replied", 200), ("received", 0), ("replied", 304), ("received", 0)]


def test_requests_can_be_waited_for(publisher: FakePublisher) -> None:
    threading.Timer(0.05, lambda: [get(publisher), get(publisher, "/other"), get(publisher)]).start()
    found: list[Request] = publisher.wait_for_requests("/feed.xml", 2)
    assert [request.path for request in found] == ["/feed.xml", "/feed.xml"]
    with pytest.raises(AssertionError, match="for 3 requests of /feed"):
        publisher.wait_for_requests("/feed.xml", 3, 0.05)


# -------------------------------------------------------------------------------------------------------- the faults


@pytest.mark.parametrize("status", ["400", "401", "403", "404", "410", "429", "500", "503"])
def test_any_status_can_be_the_answer_for_a_while(publisher: FakePublisher, status: str) -> None:
    publisher.fault("/feed.xml", status, times=2, retry_after=90)
    answers = [get(publisher) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [int(status), int(status), 200]
    assert answers[0].headers["Retry-After"] == "90"
    assert [request.fault for request in publisher.requests] == [status, status, ""]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_says_where_to(publisher: FakePublisher, status: int) -> None:
    publisher.fault("/old.xml", "redirect", to="/feed.xml", status=status)
    answer = get(publisher, "/old.xml")
    assert (answer.status_code, answer.headers["Location"]) == (status, "/feed.xml")


@pytest.mark.parametrize("path", ["/feed.xml", "/nothing"])
@pytest.mark.parametrize("kind", ["truncated", "reset", "hang"])
def test_a_connection_ends_early_or_never(publisher: FakePublisher, kind: str, path: str) -> None:
    publisher.fault(path, kind)
    errors = {"truncated": httpx.RemoteProtocolError, "reset": httpx.ReadError, "hang": httpx.ReadTimeout}
    with pytest.raises(errors[kind]):
        HTTP.get(f"{publisher.url}{path}", timeout=0.3)
    assert get(publisher).status_code == 200


def test_a_slow_page_drips_and_is_whole_in_the_end(publisher: FakePublisher) -> None:
    publisher.fault("/feed.xml", "slow", seconds=0.5)
    began = time.monotonic()
    with HTTP.stream("GET", f"{publisher.url}/feed.xml") as answer:
        first = time.monotonic() - began
        pieces = list(answer.iter_raw())
    assert first < 0.5 <= time.monotonic() - began
    assert len(pieces) > 10 and b"".join(pieces).decode() == rss("소식", [ITEM])


def test_an_asker_that_gives_up_on_a_slow_page_harms_nobody(publisher: FakePublisher) -> None:
    publisher.fault("/feed.xml", "slow", seconds=30)
    with HTTP.stream("GET", f"{publisher.url}/feed.xml") as answer:
        next(answer.iter_raw())
    assert get(publisher).status_code == 200


def test_an_answer_can_be_empty_or_huge(publisher: FakePublisher) -> None:
    publisher.fault("/feed.xml", "empty")
    publisher.fault("/feed.xml", "huge", size=3_000_001)
    empty, huge = get(publisher), get(publisher)
    assert (empty.status_code, empty.content) == (200, b"")
    assert (huge.status_code, len(huge.content)) == (200, 3_000_001)


def test_a_gzip_bomb_is_small_on_the_way_and_large_when_unpacked(publisher: FakePublisher) -> None:
    publisher.fault("/feed.xml", "gzip_bomb", times=2, size=5_000_000)
    assert len(get(publisher).content) == 5_000_000
    with HTTP.stream("GET", f"{publisher.url}/feed.xml") as answer:
        assert sum(len(piece) for piece in answer.iter_raw()) < 100_000


def test_a_fault_belongs_to_its_path_and_must_have_a_known_name(publisher: FakePublisher) -> None:
    publisher.fault("/other", "500")
    assert get(publisher).status_code == 200
    assert get(publisher, "/other").status_code == 500
    with pytest.raises(ValueError, match="no such fault"):
        publisher.fault("/feed.xml", "earthquake")
