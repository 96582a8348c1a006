"""What has to reach somewhere else, and what arrived from there."""

from __future__ import annotations

import sqlalchemy as sa

from bot.tables.schema import Utc, metadata

#: What has to reach somewhere else, written in the transaction of what it is about.
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("sink", sa.String(16), nullable=False, comment="where it goes"),
    sa.Column(
        "lane", sa.String(200), nullable=False, comment="what keeps its order: a ticket of ours or another desk's"
    ),
    sa.Column(
        "ticket_id", sa.ForeignKey("tickets.id", ondelete="CASCADE"), index=True, comment="none for other desks'"
    ),
    sa.Column("kind", sa.String(16), nullable=False, comment="ticket, message, note, mail or event"),
    sa.Column("key", sa.String(120), nullable=False, unique=True, comment="the receiver's idempotency key"),
    sa.Column("payload", sa.JSON, nullable=False, comment="emptied some days after it was delivered"),
    sa.Column("at", Utc, nullable=False, comment="UTC"),
    sa.Column("state", sa.String(16), nullable=False, comment="waiting, delivered, dead or discarded"),
    sa.Column("attempts", sa.Integer, nullable=False, comment="since it was written or tried again by a person"),
    sa.Column("next_at", Utc, nullable=False, comment="not tried before; UTC"),
    sa.Column("leased_until", Utc, comment="a server is at it until then; UTC"),
    sa.Column("owner", sa.String(32), nullable=False, comment="which server, or empty"),
    sa.Column("error", sa.JSON, nullable=False, comment="template and values of what went wrong last, or empty"),
    sa.Column("done_at", Utc, comment="when it was delivered or discarded; UTC"),
    sa.Column("reference", sa.Text, nullable=False, comment="what the receiver calls it"),
    sa.Column("url", sa.Text, nullable=False, comment="where people find it there"),
    sa.Index("ix_outbox_due", "state", "next_at"),
    sa.Index("ix_outbox_lane", "lane", "sink", "id"),
    sqlite_autoincrement=True,
)

#: The ids of webhooks that were taken, so that one sent again has no second effect.
webhooks_taken = sa.Table(
    "webhooks_taken",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True, comment="SHA-256 of the sender's id"),
    sa.Column("at", Utc, nullable=False, index=True, comment="UTC"),
)
