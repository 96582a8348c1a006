"""What was learned, and where it comes from."""

from __future__ import annotations

import sqlalchemy as sa

from bot.tables.schema import Utc, metadata

learned = sa.Table(
    "learned",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True, comment="a hash of article, text and body"),
    sa.Column("article_id", sa.Text, nullable=False, index=True),
    sa.Column("text", sa.Text, nullable=False, comment="masked"),
    sa.Column("body", sa.Text, nullable=False, comment="masked"),
    sa.Column("lang", sa.String(8), nullable=False),
    sa.Column("at", Utc, nullable=False, index=True, comment="when it was first said; UTC"),
    sa.Column("wording", sa.Text, nullable=False, comment="the words that tell near-same questions"),
    sa.Column("accepted", sa.Boolean, nullable=False, comment="an author agreed"),
    sa.Column("source", sa.String(16), nullable=False, comment="the most trusted one"),
    sa.Column("status", sa.String(16), nullable=False, index=True, comment="active, pending or removed"),
)

learned_traces = sa.Table(
    "learned_traces",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("learned_id", sa.ForeignKey("learned.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("origin", sa.Text, nullable=False, comment="id of the ticket, the question, or the row of the file"),
    sa.Column("at", Utc, nullable=False, comment="UTC"),
    sa.Column("file", sa.Text, nullable=False, comment="empty where it was no import"),
    sa.Column("session", sa.String(64), nullable=False),
    sa.Column("solved", sa.Boolean, nullable=False),
)

#: One row. Every change of what counts adds one, and takes the row's lock before it reads anything.
learned_revision = sa.Table(
    "learned_revision",
    metadata,
    sa.Column("number", sa.Integer, nullable=False),
)
