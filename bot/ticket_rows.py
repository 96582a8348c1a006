"""The tables of tickets as values, for all who keep them in SQL: one row read, changed under its lock, its history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.models import Attachment, Author, Clock, Priority, Ticket, TicketMessage, Who
from bot.tables import ticket_attachments as files
from bot.tables import ticket_history, tickets
from bot.tables import ticket_messages as messages
from bot.work import Event

#: Stands for "no answer is due": it comes last in every order by due time, and its index needs no exception.
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
#: As stored, the most urgent first.
RANKS: dict[Priority, int] = {"urgent": 0, "high": 1, "normal": 2, "low": 3}
BY_RANK = {rank: priority for priority, rank in RANKS.items()}


def bare(row: sa.Row[Any]) -> Ticket:
    """The ticket of a row without its messages and files."""
    values = row._mapping
    return Ticket(
        id=values["id"],
        number=values["number"],
        at=values["at"],
        subject=values["subject"],
        body=values["body"],
        email=values["email"],
        question_id=values["question_id"],
        shown=tuple(values["shown"]),
        declined=tuple(values["declined"]),
        lang=values["lang"],
        topic=values["topic"],
        department=values["department"],
        conversation=tuple(values["conversation"]),
        state=values["state"],
        priority=BY_RANK[values["priority"]],
        tier=values["tier"],
        assignee=Who(values["assignee_id"], values["assignee_name"]),
        due=due_of(values["due"]),
        clock=Clock(values["waits_since"], timedelta(seconds=values["spent_s"])),
        revision=values["revision"],
        spoken=values["spoken"],
        changed=values["changed"],
    )


def due_of(stored: datetime) -> datetime | None:
    return None if stored >= NEVER else stored


def columns(ticket: Ticket) -> dict[str, Any]:
    """What changes of a ticket's row while it is worked on."""
    return {
        "state": ticket.state,
        "priority": RANKS[ticket.priority],
        "tier": ticket.tier,
        "assignee_id": ticket.assignee.id,
        "assignee_name": ticket.assignee.name,
        "due": ticket.due or NEVER,
        "waits_since": ticket.clock.since,
        "spent_s": round(ticket.clock.spent.total_seconds()),
        "revision": ticket.revision,
        "spoken": ticket.spoken,
        "changed": ticket.changed,
    }


def lock(connection: sa.Connection, ticket_id: str) -> Ticket | None:
    """The bare ticket, whose row nobody else changes until the transaction ends."""
    same = tickets.update().where(tickets.c.id == ticket_id).values(state=tickets.c.state)
    row = connection.execute(same.returning(*tickets.c)).first()
    return bare(row) if row else None


def keep(connection: sa.Connection, ticket: Ticket, events: Iterable[Event]) -> None:
    """Writes a changed ticket and what its history says of it."""
    connection.execute(tickets.update().where(tickets.c.id == ticket.id).values(columns(ticket)))
    rows = [
        {
            "ticket_id": ticket.id,
            "at": event.at,
            "who_id": event.who.id,
            "who_name": event.who.name,
            "what": event.what,
            "old": event.old,
            "new": event.new,
            "reason": event.reason,
            "old_id": event.old_id,
            "waits_since": event.clock.since,
            "spent_s": round(event.clock.spent.total_seconds()),
        }
        for event in events
    ]
    if rows:
        connection.execute(ticket_history.insert(), rows)


def write(
    connection: sa.Connection,
    ticket_id: str,
    author: Author,
    text: str,
    at: datetime,
    name: str = "",
    *,
    internal: bool = False,
) -> int:
    """The id of the message."""
    row = messages.insert().values(
        ticket_id=ticket_id, author=author, text=text, at=at, verdict="", name=name, internal=internal
    )
    return int(connection.execute(row.returning(messages.c.id)).scalar_one())


def history(connection: sa.Connection, ticket_id: str) -> tuple[Event, ...]:
    query = ticket_history.select().where(ticket_history.c.ticket_id == ticket_id).order_by(ticket_history.c.id)
    return tuple(
        Event(
            at=row.at,
            who=Who(row.who_id, row.who_name),
            what=row.what,
            old=row.old,
            new=row.new,
            reason=row.reason,
            old_id=row.old_id,
            clock=Clock(row.waits_since, timedelta(seconds=row.spent_s)),
        )
        for row in connection.execute(query)
    )


def written(connection: sa.Connection, ticket_id: str, *, internal: bool) -> tuple[TicketMessage, ...]:
    """What was said to and by the requester or, `internal`, the notes among agents: never both in one list."""
    query = messages.select().where(messages.c.ticket_id == ticket_id, messages.c.internal == internal)
    return tuple(
        TicketMessage(row.at, row.author, row.text, row.verdict, row.name, row.internal)
        for row in connection.execute(query.order_by(messages.c.id))
    )


def attachments(connection: sa.Connection, which: sa.ColumnElement[bool]) -> tuple[Attachment, ...]:
    query = sa.select(files.c.id, files.c.name, files.c.media_type, files.c.size).where(which)
    return tuple(Attachment(*row) for row in connection.execute(query.order_by(files.c.at, files.c.name)))


def whole(connection: sa.Connection, row: sa.Row[Any]) -> Ticket:
    """The ticket of a row with its files and all that its requester may read."""
    ticket = bare(row)
    return replace(
        ticket,
        attachments=attachments(connection, files.c.ticket_id == ticket.id),
        messages=written(connection, ticket.id, internal=False),
    )
