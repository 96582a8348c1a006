"""What searching vectors in PostgreSQL costs and finds, beside FAISS in the memory of the server.

    python -m bench.shared_index DATA [QUESTIONS.jsonl]

DATA holds an indexed base; QUESTIONS are `{"query", "body"?}` a line, without them the titles of its articles are
asked. A real PostgreSQL server with pgvector on loopback, on the same processors: the two are asked in turns of 30.
Recall is the share of the ten rows nearest by exact search that are among the ten found.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from bench.speed import in_turns
from bot.database import migrate, open_engine
from bot.shared import vectors as module
from bot.shared.searched import open_searched
from bot.shared.vectors import Generations, open_vector_engine
from kb.search import Query, Searcher
from kb.snapshot import current_id, open_snapshot, snapshots_folder
from kb.vectors import Rows, VectorStore
from tests.postgres import PostgresServer

_NEAREST = 160
_MEMORY = """
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from bot.database import open_engine
from bot.shared.searched import open_searched
from bot.shared.vectors import Generations, open_vector_engine
from kb.search import Query, Searcher
from kb.snapshot import open_snapshot
folder, url = Path(sys.argv[1]), sys.argv[2]
opened = partial(open_searched, Generations(open_engine(url), open_vector_engine(url), lambda: datetime.now(UTC)))
searcher = Searcher(opened(folder) if sys.argv[3] == "pgvector" else open_snapshot(folder))
searcher.rank(Query("how do I change my password"))
status = Path("/proc/self/status").read_text()
print(int(status.partition("RssAnon:")[2].split()[0]) / 1024)
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("questions", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=600)
    given = parser.parse_args()
    folder = snapshots_folder(given.data) / current_id(given.data)
    server = PostgresServer.start(vector=True)
    try:
        measure(folder, given.questions, given.count, server.create())
    finally:
        server.stop()


def measure(folder: Path, questions: Path | None, count: int, url: str) -> None:
    engine = open_engine(url)
    migrate(engine)
    generations = Generations(engine, open_vector_engine(url), lambda: datetime.now(UTC))
    began = time.perf_counter()
    generations.write(folder)
    stored = time.perf_counter() - began
    own, shared = open_snapshot(folder), open_searched(generations, folder)
    print(f"{len(own.entries):,} articles, {len(own.passages):,} passages; stored and indexed in {stored:.1f} s")
    relations = "(SELECT quote_ident(relation)::regclass r FROM vector_generations) v"
    sizes = f"SELECT pg_table_size(r), pg_indexes_size(r) FROM {relations}"
    with engine.connect() as connection:
        for table, index in connection.execute(sa.text(sizes)):
            print(f"in the database: {table / 2**20:.0f} MB of rows, {index / 2**20:.0f} MB of indexes")
    queries = _queries(questions, count) or [Query(entry.article.title) for entry in own.entries][:count]
    embedder = own.encoders[0].embedder
    embedded = np.concatenate([embedder.embed_queries([query.full]) for query in queries])
    exact = own.encoders[0].vectors
    size = len(own.passages)
    half = np.flatnonzero(np.random.default_rng(1).random(size) < 0.5).astype(np.int64)
    tenth = np.flatnonzero(np.random.default_rng(2).random(size) < 0.1).astype(np.int64)

    print(f"\n{'':44}{'recall@10':>10}{'@160':>8}{'p50 ms':>9}{'p99 ms':>9}{'FAISS p50':>11}{'p99':>7}")
    for ef in (100, 200, 400):
        module.EF_SEARCH = ef
        store = Generations(engine, open_vector_engine(url), lambda: datetime.now(UTC)).open(
            own.id, _hash(own.manifest)
        )
        assert store is not None
        _compare(f"nearest {_NEAREST}, ef_search {ef}", store, exact, embedded, None)
        if ef == 200:
            _compare("the same among half of the rows", store, exact, embedded, half)
            _compare("the same among a tenth of the rows", store, exact, embedded, tenth)
    rows = np.sort(np.random.default_rng(3).choice(size, min(size, 1_500), replace=False))
    ask = [partial(kept.score, rows=rows) for kept in (shared.encoders[0].vectors, exact)]
    _tell("cosines of 1,500 given rows", *in_turns(*(_each(call, embedded) for call in ask), _numbers(queries)))

    mine, theirs = Searcher(shared), Searcher(own)
    same = [mine.rank(query).hits[:1] == theirs.rank(query).hits[:1] for query in queries]
    articles = [
        [hit.article for hit in searcher.rank(query).hits[:1]] for query in queries for searcher in (mine, theirs)
    ]
    first = sum(a == b for a, b in zip(articles[::2], articles[1::2], strict=True))
    _tell("ask", *in_turns(*(_each(searcher.rank, queries) for searcher in (mine, theirs)), _numbers(queries)))
    print(f"\nthe same first article for {first:,} of {len(same):,} questions")
    for kind in ("pgvector", "faiss"):
        done = subprocess.run(
            [sys.executable, "-c", _MEMORY, str(folder), url, kind], check=True, capture_output=True, text=True
        )
        print(f"memory of a process that answers, {kind}: {float(done.stdout):.0f} MB")


def _compare(name: str, store: VectorStore, exact: VectorStore, queries: np.ndarray, allowed: Rows | None) -> None:
    found = [store.search(query[None], _NEAREST, allowed)[1][0] for query in queries]
    right = [exact.search(query[None], _NEAREST, allowed)[1][0] for query in queries]
    recall = [
        np.mean([len({*a[:k].tolist()} & {*b[:k].tolist()}) / k for a, b in zip(found, right, strict=True)])
        for k in (10, _NEAREST)
    ]
    calls = [partial(_search, each, queries, allowed) for each in (store, exact)]
    times = in_turns(calls[0], calls[1], _numbers(queries))
    _tell(name, *times, f"{recall[0]:10.4f}{recall[1]:8.4f}")


def _search(store: VectorStore, queries: np.ndarray, allowed: Rows | None, number: str) -> object:
    return store.search(queries[int(number)][None], _NEAREST, allowed)


def _each(call: Callable[..., object], values: object) -> Callable[[str], object]:
    def one(number: str) -> object:
        value = values[int(number)]  # type: ignore[index]
        return call(value[None] if isinstance(value, np.ndarray) else value)

    return one


def _numbers(values: object) -> list[str]:
    return [str(number) for number in range(len(values))]  # type: ignore[arg-type]


def _tell(name: str, mine: list[float], theirs: list[float], recall: str = "") -> None:
    figures = [np.percentile(times, share) for times in (mine, theirs) for share in (50, 99)]
    print(f"{name:44}{recall:18}{figures[0]:9.2f}{figures[1]:9.2f}{figures[2]:11.2f}{figures[3]:7.2f}")


def _hash(manifest: dict) -> str:  # type: ignore[type-arg]
    return str(manifest["files"][f"encoders/{manifest['encoders'][0]['name']}/vectors.faiss"])


def _queries(file: Path | None, count: int) -> list[Query]:
    if file is None:
        return []
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    step = max(1, len(rows) // count)
    return [Query(row["query"], row.get("body", "")) for row in rows[::step][:count]]


if __name__ == "__main__":
    main()
