"""What agents say is wrong with articles, as work for those who keep them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from bot import flags
from bot.beside import flag_changed
from bot.errors import FlagInvalid, FlagUnknown
from bot.flags import KINDS, STATES, Flag, FlagKind, FlagState, FlagStore
from bot.people import Caller
from bot.service import HelpDesk
from kb.links import article_path
from kb.models import Article
from web import auth, beside_api
from web.pages.beside import FLAG_NAMES
from web.pages.catalogue import catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Posted, identifier, page_number, tidy
from web.pages.templates import page
from web.pages.visit import visit
from web.words import N_

router = APIRouter(route_class=PageRoute)

_LIST = "/authors/flags"
#: Articles on one page.
_ROWS = 25
_MAX_FIELD = 200
_STATE_NAMES: dict[FlagState, str] = {"open": N_("Open"), "done": N_("Done"), "rejected": N_("Nothing changed")}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which flags to show, and which page. `state` None is all."""

    owner: str = ""
    kind: FlagKind | None = None
    topic: str = ""
    state: FlagState | None = "open"
    number: int = 1

    @classmethod
    def of(cls, owner: str, kind: str, topic: str, state: str, number: str) -> Filter:
        """The filter of an address or form; a value that is none of ours counts as not given."""
        return cls(
            owner=tidy(owner).strip()[:_MAX_FIELD],
            kind=next((known for known in KINDS if known == kind), None),
            topic=tidy(topic).strip()[:_MAX_FIELD],
            state=None if state == "all" else next((known for known in STATES if known == state), "open"),
            number=page_number(number),
        )

    @property
    def fields(self) -> dict[str, str]:
        state = "" if self.state == "open" else self.state or "all"
        given = {"owner": self.owner, "kind": self.kind or "", "topic": self.topic, "state": state}
        page = {"page": str(self.number)} if self.number > 1 else {}
        return {**{name: value for name, value in given.items() if value}, **page}

    @property
    def narrows(self) -> bool:
        return bool(self.owner or self.kind or self.topic or self.state != "open")

    def on_page(self, number: int) -> str:
        fields = {name: value for name, value in self.fields.items() if name != "page"}
        return _address({**fields, **({"page": str(number)} if number > 1 else {})})


@dataclass(frozen=True, slots=True)
class Row:
    """A flag as the page shows it: whether the article changed since, and the number of its ticket (0 for none)."""

    flag: Flag
    changed: bool
    ticket: int


@dataclass(frozen=True, slots=True)
class Group:
    """An article with its flags. `article` is None where it is gone."""

    id: str
    article: Article | None
    address: str
    rows: tuple[Row, ...]

    @property
    def keeper(self) -> str:
        return _keeper(self.article) if self.article else ""


@router.get(_LIST)
def listed(request: Request) -> Response:
    who = auth.enter(request, "authoring")
    query = request.query_params
    return _page(request, who, _filter(query.get), changed=identifier(query.get("changed", "")))


@router.post(_LIST + "/{flag_id}/close")
def close(request: Request, flag_id: str, form: Posted) -> Response:
    """Done, or rejected with a reason; back to the list as it was filtered."""
    who, flag = _enter(request, flag_id)
    desk, wanted = _desk(request), _filter(lambda name, default: form.text(name) or default)
    state, reason = form.text("close_as"), form.text("reason")
    try:
        flags.close_flag(_store(request), flag.id, state, reason, who.name, desk.now())
    except FlagInvalid as error:
        said = visit(request, catalogue(request)).said
        told = said.say(error.message) if error.message else str(error)
        return _page(request, who, wanted, refused=(flag.id, reason, told), status=422)
    return RedirectResponse(_address({**wanted.fields, "changed": flag.id}), 303)


@router.post(_LIST + "/{flag_id}/reopen")
def reopen(request: Request, flag_id: str, form: Posted) -> Response:
    _, flag = _enter(request, flag_id)
    wanted = _filter(lambda name, default: form.text(name) or default)
    _store(request).reopen(flag.id)
    return RedirectResponse(_address({**wanted.fields, "changed": flag.id}), 303)


def _page(
    request: Request,
    who: Caller,
    wanted: Filter,
    *,
    changed: str = "",
    refused: tuple[str, str, str] = ("", "", ""),
    status: int = 200,
) -> Response:
    desk, store = _desk(request), _store(request)
    searcher = desk.library.searcher
    mine = [entry.article for entry in searcher.snapshot.entries if entry.article.audience in who.audiences]
    chosen = {
        article.id for article in mine if wanted.owner in ("", _keeper(article)) and wanted.topic in ("", article.topic)
    }
    everything = not wanted.owner and not wanted.topic
    found = store.find(articles=None if everything else chosen, kind=wanted.kind, state=wanted.state)
    kept = [flag for flag in found if flag.article_id in chosen or (everything and beside_api.gone(searcher, flag))]
    groups: dict[str, list[Flag]] = {}
    for flag in kept:
        groups.setdefault(flag.article_id, []).append(flag)
    pages = max(1, -(-len(groups) // _ROWS))
    if wanted.number > pages:
        return RedirectResponse(wanted.on_page(pages), 303)
    first = (wanted.number - 1) * _ROWS
    shown = [_group(desk, who, article, rows) for article, rows in list(groups.items())[first : first + _ROWS]]
    values: dict[str, Any] = {
        "filter": wanted,
        "groups": shown,
        "total": len(kept),
        "pages": pages,
        "owners": sorted({_keeper(article) for article in mine} - {""}),
        "flag_topics": sorted({article.topic for article in mine} - {""}),
        "kinds": FLAG_NAMES,
        "states": _STATE_NAMES,
        "changed": _just_changed(request, who, changed),
        "refused": refused,
    }
    return page(request, "flags.html", values, status=status, private=True)


def _just_changed(request: Request, who: Caller, flag_id: str) -> Flag | None:
    """None for an address that names no flag, or one on an article the author may not read."""
    try:
        return _readable(request, who, flag_id) if flag_id else None
    except FlagUnknown:
        return None


def _group(desk: HelpDesk, who: Caller, article_id: str, found: list[Flag]) -> Group:
    searcher = desk.library.searcher
    entry = beside_api.readable(searcher, article_id, found[0].lang, who)
    rows = tuple(Row(flag, flag_changed(searcher, flag), _number(desk, who, flag)) for flag in found)
    if entry is None:
        return Group(article_id, None, "", rows)
    return Group(article_id, entry.article, article_path(entry.article.key), rows)


def _number(desk: HelpDesk, who: Caller, flag: Flag) -> int:
    """Tickets are for those who may work on them."""
    ticket = desk.inbox.ticket(flag.ticket_id) if flag.ticket_id and who.may("tickets") else None
    return ticket.number if ticket else 0


def _keeper(article: Article) -> str:
    return article.team or article.owner


def _filter(get: Any) -> Filter:
    return Filter.of(*(get(name, "") for name in ("owner", "kind", "topic", "state", "page")))


def _address(fields: dict[str, str]) -> str:
    return f"{_LIST}?{urlencode(fields)}" if fields else _LIST


def _enter(request: Request, flag_id: str) -> tuple[Caller, Flag]:
    """Raises FlagUnknown, for flags on articles the author may not read too."""
    who = auth.enter(request, "authoring")
    return who, _readable(request, who, flag_id)


def _readable(request: Request, who: Caller, flag_id: str) -> Flag:
    flag, searcher = _store(request).get(flag_id), _desk(request).library.searcher
    if beside_api.readable(searcher, flag.article_id, flag.lang, who) is None and not beside_api.gone(searcher, flag):
        raise FlagUnknown(f"There is no flag with the id {flag_id!r}.")
    return flag


def _store(request: Request) -> FlagStore:
    store: FlagStore = request.app.state.flags
    return store


def _desk(request: Request) -> HelpDesk:
    desk: HelpDesk = request.app.state.desk
    return desk
