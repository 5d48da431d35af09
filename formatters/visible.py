"""What a reader sees of a message: a platform's markup as pieces of text, each with how it is drawn.

For looking at messages without their platform: `bot.py preview`, and tests. What the platforms make of markup is in
https://core.telegram.org/bots/api#html-style and https://docs.slack.dev/messaging/formatting-message-text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Any

# A terminal would obey these.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
TELEGRAM_TAGS = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em"), "italic"),
    **dict.fromkeys(("u", "ins"), "underline"),
    **dict.fromkeys(("s", "strike", "del"), "strike"),
    **dict.fromkeys(("code", "pre"), "code"),
}
MRKDWN = re.compile(
    r"<(?P<angle>[^<>]*)>|(?<![\w*])\*(?=\S)(?P<bold>[^*\n]+?)(?<=\S)\*(?![\w*])"
    r"|(?<![\w~])~(?=\S)(?P<strike>[^~\n]+?)(?<=\S)~(?![\w~])|(?<!\w)_(?=\S)(?P<italic>[^_\n]+?)(?<=\S)_(?!\w)"
    r"|`(?P<code>[^`\n]+)`|:(?P<emoji>[a-z0-9_+-]+):"
)
EMOJI = {"red_circle": "🔴", "pencil2": "✏️", "x": "❌", "newspaper": "📰", "warning": "⚠️"}


@dataclass(frozen=True, slots=True)
class Piece:
    """Text drawn in one way. `styles` are of bold, italic, underline, strike, code, button; `address` is a link's."""

    text: str
    styles: frozenset[str] = frozenset()
    address: str = ""


def text_of(pieces: Iterable[Piece]) -> str:
    """The visible text alone."""
    return "".join(piece.text for piece in pieces)


def telegram(markup: str, *, button: tuple[str, str] | None = None, picture: str = "") -> list[Piece]:
    """A message in parse mode HTML, with its button and its preview picture each on a line below."""
    reader = _Telegram()
    reader.feed(markup)
    reader.close()
    pieces = [*reader.pieces]
    pieces += [Piece("\n\n"), _button(*button)] if button else []
    pieces += [Piece("\n"), *_picture(picture)] if picture else []
    return pieces


class _Telegram(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[Piece] = []
        self._open: list[str] = []
        self._address = ""

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        if tag == "a":
            self._address = _printed(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            self._open.remove(tag)
        if tag == "a":
            self._address = ""

    def handle_data(self, data: str) -> None:
        styles = frozenset(TELEGRAM_TAGS[tag] for tag in self._open if tag in TELEGRAM_TAGS)
        self.pieces.append(Piece(_printed(data), styles, self._address))


def slack(blocks: Iterable[Mapping[str, Any]], text: str = "") -> list[Piece]:
    """Blocks, each on lines of its own; without blocks the message's `text`."""
    pieces: list[Piece] = []
    for block in blocks:
        pieces += [Piece("\n\n")] if pieces else []
        pieces += _joined([*_block(block)], Piece("\n"))
    return pieces or mrkdwn(text)


def mrkdwn(text: str, styles: frozenset[str] = frozenset()) -> list[Piece]:
    """Slack's markup, nested as far as it goes."""
    pieces: list[Piece] = []
    end = 0
    for found in MRKDWN.finditer(text):
        pieces.append(Piece(_plain(text[end : found.start()]), styles))
        pieces += _marked(found, styles)
        end = found.end()
    pieces.append(Piece(_plain(text[end:]), styles))
    return [piece for piece in pieces if piece.text]


def _marked(found: re.Match[str], styles: frozenset[str]) -> list[Piece]:
    match found.lastgroup:
        case "angle":
            target, _, label = found["angle"].partition("|")
            if target.startswith("!date^"):
                return [Piece(_plain(label), styles)]
            if target.startswith(("!", "@", "#")):
                return [Piece(_plain(label or f"@{target[1:]}"), styles | {"bold"})]
            address = _plain(target)
            return [replace(piece, address=address) for piece in mrkdwn(label, styles)] or [
                Piece(address, styles, address)
            ]
        case "code":
            return [Piece(_plain(found["code"]), styles | {"code"})]
        case "emoji":
            return [Piece(EMOJI.get(found["emoji"], found[0]), styles)]
        case style:
            assert style is not None
            return mrkdwn(found[style], styles | {style})


def _block(block: Mapping[str, Any]) -> Iterator[list[Piece]]:
    """The lines of one block; of one that is not known its name."""
    match block.get("type"):
        case "section":
            yield from (_element(part) for part in (block.get("text"), *block.get("fields", ())) if part)
            yield from (_element(part) for part in (block.get("accessory"),) if part)
        case "header":
            yield [replace(piece, styles=piece.styles | {"bold"}) for piece in _element(block["text"])]
        case "context" | "actions":
            yield _joined([_element(one) for one in block.get("elements", ())], Piece("  "))
        case "image":
            yield _picture(str(block.get("image_url", "")))
        case "divider":
            yield [Piece("────────")]
        case unknown:
            yield [Piece(f"({unknown})")]


def _element(element: Mapping[str, Any]) -> list[Piece]:
    """A text, button or picture inside a block."""
    match element.get("type"):
        case "mrkdwn":
            return mrkdwn(str(element["text"]))
        case "plain_text":
            return [Piece(_plain(str(element["text"])))]
        case "button":
            return [_button(str(element["text"]["text"]), str(element.get("url", "")))]
        case "image":
            return _picture(str(element["image_url"]))
        case unknown:
            return [Piece(f"({unknown})")]


def _joined(parts: Sequence[list[Piece]], between: Piece) -> list[Piece]:
    return [piece for number, part in enumerate(parts) for piece in ([between, *part] if number else part)]


def _button(label: str, address: str) -> Piece:
    return Piece(f"[ {_plain(label)} ]", frozenset({"button"}), _printed(address))


def _picture(address: str) -> list[Piece]:
    return [Piece("picture", address=_printed(address))]


def _plain(text: str) -> str:
    """Slack knows these three and no other."""
    return _printed(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def _printed(text: str) -> str:
    return CONTROL.sub("", text)
