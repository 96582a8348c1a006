"""Folders in which something is made before it is renamed to its final name."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: The folder may be shared with other machines, whose processes cannot be looked for here. No build takes so long.
_FOREIGN_S = 86_400


@contextmanager
def scratch(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder in `parent` that is removed at the end, whatever happens.

    It stands beside what is made in it, so that a rename is enough. Folders of this prefix that killed processes left
    are removed first; those of running ones carry the id of a living process and stay, those of other machines for a
    day. Raises OSError.
    """
    for path in parent.glob(f"{prefix}*"):
        if _left(path, path.name.removeprefix(prefix).split("-")):
            shutil.rmtree(path, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f"{prefix}{os.getpid()}-{_here()}-") as folder:
        yield Path(folder)


def _here() -> str:
    """Stands for this machine, or this container: two of them may have processes of the same id."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _left(path: Path, name: list[str]) -> bool:
    """Whether nobody works in a folder that is named by process, machine and chance."""
    if len(name) == 3 and name[1] != _here():
        try:
            return time.time() - path.stat().st_mtime > _FOREIGN_S
        except OSError:
            return False
    return not _alive(name[0])


def _alive(pid: str) -> bool:
    """Whether a process runs; what is no process id belongs to none."""
    if not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
