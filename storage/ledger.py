"""The ledger: what each chat is owed, and how far that got. `sending` is saved before the call, the rest after it."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    String,
    Update,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from models import (
    Alert,
    Chat,
    ChatSettings,
    Delivery,
    Message,
    MessageKind,
    Outgoing,
    Owed,
    Parcel,
    Roundup,
    Status,
    Urgency,
)
from storage import archive
from storage.chats import SETTINGS, chat_of, settings_in, settings_of
from storage.subscriptions import simply_everything
from storage.tables import UtcDateTime, alerts, chats, deliveries, each, fanouts, messages, versions

RECENT = 50_000


@dataclass(frozen=True, slots=True)
class Fanout:
    """An alert that is still owed to the chats with row ids above `cursor`."""

    id: int
    alert: Alert
    source_ids: tuple[str, ...]
    cursor: int


def _is(*states: Status, of: Any = deliveries) -> Any:
    """In one of these states; as literals, or SQLite would not see that a partial index holds all such rows
    (https://www.sqlite.org/partialindex.html)."""
    words: list[Any] = [literal_column(f"'{state}'") for state in states]
    return of.c.status == words[0] if len(words) == 1 else of.c.status.in_(words)


UNSETTLED = (Status.SENDING, Status.UNKNOWN)
"""In this order: it is the condition of an index."""
LOOK_BEYOND = 50
"""Rows that are read off a line beyond what there is room for: the next ones of chats that were just taken."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in one chat, by alert: one delivery for each message already made."""

    chat: Chat
    settings: ChatSettings
    deliveries: list[Delivery]


NEXT_FANOUT = (
    archive.alert_columns()
    .add_columns(fanouts.c.id.label("fanout_id"), fanouts.c.cursor, alerts.c.source_ids)
    .join(fanouts, fanouts.c.alert_id == alerts.c.id)
    .order_by(versions.c.urgency.desc(), fanouts.c.id)
    .limit(1)
)


async def next_fanout(tx: AsyncConnection) -> Fanout | None:
    """The open fan-out that is next: urgent alerts first, then the oldest."""
    row = (await tx.execute(NEXT_FANOUT)).first()
    if row is None:
        return None
    return Fanout(row.fanout_id, archive.alert_of(row), tuple(row.source_ids), row.cursor)


async def fill(
    tx: AsyncConnection, fanout: Fanout, owed: Sequence[Owed], now: datetime, *, everything: tuple[int, int]
) -> None:
    """Owe the alert to these chats, and to all that want everything with a row id above the first of `everything` and
    up to the second."""
    after, last = everything
    await tx.execute(OWE_ALL, _row(fanout, Owed(0, now), now) | {"after": after, "last": last})
    alike: dict[Owed, list[int]] = {}
    for one in owed:
        alike.setdefault(replace(one, chat_id=0), []).append(one.chat_id)
    for one, ids in alike.items():
        these = json.dumps(ids)
        await tx.execute(OWE_THESE, _row(fanout, one, now) | {"ids": these})
        if one.due > now:
            await tx.execute(RELEASE_SOONER, {"ids": these, "at": one.due})


def _row(fanout: Fanout, owed: Owed, now: datetime) -> dict[str, Any]:
    """The parameters of `_owing`."""
    return {
        "alert_id": fanout.alert.id,
        "urgency": fanout.alert.urgency.value,
        "status": (Status.DROPPED if owed.dropped else Status.WAITING).value,
        "wanted": fanout.alert.version,
        "problem": owed.dropped,
        "held": owed.due > now,
        "due": owed.due,
        "created": now,
    }


def _owing(*where: ColumnElement[bool]) -> Any:
    """Inserts a delivery for each of these chats that is subscribed and has none of the alert."""
    given = ("alert_id", "urgency", "status", "wanted", "problem", "held", "due", "created")
    row: dict[str, Any] = {name: bindparam(name, type_=deliveries.c[name].type) for name in given}
    row |= {"chat_id": chats.c.id, "queue": case((and_(chats.c.paused == "", ~row["held"]), chats.c.platform))}
    same = {"attempts": 0, "shown": 0, "message_id": "", "plain": False, "owner": "", "unknowns": 0, "lead": True}
    row |= {name: literal(value) for name, value in same.items()}
    rows = select(*row.values()).where(chats.c.subscribed, *where)
    return insert(deliveries).from_select([*row], rows).on_conflict_do_nothing()


OWE_ALL = _owing(chats.c.id > bindparam("after"), chats.c.id <= bindparam("last"), simply_everything())
OWE_THESE = _owing(chats.c.id.in_(each("ids")))
AT = bindparam("at", type_=UtcDateTime)
RELEASE_SOONER = (
    update(chats)
    .where(chats.c.id.in_(each("ids")), or_(chats.c.release_at.is_(None), chats.c.release_at > AT))
    .values(release_at=AT)
)


async def move_cursor(tx: AsyncConnection, fanout: Fanout, cursor: int | None) -> None:
    """The chats up to here have their deliveries; None: all have, and the fan-out is closed."""
    here = fanouts.c.id == fanout.id
    await tx.execute(
        delete(fanouts).where(here) if cursor is None else update(fanouts).where(here).values(cursor=cursor)
    )


DELIVERY = tuple(
    deliveries.c[name]
    for name in (
        *("id", "alert_id", "chat_id", "urgency", "due", "status", "attempts", "wanted", "shown", "message_id"),
        *("plain", "problem", "created", "message", "pictureless"),
    )
)
"""The columns that `delivery_of` reads."""
DELIVERY_NAMES = tuple(column.name for column in DELIVERY)


def delivery_of(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        alert_id=row.alert_id,
        chat_id=row.chat_id,
        urgency=Urgency(row.urgency),
        due=row.due,
        status=Status(row.status),
        attempts=row.attempts,
        wanted=row.wanted,
        shown=row.shown,
        message_id=row.message_id,
        plain=row.plain,
        problem=row.problem,
        created=row.created,
        message=row.message,
        pictureless=row.pictureless,
    )


@dataclass(frozen=True, slots=True)
class Closed:
    """Chats that may not be called now: `busy` by row id, with a call of ours under way; `resting` by the platform's
    id, for their pace."""

    busy: frozenset[int]
    resting: frozenset[str]

    def beside(self, calls: Iterable[Outgoing]) -> "Closed":
        """The same, with the chats of these calls."""
        calls = [*calls]
        busy = {call.delivery.chat_id for call in calls}
        return Closed(self.busy | busy, self.resting | {call.chat.id for call in calls})


# What the dispatcher asks each turn is built once: SQLAlchemy takes longer to build a statement than SQLite to run it.
NOW = bindparam("now", type_=UtcDateTime)
REACHABLE = and_(
    chats.c.paused == "",
    or_(chats.c.held_until.is_(None), chats.c.held_until <= NOW),
    chats.c.id.not_in(each("busy")),
    chats.c.chat.not_in(each("resting")),
)
"""Chats that may be called `now`: open door, not held, neither `busy` nor `resting`."""


def _reaching(closed: Closed, now: datetime) -> dict[str, Any]:
    """The parameters of `REACHABLE`."""
    return {"now": now, "busy": json.dumps([*closed.busy]), "resting": json.dumps([*closed.resting])}


async def open_fanouts(tx: AsyncConnection) -> int:
    """How many alerts are not planned to their end."""
    return await tx.scalar(select(func.count()).select_from(fanouts)) or 0


async def first_in_line(
    tx: AsyncConnection, *, now: datetime, room: Mapping[str, int], closed: Closed, urgent_only: bool = False
) -> list[int]:
    """The chats that are owed something and may be called: urgent alerts first, then by alert.

    `room` says how many calls each platform may start now. A chat with an outcome that is still unknown waits for that
    to be settled. Threads of one chat share its pace: only one of them is taken.
    """
    line = _line_of_alerts(urgent_only=urgent_only)
    return [row.chat_id for row in await _front(tx, line, now=now, room=room, closed=closed)]


@cache
def _line_of_alerts(*, urgent_only: bool) -> Select[Any]:
    blocked = deliveries.alias()
    unsettled = exists().where(blocked.c.chat_id == deliveries.c.chat_id, _is(*UNSETTLED, of=blocked))
    muted = and_(chats.c.muted_until.is_not(None), chats.c.muted_until > NOW)
    where = [_is(Status.WAITING), deliveries.c.lead, chats.c.subscribed, ~unsettled, ~muted]
    if urgent_only:
        where.append(deliveries.c.urgency == Urgency.URGENT)
    order = (deliveries.c.urgency.desc(), deliveries.c.alert_id)
    return _platforms(_line(deliveries.c.chat_id).where(*where).order_by(*order))


def _line(*columns: Any) -> Select[Any]:
    return select(*columns, chats.c.chat).join(chats, chats.c.id == deliveries.c.chat_id)


def _platforms(line: Select[Any]) -> Select[Any]:
    """Of a line the first that may go now on one platform."""
    return line.where(deliveries.c.queue == bindparam("platform"), REACHABLE).limit(bindparam("most"))


async def _front(
    connection: AsyncConnection, line: Select[Any], *, now: datetime, room: Mapping[str, int], closed: Closed
) -> list[Row[Any]]:
    """The first rows of each platform's line that may go now: as many as it has room for, one for each chat."""
    taken, reaching = [], _reaching(closed, now)
    for platform, left in room.items():
        if left < 1:
            continue
        seen: set[str] = set()
        for row in await connection.execute(line, reaching | {"platform": platform, "most": left + LOOK_BEYOND}):
            if len(seen) < left and row.chat not in seen:
                seen.add(row.chat)
                taken.append(row)
    return taken


async def waiting_in(tx: AsyncConnection, chat_ids: Sequence[int]) -> list[Waiting]:
    """What waits in each of these chats, in their order."""
    found: dict[int, Waiting] = {}
    for row in await tx.execute(WAITING_IN, {"chats": json.dumps([*chat_ids])}) if chat_ids else ():
        here = found.get(row[2])
        if here is None:
            here = found[row[2]] = Waiting(Chat(*row[15:19]), settings_in(row[19:]), [])
        here.deliveries.append(_waiting(row[:15]))
    return [found[one] for one in chat_ids if one in found]


def _waiting(columns: tuple[Any, ...]) -> Delivery:
    """A delivery as the columns of `WAITING_IN` have it."""
    row: dict[str, Any] = dict(zip(DELIVERY_NAMES, columns, strict=True))
    row |= {"urgency": Urgency(row["urgency"]), "status": Status(row["status"])}
    row |= {"due": _time(row["due"]), "created": _time(row["created"])}
    return Delivery(**row)


@lru_cache(maxsize=256)
def _time(text: str) -> datetime:
    """A time as SQLite keeps it. The rows of an alert share theirs."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


WAITING_IN = (
    select(*(type_coerce(one, String) if isinstance(one.type, UtcDateTime) else one for one in DELIVERY))
    .add_columns(chats.c.platform, chats.c.account, chats.c.chat, chats.c.thread, *SETTINGS)
    .join(chats, chats.c.id == deliveries.c.chat_id)
    .where(_is(Status.WAITING), deliveries.c.lead, ~deliveries.c.held, deliveries.c.chat_id.in_(each("chats")))
    .order_by(deliveries.c.alert_id)
)


async def make_messages(
    tx: AsyncConnection, chat_id: int, groups: Sequence[Sequence[int]], now: datetime, *, first: int = 1, total: int = 0
) -> None:
    """One message for each group of deliveries, numbered on from `first`; a group of one message's first is its lead.

    `total` is how many alerts the round-up lists, if that is more than these.
    """
    total = total or sum(map(len, groups))
    for group in groups:
        row = {"chat_id": chat_id, "kind": MessageKind.ROUNDUP, "first": first, "total": total, "created": now}
        made = (await tx.execute(insert(messages).values(row).returning(messages.c.id))).scalar_one()
        await tx.execute(
            update(deliveries).where(deliveries.c.id.in_(group)).values(message=made, lead=deliveries.c.id == group[0])
        )
        first += len(group)


async def make_digest(
    tx: AsyncConnection, chat_id: int, ids: Sequence[int], told: Sequence[int], *, since: datetime, until: datetime
) -> None:
    """One message for these deliveries; `told`: those of the same time that have messages of their own."""
    row = {"chat_id": chat_id, "kind": MessageKind.DIGEST, "first": 1, "total": len(ids), "created": until}
    period = {"since": since, "until": until, "told": list(told)}
    made = (await tx.execute(insert(messages).values(row | period).returning(messages.c.id))).scalar_one()
    of_it = update(deliveries).where(deliveries.c.id.in_(ids))
    await tx.execute(of_it.values(message=made, lead=deliveries.c.id == ids[0]))


async def take_apart(tx: AsyncConnection, message: Message, groups: Sequence[Sequence[int]], now: datetime) -> None:
    """Make several messages of one; a delivery that is then alone in its message gets the plain form."""
    first = message.first
    for group in filter(None, groups):
        if len(group) > 1:
            await make_messages(tx, message.chat_id, [group], now, first=first, total=message.total)
        else:
            alone = update(deliveries).where(deliveries.c.id == group[0])
            await tx.execute(alone.values(message=None, lead=True, plain=True))
        first += len(group)
    await tx.execute(delete(messages).where(messages.c.id == message.id))


async def start(
    tx: AsyncConnection,
    alone: Sequence[tuple[Waiting, Delivery]],
    leads: Sequence[int],
    *,
    owner: str,
    lease_until: datetime,
    now: datetime,
) -> list[Outgoing]:
    """Save these deliveries as `sending`: those with a message of their own, and (`leads`) those that stand in one with
    others, which go with them. What is to be called."""
    made: list[Outgoing] = []
    called = {"called_by": owner, "lease": lease_until, "now": now}
    if alone:
        await tx.execute(CALLING_THESE, called | {"ids": json.dumps([one.id for _, one in alone])})
        found = {one.id: one for one in await archive.by_ids(tx, list({one.alert_id for _, one in alone}))}
        for chat, one in alone:
            this = replace(one, status=Status.SENDING, attempts=one.attempts + 1)
            made.append(Parcel(this, found[one.alert_id], chat.chat, chat.settings))
    if leads:
        where = _with_their_messages(leads)
        await tx.execute(CALLING.where(where), called)
        made += await _outgoing(tx, where)
    return made


CALLING = update(deliveries).values(
    status=Status.SENDING,
    owner=bindparam("called_by"),
    lease_until=bindparam("lease", type_=UtcDateTime),
    called_at=NOW,
    attempts=deliveries.c.attempts + 1,
)
CALLING_THESE = CALLING.where(deliveries.c.id.in_(each("ids")))


def _with_their_messages(ids: Collection[int]) -> Any:
    shared = select(deliveries.c.message).where(deliveries.c.id.in_(ids), deliveries.c.message.is_not(None))
    return or_(deliveries.c.id.in_(ids), deliveries.c.message.in_(shared.scalar_subquery()))


STALE = _platforms(
    _line(deliveries.c.id)
    .where(_is(Status.SENT), deliveries.c.shown < deliveries.c.wanted)
    .order_by(deliveries.c.alert_id)
)


async def stale(
    connection: AsyncConnection, *, now: datetime, room: Mapping[str, int], closed: Closed
) -> list[Outgoing]:
    """Messages that show an older version of an alert than wanted: the first of each chat that may be called."""
    taken = [row.id for row in await _front(connection, STALE, now=now, room=room, closed=closed)]
    return await _outgoing(connection, _with_their_messages(taken)) if taken else []


async def start_replies(tx: AsyncConnection, parcels: Sequence[Parcel]) -> None:
    """A reply is a new message: that it is under way is saved before the call, so that a crash can be counted."""
    for parcel in parcels:
        row = update(deliveries).where(deliveries.c.id == parcel.delivery.id)
        await tx.execute(row.values(replying=parcel.alert.version))


async def lapse_replies(tx: AsyncConnection, *, repeat: bool) -> int:
    """Replies of an owner that is gone: each is counted as unknown, and repeated or not; returns how many."""
    gone = update(deliveries).where(literal_column("replying > 0"))
    shown = {} if repeat else {"shown": deliveries.c.replying}
    result = await tx.execute(gone.values(unknowns=deliveries.c.unknowns + 1, replying=0, **shown))
    return result.rowcount


LINE_OF_UNSETTLED = _line(deliveries.c.id, deliveries.c.queue, deliveries.c.due).where(
    _is(*UNSETTLED),
    _is(Status.UNKNOWN),
    deliveries.c.lead,
    deliveries.c.due <= NOW,
    deliveries.c.queue.in_(each("platforms")),
    REACHABLE,
)


async def unsettled(
    connection: AsyncConnection, *, now: datetime, room: Mapping[str, int], closed: Closed
) -> list[Outgoing]:
    """Calls of which nobody knows whether they arrived, and whose time to be settled has come; those that have waited
    longest, as many as each platform has room for."""
    ready = _reaching(closed, now) | {"platforms": json.dumps([*room])}
    rows = (await connection.execute(LINE_OF_UNSETTLED, ready)).all()
    left, taken = Counter(room), list[int]()
    for row in sorted(rows, key=lambda row: row.due):
        if left[row.queue] > 0:
            left[row.queue] -= 1
            taken.append(row.id)
    return await _outgoing(connection, _with_their_messages(taken)) if taken else []


async def calls_since(connection: AsyncConnection, since: datetime) -> list[tuple[Chat, datetime]]:
    """The calls of new messages since then, oldest first: those of the newest deliveries, which is nearly all."""
    newest = await connection.scalar(select(func.max(deliveries.c.id))) or 0
    query = _with_alert_and_chat().where(
        deliveries.c.id > newest - RECENT, deliveries.c.lead, deliveries.c.called_at > since
    )
    rows = await connection.execute(query.order_by(deliveries.c.called_at))
    return [(chat_of(row), row.called_at) for row in rows]


def _with_alert_and_chat() -> Select[Any]:
    return (
        select(*DELIVERY, deliveries.c.unknowns, deliveries.c.called_at, deliveries.c.lead)
        .add_columns(chats.c.platform, chats.c.account, chats.c.chat, chats.c.thread, *SETTINGS)
        .join(chats, chats.c.id == deliveries.c.chat_id)
    )


async def _outgoing(connection: AsyncConnection, where: Any) -> list[Outgoing]:
    """Alone or as round-ups, as they stand in their messages; `where` must hold for all of a message or none."""
    query = (
        _with_alert_and_chat()
        .add_columns(messages.c.kind, messages.c.first, messages.c.total)
        .add_columns(messages.c.since, messages.c.until, messages.c.told)
        .outerjoin(messages, messages.c.id == deliveries.c.message)
    )
    order = (deliveries.c.urgency.desc(), deliveries.c.alert_id, deliveries.c.id)
    rows = (await connection.execute(query.where(where).order_by(*order))).all()
    told = await _told(connection, [one for row in rows if row.lead for one in row.told or ()])
    wanted = {row.alert_id for row in (*rows, *told.values())}
    found = {one.id: one for one in await archive.by_ids(connection, list(wanted))}
    together: dict[tuple[str, int], list[Row[Any]]] = {}
    for row in rows:
        key = ("alone", row.id) if row.message is None else ("message", row.message)
        together.setdefault(key, []).append(row)
    made: list[Outgoing] = []
    for of_message in together.values():
        of_message.sort(key=lambda row: (not row.lead, row.alert_id))
        parcels = [_parcel(row, found) for row in of_message]
        before = [_parcel(told[one], found) for one in of_message[0].told or () if one in told]
        made.append(parcels[0] if of_message[0].message is None else _roundup(of_message[0], parcels, before))
    return made


async def _told(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, Row[Any]]:
    """Deliveries that digests name beside their own."""
    query = _with_alert_and_chat().where(deliveries.c.id.in_(ids))
    return {row.id: row for row in await connection.execute(query)} if ids else {}


def _parcel(row: Row[Any], found: Mapping[int, Alert]) -> Parcel:
    return Parcel(delivery_of(row), found[row.alert_id], chat_of(row), settings_of(row))


def _roundup(row: Row[Any], parcels: Sequence[Parcel], told: Sequence[Parcel]) -> Roundup:
    message = Message(
        id=row.message,
        chat_id=row.chat_id,
        kind=MessageKind(row.kind),
        message_id=row.message_id,
        first=row.first,
        total=row.total,
        deliveries=tuple(parcel.delivery.id for parcel in parcels),
        since=row.since,
        until=row.until,
    )
    return Roundup(message, tuple(parcels), tuple(told))


async def lapse(tx: AsyncConnection, *, owner: str, now: datetime, looked_up: Mapping[str, datetime]) -> dict[str, int]:
    """Calls of owners that are gone become unknown; returns how many on each platform.

    Whoever calls this holds the database's lock, so every other owner is dead and its lease void, whatever its time
    says; a lease of our own counts until its time. `looked_up` names the platforms that can be asked what became of a
    call, and from when.
    """
    gone = or_(deliveries.c.owner != owner, deliveries.c.lease_until < now)
    found: dict[str, int] = {}
    for platform in await tx.scalars(select(chats.c.platform).distinct()):
        here = deliveries.c.chat_id.in_(select(chats.c.id).where(chats.c.platform == platform))
        result = await tx.execute(
            update(deliveries)
            .where(_is(*UNSETTLED), _is(Status.SENDING), gone, here)
            .values(
                status=Status.UNKNOWN,
                unknowns=deliveries.c.unknowns + 1,
                due=looked_up.get(platform, now),
                problem="no answer before the end",
            )
        )
        if result.rowcount:
            found[platform] = result.rowcount
    return found


async def renew(tx: AsyncConnection, owner: str, lease_until: datetime) -> None:
    await tx.execute(
        update(deliveries).where(_is(Status.SENDING), deliveries.c.owner == owner).values(lease_until=lease_until)
    )


async def save(tx: AsyncConnection, results: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
    """Write what became of deliveries, each as (id, columns): one statement for all that end alike, whatever the ids
    of their messages."""
    alike: dict[tuple[tuple[str, Any], ...], list[tuple[int, str | None]]] = {}
    for one, values in results:
        ends = tuple((name, None if name == "message_id" else value) for name, value in values.items())
        alike.setdefault(ends, []).append((one, values.get("message_id")))
    for ends, rows in alike.items():
        shared = {f"new_{name}": value for name, value in ends if name != "message_id"}
        await tx.execute(_ending(tuple(name for name, _ in ends)), shared | {"rows": json.dumps(rows)})


@cache
def _ending(names: tuple[str, ...]) -> Update:
    """Sets these columns, given as `new_NAME`, of all `rows`: pairs of a delivery's id and its message's, in JSON."""
    row = func.json_each(bindparam("rows")).table_valued("value").c.value
    changed: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    if "message_id" in changed:
        changed["message_id"] = func.json_extract(row, "$[1]")
    return update(deliveries).where(deliveries.c.id == func.json_extract(row, "$[0]")).values(changed)


async def count_unknown(tx: AsyncConnection, ids: Collection[int]) -> None:
    """One more call of these deliveries may have arrived unseen."""
    if ids:
        await tx.execute(update(deliveries).where(deliveries.c.id.in_(ids)).values(unknowns=deliveries.c.unknowns + 1))


OPEN = (_is(Status.WAITING), and_(_is(*UNSETTLED), _is(Status.UNKNOWN)))
"""What is owed and not under way, in two parts, each with its index."""


async def drop_waiting(tx: AsyncConnection, chat_id: int, reason: str) -> int:
    """What a chat no longer wants; returns how many rows."""
    count = 0
    for part in OPEN:
        where = (deliveries.c.chat_id == chat_id, part)
        result = await tx.execute(update(deliveries).where(*where).values(status=Status.DROPPED, problem=reason))
        count += result.rowcount
    return count


async def drop_alert(tx: AsyncConnection, alert_id: int, reason: str) -> int:
    """What no chat wants any more (it was taken back before it was sent); returns how many rows. Calls under way and
    those without an answer are left to end. A message keeps a first one of what it still shows."""
    here = (deliveries.c.alert_id == alert_id, deliveries.c.status == Status.WAITING)
    dropped = update(deliveries).where(*here).values(status=Status.DROPPED, problem=reason, message=None, lead=True)
    led = select(deliveries.c.message).where(*here, deliveries.c.lead, deliveries.c.message.is_not(None))
    orphans = [*await tx.scalars(led)]
    count = (await tx.execute(dropped)).rowcount
    for message in orphans:
        first = select(deliveries.c.id).where(deliveries.c.message == message).order_by(deliveries.c.alert_id).limit(1)
        await tx.execute(update(deliveries).where(deliveries.c.id == first.scalar_subquery()).values(lead=True))
    return count


async def hand_over(tx: AsyncConnection, old: int, new: int) -> None:
    """A chat that has two rows: what is still owed to the old one goes to the new, unless that has it already."""
    known = select(deliveries.c.alert_id).where(deliveries.c.chat_id == new)
    platform = select(chats.c.platform).where(chats.c.id == new, chats.c.paused == "").scalar_subquery()
    for part in OPEN:
        where = (deliveries.c.chat_id == old, part, deliveries.c.alert_id.not_in(known))
        moved = {"chat_id": new, "message": None, "lead": True, "queue": platform, "held": False}
        await tx.execute(update(deliveries).where(*where).values(moved))
    await drop_waiting(tx, old, "moved")


async def message_ids(connection: AsyncConnection, chat_id: int, alert_ids: Sequence[int]) -> dict[int, str]:
    """The platform's ids of the messages in which the chat has these alerts."""
    query = select(deliveries.c.alert_id, deliveries.c.message_id).where(
        deliveries.c.chat_id == chat_id,
        deliveries.c.alert_id.in_(alert_ids),
        deliveries.c.status == Status.SENT,
        deliveries.c.message_id != "",
    )
    return {row.alert_id: row.message_id for row in await connection.execute(query)}


async def waiting_by_platform(connection: AsyncConnection) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in (_is(Status.WAITING), _is(*UNSETTLED)):
        rows = await connection.execute(
            select(chats.c.platform, func.count())
            .join(deliveries, deliveries.c.chat_id == chats.c.id)
            .where(chats.c.subscribed, part)
            .group_by(chats.c.platform)
        )
        for platform, count in rows:
            found[platform] = found.get(platform, 0) + count
    return found


SETTLED = (Status.SENT, Status.GIVEN_UP, Status.DROPPED)


async def prune(tx: AsyncConnection, before: datetime, cursor: int, batch: int) -> tuple[int, int | None]:
    """Look at the next `batch` rows with ids above `cursor` and delete those that ended before then; returns how many,
    and the last id that was looked at, None at the end.

    What is still owed, unknown, or to be edited stays, and so does a round-up of which any row does.
    """
    rows = deliveries.alias()
    query = select(rows.c.id, rows.c.message, rows.c.created, _ended(rows, before).label("ended"))
    looked_at = (await tx.execute(query.where(rows.c.id > cursor).order_by(rows.c.id).limit(batch))).all()
    # Rows are made in the order of their ids: nothing behind so many young ones is old.
    young = all(row.created > before for row in looked_at)
    ended = [row for row in looked_at if row.ended]
    messages_of = {row.message for row in ended if row.message is not None}
    others = select(rows.c.message).where(rows.c.message.in_(messages_of), ~_ended(rows, before))
    kept = {*await tx.scalars(others)} if messages_of else set()
    whole = messages_of - kept
    alone = [row.id for row in ended if row.message is None]
    gone = await tx.execute(delete(deliveries).where(deliveries.c.id.in_(alone)))
    count = gone.rowcount
    if whole:
        count += (await tx.execute(delete(deliveries).where(deliveries.c.message.in_(whole)))).rowcount
        await tx.execute(delete(messages).where(messages.c.id.in_(whole)))
    return count, None if young or len(looked_at) < batch else looked_at[-1].id


def _ended(rows: Any, before: datetime) -> Any:
    since = func.coalesce(rows.c.sent_at, rows.c.created)
    to_edit = and_(rows.c.status == Status.SENT, rows.c.shown < rows.c.wanted)
    return and_(rows.c.status.in_(SETTLED), since < literal(before, UtcDateTime), ~to_edit)


@dataclass(frozen=True, slots=True)
class Listed:
    """A delivery as the command line shows it."""

    delivery: Delivery
    chat: Chat
    headline: str
    unknowns: int
    closed: str


async def listed(connection: AsyncConnection, statuses: Sequence[Status], chat: str, limit: int = 1000) -> list[Listed]:
    """The newest deliveries in these states, oldest first. `chat` is "42" or "telegram:42", "" for all."""
    query = (
        _with_alert_and_chat()
        .add_columns(versions.c.headline, chats.c.paused)
        .join(alerts, alerts.c.id == deliveries.c.alert_id)
        .join(versions, and_(versions.c.alert_id == alerts.c.id, versions.c.n == alerts.c.version))
        .where(_is(*statuses))
    )
    platform, colon, name = chat.partition(":")
    if chat:
        query = query.where(chats.c.chat == (name if colon else chat))
    if colon:
        query = query.where(chats.c.platform == platform)
    rows = (await connection.execute(query.order_by(deliveries.c.id.desc()).limit(limit))).all()
    return [Listed(delivery_of(row), chat_of(row), row.headline, row.unknowns, row.paused) for row in reversed(rows)]


async def retry(tx: AsyncConnection, ids: Sequence[int] | None, now: datetime) -> list[int]:
    """Owe again what was given up, in its rich form: these deliveries, with all of their messages, or (None) all."""
    given_up = [_is(Status.GIVEN_UP)] if ids is None else [_is(Status.GIVEN_UP), _with_their_messages(ids)]
    again = {"status": Status.WAITING, "due": now, "attempts": 0, "plain": False, "problem": "", "created": now}
    return [*await tx.scalars(update(deliveries).where(*given_up).values(again).returning(deliveries.c.id))]


async def called_at(connection: AsyncConnection, delivery_id: int) -> datetime | None:
    found: datetime | None = await connection.scalar(
        select(deliveries.c.called_at).where(deliveries.c.id == delivery_id)
    )
    return found
