"""A look that somebody asked for outlives a crash, and no look comes while a publisher asks for rest."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sources", sa.Column("asked_at", sa.DateTime(), nullable=True))
    op.add_column("sources", sa.Column("not_before", sa.DateTime(), nullable=True))
