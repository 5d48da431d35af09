"""From the publisher to both platforms and back, through the real bot in a process of its own."""

import json
import signal
import sqlite3
from functools import partial
from pathlib import Path

from tests.bot import configuration, eventually, fetch, wait_until_up
from tests.fakes.publisher import rss
from tests.journeys.scene import Scene, item


def test_twenty_entries_arrive_with_the_reading_that_finds_them(tmp_path: Path) -> None:
    """Not with a later one: counted in readings, one a second, since a busy machine stretches seconds."""
    with Scene(tmp_path) as scene:
        scene.subscribe()
        for number in range(1, 21):
            scene.publish(item(number))
            before = len(scene.publisher.requests)
            (*_, telegram) = scene.telegram.wait_for_messages(42, number + 1)
            (*_, slack) = scene.slack_alerts(number)
            assert f"{number:04d}" in telegram.text and f"{number:04d}" in slack.visible
            assert len(scene.publisher.requests) - before <= 3
        for line in (
            'sokbo_deliveries_total{outcome="sent",platform="telegram"} 20.0',
            'sokbo_deliveries_total{outcome="sent",platform="slack"} 20.0',
            'sokbo_posts_total{result="new",source="feed"} 20.0',
        ):
            eventually(lambda line=line: line in fetch(f"{scene.url}/metrics")[1], what=line)  # type: ignore[misc]


def test_commands_are_answered_on_both_platforms_and_the_page(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.subscribe()
        scene.publish(item(1, title="고속철도 수출액 2,700억 원"), item(2, title="AT&T <b>굵은</b> 소식"))
        scene.telegram.wait_for_messages(42, 3)
        scene.telegram.send_text(42, 42, "/latest 2")
        (*_, latest) = scene.telegram.wait_for_messages(42, 4)
        assert latest.text.startswith("최신 소식 2건") and "AT&T" in latest.text
        scene.telegram.send_text(42, 42, "/search 수출")
        (*_, found) = scene.telegram.wait_for_messages(42, 5)
        assert "“수출” 검색 결과 1–1 / 1" in found.text and "수출액 2,700억 원" in found.text
        (reply,) = scene.slack.wait_for_replies(scene.slack.slash("/search", "수출", "C1", "U1"))
        assert "수출액 2,700억 원" in reply.visible and reply.pings == []
        _, answer = fetch(f"{scene.url}/commands", {"text": "/search 수출"})
        assert json.loads(answer)["stories"][0]["headline"] == "고속철도 수출액 2,700억 원"


def test_an_edit_at_the_source_reaches_both_platforms(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.subscribe()
        scene.publish(item(1))
        scene.telegram.wait_for_messages(42, 2)
        (posted,) = scene.slack_alerts(1)
        scene.items[0] = item(1, title="고친 소식 0001호")
        scene.publish()
        (*_, message) = scene.telegram.wait_for_messages(42, 2)
        scene.telegram.wait_until(lambda: "고친 소식" in message.text)
        scene.slack.wait_until(lambda: "고친 소식" in posted.visible)
        assert "고침" in message.text and len(scene.slack_alerts(1)) == 1


def test_a_closed_bot_tells_a_stranger_their_id(tmp_path: Path) -> None:
    with Scene(tmp_path, telegram={"open": False, "admins": [7]}, slack={"open": False}) as scene:
        scene.telegram.send_text(42, 42, "/start")
        (message,) = scene.telegram.wait_for_messages(42, 1, 30)
        assert "회원님의 ID: 42" in message.text and "admins = [42]" in message.text
        scene.slack.wait_for_connections(1, 30)
        (reply,) = scene.slack.wait_for_replies(scene.slack.slash("/sokbo", "subscribe", "C1", "U5"))
        assert 'admins = ["U5"]' in reply.visible


def test_a_wrong_token_pauses_its_platform_and_the_rest_runs(tmp_path: Path) -> None:
    wrong = {"token": "7700:WRONG-wrong-wrong-wrong-wrong-wrong"}
    with Scene(tmp_path, telegram=wrong, level="DEBUG") as scene:
        scene.slack.wait_for_connections(1, 30)
        scene.slack.wait_for_replies(scene.slack.slash("/sokbo", "subscribe", "C1", "U1"))
        scene.publish(item(1))
        scene.slack_alerts(1)
        status, text = fetch(f"{scene.url}/readyz")
        assert status == 503 and json.loads(text)["reasons"] == [
            "telegram: the token is refused: copy it again from @BotFather"
        ]
        assert fetch(f"{scene.url}/healthz")[0] == 200
        scene.bot.stop()
        assert "WRONG-wrong" not in scene.bot.output
        assert scene.slack.bot_token not in scene.bot.output and scene.slack.app_token not in scene.bot.output


def test_no_token_stands_in_a_log_line_at_debug_with_the_platforms_down(tmp_path: Path) -> None:
    down = {"api_base": "http://127.0.0.1:9"}
    with Scene(tmp_path, telegram=down, slack={"api_base": "http://127.0.0.1:9/api/"}, level="DEBUG") as scene:
        scene.bot.wait_for_line("slack cannot be reached")
        scene.bot.wait_for_line("telegram cannot be reached")
        wait_until_up(scene.url)
        eventually(lambda: "ticked" not in fetch(f"{scene.url}/readyz")[1], what="for the poll loop to tick")
        status, text = fetch(f"{scene.url}/readyz")
        assert status == 503 and len(json.loads(text)["reasons"]) == 2
        assert scene.bot.stop()[0] == 0
        for token in (scene.telegram.token, scene.slack.bot_token, scene.slack.app_token):
            assert token not in scene.bot.output and token.split(":")[-1] not in scene.bot.output
        assert len(scene.bot.output) > 1000, "nothing was logged, so nothing was shown"


def test_no_token_stands_in_a_log_line_at_debug_when_all_goes_well(tmp_path: Path) -> None:
    with Scene(tmp_path, level="DEBUG") as scene:
        scene.subscribe()
        scene.telegram.fault("429", retry_after=1)
        scene.telegram.fault("reset_after")
        scene.slack.fault("malformed")
        scene.publish(item(1))
        scene.telegram.wait_for_messages(42, 2, 20)
        scene.slack_alerts(1)
        scene.bot.stop()
        for token in (scene.telegram.token, scene.slack.bot_token, scene.slack.app_token):
            assert token.split(":")[-1] not in scene.bot.output
        assert "/bot" in scene.bot.output, "the lines that would hold the token were not logged"


def test_ctrl_c_does_not_wait_for_platforms_that_hang(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.subscribe()
        scene.telegram.fault("hang")
        scene.slack.fault("hang")
        scene.publish(item(1))
        scene.telegram.wait_until(lambda: sum(call.method == "sendMessage" for call in scene.telegram.calls) >= 2)
        status, seconds = scene.bot.stop(signal.SIGINT)
        assert status == 0 and seconds <= 20.0, scene.bot.output


def test_sigterm_lets_slow_calls_end_and_saves_how_they_did(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.subscribe()
        scene.telegram.fault("delay", method="sendMessage", seconds=4.0)
        scene.slack.fault("delay", method="chat.postMessage", seconds=4.0)
        scene.publish(item(1))
        scene.telegram.wait_until(lambda: sum(call.method == "sendMessage" for call in scene.telegram.calls) >= 2)
        scene.slack.wait_until(lambda: scene.slack.calls_to("chat.postMessage"))
        status, seconds = scene.bot.stop(signal.SIGTERM)
        assert status == 0 and seconds <= 20.0, scene.bot.output
        assert len(scene.telegram.chats[42].messages) == 2 and len(scene.slack_alerts(1)) == 1
        with sqlite3.connect(tmp_path / "data" / "sokbo.db") as connection:
            rows = connection.execute("SELECT status, unknowns FROM deliveries").fetchall()
        assert set(rows) == {("sent", 0)}


def test_a_second_start_sends_nothing_twice_and_what_was_missed_once(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.subscribe()
        scene.publish(item(1))
        scene.telegram.wait_for_messages(42, 2)
        scene.slack_alerts(1)
        assert scene.bot.stop()[0] == 0
        scene.publish(item(2))
        scene.bot.start()
        scene.telegram.wait_for_messages(42, 3, 20)
        scene.slack_alerts(2, 20)
        scene.publish(item(3))
        (_, *alerts) = scene.telegram.wait_for_messages(42, 4)
        assert [message.text[:8] for message in alerts] == ["소식 0001호", "소식 0002호", "소식 0003호"]


FAILURES = {
    "html": "web page, not a feed",
    "empty": "the answer is empty",
    "truncated": "cut off before its end",
    "huge": "larger than 5,000,000 bytes",
    "404": "not found there (404)",
    "500": "its server has trouble (500)",
    "hang": "within 1 s",
}


def test_feeds_that_fail_are_told_in_words_and_nothing_is_lost(tmp_path: Path) -> None:
    with Scene(tmp_path, fetch={"timeout": "1s"}) as scene:
        scene.bot.kill()
        scene.changed["sources"] = [
            {"id": name, "url": f"{scene.publisher.url}/{name}.xml", "every": "500ms"} for name in (*FAILURES, "other")
        ]
        for name in (*FAILURES, "other"):
            scene.publisher.set(f"/{name}.xml", rss(name, []))
        (tmp_path / "sokbo.toml").write_text(configuration(**scene.sections()), encoding="utf-8")
        scene.bot.start()
        scene.subscribe()
        for name in FAILURES:
            scene.publisher.wait_for_requests(f"/{name}.xml", 1, 30)
        for kind in FAILURES:
            if kind == "html":
                scene.publisher.set("/html.xml", "<!doctype html><html><body>wall</body></html>", "text/html")
            elif kind == "huge":
                scene.publisher.fault("/huge.xml", "huge", times=2, size=20_000_000)
            else:
                scene.publisher.fault(f"/{kind}.xml", kind, times=2)
        for kind, words in FAILURES.items():
            eventually(partial(told, scene, kind, words), 30, f"{kind}: {words}")
        scene.publisher.set("/other.xml", rss("다른", [item(9)]))
        scene.telegram.wait_for_messages(42, 2)
        for number, kind in enumerate(FAILURES):
            scene.publisher.set(f"/{kind}.xml", rss(kind, [item(number)]))
        for number, kind in enumerate(FAILURES):  # several at once may come in a round-up
            scene.telegram.wait_until(partial(seen, scene, f"소식 {number:04d}호"), 60, f"for {kind}")


def seen(scene: Scene, headline: str) -> bool:
    return any(headline in message.text for message in scene.telegram.chats[42].messages.values())


def told(scene: Scene, source: str, words: str) -> bool:
    return any(f"source={source} " in f"{line} " and words in line for line in scene.bot.lines)
