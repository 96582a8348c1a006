"""The values the bot takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

from kb.marks import Marks
from kb.models import PUBLIC, ArticleKey

Channel = Literal["web", "widget", "ticket_form", "api", "cli", "agent"]
DecisionName = Literal["answer", "suggest", "unanswered"]
OutcomeName = Literal["solved", "not_solved", "opened"]
TicketState = Literal["received", "answered", "on_hold", "solved"]
Priority = Literal["low", "normal", "high", "urgent"]
Tier = Literal[1, 2, 3]
Author = Literal["agent", "requester"]
Verdict = Literal["", "accepted", "refused"]
#: Why a question is unanswered: no article says it, none of its topic does, or none is in the question's language.
Nothing = Literal["", "articles", "topic", "language"]

OUTCOMES: tuple[OutcomeName, ...] = get_args(OutcomeName)
TICKET_STATES: tuple[TicketState, ...] = get_args(TicketState)
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
TIERS: tuple[Tier, ...] = get_args(Tier)

#: Longest texts that are taken, in characters. A ticket of 20,000 words fits.
MAX_QUESTION = 2_000
MAX_BODY = 200_000
MAX_SUBJECT = 300
MAX_REASON = 2_000
#: Of the name of a topic or a department.
MAX_CHOICE = 80


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asked: a question, or the subject and body of a ticket that is being written.

    `topic` limits what is looked at, as in `kb.search.Query`; `exact` has every word taken as it is written. `after` is
    the id of the question that this one may follow up on, "" where it follows none.
    """

    text: str
    body: str = ""
    lang: str | None = None
    channel: Channel = "api"
    session: str | None = None
    audiences: frozenset[str] = frozenset({PUBLIC})
    topic: str | None = None
    exact: bool = False
    after: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An article that may help. `path` is its address on this site with the heading's anchor.

    `title_marks` and `snippet_marks` are where the words that were asked for stand in the two.
    """

    key: ArticleKey
    title: str
    path: str
    heading: str
    snippet: str
    score: float
    topic: str = ""
    title_marks: Marks = ()
    snippet_marks: Marks = ()
    audience: str = PUBLIC


@dataclass(frozen=True, slots=True)
class Answer:
    """An article's own words that answer: the text of one section, as sanitised HTML and as plain text."""

    key: ArticleKey
    title: str
    path: str
    heading: str
    html: str
    text: str
    lines: tuple[int, int]
    audience: str = PUBLIC


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bot says to a question.

    `confidence` is the calibrated probability, 0 to 1, that the first article is right. `reason` says in a few plain
    words why it decided so. `corrected` is the question as it was understood where a typing error was mended, else "".
    `further` are the next best articles, for a page that lists results; they are not counted as shown. `between` are
    the first two suggestions where one of them is surely meant but not which, so that the person is asked; else empty.
    `nothing` says why where it is unanswered. `context` is the earlier question this one was understood to follow up
    on, "" where it was taken on its own.
    """

    id: str
    decision: DecisionName
    confidence: float
    reason: str
    answer: Answer | None
    suggestions: tuple[Suggestion, ...]
    snapshot: str
    corrected: str = ""
    further: tuple[Suggestion, ...] = ()
    between: tuple[Suggestion, ...] = ()
    nothing: Nothing = ""
    context: str = ""

    @property
    def shown(self) -> tuple[ArticleKey, ...]:
        """The articles a person saw, the answer first."""
        first = (self.answer.key,) if self.answer else ()
        return first + tuple(suggestion.key for suggestion in self.suggestions)


@dataclass(frozen=True, slots=True)
class Offer:
    """Articles for a question that is still being typed; `between` as in a reply."""

    suggestions: tuple[Suggestion, ...]
    between: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a reply, as the person said or did. What has the same `key` counts once, "" is none.

    `voice` names who says it where a session is easily made up: what is learned counts once a voice, not a session.
    """

    question_id: str
    outcome: OutcomeName
    article_id: str = ""
    reason: str = ""
    key: str = field(default="", compare=False)
    voice: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class TicketDraft:
    """A ticket as its requester sent it. `declined` are article ids, `conversation` the ids of the questions that the
    requester had asked in the same visit, in order of time; files wait in the inbox under the ticket's key.
    """

    subject: str
    body: str
    email: str
    question_id: str = ""
    declined: tuple[str, ...] = ()
    session: str = ""
    lang: str = ""
    topic: str = ""
    department: str = ""
    conversation: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a ticket, without its bytes. `name` is safe to save under, `size` is in bytes."""

    id: str
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody of the desk, by the id and name of a caller; both are "" for nobody, and where the requester acts."""

    id: str = ""
    name: str = ""

    def __repr__(self) -> str:
        return f"<Who {self.id or 'nobody'}>"  # no name in a log


#: Also stands for the requester, where what happened says so.
NOBODY = Who()


@dataclass(frozen=True, slots=True)
class Clock:
    """How long a requester waits for an answer: since when, None while nobody waits for one, and the opening time that
    had passed before.
    """

    since: datetime | None = None
    spent: timedelta = timedelta()


#: Nobody waits.
STOPPED = Clock()


@dataclass(frozen=True, slots=True)
class TicketMessage:
    """What was written after the ticket; `verdict` is what its requester said to an agent's answer.

    `name` is that of the agent who wrote it, "" where it is not told. An `internal` one is a note among agents: only a
    worklist gives it away, never an inbox.
    """

    at: datetime
    author: Author
    text: str
    verdict: Verdict = ""
    name: str = ""
    internal: bool = False

    @property
    def first_name(self) -> str:
        """What the requester calls the agent."""
        return self.name.partition(" ")[0]

    def __repr__(self) -> str:
        return f"<TicketMessage of the {self.author}, {self.at:%Y-%m-%d}>"  # no text in a log


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket in the inbox. `number` is what people call it, `id` what cannot be guessed. `shown` are article ids.

    `messages` are in order of time, internal notes are not among them. `due` is when an answer is due, None where none
    is. `revision` grows with everything that happens to the ticket, `spoken` is the one of its last message; `changed`
    is when that was.
    """

    id: str
    number: int
    at: datetime
    subject: str
    body: str
    email: str
    question_id: str
    shown: tuple[str, ...]
    declined: tuple[str, ...]
    lang: str = ""
    topic: str = ""
    department: str = ""
    conversation: tuple[str, ...] = ()
    state: TicketState = "received"
    attachments: tuple[Attachment, ...] = ()
    messages: tuple[TicketMessage, ...] = ()
    priority: Priority = "normal"
    tier: Tier = 1
    assignee: Who = NOBODY
    due: datetime | None = None
    clock: Clock = STOPPED
    revision: int = 0
    spoken: int = 0
    changed: datetime | None = None

    @property
    def open_answer(self) -> TicketMessage | None:
        """The agent's answer that the requester has said nothing to yet."""
        last = self.messages[-1] if self.messages else None
        return last if last and last.author == "agent" and not last.verdict and self.state == "answered" else None

    def __repr__(self) -> str:
        return f"<Ticket {self.number} of {self.at:%Y-%m-%d}>"  # no subject, body or address in a log


@dataclass(frozen=True, slots=True)
class SentTicket:
    """That a ticket was sent, in which session and after which question; either may be empty."""

    at: datetime
    session: str
    question_id: str


@dataclass(frozen=True, slots=True)
class RecordedQuestion:
    """A question as it is kept: personal data masked. `shown` are the ids of the articles the person saw.

    `after` is the id of the question it was understood to follow up on, "" where it was taken on its own. `further`
    are the ids of the next best articles.
    """

    id: str
    at: datetime
    text: str
    body: str
    lang: str
    channel: str
    session: str
    decision: str
    confidence: float
    reason: str
    snapshot: str
    shown: tuple[str, ...]
    after: str = ""
    further: tuple[str, ...] = ()
