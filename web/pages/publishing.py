"""The authors' page of publications: what is in use, what kept the last change from it, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from bot.errors import Message, NothingToTakeBack, PublicationRunning, PublicationUnknown, RemoteUnusable
from bot.people import Caller
from bot.publishing import forge
from bot.publishing.publication import STATES, How, Publication, Stage, State
from bot.publishing.store import PublicationStore
from bot.service import HelpDesk
from kb import place as places
from kb.links import article_path
from kb.snapshot import Snapshot
from web import auth, publishing_api
from web.pages.failures import PageRoute
from web.pages.forms import Posted, page_number
from web.pages.templates import page
from web.publishing import Publishing, remote_of
from web.script_words import publishing_words
from web.words import N_

router = APIRouter(route_class=PageRoute)

_LIST = "/authors/publishing"
_ROWS = 25
_STATE_NAMES: dict[State, str] = {
    "waiting": N_("Waits"),
    "running": N_("Running"),
    "published": N_("Published"),
    "unchanged": N_("Nothing new"),
    "refused": N_("To be mended"),
    "failed": N_("Failed"),
}
_HOW_NAMES: dict[How, str] = {
    "pull": N_("On the command line"),
    "webhook": N_("By a push"),
    "page": N_("On this page"),
    "index": N_("On the command line"),
    "rollback": N_("Went back"),
}
_STAGE_NAMES: dict[Stage, str] = {
    "": N_("It begins in a moment."),
    "fetching": N_("Fetching the articles."),
    "checking": N_("Checking the files."),
    "building": N_("Indexing the articles."),
    "testing": N_("Asking the questions of the articles."),
    "switching": N_("Switching to the new articles."),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which publications to show, and which page."""

    state: State | None = None
    number: int = 1

    @classmethod
    def of(cls, request: Request) -> Filter:
        """The filter of an address; a value that is none of ours counts as not given."""
        query = request.query_params
        return cls(
            next((known for known in STATES if known == query.get("state")), None), page_number(query.get("page", ""))
        )

    def on_page(self, number: int) -> str:
        given = {"state": self.state or "", "page": str(number) if number > 1 else ""}
        fields = {name: value for name, value in given.items() if value}
        return f"{_LIST}?{urlencode(fields)}" if fields else _LIST


@router.get(_LIST)
def listed(request: Request) -> Response:
    who = auth.enter(request, "authoring")
    return _page(request, who)


@router.get(_LIST + "/{publication_id:int}")
def one(request: Request, publication_id: int) -> Response:
    """One attempt, with all that was found."""
    who = auth.enter(request, "authoring")
    row = _publishing(request).publisher.store.get(publication_id)
    return page(request, "publication.html", {**_words(), "row": row, **_findings(request, row, who)}, private=True)


@router.post(_LIST)
def publish(request: Request, form: Posted) -> Response:
    auth.enter(request, "authoring")
    publishing_api.ask(request, again=form.text("again") == "yes")
    return RedirectResponse(_LIST, 303)


@router.post(_LIST + "/rollback")
def roll_back(request: Request, form: Posted) -> Response:
    who = auth.enter(request, "authoring")
    try:
        done = publishing_api.take_back(request, form.identifier("snapshot"))
    except (NothingToTakeBack, PublicationRunning) as error:
        return _page(request, who, refused=error.message, status=409)
    return RedirectResponse(f"{_LIST}?{urlencode({'changed': done.id})}", 303)


def _page(request: Request, who: Caller, *, refused: Message | None = None, status: int = 200) -> Response:
    publishing, desk, wanted = _publishing(request), _desk(request), Filter.of(request)
    data, place = request.app.state.settings.data, publishing.publisher.place
    if places.in_use(place) != desk.library.searcher.snapshot.id:
        desk.library.refresh()  # published a moment ago: the page is not to say otherwise
    store = publishing.publisher.store
    found = store.find(state=wanted.state, limit=_ROWS, offset=(wanted.number - 1) * _ROWS)
    pages = max(1, -(-found.total // _ROWS))
    if wanted.number > pages:
        return RedirectResponse(wanted.on_page(pages), 303)
    snapshot, last = desk.library.searcher.snapshot, store.last()
    wrong = [skipped for skipped in snapshot.skipped if not skipped.harmless]
    values: dict[str, Any] = {
        **_words(),
        **(_findings(request, last, who) if last and last.in_vain else {}),
        "filter": wanted,
        "rows": found.rows,
        "total": found.total,
        "pages": pages,
        "now": store.last("running", "waiting"),
        "last": last,
        "live": snapshot.id,
        "known": store.of(snapshot.id),
        "led": _led(store, snapshot.id),
        "since": _since(data, snapshot),
        "counts": snapshot.manifest["counts"],
        "skipped": [one for one in wrong if who.audiences.issuperset(one.audiences)],
        "wrong": len(wrong),
        "earlier": _earlier(request),
        "taken_back": places.taken_back(place),
        "closed": _closed(request),
        "changed": _changed(publishing, request.query_params.get("changed", ""), snapshot.id),
        "refused": refused,
    }
    return page(request, "publishing.html", values, status=status, private=True)


def _findings(request: Request, row: Publication, who: Caller) -> dict[str, Any]:
    """What an author may read of what was found, errors first, and how many others there are.

    `on_forge` has the address of the line of each where its file can be edited in a browser, `in_use` that of the
    article as readers see it, by path.
    """
    shown = [finding for finding in row.findings if finding.readable_by(who.audiences)]
    shown.sort(key=lambda finding: finding.severity != "error")
    paths = {finding.path for finding in shown}
    articles = (entry.article for entry in _desk(request).library.searcher.snapshot.entries)
    try:
        remote = remote_of(request.app.state.settings) if shown else None
    except RemoteUnusable:
        remote = None
    return {
        "on_forge": [forge.address(remote, row.branch, one.path, one.line) if remote else "" for one in shown],
        "in_use": {
            article.path: article_path(article.key)
            for article in articles
            if article.path in paths and article.audience in who.audiences
        },
        "findings": shown,
        "hidden": len(row.findings) - len(shown),
        "more": row.found - len(row.findings),
    }


def _earlier(request: Request) -> list[tuple[str, Publication | None]]:
    """What can be gone back to, the one before what is in use first, with the publication it comes from."""
    known = _publishing(request).publisher.place.published()
    live = _desk(request).library.searcher.snapshot.id
    before = known[: known.index(live)] if live in known else ()
    store = _publishing(request).publisher.store
    return [(snapshot, store.of(snapshot)) for snapshot in reversed(before)]


def _led(store: PublicationStore, live: str) -> int:
    """The publication that what is in use comes from; 0 where it was made in another way."""
    last = store.last("published")
    return last.id if last and last.snapshot == live else 0


def _since(data: Path, snapshot: Snapshot) -> datetime:
    """When it was switched to, as far as this server knows: on a disk that is read-only, when it was made."""
    try:
        return datetime.fromtimestamp((data / "current").stat().st_mtime, UTC)
    except OSError:
        return datetime.fromisoformat(snapshot.manifest["created"])


def _closed(request: Request) -> Message | None:
    """Why nothing can be published from here."""
    try:
        remote_of(request.app.state.settings)
    except RemoteUnusable as error:
        return error.message
    return None


def _changed(publishing: Publishing, given: str, live: str) -> Publication | None:
    """The rollback that a button was pressed for, while it is what is in use."""
    try:
        row = (
            publishing.publisher.store.get(int(given))
            if given.isascii() and given.isdigit() and len(given) < 10
            else None
        )
    except PublicationUnknown:
        return None
    return row if row and row.how == "rollback" and row.snapshot == live else None


def _words() -> dict[str, Any]:
    return {"states": _STATE_NAMES, "hows": _HOW_NAMES, "stages": _STAGE_NAMES, "publishing_words": publishing_words}


def _publishing(request: Request) -> Publishing:
    publishing: Publishing = request.app.state.publishing
    return publishing


def _desk(request: Request) -> HelpDesk:
    desk: HelpDesk = request.app.state.desk
    return desk
