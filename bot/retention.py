"""Removes what is older than the settings say: little by little, so that nobody waits for a lock, and by one server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.database import insert, reachable
from bot.gaps.failures import QUESTION, TICKET
from bot.gaps.forget import forget
from bot.inbox import WAITS
from bot.reports.days import Days
from bot.tables import (
    api_tokens,
    article_feedback,
    article_flags,
    audit_log,
    outbox,
    people_links,
    people_sessions,
    questions,
    report_log,
    retention,
    ticket_attachments,
    tickets,
)

#: How many rows one transaction removes.
_BATCH = 200
#: How long a server removes things before it looks at something else, in seconds, and when it looks again.
_SLICE_S = 0.5
_AGAIN = timedelta(hours=1)
#: Whoever has not come back after so long was killed.
_LEASE = timedelta(minutes=5)
#: What of a time removes whole days from the reports' reach.
_COUNTED = ("questions", "tickets")


@dataclass(frozen=True, slots=True)
class Keep:
    """For how many days each kind is kept; 0 keeps it for ever."""

    questions: int = 0
    tickets: int = 0
    feedback: int = 0
    outbox: int = 0
    sessions: int = 0
    audit: int = 0


@dataclass(frozen=True, slots=True)
class _Rule:
    """Rows of one table that are too old. `also` is done with the keys of a batch before its rows are removed."""

    kind: str
    key: sa.Column[Any]
    old: sa.ColumnElement[bool]
    also: Callable[[sa.Connection, Sequence[Any]], object] | None = None

    @property
    def table(self) -> sa.Table:
        return self.key.table


class Retention:
    """`days` is the desk's clock: questions and tickets are removed by whole days of it. `clock` gives seconds."""

    def __init__(
        self,
        engine: sa.Engine,
        keep: Keep,
        days: Days,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine, self._keep, self._days, self._now, self._clock = engine, keep, days, now, clock
        self._not_before = datetime.min.replace(tzinfo=UTC)

    def refresh(self) -> None:
        """To be called every few seconds: does a little, if no other server does. Raises StoreUnavailable."""
        now = self._now()
        if now < self._not_before or not self._claim(now):
            return
        _, done = self.sweep(_SLICE_S)
        self._not_before = now + _AGAIN if done else now
        with reachable("What is old could not be removed"), self._engine.begin() as connection:
            connection.execute(retention.update().values(next_at=self._not_before))

    def due(self) -> dict[str, int]:
        """How many rows of each table are too old. Raises StoreUnavailable."""
        with reachable("What is old could not be counted"), self._engine.connect() as connection:
            return {
                rule.table.name: connection.execute(
                    sa.select(sa.func.count()).select_from(rule.table).where(rule.old)
                ).scalar_one()
                for rule in self._rules(self._now())
            }

    def sweep(self, seconds: float | None = None) -> tuple[dict[str, int], bool]:
        """How many rows of each table were removed, and whether nothing is left; begins no batch after `seconds`.

        Days that have to be counted for the reports are counted first: until then their questions and tickets stay.
        Raises StoreUnavailable.
        """
        until = None if seconds is None else self._clock() + seconds
        removed, now = dict[str, int](), self._now()
        with reachable("What is old could not be removed"):
            counted = self._close_days(now)
            for rule in self._rules(now):
                if rule.kind in _COUNTED and not counted:
                    continue
                while number := self._remove(rule):
                    removed[rule.table.name] = removed.get(rule.table.name, 0) + number
                    if until is not None and self._clock() >= until:
                        return removed, False
        return removed, counted

    def _claim(self, now: datetime) -> bool:
        with reachable("What is old could not be removed"), self._engine.begin() as connection:
            first = insert(connection, retention).values(id=1, next_at=now)
            connection.execute(first.on_conflict_do_nothing(index_elements=["id"]))
            mine = retention.update().where(retention.c.next_at <= now).values(next_at=now + _LEASE)
            return connection.execute(mine).rowcount == 1

    def _cutoff(self, days: int, now: datetime) -> datetime:
        return self._days.starts(self._days.of(now - timedelta(days=days)))

    def _close_days(self, now: datetime) -> bool:
        """Says that days before a moment are not counted again. False while some of them still have to be."""
        kept = [days for days in (self._keep.questions, self._keep.tickets) if days]
        if not kept:
            return True
        whole_from = max(self._cutoff(days, now) for days in kept)
        with self._engine.begin() as connection:
            later = sa.or_(retention.c.whole_from.is_(None), retention.c.whole_from < whole_from)
            waits = sa.exists().where(report_log.c.at < whole_from)
            connection.execute(retention.update().where(later, ~waits).values(whole_from=whole_from))
            known = connection.execute(sa.select(retention.c.whole_from)).scalar()
        return known is not None and known >= whole_from

    def _remove(self, rule: _Rule) -> int:
        with self._engine.begin() as connection:
            keys = connection.execute(sa.select(rule.key).where(rule.old).limit(_BATCH)).scalars().all()
            if not keys:
                return 0
            if rule.also:
                rule.also(connection, keys)
            # Said again, because a row may have changed since it was read: a ticket that was opened again stays.
            return connection.execute(rule.table.delete().where(rule.key.in_(keys), rule.old)).rowcount

    def _rules(self, now: datetime) -> Iterator[_Rule]:
        keep = self._keep
        yield _Rule(
            "files",
            ticket_attachments.c.id,
            sa.and_(ticket_attachments.c.ticket_id.is_(None), ticket_attachments.c.at < now - WAITS),
        )
        if keep.tickets:
            done = sa.and_(tickets.c.state == "solved", tickets.c.changed < self._cutoff(keep.tickets, now))
            yield _Rule("tickets", tickets.c.id, done, _forget_tickets)
        if keep.questions:
            yield _Rule("questions", questions.c.id, questions.c.at < self._cutoff(keep.questions, now), _forget)
        if keep.feedback:
            before = now - timedelta(days=keep.feedback)
            # A word on an article is named by article and session; that of one session is as old as its last one.
            yield _Rule("feedback", article_feedback.c.session, article_feedback.c.at < before)
            yield _Rule("feedback", article_flags.c.id, article_flags.c.closed_at < before)
        if keep.outbox:
            # That a ticket was handed on, and what it is called there, has to be known as long as the ticket.
            sent = sa.and_(outbox.c.state.in_(("delivered", "discarded")), outbox.c.kind != "ticket")
            yield _Rule("outbox", outbox.c.id, sa.and_(sent, outbox.c.done_at < now - timedelta(days=keep.outbox)))
        if keep.sessions:
            before = now - timedelta(days=keep.sessions)
            yield _Rule("sessions", people_sessions.c.digest, people_sessions.c.seen < before)
            yield _Rule("sessions", people_links.c.digest, people_links.c.expires < before)
            ended = sa.func.coalesce(api_tokens.c.revoked, api_tokens.c.expires)
            yield _Rule("sessions", api_tokens.c.id, ended < before)
        if keep.audit:
            yield _Rule("audit", audit_log.c.id, audit_log.c.at < now - timedelta(days=keep.audit))


def _forget(connection: sa.Connection, ids: Sequence[str]) -> None:
    forget(connection, [f"{QUESTION}{question_id}" for question_id in ids])


def _forget_tickets(connection: sa.Connection, ids: Sequence[str]) -> None:
    numbers = connection.execute(sa.select(tickets.c.number).where(tickets.c.id.in_(ids))).scalars().all()
    forget(connection, [f"{TICKET}{ticket_id}" for ticket_id in ids], numbers)
