"""A period beside the same weekdays before it, and whether what differs is more than chance does.

Numbers are held against each other day by day, so a desk whose days differ much needs a larger difference; shares
by Newcombe's interval. docs/reports.md has the rule in words, and how often it is wrong (bench/reports.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from bot.reports.days import Days
from bot.reports.deflection import Rate
from bot.reports.desk import DeskReports, Wanted
from bot.reports.intervals import Z95, newcombe, wilson

#: "" is what may be chance.
Change = Literal["higher", "lower", ""]

_DAY = timedelta(days=1)
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Number:
    """How many, and how many before."""

    now: int
    before: int
    change: Change


@dataclass(frozen=True, slots=True)
class Share:
    """A share and the one before, each with its denominator."""

    now: Rate
    before: Rate
    change: Change


@dataclass(frozen=True, slots=True)
class Comparison:
    """`first` and `last` are the days before, both included; the last one up to the time of day it is now.

    `numbers` are those of "questions" and "tickets"; `shares` those of "unanswered" (of all questions), "confirmed",
    "assumed" and "returned".
    """

    first: date
    last: date
    numbers: Mapping[str, Number]
    shares: Mapping[str, Share]


def days_before(first: date, last: date) -> tuple[date, date]:
    """As many days, the same weekdays, the latest that end before `first`."""
    weeks = -(-((last - first).days + 1) // _WEEK)
    back = timedelta(days=_WEEK * weeks)
    return first - back, last - back


def number_change(pairs: Sequence[tuple[int, int]]) -> Change:
    """Of (now, before) on each whole day: whether the sum differs by more than chance does on days like these.

    The sum of the differences is held against the root of the sum of their squares, its spread where nothing changed,
    or that of pure chance (Poisson) where that is larger. With fewer than four days it is never enough.
    """
    differences = [now - before for now, before in pairs]
    spread = max(sum(each**2 for each in differences), sum(now + before for now, before in pairs))
    if abs(sum(differences)) <= Z95 * math.sqrt(spread):
        return ""
    return "higher" if sum(differences) > 0 else "lower"


def _as_told(number: Number) -> Number:
    """Without a change that both numbers, which count today too, belie: what is fewer is not called higher."""
    told = "higher" if number.now > number.before else "lower" if number.now < number.before else ""
    return number if number.change == told else replace(number, change="")


def share_change(now: Rate, before: Rate) -> Change:
    """Whether the interval of the difference (Newcombe) leaves out 0."""
    interval = newcombe((now.count, now.of), (before.count, before.of))
    if interval is None or interval[0] <= 0 <= interval[1]:
        return ""
    return "higher" if interval[0] > 0 else "lower"


def compared(desk: DeskReports, days: Days, now: datetime, wanted: Wanted) -> Comparison | None:
    """The days from `wanted.first` up to now beside those before; None where not all of these are known of.

    Raises StoreUnavailable.
    """
    first, today, begun = wanted.first, days.of(now), desk.begun()
    if first is None or begun is None:
        return None
    then, last = days_before(first, today)
    if then <= begun:  # the first day of a desk is seldom a whole one
        return None
    since, until = days.starts(then), days.same_time(now, last)
    here, there = desk.total(days.starts(first), now, wanted), desk.total(since, until, wanted)
    whole = [
        desk.volume("day", Wanted(start, end - _DAY, wanted.lang, wanted.channel), today) if start < end else []
        for start, end in ((first, today), (then, last))
    ]
    numbers = {
        name: Number(
            getattr(here, name),
            getattr(there, name),
            number_change([(getattr(one, name), getattr(two, name)) for one, two in zip(*whole, strict=True)]),
        )
        for name in ("questions", "tickets")
    }
    numbers = {name: _as_told(number) for name, number in numbers.items()}
    rates = desk.deflection(now, days.starts(first), wanted=wanted).rates
    earlier = desk.deflection(now, since, until, wanted).rates
    rates["unanswered"], earlier["unanswered"] = (
        Rate(row.unanswered / row.questions if row.questions else None, row.questions, row.unanswered,
             wilson(row.unanswered, row.questions))
        for row in (here, there)
    )  # fmt: skip
    shares = {name: Share(rate, earlier[name], share_change(rate, earlier[name])) for name, rate in rates.items()}
    returned = shares["returned"]
    if returned.change == "lower":  # of this week's, more may still return: fewer is no news yet
        shares["returned"] = Share(returned.now, returned.before, "")
    return Comparison(then, last, numbers, shares)
