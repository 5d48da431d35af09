"""Publishers of one simulated day, in memory: failing, moving, slow and lying ones. Each keeps a log of its own.

What must reach a chat follows from that log alone: everything that a whole, honest answer showed after the first such
answer, once. Nothing here knows the product.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime

import httpx

from tests.fakes.publisher import Item, rss

WINDOW = 12
Spell = Callable[["Publisher", datetime, httpx.Request], httpx.Response | None]


@dataclass
class Publisher:
    """Publishes now and then, shows its newest posts, and answers as its spells say."""

    name: str
    began: datetime
    spells: list[Spell] = field(default_factory=list)
    every: float | None = 3000.0
    headers: dict[str, str] = field(default_factory=dict)
    dress: Callable[["Publisher", Item, int], Item] = lambda _, item, __: item
    pick: Callable[["Publisher", list[Item]], list[Item]] = lambda _, items: list(reversed(items[-WINDOW:]))
    pack: Callable[["Publisher", str], tuple[bytes, str]] = lambda _, text: (text.encode(), "application/rss+xml")
    lies: bool = False
    published: list[tuple[datetime, Item]] = field(default_factory=list)
    asked: list[datetime] = field(default_factory=list)
    first: set[str] | None = None
    shown: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.name)
        self.next = self.began
        for _ in range(6):
            self._publish(self.began)

    @property
    def url(self) -> str:
        return f"https://{self.name}.example/feed"

    def hours(self, now: datetime) -> float:
        return (now - self.began).total_seconds() / 3600

    def _publish(self, at: datetime) -> None:
        n = len(self.published) + 1
        text = f"<p>{self.name}에서 협약 {n}건이 체결되었습니다. 다음 달 {n % 28 + 1}일에 시작합니다.</p>"
        link = f"https://{self.name}.example/{n}"
        item = Item(f"{self.name} 소식 {n}호", link, f"{self.name}-{n}", published=at, html=text)
        self.published.append((at, self.dress(self, item, n)))

    def catch_up(self, now: datetime) -> None:
        """All that was to be published by now is."""
        while self.next <= now:
            self._publish(self.next)
            self.next += timedelta(minutes=self.dice.choice((20, 45, 70, 160)))

    def answer(self, now: datetime, request: httpx.Request) -> httpx.Response:
        self.catch_up(now)
        self.asked.append(now)
        for spell in self.spells:
            answer = spell(self, now, request)
            if answer is not None:
                return answer
        return self.whole(now, request)

    def whole(self, now: datetime, request: httpx.Request) -> httpx.Response:
        """The document, or an honest 304; what it shows is noted."""
        items = self.pick(self, [item for _, item in self.published])
        body, kind = self.pack(self, rss(self.name, items))
        tag = f'"{hash(body) & 0xFFFFFFFF:x}"'
        headers = {"Content-Type": kind, "Date": format_datetime(now, usegmt=True), **self.headers}
        headers |= {} if self.lies else {"ETag": tag}
        if not self.lies and request.headers.get("If-None-Match") == tag:
            return httpx.Response(304, headers=headers)
        self.note(items, now)
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(body))

    def note(self, items: list[Item], now: datetime) -> None:
        titles = {item.title for item in items}
        if self.first is None:
            self.first = titles
        for title in titles - self.first:
            self.shown.setdefault(title, now)


def between(start: float, end: float, then: Spell) -> Spell:
    """So from one hour of the day to another."""

    def spell(publisher: Publisher, now: datetime, request: httpx.Request) -> httpx.Response | None:
        return then(publisher, now, request) if start <= publisher.hours(now) < end else None

    return spell


def status(number: int, **headers: str) -> Spell:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _, __, ___: httpx.Response(number, headers=named)


def page(text: str) -> Spell:
    return lambda _, __, ___: httpx.Response(
        200, headers={"Content-Type": "text/html"}, stream=httpx.ByteStream(text.encode())
    )


def silence(_: Publisher, __: datetime, request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("nothing comes", request=request)


def cut_off(publisher: Publisher, now: datetime, request: httpx.Request) -> httpx.Response:
    """A document that ends in the middle. What is whole in it has been shown."""
    items = publisher.pick(publisher, [item for _, item in publisher.published])
    text = rss(publisher.name, items)
    text = text[: len(text) * 2 // 3]
    if whole := text.count("</item>"):
        publisher.note(items[:whole], now)
    return httpx.Response(200, stream=httpx.ByteStream(text.encode()))


def at_times(share: float, then: Spell) -> Spell:
    def spell(publisher: Publisher, now: datetime, request: httpx.Request) -> httpx.Response | None:
        return then(publisher, now, request) if publisher.dice.random() < share else None

    return spell


def moves(publisher: Publisher, now: datetime, request: httpx.Request) -> httpx.Response | None:
    """For good at 3, its new place is lost at 9, then only for the while by way of a mirror."""
    hour, path = publisher.hours(now), request.url.path
    if path == "/feed" and 3 <= hour < 9:
        return httpx.Response(301, headers={"Location": "/new"})
    if path == "/new" and hour >= 9:
        return httpx.Response(404)
    if path == "/feed" and 12 <= hour < 18:
        return httpx.Response(302, headers={"Location": "/mirror"})
    return None


def says_unchanged(publisher: Publisher, now: datetime, request: httpx.Request) -> httpx.Response | None:
    """One ETag for ever, and 304 to everybody who has it, whatever has changed."""
    if request.headers.get("If-None-Match") == '"constant"':
        return httpx.Response(304)
    answer = publisher.whole(now, request)
    answer.headers["ETag"] = '"constant"'
    return answer


def wrong_dates(publisher: Publisher, item: Item, n: int) -> Item:
    assert item.published is not None
    years = timedelta(days=365)
    moments = (None, item.published + years, item.published - 30 * years, item.published - timedelta(hours=n), None)
    return replace(item, published=moments[n % 5])


def same_guid(_: Publisher, item: Item, n: int) -> Item:
    return replace(item, guid="https://always.example/the-same")


def some_of_them(publisher: Publisher, items: list[Item]) -> list[Item]:
    """Posts vanish and return, and stand in any order."""
    window = items[-WINDOW:]
    kept = [item for item in window if publisher.dice.random() < 0.8 or item is window[-1]]
    publisher.dice.shuffle(kept)
    return kept


def any_encoding(publisher: Publisher, text: str) -> tuple[bytes, str]:
    bare = text.replace('<?xml version="1.0" encoding="UTF-8"?>', "")
    forms = (
        (text.encode(), "application/rss+xml; charset=utf-8"),
        (b'<?xml version="1.0" encoding="euc-kr"?>' + bare.encode("cp949"), "application/rss+xml"),
        (bare.encode("cp949"), "application/rss+xml; charset=ks_c_5601-1987"),
        (b'<?xml version="1.0" encoding="euc-kr"?>' + bare.encode(), "application/rss+xml"),
        (bare.encode("utf-16"), "application/rss+xml"),
        (b"\xef\xbb\xbf" + text.encode(), "text/xml; charset=iso-8859-1"),
    )
    return publisher.dice.choice(forms)


def the_day(began: datetime) -> list[Publisher]:
    wall = page("<!doctype html><title>Just a moment...</title><script src='/cdn-cgi/challenge-platform/x'></script>")
    return [
        Publisher("steady", began),
        Publisher(
            "falling",
            began,
            [
                between(0, 0.6, status(503)),  # also its first reads fail
                between(2, 5, status(502)),
                between(7, 8, status(503, Retry_After="1800")),
                between(10, 11, status(429)),
                between(13, 14, silence),
                at_times(0.2, cut_off),
            ],
        ),
        Publisher("moving", began, [moves]),
        Publisher("dating", began, dress=wrong_dates),
        Publisher("repeating", began, dress=same_guid, pick=some_of_them, lies=True),
        Publisher("unchanged", began, [says_unchanged], lies=True),
        Publisher("walled", began, [between(4, 6, wall), between(9, 10, status(403)), between(15, 17, wall)]),
        Publisher("encoding", began, pack=any_encoding, lies=True),
        Publisher("hinting", began, every=None, headers={"Cache-Control": "max-age=1200"}),
        Publisher("sleepy", began, [at_times(0.3, silence), at_times(0.1, page(""))], every=None),
    ]
