"""A publisher's git repository, served by git's own `http-backend` on loopback; commits are made by the real git."""

import asyncio
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from tests.fakes.server import LoopbackServer


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


class FakeRepository(LoopbackServer):
    """`url` is where it is served. `asked` holds the requests; `answer` is given in place of git's."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.work = folder / "work"
        self.asked: list[str] = []
        self.answer: Answer | None = None
        self.held: asyncio.Event | None = None
        self.git("init", "--quiet", "--initial-branch=main", str(self.work), at=folder)

    @property
    def repository(self) -> str:
        return f"{self.url}/site.git"

    def git(self, *arguments: str, at: Path | None = None) -> str:
        environment = {
            "PATH": os.environ["PATH"], "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "desk", "GIT_AUTHOR_EMAIL": "desk@site.example",
            "GIT_COMMITTER_NAME": "desk", "GIT_COMMITTER_EMAIL": "desk@site.example",
        }  # fmt: skip
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *arguments],
            cwd=at or self.work, env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        file = self.work / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def commit(self, *, rewritten: bool = False) -> str:
        """Everything as a commit; `rewritten`: as the only one, as if there had never been another."""
        self.git("add", "--all")
        if rewritten:
            commit = self.git("commit-tree", self.git("write-tree"), "-m", "all of it")
            self.git("update-ref", "refs/heads/main", commit)
        else:
            self.git("commit", "--quiet", "--allow-empty", "-m", "news")
        return self.git("rev-parse", "HEAD")

    def routes(self, app: web.Application) -> None:
        app.router.add_route("*", "/{path:.*}", self._serve_git)

    async def _serve_git(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs}")
        self.notify()
        if self.held is not None:
            await self.held.wait()
        if self.answer is not None:
            return web.Response(status=self.answer.status, headers=self.answer.headers, text=self.answer.text)
        environment = {
            "PATH": os.environ["PATH"], "GIT_HTTP_EXPORT_ALL": "1", "GIT_PROJECT_ROOT": str(self.work),
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
            "REQUEST_METHOD": request.method, "QUERY_STRING": request.query_string,
            "PATH_INFO": request.path.replace("/site.git", "/.git", 1), "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            "git", "http-backend", env=environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await process.communicate(await request.read())
        head, _, body = printed.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        status = int(headers.pop("Status", "200").split()[0])
        return web.Response(status=status, headers=headers, body=body)
