"""The `Failures` seam: questions that nobody answered, and tickets that came without one, read from the events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from bot import conversation, privacy
from bot.database import parts, reachable
from bot.events import EventStore, SqlEventStore, last_word, recorded
from bot.gaps.models import Failure
from bot.models import MAX_QUESTION, OutcomeName, RecordedQuestion, Ticket
from bot.tables import gap_questions, outcomes, questions, resolutions, tickets
from kb.learned import MAX_CHARACTERS

#: What a key begins with: a question, or a ticket that came without one.
QUESTION, TICKET = "q", "t"
#: A row may be stored a little after one with a higher number: so many are looked at again.
_LATE_ROWS = 50


@dataclass(frozen=True, slots=True)
class News:
    """What may fail, or fail no more, since a cursor; `more` where there was too much to read at once."""

    failures: tuple[Failure, ...]
    gone: tuple[str, ...]
    cursor: dict[str, str]
    more: bool = False


class Failures(Protocol):
    """Reads what failed. Every method may raise StoreUnavailable."""

    def heads(self) -> tuple[object, ...]:
        """Changes whenever `news` may have something new; cheap enough to ask each time."""
        ...

    def news(self, cursor: dict[str, str], limit: int) -> News:
        """Everything since `cursor` ({} for all there is), about `limit` at once; what is known may come again."""
        ...

    def read(self, keys: Sequence[str]) -> list[Failure]:
        """Those of `keys` that still fail, with their bodies, in order of time."""
        ...


class SqlFailures:
    """What failed, in a SQL database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine, self._events = engine, SqlEventStore(engine)

    def heads(self) -> tuple[object, ...]:
        # Questions have no number, and their times need not grow: one that was imported may be of last year.
        figures = [sa.func.count(questions.c.id), sa.func.max(questions.c.at)]
        figures += [sa.func.max(column) for column in (outcomes.c.id, tickets.c.number, resolutions.c.id)]
        heads = sa.select(*(sa.select(figure).scalar_subquery() for figure in figures))
        with reachable("The questions could not be read"), self._engine.connect() as connection:
            return tuple(connection.execute(heads).one())

    def news(self, cursor: dict[str, str], limit: int) -> News:
        after = {name: int(cursor.get(name, "0")) for name in ("outcomes", "tickets", "resolutions")}
        with reachable("The questions could not be read"), self._engine.connect() as connection:
            asked = connection.execute(_unanswered(limit)).all()
            judged = _later(connection, outcomes.c.id, after["outcomes"], limit, outcomes.c.question_id)
            sent = _later(connection, tickets.c.number, after["tickets"], limit, tickets.c.id, tickets.c.question_id)
            resolved = _later(connection, resolutions.c.id, after["resolutions"], limit, resolutions.c.ticket_id)
            ids = [row.ticket_id for row in resolved]
            sent_then = [
                row
                for part in parts(ids)
                for row in connection.execute(
                    sa.select(tickets.c.id, tickets.c.question_id).where(tickets.c.id.in_(part))
                )
            ]
        keys = [f"{QUESTION}{row.id}" for row in asked] + [f"{QUESTION}{row.question_id}" for row in judged]
        keys += [_key_of(row.id, row.question_id) for row in (*sent, *sent_then)]
        keys = list(dict.fromkeys(keys))
        failures = tuple(self.read(keys))
        failing = {failure.key for failure in failures}
        last = {"outcomes": judged, "tickets": sent, "resolutions": resolved}
        moved = {name: str(max([after[name], *(row[0] for row in rows)])) for name, rows in last.items()}
        more = any(len(rows) >= limit for rows in (asked, judged, sent, resolved))
        return News(failures, tuple(key for key in keys if key not in failing), moved, more)

    def read(self, keys: Sequence[str]) -> list[Failure]:
        found: list[Failure] = []
        with reachable("The questions could not be read"), self._engine.connect() as connection:
            for part in parts(keys):
                found += self._read(connection, part)
        return sorted(found, key=lambda failure: (failure.at, failure.key))

    def _read(self, connection: sa.Connection, keys: Collection[str]) -> Iterator[Failure]:
        asked_ids = [key[1:] for key in keys if key.startswith(QUESTION)]
        sent_ids = [key[1:] for key in keys if key.startswith(TICKET)]
        body = sa.func.substr(tickets.c.body, 1, MAX_CHARACTERS).label("body")
        columns = [tickets.c[name] for name in "id number at subject lang department question_id shown".split()]
        wanted = sa.or_(tickets.c.question_id.in_(asked_ids), tickets.c.id.in_(sent_ids))
        sent = connection.execute(sa.select(*columns, body).where(wanted).order_by(tickets.c.number)).all()
        solved = _solved_with(connection, [row.id for row in sent])
        followed: dict[str, Any] = {}
        for row in sent:
            followed.setdefault(row.question_id, row)
            if f"{TICKET}{row.id}" in keys:
                yield _of_ticket(row, solved.get(row.id, ""))
        said = self._events.outcomes(asked_ids)
        asked = connection.execute(questions.select().where(questions.c.id.in_(asked_ids)))
        for row in asked:
            ticket = followed.get(row.id)
            found = _of_question(
                recorded(row),
                last_word(said.get(row.id, ())),
                (ticket.number, ticket.department, solved.get(ticket.id, "")) if ticket else None,
                self._events.question,
            )
            if found:
                yield found


class MemoryFailures:
    """A fake for tests: reads the fakes of the other stores, all of it each time."""

    def __init__(
        self,
        events: EventStore,
        tickets: Callable[[], Iterable[Ticket]] = tuple,
    ) -> None:
        self._events, self._tickets = events, tickets

    def heads(self) -> tuple[object, ...]:
        return (object(),)

    def news(self, cursor: dict[str, str], limit: int) -> News:  # noqa: ARG002
        asked = [f"{QUESTION}{question.id}" for question in self._events.questions()]
        keys = [*asked, *(_key_of(ticket.id, ticket.question_id) for ticket in self._tickets())]
        failures = self.read(keys)
        failing = {failure.key for failure in failures}
        return News(tuple(failures), tuple(key for key in keys if key not in failing), {})

    def read(self, keys: Sequence[str]) -> list[Failure]:
        followed = {ticket.question_id: ticket for ticket in self._tickets() if ticket.question_id}
        said = self._events.outcomes([key[1:] for key in keys])
        found = []
        for key in dict.fromkeys(keys):
            if key.startswith(TICKET):
                found += [
                    _of_ticket(ticket, self._events.resolved_with(ticket.id))
                    for ticket in self._tickets()
                    if ticket.id == key[1:]
                ]
            elif asked := self._events.question(key[1:]):
                ticket = followed.get(asked.id)
                sent = (ticket.number, ticket.department, self._events.resolved_with(ticket.id)) if ticket else None
                one = _of_question(asked, last_word(said.get(asked.id, ())), sent, self._events.question)
                found += [one] if one else []
        return sorted(found, key=lambda failure: (failure.at, failure.key))


def _key_of(ticket_id: str, question_id: str) -> str:
    return f"{QUESTION}{question_id}" if question_id else f"{TICKET}{ticket_id}"


def _of_question(
    asked: RecordedQuestion,
    said: OutcomeName | None,
    sent: tuple[int, str, str] | None,
    known: Callable[[str], RecordedQuestion | None],
) -> Failure | None:
    """`sent` is number, department and solving article of the ticket that followed. A follow-up is read with the
    question it belongs to."""
    unanswered, rejected = asked.decision == "unanswered", said == "not_solved"
    if not (unanswered or rejected or sent):
        return None
    context = conversation.first_of(known(asked.after), known) if asked.after else ""
    number, department, solved_with = sent or (0, "", "")
    return Failure(
        key=f"{QUESTION}{asked.id}",
        at=asked.at,
        text=conversation.joined(context, asked.text),
        body=asked.body,
        lang=asked.lang,
        channel=asked.channel,
        ticket=number,
        department=department,
        shown=asked.shown,
        solved_with=solved_with,
        unanswered=unanswered,
        rejected=rejected,
        ticketed=sent is not None,
    )


def _of_ticket(ticket: Any, solved_with: str) -> Failure:
    """Tickets are kept as typed; what is gathered of them is masked."""
    return Failure(
        key=f"{TICKET}{ticket.id}",
        at=ticket.at,
        text=privacy.mask(ticket.subject).strip()[:MAX_QUESTION],
        body=privacy.mask(ticket.body).strip()[:MAX_CHARACTERS],
        lang=ticket.lang,
        channel="ticket",
        ticket=ticket.number,
        department=ticket.department,
        shown=tuple(ticket.shown),
        solved_with=solved_with,
        ticketed=True,
    )


def _unanswered(limit: int) -> sa.Select[Any]:
    """Those without a gap, of whatever time."""
    known = sa.exists().where(gap_questions.c.key == sa.literal(QUESTION).concat(questions.c.id))
    query = sa.select(questions.c.id).where(questions.c.decision == "unanswered", ~known)
    return query.order_by(questions.c.at, questions.c.id).limit(limit)


def _later(connection: sa.Connection, number: sa.Column[int], after: int, limit: int, *columns: Any) -> Sequence[Any]:
    """Rows behind a number, and a few before it that may have come late."""
    query = sa.select(number, *columns).order_by(number)
    late = query.where(number > after - _LATE_ROWS, number <= after)
    new = query.where(number > after).limit(limit)
    return [*connection.execute(late), *connection.execute(new)]


def _solved_with(connection: sa.Connection, ticket_ids: Sequence[str]) -> dict[str, str]:
    """The article each ticket was last solved with."""
    found: dict[str, str] = {}
    for part in parts(ticket_ids):
        query = resolutions.select().where(resolutions.c.ticket_id.in_(part)).order_by(resolutions.c.id)
        found |= {row.ticket_id: row.article_id for row in connection.execute(query)}
    return found
