"""Bytes of a feed → UTF-8 text, when publisher, header and declaration disagree.

Order: byte order mark, valid UTF-8, what the header or the XML declaration says (euc-kr read as cp949, which holds
more syllables), cp949. Control characters that XML forbids are removed.
"""

import codecs
import re

DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{2,40})[\"']", re.IGNORECASE)
DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
WIDER = {"euc-kr": "cp949", "euckr": "cp949", "ks_c_5601-1987": "cp949", "iso-8859-1": "cp1252", "gb2312": "gb18030"}


def to_text(body: bytes, *, charset: str = "", override: str = "") -> str:
    """The document's text, without its XML declaration. `override` (the source's setting) wins over all."""
    text = _decode(body, charset, override)
    return FORBIDDEN.sub("", DECLARATION.sub("", text.lstrip("\ufeff"), count=1))


def _decode(body: bytes, charset: str, override: str) -> str:
    if override:
        return body.decode(override, errors="replace")
    for mark, name in MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, errors="replace")
    declared = DECLARED.search(body[:400])
    said = (charset, declared[1].decode("ascii") if declared else "")
    for name in ("utf-8", *said, "cp949"):
        text = _strict(body, WIDER.get(name.lower(), name))
        if text is not None:
            return text
    return body.decode(WIDER.get(said[0].lower(), "utf-8"), errors="replace")


def _strict(body: bytes, name: str) -> str | None:
    try:
        return body.decode(name) if name else None
    except (LookupError, UnicodeDecodeError):
        return None
