from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reports.days import Days

#: Half-hour and quarter-hour offsets, clocks put on at midnight, and one that is put on by half an hour.
ZONES = ("UTC", "Europe/Warsaw", "Asia/Kolkata", "Asia/Kathmandu", "America/Havana", "Africa/Cairo",
         "Australia/Lord_Howe", "Pacific/Chatham", "America/St_Johns")  # fmt: skip


def _hours(zone: str, day: date) -> list[int]:
    """The hours of a day's clock, from its beginning to its end."""
    days = Days(ZoneInfo(zone))
    at, end = days.span(day)
    found = []
    while at < end:
        found.append(days.local(at).hour)
        at = days.hour_ends(at)
    return found


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)),
    st.sampled_from(ZONES),
)
def test_every_moment_lies_in_one_hour_of_one_day(at: datetime, zone: str) -> None:
    days = Days(ZoneInfo(zone))
    start, end = days.span(days.of(at))

    assert start <= days.hour(at) <= at < days.hour_ends(at) <= end
    assert days.of(start) == days.of(end - timedelta(microseconds=1)) == days.of(at)
    assert days.of(end) == days.of(at) + timedelta(days=1)
    assert days.hour(days.hour(at)) == days.hour(at)
    assert days.hour(days.hour_ends(at)) == days.hour_ends(at)


def test_a_day_lacks_the_hour_that_is_left_out_in_spring_and_has_the_one_of_autumn_twice() -> None:
    spring, autumn = _hours("Europe/Warsaw", date(2026, 3, 29)), _hours("Europe/Warsaw", date(2026, 10, 25))

    assert spring == [hour for hour in range(24) if hour != 2]
    assert autumn == sorted([*range(24), 2])


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 4, 5), 24.5), (date(2026, 10, 4), 23.5)])
def test_a_clock_may_be_put_on_by_half_an_hour(day: date, hours: float) -> None:
    start, end = Days(ZoneInfo("Australia/Lord_Howe")).span(day)

    assert (end - start) / timedelta(hours=1) == hours
    assert _hours("Australia/Lord_Howe", day) == list(range(24))


def test_the_same_time_of_another_day_is_that_of_the_clock() -> None:
    days, winter = Days(ZoneInfo("Europe/Warsaw")), datetime(2026, 10, 26, 9, 30, tzinfo=UTC)

    assert days.same_time(winter, date(2026, 10, 19)) == datetime(2026, 10, 19, 8, 30, tzinfo=UTC)
