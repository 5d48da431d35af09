"""A publisher's bytes → text, when byte order mark, header, declaration and the bytes themselves disagree.

In this order: the source's own setting; a byte order mark, or the zero bytes of UTF-16; UTF-8, if that is what the
bytes are, whatever is said about them; an encoding of several bytes a character that header or declaration name, if
the bytes keep its rules; Korean, if that is what the bytes show; an encoding of one byte a character that is named
(which no bytes contradict, so it is believed last); a guess. Control characters that XML forbids are removed.
"""

import codecs
import functools
import re

DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{2,40})[\"']", re.IGNORECASE)
IN_A_PAGE = re.compile(rb"<meta\b[^<>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9._:-]{2,40})", re.IGNORECASE)
DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
CONTROLS = bytes(number for number in range(32) if number not in (9, 10, 13))
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
WIDE = (
    (re.compile(rb"<\0\0\0[?A-Za-z!]\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0<\0\0\0[?A-Za-z!]"), "utf-32-be"),
    (re.compile(rb"<\0[?A-Za-z!]\0"), "utf-16-le"),
    (re.compile(rb"\0<\0[?A-Za-z!]"), "utf-16-be"),
)
WIDER = {
    "euc_kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "windows-949": "cp949",
    "x-windows-949": "cp949",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "big5": "big5hkscs",
    "x-x-big5": "big5hkscs",
    "x-euc-jp": "euc_jp",
    "euc_jis_2004": "euc_jp",
    "euc_jisx0213": "euc_jp",
    "shift_jis_2004": "cp932",
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "x-cp1251": "cp1251",
}
"""Names that publishers give, and the encoding that they mean by them (https://encoding.spec.whatwg.org/)."""
SEVERAL_BYTES = frozenset({"utf-8", "cp949", "johab", "cp932", "euc_jp", "gb18030", "big5hkscs", "cp950"})
SHIFTED = frozenset({"iso2022_kr", "iso2022_jp", "iso2022_jp_2", "hz"})
"""These are made of ASCII, so they look like UTF-8."""
ONE_BYTE = frozenset({
    *(f"cp{number}" for number in (*range(1250, 1259), 437, 850, 852, 855, 866, 874)),
    *(f"iso8859-{number}" for number in range(2, 17) if number not in (9, 11, 12)),
    *("koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "ptcp154"),
})  # fmt: skip
OTHER_SCRIPTS = frozenset({
    *("cp1251", "cp1253", "cp1255", "cp1256", "cp855", "cp866", "cp874", "koi8-r", "koi8-u", "mac-cyrillic", "ptcp154"),
    *("iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8"),
})  # fmt: skip
SAMPLE, GUESSED_BY = 20_000, 6_000
"""So many bytes are enough to know a language by, and to guess an encoding by, which takes longer."""
BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
LETTERS = {"cp949": re.compile("[가-힣]"), "cp932": re.compile("[ぁ-ヿ]"), "euc_jp": re.compile("[ぁ-ヿ]")}
"""What every text of these languages is full of."""
DOUBTED, BELIEVED = 0.15, 0.9
"""Shares of such letters: with less, a name is not believed; with more, the bytes need no name."""


def to_text(body: bytes, *, charset: str = "", override: str = "") -> str:
    """The document's text, without its XML declaration. `override` (the source's setting) wins over all."""
    text = DECLARATION.sub("", _decode(body, charset, override).lstrip("\ufeff"), count=1)
    return FORBIDDEN.sub("", text) if _may_hold_forbidden(body, text) else text


def _may_hold_forbidden(body: bytes, text: str) -> bool:
    """Looks at the bytes, which is faster: no encoding but those with zero bytes has a control character without its
    byte."""
    return len(body.translate(None, CONTROLS)) < len(body) or "\ufffe" in text or "\uffff" in text


def _decode(body: bytes, charset: str, override: str) -> str:
    name = encoding_of(body, charset=charset, override=override)
    mark = next((mark for mark, _ in MARKS if body.startswith(mark)), b"") if not known_encoding(override) else b""
    return body[len(mark) :].decode(name, errors="replace")


def encoding_of(body: bytes, *, charset: str = "", override: str = "") -> str:
    """The name of the encoding in which a document is read."""
    if name := known_encoding(override):
        return name
    for mark, name in MARKS:
        if body.startswith(mark):
            return name
    for pattern, name in WIDE:
        if pattern.match(body.lstrip(b" \t\r\n")[:8]):
            return name
    declared = DECLARED.search(body[:400]) or IN_A_PAGE.search(body[:4000])
    said = [known_encoding(charset), known_encoding(declared[1].decode("ascii") if declared else "")]
    return _found_out(body, [name for name in said if name])


@functools.lru_cache(maxsize=256)
def known_encoding(name: str) -> str:
    """The encoding that is meant by a name; "" for one that is unknown or is none of text in bytes."""
    try:
        found = codecs.lookup(WIDER.get(name.strip().lower(), name.strip())).name
    except (LookupError, ValueError):
        return ""
    found = WIDER.get(found, found)
    known = found in SEVERAL_BYTES or found in SHIFTED or found in ONE_BYTE or found.startswith(("utf-16", "utf-32"))
    return found if known else ""


def _found_out(body: bytes, said: list[str]) -> str:
    """The encoding that fits the bytes best, `said` being what header and declaration say, in this order."""
    shifted = [name for name in said if name in SHIFTED]
    if shifted and (b"\x1b" in body or b"\x0e" in body or b"~{" in body):
        return shifted[0]
    if _keeps(body, "utf-8", 0.25):
        return "utf-8"
    several = [name for name in said if name in SEVERAL_BYTES and name != "utf-8" and _keeps(body, name, 0.05)]
    read_as = {name: _usual(body, name) for name in several}
    believed = [name for name in several if read_as[name] >= DOUBTED]
    if believed:
        return max(believed, key=lambda name: read_as[name] > BELIEVED)  # the first of those that are alike
    if _keeps(body, "cp949", 0.05) and _usual(body, "cp949") > BELIEVED:
        return "cp949"
    named = [name for name in said if name in ONE_BYTE and name != "cp1252" and _keeps(body, name, 0.02)]
    return named[0] if named else _guessed(body, "cp1252" in said)


def _keeps(body: bytes, name: str, share: float) -> bool:
    """Whether the bytes keep the rules of an encoding, but for a share of what is not ASCII: posts are cut in the
    middle of a character every day."""
    try:
        body.decode(name)
    except UnicodeDecodeError:
        text = body.decode(name, errors="replace")
        return text.count("\ufffd") <= share * sum(map(len, BEYOND_ASCII.findall(text)))
    return True


def _usual(body: bytes, name: str) -> float:
    """Which share of the letters are those that all texts in this encoding are full of; 0.5 where that says nothing.

    Chinese taken for Korean gives rare signs besides Hangul, Japanese gives lone consonants.
    """
    sample = body[:SAMPLE].decode(name, errors="ignore") if name in LETTERS else ""
    letters = [letter for letter in "".join(BEYOND_ASCII.findall(sample)) if letter.isalpha()]
    if len(letters) < 2:
        return 0.5
    return sum(1 for letter in letters if LETTERS[name].match(letter) and _is_common(letter)) / len(letters)


def _is_common(letter: str) -> bool:
    """Not one of the 8,822 syllables that cp949 has beside those of KS X 1001: they are rare in real text."""
    return letter < "가" or letter > "힣" or len(letter.encode("euc_kr", "ignore")) == 2  # others are spelled in eight


def _guessed(body: bytes, latin: bool) -> str:
    """What a library takes the first text beyond ASCII for. `latin`: the header says so, as servers do about all that
    they were not told about: believed where the guess is some Latin too."""
    from charset_normalizer import from_bytes

    first = next((number for number, byte in enumerate(body) if byte > 0x7F), 0)
    best = from_bytes(body[max(0, first - 200) :][:GUESSED_BY]).best()
    name = known_encoding(best.encoding) if best is not None else ""
    if latin and (not name or name in ONE_BYTE - OTHER_SCRIPTS):
        return "cp1252"
    return name or ("cp949" if _keeps(body, "cp949", 0.05) else "utf-8")
