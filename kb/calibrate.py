"""Turns scores into a probability: how likely the first article is the right one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kb.rank import FEATURES, Evidence, Order

#: Logistic regression of "the first article is right", fitted by `bench/fit_decision.py` on the sets that fitted the
#: ranking and on questions no article answers. docs/quality.md shows how well it holds on held-out questions.
WEIGHTS = {
    "stands_out": 0.64,  # log-odds of the softmax over the best ten scores: does one article stand out?
    "nearest": 4.0,  # closeness of the nearest passage or question: is it about the same thing?
    "around": 1.1,  # mean closeness of all candidates: is the question about the subject of this base at all?
    "words": 1.1,  # how much of the question's words the article has
    "unrelated": 1.8,  # where the encoder starts to count: closeness means more where little is left above
}
QUANTITIES = tuple(WEIGHTS)
_INTERCEPT = -4.1
#: Many articles that hardly score say how large a base is, not how sure the first one is.
_RIVALS = 10
#: The score of an article about something else, which stands beside the others: without it a base of one article would
#: be sure of everything. The first articles of foreign questions score 5 to 6, right ones 9 and more.
_STRANGER = 5.0

_NEAREST, _WORDS = FEATURES.index("nearest"), FEATURES.index("words")


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic regression: a weight for each of QUANTITIES, and what it starts from."""

    weights: tuple[float, ...]
    intercept: float

    def confidence(self, order: Order, evidence: Evidence, unrelated: NDArray[np.float32]) -> float:
        """The probability, 0 to 1, that the first article of `order` answers; 0 where there is no candidate.

        `unrelated` is of the encoder that read each candidate (`Embedder.unrelated`), float32 of shape (n,).
        """
        if not len(order.positions):
            return 0.0
        return 1.0 / (1.0 + math.exp(-self.log_odds(quantities(order, evidence, unrelated))))

    def log_odds(self, values: Sequence[float]) -> float:
        """Of the first article being right, for values of QUANTITIES."""
        return sum((weight * value for weight, value in zip(self.weights, values, strict=True)), self.intercept)

    def shifted(self, by: float) -> Calibration:
        """Surer of everything by so much, in log-odds."""
        return replace(self, intercept=self.intercept + by)


#: For a knowledge base that nothing is known of; kb/fit.py fits it to one.
DEFAULT = Calibration(tuple(WEIGHTS.values()), _INTERCEPT)


def quantities(order: Order, evidence: Evidence, unrelated: NDArray[np.float32]) -> tuple[float, ...]:
    """What confidence is computed from: QUANTITIES, of at least one candidate. The log-odds are held within ±6."""
    first, top = order.positions[0], float(order.scores[0])
    rest = sum(math.exp(score - top) for score in (_STRANGER, *order.scores[1:_RIVALS].tolist()))
    return (
        max(-6.0, min(6.0, -math.log(rest))),
        float(evidence[first, _NEAREST]),
        float(evidence[order.positions, _NEAREST].mean()),
        float(evidence[first, _WORDS]),
        float(unrelated[first]),
    )
