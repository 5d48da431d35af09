"""Posts with what a model may propose for them, for the tests of the rules and of the whole way."""

from models import Condensed, Post

TITLE = "다솔마루시, 야간 버스 신설"
HTML = (
    "<p>다솔마루시는 다음 달 1일부터 야간 버스 4개 노선을 30분 간격으로 운행한다고 3일 밝혔다.</p>"
    "<p>요금은 1,500원으로 낮과 같다. 첫차는 밤 11시에 시청 앞을 떠난다.</p>"
    "<p>시는 올해 예산 27억 원을 들여 전기버스 18대를 사들일 계획이다. 요금 인상은 확정하지 않았다.</p>"
    '<p>김도윤 시장은 "밤에 일하는 시민의 발이 되겠다"고 말했다. 다솔마루교통은 나래운수를 상대로 소송을 냈다.</p>'
    "<p>더 빠르고 정확한 뉴스를 원한다면 텔레그램 채널을 구독하세요.</p>"
)
GOOD = [
    "다음 달 1일부터 야간 버스 4개 노선 30분 간격 운행",
    "예산 27억 원 들여 전기버스 18대 사들일 계획",
    '김도윤 시장 "밤에 일하는 시민의 발이 되겠다"',
]
ENGLISH_TITLE = "Oslund council backs new ferry"
ENGLISH = (
    "<p>The Oslund council voted 21-9 on Tuesday to buy a battery ferry for 14.2 million euros, officials said.</p>"
    "<p>The ferry will carry 180 passengers and 40 cars between Oslund and Harvik. It is expected to enter service in "
    "May 2027.</p><p>Mayor Ingrid Sollie said: “The old boat has done its duty.” The opposition did not rule out an "
    "appeal.</p><p>Fares would rise by 4% next year under a separate proposal.</p>"
)
ENGLISH_GOOD = [
    "Oslund council voted 21-9 on Tuesday to buy a battery ferry for 14.2 million euros",
    "Ferry will carry 180 passengers and 40 cars between Oslund and Harvik",
    "It is expected to enter service in May 2027",
    "Mayor Ingrid Sollie: “The old boat has done its duty.”",
]


def post(html: str = HTML, title: str = TITLE, language: str = "ko") -> Post:
    return Post("site", "k", title, "https://site.example/7", html, language=language)


def english() -> Post:
    return post(ENGLISH, ENGLISH_TITLE, "en")


MADE = Condensed(TITLE, ("하나인 글머리 1", "둘인 글머리 2", "셋인 글머리 3"), "https://original.example/7")
ENGLISH_MADE = Condensed(ENGLISH_TITLE, ("one 1", "two 2", "three 3"), "https://original.example/8")
