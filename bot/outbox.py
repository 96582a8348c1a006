"""What has to reach another desk or a mailbox: kept until it got there, in order, and tried again until it did.

Rows are written in the transaction of the ticket or message they are about (the "transactional outbox"), so what was
accepted is never lost on its way; `bot.courier` takes them from here.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import sqlalchemy as sa

from bot.database import insert, reachable
from bot.errors import Message, SendingUnknown
from bot.tables import outbox, tickets

Kind = Literal["ticket", "message", "note", "mail", "event"]
State = Literal["waiting", "delivered", "dead", "discarded"]
#: What a list may be narrowed to: `waiting` was not tried yet, `failing` was, and waits to be tried again.
Shown = Literal["waiting", "failing", "dead", "delivered", "discarded"]

SHOWN: tuple[Shown, ...] = get_args(Shown)
#: The sink of mail to requesters; the others have the names of the setting `handoff`.
MAIL = "mail"
#: For so long a server may be at one delivery; then another one takes it. Longer than a slow
#: delivery: five files and two requests at 40 seconds each.
LEASE = timedelta(minutes=5)
#: What was written is not kept here any longer than this after it arrived; the ticket itself stays in the inbox.
KEPT = timedelta(days=7)
#: How many rows are looked at for one that may be sent.
_CANDIDATES = 20
#: No id is larger: a database would not even compare it.
_LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Letter:
    """Something to send. `key` tells it from all others, here and at its receiver; `payload` is JSON.

    `lane` is what keeps its order: of one lane and sink nothing is sent before what came earlier.
    """

    sink: str
    kind: Kind
    key: str
    lane: str
    ticket_id: str = ""
    payload: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Letter {self.key}>"  # no text or address in a log


@dataclass(frozen=True, slots=True)
class Sending:
    """A letter and what became of it. `attempts` are counted since it was written or a person tried it again."""

    id: int
    letter: Letter
    at: datetime
    state: State
    attempts: int
    next_at: datetime
    error: Message | None
    done_at: datetime | None
    reference: str
    url: str
    number: int | None = None

    @property
    def failing(self) -> bool:
        return self.state == "waiting" and self.attempts > 0 and self.error is not None


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a list, and how many there are in all."""

    rows: tuple[Sending, ...]
    total: int


class SqlOutbox:
    """The outbox in a SQL database. `woken` is set when something was written by this process."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self.woken = threading.Event()

    @staticmethod
    def put(connection: sa.Connection, letters: Sequence[Letter], at: datetime) -> None:
        """Writes letters within the transaction of `connection`; one whose key is known is there already."""
        for letter in letters:
            row = {
                "sink": letter.sink,
                "lane": letter.lane,
                "ticket_id": letter.ticket_id or None,
                "kind": letter.kind,
                "key": letter.key,
                "payload": letter.payload,
                "at": at,
                "state": "waiting",
                "attempts": 0,
                "next_at": at,
                "owner": "",
                "error": {},
                "reference": "",
                "url": "",
            }
            connection.execute(insert(connection, outbox).values(row).on_conflict_do_nothing(index_elements=["key"]))

    def post(self, letter: Letter, at: datetime) -> None:
        """Writes a letter that belongs to nothing else. Raises StoreUnavailable."""
        with reachable("The message could not be stored"), self._engine.begin() as connection:
            self.put(connection, [letter], at)
        self.woken.set()

    def claim(self, sinks: Collection[str], owner: str, now: datetime) -> Sending | None:
        """The next letter that may be sent, which no other server takes until LEASE is over; None where there is none.

        A letter waits while an earlier one of its lane and sink waits, is being sent or is dead. One attempt more
        counts from here on, so that a letter which kills the server is not tried for ever. Raises StoreUnavailable.
        """
        earlier = outbox.alias()
        blocked = sa.exists().where(
            earlier.c.lane == outbox.c.lane,
            earlier.c.sink == outbox.c.sink,
            earlier.c.id < outbox.c.id,
            earlier.c.state.in_(("waiting", "dead")),
        )
        leased = outbox.c.leased_until
        # What was written or leased by a clock that was ahead, and has been put right, does not wait for that time.
        free = sa.and_(
            outbox.c.state == "waiting",
            sa.or_(outbox.c.next_at <= now, outbox.c.at > now),
            sa.or_(leased.is_(None), leased <= now, leased > now + 2 * LEASE),
        )
        due = sa.select(outbox.c.id).where(free, outbox.c.sink.in_(sinks), ~blocked)
        due = due.order_by(outbox.c.next_at, outbox.c.id).limit(_CANDIDATES)
        with reachable("The outbox could not be read"):
            with self._engine.connect() as connection:
                candidates = connection.execute(due).scalars().all()
            for candidate in candidates:
                # Of several servers that saw this row free, the first one's update is the only one that finds it so.
                taken = (
                    outbox.update()
                    .where(outbox.c.id == candidate, free)
                    .values(leased_until=now + LEASE, owner=owner, attempts=outbox.c.attempts + 1)
                    .returning(*outbox.c)
                )
                with self._engine.begin() as connection:
                    if row := connection.execute(taken).first():
                        return _sending(row)
        return None

    def deliver(self, sending: Sending, owner: str, reference: str, url: str, now: datetime) -> None:
        """It arrived. Nothing changes where the lease went to another server. Raises StoreUnavailable."""
        self._finish(sending, owner, state="delivered", error={}, reference=reference, url=url, done_at=now)

    def fail(self, sending: Sending, owner: str, error: Message, again: datetime | None) -> None:
        """It did not arrive: tried again at a time, or dead where there is none. Raises StoreUnavailable."""
        said = {"template": error.template, "values": error.values}
        if again is None:
            self._finish(sending, owner, state="dead", error=said)
        else:
            self._finish(sending, owner, error=said, next_at=again)

    def drop(self, sending: Sending, owner: str, error: Message, now: datetime) -> None:
        """Nobody needs it any more. Raises StoreUnavailable."""
        said = {"template": error.template, "values": error.values}
        self._finish(sending, owner, state="discarded", error=said, done_at=now, payload={})

    def _finish(self, sending: Sending, owner: str, **values: Any) -> None:
        mine = sa.and_(outbox.c.id == sending.id, outbox.c.owner == owner, outbox.c.state == "waiting")
        with reachable("What became of a delivery could not be stored"), self._engine.begin() as connection:
            connection.execute(outbox.update().where(mine).values(leased_until=None, owner="", **values))

    def reference(self, ticket_id: str, sink: str) -> str:
        """What the receiver calls a ticket; "" where it never got there. Raises StoreUnavailable."""
        query = sa.select(outbox.c.reference).where(
            outbox.c.ticket_id == ticket_id,
            outbox.c.sink == sink,
            outbox.c.kind == "ticket",
            outbox.c.state == "delivered",
        )
        with reachable("The outbox could not be read"), self._engine.connect() as connection:
            return connection.execute(query).scalars().first() or ""

    def forget(self, now: datetime) -> None:
        """Empties what was delivered KEPT ago. Raises StoreUnavailable."""
        old = sa.and_(outbox.c.state == "delivered", outbox.c.done_at < now - KEPT)
        with reachable("The outbox could not be tidied"), self._engine.begin() as connection:
            connection.execute(outbox.update().where(old).values(payload={}))

    # --- what people see and do --------------------------------------------------------------------------------

    def find(self, *, shown: Shown | None = None, sink: str = "", limit: int = 50, offset: int = 0) -> Found:
        """The newest first. Raises StoreUnavailable."""
        which = sa.and_(sa.true(), *([_shown(shown)] if shown else []), *([outbox.c.sink == sink] if sink else []))
        query = sa.select(*outbox.c, tickets.c.number.label("number")).join(
            tickets, tickets.c.id == outbox.c.ticket_id, isouter=True
        )
        with reachable("The outbox could not be read"), self._engine.connect() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(outbox).where(which)).scalar_one()
            rows = connection.execute(query.where(which).order_by(outbox.c.id.desc()).limit(limit).offset(offset))
            return Found(tuple(_sending(row, row.number) for row in rows), total)

    def get(self, sending_id: int) -> Sending:
        """Raises SendingUnknown or StoreUnavailable."""
        query = sa.select(*outbox.c, tickets.c.number.label("number")).join(
            tickets, tickets.c.id == outbox.c.ticket_id, isouter=True
        )
        row = None
        if sending_id <= _LARGEST:
            with reachable("The outbox could not be read"), self._engine.connect() as connection:
                row = connection.execute(query.where(outbox.c.id == sending_id)).first()
        if row is None:
            raise SendingUnknown(f"There is nothing in the outbox with the id {sending_id}.")
        return _sending(row, row.number)

    def counts(self) -> dict[Shown, int]:
        """How many there are of each. Raises StoreUnavailable."""
        columns = [sa.func.coalesce(sa.func.sum(sa.case((_shown(name), 1), else_=0)), 0).label(name) for name in SHOWN]
        with reachable("The outbox could not be read"), self._engine.connect() as connection:
            row = connection.execute(sa.select(*columns)).one()
        return {name: int(row._mapping[name]) for name in SHOWN}

    def dead(self) -> int:
        """How many wait for a person. Raises StoreUnavailable."""
        query = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.state == "dead")
        with reachable("The outbox could not be read"), self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def stuck(self, ticket_id: str) -> bool:
        """Whether a ticket is on its way to another desk and that one did not take it. Raises StoreUnavailable."""
        which = sa.and_(
            outbox.c.ticket_id == ticket_id, outbox.c.sink != MAIL, sa.or_(_shown("failing"), _shown("dead"))
        )
        with reachable("The outbox could not be read"), self._engine.connect() as connection:
            return connection.execute(sa.select(outbox.c.id).where(which).limit(1)).first() is not None

    def retry(self, sending_id: int, now: datetime) -> bool:
        """Has it tried now, and as often as a new one. False for what has arrived or was given up: it stays so.

        Raises SendingUnknown or StoreUnavailable.
        """
        changed = self._change(sending_id, state="waiting", attempts=0, next_at=now)
        self.woken.set()
        return changed

    def retry_dead(self, now: datetime) -> int:
        """Has all that is dead tried again; how many. Raises StoreUnavailable."""
        again = outbox.update().where(outbox.c.state == "dead").values(state="waiting", attempts=0, next_at=now)
        with reachable("The outbox could not be changed"), self._engine.begin() as connection:
            number = connection.execute(again).rowcount
        self.woken.set()
        return int(number)

    def discard(self, sending_id: int, reason: str, now: datetime) -> bool:
        """Gives it up; what comes after it in its lane is sent. False, and nothing changes, as for `retry`.

        Raises SendingUnknown or StoreUnavailable.
        """
        error = {"template": "%(reason)s", "values": {"reason": reason}} if reason else {}
        given_up = {"done_at": now, "payload": {}, "owner": "", "leased_until": None}
        changed = self._change(sending_id, state="discarded", error=error, **given_up)
        self.woken.set()
        return changed

    def _change(self, sending_id: int, **values: Any) -> bool:
        self.get(sending_id)
        open_ones = sa.and_(outbox.c.id == sending_id, outbox.c.state.in_(("waiting", "dead")))
        with reachable("The outbox could not be changed"), self._engine.begin() as connection:
            return connection.execute(outbox.update().where(open_ones).values(values)).rowcount == 1


def _shown(name: Shown) -> sa.ColumnElement[bool]:
    """JSON has no equality that both databases know: that an attempt failed is told by their number and the lease.

    What is tried again this moment is failing still.
    """
    failed = sa.or_(outbox.c.attempts > 1, sa.and_(outbox.c.attempts == 1, outbox.c.leased_until.is_(None)))
    if name == "failing":
        return sa.and_(outbox.c.state == "waiting", failed)
    return sa.and_(outbox.c.state == "waiting", ~failed) if name == "waiting" else outbox.c.state == name


def _sending(row: Any, number: int | None = None) -> Sending:
    template, values = (row.error["template"], row.error["values"]) if row.error else ("", {})
    return Sending(
        id=row.id,
        letter=Letter(row.sink, row.kind, row.key, row.lane, row.ticket_id or "", row.payload),
        at=row.at,
        state=row.state,
        attempts=row.attempts,
        next_at=row.next_at,
        error=Message(template, **values) if template else None,
        done_at=row.done_at,
        reference=row.reference,
        url=row.url,
        number=number,
    )
