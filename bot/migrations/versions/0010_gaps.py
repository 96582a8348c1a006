"""What nobody answered, gathered by meaning, and what authors did about it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "gaps",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("encoder", sa.String(32), nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.Column("weight", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("article", sa.Text, nullable=False),
        sa.Column("snapshot", sa.String(32), nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("decided", time),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("lang", sa.String(8), nullable=False),
        sa.Column("why", sa.String(16), nullable=False),
        sa.Column("nearest", sa.Text, nullable=False),
        sa.Column("wordings", sa.JSON, nullable=False),
        sa.Column("stale", sa.Boolean, nullable=False, index=True),
        sa.Column("checked", sa.String(32), nullable=False, index=True),
    )
    op.create_table(
        "gap_questions",
        sa.Column("key", sa.String(40), primary_key=True),
        sa.Column("gap_id", sa.String(16), sa.ForeignKey("gaps.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at", time, nullable=False, index=True),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("search", sa.Text, nullable=False),
        sa.Column("lang", sa.String(8), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("ticket", sa.Integer, nullable=False),
        sa.Column("department", sa.Text, nullable=False),
        sa.Column("shown", sa.JSON, nullable=False),
        sa.Column("solved_with", sa.Text, nullable=False),
        sa.Column("unanswered", sa.Boolean, nullable=False),
        sa.Column("rejected", sa.Boolean, nullable=False),
        sa.Column("ticketed", sa.Boolean, nullable=False),
    )
    op.create_index("ix_gap_questions_gap_id", "gap_questions", ["gap_id", "at"])
    op.create_table(
        "gap_joined",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("gap_id", sa.String(16), sa.ForeignKey("gaps.id", ondelete="CASCADE"), nullable=False, index=True),
    )
    op.create_table(
        "gap_history",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("gap_id", sa.String(16), sa.ForeignKey("gaps.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("at", time, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("article", sa.Text, nullable=False),
        sa.Column("before", sa.JSON, nullable=False),
        sa.Column("undone", sa.Boolean, nullable=False),
    )
    work = op.create_table(
        "gap_work",
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("cursor", sa.JSON, nullable=False),
        sa.Column("articles", sa.JSON, nullable=False),
        sa.Column("snapshot", sa.String(32), nullable=False),
        sa.Column("owner", sa.String(32), nullable=False),
        sa.Column("leased_until", time),
    )
    op.bulk_insert(
        work,
        [{"revision": 0, "cursor": {}, "articles": {}, "snapshot": "", "owner": "", "leased_until": None}],
    )


def downgrade() -> None:
    for table in ("gap_work", "gap_history", "gap_joined", "gap_questions", "gaps"):
        op.drop_table(table)
