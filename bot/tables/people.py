"""Who may do what, and who did what."""

from __future__ import annotations

import sqlalchemy as sa

from bot.tables.schema import Utc, metadata

people = sa.Table(
    "people",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("email", sa.String(254), nullable=False, comment="as typed"),
    sa.Column("email_key", sa.String(254), nullable=False, unique=True, comment="case folded"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("search", sa.Text, nullable=False, comment="name and address, case folded"),
    sa.Column("roles", sa.String(64), nullable=False, comment="each between commas: ,admin,agent,"),
    sa.Column("groups", sa.JSON, nullable=False, comment="audiences of articles"),
    sa.Column("lang", sa.String(8), nullable=False, comment="empty where none was chosen"),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("created", Utc, nullable=False, comment="UTC"),
    sa.Column("password", sa.Text, nullable=False, comment="argon2id, empty where none is set"),
    sa.Column("last_sign_in", Utc, comment="UTC"),
)

people_sessions = sa.Table(
    "people_sessions",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True, comment="SHA-256 of what the cookie holds"),
    sa.Column("person_id", sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("started", Utc, nullable=False, comment="UTC"),
    sa.Column("seen", Utc, nullable=False, comment="UTC"),
    sa.Column("address", sa.String(64), nullable=False, comment="masked"),
)

people_links = sa.Table(
    "people_links",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True, comment="SHA-256 of what the address ends with"),
    sa.Column("kind", sa.String(16), nullable=False, comment="setup, invitation or reset"),
    sa.Column("person_id", sa.ForeignKey("people.id", ondelete="CASCADE"), index=True, comment="none for a setup"),
    sa.Column("created", Utc, nullable=False, comment="UTC"),
    sa.Column("expires", Utc, nullable=False, comment="UTC"),
)

api_tokens = sa.Table(
    "api_tokens",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False, unique=True, comment="SHA-256 of the token"),
    sa.Column("hint", sa.String(16), nullable=False, comment="how it begins"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("owner_id", sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("scopes", sa.JSON, nullable=False, comment="rights"),
    sa.Column("created", Utc, nullable=False, comment="UTC"),
    sa.Column("expires", Utc, nullable=False, comment="UTC"),
    sa.Column("used", Utc, comment="UTC, to the minute"),
    sa.Column("revoked", Utc, comment="UTC"),
)

audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", Utc, nullable=False, index=True, comment="UTC"),
    sa.Column("action", sa.String(32), nullable=False, index=True),
    sa.Column("actor", sa.Text, nullable=False, comment="an e-mail address, or empty"),
    sa.Column("subject", sa.Text, nullable=False, comment="an e-mail address or the name of a token"),
    sa.Column("details", sa.Text, nullable=False),
    sa.Column("address", sa.String(64), nullable=False, comment="masked"),
    sa.Column("search", sa.Text, nullable=False, comment="actor and subject, case folded"),
)

#: What all servers over one database have to agree on and nobody else may know.
server_secrets = sa.Table(
    "server_secrets",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", sa.String(64), nullable=False),
)
