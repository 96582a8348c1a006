"""Turns scores into a probability: how likely the first article is the right one."""

from __future__ import annotations

import math

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


def confidence(order: Order, evidence: Evidence) -> float:
    """The probability, 0 to 1, that the first article of `order` answers; 0 where there is no candidate."""
    if not len(order.positions):
        return 0.0
    pairs = zip(WEIGHTS.values(), quantities(order, evidence), strict=True)
    return 1.0 / (1.0 + math.exp(-sum((weight * value for weight, value in pairs), _INTERCEPT)))


def quantities(order: Order, evidence: Evidence) -> tuple[float, ...]:
    """What confidence is computed from: QUANTITIES of the first article.

    The log-odds are held within ±6: a base of one article would otherwise be sure of everything.
    """
    return (stands_out(order), *(float(value) for value in evidence[order.positions[0]][_COLUMNS]))


def stands_out(order: Order) -> float:
    rest = float(sum(math.exp(score - order.scores[0]) for score in order.scores[1:].tolist()))
    return max(-6.0, min(6.0, -math.log(rest) if rest > 0 else 6.0))
