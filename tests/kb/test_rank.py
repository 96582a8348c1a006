from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kb.rank import FEATURES, WEIGHTS, Evidence, order

_EVIDENCE = st.integers(1, 20).flatmap(
    lambda n: arrays(np.float32, (n, len(FEATURES)), elements=st.integers(0, 64).map(lambda k: k / 64))
)


def _scores(evidence: Evidence) -> np.ndarray:
    """The weighted sums in double precision."""
    return evidence.astype(np.float64) @ np.array([WEIGHTS[name] for name in FEATURES])


def test_each_evidence_speaks_for_an_article() -> None:
    assert [name for name, weight in WEIGHTS.items() if weight <= 0] == []


@pytest.mark.parametrize("name", FEATURES)
def test_more_of_any_evidence_puts_an_article_first(name: str) -> None:
    evidence = np.full((3, len(FEATURES)), 0.5, np.float32)
    evidence[1, FEATURES.index(name)] = 0.75
    assert order(evidence).positions.tolist() == [1, 0, 2]


def test_equal_articles_keep_their_order() -> None:
    assert order(np.ones((5, len(FEATURES)), np.float32)).positions.tolist() == [0, 1, 2, 3, 4]


def test_no_candidates_give_an_empty_order() -> None:
    empty = order(np.empty((0, len(FEATURES)), np.float32))
    assert (empty.positions.tolist(), empty.scores.tolist()) == ([], [])


@given(_EVIDENCE)
def test_every_candidate_is_ranked_once_and_scores_fall(evidence: Evidence) -> None:
    ranked = order(evidence)
    assert sorted(ranked.positions.tolist()) == list(range(len(evidence)))
    np.testing.assert_allclose(ranked.scores, _scores(evidence)[ranked.positions], rtol=1e-5, atol=1e-5)
    assert np.all(np.diff(ranked.scores) <= 0) == np.True_


@given(_EVIDENCE, st.sampled_from(FEATURES), st.integers(-64, 64))
def test_adding_the_same_to_one_evidence_of_all_changes_no_order(evidence: Evidence, name: str, steps: int) -> None:
    moved = evidence.copy()
    moved[:, FEATURES.index(name)] += steps / 64
    before = _scores(evidence)[order(moved).positions]
    assert np.diff(before).max(initial=0.0) < 1e-5  # rounding may swap what is equal but for the sixth digit


@given(_EVIDENCE, st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_changes_nothing_but_the_order_of_ties(evidence: Evidence, random: object) -> None:
    shuffle = list(range(len(evidence)))
    random.shuffle(shuffle)  # type: ignore[attr-defined]
    first, second = order(evidence), order(evidence[shuffle])
    np.testing.assert_allclose(first.scores, second.scores, rtol=1e-5, atol=1e-5)
    for one, other in zip(first.positions, np.array(shuffle)[second.positions], strict=True):
        assert abs(_scores(evidence)[one] - _scores(evidence)[other]) < 1e-5
