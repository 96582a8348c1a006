"""What one encoder makes of a snapshot and of a question to it."""

from __future__ import annotations

import copy
import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.embedding import Vectors
from kb.head import GAMMA, Head
from kb.learned import LearnedQuestion
from kb.snapshot import Encoded, Snapshot
from kb.stages import stage
from kb.vector_cache import VectorCache
from kb.vectors import Rows

Closeness = NDArray[np.float32]
Visible = NDArray[np.bool_]
#: Of how many sets of visible articles heads are held: each is up to 32 MB, and fitting it takes up to a second.
_MOST_HEADS = 8


@dataclass(frozen=True, slots=True)
class Schooled:
    """A head, and which of its examples the rows are that can be left out. `of` names what it was fitted on."""

    head: Head
    examples: dict[int, int]
    of: bytes

    def those(self, rows: Sequence[int]) -> list[int]:
        """The numbers of `rows` among the head's examples, of those that can be left out."""
        return [self.examples[row] for row in rows if row in self.examples]


class Reader:
    """An encoder with its vectors of a snapshot, and heads fitted on them, which can leave out the rows `hold`.

    `articles` are the numbers of those it reads, `groups` has the class of every article: translations share one.
    `before` read an earlier state of the same articles with the same encoder.
    Closeness is a cosine on the scale of 0 (unrelated) to 1 (the same), equal for all encoders.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        encoded: Encoded,
        articles: Rows,
        groups: Rows,
        hold: Sequence[int] = (),
        before: Reader | None = None,
    ) -> None:
        self.embedder, self._vectors = encoded.embedder, encoded.vectors
        self.articles = articles
        self._snapshot, self._groups = snapshot, groups
        self._taught: dict[str, Vectors] = {}
        mine = np.isin(snapshot.owner, articles)
        self._said = np.flatnonzero(mine & ~snapshot.passages.is_body)
        self._hold = frozenset(hold)
        self._questions: Sequence[LearnedQuestion] = ()
        self._heads: dict[bytes, Schooled] = {}
        # Its heads alone are kept: a chain of readers would never be let go of.
        self._fitted = {**encoded.heads, **({held.of: held.head for held in before.fitted} if before else {})}
        self._lock = threading.Lock()

    @property
    def fitted(self) -> tuple[Schooled, ...]:
        """The heads that were needed so far."""
        with self._lock:
            return tuple(self._heads.values())

    @property
    def head(self) -> Head:
        """The head of who may see all articles."""
        return self.schooled(np.ones(len(self._groups), bool)).head

    def schooled(self, visible: Visible) -> Schooled:
        """The head of who may see the articles of a mask, fitted at first use.

        Only what belongs to those counts: what was asked of an internal article must not make a public one less sure.
        """
        key = visible.tobytes()
        with self._lock:  # of two who need it at once, one waits for the other
            held = self._heads.pop(key, None) or self._fit(visible)
            self._heads[key] = held
            if len(self._heads) > _MOST_HEADS:
                del self._heads[next(iter(self._heads))]
            return held

    def read(self, questions: list[str]) -> Vectors:
        """Their vectors, float32 of shape (len(questions), dimension)."""
        with stage("encode"):
            return self.embedder.embed_queries(questions)

    def closeness(self, queries: Vectors, rows: Rows) -> Closeness:
        """float32 of shape (len(queries), len(rows))."""
        return self._scale(self._vectors.score(queries, rows))

    def nearest(self, queries: Vectors, count: int, rows: Rows | None, leave_out: Sequence[int] = ()) -> Rows:
        """The articles of the `count` nearest of `rows` (all, if None) to each query, each article once.

        The rows `leave_out` stand for no article.
        """
        _, found = self._vectors.search(queries, count, rows)
        found = found[~np.isin(found, leave_out)] if len(leave_out) else found
        return np.unique(self._snapshot.owner[found]).astype(np.int64)

    def learn(self, questions: Sequence[LearnedQuestion], cache: VectorCache | None = None) -> Reader:
        """A reader that learned `questions`, all of whose articles this snapshot has, and no others."""
        twin = copy.copy(self)
        twin._taught, twin._questions = self._read(questions, cache), questions
        twin._heads, twin._lock = {}, threading.Lock()
        return twin

    def _scale(self, cosines: Closeness) -> Closeness:
        unrelated = np.float32(self.embedder.unrelated)
        scaled: Closeness = (cosines - unrelated) / (1 - unrelated)
        return scaled

    def _fit(self, visible: Visible) -> Schooled:
        entries = (entry for entry, seen in zip(self._snapshot.entries, visible, strict=True) if seen)
        by_id = dict(zip((entry.article.id for entry in entries), self._groups[visible].tolist(), strict=True))
        questions = [question for question in self._questions if question.article in by_id]
        said = self._said[visible[self._snapshot.owner[self._said]]]
        examples = {row: n for n, row in enumerate(said.tolist()) if row in self._hold}
        taught = [self._taught[question.full] for question in questions]
        learned = np.array(taught, np.float32).reshape(-1, self.embedder.dimension)
        vectors = np.concatenate([self._vectors.rows(said), learned])
        owners = [*self._groups[self._snapshot.owner[said]], *(by_id[question.article] for question in questions)]
        trust = [*[1.0] * len(said), *(question.weight for question in questions)]
        classes, believed = np.array(owners, np.int64), np.array(trust, np.float32)
        hold = tuple(examples.values())
        of = _digest(vectors, classes, believed, self._groups, np.array(hold, np.int64))
        if (known := self._fitted.get(of)) is not None:  # most changes of an article are none of what it is asked
            return Schooled(known, examples, of)
        head = Head.of(
            vectors,
            classes,
            believed,
            classes=int(self._groups.max(initial=-1)) + 1,
            gamma=GAMMA / (1 - self.embedder.unrelated),
            last=len(questions),
            hold=hold,
        )
        return Schooled(head, examples, of)

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


def _digest(*arrays: NDArray[Any]) -> bytes:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr(array.shape).encode() + array.tobytes())
    return digest.digest()
