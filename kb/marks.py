"""Where a text has the words that were asked for, and the piece of it that has most of them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from kb import analysis
from kb.function_words import FUNCTION_WORDS

#: Positions in a text, each from the first character to behind the last, in order and apart; in Unicode code points.
Marks = tuple[tuple[int, int], ...]

#: A word; hyphens and apostrophes hold one together (`e-mail`, `Wi-Fi`), so that it is marked as a whole.
WORD = re.compile(r"[^\W_]+(?:[-'’\u2011][^\W_]+)*")
_PART = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"(?<=[.!?:;])\s+(?=\S)|(?<=[。！？])")
#: An excerpt begins with the sentence of its first marked word where that is at most this far before, in characters.
_BEFORE = 60
_MOST_MARKS = 200
#: Fewer letters are the stem of too many other words.
_SHORTEST_STEM = 3


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of a text with its marks; "…" stands where something was left out."""

    text: str
    marks: Marks


class Wanted:
    """The words somebody asked for, as marks in texts show them.

    A word of a text is wanted where it has the stem of a word of `question`, where it begins with one of `beginnings`,
    or where it is one of `words` (both folded). Function words are never wanted.
    """

    def __init__(self, question: str, beginnings: Iterable[str] = (), words: Iterable[str] = ()) -> None:
        found = (part for match in WORD.finditer(question) for part in pieces(match[0]))
        self._parts = tuple(dict.fromkeys(part.casefold() for part in found))
        self._beginnings, self._words = tuple(beginnings), frozenset(words)
        self._stems: dict[str, frozenset[str]] = {}

    def marks(self, text: str, lang: str) -> Marks:
        """Where a text written in `lang` has wanted words."""
        return tuple((start, end) for start, end, _ in self._found(text, lang))

    def excerpt(self, text: str, lang: str, length: int) -> Excerpt:
        """At most `length` characters of a text of one line, beside the "…": the first piece with most wanted words."""
        if len(text) <= length:
            return Excerpt(text, self.marks(text, lang))
        found = self._found(text, lang)[:_MOST_MARKS]
        sentences = [0, *(match.end() for match in _SENTENCE.finditer(text))] if found else [0]
        starts = dict.fromkeys([0, *(_start(text, sentences, start) for start, _, _ in found)])
        best = max(starts, key=lambda at: (len({key for s, e, key in found if at <= s and e <= at + length}), -at))
        piece = text[best : best + length]
        if best + length < len(text):
            piece = _cut(piece)
        shift = best
        if best and (best not in sentences or text[best].islower()):  # "Smudges: clean the roller" is one sentence
            piece, shift = f"…{piece}", best - 1
        kept = ((s - shift, e - shift) for s, e, _ in found if s >= best)
        return Excerpt(piece, tuple((s, e) for s, e in kept if e <= len(piece.rstrip("…"))))

    def _found(self, text: str, lang: str) -> list[tuple[int, int, str]]:
        """(start, end, what it matches) of each wanted word."""
        wanted = self._stems_wanted(lang)
        typed = bool(self._beginnings or self._words)
        found: list[tuple[int, int, str]] = []
        for match in WORD.finditer(text):
            word = match[0]
            stems = _stems_in(word, lang)
            if stems is None:
                found.extend(self._within(word, match.start(), lang))
            elif not stems.isdisjoint(wanted):
                found.append((match.start(), match.end(), min(stems & wanted)))
            elif typed and (key := self._typed(word)):
                found.append((match.start(), match.end(), key))
        return found

    def _stems_wanted(self, lang: str) -> frozenset[str]:
        if lang not in self._stems:
            own = (part for part in self._parts if analysis.fold(part) not in FUNCTION_WORDS.get(lang, ()))
            self._stems[lang] = frozenset(stem for part in own for stem in _stems_of(part, lang))
        return self._stems[lang]

    def _typed(self, word: str) -> str:
        """What of the beginnings and whole words a word of a text is; "" for none."""
        for part in map(analysis.fold, pieces(word)):
            if part in self._words:
                return part
            if key := next((beginning for beginning in self._beginnings if part.startswith(beginning)), ""):
                return key
        return ""

    def _within(self, run: str, offset: int, lang: str) -> list[tuple[int, int, str]]:
        """In a script without spaces, what is wanted stands inside of a run; overlapping pairs become one mark."""
        sought = [piece for piece in (*self._stems_wanted(lang), *self._beginnings) if len(piece) > 1]
        lowered = run.casefold()
        folded = "".join(analysis.fold(char)[:1] or char for char in run)
        spans: list[tuple[int, int, str]] = []
        for at in range(len(run)):
            here = [piece for piece in sought if lowered.startswith(piece, at) or folded.startswith(piece, at)]
            if not here:
                continue
            piece = max(here, key=len)
            size = len(piece)
            if spans and at < spans[-1][1] - offset:
                spans[-1] = (spans[-1][0], max(spans[-1][1], offset + at + size), spans[-1][2])
            else:
                spans.append((offset + at, offset + at + size, piece))
        return spans


def pieces(word: str) -> list[str]:
    """The parts of a word with hyphens, and all of it in one: `Wi-Fi` is also found as "wifi"."""
    parts = _PART.findall(word)
    return [*parts, "".join(parts)] if len(parts) > 1 else parts


@lru_cache(maxsize=50_000)
def _stems_in(word: str, lang: str) -> frozenset[str] | None:
    """The stems of a word and its parts; None for a run without spaces. A single letter is a piece of another word."""
    if analysis.is_unspaced(word):
        return None
    parts = (part for part in pieces(word) if len(part) > 1 or part.isdigit())
    return frozenset(stem for part in parts for stem in _stems_of(part, lang))


def _stems_of(part: str, lang: str) -> list[str]:
    """The stems of a word; where two letters are left of it ("maili", the mails, as "ma"), the word itself."""
    if analysis.is_unspaced(part):
        return analysis.terms(part, (lang,))
    return [stem if len(stem) >= _SHORTEST_STEM else analysis.fold(part) for stem in analysis.terms(part, (lang,))]


def _start(text: str, sentences: list[int], word: int) -> int:
    """Where an excerpt begins that shows the word at `word`: with its sentence, else with a word a little before."""
    sentence = sentences[bisect_left(sentences, word + 1) - 1]
    if word - sentence <= _BEFORE:
        return sentence
    space = text.find(" ", word - _BEFORE, word)
    return word if space < 0 else space + 1


def _cut(piece: str) -> str:
    """The piece up to the end of its last whole word, with "…" behind it."""
    return piece.rsplit(" ", 1)[0].rstrip(",;:.") + "…"
