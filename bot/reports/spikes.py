"""Spikes: much more of something than usual, by one rule that fits into a sentence.

What came in since midnight is compared with the same weekday up to the same time in each of the last eight weeks. It
is a spike if it is at least 10, at least twice the median of these weeks, and at least five times the median's square
root above it: chance alone takes a count so far on fewer than one day in a thousand (docs/reports.md has the figures).
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any, Literal

import sqlalchemy as sa

from bot.database import insert, reachable
from bot.outbox import Letter, SqlOutbox
from bot.reports.counting import AGENTS
from bot.reports.days import Days
from bot.tables import questions, report_spikes, tickets

SpikeKind = Literal["questions", "tickets", "topic", "department"]
#: The sink of letters that tell of spikes, and what its receiver is told.
SINK, EVENT = "spikes", "spike.found"

WEEKS = 8
#: With fewer weeks nobody knows what is usual.
LEAST_WEEKS = 4
LEAST, TIMES, ROOTS = 10, 2, 5
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Spike:
    """More than usual on a day of the desk's clock: of questions, tickets, or those of one topic or department.

    `usual` is the median of so many weeks. `looked_at` is when `count` was true. `seen_by` is who said that it is seen
    to, at `seen_at`; "" and None while nobody did.
    """

    day: date
    kind: SpikeKind
    name: str
    count: int
    usual: float
    weeks: int
    found_at: datetime
    looked_at: datetime
    seen_by: str = ""
    seen_at: datetime | None = None

    @property
    def key(self) -> str:
        """What tells it from other spikes, at most 120 characters."""
        name = hashlib.sha256(self.name.encode()).hexdigest()[:16]
        return f"spike-{self.day.isoformat()}-{self.kind}-{name}"


def is_spike(count: int, usual: float) -> bool:
    return count >= LEAST and count >= TIMES * usual and count >= usual + ROOTS * math.sqrt(usual)


class Spikes:
    """Looks for spikes and remembers them. `outbox` is where they are told of; None where they are told to nobody.

    `address` gives the page of a spike, for who is told; "" where that is not known. `topic_of` gives the topic of an
    article id, None where there is no such article.
    """

    def __init__(
        self,
        engine: sa.Engine,
        days: Days,
        topic_of: Callable[[str], str | None],
        outbox: SqlOutbox | None = None,
        address: Callable[[Spike], str] = lambda _: "",
    ) -> None:
        self._engine, self._days, self._topic_of = engine, days, topic_of
        self._outbox, self._address = outbox, address

    def look(self, now: datetime) -> tuple[Spike, ...]:
        """The spikes of this moment that nobody knew of. Raises StoreUnavailable."""
        with reachable("Spikes could not be looked for"):
            with self._engine.connect() as connection:
                found = self._found(connection, now)
            fresh = tuple(spike for spike in found if self._keep(spike))
        if fresh and self._outbox:
            self._outbox.woken.set()
        return fresh

    def since(self, day: date) -> tuple[Spike, ...]:
        """Those of a day and later, the newest first. Raises StoreUnavailable."""
        of = report_spikes.c
        query = report_spikes.select().where(of.day >= day).order_by(of.found_at.desc(), of.kind, of.name)
        with reachable("The spikes could not be read"), self._engine.connect() as connection:
            return tuple(Spike(**row._mapping) for row in connection.execute(query))

    def get(self, day: date, kind: str, name: str) -> Spike | None:
        """None where there was none. Raises StoreUnavailable."""
        with reachable("The spikes could not be read"), self._engine.connect() as connection:
            row = connection.execute(report_spikes.select().where(*_one(day, kind, name))).first()
        return Spike(**row._mapping) if row else None

    def see(self, spike: Spike, who: str, at: datetime) -> bool:
        """Somebody (a name) has seen to it; False where somebody else said so first. Raises StoreUnavailable."""
        unseen = report_spikes.c.seen_at.is_(None)
        return self._mark(spike, unseen, {"seen_by": who, "seen_at": at})

    def unsee(self, spike: Spike) -> bool:
        """Nobody has seen to it after all; False where nobody said so. Raises StoreUnavailable."""
        return self._mark(spike, report_spikes.c.seen_at.is_not(None), {"seen_by": "", "seen_at": None})

    def weeks(self, spike: Spike) -> list[tuple[date, int]]:
        """What it was held against, the oldest first, and its own day: (day, how many up to the same time of day).

        Counted again from what is kept, so without what was erased since. Raises StoreUnavailable.
        """
        days = [spike.day - n * _WEEK for n in range(spike.weeks, 0, -1)]
        with reachable("The spikes could not be read"), self._engine.connect() as connection:
            before = [
                self._counts(connection, self._days.starts(day), self._days.same_time(spike.looked_at, day))
                for day in days
            ]
        numbers = [counted[spike.kind, spike.name] for counted in before]
        return [*zip(days, numbers, strict=True), (spike.day, spike.count)]

    def _mark(self, spike: Spike, if_so: sa.ColumnElement[bool], values: dict[str, Any]) -> bool:
        one = _one(spike.day, spike.kind, spike.name)
        with reachable("The spike could not be marked"), self._engine.begin() as connection:
            return connection.execute(report_spikes.update().where(*one, if_so).values(values)).rowcount > 0

    def _found(self, connection: sa.Connection, now: datetime) -> list[Spike]:
        today = self._days.of(now)
        begun = self._first_day(connection)
        earlier = [day for n in range(1, WEEKS + 1) if begun and (day := today - n * _WEEK) > begun]
        if len(earlier) < LEAST_WEEKS:
            return []
        counted = self._counts(connection, self._days.starts(today), now)
        if not any(count >= LEAST for count in counted.values()):
            return []
        before = [self._counts(connection, self._days.starts(day), self._days.same_time(now, day)) for day in earlier]
        rows = [
            (kind, name, count, float(median(of[kind, name] for of in before)))
            for (kind, name), count in counted.items()
        ]
        return [
            Spike(today, kind, name, count, usual, len(earlier), now, now)
            for kind, name, count, usual in rows
            if is_spike(count, usual)
        ]

    def _first_day(self, connection: sa.Connection) -> date | None:
        found = [connection.execute(sa.select(sa.func.min(table.c.at))).scalar_one() for table in (questions, tickets)]
        known = [at for at in found if at]
        return self._days.of(min(known)) if known else None

    def _counts(self, connection: sa.Connection, start: datetime, end: datetime) -> Counter[tuple[SpikeKind, str]]:
        """What came in from `start` to before `end`; agents' questions are none of it."""
        asked = sa.select(questions.c.shown).where(
            questions.c.at >= start, questions.c.at < end, questions.c.channel != AGENTS
        )
        sent = sa.select(tickets.c.department).where(tickets.c.at >= start, tickets.c.at < end)
        found: Counter[tuple[SpikeKind, str]] = Counter()
        for shown in connection.execute(asked).scalars():
            found["questions", ""] += 1
            if shown and (topic := self._topic_of(shown[0])):
                found["topic", topic] += 1
        for department in connection.execute(sent).scalars():
            found["tickets", ""] += 1
            if department:
                found["department", department] += 1
        return found

    def _keep(self, spike: Spike) -> bool:
        """Whether it is a new one; of servers that look at once one is told so, and its letter is written with it."""
        values = asdict(spike)
        with self._engine.begin() as connection:
            new = insert(connection, report_spikes).values(values)
            new = new.on_conflict_do_nothing(index_elements=["day", "kind", "name"])
            if not connection.execute(new.returning(report_spikes.c.day)).first():
                later = {"count": spike.count, "looked_at": spike.looked_at}
                connection.execute(report_spikes.update().where(*_one(spike.day, spike.kind, spike.name)).values(later))
                return False
            if self._outbox:
                payload = told(spike, self._address(spike))
                letter = Letter(SINK, "event", spike.key, spike.key, payload=payload)
                self._outbox.put(connection, [letter], spike.found_at)
            return True


def _one(day: date, kind: str, name: str) -> tuple[sa.ColumnElement[bool], ...]:
    of = report_spikes.c
    return of.day == day, of.kind == kind, of.name == name


def told(spike: Spike, address: str) -> dict[str, Any]:
    """What a receiver gets of it, as JSON has it; `address` is its page, "" where that is not known."""
    return {
        "event": EVENT,
        "day": spike.day.isoformat(),
        "kind": spike.kind,
        "name": spike.name,
        "count": spike.count,
        "usual": spike.usual,
        "weeks": spike.weeks,
        "found": spike.found_at.isoformat(),
        "url": address,
    }
