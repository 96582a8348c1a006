from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kb.embedding import Vectors
from kb.errors import SnapshotDamaged
from kb.quantised import EXACT_FILE, MANY, QuantisedStore, nearest, store_of
from kb.vectors import ArrayStore, FaissStore


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    """4,000 unit rows in 40 clouds, as passages lie around topics."""
    random = np.random.default_rng(0)
    made = np.repeat(random.normal(size=(40, 24)), 100, axis=0) + 0.5 * random.normal(size=(4_000, 24))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def store(vectors: Vectors) -> QuantisedStore:
    return QuantisedStore.of(vectors)


def _recall(found: np.ndarray, exact: np.ndarray) -> float:
    each = zip(found.tolist(), exact.tolist(), strict=True)
    return sum(len(set(a) & set(b)) for a, b in each) / exact.size


def test_the_ten_nearest_are_nearly_always_found_with_their_exact_cosines(
    vectors: Vectors, store: QuantisedStore
) -> None:
    asked = vectors[::50]
    scores, found = store.search(asked, 10)
    assert _recall(found, nearest(store, asked, 10)) >= 0.98
    np.testing.assert_allclose(scores[0], vectors[found[0]] @ asked[0], atol=1e-6)
    looked_at, lists = store.lists
    assert looked_at < lists


@pytest.mark.parametrize("step", [2, 300], ids=["half of the rows", "few rows"])
def test_with_some_rows_allowed_the_nearest_of_those_are_found(
    vectors: Vectors, store: QuantisedStore, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.quantised._FEW", 100)
    allowed = np.arange(1, 4_000, step)
    asked = vectors[::50]
    _, found = store.search(asked, 10, allowed)
    assert set(found.ravel().tolist()) <= set(allowed.tolist())
    _, exact = ArrayStore(vectors).search(asked, 10, allowed)
    assert _recall(found, exact) >= 0.98


def test_a_saved_store_opens_with_the_same_answers(vectors: Vectors, store: QuantisedStore, tmp_path: Path) -> None:
    store.save(tmp_path / "vectors.faiss")
    opened = QuantisedStore.open(tmp_path / "vectors.faiss")
    for before, after in zip(store.search(vectors[:9], 20), opened.search(vectors[:9], 20), strict=True):
        np.testing.assert_array_equal(before, after)
    assert opened.lists == store.lists
    np.testing.assert_array_equal(opened.rows(np.array([5, 3_999])), vectors[[5, 3_999]])


def test_the_same_vectors_give_the_same_bytes(vectors: Vectors, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        QuantisedStore.of(vectors[:900]).save(tmp_path / name / "v")
    for file in ("v", EXACT_FILE):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_an_index_without_its_vectors_is_damaged(store: QuantisedStore, tmp_path: Path) -> None:
    store.save(tmp_path / "vectors.faiss")
    (tmp_path / EXACT_FILE).unlink()
    with pytest.raises(SnapshotDamaged, match=r"vectors\.arrays holds no arrays: "):
        QuantisedStore.open(tmp_path / "vectors.faiss")


def test_few_rows_are_searched_exactly_and_many_are_not(vectors: Vectors, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MANY == 50_000
    monkeypatch.setattr("kb.quantised.MANY", 900)
    assert isinstance(store_of(vectors[:900]), FaissStore)
    assert isinstance(store_of(vectors[:901]), QuantisedStore)
