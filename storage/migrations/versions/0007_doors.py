"""Closed chats are tried again by themselves, and who subscribed a chat is known."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chats", sa.Column("admin", sa.String(length=64), server_default="", nullable=False))
    op.add_column("chats", sa.Column("knocks", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("chats", sa.Column("knock_at", sa.DateTime(), nullable=True))
    op.execute("UPDATE chats SET knocks = 1, knock_at = created WHERE paused NOT IN ('', 'moved')")
    op.create_index("chats_knock", "chats", ["knock_at"], sqlite_where=sa.text("knock_at is not null"))
