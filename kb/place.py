"""The `Place` seam: where published snapshots are kept, for all who build and all who serve."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from kb import published
from kb.errors import SnapshotMissing
from kb.snapshot import current_id, snapshots_folder

#: How often a server says which snapshot it answers from, in seconds; published.MARK_COUNTS_S is ten times as long.
MARK_EVERY_S = 60.0


class Place(Protocol):
    """Keeps published snapshots in order. A method that cannot do it raises SnapshotError, OSError or, where a database
    is asked, StoreUnavailable; what was in use stays in use then."""

    def wanted(self) -> tuple[str, int]:
        """The id of the snapshot in use, and a number that is another one once it was written again.

        Raises SnapshotMissing where nothing was published yet.
        """
        ...

    def published(self) -> tuple[str, ...]:
        """The ids of what was published and can be switched to, the oldest first."""
        ...

    def publish(self, snapshot_id: str) -> None:
        """Makes a snapshot of the data folder the one in use, and removes old ones that nobody uses."""
        ...

    def take_back(self, snapshot_id: str) -> None:
        """Makes one that was published before the one in use again; nothing is forgotten. Raises SnapshotMissing."""
        ...

    def kept(self) -> frozenset[str]:
        """The ids of what was published and of what servers still answer from."""
        ...

    def fetch(self, snapshot_id: str) -> Path:
        """The folder of a published snapshot on this machine, brought here where it was not."""
        ...

    def uses(self, snapshot_id: str) -> None:
        """A server says that it answers from a snapshot; to be called every few seconds. Never raises."""
        ...


class FolderPlace:
    """The data folder itself, which may be shared. `server` names who uses it: no two have the same name."""

    def __init__(self, data: Path, server: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._data, self._server, self._clock = data, server, clock
        self._marked: tuple[str, float] | None = None

    def wanted(self) -> tuple[str, int]:
        snapshot_id = current_id(self._data)
        try:
            return snapshot_id, self.fetch(snapshot_id).stat().st_mtime_ns
        except OSError:
            return snapshot_id, 0

    def published(self) -> tuple[str, ...]:
        return published.published(self._data)

    def publish(self, snapshot_id: str) -> None:
        published.publish(self._data, snapshot_id)

    def take_back(self, snapshot_id: str) -> None:
        published.take_back(self._data, snapshot_id)

    def kept(self) -> frozenset[str]:
        return frozenset(published.published(self._data)) | published.marked(self._data)

    def fetch(self, snapshot_id: str) -> Path:
        return snapshots_folder(self._data) / snapshot_id

    def uses(self, snapshot_id: str) -> None:
        if not self._server or not due(self._marked, snapshot_id, self._clock()):
            return
        with suppress(OSError):  # a folder that is read-only here is written by somebody who sees no mark of ours
            published.mark(self._data, self._server, snapshot_id)
        self._marked = snapshot_id, self._clock()


def due(said: tuple[str, float] | None, snapshot_id: str, now: float) -> bool:
    """Whether a server has to say again what it uses, which it `said` at a time in seconds."""
    return said is None or said[0] != snapshot_id or now - said[1] >= MARK_EVERY_S


def in_use(place: Place) -> str:
    """The id of the snapshot in use; "" where nothing was published yet."""
    try:
        return place.wanted()[0]
    except SnapshotMissing:
        return ""


def previous(place: Place) -> str:
    """The id of the snapshot that was in use before the current one; "" where there is none any more."""
    known, current = place.published(), in_use(place)
    number = known.index(current) if current in known else 0
    return known[number - 1] if number else ""


def taken_back(place: Place) -> tuple[str, ...]:
    """The ids of what was published after the snapshot in use, the oldest first: it was in use, and was taken back."""
    known, current = place.published(), in_use(place)
    return known[known.index(current) + 1 :] if current in known else ()
