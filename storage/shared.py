"""Filters that links name: what is too long for a link, or needs other signs, is kept under a short word.

The word is made of the filter, so the same filter has the same link, and nothing says who asked for it.
"""

import base64
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import shared

BYTES = 12
"""Of the word: 16 letters. Nobody guesses what others shared."""


async def keep(tx: AsyncConnection, filter_: str) -> str:
    """The word for a filter as it would be typed: A-Z, a-z, 0-9, _ and -."""
    word = base64.urlsafe_b64encode(sha256(filter_.encode()).digest()[:BYTES]).decode()
    await tx.execute(insert(shared).values(word=word, filter=filter_).on_conflict_do_nothing())
    return word


async def find(connection: AsyncConnection, word: str) -> str | None:
    """The filter that the word stands for; None for a word that nobody was given here."""
    found = await connection.scalar(select(shared.c.filter).where(shared.c.word == word))
    return None if found is None else str(found)
