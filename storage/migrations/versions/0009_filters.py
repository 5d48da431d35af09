"""Subscriptions by language, urgency and topics left out; topics that a chat muted."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscriptions", sa.Column("languages", sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
    op.add_column(
        "subscriptions", sa.Column("urgency", sa.String(length=8), server_default=sa.text("'normal'"), nullable=False)
    )
    op.add_column("subscriptions", sa.Column("without", sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
    op.add_column("chats", sa.Column("muted_topics", sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
