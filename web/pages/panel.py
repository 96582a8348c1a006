"""The panel as a page of its own, for the sidebar of another desk: what stands beside a ticket that is not ours.

In the frame of another site no browser sends the cookie of who is signed in here, so the panel has a sign-in of its
own. Its cookie belongs to that one site around it (CHIPS, "partitioned cookies") and opens nothing but the panel.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from bot.accounts import SESSION_LASTS, By, digest, new_secret
from bot.beside import Case
from bot.errors import Message
from bot.models import MAX_BODY, MAX_SUBJECT
from bot.people import Caller, address_key
from bot.service import HelpDesk
from kb import languages
from web import auth, beside_api
from web.addresses import PANEL
from web.origin import host, network
from web.pages.beside import Done, Place, flagged, panel, wants_part
from web.pages.catalogue import catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Form, Posted, tidy
from web.pages.templates import page
from web.pages.visit import visit

router = APIRouter(route_class=PageRoute)

#: The one address that other sites may show in a frame, with all below it.
_COOKIE = "__Secure-firstline_panel"
_LONGEST = 1_000
_CARRIED = ("subject", "body", "lang")


@router.get(PANEL)
def open_panel(request: Request) -> Response:
    """Articles and solved tickets for `?subject=`, `?body=` and `?lang=`; nothing of them is kept."""
    query = request.query_params
    who = _who(request)
    if who is None:
        return _sign_in(request, {name: query.get(name, "") for name in _CARRIED})
    case = _case(who, query.get("subject", ""), query.get("body", ""), query.get("lang", ""))
    if not case.subject and not case.body:
        return page(request, "panel_empty.html", {"signed_in": _COOKIE in request.cookies}, private=True)
    return _shown(request, who, case, Done(""))


@router.post(f"{PANEL}/solved")
def solved(request: Request, form: Posted) -> Response:
    """Teaches at once that an article solved a ticket of another desk."""
    who, case = _posted(request, form)
    article, desk = form.text("article_id"), _desk(request)
    if beside_api.readable(desk.library.searcher, article, "", who) is None:
        raise HTTPException(404)
    learned = desk.teach(article, case.subject, case.body, case.lang or "", _origin(case))
    return _shown(request, who, case, Done("solved", learned=learned))


@router.post(f"{PANEL}/undo")
def undo(request: Request, form: Posted) -> Response:
    who, case = _posted(request, form)
    _desk(request).unteach(_origin(case))
    return _shown(request, who, case, Done("undone"))


@router.post(f"{PANEL}/flag")
def flag(request: Request, form: Posted) -> Response:
    who, case = _posted(request, form)
    done = flagged(request, who, form)
    return _shown(request, who, case, done, 422 if done.problem else 200)


def _shown(request: Request, who: Caller, case: Case, done: Done, status: int = 200) -> Response:
    fields = (("subject", case.subject), ("body", case.body), ("lang", case.lang or ""))
    back = f"{PANEL}?{urlencode([pair for pair in fields if pair[1]])}"
    made = panel(request, who, case, Place(PANEL, back, fields))
    said = visit(request, catalogue(request)).said
    made = replace(done.on(_desk(request), made, said), framed=True, origins=_origins(request))
    return page(
        request,
        _template(request),
        {"panel": made, "signed_in": _COOKIE in request.cookies},
        status=status,
        private=True,
    )


def _template(request: Request) -> str:
    return "beside.html" if wants_part(request) else "panel.html"


@router.post(f"{PANEL}/sign-in")
def sign_in(request: Request, form: Posted) -> Response:
    """Signs in for the panel alone, and shows the ticket that waited for it."""
    email, password = form.text("email").strip()[:_LONGEST], form.text("password")[:_LONGEST]
    carried, limits = {name: form.text(name) for name in _CARRIED}, request.app.state.limits
    if not email or not password:
        return _sign_in(request, carried, email, Message("Enter your e-mail address and your password."), 422)
    from_where = network(host(request))
    if limits.try_account(from_where, address_key(email)):
        many = Message("There were many tries to sign in from here. Wait a while and try again.")
        return _sign_in(request, carried, email, many, 429)
    cookie = new_secret()
    accounts = replace(auth.accounts(request), new_secret=lambda: _session(request, cookie))
    session = accounts.sign_in(email, password, host(request))
    who = accounts.of_session(session) if session else None
    if session is None or who is None or not who.may("tickets"):
        if session is None:
            limits.wait("sign_in", from_where)
        else:
            accounts.store.end(digest(session))
        words = "This e-mail address and password do not go together. Check both and try again."
        told = Message(words) if session is None else Message("You are not among those who work on tickets here.")
        return _sign_in(request, carried, email, told, 403)
    limits.account_opened(from_where, address_key(email))
    query = urlencode({name: text for name, text in carried.items() if text})
    response = RedirectResponse(f"{PANEL}?{query}" if len(query) < _LONGEST * 8 else PANEL, 303)
    return _keep(response, cookie, int(SESSION_LASTS.total_seconds()))


@router.post(f"{PANEL}/sign-out")
def sign_out(request: Request, _form: Posted) -> Response:
    if cookie := request.cookies.get(_COOKIE):
        accounts, session = auth.accounts(request), _session(request, cookie)
        if known := accounts.of_session(session):
            accounts.sign_out(session, By(known.email, host(request)))
    return _keep(RedirectResponse(PANEL, 303), "", 0)


def _keep(response: Response, cookie: str, seconds: int) -> Response:
    """`Partitioned` is newer than what Starlette writes on every Python we run on."""
    rules = f"Max-Age={seconds}; Path={PANEL}; HttpOnly; Secure; SameSite=None; Partitioned"
    response.headers.append("Set-Cookie", f"{_COOKIE}={cookie}; {rules}")
    return response


def _session(request: Request, cookie: str) -> str:
    """The session behind a cookie of the panel: no other cookie can hold it, since only servers know the key."""
    panel_key: bytes = request.app.state.panel_key
    return hmac.new(panel_key, cookie.encode(), hashlib.sha256).hexdigest()


def _who(request: Request) -> Caller | None:
    """An agent who is signed in here or in the panel; None for anybody else."""
    who = auth.caller(request)
    if not who.may("tickets") and (cookie := request.cookies.get(_COOKIE)):
        known = auth.accounts(request).of_session(_session(request, cookie))
        who = replace(known, rights=known.rights & {"tickets"}) if known else who
    return who if who.may("tickets") else None


def _sign_in(
    request: Request, carried: dict[str, str], email: str = "", problem: Message | None = None, status: int = 200
) -> Response:
    reader = visit(request, catalogue(request))
    told = reader.said.say(problem) if problem else ""
    values = {"carried": carried, "email": email, "problem": told}
    return page(request, "panel_sign_in.html", values, status=status, reader=reader, private=True)


def _posted(request: Request, form: Form) -> tuple[Caller, Case]:
    """Who sent a form of the panel, and the ticket in it. Raises an HTTPException 403 for somebody not signed in."""
    who = _who(request)
    if who is None:
        raise HTTPException(403)
    return who, _case(who, form.text("subject"), form.text("body"), form.text("lang"))


def _case(who: Caller, subject: str, body: str, lang: str) -> Case:
    case = Case(
        subject=" ".join(tidy(subject).split())[:MAX_SUBJECT],
        body=tidy(body).strip()[:MAX_BODY],
        lang=languages.normalise(lang),
        audiences=who.audiences,
    )
    return replace(case, origins=frozenset({_origin(case)}))


def _origin(case: Case) -> str:
    """What a ticket of another desk is called where it was learned from: its own words name it."""
    return f"panel-{hashlib.sha256(json.dumps([case.subject, case.body]).encode()).hexdigest()[:24]}"


def _origins(request: Request) -> tuple[str, ...]:
    given: tuple[str, ...] = request.app.state.settings.panel_origins
    return given


def _desk(request: Request) -> HelpDesk:
    desk: HelpDesk = request.app.state.desk
    return desk
