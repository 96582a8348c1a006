"""Questions and tickets over time: which stretches are whole, which are not, and which nothing is known of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from babel.dates import format_date, get_day_names

from bot.reports.articles import ArticleDay
from bot.reports.days import start_of
from bot.reports.desk import Unit, Volume
from web.pages.report_tables import ARTICLE_COLUMNS, Chart, Table, columns_of, named_columns
from web.report_charts import Mark
from web.spreadsheet import Cell
from web.words import N_, Words

#: Of a stretch of time: "part" is cut off where the report or the desk begins, "open" is not over, "unknown" lies
#: before the first question or ticket.
Standing = Literal["whole", "part", "open", "unknown"]

UNIT_NAMES: dict[Unit, str] = {
    "day": N_("By day"),
    "week": N_("By week"),
    "month": N_("By month"),
    "weekday": N_("By weekday"),
    "hour": N_("By hour of the day"),
}
_STANDING_NAMES: dict[Standing, str] = {
    "whole": "",
    "part": N_("Only in part"),
    "open": N_("Not over yet"),
    "unknown": N_("Nothing known"),
}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """What a report is about, on the desk's clock: from a day up to now. `begun` is the first day that is known of."""

    first: date
    today: date
    begun: date | None

    @property
    def known_from(self) -> date:
        return max(self.first, self.begun) if self.begun else self.today + _DAY

    def standing(self, by: Unit, key: date) -> Standing:
        """How much of the day, week or month that begins so is in the report."""
        last = _last(by, key)
        if last < self.known_from:
            return "unknown"
        if last >= self.today:
            return "open"
        return "part" if key < self.known_from else "whole"

    def weekdays(self) -> list[int]:
        """How many Mondays, Tuesdays and so on are known of, today included."""
        known = (self.today - self.known_from).days + 1
        days = [(self.known_from + n * _DAY).weekday() for n in range(known)]
        return [days.count(weekday) for weekday in range(7)]


def volume(said: Words, by: Unit, found: Sequence[Volume], span: Span) -> Table:
    """A row a stretch, charts of questions and of tickets, and what has to be said of them."""
    if by == "weekday":
        return _weekdays(said, found, span)
    standings: list[Standing] = [span.standing(by, row.key) if isinstance(row.key, date) else "whole" for row in found]
    noted = by != "hour"
    when = "month" if by == "month" else "words"
    names = [(N_("When"), when), (N_("Questions"), "number"), (N_("No article found"), "number"),
             (N_("Tickets"), "number"), *([(N_("Remark"), "words")] if noted else [])]  # fmt: skip
    rows = []
    for row, standing in zip(found, standings, strict=True):
        numbers: tuple[Cell, ...] = (row.questions, row.unanswered, row.tickets)
        numbers = (None, None, None) if standing == "unknown" else numbers
        told = said.gettext(_STANDING_NAMES[standing]) if standing != "whole" else ""
        rows.append((_when(said, by, row.key), *numbers, *([told] if noted else [])))
    keys = [(row.key, standing) for row, standing in zip(found, standings, strict=True)]
    charts = tuple(
        chart(said, title, by, keys, [getattr(row, name) for row in found])
        for name, title in (("questions", N_("Questions")), ("tickets", N_("Tickets")))
    )
    return Table(named_columns(said, names), tuple(rows), charts, notes=_notes(said, by, standings))


def article_days(said: Words, found: Sequence[ArticleDay], span: Span) -> Table:
    """A row a day, with a chart of each number that is not 0 throughout."""
    counted = [name for name in ARTICLE_COLUMNS if name in ArticleDay.__dataclass_fields__]
    names = ((N_("When"), "words"), *((ARTICLE_COLUMNS[name], "number") for name in counted), (N_("Remark"), "words"))
    standings = [span.standing("day", row.day) for row in found]
    rows = tuple(
        (row.day, *(None if standing == "unknown" else getattr(row, name) for name in counted),
         said.gettext(_STANDING_NAMES[standing]) if standing != "whole" else "")
        for row, standing in zip(found, standings, strict=True)
    )  # fmt: skip
    days = [(row.day, standing) for row, standing in zip(found, standings, strict=True)]
    charts = tuple(
        chart(said, ARTICLE_COLUMNS[name], "day", days, [getattr(row, name) for row in found])
        for name in ("shown", "solved", "rejected", "ticketed")
        if any(getattr(row, name) for row in found)
    )
    return Table(named_columns(said, names), rows, charts, notes=_notes(said, "day", standings) if charts else ())


def weeks(said: Words, title: str, found: Sequence[tuple[date, int]]) -> Table:
    """What a spike was held against: a row a day, all up to the same time of day."""
    keys: list[tuple[int | date | str, Standing]] = [(day, "whole") for day, _ in found]
    names = ((N_("Day"), "words"), (title, "number"))
    drawn = chart(said, title, "day", keys, [number for _, number in found])
    return Table(named_columns(said, names), tuple(found), (drawn,))


def chart(
    said: Words, title: str, by: Unit, keys: Sequence[tuple[int | date | str, Standing]], values: Sequence[int]
) -> Chart:
    """A column a stretch of time."""
    marks = [
        Mark(
            value,
            said.number(value),
            _named(said, by, key, standing),
            _shortly(said, by, key),
            part=standing in ("part", "open"),
            known=standing != "unknown",
        )
        for (key, standing), value in zip(keys, values, strict=True)
    ]
    return columns_of(said, title, marks)


def _weekdays(said: Words, found: Sequence[Volume], span: Span) -> Table:
    """Sums in the table, in the charts what one such day comes to: a month has five of some and four of others."""
    days = span.weekdays()
    names = ((N_("When"), "words"), (N_("Days"), "number"), (N_("Questions"), "number"),
             (N_("No article found"), "number"), (N_("Tickets"), "number"))  # fmt: skip
    rows, charts = [], []
    for row in found:
        rows.append((_when(said, "weekday", row.key), days[int(str(row.key))], row.questions, row.unanswered,
                     row.tickets))  # fmt: skip
    for name, title in (("questions", N_("Questions a day")), ("tickets", N_("Tickets a day"))):
        marks = []
        for row, number in zip(found, days, strict=True):
            mean = round(getattr(row, name) / number, 1) if number else 0.0
            today = row.key == span.today.weekday()
            marks.append(Mark(mean, said.number(mean), _named(said, "weekday", row.key, "open" if today else "whole"),
                              _shortly(said, "weekday", row.key), part=today, known=number > 0))  # fmt: skip
        charts.append(columns_of(said, title, marks))
    notes = (
        said.gettext("A column is the mean of all such days. Today is one of them and is not over."),
        *([said.gettext("Grey: nothing is known of that time.")] if 0 in days else []),
    )
    return Table(named_columns(said, names), tuple(rows), tuple(charts), notes=notes)


def _notes(said: Words, by: Unit, standings: Sequence[Standing]) -> tuple[str, ...]:
    found = []
    if by == "hour":
        found.append(said.gettext("Today counts up to now."))
    if "open" in standings or "part" in standings:
        found.append(said.gettext("A pale column with a dashed edge is not whole: it is not over, or begins earlier."))
    if "unknown" in standings:
        found.append(said.gettext("Grey: nothing is known of that time."))
    return tuple(found)


def _last(by: Unit, key: date) -> date:
    """The last day of the day, week or month that begins so."""
    if by == "week":
        return key + 6 * _DAY
    return start_of(key + 31 * _DAY, "month") - _DAY if by == "month" else key


def _when(said: Words, by: Unit, key: int | date | str) -> Cell:
    """The first cell of a row: a day as such, so that a file has it as ISO 8601."""
    return key if isinstance(key, date) else in_words(said, by, key)


def _named(said: Words, by: Unit, key: int | date | str, standing: Standing) -> str:
    when = in_words(said, by, key)
    return when if standing == "whole" else _noted(said, when, standing)


def not_over(said: Words, when: str) -> str:
    """What a stretch of time is called that is not over."""
    return _noted(said, when, "open")


def _noted(said: Words, when: str, standing: Standing) -> str:
    return said.gettext("%(name)s (%(note)s)", name=when, note=said.gettext(_STANDING_NAMES[standing]))


def in_words(said: Words, by: Unit, key: int | date | str) -> str:
    """What a stretch of time is called."""
    if isinstance(key, date):
        if by == "month":
            return format_date(key, "LLLL y", said.locale)
        if by == "week":
            return said.gettext("Week from %(day)s", day=format_date(key, "medium", said.locale))
        return format_date(key, "medium", said.locale)
    if by == "weekday":
        return str(get_day_names("wide", "stand-alone", said.locale)[int(key)])
    return f"{key:02}:00–{key:02}:59"


def _shortly(said: Words, by: Unit, key: int | date | str) -> str:
    if isinstance(key, date):
        return format_date(key, "LLL" if by == "month" else "d MMM", said.locale)
    return str(get_day_names("abbreviated", "stand-alone", said.locale)[int(key)] if by == "weekday" else key)
