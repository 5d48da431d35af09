"""Links that open the bot with a word."""

import re
from dataclasses import replace

import pytest

from handlers import links
from pipeline import Desk
from storage import chats, subscriptions
from tests.handlers.test_commands import GROUP, OPEN, PRIVATE, said

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


async def test_a_link_into_a_group_asks_who_is_its_admin(desk: Desk) -> None:
    async def no() -> bool | None:
        return False

    start = replace(OPEN, name="start", args=links.word_for("외교"), chat=GROUP, is_chat_admin=no)
    assert await said(desk, start) == "이 채팅의 관리자만 구독을 바꿀 수 있습니다."
