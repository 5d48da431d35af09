"""A Jekyll site in a folder: which posts changed since the last look."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from errors import SourceError
from models import Post, Source
from sources.documents import Document, Fetched, Unchanged
from sources.jekyll import natural_key, read_config, read_post

SUFFIXES = (".md", ".markdown", ".html")
CONFIG = "_config.yml"


def read(url: str, validators: Mapping[str, Any], max_bytes: int) -> Fetched | Unchanged:
    """The site's configuration and every post that is new or changed, in natural number order.

    `url` is the folder that holds `_posts`, or `_posts` itself. Blocks on the disk: call it in a thread. A file that
    cannot be read now is tried again at the next look. Raises SourceError when the folder is not there.
    """
    root = Path(url)
    posts = root if root.name == "_posts" else root / "_posts"
    if not posts.is_dir():
        raise SourceError("no-folder", f"there is no folder {posts}: give the folder that holds _posts")
    known: Mapping[str, Any] = validators.get("files", {})
    files, documents = dict[str, str](), list[Document]()
    for name in sorted(_names(posts), key=natural_key):
        signature = _signature(posts / name, posts)
        if signature is None:
            continue
        if known.get(name) == signature:
            files[name] = signature
            continue
        body = _body(posts / name, max_bytes)
        if body is not None:
            files[name] = signature
            documents.append(Document(name, body))
    if files == dict(known) and not documents:
        return Unchanged()
    config = _body(posts.parent / CONFIG, max_bytes) or b""
    return Fetched((Document(CONFIG, config), *documents), {"files": files})


def _names(posts: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(posts) if entry.name.endswith(SUFFIXES)]
    except OSError as error:
        raise SourceError("folder", f"the folder cannot be read: {error.strerror}") from error


def _signature(file: Path, folder: Path) -> str | None:
    """Size and time of change; None for what is no plain file inside the folder (symlinks may lead out of it)."""
    try:
        if file.is_symlink() and not file.resolve().is_relative_to(folder.resolve()):
            return None
        state = file.stat()
    except OSError:
        return None
    return f"{state.st_size}-{state.st_mtime_ns}"


def _body(file: Path, max_bytes: int) -> bytes | None:
    try:
        with file.open("rb") as handle:
            return handle.read(max_bytes)
    except OSError:
        return None


def parse(source: Source, documents: Sequence[Document]) -> list[Post]:
    """The posts of the folder's documents, oldest first; ties stay in natural number order."""
    site = read_config(b"".join(document.body for document in documents if document.name == CONFIG))
    posts = [read_post(source, one.name, one.body, site) for one in documents if one.name != CONFIG]
    return sorted(posts, key=lambda post: post.published or datetime.min.replace(tzinfo=UTC))
