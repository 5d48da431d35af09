"""Which language a post is in, by its script: enough to choose texts and rules."""

import re

from models import Post

SCRIPTS = (
    ("ko", re.compile(r"[\uac00-\ud7a3]")),
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
)
ENOUGH = 0.1
SAMPLE = 2000


def language_of(post: Post) -> str:
    """The post's own language if its source names one, else the first script that holds a tenth of the letters."""
    if post.language:
        return post.language
    text = re.sub(r"<[^>]*>", " ", f"{post.title} {post.html[: SAMPLE * 2]}")[:SAMPLE]
    letters = sum(1 for character in text if character.isalpha())
    for language, script in SCRIPTS:
        if letters and len(script.findall(text)) / letters >= ENOUGH:
            return language
    return "en"
