"""The shared posts, read as the desk reads them."""

from functools import cache
from pathlib import Path

import pytest

from models import Kind, Post, Source
from sources import jekyll

SHARED = Path(__file__).parents[2].parent / "shared"
CORPUS = SHARED / "corpus"
SEED = SHARED / "seed" / "newsdao-post.md"


@cache
def posts() -> tuple[Post, ...]:
    """Every post of the corpus; the test is skipped where the corpus is not beside the repository."""
    files = sorted(CORPUS.glob("*/_posts/*.md"))
    if not files:
        pytest.skip("needs the shared corpus of posts beside the repository (../shared/corpus)")
    return tuple(_read(file, file.parts[-3]) for file in files)


@cache
def seed() -> Post:
    """The post that the design takes as its example."""
    if not SEED.exists():
        pytest.skip("needs the seed post beside the repository (../shared/seed/newsdao-post.md)")
    return _read(SEED, "newsdao")


def _read(file: Path, source_id: str) -> Post:
    source = Source(id=source_id, name=source_id, kind=Kind.JEKYLL, url=".")
    return jekyll.read_post(source, file.name, file.read_bytes(), jekyll.SiteConfig())
