"""Signing in and out, and the pages that one-time links lead to: the first admin, and a password of one's own."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from bot.accounts import PersonDraft, digest, no_link
from bot.errors import AccountInvalid, Message
from bot.passwords import SHORTEST
from bot.people import ANYBODY, Caller, Person, address_key
from web import auth
from web.origin import host, network, own_path
from web.pages.catalogue import catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Posted
from web.pages.templates import page
from web.pages.visit import Visit, visit

router = APIRouter(route_class=PageRoute)

_NO_MATCH = Message("This e-mail address and password do not go together. Check both and try again.")
_LONGEST = 1_000


@router.get("/sign-in")
def sign_in_form(request: Request) -> Response:
    following = own_path(request.query_params.get("next", ""))
    if auth.caller(request).id:
        return RedirectResponse(following or _workplace(auth.caller(request)), 303)
    return _sign_in(request, following)


@router.post("/sign-in")
def sign_in(request: Request, form: Posted) -> Response:
    """Signs in, with a new session whatever the browser brought. No error tells whether an address is known."""
    following, email = own_path(form.text("next")), form.text("email").strip()[:_LONGEST]
    password, limits = form.text("password")[:_LONGEST], request.app.state.limits
    errors: dict[str, Message] = {}
    if not email:
        errors["email"] = Message("Enter your e-mail address.")
    if not password:
        errors["password"] = Message("Enter your password.")
    if errors:
        return _sign_in(request, following, email, errors, 422)
    from_where = network(host(request))
    if seconds := limits.try_account(from_where, address_key(email)):
        many = {"email": Message("There were many tries to sign in from here. Wait a while and try again.")}
        return _sign_in(request, following, email, many, 429, {"Retry-After": str(seconds)})
    secret = auth.accounts(request).sign_in(email, password, host(request))
    if secret is None:
        limits.wait("sign_in", from_where)
        return _sign_in(request, following, email, {"password": _NO_MATCH}, 403)
    limits.account_opened(from_where, address_key(email))
    return _signed_in(request, secret, following)


def _sign_in(
    request: Request,
    following: str,
    email: str = "",
    errors: Mapping[str, Message] | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    reader = _reader(request)
    values = {"next": following, "email": email, "errors": _said(reader, errors)}
    return page(request, "sign_in.html", values, status=status, reader=reader, headers=headers, private=True)


@router.post("/sign-out")
def sign_out(request: Request, _form: Posted) -> Response:
    if (secret := auth.session_secret(request)) and auth.caller(request).id:
        auth.accounts(request).sign_out(secret, auth.by(request))
    response = RedirectResponse("/", 303, {"Clear-Site-Data": '"cache"'})
    auth.forget(request, response)
    return response


@router.get("/setup/{secret}")
def setup_form(request: Request, secret: str) -> Response:
    if auth.accounts(request).opened(secret)[1] is not None:
        raise no_link()
    return _setup(request, secret, PersonDraft("", ""))


@router.post("/setup/{secret}")
def setup(request: Request, secret: str, form: Posted) -> Response:
    """Makes the first admin and signs in."""
    lang = request.query_params.get("lang", "")
    draft = PersonDraft(form.text("email").strip()[:_LONGEST], form.text("name")[:_LONGEST], lang="")
    accounts = auth.accounts(request)
    try:
        person = accounts.set_up(secret, draft, form.text("password"), host(request))
    except AccountInvalid as error:
        return _setup(request, secret, draft, error.fields, 422)
    following = f"/people?lang={lang}" if lang.isalpha() else "/people"  # whoever else there is to be added
    return _signed_in(request, accounts.start(person, host(request)), following)


def _setup(
    request: Request, secret: str, draft: PersonDraft, errors: Mapping[str, Message] | None = None, status: int = 200
) -> Response:
    reader = _reader(request)
    values = {"secret": secret, "draft": draft, "errors": _said(reader, errors), "shortest": SHORTEST}
    return page(request, "setup.html", values, status=status, reader=reader, private=True)


@router.get("/welcome/{secret}")
def welcome_form(request: Request, secret: str) -> Response:
    return _welcome(request, secret, _whose(request, secret))


@router.post("/welcome/{secret}")
def welcome(request: Request, secret: str, form: Posted) -> Response:
    """Sets a password and signs in."""
    accounts, person = auth.accounts(request), _whose(request, secret)
    try:
        person = accounts.welcome(secret, form.text("password"), host(request))
    except AccountInvalid as error:
        return _welcome(request, secret, person, error.fields, 422)
    return _signed_in(request, accounts.start(person, host(request)))


def _whose(request: Request, secret: str) -> Person:
    _, person = auth.accounts(request).opened(secret)
    if person is None:
        raise no_link()
    return person


def _welcome(
    request: Request, secret: str, person: Person, errors: Mapping[str, Message] | None = None, status: int = 200
) -> Response:
    reader = _reader(request)
    values = {"secret": secret, "person": person, "errors": _said(reader, errors), "shortest": SHORTEST}
    return page(request, "welcome.html", values, status=status, reader=reader, private=True)


def _signed_in(request: Request, secret: str, following: str = "") -> Response:
    """What was signed in before in this browser ends: no session outlives the person who takes its place."""
    accounts = auth.accounts(request)
    if before := auth.session_secret(request):
        accounts.store.end(digest(before))
    response = RedirectResponse(following or _workplace(accounts.of_session(secret) or ANYBODY), 303)
    auth.keep(request, response, secret)
    return response


def _workplace(caller: Caller) -> str:
    """Where somebody goes who did not say where to: agents and authors came to work."""
    return "/inbox" if caller.may("tickets") else "/authors" if caller.may("authoring") else "/"


def _reader(request: Request) -> Visit:
    return visit(request, catalogue(request))


def _said(reader: Visit, errors: Mapping[str, Message] | None) -> dict[str, str]:
    return {name: reader.said.say(message) for name, message in (errors or {}).items()}
