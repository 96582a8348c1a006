"""Holds the snapshot in use and takes up a newer one while questions are being answered."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from kb.errors import KbError
from kb.search import Query, Searcher
from kb.snapshot import Snapshot, current_id, open_current, snapshots_folder

_log = logging.getLogger(__name__)


class Library:
    """Opens the current snapshot of a data folder; `searcher` always is a whole, verified one.

    `open_snapshot` is a seam for tests. Raises a SnapshotError from the constructor where there is none to begin with.
    """

    def __init__(self, data: Path, open_snapshot: Callable[[Path], Snapshot] = open_current) -> None:
        self._data, self._open = data, open_snapshot
        self._lock = threading.Lock()
        self._refused: tuple[str, int] | None = None
        self.searcher = self._load()

    def _load(self) -> Searcher:
        searcher = Searcher(self._open(self._data))
        searcher.rank(Query("warm up"))  # the first question pays for allocations; let it be this one
        return searcher

    def refresh(self) -> bool:
        """Takes up the current snapshot if it is another one; returns whether it did.

        A snapshot that is damaged or foreign is logged once and refused: the one in use stays.
        """
        with self._lock:
            wanted = "", 0
            try:
                wanted = self._wanted()
                if wanted[0] == self.searcher.snapshot.id or wanted == self._refused:
                    return False
                self.searcher = self._load()
            except KbError as error:
                if wanted != self._refused:
                    in_use = self.searcher.snapshot.id
                    _log.error("snapshot %s is refused, %s stays in use: %s", wanted[0], in_use, error)
                self._refused = wanted
                return False
            self._refused = None
            _log.info("snapshot %s is in use", wanted[0])
            return True

    def _wanted(self) -> tuple[str, int]:
        """The current snapshot's id and when it was written: built anew, a refused one is tried again."""
        snapshot_id = current_id(self._data)
        try:
            return snapshot_id, (snapshots_folder(self._data) / snapshot_id).stat().st_mtime_ns
        except OSError:
            return snapshot_id, 0
