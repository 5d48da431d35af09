"""Pages of an answer: the question is kept in the database, the buttons carry its id, so they outlive a restart."""

import re
from dataclasses import dataclass, replace

from handlers.asking import Asking
from models import Button, Reply
from storage import asked
from storage.asked import Asked

TURN = re.compile(r"(page|best|newest) (\d{1,18})(?: (\d{1,4}))?")
BACK, ON = "◀", "▶"


@dataclass(frozen=True, slots=True)
class Turn:
    """What a page button stands for: a page of a question, or another order of it."""

    question: int
    page: int
    order: str = ""


def read_turn(args: str) -> Turn | None:
    """ "page 17 2", "newest 17"; None for anything else, which are words."""
    found = TURN.fullmatch(args.strip())
    if found is None or (found[1] == "page") != (found[3] is not None):
        return None
    return Turn(int(found[2]), max(1, int(found[3] or 1)), "" if found[1] == "page" else found[1])


async def remembered(asking: Asking, turn: Turn) -> Asked | None:
    """The question that the button belongs to, if this chat asked it and it is not forgotten."""
    async with asking.desk.database.read() as connection:
        return await asked.find(connection, asking.command.chat, turn.question, asking.command.name, asking.desk.now())


async def in_order(asking: Asking, question: Asked, order: str) -> Asked:
    """The question in the order that its button asks for, which its pages keep."""
    if not order or order == question.order:
        return question
    async with asking.desk.database.write() as tx:
        await asked.reorder(tx, question.id, order)
    return replace(question, order=order)


async def kept(asking: Asking, question: Asked) -> int:
    """The id of the question, which is remembered now if it was not."""
    if question.id:
        return question.id
    async with asking.desk.database.write() as tx:
        return await asked.keep(tx, asking.command.chat, question)


def forgotten(asking: Asking) -> Reply:
    """What a button says that came too late; the message that held it stays."""
    told = asking.say(f"{asking.command.name}.forgotten")
    return Reply(toast=told) if asking.command.pressed else Reply(lines=(told,))


def ring(verb: str, question: int, page: int, pages: int) -> tuple[Button, ...]:
    """◀ 2/5 ▶, round in a ring."""
    before, after = (page - 2) % pages + 1, page % pages + 1
    return (
        Button(BACK, press=f"{verb} page {question} {before}"),
        Button(f"{page}/{pages}", press=f"{verb} page {question} {page}"),
        Button(ON, press=f"{verb} page {question} {after}"),
    )
