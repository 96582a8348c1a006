"""The panel as a page of its own, for the sidebar of another desk: what stands beside a ticket that is not ours."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from bot.beside import Case
from bot.models import MAX_BODY, MAX_SUBJECT
from bot.people import Caller
from bot.service import HelpDesk
from kb import languages
from web import agents, auth
from web.pages.beside import Done, Place, flagged, panel, wants_part
from web.pages.catalogue import catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Form, Posted, tidy
from web.pages.templates import page
from web.pages.visit import visit

router = APIRouter(route_class=PageRoute)

#: The one address that other sites may show in a frame, with all below it.
ADDRESS = "/agent/panel"
_NO_STORE = {"Cache-Control": "no-store"}


@router.get(ADDRESS)
def open_panel(request: Request) -> Response:
    """Articles and solved tickets for `?subject=`, `?body=` and `?lang=`; nothing of them is kept."""
    query = request.query_params
    who = _who(request)
    if who is None:
        return _sign_in(request)
    case = _case(who, query.get("subject", ""), query.get("body", ""), query.get("lang", ""))
    if not case.subject and not case.body:
        return page(request, "panel_empty.html", {"origins": _origins(request)}, private=True)
    return _shown(request, who, case, Done(""))


@router.post(f"{ADDRESS}/solved")
def solved(request: Request, form: Posted) -> Response:
    """Teaches at once that an article solved a ticket of another desk."""
    who, case = _posted(request, form)
    article, desk = form.text("article_id"), _desk(request)
    if agents.readable(desk.library.searcher, article, "", who) is None:
        raise HTTPException(404)
    learned = desk.teach(article, case.subject, case.body, case.lang or "", _origin(case))
    return _shown(request, who, case, Done("solved", learned=learned))


@router.post(f"{ADDRESS}/undo")
def undo(request: Request, form: Posted) -> Response:
    who, case = _posted(request, form)
    _desk(request).unteach(_origin(case))
    return _shown(request, who, case, Done("undone"))


@router.post(f"{ADDRESS}/flag")
def flag(request: Request, form: Posted) -> Response:
    who, case = _posted(request, form)
    done = flagged(request, who, form)
    return _shown(request, who, case, done, 422 if done.problem else 200)


def _shown(request: Request, who: Caller, case: Case, done: Done, status: int = 200) -> Response:
    fields = (("subject", case.subject), ("body", case.body), ("lang", case.lang or ""))
    back = f"{ADDRESS}?{urlencode([pair for pair in fields if pair[1]])}"
    made = panel(request, who, case, Place(ADDRESS, back, fields))
    said = visit(request, catalogue(request)).said
    made = replace(done.on(_desk(request), made, said), framed=True, origins=_origins(request))
    return page(request, _template(request), {"panel": made}, status=status, private=True)


def _template(request: Request) -> str:
    return "beside.html" if wants_part(request) else "panel.html"


def _who(request: Request) -> Caller | None:
    who = auth.caller(request)
    return who if who.may("tickets") else None


def _sign_in(request: Request) -> Response:
    back = f"{ADDRESS}?{request.url.query}" if request.url.query else ADDRESS
    return RedirectResponse(f"/sign-in?{urlencode({'next': back})}", 303, _NO_STORE)


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
