"""Search by source, topic and time, newest first by the index's own order: the index is built anew."""

import html
import json
import re
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from storage import bigrams

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

CREATE = (
    "CREATE VIRTUAL TABLE search USING fts5(tokens, content = '', detail = none, columnsize = 0,"
    " tokenize = \"ascii tokenchars '_'\")"
)
ALERTS = """
SELECT alerts.id, alerts.story_id, alerts.newest, alerts.source_ids, versions.headline, versions.topics
FROM alerts JOIN versions ON versions.alert_id = alerts.id AND versions.n = alerts.version
ORDER BY alerts.newest, alerts.id
"""
POST = "SELECT title, html FROM posts WHERE story_id = :story ORDER BY read_at DESC LIMIT 1"
ENTRY = "INSERT INTO entries VALUES (:id, :alert_id, :newest, :headline, :text, :labels)"
INDEX = "INSERT INTO search(rowid, tokens) VALUES (:id, :tokens)"
TAG = re.compile(r"<[^>]*>")


def upgrade() -> None:
    op.create_table(
        "entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("newest", sa.DateTime(), nullable=False),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("alert_id"),
    )
    op.create_table(
        "asked",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("platform", sa.String(length=16), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("chat", sa.String(length=64), nullable=False),
        sa.Column("command", sa.String(length=16), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("order", sa.String(length=8), nullable=False),
        sa.Column("below", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("asked_at", "asked", ["at"])
    op.create_index("asked_chat", "asked", ["chat"])
    op.execute("DROP TABLE search")
    op.execute(CREATE)
    op.execute("INSERT INTO search(search, rank) VALUES ('automerge', 8)")
    _index_all(op.get_bind())


def _index_all(connection: sa.Connection) -> None:
    place = -(2**62)
    for alert in connection.execute(sa.text(ALERTS)).all():
        post = connection.execute(sa.text(POST), {"story": alert.story_id}).one_or_none()
        title, markup = (post.title, post.html) if post else ("", "")
        headline = "\n".join(dict.fromkeys((alert.headline, title)))
        text = " ".join(html.unescape(TAG.sub(" ", markup)).split())[: bigrams.LONGEST_TEXT]
        labels = bigrams.labels(json.loads(alert.source_ids), json.loads(alert.topics))
        second = int(datetime.fromisoformat(alert.newest).replace(tzinfo=UTC).timestamp())
        place = max(second, place + 1)
        row = {"id": place, "alert_id": alert.id, "newest": alert.newest, "headline": headline, "text": text}
        connection.execute(sa.text(ENTRY), row | {"labels": labels})
        tokens = f"{bigrams.tokens(headline, text)} {labels}"
        connection.execute(
            sa.text("INSERT INTO search(rowid, tokens) VALUES (:id, :tokens)"), {"id": place, "tokens": tokens}
        )
