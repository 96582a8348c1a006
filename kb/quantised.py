"""A `VectorStore` for many rows: inverted lists of 8-bit vectors find candidates, the vectors themselves order them.

Jégou, Douze & Schmid, "Product Quantization for Nearest Neighbor Search" (2011) for the lists. A row takes a quarter of
the memory of the exact index, and a search looks at some lists in place of all rows. How many is measured when the
index is made, and stands in it.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from kb import arrays
from kb.embedding import Vectors
from kb.errors import SnapshotDamaged
from kb.vectors import FaissStore, Rows, VectorStore

EXACT_FILE = "vectors.arrays"
#: Of ten nearest rows, so many are found of what an exact search finds, on rows that were not trained on.
RECALL = 0.99
_RECALL_AT = 10
#: Questions lie farther from passages than passages from each other, so more lists hold what is near to them: with the
#: number that found .99 of what is near to rows, of 100,000, .976 was found of what is near to 400 short questions.
_MARGIN = 2
_ASKED = 256
_SEED = 7
#: Rows that teach one list where it lies. FAISS takes at least 39 and at most 256.
_TAUGHT_A_LIST = 48
#: So many more candidates than asked for are compared exactly: 8 bits exchange neighbours that are nearly as near.
_CANDIDATES = 1.25
#: Up to so many allowed rows are compared one by one.
_FEW = 8_192
_ROWS_AT_ONCE = 65_536
_SELECTORS = 64
#: From so many rows on an exact search of all takes too long: see docs/performance.md.
MANY = 50_000


def store_of(vectors: Vectors) -> FaissStore | QuantisedStore:
    """The store for so many rows: exact up to MANY, else quantised."""
    return FaissStore.of(vectors) if len(vectors) <= MANY else QuantisedStore.of(vectors)


def open_store(path: Path) -> FaissStore | QuantisedStore:
    """What `save` of either wrote. Raises SnapshotDamaged."""
    return QuantisedStore.open(path) if (path.parent / EXACT_FILE).is_file() else FaissStore.open(path)


class QuantisedStore:
    """Inverted lists (IVF) with a scalar quantiser of 8 bits over `vectors`, which may lie in a file."""

    def __init__(self, index: Any, vectors: Vectors) -> None:
        self._index, self._vectors = index, vectors
        self._selectors: dict[int, tuple[Rows, Any, Any]] = {}
        self._lock = threading.Lock()

    @classmethod
    def of(cls, vectors: Vectors) -> QuantisedStore:
        """Trains and fills an index, and measures how many lists a search has to look at. Deterministic."""
        count, dimension = vectors.shape
        lists = max(1, min(1 << round(np.log2(4 * np.sqrt(max(count, 1)))), count // 8))
        random = np.random.default_rng(_SEED)
        index = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(dimension),
            dimension,
            lists,
            faiss.ScalarQuantizer.QT_8bit,
            faiss.METRIC_INNER_PRODUCT,
            False,
        )
        index.cp.seed, index.cp.niter = _SEED, 10
        index.cp.min_points_per_centroid = 1
        if not count:
            return cls(index, vectors)
        taught = np.sort(random.choice(count, min(count, _TAUGHT_A_LIST * lists), replace=False))
        index.train(np.ascontiguousarray(vectors[taught]))
        for start in range(0, count, _ROWS_AT_ONCE):
            index.add(np.ascontiguousarray(vectors[start : start + _ROWS_AT_ONCE]))
        store = cls(index, vectors)
        store._choose_lists(np.sort(random.choice(count, min(_ASKED, count), replace=False)))
        return store

    def _choose_lists(self, rows: Rows) -> None:
        """The fewest lists, in powers of two, that find RECALL of the nearest rows, and as many again."""
        asked = self._vectors[rows]
        exact = nearest(self, asked, _RECALL_AT + 1)
        self._index.nprobe = 4
        while self._index.nprobe < self._index.nlist:
            _, found = self.search(asked, _RECALL_AT + 1)
            # A row is nearest to itself, and finding it is no merit.
            each = zip(exact.tolist(), found.tolist(), rows.tolist(), strict=True)
            if sum(len((set(a) & set(b)) - {row}) for a, b, row in each) >= RECALL * _RECALL_AT * len(rows):
                break
            self._index.nprobe *= 2
        self._index.nprobe = min(_MARGIN * self._index.nprobe, self._index.nlist)

    @classmethod
    def open(cls, path: Path) -> QuantisedStore:
        """What `save` wrote; neither file is read as a whole. Raises SnapshotDamaged."""
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
        except RuntimeError as error:
            raise SnapshotDamaged(f"{path} is no FAISS index: {error}. Build the snapshot again.") from error
        vectors = arrays.read(path.parent / EXACT_FILE, "vectors")["vectors"]
        if not isinstance(index, faiss.IndexIVFScalarQuantizer) or vectors.shape != (index.ntotal, index.d):
            raise SnapshotDamaged(f"{path} does not fit {EXACT_FILE} beside it. Build the snapshot again.")
        return cls(index, vectors)

    def save(self, path: Path) -> None:
        faiss.write_index(self._index, str(path))
        arrays.write(path.parent / EXACT_FILE, {"vectors": self._vectors})

    @property
    def size(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        return int(self._index.d)

    @property
    def lists(self) -> tuple[int, int]:
        """How many lists a search looks at, and how many there are."""
        return int(self._index.nprobe), int(self._index.nlist)

    def search(self, queries: Vectors, k: int, allowed: Rows | None = None) -> tuple[Vectors, Rows]:
        if allowed is not None and len(allowed) <= max(_FEW, k):
            return self._best(queries, np.broadcast_to(allowed, (len(queries), len(allowed))), min(k, len(allowed)))
        k = min(k, self.size)
        if k == 0:
            return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
        faiss.omp_set_num_threads(1)
        options = {}
        if allowed is not None:
            # Of rows that may be found a list has fewer: so many more lists are looked at.
            share = len(allowed) / self.size
            lists = min(self._index.nlist, int(np.ceil(self._index.nprobe / share)))
            options["params"] = faiss.SearchParametersIVF(sel=self._selector(allowed), nprobe=lists)  # type: ignore[call-arg]
        _, found = self._index.search(queries, min(self.size, int(k * _CANDIDATES) + 1), **options)
        return self._best(queries, found, k)

    def _best(self, queries: Vectors, found: Rows, k: int) -> tuple[Vectors, Rows]:
        """The best `k` of each query's rows by exact cosine; -1 stands for no row, and is last."""
        scores = np.full(found.shape, -2.0, np.float32)
        for number, (query, rows) in enumerate(zip(queries, found, strict=True)):
            there = rows >= 0
            scores[number, there] = self._vectors[rows[there]] @ query
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        kept = min(k, int((found >= 0).sum(axis=1).min(initial=k)))
        best = best[:, :kept]
        return np.take_along_axis(scores, best, 1), np.take_along_axis(found, best, 1).astype(np.int64)

    def _selector(self, allowed: Rows) -> Any:
        """A bit for each row; kept, since the same readers may see the same rows again and again."""
        with self._lock:
            held = self._selectors.get(id(allowed))
            if held is None:
                mask = np.zeros(self.size, bool)
                mask[allowed] = True
                bits = np.packbits(mask, bitorder="little")
                held = allowed, bits, faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]  # `allowed` is held: its id stays its own
                self._selectors[id(allowed)] = held
                if len(self._selectors) > _SELECTORS:
                    del self._selectors[next(iter(self._selectors))]
            return held[2]

    def score(self, queries: Vectors, rows: Rows) -> Vectors:
        product: Vectors = queries @ self._vectors[rows].T
        return product

    def rows(self, rows: Rows) -> Vectors:
        return np.array(self._vectors[rows])


def nearest(store: VectorStore, queries: Vectors, k: int) -> Rows:
    """The exact nearest rows of each query, best first, of any store: int64 of shape (len(queries), k).

    In pieces: at no time are all vectors in memory.
    """
    best = np.full((len(queries), k), -2.0, np.float32)
    rows = np.full((len(queries), k), -1, np.int64)
    for start in range(0, store.size, _ROWS_AT_ONCE):
        span = np.arange(start, min(start + _ROWS_AT_ONCE, store.size))
        scores = np.concatenate([best, store.score(queries, span)], axis=1)
        here = np.concatenate([rows, np.broadcast_to(span, (len(queries), len(span)))], axis=1)
        top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best, rows = np.take_along_axis(scores, top, 1), np.take_along_axis(here, top, 1)
    return rows
