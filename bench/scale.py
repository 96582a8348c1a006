"""How a base grows from a thousand passages to a million: time to build, memory, recall, ask.

    python -m bench.scale DATA QUERIES [SIZES…]

DATA holds a snapshot of real articles in English (OfficeDocs-Support: 23,030 passages), QUERIES is a JSONL file of real
questions to it, which no article was made from. Up to the size of DATA a base is the first articles of it. A larger one
goes on with copies, each article under a name of its own. The vector of a copied passage is that of the real one, moved
by 0.5 to 1 times the difference between two real passages that are neighbours of each other, of another place. So the
distances between neighbours are real ones, and so is the space they lie in; what is not real is that topics grow
denser and no new ones come. Of the words of a copied passage three in ten are exchanged for those of another passage,
and each article has a number that no other has. Each size is served by a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import faiss
import numpy as np

from kb import analysis
from kb.embedding import Vectors
from kb.lexical import Bm25
from kb.models import Article, Passage, Section
from kb.quantised import QuantisedStore, store_of
from kb.search import Searcher
from kb.snapshot import Snapshot, complete, open_current, open_snapshot, snapshots_folder, switch, write_snapshot

_SIZES = (1_000, 10_000, 23_030, 50_000, 100_000, 300_000, 1_000_000)
_SEED = 3
_EXCHANGED = 0.3
_QUESTIONS = 400
_SHORT = 60
_AT_ONCE = 65_536


def main() -> None:
    if sys.argv[1] == "--serve":
        serve(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    data, queries = Path(sys.argv[1]), Path(sys.argv[2])
    real = open_current(data)
    units = [Counter(analysis.terms(passage.text, ("en",))) for passage in real.passages]
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    columns = ("passages", "index", "build s", "vectors s", "disk MB", "open s", "RSS MB", "own MB", "recall@10")
    print("".join(f"{name:>12}" for name in (*columns, "p50 ms", "p99 ms", "cpu ms", "long p99")), flush=True)
    for size in map(int, sys.argv[3:]) if sys.argv[3:] else _SIZES:
        with tempfile.TemporaryDirectory(dir=os.environ.get("SCALE_FOLDER")) as temporary:
            made = build(real, units, size, Path(temporary))
            command = [sys.executable, "-m", "bench.scale", "--serve", temporary, str(queries)]
            served = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        row = made | served
        shown = (
            f"{row['passages']:,}", row["index"], f"{row['build']:.0f}", f"{row['vectors']:.0f}", f"{row['disk']:.0f}",
            f"{row['open']:.2f}", f"{row['rss']:.0f}", f"{row['own']:.0f}", f"{row['recall']:.3f}",
            f"{row['p50']:.1f}", f"{row['p99']:.1f}", f"{row['cpu']:.1f}", f"{row['long_p99']:.1f}",
        )  # fmt: skip
        print("".join(f"{value:>12}" for value in shown), flush=True)


# --- building ----------------------------------------------------------------------------------------------------


def build(real: Snapshot, units: Sequence[Counter[str]], size: int, data: Path) -> dict[str, Any]:
    """Writes a base of about `size` passages into `data`; seconds, and megabytes on the disk."""
    started = time.perf_counter()
    random = np.random.default_rng(_SEED)
    order = _order(real, size)
    rows = np.concatenate([np.array(real.entries[number].rows) for number, _ in order])
    first = int(sum(len(real.entries[number].rows) for number, copy in order if copy == 0))
    embedder, held = real.encoders[0].embedder, real.encoders[0].vectors
    vectors = grown(held.rows(np.arange(held.size)), rows, first, random)
    began = time.perf_counter()
    store = store_of(vectors)
    taken = time.perf_counter() - began
    words = _words(units, rows, first, random)
    articles = [_article(real, number, copy) for number, copy in order]
    sizes = [len(passages) for _, _, passages in articles]
    per_unit, per_article = Bm25.of(words()), Bm25.of(_summed(words(), sizes))
    folder = snapshots_folder(data) / f"{size:016d}"
    folder.mkdir(parents=True)
    write_snapshot(
        folder,
        snapshot_id=folder.name,
        articles=articles,
        skipped=(),
        encoders=[(real.folder / "encoders" / embedder.name, embedder, store)],
        words=per_article,
        units=per_unit,
        pictures={},
        topics={},
        created="",
        inputs={},
    )
    complete(folder, {"shift": 0.0}, Searcher(open_snapshot(folder)).heads())
    switch(data, folder.name)
    looked_at = f"IVF {store.lists[0]}/{store.lists[1]}" if isinstance(store, QuantisedStore) else "flat"
    disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    spent = time.perf_counter() - started
    return {"passages": len(rows), "index": looked_at, "build": spent, "vectors": taken, "disk": disk}


def _order(real: Snapshot, size: int) -> list[tuple[int, int]]:
    """(number, copy) of articles until there are enough passages; all real ones come before the first copies."""
    found: list[tuple[int, int]] = []
    count = 0
    for copy in range(size):
        for number, entry in enumerate(real.entries):
            if count >= size:
                return found
            found.append((number, copy))
            count += len(entry.rows)
    return found


def grown(vectors: Vectors, rows: np.ndarray, first: int, random: np.random.Generator) -> Vectors:
    """A vector for each of `rows`: the real one for the `first`, moved for the others. float32, unit rows."""
    out = np.empty((len(rows), vectors.shape[1]), np.float32)
    out[:first] = vectors[rows[:first]]
    if first == len(rows):
        return out
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    some = random.choice(len(vectors), 4_000, replace=False)
    _, near = index.search(vectors[some], 11)
    moves = (vectors[near[:, 1:]] - vectors[some][:, None]).reshape(-1, vectors.shape[1])
    moves = moves[np.linalg.norm(moves, axis=1) > 0.3]  # texts that stand in two articles are no neighbours
    for start in range(first, len(rows), _AT_ONCE):
        span = slice(start, min(start + _AT_ONCE, len(rows)))
        count = span.stop - start
        by = random.uniform(0.5, 1, (count, 1)).astype(np.float32) * moves[random.integers(0, len(moves), count)]
        moved = vectors[rows[span]] + by
        out[span] = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return out


def _words(units: Sequence[Counter[str]], rows: np.ndarray, first: int, random: np.random.Generator) -> Any:
    others, seed = random.integers(0, len(units), len(rows)).tolist(), int(random.integers(2**31))

    def words() -> Iterator[dict[str, int]]:
        exchanged = np.random.default_rng(seed)
        for place, (row, other) in enumerate(zip(rows.tolist(), others, strict=True)):
            if place < first:
                yield dict(units[row])
                continue
            own = list(units[row].items())
            kept = exchanged.random(len(own)) >= _EXCHANGED
            found = {term: count for (term, count), keep in zip(own, kept.tolist(), strict=True) if keep}
            for term, count in list(units[other].items())[: len(own) - len(found)]:
                found[term] = found.get(term, 0) + count
            found[f"kb{5_000_000 + place // 9}"] = 1
            yield found

    return words


def _summed(words: Iterator[dict[str, int]], sizes: Sequence[int]) -> Iterator[Counter[str]]:
    for size in sizes:
        total: Counter[str] = Counter()
        for _ in range(size):
            total.update(next(words))
        yield total


def _article(real: Snapshot, number: int, copy: int) -> tuple[Article, tuple[Section, ...], tuple[Passage, ...]]:
    entry = real.entries[number]
    article, passages = entry.article, real.passages[entry.rows.start : entry.rows.stop]
    if copy:
        article = replace(article, id=f"{article.id}-{copy}", title=f"{article.title} (KB{copy * 10_000 + number})")
    return article, entry.sections, passages


# --- serving -----------------------------------------------------------------------------------------------------


def serve(data: Path, queries: Path) -> None:
    """Opens the snapshot as a server does, asks, and prints what that took as JSON."""
    from bot.library import Library
    from bot.models import Question
    from bot.service import HelpDesk
    from kb.quantised import nearest

    rows = [json.loads(line) for line in queries.read_text(encoding="utf-8").splitlines()]
    texts = [row["query"] for row in rows]
    short = [text for text in texts if len(text) <= _SHORT] or [" ".join(text.split()[:8]) for text in texts]
    started = time.perf_counter()
    searcher = Library(data).searcher
    opened = time.perf_counter() - started
    nothing: Any = None
    library: Any = SimpleNamespace(searcher=searcher)
    desk = HelpDesk(library, nothing, nothing, nothing, nothing, lambda: "0")

    def asked(texts: Sequence[str]) -> tuple[np.ndarray, float]:
        times = []
        for text in texts[:_QUESTIONS]:
            began, used = time.perf_counter(), time.process_time()
            desk.ask(Question(text, channel="api"), keep=False)
            times.append((time.perf_counter() - began, time.process_time() - used))
        wall, cpu = np.array(times).T * 1000
        return wall, float(np.median(cpu))

    asked(short[:50])
    wall, cpu = asked(short)
    long, _ = asked([row["query"] + " " + row.get("body", "") for row in rows])
    memory = Path("/proc/self/status").read_text()
    own, rss = (int(memory.split(f"{name}:")[1].split()[0]) / 1000 for name in ("RssAnon", "VmRSS"))
    encoded = searcher.snapshot.encoders[0]
    vectors = encoded.embedder.embed_queries(short[:_QUESTIONS])
    exact = nearest(encoded.vectors, vectors, 10)
    _, found = encoded.vectors.search(vectors, 160)
    hits = [len(set(a) & set(b)) for a, b in zip(exact.tolist(), found[:, :10].tolist(), strict=True)]
    told = {
        "open": opened,
        "rss": rss,
        "own": own,
        "recall": sum(hits) / exact.size,
        "p50": float(np.median(wall)),
        "p99": float(np.percentile(wall, 99)),
        "cpu": cpu,
        "long_p99": float(np.percentile(long, 99)),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
