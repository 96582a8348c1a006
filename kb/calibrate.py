"""Turns scores into a probability: how likely the first article is the right one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kb.rank import FEATURES, Evidence, Order

#: Logistic regression of "the first article is right" on four quantities, fitted by `bench/fit_decision.py` on the sets
#: that fitted the ranking and on questions no article answers. docs/quality.md shows how well it holds elsewhere.
WEIGHTS = {
    "stands_out": 0.73,  # log-odds of the softmax over the candidates' scores: does one article stand out?
    "nearest": 7.4,  # closeness of the nearest passage: is it about the same thing at all?
    "head": 0.0,  # how much the questions known to belong to the article are like this one
    "words": 0.0,  # how much of the question's words the article has
}
QUANTITIES = tuple(WEIGHTS)
_INTERCEPT = -5.0

_COLUMNS = [FEATURES.index(name) for name in QUANTITIES[1:]]


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic regression: a weight for each of QUANTITIES, and what it starts from."""

    weights: tuple[float, ...]
    intercept: float

    def confidence(self, order: Order, evidence: Evidence) -> float:
        """The probability, 0 to 1, that the first article of `order` answers; 0 where there is no candidate."""
        return self.probability(quantities(order, evidence)) if len(order.positions) else 0.0

    def probability(self, values: Sequence[float]) -> float:
        """The probability, 0 to 1, that belongs to values of QUANTITIES."""
        return 1.0 / (1.0 + math.exp(-self.log_odds(values)))

    def log_odds(self, values: Sequence[float]) -> float:
        return sum((weight * value for weight, value in zip(self.weights, values, strict=True)), self.intercept)

    def shifted(self, by: float) -> Calibration:
        """As sure of everything by so much more, in log-odds."""
        return replace(self, intercept=self.intercept + by)


#: For a knowledge base that nothing is known of; kb/fit.py fits it to one.
DEFAULT = Calibration(tuple(WEIGHTS.values()), _INTERCEPT)


def quantities(order: Order, evidence: Evidence) -> tuple[float, ...]:
    """What confidence is computed from: QUANTITIES of the first article.

    The log-odds are held within ±6: a base of one article would otherwise be sure of everything.
    """
    return (stands_out(order), *(float(value) for value in evidence[order.positions[0]][_COLUMNS]))


def stands_out(order: Order) -> float:
    rest = float(sum(math.exp(score - order.scores[0]) for score in order.scores[1:].tolist()))
    return max(-6.0, min(6.0, -math.log(rest) if rest > 0 else 6.0))
