"""Folders in which something is made before it is renamed to its final name."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder in `parent` that is removed at the end, whatever happens.

    It stands beside what is made in it, so that a rename is enough. Folders of this prefix that killed processes left
    are removed first; those of running ones carry the id of a living process and stay. Raises OSError.
    """
    for path in parent.glob(f"{prefix}*"):
        if not _alive(path.name.removeprefix(prefix).split("-")[0]):
            shutil.rmtree(path, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f"{prefix}{os.getpid()}-") as folder:
        yield Path(folder)


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
