"""Who writes an article for a gap, and what gaps mean across languages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.add_column("gaps", sa.Column("writer", sa.Text, nullable=False, server_default=""))
    op.add_column("gaps", sa.Column("written_since", time))
    op.add_column("gaps", sa.Column("meaning", sa.LargeBinary))
    op.add_column("gaps", sa.Column("meaning_by", sa.String(32), nullable=False, server_default=""))
    op.add_column("gap_work", sa.Column("anew", sa.Integer, nullable=False, server_default="0"))
    op.create_index("ix_gaps_writer", "gaps", ["writer"])
    op.create_index("ix_gaps_lang", "gaps", ["lang"])
    # Whatever is known of gaps is said anew, with what they mean; their questions stay where they are.
    op.execute(sa.text("UPDATE gaps SET stale = :yes").bindparams(yes=True))


def downgrade() -> None:
    op.drop_index("ix_gaps_lang", "gaps")
    op.drop_index("ix_gaps_writer", "gaps")
    op.drop_column("gap_work", "anew")
    for column in ("writer", "written_since", "meaning", "meaning_by"):
        op.drop_column("gaps", column)
    op.execute(sa.text("UPDATE gaps SET why = 'no_article' WHERE why IN ('language', 'not_shown')"))
