"""Messages that show several deliveries: round-ups."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chat_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["chat_id"], ["chats.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    # In SQLite's own words: Alembic would copy a table of millions of rows to add a reference.
    op.execute("ALTER TABLE deliveries ADD COLUMN message INTEGER REFERENCES messages (id)")
    op.execute("ALTER TABLE deliveries ADD COLUMN lead BOOLEAN NOT NULL DEFAULT 1")
    op.create_index("deliveries_message", "deliveries", ["message"], sqlite_where=sa.text("message is not null"))
    op.drop_index("one_call_a_chat", "deliveries")
    op.create_index(
        "one_call_a_chat", "deliveries", ["chat_id"], unique=True, sqlite_where=sa.text("status = 'sending' and lead")
    )
