"""The figures of an evaluation, on outcomes made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.metrics import (
    RESAMPLES,
    Asked,
    Bin,
    Coverage,
    Outcome,
    auroc,
    by_language,
    coverage,
    expected_calibration_error,
    interval,
    means,
    metrics,
    reliability,
)
from kb.search import Query

#: (confidence, whether right); few confidences, so that there are ties.
SCORED = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30)


def outcome(
    relevant: set[str],
    articles: tuple[str, ...],
    *,
    decision: str = "suggest",
    confidence: float = 0.5,
    lang: str = "",
    key: str = "q",
) -> Outcome:
    return Outcome(Asked(key, Query("x"), frozenset(relevant), lang), decision, confidence, articles, ms=2.0)


def test_hits_and_reciprocal_ranks_are_shares_of_the_answerable_questions() -> None:
    figures = metrics(
        [
            outcome({"a"}, ("a", "b"), decision="answer"),
            outcome({"a"}, ("b", "a")),
            outcome({"a", "c"}, ("b", "d", "e", "c")),
            outcome({"a"}, ("b",), decision="answer"),
            outcome(set(), ("a",), decision="answer"),
            outcome(set(), (), decision="unanswered"),
        ]
    )
    assert (figures["hit@1"], figures["hit@3"], figures["hit@10"]) == (0.25, 0.5, 0.75)
    assert figures["mrr@10"] == pytest.approx((1 + 1 / 2 + 1 / 4 + 0) / 4, abs=1e-4)
    assert (figures["answered"], figures["answered_correct"]) == (3, 1)
    assert (figures["unanswerable"], figures["false_answers"]) == (2, 1)


def test_figures_without_a_meaning_for_the_data_are_none() -> None:
    figures = metrics([outcome(set(), ("a",))])
    assert (figures["hit@1"], figures["mrr@10"], figures["auroc_right"]) == (None, None, None)
    assert figures["intervals"] == {
        "hit@1": None,
        "hit@3": None,
        "hit@10": None,
        "mrr@10": None,
        "answered_precision": None,
        "false_answer_rate": [0.0, 0.0],
        "ece": [0.5, 0.5],
        "auroc_right": None,
    }


def test_each_language_has_figures_of_its_own_the_most_asked_first() -> None:
    figures = by_language(
        [
            outcome({"a"}, ("b",)),
            outcome({"a"}, ("b",), lang="nl"),
            outcome({"a"}, ("a",), lang="pl"),
            outcome({"a"}, ("b",), lang="pl"),
        ]
    )
    assert [(lang, f["queries"], f["hit@1"]) for lang, f in figures.items()] == [
        ("pl", 2, 0.5),
        ("nl", 1, 0.0),
        ("unknown", 1, 0.0),
    ]


def test_auroc_counts_ties_half() -> None:
    assert auroc(np.array([0.9, 0.8, 0.1]), np.array([True, True, False])) == 1.0
    assert auroc(np.array([0.5, 0.5]), np.array([True, False])) == 0.5
    assert auroc(np.array([0.1, 0.9]), np.array([True, False])) == 0.0


def share_of_pairs_in_order(score: np.ndarray, positive: np.ndarray) -> float:
    pairs = [(a > b) + 0.5 * (a == b) for a in score[positive] for b in score[~positive]]
    return float(np.mean(pairs)) if pairs else float("nan")


@given(SCORED)
def test_auroc_equals_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    score, positive = columns(rows)
    expected = share_of_pairs_in_order(score, positive)
    assert auroc(score, positive) == (None if np.isnan(expected) else pytest.approx(expected, abs=5.1e-5))


def test_calibration_error_is_the_distance_between_confidence_and_truth() -> None:
    confidence = np.full(30, 0.8)
    right = np.array([True] * 15 + [False] * 15)
    assert expected_calibration_error(confidence[:15], right[:15]) == pytest.approx(0.2)
    # 15 bins of two: seven all right, seven all wrong, one half and half
    assert expected_calibration_error(confidence, right) == pytest.approx((7 * 0.2 + 7 * 0.8 + 0.3) / 15)


@given(SCORED)
def test_calibration_error_is_the_weighted_distance_of_the_bins_from_the_diagonal(rows: list[tuple[int, bool]]) -> None:
    confidence, right = columns(rows)
    bins = reliability(confidence, right)
    assert sum(b.count for b in bins) == len(rows)
    assert max(b.count for b in bins) - min(b.count for b in bins) <= 1
    assert all(a.high <= b.low for a, b in pairwise(bins))
    weighted = sum(b.count * abs(b.confidence - b.right) for b in bins) / len(rows)
    assert expected_calibration_error(confidence, right) == pytest.approx(weighted)


def test_a_bin_knows_its_range_its_mean_and_the_share_of_right_ones() -> None:
    confidence = np.repeat(np.arange(15) / 20, 2) + np.tile([0.0, 0.01], 15)
    right = np.tile([True, False], 15)
    bins = reliability(confidence, right)
    assert len(bins) == 15
    assert bins[0] == Bin(0.0, 0.01, 2, 0.005, 0.5)


@given(SCORED)
def test_coverage_is_what_each_threshold_would_answer(rows: list[tuple[int, bool]]) -> None:
    confidence, right = columns(rows)
    expected = [
        Coverage(float(t), int((confidence >= t).sum()), int(right[confidence >= t].sum()))
        for t in sorted(set(confidence), reverse=True)
    ]
    assert list(coverage(confidence, right)) == expected


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_an_interval_holds_the_share_it_is_of_and_nothing_impossible(values: list[bool]) -> None:
    found = interval(means(np.array(values, float)), len(values))
    assert found is not None
    low, high = found
    assert min(values) <= low <= np.mean(values) + 5e-5
    assert np.mean(values) - 5e-5 <= high <= max(values)


def test_an_interval_is_the_same_at_every_run_and_narrower_with_more_questions() -> None:
    few = interval(means(np.tile([0.0, 1.0], 50)), 100)
    many = interval(means(np.tile([0.0, 1.0], 5000)), 10_000)
    assert few == interval(means(np.tile([0.0, 1.0], 50)), 100)
    assert few
    assert many
    # half of 100 and of 10,000 coins: 1.96 standard errors are .098 and .0098
    assert few == pytest.approx([0.402, 0.598], abs=0.01)
    assert many == pytest.approx([0.4902, 0.5098], abs=0.001)


def test_more_questions_than_are_drawn_at_once_are_drawn_in_parts() -> None:
    drawn: list[tuple[int, ...]] = []

    def keep(indices: np.ndarray) -> np.ndarray:
        drawn.append(indices.shape)
        return np.zeros(len(indices))

    interval(keep, 3000)
    assert sum(resamples for resamples, _ in drawn) == RESAMPLES
    assert [size for _, size in drawn] == [3000, 3000]


def test_resamples_without_a_right_or_a_wrong_one_are_left_out_of_the_interval_of_auroc() -> None:
    rows = [(5, True), (3, False), (4, True), (1, True), (2, False), (3, True), (0, False)]
    score, positive = columns(rows)
    outcomes = [outcome({"a"}, ("a" if p else "b",), confidence=s) for s, p in zip(score, positive, strict=True)]

    def one_by_one(drawn: np.ndarray) -> np.ndarray:
        return np.array([share_of_pairs_in_order(score[row], positive[row]) for row in drawn])

    assert metrics(outcomes)["intervals"]["auroc_right"] == interval(one_by_one, len(rows))


def test_the_interval_of_the_calibration_error_is_that_of_the_figure_itself() -> None:
    chance = np.random.default_rng(1)
    confidence = np.sort(np.round(chance.random(40), 4))  # sorted, so that both draw the same questions
    right = chance.random(40) < confidence
    outcomes = [outcome({"a"}, ("a" if r else "b",), confidence=c) for c, r in zip(confidence, right, strict=True)]

    def one_by_one(drawn: np.ndarray) -> np.ndarray:
        return np.array([expected_calibration_error(confidence[row], right[row]) for row in drawn])

    expected = interval(one_by_one, 40)
    assert metrics(outcomes)["intervals"]["ece"] == pytest.approx(expected, abs=1.1e-4)


def columns(rows: Sequence[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([s for s, _ in rows], float) / 5, np.array([p for _, p in rows], bool)
