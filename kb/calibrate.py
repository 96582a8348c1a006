"""Turns scores into a probability: how likely the first article is the right one."""

from __future__ import annotations

import math

import numpy as np

from kb.rank import FEATURES, Evidence, Order

#: Logistic regression of "the first article is right" on two quantities, fitted on the sets that fitted the ranking
#: plus questions no article answers: CLINC150's out-of-scope ones, and CLINC150's, BANKING77's and OfficeDocs' asked of
#: articles about something else. `bench/fit_decision.py` repeats it on most of these sets and comes out a little less
#: cautious; docs/quality.md has both.
_STANDS_OUT = 0.73  # log-odds of the softmax over the candidates' scores: does one article stand out?
_NEAREST = 7.4  # cosine of the nearest passage: is it about the same thing at all?
_INTERCEPT = -5.0

_NEAREST_COLUMN = FEATURES.index("nearest")


def confidence(order: Order, evidence: Evidence) -> float:
    """The probability, 0 to 1, that the first article of `order` answers; 0 where there is no candidate."""
    if not len(order.positions):
        return 0.0
    stands_out, nearest = quantities(order, evidence)
    return 1.0 / (1.0 + math.exp(-(_STANDS_OUT * stands_out + _NEAREST * nearest + _INTERCEPT)))


def quantities(order: Order, evidence: Evidence) -> tuple[float, float]:
    """What confidence is computed from: log-odds of the first article among the candidates, and its nearest cosine.

    The log-odds are held within ±6: a base of one article would otherwise be sure of everything.
    """
    scores = order.scores.astype(np.float64)
    rest = np.exp(scores[1:] - scores[0]).sum()
    stands_out = -math.log(rest) if rest > 0 else 6.0
    return max(-6.0, min(6.0, stands_out)), float(evidence[order.positions[0], _NEAREST_COLUMN])
