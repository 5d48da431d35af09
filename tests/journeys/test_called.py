"""The first hour with webhooks, step by step as docs/first-hour.md says it, through the real bot."""

import re
import time
import tomllib
import urllib.request
from pathlib import Path
from typing import Any

from tests.bot import Bot, configuration, eventually, fetch, free_port
from tests.fakes.slack import FakeSlack, signed
from tests.fakes.telegram import FakeTelegram
from tests.house import papers

PAGE = papers.read("docs/first-hour.md")
SECTION = PAGE[PAGE.index("## 2c.") : PAGE.index("## 3.")]


def written() -> dict[str, Any]:
    """The keys that the page has one write, all of them together."""
    tables: dict[str, Any] = {}
    for block in papers.fenced(SECTION, "toml"):
        for name, table in tomllib.loads(block).items():
            tables[name] = {**tables.get(name, {}), **table}
    return tables


def post(url: str, body: str, headers: dict[str, str]) -> tuple[int, str]:
    request = urllib.request.Request(url, body.encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, answer.read().decode()


def test_webhooks_of_both_platforms_work_as_the_first_hour_says(tmp_path: Path) -> None:
    with FakeTelegram() as telegram, FakeSlack() as slack:
        telegram.add_chat(42, "private")
        slack.add_channel("C1", "news", creator="U1")
        port, sections = free_port(), written()
        inside = f"http://127.0.0.1:{port}"
        sections["telegram"] |= {"token": telegram.token, "api_base": telegram.url}
        kept = {"bot_token": slack.bot_token, "signing_secret": slack.signing_secret}
        sections["slack"] |= {**kept, "api_base": f"{slack.url}/api/"}
        sections["web"] |= {"port": port}
        with Bot(tmp_path, config=configuration(**sections)) as bot:
            telegram.wait_until(lambda: telegram.webhook == "https://desk.example.org/telegram", 20)
            assert telegram.webhook_secret == sections["telegram"]["webhook_secret"]
            assert fetch(f"{inside}/telegram", {})[0] == 403, "what the page's curl shows"
            bot.wait_for_line("telegram has none yet")
            bot.wait_for_line("slack has none yet")

            update = {"update_id": 1, "message": telegram.incoming(42, 42, "/start")}
            host = {"Host": "desk.example.org", "X-Telegram-Bot-Api-Secret-Token": telegram.webhook_secret}
            assert fetch(f"{inside}/telegram", update, host)[0] == 200
            (told,) = telegram.wait_for_messages(42, 1)
            assert "회원님의 ID: 42" in told.text
            assert not any(call.method == "getUpdates" for call in telegram.calls)

            verification = '{"type": "url_verification", "challenge": "c-123", "token": "x"}'
            proof = signed(slack.signing_secret, verification, int(time.time()))
            headers = {"Content-Type": "application/json", **proof}
            status, answer = post(f"{inside}/slack/events", verification, headers)
            assert status == 200 and "c-123" in answer, "Slack shows *Verified*"
            slack.request_url = f"{inside}/slack/events"
            slack.add_user("U1")
            (reply,) = slack.wait_for_replies(slack.slash("/sokbo", "start", "C1", "U1"))
            assert 'admins = ["U1"]' in reply.visible and slack.connections == 0
            eventually(lambda: fetch(f"{inside}/readyz")[0] == 200, what="ready")


def test_the_page_names_the_paths_that_are_called() -> None:
    assert set(re.findall(r"desk\.example\.org(/[a-z/]+)", SECTION)) == {"/telegram", "/slack/events"}
