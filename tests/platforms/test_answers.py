"""The tables of docs/answers.md: every answer that is known has a row, and each row is what happens.

Each answer is given by a double to the real client library, for a new message and for an edit of one; what the adapter
makes of it, and what `delivery.after` makes of that, must be what the row promises.
"""

import asyncio
import re
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.settings import Slack as SlackSettings
from config.settings import Telegram as TelegramSettings
from delivery import Next, after, after_edit
from models import Chat, Command, Part, Refused, Reply, SendResult, Status
from platforms import slack, telegram
from platforms.slack import Slack
from platforms.telegram import Telegram
from tests.conftest import SHARED
from tests.fakes.slack import FakeSlack
from tests.fakes.telegram import FakeTelegram
from tests.house import papers
from tests.parcels import SETTINGS, parcel
from tests.senders import NoDoors

PAGE = papers.read("docs/answers.md")
NAMES = tomllib.loads((Path(__file__).parent / "answers.toml").read_text(encoding="utf-8"))
NOW = datetime(2026, 6, 17, 5, 5, tzinfo=UTC)
ASKED = 7
NOTHING = "–"
HEADING = ["answer", "what it is", "send", "delivery", "chat", "account", "edit"]


@dataclass(frozen=True)
class Row:
    """What the page promises for one answer, or what was seen."""

    answer: str
    send: str = NOTHING
    delivery: str = NOTHING
    chat: str = NOTHING
    account: str = NOTHING
    edit: str = NOTHING


def rows(page: str, platform: str) -> list[Row]:
    section = re.search(rf"^## {platform}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert section is not None
    heading, *lines = papers.table_rows(section[1])
    assert heading == HEADING
    return [Row(answer, *promises) for answer, _, *promises in lines]


def without_row(page: str, platform: str, names: dict[str, Any]) -> list[str]:
    """Answers that are known and have no row, or more than one."""
    told = [row.answer for row in rows(page, platform)]
    return [answer for answer in known(platform, names) if told.count(answer) != 1]


def known(platform: str, names: dict[str, Any]) -> list[str]:
    own = [answer for answers in names[platform.lower()].values() for answer in answers]
    return list(dict.fromkeys([*own, *names["both"]["rows"]]))


TELEGRAM, SLACK = rows(PAGE, "Telegram"), rows(PAGE, "Slack")


# ----------------------------------------------------------------------------------------------- every answer has a row


@pytest.mark.parametrize("platform", ["Telegram", "Slack"])
def test_every_known_answer_has_a_row(platform: str) -> None:
    assert without_row(PAGE, platform, NAMES) == []


@pytest.mark.parametrize("platform", ["Telegram", "Slack"])
def test_an_answer_without_a_row_is_found(platform: str) -> None:
    before, heading, after_it = PAGE.partition(f"## {platform}\n")
    for answer in known(platform, NAMES):
        line = next(one for one in after_it.splitlines() if one.startswith(f"| {answer} |"))
        without = before + heading + after_it.replace(f"{line}\n", "", 1)
        twice = before + heading + after_it.replace(line, f"{line}\n{line}", 1)
        assert without_row(without, platform, NAMES) == without_row(twice, platform, NAMES) == [answer]


def named_for_telegram(page: str) -> set[str]:
    """The first cells of the table of answers, and what stands on pictures that Telegram fetches."""
    _, _, rest = page.partition("**Answers and what they mean**")
    found: set[str] = set()
    for line in rest.strip().split("\n\n")[0].splitlines()[2:]:
        cell = line.split("|")[1].strip()
        texts = [text for text in re.findall(r"`([^`]+)`", cell) if not text.startswith("parameters.")]
        found.update(texts or [cell])
    picture = re.search(r"Photo by URL.*", page)
    assert picture is not None
    return found | set(re.findall(r"`([^`]+)`", picture[0]))


def named_for_slack(page: str) -> set[str]:
    errors = re.search(r"^\*\*Errors\*\*(.*?)\n\n", page, re.MULTILINE | re.DOTALL)
    assert errors is not None
    return {text for text in re.findall(r"`([^`]+)`", errors[1]) if re.fullmatch(r"[a-z_*]+", text)}


def test_every_answer_that_the_platforms_page_names_is_known() -> None:
    page = SHARED / "PLATFORMS.md"
    if not page.is_file():
        pytest.skip("../shared/PLATFORMS.md is not beside this checkout: the names in answers.toml stand for it")
    text = page.read_text(encoding="utf-8")
    assert named_for_telegram(text) == NAMES["telegram"].keys()
    assert named_for_slack(text) == NAMES["slack"].keys()


# ------------------------------------------------------------------------------------------------------ in words


def word(result: SendResult) -> str:
    part = f" ({result.part})" if isinstance(result, Refused) and result.part is not Part.FORM else ""
    return f"{type(result).__name__}{part}"


def delivery_word(step: Next) -> str:
    form = ", plain" if "plain" in step.values else ", without picture" if "pictureless" in step.values else ""
    return f"{step.values['status']}{form}"


def chat_word(step: Next) -> str:
    if step.pause:
        return "paused"
    if step.move_to is not None:
        return "moves"
    if step.values.get("status") is Status.UNKNOWN:
        return "waits"
    if step.hold_until is None:
        return "goes on"
    return "held as asked" if step.hold_until == NOW + timedelta(seconds=ASKED) else "held"


def edit_word(result: SendResult, step: Next) -> str:
    if "shown" in step.values:
        return "over" if isinstance(result, Refused) else "done"
    if step.pause:
        return "when the chat opens"
    if step.move_to is not None:
        return "again there"
    form = ", plain" if "plain" in step.values else ", without picture" if "pictureless" in step.values else ""
    return f"again{form}"


# ------------------------------------------------------------------------------------------------------- the answers


@dataclass
class Scene:
    """A platform as the product builds it, what prepares its next call to get the answer, and what it is called."""

    adapter: Telegram | Slack
    chat: Chat
    prepare: Callable[[str], None]
    methods: tuple[str, str]
    message_id: str = "5"


async def no_answer(command: Command) -> Reply:
    return Reply()


@asynccontextmanager
async def tls(kind: str) -> AsyncIterator[str]:
    """A server that cuts or says nothing while TLS is to be agreed on."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if kind == "no connection in time":
                await asyncio.sleep(60)
            await reader.read(1)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(behave, "127.0.0.1", 0)
    yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@asynccontextmanager
async def address(answer: str, usual: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Where the platform lives for this answer; time-outs are short where they are what is tried."""
    if answer == "no answer in time":
        for module in (telegram, slack):
            monkeypatch.setattr(module, "TIMEOUT", 0.5)
    match answer:
        case "connection refused":
            yield "http://127.0.0.1:9"
        case "name not found":
            yield "http://name.invalid"
        case "connection cut before the request" | "no connection in time":
            for module in (telegram, slack) if answer == "no connection in time" else ():
                monkeypatch.setattr(module, "CONNECT_TIMEOUT", 0.3)
            monkeypatch.setattr(telegram, "POOL_TIMEOUT", 0.1)
            async with tls(answer) as elsewhere:
                yield elsewhere
        case _:
            yield usual


FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "redirect": ("redirect", {}),
    "connection cut on the way": ("reset_before", {}),
    "connection reset after the request": ("reset_after", {}),
    "connection closed after the request": ("close_after", {}),
    "no answer in time": ("hang_after", {}),
    "200 and no JSON": ("malformed", {}),
    "200 and other JSON": ("malformed", {"body": '{"ok": true}'}),
}
ELSEWHERE = ("connection refused", "name not found", "connection cut before the request", "no connection in time")
NO_FAULT = ("200 and the message", *ELSEWHERE)
BEFORE_TEXT = {"400": "Bad Request: ", "403": "Forbidden: ", "409": "Conflict: "}


def telegram_fault(answer: str) -> tuple[str, dict[str, Any]] | None:
    """What to tell the double."""
    if answer in NO_FAULT:
        return None
    if answer in FAULTS:
        return FAULTS[answer]
    if found := re.fullmatch(r"(\d+) with a page", answer):
        return "page", {"code": int(found[1])}
    said = re.fullmatch(r"(\d+) `([^`]+)`(, with the new id)?", answer)
    assert said is not None, f"nobody knows how to give the answer {answer!r}"
    text = said[2].replace("…", 'Unsupported start tag "p" at byte offset 0')
    detail: dict[str, Any] = {"code": int(said[1]), "description": BEFORE_TEXT.get(said[1], "") + text}
    if said[3]:
        detail["parameters"] = {"migrate_to_chat_id": -1009}
    if said[1] == "429":
        detail |= {"description": text.replace("N", str(ASKED)), "parameters": {"retry_after": ASKED}}
    return "answer", detail


POINTERS = {
    ", pointing at a picture": "downloading image failed [json-pointer:/blocks/0/accessory/image_url]",
    ", pointing elsewhere": "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
}


def slack_fault(answer: str) -> tuple[str, dict[str, Any]] | None:
    if answer in NO_FAULT:
        return None
    if answer in FAULTS:
        return FAULTS[answer]
    if found := re.fullmatch(r"(\d+) with a page", answer):
        return found[1], {}
    said = re.fullmatch(r"(?:429 )?`([a-z_]+)`(, pointing .+)?", answer)
    assert said is not None, f"nobody knows how to give the answer {answer!r}"
    if said[2]:
        return said[1], {"messages": [f"[ERROR] {POINTERS[said[2]]}"]}
    return said[1], {"retry_after": ASKED} if said[1] == "ratelimited" else {}


@pytest.fixture(scope="module")
def fake_telegram() -> Iterator[FakeTelegram]:
    with FakeTelegram() as made:
        yield made


@pytest.fixture(scope="module")
def fake_slack() -> Iterator[FakeSlack]:
    with FakeSlack() as made:
        yield made


@asynccontextmanager
async def telegram_scene(answer: str, fake: FakeTelegram, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    fake.clear_faults()
    fake.add_chat(42)
    async with address(answer, fake.url, monkeypatch) as base:
        settings = TelegramSettings.model_validate({"token": fake.token, "api_base": base})
        adapter = Telegram(settings, no_answer, NoDoors(), SETTINGS)
        await adapter.check()

        def prepare(method: str) -> None:
            if fault := telegram_fault(answer):
                fake.fault(fault[0], method=method, **fault[1])

        chat = Chat("telegram", adapter.account, "42")
        yield Scene(adapter, chat, prepare, ("sendMessage", "editMessageText"))
        await adapter.close()


@asynccontextmanager
async def slack_scene(answer: str, fake: FakeSlack, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    fake.clear_faults()
    fake.add_channel("C1", "news")
    async with address(answer, fake.url, monkeypatch) as base:
        keys = {"bot_token": fake.bot_token, "app_token": fake.app_token, "api_base": f"{base}/api/"}
        adapter = Slack(SlackSettings.model_validate(keys), no_answer, NoDoors(), SETTINGS)

        def prepare(method: str) -> None:
            if fault := slack_fault(answer):
                fake.fault(fault[0], method=method, **fault[1])

        yield Scene(adapter, Chat("slack", fake.team_id, "C1"), prepare, ("chat.postMessage", "chat.update"))
        await adapter.close()


# ----------------------------------------------------------------------------------------------------- what happens


def account_word(scene: Scene) -> str:
    state = scene.adapter.state
    return "paused" if state.word == "paused" else "told" if state.problem else "goes on"


async def seen(promised: Row, scene: Scene) -> Row:
    """The row as it is. Where the page promises nothing for a call, the call is not made."""
    row = Row(promised.answer)
    adapter = scene.adapter
    if promised.answer.startswith("409"):
        return replace(row, account=await while_receiving(scene))
    adapter.state.ready()
    edits = promised.edit != NOTHING
    if edits and promised.answer not in ELSEWHERE:
        there = await adapter.send(parcel(scene.chat))
        scene.message_id = getattr(there, "message_id", "")
        assert scene.message_id, there
    if promised.send != NOTHING:
        scene.prepare(scene.methods[0])
        adapter.state.ready()
        owed = parcel(scene.chat)
        result = await adapter.send(owed)
        step = after(owed.delivery, result, 1, NOW, can_look=adapter.can_look)
        row = replace(row, send=word(result), delivery=delivery_word(step), chat=chat_word(step))
        row = replace(row, account=account_word(scene))
    if edits:
        scene.prepare(scene.methods[1])
        adapter.state.ready()
        shown = {"status": Status.SENT, "message_id": scene.message_id, "shown": 1, "wanted": 2}
        stale = parcel(scene.chat, delivery=shown, headline="고친 제목", version=2)
        result = await adapter.edit(stale)
        step = after_edit(stale.delivery, result, 2, NOW)
        row = replace(row, edit=f"{word(result)}: {edit_word(result, step)}")
        if promised.send == NOTHING:
            row = replace(row, chat=chat_word(step), account=account_word(scene))
        assert account_word(scene) == row.account, "an edit says the same of the account"
    return row


async def while_receiving(scene: Scene) -> str:
    scene.prepare("getUpdates")
    task = asyncio.create_task(scene.adapter.run())
    try:
        async with asyncio.timeout(5):
            while not scene.adapter.state.problem:
                await asyncio.sleep(0.01)
        return account_word(scene)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("promised", TELEGRAM, ids=lambda row: row.answer)
async def test_telegram_does_what_the_table_says(
    promised: Row, fake_telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with telegram_scene(promised.answer, fake_telegram, monkeypatch) as scene:
        assert await seen(promised, scene) == promised


@pytest.mark.parametrize("promised", SLACK, ids=lambda row: row.answer)
async def test_slack_does_what_the_table_says(
    promised: Row, fake_slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with slack_scene(promised.answer, fake_slack, monkeypatch) as scene:
        assert await seen(promised, scene) == promised


# ------------------------------------------------------------------------------------------- a wrong table is found


def doctored(row: Row) -> Iterator[Row]:
    """The row with each of its promises replaced by another one."""
    others = {
        "send": ("TryLater", "Unknown"),
        "delivery": ("waiting", "given_up"),
        "chat": ("goes on", "paused"),
        "account": ("goes on", "paused"),
        "edit": ("Unknown: again", "Refused (message): over"),
    }
    for field in fields(row)[1:]:
        now = getattr(row, field.name)
        if now != NOTHING:
            yield replace(row, **{field.name: next(one for one in others[field.name] if one != now)})


SAMPLES = ("200 and the message", "connection refused", "connection reset after the request", "200 and no JSON")


@pytest.mark.parametrize(
    "promised",
    [row for row in TELEGRAM if row.answer in (*SAMPLES, "400 `chat not found`", "401 `Unauthorized`")],
    ids=lambda row: row.answer,
)
async def test_a_wrong_promise_about_telegram_is_found(
    promised: Row, fake_telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with telegram_scene(promised.answer, fake_telegram, monkeypatch) as scene:
        wrong = list(doctored(promised))
        assert len(wrong) == 5
        for row in wrong:
            assert await seen(row, scene) == promised != row


@pytest.mark.parametrize(
    "promised",
    [row for row in SLACK if row.answer in (*SAMPLES, "`is_archived`", "`token_revoked`", "`internal_error`")],
    ids=lambda row: row.answer,
)
async def test_a_wrong_promise_about_slack_is_found(
    promised: Row, fake_slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with slack_scene(promised.answer, fake_slack, monkeypatch) as scene:
        wrong = list(doctored(promised))
        assert len(wrong) == 5
        for row in wrong:
            assert await seen(row, scene) == promised != row


async def test_an_answer_that_nobody_can_give_is_found(
    fake_telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    invented = replace(TELEGRAM[0], answer="a shrug")
    async with telegram_scene(invented.answer, fake_telegram, monkeypatch) as scene:
        with pytest.raises(AssertionError, match="nobody knows how to give"):
            await seen(invented, scene)
