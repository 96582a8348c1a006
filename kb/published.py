"""Which snapshots were published, in order: what a publication can be taken back to, and what may be removed.

DATA/published names them, one id a line, the oldest first. The one in use stands in DATA/current: as a rule it is the
last of them, and an earlier one after a publication was taken back. Snapshots that were only made stand nowhere.

Several builders and servers may share the folder. Who changes the order holds the lock of the file DATA/.switching.
Each server leaves a mark in DATA/servers that names what it answers from; what was published long ago is removed once
no mark of the last minutes names it, and stands in DATA/leaving until then.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kb.errors import SnapshotError, SnapshotMissing
from kb.snapshot import current_id, read_manifest, snapshots_folder, switch

#: Published snapshots kept beside the current one, so that a bad publication can be taken back; and as many of those
#: that were made and never published, since making them again takes time.
KEPT = 2
#: How long a server's mark counts, in seconds. It is renewed every minute.
MARK_COUNTS_S = 600.0


def in_use(data: Path) -> str:
    """The id of the snapshot in use; "" where nothing was published yet. Raises SnapshotDamaged."""
    try:
        return current_id(data)
    except SnapshotMissing:
        return ""


def published(data: Path) -> tuple[str, ...]:
    """The ids of what was published and can be switched to, the oldest first; empty before the first publication."""
    if not (current := in_use(data)):
        return ()
    known = _known(data)
    if known is None:  # data folders of earlier versions have no such file, and nothing in them was only made
        since = _created(snapshots_folder(data) / current)
        older = sorted((_created(folder), folder.name) for folder in _folders(data) if folder.name != current)
        known = tuple(name for created, name in older if created <= since)
    # Between the switch and the file a process may have been killed.
    known = known if current in known else (*known, current)
    return tuple(name for name in known if name == current or (snapshots_folder(data) / name).is_dir())


def after(order: tuple[str, ...], current: str, snapshot_id: str) -> tuple[str, ...]:
    """The order once a snapshot is published while `current` is in use; at most KEPT stand before it.

    What was taken back before counts as never published from here on.
    """
    kept = order[: order.index(current) + 1] if current in order else ()
    return (*(name for name in kept if name != snapshot_id), snapshot_id)[-KEPT - 1 :]


def publish(data: Path, snapshot_id: str) -> None:
    """Makes a snapshot the one in use, and removes old ones that nobody uses. Raises SnapshotError or OSError."""
    with switching(data):
        before = published(data)
        if before and current_id(data) == snapshot_id == before[-1]:
            return
        read_manifest(snapshots_folder(data) / snapshot_id)
        order = after(before, in_use(data), snapshot_id)
        switch(data, snapshot_id)
        _write(data, "published", order)
        _collect(data, order, leaving=set(before) - set(order))


def tidy(data: Path) -> None:
    """Removes all but the KEPT newest of what was never published, as a publication does. Raises OSError."""
    with switching(data):
        _collect(data, published(data), leaving=set())


def mirror(data: Path, order: tuple[str, ...], snapshot_id: str) -> None:
    """Has this folder say what another place says: which snapshot is in use, and in which order they were published.

    Snapshots of that order stay as far as they are here; others are removed as by `publish`. Raises OSError.
    """
    with switching(data):
        before = _known(data) or ()
        if in_use(data) == snapshot_id and before == order:
            return
        switch(data, snapshot_id)
        _write(data, "published", order)
        _collect(data, order, leaving=set(before) - set(order))


def mark(data: Path, server: str, snapshot_id: str) -> None:
    """Says that a server answers from a snapshot: for some minutes nobody removes it. Raises OSError."""
    folder = data / "servers"
    folder.mkdir(exist_ok=True)
    temporary = folder / f".{server}"
    temporary.write_text(f"{snapshot_id}\n", encoding="ascii")
    temporary.replace(folder / server)


@contextmanager
def switching(data: Path) -> Iterator[None]:
    """Until the end of the block nobody else changes the order. The system takes the lock from one that dies.

    Raises OSError.
    """
    with (data / ".switching").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield  # closing the file gives the lock back


def take_back(data: Path, snapshot_id: str) -> None:
    """Makes a snapshot that was published before the one in use again; a later one too. Raises SnapshotError, OSError.

    Nothing is forgotten, so that this can be taken back as well.
    """
    with switching(data):
        known = published(data)
        if snapshot_id not in known:
            can = ", ".join(known[::-1]) or "none"
            raise SnapshotMissing(f"{data} holds no published snapshot {snapshot_id!r}. There are: {can}.")
        read_manifest(snapshots_folder(data) / snapshot_id)
        _write(data, "published", known)
        switch(data, snapshot_id)


def _known(data: Path) -> tuple[str, ...] | None:
    try:
        return tuple((data / "published").read_text(encoding="ascii").split())
    except (OSError, UnicodeDecodeError):
        return None


def _write(data: Path, name: str, ids: Iterable[str]) -> None:
    temporary = data / f".{name}-{os.getpid()}"
    temporary.write_text("".join(f"{each}\n" for each in ids), encoding="ascii")
    temporary.replace(data / name)


def _collect(data: Path, keep: tuple[str, ...], leaving: set[str]) -> None:
    """Removes what left the order and no server uses, and all but the KEPT newest of what was never published."""
    used = marked(data)
    with suppress(OSError, UnicodeDecodeError):
        leaving |= set((data / "leaving").read_text(encoding="ascii").split())
    leaving = {name for name in leaving - set(keep) if (snapshots_folder(data) / name).is_dir()}
    stay = leaving & used
    if stay or (data / "leaving").exists():
        _write(data, "leaving", sorted(stay))
    candidates = [path for path in _folders(data) if path.name not in {*keep, *leaving, *used}]
    old = sorted(candidates, key=_created, reverse=True)[KEPT:]
    for path in (*old, *(snapshots_folder(data) / name for name in leaving - stay)):
        shutil.rmtree(path, ignore_errors=True)


def marked(data: Path) -> set[str]:
    """The ids of snapshots that servers answer from; marks of servers that are gone are removed."""
    used, now = set(), _now(data / "servers")
    for path in (data / "servers").glob("[!.]*"):
        try:
            if now - path.stat().st_mtime > MARK_COUNTS_S:
                path.unlink()
            else:
                used.add(path.read_text(encoding="ascii").strip())
        except (OSError, UnicodeDecodeError):
            continue
    return used


def _now(folder: Path) -> float:
    """The time of whoever dates the files of a folder: on a shared disk that is another machine, with its own clock."""
    try:
        with tempfile.TemporaryFile(dir=folder) as look:
            return os.fstat(look.fileno()).st_mtime
    except OSError:  # read-only here, or no server has left a mark yet
        return time.time()


def _folders(data: Path) -> Iterator[Path]:
    return (path for path in snapshots_folder(data).iterdir() if path.is_dir() and path.name[0] != ".")


def _created(folder: Path) -> str:
    try:
        return str(read_manifest(folder)["created"])
    except (SnapshotError, KeyError):
        return ""
