from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import arrays
from kb.errors import SnapshotDamaged
from kb.lexical import K1, B, Bm25

_WORDS = st.lists(st.sampled_from("abcde"), max_size=8)


def _formula(documents: list[list[str]], query: dict[str, float], number: int) -> float:
    """BM25 as Robertson & Zaragoza write it, one document at a time."""
    average = sum(map(len, documents)) / len(documents)
    counts = Counter(documents[number])
    total = 0.0
    for term, weight in query.items():
        having = sum(term in document for document in documents)
        idf = math.log(1 + (len(documents) - having + 0.5) / (having + 0.5))
        norm = K1 * (1 - B + B * len(documents[number]) / average)
        total += weight * idf * counts[term] * (K1 + 1) / (counts[term] + norm) if counts[term] else 0.0
    return total


@given(st.lists(_WORDS, min_size=1, max_size=8), st.dictionaries(st.sampled_from("abcdez"), st.floats(0.1, 3.0)))
def test_scores_are_those_of_the_formula(documents: list[list[str]], query: dict[str, float]) -> None:
    expected = [_formula(documents, query, n) if any(documents) else 0.0 for n in range(len(documents))]
    scores = Bm25.of(documents).scores(query)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)
    assert (scores.dtype, scores.shape) == (np.float32, (len(documents),))


@given(
    st.lists(_WORDS, min_size=1, max_size=8), st.dictionaries(st.sampled_from("abcdez"), st.floats(0.1, 3.0)), _WORDS
)
def test_a_score_without_some_words_is_that_of_the_document_without_them(
    documents: list[list[str]], query: dict[str, float], taken: list[str]
) -> None:
    index = Bm25.of([*documents, documents[0] + taken])
    score = index.score_without(query, len(documents), Counter(taken))
    average = sum(map(len, (*documents, documents[0], taken))) / (len(documents) + 1)
    expected = 0.0
    for term, weight in query.items():
        if count := documents[0].count(term):
            norm = K1 * (1 - B + B * len(documents[0]) / average)
            expected += weight * index.idf(term) * count * (K1 + 1) / (count + norm)
    assert score == pytest.approx(expected, rel=1e-4, abs=1e-5)


@given(st.lists(_WORDS, min_size=1, max_size=8), st.dictionaries(st.sampled_from("abcdez"), st.floats(0.1, 3.0)))
def test_no_document_scores_above_the_best_possible(documents: list[list[str]], query: dict[str, float]) -> None:
    index = Bm25.of(documents)
    assert index.scores(query).max() <= index.best_possible(query) * 1.0001


def test_a_rarer_word_weighs_more_and_an_unknown_one_most() -> None:
    index = Bm25.of([["a", "b"], ["a"], ["a"]])
    assert index.idf("a") < index.idf("b") < index.idf("unknown")


def test_a_mapping_gives_weighted_frequencies() -> None:
    weighted, counted = Bm25.of([{"a": 2.0, "b": 1.0}, {"b": 1.0}]), Bm25.of([["a", "a", "b"], ["b"]])
    np.testing.assert_array_equal(weighted.scores({"a": 1.0}), counted.scores({"a": 1.0}))


def test_documents_that_hold_one_of_the_terms_are_named() -> None:
    index = Bm25.of([["a"], ["b"], ["a", "b"], []])
    assert index.documents_with(["a", "z"]) == {0, 2}
    assert index.documents_with(["z"]) == set()


@pytest.mark.parametrize("documents", [[], [[]], [[], []]])
def test_an_index_without_words_scores_nothing(documents: list[list[str]]) -> None:
    index = Bm25.of(documents)
    assert index.scores({"a": 1.0}).tolist() == [0.0] * len(documents)
    assert index.best_possible({}) == 1e-6


def test_a_saved_index_opens_with_the_same_scores(tmp_path: Path) -> None:
    index = Bm25.of([["hasło", "żółw"], ["hasło"], []])
    index.save(tmp_path / "w.arrays")
    opened = Bm25.open(tmp_path / "w.arrays")
    query = {"hasło": 1.0, "żółw": 0.5}
    np.testing.assert_array_equal(opened.scores(query), index.scores(query))
    assert [opened.vocabulary.get(term) for term in ("hasło", "żółw", "zz", "")] == [0, 1, None, None]
    assert (len(opened.vocabulary), opened.size) == (2, 3)


@pytest.mark.parametrize("postings_a_look", [0, 4_000], ids=["looked up", "added up"])
@given(documents=st.lists(st.lists(st.sampled_from("abcdeżł"), max_size=8), min_size=1, max_size=12), data=st.data())
def test_the_scores_of_some_documents_are_those_of_all(
    postings_a_look: int, documents: list[list[str]], data: st.DataObject
) -> None:
    index = Bm25.of(documents)
    query = data.draw(st.dictionaries(st.sampled_from("abcdeżłx"), st.sampled_from([0.3, 1.0, 2.0])))
    rows = np.array(data.draw(st.lists(st.integers(0, len(documents) - 1))), np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kb.lexical._POSTINGS_A_LOOK", postings_a_look)
        np.testing.assert_array_equal(index.scores_of(query, rows), index.scores(query)[rows])


def test_the_same_documents_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.arrays", "b.arrays"):
        Bm25.of([["x", "y"], ["y"]]).save(tmp_path / name)
    assert (tmp_path / "a.arrays").read_bytes() == (tmp_path / "b.arrays").read_bytes()


@pytest.mark.parametrize("cut", [None, 0, 1, 100, -1])
def test_a_file_that_is_no_index_is_damaged(tmp_path: Path, cut: int | None) -> None:
    Bm25.of([["x"]]).save(tmp_path / "whole.arrays")
    if cut is not None:
        (tmp_path / "w.arrays").write_bytes((tmp_path / "whole.arrays").read_bytes()[:cut])
    with pytest.raises(SnapshotDamaged, match=r"w\.arrays holds no arrays: .*Build the snapshot again\.$"):
        Bm25.open(tmp_path / "w.arrays")


def test_arrays_of_something_else_are_damaged(tmp_path: Path) -> None:
    arrays.write(tmp_path / "w.arrays", {"docs": np.zeros(1)})
    with pytest.raises(SnapshotDamaged, match=r"w\.arrays holds no arrays: it has no starts, impacts, idf, "):
        Bm25.open(tmp_path / "w.arrays")
