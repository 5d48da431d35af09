"""Who may use a closed bot: claimed admins, admitted chats, open tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, last in (("admins", "user"), ("admitted", "chat")):
        op.create_table(
            table,
            sa.Column("platform", sa.String(length=16), nullable=False),
            sa.Column("account", sa.String(length=64), nullable=False),
            sa.Column(last, sa.String(length=64), nullable=False),
            sa.Column("since", sa.DateTime(), nullable=False),
            sa.PrimaryKeyConstraint("platform", "account", last),
        )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("right", sa.String(length=8), nullable=False),
        sa.Column("platform", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("expires", sa.DateTime(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
