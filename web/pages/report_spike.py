"""The page of one spike: what was asked, what it was held against, and that somebody has seen to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from bot.reports.behind import Group
from bot.reports.spikes import Spike
from web.addresses import SPIKE_PAGE, spike_page
from web.auth import enter
from web.pages import report_rows, report_tables, report_time
from web.pages.catalogue import Catalogue, catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Posted, tidy
from web.pages.report_notice import visible
from web.pages.report_rows import reports_of
from web.pages.templates import page
from web.pages.visit import visit
from web.words import N_

router = APIRouter(route_class=PageRoute)

_GROUPS, _EXAMPLES = 8, 3
_MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class About:
    """A group as the page shows it: `title` and `address` are those of its gap or its article, "" where neither is."""

    group: Group
    title: str
    address: str


@router.get(SPIKE_PAGE)
def shown(request: Request) -> Response:
    enter(request, "authoring")
    return _page(request, _wanted(request, request.query_params.get))


@router.post(SPIKE_PAGE + "/seen")
def seen(request: Request, form: Posted) -> Response:
    """Somebody has seen to it, so it stands above no page any more; `undo` takes that back."""
    who = enter(request, "authoring")
    spike, spikes = _wanted(request, form.text), reports_of(request).spikes
    if form.text("undo"):
        spikes.unsee(spike)
    else:
        now: datetime = request.app.state.desk.now()
        spikes.see(spike, who.name, now)
    return RedirectResponse(spike_page(spike) + "&changed=1", 303)


def _wanted(request: Request, read: Callable[[str], str | None]) -> Spike:
    """The spike that an address or a form names; one of a topic that is not for its reader is not there."""
    try:
        day = date.fromisoformat(read("day") or "")
    except ValueError:
        raise HTTPException(404) from None
    kind, name = tidy(read("kind") or "")[:_MAX_NAME], tidy(read("name") or "")[:_MAX_NAME]
    found = reports_of(request).spikes.get(day, kind, name)
    if found is None or not visible(catalogue(request), [found]):
        raise HTTPException(404)
    return found


def _page(request: Request, spike: Spike) -> Response:
    known, reports = catalogue(request), reports_of(request)
    reader = visit(request, known)
    said = reader.said
    groups, total = reports.behind.spike(spike, reports.topic_of, _GROUPS, _EXAMPLES)
    weeks = reports.spikes.weeks(spike)
    title = N_("Tickets") if spike.kind in ("tickets", "department") else N_("Questions")
    values = {
        "spike": spike,
        "words": report_tables.spike_words(said, spike, known.topics),
        "groups": [_about(known, reader.lang, group) for group in groups],
        "more": total - len(groups),
        "weeks": report_time.weeks(said, title, weeks),
        "changed": request.query_params.get("changed") == "1",
        "written": report_tables.written,
    }
    return page(request, "report_spike.html", values, private=True)


def _about(known: Catalogue, lang: str, group: Group) -> About:
    if group.gap:
        return About(group, group.called, f"/authors/gaps/{group.gap}")
    if group.article in known.by_id:
        (row,) = report_rows.rows(known, lang, {}, only=group.article)
        return About(group, row.title, f"/authors/reports/articles/{quote(row.id)}")
    return About(group, "", "")
