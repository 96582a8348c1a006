"""Groups by meaning: average linkage, incremental, so that a group only ever grows or joins another one.

Average linkage was chosen by measurement (`bench/gaps.py`, docs/quality.md): at the threshold where one random pair in
four hundred shares a group, it brings more related tickets together than leaders with running means, and
connected components, mutual neighbours or not, chain thousands of tickets into one.

For unit vectors the mean similarity of two groups is the product of their means, so a group is its sum and its weight,
and members need not be kept. A mean of t or more between two groups takes one pair of t or more, so pairs
of rows are all the candidates there are, also when a few new rows meet groups that were made before.
"""

from __future__ import annotations

import heapq
import os
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from kb.embedding import Vectors
from kb.vectors import Rows

#: How many neighbours of a row are looked at, and of one of many rows.
_NEIGHBOURS, _NEIGHBOURS_OF_MANY = 32, 8
#: From so many rows on the neighbours are looked for in the nearest cells only.
_EXACT = 20_000
#: So many times the root of the number of rows, of which each row's nearest are looked at.
_CELLS, _CELLS_LOOKED_AT = 4, 5
_SAMPLE_A_CELL = 20


def group(sums: Vectors, weights: NDArray[np.int64], threshold: float, known: int = 0) -> Rows:
    """For each row the first row of its group, int64 of shape (n,).

    `sums` are float32 of shape (n, dimension): sums of vectors, of `weights` many each. The first `known` rows are
    groups made before, no two of which are as near as `threshold`. Equal input gives equal groups.
    """
    roots = np.arange(len(sums), dtype=np.int64)
    if len(sums) == known:
        return roots
    changed = np.arange(known, len(sums))
    while True:
        firsts, place = np.unique(roots, return_inverse=True)
        held = np.bincount(place, weights).astype(np.int64)
        order = np.argsort(place, kind="stable")
        starts = np.searchsorted(place[order], np.arange(len(firsts)))
        means: Vectors = (np.add.reduceat(sums[order], starts, axis=0) / held[:, None]).astype(np.float32)
        asked = np.unique(place[changed])
        joined = _Linkage(means, held, threshold, _pairs(means, asked, threshold)).run()
        if (joined == np.arange(len(firsts))).all():
            return roots
        # Where many say nearly the same, these are all the neighbours a row has: its group is looked up once more.
        roots = firsts[joined[place]]


class _Linkage:
    """Joins the nearest two groups until none are near enough; a queue holds each group's nearest one."""

    def __init__(self, means: Vectors, weights: NDArray[np.int64], threshold: float, near: list[set[int]]) -> None:
        self._means, self._weights, self._threshold, self._near = means, weights.copy(), threshold, near
        self._into = np.arange(len(means), dtype=np.int64)
        self._changed = np.zeros(len(means), np.int64)

    def run(self) -> Rows:
        queue = [best for row in range(len(self._means)) if self._near[row] and (best := self._best(row))]
        heapq.heapify(queue)
        while queue:
            _, row, other, mine, its = heapq.heappop(queue)
            if self._into[row] != row or self._changed[row] != mine:
                continue
            # To a group that has grown the mean can only have fallen: what was the nearest is looked for anew.
            if self._into[other] == other and self._changed[other] == its:
                row = self._join(row, other)
            if best := self._best(row):
                heapq.heappush(queue, best)
        for row in range(len(self._into)):  # a group's first row stands before all others
            self._into[row] = self._into[self._into[row]]
        return self._into

    def _join(self, row: int, other: int) -> int:
        kept, gone = min(row, other), max(row, other)
        total = self._weights[kept] + self._weights[gone]
        share = np.float32(self._weights[gone] / total)
        self._means[kept] += share * (self._means[gone] - self._means[kept])
        self._weights[kept] = total
        self._into[gone] = kept
        self._changed[kept] += 1
        self._near[kept] |= self._near[gone]
        self._near[gone] = set()
        return kept

    def _best(self, row: int) -> tuple[float, int, int, int, int] | None:
        """(minus the similarity, the row, its nearest, how often both have changed), None where none is near."""
        others = {self._root(other) for other in self._near[row]} - {row}
        self._near[row] = others
        if not others:
            return None
        rows = sorted(others)
        similarity = self._means[rows] @ self._means[row]
        at = int(similarity.argmax())
        if similarity[at] < self._threshold:
            return None
        other = rows[at]
        return -float(similarity[at]), row, other, int(self._changed[row]), int(self._changed[other])

    def _root(self, row: int) -> int:
        while self._into[row] != row:
            self._into[row] = self._into[self._into[row]]
            row = int(self._into[row])
        return row


def _pairs(means: Vectors, asked: Rows, threshold: float) -> list[set[int]]:
    """For each row those that are near enough, both ways; only the rows `asked` are looked up."""
    near: list[set[int]] = [set() for _ in range(len(means))]
    many = len(asked) >= _EXACT
    if many:  # the first gathering of a large desk; nobody's question waits for these threads
        faiss.omp_set_num_threads(os.cpu_count() or 1)
    scores, found = _in_cells(means, asked) if many else _exactly(means, asked)
    faiss.omp_set_num_threads(1)
    here, place = np.nonzero((scores >= threshold) & (found >= 0))
    for row, other in zip(asked[here].tolist(), found[here, place].tolist(), strict=True):
        if other != row:
            near[row].add(other)
            near[other].add(row)
    return near


def _exactly(means: Vectors, asked: Rows) -> tuple[Vectors, Rows]:
    index = faiss.IndexFlatIP(means.shape[1])
    index.add(means)
    scores, found = index.search(means[asked], min(_NEIGHBOURS, len(means)))
    return scores, found


def _in_cells(means: Vectors, asked: Rows) -> tuple[Vectors, Rows]:
    # Any: the stubs of faiss tell the C++ signatures, not those of its Python wrappers.
    quantizer: Any = faiss.IndexFlatIP(means.shape[1])
    cells = _CELLS * int(np.sqrt(len(means)))
    index: Any = faiss.IndexIVFFlat(quantizer, means.shape[1], cells, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter, index.cp.seed, index.cp.max_points_per_centroid = 4, 0, _SAMPLE_A_CELL
    index.cp.min_points_per_centroid = 1
    index.nprobe = _CELLS_LOOKED_AT
    index.train(means)
    # Once for both: adding and searching would each look for the cells of every row.
    nearness, nearest = quantizer.search(means, _CELLS_LOOKED_AT)
    first = np.ascontiguousarray(nearest[:, 0])
    index.add_core(len(means), faiss.swig_ptr(means), None, faiss.swig_ptr(first))
    scores, found = index.search_preassigned(means[asked], _NEIGHBOURS_OF_MANY, nearest[asked], nearness[asked])
    return scores, found
