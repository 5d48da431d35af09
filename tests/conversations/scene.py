"""A desk in this process with seven stories in its archive, and somebody who talks with it over Telegram or Slack.

The real client libraries stand between the person and the handlers; what is read is what the doubles show.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx

import handlers
from config.settings import Settings, load
from models import (
    Chat,
    ChatGone,
    ChatSettings,
    Command,
    Condensed,
    Delivery,
    Kind,
    Parcel,
    Post,
    Reply,
    Source,
    Status,
    Urgency,
)
from pipeline import Desk
from platforms.slack import Slack
from platforms.telegram import Telegram
from storage import archive, search
from storage import sources as stored
from storage.database import Database
from tests.archived import entry
from tests.fakes.slack import FakeSlack, Json, _objects, read_block
from tests.fakes.telegram import FakeMessage, FakeTelegram

POSTS = {
    "ko": (
        ("첫 고속철도 수출 계약 2,700억 원", "고속철도의 첫 수출이 성사됐다. 계약 규모는 2,700억 원이다.", "외교"),
        ("상반기 전기차 보급 12만 대", "환경 당국은 상반기에 전기차 12만 대가 보급됐다고 밝혔다.", "환경"),
        ("수출입은행 금리 0.25%p 내려", "수출입은행이 대출 금리를 0.25%포인트 내린다.", "경제"),
        ("태풍 북상, 여객선 40척 통제", "태풍이 북상해 여객선 40척이 통제됐다.", "날씨"),
        ("한강 다리 5곳 밤새 통제", "안전 점검으로 다리 5곳의 통행이 밤새 막힌다.", "교통"),
        ("반도체 수출 석 달 연속 증가", "반도체 수출이 석 달 연속 늘어 31억 달러를 기록했다.", "경제"),
        ("시립 도서관 밤 10시까지 연다", "시립 도서관 12곳이 7월부터 밤 10시까지 문을 연다.", "문화"),
    ),
    "en": (
        ("First rail export signed for $190m", "The first rail export was signed, worth $190m.", "trade"),
        ("120,000 electric cars in six months", "The agency counted 120,000 electric cars in six months.", "climate"),
        ("Export bank cuts its rate by 0.25 points", "The export bank cuts what it asks for loans.", "economy"),
        ("Typhoon keeps 40 ferries in port", "A typhoon that moves north keeps 40 ferries in port.", "weather"),
        ("Five bridges closed overnight", "Five bridges stay closed overnight while they are checked.", "transport"),
        ("Chip exports rise for a third month", "Exports of chips rose for a third month, to $3.1bn.", "economy"),
        ("City libraries open until ten", "Twelve city libraries stay open until ten from July.", "culture"),
    ),
}  # fmt: skip
NAMES = {"ko": "뉴스다오", "en": "Harbour News"}
ZONE = {"ko": "Asia/Seoul", "en": "Europe/London"}
CHAT, GROUP = 42, -1001234567890
PEOPLE = {"admin": (42, "U1"), "member": (5, "U5"), "stranger": (77, "U7")}


@dataclass(frozen=True, slots=True)
class Step:
    """What one person does: writes in private or in the group, or presses the newest button of that label there.

    `named`: the bot is called by its name in the group, as the platform does that. `unsure`: the platform does not say
    who the group's admins are.
    """

    says: str = ""
    presses: str = ""
    who: str = "admin"
    group: bool = False
    named: bool = False
    unsure: bool = False


@dataclass(slots=True)
class Clock:
    time: datetime = datetime(2026, 6, 17, 5, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Read:
    """One thing that was read: what stands before it in the stored example, its text, and its form as it was sent."""

    mark: str
    text: str
    form: Json

    def __str__(self) -> str:
        return f"({self.mark})\n{self.text}" if self.mark else self.text


@dataclass(frozen=True, slots=True)
class Turn:
    """What was done, and what was read then."""

    done: str
    read: tuple[Read, ...]

    def __str__(self) -> str:
        return "\n".join([f"=== {self.done}", *map(str, self.read)])


class Person(Protocol):
    """Somebody in front of one platform."""

    async def do(self, step: Step) -> Turn:
        """What they did and what they read then."""
        ...

    async def alerted(self, alert_id: int) -> Turn:
        """An alert comes into the private chat."""
        ...


@dataclass
class Doors:
    """Nothing opens or closes in a conversation."""

    async def let_in_again(self, chat: Chat, by: str = "") -> None: ...

    async def shut_out(self, chat: Chat, closed: ChatGone) -> None: ...

    async def moved(self, old: Chat, new: Chat) -> None: ...


@dataclass
class Scene:
    desk: Desk
    clock: Clock
    settings: ChatSettings
    commands: list[Command] = field(default_factory=list)

    async def answer(self, command: Command) -> Reply:
        self.commands.append(command)
        # The clock stands still: without this a conversation of more than ten commands would be one of a minute.
        return await handlers.answer(self.desk, replace(command, metered=False))

    async def parcel(self, chat: Chat, alert_id: int) -> Parcel:
        async with self.desk.database.read() as connection:
            (alert,) = await archive.by_ids(connection, [alert_id])
        now = self.clock()
        delivery = Delivery(
            1, alert_id, 1, Urgency.NORMAL, now, Status.SENDING, 1, 1, 0, "", plain=False, problem="", created=now
        )
        return Parcel(delivery, alert, chat, self.settings)


@asynccontextmanager
async def scene(folder: Path, language: str) -> AsyncIterator[Scene]:
    """A desk with its archive; nothing is polled or delivered by itself."""
    clock = Clock()
    settings = load(
        None,
        {
            "SOKBO_DATABASE_URL": f"sqlite:///{folder}/sokbo.db",
            "SOKBO_LANGUAGE": language,
            "SOKBO_TIMEZONE": ZONE[language],
            "SOKBO_TELEGRAM__ADMINS": "42",
            "SOKBO_SLACK__ADMINS": "U1",
        },
    )
    database = await Database.open(settings.database_path)
    async with httpx.AsyncClient(trust_env=False) as http:
        desk = Desk(database, http, settings, {}, clock, "conversation", version="0.1.0")
        await _archive(desk, clock, language)
        yield Scene(desk, clock, ChatSettings(language, ZONE[language]))
    await database.close()


async def _archive(desk: Desk, clock: Clock, language: str) -> None:
    source = Source("news", NAMES[language], Kind.FEED, "https://news.example/feed.xml")
    async with desk.database.write() as tx:
        await stored.declare(tx, [source], clock(), 60)
        for number, (title, text, topic) in enumerate(POSTS[language]):
            clock.forward(60)
            link = f"https://news.example/{number + 1}"
            post = Post("news", str(number), title, link, f"<p>{text}</p>", published=clock())
            story = archive.NewStory(post, Condensed(title, (text,), link), NAMES[language], (topic,), (), planned=True)
            (state,) = await archive.open_stories(tx, [story], clock())
            await search.add(tx, [entry(state.alert_id, story, title, text, clock())])


# ------------------------------------------------------------------------------------------------------------ telegram


@dataclass
class OnTelegram:
    """Reads message texts with the rows of buttons below them."""

    scene: Scene
    fake: FakeTelegram
    platform: Telegram
    language: str

    async def do(self, step: Step) -> Turn:
        self.scene.clock.forward(30)
        chat, user = GROUP if step.group else CHAT, PEOPLE[step.who][0]
        if not step.group and step.who != "admin":
            chat = user
        before = self._shown(chat)
        query = ""
        if step.unsure:
            self.fake.fault("500", method="getChatMember")
        if step.says:
            self.fake.send_text(chat, user, self._typed(step), language=self.language)
        else:
            held = next(number for number in reversed(before) if f"[{step.presses}]" in before[number].text)
            query = self.fake.press_button(chat, user, held, step.presses, language=self.language)
        await asyncio.to_thread(self.fake.wait_until, lambda: self.fake.unconfirmed() == 0)
        while self.platform._replying:
            await asyncio.wait(self.platform._replying)
        done = f"{self._typed(step)}{_where(step)}" if step.says else _done(step)
        return Turn(done, (*_news(before, self._shown(chat)), *self._told(query)))

    def _typed(self, step: Step) -> str:
        command, space, args = step.says.partition(" ")
        return f"{command}@{self.fake.username}{space}{args}" if step.named else step.says

    async def alerted(self, alert_id: int) -> Turn:
        await self.platform.send(await self.scene.parcel(Chat("telegram", self.platform.account, str(CHAT)), alert_id))
        return Turn(f"({alert_id})", (list(self._shown(CHAT).values())[-1],))

    def _shown(self, chat: int) -> dict[int, Read]:
        return {
            message.message_id: Read("", _telegram_text(message), _telegram_form(message))
            for message in self.fake.messages(chat)
        }

    def _told(self, query: str) -> tuple[Read, ...]:
        """What stood over the chat when a button was pressed."""
        said = self.fake.answers.get(query) or {}
        mark = "over the chat" if said.get("show_alert") else "for a moment"
        return (Read(mark, str(said["text"]), {"popup": said["text"]}),) if said.get("text") else ()


def _news(before: dict[Any, Read], after: dict[Any, Read]) -> list[Read]:
    """What is new, and what is no longer as it was."""
    changed = {
        key: replace(read, mark=", ".join(filter(None, (read.mark, "changed"))))
        for key, read in after.items()
        if key in before and before[key].text != read.text
    }
    return [changed.get(key, read) for key, read in after.items() if key in changed or key not in before]


def _telegram_form(message: FakeMessage) -> Json:
    """As the page's own drawing of Telegram takes it."""
    rows = [
        [{"label": one["text"], "press": one.get("callback_data", ""), "url": one.get("url", "")} for one in row]
        for row in (message.reply_markup or {}).get("inline_keyboard", [])
    ]
    return {"html": message.html, "button": None, "picture": "", "rows": rows}


def _telegram_text(message: FakeMessage) -> str:
    rows = (message.reply_markup or {}).get("inline_keyboard", [])
    return "\n".join([message.text, *(" ".join(f"[{one['text']}]" for one in row) for row in rows)])


@asynccontextmanager
async def on_telegram(folder: Path, language: str) -> AsyncIterator[Person]:
    """The bot's admin, a member of a group and a stranger, in front of Telegram."""
    async with scene(folder, language) as made:
        with FakeTelegram() as fake:
            for chat in (CHAT, PEOPLE["member"][0], PEOPLE["stranger"][0]):
                fake.add_chat(chat, "private")
            fake.add_chat(GROUP, "supergroup", "news", admins=(42,))
            quick = {"messages_per_second": 1000, "chat_per_second": 1000, "group_per_minute": 60_000}
            changed = {"token": fake.token, "api_base": fake.url, "admins": [42], **quick}
            settings = Settings.model_validate({"telegram": changed}).telegram
            platform = Telegram(settings, made.answer, Doors(), made.settings)
            made.desk.senders = {"telegram": platform}
            async with _running(platform):
                await asyncio.to_thread(fake.wait_until, lambda: fake.readers == 1)
                yield OnTelegram(made, fake, platform, language)


@asynccontextmanager
async def _running(platform: Telegram | Slack) -> AsyncIterator[None]:
    task = asyncio.create_task(platform.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await platform.close()


# --------------------------------------------------------------------------------------------------------------- slack


@dataclass
class OnSlack:
    """Reads what blocks show; who else reads it stands before it."""

    scene: Scene
    fake: FakeSlack
    platform: Slack

    async def do(self, step: Step) -> Turn:
        self.scene.clock.forward(30)
        user = PEOPLE[step.who][1]
        channel = "C1" if step.group else self.fake._direct_channel(user).id
        before = self._shown(channel)
        if step.unsure:
            self.fake.fault("missing_scope", method="conversations.info")
        if step.named:
            done = f"@Sokbo {step.says.removeprefix('/')}{_where(step)}"
            await self._quiet(self.fake.mention, channel, user, step.says.removeprefix("/"))
            return Turn(done, tuple(_news(before, self._shown(channel))))
        if step.says:
            command, _, args = step.says.removeprefix("/").partition(" ")
            done = f"{f'/sokbo {command} {args}'.strip()}{_where(step)}"
            result = await self._quiet(self.fake.slash, "/sokbo", f"{command} {args}", channel, user)
        else:
            done = _done(step)
            held, button = next(self._buttons(channel, step.presses))
            if held is None:
                result = await self._quiet(self.fake.press_in_view, user, self.fake.modals[-1], button["value"])
            else:
                pressed = (button["action_id"], button["value"])
                result = await self._quiet(self.fake.press, channel, user, held, *pressed)
        assert result.acked and result.refused == [], result
        return Turn(done, tuple(_news(before, self._shown(channel))))

    async def alerted(self, alert_id: int) -> Turn:
        channel = self.fake._direct_channel("U1").id
        await self.platform.send(await self.scene.parcel(Chat("slack", self.fake.team_id, channel), alert_id))
        return Turn(f"({alert_id})", (list(self._shown(channel).values())[-1],))

    async def _quiet(self, call: Callable[..., Any], *args: Any) -> Any:
        result = await asyncio.to_thread(call, *args)
        while self.platform._answering:
            await asyncio.wait(self.platform._answering)
        return result

    def _all(self, channel: str) -> list[tuple[str, str, Any]]:
        """Everything that stands in the channel for somebody: time, who reads it, the message."""
        replies = [
            (reply.ts, "only you", reply)
            for known in self.fake._responses.values()
            if known.channel == channel
            for reply in known.result.replies
            if not reply.replace_original and reply.response_type == "ephemeral"
        ]
        place = self.fake.channels[channel]
        told = [(one.ts, "only you", one) for one in place.ephemerals]
        messages = [(one.ts, "in the thread" if one.thread_ts else "", one) for one in place.messages]
        return sorted([*replies, *told, *messages], key=lambda one: one[0])

    def _shown(self, channel: str) -> dict[str, Read]:
        shown = {
            ts: Read(who, message.visible, {"text": message.text, "blocks": [*message.blocks]})
            for ts, who, message in self._all(channel)
        }
        windows = {
            view["id"]: Read("window", _view_text(view), {"text": "", "blocks": [*view["blocks"]]})
            for view in self.fake.modals
        }
        return {**shown, **windows}

    def _buttons(self, channel: str, label: str) -> Any:
        held = [(None, view["blocks"]) for view in reversed(self.fake.modals)]
        held += [(ts, message.blocks) for ts, _, message in reversed(self._all(channel))]
        for ts, blocks in held:
            for node in _objects(blocks):
                if node.get("type") == "button" and node["text"]["text"] == label:
                    yield ts, node


def _view_text(view: Json) -> str:
    return "\n".join([f"[[{view['title']['text']}]]", *filter(None, map(read_block, view["blocks"]))])


@asynccontextmanager
async def on_slack(folder: Path, language: str) -> AsyncIterator[Person]:
    """The bot's admin, a member of a channel and a stranger, in front of Slack."""
    async with scene(folder, language) as made:
        with FakeSlack() as fake:
            fake.add_channel("C1", "news", creator="U1")
            for _, user in PEOPLE.values():
                fake.add_user(user)
            quick = {"messages_per_minute": 60_000, "channel_per_second": 1000}
            tokens = {"bot_token": fake.bot_token, "app_token": fake.app_token, "api_base": f"{fake.url}/api/"}
            settings = Settings.model_validate({"slack": {**tokens, **quick, "admins": ["U1"]}}).slack
            platform = Slack(settings, made.answer, Doors(), made.settings)
            async with _running(platform):
                await asyncio.to_thread(fake.wait_for_connections)
                yield OnSlack(made, fake, platform)


def _where(step: Step) -> str:
    who = "" if step.who == "admin" else f", {step.who}"
    return f"   ({'group' if step.group else 'private'}{who})" if step.group or who else ""


def _done(step: Step) -> str:
    return f"{step.says or f'[{step.presses}]'}{_where(step)}"


PLATFORMS = {"telegram": on_telegram, "slack": on_slack}
