"""What time it is, for servers that share a database: leases, marks and dates of one are compared by another."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bot.database import reachable
from bot.errors import StoreUnavailable

_log = logging.getLogger(__name__)

#: How often the database is asked, in seconds: a machine that slept has no other way to know.
_LOOK_EVERY_S = 10.0
#: An answer that took longer, in seconds, says too little of when it was given.
_TOO_SLOW_S = 1.0
#: What is worth a line in the log, in seconds.
_APART_S = 5.0


def _here() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Look:
    """What time it was where `seconds` stood."""

    at: datetime
    seconds: float


class SharedClock:
    """The time that PostgreSQL has; called, it says it without asking: it goes on from the last look.

    `seconds` counts evenly, so that no jump of this machine's clock moves it. SQLite has the clock of this machine,
    `here`, which counts too until the database has first answered.
    """

    def __init__(
        self,
        engine: sa.Engine,
        here: Callable[[], datetime] = _here,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine, self._here, self._seconds = engine, here, seconds
        self._last: _Look | None = None
        self._apart = 0.0

    def __call__(self) -> datetime:
        last = self._last
        return last.at + timedelta(seconds=self._seconds() - last.seconds) if last else self._here()

    def refresh(self) -> None:
        """To be called every few seconds: asks the database now and then. Raises StoreUnavailable."""
        if self._engine.dialect.name != "postgresql":
            return
        began = self._seconds()
        if self._last and began < self._last.seconds + _LOOK_EVERY_S:
            return
        with reachable("The database was not asked for the time"), self._engine.connect() as connection:
            asked = self._seconds()
            at = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one().astimezone(UTC)
        took = self._seconds() - asked
        if took <= _TOO_SLOW_S or self._last is None:
            self._last = _Look(at, asked + took / 2)
            self._tell((self._here() - self()).total_seconds())

    def _tell(self, apart: float) -> None:
        if abs(apart) > _APART_S and abs(apart - self._apart) > _APART_S:
            way = "ahead of" if apart > 0 else "behind"
            _log.warning("this machine's clock is %.0f s %s the database's, which counts", abs(apart), way)
        self._apart = apart


def shared_clock(engine: sa.Engine) -> SharedClock:
    """One that has looked, if the database answers."""
    clock = SharedClock(engine)
    with suppress(StoreUnavailable):
        clock.refresh()
    return clock
