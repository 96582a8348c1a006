from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import kb.head
from kb.embedding import Vectors
from kb.head import Head

_CLASSES = 7


def _examples(count: int = 60) -> tuple[Vectors, NDArray[np.int64], NDArray[np.float32]]:
    chance = np.random.default_rng(0)
    vectors = chance.normal(size=(count, 12))
    vectors[5] = vectors[4]  # the same question twice
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit, chance.integers(0, _CLASSES, count), chance.uniform(0.2, 1.0, count).astype(np.float32)


def test_an_example_left_out_leaves_the_head_that_never_saw_it() -> None:
    vectors, owners, trust = _examples()
    queries, classes = _examples(9)[0], np.array([6, 0, 3])
    head = Head.of(vectors, owners, trust, _CLASSES, hold=range(len(vectors)))
    for example in range(len(vectors)):
        rest = np.arange(len(vectors)) != example
        refitted = Head.of(vectors[rest], owners[rest], trust[rest], _CLASSES)
        asked = np.concatenate([queries, vectors[[example]]])
        expected = refitted.scores(refitted.near(asked), classes)
        np.testing.assert_allclose(head.scores(head.near(asked), classes, example), expected, atol=2e-5)


def test_an_example_left_out_of_a_head_on_landmarks_is_left_out_too(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, owners, trust = _examples()
    monkeypatch.setattr(kb.head, "LANDMARKS", 20)
    head = Head.of(vectors, owners, trust, _CLASSES, hold=range(len(vectors)))
    barely = trust.copy()
    every = np.arange(_CLASSES)
    near = head.near(vectors)
    for example in range(len(vectors)):
        barely[:] = trust
        barely[example] = 1e-9  # as good as not there, and the landmarks stay the same
        refitted = Head.of(vectors, owners, barely, _CLASSES)
        np.testing.assert_allclose(head.scores(near, every, example), refitted.scores(near, every), atol=1e-4)


@pytest.mark.parametrize("landmarks", [20, 2_000])
def test_an_example_left_out_names_no_class(monkeypatch: pytest.MonkeyPatch, landmarks: int) -> None:
    vectors, owners, trust = _examples()
    owners[:] = np.arange(len(owners))
    monkeypatch.setattr(kb.head, "LANDMARKS", landmarks)
    head = Head.of(vectors, owners, trust, len(owners), hold=[0, 59])
    near = head.near(vectors[[59]])
    assert 59 in head.classes(near, 100)
    assert 59 not in head.classes(near, 100, 59)
    assert 0 in head.classes(near, 100, 59)


def test_only_examples_that_were_held_can_be_left_out() -> None:
    vectors, owners, trust = _examples()
    head = Head.of(vectors, owners, trust, _CLASSES, hold=[3])
    with pytest.raises(KeyError):
        head.scores(head.near(vectors), np.array([0]), 4)
