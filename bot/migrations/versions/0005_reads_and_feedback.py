"""How often articles are read, and what readers said of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "article_reads",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("article_id", sa.Text, primary_key=True),
        sa.Column("reads", sa.Integer, nullable=False),
    )
    op.create_table(
        "article_feedback",
        sa.Column("article_id", sa.Text, primary_key=True),
        sa.Column("session", sa.String(64), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("lang", sa.String(8), nullable=False),
        sa.Column("helpful", sa.Boolean, nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
    )


def downgrade() -> None:
    for table in ("article_feedback", "article_reads"):
        op.drop_table(table)
