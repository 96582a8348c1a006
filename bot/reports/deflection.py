"""Deflection, counted honestly: three rates, each with its denominator and how far it may be from the truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Self

from bot.reports.intervals import Interval, wilson


@dataclass(frozen=True, slots=True)
class Rate:
    """A share, 0 to 1, of a denominator, and its 95 % interval; both are None where the denominator is 0."""

    share: float | None
    of: int
    count: int
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Deflection:
    """Counts of questions that were shown an article. An opening of an article alone counts nowhere.

    What agents ask counts nowhere either: they send no tickets, whatever they find.

    `confirmed`: the last word of the person was that it solved it. `assumed`: an answer was shown, at least 24 hours
    ago, the person did not say whether it helped, and no ticket followed within 24 hours. `returned`: of either of
    these, those a ticket followed within 7 days. A ticket follows a question if it names it or comes from its session.
    """

    shown: int
    answered_a_day_ago: int
    confirmed: int
    assumed: int
    returned: int

    @classmethod
    def of(cls, counted: Counter[str], a_day_ago: Counter[str]) -> Self:
        """Of the counts of all hours, and of those that were over a day ago."""
        return cls(
            shown=counted["shown"],
            answered_a_day_ago=a_day_ago["answered"],
            confirmed=counted["confirmed"],
            assumed=a_day_ago["assumed"],
            returned=counted["confirmed_returned"] + a_day_ago["assumed_returned"],
        )

    @property
    def rates(self) -> dict[str, Rate]:
        parts = {
            "confirmed": (self.confirmed, self.shown),
            "assumed": (self.assumed, self.answered_a_day_ago),
            "returned": (self.returned, self.confirmed + self.assumed),
        }
        return {
            name: Rate(count / of if of else None, of, count, wilson(count, of)) for name, (count, of) in parts.items()
        }
