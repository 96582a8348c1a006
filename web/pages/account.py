"""One's own account: name and language, the password, where one is signed in, and API tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from bot.accounts import TOKEN_DAYS, PersonDraft, digest
from bot.errors import AccountInvalid, Message
from bot.passwords import SHORTEST
from bot.people import RIGHTS, Right
from web import auth
from web.origin import host, network
from web.pages.catalogue import catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Form, Posted
from web.pages.templates import page
from web.pages.visit import visit
from web.words import INTERFACE, N_

router = APIRouter(route_class=PageRoute)

RIGHT_NAMES: dict[Right, str] = {
    "articles": N_("Read all articles you may read"),
    "tickets": N_("Work on tickets"),
    "authoring": N_("Work on articles"),
    "admin": N_("Manage people"),
}
_SAID = {
    "saved": N_("Your changes are saved."),
    "password": N_("Your password is changed. You are signed out everywhere else."),
    "revoked": N_("The token works no more."),
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form for a new token."""

    name: str = ""
    scopes: frozenset[str] = frozenset({"articles"})
    days: int = 90
    errors: Mapping[str, Message] = field(default_factory=dict)


@router.get("/account")
def account(request: Request) -> Response:
    return _page(request, said=_SAID.get(request.query_params.get("done", ""), ""))


@router.post("/account")
def save(request: Request, form: Posted) -> Response:
    """Another name or language."""
    known, accounts = auth.enter_in_person(request), auth.accounts(request)
    person = accounts.store.person(known.id)
    lang = form.text("lang") if form.text("lang") in INTERFACE else ""
    draft = PersonDraft(person.email, form.text("name")[:1_000], person.roles, person.groups, lang)
    try:
        accounts.change(person.id, draft, auth.by(request))
    except AccountInvalid as error:
        return _page(request, errors=error.fields, name=draft.name, status=422)
    return RedirectResponse("/account?done=saved", 303)


@router.post("/account/password")
def change_password(request: Request, form: Posted) -> Response:
    known = auth.enter_in_person(request)
    limits, from_where = request.app.state.limits, network(host(request))
    if seconds := limits.try_account(from_where, known.id):
        many = {"old": Message("There were many tries to sign in from here. Wait a while and try again.")}
        return _page(request, errors=many, status=429, headers={"Retry-After": str(seconds)})
    try:
        auth.accounts(request).change_password(
            known.id, form.text("old"), form.text("password"), auth.session_secret(request), auth.by(request)
        )
    except AccountInvalid as error:
        return _page(request, errors=error.fields, status=422)
    limits.account_opened(from_where, known.id)
    return RedirectResponse("/account?done=password", 303)


@router.post("/account/sign-out")
def sign_out_everywhere(request: Request, _form: Posted) -> Response:
    known = auth.enter_in_person(request)
    auth.accounts(request).sign_out_everywhere(known.id, auth.by(request))
    response = RedirectResponse("/sign-in", 303)
    auth.forget(request, response)
    return response


@router.post("/account/tokens")
def make_token(request: Request, form: Posted) -> Response:
    """Makes a token and shows it, this once."""
    known = auth.enter_in_person(request)
    typed = _typed(form)
    scopes: list[Right] = [right for right in RIGHTS if right in typed.scopes]
    try:
        secret, made = auth.accounts(request).make_token(known.id, typed.name, scopes, typed.days, auth.by(request))
    except AccountInvalid as error:
        named = {f"token-{name}": words for name, words in error.fields.items()}
        return _page(request, errors=named, typed=typed, status=422)
    values = {"secret": secret, "token": made}
    return page(request, "token.html", values, reader=visit(request, catalogue(request)), private=True)


@router.post("/account/tokens/{token_id}/revoke")
def revoke(request: Request, token_id: str, _form: Posted) -> Response:
    known = auth.enter_in_person(request)
    auth.accounts(request).revoke_token(token_id, auth.by(request), known.id)
    return RedirectResponse("/account?done=revoked", 303)


def _typed(form: Form) -> Typed:
    days = form.text("days")
    return Typed(
        form.text("name")[:1_000], frozenset(form.texts("scope")), next((n for n in TOKEN_DAYS if str(n) == days), 0)
    )


def _page(
    request: Request,
    *,
    errors: Mapping[str, Message] | None = None,
    name: str | None = None,
    typed: Typed | None = None,
    said: str = "",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    known, accounts = auth.enter_in_person(request), auth.accounts(request)
    person, now = accounts.store.person(known.id), accounts.now()
    reader = visit(request, catalogue(request))
    values = {
        "person": person,
        "name": person.name if name is None else name,
        "interface": INTERFACE,
        "sessions": accounts.store.sessions(person.id),
        "this_session": digest(auth.session_secret(request)),
        "tokens": [(token, token.works(now)) for token in accounts.store.tokens(person.id)],
        "rights": [(right, RIGHT_NAMES[right]) for right in RIGHTS if right in person.rights],
        "days": TOKEN_DAYS,
        "typed": typed or Typed(),
        "shortest": SHORTEST,
        "errors": {field: reader.said.say(message) for field, message in (errors or {}).items()},
        "done": reader.said.gettext(said) if said else "",
    }
    return page(request, "account.html", values, status=status, reader=reader, headers=headers, private=True)
