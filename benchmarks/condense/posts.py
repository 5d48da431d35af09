"""Gold and posts: what the condenser is given, and what it should have made of it. Reads files, imports no YAML."""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.condense.score import Fact, Gold
from benchmarks.condense.text import clean

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared" / "corpus"


@dataclass(frozen=True, slots=True)
class Post:
    """One file: `html` is its body, `excerpt` the site's own summary ("" when there is none), `lang` ko or en."""

    id: str
    title: str
    excerpt: str
    html: str
    url: str
    lang: str

    @property
    def half(self) -> str:
        """tune or hold, by the id alone: the same on every machine and for ever."""
        # The third byte parts both gold files about evenly; it was chosen before anything had been scored.
        return "hold" if hashlib.sha256(self.id.encode()).digest()[2] % 2 else "tune"

    def line(self) -> bytes:
        """The input line of `bot.py condense`, with its line feed."""
        fields = {"id": self.id, "title": self.title, "html": self.html, "url": self.url, "lang": self.lang}
        return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def split(text: str) -> tuple[dict[str, str], str]:
    """(front matter fields, body). Reads what it can: a broken or missing front matter gives what is left."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    parts = re.match(r"---[ \t]*\n(.*?\n|)(?:---|\.\.\.)[ \t]*(?:\n|$)", text, re.DOTALL)
    if parts is None:
        return {}, text
    fields: dict[str, str] = {}
    for field in re.finditer(r"^([A-Za-z_]+)[ \t]*:[ \t]*(.*(?:\n(?:[ \t]+.*|[ \t]*$))*)", parts[1], re.MULTILINE):
        fields.setdefault(field[1].lower(), _scalar(field[2]))
    return fields, text[parts.end() :]


def _scalar(raw: str) -> str:
    """A YAML scalar as plain text, whether or not it is well formed."""
    raw = re.sub(r"^[>|][+-]?\d?[ \t]*(?:\n|$)", "", raw.strip())
    if len(raw) > 1 and raw[0] == raw[-1] and raw[0] in "\"'":
        raw = raw[1:-1].replace("''", "'") if raw[0] == "'" else re.sub(r"\\(.)", r"\1", raw[1:-1])
    return clean(raw)


def read(file: Path, name: str, lang: str) -> Post:
    """One post file, whatever is wrong with it. Its title is the file's name when it has none."""
    fields, body = split(file.read_text(encoding="utf-8", errors="replace"))
    site = name.split("/", maxsplit=1)[0]
    url = f"https://{site}.example/{name.split('/', maxsplit=1)[1]}"
    return Post(name, fields.get("title") or file.stem, fields.get("excerpt", ""), body, url, lang)


def rendered(post: Post) -> Post:
    """The post as its site serves it: Markdown made HTML, as Jekyll does before anybody sees it."""
    from markdown_it import MarkdownIt

    return replace(post, html=MarkdownIt("commonmark", {"html": True}).enable("table").render(post.html))


def gold(lang: str) -> dict[str, Gold]:
    """id -> gold of one language: LANG.toml with the editor's own alerts, then what LANG-….toml adds (facts alone)."""
    found: dict[str, Gold] = {}
    for file in (HERE / "gold" / f"{lang}.toml", *sorted((HERE / "gold").glob(f"{lang}-*.toml"))):
        for table in tomllib.loads(file.read_text(encoding="utf-8"))["post"] if file.exists() else ():
            found.setdefault(table["id"], _gold(table))
    return found


def _gold(table: dict[str, Any]) -> Gold:
    return Gold(
        table["id"],
        table.get("headline", ""),
        tuple(table.get("bullets", ())),
        tuple(Fact(fact["what"], tuple(tuple(parts) for parts in fact["any"])) for fact in table["must"]),
        tuple(table.get("must_not", ())),
    )


def of_gold(lang: str, corpus: Path) -> list[tuple[Post, Gold]]:
    """The posts of one language with their gold, in the order of the gold file; without those that are not there."""
    pairs = []
    for name, wanted in gold(lang).items():
        site, _, stem = name.partition("/")
        match site:
            case "en":
                file = HERE / "posts" / f"{stem}.md"
            case "seed":
                file = corpus.parent / "seed" / f"{stem}.md"
            case _:
                file = corpus / site / "_posts" / f"{stem}.md"
        if file.exists():
            pairs.append((rendered(read(file, name, lang)), wanted))
    return pairs


def of_corpus(corpus: Path) -> Iterator[Post]:
    """Every post of every `_posts` folder, as written (Markdown inside), by site and name."""
    for folder in sorted(corpus.glob("*/_posts")):
        for file in sorted(folder.glob("*.md")):
            yield read(file, f"{folder.parent.name}/{file.stem}", "ko")


def original_link(post: Post) -> str:
    """The address in a post's `출처: <a href>` line, "" without one or when it is a bare home page."""
    found = re.search(r"출처\s*:?\s*(?:<[^a<>][^<>]*>\s*)*<a\s[^<>]*href\s*=\s*[\"']?([^\"'\s>]+)", post.html)
    return found[1] if found and re.match(r"https?://[^/]+/[^/]", found[1]) else ""
