"""What every worklist does."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Barrier
from typing import Any

import pytest

from bot.errors import NothingToUndo, TicketChanged, TicketInvalid
from bot.hours import Hours
from bot.inbox import Inbox, SqlInbox
from bot.memory_inbox import MemoryInbox
from bot.memory_worklist import MemoryWorklist
from bot.models import NOBODY, PRIORITIES, Ticket, Who
from bot.response_times import ResponseTimes
from bot.work import Changes, Work
from bot.worklist import OPEN, Counts, Order, SqlWorklist, Wanted, Worklist
from tests.bot.samples import NOON, after, draft
from tests.databases import STORES, engine_of

KIM, LEE = Who("kim", "Kim Berger"), Who("lee", "Lee Novak")
#: Saturday noon is NOON: the next hours are Monday's.
TIMES = ResponseTimes((8, 16, 40), Hours.of(["Mon-Fri 09:00-17:00"]))
ALWAYS = ResponseTimes((8, 16, 40))


@dataclass
class Desk:
    """A worklist and the inbox whose tickets it lists."""

    inbox: Inbox
    worklist: Worklist

    def send(self, at: datetime = NOON, **given: Any) -> Ticket:
        number = self.worklist.find(Wanted(), NOON, limit=0).total + 1
        return self.inbox.submit(draft(**given), f"key-{number:04}", shown=(), at=at)

    def change(self, ticket: Ticket, at: datetime = NOON, who: Who = KIM, **given: Any) -> None:
        self.worklist.change(ticket.id, Changes(**given), who, at)

    def work(self, ticket: Ticket) -> Work:
        work = self.worklist.work(ticket.number)
        assert work is not None
        return work

    def now(self, ticket: Ticket) -> Ticket:
        return self.work(ticket).ticket

    def numbers(self, now: datetime = NOON, order: Order = "due", **wanted: Any) -> list[int]:
        return [row.number for row in self.worklist.find(Wanted(**wanted), now, order).rows]


Open = Callable[[ResponseTimes], Desk]


@pytest.fixture(params=STORES)
def open_desk(request: pytest.FixtureRequest) -> Open:
    def _open(times: ResponseTimes) -> Desk:
        if request.param == "memory":
            inbox = MemoryInbox(times)
            return Desk(inbox, MemoryWorklist(inbox, times))
        engine = engine_of(request)
        ids = iter(f"ticket-{n}" for n in range(1, 1_000))
        return Desk(SqlInbox(engine, ids.__next__, times), SqlWorklist(engine, times))

    return _open


@pytest.fixture
def desk(open_desk: Open) -> Desk:
    return open_desk(ALWAYS)


# --- listing -----------------------------------------------------------------------------------------------------


def test_a_list_has_the_order_that_is_asked_for_and_equal_ones_that_of_their_numbers(desk: Desk) -> None:
    first, second, third, fourth = (desk.send(after(minutes=n)) for n in range(4))
    desk.change(second, after(hours=1), priority="urgent")
    desk.change(fourth, after(hours=2), state="solved")
    desk.change(third, after(hours=3), priority="low")
    desk.change(third, after(hours=4), priority="high")

    assert desk.numbers(order="due") == [2, 3, 1, 4]
    assert desk.numbers(order="age") == [1, 2, 3, 4]
    assert desk.numbers(order="changed") == [3, 4, 2, 1]
    assert desk.numbers(order="priority") == [2, 3, 1, 4]
    page = desk.worklist.find(Wanted(), NOON, "age", limit=2, offset=1)
    assert (page.total, [row.number for row in page.rows]) == (4, [2, 3])
    row = page.rows[0]
    assert (row.id, row.subject, row.email, row.at) == (second.id, second.subject, second.email, second.at)
    assert (row.state, row.priority, row.tier, row.assignee, row.changed, row.revision) == (
        "received", "urgent", 1, NOBODY, after(hours=1), 1
    )  # fmt: skip
    assert row.due == after(minutes=1, hours=2)
    assert first.due == after(hours=8)


def test_tickets_are_found_by_all_that_they_are_and_several_filters_narrow_together(desk: Desk) -> None:
    mine = desk.send(topic="VPN", department="Sales", lang="pl", email="ola@example.com")
    held, solved, plain = desk.send(), desk.send(), desk.send(after(hours=9))
    desk.change(mine, assignee=KIM, priority="high", tier=2, reason="Needs the network team.")
    desk.change(held, state="on_hold", assignee=LEE)
    desk.change(solved, state="solved")

    assert desk.numbers(states=frozenset({"on_hold", "solved"})) == [2, 3]
    assert desk.numbers(states=OPEN) == [mine.number, 4, 2]
    assert desk.numbers(assignee="kim") == [1]
    assert desk.numbers(assignee="", states=OPEN) == [4]
    assert desk.numbers(priority="high") == desk.numbers(tier=2) == desk.numbers(topic="VPN") == [1]
    assert desk.numbers(department="Sales") == desk.numbers(lang="pl") == desk.numbers(email="ola@example.com") == [1]
    assert desk.numbers(overdue=True, now=after(hours=8)) == []
    assert desk.numbers(overdue=True, now=after(hours=8, seconds=1)) == [1]
    assert desk.numbers(since=after(hours=9)) == [4]
    assert desk.numbers(tier=2, topic="Printers") == []
    assert plain.number == 4


def test_who_answers_a_ticket_that_nobody_has_takes_it_and_a_program_without_a_name_does_not(desk: Desk) -> None:
    open_one, lees, nameless = desk.send(), desk.send(), desk.send()
    desk.change(lees, assignee=LEE)
    for ticket in (open_one, lees):
        desk.inbox.say(ticket.id, "agent", "Switch it on.", NOON, KIM)
    desk.inbox.say(nameless.id, "agent", "Switch it on.", NOON, NOBODY)

    assert [desk.now(ticket).assignee for ticket in (open_one, lees, nameless)] == [KIM, LEE, NOBODY]
    assert [(event.what, event.who, event.new) for event in desk.work(open_one).history] == [
        ("assignee", KIM, KIM.name),
        ("reply", KIM, "answered"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2", [2]), ("#2", [2]), ("PRINTER", [1, 2, 3]), ("zażółć", [2]), ("ZAŻÓŁĆ", [2]), ("100%", [3]), ("_", []),
        ("\\", []), ("OLA@", [2]), ("switch it", [1]), ("among us", [1]), ("", [1, 2, 3]), ("'; --", []),
    ],
)  # fmt: skip
def test_text_is_found_in_number_subject_description_address_messages_and_notes_whatever_its_case(
    desk: Desk, text: str, found: list[int]
) -> None:
    first = desk.send()
    desk.send(body="Zażółć gęślą jaźń", email="ola@example.com")
    desk.send(body="It is at 100% of its life.")
    desk.inbox.say(first.id, "agent", "Switch it on.", NOON, KIM)
    desk.worklist.note(first.id, "Among us: it is old.", "Kim", KIM, NOON)

    assert desk.numbers(text=text, order="age") == found


def test_each_view_counts_what_it_lists(desk: Desk) -> None:
    assert desk.worklist.counts("kim", NOON) == Counts()
    tickets = [desk.send() for _ in range(6)]
    desk.change(tickets[0], assignee=KIM)
    desk.change(tickets[1], assignee=LEE, state="on_hold")
    desk.change(tickets[2], assignee=KIM, state="solved")
    desk.inbox.say(tickets[3].id, "agent", "Switch it on.", NOON, KIM)

    assert desk.worklist.counts("kim", after(hours=9)) == Counts(
        mine=2, unassigned=2, open=5, overdue=3, waiting=1, on_hold=1, solved=1
    )
    assert desk.worklist.counts("", NOON).mine == 0
    assert list(desk.worklist.assignees()) == [KIM, LEE]


# --- changing ----------------------------------------------------------------------------------------------------


def test_every_change_is_in_the_history_with_who_what_from_to_and_why(desk: Desk) -> None:
    ticket = desk.send()
    desk.change(ticket, after(hours=1), assignee=KIM)
    desk.change(ticket, after(hours=2), priority="urgent", tier=3, reason="The whole floor stands.")
    desk.inbox.say(ticket.id, "agent", "We are on it.", after(hours=3), LEE, name="Lee Novak")
    desk.worklist.note(ticket.id, "Call them at four.", "Kim Berger", KIM, after(hours=4))
    desk.inbox.say(ticket.id, "requester", "Thank you.", after(hours=5))
    desk.change(ticket, after(hours=6), who=LEE, state="solved", assignee=NOBODY)

    work = desk.work(ticket)
    assert [(e.at, e.who, e.what, e.old, e.new, e.reason) for e in work.history] == [
        (after(hours=1), KIM, "assignee", "", "Kim Berger", ""),
        (after(hours=2), KIM, "priority", "normal", "urgent", "The whole floor stands."),
        (after(hours=2), KIM, "tier", "1", "3", "The whole floor stands."),
        (after(hours=3), LEE, "reply", "received", "answered", ""),
        (after(hours=4), KIM, "note", "", "", ""),
        (after(hours=5), NOBODY, "message", "answered", "received", ""),
        (after(hours=6), LEE, "assignee", "Kim Berger", "", ""),
        (after(hours=6), LEE, "state", "received", "solved", ""),
    ]
    now = work.ticket
    assert (now.state, now.priority, now.tier, now.assignee, now.due, now.revision, now.spoken, now.changed) == (
        "solved", "urgent", 3, NOBODY, None, 6, 5, after(hours=6)
    )  # fmt: skip
    assert [(note.text, note.name, note.internal) for note in work.notes] == [
        ("Call them at four.", "Kim Berger", True)
    ]


def test_what_is_so_already_changes_nothing_and_an_unknown_ticket_is_nowhere(desk: Desk) -> None:
    ticket = desk.send()
    desk.change(ticket, state="received", assignee=NOBODY, priority="normal", tier=1)

    assert desk.work(ticket) == Work(ticket, (), ())
    assert desk.worklist.change("no-such", Changes(state="solved"), KIM, NOON) == ()
    assert (desk.worklist.work(99), desk.worklist.number("no-such"), desk.worklist.number(ticket.id)) == (None, None, 1)


def test_another_tier_needs_a_reason_and_a_ticket_is_answered_by_words_alone(desk: Desk) -> None:
    ticket = desk.send()
    with pytest.raises(TicketInvalid) as caught:
        desk.change(ticket, tier=2, state="answered", reason="  ", priority="high")

    assert {name: str(words) for name, words in caught.value.fields.items()} == {
        "reason": "Say in a few words why, so that whoever takes it need not ask again.",
        "state": "To answer a ticket, write a reply.",
    }
    assert desk.now(ticket) == ticket


def test_who_changes_a_ticket_that_moved_on_is_told_who_moved_it_and_nothing_is_stored(desk: Desk) -> None:
    ticket = desk.send()
    desk.change(ticket, who=LEE, priority="high")
    with pytest.raises(TicketChanged, match=r"^Lee Novak changed this ticket while you had it open\."):
        desk.worklist.change(ticket.id, Changes(state="solved"), KIM, NOON, revision=ticket.revision)
    with pytest.raises(TicketChanged):
        desk.worklist.undo(ticket.id, KIM, NOON, revision=ticket.revision)

    assert desk.now(ticket).state == "received"
    desk.worklist.change(ticket.id, Changes(state="solved"), KIM, NOON, revision=desk.now(ticket).revision)
    assert desk.now(ticket).state == "solved"


def test_of_two_agents_who_take_a_ticket_at_once_one_has_it_and_the_other_is_told(desk: Desk) -> None:
    ticket, start = desk.send(), Barrier(2)

    def take(who: Who) -> str:
        start.wait()
        try:
            desk.worklist.change(ticket.id, Changes(assignee=who), who, NOON, revision=0)
        except TicketChanged:
            return ""
        return who.id

    with ThreadPoolExecutor(2) as threads:
        taken = sorted(threads.map(take, (KIM, LEE)))

    assert taken == ["", desk.now(ticket).assignee.id]
    assert len(desk.work(ticket).history) == 1


def test_an_answer_is_refused_where_somebody_spoke_meanwhile_and_not_where_a_colleague_only_sorted(desk: Desk) -> None:
    ticket = desk.send()
    desk.change(ticket, who=LEE, priority="high")
    desk.inbox.say(ticket.id, "agent", "Switch it on.", NOON, KIM, revision=ticket.revision)
    for author, name in (("agent", "Kim Berger changed"), ("requester", "The requester wrote")):
        desk.inbox.say(ticket.id, author, f"More from the {author}.", NOON, KIM if author == "agent" else NOBODY)
        with pytest.raises(TicketChanged, match=name):
            desk.inbox.say(ticket.id, "agent", "Is it on?", NOON, LEE, revision=1)

    said = [message.text for message in desk.now(ticket).messages]
    assert said == ["Switch it on.", "More from the agent.", "More from the requester."]


def test_the_last_change_can_be_taken_back_with_the_time_it_took_away(desk: Desk) -> None:
    ticket = desk.send()
    desk.change(ticket, after(hours=1), assignee=KIM)
    desk.change(ticket, after(hours=2), assignee=LEE)
    desk.worklist.undo(ticket.id, LEE, after(hours=3))
    assert desk.now(ticket).assignee == KIM
    for given in ({"priority": "low"}, {"tier": 2, "reason": "Hard."}, {"state": "solved"}, {"state": "on_hold"}):
        before = desk.now(ticket)
        desk.change(ticket, after(hours=4), **given)
        assert desk.now(ticket).due != before.due
        desk.worklist.note(ticket.id, f"By mistake: {given}", "Kim", KIM, after(hours=4))
        desk.worklist.undo(ticket.id, KIM, after(hours=5))
        now = desk.now(ticket)
        assert replace(now, revision=before.revision, changed=before.changed) == before


def test_what_the_requester_knows_of_cannot_be_taken_back(desk: Desk) -> None:
    ticket = desk.send()
    for _ in range(2):
        with pytest.raises(NothingToUndo, match="the requester knows of it"):
            desk.worklist.undo(ticket.id, KIM, NOON)
        desk.change(ticket, priority="high")
        desk.inbox.say(ticket.id, "agent", "Switch it on.", NOON, KIM)


# --- notes -------------------------------------------------------------------------------------------------------


def test_notes_are_kept_from_the_inbox_and_stand_between_no_answer_and_its_requester(desk: Desk) -> None:
    ticket = desk.send()
    desk.inbox.say(ticket.id, "agent", "Switch it on.", NOON, KIM)
    for _ in range(2):
        desk.worklist.note(ticket.id, "Secret.", "Kim", KIM, NOON)

    seen = desk.inbox.ticket(ticket.id)
    assert seen is not None
    assert [message.text for message in seen.messages] == ["Switch it on."]
    assert seen.open_answer is not None
    assert [note.text for note in desk.work(ticket).notes] == ["Secret."]
    desk.inbox.say(ticket.id, "agent", "Switch it on.", NOON, KIM)
    assert desk.inbox.judge(ticket.id, "refused", "It is on.", NOON)
    after_all = desk.inbox.ticket(ticket.id)
    assert after_all is not None
    assert [message.text for message in after_all.messages] == ["Switch it on.", "It is on."]


# --- due times ---------------------------------------------------------------------------------------------------


def test_an_answer_is_due_by_tier_and_priority_in_opening_hours(open_desk: Open) -> None:
    desk = open_desk(TIMES)
    ticket = desk.send()
    assert ticket.due == datetime.fromisoformat("2026-11-23T17:00+00:00")  # a Saturday's ticket, all of Monday
    for priority, due in zip(PRIORITIES, ("24T17:00", "23T17:00", "23T13:00", "23T11:00"), strict=True):
        desk.change(ticket, priority=priority)
        assert desk.now(ticket).due == datetime.fromisoformat(f"2026-11-{due}+00:00")
    desk.change(ticket, tier=3, reason="Hard.")
    assert desk.now(ticket).due == datetime.fromisoformat("2026-11-24T11:00+00:00")  # a quarter of 40 hours


def test_nothing_is_due_once_answered_and_a_new_message_starts_the_time_anew(desk: Desk) -> None:
    ticket = desk.send()
    desk.inbox.say(ticket.id, "requester", "Anybody there?", after(hours=3))
    assert desk.now(ticket).due == after(hours=8)  # who asks again waits no longer for it
    desk.inbox.say(ticket.id, "agent", "Switch it on.", after(hours=4), KIM)
    assert desk.now(ticket).due is None
    assert desk.inbox.judge(ticket.id, "refused", "It is on.", after(hours=30))
    assert desk.now(ticket).due == after(hours=38)
    desk.inbox.close(ticket.id, after(hours=31), KIM)
    assert (desk.now(ticket).due, desk.work(ticket).history[-1].who) == (None, KIM)


def test_on_hold_the_time_stands_still_and_an_overdue_ticket_stays_as_overdue(desk: Desk) -> None:
    ticket = desk.send()
    desk.change(ticket, after(hours=3), state="on_hold")
    assert desk.now(ticket).due is None
    desk.change(ticket, after(hours=50), state="received")
    assert desk.now(ticket).due == after(hours=55)
    desk.change(ticket, after(hours=57), state="on_hold")
    desk.inbox.say(ticket.id, "requester", "And now?", after(hours=80))
    assert desk.now(ticket).due == after(hours=78)
