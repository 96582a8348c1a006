"""Whether questions of one meaning become one gap, on tickets that helpers linked, and how fast.

    python -m bench.gaps EVAL_FOLDER [--read] [--data DATA]

EVAL_FOLDER holds development data in the form docs/quality.md describes. Each ticket is taken for a question that
failed. Related pairs were linked by a helper, or have the same help article linked; random pairs are tickets of the
same month that neither joins. For each threshold: how many of these share a gap, and how many gaps there are. Then
the tickets day by day, as a server gathers them, without and with gathering anew, and 100,000 questions at once: the
tickets' own vectors, each with a little noise (cosine .9 to the original), and 1,000 more as a day's new ones.
`--read` prints twenty gaps to read.
`--data` takes how rare words are from the snapshot of a data folder instead of Thunderbird's articles: a base about
something else.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

os.environ["HF_HUB_OFFLINE"] = "1"

from bench.alike import _CACHE, _read
from bot.gaps import keeper, reading
from bot.gaps.cluster import group
from bot.gaps.models import Failure
from kb import analysis
from kb.embedding import open_encoder
from kb.lexical import Bm25
from kb.search import Searcher
from kb.snapshot import open_current

_RANDOM_PAIRS = 20_000
_AROUND = (-0.06, -0.03, 0.0, 0.03, 0.06, 0.1)
_SETS = (
    ("all-MiniLM-L6-v2", "en", "tickets_en_2024H1.jsonl"),
    ("multilingual-e5-small", "it", "tickets_it_2023_2024.jsonl"),
    ("multilingual-e5-small", "nl", "tickets_nl_2023_2024.jsonl"),
    # A base in English alone has an encoder for English alone, and people ask in their languages anyway.
    ("all-MiniLM-L6-v2", "it", "tickets_it_2023_2024.jsonl"),
    ("all-MiniLM-L6-v2", "nl", "tickets_nl_2023_2024.jsonl"),
)
_MANY, _DAY = 100_000, 1_000


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("folder", type=Path)
    given.add_argument("--read", action="store_true")
    given.add_argument("--data", type=Path)
    options = given.parse_args()
    folder = options.folder
    pairs = _read(folder / "tickets" / "related_pairs.jsonl")
    docs = _read(folder / "thunderbird" / "docs.jsonl")
    for name, lang, file in _SETS:
        (encoder,) = Path("build/encoders").glob(f"{name}-*")
        rows = sorted(_read(folder / "tickets" / file), key=lambda row: (row["created"], str(row["id"])))
        embedder = open_encoder(encoder)
        index = (
            open_current(options.data).words
            if options.data
            else Bm25.of([analysis.terms(f"{doc['title']} {doc['body']}", (lang,)) for doc in docs])
        )
        # Only what `read` asks of a searcher: one encoder, the language of the set, and how rare a word is.
        snapshot = SimpleNamespace(encoders=[SimpleNamespace(embedder=embedder)], words=index, id="")
        searcher = cast(Searcher, SimpleNamespace(snapshot=snapshot, language=lambda _, lang=lang: lang))
        failures = [_failure(row, lang) for row in rows]
        newest = failures[-reading.NEWEST :]
        common = reading.Rarity().among(searcher, [(failure.text, lang) for failure in newest])
        (read,) = reading.read(searcher, failures, _CACHE, common)
        truth = _truth(rows, [pair for pair in pairs if pair["lang"] == lang])
        print(
            f"\n{name}, {lang}: {len(rows):,} tickets; pairs: {', '.join(f'{len(p):,} {n}' for n, p in truth.items())}"
        )
        print(
            f"{'threshold':>10}{'linked':>9}{'article':>9}{'random':>9}{'gaps':>7}{'largest':>9}{'median':>8}{'alone':>7}"
        )
        ones = np.ones(len(rows), np.int64)
        base = read.threshold - (reading._NEAR + reading._NEAR_UNRELATED * embedder.unrelated)
        for step in _AROUND:
            roots = group(read.vectors, ones, read.threshold + step)
            _show(f"{read.threshold - base + step:.2f}{' <-' if not step else ''}", roots, truth)
        as_read = _read_by_day(searcher, rows, failures)
        _show("by day", _by_day(rows, as_read), truth)
        _show("and anew", _by_day(rows, as_read, anew=True), truth)
        if lang == "en":
            if options.read:
                _print_some(rows, group(read.vectors, ones, read.threshold))
            _speed(read)


def _failure(row: dict[str, Any], lang: str) -> Failure:
    at = datetime.fromisoformat(row["created"]).replace(tzinfo=UTC)
    return Failure(str(row["id"]), at, row["title"], row["body"], lang, unanswered=True)


def _truth(rows: list[dict[str, Any]], pairs: list[dict[str, Any]]) -> dict[str, Any]:
    at = {str(row["id"]): n for n, row in enumerate(rows)}
    linked = {
        tuple(sorted((at[pair["a"]], at[pair["b"]])))
        for pair in pairs
        if pair["a"] in at and pair["b"] in at and pair["a"] != pair["b"] and pair["how"] != "same_text"
    }
    by_article, by_month = defaultdict(list), defaultdict(list)
    for n, row in enumerate(rows):
        by_month[row["created"][:7]].append(n)
        for article in row["linked_kb"]:
            by_article[article].append(n)
    same = {(a, b) for mine in by_article.values() for i, a in enumerate(mine) for b in mine[i + 1 :]}
    dice, apart = random.Random(0), set()  # noqa: S311
    months = [mine for mine in by_month.values() if len(mine) > 1]
    for _ in range(_RANDOM_PAIRS * 2):
        (month,) = dice.choices(months, [len(mine) for mine in months])
        pair = tuple(sorted(dice.sample(month, 2)))
        if pair not in linked and pair not in same:
            apart.add(pair)
    return {
        "linked": np.array(sorted(linked)),
        "same article": np.array(sorted(same)),
        "random": np.array(sorted(apart)),
    }


def _show(name: str, roots: Any, truth: dict[str, Any]) -> None:
    shares = [f"{(roots[p[:, 0]] == roots[p[:, 1]]).mean():9.2%}" for p in truth.values()]
    sizes = np.array(list(Counter(roots.tolist()).values()))
    print(
        f"{name:>10}{''.join(shares)}{len(sizes):7,}{sizes.max():9,}{int(np.median(sizes)):8}{(sizes == 1).sum():7,}",
        flush=True,
    )


def _read_by_day(searcher: Searcher, rows: list[dict[str, Any]], failures: list[Failure]) -> reading.Read:
    """As a server reads them: how rare a word is changes with what was asked."""
    days = [row["created"][:10] for row in rows]
    parts, start = [], 0
    for day in sorted(set(days)):
        end = start + days.count(day)
        newest = failures[max(0, end - reading.NEWEST) : end]
        common = reading.Rarity().among(searcher, [(failure.text, failure.lang) for failure in newest])
        parts += reading.read(searcher, failures[start:end], _CACHE, common)
        start = end
    return replace(parts[0], failures=tuple(failures), vectors=np.concatenate([part.vectors for part in parts]))


def _by_day(rows: list[dict[str, Any]], read: reading.Read, *, anew: bool = False) -> Any:
    """As a server gathers them; `anew`: all of them again whenever there are a quarter more."""
    gathered = keeper._FEWEST_ANEW / keeper._GROWTH
    home = np.full(len(rows), -1)
    sums, weights = np.empty((0, read.vectors.shape[1]), np.float32), np.empty(0, np.int64)
    days = np.array([row["created"][:10] for row in rows])
    for day in sorted(set(days.tolist())):
        new, known = np.flatnonzero(days == day), len(sums)
        all_sums = np.concatenate([sums, read.vectors[new]])
        all_weights = np.concatenate([weights, np.ones(len(new), np.int64)])
        firsts, place = np.unique(group(all_sums, all_weights, read.threshold, known), return_inverse=True)
        sums, weights = np.zeros((len(firsts), sums.shape[1]), np.float32), np.zeros(len(firsts), np.int64)
        np.add.at(sums, place, all_sums)
        np.add.at(weights, place, all_weights)
        home[home >= 0] = place[home[home >= 0]]
        home[new] = place[known:]
        if anew and len(seen := np.flatnonzero(home >= 0)) >= keeper._GROWTH * gathered:
            gathered = len(seen)
            roots = group(read.vectors[seen], np.ones(gathered, np.int64), read.threshold)
            firsts, home[seen] = np.unique(roots, return_inverse=True)
            sums, weights = np.zeros((len(firsts), sums.shape[1]), np.float32), np.bincount(home[seen])
            np.add.at(sums, home[seen], read.vectors[seen])
    return home


def _print_some(rows: list[dict[str, Any]], roots: Any) -> None:
    groups = defaultdict(list)
    for n, root in enumerate(roots.tolist()):
        groups[root].append(rows[n]["title"])
    many = [titles for titles in groups.values() if len(titles) > 2]
    for titles in random.Random(1).sample(many, 20):  # noqa: S311
        print(f"\n{len(titles)} tickets")
        print("\n".join(f"  {title[:110]}" for title in titles[:8]))


def _speed(read: reading.Read) -> None:
    dice = np.random.default_rng(0)
    drawn = read.vectors[dice.integers(0, len(read.vectors), _MANY + _DAY)]
    length = np.linalg.norm(drawn, axis=1, keepdims=True)
    noise = dice.standard_normal(drawn.shape, dtype=np.float32)
    noise *= 0.484 * length / np.linalg.norm(noise, axis=1, keepdims=True)
    drawn = drawn + noise
    drawn *= length / np.linalg.norm(drawn, axis=1, keepdims=True)
    started, worked = time.perf_counter(), time.process_time()
    firsts, place = np.unique(group(drawn[:_MANY], np.ones(_MANY, np.int64), read.threshold), return_inverse=True)
    print(
        f"\n{_MANY:,} questions: {time.perf_counter() - started:.1f} s, of which the processor worked "
        f"{time.process_time() - worked:.1f} s; {len(firsts):,} gaps"
    )
    sums = np.zeros((len(firsts), drawn.shape[1]), np.float32)
    np.add.at(sums, place, drawn[:_MANY])
    weights = np.concatenate([np.bincount(place), np.ones(_DAY, np.int64)])
    started = time.perf_counter()
    group(np.concatenate([sums, drawn[_MANY:]]), weights, read.threshold, len(firsts))
    print(f"{_DAY:,} more: {time.perf_counter() - started:.2f} s")


if __name__ == "__main__":
    main()
