"""People, their sessions, links and tokens, and the log of who did what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _moment(name: str, *, required: bool = True, index: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not required, index=index)


def _person(name: str, *, required: bool = True) -> sa.Column[object]:
    owner = sa.ForeignKey("people.id", ondelete="CASCADE")
    return sa.Column(name, sa.String(32), owner, nullable=not required, index=True)


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("email_key", sa.String(254), nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("search", sa.Text, nullable=False),
        sa.Column("roles", sa.String(64), nullable=False),
        sa.Column("groups", sa.JSON, nullable=False),
        sa.Column("lang", sa.String(8), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        _moment("created"),
        sa.Column("password", sa.Text, nullable=False),
        _moment("last_sign_in", required=False),
    )
    op.create_table(
        "people_sessions",
        sa.Column("digest", sa.String(64), primary_key=True),
        _person("person_id"),
        _moment("started"),
        _moment("seen"),
        sa.Column("address", sa.String(64), nullable=False),
    )
    op.create_table(
        "people_links",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        _person("person_id", required=False),
        _moment("created"),
        _moment("expires"),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("hint", sa.String(16), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        _person("owner_id"),
        sa.Column("scopes", sa.JSON, nullable=False),
        _moment("created"),
        _moment("expires"),
        _moment("used", required=False),
        _moment("revoked", required=False),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        _moment("at", index=True),
        sa.Column("action", sa.String(32), nullable=False, index=True),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("search", sa.Text, nullable=False),
    )


def downgrade() -> None:
    for table in ("audit_log", "api_tokens", "people_links", "people_sessions", "people"):
        op.drop_table(table)
