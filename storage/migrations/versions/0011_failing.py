"""Since when a source cannot be read, and the word for why."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sources", sa.Column("reason", sa.String(length=32), nullable=False, server_default=""))
    op.add_column("sources", sa.Column("failing_since", sa.DateTime(), nullable=True))
