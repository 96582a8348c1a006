"""The `PublicationStore` seam: every attempt to publish, waiting, running or over."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from bot.database import reachable
from bot.errors import Message, PublicationUnknown
from bot.privacy import printable
from bot.publishing.publication import ENDED, Finding, How, Publication, Publications, State
from bot.tables import publications as table

#: Older ones are forgotten.
KEPT = 1_000
#: States of publications after which their snapshot was in use.
_LED: tuple[State, ...] = ("published", "unchanged")
#: What a column of ids holds.
_HIGHEST = 2**31 - 1
_FIELDS = tuple(field.name for field in fields(Publication) if field.name not in ("id", "commit"))


class PublicationStore(Protocol):
    """Keeps publications. Every method may raise StoreUnavailable; nothing is changed then."""

    def ask(self, how: How, who: str, at: datetime, *, again: bool = False) -> Publication:
        """Asks for a publication of what is newest; where one waits that has not begun, that is it.

        Two that ask at the very same time may get one each.
        """
        ...

    def begin(self, at: datetime) -> Publication | None:
        """Has the one that waits longest run; None where none waits."""
        ...

    def keep(self, publication: Publication) -> Publication:
        """Writes a publication as it is now, a new one where its id is 0, and forgets those beyond the KEPT newest."""
        ...

    def forget(self, publication_id: int) -> None:
        """Removes one, if it is there."""
        ...

    def get(self, publication_id: int) -> Publication:
        """Raises PublicationUnknown."""
        ...

    def find(self, *, state: State | None = None, limit: int = 100, offset: int = 0) -> Publications:
        """Those that fit, the newest first."""
        ...

    def last(self, *states: State) -> Publication | None:
        """The newest in one of these states; in any that is over where none is given."""
        ...

    def of(self, snapshot: str) -> Publication | None:
        """The newest that a snapshot in use comes from and that knows its commit."""
        ...


class MemoryPublicationStore:
    """A fake for tests and for trying things out: a dictionary."""

    def __init__(self) -> None:
        self._rows: dict[int, Publication] = {}
        self._next = 1
        self._lock = threading.Lock()

    def ask(self, how: How, who: str, at: datetime, *, again: bool = False) -> Publication:
        waiting = self._oldest_waiting()
        if waiting is None:
            return self.keep(Publication(0, how, at, who, again=again))
        return self.keep(replace(waiting, again=waiting.again or again))

    def begin(self, at: datetime) -> Publication | None:
        waiting = self._oldest_waiting()
        return waiting and self.keep(replace(waiting, state="running", began=at))

    def keep(self, publication: Publication) -> Publication:
        with self._lock:
            if not publication.id:
                publication, self._next = replace(publication, id=self._next), self._next + 1
            self._rows[publication.id] = publication
            for old in sorted(self._rows)[:-KEPT]:
                del self._rows[old]
        return publication

    def forget(self, publication_id: int) -> None:
        self._rows.pop(publication_id, None)

    def get(self, publication_id: int) -> Publication:
        if publication_id not in self._rows:
            raise _unknown(publication_id)
        return self._rows[publication_id]

    def find(self, *, state: State | None = None, limit: int = 100, offset: int = 0) -> Publications:
        rows = [row for _, row in sorted(self._rows.items(), reverse=True) if state in (None, row.state)]
        return Publications(len(rows), tuple(rows[offset : offset + limit]))

    def last(self, *states: State) -> Publication | None:
        return next((row for row in self.find(limit=KEPT).rows if row.state in (states or ENDED)), None)

    def of(self, snapshot: str) -> Publication | None:
        rows = self.find(limit=KEPT).rows
        return next((row for row in rows if row.snapshot == snapshot and row.commit and row.state in _LED), None)

    def _oldest_waiting(self) -> Publication | None:
        return next((row for _, row in sorted(self._rows.items()) if row.state == "waiting"), None)


class SqlPublicationStore:
    """Publications in a SQL database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def ask(self, how: How, who: str, at: datetime, *, again: bool = False) -> Publication:
        with reachable("The publication could not be asked for"), self._engine.begin() as connection:
            if waiting := _oldest_waiting(connection):
                # Only while it waits: one that another process began meanwhile may have looked upstream already.
                joined = table.update().where(table.c.id == waiting.id, table.c.state == "waiting")
                if connection.execute(joined.values(again=waiting.again or again)).rowcount:
                    return replace(waiting, again=waiting.again or again)
            return _insert(connection, Publication(0, how, at, who, again=again))

    def begin(self, at: datetime) -> Publication | None:
        with reachable("The publication could not be begun"), self._engine.begin() as connection:
            if (waiting := _oldest_waiting(connection)) is None:
                return None
            begun = table.update().where(table.c.id == waiting.id).values(state="running", began=at)
            connection.execute(begun)
            return _one(connection, waiting.id)

    def keep(self, publication: Publication) -> Publication:
        with reachable("The publication could not be stored"), self._engine.begin() as connection:
            if not publication.id:
                return _insert(connection, publication)
            changed = table.update().where(table.c.id == publication.id).values(_values(publication))
            connection.execute(changed)
            return publication

    def forget(self, publication_id: int) -> None:
        with reachable("The publication could not be removed"), self._engine.begin() as connection:
            connection.execute(table.delete().where(table.c.id == publication_id))

    def get(self, publication_id: int) -> Publication:
        if publication_id > _HIGHEST:
            raise _unknown(publication_id)
        with reachable("The publication could not be read"), self._engine.connect() as connection:
            return _one(connection, publication_id)

    def find(self, *, state: State | None = None, limit: int = 100, offset: int = 0) -> Publications:
        wanted = [table.c.state == state] if state else []
        query = table.select().where(*wanted).order_by(table.c.id.desc()).limit(limit).offset(offset)
        count = sa.select(sa.func.count()).select_from(table).where(*wanted)
        with reachable("The publications could not be read"), self._engine.connect() as connection:
            total = int(connection.execute(count).scalar_one())
            return Publications(total, tuple(map(_publication, connection.execute(query))))

    def last(self, *states: State) -> Publication | None:
        return self._newest(table.c.state.in_(states or ENDED))

    def of(self, snapshot: str) -> Publication | None:
        return self._newest(table.c.snapshot == snapshot, table.c.commit_id != "", table.c.state.in_(_LED))

    def _newest(self, *wanted: sa.ColumnElement[bool]) -> Publication | None:
        query = table.select().where(*wanted).order_by(table.c.id.desc()).limit(1)
        with reachable("The publications could not be read"), self._engine.connect() as connection:
            row = connection.execute(query).first()
            return None if row is None else _publication(row)


def _insert(connection: sa.Connection, publication: Publication) -> Publication:
    made = connection.execute(table.insert().values(_values(publication)))
    (number,) = made.inserted_primary_key or (0,)
    connection.execute(table.delete().where(table.c.id <= number - KEPT))
    return replace(publication, id=int(number))


def _oldest_waiting(connection: sa.Connection) -> Publication | None:
    row = connection.execute(table.select().where(table.c.state == "waiting").order_by(table.c.id).limit(1)).first()
    return None if row is None else _publication(row)


def _one(connection: sa.Connection, publication_id: int) -> Publication:
    row = connection.execute(table.select().where(table.c.id == publication_id)).first()
    if row is None:
        raise _unknown(publication_id)
    return _publication(row)


def _values(publication: Publication) -> dict[str, Any]:
    reason = publication.reason
    return {
        **_printable({name: getattr(publication, name) for name in _FIELDS}),
        "commit_id": publication.commit,
        "counts": dict(publication.counts),
        "reason": [reason.template, _printable(reason.values)] if reason else [],
        "findings": [_printable(asdict(finding)) for finding in publication.findings],
    }


def _printable(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same with what no database takes and no page shows left out: git has subjects and names of any bytes."""
    return {name: printable(value) if isinstance(value, str) else value for name, value in values.items()}


def _publication(row: sa.Row[Any]) -> Publication:
    values = dict(row._mapping)
    values["commit"] = values.pop("commit_id")
    reason = values["reason"]
    values["reason"] = Message(reason[0], **reason[1]) if reason else None
    values["findings"] = tuple(
        Finding(**{**finding, "audiences": tuple(finding["audiences"])}) for finding in values["findings"]
    )
    return Publication(**values)


def _unknown(publication_id: int) -> PublicationUnknown:
    return PublicationUnknown(f"There is no publication {publication_id}.")
