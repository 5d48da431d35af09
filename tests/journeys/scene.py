"""A whole scene: publisher, Telegram, Slack and the real bot between them."""

from pathlib import Path
from typing import Any, Self

from tests.bot import Bot, configuration, free_port
from tests.fakes.publisher import FakePublisher, Item, rss
from tests.fakes.slack import FakeMessage, FakeSlack
from tests.fakes.telegram import FakeTelegram


def item(number: int, **changed: Any) -> Item:
    values = {
        "title": f"소식 {number:04d}호",
        "link": f"https://news.example/{number}",
        "guid": f"g{number}",
        "html": f"<p>협약 {number}건이 체결되었습니다. 관계자는 다음 달 3일에 시작한다고 밝혔습니다.</p>",
        "published": None,
        **changed,
    }
    return Item(**values)


class Scene:
    """Doubles first, then the bot with a configuration that names them. Leaving it ends everything."""

    def __init__(self, folder: Path, *, level: str = "WARNING", **changed: Any) -> None:
        self.telegram = FakeTelegram()
        self.slack = FakeSlack()
        self.publisher = FakePublisher()
        self.folder = folder
        self.level = level
        self.changed = changed
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.items: list[Item] = []

    def __enter__(self) -> Self:
        self.telegram.start()
        self.slack.start()
        self.publisher.start()
        self.telegram.add_chat(42, "private")
        self.slack.add_channel("C1", "news", creator="U1")
        self.publish()
        self.bot = Bot(self.folder, config=configuration(**self.sections()), level=self.level)
        self.bot.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.bot.kill()
        for double in (self.publisher, self.slack, self.telegram):
            double.stop()

    def sections(self) -> dict[str, Any]:
        sections: dict[str, Any] = {
            "telegram": {"token": self.telegram.token, "api_base": self.telegram.url, "open": True},
            "slack": {
                "bot_token": self.slack.bot_token,
                "app_token": self.slack.app_token,
                "api_base": f"{self.slack.url}/api/",
                "open": True,
            },
            "web": {"port": self.port},
            "fetch": {"allow_networks": ["127.0.0.0/8"]},
            "sources": [{"id": "feed", "url": f"{self.publisher.url}/feed.xml", "every": "1s"}],
        }
        for key, value in self.changed.items():
            sections[key] = {**sections.get(key, {}), **value} if isinstance(value, dict) else value
        return sections

    def publish(self, *items: Item) -> None:
        self.items = [*reversed(items), *self.items]
        self.publisher.set("/feed.xml", rss("소식", self.items))

    def subscribe(self) -> None:
        """One Telegram chat and one Slack channel."""
        self.telegram.send_text(42, 42, "/start")
        self.telegram.wait_for_messages(42, 1, 30)
        self.slack.wait_for_connections(1, 30)
        self.slack.wait_for_replies(self.slack.slash("/sokbo", "subscribe", "C1", "U1"))

    def slack_alerts(self, n: int, seconds: float = 10) -> list[FakeMessage]:
        """The alerts in the Slack channel once there are `n`; public answers to commands stand there too."""

        def alerts() -> list[FakeMessage]:
            return [message for message in self.slack.channels["C1"].messages if message.metadata]

        self.slack.wait_until(lambda: len(alerts()) >= n, seconds, f"for {n} alerts in the channel")
        return alerts()
