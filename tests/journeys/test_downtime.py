"""What was published while the bot was down: a round-up on each platform, urgent alerts single and first."""

import re
from pathlib import Path

from tests.journeys.scene import Scene, item

NUMBER = re.compile(r"소식 (\d{4})호")


def test_thirty_alerts_of_a_downtime_come_as_one_round_up_that_a_later_edit_reaches(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.subscribe()
        scene.publish(item(1))
        scene.telegram.wait_for_messages(42, 2)
        scene.slack_alerts(1)
        assert scene.bot.stop()[0] == 0
        urgent = (12, 25)
        scene.publish(*(item(n, title=f"{'[속보] ' * (n in urgent)}소식 {n:04d}호") for n in range(2, 32)))
        scene.bot.start()
        (_, _, *told) = scene.telegram.wait_for_messages(42, 5, 30)
        (_, *posted) = scene.slack_alerts(4, 30)
        wanted = [["0012"], ["0025"], [f"{n:04d}" for n in range(2, 32) if n not in urgent]]
        assert [NUMBER.findall(message.text) for message in told] == wanted
        assert [list(dict.fromkeys(NUMBER.findall(message.visible))) for message in posted] == wanted
        assert [message.silent for message in told] == [False, False, True]
        assert all(f"https://news.example/{n}" in told[-1].html for n in range(2, 32) if n not in urgent)

        place = next(place for place, one in enumerate(scene.items) if one.guid == "g7")
        scene.items[place] = item(7, title="고친 소식 0007호")
        scene.publish()
        scene.telegram.wait_until(lambda: "고친 소식 0007호" in told[-1].text)
        scene.slack.wait_until(lambda: "고친 소식 0007호" in posted[-1].visible)
        assert len(scene.telegram.messages(42)) == 5 and len(scene.slack_alerts(4)) == 4
        assert NUMBER.findall(told[-1].text) == wanted[-1]


def test_a_round_up_whose_reply_was_lost_on_slack_is_found_and_not_sent_again(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.subscribe()
        scene.slack.fault("reset_after", method="chat.postMessage")
        scene.publish(*(item(n) for n in range(1, 9)))
        (roundup,) = scene.slack_alerts(1)
        assert len(set(NUMBER.findall(roundup.visible))) == 8
        scene.publish(item(9))
        (_, after) = scene.slack_alerts(2, 20)
        assert NUMBER.findall(after.visible)[0] == "0009"
        assert len(scene.slack_alerts(2)) == 2
