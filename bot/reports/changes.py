"""Notes which days have to be counted again, in the transaction of what changes them: so no change is ever missed."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.tables import questions, report_log

#: Times that are no further apart lie on the days of the first and the last.
_ONE_GROUP = timedelta(hours=1)
#: A ticket that comes later is none of a question's any more.
RETURNS_WITHIN = timedelta(days=7)


def asked(connection: sa.Connection, *at: datetime) -> None:
    """Something was asked at these times; also to be called where what was kept of a time is erased."""
    first, last = min(at), max(at)
    days = {first, last} if last - first <= _ONE_GROUP else set(at)
    connection.execute(report_log.insert(), [{"at": when} for when in sorted(days)])


def told(connection: sa.Connection, question_id: str) -> None:
    """Somebody said what became of a question: it counts for the hour in which it was asked."""
    when = sa.select(questions.c.at).where(questions.c.id == question_id)
    connection.execute(report_log.insert().from_select(["at"], when))


def ticketed(connection: sa.Connection, session: str, question_id: str, at: datetime) -> None:
    """A ticket was sent at `at`: it changes what the questions before it came to."""
    asked(connection, at)
    mine = questions.c.id == question_id
    if session:
        mine = sa.or_(mine, questions.c.session == session)
    # What is asked by another server this moment is not seen here: its day is that of the ticket, which was noted.
    recent = sa.and_(mine, questions.c.at <= at, questions.c.at > at - RETURNS_WITHIN)
    # A program may ask everything in one session: the first and last of ten hours lie on all days they touch.
    ten_hours = sa.func.substr(sa.cast(questions.c.at, sa.Text), 1, len("2026-11-22 1"))
    ends = [sa.select(bound(questions.c.at)).where(recent).group_by(ten_hours) for bound in (sa.func.min, sa.func.max)]
    connection.execute(report_log.insert().from_select(["at"], sa.union(*ends)))
