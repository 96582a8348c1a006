"""What the whole desk gets: how many questions and tickets when, and what about, and how many tickets were spared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, get_args

import sqlalchemy as sa

from bot.database import reachable
from bot.reports.counting import AGENTS, NO_TICKET_WITHIN
from bot.reports.days import Days, start_of
from bot.reports.deflection import Deflection
from bot.reports.rollup import count
from bot.tables import questions, report_hours, report_subjects, report_tickets, tickets

Unit = Literal["hour", "weekday", "day", "week", "month"]
Dimension = Literal["topic", "ticket_topic", "department", "language", "channel"]
UNITS: tuple[Unit, ...] = get_args(Unit)
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

_DAY = timedelta(days=1)
#: Two times a database keeps are at least that far apart.
_TICK = timedelta(microseconds=1)
_COLUMNS = (
    "questions", "unanswered", "tickets",
    "shown", "answered", "confirmed", "confirmed_returned", "assumed", "assumed_returned",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: from a day to a day of the desk's clock, both included, None for no end; in a language and from
    a channel, "" for all. What agents asked is only in where the channel is theirs.
    """

    first: date | None = None
    last: date | None = None
    lang: str = ""
    channel: str = ""

    def only(self, table: sa.Table) -> list[sa.ColumnElement[bool]]:
        """The conditions on language and channel."""
        channel = table.c.channel == self.channel if self.channel else table.c.channel != AGENTS
        return [channel, *([table.c.lang == self.lang] if self.lang else [])]

    def days(self, column: sa.ColumnElement[date]) -> list[sa.ColumnElement[bool]]:
        return [
            *([column >= self.first] if self.first else []),
            *([column <= self.last] if self.last else []),
        ]


@dataclass(frozen=True, slots=True)
class Volume:
    """Questions, those of them that no article answered, and tickets, of one stretch of time or of one kind.

    `key` is an hour (0 to 23), a weekday (Monday is 0), a day, the Monday of a week, the first of a month, or a name.
    """

    key: int | date | str
    questions: int
    unanswered: int
    tickets: int


class DeskReports:
    """Reads what a `Rollup` counted. Every method may raise StoreUnavailable."""

    def __init__(self, engine: sa.Engine, days: Days) -> None:
        self._engine, self._days = engine, days

    def deflection(
        self, now: datetime, since: datetime | None = None, until: datetime | None = None, wanted: Wanted | None = None
    ) -> Deflection:
        """The rates of what was asked from `since` to before `until`; of `wanted`, language and channel count."""
        wanted = wanted or Wanted()
        a_day_ago = now - NO_TICKET_WITHIN + _TICK
        early = min(until, a_day_ago) if until else a_day_ago
        with reachable("The reports could not be read"), self._engine.connect() as connection:
            return Deflection.of(
                self._total(connection, since, until, wanted), self._total(connection, since, early, wanted)
            )

    def begun(self) -> date | None:
        """The day of the first question or ticket that is known of; None before there is any."""
        columns = (report_hours.c.at, questions.c.at, tickets.c.at)
        with reachable("The reports could not be read"), self._engine.connect() as connection:
            found = [connection.execute(sa.select(sa.func.min(column))).scalar_one() for column in columns]
        return min((self._days.of(at) for at in found if at), default=None)

    def total(self, since: datetime, until: datetime, wanted: Wanted) -> Volume:
        """What came in from `since` to before `until`; of `wanted`, language and channel count. Its key is ""."""
        with reachable("The reports could not be read"), self._engine.connect() as connection:
            found = self._total(connection, since, until, wanted)
        return Volume("", found["questions"], found["unanswered"], found["tickets"])

    def _total(
        self, connection: sa.Connection, since: datetime | None, until: datetime | None, wanted: Wanted
    ) -> Counter[str]:
        """Whole hours are read, what is left at both ends is counted."""
        if since and until and since >= until:
            return Counter()
        where = wanted.only(report_hours)
        edges: list[tuple[datetime, datetime]] = []
        if since:
            where.append(report_hours.c.at >= since)
            if self._days.hour(since) < since:
                ends = self._days.hour_ends(since)
                edges.append((since, min(ends, until) if until else ends))
        if until:
            begins = self._days.hour(until)
            where.append(report_hours.c.at < begins)
            if begins < until and (since is None or begins >= since):
                edges.append((begins, until))
        sums = [sa.func.coalesce(sa.func.sum(report_hours.c[name]), 0).label(name) for name in _COLUMNS]
        found = Counter(dict(connection.execute(sa.select(*sums).where(*where)).one()._mapping))
        for start, end in edges:
            counts = count(connection, self._days, start, end, wanted.lang, wanted.channel)
            for (_, _, channel), numbers in counts.hours.items():
                if wanted.channel or channel != AGENTS:
                    found.update(numbers)
        return found

    def volume(self, by: Unit, wanted: Wanted, today: date) -> list[Volume]:
        """Every hour, weekday, day, week or month, those without events too; no end means up to `today`.

        A day that is in no row of the database is one on which nothing happened.
        """
        of = report_hours.c
        start = [of.at >= self._days.starts(wanted.first)] if wanted.first else []
        end = [of.at < self._days.starts(wanted.last + _DAY)] if wanted.last else []
        sums = [sa.func.sum(of[name]) for name in ("questions", "unanswered", "tickets")]
        query = sa.select(of.at, *sums).where(*wanted.only(report_hours), *start, *end).group_by(of.at).order_by(of.at)
        with reachable("The reports could not be read"), self._engine.connect() as connection:
            rows = [(self._days.local(at), tuple(numbers)) for at, *numbers in connection.execute(query)]
        first = wanted.first or (rows[0][0].date() if rows else today)
        found: dict[int | date | str, list[int]] = {key: [0, 0, 0] for key in _keys(by, first, wanted.last or today)}
        for at, numbers in rows:
            into = found.setdefault(_key(by, at), [0, 0, 0])
            for place, number in enumerate(numbers):
                into[place] += int(number)
        return [Volume(key, *numbers) for key, numbers in found.items()]

    def split(self, of: Dimension, wanted: Wanted, topic_of: Callable[[str], str | None]) -> list[Volume]:
        """Most first. `topic` is what the article is about that was shown first, as `topic_of` says of its id.

        Articles of which it says None are left out of the names: what they come to stands under "?". "" is what has no
        topic, department or language, and for topics what was shown no article.
        """
        with reachable("The reports could not be read"), self._engine.connect() as connection:
            if of == "topic":
                found = self._topics(connection, wanted, topic_of)
            elif of in ("department", "ticket_topic"):
                column = report_tickets.c.department if of == "department" else report_tickets.c.topic
                query = sa.select(column, sa.func.sum(report_tickets.c.tickets)).group_by(column)
                query = query.where(*wanted.only(report_tickets), *wanted.days(report_tickets.c.day))
                found = {name: [0, 0, int(tickets)] for name, tickets in connection.execute(query)}
            else:
                found = self._hours_by(connection, of, wanted)
        rows = [Volume(name, *numbers) for name, numbers in found.items()]
        return sorted(rows, key=lambda row: (-row.questions, -row.tickets, str(row.key)))

    def _topics(
        self, connection: sa.Connection, wanted: Wanted, topic_of: Callable[[str], str | None]
    ) -> dict[str, list[int]]:
        of = report_subjects.c
        query = sa.select(of.article_id, sa.func.sum(of.questions)).group_by(of.article_id)
        query = query.where(*wanted.only(report_subjects), *wanted.days(of.day))
        found: dict[str, list[int]] = {}
        for article, number in connection.execute(query):
            name = topic_of(article) if article else ""
            found.setdefault("?" if name is None else name, [0, 0, 0])[0] += int(number)
        return found

    def _hours_by(self, connection: sa.Connection, of: Dimension, wanted: Wanted) -> dict[str, list[int]]:
        columns = report_hours.c
        column = columns.lang if of == "language" else columns.channel
        start = [columns.at >= self._days.starts(wanted.first)] if wanted.first else []
        end = [columns.at < self._days.starts(wanted.last + _DAY)] if wanted.last else []
        # Asked for channels, nothing is mixed: agents' questions have a row of their own.
        only = [columns.lang == wanted.lang] if wanted.lang else []
        conditions = wanted.only(report_hours) if of == "language" or wanted.channel else only
        sums = [sa.func.sum(columns[name]) for name in ("questions", "unanswered", "tickets")]
        query = sa.select(column, *sums).where(*conditions, *start, *end).group_by(column)
        return {name: [int(number) for number in numbers] for name, *numbers in connection.execute(query)}


def _key(by: Unit, at: datetime) -> int | date:
    """What a time on the desk's clock counts under."""
    return start_of(at.date(), by) if by in ("day", "week", "month") else at.hour if by == "hour" else at.weekday()


def _keys(by: Unit, first: date, last: date) -> Sequence[int | date]:
    if by == "hour":
        return range(24)
    if by == "weekday":
        return range(7)
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return list(dict.fromkeys(start_of(day, by) for day in days))


def period(days: int, today: date) -> date | None:
    """The first of the last so many days, today included; None for all time (0)."""
    return today - timedelta(days=days - 1) if days else None
