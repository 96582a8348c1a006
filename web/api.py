"""The HTTP API, version 1."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel

from bot import feedback
from bot.casework import who
from bot.feedback import Feedback
from bot.learned import Source, Status
from bot.models import Offer, Outcome, Question, TicketDraft
from bot.people import Caller
from bot.service import HelpDesk
from kb.links import article_path
from kb.models import PUBLIC, ArticleKey
from kb.stored import Entry
from web import learned_schemas, limits, schemas
from web.auth import Agent, Author, known
from web.pages.catalogue import catalogue
from web.problems import ApiError, Problem
from web.voices import voice
from web.words import SOURCE, language_name, words


def part() -> APIRouter:
    """A router of this API without routes."""
    problem = {"model": Problem, "description": "A problem document (RFC 9457)"}
    return APIRouter(prefix="/api/v1", tags=["v1"], responses=dict.fromkeys(("4XX", "503"), problem))


router = part()
#: The widget stands on other sites: it shows what anybody may read, whoever is signed in here.
_ANYBODY = frozenset({PUBLIC})


async def desk_of(request: Request) -> HelpDesk:
    return cast(HelpDesk, request.app.state.desk)


Desk = Annotated[HelpDesk, Depends(desk_of)]
Known = Annotated[Caller, Depends(known)]


@router.post("/ask", summary="Ask a question", response_model=schemas.ReplyOut)
def ask(asked: schemas.AskIn, desk: Desk, request: Request, known: Known) -> Response:
    """An answer, suggestions, or an honest "I don't know". The question is kept, with personal data masked."""
    limits.check(request, "questions", asked.session or "")
    question = Question(
        asked.question,
        asked.body,
        asked.lang,
        asked.channel,
        asked.session,
        topic=asked.topic,
        exact=asked.exact,
        after=asked.after,
        audiences=_ANYBODY if asked.channel == "widget" else known.audiences,
    )
    return _sent(schemas.ReplyOut.of(desk.ask(question)))


@router.get("/suggest", summary="Suggest while typing", response_model=schemas.SuggestOut)
def suggest(
    desk: Desk,
    known: Known,
    _rate: limits.Typing,
    q: Annotated[schemas.Text, Query(max_length=2_000)],
    body: Annotated[schemas.Text, Query(max_length=2_000)] = "",
    lang: schemas.Lang | None = None,
    limit: Annotated[int, Query(ge=1, le=10)] = 5,
) -> Response:
    """Articles for a question that is still being typed. Nothing is kept."""
    asked = Question(q, body, lang, audiences=known.audiences)
    found = desk.suggest(asked, limit) if q.strip() or body.strip() else Offer((), ())
    return _sent(schemas.SuggestOut.of(found))


@router.get("/typeahead", summary="Complete what is being typed", response_model=schemas.TypeaheadOut)
def typeahead(
    request: Request,
    desk: Desk,
    known: Known,
    _rate: limits.Typing,
    q: Annotated[schemas.Text, Query(max_length=2_000)],
    lang: schemas.Lang | None = None,
    limit: Annotated[int, Query(ge=1, le=10)] = 5,
    topic: Annotated[schemas.Identifier | None, Query()] = None,
) -> Response:
    """Articles by the beginning of their words, typing errors allowed; by meaning too from three words on.

    None for fewer than three characters (two in Chinese, Japanese and Korean). Nothing is kept.
    """
    found = desk.typeahead(Question(q, lang=lang, topic=topic, audiences=known.audiences), limit)
    topics, said = catalogue(request).topics, words(lang or SOURCE)
    rows = [
        schemas.CompletionOut(
            **schemas.SuggestionOut.of(suggestion).model_dump(),
            topic_name=topics[suggestion.topic].called(said) if suggestion.topic in topics else "",
            language=language_name(suggestion.key.lang),
        )
        for suggestion in found
    ]
    return _sent(schemas.TypeaheadOut(suggestions=rows))


def _sent(reply: BaseModel) -> Response:
    """As FastAPI would send it, but in the thread that made it: to look through it again takes another one."""
    return Response(reply.model_dump_json(), media_type="application/json")


@router.post("/questions/{question_id}/outcome", status_code=204, summary="Tell what became of an answer")
def outcome(
    question_id: str, told: schemas.OutcomeIn, desk: Desk, request: Request, _rate: limits.Feedback
) -> Response:
    said = Outcome(question_id, told.outcome, told.article_id, told.reason, voice=voice(request))
    desk.record_outcome(said)
    return Response(status_code=204)


@router.post("/tickets", status_code=201, summary="Open a ticket")
def open_ticket(
    sent: schemas.TicketIn,
    desk: Desk,
    request: Request,
    idempotency_key: Annotated[str, Header(min_length=8, max_length=64, pattern=r"^[\x21-\x7e]+$")],
) -> schemas.TicketOut:
    """Sent again with the same `Idempotency-Key` (8 to 64 characters of ASCII, no spaces), it is the same ticket."""
    limits.check(request, "tickets", sent.session or "")
    ticket = desk.open_ticket(
        TicketDraft(
            subject=sent.subject,
            body=sent.body,
            email=sent.email,
            question_id=sent.question_id,
            declined=tuple(sent.declined),
            session=sent.session or "",
            lang=sent.lang or "",
            topic=sent.topic,
            department=sent.department,
        ),
        idempotency_key,
    )
    return schemas.TicketOut(id=ticket.id, number=ticket.number, created=ticket.at, url=f"/ticket/{ticket.id}")


@router.get("/articles/{article_id:path}", summary="Read an article")
def article(article_id: str, desk: Desk, known: Known, lang: schemas.Lang | None = None) -> schemas.ArticleOut:
    """An article you may read, in `lang` or else in the language most articles are written in that it exists in."""
    entry, available = _readable_article(desk, known, article_id, lang)
    return schemas.ArticleOut.of(entry, article_path(entry.article.key), available)


@router.post("/articles/{article_id:path}/feedback", status_code=204, summary="Tell whether an article helped")
def tell_feedback(article_id: str, told: schemas.FeedbackIn, desk: Desk, known: Known, request: Request) -> Response:
    """Said again in the same session, it takes the place of what was said before."""
    limits.check(request, "feedback", told.session)
    entry, _ = _readable_article(desk, known, article_id, told.lang)
    said = Feedback(
        article_id=article_id,
        session=told.session,
        at=desk.now(),
        lang=entry.article.lang,
        helpful=told.helpful,
        reason=told.reason or "",
        comment=told.comment,
    )
    feedback.keep(request.app.state.feedback, said)
    return Response(status_code=204)


@router.get("/feedback", summary="What readers said of articles")
def list_feedback(
    request: Request,
    _author: Author,
    article: Annotated[schemas.Identifier, Query(description="The id of an article.")] = "",
    helpful: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> schemas.FeedbackListOut:
    """The newest first. Needs the right `authoring`."""
    found = request.app.state.feedback.find(article=article, helpful=helpful, limit=limit, offset=offset)
    rows = [schemas.FeedbackOut.of(row) for row in found.rows]
    return schemas.FeedbackListOut(total=found.total, helpful=found.helpful, feedback=rows)


@router.get("/learned", summary="What was learned")
def list_learned(
    desk: Desk,
    _author: Author,
    article: Annotated[schemas.Identifier, Query(description="The id of an article.")] = "",
    source: Source | None = None,
    status: Status | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> learned_schemas.LearnedListOut:
    """Questions that articles are known to have answered, the newest first. Needs the right `authoring`."""
    found = desk.learning.find(article=article, source=source, status=status, limit=limit, offset=offset)
    return learned_schemas.LearnedListOut(
        total=found.total, learned=[learned_schemas.LearnedOut.of(row) for row in found.rows]
    )


@router.get("/learned/{learned_id}", summary="Trace what was learned")
def trace_learned(learned_id: str, desk: Desk, _author: Author) -> learned_schemas.LearnedTraceOut:
    """With the tickets, questions and files it comes from. Needs the right `authoring`."""
    return learned_schemas.LearnedTraceOut.of(desk.learning.get(learned_id))


@router.delete("/learned/{learned_id}", status_code=204, summary="Remove what was learned")
def remove_learned(learned_id: str, desk: Desk, _author: Author) -> Response:
    """It moves the ranking no more, whoever says it again, until it is restored. Needs the right `authoring`."""
    desk.remove_learned(learned_id)
    return Response(status_code=204)


@router.post("/learned/{learned_id}/restore", summary="Restore what was removed")
def restore_learned(learned_id: str, desk: Desk, _author: Author) -> learned_schemas.LearnedOut:
    """It counts as it did before it was removed. Needs the right `authoring`."""
    return learned_schemas.LearnedOut.of(desk.restore_learned(learned_id))


@router.post("/learned/{learned_id}/accept", summary="Agree with what end users said")
def accept_learned(learned_id: str, desk: Desk, _author: Author) -> learned_schemas.LearnedOut:
    """A pending one counts from now on, and no end user takes it back. Needs the right `authoring`."""
    return learned_schemas.LearnedOut.of(desk.accept_learned(learned_id))


@router.post("/tickets/{ticket_id}/resolution", status_code=204, summary="Tell how a ticket was solved")
def resolve(ticket_id: str, told: schemas.ResolutionIn, desk: Desk, agent: Agent) -> Response:
    """By an article, by words, or both. The article is learned at once. Needs the right `tickets`."""
    if not told.article_id and not told.text.strip():
        raise ApiError(422, "resolution_empty", "Name the article that solved it, or say in a few words what did.")
    desk.resolve(ticket_id, told.article_id, told.text, who(agent))
    return Response(status_code=204)


def _readable_article(desk: HelpDesk, known: Caller, article_id: str, lang: str | None) -> tuple[Entry, list[str]]:
    """An article somebody may read, and the languages it exists in for them. Raises ApiError 404."""
    snapshot = desk.library.searcher.snapshot
    available = [
        code
        for code in snapshot.languages
        if (entry := snapshot.entry(ArticleKey(article_id, code))) and entry.article.audience in known.audiences
    ]
    chosen = lang if lang in available else None if lang else next(iter(available), None)
    entry = snapshot.entry(ArticleKey(article_id, chosen)) if chosen else None
    if entry is None:
        wanted = f" in {lang}" if lang else ""
        exists = f" It exists in {', '.join(available)}." if available else ""
        raise ApiError(404, "article_unknown", f"There is no article {article_id!r}{wanted}.{exists}")
    return entry, available
