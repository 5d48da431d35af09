"""Who comes into a closed bot and how; how often one may ask; how everything ends and is forgotten."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

import handlers
from config.settings import load
from formatters import plain
from models import Chat, ChatSettings, Command, Owed, Reply, Status, Subscription
from pipeline import Desk, addressees
from storage import access, archive, chats, ledger
from storage.access import Admin, Right
from storage.database import Database
from tests.archived import archived
from tests.conftest import Clock
from tests.senders import ScriptedSender

PRIVATE = Chat("telegram", "7700", "42")
GROUP = Chat("telegram", "7700", "-1001234567890")
STRANGER = Command("start", "", PRIVATE, "42", "ko", private=True, trusted=False, open=False)
ADMIN = replace(STRANGER, chat=replace(PRIVATE, id="1"), user="1", trusted=True)
MEMBER = replace(STRANGER, chat=GROUP, private=False, user="77")
SETTINGS = ChatSettings("ko", "Asia/Seoul")


async def ask(desk: Desk, command: Command, name: str, args: str = "") -> Reply:
    return await handlers.answer(desk, replace(command, name=name, args=args))


async def said(desk: Desk, command: Command, name: str, args: str = "") -> str:
    return plain.reply(await ask(desk, command, name, args), SETTINGS)


async def is_in(desk: Desk, command: Command) -> bool:
    return "초대받은 사람만" not in await said(desk, command, "latest")


async def count(desk: Desk, table: str) -> int:
    async with desk.database.read() as connection:
        return await connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0


# --------------------------------------------------------------------------------------------------- the first admin


async def test_whoever_brings_the_code_of_the_terminal_becomes_the_admin_once(desk: Desk) -> None:
    token = await handlers.first_claim(desk, "telegram")
    assert token and not await is_in(desk, STRANGER)
    told = await said(desk, STRANGER, "start", f"claim_{token}")
    assert told.startswith("이제 이 봇의 관리자입니다.")
    assert desk.claimed == {Admin("telegram", "7700", "42")}
    assert "출처" in await said(desk, STRANGER, "sources"), "an admin may see the sources"
    other = replace(STRANGER, chat=replace(PRIVATE, id="43"), user="43")
    assert "쓸 수 없습니다" in await said(desk, other, "start", f"claim_{token}")
    assert await handlers.first_claim(desk, "telegram") == "", "there is an admin: nothing is offered"
    assert await handlers.first_claim(desk, "slack"), "on another platform there is none yet"


async def test_a_claim_works_as_a_command_too_and_outlives_a_restart(desk: Desk, database: Database) -> None:
    token = await handlers.first_claim(desk, "slack")
    person = Command("claim", token, Chat("slack", "T1", "C1"), "U1", "", private=False, trusted=False, open=False)
    assert "관리자입니다" in await said(desk, person, "claim", token)
    async with database.read() as connection:
        assert await access.all_admins(connection) == [Admin("slack", "T1", "U1")]
    assert addressees(desk) == ("slack:T1/U1",)


async def test_what_is_stored_of_a_token_opens_nothing(desk: Desk) -> None:
    token = await handlers.first_claim(desk, "telegram")
    async with desk.database.read() as connection:
        (digest,) = (await connection.execute(text("SELECT digest FROM tokens"))).one()
    assert token not in digest and len(token) == 24
    assert "쓸 수 없습니다" in await said(desk, STRANGER, "claim", digest)
    assert desk.claimed == set()


@pytest.mark.parametrize("wrong", ["", "claim_", "x" * 24, "' OR 1=1", "\ud800", "가" * 100])
async def test_a_wrong_code_makes_nobody_admin(desk: Desk, wrong: str) -> None:
    await handlers.first_claim(desk, "telegram")
    assert "쓸 수 없습니다" in await said(desk, STRANGER, "claim", wrong)
    assert desk.claimed == set() and await count(desk, "admins") == 0


async def test_a_claim_ends_with_its_day_and_with_the_next_start(desk: Desk, clock: Clock) -> None:
    first = await handlers.first_claim(desk, "telegram")
    second = await handlers.first_claim(desk, "telegram")
    assert "쓸 수 없습니다" in await said(desk, STRANGER, "claim", first)
    clock.forward(timedelta(hours=24).total_seconds())
    assert "쓸 수 없습니다" in await said(desk, STRANGER, "claim", second)
    assert desk.claimed == set()


async def test_where_admins_are_configured_there_is_no_claim(database: Database, desk: Desk, clock: Clock) -> None:
    token = await handlers.first_claim(desk, "telegram")
    made = load(None, {"SOKBO_TELEGRAM__ADMINS": "1", "SOKBO_DATABASE_URL": f"sqlite:///{database.path}"})
    configured = Desk(database, desk.http, made, {}, clock, "test")
    assert await handlers.first_claim(configured, "telegram") == ""
    assert "쓸 수 없습니다" in await said(configured, STRANGER, "claim", token), "the open one has ended"


async def test_a_channel_or_nobody_cannot_claim(desk: Desk) -> None:
    token = await handlers.first_claim(desk, "telegram")
    for who in (GROUP.id, "0", ""):
        assert "개인 채팅" in await said(desk, replace(MEMBER, user=who), "claim", token)
    assert "관리자입니다" in await said(desk, STRANGER, "claim", token), "and it was not spent"


# ------------------------------------------------------------------------------------------------------- invitations


async def invitation(desk: Desk, args: str = "") -> str:
    desk.senders = {"telegram": ScriptedSender("telegram")}
    told = await said(desk, ADMIN, "invite", args)
    return told.rpartition("https://bot.example/")[2].split()[0]


async def test_an_invitation_lets_one_person_in_for_good(desk: Desk) -> None:
    parameter = await invitation(desk)
    assert parameter.startswith("invite_") and len(parameter) <= 64
    assert "구독을 시작했습니다" in await said(desk, STRANGER, "start", parameter)
    assert await is_in(desk, STRANGER)
    await said(desk, STRANGER, "stop")
    assert await is_in(desk, STRANGER), "who stops the alerts is still a guest"
    other = replace(STRANGER, chat=replace(PRIVATE, id="43"), user="43")
    assert "쓸 수 없습니다" in await said(desk, other, "start", parameter)
    assert not await is_in(desk, other)


async def test_an_invitation_for_two_lets_two_in_and_whoever_is_in_spends_nothing(desk: Desk) -> None:
    parameter = await invitation(desk, "2")
    guests = [replace(STRANGER, chat=replace(PRIVATE, id=str(one)), user=str(one)) for one in (43, 44, 45)]
    for guest in (guests[0], guests[0], guests[1], guests[2]):
        await said(desk, guest, "start", parameter)
    assert [await is_in(desk, guest) for guest in guests] == [True, True, False]


async def test_an_invitation_is_over_after_seven_days_and_of_no_use_in_groups(desk: Desk, clock: Clock) -> None:
    parameter = await invitation(desk)
    assert "개인 채팅" in await said(desk, MEMBER, "start", parameter)
    clock.forward(timedelta(days=7).total_seconds())
    assert "쓸 수 없습니다" in await said(desk, STRANGER, "start", parameter)


async def test_an_invitation_makes_nobody_admin_and_a_claim_invites_nobody(desk: Desk) -> None:
    parameter = await invitation(desk)
    assert "쓸 수 없습니다" in await said(desk, STRANGER, "claim", parameter.removeprefix("invite_"))
    token = await handlers.first_claim(desk, "telegram")
    assert "쓸 수 없습니다" in await said(desk, STRANGER, "start", f"invite_{token}")
    assert desk.claimed == set() and not await is_in(desk, STRANGER)


@pytest.mark.parametrize("args", ["0", "101", "x", "-1"])
async def test_invite_says_what_it_takes_and_is_for_admins(desk: Desk, args: str) -> None:
    assert await said(desk, ADMIN, "invite", args) == "1에서 100까지의 사람 수를 적을 수 있습니다. 예: /invite 3"
    assert "관리자만" in await said(desk, replace(STRANGER, open=True), "invite", args)


async def test_without_a_link_the_words_to_send_are_told(desk: Desk) -> None:
    told = await said(desk, ADMIN, "invite")
    assert "start invite_" in told and "6" in told
    assert "구독을 시작했습니다" in await said(desk, STRANGER, "start", told.rpartition("start ")[2])


# ------------------------------------------------------------------------------------------------ groups and channels


async def test_an_admin_who_adds_the_bot_lets_the_group_in_and_nobody_else_does(desk: Desk) -> None:
    await desk.let_in_again(GROUP, by="77")
    assert not await is_in(desk, MEMBER)
    desk.claimed.add(Admin("telegram", "7700", "1"))
    await desk.let_in_again(GROUP, by="1")
    assert await is_in(desk, MEMBER)
    moved = replace(GROUP, id="-1009")
    async with desk.database.write() as tx:
        await access.move(tx, GROUP, moved)
    assert await is_in(desk, replace(MEMBER, chat=moved)) and not await is_in(desk, MEMBER)


async def test_a_channel_that_an_admin_subscribed_stays_in_after_it_unsubscribed(desk: Desk) -> None:
    await said(desk, replace(ADMIN, chat=GROUP, private=False), "subscribe")
    await said(desk, replace(ADMIN, chat=GROUP, private=False), "unsubscribe")
    assert await is_in(desk, MEMBER)
    assert await is_in(desk, replace(MEMBER, chat=replace(GROUP, thread="5"))), "with all its topics"


async def test_a_stranger_may_do_nothing_but_come_in_and_leave(desk: Desk) -> None:
    for name in handlers.HANDLERS.keys() - handlers.FOR_STRANGERS:
        assert "초대받은 사람만" in await said(desk, replace(STRANGER, metered=False), name), name
    assert "초대받은 사람만" in await said(desk, STRANGER, "start")


# ------------------------------------------------------------------------------------------------------- how often


async def test_ten_commands_a_minute_then_one_line_then_nothing(desk: Desk, clock: Clock) -> None:
    asking = replace(STRANGER, open=True)
    answers = [await said(desk, asking, "help") for _ in range(13)]
    assert all(one.startswith("Sokbo") for one in answers[:10])
    assert answers[10] == "명령이 너무 잦습니다. 1분에 10번까지 대답합니다. 잠시 뒤 다시 해 주세요."
    assert answers[11:] == ["", ""]
    assert (await ask(desk, asking, "help")).is_silent
    clock.forward(60)
    assert (await said(desk, asking, "help")).startswith("Sokbo")


async def test_strangers_cannot_make_a_closed_bot_flood_either(desk: Desk) -> None:
    answers = [await ask(desk, STRANGER, "latest") for _ in range(15)]
    assert sum(not one.is_silent for one in answers) == 11


async def test_an_admins_own_work_is_not_counted(desk: Desk) -> None:
    for _ in range(15):
        assert "너무 잦" not in await said(desk, ADMIN, "sources")
    member = replace(STRANGER, open=True)
    told = [await said(desk, member, "sources") for _ in range(11)]
    assert "너무 잦" in told[-1], "somebody else's is"


# ------------------------------------------------------------------------------------------------- stop and forget


async def deliver(desk: Desk, chat: Chat, status: Status, clock: Clock) -> int:
    alert = await archived(desk.database, "소식", "본문", clock())
    async with desk.database.write() as tx:
        chat_id = await chats.subscribe(tx, chat, SETTINGS, Subscription(0, topics=("외교",)), clock(), by="42")
        await archive.open_fanouts(tx, [alert])
        fanout = await ledger.next_fanout(tx)
        assert fanout is not None
        await ledger.fill(tx, fanout, [Owed(chat_id, clock())], clock(), everything=(0, 0))
        await ledger.save(tx, [(1, {"status": status, "message_id": "7"})])
    return chat_id


async def test_stop_ends_everything_and_says_how_to_come_back(desk: Desk, clock: Clock) -> None:
    await deliver(desk, PRIVATE, Status.WAITING, clock)
    told = await said(desk, STRANGER, "stop")
    assert told == "모두 멈췄습니다. 알림이 더 오지 않습니다. 다시 받으려면 /subscribe, 저장된 것을 지우려면 /forget"
    async with desk.database.read() as connection:
        assert await connection.scalar(text("SELECT status FROM deliveries")) == "dropped"
    assert await count(desk, "subscriptions") == 0
    assert "받는 알림이 없습니다" in await said(desk, STRANGER, "stop")


async def test_forget_asks_first_and_then_leaves_nothing(desk: Desk, clock: Clock) -> None:
    token = await handlers.first_claim(desk, "telegram")
    await said(desk, STRANGER, "start", f"claim_{token}")
    await deliver(desk, PRIVATE, Status.SENT, clock)
    await deliver_more(desk, clock)
    asked_first = await ask(desk, STRANGER, "forget")
    ((sure,),) = asked_first.buttons
    assert (sure.label, sure.press) == ("모두 지우기", "forget yes") and await count(desk, "chats") == 2
    assert await said(desk, replace(STRANGER, pressed=True), "forget", "yes") == "지웠습니다."
    async with desk.database.read() as connection:
        for table in ("deliveries", "messages", "subscriptions", "asked", "admitted", "admins"):
            rows = (await connection.execute(text(f"SELECT * FROM {table}"))).all()
            assert not [row for row in rows if "42" in map(str, row)], (table, rows)
        assert (await connection.execute(text("SELECT chat, admin FROM chats"))).all() == [(GROUP.id, "")]
    assert desk.claimed == set() and not await is_in(desk, STRANGER)


async def deliver_more(desk: Desk, clock: Clock) -> None:
    """A group that the same person subscribed, and a search of theirs with several pages."""
    async with desk.database.write() as tx:
        await chats.subscribe(tx, GROUP, SETTINGS, Subscription(0), clock(), by="42")
    for number in range(6):
        await archived(desk.database, f"수출 {number}", "본문", clock())
    assert (await ask(desk, STRANGER, "search", "수출")).buttons


async def test_what_is_on_its_way_is_not_forgotten_under_the_platforms_hands(desk: Desk, clock: Clock) -> None:
    await deliver(desk, PRIVATE, Status.SENDING, clock)
    assert await said(desk, STRANGER, "forget", "yes") == "지금 알림을 보내는 중입니다. 잠시 뒤 다시 눌러 주세요."
    assert await count(desk, "deliveries") == 1


async def test_a_group_is_stopped_and_forgotten_by_its_admins_only(desk: Desk) -> None:
    async def no() -> bool | None:
        return False

    await said(desk, replace(ADMIN, chat=GROUP, private=False), "subscribe")
    for name in ("stop", "forget"):
        assert "관리자만" in await said(desk, replace(MEMBER, is_chat_admin=no), name, "yes")
    assert await is_in(desk, MEMBER)
    assert await said(desk, MEMBER, "forget", "yes") == "지웠습니다."
    assert not await is_in(desk, MEMBER)


def test_every_right_has_its_time() -> None:
    assert access.LASTS.keys() == {*Right}
