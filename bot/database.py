"""The database of all that changes: its tables, how it is opened, how it is brought up to date."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError, IntegrityError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.errors import StoreUnavailable

#: How long a writer waits for another one before it gives up.
LOCK_TIMEOUT_S = 5.0


class Utc(sa.TypeDecorator[datetime]):
    """Times in UTC both ways: SQLite drops the zone, so a time of another zone would be stored and compared wrongly."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        return value and (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

questions = sa.Table(
    "questions",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("at", Utc, nullable=False, index=True, comment="UTC"),
    sa.Column("text", sa.Text, nullable=False, comment="masked"),
    sa.Column("body", sa.Text, nullable=False, comment="masked"),
    sa.Column("lang", sa.String(8), nullable=False),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("session", sa.String(64), nullable=False, index=True),
    sa.Column("decision", sa.String(16), nullable=False, index=True),
    sa.Column("confidence", sa.Float, nullable=False, comment="0 to 1"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("snapshot", sa.String(32), nullable=False),
    sa.Column("shown", sa.JSON, nullable=False, comment="article ids, the answer first"),
    sa.Column("after", sa.String(32), nullable=False, server_default="", comment="the question it follows up on"),
)

outcomes = sa.Table(
    "outcomes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("question_id", sa.ForeignKey("questions.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("at", Utc, nullable=False, comment="UTC"),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("article_id", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False, comment="masked"),
)

tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(32), nullable=False, unique=True),
    sa.Column("idempotency_key", sa.String(64), nullable=False, unique=True),
    sa.Column("fingerprint", sa.String(64), nullable=False, comment="SHA-256 of what was sent"),
    sa.Column("at", Utc, nullable=False, index=True, comment="UTC"),
    sa.Column("subject", sa.Text, nullable=False, comment="as typed"),
    sa.Column("body", sa.Text, nullable=False, comment="as typed"),
    sa.Column("email", sa.Text, nullable=False, comment="the requester's address"),
    sa.Column("question_id", sa.String(32), nullable=False, index=True, comment="empty where nothing was asked"),
    sa.Column("session", sa.String(64), nullable=False, index=True),
    sa.Column("shown", sa.JSON, nullable=False, comment="article ids"),
    sa.Column("declined", sa.JSON, nullable=False, comment="article ids"),
    sa.Column("lang", sa.String(8), nullable=False),
    sa.Column("topic", sa.Text, nullable=False, comment="as stored in the settings, or empty"),
    sa.Column("department", sa.Text, nullable=False, comment="as stored in the settings, or empty"),
    sa.Column("conversation", sa.JSON, nullable=False, comment="ids of the questions of the same visit"),
    sa.Column("state", sa.String(16), nullable=False, comment="received, answered, on_hold or solved"),
    sa.Column("priority", sa.SmallInteger, nullable=False, comment="0 urgent, 1 high, 2 normal, 3 low"),
    sa.Column("tier", sa.SmallInteger, nullable=False, comment="1 to 3"),
    sa.Column("assignee_id", sa.String(64), nullable=False, comment="empty: nobody"),
    sa.Column("assignee_name", sa.Text, nullable=False),
    sa.Column("due", Utc, nullable=False, comment="UTC; the year 9999 where no answer is due"),
    sa.Column("waits_since", Utc, comment="UTC; none while nobody waits for an answer"),
    sa.Column("spent_s", sa.Integer, nullable=False, comment="opening seconds waited before that"),
    sa.Column("revision", sa.Integer, nullable=False, comment="grows with everything that happens"),
    sa.Column("spoken", sa.Integer, nullable=False, comment="the revision of the last message to or from outside"),
    sa.Column("changed", Utc, nullable=False, comment="UTC"),
    # Each order of the list is an index, so that its first page is read and nothing sorted.
    sa.Index("ix_tickets_due", "due", "number"),
    sa.Index("ix_tickets_changed", "changed", "number"),
    sa.Index("ix_tickets_solved", "state", "changed", "number"),
    sa.Index("ix_tickets_priority", "priority", "due", "number"),
    sa.Index("ix_tickets_assignee_id", "assignee_id", "due", "number"),
    sa.Index("ix_tickets_state", "state", "assignee_id", "due"),
    sa.Index("ix_tickets_email", "email"),
    sqlite_autoincrement=True,
)

ticket_history = sa.Table(
    "ticket_history",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("ticket_id", sa.ForeignKey("tickets.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("at", Utc, nullable=False, comment="UTC"),
    sa.Column("who_id", sa.String(64), nullable=False, comment="empty: the requester"),
    sa.Column("who_name", sa.Text, nullable=False),
    sa.Column(
        "what", sa.String(16), nullable=False, comment="state, assignee, priority, tier, reply, note, message, verdict"
    ),
    sa.Column("old", sa.Text, nullable=False),
    sa.Column("new", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("old_id", sa.String(64), nullable=False, comment="of the assignee before"),
    sa.Column("waits_since", Utc, comment="the clock before, so that the change can be undone"),
    sa.Column("spent_s", sa.Integer, nullable=False),
)

ticket_attachments = sa.Table(
    "ticket_attachments",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("draft_key", sa.String(64), nullable=False, index=True, comment="the idempotency key of the ticket"),
    sa.Column(
        "ticket_id", sa.ForeignKey("tickets.id", ondelete="CASCADE"), index=True, comment="none until it is sent"
    ),
    sa.Column("at", Utc, nullable=False, comment="UTC"),
    sa.Column("name", sa.Text, nullable=False, comment="safe to save under"),
    sa.Column("media_type", sa.String(100), nullable=False),
    sa.Column("size", sa.Integer, nullable=False, comment="bytes"),
    sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256"),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

ticket_messages = sa.Table(
    "ticket_messages",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("ticket_id", sa.ForeignKey("tickets.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("at", Utc, nullable=False, comment="UTC"),
    sa.Column("author", sa.String(16), nullable=False, comment="agent or requester"),
    sa.Column("text", sa.Text, nullable=False, comment="as typed"),
    sa.Column("verdict", sa.String(16), nullable=False, comment="accepted, refused or empty"),
    sa.Column("name", sa.Text, nullable=False, comment="of the agent, or empty"),
    sa.Column("internal", sa.Boolean, nullable=False, comment="a note among agents"),
)

#: What all servers over one database have to agree on and nobody else may know.
server_secrets = sa.Table(
    "server_secrets",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", sa.String(64), nullable=False),
)

resolutions = sa.Table(
    "resolutions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("ticket_id", sa.ForeignKey("tickets.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("at", Utc, nullable=False, comment="UTC"),
    sa.Column("article_id", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False, comment="masked"),
)

learned = sa.Table(
    "learned",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True, comment="a hash of article, text and body"),
    sa.Column("article_id", sa.Text, nullable=False, index=True),
    sa.Column("text", sa.Text, nullable=False, comment="masked"),
    sa.Column("body", sa.Text, nullable=False, comment="masked"),
    sa.Column("lang", sa.String(8), nullable=False),
    sa.Column("at", Utc, nullable=False, index=True, comment="when it was first said; UTC"),
    sa.Column("wording", sa.Text, nullable=False, comment="the words that tell near-same questions"),
    sa.Column("accepted", sa.Boolean, nullable=False, comment="an author agreed"),
    sa.Column("source", sa.String(16), nullable=False, comment="the most trusted one"),
    sa.Column("status", sa.String(16), nullable=False, index=True, comment="active, pending or removed"),
)

learned_traces = sa.Table(
    "learned_traces",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("learned_id", sa.ForeignKey("learned.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("origin", sa.Text, nullable=False, comment="id of the ticket, the question, or the row of the file"),
    sa.Column("at", Utc, nullable=False, comment="UTC"),
    sa.Column("file", sa.Text, nullable=False, comment="empty where it was no import"),
    sa.Column("session", sa.String(64), nullable=False),
    sa.Column("solved", sa.Boolean, nullable=False),
)

#: One row. Every change of what counts adds one, and takes the row's lock before it reads anything.
learned_revision = sa.Table(
    "learned_revision",
    metadata,
    sa.Column("number", sa.Integer, nullable=False),
)

article_reads = sa.Table(
    "article_reads",
    metadata,
    sa.Column("day", sa.Date, primary_key=True, comment="UTC"),
    sa.Column("article_id", sa.Text, primary_key=True),
    sa.Column("reads", sa.Integer, nullable=False),
)

article_feedback = sa.Table(
    "article_feedback",
    metadata,
    sa.Column("article_id", sa.Text, primary_key=True),
    sa.Column("session", sa.String(64), primary_key=True, comment="one word on each article"),
    sa.Column("at", Utc, nullable=False, index=True, comment="UTC"),
    sa.Column("lang", sa.String(8), nullable=False, comment="the language it was read in"),
    sa.Column("helpful", sa.Boolean, nullable=False),
    sa.Column("reason", sa.String(16), nullable=False, comment="empty where none was given"),
    sa.Column("comment", sa.Text, nullable=False, comment="masked"),
)


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


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{quote(str(path.resolve()))}"


def open_engine(url: str) -> sa.Engine:
    """An engine for a database URL. SQLite runs in WAL mode, so that readers never wait for a writer."""
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_pre_ping=True)
    engine = sa.create_engine(url, connect_args={"timeout": LOCK_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA journal_mode=WAL")
        # With WAL, NORMAL may lose the last commits on a power cut; an accepted ticket must not be lost.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    return engine


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that can say what to do about a row that is there already (`on_conflict_do_update`)."""
    from sqlalchemy.dialects import postgresql, sqlite

    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def migrate(engine: sa.Engine) -> None:
    """Brings the tables up to date with Alembic. Raises StoreUnavailable where the database cannot be written."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with reachable("The database cannot be prepared"), engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def shared_secret(engine: sa.Engine, name: str) -> bytes:
    """A secret that every server over this database has; made up when it is first asked for.

    Raises StoreUnavailable.
    """
    query = sa.select(server_secrets.c.value).where(server_secrets.c.name == name)
    with reachable("The secret could not be read"):
        with engine.connect() as connection:
            known = connection.execute(query).scalar_one_or_none()
        if known is None:
            # Of two servers that start at once one comes first; both then read what that one wrote.
            with suppress(IntegrityError), engine.begin() as connection:
                connection.execute(server_secrets.insert().values(name=name, value=secrets.token_hex(32)))
            with engine.connect() as connection:
                known = connection.execute(query).scalar_one()
    return bytes.fromhex(known)


@contextmanager
def reachable(what: str) -> Iterator[None]:
    """Turns a database's own errors (locked, read-only, gone, full) into StoreUnavailable."""
    try:
        yield
    except IntegrityError:
        raise
    except (DatabaseError, InterfaceError) as error:
        raise StoreUnavailable(f"{what}: {error.orig or error}.") from error
    except PoolTimeoutError as error:
        raise StoreUnavailable(f"{what}: all connections to the database are in use.") from error
