"""The `VectorStore` seam and its FAISS implementation: exact cosine over unit rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from kb.embedding import Vectors
from kb.errors import SnapshotDamaged

Rows = NDArray[np.int64]

# One thread a search: many questions at once fill the cores, and starting threads costs more than it saves.
faiss.omp_set_num_threads(1)


class VectorStore(Protocol):
    """Rows of unit vectors. A score is a cosine: higher is better, at most 1."""

    @property
    def size(self) -> int: ...

    @property
    def dimension(self) -> int: ...

    def search(self, queries: Vectors, k: int, allowed: Rows | None = None) -> tuple[Vectors, Rows]:
        """The best `k` rows of each query: (scores, rows), both of shape (len(queries), k'), best first.

        k' is `k`, or fewer where there are fewer rows. Only rows in `allowed` are found, if given.
        """
        ...

    def score(self, queries: Vectors, rows: Rows) -> Vectors:
        """float32 of shape (len(queries), len(rows)): the exact cosine of each query with each of `rows`."""
        ...

    def rows(self, rows: Rows) -> Vectors:
        """float32 of shape (len(rows), dimension): a copy of some vectors."""
        ...


class FaissStore:
    """Exact search in memory (IndexFlatIP): a query over 20,000 rows of 384 takes some milliseconds on one core."""

    def __init__(self, index: Any) -> None:
        self._index = index  # keeps the memory alive that _vectors looks into
        self._vectors: Vectors = faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d).reshape(-1, index.d)

    @classmethod
    def of(cls, vectors: Vectors) -> FaissStore:
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, np.float32))
        return cls(index)

    @classmethod
    def open(cls, path: Path) -> FaissStore:
        """Raises SnapshotDamaged where the file is no FAISS index of this kind."""
        try:
            index = faiss.read_index(str(path))
        except RuntimeError as error:
            raise SnapshotDamaged(f"{path} is no FAISS index: {error}. Build the snapshot again.") from error
        if not isinstance(index, faiss.IndexFlatIP):
            raise SnapshotDamaged(f"{path} holds a {type(index).__name__}, expected an IndexFlatIP. Build it again.")
        return cls(index)

    def save(self, path: Path) -> None:
        faiss.write_index(self._index, str(path))

    @property
    def size(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        return int(self._index.d)

    def search(self, queries: Vectors, k: int, allowed: Rows | None = None) -> tuple[Vectors, Rows]:
        k = min(k, self.size if allowed is None else len(allowed))
        if k == 0:
            return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
        # OpenMP keeps its number of threads for each thread, and a server answers in many. With two, which wait for
        # each other, a search of 23,030 vectors took 7.6 ms of each core instead of 2.0 of one.
        faiss.omp_set_num_threads(1)
        options = {}
        if allowed is not None:
            options["params"] = faiss.SearchParameters(sel=faiss.IDSelectorBatch(allowed))  # type: ignore[call-arg]
        scores, rows = self._index.search(queries, k, **options)
        return scores, rows

    def score(self, queries: Vectors, rows: Rows) -> Vectors:
        product: Vectors = queries @ self._vectors[rows].T
        return product

    def rows(self, rows: Rows) -> Vectors:
        return self._vectors[rows]


class ArrayStore:
    """A fake of few lines for tests: the same contract by one matrix product."""

    def __init__(self, vectors: Sequence[Sequence[float]] | Vectors) -> None:
        self._vectors = np.asarray(vectors, np.float32)

    @property
    def size(self) -> int:
        return int(self._vectors.shape[0])

    @property
    def dimension(self) -> int:
        return int(self._vectors.shape[1])

    def search(self, queries: Vectors, k: int, allowed: Rows | None = None) -> tuple[Vectors, Rows]:
        rows = np.arange(self.size) if allowed is None else allowed
        scores = queries @ self._vectors[rows].T
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(scores, best, 1).astype(np.float32), rows[best].astype(np.int64)

    def score(self, queries: Vectors, rows: Rows) -> Vectors:
        product: Vectors = queries @ self._vectors[rows].T
        return product

    def rows(self, rows: Rows) -> Vectors:
        return self._vectors[rows]
