"""When the desk is open, when it opens next, by when an answer is expected. Pure: the time comes in as an argument."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Self

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = timedelta(days=1)
_ENTRY = re.compile(r"([a-z]{3})(?:\s*-\s*([a-z]{3}))?\s+(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})", re.IGNORECASE)
#: How far ahead an opening is looked for: longer than any row of holidays, so that a desk closed for good ends it.
_DAYS_AHEAD = 400


@dataclass(frozen=True, slots=True)
class Span:
    """One weekday's hours, Monday is 0; minutes after midnight on the desk's clock, the end is not part of it."""

    weekday: int
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Hours:
    """The opening hours of a desk on the clock of its zone. Without spans it is always open, holidays included."""

    spans: tuple[Span, ...] = ()
    holidays: frozenset[date] = frozenset()
    zone: tzinfo = UTC

    @classmethod
    def of(cls, entries: Iterable[str], holidays: Iterable[date] = (), zone: tzinfo = UTC) -> Self:
        """Of entries like `Mon-Fri 09:00-17:00`. Raises ValueError that says what is wrong with which entry."""
        return cls(tuple(span for entry in entries for span in parse(entry)), frozenset(holidays), zone)

    def open_at(self, at: datetime) -> bool:
        """Whether somebody is there at `at`, a time with a zone."""
        return not self.spans or any(begins <= at < ends for begins, ends in self._periods(at, days=1))

    def opens_after(self, at: datetime) -> datetime | None:
        """When the desk opens next, in the desk's zone; `at` itself where it is open, None where it never opens."""
        if self.open_at(at):
            return at.astimezone(self.zone)
        begins = (begins for begins, _ in self._periods(at) if begins > at)
        return next((first.astimezone(self.zone) for first in begins), None)

    def expected(self, at: datetime, hours: int) -> datetime | None:
        """When `hours` of opening hours have passed since `at`, in the desk's zone; None where they never will."""
        return self.after(at, timedelta(hours=hours))

    def after(self, at: datetime, left: timedelta) -> datetime | None:
        """When so much opening time has passed since `at`, in the desk's zone; None where it never will."""
        if not self.spans:
            return (at.astimezone(UTC) + left).astimezone(self.zone)
        for begins, ends in self._periods(at):
            start = max(begins, at.astimezone(UTC))
            if start >= ends:
                continue
            if ends - start >= left:
                return (start + left).astimezone(self.zone)
            left -= ends - start
        return None

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How long the desk is open from `start` to `end`; nothing where `end` comes first."""
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        if end <= start:
            return timedelta()
        if not self.spans:
            return end - start
        days = (end.astimezone(self.zone).date() - start.astimezone(self.zone).date()).days + 1
        periods = self._periods(start, days=days)
        return sum((max(min(e, end) - max(b, start), timedelta()) for b, e in periods), timedelta())

    def _periods(self, at: datetime, *, days: int = _DAYS_AHEAD) -> Iterator[tuple[datetime, datetime]]:
        """Opening hours from the day of `at` on, in UTC, where an hour is an hour also when clocks change."""
        first = at.astimezone(self.zone).date()
        for ahead in range(days):
            day = first + ahead * _DAY
            if day in self.holidays:
                continue
            today = sorted((span.begins, span.ends) for span in self.spans if span.weekday == day.weekday())
            for begins, ends in _merged(today):
                start, end = self._clock(day, begins), self._clock(day, ends)
                if start < end:  # an hour that a change of clocks leaves out is none
                    yield start, end

    def _clock(self, day: date, minutes: int) -> datetime:
        """What the desk's clock shows as `minutes` after midnight, in UTC."""
        day, minutes = (day + _DAY, 0) if minutes == 24 * 60 else (day, minutes)
        return datetime.combine(day, time(minutes // 60, minutes % 60), self.zone).astimezone(UTC)


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Sorted spans with those joined that touch or overlap, so that no minute counts twice."""
    current: tuple[int, int] | None = None
    for begins, ends in spans:
        if current is None or begins > current[1]:
            if current:
                yield current
            current = begins, ends
        else:
            current = current[0], max(current[1], ends)
    if current:
        yield current


def parse(entry: str) -> tuple[Span, ...]:
    """The spans of one entry: `Mon-Fri 09:00-17:00`, `Sat 10:00-13:00`. Raises ValueError in words for the operator."""
    found = _ENTRY.fullmatch(entry.strip())
    if not found:
        raise ValueError(f"{entry!r} is no opening time; write days and times such as Mon-Fri 09:00-17:00")
    first, last = (_weekday(name, entry) for name in (found[1], found[2] or found[1]))
    if last < first:
        raise ValueError(f"{entry!r}: the days run backwards; write two entries, from Mon to Sun")
    begins, ends = int(found[3]) * 60 + int(found[4]), int(found[5]) * 60 + int(found[6])
    if max(int(found[4]), int(found[6])) > 59 or ends > 24 * 60:
        raise ValueError(f"{entry!r}: times run from 00:00 to 24:00")
    if begins >= ends:
        raise ValueError(
            f"{entry!r} ends before it begins; hours over midnight are two entries, "
            "such as Mon 22:00-24:00 and Tue 00:00-06:00"
        )
    return tuple(Span(weekday, begins, ends) for weekday in range(first, last + 1))


def _weekday(name: str, entry: str) -> int:
    if name.capitalize() not in DAYS:
        raise ValueError(f"{entry!r}: {name!r} is no day; use {', '.join(DAYS)}")
    return DAYS.index(name.capitalize())
