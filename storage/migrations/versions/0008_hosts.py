"""Whom reading a source asks, so that one request goes to a host at a time."""

from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SOURCES = sa.table("sources", sa.column("id", sa.Text), sa.column("host", sa.Text), sa.column("spec", sa.JSON))


def upgrade() -> None:
    op.add_column("sources", sa.Column("host", sa.Text(), nullable=False, server_default=""))
    connection = op.get_bind()
    for row in connection.execute(sa.select(SOURCES.c.id, SOURCES.c.spec)).all():
        parts = urlsplit(row.spec.get("url", ""))
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        host = f"{parts.hostname}:{port}" if parts.hostname and port else f"source {row.id}"
        connection.execute(sa.update(SOURCES).where(SOURCES.c.id == row.id).values(host=host))
