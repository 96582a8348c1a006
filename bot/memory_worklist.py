"""A worklist over tickets in memory: the fake of the `Worklist` seam."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime

from bot.memory_inbox import MemoryInbox
from bot.models import Ticket, TicketMessage, Who
from bot.response_times import ResponseTimes
from bot.ticket_rows import NEVER, RANKS
from bot.work import Changes, Event, Work, changed, check_revision, moved, undone
from bot.worklist import MAX_SEARCH, OPEN, Counts, Listing, Order, Row, Wanted


class MemoryWorklist:
    """A fake for tests: lists, over the tickets of a MemoryInbox."""

    def __init__(self, inbox: MemoryInbox, times: ResponseTimes | None = None) -> None:
        self._inbox, self._times = inbox, times or ResponseTimes()
        self._notes: dict[str, tuple[TicketMessage, ...]] = {}
        self._lock = threading.Lock()

    def find(self, wanted: Wanted, now: datetime, order: Order = "due", *, limit: int = 50, offset: int = 0) -> Listing:
        found = [ticket for ticket in self._inbox.tickets() if self._fits(ticket, wanted, now)]
        if order == "due":
            found.sort(key=lambda ticket: (ticket.due or NEVER, ticket.number))
        elif order == "changed":
            found.sort(key=lambda ticket: (ticket.changed or ticket.at, ticket.number), reverse=True)
        elif order == "priority":
            found.sort(key=lambda ticket: (RANKS[ticket.priority], ticket.due or NEVER, ticket.number))
        return Listing(len(found), tuple(_row(ticket) for ticket in found[offset : offset + limit]))

    def counts(self, me: str, now: datetime) -> Counts:
        tickets = self._inbox.tickets()
        still = [ticket for ticket in tickets if ticket.state in OPEN]
        return Counts(
            mine=sum(bool(me) and ticket.assignee.id == me for ticket in still),
            unassigned=sum(not ticket.assignee.id for ticket in still),
            open=len(still),
            overdue=sum((ticket.due or NEVER) < now for ticket in still),
            waiting=sum(ticket.state == "answered" for ticket in still),
            on_hold=sum(ticket.state == "on_hold" for ticket in still),
            solved=len(tickets) - len(still),
        )

    def work(self, number: int) -> Work | None:
        ticket = next((ticket for ticket in self._inbox.tickets() if ticket.number == number), None)
        return self._work(ticket) if ticket else None

    def number(self, ticket_id: str) -> int | None:
        ticket = self._inbox.ticket(ticket_id)
        return ticket.number if ticket else None

    def assignees(self) -> Sequence[Who]:
        names = {ticket.assignee for ticket in self._inbox.tickets() if ticket.state in OPEN and ticket.assignee.id}
        return sorted(names, key=lambda who: (who.name.casefold(), who.id))

    def change(
        self, ticket_id: str, changes: Changes, who: Who, at: datetime, *, revision: int | None = None
    ) -> tuple[Event, ...]:
        with self._lock:
            ticket = self._inbox.ticket(ticket_id)
            if ticket is None:
                return ()
            check_revision(ticket, revision, self._inbox.history(ticket_id))
            after, events = changed(ticket, changes, who, at, self._times)
            self._inbox.keep(after, events)
            return events

    def note(self, ticket_id: str, text: str, name: str, who: Who, at: datetime) -> None:
        with self._lock:
            ticket, notes = self._inbox.ticket(ticket_id), self._notes.get(ticket_id, ())
            if ticket is None or (notes and (notes[-1].text, notes[-1].name) == (text, name)):
                return
            self._notes[ticket_id] = (*notes, TicketMessage(at, "agent", text, name=name, internal=True))
            self._inbox.keep(moved(ticket, at), [Event(at, who, "note")])

    def undo(self, ticket_id: str, who: Who, at: datetime, *, revision: int | None = None) -> tuple[Event, ...]:
        with self._lock:
            ticket = self._inbox.ticket(ticket_id)
            if ticket is None:
                return ()
            work = self._work(ticket)
            check_revision(ticket, revision, work.history)
            after, events = undone(work, who, at, self._times)
            self._inbox.keep(after, events)
            return events

    def _work(self, ticket: Ticket) -> Work:
        return Work(ticket, self._notes.get(ticket.id, ()), self._inbox.history(ticket.id))

    def _fits(self, ticket: Ticket, wanted: Wanted, now: datetime) -> bool:
        text = wanted.text.strip()[:MAX_SEARCH].casefold()
        said = [*ticket.messages, *self._notes.get(ticket.id, ())]
        words = (ticket.subject, ticket.body, ticket.email, *(message.text for message in said))
        same = (
            (wanted.priority, ticket.priority),
            (wanted.tier, ticket.tier),
            (wanted.department, ticket.department),
            (wanted.topic, ticket.topic),
            (wanted.lang, ticket.lang),
            (wanted.email, ticket.email),
        )
        return (
            (not wanted.states or ticket.state in wanted.states)
            and (wanted.assignee is None or ticket.assignee.id == wanted.assignee)
            and all(not want or want == has for want, has in same)
            and (not wanted.overdue or (ticket.due or NEVER) < now)
            and (wanted.since is None or ticket.at >= wanted.since)
            and (text.removeprefix("#") == str(ticket.number) or any(text in word.casefold() for word in words))
        )


def _row(ticket: Ticket) -> Row:
    return Row(
        id=ticket.id,
        number=ticket.number,
        at=ticket.at,
        subject=ticket.subject,
        email=ticket.email,
        lang=ticket.lang,
        topic=ticket.topic,
        department=ticket.department,
        state=ticket.state,
        priority=ticket.priority,
        tier=ticket.tier,
        assignee=ticket.assignee,
        due=ticket.due,
        changed=ticket.changed or ticket.at,
        revision=ticket.revision,
    )
