"""Tells the admins what storage/notices.py has for them: in the log at once, and in their chats until each has it.

It runs beside the dispatcher and shares nothing with it but the account's pace, so no alert ever waits for a notice.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

import delivery
import metrics
from delivery import Alarm
from locales import say
from models import Chat, ChatGone, Moved, Refused, Reply, SendResult, Sent, TryLater, Unknown
from pipeline import Desk, addressees, woken
from storage import notices as stored
from storage.database import DatabaseTrouble
from storage.notices import Notice

log = structlog.get_logger()

TOGETHER = 20
"""Notices in one message: a trouble with many chats is told in few messages."""
APART = timedelta(seconds=3.1)
"""Between two messages to the same admins: 20 a minute is what a Telegram group takes."""
CLOSED_DOOR = timedelta(minutes=10)
"""How long until a chat that does not let us in is tried again."""
TOO_OLD = timedelta(days=1)
"""What could not be told for so long stands in the log alone."""
ALARMS = ("notice.account_paused", "notice.second_reader")


@dataclass(frozen=True, slots=True)
class Letter:
    """What one addressee is told in one message."""

    addressee: str
    chat: Chat
    notices: tuple[Notice, ...]


async def tell_forever(desk: Desk) -> None:
    """Tell what there is to tell until the desk stops; a message under way may then still end for a moment."""
    teller = Teller(desk)
    while not desk.stopping.is_set():
        desk.tell.clear()
        turn = asyncio.create_task(teller.turn())
        stopping = asyncio.create_task(desk.stopping.wait())
        await asyncio.wait([turn, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        await asyncio.wait([turn], timeout=desk.patience)
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)
        await woken(desk.tell, desk.stopping, seconds=None)


class Teller:
    """Remembers whom to leave alone for now; everything else stands in the database."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._not_before: dict[str, datetime] = {}
        self._attempts: dict[str, int] = {}
        self._moved: dict[str, Chat] = {}
        self._alarms: dict[str, Alarm | None] = {}

    async def turn(self) -> None:
        """Say each addressee what waits for it, all beside each other, and save who has been told. Never raises."""
        try:
            await self._watch_accounts()
            async with self._desk.database.read() as connection:
                waiting = await stored.pending(connection)
            if not waiting:
                return
            self._print(waiting)
            letters = self._letters(waiting)
            answers = await asyncio.gather(*(self._send(letter) for letter in letters))
            await self._save(waiting, [*zip(letters, answers, strict=True)])
        except DatabaseTrouble:
            log.exception("notices cannot be read or written")
        except Exception:
            log.exception("notices could not be told")

    async def _watch_accounts(self) -> None:
        """What is wrong with an account, from its platform's own mouth; after a restart its yes or no counts."""
        for name, sender in self._desk.senders.items():
            alarm = sender.alarm
            settled = name in self._alarms and self._alarms[name] == alarm
            if settled or (alarm is None and not sender.ready):
                continue
            async with self._desk.database.write() as tx:
                for text in ALARMS:
                    key, now = f"account/{name}/{text}", self._desk.now()
                    shown = name.capitalize()
                    if alarm is not None and alarm.text == text:
                        words: dict[str, Any] = dict(alarm.problem.words)
                        await stored.tell(tx, now, key, text, platform=shown, why=alarm.problem.text, **words)
                    else:
                        await stored.over(tx, now, key, "notice.account_well", platform=shown)
            self._alarms[name] = alarm

    def _print(self, waiting: Sequence[Notice]) -> None:
        for notice in waiting:
            if not notice.printed:
                log.warning("notice", key=notice.key, text=words_of(notice, "en"))

    def _letters(self, waiting: Sequence[Notice]) -> list[Letter]:
        now, found = self._desk.now(), dict[str, list[Notice]]()
        for notice in waiting:
            for addressee in self._who(notice):
                if addressee not in notice.told and self._not_before.get(addressee, now) <= now:
                    found.setdefault(addressee, []).append(notice)
        letters = []
        for addressee, those in found.items():
            chat = self._moved.get(addressee) or delivery.chat_at(addressee)
            if chat is not None and chat.platform in self._desk.senders and self._desk.senders[chat.platform].ready:
                letters.append(Letter(addressee, chat, _together(those)))
        return letters

    def _who(self, notice: Notice) -> tuple[str, ...]:
        """Whom it is for, as far as there is a platform that could bring it there."""
        whom = notice.to if notice.to or notice.ends else addressees(self._desk)
        return tuple(one for one in whom if one.partition(":")[0] in self._desk.senders)

    async def _send(self, letter: Letter) -> SendResult:
        desk, sender = self._desk, self._desk.senders[letter.chat.platform]
        language = letter.notices[0].language or desk.settings.language
        lines = tuple(words_of(notice, language) for notice in letter.notices)
        try:
            async with sender.pace.answer(letter.chat, desk.now()):
                return await sender.tell(letter.chat, Reply(lines=lines, buttons=letter.notices[0].buttons))
        except Exception:
            log.exception("an adapter raised", platform=letter.chat.platform, kind="tell")
            return Unknown("adapter failed")

    async def _save(self, waiting: Sequence[Notice], answers: Sequence[tuple[Letter, SendResult]]) -> None:
        now = self._desk.now()
        told = {notice.id: set[str]() for notice in waiting}
        for letter, answer in answers:
            if self._note(letter, answer, now):
                for notice in letter.notices:
                    told[notice.id].add(letter.addressee)
        saved, finished = list[tuple[int, list[str]]](), list[int]()
        for notice in waiting:
            known = {*notice.told, *told[notice.id]}
            if not notice.printed or known != {*notice.told}:
                saved.append((notice.id, sorted(known)))
            if notice.created <= now - TOO_OLD or known >= {*self._who(notice)}:
                finished.append(notice.id)
        if saved or finished:
            async with self._desk.database.write() as tx:
                for of, by_now in saved:
                    await stored.save(tx, of, by_now)
                for of in finished:
                    await stored.finish(tx, of, now)

    def _note(self, letter: Letter, answer: SendResult, now: datetime) -> bool:
        """When this addressee may be told more; whether this much is done."""
        who, platform = letter.addressee, letter.chat.platform
        metrics.notices.labels(platform, type(answer).__name__.lower()).inc()
        attempts = self._attempts[who] = self._attempts.get(who, 0) + 1
        match answer:
            case Sent():
                self._attempts[who], wait = 0, APART
            case Refused(reason):
                log.error("a notice was refused", to=who, reason=reason, keys=[one.key for one in letter.notices])
                self._attempts[who], wait = 0, APART
            case TryLater(_, seconds):
                wait = timedelta(seconds=delivery.wait(attempts) if seconds is None else seconds)
            case Unknown():
                wait = timedelta(seconds=delivery.wait(attempts))
            case Moved(chat):
                log.warning("a chat of the desk has a new id: change it in [desk] chats", old=who, new=chat.id)
                self._moved[who], wait = chat, timedelta()
            case ChatGone(reason):
                log.warning("the admins cannot be told here", to=who, reason=reason)
                wait = CLOSED_DOOR
        self._not_before[who] = now + wait
        return isinstance(answer, Sent | Refused)


def _together(those: Sequence[Notice]) -> tuple[Notice, ...]:
    """The first, and what follows in its language; what can be answered with buttons stands alone."""
    first = those[0]
    if first.buttons:
        return (first,)
    alike = [one for one in those if one.language == first.language and not one.buttons]
    return tuple(alike[:TOGETHER])


HIDDEN = "•••"


def words_of(notice: Notice, language: str, *, without: Sequence[str] = ()) -> str:
    """The text of a notice; words of these names are hidden. One of a version that had other texts is shown raw.

    The word `why` is a text of the locales itself.
    """
    words = {name: HIDDEN if name in without else value for name, value in notice.words.items()}
    try:
        said = {"why": say(language, str(words["why"]), **words)} if "why" in words else {}
        return say(language, notice.text, **{**words, **said})
    except (KeyError, IndexError, ValueError):
        return f"{notice.text} {words}"
