"""One publication at a time over all processes that share a data folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kb.errors import DataFolderError

_FILE = ".publishing"


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
