"""`python -m tests.web.gallery`: draws the alerts of docs/alerts.md anew, as Telegram and as Slack show them, and the
page of the README.

Starts the desk with its sample site, waits until both scheduled posts have come, and takes a picture of each card in
both forms. The pictures are looked at by people: no test compares them.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.bot import ROOT, Bot, fetch, free_port, wait_until_up
from tests.web.browser import Browser

FOLDER = ROOT / "docs" / "alerts"
SHOWN = 12
PAGE = 1280, 860
"""Width and height of the window."""
FADES = 7
"""Seconds in which the newest alert stands out."""
NEWEST = "Quillhaven council votes 9 to 4", "지하상가 연기"


def main(folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    url = f"http://127.0.0.1:{(port := free_port())}"
    with tempfile.TemporaryDirectory() as scratch:
        browser = Browser(Path(scratch) / "chromium")
        with Bot(Path(scratch) / "desk", environment={"SOKBO_WEB__PORT": str(port)}):
            wait_until_up(url)
            with browser.tab(url, *PAGE) as page:
                for headline in NEWEST:
                    page.card(headline, seconds=60)
                page.ask("/latest 3")
                time.sleep(FADES)
                browser.driver.save_screenshot(str(folder.parent / "page.png"))
            with browser.tab(url, 600, 9000) as page:
                for headline in NEWEST:
                    page.card(headline, seconds=60)
                for form in ("telegram", "slack"):
                    browser.driver.execute_script(f"document.querySelector('input[value={form}]').click()")
                    page.wait(lambda form=form: len(page.all(f"#alerts [data-form={form}]")) > SHOWN, form)  # type: ignore[misc]
                    for number, card in enumerate(page.all("article[data-alert-id]")[:SHOWN], 1):
                        card.screenshot(str(folder / f"{form}-{number:02}.png"))
            assert fetch(f"{url}/healthz")[0] == 200
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
