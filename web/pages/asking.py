"""Search and ask on one page, and what became of the answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from bot.conversation import joined
from bot.errors import QuestionInvalid, QuestionUnknown, StoreUnavailable
from bot.models import OUTCOMES, Outcome, Question, Reply, Suggestion
from bot.people import ANYBODY, Caller
from bot.service import HelpDesk
from web import limits
from web.auth import caller
from web.pages.catalogue import NO_TOPIC, Catalogue, Topic, catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Form, Posted, identifier, tidy
from web.pages.templates import page
from web.pages.visit import Visit, fetched_ahead, keep_session, session_of, visit
from web.schemas import MOST_DECLINED
from web.voices import voice
from web.words import language_name

_log = logging.getLogger(__name__)

router = APIRouter(route_class=PageRoute)

#: Further results: as many as an eye takes in.
_FURTHER = 5
#: Below this confidence the nearest articles are about something else, and listing them would only distract.
_WORTH_A_LOOK = 0.1
_EXAMPLES = 4
_LONGEST_EXAMPLE = 60
_IDENTIFIER = 200
#: Choices of a topic: more would be a list to read.
_MOST_TOPICS = 4


@router.get("/search")
def search(request: Request) -> Response:
    known = catalogue(request)
    reader = visit(request, known)
    search = Search.of(request, known)
    if not search.question:
        return page(request, "search.html", _values(search, reader, examples=_examples(known, reader)), reader=reader)
    desk: HelpDesk = request.app.state.desk
    session = session_of(request)
    asked = search.asked(reader, session)
    if seconds := limits.wait(request, "questions", session):
        told = reader.said.gettext(
            "Many questions came from you or your network in a short time. Ask again in a minute."
        )
        headers = {"Retry-After": str(seconds)}
        values = _values(search, reader, problem=told)
        return page(request, "search.html", values, status=429, reader=reader, headers=headers)
    try:
        reply = desk.ask(asked, keep=not fetched_ahead(request))
    except QuestionInvalid as error:
        problem = reader.said.say(error.message) if error.message else str(error)
        return page(request, "search.html", _values(search, reader, problem=problem), status=422, reader=reader)
    others = (reply.suggestions[len(reply.between) :] if reply.between else ()) + reply.further
    others = others[:_FURTHER] if reply.confidence >= _WORTH_A_LOOK else ()
    elsewhere = replace(asked, topic=None)
    values = {
        **_values(search, reader, reply, others),
        "topics": _topics(known, search, reply, desk.search(elsewhere, 10) if search.topic else ()),
        "topic_name": known.topics[search.topic].called(reader.said) if search.topic else "",
        "elsewhere": reply.nothing == "topic" and bool(desk.suggest(elsewhere, 1).suggestions),
        "written": [language_name(lang) for lang in known.languages],
    }
    return keep_session(request, page(request, "search.html", values, reader=reader), session)


@router.get("/search/meant")
def meant(request: Request) -> Response:
    """What the article says that was meant, of two that were close. To open it is not to say that it helped."""
    known = catalogue(request)
    reader = visit(request, known)
    search = Search.of(request, known)
    article_id = tidy(request.query_params.get("article", ""))[:_IDENTIFIER]
    question_id = identifier(request.query_params.get("question_id", ""))
    desk: HelpDesk = request.app.state.desk
    asked = search.asked(reader)
    if seconds := limits.wait(request, "questions", session_of(request)):
        raise HTTPException(429, headers={"Retry-After": str(seconds)})
    try:
        answer = desk.answer_from(asked, article_id)
    except QuestionInvalid:
        answer = None
    if answer is None:  # the address is somebody's own, or the articles changed since
        return RedirectResponse(search.again(reader), 303)
    if not fetched_ahead(request):
        keep_outcome(request, Outcome(question_id, "opened", article_id))
    values = {
        **_values(search, reader),
        "answer": answer,
        "question_id": question_id,
        "in_full": desk.in_full(asked),
        "suggestions": _other_suggestions(desk, asked, [article_id]),
    }
    return page(request, "meant.html", values, reader=reader)


@dataclass(frozen=True, slots=True)
class Search:
    """What an address of the search page asks for: `topic` is a slug, `after` the id of the question before."""

    question: str
    topic: str = ""
    exact: bool = False
    after: str = ""
    caller: Caller = ANYBODY

    @classmethod
    def of(cls, request: Request, known: Catalogue) -> Search:
        given = request.query_params
        topic = given.get("topic", "")
        return cls(
            question=tidy(given.get("q", "")).strip(),
            topic=topic if topic in known.topics else "",
            exact=given.get("exact") == "1",
            after=identifier(given.get("after", "")),
            caller=caller(request),
        )

    def asked(self, reader: Visit, session: str | None = None) -> Question:
        topic = None if not self.topic else "" if self.topic == NO_TOPIC else self.topic
        return Question(
            self.question,
            lang=reader.lang,
            channel="agent" if self.caller.may("tickets") else "web",
            session=session,
            audiences=self.caller.audiences,
            topic=topic,
            exact=self.exact,
            after=self.after,
        )

    def again(self, reader: Visit, path: str = "/search", **changed: str | None) -> str:
        """The address of this search with something changed; None leaves a parameter out."""
        given = {
            "q": self.question,
            "topic": self.topic,
            "exact": "1" if self.exact else "",
            "after": self.after,
            **changed,
        }
        return reader.link(path, **given)


def _topics(known: Catalogue, search: Search, reply: Reply, everywhere: Sequence[Suggestion]) -> list[Topic]:
    """The topics to choose from: those of what was found in all of them, the likeliest first."""
    found = list(everywhere or (*reply.suggestions, *reply.further))
    slugs = [suggestion.topic or NO_TOPIC for suggestion in found]
    if reply.answer and not everywhere:
        answer = known.in_language(reply.answer.key.id, reply.answer.key.lang)
        slugs.insert(0, answer.topic or NO_TOPIC if answer else "")  # a snapshot published meanwhile may be without it
    if reply.confidence < _WORTH_A_LOOK and not search.topic:
        return []
    if search.topic and search.topic not in slugs[:_MOST_TOPICS]:
        slugs.insert(0, search.topic)
    chosen = [known.topics[slug] for slug in dict.fromkeys(slugs) if slug in known.topics][:_MOST_TOPICS]
    return chosen if search.topic or len(chosen) > 1 else []


def _values(
    search: Search,
    reader: Visit,
    reply: Reply | None = None,
    others: Sequence[Suggestion] = (),
    *,
    examples: Sequence[str] = (),
    problem: str = "",
) -> dict[str, object]:
    return {
        "question": search.question,
        "topic": search.topic,
        "topics": (),
        "again": partial(search.again, reader),
        "meant": lambda article: search.again(
            reader, "/search/meant", article=article, question_id=reply.id if reply else ""
        ),
        "in_full": joined(reply.context, search.question) if reply else search.question,
        "reply": reply,
        "others": others,
        "examples": examples,
        "problem": problem,
        "noindex": True,
    }


def _examples(known: Catalogue, reader: Visit) -> list[str]:
    """Questions the authors wrote down, in the reader's language, one a topic: real ones, and sure to be answered."""
    found: list[str] = []
    for topic in known.topics.values():
        questions = (question for article in known.articles(topic, reader.lang) for question in article.questions[:1])
        short = next((question for question in questions if len(question) <= _LONGEST_EXAMPLE), None)
        if short and len(found) < _EXAMPLES:
            found.append(short)
    return found


@router.post("/outcome")
def outcome(request: Request, form: Posted) -> Response:
    """Keeps whether an answer helped: thanks where it did, the next step where it did not."""
    name = next((known for known in OUTCOMES if known == form.text("outcome")), None)
    if name not in ("solved", "not_solved"):
        raise HTTPException(400)
    if seconds := limits.wait(request, "feedback", session_of(request)):
        raise HTTPException(429, headers={"Retry-After": str(seconds)})
    meant, listed = (_articles(form, field) for field in ("article_id", "listed"))
    declined = meant or listed
    question_id = form.identifier("question_id")
    # Of a list nobody says which article it was that helped, or did not.
    keep_outcome(request, Outcome(question_id, name, meant[0] if meant else ""))
    known = catalogue(request)
    reader = visit(request, known)
    if name == "solved":
        from_ticket = "ticket" if form.text("from") == "ticket" else ""
        return RedirectResponse(reader.link("/solved", **{"from": from_ticket}), 303)
    question = form.text("question")
    values = {
        "question": question,
        "question_id": question_id,
        "declined": declined,
        "suggestions": _other_suggestions(
            request.app.state.desk,
            Question(question, lang=reader.lang, audiences=caller(request).audiences),
            declined,
        ),
        "noindex": True,
    }
    return page(request, "not_solved.html", values, reader=reader)


def _articles(form: Form, field: str) -> list[str]:
    return [article[:_IDENTIFIER] for article in form.texts(field) if article][:MOST_DECLINED]


def keep_outcome(request: Request, outcome: Outcome) -> None:
    """Keeps an outcome where that is possible. The person has said enough and need not hear that we could not."""
    if not outcome.question_id:
        return
    desk: HelpDesk = request.app.state.desk
    try:
        desk.record_outcome(replace(outcome, voice=voice(request)))
    except QuestionUnknown:
        pass  # the store was down when the question was asked
    except StoreUnavailable as error:
        _log.error("an outcome was not recorded: %s", error)


def _other_suggestions(desk: HelpDesk, asked: Question, known: Sequence[str]) -> list[Suggestion]:
    try:
        found = desk.suggest(asked, 4).suggestions
    except QuestionInvalid:
        return []
    return [suggestion for suggestion in found if suggestion.key.id not in known]


@router.get("/solved")
def solved(request: Request) -> Response:
    values = {"from_ticket": request.query_params.get("from") == "ticket", "noindex": True}
    return page(request, "solved.html", values)
