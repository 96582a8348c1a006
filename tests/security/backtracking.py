"""A matcher of regular expressions that counts its steps, and texts that make them try again: no clock is needed.

It takes Python's own parse tree and backtracks as `re` does, without the shortcuts of `re`: what it counts is a bound.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

_Rest = Callable[[int], bool]
_MANY = 9
#: Characters that stand for their kind, in the order in which they are tried.
_KINDS = "a 1-<\"'@./:_\n\tA[|#=(>,`*~}é本"
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_SINGLE = (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN)


class TooManySteps(Exception):  # noqa: N818
    pass


class Counter:
    """Matches one pattern; `steps` is how many nodes of it were tried at some place of a text."""

    def __init__(self, pattern: re.Pattern[str], most: int = 60_000) -> None:
        self.tree: Any = _parser.parse(pattern.pattern, pattern.flags)
        self._flags, self._most, self.steps, self._text = pattern.flags, most, 0, ""
        self._groups: dict[int, tuple[int, int]] = {}

    def count(self, text: str, how: str) -> int:
        """Steps of `search`, `match` or `fullmatch`; other functions go through the whole text as `search` does."""
        self.steps, self._text, self._groups = 0, text, {}
        ends: _Rest = (lambda at: at == len(text)) if how == "fullmatch" else (lambda at: True)
        for start in range(len(text) + 1) if how not in ("match", "fullmatch") else (0,):
            if self._run(self.tree, 0, start, ends) and how == "search":
                break
        return self.steps

    def _run(self, nodes: Any, index: int, at: int, rest: _Rest) -> bool:
        if index == len(nodes):
            return rest(at)
        self.steps += 1
        if self.steps > self._most:
            raise TooManySteps
        kind, value = nodes[index]

        def after(end: int) -> bool:
            return self._run(nodes, index + 1, end, rest)

        if kind in _SINGLE:
            return at < len(self._text) and self._is(kind, value, self._text[at]) and after(at + 1)
        if kind in _REPEATS:
            return self._repeat(kind, value, at, after)
        if kind is sre.SUBPATTERN:
            number, _, _, inner = value

            def close(end: int) -> bool:
                if number:
                    self._groups[number] = at, end
                return after(end)

            return self._run(inner, 0, at, close)
        if kind is sre.BRANCH:
            return any(self._run(branch, 0, at, after) for branch in value[1])
        if kind is sre.AT:
            return self._stands(value, at) and after(at)
        if kind in (sre.ASSERT, sre.ASSERT_NOT):
            direction, inner = value
            start = at if direction > 0 else at - inner.getwidth()[0]
            found = start >= 0 and self._run(inner, 0, start, lambda end: True)
            return found is (kind is sre.ASSERT) and after(at)
        if kind is sre.ATOMIC_GROUP:
            ends: list[int] = []
            return self._run(value, 0, at, lambda end: ends.append(end) or True) and after(ends[0])
        if kind is sre.GROUPREF:
            begin, end = self._groups.get(value, (0, 0))
            said = self._text[begin:end]
            return self._text.startswith(said, at) and after(at + len(said))
        raise NotImplementedError(kind)

    def _repeat(self, kind: Any, value: Any, at: int, after: _Rest) -> bool:
        least, most, inner = value
        if len(inner) == 1 and inner[0][0] in _SINGLE:
            end = at
            while end - at < most and end < len(self._text) and self._is(*inner[0], self._text[end]):
                end += 1
                self.steps += 1
            if end - at < least:
                return False
            ends = range(at + least, end + 1)
            if kind is sre.POSSESSIVE_REPEAT:
                return after(end)
            return any(after(one) for one in (ends if kind is sre.MIN_REPEAT else reversed(ends)))
        if kind is sre.POSSESSIVE_REPEAT:
            for done in range(most):
                ended: list[int] = []
                if not self._run(inner, 0, at, lambda end, ended=ended: ended.append(end) or True) or ended[0] == at:
                    return done >= least and after(at)
                at = ended[0]
            return after(at)

        def more(done: int, start: int) -> bool:
            def again() -> bool:
                return done < most and self._run(
                    inner, 0, start, lambda end: (end > start or done < least) and more(done + 1, end)
                )

            if kind is sre.MIN_REPEAT:
                return (done >= least and after(start)) or again()
            return again() or (done >= least and after(start))

        return more(0, at)

    def _stands(self, where: Any, at: int) -> bool:
        text = self._text
        if where in (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING):
            lines = where is sre.AT_BEGINNING and self._flags & re.MULTILINE
            return at == 0 or bool(lines and text[at - 1] == "\n")
        if where in (sre.AT_END, sre.AT_END_STRING):
            lines = where is sre.AT_END and self._flags & re.MULTILINE
            last = where is sre.AT_END and at == len(text) - 1 and text[at] == "\n"
            return at == len(text) or last or bool(lines and text[at] == "\n")
        word = [0 <= place < len(text) and _word(text[place]) for place in (at - 1, at)]
        return (word[0] != word[1]) is (where is sre.AT_BOUNDARY)

    def _is(self, kind: Any, value: Any, char: str) -> bool:
        if kind is sre.ANY:
            return char != "\n" or bool(self._flags & re.DOTALL)
        if kind is sre.IN:
            return _in(value, char, bool(self._flags & re.IGNORECASE))
        same = char == chr(value) or bool(self._flags & re.IGNORECASE and char.lower() == chr(value).lower())
        return same is (kind is sre.LITERAL)

    # --- texts -----------------------------------------------------------------------------------------------------

    def attacks(self) -> Iterator[tuple[str, str]]:
        """What stands first, and what is repeated: for each repeat of the pattern, of every kind of character."""
        yield from dict.fromkeys(self._pumps(self.tree, ""))

    def _pumps(self, nodes: Any, before: str) -> Iterator[tuple[str, str]]:
        for kind, value in nodes:
            if kind in _REPEATS and value[1] >= _MANY:
                inner = value[2]
                one = self._sample(inner)
                yield before, one
                yield "", before + one
                if len(inner) == 1 and inner[0][0] in _SINGLE:
                    yield from ((before, char) for char in _KINDS if self._is(*inner[0], char))
            if kind in _REPEATS:
                yield from self._pumps(value[2], before)
            elif kind is sre.SUBPATTERN:
                yield from self._pumps(value[3], before)
            elif kind is sre.ATOMIC_GROUP:
                yield from self._pumps(value, before)
            elif kind is sre.BRANCH:
                for branch in value[1]:
                    yield from self._pumps(branch, before)
            elif kind in (sre.ASSERT, sre.ASSERT_NOT):
                yield from self._pumps(value[1], before)
            before += self._sample([(kind, value)])

    def _sample(self, nodes: Any) -> str:
        """A short text that the nodes match, as far as can be told without looking around."""
        said = ""
        for kind, value in nodes:
            if kind in _SINGLE:
                said += chr(value) if kind is sre.LITERAL else self._one(kind, value)
            elif kind in _REPEATS:
                said += self._sample(value[2]) * max(value[0], 1 if value[1] > 1 else 0)
            elif kind is sre.SUBPATTERN:
                said += self._sample(value[3])
            elif kind is sre.ATOMIC_GROUP:
                said += self._sample(value)
            elif kind is sre.BRANCH:
                said += self._sample(value[1][0])
        return said

    def _one(self, kind: Any, value: Any) -> str:
        known = (char for char in (*_KINDS, *map(chr, range(33, 0x3100))) if self._is(kind, value, char))
        return next(known, "")


def _word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _in(items: Sequence[Any], char: str, ignore_case: bool) -> bool:
    negated = items[0][0] is sre.NEGATE
    chars = {char, char.lower(), char.upper()} if ignore_case else {char}
    found = any(_matches(kind, value, one) for kind, value in items for one in chars if len(one) == 1)
    return found is not negated


def _matches(kind: Any, value: Any, char: str) -> bool:
    if kind is sre.LITERAL:
        return ord(char) == value
    if kind is sre.RANGE:
        return bool(value[0] <= ord(char) <= value[1])
    if kind is sre.CATEGORY:
        name = str(value).rpartition("_")[2]
        known = {"DIGIT": str.isdecimal, "SPACE": str.isspace, "WORD": _word}[name]
        return known(char) is not ("_NOT_" in str(value))
    return False


@contextmanager
def deep() -> Iterator[None]:
    """Room for a matcher that calls itself for each character."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
