"""What else one could use, as filters with the condenser's own interface: JSON lines in, JSON lines out.

`python -m benchmarks.condense.baselines NAME` runs one on standard input. Each gets the same posts; the sentence
splitter is this folder's (it knows Korean), except that newspaper4k ranks sentences with its own scores.
Left out: lexrankr and kss (seconds a post, and a Java or compiler tool chain to install), and everything that
needs a model or a network. sumy and newspaper4k want NLTK's punkt, which is a download: they get our tokeniser.
"""

import itertools
import json
import re
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from benchmarks.condense.score import Alert, Gold
from benchmarks.condense.text import Block, blocks, sentences, words

Condenser = Callable[[str, str, str], list[str]]  # title, html, language -> bullets
COUNT = 3


def body(html: str) -> list[Block]:
    """Text and list items in order, without headings, table cells and the line that names the source."""
    return [block for block in blocks(html) if block.kind in ("text", "item") and not block.text.startswith("출처")]


def candidates(html: str) -> list[str]:
    """Every sentence of the body, in order."""
    return [sentence for block in body(html) for sentence in sentences(block.text)]


def lead(title: str, html: str, lang: str) -> list[str]:
    """The first three sentences."""
    return candidates(html)[:COUNT]


def lead4(title: str, html: str, lang: str) -> list[str]:
    """The first four sentences."""
    return candidates(html)[:4]


def headings(title: str, html: str, lang: str) -> list[str]:
    """The first sentence after each heading (of the post itself, too), the first four of them."""
    found, fresh = [], True
    for block in blocks(html):
        if block.kind == "heading":
            fresh = True
        elif fresh and block.kind in ("text", "item") and not block.text.startswith("출처"):
            found += sentences(block.text)[:1]
            fresh = False
    return found[:4]


# How much likelier an editor's sentence has a trait than any sentence: counted over such posts by hand.
FILLER = re.compile(
    "기대|예상됩|것으로 보|전망|알아보|살펴보|중요합|기여|계기|발판|remains to be seen|crucial|important"
)
LEANS = re.compile(
    "^(?:이는|또한|그는|이에|그러나|하지만|특히|따라서|이러한|그리고|아울러|He|She|It|They|This|But|And|However)\\b"
)
PROMOTION = re.compile("빠르고 정확한|구독|제보|Follow|Subscribe|Also read")


def structure(title: str, html: str, lang: str) -> list[str]:
    """The best four sentences or items by what anybody sees of them: where they stand, words of the title, numbers."""
    known, found, fresh = set(words(title)), list[tuple[float, int, str]](), True
    for block in blocks(html):
        if block.kind == "heading":
            fresh = True
        if block.kind not in ("text", "item") or block.text.startswith("출처"):
            continue
        for sentence in sentences(block.text):
            number, place = re.search(r"\d", sentence) is not None, len(found)
            if PROMOTION.search(sentence) or (block.kind == "item" and not number and not sentence.endswith("다.")):
                continue
            worth = 3.8 if place == 0 else 2.2 if place < 3 else 1.0
            worth *= 2.3 if len(known & set(words(sentence))) > 1 else 1.0
            worth *= 2.1 if fresh else 1.0
            worth *= 1.8 if number else 0.4 if FILLER.search(sentence) else 1.0
            worth *= 1.5 if block.kind == "item" or re.search("[\"“‘']", sentence) else 1.0
            worth *= 0.7 if LEANS.match(sentence) else 1.0
            found.append((-worth, place, sentence))
            fresh = False
    return [sentence for _, _, sentence in sorted(sorted(found)[:4], key=lambda one: one[1])]


# ----------------------------------------------------------------------------------------------------- libraries


class Tokens:
    """sumy's tokenizer interface, without NLTK's data."""

    def to_sentences(self, text: str) -> list[str]:
        return sentences(text)

    def to_words(self, text: str) -> list[str]:
        return words(text)


@cache
def _sumy(name: str, lang: str) -> Any:
    from sumy.nlp.stemmers import Stemmer, null_stemmer
    from sumy.summarizers.lex_rank import LexRankSummarizer
    from sumy.summarizers.lsa import LsaSummarizer
    from sumy.summarizers.text_rank import TextRankSummarizer
    from sumy.utils import get_stop_words

    kind = {"lexrank": LexRankSummarizer, "lsa": LsaSummarizer, "textrank": TextRankSummarizer}[name]
    summarizer = kind(null_stemmer if lang == "ko" else Stemmer("english"))
    summarizer.stop_words = get_stop_words("korean" if lang == "ko" else "english")
    return summarizer


def sumy(name: str) -> Condenser:
    """One of sumy's summarisers over our sentences and words."""

    def run(title: str, html: str, lang: str) -> list[str]:
        from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence

        found = candidates(html)
        if not found:
            return []
        document = ObjectDocumentModel([Paragraph([Sentence(sentence, Tokens()) for sentence in found])])
        return [str(sentence) for sentence in _sumy(name, lang)(document, COUNT)]

    return run


def trafilatura(title: str, html: str, lang: str) -> list[str]:
    """trafilatura's main text, then the first three sentences."""
    from trafilatura import extract

    page = f"<html><head><title>{title}</title></head><body><article>{html}</article></body></html>"
    found = extract(page) or ""
    lines = [line.removeprefix("- ") for line in found.split("\n") if not line.startswith("출처")]
    return [sentence for line in lines for sentence in sentences(line)][:COUNT]


@cache
def _newspaper(lang: str) -> Any:
    """Its stop words and sentence scores, with tokenisers that need no download."""
    import importlib

    from newspaper import nlp
    from newspaper.text import StopWords

    class Splitter:
        def tokenize(self, text: str) -> list[str]:
            return [sentence for line in text.split("\n") for sentence in sentences(line)]

    nlp.split_sentences._tokenizer = Splitter()
    korean: Any = importlib.import_module("newspaper.languages.ko")
    korean.tokenizer = words
    stop_words = StopWords(lang)
    stop_words.tokenizer = words
    return stop_words


def newspaper(title: str, html: str, lang: str) -> list[str]:
    """newspaper4k's main text and its own summary of three sentences."""
    stop_words = _newspaper(lang)
    from newspaper import Article, nlp

    article = Article("https://news.example/1", language=lang, fetch_images=False)
    article.download(
        input_html=f"<html><head><title>{title}</title></head><body><article>{html}</article></body></html>"
    )
    article.parse()
    return [str(sentence) for sentence in nlp.summarize(title, article.text, stop_words, COUNT)]


# -------------------------------------------------------------------------------------------------------- limits


def best(gold: Gold, title: str, html: str, count: int) -> Alert:
    """The limit: those `count` sentences of the post that hold most of the facts the title lacks (exact)."""
    open_facts = [fact for fact in gold.must if not fact.in_lines([title])]
    holds: dict[frozenset[int], str] = {}
    for sentence in candidates(html):
        held = frozenset(place for place, fact in enumerate(open_facts) if fact.in_lines([sentence]))
        if held and (held not in holds or len(sentence) < len(holds[held])):
            holds[held] = sentence
    useful = [held for held in holds if not any(held < other for other in holds)]
    choice: tuple[frozenset[int], ...] = ()
    for size in range(1, min(count, len(useful)) + 1):
        better = max(itertools.combinations(useful, size), key=lambda sets: len(frozenset().union(*sets)))
        if len(frozenset().union(*better)) > len(frozenset().union(*choice)):
            choice = better
    order = candidates(html)
    return Alert(title, tuple(sorted((holds[held] for held in choice), key=order.index)))


BASELINES: dict[str, tuple[str, Condenser]] = {
    "lead": ("LEAD-3", lead),
    "lead4": ("LEAD-4", lead4),
    "headings": ("headings", headings),
    "structure": ("structure-aware 4", structure),
    "lexrank": ("sumy LexRank", sumy("lexrank")),
    "lsa": ("sumy LSA", sumy("lsa")),
    "textrank": ("sumy TextRank", sumy("textrank")),
    "trafilatura": ("trafilatura+LEAD-3", trafilatura),
    "newspaper": ("newspaper4k", newspaper),
}
NEEDS = {"lexrank": "sumy", "lsa": "sumy", "textrank": "sumy", "trafilatura": "trafilatura", "newspaper": "newspaper"}


def serve(name: str) -> None:
    """Answer each line on standard input, at once."""
    condense = BASELINES[name][1]
    for line in sys.stdin.buffer:
        post = json.loads(line)
        bullets = condense(post["title"], post["html"], post["lang"])
        answer = {"id": post["id"], "headline": post["title"], "bullets": bullets, "link": post["url"]}
        sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
