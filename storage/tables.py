"""The tables, defined once. Times are UTC; lists are JSON; states are words, never numbers."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Update,
    bindparam,
    false,
    func,
    select,
    text,
    true,
    update,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored as UTC without a zone, since SQLite keeps none."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def each(name: str) -> Select[Any]:
    """The values of a parameter, a list in JSON, as rows: a statement of thousands of parameters is made anew for each
    number of them."""
    return select(func.json_each(bindparam(name)).table_valued("value").c.value)


@cache
def changing(table: Table, names: tuple[str, ...]) -> Update:
    """Sets these columns, given as `new_NAME`, of the row whose id is given as `of`."""
    changed: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return update(table).where(table.c.id == bindparam("of")).values(changed)


metadata = MetaData()

sources = Table(
    "sources",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("from_file", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("host", Text, nullable=False, server_default=""),
    Column("validators", JSON, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Column("last_read_at", UtcDateTime),
    Column("read_once", Boolean, nullable=False),
    Column("keyed_by", String(8), nullable=False, server_default=""),
    Column("oldest", UtcDateTime),
    Column("last_new_at", UtcDateTime),
    Column("interval", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("problem", Text, nullable=False),
    Column("asked_at", UtcDateTime),
    Column("not_before", UtcDateTime),
    Column("reason", String(32), nullable=False, server_default=""),
    Column("failing_since", UtcDateTime),
    Index("sources_due", "next_at"),
)
"""`spec` is the Source as JSON; `host`: whom reading it asks; `read_once`: a read has succeeded; `keyed_by`: what
names its posts, "" before that is decided; `oldest`: the date of its first read's oldest post; `interval`: the adaptive
one, in seconds. `asked_at`: when somebody asked for a look at once that has not been had. `not_before`: until then its
publisher asked us to stay away. `reason`: the word for `problem` (docs/operations.md), "" while there is none."""

websub = Table(
    "websub",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", String(32), nullable=False),
    Column("hub", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("callback", Text, nullable=False),
    Column("secret", String(64), nullable=False),
    Column("inside", Boolean, nullable=False),
    Column("wanted", Boolean, nullable=False),
    Column("pending", String(16), nullable=False),
    Column("asked_at", UtcDateTime),
    Column("lease_until", UtcDateTime),
    Column("next_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("missed", Integer, nullable=False),
    Column("problem", Text, nullable=False),
    Index("websub_source", "source_id"),
)
"""Subscriptions at hubs; one that is not `wanted` any more stays until its hub has confirmed that."""

seen = Table(
    "seen",
    metadata,
    Column("source_id", String(32), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", String(32), nullable=False),
    Column("alert_id", Integer, nullable=False),
    Column("apart", Text, nullable=False, server_default=""),
    Column("repeated", Boolean, nullable=False, server_default=false()),
)
"""The memory of having seen a key. It outlives the post and the source. `apart`: what tells the post apart from others
of its name; `repeated`: there were several of that name in one document (stories/identity.py)."""

seen_marks = Table(
    "seen_marks",
    metadata,
    Column("source_id", String(32), primary_key=True),
    Column("mark", String(32), primary_key=True),
    Column("key", Text, nullable=False),
)
"""By what posts of a source are recognised when their keys are others; of several the newest."""

held = Table(
    "held",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", String(32), nullable=False),
    Column("created", UtcDateTime, nullable=False),
)
"""What came at once and waits for an admin's word."""

held_posts = Table(
    "held_posts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("held_id", ForeignKey("held.id"), nullable=False),
    Column("source_id", String(32), nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", String(32), nullable=False),
    Column("post", JSON, nullable=False),
    Column("condensed", JSON, nullable=False),
    Column("searched", JSON, nullable=False),
    Column("known", Text, nullable=False),
    UniqueConstraint("source_id", "key"),
    Index("held_posts_batch", "held_id"),
)
"""Its posts, with all that is needed to send them; `known`: the key of the post that each looks like."""

stories = Table("stories", metadata, Column("id", Integer, primary_key=True), Column("opened", UtcDateTime))

story_links = Table(
    "story_links",
    metadata,
    Column("link", Text, primary_key=True),
    Column("story_id", ForeignKey("stories.id"), nullable=False),
)
"""The normalised original links of a story; one link belongs to one story."""

posts = Table(
    "posts",
    metadata,
    Column("source_id", String(32), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("story_id", ForeignKey("stories.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("original_link", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("published", UtcDateTime),
    Column("read_at", UtcDateTime, nullable=False),
    Index("posts_story", "story_id"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("story_id", ForeignKey("stories.id"), nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("source_ids", JSON, nullable=False),
    Column("planned", Boolean, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("newest", UtcDateTime, nullable=False),
    Index("alerts_newest", "newest", "id"),
)
"""`planned` is false for what a silent first read archived; `newest` is what /latest sorts by."""

versions = Table(
    "versions",
    metadata,
    Column("alert_id", ForeignKey("alerts.id"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("headline", Text, nullable=False),
    Column("bullets", JSON, nullable=False),
    Column("link", Text, nullable=False),
    Column("sources", JSON, nullable=False),
    Column("language", String(8), nullable=False),
    Column("urgency", String(8), nullable=False),
    Column("topics", JSON, nullable=False),
    Column("image", Text, nullable=False),
    Column("published", UtcDateTime),
    Column("date_only", Boolean, nullable=False),
    Column("changed", UtcDateTime),
)

raw_responses = Table(
    "raw_responses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", String(32), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("how", String(8), nullable=False),
    Column("url", Text, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("size", Integer, nullable=False),
    Column("decided", JSON(none_as_null=True)),
    Column("body", LargeBinary, nullable=False),
    Index("raw_responses_source", "source_id", "size"),
    sqlite_autoincrement=True,
)
"""What publishers answered, where `[fetch] keep_raw` says so (sources/raw.py): the compressed `body` of `size` bytes.
`how`: read, push (a hub's) or article (of `url`); `decided`: what was made of it then. No number is given twice."""

entries = Table(
    "entries",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("alert_id", ForeignKey("alerts.id"), nullable=False, unique=True),
    Column("newest", UtcDateTime, nullable=False),
    Column("headline", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("labels", Text, nullable=False),
)
"""What is searched of an alert. `id` is the second of `newest`, or the first free one after it, and the row id of the
FTS5 table `search`, which holds the tokens of headline, text and `labels`."""

asked = Table(
    "asked",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("platform", String(16), nullable=False),
    Column("account", String(64), nullable=False),
    Column("chat", String(64), nullable=False),
    Column("command", String(16), nullable=False),
    Column("line", Text, nullable=False),
    Column("order", String(8), nullable=False),
    Column("below", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("asked_at", "at"),
    Index("asked_chat", "chat"),
    sqlite_autoincrement=True,
)
"""What a chat asked whose answer has page buttons; they carry the id, which is never given twice. `below`: the last
place (/search) or the newest second (/latest) that the answer knew, so that its pages do not shift."""

admins = Table(
    "admins",
    metadata,
    Column("platform", String(16), primary_key=True),
    Column("account", String(64), primary_key=True),
    Column("user", String(64), primary_key=True),
    Column("since", UtcDateTime, nullable=False),
)
"""Who claimed the bot, beside the admins of the configuration."""

admitted = Table(
    "admitted",
    metadata,
    Column("platform", String(16), primary_key=True),
    Column("account", String(64), primary_key=True),
    Column("chat", String(64), primary_key=True),
    Column("since", UtcDateTime, nullable=False),
)
"""The chats that may use a closed bot: invited ones, and those that an admin added it to or subscribed."""

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("right", String(8), nullable=False),
    Column("platform", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("uses", Integer, nullable=False),
    Column("expires", UtcDateTime, nullable=False),
    Column("by", String(64), nullable=False),
)
"""Claims and invitations that are open: the SHA-256 of the token, never the token. `by`: the admin who invited."""

shared = Table(
    "shared",
    metadata,
    Column("word", String(32), primary_key=True),
    Column("filter", Text, nullable=False),
)
"""Filters that somebody made a link to, as they would be typed; the link says the word."""

chats = Table(
    "chats",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("platform", String(16), nullable=False),
    Column("account", String(64), nullable=False),
    Column("chat", String(64), nullable=False),
    Column("thread", String(64), nullable=False),
    Column("language", String(8), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("pictures", Boolean, nullable=False),
    Column("subscribed", Boolean, nullable=False),
    Column("paused", Text, nullable=False),
    Column("held_until", UtcDateTime),
    Column("created", UtcDateTime, nullable=False),
    Column("admin", String(64), nullable=False, server_default=""),
    Column("knocks", Integer, nullable=False, server_default=text("0")),
    Column("knock_at", UtcDateTime),
    Column("muted_topics", JSON, nullable=False, server_default=text("'[]'")),
    Column("hashtags", Boolean, nullable=False, server_default=true()),
    Column("here", Boolean, nullable=False, server_default=false()),
    Column("only_urgent", Boolean, nullable=False, server_default=false()),
    Column("quiet", String(11), nullable=False, server_default=""),
    Column("quiet_urgent", Boolean, nullable=False, server_default=true()),
    Column("digest", String(16), nullable=False, server_default=""),
    Column("digest_nothing", Boolean, nullable=False, server_default=false()),
    Column("digest_since", UtcDateTime),
    Column("digest_at", UtcDateTime),
    Column("muted_since", UtcDateTime),
    Column("muted_until", UtcDateTime),
    Column("release_at", UtcDateTime),
    UniqueConstraint("platform", "account", "chat", "thread"),
    Index("chats_release", "release_at", sqlite_where=text("release_at is not null")),
    Index("chats_knock", "knock_at", sqlite_where=text("knock_at is not null")),
)
"""`paused` is the reason in words while the chat's door is closed, else "". `admin`: who subscribed it, "" where not
known. `knocks`: how often its door was found closed since a message last arrived; `knock_at`: when it is
tried again. `quiet` is "22:00-07:00" or "", `digest` "hourly", "daily 08:00", "weekdays 08:00" or "". `release_at`:
when something that is held for the chat may become due, at the latest; NULL where nothing can."""

accounts = Table(
    "accounts",
    metadata,
    Column("platform", String(16), primary_key=True),
    Column("held_until", UtcDateTime, nullable=False),
)
"""Until when a platform told the whole account to wait."""

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("chat_id", ForeignKey("chats.id"), nullable=False),
    Column("sources", JSON, nullable=False),
    Column("topics", JSON, nullable=False),
    Column("include", JSON, nullable=False),
    Column("exclude", JSON, nullable=False),
    Column("languages", JSON, nullable=False, server_default=text("'[]'")),
    Column("urgency", String(8), nullable=False, server_default=text("'normal'")),
    Column("without", JSON, nullable=False, server_default=text("'[]'")),
    Index("subscriptions_chat", "chat_id"),
)

fanouts = Table(
    "fanouts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alert_id", ForeignKey("alerts.id"), nullable=False),
    Column("cursor", Integer, nullable=False),
)
"""An open fan-out: chats with an id above `cursor` are still to be given their delivery. Gone when filled."""

messages = Table(
    "messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("chat_id", ForeignKey("chats.id"), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("first", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("since", UtcDateTime),
    Column("until", UtcDateTime),
    Column("told", JSON, nullable=False, server_default=text("'[]'")),
)
"""Messages of several deliveries. Their state and the platform's id stand in the deliveries, which change together.
`since`, `until`: the time a digest is of; `told`: deliveries of that time that have messages of their own."""

notices = Table(
    "notices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(200), nullable=False),
    Column("text", String(64), nullable=False),
    Column("words", JSON, nullable=False),
    Column("buttons", JSON, nullable=False),
    Column("language", String(8), nullable=False),
    Column("to", JSON, nullable=False),
    Column("told", JSON, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("over", UtcDateTime),
    Column("done", UtcDateTime),
    Column("ends", Integer),
    Column("printed", Boolean, nullable=False, server_default=false()),
    Index("one_notice_a_trouble", "key", unique=True, sqlite_where=text("over is null")),
    Index("notices_pending", "id", sqlite_where=text("done is null")),
)
"""What the admins are told. `key` names the trouble, `over` is when it ended; `text` is a key of the locales, filled
with `words`. `to`: the chats that are told ([]: the desk's), `told`: those that were. `done`: nobody is left to tell.
`ends`: the notice whose end this one tells, to those who were told of that."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alert_id", ForeignKey("alerts.id"), nullable=False),
    Column("chat_id", ForeignKey("chats.id"), nullable=False),
    Column("urgency", String(8), nullable=False),
    Column("due", UtcDateTime, nullable=False),
    Column("status", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("shown", Integer, nullable=False),
    Column("message_id", String(64), nullable=False),
    Column("plain", Boolean, nullable=False),
    Column("problem", Text, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("lease_until", UtcDateTime),
    Column("called_at", UtcDateTime),
    Column("unknowns", Integer, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("message", ForeignKey("messages.id")),
    Column("lead", Boolean, nullable=False, server_default=text("1")),
    Column("queue", String(16)),
    Column("pictureless", Boolean, nullable=False, server_default=false()),
    Column("held", Boolean, nullable=False, server_default=false()),
    Column("replying", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("alert_id", "chat_id"),
    Index(
        "deliveries_next",
        "queue",
        text("urgency DESC"),
        "alert_id",
        sqlite_where=text("status = 'waiting' and lead = 1"),
    ),
    Index("deliveries_waiting", "chat_id", "alert_id", sqlite_where=text("status = 'waiting'")),
    Index("deliveries_unsettled", "chat_id", sqlite_where=text("status IN ('sending', 'unknown')")),
    Index("deliveries_stale", "queue", "alert_id", sqlite_where=text("status = 'sent' and shown < wanted")),
    Index("deliveries_message", "message", sqlite_where=text("message is not null")),
    Index("deliveries_muted", "chat_id", sqlite_where=text("status = 'dropped' and problem = 'muted'")),
    Index("deliveries_replying", "id", sqlite_where=text("replying > 0")),
    Index("one_call_a_chat", "chat_id", unique=True, sqlite_where=text("status = 'sending' and lead")),
)
"""The ledger. `unknowns` counts the calls of which no answer came: the only ones that can have doubled. `lead`: the
first of the deliveries of its message, as every delivery is that has a message of its own. `replying`: the version that
a reply under way tells, saved before the call. `queue`: the platform in whose line it stands, NULL while its chat's
door is closed, so that a closed chat's backlog is not looked at each turn. What is claimed next is read off the front
of `deliveries_next`, however long that is."""
