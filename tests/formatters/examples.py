"""What people get, in every form and both languages, as files to be read: `data/<platform>.<language>.txt`.

After a change that is meant: `python -m tests.formatters.examples`, then read the difference.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from formatters import plain, slack, telegram
from formatters.lists import DigestEntry
from formatters.slack import SlackText
from formatters.telegram import TelegramText
from locales import say
from models import Alert, ChatSettings, Reply, Story, Urgency
from tests.parcels import ALERT

DATA = Path(__file__).parent / "data"
LANGUAGES = ("ko", "en")
PLATFORMS = ("telegram", "slack", "plain")

ENGLISH = replace(
    ALERT,
    headline="Uzbekistan signs the first export deal for the KTX high-speed train",
    bullets=("47 agreements were signed in all", "The trains are worth 270 billion won"),
    link="https://koreanews.example/4261",
    sources=("Korea News",),
    language="en",
    topics=("Foreign affairs", "Trade"),
    image="https://koreanews.example/a.jpg",
)
SECOND = {"ko": "코리아뉴스", "en": "The Second Source"}
LATER = datetime(2026, 6, 17, 5, 32, tzinfo=UTC)
NOTE = {
    "ko": "계약 규모를 2,700억 원으로 바로잡습니다. (앞서 2,500억 원)",
    "en": "The trains are worth 270 billion won, not 250 billion.",
}
REASON = {"ko": "오보", "en": "the report was false"}
OTHERS = {
    "ko": (
        "카카오페이 2분기 순이익 6억원, 두 분기 연속 흑자",
        "[단독] A < B & C, <!channel> *굵게* _기울임_ 그대로 읽힌다",
    ),
    "en": ("Ferry to Quillhaven runs on batteries from May", "A < B & C, <!channel> *bold* _italic_ read as they are"),
}
QUESTION = {"ko": ("수출",), "en": ("export", "train")}
SNIPPET = {"ko": "…고속철도 수출액은 2,700억 원…", "en": "…the first EXPORT deal for trains…"}
ARABIC = "\u0623\u062e\u0628\u0627\u0631 \u0627\u0644\u064a\u0648\u0645"


def alerts(language: str) -> dict[str, Alert]:
    """One alert in all the states it can have."""
    alert = ALERT if language == "ko" else ENGLISH
    changed = replace(alert, version=2, changed=LATER)
    return {
        "an alert": alert,
        "an urgent alert": replace(alert, urgency=Urgency.URGENT),
        "a second source joined": replace(alert, sources=(*alert.sources, SECOND[language])),
        "changed at its source": replace(changed, urgency=Urgency.URGENT),
        "changed on a later day": replace(changed, changed=LATER + timedelta(days=1)),
        "of a day, without a time": replace(alert, published=datetime(2026, 6, 16, 15, tzinfo=UTC), date_only=True),
        "corrected by the desk": replace(changed, correction=NOTE[language]),
        "taken back by the desk": replace(changed, retracted=True, retraction=REASON[language]),
        "taken back without a reason": replace(changed, retracted=True, urgency=Urgency.URGENT),
        "without a link": replace(alert, link=""),
        "a source that is written from right to left": replace(alert, sources=(ARABIC,), topics=()),
        "hostile": replace(alert, headline=OTHERS[language][1], bullets=OTHERS[language][1:], topics=("@x", "a b")),
    }


def backlog(language: str) -> list[Alert]:
    """Five stories of a morning; the newest comes first, as nothing promises an order."""
    alert = ALERT if language == "ko" else ENGLISH
    start = datetime(2026, 6, 17, 0, 10, tzinfo=UTC)
    one, other = OTHERS[language]
    stories = [
        replace(alert, id=1, urgency=Urgency.URGENT, sources=(*alert.sources, SECOND[language], "C"), created=start),
        replace(alert, id=2, headline=one, sources=(SECOND[language],), link="https://news.example/2", created=start),
        replace(alert, id=3, headline=other, link="", created=start + timedelta(minutes=50)),
        replace(alert, id=4, retracted=True, retraction=REASON[language], created=start + timedelta(minutes=70)),
        replace(alert, id=5, correction=NOTE[language], created=start + timedelta(minutes=150)),
    ]
    return stories[::-1]


def examples(platform: str, language: str) -> Iterator[tuple[str, str]]:
    """(name, what is shown) of every form."""
    form: Any = {"telegram": telegram, "slack": slack, "plain": plain}[platform]
    draw: Any = {"telegram": drawn_telegram, "slack": drawn_slack, "plain": str}[platform]
    chat = ChatSettings(language, "Asia/Seoul")
    states = alerts(language)
    for name, alert in states.items():
        yield name, draw(form.alert(alert, chat))
    bare = ChatSettings(language, "America/New_York", pictures=False, hashtags=False)
    yield "in New York, without pictures and hashtags", draw(form.alert(states["an alert"], bare))
    if platform != "plain":
        for name in ("an urgent alert", "corrected by the desk", "taken back by the desk", "hostile"):
            yield f"{name}, after the rich form was refused", draw(form.plain_alert(states[name], chat))
    yield "a second source joined, as a reply", draw(form.also(states["a second source joined"], chat))
    stories = backlog(language)
    (part,) = form.roundup(stories, chat)
    yield "a round-up", draw(part.shown)
    yield "one message of several", draw(form.roundup_message(stories[2:], chat, 8, 20))
    since = datetime(2026, 6, 16, 15, tzinfo=UTC)
    entries = [DigestEntry(stories[4], "https://t.me/c/1/99"), DigestEntry(stories[3])]
    yield "a digest", draw(form.digest(entries, chat, since, since + timedelta(hours=24), 5).shown)
    yield "a digest of nothing", draw(form.digest([], chat, since, since + timedelta(hours=9)).shown)
    for name, answer in answers(language).items():
        shown = form.reply(answer, chat)
        yield name, "\n~~~ next message\n".join(map(draw, shown)) if isinstance(shown, list) else draw(shown)


def answers(language: str) -> dict[str, Reply]:
    found = tuple(Story(alert, SNIPPET[language]) for alert in backlog(language)[1:])
    words = QUESTION[language]
    title = say(language, "search.title", words=f"“{' '.join(words)}”", first=1, last=len(found), total=23)
    return {
        "/search": Reply(title=title, stories=found, marked=words),
        "/latest": Reply(title=say(language, "latest.title", count=1), stories=(Story(alerts(language)["an alert"]),)),
        "words": Reply(title="Sokbo", lines=("a < b & c", "", "  admins = [42]")),
    }


def drawn_telegram(shown: TelegramText | str) -> str:
    if isinstance(shown, str):
        return shown
    lines = [shown.html]
    lines += ["[no parse mode]"] if shown.plain else []
    lines += [f"[button] {shown.button[0]} → {shown.button[1]}"] if shown.button else []
    lines += [f"[press] {one.label} → {one.press}" for row in shown.rows for one in row]
    lines += [f"[picture] {shown.picture}"] if shown.picture else []
    return "\n".join(lines)


def drawn_slack(shown: SlackText) -> str:
    """The blocks as lines, the way they stand in the documentation."""
    lines = [f"text      {shown.text}"]
    for block in shown.blocks:
        match block:
            case {"type": "section", "text": text}:
                lines.append(f"section   {_kind(text)}{text['text']}")
            case {"type": "context", "elements": [element]}:
                lines.append(f"context   {_kind(element)}{element['text']}")
            case {"type": "actions", "elements": elements}:
                lines += [f"actions   [{one['text']['text']}] → {one.get('url') or one['value']}" for one in elements]
        if picture := block.get("accessory"):
            lines.append(f"accessory {picture['image_url']} ({picture['alt_text']})")
    return "\n".join(line.replace("\n", "\n          ") for line in lines)


def _kind(text: dict[str, Any]) -> str:
    return "" if text["type"] == "mrkdwn" else f"({text['type']}) "


def page(platform: str, language: str) -> str:
    """All examples of one platform and language, as they stand in the file."""
    told = "\n".join(f"=== {name}\n{shown}\n" for name, shown in examples(platform, language))
    return re.sub(r" +$", "", told, flags=re.MULTILINE)


def file(platform: str, language: str) -> Path:
    return DATA / f"{platform}.{language}.txt"


if __name__ == "__main__":
    for platform in PLATFORMS:
        for language in LANGUAGES:
            file(platform, language).write_text(page(platform, language), encoding="utf-8")
