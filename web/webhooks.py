"""Signed webhooks of another desk: suggestions for its new tickets, learning from those it solved."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from bot.errors import QuestionInvalid
from bot.handoff.signing import SignatureInvalid, TimestampOutOfRange, key_of, verify
from bot.learned import Lesson, Trace
from bot.models import MAX_BODY, MAX_QUESTION, Question, Suggestion
from bot.outgoing import Outgoing
from bot.people import audiences as readable_by
from bot.service import HelpDesk
from bot.webhooks import SqlWebhooks
from kb.links import article_path
from kb.models import PUBLIC
from web import schemas
from web.letters import SiteLetters
from web.problems import ApiError
from web.settings import Settings

router = APIRouter()

#: What agents of another desk may see: what our own may, without the articles of single teams.
_AUDIENCES = readable_by(frozenset({"agent"}), frozenset())
_SUGGESTED = 3
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_ADDRESS = re.compile(r"https?://[^\s<>\"')\]]+")


class TicketCreatedIn(BaseModel):
    """A new ticket of another desk. What else is in it is not looked at."""

    id: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$")] = Field(
        description="What the desk calls it; the note goes there."
    )
    subject: schemas.Text = Field(max_length=MAX_QUESTION)
    body: schemas.Text = Field("", max_length=MAX_BODY)
    lang: schemas.Lang | None = None


class TicketSolvedIn(TicketCreatedIn):
    """A ticket that the other desk solved, with the article that did, or the agent's reply with a link to it."""

    article_id: schemas.Identifier = ""
    text: schemas.Text = Field("", max_length=MAX_BODY, description="The agent's reply; links to our articles count.")
    solved_at: datetime | None = None


class SuggestedOut(BaseModel):
    suggested: list[str] = Field(description="Ids of the articles in the note, the likeliest first.")
    noted: bool = Field(description="Whether a note is on its way; not where nothing fits, or nothing is handed on.")


class LearnedOut(BaseModel):
    article_id: str = Field(description="The article that was learned; empty where none of ours was named.")


@dataclass(frozen=True, slots=True)
class Signed:
    """A webhook whose signature was right. `again` says that its id was taken before."""

    id: str
    body: bytes
    again: bool

    def read(self, model: type[Any]) -> Any:
        """Raises RequestValidationError."""
        try:
            return model.model_validate_json(self.body)
        except ValidationError as error:
            raise RequestValidationError(error.errors(include_url=False, include_context=False)) from None


async def raw(request: Request) -> bytes:
    """The body as it was signed; the application's size limit holds for it."""
    return await request.body()


def signed(request: Request, body: Annotated[bytes, Depends(raw)]) -> Signed:
    """Raises ApiError: 403 where webhooks are closed, 401 for a signature that is none of ours or too old."""
    settings: Settings = request.app.state.settings
    secret = settings.webhook_secret.get_secret_value()
    if not secret:
        raise ApiError(403, "closed", "Webhooks are closed. Set webhook_secret to open them.")
    given = {name: request.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")}
    now = request.app.state.desk.now()
    try:
        verify(key_of(secret), given["id"], given["timestamp"], given["signature"], body, now)
    except SignatureInvalid:
        raise ApiError(
            401,
            "signature_invalid",
            "Sign `webhook-id.webhook-timestamp.body` with webhook_secret (Standard Webhooks).",
        ) from None
    except TimestampOutOfRange:
        raise ApiError(
            401, "timestamp_out_of_range", "webhook-timestamp is more than five minutes from our clock. Sign it anew."
        ) from None
    return Signed(given["id"], body, SqlWebhooks(request.app.state.engine).known(given["id"]))


Webhook = Annotated[Signed, Depends(signed)]


def _body(model: type[BaseModel]) -> dict[str, Any]:
    """The description of a body that is read only once its signature was right."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": model.model_json_schema()}}}}


@router.post(
    "/webhooks/ticket-created",
    status_code=202,
    summary="Another desk has a new ticket",
    openapi_extra=_body(TicketCreatedIn),
)
def ticket_created(webhook: Webhook, request: Request) -> SuggestedOut:
    """Articles that may answer it go back as an internal note, internal ones included but not by mail. Signed with
    `webhook_secret` ([how](handoff.md)); nothing of the ticket is kept.
    """
    ticket: TicketCreatedIn = webhook.read(TicketCreatedIn)
    desk: HelpDesk = request.app.state.desk
    outgoing: Outgoing = request.app.state.outgoing
    # Mail knows no internal notes: what a desk makes of it, the requester may read.
    found = _suggestions(desk, ticket, frozenset({PUBLIC}) if outgoing.sink == "smtp" else _AUDIENCES)
    noted = bool(found) and bool(outgoing.sink)
    if noted and not webhook.again:
        key = hashlib.sha256(webhook.id.encode()).hexdigest()[:32]
        text = SiteLetters(request.app.state.settings).suggestions(found)
        outgoing.note(ticket.id, text, key, desk.now())
    _taken(request, webhook)
    return SuggestedOut(suggested=[suggestion.key.id for suggestion in found], noted=noted)


@router.post(
    "/webhooks/ticket-solved",
    status_code=202,
    summary="Another desk has solved a ticket",
    openapi_extra=_body(TicketSolvedIn),
)
def ticket_solved(webhook: Webhook, request: Request) -> LearnedOut:
    """The article that solved it is learned at once, with personal data masked, as if our own agent had said so.
    Signed with `webhook_secret` ([how](handoff.md)).
    """
    ticket: TicketSolvedIn = webhook.read(TicketSolvedIn)
    desk: HelpDesk = request.app.state.desk
    article = _named(desk, request.app.state.settings, ticket)
    if article and not webhook.again:
        at = _solved(ticket.solved_at, desk.now()) if ticket.solved_at else desk.now()
        trace = Trace("agent", f"desk:{ticket.id}", at)
        desk.learning.learn([Lesson(article, ticket.subject, ticket.body, ticket.lang or "", trace)])
        desk.library.refresh()
    _taken(request, webhook)
    return LearnedOut(article_id=article)


def _suggestions(desk: HelpDesk, ticket: TicketCreatedIn, audiences: frozenset[str]) -> list[Suggestion]:
    question = Question(ticket.subject, ticket.body, ticket.lang, "agent", audiences=audiences)
    try:
        return list(desk.suggest(question, _SUGGESTED).suggestions)
    except QuestionInvalid:
        return []


def _named(desk: HelpDesk, settings: Settings, ticket: TicketSolvedIn) -> str:
    """The article that solved a ticket: by its id, else by the first link to one of ours; "" where none is ours."""
    entries = desk.library.searcher.snapshot.entries
    if ticket.article_id:
        return ticket.article_id if any(entry.article.id == ticket.article_id for entry in entries) else ""
    by_path = {unquote(article_path(entry.article.key)): entry.article.id for entry in entries}
    host = urlsplit(settings.base_url).netloc
    for address in _ADDRESS.findall(ticket.text):
        try:
            link = urlsplit(address.rstrip(".,;:!?"))
        except ValueError:  # `http://[server]` stands for an address that somebody did not fill in
            continue
        article = by_path.get(unquote(link.path))
        if article and (not host or link.netloc.lower() == host.lower()):
            return article
    return ""


def _taken(request: Request, webhook: Signed) -> None:
    """Once its effect is stored: where that fails, the sender tries again and finds the id free."""
    if not webhook.again:
        SqlWebhooks(request.app.state.engine).keep(webhook.id, request.app.state.desk.now())


def _solved(at: datetime, now: datetime) -> datetime:
    """When a ticket was solved: UTC where no zone is named, never after now, never before there were such desks."""
    return max(_EARLIEST, min(at if at.tzinfo else at.replace(tzinfo=UTC), now))
