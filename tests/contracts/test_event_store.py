"""What every EventStore does. Each comes with the inbox whose tickets it knows of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.errors import QuestionUnknown
from bot.events import EventStore, MemoryEventStore, SqlEventStore
from bot.inbox import Inbox, SqlInbox
from bot.memory_inbox import MemoryInbox
from bot.models import Outcome, SentTicket
from bot.question_log import QuestionLog
from tests.bot.samples import NOON, after, asked, draft, not_solved, opened, solved
from tests.databases import STORES, engine_of

Stores = tuple[EventStore, Inbox]

WARSAW_IN_SUMMER = timezone(timedelta(hours=2))


@pytest.fixture(params=[*STORES, "log"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """`log` writes one group by itself at most: then only what asks for questions has them written."""
    if request.param == "memory":
        inbox = MemoryInbox()
        yield MemoryEventStore(inbox.sent), inbox
        return
    grouped = request.param == "log"
    engine = request.getfixturevalue("engine") if grouped else engine_of(request)
    store: EventStore = SqlEventStore(engine)
    if grouped:
        store = QuestionLog(store, pause_s=3600)
    yield store, SqlInbox(engine, iter(f"ticket-{n}" for n in range(1, 1_000)).__next__)
    store.close()


@pytest.fixture
def events(stores: Stores) -> EventStore:
    return stores[0]


@pytest.fixture
def inbox(stores: Stores) -> Inbox:
    return stores[1]


# --- questions ---------------------------------------------------------------------------------------------------


def test_a_recorded_question_comes_back_equal(events: EventStore) -> None:
    question = asked(
        text="Żółć — 😀 'quoted' \"twice\"; DROP TABLE questions;-- <b>&amp;</b>",
        body="line one\nline two\ttab",
        lang="pl",
        session="",
        confidence=0.1234,
        shown=("a/b", "ć", "with 'quotes'"),
    )

    events.record_question(question)

    assert events.question("q1") == question


def test_a_question_that_is_recorded_again_stays_as_it_was(events: EventStore) -> None:
    events.record_questions([asked(), asked("q2")])
    events.record_questions([asked(text="other words"), asked("q3")])
    events.record_questions([])

    assert [(question.id, question.text) for question in events.questions()] == [
        (question_id, asked().text) for question_id in ("q1", "q2", "q3")
    ]


def test_a_question_that_was_never_recorded_is_none(events: EventStore) -> None:
    assert events.question("q1") is None


def test_times_come_back_in_utc_whatever_zone_they_were_given_in(events: EventStore) -> None:
    events.record_question(asked(at=datetime(2026, 7, 1, 14, tzinfo=WARSAW_IN_SUMMER)))

    (question,) = events.questions()

    assert question.at == datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_questions_come_in_order_of_time_and_at_one_time_in_order_of_id(events: EventStore) -> None:
    for question_id, hours in (("late", 2), ("b", 1), ("a", 1), ("early", 0)):
        events.record_question(asked(question_id, at=after(hours=hours)))

    assert [question.id for question in events.questions()] == ["early", "a", "b", "late"]


def test_since_is_included_and_until_is_not(events: EventStore) -> None:
    for hours in range(4):
        events.record_question(asked(f"q{hours}", at=after(hours=hours)))

    found = events.questions(since=after(hours=1), until=after(hours=3))

    assert [question.id for question in found] == ["q1", "q2"]


def test_a_span_may_be_given_in_another_zone(events: EventStore) -> None:
    """12:00 in UTC is 14:00 in Warsaw: compared as written, the question would lie two hours too early."""
    events.record_question(asked())

    since = NOON.astimezone(WARSAW_IN_SUMMER)

    assert len(events.questions(since=since, until=since + timedelta(seconds=1))) == 1
    assert events.questions(until=since) == []


def test_questions_are_recorded_together_or_not_at_all(events: EventStore) -> None:
    events.record_questions([asked("q1"), asked("q2", at=after(hours=30))])
    events.record_questions([])

    assert [question.id for question in events.questions(since=NOON)] == ["q1", "q2"]


# --- outcomes ----------------------------------------------------------------------------------------------------


def test_outcomes_come_by_question_in_order_of_time(events: EventStore) -> None:
    for question_id in ("q1", "q2", "q3"):
        events.record_question(asked(question_id))
    events.record_outcome(solved("q1"), after(minutes=9))
    events.record_outcome(opened("q1"), after(minutes=1))
    events.record_outcome(not_solved("q2"), after(minutes=5))

    assert events.outcomes(["q1", "q2", "q3"]) == {
        "q1": [(after(minutes=1), opened("q1")), (after(minutes=9), solved("q1"))],
        "q2": [(after(minutes=5), not_solved("q2"))],
    }


def test_outcomes_at_one_time_come_as_they_were_recorded(events: EventStore) -> None:
    events.record_question(asked())
    for outcome in (not_solved(), solved(), opened()):
        events.record_outcome(outcome, NOON)

    assert events.outcomes(["q1"]) == {"q1": [(NOON, not_solved()), (NOON, solved()), (NOON, opened())]}


def test_an_outcome_with_the_same_key_is_kept_once_and_without_a_key_every_time(events: EventStore) -> None:
    events.record_question(asked())
    for minutes in (1, 2):
        assert events.record_outcome(replace(solved(), key="a"), after(minutes=minutes)) is True
        events.record_outcome(opened(), after(minutes=minutes))
    events.record_outcome(replace(solved(), key="b"), after(minutes=3))

    assert events.outcomes(["q1"])["q1"] == [
        (after(minutes=1), solved()),
        (after(minutes=1), opened()),
        (after(minutes=2), opened()),
        (after(minutes=3), solved()),
    ]


def test_only_the_outcomes_that_were_asked_for_come(events: EventStore) -> None:
    for question_id in ("q1", "q2"):
        events.record_question(asked(question_id))
        events.record_outcome(solved(question_id), NOON)

    assert events.outcomes(["q2"]) == {"q2": [(NOON, solved("q2"))]}
    assert events.outcomes([]) == {}


def test_outcomes_of_more_questions_than_one_statement_takes_are_all_found(events: EventStore) -> None:
    ids = [f"q{n:04}" for n in range(1_201)]
    for question_id in (ids[0], ids[500], ids[1_200]):
        events.record_question(asked(question_id))
        events.record_outcome(solved(question_id), NOON)

    assert sorted(events.outcomes(ids)) == [ids[0], ids[500], ids[1_200]]


def test_an_outcome_of_a_question_that_was_never_asked_is_refused(events: EventStore) -> None:
    with pytest.raises(QuestionUnknown, match=r"^No question with the id 'q9' was asked\.$"):
        events.record_outcome(Outcome("q9", "solved"), NOON)

    assert events.outcomes(["q9"]) == {}


# --- tickets -----------------------------------------------------------------------------------------------------


def test_tickets_come_in_order_of_time_with_their_session_and_question(events: EventStore, inbox: Inbox) -> None:
    events.record_question(asked())
    inbox.submit(draft(session="visit"), "key-0002", shown=(), at=after(hours=2))
    inbox.submit(draft(question_id="q1"), "key-0001", shown=(), at=after(hours=1))
    inbox.submit(draft(), "key-0003", shown=(), at=after(hours=3))

    assert list(events.sent_tickets()) == [
        SentTicket(after(hours=1), "", "q1"),
        SentTicket(after(hours=2), "visit", ""),
        SentTicket(after(hours=3), "", ""),
    ]


def test_a_ticket_sent_twice_is_one_ticket(events: EventStore, inbox: Inbox) -> None:
    for hours in (1, 2):
        inbox.submit(draft(session="visit"), "key-0001", shown=(), at=after(hours=hours))

    assert list(events.sent_tickets()) == [SentTicket(after(hours=1), "visit", "")]


def test_a_resolution_of_a_ticket_is_taken(events: EventStore, inbox: Inbox) -> None:
    ticket = inbox.submit(draft(), "key-0001", shown=(), at=NOON)

    assert events.record_resolution(ticket.id, "printer-not-printing", "Switched it on.", after(hours=1)) is None
    assert events.resolved_with(ticket.id) == "printer-not-printing"


def test_the_article_of_the_last_resolution_counts_and_none_is_the_empty_one(events: EventStore, inbox: Inbox) -> None:
    ticket = inbox.submit(draft(), "key-0001", shown=(), at=NOON)
    assert events.resolved_with(ticket.id) == ""
    events.record_resolution(ticket.id, "paper-jam", "", NOON)
    events.record_resolution(ticket.id, "printer-not-printing", "", after(hours=1))

    assert events.resolved_with(ticket.id) == "printer-not-printing"


def test_a_resolution_can_be_withdrawn_and_the_one_before_counts_again(events: EventStore, inbox: Inbox) -> None:
    ticket = inbox.submit(draft(), "key-0001", shown=(), at=NOON)
    events.record_resolution(ticket.id, "vpn", "", NOON)
    events.record_resolution(ticket.id, "wifi", "Joined again.", after(minutes=1))
    assert events.resolved_in_words(ticket.id) == "Joined again."

    assert events.withdraw_resolution(ticket.id)
    assert (events.resolved_with(ticket.id), events.resolved_in_words(ticket.id)) == ("vpn", "")
    assert events.withdraw_resolution(ticket.id)
    assert (events.resolved_with(ticket.id), events.withdraw_resolution(ticket.id)) == ("", False)


def test_the_last_questions_of_some_sessions_come_in_order_of_time(events: EventStore) -> None:
    for n, session in enumerate(("a", "b", "a", "c", "a")):
        events.record_question(asked(f"q{n}", session=session, at=after(hours=n)))

    def found(*sessions: str, hours: int = 0, limit: int = 9) -> list[str]:
        return [question.id for question in events.asked_in(sessions, since=after(hours=hours), limit=limit)]

    assert found("a", "b") == ["q0", "q1", "q2", "q4"]
    assert found("a", "b", hours=1) == ["q1", "q2", "q4"]
    assert found("a", limit=2) == ["q2", "q4"]
    assert found("z") == []
