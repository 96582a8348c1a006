"""What readers and agents do with articles."""

from __future__ import annotations

import sqlalchemy as sa

from bot.tables.schema import Utc, metadata

article_reads = sa.Table(
    "article_reads",
    metadata,
    sa.Column("day", sa.Date, primary_key=True, comment="UTC"),
    sa.Column("article_id", sa.Text, primary_key=True),
    sa.Column("reads", sa.Integer, nullable=False),
)

article_feedback = sa.Table(
    "article_feedback",
    metadata,
    sa.Column("article_id", sa.Text, primary_key=True),
    sa.Column("session", sa.String(64), primary_key=True, comment="one word on each article"),
    sa.Column("at", Utc, nullable=False, index=True, comment="UTC"),
    sa.Column("lang", sa.String(8), nullable=False, comment="the language it was read in"),
    sa.Column("helpful", sa.Boolean, nullable=False),
    sa.Column("reason", sa.String(16), nullable=False, comment="empty where none was given"),
    sa.Column("comment", sa.Text, nullable=False, comment="masked"),
)

#: What agents say is wrong with articles. `open_key` names person, article and kind while the flag is open, so that
#: one person has one open flag of a kind on an article.
article_flags = sa.Table(
    "article_flags",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("article_id", sa.Text, nullable=False, index=True),
    sa.Column("lang", sa.String(8), nullable=False, comment="the language it was read in"),
    sa.Column("kind", sa.String(16), nullable=False, comment="wrong, outdated or missing"),
    sa.Column("comment", sa.Text, nullable=False, comment="masked"),
    sa.Column("who", sa.String(64), nullable=False, comment="the person's id"),
    sa.Column("who_name", sa.Text, nullable=False),
    sa.Column("ticket_id", sa.String(32), nullable=False, comment="empty where it was no ticket of ours"),
    sa.Column("at", Utc, nullable=False, index=True, comment="UTC"),
    sa.Column("version", sa.String(16), nullable=False, comment="a hash of what the article said"),
    sa.Column("state", sa.String(16), nullable=False, index=True, comment="open, done or rejected"),
    sa.Column("reason", sa.Text, nullable=False, comment="why it was closed so; masked"),
    sa.Column("closed_by", sa.Text, nullable=False, comment="a name, empty while it is open"),
    sa.Column("closed_at", Utc, comment="UTC"),
    sa.Column("open_key", sa.String(64), unique=True, comment="none once it is closed"),
)
