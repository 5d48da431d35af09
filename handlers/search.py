"""/search WORDS: earlier news that holds every word, newest first."""

import formatters
from handlers.asking import Asking
from models import Reply, Story
from storage import archive, search

SHOWN = 5
LONGEST = 200


async def answer(asking: Asking) -> Reply:
    """The newest matches, each with a piece of text around a searched word."""
    words = " ".join(asking.command.args.split())[:LONGEST]
    if not search.match_expression(words):
        return Reply(lines=(asking.say("search.ask"),))
    async with asking.desk.database.read() as connection:
        ids, total = await search.find(connection, words, SHOWN)
        found = await archive.by_ids(connection, ids)
        texts = await archive.texts_of(connection, [alert.story_id for alert in found])
    if not found:
        return Reply(lines=(asking.say("search.nothing", words=words),))
    marked = tuple(search.folded(words).split())
    stories = []
    for alert in found:
        text = " ".join((*alert.bullets, formatters.plain_text(texts.get(alert.story_id, ""))))
        stories.append(Story(alert, formatters.snippet(text, marked)))
    title = asking.say("search.title", words=words, first=1, last=len(found), total=total)
    return Reply(title=title, stories=tuple(stories), marked=marked)
