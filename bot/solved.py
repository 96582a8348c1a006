"""The `SolvedStore` seam: solved tickets with how they were solved, as evidence beside a new one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from bot import privacy
from bot.database import parts, reachable
from bot.events import MemoryEventStore
from bot.inbox import Inbox
from bot.learned import Learned
from bot.learning import LearningStore
from bot.models import MAX_QUESTION
from bot.tables import learned, learned_revision, learned_traces, resolutions, tickets
from kb.learned import MAX_CHARACTERS, whole

_TICKET, _LEARNED = "ticket-", "learned-"


@dataclass(frozen=True, slots=True)
class SolvedTicket:
    """A ticket and how it was solved: with an article (its id), in an agent's words (`text`), or both.

    `number` is that of a ticket of this desk, else None; `origin` is its id there, or what its own desk calls it.
    `lang` is what is known of its requester's language, "" for nothing. Personal data is masked.
    """

    key: str
    origin: str
    number: int | None
    subject: str
    body: str
    lang: str
    at: datetime
    article: str
    text: str = ""

    @property
    def full(self) -> str:
        return whole(self.subject, self.body)

    def __repr__(self) -> str:
        return f"<SolvedTicket {self.key}>"  # nobody's words in a log


class SolvedStore(Protocol):
    """Tickets of this desk that were resolved, and those of other desks that articles are known to have solved.

    Every method may raise StoreUnavailable.
    """

    def revision(self) -> tuple[int, ...]:
        """Changes whenever `keys` may have changed; cheap enough to ask each time."""
        ...

    def keys(self) -> list[str]:
        """One for each solved ticket and article, the last solved first. A ticket solved again has a new key."""
        ...

    def read(self, keys: Sequence[str]) -> list[SolvedTicket]:
        """Those of `keys` that there still are, in their order."""
        ...


class SqlSolvedStore:
    """Solved tickets in a SQL database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def revision(self) -> tuple[int, ...]:
        own = sa.select(sa.func.count(), sa.func.max(resolutions.c.id), sa.func.max(resolutions.c.at))
        with reachable("The solved tickets could not be read"), self._engine.connect() as connection:
            count, last, at = connection.execute(own).one()
            number = connection.execute(sa.select(learned_revision.c.number)).scalar_one()
        return count, last or 0, _stamp(at) if at else 0, number

    def keys(self) -> list[str]:
        last = sa.select(sa.func.max(resolutions.c.id)).group_by(resolutions.c.ticket_id)
        own = sa.select(resolutions.c.id, resolutions.c.at).where(resolutions.c.id.in_(last))
        # What an agent taught with a ticket of this desk stands there already, with its number.
        here = sa.exists().where(
            learned_traces.c.learned_id == learned.c.id,
            learned_traces.c.source == "agent",
            learned_traces.c.origin.in_(sa.select(resolutions.c.ticket_id)),
        )
        elsewhere = sa.select(learned.c.id, learned.c.at).where(
            learned.c.status == "active", learned.c.source.in_(("agent", "imported")), ~here
        )
        with reachable("The solved tickets could not be read"), self._engine.connect() as connection:
            found = [(row.at, _key(row.id, row.at)) for row in connection.execute(own)]
            found += [(row.at, f"{_LEARNED}{row.id}") for row in connection.execute(elsewhere)]
        return [key for _, key in sorted(found, reverse=True)]

    def read(self, keys: Sequence[str]) -> list[SolvedTicket]:
        found: dict[str, SolvedTicket] = {}
        with reachable("The solved tickets could not be read"), self._engine.connect() as connection:
            for part in parts(keys):
                for solved in (*_own(connection, part), *_elsewhere(connection, part)):
                    found.setdefault(solved.key, solved)
        return [found[key] for key in keys if key in found]


def _own(connection: sa.Connection, keys: Sequence[str]) -> Iterator[SolvedTicket]:
    ids = [int(key.split("-")[1]) for key in keys if key.startswith(_TICKET)]
    columns = (
        tickets.c.number,
        tickets.c.subject,
        sa.func.substr(tickets.c.body, 1, MAX_CHARACTERS).label("body"),
        tickets.c.lang,
    )
    query = sa.select(resolutions, *columns).join(tickets, tickets.c.id == resolutions.c.ticket_id)
    for row in connection.execute(query.where(resolutions.c.id.in_(ids))) if ids else ():
        yield _solved(row.id, row.ticket_id, row, row.at, row.article_id, row.text)


def _elsewhere(connection: sa.Connection, keys: Sequence[str]) -> Iterator[SolvedTicket]:
    ids = [key.removeprefix(_LEARNED) for key in keys if key.startswith(_LEARNED)]
    origin = (
        sa.select(sa.func.min(learned_traces.c.origin))
        .where(learned_traces.c.learned_id == learned.c.id, learned_traces.c.source.in_(("agent", "imported")))
        .scalar_subquery()
    )
    query = sa.select(learned, origin.label("origin")).where(learned.c.id.in_(ids))
    for row in connection.execute(query) if ids else ():
        yield SolvedTicket(
            f"{_LEARNED}{row.id}", row.origin, None, row.text, row.body, row.lang, row.at, row.article_id
        )


def _solved(number: int, ticket_id: str, ticket: Any, at: datetime, article: str, text: str) -> SolvedTicket:
    """A ticket of this desk, its words as they are learned: so one vector serves both."""
    return SolvedTicket(
        key=_key(number, at),
        origin=ticket_id,
        number=ticket.number,
        subject=privacy.mask(ticket.subject).strip()[:MAX_QUESTION],
        body=privacy.mask(ticket.body).strip()[:MAX_CHARACTERS],
        lang=ticket.lang,
        at=at,
        article=article,
        text=text,
    )


def _key(number: int, at: datetime) -> str:
    """With its time: SQLite gives the number of a row that was deleted to the next one."""
    return f"{_TICKET}{number}-{_stamp(at)}"


def _stamp(at: datetime) -> int:
    """Microseconds."""
    return round(at.timestamp() * 1_000_000)


class MemorySolvedStore:
    """A fake for tests: reads the fakes of the other stores."""

    def __init__(self, events: MemoryEventStore, inbox: Inbox, learning: LearningStore) -> None:
        self._events, self._inbox, self._learning = events, inbox, learning

    def revision(self) -> tuple[int, ...]:
        return len(self._events.resolutions), self._learning.revision()

    def keys(self) -> list[str]:
        return [solved.key for solved in sorted(self._all(), key=lambda solved: (solved.at, solved.key), reverse=True)]

    def read(self, keys: Sequence[str]) -> list[SolvedTicket]:
        found = {solved.key: solved for solved in self._all()}
        return [found[key] for key in keys if key in found]

    def _all(self) -> Iterator[SolvedTicket]:
        last = {row[0]: (number, row) for number, row in enumerate(self._events.resolutions, 1)}
        for number, (ticket_id, article, text, at) in last.values():
            if ticket := self._inbox.ticket(ticket_id):
                yield _solved(number, ticket_id, ticket, at, article, text)
        for row in self._learning.find(status="active", limit=1_000_000).rows:
            said = [trace for trace in row.traces if trace.source != "end_user"]
            if said and not any(trace.source == "agent" and trace.origin in last for trace in said):
                yield _taught(row, min(trace.origin for trace in said))


def _taught(row: Learned, origin: str) -> SolvedTicket:
    return SolvedTicket(f"{_LEARNED}{row.id}", origin, None, row.text, row.body, row.lang, row.at, row.article)
