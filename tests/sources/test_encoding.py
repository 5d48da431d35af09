"""Bytes become the text that their publisher wrote, whatever header and declaration say about them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import Kind, Source
from sources import feed
from sources.documents import Document
from sources.encoding import known_encoding, to_text

TITLE = "정부, 새 예산안 확정"
RARE = "뷁 소식, 펲시 똠방각하"
"""Syllables that cp949 has and EUC-KR has not."""


def document(title: str, declared: str = "") -> str:
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    return f"{head}<rss><channel><title>t</title><item><title>{title}</title><guid>1</guid></item></channel></rss>"


def title_of(body: bytes, charset: str = "", encoding: str = "") -> str:
    source = Source("f", "f", Kind.FEED, "https://a.example/feed", encoding=encoding)
    (post,) = feed.parse(source, Document("https://a.example/feed", body, charset))
    return post.title


KOREAN: dict[str, tuple[bytes, str, str]] = {
    "utf-8 that nobody names": (document(TITLE).encode(), "", TITLE),
    "utf-8 with a byte order mark, declared euc-kr": (document(TITLE, "euc-kr").encode("utf-8-sig"), "", TITLE),
    "utf-8 declared euc-kr": (document(TITLE, "euc-kr").encode(), "", TITLE),
    "utf-8 whose header says euc-kr": (document(TITLE, "utf-8").encode(), "euc-kr", TITLE),
    "euc-kr declared": (document(TITLE, "euc-kr").encode("euc-kr"), "", TITLE),
    "euc-kr in the header only": (document(TITLE).encode("euc-kr"), "EUC-KR", TITLE),
    "cp949 declared euc-kr": (document(RARE, "EUC-KR").encode("cp949"), "", RARE),
    "cp949 that its header calls ks_c_5601-1987": (document(RARE).encode("cp949"), "ks_c_5601-1987", RARE),
    "cp949 that nobody names": (document(TITLE).encode("cp949"), "", TITLE),
    "cp949 declared utf-8": (document(TITLE, "utf-8").encode("cp949"), "", TITLE),
    "cp949 declared euc-kr whose header says utf-8": (document(RARE, "euc-kr").encode("cp949"), "utf-8", RARE),
    "cp949 whose header says iso-8859-1, as servers do": (document(TITLE).encode("cp949"), "iso-8859-1", TITLE),
    "utf-16 with a mark, declared utf-8": (document(TITLE, "utf-8").encode("utf-16"), "utf-8", TITLE),
    "utf-16 without a mark": (document(TITLE, "utf-16").encode("utf-16-le"), "", TITLE),
}


def test_there_are_fourteen_korean_cases() -> None:
    assert len(KOREAN) == 14


@pytest.mark.parametrize("case", KOREAN)
def test_korean_is_read_when_it_is(case: str) -> None:
    body, charset, title = KOREAN[case]
    assert title_of(body, charset) == title


TEXTS = {
    "shift_jis": "政府は新しい予算案を閣議決定しました",
    "euc_jp": "政府は新しい予算案を閣議決定しました",
    "gb18030": "政府批准了新的预算案，明年支出创新高",
    "big5": "政府批准了新的預算案，明年支出創新高",
    "cp1251": "Правительство утвердило новый бюджет на следующий год",
    "koi8_r": "Правительство утвердило новый бюджет на следующий год",
    "cp1253": "Η κυβέρνηση ενέκρινε τον νέο προϋπολογισμό",
    "cp1252": "Le gouvernement a adopté le budget — « enfin »",
}
NAMES = {"koi8_r": "koi8-r", "euc_jp": "euc-jp", "cp1251": "windows-1251", "cp1252": "iso-8859-1"}


@pytest.mark.parametrize("encoding", TEXTS)
def test_an_encoding_is_believed_found_out_or_set_by_hand(encoding: str) -> None:
    text, name = TEXTS[encoding], NAMES.get(encoding, encoding)
    body = document(text).encode(encoding)
    assert title_of(body, name) == text, "the header says so"
    assert title_of(document(text, name).encode(encoding)) == text, "the declaration says so"
    assert title_of(document(text, name).encode(encoding), "utf-8") == text, "the header is wrong"
    assert title_of(document(text, "utf-8").encode(encoding), name) == text, "the declaration is wrong"
    assert title_of(body, "utf-8", encoding) == text, "the source is set so"
    if encoding != "cp1252":
        assert title_of(body) == text, "nobody says anything"
        assert title_of(body, "iso-8859-1") == text, "the server says what it says about everything"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1250", "Vláda schválila nový rozpočet"),
        ("cp1254", "Hükûmet yeni bütçeyi onayladı"),
        ("iso8859-2", "Rząd przyjął nowy budżet"),
        ("iso8859-15", "Le budget coûte 3 € de plus"),
        ("cp874", "รัฐบาลอนุมัติงบประมาณใหม่"),
        ("cp1256", "وافقت الحكومة على الميزانية"),
        ("iso2022_jp", "政府は新しい予算案"),
        ("iso2022_kr", "정부 예산안"),
    ],
)
def test_what_bytes_cannot_tell_apart_is_what_its_publisher_says(encoding: str, text: str) -> None:
    assert title_of(document(text, encoding).encode(encoding)) == text
    assert title_of(document(text).encode(encoding), encoding) == text


def test_a_header_that_names_a_language_goes_before_the_declaration() -> None:
    text = TEXTS["cp1251"]
    assert title_of(document(text, "iso-8859-1").encode("cp1251"), "windows-1251") == text
    assert title_of(document(text, "windows-1251").encode("cp1251"), "iso-8859-1") == text
    japanese = TEXTS["shift_jis"]
    assert title_of(document(japanese, "shift_jis").encode("shift_jis"), "euc-kr") == japanese
    assert title_of(document(TITLE, "euc-kr").encode("euc-kr"), "shift_jis") == TITLE


def test_a_character_cut_in_two_costs_that_character() -> None:
    cut = document(f"{TITLE}@").encode()
    assert title_of(cut.replace(b"@", "끝".encode()[:2])) == f"{TITLE}\ufffd"
    cut = document(f"{TITLE * 3}@.", "euc-kr").encode("cp949")
    assert title_of(cut.replace(b"@", b"\xff")).startswith(TITLE * 3)


def test_signs_that_are_no_letters_do_not_make_a_name_unbelievable() -> None:
    assert title_of(document("budget “2027” · plan", "euc-kr").encode("cp949")) == "budget “2027” · plan"
    assert title_of(document("budget €", "windows-1252").encode("cp1252")) == "budget €"


def test_a_page_names_its_encoding_in_its_head() -> None:
    page = '<html><head><meta http-equiv="Content-Type" content="text/html; charset=euc-kr">뷁</head>'
    assert "뷁" in to_text(page.encode("cp949"))


@pytest.mark.parametrize(
    "name", ["punycode", "idna", "rot13", "base64", "unicode_escape", "utf-7", "klingon", "", "\0"]
)
def test_a_name_that_is_no_encoding_of_text_is_not_used(name: str) -> None:
    assert known_encoding(name) == ""
    assert TITLE in to_text(document(TITLE).encode("cp949"), charset=name, override=name)


@settings(max_examples=40)
@given(st.binary(max_size=200), st.sampled_from(["", "utf-8", "euc-kr", "utf-16", "iso-2022-jp", "koi8-r", "hz"]))
def test_bytes_of_any_kind_give_text(body: bytes, charset: str) -> None:
    assert "\x00" not in to_text(body, charset=charset)
    assert "\x00" not in to_text(body, override=charset)
