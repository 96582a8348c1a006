"""Articles for words that are still being typed: the last one is a beginning, any may have a typing error.

A sorted vocabulary of titles, author questions, keywords and headings: the words with a beginning are a run of it, and
what they stand in is one slice of one array, so that no key takes a loop over all articles.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from kb import analysis
from kb.function_words import ANY_FUNCTION_WORD
from kb.marks import WORD, Wanted, pieces
from kb.models import Section
from kb.snapshot import Snapshot

LineKind = Literal["title", "question", "keyword", "heading"]

#: Titles come before questions, and these before headings; half a step more where the whole word stands there.
_WEIGHTS: dict[LineKind, float] = {"title": 4.0, "question": 2.0, "keyword": 2.0, "heading": 1.0}
_WHOLE_WORD = 0.5
#: A typing error is less sure than any word as it stands.
_TYPO = 0.5
#: More than any number of words brings: the reader's language first, then the one most articles are written in.
_READERS_LANGUAGE, _MAIN_LANGUAGE = 1_000.0, 100.0
_FEWEST_CHARACTERS = 3
#: In Chinese, Japanese and Korean two characters are a word already.
_FEWEST_WIDE_CHARACTERS = 2
_WIDE = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
#: Fewer letters with a typing error could be almost any word.
_SHORTEST_WITH_TYPO = 4
_MOST_NEAR = 20
_MOST_WORDS = 12
#: The longest piece of a run without spaces that is looked up.
_LONGEST_PIECE = 24
_PART = re.compile(r"[^\W_]+")

Numbers = NDArray[np.int64]
Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Match:
    """An article that what was typed leads to: its number in `Snapshot.entries`, and the line that has most of it.

    `section` is the one a heading stands over, None for other lines.
    """

    article: int
    kind: LineKind
    line: str
    section: Section | None


@dataclass(frozen=True, slots=True)
class Matches:
    """The articles that were found, best first, and what of them to mark."""

    found: tuple[Match, ...]
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class _Word:
    """A typed word as it is looked up, `runs` of the vocabulary."""

    text: str
    runs: tuple[tuple[int, int], ...]
    typo: bool
    #: Whether an article may lack it: "how" and "my" stand in few titles.
    optional: bool


def long_enough(typed: str) -> bool:
    """Whether so few characters tell anything: three, or two in Chinese, Japanese and Korean."""
    text = "".join(typed.split())
    return len(text) >= (_FEWEST_WIDE_CHARACTERS if _WIDE.search(text) else _FEWEST_CHARACTERS)


class Typeahead:
    """The words of the articles that some audiences may see, and of no others: not even a correction tells of those."""

    def __init__(self, snapshot: Snapshot, audiences: frozenset[str]) -> None:
        self._lines: list[tuple[LineKind, str, Section | None]] = []
        starts: list[int] = []
        articles: list[int] = []
        for number, entry in enumerate(snapshot.entries):
            if entry.article.audience not in audiences:
                continue
            article = entry.article
            articles.append(number)
            starts.append(len(self._lines))
            self._lines.append(("title", article.title, None))
            self._lines.extend(("question", question, None) for question in article.questions)
            self._lines.extend(("keyword", keyword, None) for keyword in article.keywords)
            self._lines.extend(("heading", section.heading, section) for section in entry.sections if section.heading)
        self._articles, self._starts = np.array(articles, np.int64), np.array(starts, np.int64)
        self._weights = np.array([_WEIGHTS[kind] for kind, _, _ in self._lines], np.float32)
        postings: dict[str, list[int]] = {}
        for line, (_, text, _) in enumerate(self._lines):
            for word in _indexed(text):
                postings.setdefault(word, []).append(line)
        self._vocabulary = sorted(postings)
        self._spans = np.concatenate([[0], np.cumsum([len(postings[word]) for word in self._vocabulary])]).astype(int)
        self._postings = np.array([line for word in self._vocabulary for line in postings[word]], np.int64)
        seen = [snapshot.entries[number].article for number in articles]
        self._langs = np.array([article.lang for article in seen])
        self._topics = np.array([article.topic for article in seen])
        self._ids = [article.id for article in seen]
        self._main_language = next(iter(snapshot.languages), "")
        versions: dict[str, int] = {}
        for article in seen:
            versions[article.id] = versions.get(article.id, 0) + 1
        # What authors translate and collect questions for is what people ask for; never as much as half a word.
        asked = np.array([versions[article.id] * 4 + len(article.questions) for article in seen], np.float32)
        self._prior = 0.4 * asked / max(1.0, float(asked.max(initial=0.0)))
        self._beginnings = lru_cache(maxsize=32)(self._cut)

    def find(self, typed: str, lang: str = "", limit: int = 5, topic: str | None = None) -> Matches:
        """The best `limit` articles for what somebody who reads `lang` typed so far, each in one language.

        With a `topic` only its articles. None where too little was typed; where no article has all words, those that
        have all but one.
        """
        parts = [analysis.fold(match[0]) for match in _PART.finditer(typed)][:_MOST_WORDS]
        if not parts or not long_enough(typed) or not len(self._articles):
            return Matches((), Wanted(""))
        words = [self._word(part, lang, last=False) for part in parts[:-1]]
        words.append(self._word(parts[-1], lang, last=typed[-1].isalnum()))
        if all(word.optional for word in words):
            words = [replace(word, optional=False) for word in words]
        per_line, per_article, have, needed = self._count(words)
        scores = per_article + self._prior
        scores[self._langs == self._main_language] += _MAIN_LANGUAGE
        scores[self._langs == lang] += _READERS_LANGUAGE
        at = self._best(scores, have, needed, topic)
        chosen: dict[str, int] = {}
        for position in at:
            chosen.setdefault(self._ids[position], int(position))
            if len(chosen) == limit:
                break
        found = tuple(self._match(position, per_line) for position in chosen.values())
        return Matches(found, Wanted("", *self._to_mark(words)))

    def _word(self, part: str, lang: str, *, last: bool) -> _Word:
        """A word as it was typed, else by its stem ("printing" as "print"), else with a typing error."""
        optional = part in ANY_FUNCTION_WORD and not last
        for beginning in (part, *analysis.terms(part, (lang,))):
            first, behind = self._run(beginning)
            if first < behind and (beginning == part or len(beginning) >= _SHORTEST_WITH_TYPO):
                return _Word(beginning, ((first, behind),), typo=False, optional=optional)
        near = self._near(part, last=last) if len(part) >= _SHORTEST_WITH_TYPO else ()
        return _Word(part, near, typo=True, optional=optional)

    def _run(self, beginning: str) -> tuple[int, int]:
        """First and last (not included) of the words with a beginning."""
        return (
            bisect_left(self._vocabulary, beginning),
            bisect_left(self._vocabulary, beginning + "\U0010ffff"),
        )

    def _near(self, part: str, *, last: bool) -> tuple[tuple[int, int], ...]:
        """The words one typing error away; of a last word, those that begin so."""
        if last:
            choices: Sequence[str] = self._beginnings(len(part))
        else:
            choices = self._vocabulary
        found = process.extract(part, choices, scorer=OSA.distance, score_cutoff=1, limit=_MOST_NEAR)
        return tuple(self._run(choice) if last else (at, at + 1) for choice, _, at in found)

    def _cut(self, length: int) -> list[str]:
        """The different beginnings of words of this many letters, and of one more and one fewer, which a letter that is
        missing or one too many leaves.
        """
        sizes = range(max(length - 1, _SHORTEST_WITH_TYPO), length + 2)
        return sorted({word[:size] for word in self._vocabulary for size in sizes if len(word) >= size})

    def _count(self, words: Sequence[_Word]) -> tuple[Scores, Scores, NDArray[np.int64], int]:
        """A score for each line and each article, how many needed words each article has, and how many there are."""
        per_line = np.zeros(len(self._lines), np.float32)
        per_article = np.zeros(len(self._articles), np.float32)
        have = np.zeros(len(self._articles), np.int64)
        for word in words:
            score = np.zeros(len(self._lines), np.float32)
            for first, behind in word.runs:
                lines = self._postings[self._spans[first] : self._spans[behind]]
                score[lines] = self._weights[lines] * (_TYPO if word.typo else 1.0)
                if self._vocabulary[first] == word.text:
                    score[self._postings[self._spans[first] : self._spans[first + 1]]] += _WHOLE_WORD
            share = 0.25 if word.optional else 1.0
            per_line += share * (score + 8.0 * (score > 0))  # first the line that has most of the words
            best = np.maximum.reduceat(score, self._starts)
            per_article += share * best
            if not word.optional:
                have += best > 0
        return per_line, per_article, have, sum(not word.optional for word in words)

    def _best(self, scores: Scores, have: NDArray[np.int64], needed: int, topic: str | None) -> Numbers:
        """Positions of the articles that have the words, best first."""
        if topic is not None:
            have = np.where(self._topics == topic, have, 0)
        enough = np.flatnonzero(have == needed)
        if not len(enough) and needed > 1:
            enough = np.flatnonzero(have == needed - 1)
        order: Numbers = enough[np.argsort(-scores[enough], kind="stable")]
        return order

    def _match(self, position: int, per_line: Scores) -> Match:
        first = int(self._starts[position])
        behind = int(self._starts[position + 1]) if position + 1 < len(self._starts) else len(self._lines)
        line = first + int(np.argmax(per_line[first:behind]))
        kind, text, section = self._lines[line]
        return Match(int(self._articles[position]), kind, text, section)

    def _to_mark(self, words: Sequence[_Word]) -> tuple[list[str], list[str]]:
        """(beginnings, whole words) to mark."""
        useful = [word for word in words if not word.optional]
        beginnings = [word.text for word in useful if not word.typo]
        near = [self._vocabulary[at] for word in useful if word.typo for run in word.runs for at in range(*run)]
        return beginnings, near


def _indexed(text: str) -> set[str]:
    """The words of a line, folded; of a run without spaces every ending, so that any piece of it is a beginning."""
    found: set[str] = set()
    for match in WORD.finditer(text):
        for piece in pieces(match[0]):
            word = analysis.fold(piece)
            if analysis.is_unspaced(piece):
                found.update(word[at : at + _LONGEST_PIECE] for at in range(len(word)))
            elif word:
                found.add(word)
    return found
