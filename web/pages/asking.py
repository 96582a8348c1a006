"""Search and ask on one page, and what became of the answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from bot.errors import QuestionInvalid, QuestionUnknown, StoreUnavailable
from bot.models import OUTCOMES, Outcome, Question, Reply, Suggestion
from bot.service import HelpDesk
from web import limits
from web.pages.catalogue import Catalogue, catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Posted, identifier, tidy
from web.pages.templates import page
from web.pages.visit import Visit, fetched_ahead, keep_session, session_of, visit

_log = logging.getLogger(__name__)

router = APIRouter(route_class=PageRoute)

#: Further results: as many as an eye takes in.
_FURTHER = 5
#: Below this confidence the nearest articles are about something else, and listing them would only distract.
_WORTH_A_LOOK = 0.1
_EXAMPLES = 4
_LONGEST_EXAMPLE = 60
_IDENTIFIER = 200
#: Neither of two articles was meant.
_MOST_DECLINED = 2


@router.get("/search")
def search(request: Request) -> Response:
    known = catalogue(request)
    reader = visit(request, known)
    question = tidy(request.query_params.get("q", "")).strip()
    if not question:
        return page(request, "search.html", _values(examples=_examples(known, reader)), reader=reader)
    desk: HelpDesk = request.app.state.desk
    session = session_of(request)
    asked = Question(question, lang=reader.lang, channel="web", session=session)
    if seconds := limits.wait(request, "questions", session):
        told = reader.said.gettext(
            "Many questions came from you or your network in a short time. Ask again in a minute."
        )
        headers = {"Retry-After": str(seconds)}
        values = _values(question, problem=told)
        return page(request, "search.html", values, status=429, reader=reader, headers=headers)
    try:
        reply = desk.ask(asked, keep=not fetched_ahead(request))
    except QuestionInvalid as error:
        return page(
            request,
            "search.html",
            _values(question, problem=reader.said.say(error.message) if error.message else str(error)),
            status=422,
            reader=reader,
        )
    others = (reply.suggestions[len(reply.between) :] if reply.between else ()) + reply.further
    others = others[:_FURTHER] if reply.confidence >= _WORTH_A_LOOK else ()
    response = page(request, "search.html", _values(question, reply, others), reader=reader)
    return keep_session(request, response, session)


@router.get("/search/meant")
def meant(request: Request) -> Response:
    """What the article says that was meant, of two that were close. To open it is not to say that it helped."""
    reader = visit(request, catalogue(request))
    question = tidy(request.query_params.get("q", "")).strip()
    article_id = tidy(request.query_params.get("article", ""))[:_IDENTIFIER]
    question_id = identifier(request.query_params.get("question_id", ""))
    desk: HelpDesk = request.app.state.desk
    try:
        answer = desk.answer_from(Question(question, lang=reader.lang), article_id)
    except QuestionInvalid:
        answer = None
    if answer is None:  # the address is somebody's own, or the articles changed since
        return RedirectResponse(reader.link("/search", q=question), 303)
    if not fetched_ahead(request):
        keep_outcome(desk, Outcome(question_id, "opened", article_id))
    values = {
        "answer": answer,
        "question_id": question_id,
        "suggestions": _other_suggestions(desk, question, [article_id], reader),
        **_values(question),
    }
    return page(request, "meant.html", values, reader=reader)


def _values(
    question: str = "",
    reply: Reply | None = None,
    others: Sequence[Suggestion] = (),
    *,
    examples: Sequence[str] = (),
    problem: str = "",
) -> dict[str, object]:
    return {
        "question": question,
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
    declined = [article[:_IDENTIFIER] for article in form.texts("article_id") if article][:_MOST_DECLINED]
    question_id = form.identifier("question_id")
    keep_outcome(request.app.state.desk, Outcome(question_id, name, declined[0] if declined else ""))
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
        "suggestions": _other_suggestions(request.app.state.desk, question, declined, reader),
        "noindex": True,
    }
    return page(request, "not_solved.html", values, reader=reader)


def keep_outcome(desk: HelpDesk, outcome: Outcome) -> None:
    """Keeps an outcome where that is possible. The person has said enough and need not hear that we could not."""
    if not outcome.question_id:
        return
    try:
        desk.record_outcome(outcome)
    except QuestionUnknown:
        pass  # the store was down when the question was asked
    except StoreUnavailable as error:
        _log.error("an outcome was not recorded: %s", error)


def _other_suggestions(desk: HelpDesk, question: str, known: Sequence[str], reader: Visit) -> list[Suggestion]:
    try:
        found = desk.suggest(Question(question, lang=reader.lang), 4).suggestions
    except QuestionInvalid:
        return []
    return [suggestion for suggestion in found if suggestion.key.id not in known]


@router.get("/solved")
def solved(request: Request) -> Response:
    values = {"from_ticket": request.query_params.get("from") == "ticket", "noindex": True}
    return page(request, "solved.html", values)
