"""Measures the whole line, as the server runs it, on questions whose right articles are known."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bot.decide import Answer, Decision, Policy, Suggest, decide
from kb.build import BuildSettings, build
from kb.errors import EvaluationFileError
from kb.jsonl import read_objects
from kb.models import PUBLIC
from kb.search import Query, Searcher
from kb.snapshot import open_current

#: How many articles a question's rank is looked for in.
DEPTH = 10
#: Bins of equal mass, as in Nixon et al., "Measuring Calibration in Deep Learning" (2019).
ECE_BINS = 15


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the ids of the articles that answer it; none where nothing does."""

    id: str
    query: Query
    relevant: frozenset[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the line made of one question. `articles` are ids, best first; `ms` how long it took."""

    asked: Asked
    decision: str
    confidence: float
    articles: tuple[str, ...]
    ms: float

    @property
    def rank(self) -> int | None:
        """The place of the first right article, 1 for the first; None where none is among the best DEPTH."""
        return next((n for n, article in enumerate(self.articles, 1) if article in self.asked.relevant), None)

    @property
    def first_is_right(self) -> bool:
        return self.rank == 1


@dataclass(frozen=True, slots=True)
class Evaluation:
    outcomes: tuple[Outcome, ...]
    metrics: dict[str, Any]


def run(
    articles: Path,
    queries: Path,
    data: Path,
    settings: BuildSettings,
    policy: Policy,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Evaluation:
    """Indexes `articles` below `data`, where a second run embeds nothing, and asks every query.

    Raises EvaluationFileError for a broken line, or an `id` in `relevant` that no article has.
    """
    asked = read_queries(queries)
    searcher = index(articles, data, settings, progress)
    _check_ids(asked, searcher, queries)
    searcher.rank(Query("warm up"))
    outcomes = []
    for number, question in enumerate(asked):
        progress("Asking", number, len(asked))
        outcomes.append(_ask(question, searcher, policy))
    return Evaluation(tuple(outcomes), metrics(outcomes))


def index(
    articles: Path,
    data: Path,
    settings: BuildSettings,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Searcher:
    """A searcher over `articles`, indexed in a folder of their own below `data`; all share one exported encoder."""
    folder = data / hashlib.sha256(str(articles.resolve()).encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    _share_encoders(data, folder)
    build(articles, folder, settings, created="", progress=progress)
    return Searcher(open_current(folder))


def read_queries(path: Path) -> list[Asked]:
    """The questions of a JSONL file. Raises EvaluationFileError that names the line."""
    found: dict[str, Asked] = {}
    for line, row in read_objects(path, required=("id", "query", "relevant")):
        relevant = row["relevant"]
        if not isinstance(relevant, list) or not all(isinstance(entry, str | int) for entry in relevant):
            raise EvaluationFileError(f"{path}:{line}: relevant is {relevant!r}, expected a list of article ids.")
        key = str(row["id"])
        if key in found:
            raise EvaluationFileError(f"{path}:{line}: the id {key!r} was used before. Give each query its own id.")
        query = Query(str(row["query"]), str(row.get("body") or ""), audiences=frozenset({PUBLIC}))
        found[key] = Asked(key, query, frozenset(map(str, relevant)))
    if not found:
        raise EvaluationFileError(f"{path} holds no queries.")
    return list(found.values())


def metrics(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of a run: shares of the answerable questions, counts, calibration, milliseconds.

    hit@k, mrr@10, auroc_right and answered_correct look at answerable questions; ece at all, where an article shown
    for an unanswerable question counts as wrong. A figure that is not defined for the data is None.
    """
    answerable = [o for o in outcomes if o.asked.relevant]
    unanswerable = [o for o in outcomes if not o.asked.relevant]
    confidence = np.array([o.confidence for o in outcomes])
    right = np.array([o.first_is_right for o in outcomes])
    answered = [o for o in outcomes if o.decision == "answer"]
    milliseconds = np.array([o.ms for o in outcomes])
    return {
        "queries": len(outcomes),
        **{f"hit@{k}": _mean([o.rank is not None and o.rank <= k for o in answerable]) for k in (1, 3, 10)},
        "mrr@10": _mean([1 / o.rank if o.rank else 0.0 for o in answerable]),
        "answered": len(answered),
        "answered_correct": sum(o.first_is_right for o in answered),
        "unanswerable": len(unanswerable),
        "false_answers": sum(o.decision == "answer" for o in unanswerable),
        "ece": round(expected_calibration_error(confidence, right), 4),
        "auroc_right": auroc(
            np.array([o.confidence for o in answerable]), np.array([o.first_is_right for o in answerable], bool)
        ),
        "p50_ms": round(float(np.percentile(milliseconds, 50)), 2),
        "p99_ms": round(float(np.percentile(milliseconds, 99)), 2),
    }


def expected_calibration_error(confidence: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> float:
    """The mean distance between confidence and the share of right ones, over ECE_BINS bins of equal mass."""
    order = np.argsort(confidence, kind="stable")
    bins = [part for part in np.array_split(order, ECE_BINS) if len(part)]
    return float(sum(len(b) * abs(confidence[b].mean() - right[b].mean()) for b in bins) / len(order))


def auroc(score: np.ndarray[Any, Any], positive: np.ndarray[Any, Any]) -> float | None:
    """The probability that a positive scores above a negative, ties half; None where one of the two is missing."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return None
    _, places, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]  # ties share the mean of their ranks
    above = ranks[positive].sum() - positives * (positives + 1) / 2
    return round(float(above / (positives * negatives)), 4)


def write_predictions(evaluation: Evaluation, path: Path) -> None:
    """One JSON object a query: `{"id", "decision", "confidence", "articles": [ids, best first]}`."""
    with path.open("w", encoding="utf-8") as file:
        for o in evaluation.outcomes:
            row = {"id": o.asked.id, "decision": o.decision, "confidence": o.confidence, "articles": list(o.articles)}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _ask(asked: Asked, searcher: Searcher, policy: Policy) -> Outcome:
    started = time.perf_counter()
    ranking = searcher.rank(asked.query, DEPTH)
    decision = decide(ranking, policy)
    ms = (time.perf_counter() - started) * 1000
    articles = tuple(searcher.entry(hit.article).article.id for hit in ranking.hits)
    return Outcome(asked, _name(decision), round(ranking.confidence, 4), articles, ms)


def _name(decision: Decision) -> str:
    return "answer" if isinstance(decision, Answer) else "suggest" if isinstance(decision, Suggest) else "unanswered"


def _check_ids(asked: Sequence[Asked], searcher: Searcher, queries: Path) -> None:
    known = {entry.article.id for entry in searcher.snapshot.entries}
    unknown = sorted({article for question in asked for article in question.relevant} - known)
    if asked and all(question.relevant and not question.relevant & known for question in asked):
        raise EvaluationFileError(
            f"{queries}: no article has any of the ids in `relevant`, such as {', '.join(unknown[:3])}. "
            f"The articles' ids look like {', '.join(sorted(known)[:3])}."
        )


def _share_encoders(data: Path, folder: Path) -> None:
    """One exported encoder serves all sources that are evaluated below `data`."""
    shared = data / "encoders"
    shared.mkdir(parents=True, exist_ok=True)
    cache = folder / "cache"
    cache.mkdir(exist_ok=True)
    if not (cache / "encoders").exists():
        (cache / "encoders").symlink_to(shared.resolve(), target_is_directory=True)


def _mean(values: Sequence[float | bool]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None
