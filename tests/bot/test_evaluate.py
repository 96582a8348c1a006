"""The figures of an evaluation, on outcomes made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.evaluate import (
    Asked,
    Evaluation,
    Outcome,
    auroc,
    expected_calibration_error,
    metrics,
    read_queries,
    write_predictions,
)
from kb.errors import EvaluationFileError
from kb.search import Query


def outcome(
    relevant: set[str], articles: tuple[str, ...], *, decision: str = "suggest", confidence: float = 0.5
) -> Outcome:
    return Outcome(Asked("q", Query("x"), frozenset(relevant)), decision, confidence, articles, ms=2.0)


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


def test_auroc_counts_ties_half() -> None:
    assert auroc(np.array([0.9, 0.8, 0.1]), np.array([True, True, False])) == 1.0
    assert auroc(np.array([0.5, 0.5]), np.array([True, False])) == 0.5
    assert auroc(np.array([0.1, 0.9]), np.array([True, False])) == 0.0


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_auroc_equals_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    score, positive = np.array([s for s, _ in rows], float), np.array([p for _, p in rows])
    pairs = [(a > b) + 0.5 * (a == b) for a in score[positive] for b in score[~positive]]
    assert auroc(score, positive) == (round(float(np.mean(pairs)), 4) if pairs else None)


def test_calibration_error_is_the_distance_between_confidence_and_truth() -> None:
    confidence = np.full(30, 0.8)
    right = np.array([True] * 15 + [False] * 15)
    assert expected_calibration_error(confidence[:15], right[:15]) == pytest.approx(0.2)
    # 15 bins of two: seven all right, seven all wrong, one half and half
    assert expected_calibration_error(confidence, right) == pytest.approx((7 * 0.2 + 7 * 0.8 + 0.3) / 15)


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id": "1", "query": "x", "relevant": "a"}', ":1: relevant is 'a', expected a list of article ids."),
        ('{"id": "1", "query": "x"}', ":1: missing relevant; found the keys id, query."),
        ("{", ":1: not valid JSON"),
        ("[]", ":1: expected a JSON object, found list."),
        ("", " holds no queries."),
    ],
)
def test_a_broken_queries_file_names_the_line(tmp_path: Path, line: str, words: str) -> None:
    path = write(tmp_path / "queries.jsonl", line)
    with pytest.raises(EvaluationFileError) as error:
        read_queries(path)
    assert f"{path}{words}" in str(error.value)


def test_an_id_used_twice_is_refused(tmp_path: Path) -> None:
    row = '{"id": 1, "query": "x", "relevant": []}'
    path = write(tmp_path / "queries.jsonl", row, row)
    with pytest.raises(EvaluationFileError, match=r":2: the id '1' was used before"):
        read_queries(path)


def test_predictions_are_one_object_a_query(tmp_path: Path) -> None:
    rows = (outcome({"a"}, ("a", "b"), decision="answer", confidence=0.9),)
    write_predictions(Evaluation(rows, {}), tmp_path / "p.jsonl")
    assert json.loads((tmp_path / "p.jsonl").read_text()) == {
        "id": "q",
        "decision": "answer",
        "confidence": 0.9,
        "articles": ["a", "b"],
    }
