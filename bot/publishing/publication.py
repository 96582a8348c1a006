"""One attempt to publish, and what came of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from bot.errors import Message

How = Literal["pull", "webhook", "page", "index", "rollback"]
State = Literal["waiting", "running", "published", "unchanged", "refused", "failed"]
Stage = Literal["", "fetching", "checking", "building", "testing", "switching"]
#: What articles may have to pass: the check of their files, and the test of their questions.
Gate = Literal["check", "test"]
Severity = Literal["error", "warning"]
GATES: tuple[Gate, ...] = get_args(Gate)
STATES: tuple[State, ...] = get_args(State)
#: Those that are over.
ENDED: tuple[State, ...] = ("published", "unchanged", "refused", "failed")
#: Findings that are kept of one publication; more are only counted.
MOST_FINDINGS = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a file of the articles: where, what, how to mend it; in English, as `firstline check` says it.

    `rule` names what was looked for. `line` is 0 where it is about the whole file. `audiences` are those of all the
    articles it speaks of: who may not read one of these is not shown it.
    """

    path: str
    line: int
    rule: str
    severity: Severity
    message: str
    fix: str = ""
    audiences: tuple[str, ...] = ()

    def readable_by(self, audiences: Collection[str]) -> bool:
        return set(self.audiences) <= set(audiences)

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.severity}: {self.message}{f' {self.fix}' if self.fix else ''}"


@dataclass(frozen=True, slots=True)
class Publication:
    """An attempt to publish. `id` is 0 until it is kept; a higher one was asked for later.

    `who` is a person's name, "" where nobody signed in asked for it. `commit` is "" where that is not known,
    `made_with` a hash of the settings and the code it was made with. `snapshot` is what was made, `before` the one in
    use until then ("" for none). `again` says that what was taken back may be published again. `counts` are numbers of
    articles, skipped files, passages and texts that were embedded, and seconds. `output` is what a process that broke
    off wrote last.
    """

    id: int
    how: How
    asked: datetime
    who: str = ""
    state: State = "waiting"
    began: datetime | None = None
    ended: datetime | None = None
    stage: Stage = ""
    done: int = 0
    total: int = 0
    again: bool = False
    branch: str = ""
    commit: str = ""
    subject: str = ""
    made_with: str = ""
    snapshot: str = ""
    before: str = ""
    counts: Mapping[str, float] = field(default_factory=dict)
    reason: Message | None = None
    findings: tuple[Finding, ...] = ()
    found: int = 0
    output: str = ""

    @property
    def over(self) -> bool:
        return self.state in ENDED

    @property
    def in_vain(self) -> bool:
        """Whether something has to be mended before what was asked for is published."""
        return self.state in ("refused", "failed")

    def repeats(self, other: Publication) -> bool:
        """Whether it came to the same end as another one, of what was the same then."""
        mine, others = (
            (
                row.how,
                row.who,
                row.state,
                row.commit,
                row.made_with,
                row.snapshot,
                row.before,
                row.found,
                str(row.reason),
            )
            for row in (self, other)
        )
        return mine == others and self.findings == other.findings

    @property
    def short(self) -> str:
        """The commit as people write it."""
        return self.commit[:10]

    def __repr__(self) -> str:
        return f"<Publication {self.id} by {self.how}: {self.state}>"  # no name in a log


@dataclass(frozen=True, slots=True)
class Publications:
    """One page of a list, and how many there are in all."""

    total: int
    rows: tuple[Publication, ...]
