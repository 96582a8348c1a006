from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from bot.events import SqlEventStore
from bot.inbox import SqlInbox
from bot.models import Outcome, RecordedQuestion
from bot.reports.days import Days
from bot.reports.deflection import Deflection, Rate
from bot.reports.desk import DeskReports
from bot.reports.rollup import Rollup
from tests.bot.reports.database import empty_database
from tests.bot.samples import NOON, after, asked, draft, not_solved, opened, solved, unanswered

SECOND = timedelta(seconds=1)
DAY = timedelta(hours=24)
WEEK = timedelta(days=7)


class _Desk:
    """Questions, outcomes and tickets in a database, counted a month after noon unless a test says when."""

    def __init__(self, *questions: RecordedQuestion) -> None:
        self._engine = empty_database()
        self.events = SqlEventStore(self._engine)
        self._inbox = SqlInbox(self._engine, lambda: uuid4().hex)
        for question in questions:
            self.events.record_question(question)

    def said(self, *outcomes: Outcome) -> _Desk:
        for minutes, outcome in enumerate(outcomes):
            self.events.record_outcome(outcome, after(minutes=minutes))
        return self

    def ticket(self, at: datetime, *, session: str = "session-of-q1", question_id: str = "") -> _Desk:
        sent = draft(session=session, question_id=question_id)
        self._inbox.submit(sent, f"key of {session} {question_id} {at}", shown=(), at=at)
        return self

    def counted(self, now: datetime = NOON + timedelta(days=30), since: datetime | None = None) -> Deflection:
        days = Days(ZoneInfo("UTC"))
        Rollup(self._engine, days).refresh(60)
        return DeskReports(self._engine, days).deflection(now, since)


def test_without_questions_every_rate_is_unknown() -> None:
    report = _Desk().counted()

    assert report == Deflection(shown=0, answered_a_day_ago=0, confirmed=0, assumed=0, returned=0)
    assert report.rates == dict.fromkeys(("confirmed", "assumed", "returned"), Rate(None, 0, 0, None))


def test_each_rate_has_its_denominator() -> None:
    report = Deflection(shown=8, answered_a_day_ago=5, confirmed=2, assumed=3, returned=1)

    assert {name: (rate.share, rate.of) for name, rate in report.rates.items()} == {
        "confirmed": (0.25, 8),
        "assumed": (0.6, 5),
        "returned": (0.2, 5),
    }


# --- confirmed ---------------------------------------------------------------------------------------------------


def test_a_question_is_confirmed_if_the_person_said_that_it_is_solved() -> None:
    assert _Desk(asked()).said(opened(), solved()).counted() == Deflection(1, 1, confirmed=1, assumed=0, returned=0)


def test_a_suggestion_can_be_confirmed_but_not_assumed() -> None:
    suggested = asked(decision="suggest", confidence=0.5)

    assert _Desk(suggested).said(solved()).counted() == Deflection(1, 0, confirmed=1, assumed=0, returned=0)
    assert _Desk(suggested).counted() == Deflection(1, 0, confirmed=0, assumed=0, returned=0)


def test_who_said_solved_and_then_not_solved_has_not_confirmed() -> None:
    report = _Desk(asked(decision="suggest")).said(solved(), not_solved()).counted()

    assert report == Deflection(1, 0, confirmed=0, assumed=0, returned=0)


def test_who_said_that_it_failed_is_not_assumed_to_be_helped() -> None:
    assert _Desk(asked()).said(not_solved()).counted() == Deflection(1, 1, confirmed=0, assumed=0, returned=0)


def test_an_opening_alone_counts_nowhere() -> None:
    suggested = asked(decision="suggest")

    assert _Desk(suggested).said(opened(), opened()).counted() == _Desk(suggested).counted()
    assert _Desk(asked()).said(opened()).counted() == _Desk(asked()).counted()


def test_solved_twice_is_confirmed_once() -> None:
    assert _Desk(asked()).said(solved(), solved()).counted() == Deflection(1, 1, 1, 0, 0)


# --- assumed -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "answered", "assumed"),
    [(DAY - SECOND, 0, 0), (DAY, 1, 1), (DAY + SECOND, 1, 1)],
    ids=["just before", "at", "just after"],
)
def test_an_answer_is_assumed_once_it_is_a_day_old(age: timedelta, answered: int, assumed: int) -> None:
    assert _Desk(asked()).counted(now=NOON + age) == Deflection(1, answered, 0, assumed, 0)


@pytest.mark.parametrize(
    ("sent", "assumed", "returned"),
    [
        (-SECOND, 1, 0),
        (timedelta(0), 0, 0),
        (DAY - SECOND, 0, 0),
        (DAY, 1, 1),
        (DAY + SECOND, 1, 1),
        (WEEK - SECOND, 1, 1),
        (WEEK, 1, 0),
        (WEEK + SECOND, 1, 0),
    ],
    ids=["before", "at once", "before a day", "at a day", "after a day", "before a week", "at a week", "after a week"],
)
def test_a_ticket_within_a_day_is_no_deflection_and_within_a_week_a_return(
    sent: timedelta, assumed: int, returned: int
) -> None:
    report = _Desk(asked()).ticket(NOON + sent).counted()

    assert report == Deflection(1, 1, confirmed=0, assumed=assumed, returned=returned)


def test_a_ticket_of_another_session_changes_nothing() -> None:
    assert _Desk(asked()).ticket(after(hours=1), session="another").counted() == Deflection(1, 1, 0, 1, 0)


def test_a_ticket_that_names_the_question_counts_without_a_session() -> None:
    report = _Desk(asked(session="")).ticket(after(hours=1), session="", question_id="q1").counted()

    assert report == Deflection(1, 1, confirmed=0, assumed=0, returned=0)


def test_a_ticket_without_session_and_question_belongs_to_no_question() -> None:
    assert _Desk(asked(session="")).ticket(after(hours=1), session="").counted() == Deflection(1, 1, 0, 1, 0)


def test_a_ticket_counts_for_every_question_of_its_session() -> None:
    desk = _Desk(asked("q1", session="visit"), asked("q2", session="visit"), asked("q3", session="other"))

    assert desk.ticket(after(hours=1), session="visit").counted() == Deflection(3, 3, 0, assumed=1, returned=0)


# --- returned ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "returned"),
    [(-SECOND, 0), (timedelta(0), 1), (DAY, 1), (WEEK - SECOND, 1), (WEEK, 0)],
    ids=["before", "at once", "at a day", "before a week", "at a week"],
)
def test_a_confirmed_question_with_a_ticket_within_a_week_is_returned(sent: timedelta, returned: int) -> None:
    report = _Desk(asked()).said(solved()).ticket(NOON + sent).counted()

    assert report == Deflection(1, 1, confirmed=1, assumed=0, returned=returned)


def test_two_tickets_of_one_session_are_one_return() -> None:
    report = _Desk(asked()).ticket(after(days=2)).ticket(after(days=3), question_id="q1").counted()

    assert report == Deflection(1, 1, confirmed=0, assumed=1, returned=1)


def test_a_ticket_of_a_question_that_was_no_deflection_is_no_return() -> None:
    report = _Desk(asked(decision="suggest")).ticket(after(days=2)).counted()

    assert report == Deflection(1, 0, confirmed=0, assumed=0, returned=0)


# --- denominators ------------------------------------------------------------------------------------------------


def test_unanswered_questions_are_in_no_denominator() -> None:
    unanswered_ones = [unanswered(f"u{n}") for n in range(5)]
    desk = _Desk(asked("q1"), *unanswered_ones).said(solved("q1"), solved("u1"))

    assert desk.counted() == Deflection(shown=1, answered_a_day_ago=1, confirmed=1, assumed=0, returned=0)


def test_only_questions_asked_since_a_time_are_counted() -> None:
    desk = _Desk(asked("q1", at=NOON), asked("q2", at=after(hours=1)))

    assert desk.counted(since=after(hours=1)).shown == 1
    assert desk.counted(since=NOON).shown == 2


def test_a_question_is_confirmed_or_assumed_but_never_both() -> None:
    desk = _Desk(*(asked(f"q{n}") for n in range(4))).said(solved("q0"), opened("q1"))

    assert desk.counted() == Deflection(shown=4, answered_a_day_ago=4, confirmed=1, assumed=3, returned=0)
