"""Everything that is stored about one person, as data they can be given."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from bot.attachments import safe_name
from bot.database import reachable
from bot.stored import tables
from bot.tables import (
    api_tokens,
    article_feedback,
    audit_log,
    form_sessions,
    gap_questions,
    learned,
    learned_traces,
    outbox,
    outcomes,
    people_links,
    people_sessions,
    resolutions,
    ticket_attachments,
    ticket_history,
    ticket_messages,
)
from bot.trail import Trail, rows_in

#: What no copy needs: it lets somebody in, or is a key of ours.
_LEFT_OUT = frozenset(
    {"content", "digest", "draft_key", "idempotency_key", "fingerprint", "search", "email_key", "wording"}
)


class Disclosure:
    """Reads all about people from a database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def of(self, contact: str) -> dict[str, list[dict[str, Any]]]:
        """Rows by table, times as ISO 8601; {} where nothing is stored. Raises StoreUnavailable."""
        with reachable("What is stored about the person could not be read"), self._engine.connect() as connection:
            trail = Trail.of(connection, contact)
            return {name: rows for name, rows in _tables(connection, trail) if rows}

    def files(self, contact: str) -> Iterator[tuple[str, bytes]]:
        """(a name that is safe to save under, the content) of each file they sent. Raises StoreUnavailable."""
        with reachable("The files could not be read"), self._engine.connect() as connection:
            for ticket in Trail.of(connection, contact).ticket_ids:
                for row in rows_in(connection, ticket_attachments, ticket_attachments.c.ticket_id, [ticket]):
                    yield f"{row.id}-{safe_name(row.name)}", row.content


def _tables(connection: sa.Connection, trail: Trail) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    yield "tickets", [_row("tickets", row) for row in trail.tickets]
    yield "questions", [_row("questions", row) for row in trail.questions]
    traces = rows_in(connection, learned_traces, learned_traces.c.id, trail.traces)
    person = [trail.person.id] if trail.person else []
    if trail.person:
        yield "people", [_row("people", trail.person)]
    linked: tuple[tuple[sa.Table, sa.Column[Any], Any], ...] = (
        (outcomes, outcomes.c.question_id, trail.question_ids),
        (ticket_messages, ticket_messages.c.ticket_id, trail.ticket_ids),
        (ticket_history, ticket_history.c.ticket_id, trail.ticket_ids),
        (ticket_attachments, ticket_attachments.c.ticket_id, trail.ticket_ids),
        (resolutions, resolutions.c.ticket_id, trail.ticket_ids),
        (outbox, outbox.c.id, trail.letters),
        (article_feedback, article_feedback.c.session, trail.sessions),
        (form_sessions, form_sessions.c.session, trail.sessions),
        (gap_questions, gap_questions.c.key, trail.gap_keys),
        (learned, learned.c.id, sorted({row.learned_id for row in traces})),
        (learned_traces, learned_traces.c.id, trail.traces),
        (people_sessions, people_sessions.c.person_id, person),
        (people_links, people_links.c.person_id, person),
        (api_tokens, api_tokens.c.owner_id, person),
        (audit_log, audit_log.c.id, trail.audit),
    )
    for table, column, values in linked:
        yield table.name, [_row(table.name, row) for row in rows_in(connection, table, column, values)]


def _row(table: str, row: sa.Row[Any]) -> dict[str, Any]:
    secret = {field.name for field in tables()[table].fields if field.personal == "secret"}
    return {
        name: value.isoformat() if isinstance(value, datetime | date) else value
        for name, value in row._mapping.items()
        if name not in secret | _LEFT_OUT
    }
