"""Published snapshots whose files lie in the database, and where vectors that the database searches are."""

from __future__ import annotations

import sqlalchemy as sa

from bot.tables.schema import Utc, metadata

#: One row, which is locked by whoever changes what is in use.
snapshots_in_use = sa.Table(
    "snapshots_in_use",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("snapshot", sa.String(32), nullable=False, comment="empty before the first publication"),
    sa.Column("published", sa.JSON, nullable=False, comment="ids in the order they were published"),
    sa.Column("revision", sa.Integer, nullable=False, comment="grows with every change of this row"),
)

snapshot_files = sa.Table(
    "snapshot_files",
    metadata,
    sa.Column("snapshot", sa.String(32), primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False, index=True),
)

#: What files hold, once for all snapshots: the encoder is the same in most of them.
snapshot_contents = sa.Table(
    "snapshot_contents",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("stored", Utc, nullable=False, comment="UTC; in no snapshot yet while the rest is written"),
    sa.Column("damaged", sa.Boolean, nullable=False, comment="a server found it to be something else"),
)

snapshot_parts = sa.Table(
    "snapshot_parts",
    metadata,
    sa.Column("sha256", sa.String(64), sa.ForeignKey("snapshot_contents.sha256", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("bytes", sa.LargeBinary, nullable=False),
)

#: Which snapshot each server answers from: nothing of it is removed.
snapshot_servers = sa.Table(
    "snapshot_servers",
    metadata,
    sa.Column("server", sa.String(200), primary_key=True),
    sa.Column("snapshot", sa.String(32), nullable=False),
    sa.Column("seen", Utc, nullable=False, comment="UTC"),
)

#: Vectors of a snapshot that lie in a table of their own, which only PostgreSQL has.
vector_generations = sa.Table(
    "vector_generations",
    metadata,
    sa.Column("relation", sa.String(63), primary_key=True, comment="the name of that table"),
    sa.Column("snapshot", sa.String(32), nullable=False, index=True),
    sa.Column("sha256", sa.String(64), nullable=False, comment="of the file of the same vectors"),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("dimension", sa.Integer, nullable=False),
    sa.Column("made", Utc, nullable=False, comment="UTC"),
)
