"""A headline's endings: letters are left out where that is surely right, and never changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formatters import clauses, endings


@pytest.mark.parametrize(
    ("sentence", "short"),
    [
        ("총 47건의 협력 문서를 체결하였습니다", "총 47건의 협력 문서를 체결"),
        ("정부는 지원을 확대했다", "정부는 지원을 확대"),
        ("도로를 정비하고 있습니다", "도로를 정비"),
        ("수출이 크게 증가했습니다", "수출이 크게 증가"),
        ("11월 1일 시행할 예정입니다", "11월 1일 시행할 예정"),
        ("계약 규모는 2,700억 원입니다", "계약 규모는 2,700억 원"),
        ("입장료는 무료입니다", "입장료는 무료"),
        ("금리를 내린다고 설명했다", "금리를 내린다고 설명"),
    ],
)
def test_a_sure_ending_becomes_a_headlines(sentence: str, short: str) -> None:
    assert endings.shortened(sentence) == short


@pytest.mark.parametrize(
    "sentence",
    [
        "물품이 지원되었습니다",  # a passive: "물품이 지원" is no Korean
        "신청이 가능합니다",
        "정부가 발표했습니다",  # who announced what is left open
        "협력이 중요합니다",
        "합의하지 않았습니다",
        "검토한 적이 없다",
        "그는 웃었다",
        "위원회의 결정입니다",
        "",
    ],
)
def test_an_unsure_ending_stays(sentence: str) -> None:
    assert endings.shortened(sentence) == sentence


@given(st.text(alphabet="가나다라하했습니다고있을를이가체결확대예정 ,.0123456789억원", max_size=60))
def test_nothing_is_ever_added_or_changed(sentence: str) -> None:
    assert sentence.startswith(endings.shortened(sentence))
    assert sentence.startswith(endings.closed(sentence))


@pytest.mark.parametrize(
    ("sentence", "form"),
    [
        (
            "양국은 협력 확대를 논의하였으며, 이를 바탕으로 총 47건의 협력 문서를 체결하였습니다",
            "양국은 총 47건의 협력 문서를 체결",
        ),
        ("소속사는 불편에 대해 사과하였으며, 촬영은 멈춰 달라고 요청했다고 밝혔습니다", "소속사는 불편에 대해 사과"),
        (
            "난방의 효율을 극대화하기 위해 '지역난방 현대화 협력 약정'도 체결되었습니다",
            "'지역난방 현대화 협력 약정'도 체결되었습니다",
        ),
        ("한국수자원공사(K-water)는 댐 3곳을 개방했다", "한국수자원공사는 댐 3곳을 개방"),
        ("이번 회담의 주요 성과 중 하나는 고속철도 열차의 첫 수출 성사입니다", "고속철도 열차의 첫 수출 성사입니다"),
        (
            "The bridge, which carries about two thousand vehicles a day, will stay closed until Friday",
            "The bridge will stay closed until Friday",
        ),
        (
            "The agency confirmed seven cases since October 2 and is urging residents to check their vaccination",
            "The agency confirmed seven cases since October 2",
        ),
    ],
)
def test_a_part_that_stands_alone_is_offered(sentence: str, form: str) -> None:
    assert form in clauses.variants(sentence)


@pytest.mark.parametrize(
    ("sentence", "never"),
    [
        ("비가 그치면, 구청은 다리를 개방했다고 밝혔다", "구청은 다리를 개방했다고 밝혔다"),  # only if the rain stops
        ("정부는 지원을 검토했지만, 예산을 확정하지 않았다", "정부는 지원을 검토했지만"),
        ('의원은 "법을 고치고, 예산을 늘리겠다"고 강조했다', '예산을 늘리겠다"고 강조'),
        (
            "A plan to replace the barriers, which has been delayed twice, was dropped on Monday",
            "A plan to replace the barriers",
        ),
        ("Under the contracts, the developers receive aid if the price falls", "Under the contracts"),
    ],
)
def test_a_part_that_would_say_something_else_is_not(sentence: str, never: str) -> None:
    assert never not in clauses.variants(sentence)
