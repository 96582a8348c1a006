"""What is counted of questions and tickets, and how: the definitions behind every number of the reports. Pure.

docs/reports.md says the same in words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.models import Outcome, OutcomeName, SentTicket
from bot.reports.changes import RETURNS_WITHIN
from bot.reports.days import Days

#: Grows whenever a definition changes; all is then counted again.
VERSION = 2
NO_TICKET_WITHIN = timedelta(hours=24)
#: What agents ask: they send no tickets, whatever they find.
AGENTS = "agent"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a count needs to know of a question. `shown` and `further` are article ids, best first."""

    id: str
    at: datetime
    lang: str
    channel: str
    session: str
    decision: str
    shown: tuple[str, ...]
    further: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """What a count needs to know of a ticket.

    `channel` is that of the question it names, "" without one and where an agent asked it.
    """

    at: datetime
    lang: str
    channel: str
    topic: str
    department: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a question. `said` is the person's last word on it, None where there is none."""

    said: OutcomeName | None
    ticket_in_a_day: bool
    ticket_in_a_week: bool

    @property
    def confirmed(self) -> bool:
        return self.said == "solved"

    def assumed(self, decision: str) -> bool:
        """Whether it may be assumed that the answer did, once a day has passed."""
        return decision == "answer" and self.said is None and not self.ticket_in_a_day


class Following:
    """Which tickets follow a question: those that name it or come from its session, not before it."""

    def __init__(self, tickets: Iterable[SentTicket]) -> None:
        self._at: dict[tuple[str, str], list[datetime]] = {}
        for ticket in tickets:
            if ticket.question_id:
                self._at.setdefault(("question", ticket.question_id), []).append(ticket.at)
            if ticket.session:
                self._at.setdefault(("session", ticket.session), []).append(ticket.at)

    def fate(self, asked: Asked) -> Fate:
        sent = [*self._at.get(("question", asked.id), ()), *self._at.get(("session", asked.session), ())]
        waits = [at - asked.at for at in sent if at >= asked.at]
        said = [outcome.outcome for outcome in asked.outcomes if outcome.outcome != "opened"]
        return Fate(
            said=said[-1] if said else None,
            ticket_in_a_day=any(wait < NO_TICKET_WITHIN for wait in waits),
            ticket_in_a_week=any(wait < RETURNS_WITHIN for wait in waits),
        )


#: (when the hour began, language, channel)
HourKey = tuple[datetime, str, str]


@dataclass(slots=True)
class Counts:
    """What a stretch of time comes to: by hour, by article, by the article shown first, and by what tickets say."""

    hours: defaultdict[HourKey, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    articles: defaultdict[tuple[str, date], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    subjects: Counter[tuple[date, str, str, str]] = field(default_factory=Counter)
    tickets: Counter[tuple[date, str, str, str, str]] = field(default_factory=Counter)

    @classmethod
    def of(cls, days: Days, questions: Iterable[Asked], following: Following, sent: Iterable[Sent]) -> Counts:
        counts = cls()
        for asked in questions:
            counts._ask(days, asked, following.fate(asked))
        for ticket in sent:
            counts._hour(days, ticket.at, ticket.lang, ticket.channel)["tickets"] += 1
            counts.tickets[days.of(ticket.at), ticket.topic, ticket.department, ticket.lang, ticket.channel] += 1
        return counts

    def _ask(self, days: Days, asked: Asked, fate: Fate) -> None:
        hour = self._hour(days, asked.at, asked.lang, asked.channel)
        hour["questions"] += 1
        hour["unanswered"] += asked.decision == "unanswered"
        day = days.of(asked.at)
        self.subjects[day, asked.shown[0] if asked.shown else "", asked.lang, asked.channel] += 1
        for article in dict.fromkeys((*asked.shown, *asked.further)):
            self.articles[article, day]["found"] += 1
        if asked.channel == AGENTS:
            return
        for article, said in words_on(asked).items():
            self.articles[article, day].update(said)
        if not asked.shown:
            return
        assumed = fate.assumed(asked.decision)
        hour["shown"] += 1
        hour["answered"] += asked.decision == "answer"
        hour["confirmed"] += fate.confirmed
        hour["confirmed_returned"] += fate.confirmed and fate.ticket_in_a_week
        hour["assumed"] += assumed
        hour["assumed_returned"] += assumed and fate.ticket_in_a_week
        for article in dict.fromkeys(asked.shown):
            self.articles[article, day]["shown"] += 1
            self.articles[article, day]["ticketed"] += fate.ticket_in_a_day

    def _hour(self, days: Days, at: datetime, lang: str, channel: str) -> Counter[str]:
        return self.hours[days.hour(at), lang, channel]


def words_on(asked: Asked) -> Mapping[str, Sequence[str]]:
    """What one person did with each article of a question: "opened", and their last word, "solved" or "rejected".

    Who names no article means the answer. What was not listed cannot be judged.
    """
    answer = asked.shown[0] if asked.decision == "answer" and asked.shown else ""
    opened: set[str] = set()
    last: dict[str, str] = {}
    for outcome in asked.outcomes:
        article = outcome.article_id or answer
        if article not in asked.shown and article not in asked.further:
            continue
        if outcome.outcome == "opened":
            opened.add(article)
        else:
            last[article] = "solved" if outcome.outcome == "solved" else "rejected"
    return {
        article: [*(["opened"] if article in opened else []), *([last[article]] if article in last else [])]
        for article in dict.fromkeys((*opened, *last))
    }
