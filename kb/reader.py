"""What one encoder makes of a snapshot and of a question to it."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kb.embedding import Vectors
from kb.head import GAMMA, Head
from kb.learned import LearnedQuestion
from kb.snapshot import Encoded, Snapshot
from kb.vector_cache import VectorCache
from kb.vectors import Rows

Closeness = NDArray[np.float32]


class Reader:
    """An encoder with its vectors of a snapshot, and the head fitted on them, which can leave out the rows `hold`.

    `articles` are the numbers of those it reads, `groups` has the class of every article: translations share one.
    Closeness is a cosine on the scale of 0 (unrelated) to 1 (the same), equal for all encoders.
    """

    def __init__(
        self, snapshot: Snapshot, encoded: Encoded, articles: Rows, groups: Rows, hold: Sequence[int] = ()
    ) -> None:
        self.embedder, self._vectors = encoded.embedder, encoded.vectors
        self.articles = articles
        self._snapshot, self._groups = snapshot, groups
        self._taught: dict[str, Vectors] = {}
        mine = np.isin(snapshot.owner, articles)
        said = np.array([passage.kind != "body" for passage in snapshot.passages], bool)
        self._said = np.flatnonzero(mine & said)
        wanted = set(hold)
        self._examples = {row: n for n, row in enumerate(self._said.tolist()) if row in wanted}
        self.head = self._fit([])

    def closeness(self, queries: Vectors, rows: Rows) -> Closeness:
        """float32 of shape (len(queries), len(rows))."""
        return self._scale(self._vectors.score(queries, rows))

    def nearest(self, queries: Vectors, count: int, rows: Rows | None, leave_out: int | None = None) -> Rows:
        """The articles of the `count` nearest of `rows` (all, if None) to each query, each article once.

        The row `leave_out` stands for no article.
        """
        _, found = self._vectors.search(queries, count, rows)
        return np.unique(self._snapshot.owner[found[found != leave_out]]).astype(np.int64)

    def example(self, row: int | None) -> int | None:
        """The number of `row` among the head's examples; None where this encoder does not read it."""
        return None if row is None else self._examples.get(row)

    def learn(self, questions: Sequence[LearnedQuestion], cache: VectorCache | None = None) -> Reader:
        """A reader that learned `questions`, all of whose articles this snapshot has, and no others."""
        twin = copy.copy(self)
        twin._taught = self._read(questions, cache)
        twin.head = twin._fit(questions)
        return twin

    def _scale(self, cosines: Closeness) -> Closeness:
        unrelated = np.float32(self.embedder.unrelated)
        scaled: Closeness = (cosines - unrelated) / (1 - unrelated)
        return scaled

    def _fit(self, questions: Sequence[LearnedQuestion]) -> Head:
        by_id = {entry.article.id: int(self._groups[n]) for n, entry in enumerate(self._snapshot.entries)}
        taught = [self._taught[question.full] for question in questions]
        learned = np.array(taught, np.float32).reshape(-1, self.embedder.dimension)
        vectors = np.concatenate([self._vectors.rows(self._said), learned])
        owners = [*self._groups[self._snapshot.owner[self._said]], *(by_id[question.article] for question in questions)]
        trust = [*[1.0] * len(self._said), *(question.weight for question in questions)]
        return Head.of(
            vectors,
            np.array(owners, np.int64),
            np.array(trust, np.float32),
            classes=int(self._groups.max(initial=-1)) + 1,
            gamma=GAMMA / (1 - self.embedder.unrelated),
            last=len(questions),
            hold=tuple(self._examples.values()),
        )

    def _read(self, questions: Sequence[LearnedQuestion], cache: VectorCache | None) -> dict[str, Vectors]:
        """The vectors of learned questions; those read before are kept, so that one more costs one more."""
        found = {text: self._taught[text] for question in questions if (text := question.full) in self._taught}
        missing = list(dict.fromkeys(text for question in questions if (text := question.full) not in found))
        if cache and missing:
            keys = {text: cache.key(self.embedder.fingerprint, "query", text) for text in missing}
            found |= {text: vector for text in missing if (vector := cache.get(keys[text])) is not None}
            missing = [text for text in missing if text not in found]
        if missing:
            made = self.embedder.embed_queries(missing)
            found |= dict(zip(missing, made, strict=True))
            if cache:
                cache.put([keys[text] for text in missing], made)
        return found
