"""When the desk is open, by the desk's own clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.hours import DAYS, Hours

WARSAW = ZoneInfo("Europe/Warsaw")
#: Opening hours of a week, holidays among its days, and the time in question.
ENTRIES = st.lists(
    st.builds(
        lambda day, begins, length: f"{DAYS[day]} {begins:02}:00-{min(begins + length, 24):02}:00",
        st.integers(0, 6),
        st.integers(0, 23),
        st.integers(1, 12),
    ),
    min_size=1,
    max_size=5,
)
TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))
ZONES = st.sampled_from([UTC, WARSAW, ZoneInfo("America/St_Johns"), ZoneInfo("Australia/Lord_Howe")])
HOLIDAYS = st.sets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=5)


def at(text: str, zone: ZoneInfo = WARSAW) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("now", "opens", "answered"),
    [
        ("2026-11-20 10:00", "2026-11-20 10:00", "2026-11-20 14:00"),  # within a day
        ("2026-11-20 15:00", "2026-11-20 15:00", "2026-11-23 11:00"),  # over a weekend
        ("2026-11-20 17:00", "2026-11-23 09:00", "2026-11-23 13:00"),  # at closing time nobody is there
        ("2026-11-21 12:00", "2026-11-23 09:00", "2026-11-23 13:00"),  # on a Saturday
        ("2026-12-24 20:00", "2026-12-28 09:00", "2026-12-28 13:00"),  # before a holiday
    ],
)
def test_a_desk_opens_and_answers_on_working_days(now: str, opens: str, answered: str) -> None:
    hours = Hours.of(["Mon-Fri 09:00-17:00"], [date(2026, 12, 25)], WARSAW)
    assert hours.opens_after(at(now)) == at(opens)
    assert hours.open_at(at(now)) is (now == opens)
    assert hours.expected(at(now), 4) == at(answered)


def test_an_hour_that_a_change_of_clocks_leaves_out_or_brings_twice_counts_as_it_passes() -> None:
    night = Hours.of(["Sun 00:00-06:00"], (), WARSAW)
    assert night.expected(at("2026-03-29 00:00"), 4) == at("2026-03-29 05:00")  # 2 o'clock is 3 o'clock
    assert night.expected(at("2026-10-25 00:00"), 4) == at("2026-10-25 03:00")  # 2 o'clock comes twice
    assert Hours.of(["Sun 02:00-03:00"], (), WARSAW).opens_after(at("2026-03-29 00:00")) == at("2026-04-05 02:00")
    assert night.opens_after(at("2026-03-23 12:00")) == at("2026-03-29 00:00")  # nine in the morning stays nine


def test_without_opening_hours_the_desk_is_always_open_and_hours_are_hours() -> None:
    hours = Hours.of([], [date(2026, 12, 25)], WARSAW)
    assert hours.open_at(at("2026-12-25 03:00"))
    assert hours.expected(at("2026-12-25 03:00"), 4) == at("2026-12-25 07:00")


def test_a_desk_that_is_closed_for_good_names_no_time() -> None:
    every_day = [date(2026, 1, 1) + timedelta(days=n) for n in range(1000)]
    hours = Hours.of(["Mon-Sun 00:00-24:00"], every_day, UTC)
    assert hours.opens_after(at("2026-06-01 12:00")) is None
    assert hours.expected(at("2026-06-01 12:00"), 1) is None


@given(ENTRIES, HOLIDAYS, ZONES, TIMES)
def test_when_it_opens_it_is_open_and_was_closed_from_now_till_then(
    entries: list[str], holidays: set[date], zone: ZoneInfo, now: datetime
) -> None:
    hours = Hours.of(entries, holidays, zone)
    opens = hours.opens_after(now)
    assert opens is not None
    assert opens >= now
    assert hours.open_at(opens)
    if not hours.open_at(now):
        assert not hours.open_at(opens - timedelta(minutes=1))
        assert not hours.open_at(now + (opens - now) / 2)


@given(ENTRIES, HOLIDAYS, ZONES, TIMES, st.integers(1, 12), st.integers(1, 12))
def test_waiting_for_some_hours_and_then_for_some_more_is_waiting_for_both(
    entries: list[str], holidays: set[date], zone: ZoneInfo, now: datetime, first: int, second: int
) -> None:
    hours = Hours.of(entries, holidays, zone)
    then = hours.expected(now, first)
    assert then is not None
    assert then >= now
    assert hours.expected(then, second) == hours.expected(now, first + second)


@given(ENTRIES, HOLIDAYS, ZONES, TIMES, st.integers(0, 3_000), st.integers(0, 20_000))
def test_the_opening_time_until_an_answer_is_due_is_the_time_it_was_given(
    entries: list[str], holidays: set[date], zone: ZoneInfo, now: datetime, allowed: int, later: int
) -> None:
    hours, span = Hours.of(entries, holidays, zone), timedelta(minutes=allowed)
    due = hours.after(now, span)
    assert due is not None
    assert hours.between(now, due) == span
    halfway = now + (due - now) / 2
    assert hours.between(now, halfway) + hours.between(halfway, due) == span
    end = now + timedelta(minutes=later)
    assert timedelta() <= hours.between(now, end) <= end - now
    assert hours.between(end, now) == timedelta()
