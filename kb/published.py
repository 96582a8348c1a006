"""Which snapshots were published, in order: what a publication can be taken back to, and what may be removed.

DATA/published names them, one id a line, the oldest first. The one in use stands in DATA/current: as a rule it is the
last of them, and an earlier one after a publication was taken back. Snapshots that were only made stand nowhere.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from kb.errors import SnapshotError, SnapshotMissing
from kb.snapshot import current_id, read_manifest, snapshots_folder, switch

#: Published snapshots kept beside the current one, so that a bad publication can be taken back; and as many of those
#: that were made and never published, since making them again takes time.
KEPT = 2


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


def previous(data: Path) -> str:
    """The id of the snapshot that was in use before the current one; "" where there is none any more."""
    known = published(data)
    place = known.index(current_id(data)) if known else 0
    return known[place - 1] if place else ""


def taken_back(data: Path) -> tuple[str, ...]:
    """The ids of what was published after the snapshot in use, the oldest first: it was in use, and was taken back."""
    known = published(data)
    return known[known.index(current_id(data)) + 1 :] if known else ()


def publish(data: Path, snapshot_id: str) -> None:
    """Makes a snapshot the one in use, and removes old ones. Raises SnapshotError or OSError.

    What was taken back before counts as never published from here on.
    """
    before = published(data)
    if before and current_id(data) == snapshot_id == before[-1]:
        return
    read_manifest(snapshots_folder(data) / snapshot_id)
    kept = before[: before.index(current_id(data)) + 1] if before else ()
    order = (*(name for name in kept if name != snapshot_id), snapshot_id)
    switch(data, snapshot_id)
    _write(data, order[-KEPT - 1 :])
    for name in order[: -KEPT - 1]:
        shutil.rmtree(snapshots_folder(data) / name, ignore_errors=True)
    _remove_candidates(data, order)


def take_back(data: Path, snapshot_id: str) -> None:
    """Makes a snapshot that was published before the one in use again; a later one too. Raises SnapshotError, OSError.

    Nothing is forgotten, so that this can be taken back as well.
    """
    known = published(data)
    if snapshot_id not in known:
        can = ", ".join(known[::-1]) or "none"
        raise SnapshotMissing(f"{data} holds no published snapshot {snapshot_id!r}. There are: {can}.")
    read_manifest(snapshots_folder(data) / snapshot_id)
    _write(data, known)
    switch(data, snapshot_id)


def _known(data: Path) -> tuple[str, ...] | None:
    try:
        return tuple((data / "published").read_text(encoding="ascii").split())
    except (OSError, UnicodeDecodeError):
        return None


def _write(data: Path, order: tuple[str, ...]) -> None:
    temporary = data / f".published-{os.getpid()}"
    temporary.write_text("".join(f"{name}\n" for name in order), encoding="ascii")
    temporary.replace(data / "published")


def _remove_candidates(data: Path, keep: tuple[str, ...]) -> None:
    """Removes all but the KEPT newest of those that were made and never published."""
    others = sorted((path for path in _folders(data) if path.name not in keep), key=_created, reverse=True)
    for path in others[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


def _folders(data: Path) -> Iterator[Path]:
    return (path for path in snapshots_folder(data).iterdir() if path.is_dir() and path.name[0] != ".")


def _created(folder: Path) -> str:
    try:
        return str(read_manifest(folder)["created"])
    except (SnapshotError, KeyError):
        return ""
