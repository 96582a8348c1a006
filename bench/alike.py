"""What similarity tells a solved ticket that is alike from one that is not, on tickets that helpers linked.

    python -m bench.alike EVAL_FOLDER

EVAL_FOLDER holds development data in the form docs/quality.md describes. Related pairs were linked by a helper; random
pairs are tickets of the same help desk and language that nobody linked. For each encoder: how many of both reach each
similarity (bot.alike.similarity), and how often the list beside a ticket, the three nearest of all other tickets,
holds one that a helper linked.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np

os.environ["HF_HUB_OFFLINE"] = "1"

from bot.alike import AT_LEAST, MOST, similarity
from kb.embedding import Embedder, open_encoder
from kb.learned import whole
from kb.vector_cache import VectorCache
from kb.vectors import FaissStore

_CACHE = Path("build/quality/alike.db")
_RANDOM_PAIRS = 20_000
_THRESHOLDS = (0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1]) / "tickets"
    pairs = _read(folder / "related_pairs.jsonl")
    for name, lang, file in (
        ("all-MiniLM-L6-v2", "en", "tickets_en_2024H1.jsonl"),
        ("multilingual-e5-small", "it", "tickets_it_2023_2024.jsonl"),
        ("multilingual-e5-small", "nl", "tickets_nl_2023_2024.jsonl"),
    ):
        (encoder,) = Path("build/encoders").glob(f"{name}-*")
        show(open_encoder(encoder), lang, [p for p in pairs if p["lang"] == lang], _read(folder / file))


def show(embedder: Embedder, lang: str, pairs: list[dict[str, Any]], tickets: list[dict[str, Any]]) -> None:
    texts = {str(row["id"]): (row["title"], row["body"]) for row in tickets}
    for pair in pairs:
        for side in "ab":
            texts.setdefault(pair[side], (pair[f"{side}_title"], pair[f"{side}_body"]))
    ids = list(texts)
    vectors = _embed(embedder, [whole(*ticket) for ticket in texts.values()])
    at = {ticket: n for n, ticket in enumerate(ids)}
    related = np.array([(at[pair["a"]], at[pair["b"]]) for pair in pairs if pair["a"] != pair["b"]])
    linked = {frozenset(pair) for pair in related.tolist()}
    dice = random.Random(0)  # noqa: S311
    apart = [tuple(dice.sample(range(len(ids)), 2)) for _ in range(_RANDOM_PAIRS)]
    apart = np.array([pair for pair in apart if frozenset(pair) not in linked])

    def alike(which: Any) -> Any:
        return similarity(np.einsum("nd,nd->n", vectors[which[:, 0]], vectors[which[:, 1]]), embedder.unrelated)

    good, bad = alike(related), alike(apart)
    ranks = np.argsort(np.argsort(np.concatenate([good, bad])))[: len(good)]
    auroc = (ranks.sum() - len(good) * (len(good) - 1) / 2) / len(good) / len(bad)
    print(f"\n{embedder.name}, {lang}: {len(ids):,} tickets, {len(good)} related pairs, AUROC {auroc:.3f}")
    print(f"{'similarity':>10}{'related':>9}{'random':>9}{'list not empty':>16}{'linked in list':>16}{'length':>8}")
    lists = _nearest(vectors, embedder, sorted({n for pair in related.tolist() for n in pair}))
    for threshold in sorted({*_THRESHOLDS, AT_LEAST}):
        kept = {n: [m for m, score in row[:MOST] if score >= threshold] for n, row in lists.items()}
        hit = np.mean([any(frozenset((n, m)) in linked for m in row) for n, row in kept.items()])
        full = np.mean([bool(row) for row in kept.values()])
        length = np.mean([len(row) for row in kept.values()])
        print(
            f"{threshold:10.2f}{(good >= threshold).mean():9.1%}{(bad >= threshold).mean():9.2%}{full:16.1%}{hit:16.1%}"
            f"{length:8.2f}{'  <-' if threshold == AT_LEAST else ''}"
        )


def _nearest(vectors: Any, embedder: Embedder, rows: list[int]) -> dict[int, list[tuple[int, float]]]:
    """The nearest other tickets of each, as `bot.alike` finds them."""
    scores, found = FaissStore.of(vectors).search(vectors[rows], MOST + 1)
    lists = {}
    for row, near, cosines in zip(rows, found.tolist(), scores, strict=True):
        alike = similarity(cosines, embedder.unrelated).tolist()
        lists[row] = [(n, score) for n, score in zip(near, alike, strict=True) if n != row][:MOST]
    return lists


def _embed(embedder: Embedder, texts: list[str]) -> Any:
    _CACHE.parent.mkdir(parents=True, exist_ok=True)
    with VectorCache(_CACHE) as cache:
        for start in range(0, len(texts), 256):
            part = texts[start : start + 256]
            keys = [cache.key(embedder.fingerprint, "query", text) for text in part]
            missing = [n for n, key in enumerate(keys) if cache.get(key) is None]
            if missing:
                cache.put([keys[n] for n in missing], embedder.embed_queries([part[n] for n in missing]))
        return np.array([cache.get(cache.key(embedder.fingerprint, "query", text)) for text in texts])


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
