"""The authors' pages on what was learned: which question led to which article, who said so, and whether it counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from bot.errors import LearnedUnknown
from bot.learned import ENOUGH_SESSIONS, SOURCES, STATUSES, Learned, Source, Status, Trace
from bot.people import Caller
from bot.service import HelpDesk
from kb.links import article_path
from kb.models import ArticleKey
from kb.snapshot import Snapshot
from web.auth import enter
from web.pages.failures import PageRoute
from web.pages.forms import Posted, identifier, page_number, tidy
from web.pages.templates import page
from web.words import N_

router = APIRouter(route_class=PageRoute)

_ROWS = 50
_MAX_ARTICLE = 200
_SOURCE_NAMES: dict[Source, str] = {"agent": N_("Agent"), "imported": N_("Past ticket"), "end_user": N_("Readers")}
_STATUS_NAMES: dict[Status, str] = {"active": N_("Counts"), "pending": N_("Waits"), "removed": N_("Removed")}
_LIST = "/authors/learned"


@dataclass(frozen=True, slots=True)
class Filter:
    """What of it to show, and which page."""

    article: str = ""
    source: Source | None = None
    status: Status | None = None
    number: int = 1

    @classmethod
    def of(cls, article: str, source: str, status: str, number: str) -> Filter:
        """The filter of an address or form; a value that is none of ours counts as not given."""
        return cls(
            article=tidy(article).strip()[:_MAX_ARTICLE],
            source=next((known for known in SOURCES if known == source), None),
            status=next((known for known in STATUSES if known == status), None),
            number=page_number(number),
        )

    @property
    def narrows(self) -> bool:
        return bool(self.article or self.source or self.status)

    @property
    def fields(self) -> dict[str, str]:
        """What an address or form carries of it."""
        given = {"article": self.article, "source": self.source or "", "status": self.status or ""}
        return {
            **{name: value for name, value in given.items() if value},
            **({"page": str(self.number)} if self.number > 1 else {}),
        }

    def address(self, **more: str) -> str:
        given = {**self.fields, **more}
        return f"{_LIST}?{urlencode(given)}" if given else _LIST

    def with_article(self, article: str) -> Filter:
        return replace(self, article=article, number=1)

    def on_page(self, number: int) -> Filter:
        return replace(self, number=number)


@dataclass(frozen=True, slots=True)
class Named:
    """An article as a page names it. `address` is empty where this author may not read it or it is gone."""

    title: str
    address: str
    gone: bool


@router.get(_LIST)
def learned(request: Request) -> Response:
    known = enter(request, "authoring")
    desk: HelpDesk = request.app.state.desk
    query = request.query_params
    wanted = Filter.of(*(query.get(name, "") for name in ("article", "source", "status", "page")))
    found = desk.learning.find(
        article=wanted.article,
        source=wanted.source,
        status=wanted.status,
        limit=_ROWS,
        offset=(wanted.number - 1) * _ROWS,
    )
    pages = max(1, -(-found.total // _ROWS))
    if wanted.number > pages:  # the last row of the last page was removed
        return RedirectResponse(wanted.on_page(pages).address(), 303)
    snapshot = desk.library.searcher.snapshot
    values = {
        **_words(),
        "filter": wanted,
        "rows": [(row, _named(snapshot, row.article, known)) for row in found.rows],
        "total": found.total,
        "pages": pages,
        "waiting": desk.learning.find(status="pending", limit=0).total,
        "changed": _changed(desk, identifier(query.get("changed", ""))),
    }
    return page(request, "learned.html", values, private=True)


@router.get(_LIST + "/{learned_id}")
def trace(request: Request, learned_id: str) -> Response:
    known = enter(request, "authoring")
    desk: HelpDesk = request.app.state.desk
    row = desk.learning.get(learned_id)
    values = {
        **_words(),
        "filter": Filter(),
        "row": row,
        "article": _named(desk.library.searcher.snapshot, row.article, known),
        "traces": [(said, _look_up(desk, said)) for said in row.traces],
    }
    return page(request, "learned_trace.html", values, private=True)


@router.post(_LIST + "/{learned_id}/remove")
def remove(request: Request, learned_id: str, form: Posted) -> Response:
    return _change(request, learned_id, form, "remove")


@router.post(_LIST + "/{learned_id}/restore")
def restore(request: Request, learned_id: str, form: Posted) -> Response:
    return _change(request, learned_id, form, "restore")


@router.post(_LIST + "/{learned_id}/accept")
def accept(request: Request, learned_id: str, form: Posted) -> Response:
    return _change(request, learned_id, form, "accept")


def _change(request: Request, learned_id: str, form: Posted, action: str) -> Response:
    """Does it, and goes back to the list as it was filtered."""
    enter(request, "authoring")
    desk: HelpDesk = request.app.state.desk
    do = {"remove": desk.remove_learned, "restore": desk.restore_learned, "accept": desk.accept_learned}[action]
    row = do(learned_id)
    wanted = Filter.of(*(form.text(name) for name in ("article", "source", "status", "page")))
    return RedirectResponse(wanted.address(changed=row.id), 303)


def _words() -> dict[str, Any]:
    return {"sources": _SOURCE_NAMES, "statuses": _STATUS_NAMES, "enough": ENOUGH_SESSIONS}


def _changed(desk: HelpDesk, learned_id: str) -> Learned | None:
    """The one that a button was pressed for."""
    try:
        return desk.learning.get(learned_id) if learned_id else None
    except LearnedUnknown:
        return None


def _named(snapshot: Snapshot, article_id: str, known: Caller) -> Named:
    """By its id where this author may not read it: its title is a part of it."""
    written = [entry for lang in snapshot.languages if (entry := snapshot.entry(ArticleKey(article_id, lang)))]
    article = next((entry.article for entry in written if entry.article.audience in known.audiences), None)
    if article is None:
        return Named(article_id, "", gone=not written)
    return Named(article.title, article_path(article.key), gone=False)


def _look_up(desk: HelpDesk, said: Trace) -> str:
    """The number of the ticket, or the words of the question; empty where it is not kept any more."""
    if said.source == "agent":
        ticket = desk.inbox.ticket(said.origin)
        return str(ticket.number) if ticket else ""
    asked = desk.events.question(said.origin) if said.source == "end_user" else None
    return asked.text if asked else ""
