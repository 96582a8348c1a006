"""What nobody answered, gathered by meaning, and what authors did about it."""

from __future__ import annotations

import sqlalchemy as sa

from bot.tables.schema import Utc, metadata

gaps = sa.Table(
    "gaps",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("encoder", sa.String(32), nullable=False, comment="fingerprint of what read its questions"),
    sa.Column("vector", sa.LargeBinary, nullable=False, comment="the sum of their vectors, float32"),
    sa.Column("weight", sa.Integer, nullable=False, comment="how many it is the sum of"),
    sa.Column("state", sa.String(16), nullable=False, index=True, comment="open, closed or wont_do"),
    sa.Column("reason", sa.Text, nullable=False, comment="why it is so; masked"),
    sa.Column("article", sa.Text, nullable=False, comment="the id of the article that closed it, or empty"),
    sa.Column("snapshot", sa.String(32), nullable=False, comment="the snapshot that closed it, or empty"),
    sa.Column("who", sa.Text, nullable=False, comment="who decided so, empty where it happened by itself"),
    sa.Column("decided", Utc, comment="when; none while it was always open; UTC"),
    sa.Column(
        "writer", sa.Text, nullable=False, index=True, server_default="", comment="who writes an article, or empty"
    ),
    sa.Column("written_since", Utc, comment="since when, or when it was given back; UTC"),
    sa.Column("name", sa.Text, nullable=False, comment="its most central question; masked"),
    sa.Column("lang", sa.String(8), nullable=False, index=True, comment="of the name"),
    sa.Column("why", sa.String(16), nullable=False, comment="no_article, language, not_found, rejected or not_shown"),
    sa.Column("nearest", sa.Text, nullable=False, comment="the id of the public article that `why` is about, or empty"),
    sa.Column("wordings", sa.JSON, nullable=False, comment="the most central questions with their counts; masked"),
    sa.Column("meaning", sa.LargeBinary, comment="what its wordings mean, float16; none while nobody has read them"),
    sa.Column("meaning_by", sa.String(32), nullable=False, server_default="", comment="fingerprint of what read them"),
    sa.Column("stale", sa.Boolean, nullable=False, index=True, comment="its questions changed since it was named"),
    sa.Column("checked", sa.String(32), nullable=False, index=True, comment="the snapshot it was last asked of"),
)

#: A question or a ticket in the gap it belongs to, with what the lists are made of.
gap_questions = sa.Table(
    "gap_questions",
    metadata,
    sa.Column("key", sa.String(40), primary_key=True, comment="q or t, and the id of the question or ticket"),
    sa.Column("gap_id", sa.ForeignKey("gaps.id", ondelete="CASCADE"), nullable=False),
    sa.Column("at", Utc, nullable=False, index=True, comment="UTC"),
    sa.Column("day", sa.Date, nullable=False, comment="UTC"),
    sa.Column("text", sa.Text, nullable=False, comment="question or subject; masked"),
    sa.Column("search", sa.Text, nullable=False, comment="the same, folded"),
    sa.Column("lang", sa.String(8), nullable=False),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("ticket", sa.Integer, nullable=False, comment="the number of the ticket that followed, or 0"),
    sa.Column("department", sa.Text, nullable=False, comment="of the ticket, or empty"),
    sa.Column("shown", sa.JSON, nullable=False, comment="article ids"),
    sa.Column("solved_with", sa.Text, nullable=False, comment="the article an agent solved the ticket with, or empty"),
    sa.Column("unanswered", sa.Boolean, nullable=False),
    sa.Column("rejected", sa.Boolean, nullable=False),
    sa.Column("ticketed", sa.Boolean, nullable=False),
    sa.Index("ix_gap_questions_gap_id", "gap_id", "at"),
)

#: Gaps that were joined to another one: their addresses lead there.
gap_joined = sa.Table(
    "gap_joined",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("gap_id", sa.ForeignKey("gaps.id", ondelete="CASCADE"), nullable=False, index=True),
)

gap_history = sa.Table(
    "gap_history",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("gap_id", sa.ForeignKey("gaps.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("at", Utc, nullable=False, comment="UTC"),
    sa.Column("who", sa.Text, nullable=False, comment="empty where it happened by itself"),
    sa.Column("what", sa.String(16), nullable=False, comment="close, wont_do, take, undo and so on"),
    sa.Column("reason", sa.Text, nullable=False, comment="masked"),
    sa.Column("article", sa.Text, nullable=False),
    sa.Column("before", sa.JSON, nullable=False, comment="how it stood before: state, reason, who and so on"),
    sa.Column("undone", sa.Boolean, nullable=False),
)

#: One row: how far the events were read, and which server does so. Every change of gaps takes its lock first.
gap_work = sa.Table(
    "gap_work",
    metadata,
    sa.Column("revision", sa.Integer, nullable=False, comment="grows with every step"),
    sa.Column(
        "cursor", sa.JSON, nullable=False, comment="how far questions, outcomes, tickets and resolutions are read"
    ),
    sa.Column(
        "articles", sa.JSON, nullable=False, comment="id: version and since when, of the snapshot looked at last"
    ),
    sa.Column("snapshot", sa.String(32), nullable=False, comment="that snapshot"),
    sa.Column("anew", sa.Integer, nullable=False, server_default="0", comment="questions when last gathered anew"),
    sa.Column("owner", sa.String(32), nullable=False, comment="which server works, or empty"),
    sa.Column("leased_until", Utc, comment="UTC"),
)
