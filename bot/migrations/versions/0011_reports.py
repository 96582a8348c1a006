"""What reports are made of, and the articles that were listed below those shown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_TABLES = (
    "form_sessions",
    "report_spikes",
    "report_tickets",
    "report_subjects",
    "report_articles",
    "report_hours",
    "report_state",
    "report_log",
)


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer, nullable=False) for name in names]


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.add_column("questions", sa.Column("further", sa.JSON, nullable=False, server_default="[]"))
    op.create_table(
        "report_log",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", time, nullable=False, index=True),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "report_state",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "report_hours",
        sa.Column("at", time, primary_key=True),
        sa.Column("lang", sa.String(8), primary_key=True),
        sa.Column("channel", sa.String(16), primary_key=True),
        *_counts("questions", "unanswered", "tickets", "shown", "answered"),
        *_counts("confirmed", "confirmed_returned", "assumed", "assumed_returned"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "report_articles",
        sa.Column("article_id", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        *_counts("found", "shown", "opened", "solved", "rejected", "ticketed"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "report_subjects",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("article_id", sa.Text, primary_key=True),
        sa.Column("lang", sa.String(8), primary_key=True),
        sa.Column("channel", sa.String(16), primary_key=True),
        *_counts("questions"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "report_tickets",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("department", sa.Text, primary_key=True),
        sa.Column("lang", sa.String(8), primary_key=True),
        sa.Column("channel", sa.String(16), primary_key=True),
        *_counts("tickets"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "report_spikes",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        *_counts("count"),
        sa.Column("usual", sa.Float, nullable=False),
        *_counts("weeks"),
        sa.Column("found_at", time, nullable=False),
        sa.Column("looked_at", time, nullable=False),
    )
    op.create_table(
        "form_sessions",
        sa.Column("session", sa.String(64), primary_key=True),
        sa.Column("at", time, nullable=False, index=True),
        sa.Column("held_out", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
    op.drop_column("questions", "further")
