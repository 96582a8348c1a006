"""What was published, and what kept something from being published."""

from __future__ import annotations

import sqlalchemy as sa

from bot.tables.schema import Utc, metadata

publications = sa.Table(
    "publications",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("how", sa.String(16), nullable=False, comment="pull, webhook, page, index or rollback"),
    sa.Column("who", sa.Text, nullable=False, comment="a name, empty where nobody signed in asked for it"),
    sa.Column("asked", Utc, nullable=False, comment="UTC"),
    sa.Column("began", Utc, comment="UTC"),
    sa.Column("ended", Utc, comment="UTC"),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("stage", sa.String(32), nullable=False, comment="what is being done, while it runs"),
    sa.Column("done", sa.Integer, nullable=False, comment="of total, while it runs"),
    sa.Column("total", sa.Integer, nullable=False, comment="0 where it is not known"),
    sa.Column("again", sa.Boolean, nullable=False, comment="what was taken back may be published again"),
    sa.Column("branch", sa.Text, nullable=False),
    sa.Column("commit_id", sa.String(64), nullable=False),
    sa.Column("subject", sa.Text, nullable=False, comment="the first line of the commit's message"),
    sa.Column("made_with", sa.String(16), nullable=False, comment="a hash of the settings and the code"),
    sa.Column("snapshot", sa.String(32), nullable=False, index=True),
    sa.Column("before", sa.String(32), nullable=False, comment="the snapshot in use until then"),
    sa.Column("counts", sa.JSON, nullable=False),
    sa.Column("reason", sa.JSON, nullable=False, comment="template and values, or empty"),
    sa.Column("findings", sa.JSON, nullable=False),
    sa.Column("found", sa.Integer, nullable=False, comment="how many findings there were in all"),
    sa.Column("output", sa.Text, nullable=False, comment="what a process that broke off wrote last"),
    sqlite_autoincrement=True,
)
