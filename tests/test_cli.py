"""The command line as processes: what a person or a script types, what comes back, and with which exit status."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.bot import ROOT, Bot, configuration, eventually, free_port, wait_until_up
from tests.fakes.model import FakeModel
from tests.fakes.publisher import FakePublisher, rss
from tests.fakes.telegram import FakeTelegram
from tests.journeys.scene import item
from tests.sites import Site

Answer = subprocess.CompletedProcess[str]


LOOPBACK_BOT = "tests/programs/loopback.py"
OPENED = {"allow_networks": ["127.0.0.0/8"]}


def type_(folder: Path, *args: str, stdin: str = "", program: str = "bot.py", **environment: str) -> Answer:
    """`python bot.py …` in `folder`, to its end; with settings of the interpreter, by an interpreter of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SOKBO_")}
    whole = {**kept, "PYTHONPATH": str(ROOT), **environment}
    if any(key.startswith("PYTHON") for key in environment):
        return subprocess.run(
            [sys.executable, str(ROOT / program), *args],
            cwd=folder, env=whole, input=stdin, capture_output=True, encoding="utf-8", timeout=60, check=False,
        )  # fmt: skip
    return processes.run(ROOT / program, args, folder, whole, stdin)


def configure(folder: Path, **sections: Any) -> None:
    (folder / "sokbo.toml").write_text(configuration(**sections), encoding="utf-8")


def declared(site: Site) -> dict[str, Any]:
    """The site as a table of the configuration."""
    return {"id": site.source.id, "kind": "jekyll", "url": site.source.url, "site_url": site.source.site_url}


def rows(answer: Answer) -> list[dict[str, Any]]:
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line) for line in answer.stdout.splitlines()]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose sample site was read once, shared by the tests that only ask."""
    folder = tmp_path_factory.mktemp("archive")
    assert type_(folder, "poll").returncode == 0
    return folder


# ---------------------------------------------------------------------------------------------------------- condense


POST = {
    "id": "a1",
    "title": "다솔마루 야간 버스 30분 간격으로 - 예시신문",
    "html": "<p>출처: <a href='https://original.example/7'>야간 버스</a></p>"
    "<p>다솔마루시는 다음 달 1일부터 야간 버스를 30분 간격으로 운행한다고 3일 밝혔다.</p>"
    "<p>요금은 1,500원으로 낮과 같다. 노선은 4개이며 첫차는 밤 11시에 떠난다.</p>",
    "url": "https://site.example/7",
    "lang": "ko",
}


def test_condense_answers_each_line_and_bad_lines_do_not_stop_it(tmp_path: Path) -> None:
    lines = [
        json.dumps(POST, ensure_ascii=False),
        "",
        "no JSON at all",
        '["a", "list"]',
        '{"id": 7, "title": 5, "html": "", "url": "", "lang": "ko"}',
        '{"id": "half", "title": "a\\ud800b", "html": "", "url": "", "lang": "en"}',
        "[" * 100_000,
        '{"id": "empty"}',
    ]
    answers = rows(type_(tmp_path, "condense", stdin="\n".join(lines), PYTHONIOENCODING="ascii"))
    assert [answer["id"] for answer in answers] == ["a1", None, None, 7, "half", None, "empty"]
    assert ["error" in answer for answer in answers] == [False, True, True, True, False, True, False]
    assert set(answers[0]) == {"id", "headline", "bullets", "link"}
    assert answers[0]["link"] == "https://original.example/7"
    assert any("1,500원" in bullet for bullet in answers[0]["bullets"])
    assert answers[6] == {"id": "empty", "headline": "", "bullets": [], "link": ""}
    assert list(tmp_path.iterdir()) == []


def test_condense_answers_a_line_before_the_next_one_comes(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(ROOT / "bot.py"), "condense"],
        cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8",
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        for number in (1, 2, 3):
            process.stdin.write(json.dumps(POST | {"id": number}) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(10) == 0


def test_condense_loads_neither_a_chat_library_nor_a_database(tmp_path: Path) -> None:
    watched = tmp_path / "watched.py"
    watched.write_text(
        "import sys, bot\n"
        "sys.argv = ['bot.py', 'condense']\n"
        "try:\n    bot.cli()\nexcept SystemExit:\n    pass\n"
        "heavy = {'telegram', 'slack_bolt', 'slack_sdk', 'sqlalchemy', 'aiosqlite', 'uvicorn', 'httpx'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, str(watched)],
        cwd=tmp_path, input=json.dumps(POST), capture_output=True, encoding="utf-8", check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    answer, loaded = done.stdout.splitlines()
    assert json.loads(answer)["id"] == "a1"
    assert loaded == "[]"


# ------------------------------------------------------------------------------------------- condense, with a model


@pytest.fixture
def endpoint() -> Iterator[FakeModel]:
    with FakeModel() as fake:
        yield fake


def with_model(endpoint: FakeModel) -> dict[str, str]:
    return {
        "SOKBO_CONDENSE__MODEL_URL": endpoint.endpoint,
        "SOKBO_CONDENSE__MODEL": "small-1",
        "SOKBO_CONDENSE__API_KEY": "sk-secret-of-the-endpoint",
    }


def test_condense_asks_a_configured_model_and_answers_in_order(tmp_path: Path, endpoint: FakeModel) -> None:
    endpoint.say(
        ["노선은 4개, 첫차는 밤 11시에 떠난다", "다음 달 1일부터 야간 버스 30분 간격으로 운행", "요금은 1,500원"]
    )
    endpoint.fail("500")
    lines = "\n".join(json.dumps(POST | {"id": number}) for number in (1, 2, 3))
    answered = type_(tmp_path, "condense", stdin=lines, **with_model(endpoint))
    first, second, third = rows(answered)
    assert [first["id"], second["id"], third["id"]] == [1, 2, 3]
    assert second["bullets"][0] == "노선은 4개, 첫차는 밤 11시에 떠난다" and second["bullets"] == third["bullets"]
    assert first["bullets"] != second["bullets"], "where the endpoint fails, the bullets are those of the post"
    assert "trouble (500)" in answered.stderr and "sk-secret" not in answered.stderr


def test_check_says_whether_the_model_answers(archive: Path, endpoint: FakeModel) -> None:
    assert {row["what"] for row in rows(type_(archive, "check", "--json", **with_model(endpoint)))} >= {"model"}
    endpoint.fail("401")
    refused = type_(archive, "check", "--json", **with_model(endpoint))
    assert refused.returncode == 1
    (row,) = [row for row in map(json.loads, refused.stdout.splitlines()) if row["what"] == "model"]
    assert row["name"] == "small-1" and "api_key" in row["problem"]
    assert "sk-secret" not in refused.stdout + refused.stderr


@pytest.mark.parametrize("verb", ["poll", "run"])
def test_alerts_are_made_with_the_model_that_is_configured(tmp_path: Path, endpoint: FakeModel, verb: str) -> None:
    site = Site(tmp_path, "mine")
    site.publish(1)
    endpoint.say(["총 17건의 문서 체결", "관계자는 다음 달 3일에 시작한다고"])
    configure(tmp_path, sources=[declared(site) | {"first_read": 1}])
    environment = with_model(endpoint) | {"SOKBO_WEB__PORT": str(free_port())}
    with Bot(tmp_path, verb, environment=environment) as bot:
        if verb == "run":
            bot.wait_for_line("소식 1호 → console")
            assert "small-1 proposes bullets" in bot.output
            bot.stop()
        else:
            assert bot.finish() == 0
    (story,) = rows(type_(tmp_path, "latest", "--json"))
    assert story["bullets"] == ["총 17건의 문서 체결", "관계자는 다음 달 3일에 시작한다고"]


# ---------------------------------------------------------------------------------------------- condense, its progress


def at_a_terminal(folder: Path, *, input_too: bool = False) -> tuple[str, str]:
    """`condense` with stderr (and stdin, if said) at a terminal: what went to stdout, and what was shown."""
    shown, terminal = os.openpty()
    lines = "".join(json.dumps(POST | {"id": number}) + "\n" for number in range(20))
    (folder / "posts.jsonl").write_text(lines, encoding="utf-8")
    with (folder / "posts.jsonl").open("rb") as file:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "bot.py"), "condense"],
            cwd=folder, stdin=terminal if input_too else file, stdout=subprocess.PIPE, stderr=terminal,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"},
        )  # fmt: skip
        if input_too:
            os.write(shown, (json.dumps(POST) + "\n\x04").encode())
        assert process.stdout is not None
        answers = process.stdout.read().decode()
        assert process.wait(30) == 0
    os.close(terminal)
    seen = b""
    while True:
        try:
            piece = os.read(shown, 65536)
        except OSError:  # the other side is closed: nothing more will come
            break
        if not piece:
            break
        seen += piece
    os.close(shown)
    return answers, seen.decode(errors="replace")


def test_condense_shows_its_progress_at_a_terminal_and_nothing_of_it_in_the_answers(tmp_path: Path) -> None:
    answers, shown = at_a_terminal(tmp_path)
    assert [json.loads(line)["id"] for line in answers.splitlines()] == [*range(20)]
    assert "20 posts" in shown and "/s" in shown


def test_condense_shows_no_progress_to_whoever_types_the_posts(tmp_path: Path) -> None:
    answers, shown = at_a_terminal(tmp_path, input_too=True)
    assert json.loads(answers)["id"] == "a1"
    assert "posts" not in shown


def test_condense_shows_no_progress_where_no_terminal_is(tmp_path: Path) -> None:
    answered = type_(tmp_path, "condense", stdin=json.dumps(POST))
    assert answered.returncode == 0
    assert answered.stderr == ""


# ------------------------------------------------------------------------------------------------------------ asking


def test_latest_and_search_answer_as_text_and_as_json(archive: Path) -> None:
    text = type_(archive, "latest", "2")
    assert text.returncode == 0
    assert text.stdout.count("\n") >= 5
    (first, second) = rows(type_(archive, "latest", "2", "--json"))
    assert first["headline"] in text.stdout
    assert first["link"].startswith("https://")
    word = "도서관"
    found = rows(type_(archive, "search", word, "--json"))
    assert found
    assert all(word in story["headline"] + " ".join(story["bullets"]) + story["snippet"] for story in found)
    newest = rows(type_(archive, "search", word, "-그런말은없다", "--newest", "--limit", "1", "--json"))
    assert len(newest) == 1
    assert newest[0] in found
    nothing = type_(archive, "search", "그런말은없다")
    assert nothing.returncode == 0
    assert "그런말은없다" in nothing.stdout
    assert second["id"] != first["id"]


def test_a_verb_alone_or_misspelt_is_told_what_is_accepted(archive: Path) -> None:
    for args in (["search"], ["serach", "수출"], ["latest", "--many"], ["sources"], ["sources", "add"]):
        refused = type_(archive, *args)
        assert refused.returncode == 2, args
        assert "Traceback" not in refused.stderr
        assert refused.stderr.strip() or refused.stdout.strip()
    assert "latest" in type_(archive, "--help").stdout


def test_json_is_accepted_after_every_verb(archive: Path) -> None:
    for args in (["check"], ["poll"], ["latest"], ["search", "버스"], ["sources", "list"]):
        answered = type_(archive, *args, "--json")
        assert answered.returncode == 0, answered.stderr
        for line in answered.stdout.splitlines():
            assert isinstance(json.loads(line), dict), args


def test_the_configuration_is_named_before_or_after_the_verb_or_in_the_environment(tmp_path: Path) -> None:
    site = Site(tmp_path, "mine")
    site.publish(1)
    other = tmp_path / "other.toml"
    other.write_text(configuration(sources=[declared(site)]), encoding="utf-8")
    for args, environment in (
        (["--config", str(other), "sources", "list", "--json"], {}),
        (["sources", "list", "--config", str(other), "--json"], {}),
        (["sources", "list", "--json"], {"SOKBO_CONFIG": str(other)}),
    ):
        assert [row["id"] for row in rows(type_(tmp_path, *args, **environment))] == ["mine"]


# -------------------------------------------------------------------------------------------------------------- poll


def test_poll_plans_and_sends_nothing_and_finds_nothing_twice(tmp_path: Path) -> None:
    site = Site(tmp_path, "mine", first_read=5)
    site.publish(1)
    site.publish(2)
    table = declared(site) | {"first_read": 5}
    with FakeTelegram() as telegram:
        configure(tmp_path, telegram={"token": telegram.token, "api_base": telegram.url}, sources=[table])
        assert rows(type_(tmp_path, "poll", "--all", "--json")) == [{"source": "mine", "new": 2, "problem": ""}]
        assert rows(type_(tmp_path, "poll", "--all", "--json")) == [{"source": "mine", "new": 0, "problem": ""}]
        assert rows(type_(tmp_path, "poll", "--json")) == [], "no source is due again within its minute"
        assert telegram.calls == []


# ----------------------------------------------------------------------------------------------------------- sources


@pytest.fixture
def feed() -> Iterator[FakePublisher]:
    with FakePublisher() as publisher:
        publisher.set("/feed.xml", rss("소식", [item(1)]))
        yield publisher


def address(feed: FakePublisher) -> str:
    return f"{feed.url}/feed.xml"


def test_a_source_is_added_paused_resumed_and_removed(tmp_path: Path, feed: FakePublisher) -> None:
    added = rows(type_(tmp_path, "sources", "add", address(feed), "--id", "new", "--json", program=LOOPBACK_BOT))
    found = {"kind": "feed", "found": "the address itself"}
    assert added == [{"id": "new", "url": address(feed), "posts": 1} | found]
    assert len(feed.requests) == 1
    again = type_(tmp_path, "sources", "add", address(feed), "--id", "new")
    assert again.returncode == 2
    assert "--id" in again.stderr

    def state() -> dict[str, str]:
        return {row["id"]: row["state"] for row in rows(type_(tmp_path, "sources", "list", "--json"))}

    assert state()["new"] == "not read yet"
    assert type_(tmp_path, "sources", "pause", "new").returncode == 0
    assert state()["new"] == "paused"
    assert type_(tmp_path, "sources", "resume", "new").returncode == 0
    assert state()["new"] == "not read yet"
    assert type_(tmp_path, "sources", "remove", "new").returncode == 0
    assert "new" not in state()


def test_sources_that_cannot_be_are_refused_with_what_is_accepted(tmp_path: Path, feed: FakePublisher) -> None:
    site = Site(tmp_path, "mine")
    configure(tmp_path, sources=[declared(site)])
    for args, said in (
        (["add", "ftp://a.example/feed"], "http or https"),
        (["add", "/etc/passwd"], "http or https"),
        (["add", address(feed), "--id", "No Good"], "a-z"),
        (["remove", "mine"], "configuration file"),
        (["pause", "nobody"], "known: mine"),
    ):
        refused = type_(tmp_path, "sources", *args)
        assert refused.returncode == 2, args
        assert said in refused.stderr
    feed.set("/feed.xml", "<!doctype html><html><body>Not a feed</body></html>", "text/html")
    not_a_feed = type_(tmp_path, "sources", "add", address(feed), program=LOOPBACK_BOT)
    assert not_a_feed.returncode == 1
    assert "HTML" in not_a_feed.stderr or "feed" in not_a_feed.stderr
    assert [row["id"] for row in rows(type_(tmp_path, "sources", "list", "--json"))] == ["mine"]


def test_an_address_inside_the_network_is_refused_in_words_whatever_the_file_opens(
    tmp_path: Path, feed: FakePublisher
) -> None:
    listed = f"{feed.url}/listed.xml"
    configure(tmp_path, fetch=OPENED, sources=[{"id": "mine", "url": listed}])
    for verb in ("add", "test"):
        refused = type_(tmp_path, "sources", verb, address(feed))
        assert refused.returncode == 1
        assert "127.0.0.1 is not a public address" in refused.stderr
        assert "allow_networks" in refused.stderr
    assert feed.requests == []
    feed.set("/listed.xml", rss("소식", [item(1)]))
    assert type_(tmp_path, "sources", "test", listed).returncode == 0, "the file names it"


def test_a_source_added_for_an_address_that_turns_inner_is_not_read_any_more(
    tmp_path: Path, feed: FakePublisher
) -> None:
    configure(tmp_path, fetch=OPENED, sources=[{"id": "mine", "url": f"{feed.url}/listed.xml"}])
    assert type_(tmp_path, "sources", "add", address(feed), "--id", "new", program=LOOPBACK_BOT).returncode == 0
    feed.set("/listed.xml", rss("소식", [item(1)]))
    asked = len(feed.requests)
    polled = type_(tmp_path, "poll", "--all", "--json")
    assert polled.returncode == 1
    found = {row["source"]: row for row in map(json.loads, polled.stdout.splitlines())}
    assert (found["mine"]["new"], found["mine"]["problem"]) == (1, "")
    assert "not a public address" in found["new"]["problem"]
    assert [request.path for request in feed.requests[asked:]] == ["/listed.xml"]


def test_a_list_of_another_reader_is_imported_line_by_line_and_exported_again(tmp_path: Path) -> None:
    site = Site(tmp_path, "mine")
    configure(tmp_path, sources=[declared(site), {"id": "one", "url": "https://one.example/feed"}])
    (tmp_path / "list.opml").write_text(
        """<opml version="2.0"><body><outline text="경제"><outline text="국내">
        <outline text="둘" xmlUrl="https://two.example/feed"/>
        <outline text="또" xmlUrl="https://two.example/other"/></outline></outline>
        <outline text="하나" xmlUrl="https://one.example/feed"/>
        <outline text="둘" xmlUrl="https://two.example/feed"/>
        <outline text="안" xmlUrl="http://127.0.0.1/feed"/>
        <outline text="없음"/></body></opml>""",
        encoding="utf-8",
    )
    imported = type_(tmp_path, "opml", "import", "list.opml", "--json")
    assert imported.returncode == 1
    told = [json.loads(line) for line in imported.stdout.splitlines()]
    assert [(row["line"], row["state"], row["id"]) for row in told] == [
        (2, "added", "two-example"),
        (3, "added", "two-example-2"),
        (4, "known", "one"),
        (5, "known", "two-example"),
        (6, "refused", ""),
        (7, "refused", ""),
    ]
    assert "not a public address" in told[4]["problem"] and told[5]["problem"] == "no xmlUrl"
    assert "2 added, 2 known" not in imported.stdout
    again = type_(tmp_path, "opml", "import", "list.opml")
    assert "0 added, 4 known, 2 refused" in again.stdout
    exported = type_(tmp_path, "opml", "export")
    assert exported.returncode == 0 and "mine" in exported.stderr
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "list.opml").write_text(exported.stdout, encoding="utf-8")
    assert [(row["name"], row["url"], row["topics"]) for row in rows(type_(tmp_path, "opml", "export", "--json"))] == [
        ("one", "https://one.example/feed", []),
        ("둘", "https://two.example/feed", ["경제", "국내"]),
        ("또", "https://two.example/other", ["경제", "국내"]),
    ]
    elsewhere = rows(type_(tmp_path / "other", "opml", "import", "list.opml", "--json"))
    assert [row["state"] for row in elsewhere] == ["added"] * 3
    for wrong in ("none.opml", "sokbo.toml"):
        refused = type_(tmp_path, "opml", "import", wrong)
        assert refused.returncode in (1, 2) and len(refused.stderr.splitlines()) == 1


def test_trying_a_source_shows_its_alerts_and_keeps_nothing(tmp_path: Path, feed: FakePublisher) -> None:
    (shown,) = rows(type_(tmp_path, "sources", "test", address(feed), "--json", program=LOOPBACK_BOT))
    assert len(feed.requests) == 1
    assert shown["headline"] == "소식 0001호"
    assert (shown["verdict"], shown["document"]["kind"], shown["document"]["encoding"]) == ("alert", "feed", "utf-8")
    assert "소식 0001호" in type_(tmp_path, "sources", "test", address(feed), program=LOOPBACK_BOT).stdout
    assert address(feed) not in type_(tmp_path, "sources", "list", "--json").stdout


def test_trying_a_source_says_what_the_desk_would_do_with_each_entry(tmp_path: Path, feed: FakePublisher) -> None:
    original = '<p>출처: <a href="https://first.example/a">같은 소식</a></p><p>협약 3건이 체결되었습니다.</p>'
    feed.set("/other.xml", rss("다른 곳", [item(7, html=original)]))
    tables = [{"id": "mine", "url": address(feed)}, {"id": "other", "url": f"{feed.url}/other.xml"}]
    configure(tmp_path, fetch=OPENED, sources=tables)
    assert type_(tmp_path, "poll", "--all").returncode == 0
    changed, joins, new = item(1, title="고친 소식 0001호"), item(2, html=original), item(3)
    feed.set("/feed.xml", rss("소식", [new, joins, changed]))
    for _ in range(2):
        told = rows(type_(tmp_path, "sources", "test", address(feed), "--json"))
        assert [(row["verdict"], row["story_of"]) for row in told] == [
            ("alert", []),
            ("joins", ["other"]),
            ("changed", []),
        ]
    assert "[joins: other]" in type_(tmp_path, "sources", "test", address(feed)).stdout


# -------------------------------------------------------------------------------------------------------- deliveries


def test_deliveries_are_listed_and_retried_beside_a_running_bot(tmp_path: Path, feed: FakePublisher) -> None:
    with FakeTelegram() as telegram:
        telegram.add_chat(42, "private")
        feed.set("/feed.xml", rss("소식", []))
        configure(
            tmp_path, telegram={"token": telegram.token, "api_base": telegram.url, "open": True},
            web={"port": 0}, fetch=OPENED, sources=[{"id": "feed", "url": address(feed), "every": "500ms"}],
        )  # fmt: skip
        with Bot(tmp_path):
            telegram.send_text(42, 42, "/start")
            telegram.wait_for_messages(42, 1, 30)
            telegram.chats[42].refuses = "BUTTON_URL_INVALID"
            feed.set("/feed.xml", rss("소식", [item(1)]))
            listing = ("deliveries", "--status", "given_up", "--chat", "telegram:42", "--json")
            eventually(lambda: len(rows(type_(tmp_path, *listing))) == 1, 30)
            (shown,) = rows(type_(tmp_path, *listing))
            assert (shown["chat"], shown["headline"], shown["attempts"]) == ("telegram:42", "소식 0001호", 2)
            telegram.chats[42].refuses = ""
            assert "소식 0001호" in type_(tmp_path, "deliveries").stdout
            assert rows(type_(tmp_path, "deliveries", "--chat", "43", "--json")) == []
            assert rows(type_(tmp_path, "deliveries", "retry", str(shown["id"]), "--json")) == [
                {"id": shown["id"], "done": "retry"}
            ]
            (_, alert) = telegram.wait_for_messages(42, 2, 10)
            assert alert.text.startswith("소식 0001호")
            eventually(lambda: rows(type_(tmp_path, "deliveries", "--json")) == [], 20)
            assert {row["status"] for row in rows(type_(tmp_path, "deliveries", "--status", "all", "--json"))} == {
                "sent"
            }


@pytest.mark.parametrize(
    "args", [["--status", "lost"], ["retry"], ["retry", "x"], ["retry", "99"], ["retry", "1", "--all"]]
)
def test_deliveries_says_what_it_takes(archive: Path, args: list[str]) -> None:
    refused = type_(archive, "deliveries", *args)
    assert refused.returncode == 2 and refused.stderr.strip()
    assert rows(type_(archive, "deliveries", "retry", "--all", "--json")) == []


# ------------------------------------------------------------------------------------------------------------- check


def test_check_says_what_would_not_work(tmp_path: Path, archive: Path, feed: FakePublisher) -> None:
    fine = rows(type_(archive, "check", "--json"))
    assert {row["what"] for row in fine} == {"database", "source"}
    gone = {"id": "gone", "kind": "jekyll", "url": str(tmp_path / "nowhere"), "site_url": "https://site.example"}
    configure(tmp_path, fetch=OPENED, sources=[gone, {"id": "there", "kind": "feed", "url": address(feed)}])
    checked = type_(tmp_path, "check", "--json")
    assert checked.returncode == 1
    found = {row["name"]: row for row in map(json.loads, checked.stdout.splitlines())}
    assert found["gone"]["problem"]
    assert found["there"]["problem"] == ""


def test_check_tells_a_wrong_token_and_a_platform_that_does_not_answer(tmp_path: Path, feed: FakePublisher) -> None:
    source = {"id": "there", "kind": "feed", "url": address(feed)}
    with FakeTelegram() as telegram:
        wrong = {"token": "123:wrong-token-wrong-token-wrong-token-12", "api_base": telegram.url}
        configure(tmp_path, telegram=wrong, sources=[source])
        checked = type_(tmp_path, "check", SOKBO_LOG_LEVEL="DEBUG")
        assert checked.returncode == 1
        assert "token" in checked.stdout
        assert "wrong-token" not in checked.stdout + checked.stderr
    silent = {"token": telegram.token, "api_base": f"http://127.0.0.1:{free_port()}"}
    configure(tmp_path, telegram=silent, sources=[source])
    checked = type_(tmp_path, "check")
    assert checked.returncode == 1
    assert telegram.token not in checked.stdout + checked.stderr


# ------------------------------------------------------------------------------------------------------ what is wrong


def test_every_problem_of_the_configuration_is_listed_at_once(tmp_path: Path) -> None:
    (tmp_path / "sokbo.toml").write_text(
        'langauge = "ko"\n[web]\nport = "many"\n[[sources]]\nid = "a"\nkind = "rss"\nurl = "https://a.example"\n',
        encoding="utf-8",
    )
    refused = type_(tmp_path, "run", SOKBO_SLACK__BOT_TOKN="xoxb-1")
    assert refused.returncode == 2
    for said in (
        "sokbo.toml",
        "langauge",
        "port",
        "kind",
        "feed, jekyll, wordpress or sitemap",
        "SOKBO_SLACK__BOT_TOKN",
    ):
        assert said in refused.stderr, said
    assert "Traceback" not in refused.stderr


def test_a_configuration_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    refused = type_(tmp_path, "check", "--config", "nowhere.toml")
    assert refused.returncode == 2
    assert "nowhere.toml" in refused.stderr


def test_a_port_in_use_ends_the_start_and_says_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        refused = type_(tmp_path, SOKBO_WEB__PORT=port)
    assert refused.returncode == 1
    assert port in refused.stderr
    assert "[web] port" in refused.stderr


def broken_databases(folder: Path) -> dict[str, Path]:
    """Files that no desk can use, each by what is wrong with it."""
    corrupt = folder / "corrupt.db"
    corrupt.write_bytes(b"this is no database " * 200)
    a_folder = folder / "folder.db"
    a_folder.mkdir()
    newer = folder / "newer.db"
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999_from_the_future')")
    connection.close()
    a_file = folder / "file"
    a_file.write_text("")
    return {"corrupt": corrupt, "a folder": a_folder, "from a newer Sokbo": newer, "below a file": a_file / "sokbo.db"}


@pytest.mark.parametrize("which", ["corrupt", "a folder", "from a newer Sokbo", "below a file"])
def test_an_unreadable_database_ends_the_start_and_says_what_to_do(tmp_path: Path, which: str) -> None:
    path = broken_databases(tmp_path)[which]
    kept = path.read_bytes() if path.is_file() else b""
    for verb in ("run", "latest", "check"):
        refused = type_(
            tmp_path, verb, SOKBO_DATABASE_URL=f"sqlite:///{path}", SOKBO_WEB__PORT=str(free_port())
        )  # fmt: skip
        assert refused.returncode == 1, verb
        said = refused.stderr + refused.stdout
        assert "Traceback" not in said
        assert str(path) in said.replace("\n", "") or "database_url" in said
    assert (path.read_bytes() if path.is_file() else b"") == kept, "nothing is written over it"


# -------------------------------------------------------------------------------------------------------- life cycle


def test_a_second_copy_on_the_same_database_is_refused_and_names_the_first(tmp_path: Path) -> None:
    port = free_port()
    with Bot(tmp_path, environment={"SOKBO_WEB__PORT": str(port)}) as bot:
        wait_until_up(f"http://127.0.0.1:{port}")
        second = type_(tmp_path, SOKBO_WEB__PORT=str(free_port()))
        assert second.returncode == 1
        assert str(bot.process.pid) in second.stderr
        assert type_(tmp_path, "latest", "1").returncode == 0, "other verbs work beside it"
        assert bot.stop()[0] == 0
    with Bot(tmp_path, environment={"SOKBO_WEB__PORT": str(port)}) as bot:
        wait_until_up(f"http://127.0.0.1:{port}")


def test_a_source_added_beside_a_running_bot_is_read_within_seconds(tmp_path: Path, feed: FakePublisher) -> None:
    port = free_port()
    with Bot(tmp_path, environment={"SOKBO_WEB__PORT": str(port)}, program=ROOT / LOOPBACK_BOT):
        wait_until_up(f"http://127.0.0.1:{port}")
        added = type_(tmp_path, "sources", "add", address(feed), "--id", "new", program=LOOPBACK_BOT)
        assert added.returncode == 0, added.stderr
        # One look by `add` itself; the bot's own may come before `add` has ended.
        eventually(lambda: len(feed.requests) >= 2, 5, "for the running bot to read what `add` had read")


def test_an_interpreter_that_has_imported_nothing_starts_it_too(tmp_path: Path) -> None:
    """All others are started by fork: tests/programs/forked.py."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    environment = {**os.environ, "SOKBO_WEB__PORT": str(port)}
    with subprocess.Popen([sys.executable, str(ROOT / "bot.py")], cwd=tmp_path, env=environment) as process:
        wait_until_up(url)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_within_five_seconds_and_cleanly(tmp_path: Path, number: int) -> None:
    port = free_port()
    with Bot(tmp_path, environment={"SOKBO_WEB__PORT": str(port)}) as bot:
        wait_until_up(f"http://127.0.0.1:{port}")
        status, took = bot.stop(number)
    assert (status, took < 5) == (0, True)
    assert "Traceback" not in bot.output


def test_a_second_start_alerts_what_is_new_and_nothing_twice(tmp_path: Path) -> None:
    environment = {"SOKBO_WEB__PORT": str(free_port())}
    with Bot(tmp_path, environment=environment) as bot:
        bot.wait_for_line("→ console", 30)
        assert bot.stop()[0] == 0
        first = [line for line in bot.lines if "→ console" in line]
    post = "---\ntitle: 새로 올라온 글\n---\n<p>두 번째 시작 뒤에 올라온 글이다.</p>\n"
    (tmp_path / "data/examples/site/_posts/2026-03-20-new.md").write_text(post, encoding="utf-8")
    with Bot(tmp_path, environment=environment) as bot:
        bot.wait_for_line("새로 올라온 글", 10)
        assert bot.stop()[0] == 0
        second = [line for line in bot.lines if "→ console" in line]
    assert [len(first), len(second)] == [1, 1]


def test_the_sample_site_can_be_written_even_where_the_program_is_read_only(tmp_path: Path) -> None:
    program = tmp_path / "program"
    shutil.copytree(
        ROOT, program, ignore=shutil.ignore_patterns(".git", ".venv", "data", "build", "tests", "__pycache__")
    )
    for path in [program / "examples", *(program / "examples").rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = type_(tmp_path / "home", "poll", program=str(program / "bot.py"))
    assert done.returncode == 0, done.stderr
    copied = tmp_path / "home" / "data" / "examples"
    assert all(path.stat().st_mode & stat.S_IWUSR for path in [copied, *copied.rglob("*")])
    for path in (program / "examples").rglob("*"):
        path.chmod(0o755)
    (program / "examples").chmod(0o755)
