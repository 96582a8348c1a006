"""Finds the articles that may answer a question, and what speaks for each."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb import analysis, codes
from kb.calibrate import quantities
from kb.detect import COMPETITORS, detect, speaks_english
from kb.embedding import Vectors
from kb.head import Head
from kb.learned import MAX_CHARACTERS, LearnedQuestion, whole
from kb.models import PUBLIC, Passage
from kb.passages import terms_of
from kb.rank import FEATURES, Evidence, Order, highest, mean_of_best, order, relative
from kb.reader import Closeness, Reader, Schooled, Visible
from kb.routing import readers
from kb.snapshot import Snapshot
from kb.spelling import Speller, speller_of
from kb.stages import staged
from kb.stored import Entry
from kb.typeahead import Typeahead
from kb.vector_cache import open_if_possible
from kb.vectors import Rows

Floats = NDArray[np.float32]

#: Rows and articles that each source of candidates may name. The right article is among them for 93 % of Thunderbird
#: tickets and for 99 % or more of OfficeDocs symptoms, CLINC150 and BANKING77 (`bench/fit_decision.py` prints it).
_DENSE_ROWS = 160
_LEXICAL_ARTICLES = 40
_ASKED_BEFORE = 40
_CODED_ARTICLES = 20
#: How often a word of a ticket's subject counts against one of its body.
_SUBJECT_WEIGHT = 2.0


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked: one line of text, for a ticket its body too, and what the asker may see.

    `lang` is the asker's language; it decides where the question's own words do not. Without it the language most
    articles are written in decides. With a `topic` only its articles are looked at ("" for those that have none).
    `exact`: every word is meant as it is written.
    """

    text: str
    body: str = ""
    lang: str | None = None
    audiences: frozenset[str] = frozenset({PUBLIC})
    topic: str | None = None
    exact: bool = False

    @property
    def full(self) -> str:
        return whole(self.text, self.body)


@dataclass(frozen=True, slots=True)
class Found:
    """The candidates for a query and their evidence.

    `articles` are numbers in `Snapshot.entries`, int64 of shape (n,); `evidence` is float32 of shape
    (n, len(FEATURES)); `unrelated` is `Embedder.unrelated` of what read each; `best_rows` the row of each article's
    nearest body passage (or its title where it has no body). `lang` is the language the question is written in, "" for
    one that no article is written in.
    """

    articles: Rows
    evidence: Evidence
    unrelated: Floats
    best_rows: Rows
    corrected: str
    lang: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A ranked article: its number in `Snapshot.entries`, its score, and the row of the passage to show."""

    article: int
    score: float
    row: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """Articles best first, one language each, with the probability that the first one answers.

    `corrected` is the question with typing errors mended; equal to the question where there were none. `lang` is as in
    Found.
    """

    hits: tuple[Hit, ...]
    confidence: float
    corrected: str
    lang: str


@dataclass(frozen=True, slots=True)
class First:
    """The id of the first article of a ranking, and kb.calibrate.QUANTITIES of it."""

    article: str
    quantities: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """What one reader looks at: a mask over all articles, and their rows (None for all); and what it knows of them."""

    reader: Reader
    schooled: Schooled
    articles: NDArray[np.bool_]
    rows: Rows | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one reader found: articles, all their rows, closeness of shape (views, rows), and the head's scores.

    `closest` is the closeness of the nearest question known to belong to each article; `unrelated` repeats the
    encoder's.
    """

    articles: Rows
    rows: Rows
    closeness: Closeness
    head: Floats
    closest: Floats
    unrelated: Floats


class Searcher:
    """Searches one snapshot. Everything it keeps is derived from the snapshot and from what was learned."""

    def __init__(self, snapshot: Snapshot, hold: Sequence[int] = (), before: Searcher | None = None) -> None:
        """`hold` are the rows of titles and author questions that `find` will leave out.

        `before` searches an earlier state of the same articles; what is the same in both is not computed anew.
        """
        self.snapshot = snapshot
        self._is_body = snapshot.passages.is_body
        self._is_opening = snapshot.passages.section <= 1
        self._starts = np.array([entry.rows.start for entry in snapshot.entries], np.int64)
        self._ends = np.array([entry.rows.stop for entry in snapshot.entries], np.int64)
        self._main_language = next(iter(snapshot.languages), "")
        ids = {entry.article.id: None for entry in snapshot.entries}
        numbers = {article: number for number, article in enumerate(ids)}
        self._group = np.array([numbers[entry.article.id] for entry in snapshot.entries], np.int64)
        langs = np.array([entry.article.lang for entry in snapshot.entries])
        audience = np.array([entry.article.audience for entry in snapshot.entries])
        self._of_audience = {name: audience == name for name in np.unique(audience).tolist()}
        embedders = [encoded.embedder for encoded in snapshot.encoders]
        self._readers: list[Reader] = []
        earlier = {reader.embedder.fingerprint: reader for reader in before._readers} if before else {}
        for encoded in snapshot.encoders:
            read = [lang for lang in snapshot.languages if encoded.embedder in readers(embedders, lang)]
            mine, known = np.flatnonzero(np.isin(langs, read)), earlier.get(encoded.embedder.fingerprint)
            self._readers.append(Reader(snapshot, encoded, mine, self._group, hold, known))
        self._typeaheads = lru_cache(maxsize=16)(partial(Typeahead, snapshot))
        self._parts = lru_cache(maxsize=64)(self._who_reads_what)
        self._get_ready()

    def with_learned(self, questions: Sequence[LearnedQuestion], cache: Path | None = None) -> Searcher:
        """A searcher of the same snapshot that has learned `questions`, and nothing else that this one had learned.

        Questions of articles that this snapshot does not have wait for one that has them. `cache` is the file of
        vectors that builds use; it saves reading thousands of tickets anew at every start.
        """
        known = {entry.article.id for entry in self.snapshot.entries}
        useful = [question for question in questions if question.article in known]
        embedders = [reader.embedder for reader in self._readers]
        twin = copy.copy(self)
        twin._readers = []
        with open_if_possible(cache) as vectors:
            for reader in self._readers:
                alone = len(embedders) == 1
                mine = [
                    q
                    for q in useful
                    if alone or reader.embedder in readers(embedders, self.language(Query(q.text, q.body)))
                ]
                twin._readers.append(reader.learn(mine, vectors))
        twin._parts = lru_cache(maxsize=64)(twin._who_reads_what)
        twin._get_ready()
        return twin

    def _get_ready(self) -> None:
        """Most questions come from the public: none of theirs waits for a head to be fitted."""
        for reader in self._readers:
            reader.schooled(self._visible(frozenset({PUBLIC})))

    def heads(self) -> dict[str, tuple[bytes, Head]]:
        """Of each encoder the head of the public's articles, and what it was fitted on."""
        public = self._visible(frozenset({PUBLIC}))
        made = [(reader.embedder.name, reader.schooled(public)) for reader in self._readers]
        return {name: (schooled.of, schooled.head) for name, schooled in made}

    def _visible(self, audiences: frozenset[str]) -> Visible:
        visible = np.zeros(len(self._group), bool)
        for name in audiences & self._of_audience.keys():
            visible |= self._of_audience[name]
        return visible

    @cached_property
    def speller(self) -> Speller:
        return speller_of(self.snapshot, [reader.embedder for reader in self._readers])

    def entry(self, number: int) -> Entry:
        return self.snapshot.entries[number]

    def passage(self, row: int) -> Passage:
        return self.snapshot.passages[row]

    @staged("rank")
    def rank(self, query: Query, limit: int = 10, leave_out: Sequence[int] = ()) -> Ranking:
        """The best `limit` articles for a query, each once, in the language of the question or else of the asker.

        `leave_out` as in `find`.
        """
        found = self.find(query, leave_out)
        ranked, shown = self._one_language_each(order(found.evidence), found, query.lang)
        hits = tuple(
            Hit(int(found.articles[position]), float(score), int(found.best_rows[position]))
            for position, score in zip(shown[:limit], ranked.scores, strict=False)
        )
        confidence = self.snapshot.calibration.confidence(ranked, found.evidence, found.unrelated)
        return Ranking(hits, confidence, found.corrected, found.lang)

    def first(self, query: Query, leave_out: Sequence[int] = ()) -> First | None:
        """The article that `rank` has first, and what its confidence is computed from; `leave_out` as in `find`."""
        found = self.find(query, leave_out)
        ranked, _ = self._one_language_each(order(found.evidence), found, query.lang)
        if not len(ranked.positions):
            return None
        article = self.entry(int(found.articles[ranked.positions[0]])).article
        return First(article.id, quantities(ranked, found.evidence, found.unrelated))

    def _one_language_each(self, ranked: Order, found: Found, lang: str | None) -> tuple[Order, list[int]]:
        """Translations of one article do not compete with each other: the best one stands for all.

        Beside the order of the best ones, the positions to show: in the question's language, else in the asker's, else
        in the one most articles are written in, else the best.
        """
        best: dict[int, tuple[int, float]] = {}
        versions: dict[int, dict[str, int]] = {}
        for position, score in zip(ranked.positions, ranked.scores, strict=True):
            number = int(found.articles[position])
            group = int(self._group[number])
            best.setdefault(group, (int(position), float(score)))
            versions.setdefault(group, {})[self.entry(number).article.lang] = int(position)
        wishes = (found.lang, lang, self._main_language)
        shown = [
            next((versions[group][wish] for wish in wishes if wish in versions[group]), position)
            for group, (position, _) in best.items()
        ]
        positions = np.array([position for position, _ in best.values()], np.int64)
        scores = np.array([score for _, score in best.values()], np.float32)
        return Order(positions, scores), shown

    @staged("retrieve")
    def find(self, query: Query, leave_out: Sequence[int] = ()) -> Found:
        """The candidates among the articles `query` may see; none where nothing could be searched for.

        `leave_out` are rows of titles or author questions, of those held, that count as if their authors had not
        written them: their vectors, examples and words. Only how rare words are still counts them.
        """
        lang = self.language(query)
        corrected = query.text[:MAX_CHARACTERS]
        if not query.exact and detect(corrected, COMPETITORS) in (None, *self.snapshot.languages):
            corrected = self.speller.correct(corrected)  # the words of another language are no typing errors
        query = replace(query, text=corrected, body=query.body[: max(0, MAX_CHARACTERS - len(corrected))])
        langs = self.snapshot.languages
        subject_terms = dict.fromkeys(analysis.terms(query.text, langs), 1.0)
        terms = dict.fromkeys(analysis.terms(query.body, langs), 1.0) | dict.fromkeys(
            subject_terms, _SUBJECT_WEIGHT if query.body else 1.0
        )
        if not terms:
            return self._nothing(corrected, lang)
        words = self.snapshot.words.scores(terms)
        for owner in {int(self.snapshot.owner[row]) for row in leave_out}:
            taken = [self.passage(row) for row in leave_out if self.snapshot.owner[row] == owner]
            lost = terms_of(taken, self.entry(owner).article.lang)
            words[owner] = self.snapshot.words.score_without(terms, owner, lost)
        visible = self._visible(query.audiences)
        named = codes.named(query.full, self.snapshot, self._group, visible, leave_out)
        views = [query.full, query.text] if query.body.strip() and query.text.strip() else [query.full]
        seen = [
            self._look(part, part.reader.read(views), words, named, leave_out)
            for part in self._parts(lang, query.audiences, query.topic)
        ]
        seen = [part for part in seen if len(part.articles)]
        if not seen:  # the asker may see none
            return self._nothing(corrected, lang)
        articles, evidence, best_rows = self._weigh(seen, words, named, terms)
        unrelated = np.concatenate([part.unrelated for part in seen])
        return Found(articles, evidence, unrelated, best_rows, corrected, lang)

    @staticmethod
    def _nothing(corrected: str, lang: str) -> Found:
        empty = np.empty(0, np.int64)
        nothing = np.empty((0, len(FEATURES)), np.float32)
        return Found(empty, nothing, np.empty(0, np.float32), empty, corrected, lang)

    def language(self, query: Query) -> str:
        """The language of the question's own words, else the asker's; "" for one that no article is written in."""
        text = query.full
        found = detect(text, self.snapshot.languages)
        if found is None and speaks_english(text, self.snapshot.languages):  # or the words tell nothing
            return query.lang or self._main_language
        return found or ""

    def typeahead(self, audiences: frozenset[str]) -> Typeahead:
        """What is found while a question is being typed, among the articles `audiences` may see; made at first use."""
        known = frozenset(entry.article.audience for entry in self.snapshot.entries)
        told_apart = audiences & known  # a group without articles adds nothing
        return self._typeaheads(told_apart)

    def _who_reads_what(self, lang: str, audiences: frozenset[str], topic: str | None) -> tuple[_Part, ...]:
        """The best reader of `lang` looks at all it can read, the others at articles it has no translation of."""
        embedders = [reader.embedder for reader in self._readers]
        order = [reader for e in readers(embedders, lang) for reader in self._readers if reader.embedder is e]
        visible = self._visible(audiences)
        asked = np.array([topic in (None, entry.article.topic) for entry in self.snapshot.entries], bool)
        done = np.zeros(self._group.max(initial=-1) + 1, bool)
        parts = []
        for reader in order:
            mine = np.zeros(len(visible), bool)
            mine[reader.articles] = True
            mine &= visible & asked & ~done[self._group]
            done[self._group[mine]] = True
            if mine.any():
                rows = None if mine.all() else np.flatnonzero(mine[self.snapshot.owner]).astype(np.int64)
                parts.append(_Part(reader, reader.schooled(visible), mine, rows))
        return tuple(parts)

    def _look(self, part: _Part, vectors: Vectors, words: Floats, named: Floats, leave_out: Sequence[int]) -> _Seen:
        """The candidates of one part and how near they are to the question."""
        head, examples = part.schooled.head, part.schooled.those(leave_out)
        near = head.near(vectors)
        dense = part.reader.nearest(vectors, _DENSE_ROWS, part.rows, leave_out)
        before = np.zeros(len(part.articles), bool)  # groups are no more than articles
        before[head.classes(near, _ASKED_BEFORE, examples)] = True
        asked = np.flatnonzero(before[self._group] & part.articles)
        lexical = highest(np.where(part.articles, words, 0.0), _LEXICAL_ARTICLES)
        coded = highest(np.where(part.articles, named, 0.0), _CODED_ARTICLES)
        articles = np.unique(np.concatenate([dense, asked, lexical, coded])).astype(np.int64)
        rows = np.concatenate([np.arange(self._starts[n], self._ends[n]) for n in articles])
        if len(leave_out):
            rows = rows[~np.isin(rows, leave_out)]
            articles = np.unique(self.snapshot.owner[rows]).astype(np.int64)
        closeness = part.reader.closeness(vectors, rows)
        groups = self._group[articles]
        scores, closest = head.scores(near, groups, examples)[0], head.closest(near, groups, examples)
        unrelated = np.full(len(articles), part.reader.embedder.unrelated, np.float32)
        return _Seen(articles, rows, closeness, scores, closest, unrelated)

    def _weigh(
        self, seen: Sequence[_Seen], words: Floats, named: Floats, terms: dict[str, float]
    ) -> tuple[Rows, Evidence, Rows]:
        """The candidates, their evidence, and the row to show of each."""
        articles = np.concatenate([part.articles for part in seen])
        rows = np.concatenate([part.rows for part in seen])
        closeness = np.concatenate([part.closeness for part in seen], axis=1)
        sizes = np.bincount(self.snapshot.owner[rows], minlength=len(self._starts))[articles]
        at = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        units = self.snapshot.units.scores_of(terms, rows)
        columns = {
            "nearest": np.maximum(np.maximum.reduceat(closeness[0], at), np.concatenate([p.closest for p in seen])),
            "nearest3": mean_of_best(closeness[0], at, sizes, 3),
            "subject_nearest3": mean_of_best(closeness[-1], at, sizes, 3),
            "head": np.concatenate([part.head for part in seen]),
            "words": words[articles] / self.snapshot.words.best_possible(terms),
            "unit_words": relative(np.maximum.reduceat(units, at)),
            "codes": named[articles],
        }
        evidence = np.stack([columns[name] for name in FEATURES], axis=1).astype(np.float32)
        return articles, evidence, self._rows_to_show(rows, closeness.mean(axis=0), relative(units), at, sizes)

    def _rows_to_show(self, rows: Rows, near: Floats, words: Floats, at: Rows, sizes: Rows) -> Rows:
        """For each candidate the passage that is near in meaning and has the words that were asked for."""
        is_body = self._is_body[rows]
        # Where a title or an author's question is nearer than any passage, the article's main question was asked: its
        # opening sections answer it.
        main = np.maximum.reduceat(near, at) - np.maximum.reduceat(np.where(is_body, near, -1.0), at)
        opening = np.repeat(np.clip(main, 0.0, 0.3), sizes) * self._is_opening[rows]
        shown = np.where(is_body, near + opening + 0.15 * words, -9.0)
        return np.array([rows[a + int(np.argmax(shown[a : a + n]))] for a, n in zip(at, sizes, strict=True)], np.int64)
