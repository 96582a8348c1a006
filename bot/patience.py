"""How long anybody waits for the database: a limit on every wait, and a breaker that stops waiting where it is in vain.

A database that is gone refuses at once. One that hangs (stopped, its disk or the network stuck) keeps its connections
open and says nothing: every request would wait with it, and soon all threads of the server. So no wait lasts longer
than LONGEST_S, none of a question longer than HURRIED_S; and once a wait was in vain, a thread looks whether the
database answers at all. While it does not, everybody is told at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

_log = logging.getLogger(__name__)
#: What pools say of each connection; SQLAlchemy keeps its own to warnings, and does not know of ours.
logging.getLogger(f"{__name__}.PatientPool").setLevel(logging.WARNING)

#: The longest that one statement may take, in seconds; migrations have no limit.
LONGEST_S = 15.0
#: What a person who asks something may lose to a database that hangs, in seconds.
HURRIED_S = 0.3
#: How long a look whether the database answers may take, and the pause between two, in seconds.
_LOOK_S = 2.0
_PAUSE_S = 0.5

_until: ContextVar[float | None] = ContextVar("_until", default=None)
_unlimited: ContextVar[bool] = ContextVar("_unlimited", default=False)


@contextmanager
def hurried(seconds: float = HURRIED_S) -> Iterator[None]:
    """Has the database be waited for no longer than so many seconds in all, within the block."""
    earlier, until = _until.get(), time.monotonic() + seconds
    token = _until.set(until if earlier is None else min(earlier, until))
    try:
        yield
    finally:
        _until.reset(token)


@contextmanager
def unlimited() -> Iterator[None]:
    """Has the database take as long as it needs, within the block: for migrations."""
    token = _unlimited.set(True)
    try:
        yield
    finally:
        _unlimited.reset(token)


def left(longest_s: float = LONGEST_S) -> float | None:
    """How many seconds the next wait may last, `longest_s` at most; None for as long as it takes."""
    if _unlimited.get():
        return None
    until = _until.get()
    return longest_s if until is None else min(longest_s, max(0.0, until - time.monotonic()))


class PatientPool(sa.QueuePool):
    """Connections of an engine; whoever is in a hurry waits for a free one no longer than for the database itself.

    `timeout`, in seconds, is for all others, migrations among them.
    """

    @property
    def _timeout(self) -> float:  # asked for by QueuePool each time somebody has to wait
        until_left = left(self._longest_s)
        return self._longest_s if until_left is None else until_left

    @_timeout.setter
    def _timeout(self, longest_s: float) -> None:
        self._longest_s = longest_s


class Breaker:
    """Knows whether it makes sense to wait. `look` asks the database and raises where it does not answer."""

    def __init__(self, look: Callable[[], None], pause_s: float = _PAUSE_S) -> None:
        self._look, self._pause_s = look, pause_s
        self._lock = threading.Lock()
        self._looker: threading.Thread | None = None
        self._hangs = threading.Event()

    @property
    def open(self) -> bool:
        """Whether the database is known to hang: then nobody waits for it but who looks."""
        return self._hangs.is_set() and threading.current_thread() is not self._looker

    def suspect(self) -> None:
        """A wait was in vain: a thread looks until the database answers."""
        with self._lock:
            if self._looker is None:
                self._looker = threading.Thread(target=self._look_on, name="breaker", daemon=True)
                self._looker.start()

    def _look_on(self) -> None:
        while not self._answers():
            if not self._hangs.is_set():
                _log.error("the database hangs; nobody waits for it until it answers")
            self._hangs.set()
            time.sleep(self._pause_s)
        if self._hangs.is_set():
            _log.warning("the database answers again")
        with self._lock:
            self._hangs.clear()
            self._looker = None

    def _answers(self) -> bool:
        try:
            with hurried(_LOOK_S):
                self._look()
        except Exception:
            return False
        return True


def watch(engine: sa.Engine, longest_s: float = LONGEST_S) -> Breaker:
    """Has no wait for this PostgreSQL last longer than so many seconds; the breaker that says whether it hangs."""
    import psycopg

    # Not one of the engine's: where all of them are in use, the database need not hang.
    looking = sa.create_engine(engine.url, poolclass=sa.NullPool, connect_args={"connect_timeout": 2})

    def look() -> None:
        with looking.connect() as connection:
            connection.execute(sa.text("SELECT 1"))

    breaker = Breaker(look)

    class Connection(psycopg.Connection[Any]):
        """One whose waits have an end. All that psycopg waits for goes through `wait`, but the opening."""

        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            if breaker.open:
                self.pgconn.finish()
                raise psycopg.OperationalError("it hangs")
            limit = left(longest_s) if timeout is None else timeout
            began = time.monotonic()
            try:
                return super().wait(gen, interval=interval, timeout=limit)
            except psycopg.OperationalError as error:
                if timeout is None and limit is not None and time.monotonic() - began >= limit:
                    # What it was at may be done or not; the connection is of no use any more.
                    self.pgconn.finish()
                    breaker.suspect()
                    raise psycopg.OperationalError(f"no answer within {limit:.1f} s") from error
                raise

    @event.listens_for(looking, "do_connect")
    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, words: Any, options: dict[str, Any]) -> Any:
        if breaker.open:
            raise psycopg.OperationalError("it hangs")
        if left(longest_s) == 0:
            raise psycopg.OperationalError("no answer in time")
        opening: Future[Any] = Future()
        # libpq waits for at least two seconds, which is longer than who is in a hurry can bear.
        threading.Thread(target=_open, args=(opening, words, options), name="connecting", daemon=True).start()
        try:
            return opening.result(left(longest_s))
        except (TimeoutError, psycopg.errors.ConnectionTimeout) as error:
            opening.add_done_callback(_close)
            breaker.suspect()
            raise psycopg.OperationalError("no answer in time") from error

    def _open(opening: Future[Any], words: Any, options: dict[str, Any]) -> None:
        try:
            opening.set_result(Connection.connect(*words, **options))
        except BaseException as error:
            opening.set_exception(error)

    def _close(opening: Future[Any]) -> None:
        """One that comes when nobody waits for it any more."""
        if opening.exception() is None:
            opening.result().close()

    return breaker
