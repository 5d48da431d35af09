"""Times in the usual forms are read as they are without the shortcut, and all else by the library alone."""

from datetime import UTC, datetime

import pytest
from dateutil import parser as dates
from hypothesis import given, settings
from hypothesis import strategies as st

from sources import moments
from sources.moments import moment

DIGITS = st.integers(0, 99).map("{:02d}".format)
ZONES = st.sampled_from(["", "Z", "+00:00", "+09:00", "-03:30", "+99:99", "+0900", " GMT", " UTC", " +0900", " KST"])
DAYS = st.sampled_from(["", "Wed, ", "Mon, ", "Wed ", "수, "])
MONTHS = st.sampled_from(["Jan", "Jun", "Dec", "june", "6월"])


@st.composite
def written(draw: st.DrawFn) -> str:
    year, month, day = draw(st.sampled_from(["2026", "0001", "9999", "26"])), draw(DIGITS), draw(DIGITS)
    time = ":".join(draw(st.lists(DIGITS, min_size=2, max_size=3))) + draw(st.sampled_from(["", ".5", ".123456789"]))
    if draw(st.booleans()):
        return f"{year}-{month}-{day}{draw(st.sampled_from('T t'))}{time}{draw(ZONES)}"
    return f"{draw(DAYS)}{day} {draw(MONTHS)} {year} {time}{draw(ZONES)}"


def by_the_library(text: str) -> datetime | None:
    try:
        parsed = dates.parse(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@settings(max_examples=100)
@given(written())
@pytest.mark.filterwarnings("ignore::dateutil.parser.UnknownTimezoneWarning")
def test_the_shortcut_says_what_the_library_says(text: str) -> None:
    assert moments._usual(text) in (None, by_the_library(text))


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("Wed, 17 Jun 2026 14:05:00 +0900", 5),
        ("17 Jun 2026 14:05:00 GMT", 14),
        ("2026-06-17T14:05:00Z", 14),
        ("2026-06-17T14:05:00.250+09:00", 5),
        ("2026-06-17 14:05:00", 14),
    ],
)
def test_the_usual_forms_take_the_shortcut(text: str, hour: int) -> None:
    usual = moments._usual(text)
    assert usual is not None and usual.hour == hour and usual == moment(text)
