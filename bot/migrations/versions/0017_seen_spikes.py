"""Who has seen to a spike, and when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("report_spikes", sa.Column("seen_by", sa.Text, nullable=False, server_default=""))
    op.add_column("report_spikes", sa.Column("seen_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("report_spikes", "seen_at")
    op.drop_column("report_spikes", "seen_by")
