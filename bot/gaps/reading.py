"""Failed questions as vectors: what an encoder makes of them, and their words as further evidence."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log1p
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bot.alike import vectors_of
from bot.gaps.models import Failure
from kb import analysis
from kb.detect import COMPETITORS, detect
from kb.embedding import Embedder, Vectors
from kb.function_words import FUNCTION_WORDS
from kb.learned import whole
from kb.routing import readers
from kb.search import Query, Searcher
from kb.vector_cache import open_if_possible

#: How much equal words count beside the meaning. Without words 40 % of the tickets that helpers linked share a group,
#: with .4 46 % to 53 %, at the same share of random pairs; .3 and .5 are about the same (docs/quality.md).
_WORDS = 0.4
#: How much they count where the encoder is not made for the language: it finds everything in it alike. Of random pairs
#: of Italian tickets MiniLM would have joined 2.28 %, of Dutch ones 6.04 %; so it is .12 % and .11 % (docs/quality.md).
_WORDS_UNREAD = 0.7
#: From which mean similarity on two groups are one. At .40 (.48 for an encoder whose vectors all lie near each
#: other) one random pair of tickets in 400 shares a group, and half of those that a helper linked (`bench/gaps.py`).
_NEAR, _NEAR_UNRELATED = 0.40, 0.10
#: Words are spread over so many numbers, each over a few of them.
_SPREAD, _PLACES = 256, 8
_TITLE_COUNTS, _BODY_WORDS = 2, 200
#: Among how many of the newest failures it is counted how common a word is; and so many more count as if they did not
#: have it, lest the first few failures, all of one thing, make its word common.
NEWEST, _OTHERS = 1_000, 200


@dataclass(frozen=True, slots=True)
class Read:
    """Failures that one encoder read, by its fingerprint: float32 of shape (n, dimension), and from which product of
    two means on they are near."""

    encoder: str
    failures: tuple[Failure, ...]
    vectors: Vectors
    threshold: float


def threshold(embedder: Embedder) -> float:
    """From which product of two mean vectors on two groups are near enough to be one.

    A product is closeness * (1 - _WORDS) + likeness of words * _WORDS, and a constant that stands for `unrelated`.
    """
    unrelated = embedder.unrelated
    return _NEAR + _NEAR_UNRELATED * unrelated + (1 - _WORDS) * unrelated / (1 - unrelated)


def read(
    searcher: Searcher,
    failures: Sequence[Failure],
    cache: Path | None,
    common: Mapping[str, float] = MappingProxyType({}),
) -> list[Read]:
    """Each failure by the best encoder for its language; `common` is how rare words are among the failures."""
    embedders = [encoded.embedder for encoded in searcher.snapshot.encoders]
    routes: dict[int, list[tuple[Failure, str]]] = {}
    for failure in failures:
        lang = spoken(searcher, failure.text, failure.body, failure.lang)
        best = readers(embedders, lang)[0]
        routes.setdefault(embedders.index(best), []).append((failure, lang))
    done = []
    with open_if_possible(cache) as vectors:
        for number, mine in sorted(routes.items()):
            embedder = embedders[number]
            meaning = np.array(vectors_of(embedder, [failure.full for failure, _ in mine], vectors), np.float32)
            said = np.array([words(searcher, failure, lang, common) for failure, lang in mine], np.float32)
            share = np.array([[_share_of_words(embedder, lang)] for _, lang in mine], np.float32)
            both = np.concatenate(
                [meaning * np.sqrt((1 - share) / (1 - embedder.unrelated)), said * np.sqrt(share)], axis=1
            ).astype(np.float32)
            done.append(Read(embedder.fingerprint, tuple(failure for failure, _ in mine), both, threshold(embedder)))
    return done


def _share_of_words(embedder: Embedder, lang: str) -> float:
    """Where nobody knows the language the encoder is taken to read it: such questions are short ("VPN")."""
    return _WORDS_UNREAD if lang and embedder.languages and lang not in embedder.languages else _WORDS


def spoken(searcher: Searcher, text: str, body: str, lang: str) -> str:
    """The language of a failure, also where no article is written in it; "" where neither its words nor its asker's
    page (`lang`) tell."""
    return searcher.language(Query(text, body, lang=lang or None)) or detect(whole(text, body), COMPETITORS) or lang


class Rarity:
    """How rare words are among some failures. Keeps the stems of the texts it counted last: most come again."""

    def __init__(self) -> None:
        self._snapshot = ""
        self._stems: dict[tuple[str, str], frozenset[str]] = {}

    def among(self, searcher: Searcher, texts: Iterable[tuple[str, str]]) -> dict[str, float]:
        """For each word of the texts, with their languages, what BM25 counts it: the rarer the more."""
        before = self._stems if self._snapshot == searcher.snapshot.id else {}
        kept: dict[tuple[str, str], frozenset[str]] = {}
        counts: Counter[str] = Counter()
        size = _OTHERS
        for text, lang in texts:
            stems = before.get((text, lang)) or kept.get((text, lang))
            if stems is None:
                known = spoken(searcher, text, "", lang)
                stems = frozenset(analysis.terms(text, (known,) if known else ()))
            kept[text, lang] = stems
            counts.update(stems)
            size += 1
        self._snapshot, self._stems = searcher.snapshot.id, kept
        return {term: log1p((size - count + 0.5) / (count + 0.5)) for term, count in counts.items()}


def words(
    searcher: Searcher, failure: Failure, lang: str, common: Mapping[str, float] = MappingProxyType({})
) -> NDArray[np.float32]:
    """The words of a failure as a unit vector of _SPREAD numbers, rare ones first; zeros where it has none.

    How rare a word is, the articles tell, and the failures (`common`), whichever finds it less so: the name of a
    product that no article has, but half of the questions, would else make one of most gaps. The product of two is
    their TF-IDF cosine, but for words that fall on the same places.
    """
    langs = (lang,) if lang else ()
    empty = _function_stems(lang)
    title = [term for term in analysis.terms(failure.text, langs) if term not in empty]
    body = [term for term in analysis.terms(failure.body, langs) if term not in empty][:_BODY_WORDS]
    made = np.zeros(_SPREAD, np.float32)
    for term, count in Counter(title * _TITLE_COUNTS + body).items():
        at, signs = _places(term)
        rare = min(searcher.snapshot.words.idf(term), common.get(term, np.inf))
        np.add.at(made, at, signs * np.float32((1 + np.log(count)) * rare))
    length = np.linalg.norm(made)
    return made / length if length else made


@lru_cache(maxsize=32)
def _function_stems(lang: str) -> frozenset[str]:
    return frozenset(stem for word in FUNCTION_WORDS.get(lang, ()) for stem in analysis.terms(word, (lang,)))


@lru_cache(maxsize=50_000)
def _places(term: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Where a word stands in the vector and with which signs, the same on every machine."""
    drawn = np.frombuffer(hashlib.blake2b(term.encode(), digest_size=4 * _PLACES).digest(), "<u4")
    return (drawn % _SPREAD).astype(np.int64), np.where(drawn >> 31, 1, -1).astype(np.float32)
