from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kb import head
from kb.embedding import Vectors
from kb.head import GAMMA, RIDGE, Head

Numbers = NDArray[np.int64]


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _examples(seed: int, classes: int, of_each: int, spread: float = 0.7) -> tuple[Vectors, Numbers]:
    """Examples of each class around a centre of its own, in the order of the classes."""
    random = np.random.default_rng(seed)
    owners = np.repeat(np.arange(classes), of_each)
    centres = _unit(random.normal(size=(classes, 24)).astype(np.float32))
    return _unit(centres[owners] + spread * _unit(random.normal(size=(len(owners), 24)))), owners


def _even(count: int) -> NDArray[np.float32]:
    return np.ones(count, np.float32)


def _scores(fitted: Head, queries: Vectors, classes: int) -> NDArray[np.float32]:
    return fitted.scores(fitted.near(queries), np.arange(classes))


def test_the_scores_are_those_of_kernel_ridge_regression() -> None:
    vectors, owners = _examples(1, 6, 5)
    trust = np.random.default_rng(2).uniform(0.2, 1, len(vectors)).astype(np.float32)
    queries, _ = _examples(3, 6, 2)

    def kernel(a: Vectors, b: Vectors) -> NDArray[np.float64]:
        distances = ((a[:, None].astype(np.float64) - b[None]) ** 2).sum(axis=2)
        return np.exp(-2.5 * distances)

    meant = np.eye(6)[owners]
    expected = kernel(queries, vectors) @ np.linalg.solve(kernel(vectors, vectors) + np.diag(RIDGE / trust), meant)

    found = _scores(Head.of(vectors, owners, trust, 6, gamma=2.5), queries, 6)

    assert (found.shape, found.dtype) == ((12, 6), np.float32)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_head_never_taught_an_example_says_of_it_what_the_formula_of_leaving_one_out_says() -> None:
    vectors, owners = _examples(4, 5, 4)
    trust = np.random.default_rng(5).uniform(0.2, 1, len(vectors)).astype(np.float32)
    meant = np.eye(5)[owners]
    kernel = np.exp(2 * GAMMA * (vectors.astype(np.float64) @ vectors.T - 1))
    inverse = np.linalg.inv(kernel + np.diag(RIDGE / trust))
    left_out = meant - (inverse @ meant) / np.diag(inverse)[:, None]

    for n in range(len(vectors)):
        others = np.arange(len(vectors)) != n
        refitted = Head.of(vectors[others], owners[others], trust[others], 5)
        np.testing.assert_allclose(_scores(refitted, vectors[n : n + 1], 5)[0], left_out[n], atol=1e-5)


def test_what_was_asked_before_scores_its_own_class_highest() -> None:
    vectors, owners = _examples(6, 30, 3)
    scores = _scores(Head.of(vectors, owners, _even(90), 30), vectors, 30)
    assert scores.argmax(axis=1).tolist() == owners.tolist()


@pytest.mark.parametrize("trust", [1.0, 0.8, 0.5, 0.01])
def test_an_example_alone_counts_as_far_as_it_is_trusted(trust: float) -> None:
    vector = np.eye(3, dtype=np.float32)[:1]
    fitted = Head.of(vector, np.array([1]), np.array([trust], np.float32), 2)
    np.testing.assert_allclose(_scores(fitted, vector, 2), [[0.0, 1 / (1 + RIDGE / trust)]], rtol=1e-6)


def test_of_two_examples_that_say_the_same_the_trusted_one_prevails() -> None:
    same = np.eye(3, dtype=np.float32)[[0, 0]]
    scores = _scores(Head.of(same, np.array([0, 1]), np.array([0.5, 1.0], np.float32), 2), same[:1], 2)[0]
    assert scores[1] == pytest.approx(2 * scores[0], rel=1e-5)


def test_said_twice_is_believed_more_than_said_once() -> None:
    same = np.eye(3, dtype=np.float32)[[0, 0]]
    once = _scores(Head.of(same[:1], np.array([0]), _even(1), 1), same[:1], 1)
    twice = _scores(Head.of(same, np.array([0, 0]), _even(2), 1), same[:1], 1)
    np.testing.assert_allclose([once[0, 0], twice[0, 0]], [1 / (1 + RIDGE), 2 / (2 + RIDGE)], rtol=1e-5)


def test_a_class_without_examples_scores_nothing() -> None:
    vectors, owners = _examples(7, 3, 2)
    fitted = Head.of(vectors, owners, _even(6), 9)
    assert fitted.scores(fitted.near(vectors), np.array([8, 3])).tolist() == [[0.0, 0.0]] * 6


def test_scores_come_in_the_order_of_the_classes_that_were_asked_for() -> None:
    vectors, owners = _examples(8, 4, 3)
    fitted = Head.of(vectors, owners, _even(12), 4)
    near = fitted.near(vectors)
    np.testing.assert_allclose(
        fitted.scores(near, np.array([3, 0, 3])), fitted.scores(near, np.arange(4))[:, [3, 0, 3]], atol=1e-6
    )


def test_without_examples_nothing_is_near_and_nothing_scores() -> None:
    fitted = Head.of(np.empty((0, 3), np.float32), np.empty(0, np.int64), _even(0), 4)
    queries = np.eye(3, dtype=np.float32)
    near = fitted.near(queries)
    assert near.shape == (3, 0)
    assert fitted.classes(near, 5).tolist() == []
    assert fitted.scores(near, np.arange(4)).tolist() == [[0.0] * 4] * 3


def test_without_classes_there_is_nothing_to_score() -> None:
    fitted = Head.of(np.empty((0, 3), np.float32), np.empty(0, np.int64), _even(0), 0)
    near = fitted.near(np.eye(3, dtype=np.float32))
    assert fitted.scores(near, np.empty(0, np.int64)).shape == (3, 0)


def test_the_nearest_examples_name_their_classes_each_once() -> None:
    vectors, owners = _examples(9, 8, 3, spread=0.1)
    fitted = Head.of(vectors, owners, _even(24), 8)
    near = fitted.near(vectors[[0, 21]])
    assert fitted.classes(near, 6).tolist() == [0, 7]
    assert fitted.classes(near, 24).tolist() == fitted.classes(near, 99).tolist() == list(range(8))


@given(seed=st.integers(0, 10_000), size=st.integers(1, 40), classes=st.integers(1, 6))
def test_the_order_of_the_examples_changes_nothing(seed: int, size: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    # A coarse grid, so that some examples say the very same, of one class or of several.
    vectors = _unit(random.integers(-1, 2, (size, 4)) + np.array([0.1, 0, 0, 0]))
    owners, trust = random.integers(0, classes, size), random.uniform(0.3, 1, size).astype(np.float32)
    queries = _unit(random.normal(size=(5, 4)))
    shuffled = random.permutation(size)

    one = Head.of(vectors, owners, trust, classes)
    other = Head.of(vectors[shuffled], owners[shuffled], trust[shuffled], classes)

    np.testing.assert_allclose(_scores(one, queries, classes), _scores(other, queries, classes), atol=1e-5)
    for head_ in (one, other):
        assert head_.classes(head_.near(queries), size).tolist() == sorted(set(owners.tolist()))


# --- more examples than landmarks ----------------------------------------------------------------------------------


def test_with_fewer_landmarks_than_examples_the_same_classes_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, owners = _examples(10, 20, 24, spread=0.6)
    vectors, queries, owners = drawn[::2], drawn[1::2], owners[::2]
    exact = _scores(Head.of(vectors, owners, _even(240), 20), queries, 20)
    monkeypatch.setattr(head, "LANDMARKS", 120)

    fitted = Head.of(vectors, owners, _even(240), 20)
    near = fitted.near(queries)

    assert near.shape == (240, 120)
    assert np.mean(exact.argmax(axis=1) == owners) > 0.95
    assert fitted.scores(near, np.arange(20)).argmax(axis=1).tolist() == exact.argmax(axis=1).tolist()


def test_with_fewer_landmarks_the_scores_are_those_of_nystrom_s_approximation(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, owners = _examples(13, 6, 10)
    trust = np.random.default_rng(14).uniform(0.2, 1, 60).astype(np.float32)
    queries, _ = _examples(15, 6, 2)
    monkeypatch.setattr(head, "LANDMARKS", 20)
    landmarks = vectors[np.linspace(0, 59, 20).astype(int)].astype(np.float64)

    # As ridge regression on the features that Nyström's approximation gives each example.
    values, axes = np.linalg.eigh(np.exp(2 * GAMMA * (landmarks @ landmarks.T - 1)))
    roots = axes / np.sqrt(values)
    features, asked = (np.exp(2 * GAMMA * (x @ landmarks.T - 1)) @ roots for x in (vectors, queries))
    weighed = features * trust[:, None]
    expected = asked @ np.linalg.solve(weighed.T @ features + RIDGE * np.eye(20), weighed.T @ np.eye(6)[owners])

    found = _scores(Head.of(vectors, owners, trust, 6), queries, 6)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_with_fewer_landmarks_trust_still_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "LANDMARKS", 3)
    # Two places; at each two classes were said to be meant, one trusted twice as far as the other.
    places = np.eye(3, dtype=np.float32)[[0, 0, 1, 1, 0, 0]]
    trust = np.array([1, 0.5, 0.5, 1, 1, 0.5], np.float32)
    scores = _scores(Head.of(places, np.array([0, 1, 0, 1, 0, 1]), trust, 2), np.eye(3, dtype=np.float32)[:2], 2)
    np.testing.assert_allclose(scores[0, 0] / scores[0, 1], 2.0, atol=0.15)
    assert scores[1, 1] > scores[1, 0]


def test_landmarks_that_say_the_same_twice_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, owners = _examples(11, 5, 4)
    vectors, owners = np.repeat(vectors, 6, axis=0), np.repeat(owners, 6)
    monkeypatch.setattr(head, "LANDMARKS", 60)
    scores = _scores(Head.of(vectors, owners, _even(120), 5), vectors, 5)
    assert scores.argmax(axis=1).tolist() == owners.tolist()


def test_many_classes_leave_room_for_fewer_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, owners = _examples(12, 150, 2)
    monkeypatch.setattr(head, "_MOST_COEFFICIENTS", 150 * 120)
    assert Head.of(vectors, owners, _even(300), 150).near(vectors[:1]).shape == (1, 120)
    monkeypatch.setattr(head, "_MOST_COEFFICIENTS", 1)
    assert Head.of(vectors, owners, _even(300), 150).near(vectors[:1]).shape == (1, 100)
