"""What agents do with tickets: priority, tier, assignee, due time, history, internal notes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_AT = sa.DateTime(timezone=True)
#: As an answer of tier 1 is due by default. The desk's hours are not known here.
_FIRST_ANSWER = timedelta(hours=8)
#: No answer is due. Written as a value: PostgreSQL reads a default without a zone in the zone of the session.
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
_TICKET = (
    ("priority", sa.SmallInteger, "2"),
    ("tier", sa.SmallInteger, "1"),
    ("assignee_id", sa.String(64), ""),
    ("assignee_name", sa.Text, ""),
    ("due", _AT, "1970-01-01 00:00:00"),
    ("spent_s", sa.Integer, "0"),
    ("revision", sa.Integer, "0"),
    ("spoken", sa.Integer, "0"),
    ("changed", _AT, "1970-01-01 00:00:00"),
)
_INDEXES = {
    "ix_tickets_due": ["due", "number"],
    "ix_tickets_changed": ["changed", "number"],
    "ix_tickets_solved": ["state", "changed", "number"],
    "ix_tickets_priority": ["priority", "due", "number"],
    "ix_tickets_assignee_id": ["assignee_id", "due", "number"],
    "ix_tickets_state": ["state", "assignee_id", "due"],
    "ix_tickets_email": ["email"],
}
_tickets = sa.table(
    "tickets",
    sa.column("id", sa.String),
    sa.column("at", _AT),
    sa.column("state", sa.String),
    sa.column("due", _AT),
    sa.column("waits_since", _AT),
    sa.column("changed", _AT),
)
_messages = sa.table("ticket_messages", sa.column("ticket_id", sa.String), sa.column("at", _AT))


def upgrade() -> None:
    for name, kind, default in _TICKET:
        op.add_column("tickets", sa.Column(name, kind, nullable=False, server_default=default))
    op.add_column("tickets", sa.Column("waits_since", _AT))
    op.add_column("ticket_messages", sa.Column("name", sa.Text, nullable=False, server_default=""))
    op.add_column("ticket_messages", sa.Column("internal", sa.Boolean, nullable=False, server_default=sa.false()))
    last = sa.select(sa.func.max(_messages.c.at)).where(_messages.c.ticket_id == _tickets.c.id).scalar_subquery()
    op.execute(_tickets.update().values(changed=sa.func.coalesce(last, _tickets.c.at)))
    connection = op.get_bind()
    connection.execute(_tickets.update().values(due=_NEVER))
    waiting = _tickets.c.state == "received"
    op.execute(_tickets.update().where(waiting).values(waits_since=_tickets.c.changed))
    for ticket in connection.execute(sa.select(_tickets.c.id, _tickets.c.waits_since).where(waiting)).all():
        due = ticket.waits_since + _FIRST_ANSWER
        connection.execute(_tickets.update().where(_tickets.c.id == ticket.id).values(due=due))
    for name, columns in _INDEXES.items():
        op.create_index(name, "tickets", columns)
    op.create_table(
        "ticket_history",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "ticket_id", sa.String(32), sa.ForeignKey("tickets.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("at", _AT, nullable=False),
        sa.Column("who_id", sa.String(64), nullable=False),
        sa.Column("who_name", sa.Text, nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("old", sa.Text, nullable=False),
        sa.Column("new", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("old_id", sa.String(64), nullable=False),
        sa.Column("waits_since", _AT),
        sa.Column("spent_s", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("ticket_history")
    # What was written among agents would be read by requesters.
    op.execute("DELETE FROM ticket_messages WHERE internal")
    op.execute("UPDATE tickets SET state = 'received' WHERE state = 'on_hold'")
    for name in _INDEXES:
        op.drop_index(name, "tickets")
    for column in ("name", "internal"):
        op.drop_column("ticket_messages", column)
    for column in (*(name for name, _, _ in _TICKET), "waits_since"):
        op.drop_column("tickets", column)
