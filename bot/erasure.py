"""Removes all that is stored about one person, in one transaction: killed in the middle, nothing has happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.audit import AuditEntry, keep_entry
from bot.database import parts, reachable
from bot.gaps.forget import forget
from bot.learned import Learned, Lesson, Trace
from bot.patience import unlimited
from bot.people_store import last_admin
from bot.reports import changes
from bot.tables import (
    article_feedback,
    article_flags,
    audit_log,
    form_sessions,
    gap_history,
    gaps,
    learned,
    learned_revision,
    learned_traces,
    metadata,
    outbox,
    people,
    publications,
    questions,
    report_spikes,
    ticket_attachments,
    ticket_history,
    ticket_messages,
    tickets,
)
from bot.trail import Trail, rows_in

#: What stands in the place of a name or an address that was erased.
ERASED = "[erased]"


class Eraser:
    """Erases people from a database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def trail(self, contact: str) -> tuple[Trail, dict[str, int]]:
        """What there is, and how many rows of each kind. Raises StoreUnavailable."""
        with reachable("What is stored about the person could not be read"), self._engine.connect() as connection:
            trail = Trail.of(connection, contact)
            return trail, trail.counts(connection)

    def elsewhere(self, trail: Trail) -> list[str]:
        """Where tickets of theirs were handed on to: the other desk's numbers, which have to be erased there."""
        with reachable("The outbox could not be read"), self._engine.connect() as connection:
            rows = rows_in(connection, outbox, outbox.c.id, trail.letters)
        return [row.url or f"{row.sink} {row.reference}" for row in rows if row.kind == "ticket" and row.reference]

    def erase(self, contact: str, at: datetime, actor: str = "") -> dict[str, int]:
        """How many rows of each kind were removed or emptied; none where nothing is stored about them.

        The days of their questions and tickets are counted again. Raises LastAdmin where nobody else could administer,
        or StoreUnavailable; nothing has changed then.
        """
        with reachable("The person could not be erased"), self._engine.begin() as connection:
            # Both locks that others take before they write words of people; in the order that everybody takes them.
            connection.execute(learned_revision.update().values(number=learned_revision.c.number + 1))
            forget(connection, ())
            trail = Trail.of(connection, contact)
            counts = trail.counts(connection)
            if not trail:
                return {}
            self._erase(connection, trail)
            told = ", ".join(f"{name}: {number}" for name, number in counts.items())
            keep_entry(connection, AuditEntry(at, "person_erased", actor, "", told))
        return counts

    def _erase(self, connection: sa.Connection, trail: Trail) -> None:
        for row in (*trail.tickets, *trail.questions):
            changes.asked(connection, row.at)
        _unlearn(connection, trail)
        forget(connection, trail.gap_keys, [row.number for row in trail.tickets])
        _delete(connection, article_feedback.c.session, trail.sessions)
        _delete(connection, form_sessions.c.session, trail.sessions)
        _remove_files(connection, trail)
        for part in parts(trail.ticket_ids):
            connection.execute(article_flags.update().where(article_flags.c.ticket_id.in_(part)).values(ticket_id=""))
        _delete(connection, outbox.c.id, trail.letters)
        _delete(connection, questions.c.id, trail.question_ids)  # with what was said of them
        _delete(connection, tickets.c.id, trail.ticket_ids)  # with messages, history, files and resolutions
        if trail.person:
            _remove_person(connection, trail.person)
        _blank_audit(connection, trail)


def compact(engine: sa.Engine) -> bool:
    """Writes the database anew, so that the bytes of what was removed are gone from its files too.

    SQLite takes 20 seconds for a gigabyte on two busy cores, in which nobody else can write. False where a reader kept
    its log from being emptied: then to be called again. Raises StoreUnavailable.
    """
    with unlimited(), reachable("The database could not be compacted"), engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        if connection.dialect.name != "sqlite":
            # PostgreSQL gives freed pages back to itself; a plain VACUUM locks nobody out.
            for table in metadata.sorted_tables:
                connection.execute(sa.text(f'VACUUM "{table.name}"'))
            return True
        connection.exec_driver_sql("VACUUM")
        busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        return not busy


def _delete(connection: sa.Connection, column: sa.Column[Any], values: Sequence[Any]) -> None:
    for part in parts(values):
        connection.execute(column.table.delete().where(column.in_(part)))


def _unlearn(connection: sa.Connection, trail: Trail) -> None:
    """Removes what was learned in their words. Where others said the same, it is kept in the words of one of them."""
    mine = set(trail.traces)
    touched = sorted({row.learned_id for row in rows_in(connection, learned_traces, learned_traces.c.id, trail.traces)})
    for row in rows_in(connection, learned, learned.c.id, touched):
        query = learned_traces.select().where(learned_traces.c.learned_id == row.id).order_by(learned_traces.c.id)
        traces = connection.execute(query).all()
        left = [trace for trace in traces if trace.id not in mine]
        # Who said it first gave it its words; whoever said nearly the same later was counted with them.
        words = (
            row if traces[0].id not in mine else next(filter(None, (_said(connection, row, one) for one in left)), None)
        )
        _delete(connection, learned_traces.c.id, [trace.id for trace in traces if trace.id in mine])
        if words is None or not left:
            _delete(connection, learned.c.id, [row.id])
            continue
        said = tuple(Trace(one.source, one.origin, one.at, one.file, one.session, one.solved) for one in left)
        removed = row.status == "removed"
        kept = Learned(
            words.id, row.article_id, words.text, words.body, words.lang, row.at, said, row.accepted, removed
        )
        values = {name: getattr(kept, name) for name in ("id", "text", "body", "lang", "wording", "source", "status")}
        if kept.id != row.id and rows_in(connection, learned, learned.c.id, [kept.id]):
            _delete(connection, learned.c.id, [row.id])  # what the other one said is known by itself
            continue
        connection.execute(
            learned.insert().values({**row._mapping, **values})
            if kept.id != row.id
            else learned.update().where(learned.c.id == row.id).values(values)
        )
        if kept.id != row.id:
            moved = learned_traces.update().where(learned_traces.c.learned_id == row.id)
            connection.execute(moved.values(learned_id=kept.id))
            _delete(connection, learned.c.id, [row.id])


def _said(connection: sa.Connection, row: Any, trace: Any) -> Learned | None:
    """What another one said, in their own words; None where these are not kept."""
    source = questions if trace.source == "end_user" else tickets
    words = connection.execute(source.select().where(source.c.id == trace.origin)).first()
    if words is None:
        return None
    first = words.text if trace.source == "end_user" else words.subject
    told = Trace(trace.source, trace.origin, trace.at, trace.file, trace.session, trace.solved)
    return Learned.of(Lesson(row.article_id, first, words.body, words.lang, told))


def _remove_files(connection: sa.Connection, trail: Trail) -> None:
    """Also copies of their files that wait under the key of a ticket that was not sent."""
    sent = rows_in(connection, ticket_attachments, ticket_attachments.c.ticket_id, trail.ticket_ids)
    keys = [row.idempotency_key for row in trail.tickets]
    for column, values in (
        (ticket_attachments.c.digest, sorted({row.digest for row in sent})),
        (ticket_attachments.c.draft_key, keys),
    ):
        for part in parts(values):
            waiting = sa.and_(column.in_(part), ticket_attachments.c.ticket_id.is_(None))
            connection.execute(ticket_attachments.delete().where(waiting))


def _remove_person(connection: sa.Connection, person: Any) -> None:
    """Their account with sessions, links and tokens; their name beside what they did, which itself stays."""
    admins = sa.select(people.c.id).where(people.c.roles.contains(",admin,"), people.c.active)
    if connection.execute(admins.with_for_update()).scalars().all() == [person.id]:
        raise last_admin()
    connection.execute(
        tickets.update().where(tickets.c.assignee_id == person.id).values(assignee_id="", assignee_name="")
    )
    for column, who in (
        (ticket_history.c.who_name, ticket_history.c.who_id),
        (article_flags.c.who_name, article_flags.c.who),
    ):
        connection.execute(column.table.update().where(who == person.id).values({column: ERASED}))
    namesakes = sa.select(people.c.id).where(people.c.name == person.name, people.c.id != person.id)
    if not connection.execute(namesakes).first():  # a name that two have says nothing of either
        _blank_names(connection, person.name)
    connection.execute(people.delete().where(people.c.id == person.id))


def _blank_names(connection: sa.Connection, name: str) -> None:
    named = (
        article_flags.c.closed_by, gaps.c.who, gap_history.c.who, publications.c.who, report_spikes.c.seen_by,
        ticket_messages.c.name,
    )  # fmt: skip
    for column in named:
        connection.execute(column.table.update().where(column == name).values({column: ERASED}))
    # Nobody writes the article any more, so that somebody else begins.
    connection.execute(gaps.update().where(gaps.c.writer == name).values(writer=""))
    for column in (ticket_history.c.old, ticket_history.c.new):
        assigned = sa.and_(ticket_history.c.what == "assignee", column == name)
        connection.execute(ticket_history.update().where(assigned).values({column: ERASED}))
    for row in connection.execute(sa.select(gap_history.c.id, gap_history.c.before)).all():
        blanks = {"who": ERASED, "writer": ""}
        if blanked := {key: blank for key, blank in blanks.items() if row.before.get(key) == name}:
            values = {"before": {**row.before, **blanked}}
            connection.execute(gap_history.update().where(gap_history.c.id == row.id).values(values))


def _blank_audit(connection: sa.Connection, trail: Trail) -> None:
    """That something was done stays; to whom and by whom does not."""
    for row in rows_in(connection, audit_log, audit_log.c.id, trail.audit):
        actor, subject = (
            ERASED if value.strip().casefold() == trail.contact else value for value in (row.actor, row.subject)
        )
        details = " ".join(ERASED if trail.contact in word.casefold() else word for word in row.details.split(" "))
        values = {"actor": actor, "subject": subject, "details": details, "search": f"{actor}\n{subject}".casefold()}
        connection.execute(audit_log.update().where(audit_log.c.id == row.id).values(values))
