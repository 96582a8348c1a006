"""By when a ticket is to be answered: hours a tier, more or less of them by priority, while the desk is open."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.hours import Hours
from bot.models import STOPPED, Clock, Priority, Ticket, TicketState, Tier

#: How much of a tier's hours each priority has.
SHARES: dict[Priority, float] = {"low": 2.0, "normal": 1.0, "high": 0.5, "urgent": 0.25}


@dataclass(frozen=True, slots=True)
class ResponseTimes:
    """`tier_hours` are the opening hours within which tier 1, 2 and 3 answer a ticket of normal priority.

    They count from when the requester began to wait: who escalates a ticket late has not gained time.
    """

    tier_hours: tuple[int, int, int] = (8, 16, 40)
    hours: Hours = field(default_factory=Hours)

    def allowed(self, tier: Tier, priority: Priority) -> timedelta:
        return timedelta(hours=self.tier_hours[tier - 1] * SHARES[priority])

    def due(self, clock: Clock, tier: Tier, priority: Priority) -> datetime | None:
        """When the answer is due; None while nobody waits for one, or where the desk never opens again.

        A ticket that was overdue before it was put on hold is as much overdue afterwards.
        """
        if clock.since is None:
            return None
        left = self.allowed(tier, priority) - clock.spent
        return clock.since + left if left < timedelta() else self.hours.after(clock.since, left)

    def timed(self, ticket: Ticket, state: TicketState, at: datetime) -> Ticket:
        """The ticket in a state that begins at `at`, with the clock that belongs to it."""
        clock = ticket.clock
        if state in ("answered", "solved"):
            clock = STOPPED
        elif state == "on_hold":
            clock = self._stopped(clock, at)
        elif clock.since is None:  # a second message of somebody who waits gives the desk no more time
            clock = Clock(at, clock.spent)
        return self.with_due(replace(ticket, state=state, clock=clock))

    def with_due(self, ticket: Ticket) -> Ticket:
        return replace(ticket, due=self.due(ticket.clock, ticket.tier, ticket.priority))

    def _stopped(self, clock: Clock, at: datetime) -> Clock:
        if clock.since is None:
            return clock
        passed = self.hours.between(clock.since, at)
        return Clock(None, timedelta(seconds=round((clock.spent + passed).total_seconds())))
