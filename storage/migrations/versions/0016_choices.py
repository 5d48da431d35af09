"""What a chat may choose; what is held for its quiet hours and digests."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

FLAGS = {"hashtags": "1", "here": "0", "only_urgent": "0", "quiet_urgent": "1", "digest_nothing": "0"}
WORDS = {"quiet": 11, "digest": 16}
TIMES = ("digest_since", "digest_at", "muted_since", "muted_until", "release_at")


def upgrade() -> None:
    for name, default in FLAGS.items():
        op.add_column("chats", sa.Column(name, sa.Boolean(), server_default=sa.text(default), nullable=False))
    for name, length in WORDS.items():
        op.add_column("chats", sa.Column(name, sa.String(length=length), server_default="", nullable=False))
    for name in TIMES:
        op.add_column("chats", sa.Column(name, sa.DateTime(), nullable=True))
    op.create_index("chats_release", "chats", ["release_at"], sqlite_where=sa.text("release_at is not null"))
    op.add_column("messages", sa.Column("since", sa.DateTime(), nullable=True))
    op.add_column("messages", sa.Column("until", sa.DateTime(), nullable=True))
    op.add_column("messages", sa.Column("told", sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
    op.add_column("deliveries", sa.Column("held", sa.Boolean(), server_default=sa.text("0"), nullable=False))
    muted = sa.text("status = 'dropped' and problem = 'muted'")
    op.create_index("deliveries_muted", "deliveries", ["chat_id"], sqlite_where=muted)
