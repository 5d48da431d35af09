"""What a fetch brings back, whatever the kind of source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Document:
    """Raw bytes of a publisher, with what it said about their encoding ("" when nothing), and its Link headers."""

    name: str
    body: bytes
    charset: str = ""
    links: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Documents that may hold news. `validators` let the next fetch ask only for changes; save them with the posts.

    `fresh_for` is how long (seconds) the publisher says the document stays as it is, None when it does not say.
    """

    documents: tuple[Document, ...]
    validators: Mapping[str, Any] = field(default_factory=dict)
    fresh_for: float | None = None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing new since the validators were made. `validators`: those for the next fetch, None where they stay."""

    fresh_for: float | None = None
    validators: Mapping[str, Any] | None = None
