"""A further source may be said in a reply, which is remembered before the call as any new message is."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("replying", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_index("deliveries_replying", "deliveries", ["id"], sqlite_where=sa.text("replying > 0"))
