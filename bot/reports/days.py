"""Hours and days on the desk's clock, also where it is put forward or back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

#: Every offset of the time zone database since 1972 is a multiple of it, so that no hour ends within one.
_QUARTER = timedelta(minutes=15)
_DAY = timedelta(days=1)


def start_of(day: date, unit: str) -> date:
    """The Monday of a day's "week", the first of its "month"; the day itself for every other unit."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


@dataclass(frozen=True, slots=True)
class Days:
    """The clock of one zone. Days are 23 to 25 hours long; an hour that comes twice is two hours."""

    zone: ZoneInfo

    def of(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def starts(self, day: date) -> datetime:
        """When a day begins, in UTC."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def span(self, day: date) -> tuple[datetime, datetime]:
        """When a day begins and ends, in UTC; the end is not part of it."""
        return self.starts(day), self.starts(day + _DAY)

    def hour(self, at: datetime) -> datetime:
        """When the hour of the clock began that `at` lies in, in UTC."""
        local = at.astimezone(self.zone)
        return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)

    def hour_ends(self, at: datetime) -> datetime:
        """When that hour ends, in UTC. It is no whole hour where a clock is put on by half of one."""
        start = self.hour(at)
        end = start + _QUARTER
        while self.hour(end) == start:
            end += _QUARTER
        return end

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)

    def same_time(self, at: datetime, day: date) -> datetime:
        """When the clock shows on another day what it shows at `at`, in UTC."""
        return datetime.combine(day, at.astimezone(self.zone).time(), self.zone).astimezone(UTC)
