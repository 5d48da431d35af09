"""News put into the archive the way the pipeline puts it there, without a publisher."""

from collections.abc import Sequence
from datetime import datetime

from models import Condensed, Post
from storage import archive, bigrams, search
from storage.database import Database


async def archived(
    database: Database,
    headline: str,
    text: str,
    now: datetime,
    *,
    source: str = "newsdao",
    topics: Sequence[str] = (),
    published: datetime | None = None,
    planned: bool = True,
) -> int:
    """The id of the alert."""
    post = Post(source, headline, headline, "https://news.example/1", text, published=published)
    story = archive.NewStory(post, Condensed(headline, (), post.link), source, tuple(topics), (), planned=planned)
    async with database.write() as tx:
        (state,) = await archive.open_stories(tx, [story], now)
        await search.add(tx, [entry(state.alert_id, story, headline, text, now)])
    return state.alert_id


def entry(alert_id: int, story: archive.NewStory, headline: str, text: str, now: datetime) -> search.Entry:
    labels = bigrams.labels([story.post.source_id], story.topics)
    newest = archive.newest_of(story, now)
    return search.Entry(alert_id, newest, headline, text, bigrams.tokens(headline, text), labels)
