"""What the admins are told: through the real tables, with a platform in memory."""

from datetime import timedelta
from pathlib import Path

import pytest

from config.settings import Settings, load
from delivery import Alarm, Problem, addressees, chat_at
from models import Button, Chat, ChatGone, Moved, Refused, SendResult, TryLater, Unknown
from notices import CLOSED_DOOR, TOO_OLD, Teller
from pipeline import Desk
from storage import notices as stored
from tests.conftest import Clock
from tests.senders import ScriptedSender

WORDS = {"chat": "telegram:42", "reason": "blocked"}
CLOSED = "⚠️ telegram:42 is closed to the bot: blocked. Its alerts wait until the bot is let in again."
OPEN = "✅ telegram:42 is open again. What waited for it is on its way."


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(
        None,
        {
            "SOKBO_DATABASE_URL": f"sqlite:///{tmp_path}/sokbo.db",
            "SOKBO_LANGUAGE": "en",
            "SOKBO_DESK__CHATS": "telegram:-1,telegram:-2/7",
        },
    )


@pytest.fixture
def sender(desk: Desk) -> ScriptedSender:
    made = ScriptedSender("telegram")
    desk.senders = {"telegram": made}
    return made


async def tell(desk: Desk, key: str = "chat/1", **more: object) -> bool:
    async with desk.database.write() as tx:
        return await stored.tell(tx, desk.now(), key, "notice.chat_closed", **WORDS, **more)  # type: ignore[arg-type]


async def over(desk: Desk, key: str = "chat/1") -> bool:
    async with desk.database.write() as tx:
        return await stored.over(tx, desk.now(), key, "notice.chat_open", chat="telegram:42")


async def turns(desk: Desk, count: int = 1, seconds: float = 4) -> None:
    teller = Teller(desk)
    for _ in range(count):
        await teller.turn()
        desk.now.forward(seconds)  # type: ignore[attr-defined]


def lines(sender: ScriptedSender, chat: str = "-1") -> list[str]:
    return [line for name, told in sender.told if name == chat for line in told.lines]


async def test_a_trouble_is_said_once_in_every_chat_and_again_only_after_it_was_over(
    desk: Desk, sender: ScriptedSender
) -> None:
    assert await tell(desk)
    await turns(desk, 2)
    assert not await tell(desk)
    await turns(desk)
    assert lines(sender, "-1") == lines(sender, "-2") == [CLOSED]
    assert await over(desk)
    assert not await over(desk)
    assert await tell(desk)
    await turns(desk, 2)
    assert lines(sender) == [CLOSED, OPEN, CLOSED]


async def test_what_was_over_before_anybody_heard_of_it_is_not_said_at_all(desk: Desk, sender: ScriptedSender) -> None:
    await tell(desk)
    await over(desk)
    await turns(desk, 2)
    assert sender.told == []


async def test_the_end_is_said_to_those_who_heard_of_the_beginning_only(desk: Desk, sender: ScriptedSender) -> None:
    sender.script["tell -2"].append(TryLater("wait", 60))
    await tell(desk)
    await turns(desk)
    await over(desk)
    await turns(desk, 2)
    assert (lines(sender, "-1"), len(lines(sender, "-2"))) == ([CLOSED, OPEN], 1)


async def test_what_caused_it_is_undone_and_nobody_is_told(desk: Desk, sender: ScriptedSender) -> None:
    with pytest.raises(RuntimeError):
        async with desk.database.write() as tx:
            await stored.tell(tx, desk.now(), "chat/1", "notice.chat_closed", chat="telegram:42", reason="blocked")
            raise RuntimeError("a crash before the end of the transaction")
    await turns(desk)
    assert sender.told == []


@pytest.mark.parametrize("trouble", [TryLater("slow"), TryLater("wait", 3), Unknown("cut")])
async def test_a_message_that_did_not_arrive_for_certain_is_repeated_and_holds_up_no_other_chat(
    desk: Desk, sender: ScriptedSender, trouble: SendResult
) -> None:
    sender.script["tell -1"].append(trouble)
    await tell(desk)
    await turns(desk, 4)
    assert (lines(sender, "-1"), lines(sender, "-2")) == ([CLOSED] * 2, [CLOSED])


async def test_troubles_in_a_row_are_asked_about_ever_more_rarely(desk: Desk, sender: ScriptedSender) -> None:
    sender.script["tell -1"].extend([TryLater("down")] * 50)
    await tell(desk)
    await turns(desk, 60, seconds=1)
    assert len(lines(sender, "-1")) == 6  # after 1, 2, 4, 8, 16 and 32 seconds


async def test_a_crash_between_the_message_and_its_record_repeats_the_message(
    desk: Desk, sender: ScriptedSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(desk)
    with monkeypatch.context() as broken:
        broken.setattr(stored, "save", None)
        await turns(desk)
    await turns(desk)
    assert lines(sender) == [CLOSED] * 2


async def test_a_burst_of_troubles_is_a_few_messages(desk: Desk, sender: ScriptedSender) -> None:
    for number in range(50):
        await tell(desk, f"chat/{number}")
    await turns(desk, 4)
    assert [len(told.lines) for name, told in sender.told if name == "-1"] == [20, 20, 10]


async def test_what_has_buttons_stands_alone_with_them(desk: Desk, sender: ScriptedSender) -> None:
    buttons = ((Button("Send", "approve 7"), Button("Seen", "seen 7")),)
    await tell(desk, "held/7", buttons=buttons)
    await tell(desk, "chat/1")
    await turns(desk, 3)
    assert [told.buttons for name, told in sender.told if name == "-1"] == [buttons, ()]


async def test_one_person_is_told_in_their_language(desk: Desk, sender: ScriptedSender) -> None:
    await tell(desk, to=("telegram:5",), language="ko")
    await turns(desk)
    assert "봇에게 닫혔습니다" in lines(sender, "5")[0] and len(sender.told) == 1


async def test_what_is_wrong_with_an_account_is_said_once_over_restarts_and_that_it_is_over(
    desk: Desk, sender: ScriptedSender
) -> None:
    sender.alarm = Alarm("notice.second_reader", Problem.of("second_reader"))
    await turns(desk, 2)
    await turns(desk)
    said = (
        "⚠️ Telegram: another program reads this bot's messages: stop the other one. "
        "Until then commands may be answered by the other one."
    )
    assert lines(sender) == [said]
    sender.alarm, sender.ready = None, False
    await turns(desk)
    assert lines(sender) == [said]
    sender.ready = True
    await turns(desk, 2)
    assert lines(sender) == [said, "✅ Telegram works again."]


async def test_a_closed_door_of_the_desk_is_tried_again_and_given_up_after_a_day(
    desk: Desk, sender: ScriptedSender, clock: Clock
) -> None:
    sender.script["tell -1"].extend([ChatGone("kicked")] * 2)
    await tell(desk)
    await turns(desk, 3, seconds=CLOSED_DOOR.total_seconds())
    assert len(lines(sender, "-1")) == 3
    sender.script["tell -1"].append(ChatGone("kicked"))
    await tell(desk, "chat/2")
    await turns(desk)
    clock.forward(TOO_OLD.total_seconds())
    await turns(desk, 2)
    async with desk.database.read() as connection:
        assert await stored.pending(connection) == []


async def test_a_refused_notice_is_not_repeated_and_a_moved_chat_is_followed(
    desk: Desk, sender: ScriptedSender
) -> None:
    sender.script["tell -1"].append(Refused("bad"))
    sender.script["tell -2"].append(Moved(Chat("telegram", "", "-22", "7")))
    await tell(desk)
    await turns(desk, 3)
    assert lines(sender, "-1") == lines(sender, "-22") == [CLOSED]


async def test_a_platform_that_is_paused_is_told_later_and_no_alert_is_in_the_way(
    desk: Desk, sender: ScriptedSender
) -> None:
    sender.ready = False
    await tell(desk)
    await turns(desk)
    assert sender.told == []
    sender.ready = True
    await turns(desk)
    assert lines(sender) == [CLOSED]


async def test_without_anybody_to_tell_it_stands_in_the_log(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    await tell(desk)
    await turns(desk, 2)
    async with desk.database.read() as connection:
        assert await stored.pending(connection) == []
        assert [one.key for one in await stored.unsolved(connection, 5)] == ["chat/1"]
    printed = capsys.readouterr()
    assert (printed.out + printed.err).count("telegram:42 is closed to the bot") == 1


def test_the_admins_are_told_in_private_where_the_desk_has_no_chat() -> None:
    assert addressees((), (7,), ("U1", "T2:U2")) == ("telegram:7", "slack:U1", "slack:T2/U2")
    assert addressees(("slack:T0/C0",), (7,), ("U1",)) == ("slack:T0/C0",)
    assert chat_at("slack:T2/U2") == Chat("slack", "T2", "U2") and chat_at("slack:U1") == Chat("slack", "", "U1")
    assert chat_at("telegram:-100/5") == Chat("telegram", "", "-100", "5") and chat_at("fax:1") is None


async def test_a_text_that_an_upgrade_took_away_is_told_raw(desk: Desk, sender: ScriptedSender) -> None:
    async with desk.database.write() as tx:
        await stored.tell(tx, desk.now() - timedelta(hours=1), "x", "notice.of_yesterday", reason="gone")
    await turns(desk)
    assert lines(sender) == ["notice.of_yesterday {'reason': 'gone'}"]
