"""One publication at a time, over all processes that share a data folder or a PostgreSQL database."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from bot.database import reachable
from bot.patience import unlimited
from kb.errors import DataFolderError

_FILE = ".publishing"
#: A key of PostgreSQL's advisory locks.
_KEY = 4_158_210_033


class Lock(Protocol):
    """Whether this process may publish until the end of a block. With `wait` it is never False."""

    def __call__(self, *, wait: bool) -> AbstractContextManager[bool]: ...


@contextmanager
def locked(data: Path, *, wait: bool) -> Iterator[bool]:
    """Whether this process may publish until the end of the block. The system takes the lock back from one that dies.

    With `wait` it is never False. Raises DataFolderError.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        file = (data / _FILE).open("ab")
    except OSError as error:
        raise DataFolderError(f"{error.filename or data} cannot be written: {error.strerror}.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True  # closing the file gives the lock back


@contextmanager
def locked_in_database(engine: sa.Engine, *, wait: bool) -> Iterator[bool]:
    """The same over all processes that share a PostgreSQL database, which takes the lock back with the connection.

    Raises StoreUnavailable.
    """
    words = "SELECT pg_advisory_lock(:key) IS NOT NULL" if wait else "SELECT pg_try_advisory_lock(:key)"
    with reachable("Whether it may publish could not be asked"):
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        with unlimited() if wait else nullcontext(), reachable("Whether it may publish could not be asked"):
            free = bool(connection.execute(sa.text(words), {"key": _KEY}).scalar())
        yield free
    finally:
        # Closed, not handed back to the pool: with the session ends whatever it holds.
        connection.invalidate()
        connection.close()
