"""Holds the snapshot in use and takes up newer articles and learned questions while questions are being answered."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bot.errors import StoreUnavailable
from bot.learning import LearningStore
from kb.errors import KbError
from kb.learned import LearnedQuestion
from kb.models import PUBLIC
from kb.published import published
from kb.search import Query, Searcher
from kb.snapshot import Snapshot, current_id, open_current, open_snapshot, snapshots_folder
from kb.vector_cache import cache_file

_log = logging.getLogger(__name__)


class Library:
    """Opens the current snapshot of a data folder; `searcher` always is a whole, verified one.

    `learning` has the questions the searcher learned. `open_snapshot` is a seam for tests. Raises a SnapshotError from
    the constructor where there is no snapshot to begin with.
    """

    def __init__(
        self,
        data: Path,
        learning: LearningStore | None = None,
        open_snapshot: Callable[[Path], Snapshot] = open_current,
    ) -> None:
        self._data, self._learning, self._open = data, learning, open_snapshot
        self._lock = threading.Lock()
        self._refused: tuple[str, int] | None = None
        self._revision: int | None = None
        self._learned: tuple[LearnedQuestion, ...] = ()
        self._store_fails = False
        self._hear_of_learned()
        self.searcher = self._begin()

    def _begin(self) -> Searcher:
        """The snapshot in use or, where that one is damaged, the last published before it that can be used."""
        try:
            return self._load()
        except KbError as error:
            wanted = self._wanted()
            order = published(self._data)
            for earlier in reversed(order[: order.index(wanted[0])] if wanted[0] in order else order):
                with suppress(KbError):
                    searcher = self._searcher_of(open_snapshot(snapshots_folder(self._data) / earlier))
                    _log.error("snapshot %s is refused, %s is in use: %s", wanted[0], earlier, error)
                    self._refused = wanted
                    return searcher
            raise

    def _load(self) -> Searcher:
        return self._searcher_of(self._open(self._data))

    def _searcher_of(self, snapshot: Snapshot) -> Searcher:
        searcher = Searcher(snapshot)
        if self._learned:
            searcher = searcher.with_learned(self._learned, cache_file(self._data))
        searcher.rank(Query("warm up"))  # the first question pays for allocations; let it be this one
        searcher.typeahead(frozenset({PUBLIC}))
        return searcher

    def refresh(self) -> bool:
        """Takes up the current snapshot and what is learned, if either changed; returns whether it did.

        A snapshot that is damaged or foreign is logged once and refused: the one in use stays. Where the database
        does not answer, what was learned before stays.
        """
        with self._lock:
            learned_more = self._hear_of_learned()
            if self._take_up_snapshot():
                return True
            if learned_more:
                self.searcher = self.searcher.with_learned(self._learned, cache_file(self._data))
            return learned_more

    def _hear_of_learned(self) -> bool:
        """Reads the learned questions where they changed; returns whether they did."""
        if self._learning is None:
            return False
        try:
            revision = self._learning.revision()
            if revision == self._revision:
                return False
            self._learned, self._revision = self._learning.active(), revision
        except StoreUnavailable as error:
            if not self._store_fails:
                _log.error("what was learned stays as it is: %s", error)
            self._store_fails = True
            return False
        self._store_fails = False
        return True

    def _take_up_snapshot(self) -> bool:
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
