"""The help desk's first line: answers questions, takes tickets, remembers what became of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot import compose, conversation, models, privacy, tickets
from bot.conversation import Understood
from bot.decide import SUGGESTIONS, Answer, Decision, Policy, Suggest, decide
from bot.errors import AttachmentUnknown, Message, QuestionInvalid, StoreUnavailable, TicketUnknown
from bot.events import EventStore
from bot.inbox import Inbox
from bot.learned import Learned, Lesson, Trace
from bot.learning import LearningStore
from bot.library import Library
from bot.models import (
    MAX_BODY,
    MAX_QUESTION,
    NOBODY,
    Attachment,
    Author,
    Offer,
    Outcome,
    Question,
    RecordedQuestion,
    Reply,
    Suggestion,
    Ticket,
    TicketDraft,
    Who,
)
from bot.observer import Nobody, Observer
from bot.outbox import SqlOutbox
from bot.patience import hurried
from bot.spooled_events import SpooledEvents
from kb.search import Query, Searcher
from kb.stages import Times, stage, staged
from kb.typeahead import long_enough

_log = logging.getLogger(__name__)

#: How far back the questions of a ticket's visit reach, and how many of them an agent reads.
_VISIT = timedelta(days=1)
_CONVERSATION = 20
#: From so many words on what is being typed has a meaning that an encoder reads.
_WORDS_WITH_MEANING = 3


@dataclass(frozen=True, slots=True)
class HelpDesk:
    """All that a front end may ask for. Clock and ids come in as arguments, so that a test can hold them still.

    `outbox` is where the inbox writes what has to be sent; None where nothing ever is. `spooled` has events wait while
    the database does not answer; None where they would be lost. `observer` counts.
    """

    library: Library
    events: EventStore
    inbox: Inbox
    learning: LearningStore
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    policy: Policy = field(default_factory=Policy)
    outbox: SqlOutbox | None = None
    spooled: SpooledEvents | None = None
    observer: Observer = field(default_factory=Nobody)

    def ask(self, question: Question, *, keep: bool = True) -> Reply:
        """The reply to a question: an answer, suggestions, or an honest "I don't know".

        `keep=False` leaves no trace of the question. Raises QuestionInvalid.
        """
        question = _checked(question)
        searcher = self.library.searcher
        with Times() as times:
            understood = self._understand(searcher, question)
            decision = self._decide(searcher, understood)
            with stage("render"):
                reply = compose.reply(decision, understood, searcher, self.new_id())
            if keep:
                self._record(question, reply)
        self.observer.asked(question, reply, understood.ranking.lang, times.seconds)
        return reply

    def suggest(self, question: Question, limit: int) -> Offer:
        """Up to `limit` articles for a question still being typed, nothing logged; none where none is likely."""
        return self._offer(self.library.searcher, _checked(question), limit)

    def _offer(self, searcher: Searcher, question: Question, limit: int) -> Offer:
        ranking = self._understand(searcher, question, limit).ranking
        return compose.offer(decide(ranking, self.policy), searcher, limit, compose.asked_for(question, ranking))

    def typeahead(self, question: Question, limit: int) -> tuple[Suggestion, ...]:
        """Up to `limit` articles for a question whose last word may be unfinished, nothing logged.

        By its words; from three words on, or where they find nothing, by its meaning too. Raises QuestionInvalid where
        it is too long for that.
        """
        text = privacy.printable(question.text)
        if not long_enough(text):
            return ()
        searcher = self.library.searcher
        matches = searcher.typeahead(question.audiences).find(text, question.lang or "", limit, question.topic)
        by_words = [compose.match(found, searcher, matches.wanted) for found in matches.found]
        if by_words and len(text.split()) < _WORDS_WITH_MEANING:
            return tuple(by_words)
        words = {found.key.id: found for found in by_words}
        offered = self._offer(searcher, _checked(question), limit).suggestions
        meant = {found.key.id: words.get(found.key.id, found) for found in offered}
        both = {article: found for article, found in meant.items() if article in words}
        return tuple((both | meant | words).values())[:limit]

    def answer_from(self, question: Question, article_id: str) -> models.Answer | None:
        """What one article says to a question, for a person who chose it, nothing logged.

        None where it is not among the best articles. Raises QuestionInvalid.
        """
        searcher = self.library.searcher
        hits = self._understand(searcher, _checked(question)).ranking.hits
        chosen = next((hit for hit in hits if searcher.entry(hit.article).article.id == article_id), None)
        return compose.answer(chosen, searcher) if chosen else None

    def search(self, question: Question, limit: int) -> tuple[Suggestion, ...]:
        """The best `limit` articles, likely or not: what a search page lists."""
        searcher = self.library.searcher
        question = _checked(question)
        ranking = self._understand(searcher, question, limit).ranking
        wanted = compose.asked_for(question, ranking)
        return tuple(compose.suggestion(hit, searcher, wanted) for hit in ranking.hits)

    def in_full(self, question: Question) -> str:
        """The question as one text, with the earlier one where it is understood to follow that up."""
        return self._understand(self.library.searcher, _checked(question)).text

    def record_outcome(self, outcome: Outcome) -> None:
        """Keeps what became of a reply, as evidence for learning too. Raises QuestionUnknown or StoreUnavailable."""
        at = self.now()
        told = replace(outcome, reason=privacy.to_keep(outcome.reason))
        if self.events.record_outcome(told, at):
            self.learn_from(told, at)

    def learn_from(self, outcome: Outcome, at: datetime) -> None:
        """Learns from an outcome that is stored; twice is once. Raises StoreUnavailable."""
        asked = self.events.question(outcome.question_id)
        if asked is None:
            return
        self.observer.judged(asked, outcome)
        if outcome.outcome == "opened":
            return
        # Who names no article means the answer. Nobody can vouch for an article that was not shown.
        article = outcome.article_id or (asked.shown[0] if asked.decision == "answer" else "")
        if article in asked.shown:
            session = asked.session and (outcome.voice or asked.session)
            trace = Trace("end_user", asked.id, at, session=session, solved=outcome.outcome == "solved")
            self._hear(article, asked, trace)

    def open_ticket(self, draft: TicketDraft, idempotency_key: str) -> Ticket:
        """The ticket as it was taken, with the articles that its question was shown.

        Raises TicketInvalid, TicketConflict or StoreUnavailable; nothing is kept then.
        """
        draft = replace(
            draft,
            subject=privacy.printable(draft.subject),
            body=privacy.printable(draft.body),
            email=draft.email.strip(),
        )
        tickets.check(draft)
        asked = self.events.awaited(draft.question_id) if draft.question_id else None
        before = self._conversation({draft.session, asked.session if asked else ""} - {""})
        conversation = tuple(question.id for question in before if asked is None or question.id != asked.id)
        draft = replace(draft, question_id=asked.id if asked else "", conversation=conversation)
        return self.inbox.submit(draft, idempotency_key, shown=asked.shown if asked else (), at=self.now())

    def _conversation(self, sessions: Collection[str]) -> Sequence[RecordedQuestion]:
        """What was asked in the visit a ticket comes from: on the search page, in the widget, or in both."""
        return self.events.asked_in(sessions, since=self.now() - _VISIT, limit=_CONVERSATION) if sessions else ()

    def ticket(self, ticket_id: str) -> Ticket:
        """Raises TicketUnknown."""
        ticket = self.inbox.ticket(ticket_id)
        if ticket is None:
            raise TicketUnknown(f"There is no ticket with the id {ticket_id!r}.")
        return ticket

    def conversation(self, ticket: Ticket) -> list[RecordedQuestion]:
        """What was asked before in the visit a ticket comes from. Raises StoreUnavailable."""
        found = (self.events.question(question_id) for question_id in ticket.conversation)
        return [question for question in found if question]

    def resolve(self, ticket_id: str, article_id: str, text: str, who: Who = NOBODY) -> Learned | None:
        """Keeps how a ticket was solved, and by whom; returns what was learned of the article that did, at once.

        Raises TicketUnknown or StoreUnavailable.
        """
        ticket, at = self.ticket(ticket_id), self.now()
        # Before the resolution is kept: learning twice is learning once, so that a second try does no harm.
        taught = self._teach(article_id, ticket.subject, ticket.body, ticket.lang, ticket.id)
        self.events.record_resolution(ticket.id, article_id, privacy.to_keep(text), at)
        self.inbox.close(ticket.id, at, who)
        self.library.refresh()
        return taught

    def teach(self, article_id: str, subject: str, body: str, lang: str, origin: str) -> Learned | None:
        """What is learned when an article solved a ticket of another desk, which calls it `origin`.

        None where there is no such article. Raises StoreUnavailable.
        """
        taught = self._teach(article_id, subject, body, lang, origin)
        self.library.refresh()
        return taught

    def _teach(self, article_id: str, subject: str, body: str, lang: str, origin: str) -> Learned | None:
        if not any(entry.article.id == article_id for entry in self.library.searcher.snapshot.entries):
            return None
        lesson = Lesson(article_id, subject, body, lang, Trace("agent", origin, self.now()))
        self.learning.learn([lesson])
        return self.learning.get(Learned.of(lesson).id)

    def unresolve(self, ticket_id: str) -> None:
        """Takes back how a ticket was last solved and what was learned from it; its state stays.

        Raises TicketUnknown or StoreUnavailable.
        """
        ticket = self.ticket(ticket_id)
        self.unteach(ticket.id)
        self.events.withdraw_resolution(ticket.id)

    def unteach(self, origin: str) -> None:
        """Takes back what agents taught with a ticket. Raises StoreUnavailable."""
        self.learning.retract(origin)
        self.library.refresh()

    def write(self, ticket_id: str, author: Author, text: str) -> None:
        """Adds what an agent or the requester writes to a ticket.

        Raises TicketUnknown, TicketInvalid where the text is empty or too long, or StoreUnavailable.
        """
        self.inbox.say(self.ticket(ticket_id).id, author, tickets.message(privacy.printable(text)), self.now())

    def accept(self, ticket_id: str) -> None:
        """The requester says that the agent's last answer solved it. Raises TicketUnknown or StoreUnavailable.

        Where an agent named the article that did, and the requester had been shown it, that is a person's word for
        it, and learned from. It is no "solved" of the question: no ticket was spared.
        """
        ticket, at = self.ticket(ticket_id), self.now()
        if not self.inbox.judge(ticket.id, "accepted", "", at):
            return
        article = self.events.resolved_with(ticket.id)
        asked = self.events.question(ticket.question_id) if ticket.question_id and article else None
        if asked and article in asked.shown:
            trace = Trace("end_user", asked.id, at, session=asked.session, solved=True)
            self._hear(article, asked, trace)

    def _hear(self, article: str, asked: RecordedQuestion, trace: Trace) -> None:
        """Learns from what a person said of an article: "and on a Mac?" with the question that it follows up on."""
        earlier = self.events.question(asked.after) if asked.after else None
        text = conversation.joined(conversation.first_of(earlier, self.events.question), asked.text)
        self.learning.hear(Lesson(article, text, asked.body, asked.lang, trace))

    def refuse(self, ticket_id: str, reason: str) -> None:
        """The requester still needs help, and says why: the ticket is open again.

        Raises TicketUnknown, TicketInvalid where the reason is empty or too long, or StoreUnavailable.
        """
        ticket, reason = self.ticket(ticket_id), tickets.message(privacy.printable(reason))
        if not self.inbox.judge(ticket.id, "refused", reason, self.now()):
            self.inbox.say(ticket.id, "requester", reason, self.now())  # answered otherwise meanwhile: no word is lost

    def file(self, ticket_id: str, attachment_id: str) -> tuple[Attachment, bytes]:
        """Raises AttachmentUnknown or StoreUnavailable."""
        found = self.inbox.file(ticket_id, attachment_id)
        if found is None:
            raise AttachmentUnknown(f"The ticket has no file with the id {attachment_id!r}.")
        return found

    def remove_learned(self, learned_id: str) -> Learned:
        """Takes a learned question out of the ranking for good. Raises LearnedUnknown or StoreUnavailable."""
        return self._effective(self.learning.remove(learned_id))

    def restore_learned(self, learned_id: str) -> Learned:
        """Undoes a removal. Raises LearnedUnknown or StoreUnavailable."""
        return self._effective(self.learning.restore(learned_id))

    def accept_learned(self, learned_id: str) -> Learned:
        """Agrees with what end users said. Raises LearnedUnknown, LearnedRemoved or StoreUnavailable."""
        return self._effective(self.learning.accept(learned_id))

    def _effective(self, changed: Learned) -> Learned:
        self.library.refresh()
        return changed

    def _understand(self, searcher: Searcher, question: Question, limit: int = 10) -> Understood:
        """Without the database a follow-up is a question of its own: an answer is worth more than its context."""
        context = ""
        try:
            if question.after:
                with hurried():
                    context = conversation.first_of(self.events.question(question.after), self.events.question)
        except StoreUnavailable as error:
            _log.error("a follow-up was taken on its own: %s", error)
        return conversation.understand(searcher, question, context, self.policy, limit)

    @staged("decide")
    def _decide(self, searcher: Searcher, understood: Understood) -> Decision:
        """The best article of a topic is no answer where one outside of it surely is: then it is a suggestion."""
        decision = decide(understood.ranking, self.policy)
        if understood.question.topic is None or not isinstance(decision, Answer):
            return decision
        asked = understood.question
        query = Query(understood.text, asked.body, asked.lang, asked.audiences, exact=asked.exact)
        everywhere = decide(searcher.rank(query, 2), self.policy)
        ids = [
            searcher.entry(found.hit.article).article.id
            for found in (decision, everywhere)
            if isinstance(found, Answer)
        ]
        if len(set(ids)) < 2:
            return decision
        return Suggest((decision.hit, *decision.others)[:SUGGESTIONS], "An article of another topic is likelier.")

    @staged("store")
    def _record(self, question: Question, reply: Reply) -> None:
        """An answer is worth more than its log entry: where the store is down, the person still gets the reply."""
        recorded = RecordedQuestion(
            id=reply.id,
            at=self.now(),
            text=privacy.mask(question.text),
            body=privacy.mask(question.body),
            lang=question.lang or "",
            channel=question.channel,
            session=question.session or "",
            decision=reply.decision,
            confidence=round(reply.confidence, 4),
            reason=reply.reason,
            snapshot=reply.snapshot,
            shown=tuple(key.id for key in reply.shown),
            after=question.after if reply.context else "",
            further=tuple(suggestion.key.id for suggestion in reply.further),
        )
        try:
            self.events.record_question(recorded)
        except StoreUnavailable as error:
            _log.error("a question was answered but not recorded: %s", error)


def _checked(question: Question) -> Question:
    """The question without control characters. Raises QuestionInvalid where it is empty or too long."""
    text, body = privacy.printable(question.text).strip(), privacy.printable(question.body).strip()
    if not text and not body:
        raise QuestionInvalid(Message("Type a question, in your own words."))
    if len(text) > MAX_QUESTION:
        raise QuestionInvalid(
            Message(
                "The question has %(length)s characters, at most %(limit)s are read. Shorten it.",
                length=len(text),
                limit=MAX_QUESTION,
            )
        )
    if len(body) > MAX_BODY:
        raise QuestionInvalid(
            Message(
                "The text has %(length)s characters, at most %(limit)s are read. Shorten it.",
                length=len(body),
                limit=MAX_BODY,
            )
        )
    return replace(question, text=text, body=body)
