"""The outbox: what is on its way to another desk or to requesters, what did not get there, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from bot.errors import SendingUnknown
from bot.outbox import SHOWN, Kind, Sending, Shown, SqlOutbox, State
from web import auth, handoff, sendings
from web.pages.failures import PageRoute
from web.pages.forms import Posted, page_number
from web.pages.templates import page
from web.words import N_

router = APIRouter(route_class=PageRoute)

_ROWS = 50
_MAX_REASON = 200
_LIST = "/outbox"
_KINDS: dict[Kind, str] = {
    "ticket": N_("Ticket"),
    "message": N_("Message"),
    "note": N_("Note"),
    "mail": N_("E-mail to the requester"),
    "event": N_("Spike"),
}
_SHOWN: dict[Shown, str] = {
    "waiting": N_("Waiting"),
    "failing": N_("Failing"),
    "dead": N_("Given up"),
    "delivered": N_("Delivered"),
    "discarded": N_("Discarded"),
}
_STATES: dict[State, str] = {name: _SHOWN[name] for name in ("waiting", "delivered", "dead", "discarded")}


@dataclass(frozen=True, slots=True)
class Filter:
    """What of it to show, and which page."""

    shown: Shown | None = None
    number: int = 1

    @classmethod
    def of(cls, shown: str, number: str) -> Filter:
        """The filter of an address or form; a value that is none of ours counts as not given."""
        return cls(next((known for known in SHOWN if known == shown), None), page_number(number))

    @property
    def fields(self) -> dict[str, str]:
        given = {"shown": self.shown or "", "page": str(self.number) if self.number > 1 else ""}
        return {name: value for name, value in given.items() if value}

    def address(self, **more: str) -> str:
        given = {**self.fields, **more}
        return f"{_LIST}?{urlencode(given)}" if given else _LIST

    def on_page(self, number: int) -> Filter:
        return replace(self, number=number)


@router.get(_LIST)
def listed(request: Request) -> Response:
    auth.enter(request, "admin")
    outbox: SqlOutbox = request.app.state.outbox
    query = request.query_params
    wanted = Filter.of(query.get("shown", ""), query.get("page", ""))
    found = outbox.find(shown=wanted.shown, limit=_ROWS, offset=(wanted.number - 1) * _ROWS)
    pages = max(1, -(-found.total // _ROWS))
    if wanted.number > pages:
        return RedirectResponse(wanted.on_page(pages).address(), 303)
    values = {
        "filter": wanted,
        "rows": found.rows,
        "total": found.total,
        "pages": pages,
        "counts": outbox.counts(),
        "kinds": _KINDS,
        "shown_names": _SHOWN,
        "states": _STATES,
        "sinks": handoff.sink_names(request.app.state.settings),
        "on": bool(handoff.sink_names(request.app.state.settings)),
        "changed": _changed(outbox, query.get("changed", "")),
        "again": query.get("again", "") if query.get("again", "").isdigit() else "",
        "max_reason": _MAX_REASON,
    }
    return page(request, "outbox.html", values, private=True)


@router.post(_LIST + "/retry")
def retry_dead(request: Request, form: Posted) -> Response:
    auth.enter(request, "admin")
    return RedirectResponse(_filter(form).address(again=str(sendings.retry_dead(request))), 303)


@router.post(_LIST + "/{sending_id:int}/retry")
def retry(request: Request, sending_id: int, form: Posted) -> Response:
    auth.enter(request, "admin")
    sendings.retry(request, sending_id)
    return RedirectResponse(_filter(form).address(changed=str(sending_id)), 303)


@router.post(_LIST + "/{sending_id:int}/discard")
def discard(request: Request, sending_id: int, form: Posted) -> Response:
    auth.enter(request, "admin")
    sendings.discard(request, sending_id, form.text("reason")[:_MAX_REASON])
    return RedirectResponse(_filter(form).address(changed=str(sending_id)), 303)


def _filter(form: Posted) -> Filter:
    return Filter.of(form.text("shown"), form.text("page"))


def _changed(outbox: SqlOutbox, given: str) -> Sending | None:
    """The one that a button was pressed for."""
    try:
        return outbox.get(int(given)) if given.isascii() and given.isdigit() and len(given) < 10 else None
    except SendingUnknown:
        return None
