"""BM25 over terms: exact words, names and error codes that vectors blur.

Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the idf of Lucene, which is
never negative. Impacts are computed once at build time, so a query only adds up arrays.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from kb.errors import SnapshotDamaged

K1 = 1.2
B = 0.75

Scores = NDArray[np.float32]


class Bm25:
    """An inverted index with precomputed impacts.

    `starts` has len(terms) + 1 entries: the postings of term t are `docs[starts[t]:starts[t + 1]]` with
    `impacts` of the same slice; `idf` has one float a term, `lengths` one a document.
    """

    def __init__(
        self,
        vocabulary: Mapping[str, int],
        starts: NDArray[np.int64],
        docs: NDArray[np.int32],
        impacts: NDArray[np.float32],
        idf: NDArray[np.float32],
        lengths: NDArray[np.float32],
    ) -> None:
        self.vocabulary, self.size = vocabulary, len(lengths)
        self._starts, self._docs, self._impacts, self._idf, self._lengths = starts, docs, impacts, idf, lengths

    @classmethod
    def of(cls, documents: Sequence[Mapping[str, float] | Mapping[str, int] | Sequence[str]]) -> Bm25:
        """An index of `documents`, each a sequence of terms or a mapping of term to (weighted) frequency."""
        counts = [doc if isinstance(doc, Mapping) else Counter(doc) for doc in documents]
        vocabulary = {term: n for n, term in enumerate(sorted({term for doc in counts for term in doc}))}
        lengths = np.array([sum(doc.values()) for doc in counts], np.float64)
        sizes = [len(doc) for doc in counts]
        ids = np.fromiter((vocabulary[term] for doc in counts for term in doc), np.int64, sum(sizes))
        docs = np.repeat(np.arange(len(counts), dtype=np.int32), sizes)
        frequency = np.fromiter((count for doc in counts for count in doc.values()), np.float64, sum(sizes))
        order = np.lexsort((docs, ids))
        ids, docs, frequency = ids[order], docs[order], frequency[order]
        document_frequency = np.bincount(ids, minlength=len(vocabulary))
        starts = np.concatenate([[0], np.cumsum(document_frequency)]).astype(np.int64)
        idf = np.log1p((len(counts) - document_frequency + 0.5) / (document_frequency + 0.5)).astype(np.float32)
        norm = _norms(lengths[docs], _average(lengths))
        impacts = (idf[ids] * frequency * (K1 + 1) / (frequency + norm)).astype(np.float32)
        return cls(vocabulary, starts, docs, impacts, idf, lengths.astype(np.float32))

    def scores(self, query: Mapping[str, float]) -> Scores:
        """float32 of shape (size,): the BM25 score of each document for terms with weights."""
        known = [(self.vocabulary[term], weight) for term, weight in query.items() if term in self.vocabulary]
        spans = [slice(self._starts[number], self._starts[number + 1]) for number, _ in known]
        docs = np.concatenate([np.empty(0, np.int32), *(self._docs[span] for span in spans)])
        impacts = np.concatenate(
            [np.empty(0, np.float32), *(self._impacts[s] * w for s, (_, w) in zip(spans, known, strict=True))]
        )
        # One pass over all postings: adding those of each term takes a third longer.
        return np.bincount(docs, impacts, self.size).astype(np.float32)

    def score_without(self, query: Mapping[str, float], document: int, taken: Mapping[str, float]) -> float:
        """The score of one document if its terms were `taken` (frequencies) fewer.

        How rare a term is and how long a document is on average stay as they are: both hang on all documents.
        """
        length = float(self._lengths[document])
        before, after = _norms(np.array([length, length - sum(taken.values())]), _average(self._lengths)).tolist()
        total = 0.0
        for term, weight in query.items():
            if (number := self.vocabulary.get(term)) is None:
                continue
            first, last = self._starts[number], self._starts[number + 1]
            at = first + int(np.searchsorted(self._docs[first:last], document))
            if at == last or self._docs[at] != document:
                continue
            most = float(self._idf[number]) * (K1 + 1)
            share = float(self._impacts[at]) / most
            frequency = share * before / (1 - share) - taken.get(term, 0.0)
            if frequency > 1e-3:  # else it had no more than what was taken, but for rounding
                total += weight * most * frequency / (frequency + after)
        return total

    def idf(self, term: str) -> float:
        """The weight of a term; a term no document has counts as the rarest there could be."""
        number = self.vocabulary.get(term)
        return float(np.log1p(self.size + 0.5) if number is None else self._idf[number])

    def best_possible(self, query: Mapping[str, float]) -> float:
        """The score of a document that would hold every term of the query without end; always above 0."""
        return max(sum(self.idf(term) * weight for term, weight in query.items()) * (K1 + 1), 1e-6)

    def documents_with(self, terms: Iterable[str]) -> set[int]:
        """The numbers of the documents that hold at least one of `terms`."""
        found: set[int] = set()
        for term in terms:
            if (number := self.vocabulary.get(term)) is not None:
                found.update(self._docs[self._starts[number] : self._starts[number + 1]].tolist())
        return found

    def save(self, path: Path) -> None:
        arrays: dict[str, Any] = {
            "starts": self._starts,
            "docs": self._docs,
            "impacts": self._impacts,
            "idf": self._idf,
            "lengths": self._lengths,
            "terms": np.frombuffer(json.dumps(list(self.vocabulary), ensure_ascii=False).encode(), np.uint8),
        }
        with path.open("wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def open(cls, path: Path) -> Bm25:
        """Raises SnapshotDamaged where the file is no index."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
                terms = json.loads(held["terms"].tobytes())
                return cls(
                    {term: n for n, term in enumerate(terms)},
                    held["starts"],
                    held["docs"],
                    held["impacts"],
                    held["idf"],
                    held["lengths"],
                )
        except (OSError, EOFError, BadZipFile, ValueError, KeyError) as error:
            raise SnapshotDamaged(f"{path} is no lexical index: {error}. Build the snapshot again.") from error


def _average(lengths: NDArray[Any]) -> float:
    return float(lengths.mean()) if len(lengths) and lengths.any() else 1.0


def _norms(lengths: NDArray[np.float64], average: float) -> NDArray[np.float64]:
    """What the length of a document adds to a frequency."""
    return K1 * (1 - B + B * lengths / average)
