"""Which questions one run serves better than another, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot.metrics import Asked, interval, means, rank
from bot.predictions import Prediction


@dataclass(frozen=True, slots=True)
class Change:
    """A question whose right article moved: its place `before` and `after`, None where it was not among the best."""

    id: str
    question: str
    before: int | None
    after: int | None

    @property
    def gain(self) -> float:
        """The difference of the reciprocal ranks, -1 to 1; above 0 where the question rose."""
        return (1 / self.after if self.after else 0.0) - (1 / self.before if self.before else 0.0)

    @property
    def at_first_place(self) -> bool:
        """Whether the right article entered or left the first place."""
        return 1 in (self.before, self.after)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs over the questions both answered.

    `compared` counts the answerable ones, `before` and `after` are their hit@1, `difference` is after - before with
    its paired 95 % bootstrap interval; None where nothing is answerable. `rose` and `fell` have those first whose
    right article entered or left the first place, then those that moved most. `newly_answered` and `no_longer_answered`
    are questions that no article answers. `only_before` and `only_after` are ids the other run does not have.
    """

    compared: int
    before: float | None
    after: float | None
    difference: float | None
    interval: list[float] | None
    rose: tuple[Change, ...]
    fell: tuple[Change, ...]
    newly_answered: tuple[Asked, ...]
    no_longer_answered: tuple[Asked, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "compared": self.compared,
            "hit@1": {
                "before": self.before,
                "after": self.after,
                "difference": self.difference,
                "interval": self.interval,
            },
            **{
                name: [{"id": c.id, "query": c.question, "before": c.before, "after": c.after} for c in changes]
                for name, changes in (("rose", self.rose), ("fell", self.fell))
            },
            **{
                name: [{"id": asked.id, "query": asked.query.text} for asked in questions]
                for name, questions in (
                    ("newly_answered", self.newly_answered),
                    ("no_longer_answered", self.no_longer_answered),
                )
            },
            "only_before": list(self.only_before),
            "only_after": list(self.only_after),
        }


def compare(
    questions: Sequence[Asked], before: Mapping[str, Prediction], after: Mapping[str, Prediction]
) -> Comparison:
    """What changed from one run over `questions` to another; both are judged by the questions' `relevant`."""
    common = [asked for asked in questions if asked.id in before and asked.id in after]
    changes = [_change(asked, before[asked.id], after[asked.id]) for asked in common if asked.relevant]
    first_before = np.array([change.before == 1 for change in changes], np.float64)
    first_after = np.array([change.after == 1 for change in changes], np.float64)
    gained = first_after - first_before
    ordered = sorted(changes, key=lambda change: (not change.at_first_place, -abs(change.gain)))
    answered = {
        asked.id: (before[asked.id].decision == "answer", after[asked.id].decision == "answer")
        for asked in common
        if not asked.relevant
    }
    return Comparison(
        compared=len(changes),
        before=_share(first_before),
        after=_share(first_after),
        difference=_share(gained),
        interval=interval(means(gained), len(gained)),
        rose=tuple(change for change in ordered if change.gain > 0),
        fell=tuple(change for change in ordered if change.gain < 0),
        newly_answered=tuple(asked for asked in common if answered.get(asked.id) == (False, True)),
        no_longer_answered=tuple(asked for asked in common if answered.get(asked.id) == (True, False)),
        only_before=tuple(sorted(before.keys() - after.keys())),
        only_after=tuple(sorted(after.keys() - before.keys())),
    )


def _change(asked: Asked, before: Prediction, after: Prediction) -> Change:
    question = asked.query.text or asked.query.body
    return Change(asked.id, question, rank(before.articles, asked.relevant), rank(after.articles, asked.relevant))


def _share(values: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    return round(float(values.mean()), 4) if len(values) else None
