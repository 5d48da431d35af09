"""The console page in a real browser, served by the real bot with its sample site."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import escape, unescape
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions

from tests.bot import ROOT, Bot, eventually, fetch, free_port, wait_until_up
from tests.web.browser import Browser, Page, SourceRow

SAMPLE = ROOT / "examples" / "site"
ARCHIVED = len(list((SAMPLE / "_posts").glob("*.md")))
SCHEDULED = "Quillhaven council votes 9 to 4"
"""The headline of the sample's first scheduled post, due ten seconds after the start."""
HOSTILE = '<img src=x onerror=alert(1)> <!channel> & "quotes"'
WIDTHS = pytest.mark.parametrize("width", [390, 1280])


class Desk:
    """A bot of a first run in its own folder, always on the same port."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.posts = folder / "data" / "examples" / "site" / "_posts"
        self.bot = Bot(folder, environment={"SOKBO_WEB__PORT": str(port)})

    def start(self) -> None:
        """Start it and wait until it has read its sample site."""
        self.started = datetime.now(UTC)
        self.bot.start()
        wait_until_up(self.url)
        eventually(lambda: "sokbo_polls_total{" in fetch(f"{self.url}/metrics")[1], 20, "for the first read")

    def publish(self, name: str, title: str, sentence: str) -> None:
        """Write a post into the sample site; it is read within two seconds."""
        post = f"---\ntitle: '{title}'\n---\n\n<p>{sentence}</p>\n"
        draft = self.posts / f"{name}.draft"
        draft.write_text(post, encoding="utf-8")
        draft.rename(self.posts / f"2026-03-15-{name}.md")


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The browser. Whatever the test does, the console stays free of errors."""
    yield chromium
    assert chromium.errors() == []


@pytest.fixture(scope="module")
def opened(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Page]]:
    """A desk and its page, open in the first tab from the desk's first second to the last test."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    try:
        desk.start()
        page = chromium.open(desk.url)
        page.wait_for_connection("live")
        yield desk, page
    finally:
        desk.bot.kill()


@pytest.fixture
def desk(opened: tuple[Desk, Page]) -> Desk:
    return opened[0]


@pytest.fixture
def page(opened: tuple[Desk, Page], browser: Browser) -> Page:
    return opened[1]


@pytest.fixture
def own_desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk that the test may stop."""
    desk = Desk(tmp_path)
    try:
        desk.start()
        yield desk
    finally:
        desk.bot.kill()


@pytest.fixture
def own_page(own_desk: Desk, browser: Browser) -> Iterator[Page]:
    """The page of a desk that may be stopped: a browser logs lost connections to it, and nothing else."""
    with browser.tab(own_desk.url) as page:
        page.wait_for_connection("live")
        page.wait_for_archive(ARCHIVED)
        yield page
    for error in browser.errors():
        assert error.startswith((f"{own_desk.url}/events ", f"{own_desk.url}/commands ")), error
        assert "net::ERR_" in error, error


# ------------------------------------------------------------------------------------------------------------ alerts


def test_archived_alerts_stand_as_cards_newest_first(desk: Desk, browser: Browser) -> None:
    with browser.tab(desk.url) as page:
        page.wait_for_archive(ARCHIVED)
        newest, oldest = page.card("The last trench is closed"), page.card("심야버스 3개 노선")
        cards = page.cards()
        assert cards.index(newest) < cards.index(oldest)
        assert "요금은 성인 1,900원" in oldest.text
        assert "dasolmaru-news.example" in oldest.text
        assert not page.all("#alerts-empty:not([hidden])")


def test_a_scheduled_post_appears_by_itself_once(desk: Desk, page: Page) -> None:
    card = page.card(SCHEDULED, "fresh", seconds=20)
    assert datetime.fromisoformat(card.created) - desk.started < timedelta(seconds=20)
    assert page.cards().index(card) < page.cards().index(page.card("The last trench is closed"))
    assert_no_alert_stands_twice(page)


def test_an_urgent_post_that_is_corrected_changes_its_card_in_place(desk: Desk, page: Page) -> None:
    desk.publish("bridge", "[속보] 새벽나루 다리 통제", "새벽나루 다리가 오전 7시부터 통제됐다.")
    first = page.card("새벽나루 다리 통제", "urgent", "fresh")
    desk.publish("bridge", "[속보] 새벽나루 다리 통제 풀려", "새벽나루 다리가 오전 9시부터 다시 열렸다.")
    second = page.card("새벽나루 다리 통제 풀려", "urgent", "updated")
    assert (second.alert, second.version) == (first.alert, first.version + 1)
    assert "오전 9시" in second.text
    assert_no_alert_stands_twice(page)


def test_a_hostile_title_is_shown_as_text(desk: Desk, page: Page, browser: Browser) -> None:
    desk.publish("hostile", HOSTILE, "항구에서 열린 대회에 61명이 나왔다.")
    card = page.card("<!channel>")
    assert card.headline == '<!channel> & "quotes"'
    assert page.all(f"[data-alert-id='{card.alert}'] img") == []
    assert not expected_conditions.alert_is_present()(browser.driver)


def test_markup_that_a_title_spells_out_is_shown_as_text(desk: Desk, page: Page, browser: Browser) -> None:
    spelled = escape(HOSTILE.replace("channel", "here"), quote=False)
    desk.publish("spelled", spelled, f"교본 2쪽은 {spelled} 한 줄로 공격을 설명한다.")
    card = page.card("onerror")
    assert card.headline == unescape(spelled)
    assert card.text.count("onerror=alert(1)") == 2
    answer = page.ask("/search onerror")
    assert unescape(spelled) in answer.text
    assert {mark.text for mark in answer.find_elements(By.TAG_NAME, "mark")} == {"onerror"}
    assert page.all(f"[data-alert-id='{card.alert}'] img, .answer img") == []
    assert not expected_conditions.alert_is_present()(browser.driver)


def assert_no_alert_stands_twice(page: Page) -> None:
    times = Counter(card.alert for card in page.cards())
    assert times.most_common(1)[0][1] == 1, times


# ---------------------------------------------------------------------------------------------------------- commands


def test_latest_three_brings_three_results(page: Page) -> None:
    answer = page.ask("/latest 3")
    assert "최신 소식 3건" in answer.text
    assert len(answer.find_elements(By.CSS_SELECTOR, "ol > li")) == 3


def test_search_marks_the_word_it_looked_for(page: Page) -> None:
    answer = page.ask("/search 태양광")
    marked = [mark.text for mark in answer.find_elements(By.TAG_NAME, "mark")]
    assert marked
    assert set(marked) == {"태양광"}


def test_a_mistyped_command_is_answered_with_the_nearest_one(page: Page) -> None:
    assert "/search 를 찾으셨나요?" in page.ask("/serach 수출").text


def test_search_without_a_word_shows_an_example(page: Page) -> None:
    assert "예: /search 수출" in page.ask("/search").text


def test_an_answer_that_fails_says_so_in_words(own_desk: Desk, own_page: Page) -> None:
    own_desk.bot.stop()
    answer = own_page.ask("/latest 3")
    assert "failed" in (answer.get_attribute("class") or "")
    assert "명령을 처리하지 못했습니다" in answer.text
    assert "서버에 닿지 못했습니다" in answer.text


# ----------------------------------------------------------------------------------------------------------- sources


def test_the_sources_table_says_when_the_sample_was_read_and_how_much(desk: Desk, page: Page) -> None:
    def up_to_date() -> list[SourceRow]:
        posts = str(len(list(desk.posts.glob("*.md"))))
        recent = (datetime.now(UTC) - timedelta(seconds=6)).isoformat()
        return [row for row in page.sources() if row.last_read > recent and row.posts == posts]

    (row,) = page.wait(up_to_date, "a read of the last seconds and the number of posts")
    assert (row.source, row.name) == ("sample", "Sokbo 예제")
    assert re.fullmatch(r"지금|[1-9]초 전", row.last_read_shown)


# -------------------------------------------------------------------------------------------------- the connection


def test_after_a_restart_the_page_connects_again_and_no_alert_stands_twice(own_desk: Desk, own_page: Page) -> None:
    own_desk.bot.stop()
    own_page.wait_for_connection("reconnecting")
    own_desk.publish("meanwhile", "등대지기 모임, 새 회원 40명 받는다", "등대지기 모임이 새 회원 40명을 받는다.")
    own_desk.start()
    own_page.wait_for_connection("live")
    own_page.card("등대지기 모임")
    assert_no_alert_stands_twice(own_page)


def test_a_page_that_is_open_does_not_hold_up_the_end(own_desk: Desk, own_page: Page) -> None:
    status, seconds = own_desk.bot.stop()
    assert status == 0
    assert seconds < 5
    assert "Traceback" not in own_desk.bot.output


def test_only_publishers_pictures_are_asked_of_another_host(desk: Desk, browser: Browser) -> None:
    with browser.tab(desk.url) as page:
        page.wait_for_archive(ARCHIVED)
        page.ask("/latest 3")
        requests = browser.requests()
    assert {"/", "/events", "/commands", "/static/page.js"} <= {urlsplit(one.url).path for one in requests}
    assert {urlsplit(one.url).hostname for one in requests if one.kind != "Image"} == {"127.0.0.1"}


# -------------------------------------------------------------------------------------------------------- the width


@WIDTHS
def test_nothing_scrolls_sideways(desk: Desk, browser: Browser, width: int) -> None:
    with browser.tab(desk.url, width) as page:
        page.wait_for_archive(ARCHIVED)
        assert page.fits()
        for command in ("/latest 20", "/search 태양광", "/help", f"/{'가' * 300}", f"/search {'W' * 300}"):
            page.ask(command)
        assert page.fits()
