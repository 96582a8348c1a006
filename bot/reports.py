"""Deflection, counted honestly: three rates, each with its denominator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.events import EventStore, last_word

_NO_TICKET_WITHIN = timedelta(hours=24)
_RETURNS_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Deflection:
    """Counts of questions that were shown an article. An opening of an article alone counts nowhere.

    What agents ask counts nowhere either: they send no tickets, whatever they find.

    `confirmed`: the last word of the person was that it solved it. `assumed`: an answer was shown, at least 24 hours
    ago, the person did not say that it failed, and no ticket followed within 24 hours. `returned`: of either of these,
    those a ticket followed within 7 days. A ticket follows a question if it names it or comes from its session.
    """

    shown: int
    answered_a_day_ago: int
    confirmed: int
    assumed: int
    returned: int

    @property
    def rates(self) -> dict[str, tuple[float | None, int]]:
        """Each rate, 0 to 1, with its denominator; None where the denominator is 0."""
        either = self.confirmed + self.assumed
        parts = {
            "confirmed": (self.confirmed, self.shown),
            "assumed": (self.assumed, self.answered_a_day_ago),
            "returned": (self.returned, either),
        }
        return {name: (count / of if of else None, of) for name, (count, of) in parts.items()}


def deflection(events: EventStore, *, now: datetime, since: datetime | None = None) -> Deflection:
    """Counts over the questions asked since `since` (all, if None). A question is confirmed or assumed, never both."""
    asked = events.questions(since=since)
    outcomes = events.outcomes([question.id for question in asked])
    tickets: dict[tuple[str, str], list[datetime]] = {}
    for ticket in events.sent_tickets():
        tickets.setdefault(("question", ticket.question_id), []).append(ticket.at)
        if ticket.session:
            tickets.setdefault(("session", ticket.session), []).append(ticket.at)
    shown = answered = confirmed = assumed = returned = 0
    for question in asked:
        if not question.shown or question.channel == "agent":
            continue
        shown += 1
        following = [*tickets.get(("question", question.id), ()), *tickets.get(("session", question.session), ())]
        sent = [at - question.at for at in following if at >= question.at]
        said = last_word(outcomes.get(question.id, ()))
        solved = said == "solved"
        old = question.decision == "answer" and now - question.at >= _NO_TICKET_WITHIN
        answered += old
        left = old and said is None and not any(after < _NO_TICKET_WITHIN for after in sent)
        confirmed += solved
        assumed += left
        returned += (solved or left) and any(after < _RETURNS_WITHIN for after in sent)
    return Deflection(shown, answered, confirmed, assumed, returned)
