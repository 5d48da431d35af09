"""10,000 subscriptions with word filters against one alert, beside a loop that runs a pattern for each word."""

import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from random import Random

import delivery
from delivery.wishes import prepared
from models import Alert, ChatSettings, Listener, Subscription, Urgency

CHATS = 10_000
ROUNDS = 30
KOREAN = "수출 환율 금리 반도체 지하철 태풍 선거 예산 물가 백신 지진 고용 주가 철도 원전 배터리 조선 관세 외교 국회"
ENGLISH = "export tariff bank election storm budget vaccine quake strike court flood chip railway battery treaty senate"
SETTINGS = ChatSettings("ko", "Asia/Seoul")
ALERT = Alert(
    id=1,
    story_id=1,
    version=1,
    headline="한·우즈베키스탄 정상회담서 KTX 첫 수출·핵심광물 협력 합의",
    bullets=(
        "총 47건의 협력 문서 체결, 고속철도 KTX 첫 수출 성사, 계약 규모 2,700억 원",
        "핵심광물 공급망 협력과 관세 인하를 다음 달 3일부터 논의",
        "The central bank said exports would rise as tariffs fall in both countries",
        "정상회담 뒤 공동 성명에서 배터리와 반도체 투자 계획 발표",
    ),
    link="https://news.example/1",
    sources=("뉴스다오",),
    language="ko",
    urgency=Urgency.NORMAL,
    topics=("외교", "경제"),
    image="",
    published=None,
    date_only=False,
    created=datetime(2026, 6, 17, tzinfo=UTC),
)


def listeners(seed: int = 1) -> list[Listener]:
    """Chats with one filter each: two to four words of which half are nobody else's, and one or two left out."""
    random, common = Random(seed), (KOREAN.split(), ENGLISH.split())
    found = []
    for chat in range(CHATS):
        words = random.choice(common)
        own = "".join(chr(random.randrange(0xAC00, 0xD7A4)) for _ in range(random.randint(2, 4)))
        include = (*random.sample(words, random.randint(1, 3)), own)
        exclude = tuple(random.sample(words, random.randint(1, 2)))
        found.append(Listener(chat, (Subscription(chat, include=include, exclude=exclude),), SETTINGS))
    return found


def naive(alert: Alert, chats: Sequence[Listener]) -> list[int]:
    """What a first version would do: a pattern for each word of each subscription, on the text as it is."""
    text = "\n".join((alert.headline, *alert.bullets, *alert.topics))

    def holds(word: str) -> bool:
        ending = r"(?:e?s|'s)?\b" if word.isascii() else ""
        start = r"\b" if word.isascii() else ""
        return re.search(f"{start}{re.escape(word)}{ending}", text, re.IGNORECASE) is not None

    def wants(wish: Subscription) -> bool:
        return any(map(holds, wish.include)) and not any(map(holds, wish.exclude))

    return [chat.chat_id for chat in chats if any(map(wants, chat.wishes))]


def planned(chats: Sequence[Listener]) -> list[int]:
    return [one.chat_id for one in delivery.plan(ALERT, ("a",), chats, ALERT.created)]


def milliseconds(call: Callable[[], object], rounds: int) -> Iterator[float]:
    for _ in range(rounds):
        started = time.process_time()
        call()
        yield 1000 * (time.process_time() - started)


def main() -> None:
    chats = listeners()
    ours, theirs = planned(chats), naive(ALERT, chats)
    print(f"filters: {CHATS:,} subscriptions with word filters, one alert; {len(ours):,} want it")
    print(f"  the same chats by both: {'yes' if ours == theirs else f'no, {len({*ours} ^ {*theirs})} differ'}")
    prepared.cache_clear()
    (first,) = milliseconds(lambda: planned(chats), 1)
    print(f"  {'delivery.plan, first time':26} {first:15.1f} ms of CPU")
    for name, call, rounds in (
        ("delivery.plan", lambda: planned(chats), ROUNDS),
        ("a pattern for each word", lambda: naive(ALERT, chats), 3),
    ):
        times = [*milliseconds(call, rounds)]
        print(f"  {name:26} median {statistics.median(times):8.1f} ms   worst {max(times):8.1f} ms of CPU")
