from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kb.calibrate import DEFAULT, QUANTITIES, WEIGHTS, Calibration, quantities
from kb.rank import FEATURES, Evidence, order

_EVIDENCE = st.integers(1, 20).flatmap(
    lambda n: arrays(np.float32, (n, len(FEATURES)), elements=st.floats(-1, 1, width=32))
)
_VALUES = st.tuples(*(st.floats(-6, 6) for _ in QUANTITIES))
_NEAREST, _WORDS = FEATURES.index("nearest"), FEATURES.index("words")
_UNRELATED = 0.25


def _evidence(*rows: float) -> Evidence:
    return np.array([[value] * len(FEATURES) for value in rows], np.float32)


def _quantities(evidence: Evidence) -> dict[str, float]:
    found = quantities(order(evidence), evidence, np.full(len(evidence), _UNRELATED, np.float32))
    return dict(zip(QUANTITIES, found, strict=True))


def _confidence(evidence: Evidence, calibration: Calibration = DEFAULT) -> float:
    return calibration.confidence(order(evidence), evidence, np.full(len(evidence), _UNRELATED, np.float32))


def test_without_a_candidate_there_is_no_confidence() -> None:
    assert _confidence(np.empty((0, len(FEATURES)), np.float32)) == 0.0


@given(_EVIDENCE)
def test_confidence_is_a_probability(evidence: Evidence) -> None:
    assert 0.0 < _confidence(evidence) < 1.0


@given(_EVIDENCE, st.randoms(use_true_random=False))
def test_confidence_does_not_depend_on_the_order_of_candidates(evidence: Evidence, random: object) -> None:
    shuffle = list(range(len(evidence)))
    random.shuffle(shuffle)  # type: ignore[attr-defined]
    scores = order(evidence).scores
    tied = len(scores) > 1 and scores[0] - scores[1] < 1e-4  # which of two ties is first decides its nearest cosine
    assert _confidence(evidence[shuffle]) == pytest.approx(_confidence(evidence), abs=1.0 if tied else 1e-4)


def test_the_further_the_first_is_ahead_the_surer() -> None:
    sure = [_quantities(_evidence(0.6, second))["stands_out"] for second in (0.6, 0.55, 0.5, 0.45)]
    assert sure == sorted(sure)
    assert len(set(sure)) == 4


def test_the_nearer_the_question_the_surer() -> None:
    far, near = _evidence(0.6, 0.5), _evidence(0.6, 0.5)
    near[:, _NEAREST] += 0.2
    assert _confidence(near) > _confidence(far)


def test_a_further_rival_makes_less_sure() -> None:
    assert _confidence(_evidence(0.6, 0.59, 0.59)) < _confidence(_evidence(0.6, 0.59))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [((0.5,), 6.0), ((1.0, -1.0), 6.0), ((0.5, 0.5), 0.0), ((0.5,) * 10, -2.197225), ((0.5,) * 1000, -2.197225)],
)
def test_how_far_the_first_stands_out_is_held_within_six_and_against_nine_rivals(
    rows: tuple[float, ...], expected: float
) -> None:
    assert _quantities(_evidence(*rows))["stands_out"] == pytest.approx(expected, abs=1e-4)


def test_the_other_quantities_are_those_of_the_first_and_the_mean_closeness_of_all() -> None:
    evidence = _evidence(0.2, 0.6, 0.1)
    evidence[1, _WORDS] = 0.5
    found = _quantities(evidence)
    assert [found[name] for name in ("nearest", "around", "words", "unrelated")] == pytest.approx([0.6, 0.3, 0.5, 0.25])


def test_an_article_that_nothing_speaks_for_is_unlikely_beside_others() -> None:
    assert _confidence(_evidence(0.0, 0.0)) < 0.1


# --- the regression ----------------------------------------------------------------------------------------------


def test_no_quantity_makes_less_sure() -> None:
    assert [name for name, weight in WEIGHTS.items() if weight < 0] == []


@given(_VALUES, st.sampled_from(range(len(QUANTITIES))), st.floats(0.01, 6))
def test_more_of_any_quantity_is_never_less_sure(values: tuple[float, ...], which: int, more: float) -> None:
    grown = [value + more * (n == which) for n, value in enumerate(values)]
    weights = tuple(WEIGHTS.values())
    assert DEFAULT.log_odds(grown) - DEFAULT.log_odds(values) == pytest.approx(weights[which] * more, abs=1e-9)


@given(_EVIDENCE, st.floats(-3, 3))
def test_a_shift_moves_the_log_odds_of_everything_by_as_much(evidence: Evidence, by: float) -> None:
    before, after = _confidence(evidence), _confidence(evidence, DEFAULT.shifted(by))
    assert np.log(after / (1 - after)) == pytest.approx(np.log(before / (1 - before)) + by, abs=1e-6)
