"""What a chat subscribed to, and what it muted, is what it gets: commands on one end, deliveries on the other."""

import pytest

from models import Reply
from pipeline import Desk
from storage import subscriptions
from tests.conftest import Clock
from tests.handlers.talks import ask, publish
from tests.senders import ScriptedSender
from tests.test_pipeline import deliver


@pytest.fixture
def sender(desk: Desk) -> ScriptedSender:
    made = ScriptedSender()
    desk.senders = {made.name: made}
    return made


async def news(desk: Desk, clock: Clock, *titles: tuple[str, str]) -> None:
    for number, (title, topic) in enumerate(titles, 1):
        await publish(desk, number, title, clock(), topics=(topic,), urgent="속보" in title, owed=True)
    await deliver(desk)


NEWS = (
    ("수출이 늘었다", "경제"),
    ("[속보] 지진", "재난"),
    ("프로야구 개막", "스포츠"),
    ("수출액 최대, 주가도", "경제"),
)


@pytest.mark.parametrize(
    ("commands", "wanted"),
    [
        (("/subscribe",), [1, 0, 2, 3]),
        (("/subscribe 수출 -주가",), [0]),
        (("/subscribe 수출 -주가", "/subscribe only:urgent"), [1, 0]),
        (("/subscribe topic:스포츠", "/subscribe topic:스포츠", "/subscribe 개막"), [2]),
        (("/subscribe", "/mutetopic 경제"), [1, 2]),
        (("/subscribe", "/mutetopic #스포츠", "/mutetopic off 스포츠"), [1, 0, 2, 3]),
        (("/subscribe", "/subscribe topic:재난", "/unsubscribe 1"), [1]),
        (("/subscribe -topic:경제",), [1, 2]),
        (("/subscribe topic:재난", "/unsubscribe"), []),
        (("/subscribe lang:en",), []),
    ],
)
async def test_a_chat_gets_what_it_subscribed_to(
    desk: Desk, sender: ScriptedSender, clock: Clock, commands: tuple[str, ...], wanted: list[int]
) -> None:
    for command in commands:
        await ask(desk, command)
    await news(desk, clock, *NEWS)
    assert sender.shown["a"] == [NEWS[number][0] for number in wanted]


async def test_a_subscription_that_is_there_is_not_kept_twice(desk: Desk) -> None:
    await ask(desk, "/subscribe 수출 환율")
    assert (await ask(desk, "/subscribe 환율  수출")).lines == ("이미 구독하고 있습니다: 환율 수출",)
    async with desk.database.read() as connection:
        assert len(await subscriptions.of_chat(connection, 1)) == 1


async def test_a_chat_has_so_many_subscriptions_and_no_more(desk: Desk) -> None:
    for number in range(10):
        assert (await ask(desk, f"/subscribe 낱말{number}")).lines[0].startswith("구독했습니다")
    assert "10개까지" in (await ask(desk, "/subscribe 하나더")).lines[0]
    listed = await ask(desk, "/subscriptions")
    assert len(listed.lines) == 10 and len(listed.buttons) == 6
    assert (await ask(desk, "/subscribe")).lines == ("구독했습니다: 모든 소식",)


async def test_a_button_of_an_old_list_takes_away_what_it_named_or_nothing(desk: Desk) -> None:
    await ask(desk, "/subscribe 하나")
    await ask(desk, "/subscribe 둘")
    old = pressed(await ask(desk, "/subscriptions"), "1번 지우기")
    await ask(desk, old)
    assert (await ask(desk, old)).lines == ("1. 둘",)
    assert (await ask(desk, "/subscriptions remove 99")).lines == ("1. 둘",)
    assert (await ask(desk, "/subscriptions remove 9999999999999999999999")).lines == ("1. 둘",)


async def test_an_alert_without_topics_has_none_to_mute_what_is_no_alert_is_a_topic(desk: Desk, clock: Clock) -> None:
    alert = await publish(desk, 1, "주제 없음", clock())
    await ask(desk, "/subscribe")
    assert (await ask(desk, f"/mutetopic {alert}")).lines[0].startswith("끌 주제를 적어 주세요")
    assert (await ask(desk, "/mutetopic 2026")).lines == ("이제 이 주제의 알림은 오지 않습니다: 2026",)


@pytest.mark.parametrize("words", ["가" * 61, " ".join(f"낱말{n}" for n in range(13)), "x" * 401, "-", '""'])
async def test_a_filter_that_is_too_long_or_empty_is_refused_in_one_line(desk: Desk, words: str) -> None:
    told = await ask(desk, f"/subscribe {words}")
    assert (len(told.lines) == 1 and "예: /subscribe" in told.lines[0]) or words == '""'


def pressed(answer: Reply, label: str) -> str:
    return next(one.press for row in answer.buttons for one in row if one.label == label)
