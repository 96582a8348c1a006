"""The tables of the reports: what a page shows below a chart, and the same as a file for a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from babel.dates import format_date
from babel.numbers import get_decimal_symbol
from markupsafe import Markup

from bot.reports.deflection import Deflection
from bot.reports.desk import Dimension, Volume
from bot.reports.hold_out import Effect
from bot.reports.spikes import Spike, SpikeKind
from web.pages.catalogue import Topic
from web.pages.report_rows import ArticleRow
from web.report_charts import Mark, bars, columns, scale
from web.spreadsheet import Cell, as_csv
from web.words import N_, Words

#: How a column is written: words (and days), months, a number, or a share in percent.
Kind = Literal["words", "month", "number", "share"]

DIMENSION_NAMES: dict[Dimension, str] = {
    "topic": N_("By topic of the article"),
    "ticket_topic": N_("By topic of the ticket"),
    "department": N_("By department"),
    "language": N_("By language"),
    "channel": N_("By channel"),
}
CHANNEL_NAMES = {
    "web": N_("Search page"),
    "ticket_form": N_("Ticket form"),
    "widget": N_("Widget"),
    "api": N_("API"),
    "cli": N_("Command line"),
    "agent": N_("Agents"),
}
RATES = (
    ("confirmed", N_("Confirmed"), N_("said that it solved it, of all who were shown an article")),
    (
        "assumed",
        N_("Assumed"),
        N_("sent no ticket within 24 hours, of all who were shown an answer at least a day ago"),
    ),
    ("returned", N_("Returned"), N_("sent a ticket within 7 days after all, of the confirmed and assumed")),
)
SPIKE_NAMES: dict[SpikeKind, str] = {
    "questions": N_("All questions"),
    "tickets": N_("All tickets"),
    "topic": N_("Questions about a topic"),
    "department": N_("Tickets of a department"),
}
ARTICLE_COLUMNS = {
    "found": N_("Found"),
    "shown": N_("Shown"),
    "opened": N_("Opened"),
    "solved": N_("Solved it"),
    "rejected": N_("Did not help"),
    "ticketed": N_("Ticket anyway"),
    "reads": N_("Read"),
    "helpful": N_("Helpful"),
    "unhelpful": N_("Not helpful"),
    "flags": N_("Flags"),
}
#: A chart of more bars says less than its table.
_MOST_BARS = 12


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind = "words"


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    drawn: Markup


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain values, with what they are called and how they are written.

    `links` are where the first cells of the rows lead, "" for nowhere; `notes` stand below the charts.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    charts: tuple[Chart, ...] = ()
    links: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def csv(self, said: Words) -> bytes:
        """The table for a spreadsheet that is set to the reader's language; shares are 0 to 1."""
        return as_csv((column.name for column in self.columns), self.rows, get_decimal_symbol(said.locale))


def written(said: Words, kind: Kind, cell: Cell) -> str:
    """A cell as people of the reader's language write it."""
    if cell is None:
        return "–"
    if isinstance(cell, datetime):
        return said.moment(cell)
    if isinstance(cell, date):
        return format_date(cell, "LLLL y" if kind == "month" else "medium", said.locale)
    if isinstance(cell, str):
        return cell
    if kind == "share":
        return percent(said, cell)
    return said.number(cell)


def percent(said: Words, share: float) -> str:
    """A share with one decimal, since intervals are often narrower than a percent."""
    return f"{said.number(round(share * 100, 1)).replace('-', '−')}\u00a0%"


# --- the desk ------------------------------------------------------------------------------------------------------


def deflection(said: Words, counted: Deflection) -> Table:
    rows = []
    for key, name, meaning in RATES:
        rate = counted.rates[key]
        low, high = rate.interval or (None, None)
        rows.append((said.gettext(name), said.gettext(meaning), rate.share, low, high, rate.count, rate.of))
    names = ((N_("Rate"), "words"), (N_("What it counts"), "words"), (N_("Share"), "share"), (N_("At least"), "share"),
             (N_("At most"), "share"), (N_("Questions"), "number"), (N_("Out of"), "number"))  # fmt: skip
    return Table(named_columns(said, names), tuple(rows))


def split(
    said: Words,
    of: Dimension,
    found: Sequence[Volume],
    topics: dict[str, Topic],
    link: Callable[[str], str] = lambda _: "",
) -> Table:
    """`link` gives the address of what is behind a row's key."""
    first = {"topic": N_("Topic"), "ticket_topic": N_("Topic"), "department": N_("Department"),
             "language": N_("Language"), "channel": N_("Channel")}[of]  # fmt: skip
    shown: list[tuple[str, str]] = []
    if of in ("topic", "language", "channel"):
        shown.append(("questions", N_("Questions")))
    if of in ("language", "channel"):
        shown.append(("unanswered", N_("No article found")))
    if of != "topic":
        shown.append(("tickets", N_("Tickets")))
    called = [name_of(said, of, str(row.key), topics) for row in found]
    rows = tuple(
        (name, *(getattr(row, number) for number, _ in shown)) for name, row in zip(called, found, strict=True)
    )
    charts = []
    for number, title in shown:
        if number == "unanswered":
            continue
        pairs = [(name, int(getattr(row, number))) for name, row in zip(called, found, strict=True)]
        most = sorted((pair for pair in pairs if pair[1]), key=lambda pair: -pair[1])[:_MOST_BARS]
        if most:
            marks = [Mark(value, said.number(value), name) for name, value in most]
            called_so = said.gettext(title)
            told = said.gettext("%(title)s: most for “%(name)s”, %(most)s. The table below has all numbers.",
                                title=called_so, name=marks[0].name, most=marks[0].written)  # fmt: skip
            charts.append(Chart(called_so, bars(told, marks)))
    names = ((first, "words"), *((title, "number") for _, title in shown))
    return Table(named_columns(said, names), rows, tuple(charts), tuple(link(str(row.key)) for row in found))


def name_of(said: Words, of: Dimension, key: str, topics: dict[str, Topic]) -> str:
    """What a reader calls a row of a split."""
    if key == "?":
        return said.gettext("Articles that are gone or not for you")
    if not key:
        nothing = {"topic": N_("No article found"), "channel": N_("Nothing asked before")}
        not_said = N_("Not said")
        return said.gettext(nothing.get(of, not_said))
    if of == "topic":
        return topics[key].called(said) if key in topics else key
    if of == "language":
        return said.language(key)
    return said.gettext(CHANNEL_NAMES[key]) if of == "channel" and key in CHANNEL_NAMES else key


def spikes(said: Words, found: Sequence[Spike], topics: dict[str, Topic]) -> Table:
    names = ((N_("Day"), "words"), (N_("Kind"), "words"), (N_("Topic or department"), "words"), (N_("Count"), "number"),
             (N_("Usual"), "number"), (N_("Weeks"), "number"), (N_("Noticed"), "words"),
             (N_("Seen to by"), "words"), (N_("Seen to"), "words"))  # fmt: skip
    rows = [
        (spike.day, said.gettext(SPIKE_NAMES[spike.kind]), _spiking(said, spike, topics), spike.count, spike.usual,
         spike.weeks, spike.found_at, spike.seen_by, spike.seen_at)
        for spike in found
    ]  # fmt: skip
    return Table(named_columns(said, names), tuple(rows))


def spike_words(said: Words, spike: Spike, topics: dict[str, Topic]) -> str:
    """A spike in two sentences."""
    values = {
        "count": said.number(spike.count),
        "usual": said.number(spike.usual),
        "name": _spiking(said, spike, topics),
        "day": said.day(spike.day),
    }
    first = {
        "questions": N_("%(day)s: %(count)s questions."),
        "tickets": N_("%(day)s: %(count)s tickets."),
        "topic": N_("%(day)s: %(count)s questions about “%(name)s”."),
        "department": N_("%(day)s: %(count)s tickets of “%(name)s”."),
    }[spike.kind]
    second = said.ngettext(
        "Usual on this weekday up to that time: %(usual)s (the middle of %(num)s week).",
        "Usual on this weekday up to that time: %(usual)s (the middle of %(num)s weeks).",
        spike.weeks,
        usual=values["usual"],
    )
    return f"{said.gettext(first, **values)} {second}"


def _spiking(said: Words, spike: Spike, topics: dict[str, Topic]) -> str:
    return name_of(said, "topic", spike.name, topics) if spike.kind == "topic" else spike.name


def hold_out(said: Words, effect: Effect) -> Table:
    names = ((N_("Group"), "words"), (N_("Came to the form"), "number"), (N_("Sent a ticket"), "number"),
             (N_("Share"), "share"), (N_("At least"), "share"), (N_("At most"), "share"))  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for name, group in ((N_("Saw no suggestions"), effect.held_out), (N_("Saw suggestions"), effect.others)):
        low, high = group.interval or (None, None)
        rows.append((said.gettext(name), group.sessions, group.sent, group.share, low, high))
    low, high = effect.interval or (None, None)
    rows.append((said.gettext("Difference"), None, None, effect.difference, low, high))
    return Table(named_columns(said, names), tuple(rows))


# --- articles ------------------------------------------------------------------------------------------------------


def articles(said: Words, found: Sequence[ArticleRow], topics: dict[str, Topic]) -> Table:
    names = (
        (N_("Article"), "words"),
        (N_("Id"), "words"),
        (N_("Topic"), "words"),
        *((name, "number") for name in ARTICLE_COLUMNS.values()),
        (N_("Changed"), "words"),
    )
    rows = tuple(
        (row.title, row.id, name_of(said, "topic", row.topic, topics),
         *(getattr(row.counts, name) for name in ARTICLE_COLUMNS), row.changed)
        for row in found
    )  # fmt: skip
    return Table(named_columns(said, names), rows)


# --- words ---------------------------------------------------------------------------------------------------------


def named_columns(said: Words, names: Sequence[tuple[str, str]]) -> tuple[Column, ...]:
    return tuple(Column(said.gettext(name), kind) for name, kind in names)  # type: ignore[arg-type]


def columns_of(said: Words, title: str, marks: Sequence[Mark]) -> Chart:
    """A column a mark, with what it says in words for those who do not see it."""
    called = said.gettext(title)
    most = max(marks, key=lambda mark: mark.value, default=None)
    told = called
    if most and most.value:
        told = said.gettext("%(title)s: at most %(most)s, %(when)s. The table below has all numbers.",
                            title=called, most=most.written, when=most.name)  # fmt: skip
    return Chart(called, columns(told, marks, [said.number(number) for number in scale(marks)]))
