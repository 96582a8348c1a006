"""The `Worklist` seam: what agents do with tickets that were taken, who works on which, and what is due when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, get_args

import sqlalchemy as sa

from bot.database import reachable
from bot.models import Priority, Ticket, TicketState, Tier, Who
from bot.response_times import ResponseTimes
from bot.tables import ticket_messages as messages
from bot.tables import tickets
from bot.ticket_rows import BY_RANK, NEVER, RANKS, due_of, history, keep, lock, whole, write, written
from bot.work import Changes, Event, Work, changed, check_revision, moved, undone

Order = Literal["due", "age", "changed", "priority"]
ORDERS: tuple[Order, ...] = get_args(Order)
OPEN: frozenset[TicketState] = frozenset({"received", "answered", "on_hold"})
#: Longer searches are cut.
MAX_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tickets to list. `states` empty means all. `assignee` is an id, "" for nobody, None for whoever.

    `text` is looked for in numbers, subjects, descriptions, addresses and messages, whatever its case. `since`
    leaves out what was sent before. The words of requesters are compared as they are: `email` is a whole address.
    """

    states: frozenset[TicketState] = frozenset()
    assignee: str | None = None
    priority: Priority | None = None
    tier: Tier | None = None
    department: str = ""
    topic: str = ""
    lang: str = ""
    overdue: bool = False
    text: str = ""
    email: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A ticket as a list shows it."""

    id: str
    number: int
    at: datetime
    subject: str
    email: str
    lang: str
    topic: str
    department: str
    state: TicketState
    priority: Priority
    tier: Tier
    assignee: Who
    due: datetime | None
    changed: datetime
    revision: int

    def __repr__(self) -> str:
        return f"<Row of ticket {self.number}>"  # no subject or address in a log


@dataclass(frozen=True, slots=True)
class Listing:
    """Some of the tickets that were wanted, and how many there are in all."""

    total: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tickets each view has; all but `solved` count tickets that are not."""

    mine: int = 0
    unassigned: int = 0
    open: int = 0
    overdue: int = 0
    waiting: int = 0
    on_hold: int = 0
    solved: int = 0


class Worklist(Protocol):
    """Lists tickets and changes what agents decide about them. Every method may raise StoreUnavailable."""

    def find(self, wanted: Wanted, now: datetime, order: Order = "due", *, limit: int = 50, offset: int = 0) -> Listing:
        """By due time, the tickets that nobody waits for last; by age, the oldest first; by the last change, the
        newest first; or by priority and then due time. Equal ones stand in the order of their numbers.
        """
        ...

    def counts(self, me: str, now: datetime) -> Counts: ...

    def work(self, number: int) -> Work | None:
        """The ticket of a number with notes and history."""
        ...

    def number(self, ticket_id: str) -> int | None: ...

    def assignees(self) -> Sequence[Who]:
        """Everybody who has a ticket that is not solved, by name."""
        ...

    def change(
        self, ticket_id: str, changes: Changes, who: Who, at: datetime, *, revision: int | None = None
    ) -> tuple[Event, ...]:
        """Does all of the changes or none; what became different, nothing where all was so already.

        Raises TicketInvalid, and TicketChanged where the ticket moved on since `revision`.
        """
        ...

    def note(self, ticket_id: str, text: str, name: str, who: Who, at: datetime) -> None:
        """Keeps words among agents; the same ones twice in a row count once."""
        ...

    def undo(self, ticket_id: str, who: Who, at: datetime, *, revision: int | None = None) -> tuple[Event, ...]:
        """Takes the last change back. Raises NothingToUndo or TicketChanged."""
        ...


class SqlWorklist:
    """Over the tables of `SqlInbox`."""

    def __init__(self, engine: sa.Engine, times: ResponseTimes | None = None) -> None:
        self._engine, self._times = engine, times or ResponseTimes()

    def find(self, wanted: Wanted, now: datetime, order: Order = "due", *, limit: int = 50, offset: int = 0) -> Listing:
        which = _conditions(wanted, now)
        query = sa.select(*_LISTED).where(*which).order_by(*_ORDERS[order]).limit(limit).offset(offset)
        with reachable("The tickets could not be read"), self._engine.connect() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(tickets).where(*which)).scalar_one()
            rows = connection.execute(query).all() if limit else []
        return Listing(total, tuple(_row(row) for row in rows))

    def counts(self, me: str, now: datetime) -> Counts:
        def some(which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
            return sa.func.coalesce(sa.func.sum(sa.case((which, 1), else_=0)), 0)

        is_open = tickets.c.state != "solved"
        query = sa.select(
            tickets.c.state,
            sa.func.count().label("all"),
            some(tickets.c.assignee_id == me).label("mine"),
            some(tickets.c.assignee_id == "").label("unassigned"),
            some(tickets.c.due < now).label("overdue"),
        )
        solved = sa.select(sa.func.count()).select_from(tickets).where(~is_open)
        with reachable("The tickets could not be counted"), self._engine.connect() as connection:
            by_state = {row.state: row for row in connection.execute(query.where(is_open).group_by(tickets.c.state))}
            done = connection.execute(solved).scalar_one()
        rows = by_state.values()
        return Counts(
            mine=sum(row.mine for row in rows) if me else 0,
            unassigned=sum(row.unassigned for row in rows),
            open=sum(row.all for row in rows),
            overdue=sum(row.overdue for row in rows),
            waiting=by_state["answered"].all if "answered" in by_state else 0,
            on_hold=by_state["on_hold"].all if "on_hold" in by_state else 0,
            solved=done,
        )

    def work(self, number: int) -> Work | None:
        with reachable("The ticket could not be read"), self._engine.connect() as connection:
            row = connection.execute(tickets.select().where(tickets.c.number == number)).first()
            return _work(connection, whole(connection, row)) if row else None

    def number(self, ticket_id: str) -> int | None:
        query = sa.select(tickets.c.number).where(tickets.c.id == ticket_id)
        with reachable("The ticket could not be read"), self._engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def assignees(self) -> Sequence[Who]:
        columns = tickets.c.assignee_id, sa.func.max(tickets.c.assignee_name)
        query = sa.select(*columns).where(tickets.c.state != "solved", tickets.c.assignee_id != "")
        with reachable("The tickets could not be read"), self._engine.connect() as connection:
            rows = connection.execute(query.group_by(tickets.c.assignee_id))
            return sorted((Who(*row) for row in rows), key=lambda who: (who.name.casefold(), who.id))

    def change(
        self, ticket_id: str, changes: Changes, who: Who, at: datetime, *, revision: int | None = None
    ) -> tuple[Event, ...]:
        with reachable("The change could not be stored"), self._engine.begin() as connection:
            ticket = lock(connection, ticket_id)
            if ticket is None:
                return ()
            check_revision(ticket, revision, history(connection, ticket_id))
            after, events = changed(ticket, changes, who, at, self._times)
            if events:
                keep(connection, after, events)
            return events

    def note(self, ticket_id: str, text: str, name: str, who: Who, at: datetime) -> None:
        with reachable("The note could not be stored"), self._engine.begin() as connection:
            ticket = lock(connection, ticket_id)
            last = written(connection, ticket_id, internal=True)[-1:]
            if ticket is None or (last and (last[0].text, last[0].name) == (text, name)):
                return
            write(connection, ticket_id, "agent", text, at, name, internal=True)
            keep(connection, moved(ticket, at), [Event(at, who, "note")])

    def undo(self, ticket_id: str, who: Who, at: datetime, *, revision: int | None = None) -> tuple[Event, ...]:
        with reachable("The change could not be taken back"), self._engine.begin() as connection:
            ticket = lock(connection, ticket_id)
            if ticket is None:
                return ()
            work = _work(connection, ticket)
            check_revision(ticket, revision, work.history)
            after, events = undone(work, who, at, self._times)
            keep(connection, after, events)
            return events


def _work(connection: sa.Connection, ticket: Ticket) -> Work:
    return Work(ticket, written(connection, ticket.id, internal=True), history(connection, ticket.id))


_LISTED = [
    tickets.c[name]
    for name in (
        "id number at subject email lang topic department state priority tier assignee_id assignee_name due changed "
        "revision"
    ).split()
]
_ORDERS: dict[Order, tuple[sa.ColumnElement[Any], ...]] = {
    "due": (tickets.c.due, tickets.c.number),
    "age": (tickets.c.number,),
    "changed": (tickets.c.changed.desc(), tickets.c.number.desc()),
    "priority": (tickets.c.priority, tickets.c.due, tickets.c.number),
}


def _row(row: sa.Row[Any]) -> Row:
    values = dict(row._mapping)
    who = Who(values.pop("assignee_id"), values.pop("assignee_name"))
    fields = {**values, "priority": BY_RANK[row.priority], "due": due_of(row.due), "assignee": who}
    return Row(**fields)


def _conditions(wanted: Wanted, now: datetime) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.states:
        found.append(tickets.c.state.in_(sorted(wanted.states)))
    if wanted.assignee is not None:
        found.append(tickets.c.assignee_id == wanted.assignee)
    if wanted.priority:
        found.append(tickets.c.priority == RANKS[wanted.priority])
    for column, value in (
        (tickets.c.tier, wanted.tier),
        (tickets.c.department, wanted.department),
        (tickets.c.topic, wanted.topic),
        (tickets.c.lang, wanted.lang),
        (tickets.c.email, wanted.email),
    ):
        if value:
            found.append(column == value)
    if wanted.overdue:
        found.append(tickets.c.due < min(now, NEVER))
    if wanted.since:
        found.append(tickets.c.at >= wanted.since)
    if text := wanted.text.strip()[:MAX_SEARCH]:
        found.append(_holds(text))
    return found


def _holds(text: str) -> sa.ColumnElement[bool]:
    columns = tickets.c.subject, tickets.c.body, tickets.c.email
    said = sa.exists().where(messages.c.ticket_id == tickets.c.id, _like(messages.c.text, text))
    number = text.removeprefix("#")
    by_number = [tickets.c.number == int(number)] if number.isascii() and number.isdigit() and len(number) < 10 else []
    return sa.or_(*by_number, *(_like(column, text) for column in columns), said)


def _like(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """SQLite knows the case of ASCII alone, so other letters are looked for as people write them."""
    ways = {text} if text.isascii() else {text, text.lower(), text.upper(), text.capitalize(), text.title()}
    return sa.or_(*(column.icontains(way, autoescape=True) for way in sorted(ways)))
