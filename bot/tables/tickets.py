"""Tickets, what happened to them, and what came with them."""

from __future__ import annotations

import sqlalchemy as sa

from bot.tables.schema import Utc, metadata

tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(32), nullable=False, unique=True),
    sa.Column("idempotency_key", sa.String(64), nullable=False, unique=True),
    sa.Column("fingerprint", sa.String(64), nullable=False, comment="SHA-256 of what was sent"),
    sa.Column("at", Utc, nullable=False, index=True, comment="UTC"),
    sa.Column("subject", sa.Text, nullable=False, comment="as typed"),
    sa.Column("body", sa.Text, nullable=False, comment="as typed"),
    sa.Column("email", sa.Text, nullable=False, comment="the requester's address"),
    sa.Column("question_id", sa.String(32), nullable=False, index=True, comment="empty where nothing was asked"),
    sa.Column("session", sa.String(64), nullable=False, index=True),
    sa.Column("shown", sa.JSON, nullable=False, comment="article ids"),
    sa.Column("declined", sa.JSON, nullable=False, comment="article ids"),
    sa.Column("lang", sa.String(8), nullable=False),
    sa.Column("topic", sa.Text, nullable=False, comment="as stored in the settings, or empty"),
    sa.Column("department", sa.Text, nullable=False, comment="as stored in the settings, or empty"),
    sa.Column("conversation", sa.JSON, nullable=False, comment="ids of the questions of the same visit"),
    sa.Column("state", sa.String(16), nullable=False, comment="received, answered, on_hold or solved"),
    sa.Column("priority", sa.SmallInteger, nullable=False, comment="0 urgent, 1 high, 2 normal, 3 low"),
    sa.Column("tier", sa.SmallInteger, nullable=False, comment="1 to 3"),
    sa.Column("assignee_id", sa.String(64), nullable=False, comment="empty: nobody"),
    sa.Column("assignee_name", sa.Text, nullable=False),
    sa.Column("due", Utc, nullable=False, comment="UTC; the year 9999 where no answer is due"),
    sa.Column("waits_since", Utc, comment="UTC; none while nobody waits for an answer"),
    sa.Column("spent_s", sa.Integer, nullable=False, comment="opening seconds waited before that"),
    sa.Column("revision", sa.Integer, nullable=False, comment="grows with everything that happens"),
    sa.Column("spoken", sa.Integer, nullable=False, comment="the revision of the last message to or from outside"),
    sa.Column("changed", Utc, nullable=False, comment="UTC"),
    # Each order of the list is an index, so that its first page is read and nothing sorted.
    sa.Index("ix_tickets_due", "due", "number"),
    sa.Index("ix_tickets_changed", "changed", "number"),
    sa.Index("ix_tickets_solved", "state", "changed", "number"),
    sa.Index("ix_tickets_priority", "priority", "due", "number"),
    sa.Index("ix_tickets_assignee_id", "assignee_id", "due", "number"),
    sa.Index("ix_tickets_state", "state", "assignee_id", "due"),
    sa.Index("ix_tickets_email", "email"),
    sqlite_autoincrement=True,
)

ticket_history = sa.Table(
    "ticket_history",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("ticket_id", sa.ForeignKey("tickets.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("at", Utc, nullable=False, comment="UTC"),
    sa.Column("who_id", sa.String(64), nullable=False, comment="empty: the requester"),
    sa.Column("who_name", sa.Text, nullable=False),
    sa.Column(
        "what", sa.String(16), nullable=False, comment="state, assignee, priority, tier, reply, note, message, verdict"
    ),
    sa.Column("old", sa.Text, nullable=False),
    sa.Column("new", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("old_id", sa.String(64), nullable=False, comment="of the assignee before"),
    sa.Column("waits_since", Utc, comment="the clock before, so that the change can be undone"),
    sa.Column("spent_s", sa.Integer, nullable=False),
)

ticket_attachments = sa.Table(
    "ticket_attachments",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("draft_key", sa.String(64), nullable=False, index=True, comment="the idempotency key of the ticket"),
    sa.Column(
        "ticket_id", sa.ForeignKey("tickets.id", ondelete="CASCADE"), index=True, comment="none until it is sent"
    ),
    sa.Column("at", Utc, nullable=False, comment="UTC"),
    sa.Column("name", sa.Text, nullable=False, comment="safe to save under"),
    sa.Column("media_type", sa.String(100), nullable=False),
    sa.Column("size", sa.Integer, nullable=False, comment="bytes"),
    sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256"),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

ticket_messages = sa.Table(
    "ticket_messages",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("ticket_id", sa.ForeignKey("tickets.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("at", Utc, nullable=False, comment="UTC"),
    sa.Column("author", sa.String(16), nullable=False, comment="agent or requester"),
    sa.Column("text", sa.Text, nullable=False, comment="as typed"),
    sa.Column("verdict", sa.String(16), nullable=False, comment="accepted, refused or empty"),
    sa.Column("name", sa.Text, nullable=False, comment="of the agent, or empty"),
    sa.Column("internal", sa.Boolean, nullable=False, comment="a note among agents"),
)

resolutions = sa.Table(
    "resolutions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("ticket_id", sa.ForeignKey("tickets.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("at", Utc, nullable=False, comment="UTC"),
    sa.Column("article_id", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False, comment="masked"),
)
