"""The `LearningStore` seam: questions that articles have answered, kept with personal data already masked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from bot.database import parts, reachable
from bot.errors import LearnedUnknown
from bot.learned import TRUST, Counts, Learned, Lesson, Source, Status, Trace, nearest, take
from bot.tables import learned, learned_revision, learned_traces
from kb.learned import LearnedQuestion

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Listing:
    """Some learned questions, and how many there are."""

    total: int
    rows: tuple[Learned, ...]


class LearningStore(Protocol):
    """Keeps what was learned. Every method may raise StoreUnavailable; nothing was changed then."""

    def learn(self, lessons: Sequence[Lesson]) -> Counts:
        """Takes the lessons of agents and imports: all of them or, where that fails, none."""
        ...

    def retract(self, ticket_id: str) -> None:
        """Takes back what agents said of a ticket; what nobody else says is forgotten, as if it had never been said.

        One that an author removed stays removed.
        """
        ...

    def hear(self, lesson: Lesson) -> None:
        """Takes the word of an end user on the near-same question that is known for the article, else as a new one."""
        ...

    def find(
        self,
        *,
        article: str = "",
        source: Source | None = None,
        status: Status | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> Listing:
        """Those that fit, the newest first."""
        ...

    def get(self, learned_id: str) -> Learned:
        """Raises LearnedUnknown."""
        ...

    def remove(self, learned_id: str) -> Learned:
        """Raises LearnedUnknown."""
        ...

    def restore(self, learned_id: str) -> Learned:
        """Raises LearnedUnknown."""
        ...

    def accept(self, learned_id: str) -> Learned:
        """Raises LearnedUnknown, or LearnedRemoved."""
        ...

    def revision(self) -> int:
        """A number that grows with every change of `active`."""
        ...

    def active(self) -> tuple[LearnedQuestion, ...]:
        """All that count, in order of their ids. Whether their articles still exist is not looked at."""
        ...


class MemoryLearningStore:
    """A fake for tests and for trying things out: a dictionary."""

    def __init__(self) -> None:
        self._rows: dict[str, Learned] = {}
        self._revision = 0
        self._lock = threading.Lock()

    def learn(self, lessons: Sequence[Lesson]) -> Counts:
        with self._lock:
            rows = dict(self._rows)
            counts = take(map(Learned.of, lessons), rows)
            self._keep(rows)
            return counts

    def retract(self, ticket_id: str) -> None:
        with self._lock:
            rows = {row.id: row.without(ticket_id) for row in self._rows.values()}
            self._keep({row.id: row for row in rows.values() if row.traces})

    def hear(self, lesson: Lesson) -> None:
        with self._lock:
            said = Learned.of(lesson)
            wordings = {row.id: row.wording for row in self._rows.values() if row.article == lesson.article}
            known = self._rows.get(nearest(said, wordings))
            if known or lesson.trace.solved:
                row = known.with_trace(lesson.trace) if known else said
                self._keep({**self._rows, row.id: row})

    def find(
        self,
        *,
        article: str = "",
        source: Source | None = None,
        status: Status | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> Listing:
        found = [
            row
            for row in sorted(self._rows.values(), key=lambda row: (-row.at.timestamp(), row.id))
            if article in ("", row.article) and source in (None, row.source) and status in (None, row.status)
        ]
        return Listing(len(found), tuple(found[offset : offset + limit]))

    def get(self, learned_id: str) -> Learned:
        if learned_id not in self._rows:
            raise _unknown(learned_id)
        return self._rows[learned_id]

    def remove(self, learned_id: str) -> Learned:
        return self._replace(replace(self.get(learned_id), removed=True))

    def restore(self, learned_id: str) -> Learned:
        return self._replace(replace(self.get(learned_id), removed=False))

    def accept(self, learned_id: str) -> Learned:
        return self._replace(self.get(learned_id).with_acceptance())

    def revision(self) -> int:
        return self._revision

    def active(self) -> tuple[LearnedQuestion, ...]:
        return tuple(question for _, row in sorted(self._rows.items()) if (question := row.question))

    def _replace(self, row: Learned) -> Learned:
        with self._lock:
            self._keep({**self._rows, row.id: row})
        return row

    def _keep(self, rows: dict[str, Learned]) -> None:
        before, self._rows = self.active(), rows
        self._revision += self.active() != before


class SqlLearningStore:
    """What was learned, in a SQL database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def learn(self, lessons: Sequence[Lesson]) -> Counts:
        said = [Learned.of(lesson) for lesson in lessons]

        def work(connection: sa.Connection) -> tuple[Counts, bool]:
            rows = _load(connection, [row.id for row in said])
            before = dict(rows)
            counts = take(said, rows)
            return counts, _save(connection, before, rows)

        return self._write(work)

    def retract(self, ticket_id: str) -> None:
        told = sa.and_(learned_traces.c.source == "agent", learned_traces.c.origin == ticket_id)

        def work(connection: sa.Connection) -> tuple[None, bool]:
            ids = connection.execute(sa.select(learned_traces.c.learned_id).where(told).distinct()).scalars().all()
            before = _load(connection, ids)
            after = {row.id: row.without(ticket_id) for row in before.values()}
            forgotten = [row.id for row in after.values() if not row.traces]
            connection.execute(learned.delete().where(learned.c.id.in_(forgotten)))
            changed = _save(connection, before, {row.id: row for row in after.values() if row.traces})
            return None, changed or any(before[learned_id].question for learned_id in forgotten)

        self._write(work)

    def hear(self, lesson: Lesson) -> None:
        said = Learned.of(lesson)
        of_article = sa.select(learned.c.id, learned.c.wording).where(learned.c.article_id == lesson.article)

        def work(connection: sa.Connection) -> tuple[None, bool]:
            wordings = {row.id: row.wording for row in connection.execute(of_article.order_by(learned.c.id))}
            before = _load(connection, [nearest(said, wordings)])
            rows = {row.id: row.with_trace(lesson.trace) for row in before.values()}
            if not rows and lesson.trace.solved:
                rows = {said.id: said}
            return None, _save(connection, before, rows)

        self._write(work)

    def find(
        self,
        *,
        article: str = "",
        source: Source | None = None,
        status: Status | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> Listing:
        wanted = [
            column == value
            for column, value in (
                (learned.c.article_id, article),
                (learned.c.source, source),
                (learned.c.status, status),
            )
            if value
        ]
        page = sa.select(learned.c.id).where(*wanted).order_by(learned.c.at.desc(), learned.c.id)
        with reachable("What was learned could not be read"), self._engine.connect() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(learned).where(*wanted)).scalar_one()
            ids = list(connection.execute(page.limit(limit).offset(offset)).scalars())
            rows = _load(connection, ids)
        return Listing(total, tuple(rows[learned_id] for learned_id in ids))

    def get(self, learned_id: str) -> Learned:
        with reachable("What was learned could not be read"), self._engine.connect() as connection:
            return _one(connection, learned_id)

    def remove(self, learned_id: str) -> Learned:
        return self._change(learned_id, lambda row: replace(row, removed=True))

    def restore(self, learned_id: str) -> Learned:
        return self._change(learned_id, lambda row: replace(row, removed=False))

    def accept(self, learned_id: str) -> Learned:
        return self._change(learned_id, Learned.with_acceptance)

    def revision(self) -> int:
        with reachable("What was learned could not be read"), self._engine.connect() as connection:
            number: int = connection.execute(sa.select(learned_revision.c.number)).scalar_one()
        return number

    def active(self) -> tuple[LearnedQuestion, ...]:
        columns = (learned.c.id, learned.c.article_id, learned.c.text, learned.c.body, learned.c.source)
        query = sa.select(*columns).where(learned.c.status == "active").order_by(learned.c.id)
        with reachable("What was learned could not be read"), self._engine.connect() as connection:
            return tuple(
                LearnedQuestion(row.id, row.article_id, row.text, row.body, TRUST[row.source])
                for row in connection.execute(query)
            )

    def _change(self, learned_id: str, change: Callable[[Learned], Learned]) -> Learned:
        def work(connection: sa.Connection) -> tuple[Learned, bool]:
            before = _one(connection, learned_id)
            row = change(before)
            return row, _save(connection, {learned_id: before}, {learned_id: row})

        return self._write(work)

    def _write(self, work: Callable[[sa.Connection], tuple[Made, bool]]) -> Made:
        """Runs `work` in one transaction; it returns its result, and whether what counts has changed."""
        with reachable("What was learned could not be stored"), self._engine.begin() as connection:
            # Writing before reading takes the lock, so that nobody else changes what `work` reads.
            connection.execute(learned_revision.update().values(number=learned_revision.c.number))
            made, changed = work(connection)
            if changed:
                connection.execute(learned_revision.update().values(number=learned_revision.c.number + 1))
        return made


def _one(connection: sa.Connection, learned_id: str) -> Learned:
    found = _load(connection, [learned_id])
    if not found:
        raise _unknown(learned_id)
    return found[learned_id]


def _load(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Learned]:
    """Those of `ids` that there are, by id."""
    rows: list[sa.Row[Any]] = []
    traces: dict[str, list[Trace]] = {}
    for part in parts(ids):
        rows += connection.execute(learned.select().where(learned.c.id.in_(part)))
        said = learned_traces.select().where(learned_traces.c.learned_id.in_(part)).order_by(learned_traces.c.id)
        for row in connection.execute(said):
            trace = Trace(row.source, row.origin, row.at, row.file, row.session, row.solved)
            traces.setdefault(row.learned_id, []).append(trace)
    return {
        row.id: Learned(
            id=row.id,
            article=row.article_id,
            text=row.text,
            body=row.body,
            lang=row.lang,
            at=row.at,
            traces=tuple(traces[row.id]),
            accepted=row.accepted,
            removed=row.status == "removed",
        )
        for row in rows
    }


def _save(connection: sa.Connection, before: dict[str, Learned], rows: dict[str, Learned]) -> bool:
    """Writes what differs; returns whether what counts does."""
    changed = [row for learned_id, row in rows.items() if row != before.get(learned_id)]
    fresh = [_values(row) for row in changed if row.id not in before]
    moved = [_values(row) for row in changed if row.id in before]
    if fresh:
        connection.execute(learned.insert(), fresh)
    for values in moved:
        connection.execute(learned.update().where(learned.c.id == values["id"]).values(values))
    gone, said = [], []
    for row in changed:
        old = before[row.id].traces if row.id in before else ()
        gone += [_trace_values(row.id, trace) for trace in old if trace not in row.traces]
        said += [_trace_values(row.id, trace) for trace in row.traces if trace not in old]
    for values in gone:
        connection.execute(learned_traces.delete().where(*(learned_traces.c[k] == v for k, v in values.items())))
    if said:
        connection.execute(learned_traces.insert(), said)
    return any(row.question != (before[row.id].question if row.id in before else None) for row in changed)


def _values(row: Learned) -> dict[str, Any]:
    return {
        "id": row.id,
        "article_id": row.article,
        "text": row.text,
        "body": row.body,
        "lang": row.lang,
        "at": row.at,
        "wording": row.wording,
        "accepted": row.accepted,
        "source": row.source,
        "status": row.status,
    }


def _trace_values(learned_id: str, trace: Trace) -> dict[str, Any]:
    return {
        "learned_id": learned_id,
        "source": trace.source,
        "origin": trace.origin,
        "at": trace.at,
        "file": trace.file,
        "session": trace.session,
        "solved": trace.solved,
    }


def _unknown(learned_id: str) -> LearnedUnknown:
    return LearnedUnknown(f"There is no learned question with the id {learned_id!r}.")
