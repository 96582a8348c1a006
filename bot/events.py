"""The `EventStore` seam: what was asked and what became of it, kept with personal data already masked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from bot.database import acceptable, insert, reachable, refers_to_nothing
from bot.errors import QuestionUnknown
from bot.models import Outcome, OutcomeName, RecordedQuestion, SentTicket
from bot.reports import changes
from bot.tables import outcomes, questions, resolutions, tickets


class EventStore(Protocol):
    """Keeps raw events; reports and gaps are computed from them. Every method may raise StoreUnavailable.

    What is refused for what it holds, and not since nobody answers, is EntryRefused.
    """

    def record_question(self, question: RecordedQuestion) -> None: ...

    def record_questions(self, asked: Sequence[RecordedQuestion]) -> None:
        """All of them or, where it raises, none. One that is known already stays as it is."""
        ...

    def record_outcome(self, outcome: Outcome, at: datetime) -> bool:
        """Whether it is stored; False where it waits, safely, for being stored later. The same key is kept once.

        Raises QuestionUnknown where the question was never recorded.
        """
        ...

    def record_resolution(self, ticket_id: str, article_id: str, text: str, at: datetime) -> None: ...

    def withdraw_resolution(self, ticket_id: str) -> bool:
        """Forgets how a ticket was last solved, as if nobody had said it; False where nobody had."""
        ...

    def question(self, question_id: str) -> RecordedQuestion | None: ...

    def awaited(self, question_id: str) -> RecordedQuestion | None:
        """As `question`; one that another server has answered and not written yet is waited for, for a moment."""
        ...

    def questions(self, *, since: datetime | None = None, until: datetime | None = None) -> Sequence[RecordedQuestion]:
        """In order of time; `since` is included, `until` is not."""
        ...

    def asked_in(self, sessions: Collection[str], *, since: datetime, limit: int) -> Sequence[RecordedQuestion]:
        """The last `limit` questions of some sessions, in order of time; `since` is included."""
        ...

    def resolved_with(self, ticket_id: str) -> str:
        """The article an agent last solved a ticket with; "" where there is none."""
        ...

    def resolved_in_words(self, ticket_id: str) -> str:
        """How an agent last said that a ticket was solved; "" where nobody did."""
        ...

    def outcomes(self, question_ids: Sequence[str]) -> dict[str, list[tuple[datetime, Outcome]]]:
        """The outcomes of each question that has any, in order of time."""
        ...

    def sent_tickets(self) -> Sequence[SentTicket]:
        """All tickets, in order of time."""
        ...

    def close(self) -> None:
        """Stores what is not stored yet; called once, when nobody asks any more."""
        ...


class AroundEvents:
    """An `EventStore` around another one, which does everything: the base of those that do some of it otherwise."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def record_question(self, question: RecordedQuestion) -> None:
        self.record_questions([question])

    def record_questions(self, asked: Sequence[RecordedQuestion]) -> None:
        self._store.record_questions(asked)

    def record_outcome(self, outcome: Outcome, at: datetime) -> bool:
        return self._store.record_outcome(outcome, at)

    def record_resolution(self, ticket_id: str, article_id: str, text: str, at: datetime) -> None:
        self._store.record_resolution(ticket_id, article_id, text, at)

    def withdraw_resolution(self, ticket_id: str) -> bool:
        return self._store.withdraw_resolution(ticket_id)

    def question(self, question_id: str) -> RecordedQuestion | None:
        return self._store.question(question_id)

    def awaited(self, question_id: str) -> RecordedQuestion | None:
        return self._store.awaited(question_id)

    def questions(self, *, since: datetime | None = None, until: datetime | None = None) -> Sequence[RecordedQuestion]:
        return self._store.questions(since=since, until=until)

    def asked_in(self, sessions: Collection[str], *, since: datetime, limit: int) -> Sequence[RecordedQuestion]:
        return self._store.asked_in(sessions, since=since, limit=limit)

    def resolved_with(self, ticket_id: str) -> str:
        return self._store.resolved_with(ticket_id)

    def resolved_in_words(self, ticket_id: str) -> str:
        return self._store.resolved_in_words(ticket_id)

    def outcomes(self, question_ids: Sequence[str]) -> dict[str, list[tuple[datetime, Outcome]]]:
        return self._store.outcomes(question_ids)

    def sent_tickets(self) -> Sequence[SentTicket]:
        return self._store.sent_tickets()

    def close(self) -> None:
        self._store.close()


class MemoryEventStore:
    """A fake for tests and for trying things out: lists. `sent` gives the tickets, as `MemoryInbox.sent` does."""

    def __init__(self, sent: Callable[[], Iterable[SentTicket]] = tuple) -> None:
        self._sent = sent
        self._questions: dict[str, RecordedQuestion] = {}
        self._outcomes: list[tuple[datetime, Outcome]] = []
        self.resolutions: list[tuple[str, str, str, datetime]] = []

    def record_question(self, question: RecordedQuestion) -> None:
        self.record_questions([question])

    def record_questions(self, asked: Sequence[RecordedQuestion]) -> None:
        for question in asked:
            self._questions.setdefault(question.id, question)

    def record_outcome(self, outcome: Outcome, at: datetime) -> bool:
        if outcome.question_id not in self._questions:
            raise _unknown(outcome.question_id)
        if not outcome.key or all(known.key != outcome.key for _, known in self._outcomes):
            self._outcomes.append((at, outcome))
        return True

    def record_resolution(self, ticket_id: str, article_id: str, text: str, at: datetime) -> None:
        self.resolutions.append((ticket_id, article_id, text, at))

    def withdraw_resolution(self, ticket_id: str) -> bool:
        last = next((row for row in reversed(self.resolutions) if row[0] == ticket_id), None)
        if last:
            self.resolutions.remove(last)
        return last is not None

    def question(self, question_id: str) -> RecordedQuestion | None:
        return self._questions.get(question_id)

    def awaited(self, question_id: str) -> RecordedQuestion | None:
        return self.question(question_id)

    def questions(self, *, since: datetime | None = None, until: datetime | None = None) -> Sequence[RecordedQuestion]:
        found = [q for q in self._questions.values() if (not since or q.at >= since) and (not until or q.at < until)]
        return sorted(found, key=lambda q: (q.at, q.id))

    def asked_in(self, sessions: Collection[str], *, since: datetime, limit: int) -> Sequence[RecordedQuestion]:
        return [question for question in self.questions(since=since) if question.session in sessions][-limit:]

    def resolved_with(self, ticket_id: str) -> str:
        return next((article for ticket, article, _, _ in reversed(self.resolutions) if ticket == ticket_id), "")

    def resolved_in_words(self, ticket_id: str) -> str:
        return next((text for ticket, _, text, _ in reversed(self.resolutions) if ticket == ticket_id), "")

    def outcomes(self, question_ids: Sequence[str]) -> dict[str, list[tuple[datetime, Outcome]]]:
        wanted = set(question_ids)
        found: dict[str, list[tuple[datetime, Outcome]]] = {}
        for at, outcome in sorted(self._outcomes, key=lambda row: row[0]):
            if outcome.question_id in wanted:
                found.setdefault(outcome.question_id, []).append((at, outcome))
        return found

    def sent_tickets(self) -> Sequence[SentTicket]:
        return sorted(self._sent(), key=lambda ticket: ticket.at)

    def close(self) -> None:
        """Nothing waits."""


class SqlEventStore:
    """Events in a SQL database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def record_question(self, question: RecordedQuestion) -> None:
        self.record_questions([question])

    def record_questions(self, asked: Sequence[RecordedQuestion]) -> None:
        if not asked:
            return
        lists = [{"shown": list(question.shown), "further": list(question.further)} for question in asked]
        rows = [asdict(question) | more for question, more in zip(asked, lists, strict=True)]
        with acceptable("The question could not be recorded"), self._engine.begin() as connection:
            connection.execute(insert(connection, questions).on_conflict_do_nothing(index_elements=["id"]), rows)
            changes.asked(connection, *(question.at for question in asked))

    def record_outcome(self, outcome: Outcome, at: datetime) -> bool:
        row = {**asdict(outcome), "at": at, "key": outcome.key or None}
        del row["voice"]  # only what is learned of it is kept with a voice
        with acceptable("The outcome could not be recorded"):
            try:
                with self._engine.begin() as connection:
                    new = insert(connection, outcomes).values(row)
                    connection.execute(new.on_conflict_do_nothing(index_elements=["key"]))
                    changes.told(connection, outcome.question_id)
            except sa.exc.IntegrityError as error:
                if not refers_to_nothing(error):
                    raise
                raise _unknown(outcome.question_id) from error
        return True

    def record_resolution(self, ticket_id: str, article_id: str, text: str, at: datetime) -> None:
        row = {"ticket_id": ticket_id, "article_id": article_id, "text": text, "at": at}
        with reachable("The resolution could not be recorded"), self._engine.begin() as connection:
            connection.execute(resolutions.insert().values(row))

    def withdraw_resolution(self, ticket_id: str) -> bool:
        last = sa.select(sa.func.max(resolutions.c.id)).where(resolutions.c.ticket_id == ticket_id)
        with reachable("The resolution could not be withdrawn"), self._engine.begin() as connection:
            gone = resolutions.delete().where(resolutions.c.id == last.scalar_subquery())
            return connection.execute(gone).rowcount > 0

    def question(self, question_id: str) -> RecordedQuestion | None:
        with reachable("The question could not be read"), self._engine.connect() as connection:
            row = connection.execute(questions.select().where(questions.c.id == question_id)).first()
        return recorded(row) if row else None

    def awaited(self, question_id: str) -> RecordedQuestion | None:
        return self.question(question_id)

    def questions(self, *, since: datetime | None = None, until: datetime | None = None) -> Sequence[RecordedQuestion]:
        query = questions.select().order_by(questions.c.at, questions.c.id)
        if since:
            query = query.where(questions.c.at >= since)
        if until:
            query = query.where(questions.c.at < until)
        with reachable("The questions could not be read"), self._engine.connect() as connection:
            return [recorded(row) for row in connection.execute(query)]

    def asked_in(self, sessions: Collection[str], *, since: datetime, limit: int) -> Sequence[RecordedQuestion]:
        query = questions.select().where(questions.c.session.in_(list(sessions)), questions.c.at >= since)
        query = query.order_by(questions.c.at.desc(), questions.c.id.desc()).limit(limit)
        with reachable("The questions could not be read"), self._engine.connect() as connection:
            return [recorded(row) for row in connection.execute(query)][::-1]

    def resolved_with(self, ticket_id: str) -> str:
        return self._last_resolution(ticket_id, resolutions.c.article_id)

    def resolved_in_words(self, ticket_id: str) -> str:
        return self._last_resolution(ticket_id, resolutions.c.text)

    def _last_resolution(self, ticket_id: str, column: sa.Column[str]) -> str:
        query = sa.select(column).where(resolutions.c.ticket_id == ticket_id)
        with reachable("The resolution could not be read"), self._engine.connect() as connection:
            return connection.execute(query.order_by(resolutions.c.id.desc()).limit(1)).scalar_one_or_none() or ""

    def outcomes(self, question_ids: Sequence[str]) -> dict[str, list[tuple[datetime, Outcome]]]:
        found: dict[str, list[tuple[datetime, Outcome]]] = {}
        with reachable("The outcomes could not be read"), self._engine.connect() as connection:
            for start in range(0, len(question_ids), 500):  # SQLite takes a limited number of values
                part = list(question_ids[start : start + 500])
                query = outcomes.select().where(outcomes.c.question_id.in_(part)).order_by(outcomes.c.at, outcomes.c.id)
                for row in connection.execute(query):
                    value = Outcome(row.question_id, row.outcome, row.article_id, row.reason)
                    found.setdefault(row.question_id, []).append((row.at, value))
        return found

    def sent_tickets(self) -> Sequence[SentTicket]:
        query = sa.select(tickets.c.at, tickets.c.session, tickets.c.question_id).order_by(tickets.c.at)
        with reachable("The tickets could not be read"), self._engine.connect() as connection:
            return [SentTicket(row.at, row.session, row.question_id) for row in connection.execute(query)]

    def close(self) -> None:
        """Nothing waits: the engine is closed by who opened it."""


def last_word(outcomes: Iterable[tuple[datetime, Outcome]]) -> OutcomeName | None:
    """What the person said last of a reply, "solved" or "not_solved"; None where nothing: an opening says neither."""
    said = [outcome.outcome for _, outcome in outcomes if outcome.outcome != "opened"]
    return said[-1] if said else None


def _unknown(question_id: str) -> QuestionUnknown:
    return QuestionUnknown(f"No question with the id {question_id!r} was asked.")


def recorded(row: Any) -> RecordedQuestion:
    """A row of the table as the question it keeps."""
    values = dict(row._mapping)
    return RecordedQuestion(**{**values, "shown": tuple(values["shown"]), "further": tuple(values["further"])})
