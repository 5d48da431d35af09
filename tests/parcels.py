"""Alerts and parcels for tests of renderers and platforms."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from models import Alert, Chat, ChatSettings, Delivery, Message, MessageKind, Parcel, Roundup, Status, Urgency

SETTINGS = ChatSettings("ko", "Asia/Seoul")
ALERT = Alert(
    id=7,
    story_id=7,
    version=1,
    headline="한·우즈베키스탄 정상회담서 KTX 첫 수출·핵심광물 협력 합의",
    bullets=("총 47건의 협력 문서 체결", "고속철도 KTX 첫 수출 성사, 계약 규모 2,700억 원"),
    link="https://newsdao.kr/4261",
    sources=("뉴스다오",),
    language="ko",
    urgency=Urgency.NORMAL,
    topics=("외교",),
    image="https://newsdao.kr/a.jpg",
    published=datetime(2026, 6, 17, 5, 5, tzinfo=UTC),
    date_only=False,
    created=datetime(2026, 6, 17, 5, 6, tzinfo=UTC),
)
DELIVERY = Delivery(
    id=11,
    alert_id=7,
    chat_id=1,
    urgency=Urgency.NORMAL,
    due=ALERT.created,
    status=Status.SENDING,
    attempts=1,
    wanted=1,
    shown=0,
    message_id="",
    plain=False,
    problem="",
    created=ALERT.created,
)


def parcel(chat: Chat, *, delivery: dict[str, Any] | None = None, **alert: Any) -> Parcel:
    return Parcel(replace(DELIVERY, **(delivery or {})), replace(ALERT, **alert), chat, SETTINGS)


def roundup(chat: Chat, count: int, *, message_id: str = "", **alert: Any) -> Roundup:
    """A round-up of so many alerts, message 5 of the ledger, in the state that `parcel` has."""
    parcels = tuple(
        parcel(
            chat,
            delivery={"id": 20 + number, "alert_id": number, "message": 5, "message_id": message_id},
            **{"id": number, "headline": f"소식 {number}호", "link": f"https://newsdao.kr/{number}", **alert},
        )
        for number in range(1, count + 1)
    )
    ids = tuple(one.delivery.id for one in parcels)
    return Roundup(Message(5, 1, MessageKind.ROUNDUP, message_id, 1, count, ids), parcels)


def digest(chat: Chat, count: int, *told: Parcel) -> Roundup:
    """A digest of so many alerts, and of these that the chat got before."""
    made = roundup(chat, count)
    since = ALERT.created
    message = replace(made.message, kind=MessageKind.DIGEST, since=since, until=since + timedelta(hours=24))
    return replace(made, message=message, told=told)
