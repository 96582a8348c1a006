"""What agents say is wrong with articles, as work for those who keep them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "article_flags",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("article_id", sa.Text, nullable=False, index=True),
        sa.Column("lang", sa.String(8), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("who_name", sa.Text, nullable=False),
        sa.Column("ticket_id", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("version", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("closed_by", sa.Text, nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("open_key", sa.String(64), unique=True),
    )


def downgrade() -> None:
    op.drop_table("article_flags")
