"""A Jekyll site in a git repository at an https address: which posts changed since the last look.

Nothing is ever checked out. Git brings the newest commit, and no history, into a bare repository of our own, and posts
are read from there as blobs by their hash: no link can be followed, no hook or filter run, no submodule asked for.
"""

import asyncio
import fcntl
import hashlib
import os
import re
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config.settings import Fetch
from errors import SourceError
from models import REPOSITORY, Source
from sources import confined
from sources.documents import Document, Fetched, Unchanged
from sources.folder import CONFIG, SUFFIXES
from sources.jekyll import natural_key
from sources.transport import permitted, resolve

TRANSPORT = "https"
ADDRESS = REPOSITORY
POSTS = "_posts"
NEWEST = "refs/heads/newest"
PLAIN = frozenset({"100644", "100755"})
"""Modes of plain files; links (120000) and submodules (160000) are none."""
PINS_SINCE = (2, 37)
"""The first git that knows `http.curloptResolve`; an older one would ask the DNS by itself, and we would not know."""
FETCH_WITHIN = 120.0
MAX_DOWNLOAD = 256_000_000
MAX_READ = 100_000_000
MAX_LIST = 20_000_000
MAX_MEMORY = 2_000_000_000
CPU_SECONDS = 60
PIECE = 65536
OFFLINE = ("protocol.allow=never",)
SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.fsmonitor=false",
    "core.bigFileThreshold=1m",
    "core.packedGitWindowSize=16m",
    "core.packedGitLimit=64m",
    "core.deltaBaseCacheLimit=16m",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "pack.threads=1",
    "fetch.unpackLimit=1",  # always one pack, which the limit of a file's size then caps
    "fetch.recurseSubmodules=false",
    "transfer.bundleURI=false",
    "http.proxy=",
    "http.followRedirects=false",
    "http.sslVerify=true",
    "http.lowSpeedLimit=1000",
)
SAID = (
    (r"timed out|too slow", "timeout", "no full answer in time"),
    (r"certificate has expired", "certificate-expired", "the certificate has expired"),
    (r"certificate|SSL: no alternative", "certificate", "the certificate is not valid"),
    (r"SSL|TLS|gnutls", "tls", "no encrypted connection could be agreed on"),
    (r"error: 30[1278]\b|redirect", "redirect", "it redirects: give the address that it has now"),
    (r"could not read Username|Authentication failed|error: 401\b",
     "http-401", "it asks for a password, or is not there"),
    (r"repository .* not found|error: 404\b", "http-404", "there is no repository at this address (404)"),
    (r"File too large", "too-large", f"larger than {MAX_DOWNLOAD:,} bytes without its history"),
    (r"[Oo]ut of memory|malloc failed|mmap failed", "memory", "reading it needs more memory than a source may have"),
    (r"[Cc]ould(n't| not) connect|Failed to connect|Connection refused|Could not resolve",
     "connect", "cannot connect: nobody answers at this address"),
    (r"not valid: is this a git repository|dumb http|invalid info/refs|bad line length|protocol error",
     "no-repository", "what stands there is no git repository that can be read by git's smart protocol"),
    (r"early EOF|hung up|unexpected disconnect|RPC failed", "cut", "the answer was cut off before its end"),
)  # fmt: skip
"""What git says, as our reasons and words: its own, and what the other side has it say, are shown to nobody."""


@dataclass(frozen=True, slots=True)
class Git:
    """The program, for one repository of ours. `online`: the settings with which it may connect, to one host only."""

    program: str
    folder: Path
    online: tuple[str, ...] = ()

    @property
    def begun(self) -> Path:
        """Is there while the repository may be half done or damaged: such a one is made anew."""
        return self.folder.with_suffix(".begun")

    def command(self, *arguments: str) -> list[str]:
        settings = [part for one in (*SETTINGS, *(self.online or OFFLINE)) for part in ("-c", one)]
        return [self.program, f"--git-dir={self.folder}", *settings, *arguments]

    @asynccontextmanager
    async def running(self, *arguments: str) -> AsyncIterator[Process]:
        """Git at work, with nothing of our environment; it and what it started have ended afterwards."""
        limits = (os.getpid(), CPU_SECONDS, MAX_MEMORY, MAX_DOWNLOAD)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", confined.__file__, *map(str, limits), *self.command(*arguments),
            stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True, cwd=self.folder, env=self._environment(),
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            await asyncio.shield(process.wait())

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_NO_LAZY_FETCH": "1",
        }

    async def __call__(self, *arguments: str, most: int = PIECE) -> bytes:
        """What git prints. Raises SourceError where it fails, or prints more than `most` bytes."""
        async with self.running(*arguments) as process:
            assert process.stdin is not None and process.stdout is not None and process.stderr is not None
            process.stdin.close()
            errors = asyncio.create_task(_tail(process.stderr))
            try:
                printed = await _head(process.stdout, most)
                said, status = await errors, await process.wait()
            finally:
                errors.cancel()
            if status:
                raise _in_words(said, status)
            return printed


async def fetch(source: Source, validators: Mapping[str, Any], settings: Fetch, clones: Path) -> Fetched | Unchanged:
    """The site's configuration and every post that is new or changed, in natural number order.

    Only for sources of the configuration file. Repositories are kept in the folder `clones`. Raises SourceError.
    """
    if not ADDRESS.fullmatch(source.url):
        raise SourceError("address", "a git repository needs an https address without name, password and query")
    folder = clones / f"{source.id}-{hashlib.blake2b(source.url.encode(), digest_size=8).hexdigest()}.git"
    try:
        async with asyncio.timeout(FETCH_WITHIN):
            offline = Git(await _program(), folder)
            online = Git(offline.program, folder, await _to_one_host(source.url, settings))
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            async with _alone(folder):
                return await _look(source.url, validators, settings, offline, online)
    except TimeoutError as error:
        raise SourceError("timeout", "no full answer in time") from error
    except OSError as error:
        raise SourceError("folder", f"its copy cannot be kept: {error.strerror}") from error


async def _look(
    url: str, validators: Mapping[str, Any], settings: Fetch, offline: Git, online: Git
) -> Fetched | Unchanged:
    await _ready(offline)
    async with asyncio.timeout(settings.timeout):
        head = _head_in(await online("ls-remote", "--quiet", "--", url, "HEAD"))
    if not head:
        raise SourceError("no-repository", "there is no git repository with a commit at this address")
    if head == validators.get("head"):
        return Unchanged()
    commit = await _bring(url, offline, online)
    try:
        return await _read(commit, validators, settings, offline)
    except SourceError as error:
        if error.reason not in ("no-posts", "too-large"):
            offline.begun.touch()
        raise


async def _read(commit: str, validators: Mapping[str, Any], settings: Fetch, offline: Git) -> Fetched | Unchanged:
    config, posts = _plain(await offline("ls-tree", "-z", "-l", commit, "--", f"{POSTS}/", CONFIG, most=MAX_LIST))
    if not posts:
        raise SourceError("no-posts", f"the repository has no folder {POSTS} with posts in it")
    known: Mapping[str, Any] = validators.get("files", {})
    files = {name: blob for name, (blob, _) in posts.items()}
    changed = [name for name in sorted(posts, key=natural_key) if known.get(name) != posts[name][0]]
    kept = {"files": files, "head": commit}
    if not changed:
        return Unchanged(validators=kept)
    wanted = [(CONFIG, config)] if config else []
    wanted += [(name, posts[name]) for name in changed]
    documents = await _blobs(offline, wanted, settings.max_bytes)
    return Fetched(tuple(documents if config else [Document(CONFIG, b""), *documents]), kept)


async def _program() -> str:
    program = shutil.which("git")
    if program is None:
        raise SourceError("no-git", "git is not installed where Sokbo runs: install the package git (2.37 or later)")
    process = await asyncio.create_subprocess_exec(program, "version", stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
    said, _ = await process.communicate()
    if not pins(said.decode("ascii", "replace")):
        raise SourceError("no-git", "git is too old where Sokbo runs: install 2.37 or later")
    return program


def pins(version: str) -> bool:
    """Whether this git connects to the address that it is given, and to no other."""
    found = re.match(r"git version (\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) >= PINS_SINCE


async def _to_one_host(url: str, settings: Fetch) -> tuple[str, ...]:
    """Settings with which git connects to the addresses that were checked here, whatever the DNS says by then."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port or 443
        found = await resolve(host, port)
    except ValueError as error:
        raise SourceError("address", f"this is no web address that can be read ({error})") from error
    except OSError as error:
        raise SourceError("dns", "its name has no address (DNS)") from error
    addresses = permitted(found, host, tuple(map(ip_network, settings.allow_networks)))
    written = ",".join(f"[{one}]" if one.version == 6 else str(one) for one in addresses)
    return (
        "protocol.allow=never",
        f"protocol.{TRANSPORT}.allow=always",
        f"http.curloptResolve={host}:{port}:{written}",
        f"http.lowSpeedTime={max(1, int(settings.timeout))}",
    )


@asynccontextmanager
async def _alone(folder: Path) -> AsyncIterator[None]:
    """One look at a time: `sources test` may be at it beside the running desk."""
    with folder.with_suffix(".lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(0.05)
        yield


async def _ready(offline: Git) -> None:
    """An empty repository in place of none, of what an interrupted git left behind, and of what has grown too large:
    everything can be had again."""
    folder, begun = offline.folder, offline.begun
    if begun.exists() or not (folder / "HEAD").exists() or await asyncio.to_thread(_size, folder) > MAX_DOWNLOAD:
        begun.touch()
        await asyncio.to_thread(_emptied, folder)
        await offline("init", "--quiet", "--bare", "--template=")
        begun.unlink()


async def _bring(url: str, offline: Git, online: Git) -> str:
    """Bring the newest commit, wherever the branch points now; returns its hash."""
    offline.begun.touch()
    await online(
        "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head",
        "--no-auto-maintenance", "--force", "--", url, f"+HEAD:{NEWEST}",
    )  # fmt: skip
    commit = _head_in(await offline("rev-parse", "--verify", f"{NEWEST}^{{commit}}"))
    offline.begun.unlink()
    return commit


def _emptied(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _size(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())


def _head_in(printed: bytes) -> str:
    found = re.match(rb"[0-9a-f]{40,64}(?=\s)", printed)
    return found[0].decode() if found else ""


Blob = tuple[str, int]
"""Its hash and its size."""


def _plain(printed: bytes) -> tuple[Blob | None, dict[str, Blob]]:
    """The configuration and the posts of a listing: plain files only, by their names."""
    config: Blob | None = None
    posts = dict[str, Blob]()
    for line in printed.split(b"\0"):
        facts, _, path = line.decode("utf-8", "replace").partition("\t")
        mode, _, rest = facts.partition(" ")
        kind, blob, size = (*rest.split(), "", "", "")[:3]
        if mode not in PLAIN or kind != "blob" or not size.isdigit():
            continue
        folder, _, name = path.rpartition("/")
        if path == CONFIG:
            config = (blob, int(size))
        elif folder == POSTS and name.endswith(SUFFIXES):
            posts[name] = (blob, int(size))
    return config, posts


async def _blobs(git: Git, wanted: Iterable[tuple[str, Blob]], max_bytes: int) -> list[Document]:
    """Blobs by their hash, each cut at `max_bytes`, as the posts of a folder are."""
    documents, total = list[Document](), 0
    async with git.running("cat-file", "--batch") as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        errors = asyncio.create_task(_tail(process.stderr))
        try:
            for name, (blob, size) in wanted:
                total += min(size, max_bytes)
                if total > MAX_READ:
                    raise SourceError("too-large", f"its posts are larger than {MAX_READ:,} bytes together")
                process.stdin.write(f"{blob}\n".encode())
                await process.stdin.drain()
                if await process.stdout.readline() != f"{blob} blob {size}\n".encode():
                    raise SourceError("damaged", "its copy is damaged")
                documents.append(Document(name, await process.stdout.readexactly(min(size, max_bytes))))
                await _skip(process.stdout, size - len(documents[-1].body) + 1)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise SourceError("damaged", "its copy is damaged") from error
        finally:
            errors.cancel()
    return documents


async def _skip(stream: asyncio.StreamReader, count: int) -> None:
    while count:
        count -= len(await stream.readexactly(min(count, PIECE)))


async def _head(stream: asyncio.StreamReader, most: int) -> bytes:
    printed = bytearray()
    while part := await stream.read(PIECE):
        printed += part
        if len(printed) > most:
            raise SourceError("too-large", f"a list of more than {most:,} bytes")
    return bytes(printed)


async def _tail(stream: asyncio.StreamReader) -> str:
    """The last that was said, however much that was."""
    said = b""
    while part := await stream.read(PIECE):
        said = (said + part)[-4000:]
    return said.decode("utf-8", "replace")


def _in_words(said: str, status: int) -> SourceError:
    own = "\n".join(line for line in said.splitlines() if not line.startswith("remote:"))
    own = re.sub(r"'https?://[^']*'", "''", own)  # an address may hold any word
    for pattern, reason, words in SAID:
        if re.search(pattern, own):
            return SourceError(reason, words)
    if found := re.search(r"error: ([45]\d\d)\b", own):
        return SourceError(f"http-{found[1]}", f"it answers {found[1]}")
    if status < 0 or status == 128 + signal.SIGKILL:
        return SourceError("cpu", "reading it takes more than one source may take")
    return SourceError("git", "git cannot read it")
