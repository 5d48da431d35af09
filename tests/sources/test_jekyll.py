"""One Jekyll file → one post, over the whole corpus where it is at hand, and over bytes nobody would write."""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models import Kind, Post, Source
from sources.clean import clean
from sources.jekyll import SiteConfig, natural_key, read_config, read_post
from sources.original import original_of
from sources.permalink import path_of

SHARED = Path(__file__).parents[2].parent / "shared"
CORPUS = SHARED / "corpus"
SEED = SHARED / "seed" / "newsdao-post.md"
SAMPLE = Path(__file__).parents[2] / "examples" / "site"
EXPECTED = tomllib.loads((Path(__file__).parents[1] / "data" / "broken_front_matter.toml").read_text("utf-8"))["post"]
SEOUL = ZoneInfo("Asia/Seoul")
SITE = SiteConfig(url="https://site.example")

needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not next to the repository")
needs_seed = pytest.mark.skipif(not SEED.is_file(), reason="the seed post is not next to the repository")


def source(site_url: str = "", timezone: str = "", encoding: str = "") -> Source:
    return Source("s", "S", Kind.JEKYLL, "site", site_url=site_url, timezone=timezone, encoding=encoding)


def post(text: str | bytes, name: str = "2024-06-12-9.md", site: SiteConfig = SITE, **changes: str) -> Post:
    return read_post(source(**changes), name, text.encode() if isinstance(text, str) else text, site)


def front(**fields: str) -> str:
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in fields.items()) + "---\nText.\n"


def visible(html: str) -> str:
    return " ".join(re.sub(r"<[^<>]*>", "", html).split())


def corpus() -> list[Path]:
    return sorted(CORPUS.glob("*/_posts/*.md"))


@needs_corpus
@pytest.mark.parametrize("expected", EXPECTED, ids=lambda row: row["path"])
def test_front_matter_that_yaml_refuses_is_read_as_a_careful_reader_would(expected: dict[str, str]) -> None:
    file = CORPUS / expected["path"]
    read = post(file.read_bytes(), file.name)
    assert read.title == expected["title"]
    assert read.excerpt == expected["excerpt"]
    assert read.image == expected["image"]
    assert visible(read.html).startswith(expected["body_start"])


@needs_corpus
def test_every_post_of_the_corpus_has_a_title_a_body_and_a_day() -> None:
    files = corpus()
    assert len(files) == 520
    for file in files:
        read = post(file.read_bytes(), file.name)
        assert read.title.strip(), file
        assert read.title != file.name, file
        assert len(visible(read.html)) > 100, file
        assert read.published is not None and read.date_only, file
        assert read.image.startswith("https://"), file


@needs_corpus
def test_every_source_line_of_the_corpus_gives_the_original_article() -> None:
    line = re.compile(r"^(?:<p[^>]*>)?\[?출처: ?.*?(https?://[^/\s\")]+/[^\s\")]+)", re.MULTILINE)
    named = 0
    for file in corpus():
        body = file.read_bytes()
        found = line.search(body.decode())
        if found:
            named += 1
            read = post(body, file.name)
            assert read.original_link == found[1], file
            assert read.source_headline, file
    assert named > 300


@needs_seed
def test_the_seed_post_names_its_original_article_and_its_headline() -> None:
    read = post(SEED.read_bytes())
    assert read.title == "한국의 KTX 수출, 핵심 광물 협력으로 경쟁력 강화!"
    assert read.original_link == "https://newsdao.kr/4261"
    assert read.source_headline == "KTX 수출, 핵심광물 협력 강화!"
    assert read.image == "https://site.example/assets/img/newsdao_breakingnews.jpg"
    assert read.categories == ("News",)
    assert read.excerpt.startswith("한·우즈베키스탄 정상회담 주요 성과 한-우즈베키스탄")


@needs_seed
def test_text_straight_after_a_heading_becomes_a_paragraph_as_on_the_site() -> None:
    assert "<p>이번 회담의 주요 성과 중 하나는" in post(SEED.read_bytes()).html


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("속보: 다리가 열렸다: 사흘 만", "속보: 다리가 열렸다: 사흘 만"),
        ("'112 신고'로 처벌 강화", "'112 신고'로 처벌 강화"),
        ("'하나' '둘' '셋'", "'하나' '둘' '셋'"),
        ("[속보] 다리 개통", "[속보] 다리 개통"),
        ("[속보]", "[속보]"),
        ('"그가 "그렇다"고 말했다"', '그가 "그렇다"고 말했다'),
        ("'It's open: at last'", "It's open: at last"),
        ("1. 첫 제목\n2. 둘째 제목", "1. 첫 제목"),
        ("2024", "2024"),
        ("yes", "yes"),
        ("12:30", "12:30"),
        ('"따옴표 안: 제목"', "따옴표 안: 제목"),
        ("!!int 다섯", "!!int 다섯"),
    ],
)
def test_a_title_is_what_its_writer_meant(line: str, title: str) -> None:
    assert post(front(title=line, categories="News")).title == title


def test_all_fields_survive_a_broken_title() -> None:
    read = post(
        "---\ntitle: 속보: 개통\ncategories:\n  - 교통\n  - 지역\nexcerpt: >\n  첫 줄\n  둘째 줄\n"
        "image: '/a.png'\ndate: 2024-06-12 14:05:00 +0900\npermalink: /bridge/\n---\n본문\n"
    )
    assert (read.title, read.excerpt, read.categories) == ("속보: 개통", "첫 줄 둘째 줄", ("교통", "지역"))
    assert (read.image, read.link) == ("https://site.example/a.png", "https://site.example/bridge/")
    assert read.published == datetime(2024, 6, 12, 5, 5, tzinfo=UTC)


def test_without_an_excerpt_the_feature_text_stands_in_without_its_headings() -> None:
    assert post("---\nfeature_text: >\n  ## 실시간 속보\n\n  다리가 열렸다.\n---\n본문").excerpt == "다리가 열렸다."
    assert post(front(title="A")).excerpt == ""


@pytest.mark.parametrize(
    "text", ["---\ntitle: A\ncategories:\n  - News\n\n본문입니다.\n", "---\ntitle: A\n본문입니다.\n"]
)
def test_front_matter_that_was_never_closed_still_has_a_body(text: str) -> None:
    read = post(text)
    assert (read.title, visible(read.html)) == ("A", "본문입니다.")


@pytest.mark.parametrize(
    "body",
    [
        "\ufeff---\ntitle: 다리\n---\n열렸다.".encode(),
        b"---\r\ntitle: \xeb\x8b\xa4\xeb\xa6\xac\r\n---\r\n\xec\x97\xb4\xeb\xa0\xb8\xeb\x8b\xa4.",
        "---\ntitle: 다리\n---\n열렸다.".encode("cp949"),
        "---\ntitle: 다리\n---\n열렸다.".encode("utf-16"),
        "\n\n--- \ntitle: 다리\n...\n열렸다.".encode(),
    ],
    ids=["mark", "crlf", "cp949", "utf-16", "spaces"],
)
def test_a_file_is_read_however_it_was_saved(body: bytes) -> None:
    read = post(body)
    assert (read.title, visible(read.html)) == ("다리", "열렸다.")


def test_a_broken_byte_costs_one_character_and_not_the_post() -> None:
    read = post(b"---\ntitle: Bridge\n---\nThe bridge \xff\xff opened, \xe2\x82\xac5 a crossing.")
    assert read.title == "Bridge"
    assert "a crossing." in read.html


def test_an_encoding_nobody_knows_does_not_stop_the_reading() -> None:
    assert post(front(title="다리"), encoding="no-such-encoding").title == "다리"


def test_a_post_without_a_title_is_named_by_its_file() -> None:
    assert post("Text.", "2024-06-12-night-bus.md").title == "Night Bus"
    assert post("Text.", "2024-06-12-433.md").title == "2024-06-12-433.md"
    assert post(b"", ".md").title == ".md"


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    assert "첫 문장." in post("---\n첫 문장.\n\n---\n둘째 문장.\n").html


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=400), name=st.text(max_size=30))
@example(body=b"---\ntitle: &a [*a]\n---\n", name="a.md")
@example(body=b'---\ntitle: "\\0\\ud800"\n---\n', name="2024-02-31-a.md")
@example(body=b"---\n" + b"[\n" * 5000, name="0000-00-00-.md")
def test_no_bytes_stop_the_reader(body: bytes, name: str) -> None:
    for text in (body, b"---\n" + body, b"---\ntitle: " + body + b"\n---\n" + body):
        read = post(text, name, site=read_config(body))
        assert read.title or not name
        assert "<script" not in read.html


@settings(max_examples=80, deadline=None)
@given(
    field=st.sampled_from(["title", "date", "image", "categories", "permalink", "excerpt", "lang", "slug"]),
    value=st.text(alphabet="[]{}:'\"|>&*!%#-+.,0123456789TZ/ \nabc가<", max_size=40),
)
def test_no_front_matter_value_stops_the_reader(field: str, value: str) -> None:
    read = post(f"---\n{field}: {value}\n---\n출처: {value} https://a.example/{value}\n")
    assert read.title
    assert read.image == "" or read.image.startswith(("http://", "https://"))


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("2024-06-12 14:05:00 +0900", datetime(2024, 6, 12, 5, 5, tzinfo=UTC)),
        ("2024-06-12T14:05:00+09:00", datetime(2024, 6, 12, 5, 5, tzinfo=UTC)),
        ("2024-06-12T05:05:00Z", datetime(2024, 6, 12, 5, 5, tzinfo=UTC)),
        ("2024-06-12 14:05:00 KST", datetime(2024, 6, 12, 5, 5, tzinfo=UTC)),
        ("2024-06-12 14:05", datetime(2024, 6, 12, 14, 5, tzinfo=SEOUL)),
        ("'2024/06/12 14:05:30.5 -03'", datetime(2024, 6, 12, 17, 5, 30, tzinfo=UTC)),
    ],
)
def test_a_written_time_is_the_time(date: str, moment: datetime) -> None:
    read = post(front(title="A", date=date), "2020-01-01-a.md")
    assert read.published == moment
    assert not read.date_only


def test_a_time_without_offset_is_in_the_zone_of_the_source() -> None:
    read = post(front(title="A", date="2024-06-12 14:05:00"), timezone="America/New_York")
    assert read.published == datetime(2024, 6, 12, 18, 5, tzinfo=UTC)


@pytest.mark.parametrize("date", ["2024-02-31", "soon", "", "2024-06-12 25:00", "9999-01-01", "2024-06-12 10:00 +9900"])
def test_a_date_that_is_none_gives_way_to_the_file_name(date: str) -> None:
    read = post(front(title="A", date=date), "2024-6-1-a.md")
    assert read.published == datetime(2024, 6, 1, tzinfo=SEOUL)
    assert read.date_only


def test_a_day_without_a_time_is_marked_so() -> None:
    read = post(front(title="A", date="2024-06-13"))
    assert (read.published, read.date_only) == (datetime(2024, 6, 13, tzinfo=SEOUL), True)


def test_a_file_without_a_day_has_no_date_and_no_made_up_link() -> None:
    read = post(front(title="A"), "about.md")
    assert (read.published, read.date_only, read.link) == (None, False, "")


def test_a_zone_nobody_knows_is_read_as_seoul() -> None:
    assert post(front(title="A"), timezone="Mars/Base").published == datetime(2024, 6, 12, tzinfo=SEOUL)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("date", "/news/local/2024/06/02/night-bus.html"),
        ("pretty", "/news/local/2024/06/02/night-bus/"),
        ("ordinal", "/news/local/2024/154/night-bus.html"),
        ("weekdate", "/news/local/2024/W22/Sun/night-bus.html"),
        ("none", "/news/local/night-bus.html"),
        ("/:short_year/:i_month/:i_day/:slug", "/24/6/2/night-bus"),
        (":year-:month-:day-:title:output_ext", "/2024-06-02-night-bus.html"),
        ("/n/:hour:minute:second/:title/", "/n/140500/night-bus/"),
        ("/about us/", "/about%20us/"),
    ],
)
def test_a_permalink_pattern_gives_the_path_that_jekyll_gives(pattern: str, path: str) -> None:
    when = datetime(2024, 6, 2, 14, 5, tzinfo=SEOUL)
    assert path_of(pattern, "night-bus", ("News", "Local"), when) == path


def test_a_link_is_the_site_and_the_permalink() -> None:
    text = front(title="A", categories="[스포츠]")
    assert post(text).link == "https://site.example/%EC%8A%A4%ED%8F%AC%EC%B8%A0/2024/06/12/9.html"
    assert post(text, site=SiteConfig("https://site.example", "/:title/")).link == "https://site.example/9/"
    assert post(text, site=SiteConfig(permalink="/:title/"), site_url="https://own.example/").link == (
        "https://own.example/9/"
    )
    assert post(front(permalink="/p/1.html")).link == "https://site.example/p/1.html"


def test_without_a_site_there_is_no_link_and_no_picture_of_the_site() -> None:
    read = post(front(title="A", image="/a.png"), site=SiteConfig())
    assert (read.link, read.image) == ("", "")


def test_the_config_gives_address_permalink_and_title() -> None:
    body = b"title: Sample\nurl: https://site.example/\nbaseurl: /news\npermalink: pretty\n"
    assert read_config(body) == SiteConfig("https://site.example/news", "pretty", "Sample")


def test_a_broken_config_gives_what_can_be_read() -> None:
    body = b"title: a: b: c\nurl: 'https://site.example'\nplugins: [x\npermalink: /:title/\n"
    assert read_config(body) == SiteConfig("https://site.example", "/:title/", "a: b: c")
    assert read_config(b"\xff\x00[") == SiteConfig()
    assert read_config(b"url: javascript:x") == SiteConfig()


def test_pictures_come_from_front_matter_then_from_the_body() -> None:
    body = "\n![a](/body.png)\n"
    assert post(front(image="/a.png", feature_image="/b.png") + body).image == "https://site.example/a.png"
    assert post(front(feature_image="https://cdn.example/b.png") + body).image == "https://cdn.example/b.png"
    assert post("---\nimage:\n  path: c.png\n---\n" + body).image == "https://site.example/c.png"
    assert post(body).image == "https://site.example/body.png"
    assert post(front(image="data:image/png;base64,AAAA")).image == ""


def test_a_site_in_a_folder_keeps_its_folder_in_addresses() -> None:
    site = SiteConfig(url="https://site.example/news")
    assert post(front(image="/a.png"), site=site).image == "https://site.example/news/a.png"
    assert post(front(image="/news/a.png"), site=site).image == "https://site.example/news/a.png"
    text = "![a]({{ '/b.png' | relative_url }}) ![c]({{ site.baseurl }}/c.png)"
    html = post(text, site=site).html
    assert 'src="https://site.example/news/b.png"' in html
    assert 'src="https://site.example/news/c.png"' in html


def test_liquid_and_kramdown_marks_are_not_read_aloud() -> None:
    read = post(
        "# 제목 {: .big}\n\n{% include ad.html %}하나{% comment %}숨김{% endcomment %} {{ page.title }} 둘\n"
        "{:.note}\n\n{%- if x -%}셋{%- endif -%}\n"
    )
    assert visible(read.html) == "제목 하나 둘 셋"


def test_markdown_and_html_live_in_one_post() -> None:
    html = post('<h2>하나</h2>\n글 **굵게**는\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n~~전~~ **"인용"**은\n').html
    assert "<p>글 <strong>굵게</strong>는</p>" in html
    assert "<td>1</td>" in html
    assert "<s>전</s>" in html
    assert '<b>"인용"</b>은' in html.replace("&quot;", '"')


def test_an_html_post_is_not_read_as_markdown() -> None:
    assert "# 하나" in post("---\ntitle: A\n---\n<div># 하나</div>", "2024-06-12-a.html").html


def test_indented_html_is_no_code_block() -> None:
    html = post("<div>\n\n    <p>안쪽</p>\n\n</div>\n").html
    assert "<p>안쪽</p>" in html
    assert "<pre>" not in html


def test_scripts_styles_and_handlers_leave_nothing_behind() -> None:
    html = clean('<p onclick="x()">a<script>alert(1)</script><style>p{}</style><a href="javascript:x()">b</a></p>', "")
    assert html == "<p>a<a>b</a></p>"


def test_relative_addresses_become_absolute() -> None:
    html = clean('<a href="/x?a=1&amp;b=2">a</a><img src="b.png"><a href="//[">c</a>', "https://a.example/d/e")
    assert html == '<a href="https://a.example/x?a=1&amp;b=2">a</a><img src="https://a.example/d/b.png"><a>c</a>'


def test_a_tag_cut_off_by_a_korean_word_does_not_swallow_it() -> None:
    assert clean("<b>강조</b되며 이어진다. <i>끝</i>", "") == "<b>강조</b>되며 이어진다. <i>끝</i>"


@pytest.mark.parametrize(
    ("html", "found"),
    [
        (
            '<p>출처: <a href="https://a.example/1" rel="x">제목 &amp; 글</a> | 곳</p>',
            ("https://a.example/1", "제목 & 글"),
        ),
        ('<p><a href="https://a.example/1?a=1&amp;b=2">출처: 제목</a></p>', ("https://a.example/1?a=1&b=2", "제목")),
        ("<p>출처: [제목 [둘]](https://a.example/1)</p>", ("", "")),
        ("<p>출처: [제목](https://a.example/1)</p>", ("https://a.example/1", "제목")),
        ("<p>[출처: 제목](https://a.example/1) | 곳</p>", ("https://a.example/1", "제목")),
        ("<p>출처: https://a.example/1.</p>", ("https://a.example/1", "")),
        ('<p><b>출처</b> : <b><a href="https://a.example/1"><i>제</i>목</a></b></p>', ("https://a.example/1", "제목")),
        ('<li>원문 출처 : <a href="https://a.example/1">제목</a></li>', ("https://a.example/1", "제목")),
        ('<p>끝. <a href="https://a.example/1">출처</a></p>', ("https://a.example/1", "")),
        ('<p>Source: <a href="https://a.example/1">Title</a></p>', ("https://a.example/1", "Title")),
        ('<p>출처: <a href="https://a.example/">곳</a></p>', ("", "")),
        (
            '<p>출처: <a href="https://a.example">곳</a></p><p>출처: https://a.example/2</p>',
            ("https://a.example/2", ""),
        ),
        ('<p>출처: <a href="https://a.example/?p=7">제목</a></p>', ("https://a.example/?p=7", "제목")),
        ('<p>사진 출처: <a href="https://a.example/1">작가</a></p>', ("", "")),
        ('<p>자료출처=<a href="https://a.example/1">기관</a></p>', ("", "")),
        ('<p>출처를 밝히면 쓸 수 있다: <a href="https://a.example/1">조건</a></p>', ("", "")),
        ('<p>An open source: <a href="https://a.example/1">tool</a></p>', ("", "")),
        ('<p>출처: 어느 기관</p><p><a href="https://a.example/1">광고</a></p>', ("", "")),
        ('<p>출처: <a href="javascript:x">제목</a></p>', ("", "")),
        ("", ("", "")),
    ],
)
def test_the_source_line_names_the_original_article(html: str, found: tuple[str, str]) -> None:
    assert original_of(html) == found


def test_names_sort_as_people_count() -> None:
    names = ["2024-06-12-10.md", "2024-06-12-9.md", "2024-06-12-101.md", "about.md", "2024-06-2-1.md"]
    assert sorted(names, key=natural_key) == [
        *("2024-06-2-1.md", "2024-06-12-9.md", "2024-06-12-10.md", "2024-06-12-101.md", "about.md")
    ]


@pytest.mark.parametrize("folder", ["_posts", "_scheduled"])
def test_every_post_of_the_sample_site_can_be_shown(folder: str) -> None:
    site = read_config((SAMPLE / "_config.yml").read_bytes())
    files = sorted((SAMPLE / folder).glob("*.md"))
    assert len(files) == {"_posts": 13, "_scheduled": 2}[folder]
    for file in files:
        read = post(file.read_bytes(), file.name, site=site)
        assert read.title and not read.title.endswith(".md"), file
        assert read.link.startswith(f"{site.url}/"), file
        assert read.image.startswith(f"{site.url}/assets/img/"), file
        assert (SAMPLE / read.image.removeprefix(f"{site.url}/")).is_file(), file
        assert len(re.findall(r"[.!?](?=[\s\"”’]|$)", visible(read.html))) >= 7, file
