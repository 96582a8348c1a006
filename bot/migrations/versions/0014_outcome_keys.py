"""An outcome that is delivered twice is kept once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("outcomes", sa.Column("key", sa.String(32)))
    op.create_index("ix_outcomes_key", "outcomes", ["key"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_outcomes_key", "outcomes")
    op.drop_column("outcomes", "key")
