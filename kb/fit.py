"""Fits confidence to one knowledge base: to its own questions, each left out, and to questions about something else.

Only the intercept moves, and only a little: author questions are easier than what people type, so a fit that follows
them further is too sure elsewhere. `bench/own_confidence.py` measures it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kb.calibrate import DEFAULT
from kb.foreign import ForeignQuestion, questions
from kb.models import PUBLIC, Article
from kb.search import Query, Searcher
from kb.snapshot import Snapshot

#: Own questions that are asked, and foreign ones of each subject; some milliseconds each.
_OWN = 300
_FOREIGN_OF_A_SUBJECT = 4
#: Fewer own questions say too little about the base, and do not count: foreign ones can then only make less sure.
_FEWEST_OWN = 30
#: From this mean confidence on, a subject is the base's own and nothing is known of its questions: bank for BANKING77,
#: weather and small talk for CLINC150, networks and phones for an IT help desk.
_OWN_SUBJECT = 0.4
#: How far the intercept is expected to move (standard deviation of its Gaussian prior). The largest rise of ECE on ten
#: sets was .003 with .1 (largest fall .007), .008 with .2 (.016), .012 with .3 (.021); the mean did not fall with any.
_PRIOR = 0.1
#: How much an own question counts, since authors' are easier than readers', and what all foreign ones count together
#: beside all own ones.
_BELIEVED = 0.5
_FOREIGN_SHARE = 0.2
_STEPS = 50

Floats = NDArray[np.float64]
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Fit:
    """How much surer than the default, in log-odds, and what that comes from.

    Of `own` questions `right` found their article first though they were left out. `foreign` questions were asked of
    which nothing is known here; `own_subjects` are those that the base seems to know after all, and did not count.
    """

    shift: float
    own: int
    right: int
    foreign: int
    own_subjects: tuple[str, ...]


def fit(snapshot: Snapshot) -> Fit:
    """What the questions of a knowledge base, and foreign ones in its languages, say about its confidence.

    Asks all of them, which takes some milliseconds each. Deterministic.
    """
    rows = own_questions(snapshot)
    searcher = Searcher(snapshot, hold=rows)
    own = [searcher.first(_as_asked(snapshot, row), leave_out=[row]) for row in rows]
    right = [bool(found and found.article == _article(snapshot, row).id) for found, row in zip(own, rows, strict=True)]
    foreign, own_subjects = _foreign(searcher)
    known = [(found, good) for found, good in zip(own, right, strict=True) if found]
    if len(rows) < _FEWEST_OWN:
        known = []
    odds = np.array([DEFAULT.log_odds(found.quantities) for found, _ in known] + foreign)
    labels = np.array([float(good) for _, good in known] + [0.0] * len(foreign))
    share = _FOREIGN_SHARE * max(len(known), _FEWEST_OWN) / max(len(foreign), 1)
    counts = _BELIEVED * np.array([1.0] * len(known) + [share] * len(foreign))
    return Fit(round(shift(odds, labels, counts), 3), len(rows), sum(right), len(foreign), own_subjects)


def shift(odds: Floats, labels: Floats, counts: Floats) -> float:
    """What to add to log-odds to make the labels likeliest, given the prior (its MAP, by Newton's method).

    `odds`, `labels` (0 or 1) and `counts` (how often each counts) are of shape (n,).
    """
    found = 0.0
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-(odds + found)))
        slope = float(counts @ (labels - p)) - found / _PRIOR**2
        step = slope / (float(counts @ (p * (1 - p))) + 1 / _PRIOR**2)
        found += step
        if abs(step) < 1e-9:
            break
    return found


def own_questions(snapshot: Snapshot) -> list[int]:
    """Rows of author questions, at most 300: an even selection of each language by its share.

    A question whose text the article has elsewhere, as its title or in another language, could not be left out.
    """
    texts = [(_article(snapshot, row).id, p.text.casefold()) for row, p in enumerate(snapshot.passages)]
    times = Counter(texts)
    rows = [row for row, p in enumerate(snapshot.passages) if p.kind == "question" and times[texts[row]] == 1]
    rows.sort(key=lambda row: _article(snapshot, row).lang)
    return _evenly(rows, _OWN)


def _article(snapshot: Snapshot, row: int) -> Article:
    return snapshot.entries[int(snapshot.owner[row])].article


def _as_asked(snapshot: Snapshot, row: int) -> Query:
    """An author question as somebody who may see the article would ask it."""
    article = _article(snapshot, row)
    return Query(snapshot.passages[row].text, lang=article.lang, audiences=frozenset({PUBLIC, article.audience}))


def _foreign(searcher: Searcher) -> tuple[list[float], tuple[str, ...]]:
    """Log-odds of foreign questions by the default, and the subjects that are none of them but the base's own."""
    by_subject: dict[str, list[ForeignQuestion]] = {}
    for question in questions():
        if question.lang in searcher.snapshot.languages:
            by_subject.setdefault(question.subject, []).append(question)
    odds: list[float] = []
    own_subjects = []
    for subject, asked in by_subject.items():
        firsts = [searcher.first(Query(q.text, lang=q.lang)) for q in _evenly(asked, _FOREIGN_OF_A_SUBJECT)]
        found = [DEFAULT.log_odds(first.quantities) for first in firsts if first]
        if found and np.mean(1 / (1 + np.exp(-np.array(found)))) >= _OWN_SUBJECT:
            own_subjects.append(subject)
        else:
            odds += found
    return odds, tuple(own_subjects)


def _evenly(items: Sequence[_Item], count: int) -> list[_Item]:
    """At most `count` of `items`, spread evenly over them."""
    places = np.linspace(0, len(items) - 1, min(count, len(items))).astype(int)
    return [items[place] for place in places]
