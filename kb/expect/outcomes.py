"""Asks a snapshot the questions that its articles name, each as if nobody had written it down."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kb.analysis import words
from kb.corpus import folded
from kb.expect.entries import Kind, entry_lines, place
from kb.models import PUBLIC, Article, ArticleKey, Skipped, UnitKind
from kb.routing import readers
from kb.search import Query, Ranking, Searcher
from kb.sheets import Progress
from kb.snapshot import Snapshot

#: How far down a ranking an article is looked for; further down it makes no difference to anybody.
DEPTH = 10
#: Questions left out by one searcher: what it needs to leave them out is 16 KB for each and for each audience.
_HELD = 4_000

#: What an entry is the same by in two versions of the articles.
EntryName = tuple[ArticleKey, Kind, str]


@dataclass(frozen=True, slots=True)
class Rival:
    """Another article that ranked well, and which of its words are nearest to what was asked."""

    key: ArticleKey
    title: str
    path: str
    part: UnitKind
    text: str


@dataclass(frozen=True, slots=True)
class Twin:
    """Where the same words stand too: as a title or a question of an article."""

    key: ArticleKey
    path: str
    line: int
    part: UnitKind


@dataclass(frozen=True, slots=True)
class Outcome:
    """One entry of `questions` or `not_for`, asked.

    `path` is below the source and `line` 1-based, 0 where it is not known. `place` is the place of its article, from 1;
    0 where it is not among the first DEPTH. `above` are the ids of the articles before it, best first. `rival` is the
    first of these; of a `not_for` that fails, the article after its own. `confidence` is that of the ranking.
    """

    key: ArticleKey
    path: str
    line: int
    kind: Kind
    text: str
    place: int
    passed: bool
    confidence: float
    above: tuple[str, ...]
    rival: Rival | None = None
    twins: tuple[Twin, ...] = ()

    @property
    def name(self) -> EntryName:
        """Its article, its kind, and its words however they are spaced and capitalised."""
        return self.key, self.kind, folded(self.text)

    @property
    def clashes(self) -> tuple[Twin, ...]:
        """Other articles that have the same words."""
        return tuple(twin for twin in self.twins if twin.key.id != self.key.id)


@dataclass(frozen=True, slots=True)
class Contents:
    """What an article says, as far as two versions of it are compared; `words` is a hash of all that is searched."""

    path: str
    title: str
    questions: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Run:
    """All entries of a snapshot's articles, asked. `untested` are files whose entries could not be read."""

    snapshot: str
    k: int
    outcomes: tuple[Outcome, ...]
    articles: Mapping[ArticleKey, Contents]
    untested: tuple[Skipped, ...] = ()

    @property
    def failures(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if not outcome.passed)

    @property
    def failed(self) -> bool:
        return bool(self.failures or self.untested)

    def count(self, kind: Kind) -> int:
        return sum(outcome.kind == kind for outcome in self.outcomes)


def passes(kind: Kind, place: int, k: int) -> bool:
    """Whether an entry passes whose article has this place."""
    return 1 <= place <= k if kind == "question" else place != 1


def nothing(k: int) -> Run:
    """The run over a version that has no article."""
    return Run("", k, (), {})


def run(
    snapshot: Snapshot,
    k: int = 1,
    source: Path | None = None,
    progress: Progress = lambda stage, done, total: None,
    wanted: Callable[[str], bool] = lambda path: True,
) -> Run:
    """What every `questions` and `not_for` entry finds, asked by somebody who may see its article, in its language.

    A question passes where its article is among the first `k`; its own vector, words and example are left out, and
    those of the same question in the article's other languages. A `not_for` passes where its article is not the first.
    Learned questions do not count: what passes hangs on the articles alone. `source` is what the snapshot was made of,
    to tell the lines. Entries are asked of the files that are `wanted`, by `Article.path`. Deterministic; some
    milliseconds each.
    """
    asking = _Asking(snapshot, k, source)
    asked = [(number, e) for number, e in enumerate(snapshot.entries) if wanted(place(e.article.path)[0])]
    rows = [row for _, entry in asked for row in entry.rows if snapshot.passages.kind(row) == "question"]
    refused = [(number, at) for number, entry in asked for at in range(len(entry.article.not_for))]
    total = len(rows) + len(refused)
    outcomes: list[Outcome] = []
    for start in range(0, max(len(rows), 1), _HELD):
        held = rows[start : start + _HELD]
        searcher = Searcher(snapshot, hold=sorted({same for row in held for same in asking.itself(row)}))
        for row in held:
            progress("Asking", len(outcomes), total)
            outcomes.append(asking.question(searcher, row))
    for number, at in refused:
        progress("Asking", len(outcomes), total)
        outcomes.append(asking.not_for(searcher, number, at))
    progress("Asking", total, total)
    outcomes.sort(key=lambda outcome: (outcome.path, outcome.line, outcome.key))
    untested = tuple(one for one in snapshot.skipped if _untested(one) and wanted(one.path))
    return Run(snapshot.id, k, tuple(outcomes), _contents(snapshot), untested)


def _untested(skipped: Skipped) -> bool:
    """Whether a file that is no article may have questions all the same."""
    return not skipped.harmless and skipped.reason != "broken topics"


class _Asking:
    """What all questions to one snapshot share."""

    def __init__(self, snapshot: Snapshot, k: int, source: Path | None) -> None:
        self._snapshot, self._k, self._source = snapshot, k, source
        self._lines: dict[str, Mapping[tuple[Kind, int], int]] = {}
        self._said: dict[str, list[int]] = {}
        self._asked: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        for row in np.flatnonzero(~snapshot.passages.is_body).tolist():
            self._said.setdefault(folded(snapshot.passages[row].text), []).append(row)
            if snapshot.passages.kind(row) == "question":
                self._asked.setdefault(self._words(row), []).append(row)
        self._embedders = [encoded.embedder for encoded in snapshot.encoders]

    def _words(self, row: int) -> tuple[str, tuple[str, ...]]:
        """Of a question the article's id and its words: dots and capitals make no other question."""
        text = self._snapshot.passages[row].text
        return self._article(int(self._snapshot.owner[row])).id, tuple(words(text)) or (folded(text),)

    def itself(self, row: int) -> list[int]:
        """The rows of a question: its own, and those of the same words in any language of its article."""
        return self._asked[self._words(row)]

    def question(self, searcher: Searcher, row: int) -> Outcome:
        number = int(self._snapshot.owner[row])
        text = self._snapshot.passages[row].text
        ranking = searcher.rank(self._query(number, text), limit=max(self._k, DEPTH), leave_out=self.itself(row))
        rank, above = self._place(ranking, number)
        rival = self._rival(number, text, ranking.hits[0].article) if ranking.hits and rank != 1 else None
        return self._outcome(number, "question", self._at(row), text, rank, ranking, above, rival, row)

    def not_for(self, searcher: Searcher, number: int, at: int) -> Outcome:
        text = self._article(number).not_for[at]
        ranking = searcher.rank(self._query(number, text), limit=DEPTH)
        rank, above = self._place(ranking, number)
        second = ranking.hits[1].article if rank == 1 and len(ranking.hits) > 1 else None
        rival = None if second is None else self._rival(number, text, second)
        return self._outcome(number, "not_for", at, text, rank, ranking, above, rival, None)

    def _outcome(
        self,
        number: int,
        kind: Kind,
        at: int,
        text: str,
        rank: int,
        ranking: Ranking,
        above: tuple[str, ...],
        rival: Rival | None,
        row: int | None,
    ) -> Outcome:
        article = self._article(number)
        return Outcome(
            key=article.key,
            path=place(article.path)[0],
            line=self._line(article.path, kind, at),
            kind=kind,
            text=text,
            place=rank,
            passed=passes(kind, rank, self._k),
            confidence=round(ranking.confidence, 4),
            above=above,
            rival=rival,
            twins=self._twins(number, text, row, own=kind == "not_for"),
        )

    def _article(self, number: int) -> Article:
        return self._snapshot.entries[number].article

    def _query(self, number: int, text: str) -> Query:
        article = self._article(number)
        return Query(text, lang=article.lang, audiences=self._audiences(number))

    def _audiences(self, number: int) -> frozenset[str]:
        return frozenset({PUBLIC, self._article(number).audience})

    def _place(self, ranking: Ranking, number: int) -> tuple[int, tuple[str, ...]]:
        """The place of an article (any translation of it), 0 for none, and the ids before it."""
        ids = [self._article(hit.article).id for hit in ranking.hits]
        own = self._article(number).id
        return (ids.index(own) + 1, tuple(ids[: ids.index(own)])) if own in ids else (0, tuple(ids))

    def _at(self, row: int) -> int:
        """The number of a question among those of its article."""
        first = self._snapshot.entries[int(self._snapshot.owner[row])].rows.start
        return sum(self._snapshot.passages.kind(before) == "question" for before in range(first, row))

    def _line(self, path: str, kind: Kind, at: int) -> int:
        if (line := place(path)[1]) or self._source is None:
            return line
        if path not in self._lines:
            self._lines[path] = entry_lines(self._source, path)
        return self._lines[path].get((kind, at), 0)

    def _rival(self, asker: int, text: str, number: int) -> Rival:
        """An article that was found, with those of its words that are nearest to the question."""
        entry = self._snapshot.entries[number]
        able = readers(self._embedders, entry.article.lang)
        embedder = next((e for e in readers(self._embedders, self._article(asker).lang) if e in able), able[0])
        store = self._snapshot.encoders[self._embedders.index(embedder)].vectors
        scores = store.score(embedder.embed_queries([text]), np.array(entry.rows, np.int64))[0]
        nearest = self._snapshot.passages[entry.rows[int(scores.argmax())]]
        article = entry.article
        return Rival(article.key, article.title, place(article.path)[0], nearest.kind, nearest.text)

    def _twins(self, number: int, text: str, row: int | None, *, own: bool) -> tuple[Twin, ...]:
        """Other places with the same words, as far as who asks may see them; with `own`, in its own article alone."""
        audiences, found = self._audiences(number), []
        left_out = () if row is None else self.itself(row)
        for other in self._said.get(folded(text), ()):
            holder = int(self._snapshot.owner[other])
            article = self._article(holder)
            if (
                other in left_out
                or article.audience not in audiences
                or (own and article.id != self._article(number).id)
            ):
                continue
            part = self._snapshot.passages.kind(other)
            line = self._line(article.path, "question", self._at(other)) if part == "question" else 0
            found.append(Twin(article.key, place(article.path)[0], line, part))
        return tuple(found)


def _contents(snapshot: Snapshot) -> dict[ArticleKey, Contents]:
    found = {}
    for entry in snapshot.entries:
        article = entry.article
        texts: Sequence[str] = (article.title, *article.keywords, *(snapshot.passages[r].embedded for r in entry.rows))
        said = hashlib.sha256("\0".join((article.audience, *texts)).encode()).hexdigest()[:16]
        found[article.key] = Contents(place(article.path)[0], article.title, article.questions, said)
    return found
