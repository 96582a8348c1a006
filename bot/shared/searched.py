"""Vectors that are searched in the database, and in the snapshot's own file while that does not answer."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bot.errors import StoreUnavailable
from bot.shared.vectors import Generations
from kb.embedding import Vectors
from kb.errors import SnapshotMissing
from kb.place import Place
from kb.quantised import open_store
from kb.snapshot import Snapshot, open_snapshot, snapshots_folder
from kb.vectors import Rows, VectorStore

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

#: How long the file is searched before the database is asked again, in seconds.
_REST_S = 10.0


class SearchedVectors:
    """One `VectorStore` out of two with the same rows: `shared` in a database, and one that `open_file` opens.

    Whoever asks gets an answer either way. The file is in memory only while it is needed.
    """

    def __init__(
        self, shared: VectorStore, open_file: Callable[[], VectorStore], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._shared, self._open_file, self._clock = shared, open_file, clock
        self._file: VectorStore | None = None
        self._again = 0.0
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        return self._shared.size

    @property
    def dimension(self) -> int:
        return self._shared.dimension

    def search(self, queries: Vectors, k: int, allowed: Rows | None = None) -> tuple[Vectors, Rows]:
        return self._either(lambda store: store.search(queries, k, allowed))

    def score(self, queries: Vectors, rows: Rows) -> Vectors:
        return self._either(lambda store: store.score(queries, rows))

    def rows(self, rows: Rows) -> Vectors:
        return self._either(lambda store: store.rows(rows))

    def _either(self, ask: Callable[[VectorStore], _T]) -> _T:
        if self._clock() >= self._again:
            try:
                found = ask(self._shared)
            except StoreUnavailable as error:
                if self._file is None:
                    _log.error("vectors are searched in the snapshot's file: %s", error)
                self._again = self._clock() + _REST_S
            else:
                if self._file is not None:
                    _log.info("vectors are searched in the database again")
                    self._file = None
                return found
        return ask(self._in_file())

    def _in_file(self) -> VectorStore:
        with self._lock:
            store = self._file = self._file or self._open_file()
            return store


def open_searched(generations: Generations, folder: Path) -> Snapshot:
    """As kb.snapshot.open_snapshot, with vectors that the database searches.

    Where it does not answer they are searched in their files until the snapshot is opened again. Raises SnapshotMissing
    where it has none of this snapshot.
    """

    def vectors(file: Path, snapshot_id: str, sha256: str) -> VectorStore:
        found = generations.open(snapshot_id, sha256)
        if found is None:
            raise SnapshotMissing(
                f"The database has no vectors of snapshot {snapshot_id}. Index the articles again with "
                "vectors = 'pgvector' and the same database_url."
            )
        return SearchedVectors(found, lambda: open_store(file))

    try:
        return open_snapshot(folder, vectors)
    except StoreUnavailable as error:
        _log.error("vectors are searched in the snapshot's files: %s", error)
        return open_snapshot(folder)


class SearchedPlace:
    """Another place, whose snapshots have their vectors in the database before they are in use.

    `data` is the folder they are built in.
    """

    def __init__(self, place: Place, generations: Generations, data: Path) -> None:
        self._place, self._generations, self._data = place, generations, data

    def wanted(self) -> tuple[str, int]:
        return self._place.wanted()

    def published(self) -> tuple[str, ...]:
        return self._place.published()

    def publish(self, snapshot_id: str) -> None:
        self._generations.write(snapshots_folder(self._data) / snapshot_id)
        self._place.publish(snapshot_id)
        self._generations.collect(self._place.kept())

    def take_back(self, snapshot_id: str) -> None:
        self._generations.write(self._place.fetch(snapshot_id))  # published without vectors in the database, maybe
        self._place.take_back(snapshot_id)

    def kept(self) -> frozenset[str]:
        return self._place.kept()

    def fetch(self, snapshot_id: str) -> Path:
        return self._place.fetch(snapshot_id)

    def uses(self, snapshot_id: str) -> None:
        self._place.uses(snapshot_id)
