"""What agents do with a ticket, as values: changes, their history, and how a change can be taken back. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, cast

from bot.errors import Message, NothingToUndo, TicketChanged, TicketInvalid
from bot.models import (
    MAX_REASON,
    NOBODY,
    PRIORITIES,
    STOPPED,
    TICKET_STATES,
    TIERS,
    Author,
    Clock,
    Priority,
    Ticket,
    TicketMessage,
    TicketState,
    Tier,
    Who,
)
from bot.response_times import ResponseTimes

What = Literal["state", "assignee", "priority", "tier", "reply", "note", "message", "verdict"]
#: What of it an agent can take back.
_UNDOABLE = ("state", "assignee", "priority", "tier")
#: What of it somebody outside of the desk said or read.
_SPOKEN = ("reply", "message", "verdict")


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change of a ticket; None leaves it as it is. `assignee` NOBODY takes it away. A tier needs a reason."""

    state: TicketState | None = None
    assignee: Who | None = None
    priority: Priority | None = None
    tier: Tier | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a ticket. `who` is NOBODY for its requester; `old` and `new` are as stored, of an
    assignee the names. `old_id` and `clock` are what was before, to go back to.
    """

    at: datetime
    who: Who
    what: What
    old: str = ""
    new: str = ""
    reason: str = ""
    old_id: str = ""
    clock: Clock = STOPPED


@dataclass(frozen=True, slots=True)
class Work:
    """A ticket as agents read it: with their notes and its history, both in order of time."""

    ticket: Ticket
    notes: tuple[TicketMessage, ...]
    history: tuple[Event, ...]

    @property
    def undoable(self) -> Event | None:
        """The last change, where it can be taken back: nothing was said to or by the requester since."""
        last = next((event for event in reversed(self.history) if event.what != "note"), None)
        return last if last and last.what in _UNDOABLE else None


def check(changes: Changes, ticket: Ticket | None = None) -> None:
    """Raises TicketInvalid that names each field to mend."""
    fields: dict[str, Message] = {}
    if changes.state == "answered":
        fields["state"] = Message("To answer a ticket, write a reply.")
    if changes.tier and (ticket is None or changes.tier != ticket.tier) and not changes.reason.strip():
        fields["reason"] = Message("Say in a few words why, so that whoever takes it need not ask again.")
    if len(changes.reason) > MAX_REASON:
        fields["reason"] = Message("Shorten the reason to %(limit)s characters or fewer.", limit=MAX_REASON)
    if fields:
        raise TicketInvalid(fields)


def check_revision(ticket: Ticket, revision: int | None, history: Sequence[Event], *, spoken: bool = False) -> None:
    """Raises TicketChanged where a ticket has moved on since `revision`; `spoken` minds only what was said."""
    if revision is None or revision >= (ticket.spoken if spoken else ticket.revision):
        return
    heard = (event for event in reversed(history) if not spoken or event.what in _SPOKEN)
    last = next(heard, None)
    raise TicketChanged(last.who.name if last else "")


def changed(
    ticket: Ticket, changes: Changes, who: Who, at: datetime, times: ResponseTimes
) -> tuple[Ticket, tuple[Event, ...]]:
    """The ticket after the changes, and what its history says of them; nothing where all is so already.

    Raises TicketInvalid.
    """
    check(changes, ticket)
    events: list[Event] = []
    after, reason = ticket, changes.reason.strip()

    def note(what: What, old: str, new: str, old_id: str = "") -> None:
        events.append(Event(at, who, what, old, new, reason, old_id, ticket.clock))

    if changes.assignee is not None and changes.assignee.id != ticket.assignee.id:
        note("assignee", ticket.assignee.name, changes.assignee.name, ticket.assignee.id)
        after = replace(after, assignee=changes.assignee)
    if changes.priority and changes.priority != ticket.priority:
        note("priority", ticket.priority, changes.priority)
        after = times.with_due(replace(after, priority=changes.priority))
    if changes.tier and changes.tier != ticket.tier:
        note("tier", str(ticket.tier), str(changes.tier))
        after = times.with_due(replace(after, tier=changes.tier))
    if changes.state and changes.state != ticket.state:
        note("state", ticket.state, changes.state)
        after = times.timed(after, changes.state, at)
    return (moved(after, at), tuple(events)) if events else (ticket, ())


def moved(ticket: Ticket, at: datetime, *, spoken: bool = False) -> Ticket:
    """The ticket with the next revision."""
    revision = ticket.revision + 1
    return replace(ticket, revision=revision, changed=at, spoken=revision if spoken else ticket.spoken)


def said(
    ticket: Ticket, author: Author, who: Who, at: datetime, times: ResponseTimes
) -> tuple[Ticket, tuple[Event, ...]]:
    """The ticket after a message of an agent, which answers it, or of its requester, which opens it.

    Who answers a ticket that nobody has takes it: the requester's next words are for them.
    """
    state: TicketState = "answered" if author == "agent" else "received"
    what: What = "reply" if author == "agent" else "message"
    event = Event(at, who, what, ticket.state, state, clock=ticket.clock)
    after = moved(times.timed(ticket, state, at), at, spoken=True)
    if author == "agent" and who.id and not ticket.assignee.id:
        taken = Event(at, who, "assignee", "", who.name, clock=ticket.clock)
        return replace(after, assignee=who), (taken, event)
    return after, (event,)


def judged(
    ticket: Ticket, verdict: Literal["accepted", "refused"], at: datetime, times: ResponseTimes
) -> tuple[Ticket, tuple[Event, ...]]:
    """The ticket after its requester accepted the answer, which solves it, or refused it, which opens it."""
    state: TicketState = "solved" if verdict == "accepted" else "received"
    event = Event(at, NOBODY, "verdict", ticket.state, state, clock=ticket.clock)
    return moved(times.timed(ticket, state, at), at, spoken=True), (event,)


def closed(ticket: Ticket, who: Who, at: datetime, times: ResponseTimes) -> tuple[Ticket, tuple[Event, ...]]:
    """The ticket solved, however it stood before."""
    return changed(ticket, Changes(state="solved"), who, at, times)


def undone(work: Work, who: Who, at: datetime, times: ResponseTimes) -> tuple[Ticket, tuple[Event, ...]]:
    """The ticket as it was before its last change. Raises NothingToUndo."""
    last, ticket = work.undoable, work.ticket
    if last is None:
        raise NothingToUndo(
            Message("The last thing that happened to this ticket cannot be taken back: the requester knows of it.")
        )
    back = Event(at, who, last.what, last.new, last.old, "", ticket.assignee.id, ticket.clock)
    if last.what == "assignee":
        after = replace(ticket, assignee=Who(last.old_id, last.old))
    elif last.what == "priority":
        after = times.with_due(replace(ticket, priority=cast(Priority, last.old)))
    elif last.what == "tier":
        after = times.with_due(replace(ticket, tier=cast(Tier, int(last.old))))
    else:
        after = times.with_due(replace(ticket, state=cast(TicketState, last.old), clock=last.clock))
    return moved(after, at), (back,)


def state(text: str) -> TicketState | None:
    """The state of this name, None where there is none; the same for the two below."""
    return next((one for one in TICKET_STATES if one == text), None)


def priority(text: str) -> Priority | None:
    return next((one for one in PRIORITIES if one == text), None)


def tier(text: str) -> Tier | None:
    return next((one for one in TIERS if str(one) == text), None)
