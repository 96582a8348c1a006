"""Vectors that PostgreSQL searches, on a real server with pgvector."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from bot.errors import StoreUnavailable
from bot.shared import vectors as module
from bot.shared.searched import SearchedPlace, SearchedVectors, open_searched
from bot.shared.vectors import Generations, PgVectorStore, open_vector_engine, relation_of, require_pgvector
from bot.tables import vector_generations
from kb.embedding import Vectors
from kb.errors import SnapshotMissing
from kb.place import FolderPlace
from kb.search import Query, Searcher
from kb.snapshot import open_snapshot, snapshots_folder
from kb.vectors import ArrayStore, FaissStore
from tests.bot.samples import NOON
from tests.conftest import Index, Write


class Now:
    """The time of day, which a test moves."""

    at = NOON

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def searching(pgvector: sa.Engine) -> Iterator[sa.Engine]:
    engine = open_vector_engine(pgvector.url.render_as_string(hide_password=False))
    yield engine
    engine.dispose()


@pytest.fixture
def generations(pgvector: sa.Engine, searching: sa.Engine, now: Now) -> Iterator[Generations]:
    made = Generations(pgvector, searching, now)
    yield made
    now.at += timedelta(days=1)
    made.collect([])


def _texts(count: int, dimension: int = 64) -> Vectors:
    """Unit vectors as texts have them: some hundred subjects, and around each what is said of it."""
    rng = np.random.default_rng(7)
    subjects = rng.normal(size=(200, dimension))
    made = subjects[rng.integers(0, 200, count)] + 0.7 * rng.normal(size=(count, dimension))
    unit: Vectors = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _relations(engine: sa.Engine) -> set[str]:
    return {name for name in sa.inspect(engine).get_table_names() if name.startswith("vectors_")}


@pytest.fixture(scope="module")
def stored(pgvector: sa.Engine) -> Iterator[tuple[Vectors, PgVectorStore]]:
    vectors = _texts(6_100)
    vectors[::50] = 0  # of another language: this encoder does not read them
    searching = open_vector_engine(pgvector.url.render_as_string(hide_password=False))
    made = Generations(pgvector, searching, lambda: NOON)
    made.store("recall", "a" * 64, ArrayStore(vectors[:6_000]))
    store = made.open("recall", "a" * 64)
    assert store is not None
    yield vectors, store
    searching.dispose()
    Generations(pgvector, searching, lambda: NOON + timedelta(days=1)).collect([])


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
def test_nearly_all_of_the_nearest_are_found_also_among_some_rows_alone(
    stored: tuple[Vectors, PgVectorStore], share: float
) -> None:
    vectors, store = stored
    queries = vectors[6_001:6_050]
    allowed = np.flatnonzero(np.random.default_rng(1).random(6_000) < share) if share < 1 else None
    scores, rows = store.search(queries, 160, allowed)
    exact, best = FaissStore.of(vectors[:6_000]).search(queries, 160, allowed)
    assert scores.shape == exact.shape
    found = [len(set(mine[:10]) & set(theirs[:10])) for mine, theirs in zip(rows, best, strict=True)]
    assert sum(found) / (10 * len(queries)) >= 0.98
    np.testing.assert_allclose(scores[:, 0], exact[:, 0], atol=1e-5)
    assert (np.diff(scores, axis=1) <= 1e-6).all()
    if allowed is not None:
        assert set(rows.ravel().tolist()) <= set(allowed.tolist())


def test_the_index_is_what_is_searched(stored: tuple[Vectors, PgVectorStore], searching: sa.Engine) -> None:
    _, store = stored
    words = f'EXPLAIN SELECT number FROM "{store._relation}" WHERE NOT zero ORDER BY vector <#> :q LIMIT 160'
    with searching.connect() as connection:
        plan = connection.execute(sa.text(words), {"q": str([0.0] * 64)}).scalars().all()
    assert any("using" in line and "hnsw" not in line and "Index Scan" in line for line in plan), plan


def test_two_builders_of_one_snapshot_store_it_once(generations: Generations, pgvector: sa.Engine) -> None:
    for _ in range(2):
        generations.store("once", "b" * 64, ArrayStore(_texts(5)))
    query = sa.select(sa.func.count()).where(vector_generations.c.snapshot == "once")
    with pgvector.connect() as connection:
        assert connection.execute(query).scalar_one() == 1


def test_vectors_that_the_database_refuses_end_in_an_error_that_commands_know(generations: Generations) -> None:
    vectors = _texts(5)
    vectors[3, 7] = np.nan
    with pytest.raises(StoreUnavailable, match=r"^The vectors could not be stored: NaN not allowed in vector\.$"):
        generations.store("nan", "d" * 64, ArrayStore(vectors))


def test_vectors_of_old_snapshots_are_removed_and_those_about_to_be_published_are_not(
    generations: Generations, pgvector: sa.Engine, now: Now
) -> None:
    for name in ("old", "used"):
        generations.store(name, "c" * 64, ArrayStore(_texts(5)))
    now.at += timedelta(hours=2)
    generations.store("new", "c" * 64, ArrayStore(_texts(5)))
    generations.collect(["used", "recall"])
    there = _relations(pgvector)
    assert [relation_of(name, "c" * 64) in there for name in ("old", "used", "new")] == [False, True, True]
    assert generations.open("old", "c" * 64) is None


def test_a_database_that_is_no_postgresql_says_what_to_do(engine: sa.Engine) -> None:
    with engine.begin() as connection, pytest.raises(StoreUnavailable, match=r"PostgreSQL; this database is sqlite"):
        require_pgvector(connection)


def test_a_server_without_pgvector_says_what_to_do(postgres_engine: sa.Engine) -> None:
    words = (
        r"The database has no pgvector\. Install pgvector 0\.8\.0 or newer on the database server, or set vectors = "
    )
    with postgres_engine.begin() as connection:
        available = "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"
        if connection.execute(sa.text(available)).scalar_one():
            pytest.skip("this PostgreSQL comes with pgvector")
        with pytest.raises(StoreUnavailable, match=words):
            require_pgvector(connection)


def test_a_database_whose_owner_has_to_allow_pgvector_says_what_to_do(pgvector: sa.Engine) -> None:
    with pgvector.connect() as connection:
        connection.execute(sa.text("DROP EXTENSION IF EXISTS vector CASCADE"))
        connection.execute(sa.text("CREATE ROLE nobody_special"))
        connection.execute(sa.text("SET ROLE nobody_special"))
        with pytest.raises(
            StoreUnavailable, match=r"permission denied.* administrator of the database run: CREATE EXT"
        ):
            require_pgvector(connection)
        connection.rollback()


def test_pgvector_of_an_earlier_version_says_what_to_do(pgvector: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OLDEST", (99, 1, 0))
    words = r"has pgvector 0\.\S+\. Install pgvector 99\.1\.0 or newer .*, then run: ALTER EXTENSION vector UPDATE"
    with pgvector.begin() as connection:
        monkeypatch.setattr(module, "_version", lambda _: "0.7.4")
        with pytest.raises(StoreUnavailable, match=words.replace(r"0\.\S+", r"0\.7\.4")):
            require_pgvector(connection)


# --- searched in the database, and in the file while that does not answer -------------------------------------------


class Broken(ArrayStore):
    """Vectors of a database that does not answer while `down`."""

    down = True
    asked = 0

    def search(self, *given: object) -> object:  # type: ignore[override]
        self.asked += 1
        if self.down:
            raise StoreUnavailable("gone")
        return super().search(*given)  # type: ignore[arg-type]


def test_while_the_database_does_not_answer_the_file_is_searched_and_then_let_go_of() -> None:
    vectors, clock, opened = _texts(9), [100.0], []

    def open_file() -> ArrayStore:
        opened.append(clock[0])
        return ArrayStore(vectors)

    shared = Broken(vectors)
    store = SearchedVectors(shared, open_file, lambda: clock[0])
    expected = ArrayStore(vectors).search(vectors[:2], 3)
    for second in (0, 1, 9):
        clock[0] = 100.0 + second
        np.testing.assert_array_equal(store.search(vectors[:2], 3)[1], expected[1])
    assert (shared.asked, opened) == (1, [100.0])  # it is left in peace for a while, and the file stays open

    clock[0], shared.down = 111.0, False
    np.testing.assert_array_equal(store.search(vectors[:2], 3)[1], expected[1])
    shared.down, clock[0] = True, 112.0
    np.testing.assert_array_equal(store.search(vectors[:2], 3)[1], expected[1])
    assert (shared.asked, opened) == (3, [100.0, 112.0])


def test_a_question_finds_the_same_in_the_database_as_in_the_file(
    write: Write, index: Index, data: Path, generations: Generations
) -> None:
    articles = {f"a{n}.md": f"# Title {n}\n\nWords of {n} about gateway {n % 3}.\n" for n in range(9)}
    made = index(write({**articles, "hidden.md": "---\naudience: internal\n---\n# Secret\n\nGateway.\n"})).snapshot
    folder = snapshots_folder(data) / made
    with pytest.raises(
        SnapshotMissing, match=rf"no vectors of snapshot {made}\. Index the articles again with vectors ="
    ):
        open_searched(generations, folder)

    place = SearchedPlace(FolderPlace(data), generations, data)
    place.publish(made)

    shared, own = Searcher(open_searched(generations, folder)), Searcher(open_snapshot(folder))
    assert isinstance(shared.snapshot.encoders[0].vectors, SearchedVectors)
    for text in ("gateway 2", "title 5", "secret"):
        mine, theirs = shared.rank(Query(text)), own.rank(Query(text))
        assert [hit.article for hit in mine.hits] == [hit.article for hit in theirs.hits]
        assert mine.confidence == pytest.approx(theirs.confidence, abs=1e-5)
