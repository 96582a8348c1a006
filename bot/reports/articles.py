"""What each article does for readers: how often it was found, shown and opened, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.database import reachable
from bot.reports.days import Days
from bot.tables import article_feedback, article_flags, article_reads, report_articles

_COUNTED = ("found", "shown", "opened", "solved", "rejected", "ticketed")


@dataclass(frozen=True, slots=True)
class ArticleCounts:
    """Of one article in a period. The first six count questions, once each; docs/reports.md defines all of them."""

    found: int = 0
    shown: int = 0
    opened: int = 0
    solved: int = 0
    rejected: int = 0
    ticketed: int = 0
    reads: int = 0
    helpful: int = 0
    unhelpful: int = 0
    flags: int = 0


NUMBERS = tuple(field.name for field in fields(ArticleCounts))
NOTHING = ArticleCounts()


@dataclass(frozen=True, slots=True)
class ArticleDay:
    """What questions did with one article on one day of the desk's clock."""

    day: date
    found: int
    shown: int
    opened: int
    solved: int
    rejected: int
    ticketed: int


class ArticleReports:
    """Reads what a `Rollup` counted, and reads, votes and flags as they are kept. May raise StoreUnavailable."""

    def __init__(self, engine: sa.Engine, days: Days) -> None:
        self._engine, self._days = engine, days

    def counts(self, first: date | None, last: date, article_id: str = "") -> Mapping[str, ArticleCounts]:
        """By article id, from a day to a day, both included; articles that nothing happened to are not in it."""
        begins = self._days.starts(first) if first else None
        ends = self._days.starts(last + timedelta(days=1))
        found: dict[str, dict[str, int]] = {}
        with reachable("The reports could not be read"), self._engine.connect() as connection:
            for query in self._queries(first, last, begins, ends):
                narrowed = query.where(query.selected_columns.article_id == article_id) if article_id else query
                for row in connection.execute(narrowed):
                    numbers = {name: int(number) for name, number in row._mapping.items() if name != "article_id"}
                    found.setdefault(row.article_id, {}).update(numbers)
        return {article: ArticleCounts(**numbers) for article, numbers in found.items()}

    @staticmethod
    def _queries(first: date | None, last: date, begins: datetime | None, ends: datetime) -> list[sa.Select[Any]]:
        def within(column: sa.ColumnElement[Any], start: Any, end: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
            return sa.and_(end, column >= start) if start else end

        counted, reads, votes, flags = report_articles.c, article_reads.c, article_feedback.c, article_flags.c
        sums = [sa.func.sum(counted[name]).label(name) for name in _COUNTED]
        helped = sa.func.sum(sa.case((votes.helpful, 1), else_=0))
        return [
            sa.select(counted.article_id, *sums)
            .where(within(counted.day, first, counted.day <= last))
            .group_by(counted.article_id),
            sa.select(reads.article_id, sa.func.sum(reads.reads).label("reads"))
            .where(within(reads.day, first, reads.day <= last))
            .group_by(reads.article_id),
            sa.select(votes.article_id, helped.label("helpful"), (sa.func.count() - helped).label("unhelpful"))
            .where(within(votes.at, begins, votes.at < ends))
            .group_by(votes.article_id),
            sa.select(flags.article_id, sa.func.count().label("flags"))
            .where(within(flags.at, begins, flags.at < ends))
            .group_by(flags.article_id),
        ]

    def by_day(self, article_id: str, first: date | None, last: date) -> list[ArticleDay]:
        """Every day from `first`, or from the first one it was found on, to `last`."""
        of = report_articles.c
        query = sa.select(of.day, *(of[name] for name in _COUNTED)).where(of.article_id == article_id, of.day <= last)
        query = query.where(of.day >= first) if first else query
        with reachable("The reports could not be read"), self._engine.connect() as connection:
            rows = [ArticleDay(*row) for row in connection.execute(query.order_by(of.day))]
        known = {row.day: row for row in rows}
        start = first or (rows[0].day if rows else last)
        days = (start + timedelta(days=n) for n in range((last - start).days + 1))
        return [known.get(day, ArticleDay(day, 0, 0, 0, 0, 0, 0)) for day in days]
