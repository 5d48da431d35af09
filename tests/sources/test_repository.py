"""A Jekyll site in a git repository: a real git on both sides, the publisher's on loopback, and hostile ones."""

import asyncio
import os
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest

import pipeline
from config.settings import Fetch
from errors import SourceError
from models import REPOSITORY, Kind, Source, is_elsewhere
from sources import confined, kinds, repository
from sources.addresses import Address
from sources.documents import Document, Fetched, Unchanged
from sources.folder import parse
from storage import sources as stored
from tests.conftest import Clock
from tests.fakes.certificates import Authority
from tests.fakes.repository import Answer, FakeRepository
from tests.senders import ScriptedSender
from tests.test_pipeline import deliver, subscribe

OPENED = Fetch(timeout=5.0, allow_networks=("127.0.0.0/8",))
POST = "---\ntitle: 소식 {number}호\n---\n본문 {number}.\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRepository]:
    """Over http, which no key of the product opens."""
    monkeypatch.setattr(repository, "TRANSPORT", "http")
    monkeypatch.setattr(repository, "ADDRESS", re.compile(REPOSITORY.pattern.replace("https", "http", 1)))
    (tmp_path / "theirs").mkdir()
    with FakeRepository(tmp_path / "theirs") as made:
        made.write("_config.yml", "url: https://site.example\n")
        for number in (1, 2, 10):
            made.write(f"_posts/2026-06-17-{number}.md", POST.format(number=number))
        made.commit()
        yield made


class Reader:
    """Looks at a repository again and again, as the poller does."""

    def __init__(self, site: FakeRepository, folder: Path, url: str = "", settings: Fetch = OPENED) -> None:
        self.source = Source("site", "site", Kind.JEKYLL, url or site.repository)
        self.clones = folder / "ours"
        self.settings = settings
        self.fetched = Fetched(())

    async def look(self, *, trusted: bool = True) -> list[str] | None:
        """The titles of what is new or changed; None: unchanged."""
        async with httpx.AsyncClient() as http:
            found = await kinds.fetch(
                http, self.source, self.fetched.validators, self.settings, trusted=trusted, clones=self.clones
            )
        if isinstance(found, Unchanged):
            if found.validators is not None:
                self.fetched = Fetched((), found.validators)
            return None
        self.fetched = found
        return [post.title for post in parse(self.source, found.documents)]

    async def refusal(self, *, trusted: bool = True) -> SourceError:
        with pytest.raises(SourceError) as caught:
            await self.look(trusted=trusted)
        return caught.value


@pytest.fixture
def reader(site: FakeRepository, tmp_path: Path) -> Reader:
    return Reader(site, tmp_path)


async def test_only_what_changed_is_read(site: FakeRepository, reader: Reader) -> None:
    assert await reader.look() == ["소식 1호", "소식 2호", "소식 10호"]
    assert reader.fetched.documents[0].body == b"url: https://site.example\n"
    site.asked.clear()
    assert await reader.look() is None
    assert [one for one in site.asked if one.startswith("POST")] == ["POST /site.git/git-upload-pack"]  # of the names
    site.write("_posts/2026-06-17-2.md", POST.format(number="2 바로잡은"))
    site.write("about.md", "not a post")
    site.commit()
    assert await reader.look() == ["소식 2 바로잡은호"]
    site.write("about.md", "still none")
    site.commit()
    assert await reader.look() is None
    assert await reader.look() is None


async def test_a_changed_post_edits_the_message_that_was_sent(
    site: FakeRepository, reader: Reader, desk: pipeline.Desk, clock: Clock
) -> None:
    desk.settings = desk.settings.model_copy(update={"fetch": OPENED})
    sender = ScriptedSender()
    desk.senders = {sender.name: sender}
    reader.source = replace(reader.source, first_read=1)
    async with desk.database.write() as tx:
        await stored.declare(tx, [reader.source], desk.now(), 60)
    await subscribe(desk, "a")
    assert await poll(desk, reader) == 3
    await deliver(desk)
    site.write("_posts/2026-06-17-10.md", POST.format(number="10 바로잡은"))
    site.commit(rewritten=True)
    assert await poll(desk, reader) == 0
    await deliver(desk)
    assert [parcel.alerts[0].headline for parcel in sender.sent] == ["소식 10호"]
    assert [parcel.alerts[0].headline for parcel in sender.edited] == ["소식 10 바로잡은호"]


async def poll(desk: pipeline.Desk, reader: Reader) -> int:
    async with desk.database.read() as connection:
        watched = await stored.one(connection, reader.source.id)
    assert watched is not None and watched.from_file
    return await pipeline.poll(desk, watched)


async def test_a_rewritten_history_is_read_as_what_it_holds_now(site: FakeRepository, reader: Reader) -> None:
    await reader.look()
    site.write("_posts/2026-06-17-11.md", POST.format(number=11))
    site.commit(rewritten=True)
    assert await reader.look() == ["소식 11호"]
    (site.work / "_posts/2026-06-17-11.md").unlink()
    site.commit(rewritten=True)
    assert await reader.look() is None


async def test_a_copy_that_was_lost_or_left_half_done_is_made_anew(site: FakeRepository, reader: Reader) -> None:
    await reader.look()
    (copy,) = reader.clones.glob("*.git")
    (copy / "shallow.lock").touch()
    copy.with_suffix(".begun").touch()
    site.write("_posts/2026-06-17-11.md", POST.format(number=11))
    site.commit()
    assert await reader.look() == ["소식 11호"]
    for file in [*copy.rglob("*.pack"), *copy.rglob("*.idx")]:
        file.unlink()
    site.write("_posts/2026-06-17-12.md", POST.format(number=12))
    site.commit()
    assert await reader.look() == ["소식 12호"]
    shutil.rmtree(reader.clones)
    assert await reader.look() is None


async def test_a_copy_that_turns_out_damaged_is_thrown_away(
    site: FakeRepository, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def damaged(*_: object) -> list[Document]:
        raise SourceError("damaged", "its copy is damaged")

    with monkeypatch.context() as patched:
        patched.setattr(repository, "_blobs", damaged)
        assert (await reader.refusal()).reason == "damaged"
    (copy,) = reader.clones.glob("*.git")
    (copy / "old").touch()
    assert await reader.look() == ["소식 1호", "소식 2호", "소식 10호"]
    assert not (copy / "old").exists()


@pytest.mark.parametrize(("modes", "seen"), [(repository.PLAIN, False), (repository.PLAIN | {"120000"}, True)])
async def test_links_hooks_and_submodules_do_nothing(
    site: FakeRepository,
    reader: Reader,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    modes: frozenset[str],
    seen: bool,
) -> None:
    monkeypatch.setattr(repository, "PLAIN", modes)
    await reader.look()
    ran = tmp_path / "ran"
    for hook in ("post-checkout", "reference-transaction", "post-merge"):
        site.write(f"hooks/{hook}", f"#!/bin/sh\ntouch {ran}\n")
        (site.work / "hooks" / hook).chmod(0o755)
    site.write(".gitattributes", "*.md filter=evil\n")
    site.write(".gitmodules", f'[submodule "x"]\n\tpath = _posts/x.md\n\turl = {site.url}/other.git\n')
    (site.work / "_posts" / "2026-06-17-20.md").symlink_to("/etc/passwd")
    head = site.git("rev-parse", "HEAD")
    site.commit()
    site.git("update-index", "--add", "--cacheinfo", f"160000,{head},_posts/x.md")
    site.git("commit", "--quiet", "-m", "with a submodule")
    site.write("_posts/2026-06-17-21.md", POST.format(number=21))
    site.git("add", "_posts/2026-06-17-21.md")
    site.git("commit", "--quiet", "-m", "news")
    found = await reader.look()
    names = {one.name: one.body for one in reader.fetched.documents}
    assert found is not None and "소식 21호" in found
    assert names.get("2026-06-17-20.md") == (b"/etc/passwd" if seen else None)  # never what the link leads to
    assert "x.md" not in names and not any("other.git" in one for one in site.asked)
    assert not ran.exists()
    assert not list(reader.clones.rglob("*.md"))


async def test_a_folder_that_is_a_link_holds_no_posts(site: FakeRepository, reader: Reader) -> None:
    site.git("rm", "-r", "--quiet", "_posts")
    (site.work / "_posts").symlink_to("/etc")
    site.commit()
    assert (await reader.refusal()).reason == "no-posts"


async def test_a_huge_post_is_cut_and_a_huge_repository_refused(
    site: FakeRepository, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.settings = Fetch(timeout=5.0, max_bytes=1000, allow_networks=("127.0.0.0/8",))
    site.write("_posts/2026-06-17-3.md", POST.format(number=3) + "가" * 1_000_000)
    site.commit()
    assert await reader.look() == ["소식 1호", "소식 2호", "소식 3호", "소식 10호"]
    assert max(len(one.body) for one in reader.fetched.documents) == 1000
    monkeypatch.setattr(repository, "MAX_DOWNLOAD", 300_000)
    (site.work / "_posts/2026-06-17-4.md").write_bytes(os.urandom(600_000))
    site.commit()
    assert (await reader.refusal()).reason == "too-large"
    monkeypatch.setattr(repository, "MAX_DOWNLOAD", 3_000_000)
    monkeypatch.setattr(repository, "MAX_READ", 2000)
    reader.fetched = Fetched(())
    assert (await reader.refusal()).reason == "too-large"


async def test_git_goes_to_the_address_that_was_checked_whatever_the_dns_says_then(
    site: FakeRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(host: str, port: int) -> list[Address]:
        return [ip_address("127.0.0.1")]

    monkeypatch.setattr(repository, "resolve", resolve)
    reader = Reader(site, tmp_path, f"http://site.invalid:{site.port}/site.git")  # no DNS ever knows this name
    assert await reader.look() == ["소식 1호", "소식 2호", "소식 10호"]


HOST = "site.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def encrypted(tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRepository]:
    """Over https and by its name, as git is used; only its authority is one of ours."""

    async def resolve(host: str, port: int) -> list[Address]:
        return [ip_address("127.0.0.1")]

    monkeypatch.setattr(repository, "resolve", resolve)
    (tmp_path / "theirs").mkdir()
    served = FakeRepository(tmp_path / "theirs")
    served.tls = authority.context(HOST)
    with served:
        served.write("_posts/2026-06-17-1.md", POST.format(number=1))
        served.commit()
        yield served


def trust(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "SETTINGS", (*repository.SETTINGS, f"http.sslCAInfo={authority.ca}"))


async def test_a_repository_is_read_over_https_where_its_certificate_is_good(
    encrypted: FakeRepository, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(authority, monkeypatch)
    reader = Reader(encrypted, tmp_path, f"https://{HOST}:{encrypted.port}/site.git")
    assert await reader.look() == ["소식 1호"]
    encrypted.write("_posts/2026-06-17-2.md", POST.format(number=2))
    encrypted.commit()
    assert await reader.look() == ["소식 2호"]
    assert encrypted.asked


@pytest.mark.parametrize(("wrong", "verified"), [("authority", True), ("name", True), ("name", False)])
async def test_a_certificate_of_nobody_or_of_another_is_refused(
    encrypted: FakeRepository,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrong: str,
    verified: bool,
) -> None:
    if wrong == "name":
        trust(authority, monkeypatch)
    host = HOST if wrong == "authority" else "other.example"
    reader = Reader(encrypted, tmp_path, f"https://{host}:{encrypted.port}/site.git")
    if not verified:  # what a git that does not look would do
        monkeypatch.setattr(repository, "SETTINGS", (*repository.SETTINGS, "http.sslVerify=false"))
        assert await reader.look() == ["소식 1호"]
        return
    assert (await reader.refusal()).reason == "certificate"
    assert encrypted.asked == []


async def test_what_is_not_public_is_refused_unless_it_was_opened(site: FakeRepository, tmp_path: Path) -> None:
    for host in ("127.0.0.1", "localhost", "127.1", "0x7f000001"):
        reader = Reader(site, tmp_path, f"http://{host}:{site.port}/site.git", Fetch(timeout=5.0))
        assert (await reader.refusal()).reason == "address", host
    reader = Reader(site, tmp_path, "http://169.254.169.254/site.git", Fetch(allow_networks=("169.254.0.0/16",)))
    assert (await reader.refusal()).reason == "address"
    assert site.asked == []


async def test_only_the_configuration_file_names_repositories(site: FakeRepository, reader: Reader) -> None:
    assert (await reader.refusal(trusted=False)).reason == "address"
    assert site.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://host.example/site.git",
        "ssh://git@host.example/site.git",
        "git@host.example:owner/site.git",
        "git://host.example/site.git",
        "file:///etc",
        "ext::sh -c id",
        "https://name:secret@host.example/site.git",
        "https://host.example/site.git?x=1",
        "https://host.example/site.git\n--upload-pack=id",
        "https://host.example./site.git",
        "https://hóst.example/site.git",
        "--upload-pack=id://x",
    ],
)
async def test_no_other_transport_is_asked(tmp_path: Path, url: str) -> None:
    assert is_elsewhere(url)
    async with httpx.AsyncClient() as http:
        with pytest.raises(SourceError) as caught:
            source = Source("site", "site", Kind.JEKYLL, url)
            await kinds.fetch(http, source, {}, OPENED, trusted=True, clones=tmp_path / "ours")
    assert caught.value.reason == "address" and "secret" not in str(caught.value)
    assert not (tmp_path / "ours").exists()


def test_folders_of_this_machine_are_no_repositories() -> None:
    assert not any(map(is_elsewhere, ("site", "/srv/site", "./a@b/c:d", "C/site", "data/examples/site")))
    assert REPOSITORY.fullmatch("https://git.example.org/owner/site.git")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(404), "http-404"),
        (Answer(401, {"WWW-Authenticate": 'Basic realm="x"'}), "http-401"),
        (Answer(503), "http-503"),
        (Answer(301, {"Location": "http://127.0.0.1:1/other.git"}), "redirect"),
        (Answer(200, text="<html>no git here</html>"), "no-repository"),
    ],
)
async def test_the_reason_is_said_in_words(site: FakeRepository, reader: Reader, answer: Answer, reason: str) -> None:
    site.answer = answer
    error = await reader.refusal()
    assert error.reason == reason, (error.reason, str(error))


async def test_nobody_there(site: FakeRepository, tmp_path: Path) -> None:
    assert (await Reader(site, tmp_path, "http://127.0.0.1:1/site.git").refusal()).reason == "connect"


async def test_without_git_it_is_said_what_to_install(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    error = await reader.refusal()
    assert error.reason == "no-git" and "install the package git" in str(error)


def test_a_git_that_would_ask_the_dns_itself_is_too_old() -> None:
    assert [repository.pins(f"git version {one}") for one in ("2.36.6", "2.37.0", "3.0", "")] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("fatal: unable to access 'x': SSL certificate problem: certificate has expired", "certificate-expired"),
        ("fatal: unable to access 'x': server certificate verification failed. CAfile: none", "certificate"),
        ("fatal: unable to access 'x': SSL certificate problem: self-signed certificate", "certificate"),
        ("fatal: unable to access 'x': gnutls_handshake() failed: Handshake failed", "tls"),
        ("fatal: unable to access 'x': Operation too slow. Less than 1000 bytes/sec", "timeout"),
        ("remote: certificate has expired\nfatal: something new", "git"),
    ],
)
def test_what_git_says_is_told_by_our_words(said: str, reason: str) -> None:
    assert repository._in_words(said, 128).reason == reason


async def test_who_does_not_answer_is_left_and_nothing_runs_on(site: FakeRepository, reader: Reader) -> None:
    site.held = asyncio.Event()
    reader.settings = Fetch(timeout=1.0, allow_networks=("127.0.0.0/8",))
    assert (await reader.refusal()).reason == "timeout"
    site.loop.call_soon_threadsafe(site.held.set)
    site.wait_until_quiet()
    assert not running(reader.clones)
    site.held = None
    assert await reader.look() == ["소식 1호", "소식 2호", "소식 10호"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere git ends with its deadline")
def test_git_dies_with_the_desk_however_that_dies() -> None:
    start = (
        "import os, subprocess, sys; limits = ['60', '2000000000', '1000', '/bin/sleep', '1000'];"
        "child = subprocess.Popen([sys.executable, '-I', '-S', sys.argv[1], str(os.getpid()), *limits]);"
        "print(child.pid, flush=True); child.wait()"
    )
    parent = subprocess.Popen([sys.executable, "-c", start, confined.__file__], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    ended = os.pidfd_open(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    assert select.select([ended], [], [], 10)[0]
    os.close(ended)


def running(clones: Path) -> list[str]:
    """The programs that work in our copies."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(clones) in str((process / "cwd").readlink()):
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found
