from __future__ import annotations

from datetime import date, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import SqlEventStore
from bot.inbox import SqlInbox
from bot.reports.before import Change, Comparison, Number, compared, days_before, number_change, share_change
from bot.reports.days import Days
from bot.reports.deflection import Rate
from bot.reports.desk import DeskReports, Wanted
from bot.reports.rollup import Rollup
from tests.bot.reports.database import empty_database
from tests.bot.samples import NOON, after, asked, draft, solved, unanswered

UTC_DAYS = Days(ZoneInfo("UTC"))
#: "Last 7 days" at NOON, a Saturday.
WEEK = Wanted(date(2026, 11, 15), date(2026, 11, 21))


@given(first=st.dates(date(2000, 1, 1), date(2100, 1, 1)), days=st.integers(1, 400))
def test_before_are_as_many_days_the_same_weekdays_and_none_of_them_twice(first: date, days: int) -> None:
    last = first + timedelta(days=days - 1)
    start, end = days_before(first, last)

    assert (end - start, start.weekday(), end.weekday()) == (last - first, first.weekday(), last.weekday())
    assert 1 <= (first - end).days <= 7


@pytest.mark.parametrize(
    ("pairs", "change"),
    [
        ([], ""),
        ([(0, 0)] * 6, ""),
        ([(900, 1)] * 3, ""),  # three days are never enough
        ([(30, 10)] * 6, "higher"),
        ([(10, 30)] * 6, "lower"),
        ([(11, 10)] * 6, ""),  # chance alone does more
        ([(200, 10), (20, 20), (20, 20), (20, 20), (20, 20), (20, 20)], ""),  # one odd day is no trend
    ],
)
def test_a_number_changed_where_its_days_differ_by_more_than_they_vary(
    pairs: list[tuple[int, int]], change: Change
) -> None:
    assert number_change(pairs) == change


def test_a_share_changed_where_the_interval_of_the_difference_leaves_out_nothing() -> None:
    def of(count: int, all_: int) -> Rate:
        return Rate(count / all_ if all_ else None, all_, count, None)

    assert share_change(of(60, 100), of(40, 100)) == "higher"
    assert share_change(of(40, 100), of(60, 100)) == "lower"
    assert share_change(of(6, 10), of(4, 10)) == ""
    assert share_change(of(6, 10), of(0, 0)) == ""


def _compared(*ages_in_hours: float, wanted: Wanted = WEEK) -> Comparison | None:
    """At NOON, of questions so many hours old; one in two was solved, one in four had no article."""
    engine = empty_database()
    events = SqlEventStore(engine)
    for n, hours in enumerate(ages_in_hours):
        make = unanswered if n % 4 == 3 else asked
        events.record_question(make(f"q{n}", at=after(hours=-hours)))
        if n % 2 == 0:
            events.record_outcome(solved(f"q{n}"), after(hours=-hours))
    Rollup(engine, UTC_DAYS).refresh(60)
    return compared(DeskReports(engine, UTC_DAYS), UTC_DAYS, NOON, wanted)


def test_the_same_weekdays_before_end_at_the_time_of_day_it_is_now() -> None:
    week, minute = 7 * 24, 1 / 60
    beside = _compared(1, 100, 2 * week - 12 - minute, week - minute, week + minute, week + 1, 1_000)

    assert beside is not None
    assert (beside.first, beside.last) == (date(2026, 11, 8), date(2026, 11, 14))
    assert beside.numbers["questions"] == Number(2, 3, "")  # 8 November 00:01; a minute after noon of the 14th is none
    assert (beside.shares["unanswered"].now.of, beside.shares["unanswered"].before.of) == (2, 3)
    assert (beside.shares["confirmed"].now.count, beside.shares["confirmed"].before.of) == (1, 3)


def test_fewer_are_not_called_higher_where_only_the_whole_days_are_more() -> None:
    week, whole = 7 * 24, [24 * day for day in range(1, 7)]
    beside = _compared(*whole * 12, *(week + hours for hours in whole), *[week + 1] * 80, 1_000)

    assert beside is not None
    assert number_change([(12, 1)] * 6) == "higher"
    assert beside.numbers["questions"] == Number(72, 86, "")


def test_nothing_is_compared_with_days_of_which_not_all_are_known() -> None:
    assert _compared() is None
    assert _compared(1, 13 * 24 + 11) is None  # the first question came on the first of the days before
    assert _compared(1, 1_000, wanted=Wanted(None, WEEK.last)) is None


def test_fewer_that_returned_are_no_news_while_more_may() -> None:
    engine = empty_database()
    events, inbox = SqlEventStore(engine), SqlInbox(engine, (f"t{n}" for n in count()).__next__)
    events.record_question(asked("first", at=after(days=-60)))
    for n in range(20):
        for name, days in ((f"now-{n}", 1), (f"before-{n}", 8)):
            events.record_question(asked(name, at=after(days=-days)))
            events.record_outcome(solved(name), after(days=-days))
        inbox.submit(draft(session=f"session-of-before-{n}"), f"key-{n}", shown=(), at=after(days=-5))
    Rollup(engine, UTC_DAYS).refresh(60)
    beside = compared(DeskReports(engine, UTC_DAYS), UTC_DAYS, NOON, WEEK)

    assert beside is not None
    returned = beside.shares["returned"]
    assert (returned.now.count, returned.before.count) == (0, 20)
    assert share_change(returned.now, returned.before) == "lower"
    assert returned.change == ""
