"""What a person reads in whole conversations, compared whole with the files in `data/`, in both languages."""

import os
from datetime import timedelta

import pytest

from pipeline import Desk
from tests.conftest import Clock
from tests.handlers.talks import DATA, publish, talk
from tests.sites import Site, watch

REWRITE = "SOKBO_TEST_REWRITE"


async def news(desk: Desk, clock: Clock) -> None:
    for number, (title, topics, urgent) in enumerate(
        (
            ("고속철도 KTX 첫 수출", ("외교", "경제"), False),
            ("중앙은행, 기준금리 동결", ("경제",), True),
            ("수출액 사상 최대", ("경제",), False),
            ("프로야구 개막", ("스포츠",), False),
            ("AI chip exports rise as tariffs fall", ("economy",), False),
        ),
        1,
    ):
        clock.forward(60)
        await publish(desk, number, title, clock() - timedelta(seconds=30), topics=topics, urgent=urgent)


SUBSCRIPTIONS = (
    "/subscriptions",
    "/subscribe test 수출 -주가",
    "[1]",
    "/subscribe 수출 -주가",
    '/subscribe topic:경제 "중앙 은행" only:urgent',
    "/subscribe export* lang:ko",
    "/subscribe",
    "/subscribe topic:스포츠",
    "/subscriptions",
    "[3]",
    "[1]",
    "[4]",
    "/unsubscribe 7",
    "/unsubscribe 1",
    "/unsubscribe",
    "/subscribe test 없는말",
    "/subscribe source:nope",
    "/subscribe topic:",
    "/subscribe -source:site",
    "/subscribe only:sometimes",
    "/subscribe lang:korean",
)
TOPICS = (
    "/mutetopic 1",
    "/subscribe",
    "/mutetopic 1",
    "[2]",
    "/mutetopic 4",
    "/mutetopic #경제",
    "/subscriptions",
    "[3]",
    "/mutetopic off 스포츠",
    "/mutetopic off 스포츠",
    "/mutetopic",
)
SETTINGS = (
    "/settings",
    "[1]",
    "[2]",
    "[2]",
    "/settings",
    "[4]",
    "[3]",
    "/settings nothing on",
    "/settings timezone europe/berlin",
    "/settings timezone seoul",
    "/settings quiet 25:00-07:00",
    "/settings quiet 07:00-07:00",
    "/settings urgency some",
    "/settings digest daily 26:00",
    "/settings language xx",
    "/settings pictures maybe",
    "/settings here on",
    "/settings quite off",
    "/settings language",
    "[2]",
    "/settings language en",
    "/settings pictures off",
    "/settings hashtags off",
    "/settings timezone",
)
MUTES = (
    "/mute 2h",
    "/subscribe",
    "/mute",
    "[2]",
    "[1]",
    "/mute until 8:00",
    "/mute 3일",
    "/mute 31d",
    "/mute 0m",
    "/mute 99:99",
    "/unmute",
    "/unmute",
)
TALKS = {"subscriptions": SUBSCRIPTIONS, "topics": TOPICS, "settings": SETTINGS, "mutes": MUTES}


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("name", TALKS)
async def test_a_conversation_reads_as_it_did(desk: Desk, clock: Clock, site: Site, name: str, language: str) -> None:
    await watch(desk, site)
    await news(desk, clock)
    told = await talk(desk, language, TALKS[name])
    file = DATA / f"{name}.{language}.txt"
    if os.environ.get(REWRITE):
        file.write_text(told, encoding="utf-8")
    assert told == file.read_text(encoding="utf-8")
