"""A learned question: an article is known to have answered it. Who said so, and whether that counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

from rapidfuzz import fuzz, process

from bot import privacy
from bot.errors import LearnedRemoved
from bot.models import MAX_QUESTION
from kb.analysis import fold, words
from kb.learned import MAX_CHARACTERS, LearnedQuestion

Source = Literal["agent", "imported", "end_user"]
Status = Literal["active", "pending", "removed"]
#: The most trusted first.
SOURCES: tuple[Source, ...] = get_args(Source)
STATUSES: tuple[Status, ...] = get_args(Status)
TRUST: Mapping[Source, float] = {"agent": 1.0, "imported": 0.8, "end_user": 0.5}

#: One person may be mistaken, and may click a thousand times: this many sessions have to say the same.
ENOUGH_SESSIONS = 3
#: Wordings this near (rapidfuzz `token_set_ratio` of folded words, 0 to 100) are one question, if they lead to the same
#: article and the shorter has at least half the words: by the ratio alone, "password" equals all that contain it.
NEAR_SAME = 80.0
_COMPARED_CHARACTERS = 600
#: Of more than this many of one kind, the first tickets and rows and the last sessions are kept.
_MOST_TRACES = 50


@dataclass(frozen=True, slots=True)
class Trace:
    """Who said that an article answered a question, and where to look it up.

    `origin` is the id of a ticket (agent), of a row in `file` (imported) or of a question (end_user). Only an end user
    can say that the article did not solve it.
    """

    source: Source
    origin: str
    at: datetime
    file: str = ""
    session: str = ""
    solved: bool = True


@dataclass(frozen=True, slots=True)
class Lesson:
    """What somebody said of one question and one article (its id); the text as it was written."""

    article: str
    text: str
    body: str
    lang: str
    trace: Trace


@dataclass(frozen=True, slots=True)
class Learned:
    """A question and the article that answered it, with all that is known about it. Personal data is masked.

    `at` is when it was first said. One that an author `removed` stays removed, whoever says it again.
    """

    id: str
    article: str
    text: str
    body: str
    lang: str
    at: datetime
    traces: tuple[Trace, ...]
    accepted: bool = False
    removed: bool = False

    @classmethod
    def of(cls, lesson: Lesson) -> Learned:
        """A new one. Texts are masked first and then cut to what a search reads of them."""
        text = privacy.to_keep(lesson.text).strip()[:MAX_QUESTION]
        body = privacy.to_keep(lesson.body).strip()[:MAX_CHARACTERS]
        named = json.dumps([lesson.article, *(" ".join(fold(part).split()) for part in (text, body))])
        learned_id = hashlib.sha256(named.encode()).hexdigest()[:16]
        return cls(learned_id, lesson.article, text, body, lesson.lang, lesson.trace.at, (lesson.trace,))

    @property
    def source(self) -> Source:
        """The most trusted of those who said it."""
        said = {trace.source for trace in self.traces}
        return next(source for source in SOURCES if source in said)

    @property
    def confirmed(self) -> int:
        """How many sessions said that it solved it."""
        return sum(1 for trace in self.traces if trace.session and trace.solved)

    @property
    def rejected(self) -> int:
        """How many sessions said that it did not."""
        return sum(1 for trace in self.traces if trace.session and not trace.solved)

    @property
    def status(self) -> Status:
        if self.removed:
            return "removed"
        if self.accepted or self.source != "end_user":
            return "active"
        taken_back = self.rejected >= max(ENOUGH_SESSIONS, self.confirmed)
        return "active" if self.confirmed >= ENOUGH_SESSIONS and not taken_back else "pending"

    @property
    def question(self) -> LearnedQuestion | None:
        """What it is to a search; None where it does not count."""
        if self.status != "active":
            return None
        return LearnedQuestion(self.id, self.article, self.text, self.body, TRUST[self.source])

    @property
    def wording(self) -> str:
        """The words by which near-same questions are told."""
        return " ".join(words(fold(f"{self.text}\n{self.body}"[:_COMPARED_CHARACTERS])))

    def with_trace(self, trace: Trace) -> Learned:
        """With what somebody said added; the same said again changes nothing, and a session's last word counts."""
        if trace.source == "end_user":
            before = [t for t in self.traces if t.source == "end_user" and t.session == trace.session]
            if any(t.solved == trace.solved for t in before):
                return self
            others = [t for t in self.traces if t.source == "end_user" and t not in before][1 - _MOST_TRACES :]
            kept = tuple(t for t in self.traces if t.source != "end_user" or t in others)
            return replace(self, traces=(*kept, trace))
        same = [t for t in self.traces if t.source == trace.source]
        if len(same) >= _MOST_TRACES or any((t.file, t.origin) == (trace.file, trace.origin) for t in same):
            return self
        return replace(self, traces=(*self.traces, trace))

    def without(self, ticket_id: str) -> Learned:
        """Without what agents said of a ticket; its traces may be empty then. A removed one stays as it is."""
        kept = tuple(t for t in self.traces if (t.source, t.origin) != ("agent", ticket_id))
        return self if self.removed else replace(self, traces=kept)

    def with_acceptance(self) -> Learned:
        """With an author's agreement. Raises LearnedRemoved."""
        if self.removed:
            raise LearnedRemoved(f"The learned question {self.id!r} was removed. Restore it first.")
        return replace(self, accepted=True)


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of lessons: `new` ones count now and did not before, `known` ones did, `removed` ones stay so."""

    new: int
    known: int
    removed: int


def take(said: Iterable[Learned], rows: dict[str, Learned]) -> Counts:
    """Adds what was said, one trace each, to `rows`, which holds those of them that were known before, by id."""
    new = known = removed = 0
    for row in said:
        before = rows.get(row.id)
        rows[row.id] = before.with_trace(row.traces[0]) if before else row
        removed += before is not None and before.removed
        known += before is not None and before.question is not None
        new += before is None or before.status == "pending"
    return Counts(new, known, removed)


def nearest(said: Learned, wordings: Mapping[str, str]) -> str:
    """The id of the question that is the same or nearly so; "" where none is. `wordings` are an article's, by id."""
    if said.id in wordings:
        return said.id
    wording = said.wording
    length = len(wording.split())
    near = {
        learned_id: other for learned_id, other in wordings.items() if length <= 2 * len(other.split()) <= 4 * length
    }
    found = process.extractOne(wording, near, scorer=fuzz.token_set_ratio, score_cutoff=NEAR_SAME) if wording else None
    return found[2] if found else ""
