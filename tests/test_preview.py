"""`bot.py preview` as a process: any post that somebody has at hand, as each platform shows it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.bot import ROOT, free_port
from tests.fakes.model import FakeModel
from tests.fakes.publisher import FakePublisher, Item, atom, rss
from tests.house import papers
from tests.proposed import ENGLISH, ENGLISH_TITLE, GOOD, HTML, TITLE
from tests.test_cli import LOOPBACK_BOT, configure, rows, type_

PAGE = (
    '<!DOCTYPE html><html lang="ko"><head><title>{title} | 예시신문</title>'
    '<meta property="og:title" content="{title}"><meta property="og:site_name" content="예시신문">'
    '<link rel="canonical" href="https://news.example/7"></head>'
    "<body><nav>메뉴</nav><article>{html}</article></body></html>"
)
FRONT = "---\ntitle: '{title}'\ndate: 2026-06-17 14:00:00 +0900\npermalink: /:year/:title/\n---\n{html}\n"
MARKDOWN = "# {title}\n\n{text}\n"
TAG = re.compile(r"<[^<>]*>")


def text(html: str) -> str:
    return TAG.sub("", html.replace("</p>", "\n\n"))


def written(folder: Path, name: str, body: str) -> str:
    (folder / name).write_text(body, encoding="utf-8")
    return name


def documents(title: str, html: str) -> dict[str, str]:
    """The same post as every kind of file; a feed and its likes hold an older one too."""
    old = Item("older", "https://news.example/1", "1", datetime(2026, 6, 16, tzinfo=UTC), "<p>Old.</p>")
    new = Item(title, "https://news.example/7", "7", datetime(2026, 6, 17, tzinfo=UTC), html)
    entries = [
        {"id": "1", "title": "older", "html": "<p>Old.</p>", "date": "2026-06-16T00:00:00Z"},
        {"id": "7", "title": title, "html": html, "url": "https://news.example/7", "date": "2026-06-17T00:00:00Z"},
    ]
    return {
        "2026-06-17-post.md": FRONT.format(title=title, html=html),
        "2026-06-17-post.html": FRONT.format(title=title, html=html),
        "page.html": PAGE.format(title=title, html=html),
        "fragment.htm": f"<h1>{title}</h1>{html}",
        "note.md": MARKDOWN.format(title=title, text=text(html)),
        "note.txt": f"{title}\n\n{text(html)}",
        "feed.xml": rss("뉴스", [new, old]),
        "feed.atom": atom("뉴스", [old, new]),
        "feed.json": json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "뉴스", "items": entries}),
        "posts.jsonl": "\n".join(json.dumps(entry) for entry in entries),
    }


KINDS = [*documents("t", "h")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_every_kind_is_shown_as_each_platform_would(tmp_path: Path, kind: str) -> None:
    name = written(tmp_path, kind, documents(TITLE, HTML)[kind])
    shown = rows(type_(tmp_path, "preview", name, "--json"))
    assert [(row["platform"], row["form"]) for row in shown] == [
        ("telegram", "rich"), ("slack", "rich"), ("telegram", "plain"), ("slack", "plain"),
    ]  # fmt: skip
    for row in shown:
        assert row["headline"] == TITLE
        assert 3 <= len(row["bullets"]) <= 4 and row["bullets_by"] == "post"
        assert row["language"] == "ko" and row["urgency"] == "normal"
        assert TITLE in row["visible"] and all(bullet in row["visible"] for bullet in row["bullets"])
        assert "<b>" not in row["visible"] and "뉴스를 원한다면" not in row["visible"]
    telegram, slack, *_ = shown
    assert f"<b>{TITLE}</b>" in telegram["html"]
    assert slack["blocks"][0]["type"] == "section"
    assert sorted(tmp_path.iterdir()) == [tmp_path / kind], "nothing is kept"


def test_an_english_post_is_shown_to_a_korean_and_to_an_english_chat(tmp_path: Path) -> None:
    name = written(tmp_path, "page.html", PAGE.format(title=ENGLISH_TITLE, html=ENGLISH).replace('"ko"', '"en"'))
    korean = type_(tmp_path, "preview", name)
    english = type_(tmp_path, "preview", name, "--language", "en")
    assert korean.returncode == english.returncode == 0
    for shown in (korean.stdout, english.stdout):
        assert ENGLISH_TITLE in shown and "14.2 million euros" in shown
        assert "made of: language en · normal · 5 bullets taken from the post · link https://news.example/7" in shown
    assert "원문 보기" in korean.stdout and "원문 보기" not in english.stdout
    assert "Read the source" in english.stdout


def test_each_platform_has_a_section_with_links_button_and_picture(tmp_path: Path) -> None:
    picture = '<meta property="og:image" content="https://news.example/b.jpg">'
    page = PAGE.format(title=f"[속보] {TITLE}", html=HTML).replace("<link", f"{picture}<link")
    shown = type_(tmp_path, "preview", written(tmp_path, "page.html", page)).stdout
    sections = re.split(r"^── (\w+).*\n", shown, flags=re.MULTILINE)
    assert sections[1::2] == ["Telegram", "Slack", "Plain"]
    telegram, slack, plain = sections[2::2]
    for section in (telegram, slack):
        assert "예시신문" in section and "• " in section
        assert "[ 원문 보기 ] <https://news.example/7>" in section
        assert "picture <https://news.example/b.jpg>" in section
    assert f"🔴 {TITLE}" in telegram and "news.example/7 <https://news.example/7>" in telegram
    assert f"{TITLE} <https://news.example/7>" in slack and "🔴 속보" in slack
    assert "https://news.example/7" in plain and "urgent" in plain
    assert "\x1b" not in shown, "no styles where no terminal is"


def test_a_terminal_shows_bold_and_buttons(tmp_path: Path) -> None:
    name = written(tmp_path, "page.html", PAGE.format(title=TITLE, html=HTML))
    screen, terminal = os.openpty()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SOKBO_") and key != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "bot.py"), "preview", name],
        cwd=tmp_path, stdout=terminal, stderr=terminal, env={**kept, "TERM": "xterm-256color", "COLUMNS": "100"},
    )  # fmt: skip
    os.close(terminal)
    seen = b""
    while True:
        try:
            piece = os.read(screen, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        seen += piece
    assert process.wait(30) == 0
    os.close(screen)
    shown = seen.decode()
    assert f"\x1b[1m{TITLE}\x1b[0m" in shown
    assert "\x1b[7m[ 원문 보기 ]\x1b[0m" in shown


def test_a_title_cannot_take_over_the_terminal(tmp_path: Path) -> None:
    post = {
        "title": "\x1b[2J\x1b]0;pwned\x07 제목",
        "html": "<p>\x1b[31m다리가 17일 열렸다.</p>",
        "url": "https://a.example/1",
    }
    shown = type_(tmp_path, "preview", written(tmp_path, "post.json", json.dumps(post)))
    assert shown.returncode == 0
    assert "\x1b" not in shown.stdout and "\x07" not in shown.stdout and "제목" in shown.stdout


def test_another_entry_than_the_newest_is_shown_when_asked_for(tmp_path: Path) -> None:
    name = written(tmp_path, "feed.xml", documents(TITLE, HTML)["feed.xml"])
    (first, *_) = rows(type_(tmp_path, "preview", name, "--n", "2", "--json"))
    assert (first["headline"], first["entry"], first["entries"]) == ("older", 2, 2)
    assert "entry 1 of 2" in type_(tmp_path, "preview", name).stdout


def test_a_post_of_a_jekyll_site_has_the_link_that_the_site_gives_it(tmp_path: Path) -> None:
    (tmp_path / "site" / "_posts").mkdir(parents=True)
    (tmp_path / "site" / "_config.yml").write_text('title: 우리 신문\nurl: "https://our.example"\n', encoding="utf-8")
    written(tmp_path / "site" / "_posts", "2026-06-17-bus.md", documents(TITLE, HTML)["2026-06-17-post.md"])
    (first, *_) = rows(type_(tmp_path, "preview", "site/_posts/2026-06-17-bus.md", "--json"))
    assert first["link"] == "https://our.example/2026/bus/"
    assert "우리 신문" in first["visible"]


# ------------------------------------------------------------------------------------------------------------ addresses


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[FakePublisher]:
    configure(tmp_path, fetch={"allow_networks": ["127.0.0.0/8"], "max_bytes": 100_000, "timeout": "5s"})
    with FakePublisher() as double:
        yield double


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [("feed.xml", "application/rss+xml"), ("page.html", "text/html; charset=utf-8"), ("feed.json", "application/json")],
)
def test_an_address_is_fetched_and_shown(
    tmp_path: Path, publisher: FakePublisher, kind: str, content_type: str
) -> None:
    publisher.set("/it", documents(TITLE, HTML)[kind], content_type)
    (first, *_) = rows(type_(tmp_path, "preview", f"{publisher.url}/it", "--json", program=LOOPBACK_BOT))
    assert (first["headline"], first["link"]) == (TITLE, "https://news.example/7")
    assert len(publisher.requests) == 1
    assert {"예시신문", "127.0.0.1", "뉴스"} & set(re.findall(r"[\w.]+", first["visible"]))


def test_an_address_that_cannot_be_read_is_said_in_the_words_of_the_source(
    tmp_path: Path, publisher: FakePublisher
) -> None:
    publisher.set("/big", "x" * 200_000, "text/plain")
    publisher.set("/none", "", "text/html")
    url = publisher.url
    for target, said in (
        (f"{url}/missing", "404"),
        (f"{url}/big", "max_bytes"),
        (f"{url}/none", "nothing in it"),
        (f"http://127.0.0.1:{free_port()}/x", "cannot connect"),
    ):
        refused = type_(tmp_path, "preview", target, program=LOOPBACK_BOT)
        assert refused.returncode == 1, target
        assert target in refused.stderr and said in refused.stderr, refused.stderr
        assert "Traceback" not in refused.stderr and refused.stdout == ""


def test_an_address_inside_the_network_is_not_asked(tmp_path: Path, publisher: FakePublisher) -> None:
    refused = type_(tmp_path, "preview", f"{publisher.url}/it")
    assert refused.returncode == 1 and "127.0.0.1 is not a public address" in refused.stderr
    assert publisher.requests == []


# ------------------------------------------------------------------------------------------------------------- problems


def test_what_cannot_be_shown_is_said_in_one_line(tmp_path: Path) -> None:
    written(tmp_path, "empty.md", "")
    written(tmp_path, "nothing.json", "[]")
    (tmp_path / "picture.md").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    (tmp_path / "folder").mkdir()
    long = "x" * 300
    for target, said in (
        ("nowhere.md", "no such file"),
        ("empty.md", "nothing in it"),
        ("nothing.json", "no posts"),
        ("picture.md", "no text"),
        ("folder", "a folder"),
        (long, "cannot be read"),
    ):
        refused = type_(tmp_path, "preview", target)
        assert refused.returncode == 1, target
        assert said in refused.stderr and target in refused.stderr
        assert "Traceback" not in refused.stderr and refused.stdout == ""


def test_wrong_usage_is_told_with_what_is_accepted(tmp_path: Path) -> None:
    name = written(tmp_path, "note.txt", documents(TITLE, HTML)["note.txt"])
    for args, said in (
        ([], "FILE|URL"),
        ([name, "--n", "2"], "holds 1"),
        ([name, "--n", "0"], "greater than or equal to 1"),
        ([name, "--n", "two"], "--n"),
        ([name, "--language", "fr"], "ko or en"),
        ([name, "--config", "none.toml"], "none.toml"),
    ):
        refused = type_(tmp_path, "preview", *args)
        assert refused.returncode == 2, args
        assert said in refused.stderr and "Traceback" not in refused.stderr, refused.stderr


# --------------------------------------------------------------------------------------------- the model, the manual


def test_a_configured_model_is_asked_as_it_would_be_for_the_alert(tmp_path: Path) -> None:
    name = written(tmp_path, "page.html", PAGE.format(title=TITLE, html=HTML))
    with FakeModel() as endpoint:
        endpoint.say(GOOD)
        environment = {"SOKBO_CONDENSE__MODEL_URL": endpoint.endpoint, "SOKBO_CONDENSE__MODEL": "small-1"}
        (first, *_) = rows(type_(tmp_path, "preview", name, "--json", **environment))
        assert (first["bullets"], first["bullets_by"]) == (GOOD, "model")
        assert "3 bullets by the model" in type_(tmp_path, "preview", name, **environment).stdout
        endpoint.fail("500")
        assert "taken from the post" in type_(tmp_path, "preview", name, **environment).stdout


def test_the_example_of_the_documentation_is_what_the_program_prints(tmp_path: Path) -> None:
    page = papers.read("docs/commands.md").split("### preview")[1].split("### latest")[0]
    (example,) = re.findall(r"^```\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (name, *_) = [line[1] for line in papers.command_lines(page)]
    shown = [line.rstrip() for line in type_(tmp_path, "preview", str(ROOT / name)).stdout.splitlines()]
    missing: list[Any] = [line for line in example.splitlines() if line != "…" and line not in shown]
    assert missing == []
