"""What every `VectorStore` does, run over each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import faiss
import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bot.shared.vectors import Generations, open_vector_engine
from kb.embedding import Vectors
from kb.errors import SnapshotDamaged
from kb.quantised import QuantisedStore
from kb.vectors import ArrayStore, FaissStore, Rows, VectorStore
from tests.bot.samples import NOON

MakeStore = Callable[[Vectors], VectorStore]


@pytest.fixture(scope="module")
def _generations(pgvector: sa.Engine) -> Iterator[Generations]:
    searching = open_vector_engine(pgvector.url.render_as_string(hide_password=False))
    yield Generations(pgvector, searching, lambda: NOON)
    searching.dispose()


@pytest.fixture(scope="module", params=["FaissStore", "QuantisedStore", "ArrayStore", "PgVectorStore"])
def make(request: pytest.FixtureRequest) -> MakeStore:
    if request.param != "PgVectorStore":
        makers: dict[str, MakeStore] = {
            "FaissStore": FaissStore.of,
            "QuantisedStore": QuantisedStore.of,
            "ArrayStore": ArrayStore,
        }
        return makers[request.param]
    generations: Generations = request.getfixturevalue("_generations")
    numbers = count()

    def stored(vectors: Vectors) -> VectorStore:
        name = f"contract-{next(numbers)}"
        generations.store(name, "0" * 64, ArrayStore(vectors))
        store = generations.open(name, "0" * 64)
        assert store is not None
        return store

    return stored


def _unit(vectors: Vectors) -> Vectors:
    vectors = vectors.astype(np.float32)
    vectors[:, 0] += 1e-3  # no row of zeros
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _grid(rows: int, dimension: int) -> st.SearchStrategy[Vectors]:
    """Unit rows with few distinct values, so that ties happen."""
    return arrays(np.float32, (rows, dimension), elements=st.integers(-2, 2).map(float)).map(_unit)


_CORNER = np.eye(3, dtype=np.float32)


def test_size_and_dimension_are_those_of_the_vectors(make: MakeStore) -> None:
    store = make(np.ones((5, 3), np.float32))
    assert (store.size, store.dimension) == (5, 3)


def test_the_best_rows_come_first_with_their_cosines(make: MakeStore) -> None:
    query = np.array([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]], np.float32)
    scores, rows = make(_CORNER).search(query, 2)
    assert rows[0].tolist() == [1, 0]
    assert rows[1, 0] == 2
    np.testing.assert_allclose(scores, [[0.8, 0.6], [1.0, 0.0]], atol=1e-6)
    assert (scores.dtype, rows.dtype) == (np.float32, np.int64)


def test_more_rows_than_there_are_gives_all_of_them(make: MakeStore) -> None:
    scores, rows = make(_CORNER).search(_CORNER[:1], 99)
    assert (scores.shape, sorted(rows[0].tolist())) == ((1, 3), [0, 1, 2])


def test_only_allowed_rows_are_found(make: MakeStore) -> None:
    scores, rows = make(_CORNER).search(_CORNER[1:2], 3, np.array([0, 2], np.int64))
    assert (scores.shape, sorted(rows[0].tolist())) == ((1, 2), [0, 2])


def test_where_no_row_is_allowed_nothing_is_found(make: MakeStore) -> None:
    scores, rows = make(_CORNER).search(_CORNER, 3, np.empty(0, np.int64))
    assert (scores.shape, rows.shape) == ((3, 0), (3, 0))


def test_a_store_without_rows_finds_nothing(make: MakeStore) -> None:
    store = make(np.empty((0, 3), np.float32))
    scores, rows = store.search(_CORNER, 3)
    assert (store.size, store.dimension, scores.shape, rows.shape) == (0, 3, (3, 0), (3, 0))
    assert store.score(_CORNER, np.empty(0, np.int64)).shape == (3, 0)


def test_no_query_gives_no_results(make: MakeStore) -> None:
    scores, rows = make(_CORNER).search(np.empty((0, 3), np.float32), 2)
    assert (scores.shape, rows.shape) == ((0, 2), (0, 2))


def test_scores_of_given_rows_come_in_their_order_and_as_often_as_given(make: MakeStore) -> None:
    scores = make(_CORNER).score(np.array([[0.6, 0.8, 0.0]], np.float32), np.array([2, 1, 1, 0], np.int64))
    np.testing.assert_allclose(scores, [[0.0, 0.8, 0.8, 0.6]], atol=1e-6)
    assert scores.dtype == np.float32


@given(data=st.data())
def test_the_results_are_those_of_the_exact_product(make: MakeStore, data: st.DataObject) -> None:
    size, dimension = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 9))
    vectors, queries = data.draw(_grid(size, dimension)), data.draw(_grid(3, dimension))
    allowed: Rows | None = None
    if data.draw(st.booleans()):
        allowed = np.array(sorted(data.draw(st.sets(st.integers(0, size - 1)))), np.int64)
    k = data.draw(st.integers(1, size + 3))
    exact = queries.astype(np.float64) @ vectors.T.astype(np.float64)
    usable = np.arange(size) if allowed is None else allowed

    store = make(vectors)
    scores, rows = store.search(queries, k, allowed)

    assert scores.shape == rows.shape == (3, min(k, len(usable)))
    np.testing.assert_allclose(scores, -np.sort(-exact[:, usable], axis=1)[:, :k], atol=1e-5)
    np.testing.assert_allclose(scores, np.take_along_axis(exact, rows, 1), atol=1e-5)
    for found in rows:
        assert len(set(found.tolist())) == len(found)
        assert set(found.tolist()) <= set(usable.tolist())
    np.testing.assert_allclose(store.score(queries, usable.astype(np.int64)), exact[:, usable], atol=1e-5)


def test_rows_come_as_they_are_in_the_order_and_as_often_as_asked_for(make: MakeStore) -> None:
    vectors = np.array([[0.6, 0.8], [1.0, 0.0], [0.0, 0.0]], np.float32)
    rows = make(vectors).rows(np.array([2, 0, 0], np.int64))
    np.testing.assert_array_equal(rows, vectors[[2, 0, 0]])
    assert rows.dtype == np.float32


def test_no_row_asked_for_gives_none(make: MakeStore) -> None:
    assert make(_CORNER).rows(np.empty(0, np.int64)).shape == (0, 3)
    assert make(np.empty((0, 3), np.float32)).rows(np.empty(0, np.int64)).shape == (0, 3)


def test_a_row_that_was_given_out_is_a_copy(make: MakeStore) -> None:
    store = make(_CORNER)
    store.rows(np.array([0], np.int64))[:] = 9.0
    np.testing.assert_array_equal(store.rows(np.array([0], np.int64)), _CORNER[:1])


def test_a_row_of_zeros_is_as_far_from_every_question(make: MakeStore) -> None:
    scores, rows = make(np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0]], np.float32)).search(_CORNER[:1], 3)
    assert (rows.tolist(), scores.tolist()) == ([[1, 0, 2]], [[1.0, 0.0, -1.0]])


# --- FaissStore alone --------------------------------------------------------------------------------------------


def test_a_saved_faiss_store_opens_with_the_same_vectors(tmp_path: Path) -> None:
    vectors = _unit(np.arange(24, dtype=np.float32).reshape(6, 4))
    FaissStore.of(vectors).save(tmp_path / "v.faiss")
    store = FaissStore.open(tmp_path / "v.faiss")
    np.testing.assert_array_equal(
        store.score(np.eye(4, dtype=np.float32), np.arange(6, dtype=np.int64)), vectors.T.copy()
    )


@pytest.mark.parametrize("content", [b"", b"no index", b"IxFI\0"])
def test_a_file_that_is_no_index_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v.faiss").write_bytes(content)
    with pytest.raises(SnapshotDamaged, match=r"v\.faiss is no FAISS index: .*Build the snapshot again\.$"):
        FaissStore.open(tmp_path / "v.faiss")


def test_a_missing_file_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(SnapshotDamaged, match=r"none\.faiss is no FAISS index"):
        FaissStore.open(tmp_path / "none.faiss")


def test_an_index_of_distances_is_refused_since_its_scores_mean_the_opposite(tmp_path: Path) -> None:
    faiss.write_index(faiss.IndexFlatL2(4), str(tmp_path / "v.faiss"))
    with pytest.raises(SnapshotDamaged, match=r"v\.faiss holds a IndexFlatL2, expected an IndexFlatIP\."):
        FaissStore.open(tmp_path / "v.faiss")
