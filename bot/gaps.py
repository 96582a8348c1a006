"""Questions that went without an answer: what the authors have to close."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from bot.events import EventStore
from bot.models import RecordedQuestion
from kb.analysis import fold

GapKind = Literal["unanswered", "rejected", "ticket"]
GAP_KINDS: tuple[GapKind, ...] = get_args(GapKind)


@dataclass(frozen=True, slots=True)
class Gap:
    """One question, in the words of the person who asked it last, and how often it was asked in these words.

    `kinds`: it found no article ("unanswered"), its articles did not help ("rejected"), or a ticket followed ("ticket").
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
    ticketed = {question_id for rows in events.ticket_times().values() for _, question_id in rows}
    groups: dict[str, list[tuple[RecordedQuestion, frozenset[GapKind]]]] = {}
    for question in asked:
        kinds = _kinds(question, [outcome.outcome for _, outcome in outcomes.get(question.id, ())], ticketed)
        if not kinds or (kind and kind not in kinds) or (lang and question.lang != lang):
            continue
        words = " ".join(fold(question.text).split())
        if fold(containing) in words:
            groups.setdefault(words, []).append((question, kinds))
    return sorted(map(_gap, groups.values()), key=lambda gap: (-gap.count, -gap.last.timestamp(), gap.text))


def _kinds(question: RecordedQuestion, outcomes: list[str], ticketed: set[str]) -> frozenset[GapKind]:
    kinds: set[GapKind] = set()
    if question.decision == "unanswered":
        kinds.add("unanswered")
    if outcomes and "not_solved" in outcomes and outcomes[-1] != "solved":
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
