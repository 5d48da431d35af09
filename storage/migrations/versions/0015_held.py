"""What posts are called, by what they are recognised under another name, and what waits for an admin's word."""

import hashlib
import re
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TRACKING = re.compile(r"(?:^|&)(?:utm_\w+|fbclid|gclid|igshid|mc_[ce]id)=[^&]*", re.IGNORECASE)


def upgrade() -> None:
    op.add_column("sources", sa.Column("keyed_by", sa.String(length=8), nullable=False, server_default=""))
    op.add_column("sources", sa.Column("oldest", sa.DateTime(), nullable=True))
    op.add_column("seen", sa.Column("apart", sa.Text(), nullable=False, server_default=""))
    op.add_column("seen", sa.Column("repeated", sa.Boolean(), nullable=False, server_default=sa.false()))
    marks = op.create_table(
        "seen_marks",
        sa.Column("source_id", sa.String(length=32), nullable=False),
        sa.Column("mark", sa.String(length=32), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "mark"),
    )
    op.create_table(
        "held",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.String(length=32), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "held_posts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("held_id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("post", sa.JSON(), nullable=False),
        sa.Column("condensed", sa.JSON(), nullable=False),
        sa.Column("searched", sa.JSON(), nullable=False),
        sa.Column("known", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["held_id"], ["held.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source_id", "key"),
    )
    op.create_index("held_posts_batch", "held_posts", ["held_id"])
    posts = sa.table("posts", *(sa.column(name, sa.Text) for name in ("source_id", "key", "title", "link", "html")))
    connection = op.get_bind()
    found: dict[tuple[str, str], str] = {}
    for row in connection.execute(sa.select(posts)):
        for mark in _marks(row.title, row.link, row.html):
            found[row.source_id, mark] = row.key
    rows = [{"source_id": source, "mark": mark, "key": key} for (source, mark), key in found.items()]
    if rows:
        connection.execute(sa.insert(marks), rows)


def _marks(title: str, link: str, html: str) -> list[str]:
    """As stories/identity.py made them when this was released."""
    text = " ".join(re.sub(r"<[^>]{0,2000}>", " ", html).split())
    told = {"t": " ".join(title.lower().split()), "l": _canonical(link) if link else "", "x": text}
    return [
        kind + hashlib.blake2b(value.encode("utf-8", errors="replace"), digest_size=12).hexdigest()
        for kind, value in told.items()
        if value
    ]


def _canonical(link: str) -> str:
    try:
        parts = urlsplit(link)
        host = (parts.hostname or "") + (f":{parts.port}" if parts.port not in (None, 80, 443) else "")
    except ValueError:
        return link
    if not host:
        return link
    query = TRACKING.sub("", parts.query).strip("&")
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return f"//{host}{parts.path or '/'}" + (f"?{query}" if query else "") + fragment
