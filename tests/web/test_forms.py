"""The page's cards drawn as the page, Telegram and Slack draw them, in a real browser."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions

from formatters import slack, telegram
from models import Alert, Urgency
from pipeline import Desk
from platforms.console import CHAT
from tests.formatters.examples import NOTE, OTHERS, REASON
from tests.parcels import ALERT, parcel
from tests.web.browser import Browser, Page
from tests.web.test_app import Served

FORMS = ("page", "telegram", "slack")
EVERY = pytest.mark.parametrize("form", FORMS)
HOSTILE = '<img src=x onerror=alert(1)> <b>x</b> <!channel> <@U1> <https://evil.example|click> &lt;i&gt; *a* ~b~ "q"'
LINKS = "return [...arguments[0].querySelectorAll('a')].map((link) => link.getAttribute('href'))"
TAGS = "return [...arguments[0].querySelectorAll('*')].map((one) => one.localName)"


@pytest.fixture
async def served(desk: Desk) -> AsyncIterator[Served]:
    made = Served(desk)
    yield made
    desk.stopping.set()
    made.console.close()
    made.server.should_exit = True
    await made.task


def chosen(form: str) -> Callable[[Page], None]:
    return lambda page: page.choose(form)


class Shown:
    """The page in a tab, and what is sent to it."""

    def __init__(self, served: Served, page: Page, browser: Browser) -> None:
        self._served, self._page, self._browser = served, page, browser

    async def send(self, **fields: Any) -> Alert:
        alert = replace(ALERT, **fields)
        await self._served.console.send(parcel(CHAT, **{name: getattr(alert, name) for name in Alert.__slots__}))
        return alert

    async def do(self, call: Callable[[Page], Any]) -> Any:
        """Look at the page or use it, off the loop that serves it."""
        return await asyncio.to_thread(call, self._page)

    async def card(self, form: str, alert: Alert) -> Any:
        """The card's element, once it shows this version of the alert in this form."""
        css = f"[data-alert-id='{alert.id}'][data-version='{alert.version}'][data-form={form}]"
        found = await self.do(lambda page: page.wait(lambda: page.all(css), f"{css} on the page"))
        return found[0]

    def text(self, card: Any) -> str:
        """What the card shows, also while it slides in."""
        return str(self.script("return arguments[0].innerText", card))

    def script(self, code: str, card: Any) -> Any:
        return self._browser.driver.execute_script(code, card)


@pytest.fixture
async def shown(served: Served, chromium: Browser) -> AsyncIterator[Shown]:
    with_tab = chromium.tab(served.url)
    page = await asyncio.to_thread(with_tab.__enter__)
    await asyncio.to_thread(page.wait_for_connection, "live")
    yield Shown(served, page, chromium)
    await asyncio.to_thread(with_tab.__exit__, None, None, None)
    assert chromium.errors() == []


@EVERY
async def test_every_form_shows_headline_bullets_source_and_link(shown: Shown, form: str) -> None:
    alert = await shown.send(urgency=Urgency.URGENT, sources=("뉴스다오", "코리아뉴스"))
    await shown.do(chosen(form))
    card = await shown.card(form, alert)
    text = shown.text(card)
    for part in (alert.headline, *alert.bullets, "뉴스다오, 코리아뉴스", "6월 17일 14:05", "외교"):
        assert part in text, text
    assert alert.link in shown.script(LINKS, card)
    assert card.find_element(By.CSS_SELECTOR, ".mark").get_attribute("aria-label") == "속보"


async def test_telegram_draws_a_bubble_with_its_button_below(shown: Shown) -> None:
    alert = await shown.send()
    await shown.do(chosen("telegram"))
    card = await shown.card("telegram", alert)
    told = card.find_element(By.CSS_SELECTOR, ".bubble .telegram-text")
    assert told.text.splitlines() == [
        *(alert.headline, "", "• 총 47건의 협력 문서 체결", "• 고속철도 KTX 첫 수출 성사, 계약 규모 2,700억 원", ""),
        *("뉴스다오 · 6월 17일 14:05 · #외교", "newsdao.kr/4261"),
    ]
    assert told.find_element(By.TAG_NAME, "b").text == alert.headline
    button = card.find_element(By.CSS_SELECTOR, ".telegram-button a")
    assert (button.text, button.get_attribute("href")) == ("원문 보기", alert.link)


async def test_slack_draws_its_blocks(shown: Shown) -> None:
    alert = await shown.send()
    await shown.do(chosen("slack"))
    card = await shown.card("slack", alert)
    headline = card.find_element(By.CSS_SELECTOR, ".slack-section b a")
    assert (headline.text, headline.get_attribute("href")) == (alert.headline, alert.link)
    assert card.find_element(By.CSS_SELECTOR, ".slack-context").text == "뉴스다오 · 6월 17일 14:05 · 외교"
    assert card.find_element(By.CSS_SELECTOR, ".slack-context time").text == "6월 17일 14:05"
    button = card.find_element(By.CSS_SELECTOR, ".slack-actions a")
    assert (button.text, button.get_attribute("href")) == ("원문 보기", alert.link)


@EVERY
async def test_a_hostile_title_stays_text(shown: Shown, form: str) -> None:
    alert = await shown.send(headline=HOSTILE, bullets=(HOSTILE,), sources=(HOSTILE,), topics=(), image="")
    await shown.do(chosen(form))
    card = await shown.card(form, alert)
    assert shown.text(card).count(HOSTILE) >= 2, shown.text(card)
    # Only what a renderer made: one headline in bold or as heading, and links to the alert's own address.
    assert set(shown.script(LINKS, card)) == {alert.link}
    tags = shown.script(TAGS, card)
    assert "img" not in tags and "i" not in tags and "s" not in tags and tags.count("b") <= 2
    assert await shown.do(lambda page: page.all(".slack-ping")) == []
    driver = shown._browser.driver
    assert not await asyncio.to_thread(lambda: expected_conditions.alert_is_present()(driver))


async def test_a_renderer_that_does_not_escape_is_found(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telegram, "_escape", str)
    monkeypatch.setattr(slack, "escape", str)
    alert = await shown.send(headline=f"{HOSTILE} <!channel>", bullets=("<!here>",), image="")
    await shown.do(chosen("telegram"))
    card = await shown.card("telegram", alert)
    assert "<b>" not in shown.text(card)
    # Even then the page takes for markup only what stands in its list.
    assert "<img src=x onerror=alert(1)>" in shown.text(card) and "img" not in shown.script(TAGS, card)
    await shown.do(chosen("slack"))
    card = await shown.card("slack", alert)
    assert card.find_elements(By.CSS_SELECTOR, ".slack-ping")


@EVERY
async def test_a_correction_stands_on_top(shown: Shown, form: str) -> None:
    await shown.do(chosen(form))
    alert = await shown.send(version=2, correction=NOTE["ko"], changed=ALERT.created + timedelta(minutes=26))
    text = shown.text(await shown.card(form, alert))
    assert text.index("정정") < text.index(NOTE["ko"]) < text.index(alert.headline) < text.index(alert.bullets[0])
    assert "14:32" in text


@EVERY
async def test_what_was_taken_back_is_struck_through_and_keeps_its_link(shown: Shown, form: str) -> None:
    await shown.do(chosen(form))
    first = await shown.send(image="https://newsdao.kr/a.jpg")
    await shown.card(form, first)
    alert = await shown.send(version=2, retracted=True, retraction=REASON["ko"], urgency=Urgency.URGENT)
    card = await shown.card(form, alert)
    assert card.find_element(By.TAG_NAME, "s").text == alert.headline
    assert "이 알림은 철회되었습니다: 오보" in shown.text(card)
    assert alert.bullets[0] not in shown.text(card)
    assert alert.link in shown.script(LINKS, card) and "img" not in shown.script(TAGS, card)
    assert card.find_elements(By.CSS_SELECTOR, ".mark") == []


@EVERY
async def test_signs_of_formatting_in_a_bullet_are_shown(shown: Shown, form: str) -> None:
    words = OTHERS["ko"][1]
    await shown.do(chosen(form))
    alert = await shown.send(headline=words, bullets=(words,))
    assert shown.text(await shown.card(form, alert)).count(words) == 2


async def test_the_choice_is_remembered_and_new_alerts_come_in_it(shown: Shown) -> None:
    for form in ("telegram", "slack", "page"):
        await shown.do(chosen(form))
        await shown.do(lambda page: page.reload())
        await shown.do(lambda page: page.wait_for_connection("live"))
        alert = await shown.send(id=90 + FORMS.index(form))
        await shown.card(form, alert)
        checked = await shown.do(lambda page: page.all("#forms input:checked"))
        assert [one.get_attribute("value") for one in checked] == [form]


async def test_all_cards_are_drawn_anew_and_none_twice(shown: Shown) -> None:
    for number in range(1, 6):
        await shown.card("page", await shown.send(id=number))
    for form in ("slack", "telegram", "page"):
        await shown.do(chosen(form))
        cards = await shown.do(lambda page: page.cards())
        assert [(card.alert, card.form) for card in cards] == [(str(number), form) for number in (5, 4, 3, 2, 1)]


async def test_the_switch_has_its_labels_from_the_locale_and_works_by_keys(shown: Shown) -> None:
    labels = await shown.do(lambda page: [label.text for label in page.all("#forms label")])
    assert labels == ["페이지", "Telegram", "Slack"]
    alert = await shown.send()
    (checked,) = await shown.do(lambda page: page.all("#forms input:checked"))
    await asyncio.to_thread(checked.send_keys, "\ue014")  # the right arrow
    await shown.card("telegram", alert)


@pytest.mark.parametrize("width", [390, 1280])
async def test_no_form_scrolls_sideways(served: Served, chromium: Browser, width: int) -> None:
    long = replace(
        ALERT, headline="W" * 300, bullets=("가" * 400, "word " * 80), sources=("S" * 120,), topics=("t" * 60,),
        link="https://a.example/" + "x" * 900,
    )  # fmt: skip

    def look() -> None:
        with chromium.tab(served.url, width) as page:
            page.wait_for_connection("live")
            asyncio.run_coroutine_threadsafe(send(), loop).result(10)
            page.wait(lambda: page.cards(), "the alert")
            for form in FORMS[::-1]:
                page.choose(form)
                page.wait(lambda form=form: page.cards()[0].form == form, form)  # type: ignore[misc]
                assert page.fits(), form

    async def send() -> None:
        await served.console.send(parcel(CHAT, **{name: getattr(long, name) for name in Alert.__slots__}))

    loop = asyncio.get_running_loop()
    await asyncio.to_thread(look)
