"""How well a text answers a question, in whole points, so that many are equal and the newer one goes first. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

STARTS_IN_HEADLINE, IN_HEADLINE = 6, 4
TOGETHER_IN_HEADLINE, TOGETHER = 3, 1
OFTEN = (1, 2, 4)
"""So many places in the text are worth one point more each time."""
FRESH = ((timedelta(days=1), 2), (timedelta(days=7), 1))
"""What is this young has so many points more: less than a word in a headline, more than a word said once again."""


def points(words: Sequence[re.Pattern[str]], together: re.Pattern[str] | None, headline: str, text: str) -> int:
    """For each word where it stands and how often, and whether all stand together; headline and text are folded."""
    made = 0
    for word in words:
        if found := word.search(headline):
            starts = found.start() == 0 or not headline[found.start() - 1].isalnum()
            made += STARTS_IN_HEADLINE if starts else IN_HEADLINE
        places = sum(1 for _ in islice(word.finditer(text), OFTEN[-1]))
        made += sum(places >= often for often in OFTEN)
    if together is not None:
        if together.search(headline):
            made += TOGETHER_IN_HEADLINE
        elif together.search(text):
            made += TOGETHER
    return made


def freshness(newest: datetime, asked: datetime) -> int:
    return next((worth for age, worth in FRESH if asked - newest <= age), 0)
