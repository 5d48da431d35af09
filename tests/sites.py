"""A Jekyll folder that tests publish into, watched as a source."""

from pathlib import Path

from models import Kind, Source
from pipeline import Desk
from storage import sources

POST = """---
title: {title}
date: 2026-06-17 14:00:0{number} +0900
---
<p>출처: <a href="https://news.example/{original}">{title}</a></p>

이번 협약으로 총 {number}7건의 문서가 체결되었습니다. 관계자는 다음 달 3일에 시작한다고 밝혔습니다.
"""


class Site:
    """A Jekyll folder that tests publish into, watched as a source."""

    def __init__(self, folder: Path, source_id: str = "site", first_read: int = 0) -> None:
        self.posts = folder / source_id / "_posts"
        self.posts.mkdir(parents=True)
        self.source = Source(
            source_id, source_id, Kind.JEKYLL, str(folder / source_id), "https://site.example", every=60.0,
            timezone="Asia/Seoul", first_read=first_read,
        )  # fmt: skip

    def publish(self, number: int, title: str = "", original: str = "") -> None:
        text = POST.format(title=title or f"소식 {number}호", number=number, original=original or f"a{number}")
        (self.posts / f"2026-06-17-{number}.md").write_text(text, encoding="utf-8")


async def watch(desk: Desk, *sites: Site) -> None:
    async with desk.database.write() as tx:
        await sources.declare(tx, [site.source for site in sites], desk.now(), 60)
