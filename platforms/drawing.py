"""What a call brings, as a platform's renderer draws it: the same decisions for every platform."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from formatters.lists import DigestEntry, Part, digest_entries
from models import Alert, ChatSettings, Outgoing, Roundup

Shown = TypeVar("Shown")


class Renderer(Protocol[Shown]):
    """A platform's module of `formatters`."""

    def alert(self, alert: Alert, settings: ChatSettings) -> Shown: ...
    def plain_alert(self, alert: Alert, settings: ChatSettings) -> Shown: ...
    def roundup_message(self, alerts: Iterable[Alert], settings: ChatSettings, first: int, total: int) -> Shown: ...
    def digest(
        self, stories: Sequence[DigestEntry], settings: ChatSettings, since: datetime, until: datetime, more: int = 0
    ) -> Part[Shown]: ...


def drawn(renderer: Renderer[Shown], parcel: Outgoing) -> Shown:
    """A digest, a message of a round-up, or one alert: without the picture or the markup that was refused."""
    if isinstance(parcel, Roundup):
        message = parcel.message
        if message.since and message.until:
            return renderer.digest(digest_entries(parcel), parcel.settings, message.since, message.until).shown
        return renderer.roundup_message(parcel.alerts, parcel.settings, message.first, message.total)
    if parcel.delivery.plain:
        return renderer.plain_alert(parcel.alert, parcel.settings)
    pictures = parcel.settings.pictures and not parcel.delivery.pictureless
    found: Shown = _alert(renderer.alert, parcel.alert, replace(parcel.settings, pictures=pictures))
    return found


@lru_cache(maxsize=512)
def _alert(draw: Callable[[Alert, ChatSettings], Any], alert: Alert, settings: ChatSettings) -> Any:
    """A fan-out draws the same alert for thousands of chats, most of which chose the same."""
    return draw(alert, settings)
