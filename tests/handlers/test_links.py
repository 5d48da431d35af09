"""Links that open the bot with a word."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import text

import handlers
from handlers import links
from pipeline import Desk
from storage import chats, subscriptions
from tests.handlers.test_commands import GROUP, OPEN, PRIVATE, said
from tests.senders import ScriptedSender

TOPICS = ("trade", "외교", "K-pop", "-x", "정상 회담", "a'b", "net_zero")


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_survives_the_link_that_names_it(topic: str) -> None:
    word = links.word_for(topic)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", word) and links.topic_in(word) == topic


@pytest.mark.parametrize(
    "word", ["", "inline", "topic_", "topic_-", "topic_-%%%", "topic_-gICA", "topic_a b", "invite_x"]
)
def test_what_names_no_topic_is_none(word: str) -> None:
    assert links.topic_in(word) == ""


def test_a_topic_that_no_link_can_hold_has_none() -> None:
    assert links.word_for("가" * 20) == "" and links.word_for("x" * 58) and not links.word_for("x" * 59)


async def test_a_link_to_a_topic_subscribes_to_it_and_to_nothing_else(desk: Desk) -> None:
    start = replace(OPEN, name="start", args=links.word_for("외교"), chat=PRIVATE, private=True)
    assert (await said(desk, start)).startswith("구독했습니다: topic:외교")
    async with desk.database.read() as connection:
        known = await chats.find(connection, PRIVATE)
        assert known is not None and known.subscribed
        ((_, wish),) = await subscriptions.of_chat(connection, known.id)
    assert wish.topics == ("외교",)


async def shared(desk: Desk, wish: str) -> str:
    """The word of the link that is offered for a filter."""
    desk.senders = {"telegram": ScriptedSender("telegram")}
    told = await said(desk, replace(OPEN, name="subscriptions", args=f"share {wish}", chat=PRIVATE, private=True))
    return told.partition("https://bot.example/")[2].split()[0]


@pytest.mark.parametrize(
    "wish",
    [
        "topic:trade",
        "topic:외교",
        'topic:"정상 회담"',
        f"topic:{'가' * 20}",
        '수출 "중앙 은행" -주가 -topic:스포츠 lang:ko only:urgent',
        " ".join(f"낱말{number}" for number in range(12)),
    ],
)
async def test_whoever_opens_a_shared_link_gets_what_was_shared(desk: Desk, wish: str) -> None:
    word = await shared(desk, wish)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", word), "what Telegram takes in a deep link"
    other = replace(OPEN, name="start", args=word, chat=replace(PRIVATE, id="43"), user="43", private=True)
    assert (await said(desk, other)).startswith(f"구독했습니다: {wish}")
    assert await shared(desk, wish) == word, "the same filter has the same link"


async def test_every_subscription_of_a_chat_can_be_shared_at_once(desk: Desk) -> None:
    desk.senders = {"telegram": ScriptedSender("telegram")}
    here = replace(OPEN, chat=PRIVATE, private=True)
    for wish in ("topic:trade", ""):
        await said(desk, replace(here, name="subscribe", args=wish))
    offered = await handlers.answer(desk, replace(here, name="subscriptions"))
    assert "subscriptions share" in [button.press for row in offered.buttons for button in row]
    told = await handlers.answer(desk, replace(here, name="subscriptions", args="share", pressed=True))
    assert told.lines[1:] == ("", "모든 소식", "https://bot.example/all")
    await said(desk, replace(here, name="subscribe", args="topic:trade"))
    told = await handlers.answer(desk, replace(here, name="subscriptions", args="share", pressed=True, open=False))
    assert told.lines[5:7] == ("topic:trade", "https://bot.example/topic_trade") and "/invite" in told.lines[-1]


async def test_where_there_are_no_links_the_words_to_type_are_shared(desk: Desk) -> None:
    told = await said(desk, replace(OPEN, name="subscriptions", args="share topic:외교", private=True))
    assert "이렇게 보내면 같은 소식을 받습니다.\n\ntopic:외교\n/subscribe topic:외교" in told


@pytest.mark.parametrize("word", ["filter_AAAAAAAAAAAAAAAA", "filter_", "topic_", "topic_-%%%"])
async def test_a_link_that_names_nothing_known_here_subscribes_to_nothing(desk: Desk, word: str) -> None:
    start = replace(OPEN, name="start", args=word, chat=PRIVATE, private=True)
    assert (await said(desk, start)).startswith("이 링크는 쓸 수 없습니다.")
    async with desk.database.read() as connection:
        assert await chats.find(connection, PRIVATE) is None


async def test_what_is_shared_says_nothing_about_who_shared_it(desk: Desk) -> None:
    await shared(desk, f"topic:{'가' * 20}")
    async with desk.database.read() as connection:
        rows = (await connection.execute(text("SELECT * FROM shared"))).all()
    assert [len(row) for row in rows] == [2] and rows[0].filter == f"topic:{'가' * 20}"


async def test_a_link_into_a_group_asks_who_is_its_admin(desk: Desk) -> None:
    async def no() -> bool | None:
        return False

    start = replace(OPEN, name="start", args=links.word_for("외교"), chat=GROUP, is_chat_admin=no)
    assert await said(desk, start) == "이 명령은 이 채팅의 관리자만 쓸 수 있습니다."
