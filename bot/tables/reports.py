"""What reports are made of: counts of whole hours and days, and which days have to be counted again."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from bot.tables.schema import Utc, metadata

#: SQLite then keeps rows in the order of their key, and reads a year of them three times as fast (bench/reports.py).
_BY_KEY: dict[str, Any] = {"sqlite_with_rowid": False}


def _count(name: str, comment: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, comment=comment)


#: A row for everything that changes what was counted of a day, written in the transaction of the change. The count
#: that saw it removes it.
report_log = sa.Table(
    "report_log",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", Utc, nullable=False, index=True, comment="within the day that has to be counted again; UTC"),
    sqlite_autoincrement=True,
)

#: At most one row: what the counts below were made with. Where the settings or the code say otherwise, all is counted
#: again.
report_state = sa.Table(
    "report_state",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False, comment="always 1"),
    sa.Column("zone", sa.String(64), nullable=False, comment="whose hours and days"),
    sa.Column("version", sa.Integer, nullable=False, comment="of the definitions"),
)

report_hours = sa.Table(
    "report_hours",
    metadata,
    sa.Column("at", Utc, primary_key=True, comment="when the hour of the desk's clock began; UTC"),
    sa.Column("lang", sa.String(8), primary_key=True),
    sa.Column("channel", sa.String(16), primary_key=True),
    _count("questions"),
    _count("unanswered"),
    _count("tickets"),
    _count("shown", "questions that were shown an article, without those of agents"),
    _count("answered", "of these, those that were shown an answer"),
    _count("confirmed"),
    _count("confirmed_returned"),
    _count("assumed", "to be read once 24 hours have passed"),
    _count("assumed_returned"),
    **_BY_KEY,
)

report_articles = sa.Table(
    "report_articles",
    metadata,
    sa.Column("article_id", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True, comment="on the desk's clock"),
    _count("found"),
    _count("shown"),
    _count("opened"),
    _count("solved"),
    _count("rejected"),
    _count("ticketed"),
    **_BY_KEY,
)

#: Questions by the article they were shown first, which says what they are about.
report_subjects = sa.Table(
    "report_subjects",
    metadata,
    sa.Column("day", sa.Date, primary_key=True, comment="on the desk's clock"),
    sa.Column("article_id", sa.Text, primary_key=True, comment="empty where none was shown"),
    sa.Column("lang", sa.String(8), primary_key=True),
    sa.Column("channel", sa.String(16), primary_key=True),
    _count("questions"),
    **_BY_KEY,
)

report_tickets = sa.Table(
    "report_tickets",
    metadata,
    sa.Column("day", sa.Date, primary_key=True, comment="on the desk's clock"),
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("department", sa.Text, primary_key=True),
    sa.Column("lang", sa.String(8), primary_key=True),
    sa.Column("channel", sa.String(16), primary_key=True, comment="of the question it names, else empty"),
    _count("tickets"),
    **_BY_KEY,
)

report_spikes = sa.Table(
    "report_spikes",
    metadata,
    sa.Column("day", sa.Date, primary_key=True, comment="on the desk's clock"),
    sa.Column("kind", sa.String(16), primary_key=True, comment="questions, tickets, topic or department"),
    sa.Column("name", sa.Text, primary_key=True, comment="of the topic or department, else empty"),
    _count("count", "from midnight on, when it was last looked at"),
    sa.Column("usual", sa.Float, nullable=False, comment="the median of the same hours of earlier weeks"),
    _count("weeks", "how many"),
    sa.Column("found_at", Utc, nullable=False, comment="UTC"),
    sa.Column("looked_at", Utc, nullable=False, comment="UTC"),
    sa.Column("seen_by", sa.Text, nullable=False, server_default="", comment="who said that it is seen to, or empty"),
    sa.Column("seen_at", Utc, comment="when; UTC"),
)

#: Sessions that came to the ticket form while some of them were held out.
form_sessions = sa.Table(
    "form_sessions",
    metadata,
    sa.Column("session", sa.String(64), primary_key=True),
    sa.Column("at", Utc, nullable=False, index=True, comment="when it first came; UTC"),
    sa.Column("held_out", sa.Boolean, nullable=False, comment="saw no suggestions"),
)
