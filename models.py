"""The frozen values that travel: Source → Post → Alert → Delivery → SendResult, and Command → Reply.

Every time is an aware datetime. What changes while the desk runs is a row in `storage`, not a field here.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """How a source is read."""

    FEED = "feed"
    JEKYLL = "jekyll"
    WORDPRESS = "wordpress"
    SITEMAP = "sitemap"


REPOSITORY = re.compile(r"https://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~+-]+)+/?")
"""Addresses that a git repository may have: so plain that Python, git and curl all read them the same way."""


def is_elsewhere(url: str) -> bool:
    """Whether what a Jekyll source names is on another machine, by whatever transport, and no folder of this one."""
    return "://" in url or re.match(r"[^/\s]+@[^/\s]+:|[a-z]+::", url) is not None


class Status(StrEnum):
    """Where a delivery stands. `sending` is saved before the call, the rest after it."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    GIVEN_UP = "given_up"
    DROPPED = "dropped"


class Part(StrEnum):
    """What of a message a platform does not take: its form, its picture, or (of an edit) the message to be changed."""

    FORM = "form"
    PICTURE = "picture"
    MESSAGE = "message"


class Urgency(StrEnum):
    """Urgent alerts ring and go first; all others come silently."""

    URGENT = "urgent"
    NORMAL = "normal"


@dataclass(frozen=True, slots=True)
class Source:
    """A publisher that is watched. `every` is in seconds; None lets the interval adapt. `boilerplate`: patterns of its
    own standing lines."""

    id: str
    name: str
    kind: Kind
    url: str
    site_url: str = ""
    every: float | None = None
    language: str = ""
    timezone: str = ""
    encoding: str = ""
    weight: int = 1
    topics: tuple[str, ...] = ()
    first_read: int = 0
    boilerplate: tuple[str, ...] = ()
    full_text: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """One entry as its publisher wrote it.

    `key` is the identity inside the source (guid, else link, else a hash). `link` is the post's own address,
    `original_link` the article that the post itself names as its source ("" when it names none), `source_headline`
    the headline standing in that source line. `html` is sanitised. `date_only` says that the publisher gave a day
    and no time. `guid` is the publisher's name for a feed's entry, `digest` a hash of its title and text ("" for posts
    of other kinds): `stories.identity` makes the key of them.
    """

    source_id: str
    key: str
    title: str
    link: str
    html: str
    original_link: str = ""
    source_headline: str = ""
    excerpt: str = ""
    categories: tuple[str, ...] = ()
    image: str = ""
    language: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    date_only: bool = False
    guid: str = ""
    digest: str = ""


class Known(NamedTuple):
    """A feed's entry that was read before and stands in its document as it stood then: what names it and when it is of,
    but no text. The fields are those of its post; `fingerprint` is what `stories.fingerprint` made of that."""

    link: str
    guid: str
    digest: str
    published: datetime | None
    updated: datetime | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Condensed:
    """What `formatters.condense` makes of a post. `fallback` is true when only title and link could be kept.

    `spans` says for each bullet which pieces of the post's HTML (of its excerpt, where it has no HTML) it was made of:
    start and end offsets, in the bullet's order.
    """

    headline: str
    bullets: tuple[str, ...]
    link: str
    urgency: Urgency = Urgency.NORMAL
    fallback: bool = False
    spans: tuple[tuple[tuple[int, int], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """One version of one story as readers get it. `sources` are display names, the first one found it."""

    id: int
    story_id: int
    version: int
    headline: str
    bullets: tuple[str, ...]
    link: str
    sources: tuple[str, ...]
    language: str
    urgency: Urgency
    topics: tuple[str, ...]
    image: str
    published: datetime | None
    date_only: bool
    created: datetime
    """When this desk first saw the story."""
    changed: datetime | None = None
    """When this version was made, for versions after the first that change what a reader sees."""
    correction: str = ""
    """The desk's note on what was wrong, "" when nothing was corrected."""
    retracted: bool = False
    """Taken back by the desk: renderers strike the headline through and leave the bullets out."""
    retraction: str = ""
    """Why it was taken back, "" where the desk gave no reason."""


@dataclass(frozen=True, slots=True)
class Chat:
    """Where alerts go. `account` is the bot or workspace, `thread` is "" when there is none."""

    platform: str
    account: str
    id: str
    thread: str = ""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of the day to another, over midnight where the end is the earlier one, in the chat's zone."""

    start: time
    end: time
    urgent_passes: bool = True


class Every(StrEnum):
    """How often a digest comes."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKDAYS = "weekdays"


@dataclass(frozen=True, slots=True)
class Digest:
    """Alerts that are not urgent come together: each full hour, or at a time of the day in the chat's zone.
    `say_nothing_new`: a line comes where there was nothing."""

    every: Every
    at: time = time(8)
    say_nothing_new: bool = False


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """What a chat chose. `hashtags`: whether topics stand at the end of its alerts; `here`: whether urgent ones call
    everybody who is there; `muted_topics`: what it never gets, whatever it subscribed to."""

    language: str
    timezone: str
    pictures: bool = True
    hashtags: bool = True
    here: bool = False
    only_urgent: bool = False
    quiet: QuietHours | None = None
    digest: Digest | None = None
    muted_until: datetime | None = None
    muted_topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """A filter of one chat. Empty lists match everything; all lists that are not empty must match.

    `exclude` are words and `without` topics that an alert must not have. `languages`: "ko", "en". `urgency`: URGENT for
    urgent alerts only, NORMAL for all.
    """

    chat_id: int
    sources: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    urgency: Urgency = Urgency.NORMAL
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listener:
    """A chat as the planner sees it: what it subscribed to, and what it chose."""

    chat_id: int
    wishes: tuple[Subscription, ...]
    settings: ChatSettings


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of the ledger: that this chat is owed this alert, and how far that got.

    `shown` < `wanted` on a sent delivery means that the message in the chat must be edited. `pictureless` leaves the
    picture out, after the platform refused it; `plain` asks for the form without markup, picture and button, after the
    platform refused the rich one. `created`: since when it is owed. `message`: the message of several deliveries that
    shows it, None where it has one of its own.
    """

    id: int
    alert_id: int
    chat_id: int
    urgency: Urgency
    due: datetime
    status: Status
    attempts: int
    wanted: int
    shown: int
    message_id: str
    plain: bool
    problem: str
    created: datetime
    message: int | None = None
    pictureless: bool = False


@dataclass(frozen=True, slots=True)
class Owed:
    """That a chat is owed an alert, and when it may come. `dropped`: why it will not, "" where it will."""

    chat_id: int
    due: datetime
    dropped: str = ""


class MessageKind(StrEnum):
    """What a message of several deliveries is."""

    ROUNDUP = "roundup"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Message:
    """A message that shows several deliveries. `first` is the number of its first line, `total` how many alerts the
    whole round-up lists; `message_id` is the platform's, "" before it was sent. A digest is of the time from `since`
    to `until`."""

    id: int
    chat_id: int
    kind: MessageKind
    message_id: str
    first: int
    total: int
    deliveries: tuple[int, ...]
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """All a platform needs for one call: the delivery, the alert version to show, the chat and its settings."""

    delivery: Delivery
    alert: Alert
    chat: Chat
    settings: ChatSettings

    @property
    def parcels(self) -> tuple["Parcel", ...]:
        return (self,)

    @property
    def alerts(self) -> tuple[Alert, ...]:
        return (self.alert,)


@dataclass(frozen=True, slots=True)
class Roundup:
    """The same for one message of a round-up or digest: what it lists, oldest first. All of it changes its state
    together. `told`: alerts of a digest's time that the chat got before, each in a message of its own."""

    message: Message
    parcels: tuple[Parcel, ...]
    told: tuple[Parcel, ...] = ()

    @property
    def delivery(self) -> Delivery:
        """The first of the deliveries: in all that they share, it stands for them."""
        return self.parcels[0].delivery

    @property
    def alerts(self) -> tuple[Alert, ...]:
        return tuple(parcel.alert for parcel in self.parcels)

    @property
    def chat(self) -> Chat:
        return self.parcels[0].chat

    @property
    def settings(self) -> ChatSettings:
        return self.parcels[0].settings


Outgoing = Parcel | Roundup
"""What one call to a platform brings to a chat."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The platform has it."""

    message_id: str


@dataclass(frozen=True, slots=True)
class TryLater:
    """Certainly not sent; the whole chat waits `after` seconds (None: the back-off decides)."""

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """The chat has a new id (a Telegram group became a supergroup)."""

    chat: Chat


@dataclass(frozen=True, slots=True)
class ChatGone:
    """The chat's door is closed to us: blocked, kicked, archived. `speechless`: we are inside, or could be, and may not
    write."""

    reason: str
    speechless: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The platform will never take this payload; `part` says what of it."""

    reason: str
    part: Part = Part.FORM


@dataclass(frozen=True, slots=True)
class Unknown:
    """The call left and no answer came: it may have been delivered."""

    reason: str


SendResult = Sent | TryLater | Moved | ChatGone | Refused | Unknown


async def _yes() -> bool | None:
    return True


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody asked of the desk, whichever platform it came from.

    `name` is without slash and in lower case, `args` the rest of the line. `trusted` is true for the bot's admins
    (and the local console), `open` where anyone may use the bot. `is_chat_admin` asks the platform who may change
    this chat's settings (None: it could not be found out).
    """

    name: str
    args: str
    chat: Chat
    user: str
    language: str
    private: bool
    trusted: bool
    open: bool
    pressed: bool = False
    """It was asked with a button: the answer takes the place of the message that held it."""
    metered: bool = True
    """It counts against the commands of a minute, as what may be answered with a message in a chat does."""
    is_chat_admin: Callable[[], Awaitable[bool | None]] = _yes


@dataclass(frozen=True, slots=True)
class Story:
    """One line of `/latest` or `/search`: an alert, a piece of its text, and where the asking chat has it already
    ("" where it has not, or where no address leads to a message)."""

    alert: Alert
    snippet: str = ""
    chat_link: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press under an answer. `press`: the command it stands for, as it would be typed, without the slash
    ("search page 17 2"; 60 bytes of UTF-8 at most, since Telegram's `callback_data` takes 64). `url`: what it opens
    instead."""

    label: str
    press: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a command: a title line, then lines, then stories numbered from `first`. All of it is plain text.

    `marked` are the searched words, to be marked in the stories. `public`: it concerns the whole chat, not one person.
    `settings`: how the asking chat wants to be talked to, where that is known. `buttons`: rows of them. `toast`: shown
    for a moment to the person who pressed a button; where there is nothing else, the message that held it stays.
    `command`: what it answers, by the command's own name in whatever language it was typed.
    """

    title: str = ""
    lines: tuple[str, ...] = ()
    stories: tuple[Story, ...] = ()
    first: int = 1
    public: bool = False
    settings: ChatSettings | None = None
    marked: tuple[str, ...] = ()
    buttons: tuple[tuple[Button, ...], ...] = ()
    toast: str = ""
    command: str = ""

    @property
    def is_silent(self) -> bool:
        """Nothing is said, and nothing to be sent."""
        return not (self.title or self.lines or self.stories or self.buttons or self.toast)
