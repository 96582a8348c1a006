"""What is handed on to another desk or mailed, and which webhooks were taken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("sink", sa.String(16), nullable=False),
        sa.Column("lane", sa.String(200), nullable=False),
        sa.Column("ticket_id", sa.String(32), sa.ForeignKey("tickets.id", ondelete="CASCADE"), index=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("at", time, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", time, nullable=False),
        sa.Column("leased_until", time),
        sa.Column("owner", sa.String(32), nullable=False),
        sa.Column("error", sa.JSON, nullable=False),
        sa.Column("done_at", time),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.UniqueConstraint("key", name="uq_outbox_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_due", "outbox", ["state", "next_at"])
    op.create_index("ix_outbox_lane", "outbox", ["lane", "sink", "id"])
    op.create_table(
        "webhooks_taken",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("at", time, nullable=False, index=True),
    )


def downgrade() -> None:
    for table in ("webhooks_taken", "outbox"):
        op.drop_table(table)
