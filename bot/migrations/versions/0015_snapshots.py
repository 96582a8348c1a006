"""Snapshots in the database, and where the vectors are that it searches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "snapshots_in_use",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("snapshot", sa.String(32), nullable=False),
        sa.Column("published", sa.JSON, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.execute("INSERT INTO snapshots_in_use (id, snapshot, published, revision) VALUES (1, '', '[]', 0)")
    op.create_table(
        "snapshot_files",
        sa.Column("snapshot", sa.String(32), primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
    )
    op.create_index("ix_snapshot_files_sha256", "snapshot_files", ["sha256"])
    op.create_table(
        "snapshot_contents",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("stored", time, nullable=False),
        sa.Column("damaged", sa.Boolean, nullable=False),
    )
    op.create_table(
        "snapshot_parts",
        sa.Column(
            "sha256", sa.String(64), sa.ForeignKey("snapshot_contents.sha256", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("bytes", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "snapshot_servers",
        sa.Column("server", sa.String(200), primary_key=True),
        sa.Column("snapshot", sa.String(32), nullable=False),
        sa.Column("seen", time, nullable=False),
    )
    op.create_table(
        "vector_generations",
        sa.Column("relation", sa.String(63), primary_key=True),
        sa.Column("snapshot", sa.String(32), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.Column("made", time, nullable=False),
    )
    op.create_index("ix_vector_generations_snapshot", "vector_generations", ["snapshot"])


def downgrade() -> None:
    found = op.get_bind().execute(sa.text("SELECT relation FROM vector_generations")).scalars().all()
    for relation in found:
        op.execute(f'DROP TABLE IF EXISTS "{relation}"')
    for table in (
        "vector_generations",
        "snapshot_servers",
        "snapshot_parts",
        "snapshot_contents",
        "snapshot_files",
        "snapshots_in_use",
    ):
        op.drop_table(table)
