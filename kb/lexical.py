"""BM25 over terms: exact words, names and error codes that vectors blur.

Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the idf of Lucene, which is
never negative. Impacts are computed once at build time, so a query only adds up arrays.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb import arrays

K1 = 1.2
B = 0.75

Scores = NDArray[np.float32]

#: How many looked-up terms are remembered: those of a day's questions are mostly the same few thousand.
_REMEMBERED = 50_000
#: Longer ones are no words; what somebody pastes must not fill the memory.
_LONGEST_REMEMBERED = 40
#: As many postings are added up in the time that it takes to look one term up in all the documents that are asked for.
_POSTINGS_A_LOOK = 4_000


class Terms:
    """Sorted terms by number, as UTF-8 one after another: looked up where they lie, a million of them too.

    `ends` is int64 of shape (n + 1,): term t is `letters[ends[t]:ends[t + 1]]`. UTF-8 sorts as code points do.
    """

    def __init__(self, letters: NDArray[np.uint8], ends: NDArray[np.int64]) -> None:
        self.letters, self.ends = letters, ends
        self._held, self._ends = letters.data, ends.data  # Python's own integers and bytes: a third of the time
        self._number = lru_cache(_REMEMBERED)(self._search)

    @classmethod
    def of(cls, terms: Sequence[str]) -> Terms:
        """Of sorted terms."""
        told = [term.encode(errors="surrogatepass") for term in terms]
        ends = np.concatenate([[0], np.cumsum([len(term) for term in told])]).astype(np.int64)
        return cls(np.frombuffer(b"".join(told), np.uint8), ends)

    def __len__(self) -> int:
        return len(self.ends) - 1

    def get(self, term: str) -> int | None:
        """The number of a term; None where it is none of them."""
        return self._number(term) if len(term) <= _LONGEST_REMEMBERED else self._search(term)

    def _search(self, term: str) -> int | None:
        wanted, low, high = term.encode(errors="surrogatepass"), 0, len(self)
        while low < high:
            middle = (low + high) // 2
            found = bytes(self._held[self._ends[middle] : self._ends[middle + 1]])
            if found == wanted:
                return middle
            low, high = (middle + 1, high) if found < wanted else (low, middle)
        return None


class Bm25:
    """An inverted index with precomputed impacts.

    `starts` has len(terms) + 1 entries: the postings of term t are `docs[starts[t]:starts[t + 1]]` with
    `impacts` of the same slice; `idf` has one float a term, `lengths` one a document.
    """

    def __init__(
        self,
        vocabulary: Terms,
        starts: NDArray[np.int64],
        docs: NDArray[np.int32],
        impacts: NDArray[np.float32],
        idf: NDArray[np.float32],
        lengths: NDArray[np.float32],
    ) -> None:
        self.vocabulary, self.size = vocabulary, len(lengths)
        self._starts, self._docs, self._impacts, self._idf, self._lengths = starts, docs, impacts, idf, lengths

    @classmethod
    def of(cls, documents: Iterable[Mapping[str, float] | Mapping[str, int] | Sequence[str]]) -> Bm25:
        """An index of `documents`, each a sequence of terms or a mapping of term to (weighted) frequency.

        They are looked at once, one after another; what is kept of each are numbers.
        """
        met: dict[str, int] = {}
        numbers, frequencies, sizes, sums = array("i"), array("d"), array("i"), array("d")
        for document in documents:
            counts = document if isinstance(document, Mapping) else Counter(document)
            numbers.extend([met.setdefault(term, len(met)) for term in counts])
            frequencies.extend(counts.values())
            sizes.append(len(counts))
            sums.append(sum(counts.values()))
        terms = sorted(met)
        place = np.empty(len(met), np.int32)
        place[[met[term] for term in terms]] = np.arange(len(met), dtype=np.int32)
        ids = place[np.frombuffer(numbers, np.int32)]
        order = np.argsort(ids, kind="stable")  # documents come in their order already
        ids, frequency = ids[order], np.frombuffer(frequencies, np.float64)[order]
        docs = np.repeat(np.arange(len(sizes), dtype=np.int32), np.frombuffer(sizes, np.int32))[order]
        lengths = np.array(sums, np.float64)
        document_frequency = np.bincount(ids, minlength=len(terms))
        starts = np.concatenate([[0], np.cumsum(document_frequency)]).astype(np.int64)
        idf = np.log1p((len(sizes) - document_frequency + 0.5) / (document_frequency + 0.5)).astype(np.float32)
        norm = _norms(lengths[docs], _average(lengths))
        impacts = (idf[ids] * frequency * (K1 + 1) / (frequency + norm)).astype(np.float32)
        return cls(Terms.of(terms), starts, docs, impacts, idf, lengths.astype(np.float32))

    def scores(self, query: Mapping[str, float]) -> Scores:
        """float32 of shape (size,): the BM25 score of each document for terms with weights."""
        return self._scores(self._known(query))

    def _scores(self, known: Sequence[tuple[slice, float]]) -> Scores:
        docs = np.concatenate([np.empty(0, np.int32), *(self._docs[span] for span, _ in known)])
        impacts = np.concatenate([np.empty(0, np.float32), *(self._impacts[span] * w for span, w in known)])
        # One pass over all postings: adding those of each term takes a third longer.
        return np.bincount(docs, impacts, self.size).astype(np.float32)

    def scores_of(self, query: Mapping[str, float], documents: NDArray[np.int64]) -> Scores:
        """What `scores` has at `documents`: float32 of shape (len(documents),)."""
        known = self._known(query)
        if sum(span.stop - span.start for span, _ in known) <= _POSTINGS_A_LOOK * len(known):
            return self._scores(known)[documents]
        total = np.zeros(len(documents), np.float64)
        for span, weight in known:
            docs = self._docs[span]
            at = np.minimum(np.searchsorted(docs, documents), len(docs) - 1)
            held = docs[at] == documents
            total[held] += self._impacts[span.start + at[held]] * np.float32(weight)
        return total.astype(np.float32)

    def _known(self, query: Mapping[str, float]) -> list[tuple[slice, float]]:
        """The postings and the weight of each term that some document has."""
        numbers = ((self.vocabulary.get(term), weight) for term, weight in query.items())
        return [
            (slice(int(self._starts[number]), int(self._starts[number + 1])), weight)
            for number, weight in numbers
            if number is not None
        ]

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
        held: dict[str, NDArray[Any]] = {
            "starts": self._starts,
            "docs": self._docs,
            "impacts": self._impacts,
            "idf": self._idf,
            "lengths": self._lengths,
            "letters": self.vocabulary.letters,
            "ends": self.vocabulary.ends,
        }
        arrays.write(path, held)

    @classmethod
    def open(cls, path: Path) -> Bm25:
        """Raises SnapshotDamaged where the file is no index."""
        held = arrays.read(path, "starts", "docs", "impacts", "idf", "lengths", "letters", "ends")
        terms = Terms(held["letters"], held["ends"])
        return cls(terms, held["starts"], held["docs"], held["impacts"], held["idf"], held["lengths"])


def _average(lengths: NDArray[Any]) -> float:
    return float(lengths.mean()) if len(lengths) and lengths.any() else 1.0


def _norms(lengths: NDArray[np.float64], average: float) -> NDArray[np.float64]:
    """What the length of a document adds to a frequency."""
    return K1 * (1 - B + B * lengths / average)
