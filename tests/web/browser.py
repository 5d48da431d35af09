"""Chromium without a window, and the console page in it as a reader uses it."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

T = TypeVar("T")
MISSING = "the page's tests need a browser: sudo apt-get install chromium chromium-driver fonts-noto-cjk"
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No name is looked up: a picture of a publisher is missing at once, with or without a network.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--window-size=1280,860",
)
READ_CARDS = """
return [...document.querySelectorAll("article[data-alert-id]")].map((card) => ({
  alert: card.dataset.alertId,
  version: Number(card.dataset.version),
  marks: [...card.classList],
  created: card.dataset.created,
  form: card.dataset.form,
  headline: (card.querySelector("h3")?.innerText ?? card.getAttribute("aria-label")).trim(),
  text: card.innerText,
}))
"""
READ_SOURCES = """
return [...document.querySelectorAll("#sources tbody tr[data-source-id]")].map((row) => ({
  source: row.dataset.sourceId,
  name: row.querySelector("th a, th > span").innerText,
  last_read: row.querySelector("td time")?.dateTime ?? "",
  last_read_shown: row.querySelector("td").innerText,
  posts: row.querySelector("td.number").innerText,
}))
"""
FITS = "return document.documentElement.scrollWidth <= window.innerWidth"


class Request(NamedTuple):
    """What the browser asked for; `kind` is Chromium's word for it: Document, Script, Fetch, Image and so on."""

    url: str
    kind: str


class Card(NamedTuple):
    """An alert as it stands on the page; `marks` are its classes, `created` is an ISO time.

    `form` is how it is drawn: "page", "telegram" or "slack".
    """

    alert: str
    version: int
    marks: list[str]
    created: str
    form: str
    headline: str
    text: str


class SourceRow(NamedTuple):
    """A row of the sources table; `last_read` is an ISO time, "" before the first read."""

    source: str
    name: str
    last_read: str
    last_read_shown: str
    posts: str


def _program(name: str) -> str:
    """Where the program lies. A stranger without a browser skips these tests, CI must not."""
    path = shutil.which(name)
    if path is None and os.environ.get("CI"):
        pytest.fail(MISSING)
    if path is None:
        pytest.skip(MISSING)
    return path


class Page:
    """The console page in the browser's current tab."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver

    def wait(self, condition: Callable[[], T], what: str, seconds: float = 10) -> T:
        """Wait until the page shows it, and return what it shows; looks twenty times a second."""
        message = f"not on the page within {seconds} s: {what}"
        return WebDriverWait(self._driver, seconds, poll_frequency=0.05).until(lambda _: condition(), message)

    def ask(self, command: str) -> WebElement:
        """Type a command and return its answer once it is complete."""
        before = self.all("#answers .answer:first-child")
        self._driver.find_element(By.ID, "command").send_keys(command, Keys.ENTER)

        def complete() -> list[WebElement]:
            newest = self.all("#answers .answer:first-child:not(.pending)")
            return newest if newest != before else []

        return self.wait(complete, f"the answer to {command}")[0]

    def all(self, css: str) -> list[WebElement]:
        return self._driver.find_elements(By.CSS_SELECTOR, css)

    def cards(self) -> list[Card]:
        """All alerts from top to bottom, read at one moment."""
        return [Card(**card) for card in self._driver.execute_script(READ_CARDS)]

    def card(self, words: str, *marks: str, seconds: float = 10) -> Card:
        """Wait for the one card whose headline holds the words and that has the marks."""

        def found() -> list[Card]:
            return [card for card in self.cards() if words in card.headline and set(marks) <= set(card.marks)]

        (card,) = self.wait(found, f"a card {words!r} marked {marks}", seconds)
        return card

    def choose(self, form: str) -> None:
        """Let all cards be drawn as the page, Telegram or Slack draws them, by the switch above them."""
        self._driver.find_element(By.CSS_SELECTOR, f"#forms input[value={form}]").click()

    def reload(self) -> None:
        self._driver.refresh()

    def sources(self) -> list[SourceRow]:
        """The rows of the sources table, read at one moment."""
        return [SourceRow(**row) for row in self._driver.execute_script(READ_SOURCES)]

    def wait_for_archive(self, size: int) -> None:
        self.wait(lambda: len(self.cards()) >= size, f"{size} archived alerts")

    def wait_for_connection(self, state: str) -> None:
        self.wait(lambda: self.all(f"#connection[data-state={state}]"), f"the connection {state}")

    def fits(self) -> bool:
        """Whether nothing reaches over the right edge."""
        return bool(self._driver.execute_script(FITS))


class Browser:
    """One Chromium; `folder` takes its profile. Close it with `close`."""

    def __init__(self, folder: Path) -> None:
        options = Options()
        options.binary_location = _program("chromium")
        for argument in (*ARGUMENTS, f"--user-data-dir={folder}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        options.add_experimental_option("perfLoggingPrefs", {"enableNetwork": True, "enablePage": False})
        self.driver = webdriver.Chrome(options, Service(_program("chromedriver")))

    def close(self) -> None:
        self.driver.quit()

    def open(self, url: str) -> Page:
        """Open the page in the current tab."""
        self.driver.get(url)
        return Page(self.driver)

    @contextmanager
    def tab(self, url: str, width: int = 1280, height: int = 860) -> Iterator[Page]:
        """Open the page in a tab of its own, `width` and `height` CSS pixels large; the tab before it comes back."""
        before = self.driver.current_window_handle
        self.driver.switch_to.new_window("tab")
        try:
            # A window cannot be as narrow as a phone, a tab's drawing can.
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            yield self.open(url)
        finally:
            self.driver.close()
            self.driver.switch_to.window(before)

    def errors(self) -> list[str]:
        """The errors of the console since the last look, without publishers' pictures that could not be loaded."""
        entries: list[dict[str, Any]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        errors = [entry for entry in entries if entry["level"] == "SEVERE"]
        return [entry["message"] for entry in errors if not _is_publishers_picture(entry)]

    def requests(self) -> list[Request]:
        """What all tabs asked of a server since the last look."""
        entries: list[dict[str, Any]] = self.driver.get_log("performance")  # type: ignore[no-untyped-call]
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        sent = [one["params"] for one in messages if one["method"] == "Network.requestWillBeSent"]
        requests = [Request(one["request"]["url"], one.get("type", "")) for one in sent]
        return [one for one in requests if urlsplit(one.url).scheme in ("http", "https", "ws", "wss")]


def _is_publishers_picture(entry: dict[str, Any]) -> bool:
    """A name that was not looked up: by `--host-resolver-rules`, every name but the page's own."""
    return entry["source"] == "network" and "net::ERR_NAME_NOT_RESOLVED" in entry["message"]
