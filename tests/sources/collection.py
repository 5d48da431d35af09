"""A collection of feeds in every format, with what the `feedparser` library finds in each.

`python -m tests.sources.collection` writes it to tests/data/feeds. The documents are made here by combining formats
with what publishers do in them, well and badly; what is expected comes from feedparser (for JSON Feed, which it does
not read, from its reading of the same entries as Atom), never from the product. Where the product reads something else,
docs/feeds.md says why.
"""

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import feedparser

FOLDER = Path(__file__).parents[1] / "data" / "feeds"
ADDRESS = "https://paper.example/news/feed.xml"
DATE = "Wed, 17 Jun 2026 14:0{}:00 +0900"
STAMP = "2026-06-17T05:0{}:00Z"
ATOM, OLD_ATOM = "http://www.w3.org/2005/Atom", "http://purl.org/atom/ns#"
DECLARATION = '<?xml version="1.0" encoding="{}"?>'


@dataclass(frozen=True)
class Item:
    """One entry; `title`, `link`, `html` and `more` are written as they stand, so a case may break them."""

    title: str
    link: str = ""
    id: str = ""
    html: str = ""
    date: int | None = None
    more: str = ""
    attributes: str = ""


@dataclass(frozen=True)
class Feed:
    """A document before it is bytes. `text` is encoded as `encoding`; `charset` is what the header says."""

    group: str
    name: str
    text: str
    encoding: str = "utf-8"
    charset: str = ""
    same_as: str = field(default="", compare=False)

    @property
    def body(self) -> bytes:
        return body_of(self.text, self.encoding)


def body_of(text: str, encoding: str) -> bytes:
    """The bytes of a document; single bytes that are no text stand in it as the characters U+DC80 and up."""
    return text.encode(encoding, "surrogateescape")


# ----------------------------------------------------------------------------------------------------------- formats


def _rss(version: str, head: str = "", namespaces: str = "") -> Callable[[list[Item], str], str]:
    def written(items: list[Item], declaration: str) -> str:
        parts = [declaration, head, f'<rss version="{version}"{namespaces}><channel><title>Paper</title>']
        parts.append("<link>https://paper.example/</link><description>d</description>")
        parts += [_rss_item(item) for item in items]
        return "".join([*parts, "</channel></rss>"])

    return written


def _rss_item(item: Item) -> str:
    parts = [f"<item{item.attributes}>"]
    parts += [f"<title>{item.title}</title>"] if item.title else []
    parts += [f"<link>{item.link}</link>"] if item.link else []
    parts += [f'<guid isPermaLink="false">{item.id}</guid>'] if item.id else []
    parts += [f"<pubDate>{DATE.format(item.date)}</pubDate>"] if item.date is not None else []
    parts += [f"<description>{item.html}</description>"] if item.html else []
    return "".join([*parts, item.more, "</item>"])


def _rdf(namespace: str, *, inside: bool) -> Callable[[list[Item], str], str]:
    def written(items: list[Item], declaration: str) -> str:
        root = f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="{namespace}"'
        parts = [declaration, root, ' xmlns:dc="http://purl.org/dc/elements/1.1/"', NAMESPACES, ">"]
        parts.append('<channel rdf:about="https://paper.example/"><title>Paper</title>')
        parts.append("<link>https://paper.example/</link><description>d</description>")
        parts += [] if inside else ["</channel>"]
        for number, item in enumerate(items):
            about = f' rdf:about="{item.id or item.link or f"https://paper.example/x{number}"}"'
            parts += [f"<item{about}{item.attributes}>"]
            parts += [f"<title>{item.title}</title>"] if item.title else []
            parts += [f"<link>{item.link}</link>"] if item.link else []
            parts += [f"<description>{item.html}</description>"] if item.html else []
            parts += [f"<dc:date>{STAMP.format(item.date)}</dc:date>"] if item.date is not None else []
            parts += [item.more, "</item>"]
        return "".join([*parts, *(["</channel>"] if inside else []), "</rdf:RDF>"])

    return written


def _atom(namespace: str, published: str, updated: str, prefix: str = "") -> Callable[[list[Item], str], str]:
    p = f"{prefix}:" if prefix else ""

    def written(items: list[Item], declaration: str) -> str:
        bound = f"xmlns:{prefix}" if prefix else "xmlns"
        version = ' version="0.3"' if namespace == OLD_ATOM else ""
        parts = [declaration, f'<{p}feed{version} {bound}="{namespace}"{NAMESPACES}><{p}title>Paper</{p}title>']
        parts.append(f'<{p}link href="https://paper.example/"/><{p}id>urn:paper</{p}id>')
        for item in items:
            parts += [f"<{p}entry{item.attributes}>"]
            parts += [f'<{p}title type="text">{item.title}</{p}title>'] if item.title else []
            parts += [f'<{p}link rel="alternate" href="{item.link}"/>'] if item.link else []
            parts += [f"<{p}id>{item.id}</{p}id>"] if item.id else []
            if item.date is not None:
                stamp = STAMP.format(item.date)
                parts.append(f"<{p}{published}>{stamp}</{p}{published}><{p}{updated}>{stamp}</{p}{updated}>")
            kind = 'type="text/html" mode="escaped"' if namespace == OLD_ATOM else 'type="html"'
            parts += [f"<{p}content {kind}>{item.html}</{p}content>"] if item.html else []
            parts += [item.more, f"</{p}entry>"]
        return "".join([*parts, f"</{p}feed>"])

    return written


def _cdf(items: list[Item], declaration: str) -> str:
    """Channel Definition Format (https://www.w3.org/TR/NOTE-CDFsubmit.html), as some intranets still serve it."""
    parts = [declaration, '<channel href="https://paper.example/"><title>Paper</title>']
    for item in items:
        parts += [f'<item href="{item.link}"{item.attributes}>' if item.link else f"<item{item.attributes}>"]
        parts += [f"<title>{item.title}</title>"] if item.title else []
        parts += [f"<abstract>{item.html}</abstract>"] if item.html else []
        parts += [item.more, "</item>"]
    return "".join([*parts, "</channel>"])


def _json(version: str) -> Callable[[list[Item], str], str]:
    def written(items: list[Item], _: str) -> str:
        entries = [
            {
                "id": item.id, "url": item.link, "title": item.title, "content_html": item.html,
                "date_published": STAMP.format(item.date) if item.date is not None else "",
            }
            for item in items
        ]  # fmt: skip
        entries = [{key: value for key, value in entry.items() if value} for entry in entries]
        head = {"version": f"https://jsonfeed.org/version/{version}", "title": "Paper"}
        return json.dumps({**head, "items": entries}, ensure_ascii=False)

    return written


NAMESPACES = (
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/"'
    ' xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"'
)
DC = ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
NETSCAPE = '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/rss-0.91.dtd">'
FORMATS: dict[str, Callable[[list[Item], str], str]] = {
    "RSS 0.90": _rdf("http://my.netscape.com/rdf/simple/0.9/", inside=False),
    "RSS 0.91 (Netscape)": _rss("0.91", NETSCAPE),
    "RSS 0.91 (Userland)": _rss("0.91"),
    "RSS 0.92": _rss("0.92"),
    "RSS 0.93": _rss("0.93"),
    "RSS 0.94": _rss("0.94"),
    "RSS 1.0 (RDF)": _rdf("http://purl.org/rss/1.0/", inside=False),
    "RSS 2.0": _rss("2.0", "", NAMESPACES + DC),
    "Atom 0.3": _atom(OLD_ATOM, "issued", "modified"),
    "Atom 1.0": _atom(ATOM, "published", "updated"),
    "Atom 1.0, prefixed": _atom(ATOM, "published", "updated", "a"),
    "CDF": _cdf,
    "JSON Feed 1.0": _json("1"),
    "JSON Feed 1.1": _json("1.1"),
}


def is_json(name: str) -> bool:
    return name.startswith("JSON")


# ------------------------------------------------------------------------------------------------------ what they hold


def usual(count: int = 2, **changed: Any) -> list[Item]:
    """Entries as most publishers write them, the newest first; `changed` goes for the first of them."""
    made = [
        Item(f"News {n}", f"https://paper.example/{n}", f"urn:{n}", f"&lt;p&gt;Text {n}.&lt;/p&gt;", n)
        for n in range(count, 0, -1)
    ]
    return [Item(**{**made[0].__dict__, **changed}), *made[1:]]


def _without(items: list[Item], key: str) -> list[Item]:
    return [Item(**{**item.__dict__, key: "" if key != "date" else None}) for item in items]


CONTENTS: dict[str, list[Item]] = {
    "as usual": usual(),
    "one entry": usual(1),
    "thirty entries": usual(9, title="First"),
    "no entry": [],
    "Korean": usual(title="정부, 새 예산안 확정", html="&lt;p&gt;다음 달 3일에 시행된다.&lt;/p&gt;"),
    "signs beyond the basic plane": usual(title="우승 🏆 𝕏 확정"),
    "an ampersand": usual(title="Salt &amp; Pepper"),
    "quotation marks": usual(title="&quot;Yes&quot;, he said: it&apos;s 'fine'"),
    "numbered characters": usual(title="caf&#233; &#xD55C;&#xAD6D; &#8220;x&#8221;"),
    "a comparison": usual(title="if a &lt; b and c &gt; d"),
    "lines in the title": usual(title="\n  News\n  of\tthe day \n"),
    "no titles": _without(usual(), "title"),
    "no links": _without(usual(), "link"),
    "no ids": _without(usual(), "id"),
    "no dates": _without(usual(), "date"),
    "no text": _without(usual(), "html"),
    "titles only": [Item("Only a title"), Item("And another")],
    "repeated ids": usual(id="urn:1"),
    "repeated titles": usual(title="News 1"),
    "relative links": usual(link="/a/7"),
    "links relative to the document": usual(link="a/7?x=1"),
    "a link with a query": usual(link="https://paper.example/?id=7&amp;sec=2"),
    "a Korean link": usual(link="https://paper.example/소식/7"),
    "a link that is none": usual(link="javascript:alert(1)"),
    "blanks around the link": usual(link="\n https://paper.example/7 \n"),
    "a long text": usual(html="&lt;p&gt;A sentence of some length.&lt;/p&gt;" * 20),
}
MARKUP: dict[str, list[Item]] = {
    "a section in the title": usual(title="<![CDATA[Salt & Pepper <3]]>"),
    "a section in the text": usual(html="<![CDATA[<p>Salt &amp; <b>Pepper</b></p>]]>"),
    "markup of an entry quoted in a section": usual(html="<![CDATA[<item><title>x</title></item><entry></entry>]]>"),
    "an end quoted in a section": usual(html="<![CDATA[how a feed ends: </channel></rss></feed>]]>"),
    "tags in the title": usual(title="&lt;b&gt;Bold&lt;/b&gt; news"),
    "a comment between entries": usual(more="<!-- <item><title>not this</title></item> <entry/> -->"),
    "an instruction inside": usual(more="<?php echo 1 ?>"),
    "an element of another vocabulary": usual(more='<x:y xmlns:x="urn:x" a="1">z</x:y>'),
    "an entry with a language": usual(attributes=' xml:lang="ko"'),
    "a base of its own": usual(link="7.html", attributes=' xml:base="https://other.example/dir/"'),
    "a picture": usual(more='<media:content url="https://p.example/1.jpg" medium="image"/>'),
}
RSS_ONLY: dict[str, list[Item]] = {
    "a guid that is the link": [Item("A", more="<guid>https://paper.example/g</guid>"), *usual(1)],
    "a guid that says it is the link": [Item("A", more='<guid isPermaLink="true">https://paper.example/g</guid>')],
    "a guid that is no link": [Item("A", more='<guid isPermaLink="false">https://paper.example/g</guid>'), *usual(1)],
    "a guid and a link": [Item("A", "https://paper.example/l", more="<guid>https://paper.example/g</guid>")],
    "content:encoded": usual(more="<content:encoded><![CDATA[<p>The whole text.</p>]]></content:encoded>"),
    "an enclosure": usual(more='<enclosure url="https://p.example/1.mp3" type="audio/mpeg" length="9"/>'),
    "a picture as enclosure": usual(more='<enclosure url="https://p.example/1.jpg" type="image/jpeg" length="9"/>'),
    "media in a group": usual(
        more='<media:group><media:content url="https://p.example/1.jpg" medium="image"/></media:group>'
    ),
    "a title of the picture": usual(
        more='<media:content url="https://p.example/1.jpg"><media:title>Not the title</media:title></media:content>'
    ),
    "an author": usual(more="<dc:creator>Desk</dc:creator><author>a@b.example (Desk)</author>"),
    "categories": usual(more='<category domain="d">외교</category><category>경제</category>'),
    "a date of Dublin Core": [Item("A", "https://paper.example/1", more=f"<dc:date>{STAMP.format(1)}</dc:date>")],
    "a link of FeedBurner": usual(more="<feedburner:origLink>https://origin.example/7</feedburner:origLink>"),
    "a link of Atom": usual(more=f'<a:link xmlns:a="{ATOM}" rel="self" href="https://paper.example/self"/>'),
    "a source": usual(more='<source url="https://other.example/feed">Other</source>'),
    "comments": usual(more="<comments>https://paper.example/7#comments</comments>"),
    "a title of Dublin Core": [Item("", "https://paper.example/1", more="<dc:title>Named elsewhere</dc:title>")],
    "dates of all kinds": [
        Item(f"A{n}", f"https://paper.example/{n}", more=f"<pubDate>{date}</pubDate>")
        for n, date in enumerate(("17 Jun 2026", "2026-06-17", "어제", "Wed, 31 Feb 2026 25:61:00 KST", "1781672700"))
    ],
}
ATOM_ONLY: dict[str, list[Item]] = {
    "several links": usual(
        link="",
        more='<link rel="self" href="https://paper.example/self"/><link rel="alternate" href="https://paper.example/a"/>'
        '<link rel="enclosure" href="https://p.example/1.jpg" type="image/jpeg"/>',
    ),
    "a link without rel": usual(link="", more='<link href="https://paper.example/a"/>'),
    "only a link to itself": usual(link="", more='<link rel="self" href="https://paper.example/self"/>'),
    "only an enclosure": usual(link="", more='<link rel="enclosure" href="https://p.example/1.mp3"/>'),
    "a title as HTML": usual(title="", more='<title type="html">&lt;em&gt;Great&lt;/em&gt; &amp;amp; good</title>'),
    "a title as XHTML": usual(
        title="", more='<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">A <b>B</b></div></title>'
    ),
    "content as XHTML": usual(
        html="",
        more='<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>One <i>two</i>.</p></div></content>',
    ),
    "content elsewhere": usual(html="", more='<content type="text/html" src="https://paper.example/7.html"/>'),
    "summary and content": usual(more='<summary type="text">In short.</summary>'),
    "the source of an entry": usual(
        more="<source><title>Other paper</title><id>urn:other</id><link href='https://other.example/'/></source>"
    ),
    "an id that is an address": usual(link="", id="https://paper.example/id"),
    "categories": usual(more='<category term="외교" label="Diplomacy"/><category term="경제"/>'),
}
BROKEN: dict[str, Callable[[str], str]] = {
    "a bare ampersand": lambda text: text.replace("News 2", "Salt & Pepper", 1),
    "HTML's names for characters": lambda text: text.replace("News 2", "caf&eacute; &ndash; &copy;&nbsp;us", 1),
    "an entity nobody knows": lambda text: text.replace("News 2", "Salt &pepper; News", 1),
    "a bare bracket": lambda text: text.replace("News 2", "a < b", 1),
    "HTML unescaped in the text": lambda text: text.replace("&lt;p&gt;Text 2.&lt;/p&gt;", "<p>Text<br>two.", 1),
    "crossed tags": lambda text: text.replace("&lt;p&gt;Text 2.&lt;/p&gt;", "<b><i>Text</b></i>", 1),
    "a control character": lambda text: text.replace("News 2", "News\x08 2\x0b", 1),
    "a forbidden character by number": lambda text: text.replace("News 2", "News &#11; 2", 1),
    "no end": lambda text: re.sub(r"(</channel></rss>|</feed>|</rdf:RDF>)$", "", text),
    "no end of the root": lambda text: re.sub(r"</(rss|feed|rdf:RDF)>$", "", text),
    "words behind the end": lambda text: text + "\n<script>count()</script> 0\n",
    "a comment behind the end": lambda text: f"{text}\n<!-- made in 0.2 s -->\n",
    "zero bytes behind the end": lambda text: text + "\x00\x00",
    "empty lines before the declaration": lambda text: f"\n\n  {text}",
    "words before the declaration": lambda text: f"Notice: undefined index\n{text}",
    "two declarations": lambda text: DECLARATION.format("utf-8") + text,
    "a mark before the declaration": lambda text: "\ufeff" + text,
    "no declaration": lambda text: re.sub(r"^<\?xml[^>]*\?>", "", text),
    "a style sheet": lambda text: text.replace("?>", '?><?xml-stylesheet href="s.xsl" type="text/xsl"?>', 1),
    "a document type": lambda text: text.replace("?>", "?><!DOCTYPE html>", 1).replace("html>", "feed>", 1),
    "an attribute without quotes": lambda text: text.replace("<title>", "<title lang=ko>", 1),
    "an attribute twice": lambda text: text.replace("<title>News 2", '<title a="1" a="2">News 2', 1),
    "a prefix that is not bound": lambda text: text.replace("<title>News 2", "<x:y>z</x:y><title>News 2", 1),
    "a line separator": lambda text: text.replace("News 2", "News\u20282", 1),
    "Windows' quotation marks as numbers": lambda text: text.replace("News 2", "&#147;News&#148; 2", 1),
    "an end that is written as a beginning": lambda text: text.replace("News 2</title>", "News 2<title>", 1),
}
BROKEN_RSS: dict[str, Callable[[str], str]] = {
    "capital letters": lambda text: re.sub(r"<(/?\w+)", lambda tag: f"<{tag[1].upper()}", text),
    "entries behind the channel": lambda text: text.replace(
        "</description><item>", "</description></channel><item>", 1
    ).replace("</channel></rss>", "</rss>"),
    "no channel": lambda text: text.replace("<channel>", "").replace("</channel>", ""),
    "no root": lambda text: re.sub(r"</?rss[^>]*>", "", text),
    "a version nobody knows": lambda text: text.replace('version="2.0"', 'version="9.9"'),
    "no version": lambda text: text.replace(' version="2.0"', ""),
    "a namespace on everything": lambda text: text.replace("<rss ", '<rss xmlns="http://backend.userland.com/rss2" '),
    "Atom's namespace on everything": lambda text: text.replace("<rss ", f'<rss xmlns="{ATOM}" '),
    "an entry inside an element of its own": lambda text: text.replace("<item>", "<items><item>", 1).replace(
        "</channel>", "</items></channel>"
    ),
}
BROKEN_ATOM: dict[str, Callable[[str], str]] = {
    "no namespace": lambda text: text.replace(f' xmlns="{ATOM}"', ""),
    "a namespace nobody knows": lambda text: text.replace(ATOM, "http://example.org/atom"),
    "a namespace with a slash": lambda text: text.replace(ATOM, f"{ATOM}/"),
    "entries of RSS": lambda text: text.replace("<entry>", "<item>").replace("</entry>", "</item>"),
}
ENCODINGS: dict[str, tuple[str, str]] = {
    "utf-8": ("정부, 새 예산안 확정", "utf-8"),
    "utf-16": ("정부, 새 예산안 확정", "utf-16"),
    "cp949": ("정부, 새 예산안 확정", "euc-kr"),
    "shift_jis": ("政府は新しい予算案を閣議決定しました", "shift_jis"),
    "euc_jp": ("政府は新しい予算案を閣議決定しました", "euc-jp"),
    "gb18030": ("政府批准了新的预算案", "gb18030"),
    "big5": ("政府批准了新的預算案", "big5"),
    "cp1251": ("Правительство утвердило новый бюджет", "windows-1251"),
    "koi8_r": ("Правительство утвердило новый бюджет", "koi8-r"),
    "cp1250": ("Vláda schválila nový rozpočet", "windows-1250"),
    "cp1252": ("Le budget est adopté — « enfin »", "windows-1252"),
    "iso8859_1": ("Le budget est adopté", "iso-8859-1"),
    "iso8859_2": ("Rząd przyjął nowy budżet", "iso-8859-2"),
    "iso8859_15": ("Le budget coûte 3 € de plus", "iso-8859-15"),
    "cp1254": ("Hükûmet yeni bütçeyi onayladı", "windows-1254"),
}


# ------------------------------------------------------------------------------------------------------ the documents


def documents() -> Iterator[Feed]:
    utf8 = DECLARATION.format("utf-8")
    for group, written in FORMATS.items():
        for name, items in CONTENTS.items():
            if is_json(group):
                plain = [Item(**{**item.__dict__, **_plain(item)}) for item in items]
                yield Feed(group, name, written(plain, ""), same_as=FORMATS["Atom 1.0"](items, utf8))
            else:
                yield Feed(group, name, written(items, utf8))
    for group in ("RSS 2.0", "RSS 1.0 (RDF)", "Atom 0.3", "Atom 1.0"):
        special = RSS_ONLY if group == "RSS 2.0" else ATOM_ONLY if group == "Atom 1.0" else {}
        for name, items in {**MARKUP, **special}.items():
            yield Feed(group, name, FORMATS[group](items, utf8))
        for name, broken in {**BROKEN, **(BROKEN_RSS if group == "RSS 2.0" else {})}.items():
            yield Feed("ill-formed", f"{group}: {name}", broken(FORMATS[group](usual(), utf8)))
    for name, broken in BROKEN_ATOM.items():
        yield Feed("ill-formed", f"Atom 1.0: {name}", broken(FORMATS["Atom 1.0"](usual(), utf8)))
    for group in ("RSS 2.0", "Atom 1.0"):
        for encoding, (title, name) in ENCODINGS.items():
            items = usual(title=title)
            declared, bare = (FORMATS[group](items, head) for head in (DECLARATION.format(name), ""))
            yield Feed("encodings", f"{group}: {name}, declared", declared, encoding)
            yield Feed("encodings", f"{group}: {name}, in the header", bare, encoding, name)
            yield Feed("encodings", f"{group}: {name}, in both", declared, encoding, name)


def _plain(item: Item) -> dict[str, str]:
    """What XML escapes stands as it is in JSON."""
    return {key: unescape(getattr(item, key)) for key in ("title", "link", "html")}


# -------------------------------------------------------------------------------------------------- what is expected


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def text_of(title: str, kind: str) -> str:
    """A title as a reader sees it."""
    if kind != "text/plain":
        reader = _Text()
        reader.feed(title)
        reader.close()
        title = "".join(reader.parts)
    return " ".join(title.split())


def found_by_feedparser(body: bytes, charset: str) -> list[list[str]]:
    kind = f"application/xml; charset={charset}" if charset else "application/xml"
    headers = {"content-type": kind, "content-location": ADDRESS}
    read = feedparser.parse(io.BytesIO(body), response_headers=headers)
    return sorted(_seen(entry) for entry in read.entries)


def _seen(entry: Any) -> list[str]:
    link = str(entry.get("link") or "").strip()
    kind = (entry.get("title_detail") or {}).get("type") or "text/plain"
    return [text_of(str(entry.get("title") or ""), kind), link if link.startswith(("http://", "https://")) else ""]


def rows() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each file of the collection, and each of its rows as it is stored."""
    for file in sorted(FOLDER.glob("*.json")):
        for row in json.loads(file.read_text(encoding="utf-8")):
            yield file.stem, row


def main() -> None:
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in documents():
        expected = found_by_feedparser(one.same_as.encode() if one.same_as else one.body, one.charset)
        row = {"name": one.name, "entries": expected, "text": one.text}
        row |= {"encoding": one.encoding} if one.encoding != "utf-8" else {}
        row |= {"charset": one.charset} if one.charset else {}
        groups.setdefault(one.group, []).append(row)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for group, rows in groups.items():
        name = re.sub(r"[^a-z0-9.]+", "-", group.lower()).strip("-")
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (FOLDER / f"{name}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
