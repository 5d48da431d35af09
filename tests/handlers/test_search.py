"""/search and the pages of /latest, whichever platform asked; the wording is compared whole."""

from dataclasses import replace

import pytest

import handlers
from formatters import parts, plain, slack, telegram
from locales import say
from models import Button, Chat, ChatSettings, Command, Owed, Reply, Status, Subscription
from pipeline import Desk
from storage import archive, chats, ledger
from storage.asked import KEPT
from storage.database import Database
from tests.archived import archived
from tests.conftest import Clock
from tests.sites import Site, watch

GROUP = Chat("telegram", "7700", "-1001234567890")
ASK = Command("search", "", GROUP, "42", "ko", private=False, trusted=False, open=True)
SETTINGS = ChatSettings("ko", "Asia/Seoul")
ENGLISH = replace(ASK, chat=Chat("telegram", "7700", "42"), private=True, language="en")


async def asked(desk: Desk, args: str, command: Command = ASK) -> Reply:
    return await handlers.answer(desk, replace(command, args=args))


async def said(desk: Desk, args: str, command: Command = ASK) -> str:
    answer = await asked(desk, args, command)
    return plain.reply(answer, answer.settings or SETTINGS)


async def press(desk: Desk, button: Button, command: Command = ASK) -> Reply:
    name, _, args = button.press.partition(" ")
    return await handlers.answer(desk, replace(command, name=name, args=args, pressed=True))


def headlines(answer: Reply) -> list[str]:
    return [story.alert.headline for story in answer.stories]


async def fill(desk: Desk, clock: Clock, count: int) -> list[int]:
    ids = []
    for number in range(1, count + 1):
        clock.forward(60)
        ids.append(await archived(desk.database, f"소식 {number}호", "수출이 늘었다.", clock(), topics=("외교",)))
    return ids


async def test_search_marks_words_and_shows_where_they_stand(desk: Desk, clock: Clock) -> None:
    await archived(desk.database, "고속철도 수출액 2,700억 원", "고속철도 KTX의 첫 수출이 성사됐다.", clock())
    assert await said(desk, "수출") == (
        "“수출” 검색 결과 1–1 / 1\n"
        "1. 고속철도 수출액 2,700억 원\n   newsdao · 6월 17일 14:00\n"
        "   고속철도 KTX의 첫 수출이 성사됐다.\n   https://news.example/1"
    )
    answer = await asked(desk, 'KTX "첫 수출" -없는말')
    assert answer.marked == ("KTX", "첫 수출") and answer.buttons == ()


@pytest.mark.parametrize("args", ["", '"*!', "--", '""'])
async def test_search_without_words_asks_back(desk: Desk, args: str) -> None:
    assert await said(desk, args) == (
        '무엇을 찾을까요? 예: /search 수출 · /search "정상회담" since:7d · /search 반도체 -주가'
    )
    assert await said(desk, args, ENGLISH) == (
        'What shall I look for? Example: /search export · /search "summit talks" since:7d · /search chips -stocks'
    )


async def test_search_says_when_there_is_nothing(desk: Desk) -> None:
    assert await said(desk, "없는말") == "“없는말” 검색 결과가 없습니다. 낱말을 줄여 보세요."
    assert await said(desk, "nothing", ENGLISH) == "No results for “nothing”. Try fewer words."


@pytest.mark.parametrize(
    ("args", "told", "in_english"),
    [
        (
            "수출 since:어제",
            "since: 뒤에는 30m, 12h, 7d, 2w 또는 2026-11-01 같은 날짜를 적습니다. 예: /search 수출 since:7d",
            "since: takes 30m, 12h, 7d, 2w or a date such as 2026-11-01. Example: /search export since:7d",
        ),
        (
            "수출 source:nope",
            "모르는 출처입니다: nope. 아는 출처: site. 예: /search 수출 source:site",
            "nope is not a source here. Known: site. Example: /search export source:site",
        ),
        (
            "수출 topic:",
            "topic: 뒤에 주제를 붙여 적어 주세요. 예: /search 수출 topic:외교",
            "topic: takes a topic right behind it. Example: /search export topic:diplomacy",
        ),
        (
            "수출 site:newsdao.kr",
            'site: 조건은 쓸 수 없습니다. 쓸 수 있는 것: source: topic: since: "구절" -낱말. 예: /search 수출 since:7d',
            'site: is not taken here; these are: source: topic: since: "phrase" -word. '
            "Example: /search export since:7d",
        ),
    ],
)
async def test_an_operator_that_cannot_be_followed_says_what_is_accepted(
    desk: Desk, site: Site, args: str, told: str, in_english: str
) -> None:
    await watch(desk, site)
    assert await said(desk, args) == told
    assert await said(desk, args, ENGLISH) == in_english


async def test_a_source_is_known_by_its_name_too(desk: Desk, clock: Clock, site: Site) -> None:
    await watch(desk, site)
    await archived(desk.database, "수출 소식", "본문", clock(), source="site")
    assert headlines(await asked(desk, "source:SITE 수출")) == ["수출 소식"]


async def test_pages_turn_in_a_ring_and_carry_nothing_but_an_id(desk: Desk, clock: Clock) -> None:
    await fill(desk, clock, 12)
    first = await asked(desk, "수출")
    assert headlines(first) == [f"소식 {number}호" for number in (12, 11, 10, 9, 8)]
    (back, here, on), (order,) = first.buttons
    assert (back.label, here.label, on.label, order.label) == ("◀", "1/3", "▶", "최신순으로")
    assert (back.press, here.press, on.press) == ("search page 1 3", "search page 1 1", "search page 1 2")
    second = await press(desk, on)
    assert second.title == "“수출” 검색 결과 6–10 / 12" and second.first == 6
    last = await press(desk, back)
    assert headlines(last) == ["소식 2호", "소식 1호"] and last.buttons[0][2].press == "search page 1 1"


async def test_a_page_that_is_not_there_is_the_last_one(desk: Desk, clock: Clock) -> None:
    await fill(desk, clock, 6)
    await asked(desk, "수출")
    assert headlines(await press(desk, Button("▶", press="search page 1 9999"))) == ["소식 1호"]


async def test_later_news_does_not_shift_the_pages(desk: Desk, clock: Clock) -> None:
    await fill(desk, clock, 6)
    first = await asked(desk, "수출")
    clock.forward(60)
    await archived(desk.database, "수출 속보", "본문", clock())
    assert headlines(await press(desk, first.buttons[0][2])) == ["소식 1호"]


async def test_the_order_may_be_changed_and_is_kept_by_the_pages(desk: Desk, clock: Clock) -> None:
    top = await archived(desk.database, "수출 규제", "본문", clock())
    await fill(desk, clock, 6)
    best = await asked(desk, "수출")
    assert best.stories[0].alert.id == top
    newest = await press(desk, best.buttons[1][0])
    assert headlines(newest)[0] == "소식 6호" and newest.buttons[1][0].label == "관련순으로"
    assert headlines(await press(desk, newest.buttons[0][2])) == ["소식 1호", "수출 규제"]


async def test_a_question_is_forgotten_after_seven_days_and_says_how_to_ask_again(desk: Desk, clock: Clock) -> None:
    await fill(desk, clock, 6)
    (_, _, on), _ = (await asked(desk, "수출")).buttons
    clock.forward(KEPT.total_seconds() - 1)
    assert headlines(await press(desk, on)) == ["소식 1호"]
    clock.forward(2)
    assert await press(desk, on) == Reply(
        toast="이 검색은 7일이 지나 잊었습니다. 다시 찾으려면 예: /search 수출", settings=SETTINGS, command="search"
    )
    newer = await asked(desk, "수출")
    assert newer.buttons[0][2].press == "search page 2 2", "an id that was forgotten is never given again"


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_the_buttons_work_on_a_new_desk_over_the_same_file_for_seven_days_and_then_say_so(
    desk: Desk, clock: Clock, language: str
) -> None:
    asking = ASK if language == "ko" else ENGLISH
    await fill(desk, clock, 6)
    (_, _, on), _ = (await asked(desk, "수출", asking)).buttons
    ((more,),) = (await asked(desk, "2", replace(asking, name="latest"))).buttons
    await desk.database.close()
    file = await Database.open(desk.database.path)
    new = Desk(file, desk.http, desk.settings, {}, clock, "test")
    clock.forward(KEPT.total_seconds() - 1)
    assert headlines(await press(new, on, asking)) == ["소식 1호"]
    assert headlines(await press(new, more, asking)) == ["소식 4호", "소식 3호"]
    clock.forward(2)
    told = [await press(new, one, asking) for one in (on, more)]
    assert [one.toast for one in told] == [say(language, "search.forgotten"), say(language, "latest.forgotten")]
    assert all(not one.title and not one.stories for one in told), "the message that held them stays"
    await file.close()


async def test_nobody_turns_the_pages_of_another_chat(desk: Desk, clock: Clock) -> None:
    await fill(desk, clock, 6)
    (_, _, on), _ = (await asked(desk, "수출")).buttons
    stranger = replace(ASK, chat=replace(GROUP, id="-1009"))
    assert (await press(desk, on, stranger)).stories == () and (await press(desk, on, stranger)).toast
    other_command = await press(desk, replace(on, press=on.press.replace("search", "latest")))
    assert other_command.stories == () and other_command.toast


async def test_what_is_typed_like_a_button_is_words_unless_the_chat_has_that_question(desk: Desk, clock: Clock) -> None:
    await archived(desk.database, "page 1 2", "본문", clock())
    assert headlines(await asked(desk, "page 1 2")) == ["page 1 2"]
    await fill(desk, clock, 6)
    await asked(desk, "수출")
    assert headlines(await asked(desk, "page 1 2")) == ["소식 1호"]


async def test_the_last_page_of_very_many_says_how_to_find_the_rest(
    desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.search.WINDOW", 6)
    await fill(desk, clock, 8)
    first = await asked(desk, "수출")
    assert first.title == "“수출” 검색 결과 1–5 / 6+" and first.lines == ()
    last = await press(desk, first.buttons[0][2])
    assert last.lines == ("여기까지 보여 드립니다. 더 찾으려면 낱말이나 since:7d, source:출처 를 더해 좁혀 보세요.",)


async def test_every_button_fits_both_platforms(desk: Desk, clock: Clock) -> None:
    await fill(desk, clock, 6)
    for answer in (await asked(desk, "수출"), await asked(desk, "2 외교", replace(ASK, name="latest"))):
        far = replace(answer, buttons=tuple(
            tuple(replace(one, press=one.press.replace(" 1 ", f" {10**17} ")) for one in row) for row in answer.buttons
        ))  # fmt: skip
        assert [len(row) for row in parts.buttons(far.buttons)] == [len(row) for row in answer.buttons]
        assert slack.reply(far, SETTINGS).blocks[-1]["type"] == "actions"


async def test_results_link_to_the_alert_in_the_chat_that_got_it(desk: Desk, clock: Clock) -> None:
    (sent, not_sent) = await fill(desk, clock, 2)
    async with desk.database.write() as tx:
        chat_id = await chats.subscribe(tx, GROUP, SETTINGS, Subscription(0), clock())
        await archive.open_fanouts(tx, [sent])
        fanout = await ledger.next_fanout(tx)
        assert fanout is not None
        await ledger.fill(tx, fanout, [Owed(chat_id, clock())], clock(), everything=(0, 0))
        await ledger.save(tx, [(1, {"status": Status.SENT, "message_id": "77"})])
    answer = await asked(desk, "수출")
    links = {story.alert.id: story.chat_link for story in answer.stories}
    assert links == {sent: "https://t.me/c/1234567890/77", not_sent: ""}
    (shown,) = telegram.reply(answer, SETTINGS)
    assert '· <a href="https://t.me/c/1234567890/77">알림 보기</a>\n<u>수출</u>이 늘었다.' in shown
    assert "<https://t.me/c/1234567890/77|알림 보기>" in str(slack.reply(answer, SETTINGS).blocks)
    latest = await asked(desk, "", replace(ASK, name="latest"))
    assert [story.chat_link for story in latest.stories] == ["", "https://t.me/c/1234567890/77"]


@pytest.mark.parametrize("args", ["2", "2 외교"])
async def test_latest_has_a_button_for_more_and_then_pages(desk: Desk, clock: Clock, args: str) -> None:
    await fill(desk, clock, 5)
    first = await asked(desk, args, replace(ASK, name="latest"))
    ((more,),) = first.buttons
    assert (headlines(first), more.label) == (["소식 5호", "소식 4호"], "더 보기 ▶")
    clock.forward(60)
    await archived(desk.database, "더 새로운 소식", "본문", clock(), topics=("외교",))
    second = await press(desk, more)
    assert (headlines(second), second.first) == (["소식 3호", "소식 2호"], 3)
    ((back, on),) = second.buttons
    third = await press(desk, on)
    assert headlines(third) == ["소식 1호"] and [one.label for one in third.buttons[0]] == ["◀"]
    assert headlines(await press(desk, back)) == ["소식 5호", "소식 4호"]
    clock.forward(KEPT.total_seconds() + 1)
    assert (await press(desk, more)).toast == "이 목록은 7일이 지나 잊었습니다. 다시 보려면 /latest"


async def test_a_moved_group_keeps_its_pages(desk: Desk, clock: Clock) -> None:
    await fill(desk, clock, 6)
    small = replace(ASK, chat=replace(GROUP, id="-55"))
    (_, _, on), _ = (await asked(desk, "수출", small)).buttons
    async with desk.database.write() as tx:
        chat_id = await chats.subscribe(tx, small.chat, SETTINGS, Subscription(0), clock())
        await chats.move(tx, chat_id, GROUP)
    assert headlines(await press(desk, on)) == ["소식 1호"]
