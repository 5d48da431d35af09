"""Chats that close, open, move and forbid: through the pipeline, with a real database and a platform in memory."""

from pathlib import Path

import pytest
from sqlalchemy import select, update

from config.settings import Settings, load
from delivery import knock_after
from models import Chat, ChatGone, ChatSettings, Moved, Subscription
from pipeline import Desk, Dispatcher
from storage import chats
from storage import notices as stored
from storage import subscriptions as stored_subscriptions
from storage.tables import chats as chat_rows
from storage.tables import subscriptions
from tests.conftest import Clock
from tests.senders import ScriptedSender
from tests.sites import Site
from tests.test_pipeline import deliver, poll, rows, started, troubles

KOREAN = ChatSettings("ko", "Asia/Seoul")
BLOCKED = ChatGone("blocked")
MUTE = ChatGone("CHAT_WRITE_FORBIDDEN", speechless=True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(None, {"SOKBO_DATABASE_URL": f"sqlite:///{tmp_path}/sokbo.db", "SOKBO_TELEGRAM__ADMINS": "9"})


@pytest.fixture
def sender(desk: Desk) -> ScriptedSender:
    made = ScriptedSender("telegram")
    desk.senders = {made.name: made}
    return made


def chat(name: str, thread: str = "") -> Chat:
    return Chat("telegram", "7", name, thread)


async def subscribe(desk: Desk, *those: Chat, wish: Subscription | None = None, by: str = "") -> None:
    async with desk.database.write() as tx:
        for one in those:
            await chats.subscribe(tx, one, KOREAN, wish or Subscription(0), desk.now(), by=by)


async def publish(desk: Desk, site: Site, number: int) -> None:
    site.publish(number)
    await poll(desk, site)
    await deliver(desk, turns=4)


async def notices(desk: Desk) -> list[tuple[str, tuple[str, ...]]]:
    async with desk.database.read() as connection:
        return [(one.text.removeprefix("notice."), one.to) for one in await stored.unsolved(connection, 50)]


async def test_a_closed_door_is_tried_again_ever_more_rarely_and_said_once(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await started(desk, site)
    await subscribe(desk, chat("-1"))
    sender.script["-1"].extend([BLOCKED] * 3)
    await publish(desk, site, 1)
    dispatcher = Dispatcher(desk)
    for knocks in (1, 2, 3):
        assert len(sender.sent) == knocks
        clock.forward(knock_after(knocks).total_seconds() - 1)
        await dispatcher.turn()
        await dispatcher.calls_end()
        assert len(sender.sent) == knocks and len(await notices(desk)) == 1
        clock.forward(12)
        for _ in range(2):
            await dispatcher.turn()
            await dispatcher.calls_end()
    await dispatcher.turn()
    assert sender.shown["-1"] == ["소식 1호"] and await troubles(desk) == []


async def test_a_closed_chat_that_is_owed_nothing_is_left_alone(
    desk: Desk, sender: ScriptedSender, site: Site, clock: Clock
) -> None:
    await started(desk, site)
    await subscribe(desk, chat("-1"))
    await desk.shut_out(chat("-1"), BLOCKED)
    clock.forward(90_000)
    async with desk.database.write() as tx:
        assert await chats.knock(tx, desk.now()) == []


async def test_a_door_that_is_said_to_be_closed_is_not_run_into(desk: Desk, sender: ScriptedSender, site: Site) -> None:
    await started(desk, site)
    await subscribe(desk, chat("-1"), chat("-1", "5"), chat("-2"))
    await desk.shut_out(chat("-1"), BLOCKED)
    await desk.shut_out(chat("-1"), BLOCKED)
    await desk.shut_out(chat("-404"), BLOCKED)
    await publish(desk, site, 1)
    assert [one.chat.id for one in sender.sent] == ["-2"] and len(await notices(desk)) == 2
    await desk.let_in_again(chat("-1"))
    await deliver(desk)
    assert {(one.chat.id, one.chat.thread) for one in sender.sent[1:]} == {("-1", ""), ("-1", "5")}
    assert await notices(desk) == []


async def test_who_subscribed_a_chat_hears_that_the_bot_may_not_write_there_and_so_do_the_admins(
    desk: Desk, sender: ScriptedSender, site: Site
) -> None:
    await started(desk, site)
    await subscribe(desk, chat("-1"), by="5")
    await subscribe(desk, chat("-2"), by="9")
    await subscribe(desk, chat("-3"))
    for name in ("-1", "-2", "-3"):
        sender.script[name].append(MUTE)
    await publish(desk, site, 1)
    told = await notices(desk)
    assert sorted(told) == [("chat_speechless", ())] * 3 + [("chat_speechless", ("telegram:5",))]
    await desk.let_in_again(chat("-1"))
    assert len(await notices(desk)) == 2


async def test_the_subscriber_is_not_troubled_with_a_chat_that_shut_us_out(
    desk: Desk, sender: ScriptedSender, site: Site
) -> None:
    await started(desk, site)
    await subscribe(desk, chat("-1"), by="5")
    await subscribe(desk, chat("6"), by="6")
    sender.script["-1"].append(BLOCKED)
    sender.script["6"].append(MUTE)
    await publish(desk, site, 1)
    assert [to for _, to in await notices(desk)] == [(), ()]


async def test_a_group_that_says_its_new_id_moves_with_settings_and_what_it_is_owed(
    desk: Desk, sender: ScriptedSender, site: Site
) -> None:
    await started(desk, site)
    await subscribe(desk, chat("-1"), wish=Subscription(0, include=("소식",)))
    await change(desk, "-1", language="en", pictures=False)
    await desk.shut_out(chat("-1"), BLOCKED)
    await publish(desk, site, 1)
    await desk.moved(chat("-1"), chat("-100"))
    await desk.moved(chat("-1"), chat("-100"))
    await deliver(desk)
    (sent,) = sender.sent
    assert (sent.chat, sent.settings.language, sent.settings.pictures) == (chat("-100"), "en", False)
    assert await notices(desk) == []
    await publish(desk, site, 2)
    assert sender.shown["-100"] == ["소식 1호", "소식 2호"]


async def test_a_group_whose_new_id_is_known_without_receiving_anything_moves_there_with_its_settings(
    desk: Desk, sender: ScriptedSender, site: Site
) -> None:
    await started(desk, site)
    await subscribe(desk, chat("-1"), chat("-100"))
    async with desk.database.write() as tx:
        await chats.unsubscribe(tx, chat("-100"))
    await change(desk, "-1", language="en")
    sender.script["-1"].append(Moved(chat("-100")))
    await publish(desk, site, 1)
    assert sender.shown["-100"] == ["소식 1호"] and sender.sent[-1].settings.language == "en"


@pytest.mark.parametrize(
    ("old", "new", "both"),
    [
        (Subscription(0), Subscription(0, include=("b",)), [[]]),
        (Subscription(0, include=("a",)), Subscription(0), [[]]),
        (Subscription(0, include=("a",)), Subscription(0, include=("b",)), [["b"], ["a"]]),
    ],
)
async def test_a_group_that_subscribed_under_both_ids_gets_what_it_wished_under_either(
    desk: Desk, old: Subscription, new: Subscription, both: list[list[str]]
) -> None:
    await subscribe(desk, chat("-1"), wish=old)
    await subscribe(desk, chat("-100"), wish=new)
    await desk.moved(chat("-1"), chat("-100"))
    async with desk.database.read() as connection:
        known = await chats.find(connection, chat("-100"))
        assert known is not None
        wishes = await connection.execute(select(subscriptions.c.include).where(subscriptions.c.chat_id == known.id))
        assert sorted(row.include for row in wishes) == sorted(both)
        assert await stored_subscriptions.chunk_after(connection, 0, 9, 9) == (1, known.id)


async def test_what_was_owed_under_two_ids_comes_once(desk: Desk, sender: ScriptedSender, site: Site) -> None:
    await started(desk, site)
    await subscribe(desk, chat("-1"), chat("-100"))
    sender.ready = False
    await publish(desk, site, 1)
    await desk.moved(chat("-1"), chat("-100"))
    sender.ready = True
    await deliver(desk)
    assert sender.shown == {"-100": ["소식 1호"]} and sorted(await rows(desk)) == [("dropped", 0), ("sent", 0)]


async def change(desk: Desk, name: str, **values: object) -> None:
    async with desk.database.write() as tx:
        await tx.execute(update(chat_rows).where(chat_rows.c.chat == name).values(values))
