"""Questions that went without an answer: what the authors have to close."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from bot.events import EventStore, last_word
from bot.models import OutcomeName, RecordedQuestion
from kb.analysis import fold

GapKind = Literal["unanswered", "rejected", "ticket"]
GAP_KINDS: tuple[GapKind, ...] = get_args(GapKind)


@dataclass(frozen=True, slots=True)
class Gap:
    """One question, in the words of the person who asked it last, and how often it was asked in these words.

    `kinds`: no article was found ("unanswered"), those shown did not help ("rejected"), a ticket followed ("ticket").
    `shown` are the ids of the articles that were shown and did not do.
    """

    text: str
    count: int
    last: datetime
    kinds: frozenset[GapKind]
    langs: tuple[str, ...]
    shown: tuple[str, ...]
    question_ids: tuple[str, ...]


def gaps(
    events: EventStore,
    *,
    since: datetime | None = None,
    kind: GapKind | None = None,
    lang: str | None = None,
    containing: str = "",
) -> list[Gap]:
    """Gaps, the most asked first, then the newest; same words up to case and accents are one gap."""
    asked = events.questions(since=since)
    outcomes = events.outcomes([question.id for question in asked])
    ticketed = {ticket.question_id for ticket in events.sent_tickets()}
    sought = _words(containing)
    groups: dict[str, list[tuple[RecordedQuestion, frozenset[GapKind]]]] = {}
    for question in asked:
        kinds = _kinds(question, last_word(outcomes.get(question.id, ())), ticketed)
        if not kinds or (kind and kind not in kinds) or (lang and question.lang != lang):
            continue
        words = _words(question.text)
        if sought in words:
            groups.setdefault(words, []).append((question, kinds))
    return sorted(map(_gap, groups.values()), key=lambda gap: (-gap.count, -gap.last.timestamp(), gap.text))


def _words(text: str) -> str:
    return " ".join(fold(text).split())


def _kinds(question: RecordedQuestion, said: OutcomeName | None, ticketed: set[str]) -> frozenset[GapKind]:
    kinds: set[GapKind] = set()
    if question.decision == "unanswered":
        kinds.add("unanswered")
    if said == "not_solved":
        kinds.add("rejected")
    if question.id in ticketed:
        kinds.add("ticket")
    return frozenset(kinds)


def _gap(rows: Sequence[tuple[RecordedQuestion, frozenset[GapKind]]]) -> Gap:
    newest = rows[-1][0]
    return Gap(
        text=newest.text,
        count=len(rows),
        last=newest.at,
        kinds=frozenset().union(*(kinds for _, kinds in rows)),
        langs=tuple(sorted({question.lang for question, _ in rows if question.lang})),
        shown=tuple(dict.fromkeys(article for question, _ in rows for article in question.shown)),
        question_ids=tuple(question.id for question, _ in rows),
    )
