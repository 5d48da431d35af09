"""What is asked in a conversation, the same on every platform; and how the stored examples are written anew.

`python -m tests.conversations.scripts` writes tests/conversations/data/ from what is answered now: read the difference
before you commit it.
"""

import asyncio
import re
import tempfile
from pathlib import Path

from locales import say
from tests.conversations.scene import PLATFORMS, Step, Turn

LANGUAGES = ("ko", "en")
DATA = Path(__file__).parent / "data"
TOKEN = re.compile(r"invite_[\w-]{24}")
"""Another one each time."""
WORDS = {
    "ko": {"topic": "경제", "word": "수출", "phrase": '"석 달 연속"', "mute": "경제"},
    "en": {"topic": "economy", "word": "export", "phrase": '"third month"', "mute": "economy"},
}


def _toggled(language: str, name: str, value: str) -> str:
    """The label of the button that gives this setting this value."""
    told = say(language, f"settings.{name}"), say(language, f"settings.value_{value}")
    return say(language, "settings.toggle", name=told[0], value=told[1])


def script(language: str) -> list[Step | int]:
    """The steps; a number is an alert that comes in between."""
    words = WORDS[language]
    topic, word = words["topic"], words["word"]
    return [
        Step("/start", who="stranger"),
        Step("/latest", who="stranger"),
        Step("/start"),
        Step("/start"),
        Step("/help"),
        Step("/latest 2"),
        Step(presses=f"{say(language, 'latest.more')} ▶"),
        Step("/latest 50"),
        Step(f"/latest {topic}"),
        Step("/latest nobody"),
        Step("/search"),
        Step(f"/search {word}"),
        Step(f"/search {words['phrase']} topic:{topic}"),
        Step("/search xyzzy"),
        Step(f"/search {word} since:yesterdayish"),
        Step("/subscribe source:nobody"),
        Step(f"/subscribe topic:{topic}"),
        Step("/subscriptions"),
        Step(presses=say(language, "subscriptions.share")),
        6,
        Step(presses=say(language, "alert.mute_topic")),
        Step("/subscriptions"),
        Step("/settings"),
        Step(presses=_toggled(language, "pictures", "off")),
        Step("/settings digest sometimes"),
        Step("/mute"),
        Step("/mute 2h"),
        Step("/unmute"),
        Step("/unsubscribe"),
        Step("/unsubscribe"),
        Step("/sources"),
        Step("/addsource"),
        Step("/addsource nowhere"),
        Step("/removesource nobody"),
        Step("/status"),
        Step("/held"),
        Step("/lates"),
        Step("/qqqq"),
        Step("/latest", who="member", group=True),
        Step("/subscribe", group=True),
        Step("/latest 1", who="member", group=True),
        Step("/subscribe", who="member", group=True),
        Step("/subscribe", who="member", group=True, unsure=True),
        Step("/latest 1", who="member", group=True, named=True),
        Step("/stop", who="member", group=True, named=True),
        Step("/sources", who="member", group=True),
        Step("/invite", who="member", group=True),
        Step("/invite"),
        Step("/invite 500"),
        Step("/claim AAAAAAAAAAAAAAAAAAAAAAAA", who="stranger"),
        Step("/subscribe"),
        Step("/stop"),
        Step("/forget"),
        Step(presses=say(language, "forget.yes")),
    ]


async def turns(platform: str, language: str, folder: Path) -> list[Turn]:
    """Everything that is done and read, in order."""
    async with PLATFORMS[platform](folder, language) as person:
        return [await (person.alerted(one) if isinstance(one, int) else person.do(one)) for one in script(language)]


def told(conversation: list[Turn]) -> str:
    """The conversation as it stands in the file."""
    text = re.sub(TOKEN, "invite_…", "\n\n".join(map(str, conversation)))
    return re.sub(r" +$", "", text + "\n", flags=re.MULTILINE)


def file(platform: str, language: str) -> Path:
    return DATA / f"{platform}.{language}.txt"


def main() -> None:
    for platform in PLATFORMS:
        for language in LANGUAGES:
            with tempfile.TemporaryDirectory() as folder:
                conversation = asyncio.run(turns(platform, language, Path(folder)))
            file(platform, language).write_text(told(conversation), encoding="utf-8")


if __name__ == "__main__":
    main()
