"""Conversations as files to be read: `data/<name>.<language>.txt`, what is asked behind `> `, the answer below.

With SOKBO_TEST_REWRITE=1 in the environment the tests write them anew.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import handlers
from formatters import plain
from models import Button, Chat, Command, Condensed, Post, Reply, Urgency
from pipeline import Desk
from storage import archive

DATA = Path(__file__).parent / "data"
CHAT = Chat("scripted", "", "a")


def command(text: str, language: str, *, pressed: bool = False) -> Command:
    """What somebody types (or presses) in their private chat."""
    name, _, args = text.removeprefix("/").partition(" ")
    return Command(
        name, args, CHAT, "a", language, private=True, trusted=False, open=True, pressed=pressed, metered=False
    )  # fmt: skip


async def ask(desk: Desk, text: str, language: str = "ko") -> Reply:
    return await handlers.answer(desk, command(text, language))


async def talk(desk: Desk, language: str, lines: Iterable[str]) -> str:
    """The whole conversation. `[3]` presses the third button of the last answer."""
    told, last = [], list[Button]()
    for line in lines:
        pressed = line.startswith("[")
        button = last[int(line.strip("[]")) - 1] if pressed else None
        asked = button.press if button else line
        answer = await handlers.answer(desk, command(asked, language, pressed=pressed))
        assert answer.settings is not None
        shown = plain.reply(replace(answer, buttons=()), answer.settings)
        rows = [" ".join(f"[{one.label}]" for one in row) for row in answer.buttons]
        last = [one for row in answer.buttons for one in row]
        told.append("\n".join([f"> [{button.label}]" if button else f"> {line}", shown, *rows]))
    return "\n\n".join(told) + "\n"


async def publish(
    desk: Desk,
    number: int,
    title: str,
    published: datetime,
    *,
    topics: tuple[str, ...] = (),
    urgent: bool = False,
    owed: bool = False,
) -> int:
    """An alert in the archive, `owed` to whoever wants it; returns its id."""
    post = Post("newsdao", str(number), title, f"https://news.example/{number}", "", published=published, language="ko")
    condensed = Condensed(title, (), post.link, Urgency.URGENT if urgent else Urgency.NORMAL)
    async with desk.database.write() as tx:
        new = [archive.NewStory(post, condensed, "뉴스다오", topics, (), planned=True)]
        (state,) = await archive.open_stories(tx, new, desk.now())
        await archive.open_fanouts(tx, [state.alert_id] if owed else [])
    return state.alert_id
