"""/addsource URL: one more feed is watched. For the desk."""

import re

import watching
from errors import SourceError
from handlers.asking import Asking
from models import Button, Reply
from sources.troubles import text_of

QUOTED = re.compile(r"<([^<>|\s]+)(?:\|[^<>]*)?>")
"""An address as people and programs set it off from a sentence."""
LONGEST = 2000


async def answer(asking: Asking) -> Reply:
    """Read the feed once and watch it; what cannot be read is told with the reason."""
    url = QUOTED.sub(r"\1", asking.command.args.strip())
    if re.fullmatch(r"[\w-]+(\.[\w-]+)+(:\d+)?(/\S*)?", url):
        url = f"https://{url}"
    if not url or len(url) > LONGEST or url.split() != [url]:
        return Reply(lines=(asking.say("addsource.wrong"),))
    try:
        added = await watching.add(asking.desk, url)
    except SourceError as error:
        why = asking.say(text_of(error.reason))
        return Reply(lines=(asking.say("addsource.unreadable", url=url, why=why, problem=str(error)),))
    match added:
        case watching.Problem("known", source_id):
            return Reply(lines=(asking.say("addsource.known", id=source_id),))
        case watching.Problem():
            return Reply(lines=(asking.say("addsource.wrong"),))
    source_id = added.source.id
    remove = Button(asking.say("addsource.undo"), press=f"removesource {source_id}")
    done = asking.say("addsource.done", name=added.source.name, id=source_id, count=added.posts)
    return Reply(lines=(done,), buttons=((remove,),))
