"""The question that a question follows up on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("questions", sa.Column("after", sa.String(32), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("questions", "after")
