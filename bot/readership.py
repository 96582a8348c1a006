"""How often articles are read: counted in memory, written every few seconds, so that no page view waits for a disk."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from bot.database import insert, reachable
from bot.errors import StoreUnavailable
from bot.tables import article_reads

_log = logging.getLogger(__name__)

#: What "most read" looks back on.
PERIOD = timedelta(days=30)
#: Fewer reads, or fewer articles read so often, say nothing about what people look for.
LEAST_READS, LEAST_ARTICLES = 5, 3
_WRITE_EVERY = timedelta(seconds=10)
#: Other servers write too; what they counted shows after this time.
_READ_EVERY = timedelta(minutes=1)
#: More articles than a page lists: some may be gone, or not public any more.
_KEPT = 50


class ReadStore(Protocol):
    """Keeps how often each article was read on each day. Both methods may raise StoreUnavailable."""

    def add(self, reads: Mapping[tuple[str, date], int]) -> None:
        """Adds numbers of reads by (article id, day)."""
        ...

    def most_read(self, since: date, limit: int) -> Sequence[tuple[str, int]]:
        """(article id, reads) since a day, that day included; the most read first, of equal ones the first by id."""
        ...


class MemoryReadStore:
    """A fake for tests and for trying things out."""

    def __init__(self) -> None:
        self._reads: Counter[tuple[str, date]] = Counter()

    def add(self, reads: Mapping[tuple[str, date], int]) -> None:
        self._reads.update(reads)

    def most_read(self, since: date, limit: int) -> Sequence[tuple[str, int]]:
        counts: Counter[str] = Counter()
        for (article, day), reads in self._reads.items():
            if day >= since:
                counts[article] += reads
        return sorted(counts.items(), key=lambda row: (-row[1], row[0]))[:limit]


class SqlReadStore:
    """Reads in a SQL database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, reads: Mapping[tuple[str, date], int]) -> None:
        if not reads:
            return
        # In one order everywhere, so that two servers never wait for each other's rows.
        rows = [{"article_id": key[0], "day": key[1], "reads": count} for key, count in sorted(reads.items())]
        with reachable("The reads could not be stored"), self._engine.begin() as connection:
            new = insert(connection, article_reads)
            more = {"reads": article_reads.c.reads + new.excluded.reads}
            connection.execute(new.on_conflict_do_update(index_elements=["day", "article_id"], set_=more), rows)

    def most_read(self, since: date, limit: int) -> Sequence[tuple[str, int]]:
        total = sa.func.sum(article_reads.c.reads)
        query = (
            sa.select(article_reads.c.article_id, total)
            .where(article_reads.c.day >= since)
            .group_by(article_reads.c.article_id)
            .order_by(total.desc(), article_reads.c.article_id)
            .limit(limit)
        )
        with reachable("The reads could not be read"), self._engine.connect() as connection:
            return [(article, int(reads)) for article, reads in connection.execute(query)]


class Readership:
    """What one server counted and has not written yet, and what is read most by all.

    `refresh` is to be called every few seconds, `flush` when the server stops.
    """

    def __init__(self, store: ReadStore, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now
        self._lock = threading.Lock()
        self._waiting: Counter[tuple[str, date]] = Counter()
        self._written = self._read = now() - _READ_EVERY
        self._most_read: tuple[str, ...] = ()
        self._fails = False

    def count(self, article_id: str) -> None:
        """Somebody reads an article. Writes nothing."""
        with self._lock:
            self._waiting[article_id, self._now().date()] += 1

    @property
    def most_read(self) -> tuple[str, ...]:
        """Ids of the articles read most in the last 30 days, the first one most; empty while few were read."""
        return self._most_read

    def refresh(self) -> None:
        """Writes and looks anew, where it is time to."""
        now = self._now()
        # A clock that was ahead and is put right must not have it rest for as long as it was ahead.
        if abs(now - self._written) >= _WRITE_EVERY:
            self._written = now
            self.flush()
        if abs(now - self._read) >= _READ_EVERY:
            self._read = now
            self._look(now)

    def flush(self) -> None:
        """Writes what was counted; where the database does not answer, it is kept for the next time."""
        with self._lock:
            taken, self._waiting = self._waiting, Counter()
        try:
            self._store.add(taken)
        except StoreUnavailable as error:
            with self._lock:
                self._waiting.update(taken)
            self._tell(error)
        else:
            self._fails = False

    def _look(self, now: datetime) -> None:
        try:
            rows = self._store.most_read((now - PERIOD).date(), _KEPT)
        except StoreUnavailable as error:
            self._tell(error)
            return
        often = tuple(article for article, reads in rows if reads >= LEAST_READS)
        self._most_read = often if len(often) >= LEAST_ARTICLES else ()

    def _tell(self, error: StoreUnavailable) -> None:
        if not self._fails:
            _log.error("reads wait to be written: %s", error)
        self._fails = True
