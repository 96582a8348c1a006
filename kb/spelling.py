"""Mends typing errors in a question towards the words that titles, keywords and author questions use."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from kb import analysis
from kb.embedding import Embedder
from kb.models import PUBLIC
from kb.snapshot import Snapshot

_WORD = re.compile(r"[^\W\d_]{5,}")
#: At most two edits, and at most one for four letters, are still a slip of the fingers; more make another word.
_MOST_EDITS = 2
_LETTERS_AN_EDIT = 4
#: A stem of fewer letters belongs to many words, and tells nothing about one that may be mistyped.
_SHORTEST_STEM = 4
#: How many words are remembered with what they were mended to, and up to how many letters.
_REMEMBERED = 20_000
_LONGEST_REMEMBERED = 40


class Speller:
    """Knows the words of a knowledge base; `is_common` tells words of the language from typing errors."""

    def __init__(self, texts: Iterable[str], is_common: Callable[[str], bool]) -> None:
        counts = Counter(word for text in texts for word in {w.casefold() for w in _WORD.findall(text)})
        self._words: dict[str, str] = {analysis.fold(word): word for word in sorted(counts)}
        self._counts = {analysis.fold(word): n for word, n in counts.items()}
        self._choices = list(self._words)
        self._is_common = is_common
        self._word = lru_cache(_REMEMBERED)(self._mended)

    def correct(self, text: str) -> str:
        """The text with unknown words replaced by the nearest known one; the very same text where nothing is near."""
        return _WORD.sub(self._of, text)

    def _of(self, found: re.Match[str]) -> str:
        return self._word(found[0]) if len(found[0]) <= _LONGEST_REMEMBERED else self._mended(found[0])

    def _mended(self, written: str) -> str:
        word = written.casefold()
        folded = analysis.fold(word)
        if folded in self._words or self._is_common(word) or self._is_common(folded):
            return written
        found = process.extract(folded, self._choices, scorer=OSA.distance, score_cutoff=_MOST_EDITS, limit=20)
        near = [(distance, choice) for choice, distance, _ in found if _is_slip(folded, choice, distance)]
        if not near:
            return written
        nearest: str = min(near, key=lambda pair: (pair[0], -self._counts[pair[1]], pair[1]))[1]
        return self._words[nearest]


def speller_of(snapshot: Snapshot, embedders: Sequence[Embedder]) -> Speller:
    """Of the words of public articles alone: a correction must not tell what an internal article is about."""
    public = {number for number, entry in enumerate(snapshot.entries) if entry.article.audience == PUBLIC}
    articles = [snapshot.entries[number].article for number in sorted(public)]
    texts = (text for each in articles for text in (each.title, *each.keywords, *each.questions))

    def common(word: str) -> bool:
        if any(embedder.knows_word(word) for embedder in embedders):
            return True
        # Another form of a word that articles use is no typing error: "dostaję" where they have "dostajesz".
        stems = [stem for stem in analysis.terms(word, snapshot.languages) if len(stem) >= _SHORTEST_STEM]
        return not public.isdisjoint(snapshot.words.documents_with(stems))

    return Speller(texts, common)


def _is_slip(written: str, meant: str, edits: int) -> bool:
    """Whether so few edits may be a slip. One rarely hits the first letter; where it does, nothing else may differ."""
    few = edits * _LETTERS_AN_EDIT <= max(len(written), len(meant))
    return few and (written[0] == meant[0] or edits == 1)
