"""Hostile publishers beside an honest one, through the real bot: fetch, worker, database, alert."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bot import ROOT, Bot, configuration, eventually, fetch, free_port
from tests.fakes.publisher import FakePublisher, rss
from tests.journeys.scene import item
from tests.sources.hostile import BODIES
from tests.worker.test_workers import runs

FAULTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "endless": ("huge", {"size": 10**12}, "larger than 5,000,000 bytes"),
    "bomb": ("gzip_bomb", {"size": 200_000_000}, "larger than 5,000,000 bytes"),
    "dripping": ("slow", {"seconds": 60}, "no full answer within 2 s"),
    "circle": ("redirect", {"to": "/circle.xml"}, "redirects in a row"),
    "metadata": ("redirect", {"to": "http://169.254.169.254/latest/meta-data/"}, "where clouds keep their secrets"),
    "inner": ("redirect", {"to": "http://[::1]/"}, "::1 is not a public address"),
}
NUMBERED = {name: f"hostile-{number}" for number, name in enumerate(BODIES)}
WORDS = {
    "100,000 attributes": "100,000 characters of attributes",
    "500,000 items": "more than 5,000 entries",
    "an entity behind a forged end": "entities of its own",
    "a file's name": "neither RSS nor Atom",
}


@pytest.fixture
def publisher() -> Iterator[FakePublisher]:
    with FakePublisher() as made:
        for name in ("honest", *FAULTS, *NUMBERED.values()):
            made.set(f"/{name}.xml", rss("소식", [item(9999)]))
        yield made


def turn_hostile(publisher: FakePublisher) -> None:
    for name, number in NUMBERED.items():
        publisher.set(f"/{number}.xml", BODIES[name])
    for name, (kind, detail, _) in FAULTS.items():
        publisher.fault(f"/{name}.xml", kind, times=1000, **detail)


def watched(folder: Path, publisher: FakePublisher, names: list[str], program: str) -> Bot:
    sources = [{"id": name, "url": f"{publisher.url}/{name}.xml", "every": "3s"} for name in names]
    honest = {"id": "honest", "url": f"{publisher.url}/honest.xml", "every": "1s"}
    config = configuration(
        web={"port": free_port()},
        fetch={"allow_networks": ["127.0.0.0/8"], "timeout": "2s"},
        sources=[honest, *sources],
    )
    return Bot(folder, config=config, program=ROOT / "tests/programs" / program, level="INFO")


def seen(folder: Path) -> dict[str, Any]:
    file = folder / "watched.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return found


def test_hostile_publishers_harm_nobody_else(tmp_path: Path, publisher: FakePublisher) -> None:
    names = [*FAULTS, *NUMBERED.values()]
    with watched(tmp_path, publisher, names, "watched.py") as bot:
        for name in ("honest", *names):
            publisher.wait_for_requests(f"/{name}.xml", 2, 60)
        (tmp_path / "warm").touch()
        eventually(lambda: "started" in seen(tmp_path), what="for the watch to begin")
        turn_hostile(publisher)
        for number in range(1, 6):
            publisher.set("/honest.xml", rss("소식", [item(one) for one in range(number, 0, -1)]))
            bot.wait_for_line(f"소식 {number:04d}호", 90)
        for name, (_, _, words) in FAULTS.items():
            eventually(lambda name=name, words=words: told(bot, name, words), 30, name)  # type: ignore[misc]
        for name in NUMBERED:
            source, words = NUMBERED[name], WORDS.get(name, "")
            eventually(lambda source=source, words=words: dealt_with(bot, source, words), 60, name)  # type: ignore[misc]
        found = seen(tmp_path)
        assert found["stall"] < 0.1, found
        assert found["most"] - found["started"] < 50_000_000, found
        assert found["worker"] < 200_000_000, found
        assert 1 <= len(found["workers"]) <= 2
        assert "Traceback" not in bot.output
        bot.kill()
    eventually(lambda: not any(map(runs, seen(tmp_path)["workers"])), 2, "for the workers to be gone")


def stands_still(folder: Path) -> bool:
    """The watch writes ten times a second, where it is let."""
    file = folder / "watched.json"
    return file.exists() and time.time() - file.stat().st_mtime > 3


def told(bot: Bot, source: str, words: str) -> bool:
    return any(f"source={source} " in f"{line} " and words in line for line in bot.lines)


def dealt_with(bot: Bot, source: str, words: str) -> bool:
    """Refused with these words; where there are none, refused or read."""
    metrics = fetch(f"{url(bot)}/metrics")[1]
    ends = (f'{{outcome="changed",source="{source}"}} 2.0', f'{{outcome="nothing-new",source="{source}"}} 1.0')
    return told(bot, source, words) or (not words and any(end in metrics for end in ends))


def url(bot: Bot) -> str:
    (line,) = (line for line in bot.lines if line.startswith("  page "))
    return line.split()[-1]


def test_the_watch_goes_red_where_documents_are_read_in_a_thread(tmp_path: Path, publisher: FakePublisher) -> None:
    endless = NUMBERED["sections that never end"]
    with watched(tmp_path, publisher, [endless], "in_a_thread.py") as bot:
        publisher.wait_for_requests(f"/{endless}.xml", 1, 60)
        (tmp_path / "warm").touch()
        eventually(lambda: "started" in seen(tmp_path), 30, what="for the watch to begin")
        publisher.set(f"/{endless}.xml", BODIES["sections that never end"])
        eventually(lambda: seen(tmp_path).get("stall", 0) > 0.1 or stands_still(tmp_path), 30, bot.output)
