"""The values of gaps: questions that failed, what they were gathered into, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from kb.embedding import Vectors
from kb.learned import whole

GapKind = Literal["unanswered", "rejected", "ticket"]
GapState = Literal["open", "closed", "wont_do"]
#: Why the nearest article did not do: there is none, or none in the language of the gap; the right one was not found;
#: it was shown and did not help; or there is one, and most who asked wrote a ticket without having seen any.
Why = Literal["no_article", "language", "not_found", "rejected", "not_shown"]
What = Literal["close", "wont_do", "reopen", "take", "give_back", "answered", "again", "undo"]
Sort = Literal["saves", "asked", "new", "growth", "tickets"]
GAP_KINDS: tuple[GapKind, ...] = get_args(GapKind)
GAP_STATES: tuple[GapState, ...] = get_args(GapState)
SORTS: tuple[Sort, ...] = get_args(Sort)
#: What people do; the rest happens by itself.
BY_HAND: frozenset[What] = frozenset({"close", "wont_do", "reopen", "take", "give_back"})
#: What says who writes the article, and nothing of how the gap stands.
OF_WRITERS: frozenset[What] = frozenset({"take", "give_back"})


@dataclass(frozen=True, slots=True)
class Failure:
    """A question that nobody answered, or a ticket that came without one; personal data is masked.

    `unanswered`: no article was found; `rejected`: the person's last word was that it did not help; `ticketed`: a
    ticket followed, whose number is `ticket` (else 0). `solved_with` is the article an agent solved that one with.
    """

    key: str
    at: datetime
    text: str
    body: str = ""
    lang: str = ""
    channel: str = ""
    ticket: int = 0
    department: str = ""
    shown: tuple[str, ...] = ()
    solved_with: str = ""
    unanswered: bool = False
    rejected: bool = False
    ticketed: bool = False

    @property
    def full(self) -> str:
        return whole(self.text, self.body)

    @property
    def asked(self) -> bool:
        """Whether articles were looked for; a ticket may come without a question."""
        return self.channel != "ticket"

    @property
    def kinds(self) -> frozenset[GapKind]:
        said = zip(GAP_KINDS, (self.unanswered, self.rejected, self.ticketed), strict=True)
        return frozenset(kind for kind, is_so in said if is_so)

    def __repr__(self) -> str:
        return f"<Failure {self.key}>"  # nobody's words in a log


@dataclass(frozen=True, slots=True)
class Centre:
    """A gap as the grouping sees it: the sum of the vectors of `weight` questions, float32, and what read them."""

    id: str
    encoder: str
    vector: Vectors
    weight: int


@dataclass(frozen=True, slots=True)
class Wording:
    """A question of a gap as it was typed, masked, and how often it was asked in these words."""

    text: str
    count: int
    lang: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a gap stands, why, and who decided so when; `who` is "" where it happened by itself.

    `article` and `snapshot` are the id of the article that closed it, and of the snapshot that first had it. `writer`
    is who writes an article for it, "" for nobody, since `written_since` (for nobody: when it was given back).
    """

    state: GapState = "open"
    reason: str = ""
    article: str = ""
    snapshot: str = ""
    who: str = ""
    decided: datetime | None = None
    writer: str = ""
    written_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Questions of one meaning that failed. The counts are those of what a filter lets through.

    `name` is its most central question. `recent` and `before` count the last period and the one before it; `tickets`
    those that a ticket followed, and `saves` those of them in the last period: at most so many an answer would have
    saved. `nearest` is the id of the public article that `why` speaks of, "" where none is near.
    """

    id: str
    name: str
    lang: str
    standing: Standing
    count: int
    first: datetime
    last: datetime
    recent: int
    before: int
    tickets: int
    saves: int
    kinds: frozenset[GapKind]
    langs: tuple[str, ...]
    why: Why
    nearest: str
    wordings: tuple[Wording, ...] = ()

    @property
    def state(self) -> GapState:
        return self.standing.state

    def __repr__(self) -> str:
        return f"<Gap {self.id}, {self.count} questions, {self.state}>"


@dataclass(frozen=True, slots=True)
class Description:
    """What is said of a gap after its questions were read.

    `meaning` is a unit vector of its most central questions (float32) by the encoder `meaning_by`, that reads the most
    languages; None where it has no words.
    """

    name: str
    lang: str
    why: Why
    nearest: str
    wordings: tuple[Wording, ...]
    meaning: Vectors | None = field(default=None, compare=False)
    meaning_by: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a gap. `undone` where somebody took it back."""

    id: int
    at: datetime
    who: str
    what: What
    reason: str
    article: str
    before: Standing
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """Which gaps, of which questions: those since a time, of a kind, in a language, whose ticket went to a department;
    `words` stand in one of them. `writer` is who writes the article: "" for nobody, None for whoever.
    """

    state: GapState | None = "open"
    kind: GapKind | None = None
    lang: str = ""
    words: str = ""
    since: datetime | None = None
    sort: Sort = "saves"
    limit: int = 50
    offset: int = 0
    department: str = ""
    writer: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the gaps that fit; `total` and `asked` count all of them and their questions."""

    total: int
    asked: int
    rows: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """What an article said, as a hash, and since when."""

    hash: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Work:
    """How far the events were read, and what the articles were then."""

    revision: int = 0
    cursor: dict[str, str] = field(default_factory=dict)
    snapshot: str = ""
    articles: dict[str, Version] = field(default_factory=dict)
    #: How many questions gaps had when they were last gathered anew.
    anew: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the grouping, kept whole or not at all.

    `centres` are new or changed gaps, `joined` says which gap went into which other one; `homes` are failures with the
    gap each belongs to, `gone` the keys of what fails no more.
    """

    centres: tuple[Centre, ...] = ()
    joined: dict[str, str] = field(default_factory=dict)
    homes: tuple[tuple[Failure, str], ...] = ()
    gone: tuple[str, ...] = ()
    cursor: dict[str, str] | None = None
    #: A new gap that was split off another one stands as that one.
    split: dict[str, str] = field(default_factory=dict)
    #: Gaps whose questions are all in others or gone.
    dropped: tuple[str, ...] = ()
    #: How many questions there were, where all was gathered anew.
    anew: int | None = None
    #: Gaps that it takes apart because nobody decided on them: where somebody did meanwhile, nothing is kept.
    undecided: tuple[str, ...] = ()

    def first_words(self) -> dict[str, Failure]:
        """A failure of each gap that has any here: what it is called until it is described."""
        return {gap_id: failure for failure, gap_id in reversed(self.homes)}
