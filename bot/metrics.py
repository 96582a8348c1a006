"""The figures of an evaluation: shares, ranks, calibration, each with the interval that chance leaves it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.search import Query

#: How many articles a question's rank is looked for in.
DEPTH = 10
#: Bins of equal mass, as in Nixon et al., "Measuring Calibration in Deep Learning" (2019).
BINS = 15
#: Resamples of the percentile bootstrap, and the share of them its interval holds (Efron and Tibshirani 1993, ch. 13).
RESAMPLES = 1000
_PERCENTILES = (2.5, 97.5)
_SEED = 0
#: Indices drawn at once: 16 MB of them, however many questions there are.
_AT_ONCE = 2_000_000

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
#: From indices of shape (resamples, n) to one value a resample, NaN where it is not defined.
Statistic = Callable[[NDArray[np.int64]], Floats]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the ids of the articles that answer it; none where nothing does.

    `lang` is what the queries file says, "" where it says nothing.
    """

    id: str
    query: Query
    relevant: frozenset[str]
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the line made of one question. `articles` are ids, best first; `ms` how long it took."""

    asked: Asked
    decision: str
    confidence: float
    articles: tuple[str, ...]
    ms: float

    @property
    def rank(self) -> int | None:
        """The place of the first right article, 1 for the first; None where none is among the best DEPTH."""
        return rank(self.articles, self.asked.relevant)

    @property
    def first_is_right(self) -> bool:
        return self.rank == 1


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of similar confidence: its `low`, `high` and mean, and the share whose first article was right."""

    low: float
    high: float
    count: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """What answering from `threshold` on would do: how many questions got an answer, how many of them a right one."""

    threshold: float
    answered: int
    right: int


def rank(articles: Sequence[str], relevant: Collection[str]) -> int | None:
    """The place of the first of `articles` that is relevant, 1 for the first; None where none of the best DEPTH is."""
    return next((n for n, article in enumerate(articles[:DEPTH], 1) if article in relevant), None)


def metrics(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of a run: shares of the answerable questions, counts, calibration, milliseconds.

    hit@k, mrr@10, auroc_right and answered_correct look at answerable questions; ece at all, where an article shown
    for an unanswerable question counts as wrong. `intervals` has [low, high] of the 95 % bootstrap intervals of the
    shares and of answered_precision (answered_correct / answered) and false_answer_rate (false_answers /
    unanswerable). A figure or interval that is not defined for the data is None.
    """
    answerable = [o for o in outcomes if o.asked.relevant]
    unanswerable = [o for o in outcomes if not o.asked.relevant]
    answered = [o for o in outcomes if o.decision == "answer"]
    confidence, right = confidences(outcomes), firsts(outcomes)
    milliseconds = np.array([o.ms for o in outcomes])
    shares = {
        **{f"hit@{k}": _floats(o.rank is not None and o.rank <= k for o in answerable) for k in (1, 3, 10)},
        "mrr@10": _floats(1 / o.rank if o.rank else 0.0 for o in answerable),
    }
    score, positive = confidences(answerable), firsts(answerable)
    false = _floats(o.decision == "answer" for o in unanswerable)
    return {
        "queries": len(outcomes),
        **{name: _mean(values) for name, values in shares.items()},
        "answered": len(answered),
        "answered_correct": sum(o.first_is_right for o in answered),
        "unanswerable": len(unanswerable),
        "false_answers": int(false.sum()),
        "ece": round(expected_calibration_error(confidence, right), 4),
        "auroc_right": auroc(score, positive),
        "p50_ms": round(float(np.percentile(milliseconds, 50)), 2),
        "p99_ms": round(float(np.percentile(milliseconds, 99)), 2),
        "intervals": {
            **{name: interval(means(values), len(values)) for name, values in shares.items()},
            "answered_precision": interval(means(_floats(o.first_is_right for o in answered)), len(answered)),
            "false_answer_rate": interval(means(false), len(false)),
            "ece": interval(_calibration_errors(confidence, right), len(outcomes)),
            "auroc_right": interval(_aurocs(score, positive), len(answerable)),
        },
    }


def by_language(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """`metrics` of the questions of each language, those with most questions first; "unknown" where none was given."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.asked.lang or "unknown", []).append(outcome)
    return {lang: metrics(group) for lang, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))}


def confidences(outcomes: Sequence[Outcome]) -> Floats:
    """float64 of shape (n,)."""
    return _floats(o.confidence for o in outcomes)


def firsts(outcomes: Sequence[Outcome]) -> Bools:
    """Whether the first article is right, bool of shape (n,)."""
    return np.array([o.first_is_right for o in outcomes], np.bool_)


def reliability(confidence: Floats, right: Bools) -> tuple[Bin, ...]:
    """Questions sorted by confidence and cut into BINS bins of equal mass, or as many as there are questions."""
    order = np.argsort(confidence, kind="stable")
    return tuple(
        Bin(
            float(confidence[b[0]]),
            float(confidence[b[-1]]),
            len(b),
            float(confidence[b].mean()),
            float(right[b].mean()),
        )
        for b in np.array_split(order, BINS)
        if len(b)
    )


def coverage(confidence: Floats, right: Bools) -> tuple[Coverage, ...]:
    """What each possible threshold would do, from answering the surest questions alone to answering all."""
    order = np.argsort(-confidence, kind="stable")
    descending = confidence[order]
    found = np.cumsum(right[order])
    last = np.flatnonzero(np.diff(descending, append=-1.0))  # of equal ones all are answered or none
    return tuple(Coverage(float(descending[n]), int(n) + 1, int(found[n])) for n in last)


def expected_calibration_error(confidence: Floats, right: Bools) -> float:
    """The mean distance between confidence and the share of right ones, over BINS bins of equal mass."""
    return float(_calibration_errors(confidence, right)(np.arange(len(confidence))[np.newaxis])[0])


def auroc(score: Floats, positive: Bools) -> float | None:
    """The probability that a positive scores above a negative, ties half; None where one of the two is missing."""
    if not len(score):
        return None
    value = float(_aurocs(score, positive)(np.arange(len(score))[np.newaxis])[0])
    return None if np.isnan(value) else round(value, 4)


def interval(statistic: Statistic, size: int) -> list[float] | None:
    """[low, high] of a statistic over `size` questions, drawn again RESAMPLES times with replacement, a fixed seed.

    A resample for which the statistic is not defined is left out; None where it is defined for none.
    """
    if not size:
        return None
    chance = np.random.default_rng(_SEED)
    step = max(1, _AT_ONCE // size)
    blocks = [
        statistic(chance.integers(size, size=(min(step, RESAMPLES - start), size)))
        for start in range(0, RESAMPLES, step)
    ]
    values = np.concatenate(blocks)
    values = values[~np.isnan(values)]
    return [round(float(value), 4) for value in np.percentile(values, _PERCENTILES)] if len(values) else None


def means(values: Floats) -> Statistic:
    """The mean of each resample."""
    return lambda drawn: values[drawn].mean(axis=1)


def _calibration_errors(confidence: Floats, right: Bools) -> Statistic:
    """`expected_calibration_error` of each resample. Indices into what is sorted once are sorted faster than values."""
    order = np.argsort(confidence, kind="stable")
    distance = (confidence - right)[order]

    def errors(drawn: NDArray[np.int64]) -> Floats:
        size = drawn.shape[1]
        starts = [int(part[0]) for part in np.array_split(np.arange(size), BINS) if len(part)]
        in_bins = np.add.reduceat(distance[np.sort(drawn, axis=1)], starts, axis=1)
        summed: Floats = np.abs(in_bins).sum(axis=1) / size
        return summed

    return errors


def _aurocs(score: Floats, positive: Bools) -> Statistic:
    """`auroc` of each resample, from how many positives and negatives have each score."""
    _, places = np.unique(score, return_inverse=True)
    levels = int(places.max(initial=-1)) + 1

    def aurocs(drawn: NDArray[np.int64]) -> Floats:
        cells = places[drawn] + levels * np.arange(len(drawn))[:, np.newaxis]
        shape = (len(drawn), levels)
        chosen = positive[drawn]
        ups = np.bincount(cells[chosen], minlength=shape[0] * levels).reshape(shape)
        downs = np.bincount(cells[~chosen], minlength=shape[0] * levels).reshape(shape)
        below = np.cumsum(downs, axis=1) - downs / 2
        pairs = ups.sum(axis=1) * downs.sum(axis=1)
        return np.where(pairs, (ups * below).sum(axis=1) / np.maximum(pairs, 1), np.nan)

    return aurocs


def _floats(values: Any) -> Floats:
    return np.fromiter(values, np.float64)


def _mean(values: Floats) -> float | None:
    return round(float(values.mean()), 4) if len(values) else None
