"""Counts the days that changed, so that a report reads a few thousand rows and not a million.

A day is counted as a whole, from the events themselves: counting it twice is counting it once. Several servers may
count; of two that count one day at once, only the one that saw all of its changes keeps what it counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.database import insert, parts, reachable
from bot.models import Outcome, SentTicket
from bot.reports.changes import RETURNS_WITHIN
from bot.reports.counting import AGENTS, VERSION, Asked, Counts, Following, Sent
from bot.reports.days import Days
from bot.tables import (
    outcomes,
    questions,
    report_articles,
    report_hours,
    report_log,
    report_state,
    report_subjects,
    report_tickets,
    retention,
    tickets,
)

#: Rows that are read at once: no statement of a day with 300,000 questions took half a second on two busy cores.
_PART = 20_000
_BY_DAY = (report_articles, report_subjects, report_tickets)


class _Overtaken(Exception):  # noqa: N818
    """Another server counted the day meanwhile."""


class Rollup:
    """Keeps the counts of `bot.tables.reports` true. `clock` gives seconds."""

    def __init__(self, engine: sa.Engine, days: Days, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine, self.days, self._clock = engine, days, clock

    def refresh(self, seconds: float) -> int:
        """Counts days that changed, the newest first, and begins none after so many seconds; how many it counted.

        Raises StoreUnavailable.
        """
        until, counted = self._clock() + seconds, 0
        with reachable("The reports could not be counted"):
            self._begin()
            while (at := self._next()) is not None:
                with suppress(_Overtaken):  # what is left of the day is seen in the next round
                    self._count(self.days.of(at))
                counted += 1
                if self._clock() >= until:
                    break
        return counted

    def waiting(self) -> int:
        """How many days have changed and are not counted yet. Raises StoreUnavailable."""
        with reachable("The reports could not be read"), self._engine.connect() as connection:
            found = connection.execute(sa.select(report_log.c.at).distinct()).scalars()
            return len({self.days.of(at) for at in found})

    def _begin(self) -> None:
        """Has everything counted again where the zone or the definitions are others, or nothing ever was."""
        wanted = {"zone": self.days.zone.key, "version": VERSION}
        known = sa.select(report_state.c.zone, report_state.c.version)
        with self._engine.connect() as connection:
            row = connection.execute(known).first()
        if row is not None and dict(row._mapping) == wanted:
            return
        differs = sa.or_(report_state.c.zone != wanted["zone"], report_state.c.version != wanted["version"])
        with self._engine.begin() as connection:
            new = insert(connection, report_state).values(id=1, **wanted)
            # The row is locked from here on; who comes second finds nothing that differs.
            new = new.on_conflict_do_update(index_elements=["id"], set_=wanted, where=differs)
            if not connection.execute(new.returning(report_state.c.id)).first():
                return
            whole_from = _whole_from(connection)
            first = self.days.of(whole_from) if whole_from else date.min
            connection.execute(report_log.delete())
            hours = [report_hours.c.at >= whole_from] if whole_from else []
            connection.execute(report_hours.delete().where(*hours))
            for table in _BY_DAY:
                connection.execute(table.delete().where(table.c.day >= first))
            noted = [{"at": self.days.starts(day)} for day in self._all_days(connection) if day >= first]
            if noted:
                connection.execute(report_log.insert(), noted)

    def _all_days(self, connection: sa.Connection) -> Iterator[date]:
        ends = [sa.select(bound(table.c.at)) for bound in (sa.func.min, sa.func.max) for table in (questions, tickets)]
        found = [at for query in ends if (at := connection.execute(query).scalar_one())]
        if found:
            first, last = self.days.of(min(found)), self.days.of(max(found))
            yield from (first + timedelta(days=n) for n in range((last - first).days + 1))

    def _next(self) -> datetime | None:
        with self._engine.connect() as connection:
            newest = sa.select(report_log.c.at).order_by(report_log.c.at.desc()).limit(1)
            return connection.execute(newest).scalar_one_or_none()

    def _count(self, day: date) -> None:
        start, end = self.days.span(day)
        noted = sa.select(report_log.c.id).where(report_log.c.at >= start, report_log.c.at < end)
        with self._engine.connect() as connection:
            # Read first: a change that is noted later is counted again, even if it is in what is read now.
            seen = connection.execute(noted).scalars().all()
            whole_from = _whole_from(connection)
            if not seen:  # nothing would tell that what is counted here is older than what another server kept
                raise _Overtaken
            gone_by_age = whole_from is not None and start < whole_from
            counts = Counts() if gone_by_age else count(connection, self.days, start, end)
        with self._engine.begin() as connection:
            for part in parts(seen):
                gone = connection.execute(report_log.delete().where(report_log.c.id.in_(part))).rowcount
                if gone != len(part):
                    raise _Overtaken
            if gone_by_age:  # what was counted before parts of the day were removed is all that is known of it
                return
            connection.execute(report_hours.delete().where(report_hours.c.at >= start, report_hours.c.at < end))
            for table in _BY_DAY:
                connection.execute(table.delete().where(table.c.day == day))
            for table, rows in _rows(counts):
                if rows:
                    connection.execute(table.insert(), rows)


def _whole_from(connection: sa.Connection) -> datetime | None:
    """From when on no question and no ticket was removed for its age."""
    return connection.execute(sa.select(retention.c.whole_from)).scalar()


def count(
    connection: sa.Connection, days: Days, start: datetime, end: datetime, lang: str = "", channel: str = ""
) -> Counts:
    """What the events from `start` to before `end` come to, of one language and channel where these are given."""
    of = questions.c
    asked = sa.and_(of.at >= start, of.at < end, *_only(questions, lang, channel))
    said: dict[str, list[tuple[datetime, int, Outcome]]] = {}
    words = (
        sa.select(of.at, outcomes.c.id, outcomes.c.at.label("told"), outcomes.c.question_id, outcomes.c.outcome)
        .add_columns(outcomes.c.article_id)
        .join(questions, of.id == outcomes.c.question_id)
        .where(asked)
    )
    for row in _read(connection, words, of.at, outcomes.c.id):
        told = Outcome(row.question_id, row.outcome, row.article_id)
        said.setdefault(row.question_id, []).append((row.told, row.id, told))
    wanted = sa.select(of.id, of.at, of.lang, of.channel, of.session, of.decision, of.shown, of.further).where(asked)
    found = [
        Asked(
            id=row.id,
            at=row.at,
            lang=row.lang,
            channel=row.channel,
            session=row.session,
            decision=row.decision,
            shown=tuple(row.shown),
            further=tuple(row.further),
            outcomes=tuple(told for *_, told in sorted(said.get(row.id, ()), key=lambda one: one[:2])),
        )
        for row in _read(connection, wanted, of.at, of.id)
    ]
    later = sa.select(tickets.c.id, tickets.c.at, tickets.c.session, tickets.c.question_id)
    later = later.where(tickets.c.at >= start, tickets.c.at < end + RETURNS_WITHIN)
    following = Following(
        SentTicket(row.at, row.session, row.question_id) for row in _read(connection, later, tickets.c.at, tickets.c.id)
    )
    return Counts.of(days, found, following, _sent(connection, start, end, lang, channel))


def _read(
    connection: sa.Connection, query: sa.Select[Any], at: sa.Column[datetime], key: sa.Column[Any]
) -> Iterator[sa.Row[Any]]:
    """All rows of a query in order of `at` and `key`, which have to be its columns `at` and `id`.

    A part at a time: a statement is waited for so long and no longer (`bot.patience`), a day may be of any size.
    """
    last = None
    while True:
        part = query.order_by(at, key).limit(_PART)
        if last is not None:
            part = part.where(at >= last.at, sa.or_(at > last.at, key > last.id))
        rows = connection.execute(part).all()
        yield from rows
        if len(rows) < _PART:
            return
        last = rows[-1]


def _sent(connection: sa.Connection, start: datetime, end: datetime, lang: str, channel: str) -> list[Sent]:
    # A ticket after an agent's question is its requester's: no agent sends one for themselves.
    of = sa.func.coalesce(sa.func.nullif(questions.c.channel, AGENTS), "")
    query = (
        sa.select(tickets.c.id, tickets.c.at, tickets.c.lang, of.label("channel"))
        .add_columns(tickets.c.topic, tickets.c.department)
        .join(questions, questions.c.id == tickets.c.question_id, isouter=True)
        .where(tickets.c.at >= start, tickets.c.at < end)
    )
    if lang:
        query = query.where(tickets.c.lang == lang)
    if channel:
        query = query.where(of == channel)
    rows = _read(connection, query, tickets.c.at, tickets.c.id)
    return [Sent(row.at, row.lang, row.channel, row.topic, row.department) for row in rows]


def _only(table: sa.Table, lang: str, channel: str) -> list[sa.ColumnElement[bool]]:
    return [column == value for column, value in ((table.c.lang, lang), (table.c.channel, channel)) if value]


def _rows(counts: Counts) -> Iterator[tuple[sa.Table, list[dict[str, Any]]]]:
    hours = ("at", "lang", "channel")
    yield report_hours, [_full(report_hours, hours, key, found) for key, found in counts.hours.items()]
    yield (
        report_articles,
        [_full(report_articles, ("article_id", "day"), key, found) for key, found in counts.articles.items()],
    )
    subject = ("day", "article_id", "lang", "channel")
    yield (
        report_subjects,
        [_full(report_subjects, subject, key, {"questions": n}) for key, n in counts.subjects.items()],
    )
    said = ("day", "topic", "department", "lang", "channel")
    yield report_tickets, [_full(report_tickets, said, key, {"tickets": n}) for key, n in counts.tickets.items()]


def _full(table: sa.Table, names: tuple[str, ...], key: tuple[Any, ...], found: Any) -> dict[str, Any]:
    numbers = [column.name for column in table.columns if column.name not in names]
    return {**dict(zip(names, key, strict=True)), **{name: found.get(name, 0) for name in numbers}}
