"""Who may sign in and what they may do, for administrators; and the log of what was done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from bot.accounts import PersonDraft
from bot.audit import ACTIONS, Action, AuditPage
from bot.errors import AccountInvalid, LastAdmin, Message
from bot.people import ROLES, People, Person, Role
from web import auth
from web.pages.catalogue import catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Form, Posted, page_number, tidy
from web.pages.templates import page
from web.pages.visit import base_address, visit
from web.words import N_

router = APIRouter(route_class=PageRoute)

_ROWS = 50
_MAX_SEARCH = 200
ROLE_NAMES: dict[Role, str] = {
    "reader": N_("Reader"),
    "agent": N_("Help desk agent"),
    "author": N_("Author"),
    "admin": N_("Administrator"),
}
_ROLE_MEANINGS: dict[Role, str] = {
    "reader": N_("Reads public articles and those of their groups."),
    "agent": N_("Works on tickets and reads internal articles."),
    "author": N_("Sees what people asked and what was learned, and reads internal articles."),
    "admin": N_("May do everything, and decides who may do what."),
}
_ACTION_NAMES: dict[Action, str] = {
    "set_up": N_("Set up the help centre"),
    "signed_in": N_("Signed in"),
    "sign_in_failed": N_("Failed to sign in"),
    "signed_out": N_("Signed out"),
    "signed_out_everywhere": N_("Signed out everywhere"),
    "password_changed": N_("Changed the password"),
    "person_added": N_("Added a person"),
    "person_changed": N_("Changed roles or groups"),
    "person_deactivated": N_("Deactivated a person"),
    "person_reactivated": N_("Reactivated a person"),
    "person_erased": N_("Erased a person"),
    "link_made": N_("Made a link for a password"),
    "token_made": N_("Made a token"),
    "token_revoked": N_("Revoked a token"),
    "token_refused": N_("Came with a token that does not work"),
    "sending_retried": N_("Had something sent again"),
    "sending_discarded": N_("Discarded what was to be sent"),
    "publication_asked": N_("Had articles published"),
    "publication_taken_back": N_("Went back to earlier articles"),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What of a list to show: words, a role or an action, and which page."""

    text: str = ""
    kind: str = ""
    number: int = 1

    @classmethod
    def of(cls, request: Request, kinds: tuple[str, ...]) -> Filter:
        query = request.query_params
        kind = query.get("kind", "")
        return cls(
            text=tidy(query.get("text", "")).strip()[:_MAX_SEARCH],
            kind=kind if kind in kinds else "",
            number=page_number(query.get("page", "")),
        )

    def address(self, path: str, number: int) -> str:
        given = {"text": self.text, "kind": self.kind, "page": str(number) if number > 1 else ""}
        query = urlencode({name: value for name, value in given.items() if value})
        return f"{path}?{query}" if query else path


@router.get("/people")
def people(request: Request) -> Response:
    auth.enter(request, "admin")
    wanted = Filter.of(request, ROLES)
    role = next((role for role in ROLES if role == wanted.kind), None)
    first = (wanted.number - 1) * _ROWS
    found = auth.accounts(request).store.find(text=wanted.text, role=role, limit=_ROWS, offset=first)
    return _listed(request, "people.html", wanted, found, {"roles": ROLE_NAMES})


@router.get("/people/audit")
def audit(request: Request) -> Response:
    auth.enter(request, "admin")
    wanted = Filter.of(request, ACTIONS)
    action = next((action for action in ACTIONS if action == wanted.kind), None)
    first = (wanted.number - 1) * _ROWS
    found = auth.accounts(request).log.find(action=action, text=wanted.text, limit=_ROWS, offset=first)
    return _listed(request, "audit.html", wanted, found, {"actions": _ACTION_NAMES})


def _listed(
    request: Request, template: str, wanted: Filter, found: People | AuditPage, values: dict[str, Any]
) -> Response:
    """One page of a list; the last one where an address asks for more than there are."""
    path, pages = request.url.path, max(1, -(-found.total // _ROWS))
    if wanted.number > pages:
        return RedirectResponse(wanted.address(path, pages), 303)
    around = {
        "filter": wanted,
        "found": found,
        "before": wanted.address(path, wanted.number - 1),
        "after": wanted.address(path, wanted.number + 1),
        "pages": pages,
    }
    return page(request, template, {**around, **values}, private=True)


@router.get("/people/add")
def add_form(request: Request) -> Response:
    auth.enter(request, "admin")
    return _person(request, None, PersonDraft("", "", frozenset({"reader"})))


@router.post("/people/add")
def add(request: Request, form: Posted) -> Response:
    """Adds somebody, and shows the link with which they set a password."""
    auth.enter(request, "admin")
    draft = _draft(form)
    try:
        person = auth.accounts(request).add(draft, auth.by(request))
    except AccountInvalid as error:
        return _person(request, None, draft, errors=error.fields, status=422)
    return _link(request, person)


@router.get("/people/{person_id}")
def edit_form(request: Request, person_id: str) -> Response:
    auth.enter(request, "admin")
    person = auth.accounts(request).store.person(person_id)
    done = "saved" if request.query_params.get("done") == "saved" else ""
    return _person(request, person, _draft_of(person), done=done)


@router.post("/people/{person_id}")
def edit(request: Request, person_id: str, form: Posted) -> Response:
    auth.enter(request, "admin")
    accounts = auth.accounts(request)
    person, draft = accounts.store.person(person_id), _draft(form)
    try:
        accounts.change(person_id, draft, auth.by(request))
    except AccountInvalid as error:
        return _person(request, person, draft, errors=error.fields, status=422)
    except LastAdmin as error:
        return _person(request, person, draft, errors={"roles": error.message or Message(str(error))}, status=409)
    return RedirectResponse(f"/people/{person.id}?done=saved", 303)


@router.post("/people/{person_id}/active")
def set_active(request: Request, person_id: str, form: Posted) -> Response:
    auth.enter(request, "admin")
    accounts = auth.accounts(request)
    try:
        accounts.set_active(person_id, form.text("active") == "yes", auth.by(request))
    except LastAdmin as error:
        person = accounts.store.person(person_id)
        errors = {"roles": error.message or Message(str(error))}
        return _person(request, person, _draft_of(person), errors=errors, status=409)
    return RedirectResponse(f"/people/{person_id}?done=saved", 303)


@router.post("/people/{person_id}/link")
def make_link(request: Request, person_id: str, _form: Posted) -> Response:
    auth.enter(request, "admin")
    return _link(request, auth.accounts(request).store.person(person_id))


def _link(request: Request, person: Person) -> Response:
    """The link, this once: what is kept of it is a hash."""
    secret, kind = auth.accounts(request).invite(person.id, auth.by(request))
    values = {"person": person, "kind": kind, "address": f"{base_address(request)}/welcome/{secret}"}
    return page(request, "person_link.html", values, private=True)


def _draft(form: Form) -> PersonDraft:
    return PersonDraft(
        email=form.text("email").strip()[:1_000],
        name=form.text("name")[:1_000],
        roles=frozenset(role for role in ROLES if role in form.texts("role")),
        groups=frozenset(group.strip() for group in form.text("groups")[:5_000].split(",") if group.strip()),
        lang=form.text("lang")[:2],
    )


def _draft_of(person: Person) -> PersonDraft:
    return PersonDraft(person.email, person.name, person.roles, person.groups, person.lang)


def _person(
    request: Request,
    person: Person | None,
    draft: PersonDraft,
    *,
    errors: Mapping[str, Message] | None = None,
    done: str = "",
    status: int = 200,
) -> Response:
    reader = visit(request, catalogue(request))
    snapshot = request.app.state.desk.library.searcher.snapshot
    known = {entry.article.audience for entry in snapshot.entries} - {"public", "internal"}
    values = {
        "person": person,
        "draft": draft,
        "groups": ", ".join(sorted(draft.groups)),
        "known_groups": sorted(known),
        "roles": [(role, ROLE_NAMES[role], _ROLE_MEANINGS[role]) for role in ROLES],
        "errors": {name: reader.said.say(message) for name, message in (errors or {}).items()},
        "done": done,
    }
    return page(request, "person.html", values, status=status, reader=reader, private=True)
