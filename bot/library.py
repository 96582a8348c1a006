"""Holds the snapshot in use and takes up a newer one while questions are being answered."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from kb.errors import KbError
from kb.search import Query, Searcher
from kb.snapshot import Snapshot, current_id, open_current

_log = logging.getLogger(__name__)


class Library:
    """Opens the current snapshot of a data folder; `searcher` always is a whole, verified one.

    `open_snapshot` is a seam for tests. Raises a SnapshotError from the constructor where there is none to begin with.
    """

    def __init__(self, data: Path, open_snapshot: Callable[[Path], Snapshot] = open_current) -> None:
        self._data, self._open = data, open_snapshot
        self._lock = threading.Lock()
        self._refused = ""
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
            wanted = ""
            try:
                wanted = current_id(self._data)
                if wanted in (self.searcher.snapshot.id, self._refused):
                    return False
                self.searcher = self._load()
            except KbError as error:
                self._refused = wanted
                _log.error("snapshot %s is refused, %s stays in use: %s", wanted, self.searcher.snapshot.id, error)
                return False
            self._refused = ""
            _log.info("snapshot %s is in use", wanted)
            return True
