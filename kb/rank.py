"""One score for each article from all that speaks for it, and the order that follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Evidence = NDArray[np.float32]

#: What speaks for an article, with the weight of each, fitted by `bench/fit_decision.py` with a softmax over the
#: candidates (listwise cross-entropy) on Thunderbird tickets (the oldest four fifths), OfficeDocs symptoms, CLINC150
#: and BANKING77, each set counting the same. Cosines lie in 0..1 in practice, lexical shares in 0..1, so weights can
#: be compared. docs/quality.md has what each component brings.
WEIGHTS = {
    "nearest": 5.2,  # closeness of the nearest passage, title, author or learned question to all that was asked
    "nearest3": 6.0,  # mean of the best three: several hits of one article add up
    "subject_nearest3": 2.3,  # mean of the best three to the subject alone
    "head": 10.5,  # what was asked before, and which article answered it
    "words": 3.5,  # BM25 over whole articles, relative to the best score there could be
    "unit_words": 2.2,  # BM25 of the best passage, relative to the best candidate
    "codes": 6.0,  # how surely an error code or model number of the question names the article (`kb/codes.py`)
}
FEATURES = tuple(WEIGHTS)

_WEIGHTS = np.array(list(WEIGHTS.values()), np.float32)


@dataclass(frozen=True, slots=True)
class Order:
    """Candidates best first: `positions` into the evidence's rows, and their `scores` (higher is better, no unit)."""

    positions: NDArray[np.int64]
    scores: NDArray[np.float32]


def order(evidence: Evidence) -> Order:
    """Orders candidates by the weighted sum of their evidence, float32 of shape (n, len(FEATURES)); ties keep order."""
    # Not `@`: BLAS rounds equal rows differently, and ties would not keep order.
    scores: NDArray[np.float32] = (evidence * _WEIGHTS).sum(axis=1)
    positions = np.argsort(-scores, kind="stable")
    return Order(positions, scores[positions])


def mean_of_best(
    values: NDArray[np.float32], at: NDArray[np.int64], sizes: NDArray[np.int64], count: int
) -> NDArray[np.float32]:
    """For each run of `sizes` values, the mean of its `count` highest; a shorter run repeats its highest."""
    order = np.lexsort((-values, np.repeat(np.arange(len(at)), sizes)))
    ranked = values[order]
    picks = [ranked[np.where(n < sizes, at + n, at)] for n in range(count)]
    mean: NDArray[np.float32] = np.mean(picks, axis=0)
    return mean


def relative(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each value as a share of the highest; as they are where none is above 0."""
    top = values.max(initial=0.0)
    return values / top if top > 0 else values


def highest(values: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Where the `count` highest values above 0 stand, in no order."""
    count = min(count, len(values))
    best = np.argpartition(-values, count - 1)[:count]
    return best[values[best] > 0]
