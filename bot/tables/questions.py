"""What was asked, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa

from bot.tables.schema import Utc, metadata

questions = sa.Table(
    "questions",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("at", Utc, nullable=False, index=True, comment="UTC"),
    sa.Column("text", sa.Text, nullable=False, comment="masked"),
    sa.Column("body", sa.Text, nullable=False, comment="masked"),
    sa.Column("lang", sa.String(8), nullable=False),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("session", sa.String(64), nullable=False, index=True),
    sa.Column("decision", sa.String(16), nullable=False, index=True),
    sa.Column("confidence", sa.Float, nullable=False, comment="0 to 1"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("snapshot", sa.String(32), nullable=False),
    sa.Column("shown", sa.JSON, nullable=False, comment="article ids, the answer first"),
    sa.Column("after", sa.String(32), nullable=False, server_default="", comment="the question it follows up on"),
    sa.Column("further", sa.JSON, nullable=False, server_default="[]", comment="ids of those listed below, best first"),
)

outcomes = sa.Table(
    "outcomes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("question_id", sa.ForeignKey("questions.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("at", Utc, nullable=False, comment="UTC"),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("article_id", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False, comment="masked"),
    sa.Column("key", sa.String(32), index=True, unique=True, comment="delivered twice, it is kept once"),
)
