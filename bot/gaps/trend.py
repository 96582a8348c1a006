"""How often a gap was asked by day, week and month, and against the time before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

from bot.reports.days import start_of

Unit = Literal["day", "week", "month"]
UNITS: tuple[Unit, ...] = get_args(Unit)
#: How many of each are shown.
SHOWN: dict[Unit, int] = {"day": 14, "week": 12, "month": 12}
#: So far back all of them reach.
REACH = timedelta(days=370)


@dataclass(frozen=True, slots=True)
class Count:
    """What failed in a day, a week that began on Monday, or a month, from `start` on; and how many became tickets."""

    start: date
    count: int
    tickets: int


def trend(days: Mapping[date, tuple[int, int]], today: date, unit: Unit) -> list[Count]:
    """The last SHOWN days, weeks or months, the present one last; those without any count 0."""
    starts = [start_of(today, unit)]
    while len(starts) < SHOWN[unit]:
        starts.append(start_of(starts[-1] - timedelta(days=1), unit))
    counts: dict[date, list[int]] = {start: [0, 0] for start in reversed(starts)}
    for day, (count, tickets) in days.items():
        if held := counts.get(start_of(day, unit)):
            held[0] += count
            held[1] += tickets
    return [Count(start, count, tickets) for start, (count, tickets) in counts.items()]
