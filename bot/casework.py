"""What agents do at the desk: read a ticket, take it, answer it, pass it on, put it away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import privacy, tickets
from bot.errors import TicketUnknown
from bot.inbox import Inbox
from bot.models import Who
from bot.people import Caller
from bot.work import Changes, Event, Work, check
from bot.worklist import Worklist


@dataclass(frozen=True, slots=True)
class Casework:
    """The agents' side of the desk. What they say to requesters goes through the inbox like everything said to them."""

    worklist: Worklist
    inbox: Inbox
    now: Callable[[], datetime]

    def read(self, number: int) -> Work:
        """Raises TicketUnknown or StoreUnavailable."""
        if number >= 2**31 or (work := self.worklist.work(number)) is None:  # larger than any column of numbers
            raise TicketUnknown(f"There is no ticket with the number {number}.")
        return work

    def read_by_id(self, ticket_id: str) -> Work:
        """Raises TicketUnknown or StoreUnavailable."""
        return self.read(self._number(ticket_id))

    def change(
        self, ticket_id: str, changes: Changes, caller: Caller, revision: int | None = None
    ) -> tuple[Event, ...]:
        """What became different. Raises TicketUnknown, TicketInvalid, TicketChanged or StoreUnavailable."""
        self._number(ticket_id)
        return self.worklist.change(ticket_id, changes, who(caller), self.now(), revision=revision)

    def change_all(self, ticket_ids: Sequence[str], changes: Changes, caller: Caller) -> int:
        """How many tickets became different; those that are gone are passed over. Raises as `change`."""
        check(changes)
        at = self.now()
        return sum(bool(self.worklist.change(ticket_id, changes, who(caller), at)) for ticket_id in ticket_ids)

    def reply(self, ticket_id: str, text: str, caller: Caller, revision: int | None = None) -> None:
        """Answers the requester. Raises TicketUnknown, TicketInvalid, TicketChanged or StoreUnavailable.

        The requester is told the agent's first name, and nothing else of them.
        """
        self._number(ticket_id)
        said = tickets.message(privacy.printable(text))
        self.inbox.say(ticket_id, "agent", said, self.now(), who(caller), name=caller.name, revision=revision)

    def note(self, ticket_id: str, text: str, caller: Caller) -> None:
        """Keeps words among agents. Raises TicketUnknown, TicketInvalid or StoreUnavailable."""
        self._number(ticket_id)
        words = tickets.message(privacy.printable(text))
        self.worklist.note(ticket_id, words, who(caller).name, who(caller), self.now())

    def undo(self, ticket_id: str, caller: Caller, revision: int | None = None) -> tuple[Event, ...]:
        """Takes the last change back.

        Raises TicketUnknown, NothingToUndo, TicketChanged or StoreUnavailable.
        """
        self._number(ticket_id)
        return self.worklist.undo(ticket_id, who(caller), self.now(), revision=revision)

    def _number(self, ticket_id: str) -> int:
        if (number := self.worklist.number(ticket_id)) is None:
            raise TicketUnknown(f"There is no ticket with the id {ticket_id!r}.")
        return number


def who(caller: Caller) -> Who:
    """The caller as tickets name them: by their address where nobody gave a name."""
    return Who(caller.id, caller.name or caller.email)
