"""Measures the whole line, as the server runs it, on questions whose right articles are known."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.decide import Policy, decide, name_of
from bot.learning import MemoryLearningStore
from bot.metrics import DEPTH, Asked, Outcome, metrics
from bot.past_tickets import PastTicket, lessons, read_past_tickets
from kb import languages
from kb.build import BuildSettings, build
from kb.errors import EvaluationFileError
from kb.jsonl import read_objects
from kb.learned import LearnedQuestion
from kb.models import PUBLIC
from kb.routing import models_for
from kb.search import Query, Searcher
from kb.snapshot import open_current
from kb.trained import fit, publish
from kb.vector_cache import cache_file

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A run. `titles` are the articles' by id; `unknown_relevant` the ids in `relevant` that no article has.

    `learned` is what was learned before the first question was asked, `trained` the figures of a training before it
    (`kb.trained.Trained.figures`).
    """

    outcomes: tuple[Outcome, ...]
    metrics: dict[str, Any]
    titles: Mapping[str, str]
    unknown_relevant: tuple[str, ...]
    learned: Learnt | None = None
    trained: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Learnt:
    """What was learned from a file: `questions` count, `asked` rows were left out because they are asked as well.

    `unknown` are ids that no article has; their rows were left out too.
    """

    questions: int
    asked: int
    unknown: tuple[str, ...]


def run(
    articles: Path,
    queries: Path,
    data: Path,
    settings: BuildSettings,
    policy: Policy,
    *,
    learn: Path | None = None,
    train: bool = False,
    progress: Progress = lambda stage, done, total: None,
) -> Evaluation:
    """Indexes `articles` below `data`, where a second run embeds nothing, and asks every query.

    `learn` is a file of solved tickets to learn from first, as `firstline learn` does. With `train` the encoder is
    trained on author questions and on what was learned, as `firstline train` does, but never on what is asked; it asks
    only if it is better. Raises EvaluationFileError for a broken line, or where no article has any of the ids in
    `relevant`, and what `kb.trained.fit` raises.
    """
    asked = read_queries(queries)
    solved = read_past_tickets(learn) if learn else []
    folder = _folder(articles, data)
    searcher = _index(articles, folder, settings, progress)
    titles = _titles(searcher)
    unknown = _unknown_ids(asked, titles, queries)
    active: tuple[LearnedQuestion, ...] = ()
    learned: Learnt | None = None
    figures: dict[str, Any] | None = None
    if learn:
        active, learned = _learn(solved, asked, titles, learn.name)
    if train:
        apart = _folder(articles, data, "-trained")
        trained = fit(
            apart,
            models_for(settings.model, searcher.snapshot.languages)[0],
            searcher.snapshot,
            active,
            never=[text for question in asked for text in (question.query.text, question.query.full)],
            progress=progress,
        )
        figures = trained.figures
        if trained.encoder:
            folder = apart
            with publish(folder, trained):
                searcher = _index(articles, folder, settings, progress)
    if active:
        progress("Learning", 0, 0)
        searcher = searcher.with_learned(active, cache_file(folder))
    searcher.rank(Query("warm up"))
    outcomes = []
    for number, question in enumerate(asked):
        progress("Asking", number, len(asked))
        outcomes.append(_ask(question, searcher, policy))
    return Evaluation(tuple(outcomes), metrics(outcomes), titles, unknown, learned, figures)


def index(
    articles: Path,
    data: Path,
    settings: BuildSettings,
    progress: Progress = lambda stage, done, total: None,
) -> Searcher:
    """A searcher over `articles`, indexed in a folder of their own below `data`; all share one exported encoder."""
    return _index(articles, _folder(articles, data), settings, progress)


def read_queries(path: Path) -> list[Asked]:
    """The questions of a JSONL file. Raises EvaluationFileError that names the line.

    `lang` reaches the search as the reader's language does over HTTP: a hint where the words do not tell.
    """
    found: dict[str, Asked] = {}
    for line, row in read_objects(path, required=("id", "query", "relevant")):
        relevant = row["relevant"]
        if not isinstance(relevant, list) or not all(isinstance(entry, str | int) for entry in relevant):
            raise EvaluationFileError(f"{path}:{line}: relevant is {relevant!r}, expected a list of article ids.")
        tag = row.get("lang") or ""
        if not isinstance(tag, str):
            raise EvaluationFileError(f'{path}:{line}: lang is {tag!r}, expected a language code such as "en".')
        key = str(row["id"])
        if key in found:
            raise EvaluationFileError(f"{path}:{line}: the id {key!r} was used before. Give each query its own id.")
        lang = languages.normalise(tag)
        query = Query(str(row["query"]), str(row.get("body") or ""), lang, frozenset({PUBLIC}))
        found[key] = Asked(key, query, frozenset(map(str, relevant)), lang or tag)
    if not found:
        raise EvaluationFileError(f"{path} holds no queries.")
    return list(found.values())


def _learn(
    solved: Sequence[PastTicket], asked: Sequence[Asked], known: Mapping[str, str], file: str
) -> tuple[tuple[LearnedQuestion, ...], Learnt]:
    """Learns through the store that serves, so that its rules hold here; never what is asked afterwards."""
    ids = {question.id for question in asked}
    texts = {(question.query.text, question.query.body) for question in asked}
    fresh = [ticket for ticket in solved if ticket.id not in ids and (ticket.text, ticket.body) not in texts]
    useful = [ticket for ticket in fresh if known.keys() >= set(ticket.articles)]
    store = MemoryLearningStore()
    store.learn(lessons(useful, file, datetime.fromtimestamp(0, UTC)))
    active = store.active()
    unknown = sorted({article for ticket in fresh for article in ticket.articles} - known.keys())
    return active, Learnt(len(active), len(solved) - len(fresh), tuple(unknown))


def _ask(asked: Asked, searcher: Searcher, policy: Policy) -> Outcome:
    started = time.perf_counter()
    ranking = searcher.rank(asked.query, DEPTH)
    decision = decide(ranking, policy)
    ms = (time.perf_counter() - started) * 1000
    articles = tuple(searcher.entry(hit.article).article.id for hit in ranking.hits)
    return Outcome(asked, name_of(decision), round(ranking.confidence, 4), articles, ms)


def _titles(searcher: Searcher) -> dict[str, str]:
    """The title of each article by id, in the language most articles are written in where there is a choice."""
    main = next(iter(searcher.snapshot.languages), "")
    articles = [entry.article for entry in searcher.snapshot.entries]
    return {article.id: article.title for article in sorted(articles, key=lambda article: article.lang == main)}


def _unknown_ids(asked: Sequence[Asked], known: Mapping[str, str], queries: Path) -> tuple[str, ...]:
    unknown = tuple(sorted({article for question in asked for article in question.relevant} - known.keys()))
    answerable = [question for question in asked if question.relevant]
    if answerable and all(not question.relevant & known.keys() for question in answerable):
        raise EvaluationFileError(
            f"{queries}: no article has any of the ids in `relevant`, such as {', '.join(unknown[:3])}. "
            f"The articles' ids look like {', '.join(sorted(known)[:3])}."
        )
    return unknown


def _index(articles: Path, folder: Path, settings: BuildSettings, progress: Progress) -> Searcher:
    build(articles, folder, settings, created="", progress=progress)
    return Searcher(open_current(folder))


def _folder(articles: Path, data: Path, suffix: str = "") -> Path:
    """Where a source that is evaluated below `data` is indexed; one exported encoder serves all of them.

    Trained encoders have a folder of their own, so that a run without training does not see them.
    """
    folder = data / f"{hashlib.sha256(str(articles.resolve()).encode()).hexdigest()[:12]}{suffix}"
    shared = data / "encoders"
    cache = folder / "cache"
    for path in (shared, cache):
        path.mkdir(parents=True, exist_ok=True)
    if not (cache / "encoders").exists():
        (cache / "encoders").symlink_to(shared.resolve(), target_is_directory=True)
    return folder
