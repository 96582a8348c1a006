"""The light head: what was asked before, and which article answered it, generalised to the question at hand.

Kernel ridge regression on frozen vectors (Saunders, Gammerman & Vovk 1998) from titles, author questions and learned
questions to articles. Unlike the nearest example it weighs all of them against each other: wording that many articles
share says little. It is solved in closed form in under a second, so a solved ticket counts at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb import arrays
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


@dataclass(frozen=True, slots=True)
class _Held:
    """An example that can be left out: its class and its place among the landmarks, if it has one.

    `own` is what it has to do with each landmark and `adds` what it adds to the coefficients of its class, both float32
    of shape (m,); their product is its leverage.
    """

    owner: int
    places: Numbers
    own: NDArray[np.float32]
    adds: NDArray[np.float32]


class Head:
    """Scores of classes (here articles) for a question: about 1 where examples say it is meant, 0 where none do.

    `landmarks` is float32 of shape (m, dimension), `owners` int64 of shape (m,) the class of each, `coefficients`
    float32 of shape (classes, m), `held` the examples that can be left out.
    """

    def __init__(
        self,
        landmarks: Vectors,
        owners: Numbers,
        coefficients: NDArray[np.float32],
        gamma: float,
        held: dict[int, _Held],
    ) -> None:
        self._landmarks, self._owners, self._coefficients, self._gamma = landmarks, owners, coefficients, gamma
        self._held = held

    @classmethod
    def of(
        cls,
        vectors: Vectors,
        owners: Numbers,
        trust: NDArray[np.float32],
        classes: int,
        gamma: float = GAMMA,
        last: int = 0,
        hold: Sequence[int] = (),
    ) -> Head:
        """Fits the head on examples: unit rows, the class of each, and how far it is trusted (above 0, at most 1).

        Where there is not room for all, the `last` ones are landmarks before others. `hold` are examples that will be
        left out (`scores`), each for the memory of two rows of landmarks.
        """
        most = max(_MOST_COEFFICIENTS // max(classes, 1), _FEWEST_LANDMARKS)
        count = min(LANDMARKS, most, len(vectors))
        chosen = _landmarks(len(vectors), count, last)
        landmarks = np.ascontiguousarray(vectors[chosen], np.float32)
        taught = np.zeros((classes, len(landmarks)))
        if len(chosen) == len(vectors):
            system = _kernel(landmarks, landmarks, gamma).astype(np.float64) + np.diag(RIDGE / trust)
            columns = classes + len(hold)
            if 3 * columns < 2 * len(vectors):  # 2/3 n³ + 2 n² × columns multiplications; to invert takes 2 n³
                asked = np.zeros((len(vectors), columns))
                asked[np.arange(len(vectors)), owners] = asked[list(hold), range(classes, columns)] = 1.0
                solved = np.linalg.solve(system, asked).T
                coefficients, adds = solved[:classes], solved[classes:]
            else:
                inverse = np.linalg.inv(system)
                np.add.at(taught, owners, inverse.T)
                coefficients, adds = taught, inverse[:, list(hold)].T
        else:
            system = _nystrom(vectors, landmarks, owners, trust, gamma, taught)
            chosen_rows = _kernel(vectors[list(hold)], landmarks, gamma) * trust[list(hold), None]
            solved = np.linalg.solve(system, np.concatenate([taught, chosen_rows]).T).T
            coefficients, adds = solved[:classes], solved[classes:]
        own = _kernel(vectors[list(hold)], landmarks, gamma)
        held = {
            example: _Held(int(owners[example]), np.flatnonzero(chosen == example), near, add)
            for example, near, add in zip(hold, own, adds.astype(np.float32), strict=True)
        }
        return cls(landmarks, owners[chosen], coefficients.astype(np.float32), gamma, held)

    def save(self, path: Path, of: bytes) -> None:
        """Writes it without what can be left out; `of` names what it was fitted on."""
        arrays.write(
            path,
            {
                "of": np.frombuffer(of, np.uint8),
                "gamma": np.array([self._gamma]),
                "landmarks": self._landmarks,
                "owners": self._owners,
                "coefficients": self._coefficients,
            },
        )

    @classmethod
    def open(cls, path: Path) -> tuple[bytes, Head]:
        """What it was fitted on, and the head. Raises SnapshotDamaged."""
        held = arrays.read(path, "of", "gamma", "landmarks", "owners", "coefficients")
        return held["of"].tobytes(), cls(
            held["landmarks"], held["owners"], held["coefficients"], float(held["gamma"][0]), {}
        )

    def near(self, queries: Vectors) -> NDArray[np.float32]:
        """What `scores` and `classes` start from, float32 of shape (len(queries), m)."""
        return _kernel(queries, self._landmarks, self._gamma)

    def classes(self, near: NDArray[np.float32], count: int, leave_out: Sequence[int] = ()) -> Numbers:
        """The classes of the `count` examples nearest to any of the queries, each once; none of `leave_out` is one."""
        best, owners = near.max(axis=0, initial=0.0), self._owners
        places = self._places(leave_out)
        best, owners = np.delete(best, places), np.delete(owners, places)
        if count < len(best):
            return np.unique(owners[np.argpartition(-best, count)[:count]])
        return np.unique(owners)

    def closest(
        self, near: NDArray[np.float32], classes: Numbers, leave_out: Sequence[int] = ()
    ) -> NDArray[np.float32]:
        """How close the nearest example of each class is to the first query, float32 of shape (len(classes),).

        1 for the same, 0 for a squared distance of 1 / gamma, and less without end.
        """
        best = np.zeros(len(self._coefficients), np.float32)
        first = near[0].copy()
        first[self._places(leave_out)] = 0.0
        np.maximum.at(best, self._owners, first)
        with np.errstate(divide="ignore"):
            closeness = 1 + np.log(best[classes]) / (2 * GAMMA)
        return closeness.astype(np.float32)

    def scores(self, near: NDArray[np.float32], classes: Numbers, leave_out: Sequence[int] = ()) -> NDArray[np.float32]:
        """float32 of shape (len(queries), len(classes)), as if fitted without the examples `leave_out`, some of `hold`.

        To take n examples away changes the system by a matrix of rank n, so its inverse is known at once (Sherman and
        Morrison 1950, Woodbury). Where landmarks stand for all, the examples stay among them, without their classes.
        """
        coefficients = self._coefficients[classes]
        product: NDArray[np.float32] = near @ coefficients.T
        if len(leave_out):
            held = [self._held[example] for example in leave_out]
            own, adds = np.stack([one.own for one in held]), np.stack([one.adds for one in held])
            missed = coefficients @ own.T - (classes[:, None] == np.array([one.owner for one in held]))
            kept = np.eye(len(held), dtype=np.float32) - own @ adds.T
            product += near @ adds.T @ np.linalg.solve(kept, missed.T)
        return product

    def _places(self, leave_out: Sequence[int]) -> Numbers:
        return np.concatenate([np.empty(0, np.int64), *(self._held[example].places for example in leave_out)])


def _landmarks(examples: int, count: int, last: int) -> Numbers:
    """`count` of the examples in their order, of the `last` ones all if they fit; else an even selection."""
    first = examples - last
    of_last = min(last, count)
    chosen = [np.linspace(0, first - 1, count - of_last), np.linspace(first, examples - 1, of_last)]
    return np.unique(np.concatenate(chosen).astype(np.int64))


def _kernel(a: Vectors, b: Vectors, gamma: float) -> NDArray[np.float32]:
    product: NDArray[np.float32] = np.exp((2 * gamma) * (a @ b.T - 1))
    return product


def _nystrom(
    vectors: Vectors,
    landmarks: Vectors,
    owners: Numbers,
    trust: NDArray[np.float32],
    gamma: float,
    taught: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The system to solve, float64 of shape (m, m); adds to `taught` what the examples of each class say.

    In pieces: at no time is there a matrix of landmarks by examples.
    """
    # Landmarks that say the same twice would leave the system without a single solution.
    system = RIDGE * _kernel(landmarks, landmarks, gamma).astype(np.float64)
    system += 1e-6 * len(vectors) * np.eye(len(landmarks))
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        span = slice(start, start + _ROWS_AT_ONCE)
        near = _kernel(vectors[span], landmarks, gamma).astype(np.float64)
        weighted = near * trust[span, None]
        system += weighted.T @ near
        np.add.at(taught, owners[span], weighted)
    return system
