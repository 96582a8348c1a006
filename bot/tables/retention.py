"""How far what is old was removed."""

from __future__ import annotations

import sqlalchemy as sa

from bot.tables.schema import Utc, metadata

#: One row. Whoever moves `next_at` on removes what is old until then; of several servers only one does.
retention = sa.Table(
    "retention",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False, comment="always 1"),
    sa.Column("next_at", Utc, nullable=False, comment="not looked at before; UTC"),
    sa.Column("whole_from", Utc, comment="questions and tickets before it may be gone: their days are not recounted"),
)
