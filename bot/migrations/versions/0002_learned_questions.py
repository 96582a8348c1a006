"""Learned questions, who taught them, and the number of their last change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "learned",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("article_id", sa.Text, nullable=False, index=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("lang", sa.String(8), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("wording", sa.Text, nullable=False),
        sa.Column("accepted", sa.Boolean, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False, index=True),
    )
    op.create_table(
        "learned_traces",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "learned_id",
            sa.String(16),
            sa.ForeignKey("learned.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("session", sa.String(64), nullable=False),
        sa.Column("solved", sa.Boolean, nullable=False),
    )
    revision_table = op.create_table("learned_revision", sa.Column("number", sa.Integer, nullable=False))
    op.bulk_insert(revision_table, [{"number": 0}])


def downgrade() -> None:
    for table in ("learned_revision", "learned_traces", "learned"):
        op.drop_table(table)
