"""The light head: what was asked before, and which article answered it, generalised to the question at hand.

Kernel ridge regression on frozen vectors (Saunders, Gammerman & Vovk 1998) from titles, author questions and learned
questions to articles. Unlike the nearest example it weighs all of them against each other: wording that many articles
share says little. It is solved in closed form in under a second, so a solved ticket counts at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kb.embedding import Vectors

#: exp(-GAMMA · squared distance) is how much two unit vectors have to do with each other, RIDGE how little one example
#: is believed alone. Of .5, 1, 2 and .05, .1, .3, 1 these were best on each development set, or within
#: .003 hit@1 of it.
GAMMA = 1.0
RIDGE = 0.1
#: Examples that others are compared with. Up to this many the solution is exact; of more, an even selection stands for
#: all (Nyström's approximation), so that neither time nor memory grows with the square of the examples.
LANDMARKS = 2_000
#: Landmarks times classes; 32 MB.
_MOST_COEFFICIENTS = 8_000_000
_FEWEST_LANDMARKS = 100
_ROWS_AT_ONCE = 8_192

Numbers = NDArray[np.int64]


class Head:
    """Scores of classes (here articles) for a question: about 1 where examples say it is meant, 0 where none do.

    `landmarks` is float32 of shape (m, dimension), `owners` int64 of shape (m,) the class of each, `coefficients`
    float32 of shape (classes, m).
    """

    def __init__(self, landmarks: Vectors, owners: Numbers, coefficients: NDArray[np.float32], gamma: float) -> None:
        self._landmarks, self._owners, self._coefficients, self._gamma = landmarks, owners, coefficients, gamma

    @classmethod
    def of(
        cls, vectors: Vectors, owners: Numbers, trust: NDArray[np.float32], classes: int, gamma: float = GAMMA
    ) -> Head:
        """Fits the head on examples: unit rows, the class of each, and how far it is trusted (above 0, at most 1)."""
        most = max(_MOST_COEFFICIENTS // max(classes, 1), _FEWEST_LANDMARKS)
        count = min(LANDMARKS, most, len(vectors))
        chosen = np.unique(np.linspace(0, len(vectors) - 1, count).astype(np.int64)) if count else np.empty(0, np.int64)
        landmarks = np.ascontiguousarray(vectors[chosen], np.float32)
        if len(chosen) == len(vectors):
            solution = np.linalg.inv(_kernel(landmarks, landmarks, gamma).astype(np.float64) + np.diag(RIDGE / trust))
        else:
            solution = _nystrom(vectors, landmarks, trust, gamma)
        coefficients = np.zeros((classes, len(landmarks)), np.float32)
        np.add.at(coefficients, owners, solution.T.astype(np.float32))
        return cls(landmarks, owners[chosen], coefficients, gamma)

    def near(self, queries: Vectors) -> NDArray[np.float32]:
        """What `scores` and `classes` start from, float32 of shape (len(queries), m)."""
        return _kernel(queries, self._landmarks, self._gamma)

    def classes(self, near: NDArray[np.float32], count: int) -> Numbers:
        """The classes of the `count` examples nearest to any of the queries, each once."""
        best = near.max(axis=0, initial=0.0)
        if count < len(best):
            return np.unique(self._owners[np.argpartition(-best, count)[:count]])
        return np.unique(self._owners)

    def scores(self, near: NDArray[np.float32], classes: Numbers) -> NDArray[np.float32]:
        """float32 of shape (len(queries), len(classes))."""
        product: NDArray[np.float32] = near @ self._coefficients[classes].T
        return product


def _kernel(a: Vectors, b: Vectors, gamma: float) -> NDArray[np.float32]:
    product: NDArray[np.float32] = np.exp((2 * gamma) * (a @ b.T - 1))
    return product


def _nystrom(vectors: Vectors, landmarks: Vectors, trust: NDArray[np.float32], gamma: float) -> NDArray[np.float64]:
    """What each example adds to the coefficients, float64 of shape (landmarks, examples)."""
    between = np.empty((len(landmarks), len(vectors)), np.float64)
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        span = slice(start, start + _ROWS_AT_ONCE)
        between[:, span] = _kernel(landmarks, vectors[span], gamma)
    weighted = between * trust
    among = _kernel(landmarks, landmarks, gamma).astype(np.float64)
    # Landmarks that say the same twice would leave the system without a single solution.
    system = weighted @ between.T + RIDGE * among + 1e-6 * len(vectors) * np.eye(len(landmarks))
    return np.asarray(np.linalg.solve(system, weighted))
