"""What a hub was told is taken, is in the chats even when the bot is killed the moment after."""

from pathlib import Path

from tests.fakes.hub import FakeHub
from tests.fakes.publisher import Item, rss
from tests.journeys.scene import Scene, item
from tests.test_cli import type_


class HubScene(Scene):
    """A scene whose feed names a hub and is read once in an hour."""

    def __init__(self, folder: Path, hub: FakeHub) -> None:
        super().__init__(folder)
        self.hub = hub
        with self.publisher:
            self.topic = f"{self.publisher.url}/feed.xml"
        self.changed = {
            "web": {"public_url": self.url},
            "sources": [{"id": "feed", "url": self.topic, "every": "1h"}],
        }

    def publish(self, *items: Item) -> None:
        self.items = [*reversed(items), *self.items]
        links = f'<{self.hub.address}>; rel="hub", <{self.topic}>; rel="self"'
        self.publisher.set("/feed.xml", rss("소식", self.items), headers={"Link": links})


def test_what_a_hub_sent_comes_once_though_the_bot_is_killed_after_its_answer(tmp_path: Path) -> None:
    with FakeHub() as hub, HubScene(tmp_path, hub) as scene:
        scene.subscribe()
        (subscriber,) = hub.wait_for_subscribers(1)
        assert subscriber.callback == f"{scene.url}/websub/feed"
        scene.publish(item(1))
        scene.telegram.fault("500")
        assert hub.publish(scene.topic, scene.publisher.pages["/feed.xml"].body) == [202]
        scene.bot.kill()
        scene.bot.start()
        (_, alert) = scene.telegram.wait_for_messages(42, 2, 30)
        assert "소식 0001호" in alert.text
        assert len(scene.slack_alerts(1, 30)) == 1 and len(scene.telegram.messages(42)) == 2
        assert type_(tmp_path, "sources", "pause", "feed").returncode == 0
        hub.wait_until(lambda: not hub.subscribers, 20, "for the end of the subscription")
