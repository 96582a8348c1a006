"""`PgVectorStore`: the `VectorStore` seam over PostgreSQL with pgvector, so that servers hold no vectors in memory.

The vectors that one encoder made of one snapshot are a *generation*: a table of their own with an HNSW index of their
own. So a search never meets rows of another snapshot, which a common index would have to go through and leave out, and
removing one is dropping a table, not hours of VACUUM. A generation is written and indexed before anything refers to it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from bot.database import reachable
from bot.errors import StoreUnavailable
from bot.patience import unlimited, watch
from bot.tables import vector_generations as generations
from kb.embedding import Vectors
from kb.snapshot import VECTORS_FILE, open_snapshot, read_manifest
from kb.vectors import Rows, VectorStore

#: Iterative scans, without which a search among some rows alone comes back with too few.
OLDEST = (0, 8, 0)
#: How many of the nearest HNSW keeps in sight while it searches: more finds more and takes longer.
#: `bench/shared_index.py` prints what it finds and how long it takes.
EF_SEARCH = 200
#: With fewer rows allowed than this, all of them are compared: that is exact, and quicker than an index that mostly
#: meets others.
_FEW = 2_000
_AT_ONCE = 4_096
#: Statements go to the driver as they are: SQLAlchemy would say that a question's vector is text, and PostgreSQL would
#: read it anew for every row it is compared with.
_GIVEN = "number = ANY(CAST(%(rows)s AS integer[]))"
#: Vectors are stored before their snapshot is in use: for so long nobody takes them for old ones.
_PUBLISHED_WITHIN = timedelta(hours=1)
#: A key of PostgreSQL's advisory locks; those of generations are hashes.
_EXTENSION_LOCK = 4_158_210_034


def open_vector_engine(url: str, connections: int = 4, wait_s: float = 1.0) -> sa.Engine:
    """An engine for searches: no transactions, few connections, and no statement that takes longer than `wait_s`.

    A hundred servers share one database, so that each can have few connections; a search holds one for milliseconds.
    """
    options = (
        f"-c hnsw.ef_search={EF_SEARCH} -c hnsw.iterative_scan=strict_order -c enable_seqscan=off -c jit=off "
        f"-c statement_timeout={int(wait_s * 1000)}"
    )
    engine = sa.create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=connections,
        max_overflow=0,
        pool_timeout=wait_s,
        pool_reset_on_return=None,
        connect_args={"options": options, "connect_timeout": 2, "tcp_user_timeout": int(wait_s * 1000)},
    )
    watch(engine, 2 * wait_s)  # a database that hangs ends no statement of its own accord
    return engine


class PgVectorStore:
    """Unit vectors in a table of PostgreSQL. Rows of zeros are no part of the index, and are found last.

    Every method may raise StoreUnavailable.
    """

    def __init__(self, engine: sa.Engine, relation: str, size: int, dimension: int) -> None:
        self._engine, self._relation, self._size, self._dimension = engine, relation, size, dimension

    @property
    def size(self) -> int:
        return self._size

    @property
    def dimension(self) -> int:
        return self._dimension

    def search(self, queries: Vectors, k: int, allowed: Rows | None = None) -> tuple[Vectors, Rows]:
        k = min(k, self._size if allowed is None else len(allowed))
        scores, rows = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
        if not scores.size:
            return scores, rows
        with reachable("The vectors could not be searched"), self._engine.connect() as connection:
            for number, query in enumerate(queries):
                found = self._nearest(connection, query, k, allowed)
                if len(found) < k:  # rows of zeros, or more rows than an index gives
                    found = self._exact(connection, query, k, allowed)
                rows[number] = [row for row, _ in found]
                scores[number] = [score for _, score in found]
        return scores, rows

    def score(self, queries: Vectors, rows: Rows) -> Vectors:
        scores = np.empty((len(queries), len(rows)), np.float32)
        if not scores.size:
            return scores
        wanted, at = np.unique(rows, return_inverse=True)
        columns = ", ".join(f"-(vector <#> CAST(%(q{n})s AS vector))" for n in range(len(queries)))
        words = f'SELECT {columns} FROM "{self._relation}" WHERE {_GIVEN} ORDER BY number'
        given = {f"q{n}": _literal(each) for n, each in enumerate(queries)}
        with reachable("The vectors could not be compared"), self._engine.connect() as connection:
            found = connection.exec_driver_sql(words, {**given, "rows": wanted.tolist()}).all()
        scores[:] = np.array(found, np.float32).T[:, at]
        return scores

    def rows(self, rows: Rows) -> Vectors:
        made = np.empty((len(rows), self._dimension), np.float32)
        if not len(rows):
            return made
        wanted, at = np.unique(rows, return_inverse=True)
        words = f'SELECT vector_send(vector) FROM "{self._relation}" WHERE {_GIVEN} ORDER BY number'
        held = np.empty((len(wanted), self._dimension), np.float32)
        with reachable("The vectors could not be read"), self._engine.connect() as connection:
            for start in range(0, len(wanted), _AT_ONCE):
                part = wanted[start : start + _AT_ONCE].tolist()
                for number, value in enumerate(connection.exec_driver_sql(words, {"rows": part}).scalars(), start):
                    held[number] = np.frombuffer(value, ">f4", offset=4)
        made[:] = held[at]
        return made

    def _nearest(
        self, connection: sa.Connection, query: NDArray[np.float32], k: int, allowed: Rows | None
    ) -> list[tuple[int, float]]:
        """By the index; the exact ones where few rows are allowed."""
        if allowed is not None and len(allowed) <= max(_FEW, k):
            return self._exact(connection, query, k, allowed)
        given: dict[str, Any] = {"query": _literal(query), "k": k}
        limit = ""
        if allowed is not None:
            mask = np.zeros(self._size, np.uint8)
            mask[allowed] = 1
            limit = "AND get_bit(CAST(%(mask)s AS bytea), number) = 1"
            given["mask"] = np.packbits(mask, bitorder="little").tobytes()
        return self._ask(connection, f"WHERE NOT zero {limit}", given)

    def _exact(
        self, connection: sa.Connection, query: NDArray[np.float32], k: int, allowed: Rows | None
    ) -> list[tuple[int, float]]:
        """By all rows that are allowed; "+ 0" keeps the index out of it."""
        given: dict[str, Any] = {"query": _literal(query), "k": k}
        if allowed is not None:
            given["rows"] = allowed.tolist()
        return self._ask(connection, f"WHERE {_GIVEN}" if allowed is not None else "", given, by="+ 0")

    def _ask(
        self, connection: sa.Connection, where: str, given: dict[str, Any], by: str = ""
    ) -> list[tuple[int, float]]:
        distance = "(vector <#> CAST(%(query)s AS vector))"
        words = f'SELECT number, -{distance} FROM "{self._relation}" {where} ORDER BY {distance} {by} LIMIT %(k)s'
        return [(row, score) for row, score in connection.exec_driver_sql(words, given)]


class Generations:
    """Writes, opens and removes the vectors of snapshots in a PostgreSQL database that is up to date.

    `searching` is the engine of `open_vector_engine`. Every method may raise StoreUnavailable; where the database has
    no pgvector, or too old a one, it names the fix.
    """

    def __init__(self, engine: sa.Engine, searching: sa.Engine, now: Callable[[], datetime]) -> None:
        self._engine, self._searching, self._now = engine, searching, now

    def write(self, folder: Path) -> None:
        """Stores the vectors of a snapshot and indexes them; those that are there already stay as they are."""
        manifest = read_manifest(folder)
        hashes = [manifest["files"][f"encoders/{row['name']}/{VECTORS_FILE}"] for row in manifest["encoders"]]
        if all(self.open(manifest["id"], sha256) for sha256 in hashes):
            return
        snapshot = open_snapshot(folder)
        for encoded, sha256 in zip(snapshot.encoders, hashes, strict=True):
            self.store(snapshot.id, sha256, encoded.vectors)

    def store(self, snapshot_id: str, sha256: str, vectors: VectorStore) -> None:
        """Stores the vectors of a file with this hash as those of a snapshot."""
        relation = relation_of(snapshot_id, sha256)
        # An index of a million vectors takes many minutes.
        with unlimited(), reachable("The vectors could not be stored"), self._engine.begin() as connection:
            require_pgvector(connection)
            # Two builders of one snapshot: the second waits here, and then finds it made.
            key = int.from_bytes(hashlib.sha256(relation.encode()).digest()[:8], "big", signed=True)
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            if connection.execute(sa.select(generations.c.rows).where(generations.c.relation == relation)).first():
                return
            dimension = vectors.dimension
            connection.execute(
                sa.text(
                    f'CREATE TABLE "{relation}" (number integer NOT NULL, zero boolean NOT NULL, '
                    f"vector vector({dimension}) NOT NULL)"
                )
            )
            _copy(connection, relation, vectors)
            connection.execute(sa.text("SET LOCAL maintenance_work_mem = '512MB'"))
            connection.execute(sa.text(f'ALTER TABLE "{relation}" ADD PRIMARY KEY (number)'))
            connection.execute(
                sa.text(
                    f'CREATE INDEX ON "{relation}" USING hnsw (vector vector_ip_ops) '
                    "WITH (m = 16, ef_construction = 128) WHERE NOT zero"
                )
            )
            connection.execute(sa.text(f'ANALYZE "{relation}"'))
            connection.execute(
                generations.insert().values(
                    relation=relation,
                    snapshot=snapshot_id,
                    sha256=sha256,
                    rows=vectors.size,
                    dimension=dimension,
                    made=self._now(),
                )
            )

    def open(self, snapshot_id: str, sha256: str) -> PgVectorStore | None:
        """The vectors of a snapshot, None where they were not stored."""
        query = generations.select().where(generations.c.relation == relation_of(snapshot_id, sha256))
        with reachable("The vectors could not be opened"), self._engine.connect() as connection:
            row = connection.execute(query).first()
        return PgVectorStore(self._searching, row.relation, row.rows, row.dimension) if row else None

    def collect(self, keep: Iterable[str]) -> None:
        """Removes the vectors of all snapshots but these, and but those another builder is about to publish.

        What is being searched is left to the next time.
        """
        old_enough = generations.c.made < self._now() - _PUBLISHED_WITHIN
        query = sa.select(generations.c.relation).where(generations.c.snapshot.not_in(list(keep)), old_enough)
        with reachable("Old vectors could not be removed"), self._engine.connect() as connection:
            old = connection.execute(query).scalars().all()
        for relation in old:
            with (
                suppress(StoreUnavailable),
                reachable("Old vectors could not be removed"),
                self._engine.begin() as connection,
            ):
                connection.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
                connection.execute(sa.text(f'DROP TABLE IF EXISTS "{relation}"'))
                connection.execute(generations.delete().where(generations.c.relation == relation))


def relation_of(snapshot_id: str, sha256: str) -> str:
    """The name of the table of some vectors; it is made of hexadecimal digits, whatever the snapshot is called."""
    return f"vectors_{hashlib.sha256(f'{snapshot_id} {sha256}'.encode()).hexdigest()[:32]}"


def require_pgvector(connection: sa.Connection) -> None:
    """Has a database use pgvector, within a transaction. Raises StoreUnavailable with what to do where it cannot."""
    needed = ".".join(map(str, OLDEST))
    fix = f"Install pgvector {needed} or newer on the database server"
    if connection.dialect.name != "postgresql":
        raise StoreUnavailable(f"vectors = 'pgvector' needs PostgreSQL; this database is {connection.dialect.name}.")
    if (found := _version(connection)) is None:
        known = "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"
        if connection.execute(sa.text(known)).scalar() is None:
            raise StoreUnavailable(f"The database has no pgvector. {fix}, or set vectors = 'faiss'.")
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _EXTENSION_LOCK})
        try:
            with connection.begin_nested():
                connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS vector"))
        except sa.exc.DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0]
            raise StoreUnavailable(
                f"This database does not use pgvector yet, and we may not change that ({reason}). Have an "
                "administrator of the database run: CREATE EXTENSION vector"
            ) from error
        found = _version(connection)
    if tuple(int(part) for part in re.findall(r"\d+", str(found))) < OLDEST:
        raise StoreUnavailable(f"The database has pgvector {found}. {fix}, then run: ALTER EXTENSION vector UPDATE")


def _version(connection: sa.Connection) -> str | None:
    found = connection.execute(sa.text("SELECT extversion FROM pg_extension WHERE extname = 'vector'")).scalar()
    return None if found is None else str(found)


def _copy(connection: sa.Connection, relation: str, vectors: VectorStore) -> None:
    """Sends all vectors in PostgreSQL's binary format (documentation of COPY, and vector_recv of pgvector)."""
    import psycopg

    dimension = vectors.dimension
    fields = [
        ("fields", ">i2"),
        *(("number_bytes", ">i4"), ("number", ">i4"), ("zero_bytes", ">i4"), ("zero", "u1")),
        *(("vector_bytes", ">i4"), ("dimension", ">i2"), ("unused", ">i2"), ("vector", ">f4", (dimension,))),
    ]
    cursor = connection.connection.cursor()
    words = f'COPY "{relation}" (number, zero, vector) FROM STDIN (FORMAT BINARY)'
    try:
        with cursor.copy(words) as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for start in range(0, vectors.size, _AT_ONCE):
                numbers = np.arange(start, min(start + _AT_ONCE, vectors.size), dtype=np.int64)
                held = vectors.rows(numbers)
                tuples = np.zeros(len(numbers), np.dtype(fields))
                tuples["fields"], tuples["number_bytes"], tuples["zero_bytes"] = 3, 4, 1
                tuples["number"], tuples["zero"] = numbers, ~held.any(axis=1)
                tuples["vector_bytes"], tuples["dimension"], tuples["vector"] = 4 + 4 * dimension, dimension, held
                copy.write(tuples.tobytes())
            copy.write(b"\xff\xff")
    except psycopg.Error as error:  # not seen by SQLAlchemy, whose errors all others are
        raise sa.exc.DBAPIError(words, None, error) from error


def _literal(vector: NDArray[np.float32]) -> str:
    """A vector as PostgreSQL reads it; nine digits give the same float32 back."""
    return "[" + ",".join(map("{:.9g}".format, vector.tolist())) + "]"
