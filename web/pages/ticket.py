"""The ticket form: solutions beside it, a sure answer before it is sent, and no typed word ever lost."""

from __future__ import annotations

import logging
import re
import secrets
from dataclasses import dataclass, field, replace

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from bot import tickets
from bot.errors import Message, QuestionInvalid, StoreUnavailable, TicketConflict, TicketInvalid
from bot.models import MAX_BODY, MAX_SUBJECT, Offer, Outcome, Question, Reply, TicketDraft
from bot.service import HelpDesk
from web.pages.asking import keep_outcome
from web.pages.catalogue import catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Form, Posted, identifier, tidy
from web.pages.templates import page
from web.pages.visit import Visit, keep_session, session_of, visit
from web.script_words import ticket_words

_log = logging.getLogger(__name__)

router = APIRouter(route_class=PageRoute)

#: Shorter texts say too little to suggest anything; the script asks from the same length on.
SUGGEST_FROM = 10
_SUGGESTIONS = 3
_MAX_DECLINED = 20
_MAX_IDENTIFIER = 200
_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
#: In the order of the form, for the summary of errors.
_FIELDS = ("email", "subject", "body")


@dataclass(frozen=True, slots=True)
class Draft:
    """A ticket as it stands in the form. `key` is the same however often this form is sent."""

    email: str = ""
    subject: str = ""
    body: str = ""
    question_id: str = ""
    declined: tuple[str, ...] = ()
    key: str = field(default_factory=lambda: secrets.token_urlsafe(18))

    @classmethod
    def typed(cls, form: Form) -> Draft:
        key = form.text("key")
        draft = cls(
            email=form.text("email").strip(),
            subject=form.text("subject").strip(),
            body=form.text("body"),
            question_id=form.identifier("question_id"),
            declined=_declined(form.texts("declined")),
        )
        return replace(draft, key=key) if _KEY.fullmatch(key) else draft

    def ticket(self, session: str, lang: str) -> TicketDraft:
        return TicketDraft(self.subject, self.body, self.email, self.question_id, self.declined, session, lang)


def _declined(given: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(article[:_MAX_IDENTIFIER] for article in given if article))[:_MAX_DECLINED]


@router.get("/ticket")
def form(request: Request) -> Response:
    """The form, filled in with what the address says."""
    query = request.query_params
    draft = Draft(
        email=tidy(query.get("email", "")).strip(),
        subject=" ".join(tidy(query.get("subject", "")).split()),
        body=tidy(query.get("body", "")),
        question_id=identifier(query.get("question_id", "")),
        declined=_declined([tidy(article) for article in query.getlist("declined")]),
    )
    if len(draft.subject) > MAX_SUBJECT:  # a long question becomes the text, where it has room
        draft = replace(draft, subject="", body=f"{draft.subject}\n\n{draft.body}".strip())
    return _form(request, draft)


@router.post("/ticket")
def send(request: Request, form: Posted) -> Response:
    """Shows a sure answer first, else takes the ticket."""
    desk: HelpDesk = request.app.state.desk
    reader = visit(request, catalogue(request))
    draft, session = Draft.typed(form), session_of(request)
    try:
        tickets.check(draft.ticket(session, reader.lang))
        if not form.text("sure"):
            draft, reply = _ask(desk, draft, session, reader)
            if reply:
                values = {"draft": draft, "answer": reply.answer, "reply": reply}
                response: Response = page(request, "ticket_answer.html", values, reader=reader, private=True)
                return keep_session(request, response, session)
        taken = desk.open_ticket(draft.ticket(session, reader.lang), draft.key)
    except TicketInvalid as error:
        return _form(request, draft, status=422, errors=error.fields)
    except TicketConflict:
        return _form(request, Draft.typed(form), status=409, notice="sent")
    except StoreUnavailable as error:
        _log.error("%s", error)
        return _form(request, draft, status=503, notice="down")
    if form.text("sure") and draft.declined:
        keep_outcome(desk, Outcome(draft.question_id, "not_solved", draft.declined[-1]))
    return keep_session(request, RedirectResponse(reader.link(f"/ticket/sent/{taken.id}"), 303), session)


def _ask(desk: HelpDesk, draft: Draft, session: str, reader: Visit) -> tuple[Draft, Reply | None]:
    """The draft with the question it belongs to, and the reply to show first, if there is a sure answer.

    Who comes from the search page has asked already; the ticket belongs to that question, and it counts once.
    """
    question = Question(draft.subject, draft.body, reader.lang, "ticket_form", session)
    try:
        reply = desk.ask(question, keep=not draft.question_id)
        if not reply.answer or reply.answer.key.id in draft.declined:
            return replace(draft, question_id=draft.question_id or reply.id), None
        if draft.question_id:
            reply = desk.ask(question)  # now the answer is shown, and what becomes of it is to be kept
    except QuestionInvalid:  # nothing a bot can read; a person can
        return draft, None
    return replace(draft, question_id=reply.id), reply


def _form(
    request: Request, draft: Draft, *, status: int = 200, errors: dict[str, Message] | None = None, notice: str = ""
) -> Response:
    reader = visit(request, catalogue(request))
    if notice == "sent":  # changed after it was sent: sent again, it is another ticket
        draft = replace(draft, key=secrets.token_urlsafe(18))
    values = {
        "draft": draft,
        "errors": {name: reader.said.say(errors[name]) for name in _FIELDS if errors and name in errors},
        "notice": notice,
        "offer": _offer(request.app.state.desk, draft, reader),
        "script_words": ticket_words(reader.said),
        "suggest_from": SUGGEST_FROM,
        "max_subject": MAX_SUBJECT,
        "max_body": MAX_BODY,
        "noindex": True,
    }
    headers = {"Retry-After": "5"} if status == 503 else None
    return page(request, "ticket.html", values, status=status, reader=reader, headers=headers)


def _offer(desk: HelpDesk, draft: Draft, reader: Visit) -> Offer:
    """What the form shows beside it before anybody types, and without a script."""
    if len(draft.subject) + len(draft.body) < SUGGEST_FROM:
        return Offer((), ())
    try:
        found = desk.suggest(Question(draft.subject, draft.body, reader.lang), _SUGGESTIONS)
    except QuestionInvalid:
        return Offer((), ())
    wanted = tuple(suggestion for suggestion in found.suggestions if suggestion.key.id not in draft.declined)
    return Offer(wanted, found.between if set(found.between) <= set(wanted) else ())


@router.get("/ticket/sent/{ticket_id}")
def sent(request: Request, ticket_id: str) -> Response:
    """Number and what happens next. The id cannot be guessed."""
    ticket = request.app.state.desk.ticket(ticket_id)
    return page(request, "ticket_sent.html", {"ticket": ticket}, private=True)
