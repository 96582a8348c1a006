"""The ticket form: solutions beside it, a sure answer before it is sent, and no typed word ever lost."""

from __future__ import annotations

import logging
import re
import secrets
from dataclasses import dataclass, field, replace

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from bot import tickets
from bot.attachments import Allowed, room
from bot.errors import AttachmentRefused, Message, QuestionInvalid, StoreUnavailable, TicketConflict, TicketInvalid
from bot.models import MAX_BODY, MAX_SUBJECT, Attachment, Offer, Outcome, Question, Reply, TicketDraft
from bot.reports.hold_out import HoldOut
from bot.service import HelpDesk
from web import limits
from web.auth import caller
from web.choices import Choice
from web.origin import from_this_site
from web.pages import opening
from web.pages.asking import keep_outcome
from web.pages.catalogue import catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Form, PostedWithFiles, identifier, tidy
from web.pages.templates import page
from web.pages.visit import SESSION_COOKIE, Visit, by_a_person, keep_session, session_of, visit
from web.schemas import MOST_DECLINED
from web.script_words import ticket_words

_log = logging.getLogger(__name__)

router = APIRouter(route_class=PageRoute)

#: Shorter texts say too little to suggest anything; the script asks from the same length on.
SUGGEST_FROM = 10
_SUGGESTIONS = 3
_MAX_IDENTIFIER = 200
_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
#: In the order of the form, for the summary of errors.
_FIELDS = ("email", "topic", "department", "subject", "body", "attachments")
#: A field no person sees. A script that fills in every field fills it in, too.
TRAP = "website"


@dataclass(frozen=True, slots=True)
class Draft:
    """A ticket as it stands in the form. `key` is the same however often this form is sent; `token` tells its age."""

    email: str = ""
    subject: str = ""
    body: str = ""
    question_id: str = ""
    declined: tuple[str, ...] = ()
    topic: str = ""
    department: str = ""
    token: str = ""
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
            topic=form.text("topic").strip(),
            department=form.text("department").strip(),
            token=form.text("token"),
        )
        return replace(draft, key=key) if _KEY.fullmatch(key) else draft

    def ticket(self, session: str, lang: str) -> TicketDraft:
        return TicketDraft(
            subject=self.subject,
            body=self.body,
            email=self.email,
            question_id=self.question_id,
            declined=self.declined,
            session=session,
            lang=lang,
            topic=self.topic,
            department=self.department,
        )


def _declined(given: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(article[:_MAX_IDENTIFIER] for article in given if article))[:MOST_DECLINED]


@router.get("/ticket")
def form(request: Request) -> Response:
    """The form, filled in with what the address says."""
    query, settings = request.query_params, request.app.state.settings
    draft = Draft(
        email=tidy(query.get("email", "")).strip(),
        subject=" ".join(tidy(query.get("subject", "")).split()),
        body=tidy(query.get("body", "")),
        question_id=identifier(query.get("question_id", "")),
        declined=_declined([tidy(article) for article in query.getlist("declined")]),
        topic=_known(query.get("topic", ""), settings.ticket_topics),
        department=_known(query.get("department", ""), settings.departments),
    )
    if len(draft.subject) > MAX_SUBJECT:  # a long question becomes the text, where it has room
        draft = replace(draft, subject="", body=f"{draft.subject}\n\n{draft.body}".strip())
    return _form(request, draft, session=session_of(request) if _hold_out(request) else "")


@router.post("/ticket/came")
def came(request: Request) -> Response:
    """The form's script has begun, in a browser that keeps its session: from now on this one counts for the hold-out.

    It says so before anybody can have done anything, so whether suggestions show changes nothing about who counts.
    """
    if not from_this_site(request):
        raise HTTPException(403)
    hold_out, session = _hold_out(request), session_of(request)
    kept = request.cookies.get(SESSION_COOKIE) == session
    # Counted for the address alone: of the session, suggestions have used up more than none have.
    if hold_out and kept and by_a_person(request) and not limits.wait(request, "typing"):
        try:
            hold_out.enter(session, request.app.state.desk.now())
        except StoreUnavailable as error:  # the form is worth more than what is measured with it
            _log.error("%s", error)
    return Response(status_code=204)


def _hold_out(request: Request) -> HoldOut | None:
    """None where there is none, and for who answers tickets: they send them for others."""
    hold_out: HoldOut = request.app.state.reports.hold_out
    return hold_out if hold_out.share and not caller(request).may("tickets") else None


def _held_out(request: Request, session: str) -> bool:
    """Whether this session sees no suggestions, so that what they do can be measured."""
    hold_out = _hold_out(request)
    return hold_out is not None and hold_out.holds_out(session)


def _known(name: str, choices: tuple[Choice, ...]) -> str:
    """The stored name of a choice that is called so in any language, else ""."""
    return next((choice.stored for choice in choices if name in (said for _, said in choice.names)), "")


@router.post("/ticket")
def send(request: Request, form: PostedWithFiles) -> Response:
    """Shows a sure answer first, else takes the ticket."""
    desk: HelpDesk = request.app.state.desk
    reader = visit(request, catalogue(request))
    draft, session = Draft.typed(form), session_of(request)
    remove = form.identifier("remove")
    if (form.uploads or not remove) and (seconds := limits.wait(request, "tickets", session)):
        again = {"attachments": [Message("Choose your files once more: they were not kept.")]} if form.uploads else {}
        return _form(request, draft, session=session, status=429, errors=again, notice="often", retry_after=seconds)
    errors: dict[str, list[Message]] = {}
    try:
        errors |= _keep_files(request, draft, form)
        if remove:
            desk.inbox.detach(draft.key, remove)
            return _form(request, draft, session=session, status=422 if errors else 200, errors=errors)
        if notice := _suspicion(request, draft, form):
            return _form(request, draft, session=session, status=422, errors=errors, notice=notice)
        errors |= _faults(request, draft, session, reader)
        if errors:
            return _form(request, draft, session=session, status=422, errors=errors)
        if not form.text("sure") and not _held_out(request, session):
            draft, reply = _ask(desk, draft, session, reader, caller(request).audiences)
            if reply:
                values = {
                    "draft": draft,
                    "answer": reply.answer,
                    "reply": reply,
                    "waiting": desk.inbox.waiting(draft.key),
                }
                response: Response = page(request, "ticket_answer.html", values, reader=reader, private=True)
                return keep_session(request, response, session)
        taken = desk.open_ticket(draft.ticket(session, reader.lang), draft.key)
    except TicketInvalid as error:
        return _form(
            request, draft, session=session, status=422, errors={name: [words] for name, words in error.fields.items()}
        )
    except TicketConflict:
        return _sent_before(request, Draft.typed(form), session)
    except StoreUnavailable as error:
        _log.error("%s", error)
        return _form(request, draft, session=session, status=503, errors=errors, notice="down", retry_after=5)
    if form.text("sure") and draft.declined:
        keep_outcome(request, Outcome(draft.question_id, "not_solved", draft.declined[-1]))
    return keep_session(request, RedirectResponse(reader.link(f"/ticket/{taken.id}", sent="yes"), 303), session)


def _keep_files(request: Request, draft: Draft, form: Form) -> dict[str, list[Message]]:
    """Keeps the good files of a form under the ticket's key; what is wrong with the others."""
    if not form.uploads:
        return {}
    desk: HelpDesk = request.app.state.desk
    known = desk.inbox.waiting(draft.key)
    allowed: Allowed = request.app.state.settings.allowed_files
    taken, refused = room(allowed, form.uploads, len(known))
    for upload in taken:
        try:
            desk.inbox.attach(draft.key, upload, desk.now())
        except AttachmentRefused as error:
            refused.append(error)
    return {"attachments": [error.words for error in refused]} if refused else {}


def _suspicion(request: Request, draft: Draft, form: Form) -> str:
    """Why a script may have sent this: the name of a notice that asks a person to send it again, or ""."""
    if form.text(TRAP):
        return "trap"
    age = request.app.state.tokens.age(draft.token, draft.key, request.app.state.desk.now())
    if age is None:
        return "expired"
    return "fast" if age.total_seconds() < request.app.state.settings.form_min_seconds else ""


def _faults(request: Request, draft: Draft, session: str, reader: Visit) -> dict[str, list[Message]]:
    """What is wrong with the words of a draft, field by field."""
    settings = request.app.state.settings
    faults: dict[str, list[Message]] = {}
    for name, value, choices in (
        ("topic", draft.topic, settings.ticket_topics),
        ("department", draft.department, settings.departments),
    ):
        if value and not _known(value, choices):
            faults[name] = [Message("Choose one of the list.")]
    try:
        tickets.check(draft.ticket(session, reader.lang))
    except TicketInvalid as error:
        faults |= {name: [message] for name, message in error.fields.items()}
    return faults


def _sent_before(request: Request, draft: Draft, session: str) -> Response:
    """The form for a ticket that was changed after it was sent: sent again, it is another one, with the same files."""
    desk: HelpDesk = request.app.state.desk
    another = replace(draft, key=secrets.token_urlsafe(18), token="")
    try:
        desk.inbox.carry(draft.key, another.key, desk.now())
    except StoreUnavailable as error:
        _log.error("%s", error)  # the words are what matters; files can be chosen again
    return _form(request, another, session=session, status=409, notice="sent")


def _ask(
    desk: HelpDesk, draft: Draft, session: str, reader: Visit, audiences: frozenset[str]
) -> tuple[Draft, Reply | None]:
    """The draft with the question it belongs to, and the reply to show first, if there is a sure answer.

    Who comes from the search page has asked already; the ticket belongs to that question, and it counts once.
    """
    question = Question(draft.subject, draft.body, reader.lang, "ticket_form", session, audiences=audiences)
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
    request: Request,
    draft: Draft,
    *,
    session: str = "",
    status: int = 200,
    errors: dict[str, list[Message]] | None = None,
    notice: str = "",
    retry_after: int = 0,
) -> Response:
    reader, settings = visit(request, catalogue(request)), request.app.state.settings
    desk: HelpDesk = request.app.state.desk
    now, held_out = desk.now(), _held_out(request, session)
    # A form that is shown again keeps its time, so that who mends one word need not wait once more.
    if request.app.state.tokens.age(draft.token, draft.key, now) is None:
        draft = replace(draft, token=request.app.state.tokens.issue(draft.key, now))
    said = {name: "\n".join(map(reader.said.say, errors[name])) for name in _FIELDS if errors and name in errors}
    values = {
        "draft": draft,
        "errors": said,
        "notice": notice,
        "retry_after": retry_after,
        "offer": Offer((), ()) if held_out else _offer(desk, draft, reader, caller(request).audiences),
        "held_out": held_out,
        "measured": request.method != "POST" and _hold_out(request) is not None,
        "waiting": _waiting(desk, draft) if request.method == "POST" else (),
        "allowed": settings.allowed_files,
        "topics": settings.ticket_topics,
        "departments": settings.departments,
        "when": opening.promise(settings, reader.said, now),
        "trap": TRAP,
        # Only an empty form takes up what this browser remembers of a half-written ticket.
        "fresh": request.method != "POST" and not (draft.subject or draft.body),
        "prefilled": request.method != "POST",
        "script_words": ticket_words(reader.said, settings.allowed_files),
        "suggest_from": SUGGEST_FROM,
        "max_subject": MAX_SUBJECT,
        "max_body": MAX_BODY,
        "noindex": True,
    }
    headers = {"Retry-After": str(retry_after)} if retry_after else None
    response = page(request, "ticket.html", values, status=status, reader=reader, headers=headers)
    return keep_session(request, response, session) if session else response


def _waiting(desk: HelpDesk, draft: Draft) -> tuple[Attachment, ...]:
    try:
        return desk.inbox.waiting(draft.key)
    except StoreUnavailable:  # the form says so already
        return ()


def _offer(desk: HelpDesk, draft: Draft, reader: Visit, audiences: frozenset[str]) -> Offer:
    """What the form shows beside it before anybody types, and without a script."""
    if len(draft.subject) + len(draft.body) < SUGGEST_FROM:
        return Offer((), ())
    try:
        found = desk.suggest(Question(draft.subject, draft.body, reader.lang, audiences=audiences), _SUGGESTIONS)
    except QuestionInvalid:
        return Offer((), ())
    wanted = tuple(suggestion for suggestion in found.suggestions if suggestion.key.id not in draft.declined)
    return Offer(wanted, found.between if set(found.between) <= set(wanted) else ())
