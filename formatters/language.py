"""Which language a post is in, by its script and, in Latin script, by English's small words: enough to choose rules."""

import re

from models import Post

SCRIPTS = (
    ("ko", re.compile(r"[\uac00-\ud7a3]")),
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
)
SMALL = "the of and to in is was for that with as by at from his her it an are were has have not said will be on"
ENGLISH = frozenset(SMALL.split(" "))
UNKNOWN = "und"
"""BCP 47's word for a language that is not known (https://www.rfc-editor.org/rfc/rfc5646#section-4.1)."""

ENOUGH = 0.1
SAMPLE = 2000
ENOUGH_WORDS = 12
"""Fewer words than this tell nothing: the interface's other language is taken."""


def language_of(post: Post) -> str:
    """The post's own language if its source names one, else the first script that holds a tenth of the letters.

    Latin script is "en" where a tenth of the words are English ones or there are too few to tell, else "und".
    """
    if post.language:
        return post.language
    text = re.sub(r"<[^>]*>", " ", f"{post.title} {post.html[: SAMPLE * 2]}")[:SAMPLE]
    letters = sum(map(str.isalpha, text))
    for language, script in SCRIPTS:
        if letters and len(script.findall(text)) / letters >= ENOUGH:
            return language
    words = re.findall(r"[^\W\d_]+", text.casefold())
    small = sum(word in ENGLISH for word in words)
    return "en" if len(words) < ENOUGH_WORDS or small >= len(words) * ENOUGH else UNKNOWN
