"""Tickets: topic, department, conversation and state; their files and messages; secrets that servers share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TICKET = ("topic", "department", "conversation", "state")


def upgrade() -> None:
    # Plain ALTER TABLE, which SQLite knows: to copy the table would drop the old one, and with it, by their foreign
    # keys, the resolutions.
    op.add_column("tickets", sa.Column("topic", sa.Text, nullable=False, server_default=""))
    op.add_column("tickets", sa.Column("department", sa.Text, nullable=False, server_default=""))
    op.add_column("tickets", sa.Column("conversation", sa.JSON, nullable=False, server_default="[]"))
    op.add_column("tickets", sa.Column("state", sa.String(16), nullable=False, server_default="received"))
    op.execute("UPDATE tickets SET state = 'solved' WHERE id IN (SELECT ticket_id FROM resolutions)")
    op.create_table(
        "ticket_attachments",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("draft_key", sa.String(64), nullable=False, index=True),
        sa.Column("ticket_id", sa.String(32), sa.ForeignKey("tickets.id", ondelete="CASCADE"), index=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "ticket_messages",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "ticket_id", sa.String(32), sa.ForeignKey("tickets.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
    )
    op.create_table(
        "server_secrets",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.String(64), nullable=False),
    )


def downgrade() -> None:
    for table in ("server_secrets", "ticket_messages", "ticket_attachments"):
        op.drop_table(table)
    for column in reversed(_TICKET):
        op.drop_column("tickets", column)
