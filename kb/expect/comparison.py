"""What a change to the articles does to their questions: the difference of two runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kb.corpus import folded
from kb.expect.outcomes import Contents, EntryName, Outcome, Run
from kb.expect.renames import with_later_names
from kb.models import ArticleKey, Skipped


@dataclass(frozen=True, slots=True)
class Changed:
    """An article that is new or says something else; `questions` are those it did not have before."""

    key: ArticleKey
    path: str
    title: str
    how: Literal["new", "changed"]
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """The same entry asked before and after."""

    before: Outcome
    after: Outcome


@dataclass(frozen=True, slots=True)
class Theft:
    """A question that found its article before, and after the change finds `thief` in front of it."""

    thief: Changed
    victim: Pair


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference of two runs; entries are the same by article, language, kind and words, wherever the file lies.

    `stolen`, `worse` and `tipped` passed before and fail now: a stolen one stands behind an article that is new or
    changed, and of a tipped one neither its own article nor any it changed places with was changed: it was a near
    thing. `better` failed before and pass now. `moved` pass as before, at another place. `still_failing` failed before
    too. `new` stand only in the later version, `removed` only in the earlier, of files that can be read. `untested` are
    files that could be read before, `untested_before` those that could not. `touched` are the ids of the articles that
    say something else.
    """

    k: int
    stolen: tuple[Theft, ...]
    worse: tuple[Pair, ...]
    tipped: tuple[Pair, ...]
    better: tuple[Pair, ...]
    moved: tuple[Pair, ...]
    still_failing: tuple[Pair, ...]
    new: tuple[Outcome, ...]
    removed: tuple[Outcome, ...]
    untested: tuple[Skipped, ...]
    untested_before: tuple[Skipped, ...]
    touched: frozenset[str]

    def concerns(self, pair: Pair) -> bool:
        """Whether an entry's own article or one that it changed places with says something else."""
        return _concerned(pair, self.touched)

    @property
    def new_failing(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.new if not outcome.passed)

    @property
    def failed(self) -> bool:
        """Whether the change makes something worse; what failed before or only tipped does not count."""
        return bool(self.stolen or self.worse or self.new_failing or self.untested)

    @property
    def empty(self) -> bool:
        """Whether nothing that was asked finds something else, and nothing else is asked."""
        lost = (self.stolen, self.worse, self.tipped, self.untested)
        return not any((*lost, self.better, self.moved, self.new, self.removed))


def compare(before: Run, after: Run) -> Comparison:
    """What changed from one run to a later one. Raises ValueError where they were not made with the same k."""
    if before.k != after.k:
        raise ValueError(f"runs with k = {before.k} and k = {after.k} cannot be compared")
    before = with_later_names(before, after)
    old, new = _by_name(before), _by_name(after)
    pairs = [Pair(old[name], outcome) for name, outcome in new.items() if name in old]
    lost = [pair for pair in pairs if pair.before.passed and not pair.after.passed]
    changes = _Changes(before, after)
    touched = _touched(before, after)
    thefts = [changes.theft(pair) for pair in lost]
    others = [pair for pair, theft in zip(lost, thefts, strict=True) if theft is None]
    unread = {one.path for one in after.untested}
    skipped_before = {one.path for one in before.untested}
    return Comparison(
        k=after.k,
        stolen=tuple(filter(None, thefts)),
        worse=tuple(pair for pair in others if _concerned(pair, touched)),
        tipped=tuple(pair for pair in others if not _concerned(pair, touched)),
        better=tuple(pair for pair in pairs if pair.after.passed and not pair.before.passed),
        moved=tuple(pair for pair in pairs if pair.before.passed and pair.after.passed and _moved(pair)),
        still_failing=tuple(pair for pair in pairs if not pair.before.passed and not pair.after.passed),
        new=tuple(outcome for name, outcome in new.items() if name not in old),
        removed=tuple(one for name, one in old.items() if name not in new and one.path not in unread),
        untested=tuple(one for one in after.untested if one.path not in skipped_before),
        untested_before=tuple(one for one in after.untested if one.path in skipped_before),
        touched=touched,
    )


def _by_name(run: Run) -> dict[EntryName, Outcome]:
    """An entry that an article has twice counts once: it fails where one of the two does."""
    found: dict[EntryName, Outcome] = {}
    for outcome in run.outcomes:
        held = found.setdefault(outcome.name, outcome)
        if held.passed and not outcome.passed:
            found[outcome.name] = outcome
    return found


def _touched(before: Run, after: Run) -> frozenset[str]:
    """The ids of articles that are new, gone, or say something else in some language."""
    said: tuple[dict[str, set[tuple[str, str]]], ...] = ({}, {})
    for run, found in zip((before, after), said, strict=True):
        for key, contents in run.articles.items():
            found.setdefault(key.id, set()).add((key.lang, contents.words))
    return frozenset(
        article for article in said[0].keys() | said[1].keys() if said[0].get(article) != said[1].get(article)
    )


def _concerned(pair: Pair, touched: frozenset[str]) -> bool:
    passed = {*pair.before.above} ^ {*pair.after.above}
    return pair.after.key.id in touched or not touched.isdisjoint(passed)


def _moved(pair: Pair) -> bool:
    """Where a `not_for` entry's article stands below the first place says nothing."""
    return pair.after.kind == "question" and pair.before.place != pair.after.place


class _Changes:
    """What the articles say in one run and did not in another."""

    def __init__(self, before: Run, after: Run) -> None:
        words = {contents.words for contents in before.articles.values()}  # a file with another name is no change
        self._had: dict[str, set[str]] = {}
        for key, contents in before.articles.items():
            self._had.setdefault(key.id, set()).update(map(folded, contents.questions))
        self._changed: dict[str, dict[ArticleKey, Contents]] = {}
        for key, contents in after.articles.items():
            if contents.words not in words:
                self._changed.setdefault(key.id, {})[key] = contents

    def theft(self, pair: Pair) -> Theft | None:
        """Who took a question: the best of the articles that stand before its own now, did not before, and changed."""
        if pair.after.kind != "question":
            return None
        passed_by = (article for article in pair.after.above if article not in pair.before.above)
        thief = next((article for article in passed_by if article in self._changed), None)
        return Theft(self._told(thief, pair.after.key.lang), pair) if thief else None

    def _told(self, article: str, lang: str) -> Changed:
        """The change of an article; its version in the victim's language speaks for it if that one changed."""
        versions = self._changed[article]
        key = next((key for key in versions if key.lang == lang), next(iter(versions)))
        had = self._had.get(article)
        fresh = [text for held in versions.values() for text in held.questions if folded(text) not in (had or ())]
        how: Literal["new", "changed"] = "new" if had is None else "changed"
        return Changed(key, versions[key].path, versions[key].title, how, tuple(dict.fromkeys(fresh)))
