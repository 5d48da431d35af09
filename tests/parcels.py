"""Alerts and parcels for tests of renderers and platforms."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from models import Alert, Chat, ChatSettings, Delivery, Parcel, Status, Urgency

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
DELIVERY = Delivery(11, 7, 1, Urgency.NORMAL, ALERT.created, Status.SENDING, 1, 1, 0, "", plain=False, problem="")


def parcel(chat: Chat, *, delivery: dict[str, Any] | None = None, **alert: Any) -> Parcel:
    return Parcel(replace(DELIVERY, **(delivery or {})), replace(ALERT, **alert), chat, SETTINGS)
