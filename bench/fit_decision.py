"""Fits the ranking's weights (kb/rank.py) and the confidence (kb/calibrate.py) on development data.

    python -m bench.fit_decision EVAL_FOLDER

Prints what to copy into the two modules, with hit@k of each part left out and calibration on held-out questions. Of
the Thunderbird tickets the newest fifth is held out; of the other sets a random half. Each kind of set counts the same,
however large it is.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

os.environ["HF_HUB_OFFLINE"] = "1"

from bench import sets
from bench.sets import Rows, Set
from bot.evaluate import index
from bot.metrics import auroc, expected_calibration_error
from kb.build import BuildSettings
from kb.calibrate import QUANTITIES, quantities
from kb.learned import LearnedQuestion
from kb.rank import FEATURES, WEIGHTS, order
from kb.search import Query, Searcher

_RIDGE = 1e-3
#: As `firstline learn` trusts imported tickets.
_TRUST = 0.8

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    """The candidates of one question: evidence of shape (n, features), and which of them are right.

    `unrelated` is as in kb.search.Found.
    """

    evidence: Floats
    right: NDArray[np.bool_]
    unrelated: NDArray[np.float32]
    answerable: bool


@dataclass(frozen=True, slots=True)
class Halves:
    fitted: list[Case] = field(default_factory=list)
    held_out: list[Case] = field(default_factory=list)

    def add(self, other: Halves) -> None:
        self.fitted.extend(other.fitted)
        self.held_out.extend(other.held_out)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    answerable = by_kind(sets.answerable(folder))
    foreign = by_kind(s for s in sets.foreign(folder) if "own articles" not in s.name)
    show(answerable, foreign)


def by_kind(data: Iterable[Set]) -> dict[str, Halves]:
    kinds: dict[str, Halves] = {}
    for part in data:
        kinds.setdefault(part.kind, Halves()).add(cases(part))
    return kinds


def show(answerable: dict[str, Halves], foreign: dict[str, Halves]) -> None:
    weights = fit_weights(list(answerable.values()))
    print("hit@1 / hit@3 on held-out questions\n  " + "\n  ".join(f"{n}: {name}" for n, name in enumerate(answerable)))
    show_hits("all", weights, answerable)
    for name in FEATURES:
        show_hits(f"without {name}", fit_weights(list(answerable.values()), leave_out=name), answerable)
    show_hits("nearest passage alone", np.array([float(name == "nearest") for name in FEATURES]), answerable)
    show_hits("words alone", np.array([float(name == "words") for name in FEATURES]), answerable)
    show_hits("as shipped", np.array(list(WEIGHTS.values())), answerable)
    print("\nWEIGHTS", json.dumps(dict(zip(FEATURES, np.round(weights, 1).tolist(), strict=True)), indent=1))
    fit_confidence({**answerable, **foreign})


def cases(data: Set) -> Halves:
    """The evidence for every question, from the very code that serves."""
    searcher = index(data.articles, sets.DATA, BuildSettings(data.model))
    made = find(searcher.with_learned(taught(data.learned)), data.queries)
    asked = [case for case in made if case.answerable]
    if asked:
        share = sum(bool(case.right.any()) for case in asked) / len(asked)
        print(f"{data.name}: {share:.1%} of {len(asked)} right articles are among the candidates", flush=True)
    if data.held_out:
        return Halves(made, find(searcher.with_learned(taught(data.held_out_learned)), data.held_out))
    places = np.random.default_rng(0).permutation(len(made))
    half = len(made) // 2
    return Halves([made[n] for n in places[:half]], [made[n] for n in places[half:]])


def find(searcher: Searcher, rows: Rows) -> list[Case]:
    made: list[Case] = []
    for row in rows:
        found = searcher.find(Query(row["query"], row.get("body") or "", row.get("lang")))
        ids = [searcher.entry(int(number)).article.id for number in found.articles]
        right = np.array([article in row["relevant"] for article in ids], bool)
        if len(right):
            made.append(Case(found.evidence.astype(np.float64), right, found.unrelated, bool(row["relevant"])))
    return made


def taught(rows: Rows) -> list[LearnedQuestion]:
    return [
        LearnedQuestion(f"{row['id']} {article}", article, row["query"], row.get("body") or "", _TRUST)
        for row in rows
        for article in row["relevant"]
    ]


def fit_weights(data: list[Halves], leave_out: str = "") -> Floats:
    """Weights, none negative, that make the right article likely in a softmax over the candidates."""
    packed = [pack(halves.fitted) for halves in data]

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, gradient = _RIDGE * float(weights @ weights), 2 * _RIDGE * weights
        for evidence, right, sizes, starts in packed:
            scores = evidence @ weights
            top = np.repeat(np.maximum.reduceat(scores, starts), sizes)
            share = np.exp(scores - top)
            every, good = np.add.reduceat(share, starts), np.add.reduceat(share * right, starts)
            total += float(np.mean(np.log(every) - np.log(good)))
            pull = share / np.repeat(every, sizes) - share * right / np.repeat(good, sizes)
            gradient = gradient + evidence.T @ pull / len(sizes)
        return total, gradient

    bounds = [(0, 0) if name == leave_out else (0, None) for name in FEATURES]
    start = np.array([float(name != leave_out) for name in FEATURES])
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def pack(rows: list[Case]) -> tuple[Floats, Floats, NDArray[np.int64], NDArray[np.int64]]:
    rows = [case for case in rows if case.right.any()]
    sizes = np.array([len(case.right) for case in rows])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    evidence = np.concatenate([case.evidence for case in rows])
    return evidence, np.concatenate([case.right for case in rows]).astype(float), sizes, starts


def show_hits(name: str, weights: Floats, data: dict[str, Halves]) -> None:
    parts = []
    for halves in data.values():
        asked = [case for case in halves.held_out if case.answerable]
        ranked = [case.right[np.argsort(-(case.evidence @ weights), kind="stable")] for case in asked]
        parts.append("/".join(f"{np.mean([bool(r[:k].any()) for r in ranked]):.3f}" for k in (1, 3)))
    print(f"  {name:26} {' '.join(parts)}", flush=True)


def fit_confidence(data: dict[str, Halves]) -> None:
    """Logistic regression of "the first is right" on the quantities of kb.calibrate, with the shipped weights."""
    inputs, labels, counts = [], [], []
    for halves in data.values():
        x, y = table(halves.fitted)
        share = 1.0 if any(case.answerable for case in halves.fitted) else 0.5
        inputs.append(x)
        labels.append(y)
        counts.append(np.full(len(y), 1000 * share / len(y)))
    model = LogisticRegression(C=100).fit(
        np.concatenate(inputs), np.concatenate(labels), sample_weight=np.concatenate(counts)
    )
    print("\nCONFIDENCE", dict(zip(QUANTITIES, np.round(model.coef_[0], 2).tolist(), strict=True)), model.intercept_)
    print(f"\n{'held out':40}{'right':>7}{'ece':>7}{'auroc':>8}   answered at 0.6, 0.7, 0.8 (of these right)")
    for name, halves in data.items():
        x, y = table(halves.held_out)
        p = model.predict_proba(x)[:, 1]
        shares = [(np.mean(p >= t), np.mean(y[p >= t]) if (p >= t).any() else float("nan")) for t in (0.6, 0.7, 0.8)]
        area = auroc(p, y.astype(bool))
        print(
            f"{name:40}{y.mean():7.3f}{expected_calibration_error(p, y):7.3f}"
            f"{'–' if area is None else f'{area:.3f}':>8}   "
            + "  ".join(f"{share:.1%} ({good:.2f})" for share, good in shares)
        )


def table(rows: list[Case]) -> tuple[Floats, Floats]:
    x, y = [], []
    for case in rows:
        evidence = case.evidence.astype(np.float32)
        ranked = order(evidence)
        x.append(quantities(ranked, evidence, case.unrelated))
        y.append(float(case.right[ranked.positions[0]]))
    return np.array(x), np.array(y)


if __name__ == "__main__":
    main()
