"""Lines of what waits: what comes next is read off an index, however much waits."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INDEXES: dict[str, tuple[list[Any], str]] = {
    "deliveries_next": (["queue", sa.text("urgency DESC"), "alert_id"], "status = 'waiting' and lead = 1"),
    "deliveries_waiting": (["chat_id", "alert_id"], "status = 'waiting'"),
    "deliveries_unsettled": (["chat_id"], "status IN ('sending', 'unknown')"),
    "deliveries_stale": (["queue", "alert_id"], "status = 'sent' and shown < wanted"),
}


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("queue", sa.String(length=16), nullable=True))
    op.execute(
        "UPDATE deliveries SET queue = (SELECT platform FROM chats WHERE chats.id = chat_id"
        " AND (paused = '' OR deliveries.status <> 'waiting'))"
    )
    op.drop_index("deliveries_open", "deliveries")
    op.drop_index("deliveries_stale", "deliveries")
    for name, (columns, where) in INDEXES.items():
        op.create_index(name, "deliveries", columns, sqlite_where=sa.text(where))
