"""All that is stored about one person: found by the e-mail address they wrote from or sign in with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.database import parts
from bot.gaps.failures import QUESTION, TICKET
from bot.tables import (
    article_feedback,
    audit_log,
    form_sessions,
    gap_questions,
    learned_traces,
    outbox,
    people,
    questions,
    tickets,
)


@dataclass(frozen=True, slots=True)
class Trail:
    """Which rows are about a person. `sessions` are visits from which nobody else sent a ticket.

    `person` is their row where they may sign in. `traces` are ids of `learned_traces`, `letters` of the outbox, `audit`
    of the audit log.
    """

    contact: str
    tickets: tuple[sa.Row[Any], ...]
    questions: tuple[sa.Row[Any], ...]
    sessions: tuple[str, ...]
    traces: tuple[int, ...]
    letters: tuple[int, ...]
    audit: tuple[int, ...]
    person: sa.Row[Any] | None

    @property
    def ticket_ids(self) -> tuple[str, ...]:
        return tuple(row.id for row in self.tickets)

    @property
    def question_ids(self) -> tuple[str, ...]:
        return tuple(row.id for row in self.questions)

    @property
    def gap_keys(self) -> tuple[str, ...]:
        """What their questions and tickets are called among the gaps."""
        asked = (f"{QUESTION}{question_id}" for question_id in self.question_ids)
        return (*asked, *(f"{TICKET}{ticket_id}" for ticket_id in self.ticket_ids))

    def __bool__(self) -> bool:
        return bool(self.tickets or self.letters or self.audit or self.person)

    def __repr__(self) -> str:
        return f"<Trail of {len(self.tickets)} tickets and {len(self.questions)} questions>"  # no address in a log

    @classmethod
    def of(cls, connection: sa.Connection, contact: str) -> Trail:
        """`contact` is an e-mail address, in capital letters or small ones."""
        folded = contact.strip().casefold()
        sent = _sent(connection, folded)
        sessions = _own_sessions(connection, folded, sent)
        asked = _asked(connection, folded, sent, sessions)
        sent_ids, asked_ids = [row.id for row in sent], [row.id for row in asked]
        origins = {*sent_ids, *asked_ids, *_gone(connection, folded, sent, sessions)}
        traces = (
            *rows_in(connection, learned_traces, learned_traces.c.origin, sorted(origins)),
            *rows_in(connection, learned_traces, learned_traces.c.session, sessions),
        )
        person = connection.execute(people.select().where(people.c.email_key == folded)).first()
        return cls(
            contact=folded,
            tickets=tuple(sent),
            questions=tuple(asked),
            sessions=tuple(sessions),
            traces=tuple(sorted({row.id for row in traces})),
            letters=_letters(connection, folded, sent_ids),
            audit=_audit(connection, folded),
            person=person,
        )

    def counts(self, connection: sa.Connection) -> dict[str, int]:
        """How many rows of each kind that is, without what belongs to a ticket or a person and goes with them."""
        found = {
            "tickets": len(self.tickets),
            "questions": len(self.questions),
            "feedback": len(rows_in(connection, article_feedback, article_feedback.c.session, self.sessions)),
            "visits": len(rows_in(connection, form_sessions, form_sessions.c.session, self.sessions)),
            "gap_questions": len(rows_in(connection, gap_questions, gap_questions.c.key, self.gap_keys)),
            "learned": len(self.traces),
            "outbox": len(self.letters),
            "audit_log": len(self.audit),
            "people": int(self.person is not None),
        }
        return {name: number for name, number in found.items() if number}


def rows_in(
    connection: sa.Connection, table: sa.Table, column: sa.ColumnElement[Any], values: Iterable[Any]
) -> list[sa.Row[Any]]:
    """The rows of a table whose column has one of these values, in the order of its key."""
    found: list[sa.Row[Any]] = []
    for part in parts(values):
        found += connection.execute(table.select().where(column.in_(part)).order_by(*table.primary_key.columns))
    return found


def _sent(connection: sa.Connection, contact: str) -> list[sa.Row[Any]]:
    # SQLite folds ASCII alone: other letters are compared here.
    like = sa.or_(sa.func.lower(tickets.c.email) == contact, ~_ascii(contact))
    query = tickets.select().where(like).order_by(tickets.c.number)
    return [row for row in connection.execute(query) if row.email.strip().casefold() == contact]


def _ascii(text: str) -> sa.ColumnElement[bool]:
    return sa.true() if text.isascii() else sa.false()


def _own_sessions(connection: sa.Connection, contact: str, sent: Sequence[sa.Row[Any]]) -> list[str]:
    """The sessions of their tickets and of what these name, but none from which somebody else sent a ticket too.

    A program may ask everything in one session; what others asked in it is not theirs.
    """
    named = {name for row in sent for name in (row.question_id, *row.conversation)} - {""}
    sessions = {row.session for row in sent} | {
        row.session for row in rows_in(connection, questions, questions.c.id, sorted(named))
    }
    others = rows_in(connection, tickets, tickets.c.session, sorted(sessions - {""}))
    shared = {row.session for row in others if row.email.strip().casefold() != contact}
    return sorted(sessions - shared - {""})


def _asked(
    connection: sa.Connection, contact: str, sent: Sequence[sa.Row[Any]], sessions: Sequence[str]
) -> list[sa.Row[Any]]:
    named = {name for row in sent for name in (row.question_id, *row.conversation)} - {""}
    others = rows_in(connection, tickets, tickets.c.question_id, sorted(named))
    named -= {row.question_id for row in others if row.email.strip().casefold() != contact}
    found = {row.id: row for row in rows_in(connection, questions, questions.c.session, sessions)}
    # Of a session that others used too, only the question their own ticket came from is surely theirs.
    surely = {row.question_id for row in sent} | {row.id for row in found.values()}
    found |= {row.id: row for row in rows_in(connection, questions, questions.c.id, sorted(named & surely))}
    return sorted(found.values(), key=lambda row: (row.at, row.id))


def _gone(connection: sa.Connection, contact: str, sent: Sequence[sa.Row[Any]], sessions: Sequence[str]) -> set[str]:
    """Ids of their questions that were removed for their age: what was learned from them is still there."""
    named = {row.question_id for row in sent}
    named |= {question_id for row in sent if row.session in sessions for question_id in row.conversation}
    others = rows_in(connection, tickets, tickets.c.question_id, sorted(named - {""}))
    named -= {row.question_id for row in others if row.email.strip().casefold() != contact}
    return named - {row.id for row in rows_in(connection, questions, questions.c.id, sorted(named))} - {""}


def _letters(connection: sa.Connection, contact: str, sent_ids: Sequence[str]) -> tuple[int, ...]:
    """Those of their tickets, and mail to their address that belongs to no ticket of theirs."""
    found = {row.id for row in rows_in(connection, outbox, outbox.c.ticket_id, sent_ids)}
    query = sa.select(outbox.c.id, outbox.c.payload).where(outbox.c.kind == "mail")
    found |= {
        row.id for row in connection.execute(query) if str(row.payload.get("to", "")).strip().casefold() == contact
    }
    return tuple(sorted(found))


def _audit(connection: sa.Connection, contact: str) -> tuple[int, ...]:
    told = sa.or_(
        audit_log.c.search.contains(contact, autoescape=True), sa.func.lower(audit_log.c.details).contains(contact)
    )
    query = sa.select(audit_log.c.id, audit_log.c.search, audit_log.c.details).where(told).order_by(audit_log.c.id)
    return tuple(
        row.id
        for row in connection.execute(query)
        if contact in row.search.split("\n") or contact in row.details.casefold().replace(",", " ").split()
    )
