"""Endings: letters are left out where that is surely right; else a polite verb becomes the news' plain one."""

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
    ("sentence", "plain"),
    [
        ("물품이 지원되었습니다", "물품이 지원되었다"),  # a passive: "물품이 지원" is no Korean
        ("정부가 발표했습니다", "정부가 발표했다"),  # who announced what is left open
        ("합의하지 않았습니다", "합의하지 않았다"),
        ("누구나 참석할 수 있습니다", "누구나 참석할 수 있다"),
        ("신청이 가능합니다", "신청이 가능하다"),  # and not "가능한다"
        ("절차가 간소화됩니다", "절차가 간소화된다"),
        ("물가가 높아집니다", "물가가 높아진다"),
        ("치료를 받습니다", "치료를 받는다"),
    ],
)
def test_a_polite_verb_becomes_a_plain_one(sentence: str, plain: str) -> None:
    assert endings.shortened(sentence) == plain


@pytest.mark.parametrize(
    "sentence",
    [
        "값이 비쌉니다",  # whether it ends in -ㄴ다 or -다 depends on the word
        "연구를 이끕니다",
        "검토한 적이 없다",
        "그는 웃었다",
        "위원회의 결정입니다",
        "",
    ],
)
def test_an_unsure_ending_stays(sentence: str) -> None:
    assert endings.shortened(sentence) == sentence


@pytest.mark.parametrize(
    ("clause", "closed"),
    [
        ("이사 2명이 입건되었으며", "이사 2명이 입건되었다"),
        ("값이 올랐지만", "값이 올랐다"),
        ("값이 오르면", ""),
        ("값을 높이고", ""),
    ],
)
def test_a_clause_in_the_past_is_closed(clause: str, closed: str) -> None:
    assert endings.closed(clause) == closed


@given(st.text(alphabet="가나다라하했습니다고있을를이가체결확대예정 ,.0123456789억원", max_size=60))
def test_nothing_but_the_verbs_ending_is_ever_changed(sentence: str) -> None:
    for short in (endings.shortened(sentence), endings.closed(sentence)):
        assert sentence.startswith(short) or sentence.startswith(short.removesuffix("다")[:-1])


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
            "'지역난방 현대화 협력 약정'도 체결되었다",
        ),
        ("시는 안전을 높이기 위하여, 낡은 다리 9곳의 난간을 고쳤습니다", "시는 낡은 다리 9곳의 난간을 고쳤다"),
        ("시는 조사 결과를 바탕으로 다리 9곳의 낡은 난간을 고쳤습니다", "시는 다리 9곳의 낡은 난간을 고쳤다"),
        ("교육부는 대학 9곳에 30억 원을 지원한다고 27일 밝혔습니다", "교육부는 대학 9곳에 30억 원을 지원"),
        ("교육부는 도서, 실험 기구, 통학 버스 등을 지원합니다", "교육부는 도서, 실험 기구 등을 지원"),
        ("임원 2명이 배임 혐의로 입건되었으며, 이들은 곧 조사를 받습니다", "임원 2명이 배임 혐의로 입건되었다"),
        ("한국수자원공사(K-water)는 댐 3곳을 개방했다", "한국수자원공사는 댐 3곳을 개방"),
        ("이번 회담의 주요 성과 중 하나는 고속철도 열차의 첫 수출 성사입니다", "고속철도 열차의 첫 수출 성사입니다"),
        (
            "The bridge, which carries about two thousand vehicles a day, will stay closed until Friday",
            "The bridge will stay closed until Friday",
        ),
        (
            "Under the deal, signed in Haldane, the dam will release nine billion cubic metres of water a year",
            "The dam will release nine billion cubic metres of water a year",
        ),
        (
            "The authority ordered the recall of 86,000 blankets because a faulty controller can overheat",
            "The authority ordered the recall of 86,000 blankets",
        ),
        (
            "Pupils have to hand in their phones from 11 January, Education Minister Karin Osterby announced today",
            "Pupils have to hand in their phones from 11 January",
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
        ("시는 기후 위기를 위해 노력한 시민 30명에게 감사패를 주었다", "시는 노력한 시민 30명에게 감사패를 주었다"),
        (
            "온라인 신청은 누리집을 통해, 방문 신청은 보건소 9곳에서 할 수 있다",
            "온라인 신청은 방문 신청은 보건소 9곳에서 할 수 있다",
        ),
        ("정부가 규제를 통해 기업 40곳의 배출량을 줄였다고 한다", "기업 40곳의 배출량을 줄였다고 한다"),
        ("영웅을 기억하고 감사하는 문화를 시민 9천 명과 확산", "감사하는 문화를 시민 9천 명과 확산"),
        ("그 소문은 거짓이며, 이로 인해 9명이 고통을 받았다고 언급", "그 소문은 9명이 고통을 받았다고 언급"),
        ("경찰은 A씨가 흉기 2점을 버리고 달아났다고 밝혔다", "경찰은 A씨가 흉기 2점을 버리고 달아났다"),
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
