"""Finds the articles that may answer a question, and what speaks for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from kb import analysis
from kb.calibrate import confidence
from kb.embedding import Vectors
from kb.learned import LearnedQuestion
from kb.models import PUBLIC, Passage
from kb.rank import FEATURES, Evidence, Order, order
from kb.snapshot import Entry, Snapshot
from kb.spelling import Speller
from kb.vectors import Rows

#: Rows and articles that each source of candidates may name. The right article is among them for 93 % of Thunderbird
#: tickets and for 99 % or more of OfficeDocs symptoms, CLINC150 and BANKING77 (`bench/fit_decision.py` prints it).
_DENSE_ROWS = 160
_LEXICAL_ARTICLES = 40
#: How often a word of a ticket's subject counts against one of its body.
_SUBJECT_WEIGHT = 2.0
#: How far a translation's score lies behind where the question is in another language. Measured on our own articles:
#: words that are the same in all languages ("VPN", "Outlook") keep within 4, a sentence falls behind by 7 or more.
_SPEAKS_ANOTHER_LANGUAGE = 5.0
#: A question is cut here before anything is computed; a ticket of 20,000 words says what it wants far earlier.
MAX_CHARACTERS = 8_000


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked: one line of text, for a ticket its body too, and what the asker may see.

    `lang` is the asker's language; it decides where the question's own words do not. Without it the language most
    articles are written in decides.
    """

    text: str
    body: str = ""
    lang: str | None = None
    audiences: frozenset[str] = frozenset({PUBLIC})

    @property
    def full(self) -> str:
        return f"{self.text}\n{self.body}".strip() if self.body.strip() else self.text


@dataclass(frozen=True, slots=True)
class Found:
    """The candidates for a query and their evidence.

    `articles` are numbers in `Snapshot.entries`, int64 of shape (n,); `evidence` is float32 of shape
    (n, len(FEATURES)); `best_rows` the row of each article's nearest body passage (or its title where it has no body).
    """

    articles: Rows
    evidence: Evidence
    best_rows: Rows
    corrected: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A ranked article: its number in `Snapshot.entries`, its score, and the row of the passage to show."""

    article: int
    score: float
    row: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """Articles best first, one language each, with the probability that the first one answers.

    `corrected` is the question with typing errors mended; equal to the question where there were none.
    """

    hits: tuple[Hit, ...]
    confidence: float
    corrected: str


class Searcher:
    """Searches one snapshot. Everything it keeps is derived from the snapshot and never changes."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._encoder = snapshot.encoders[0]
        kinds = [passage.kind for passage in snapshot.passages]
        self._is_body = np.array([kind == "body" for kind in kinds], bool)
        self._is_opening = np.array([passage.section <= 1 for passage in snapshot.passages], bool)
        self._starts = np.array([entry.rows.start for entry in snapshot.entries], np.int64)
        self._ends = np.array([entry.rows.stop for entry in snapshot.entries], np.int64)
        self._audience = [entry.article.audience for entry in snapshot.entries]
        self._main_language = next(iter(snapshot.languages), "")
        self._allowed = lru_cache(maxsize=64)(self._find_allowed)

    @cached_property
    def speller(self) -> Speller:
        """Only words of public articles: a correction must not tell what an internal article is about."""
        texts = (
            text
            for entry in self.snapshot.entries
            if entry.article.audience == PUBLIC
            for text in (entry.article.title, *entry.article.keywords, *entry.article.questions)
        )
        return Speller(texts, self._encoder.embedder.knows_word)

    def with_learned(self, questions: Sequence[LearnedQuestion]) -> Searcher:  # noqa: ARG002
        """A searcher of the same snapshot that has learned `questions`, and nothing else that this one had learned."""
        return self

    def entry(self, number: int) -> Entry:
        return self.snapshot.entries[number]

    def passage(self, row: int) -> Passage:
        return self.snapshot.passages[row]

    def rank(self, query: Query, limit: int = 10) -> Ranking:
        """The best `limit` articles for a query, each once, in the language of the question or else of the asker."""
        found = self.find(query)
        ranked, shown = self._one_language_each(order(found.evidence), found, query.lang or self._main_language)
        hits = tuple(
            Hit(int(found.articles[position]), float(score), int(found.best_rows[position]))
            for position, score in zip(shown[:limit], ranked.scores, strict=False)
        )
        return Ranking(hits, confidence(ranked, found.evidence), found.corrected)

    def _one_language_each(self, ranked: Order, found: Found, lang: str) -> tuple[Order, list[int]]:
        """Translations of one article do not compete with each other: the best one stands for all.

        Beside the order of the best ones, the positions to show: those in `lang` where the question's own words do not
        speak for another language.
        """
        best: dict[str, tuple[int, float]] = {}
        shown: dict[str, int] = {}
        for position, score in zip(ranked.positions, ranked.scores, strict=True):
            article = self.entry(int(found.articles[position])).article
            _, top = best.setdefault(article.id, (int(position), float(score)))
            shown.setdefault(article.id, int(position))
            if article.lang == lang and top - score < _SPEAKS_ANOTHER_LANGUAGE:
                shown[article.id] = int(position)
        positions = np.array([position for position, _ in best.values()], np.int64)
        scores = np.array([score for _, score in best.values()], np.float32)
        return Order(positions, scores), list(shown.values())

    def find(self, query: Query) -> Found:
        """The candidates among the articles `query` may see; none where nothing could be searched for."""
        corrected = self.speller.correct(query.text[:MAX_CHARACTERS])
        query = Query(corrected, query.body[: max(0, MAX_CHARACTERS - len(corrected))], query.lang, query.audiences)
        langs = self.snapshot.languages
        subject_terms = dict.fromkeys(analysis.terms(query.text, langs), 1.0)
        terms = dict.fromkeys(analysis.terms(query.body, langs), 1.0) | dict.fromkeys(
            subject_terms, _SUBJECT_WEIGHT if query.body else 1.0
        )
        if not terms:
            return self._nothing(corrected)
        views = [query.full, query.text] if query.body.strip() and query.text.strip() else [query.full]
        vectors = self._encoder.embedder.embed_queries(views)
        visible, rows = self._allowed(query.audiences)
        words = self.snapshot.words.scores(terms)
        articles = self._candidates(vectors, words, visible, rows)
        if not len(articles):  # the asker may see none
            return self._nothing(corrected)
        evidence, best_rows = self._weigh(articles, vectors, words, terms, query)
        return Found(articles, evidence, best_rows, corrected)

    @staticmethod
    def _nothing(corrected: str) -> Found:
        empty = np.empty(0, np.int64)
        return Found(empty, np.empty((0, len(FEATURES)), np.float32), empty, corrected)

    def _find_allowed(self, audiences: frozenset[str]) -> tuple[NDArray[np.bool_], Rows | None]:
        visible = np.array([audience in audiences for audience in self._audience], bool)
        if visible.all():
            return visible, None
        return visible, np.flatnonzero(visible[self.snapshot.owner]).astype(np.int64)

    def _candidates(
        self, vectors: Vectors, words: NDArray[np.float32], visible: NDArray[np.bool_], rows: Rows | None
    ) -> Rows:
        _, nearest = self._encoder.vectors.search(vectors, _DENSE_ROWS, rows)
        dense = self.snapshot.owner[nearest.ravel()]
        shown = np.where(visible, words, 0.0)
        count = min(_LEXICAL_ARTICLES, len(shown))
        lexical = np.argpartition(-shown, count - 1)[:count] if count else np.empty(0, np.int64)
        return np.unique(np.concatenate([dense, lexical[shown[lexical] > 0]])).astype(np.int64)

    def _weigh(
        self,
        articles: Rows,
        vectors: Vectors,
        words: NDArray[np.float32],
        terms: dict[str, float],
        query: Query,
    ) -> tuple[Evidence, Rows]:
        starts, ends = self._starts[articles], self._ends[articles]
        rows = np.concatenate([np.arange(a, b) for a, b in zip(starts, ends, strict=True)])
        at = np.concatenate([[0], np.cumsum(ends - starts)[:-1]])
        cosines = self._encoder.vectors.score(vectors, rows)
        if len(cosines) == 1:
            cosines = np.repeat(cosines, 2, axis=0)
        columns: dict[str, NDArray[np.float32]] = {}
        for view, values in zip(("", "subject_"), cosines, strict=True):
            columns[f"{view}nearest"] = np.maximum.reduceat(values, at)
            columns[f"{view}nearest3"] = _mean_of_best(values, at, ends - starts, 3)
            columns[f"{view}title"] = values[at]
        units = self.snapshot.units.scores(terms)
        best_unit = np.maximum.reduceat(units[rows], at)
        columns["words"] = _relative(words[articles])
        columns["words_share"] = words[articles] / self.snapshot.words.best_possible(terms)
        columns["unit_words"] = _relative(best_unit)
        columns["codes"] = self._codes(query, articles)
        evidence = np.stack([columns[name] for name in FEATURES], axis=1).astype(np.float32)
        # The passage to show: near in meaning, and with the words that were asked for.
        near = cosines.mean(axis=0)
        is_body = self._is_body[rows]
        # Where a title or an author's question is nearer than any passage, the article's main question was asked: its
        # opening sections answer it.
        main = np.maximum.reduceat(near, at) - np.maximum.reduceat(np.where(is_body, near, -1.0), at)
        opening = np.repeat(np.clip(main, 0.0, 0.3), ends - starts) * self._is_opening[rows]
        shown = np.where(is_body, near + opening + 0.15 * _relative(units[rows]), -9.0)
        best_rows = [rows[a + int(np.argmax(shown[a : a + n]))] for a, n in zip(at, ends - starts, strict=True)]
        return evidence, np.array(best_rows, np.int64)

    def _codes(self, query: Query, articles: Rows) -> NDArray[np.float32]:
        """The share of the codes in the question (0x80070005, KB5034441) that each article holds."""
        codes = {analysis.fold(word) for word in analysis.words(query.full) if analysis.is_code(word)}
        known = [self.snapshot.words.documents_with([code]) for code in codes]
        known = [documents for documents in known if documents]
        if not known:
            return np.zeros(len(articles), np.float32)
        return np.array([sum(int(a) in docs for docs in known) / len(known) for a in articles], np.float32)


def _mean_of_best(values: NDArray[np.float32], at: Rows, sizes: Rows, count: int) -> NDArray[np.float32]:
    """For each run of `sizes` values, the mean of its `count` highest; a shorter run repeats its highest."""
    order = np.lexsort((-values, np.repeat(np.arange(len(at)), sizes)))
    ranked = values[order]
    picks = [ranked[np.where(n < sizes, at + n, at)] for n in range(count)]
    mean: NDArray[np.float32] = np.mean(picks, axis=0)
    return mean


def _relative(values: NDArray[np.float32]) -> NDArray[np.float32]:
    top = values.max(initial=0.0)
    return values / top if top > 0 else values
