"""The authors' pages on gaps: what no article answered, gathered by meaning, and what is done about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from babel.dates import format_date
from babel.numbers import get_decimal_symbol
from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from bot.errors import GapChanged, GapInvalid, GapUnknown
from bot.gaps import models
from bot.gaps.dossier import dossier
from bot.gaps.keeper import GapKeeper
from bot.gaps.models import BY_HAND, GAP_KINDS, GAP_STATES, SORTS, Gap, GapKind, GapState, Sort, What
from bot.gaps.store import PERIOD, decided
from bot.gaps.trend import REACH, Count, trend
from bot.people import Caller
from bot.service import HelpDesk
from kb.models import Article
from web import auth, gaps_api, gaps_words
from web.pages import report_time
from web.pages.catalogue import Catalogue, catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Form, Posted, identifier, page_number, tidy
from web.pages.templates import page
from web.pages.visit import visit
from web.report_charts import Mark, columns, scale, sparkline
from web.spreadsheet import Cell, as_csv
from web.words import N_, Words

router = APIRouter(route_class=PageRoute)

_LIST = "/authors"
#: What the filter offers, in days; 0 is all time.
_PERIODS = (7, 30, 90, 0)
_USUAL_PERIOD = 90
_ROWS = 50
_MAX_SEARCH = 200
#: Who writes the article.
_WRITERS = {"mine": N_("Me"), "nobody": N_("Nobody yet")}
#: So many rows a file has at most.
_FILE_ROWS = 10_000
_COLUMNS = (
    N_("Question"), N_("Language"), N_("Status"), N_("Who writes it"), N_("Tickets in 30 days"), N_("Times asked"),
    N_("In the last 30 days"), N_("In the 30 days before"), N_("Tickets"), N_("First"), N_("Last"), N_("Kind"),
    N_("Nearest article"), N_("Why it did not do"), N_("Id"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filter:
    """Which gaps to show, and which page; `state` None is all."""

    kind: GapKind | None = None
    lang: str = ""
    text: str = ""
    days: int = _USUAL_PERIOD
    state: GapState | None = "open"
    sort: Sort = "saves"
    department: str = ""
    writer: str = ""
    number: int = 1

    @classmethod
    def of(cls, request: Request) -> Filter:
        """The filter of an address; a value that is none of ours counts as not given."""
        query = request.query_params
        days, lang, state = query.get("days", ""), query.get("in", ""), query.get("state", "")
        return cls(
            kind=next((kind for kind in GAP_KINDS if kind == query.get("kind")), None),
            lang=lang if lang.isalpha() and lang.isascii() and len(lang) == 2 else "",
            text=tidy(query.get("text", "")).strip()[:_MAX_SEARCH],
            days=int(days) if days in map(str, _PERIODS) else _USUAL_PERIOD,
            state=None if state == "all" else next((known for known in GAP_STATES if known == state), "open"),
            sort=next((known for known in SORTS if known == query.get("sort")), "saves"),
            department=tidy(query.get("department", "")).strip()[:_MAX_SEARCH],
            writer=query.get("writer", "") if query.get("writer", "") in _WRITERS else "",
            number=page_number(query.get("page", "")),
        )

    @property
    def narrows(self) -> bool:
        return bool(self.kind or self.lang or self.text or self.department or self.writer or self.state != "open")

    @property
    def query(self) -> str:
        given = {
            "kind": self.kind or "",
            "in": self.lang,
            "text": self.text,
            "days": "" if self.days == _USUAL_PERIOD else str(self.days),
            "state": "" if self.state == "open" else self.state or "all",
            "sort": "" if self.sort == "saves" else self.sort,
            "department": self.department,
            "writer": self.writer,
            "page": str(self.number) if self.number > 1 else "",
        }
        return urlencode({name: value for name, value in given.items() if value})

    def address(self) -> str:
        return f"{_LIST}?{self.query}" if self.query else _LIST

    def on_page(self, number: int) -> str:
        return replace(self, number=number).address()

    def of_store(self, who: Caller, now: datetime, limit: int, offset: int = 0) -> models.Filter:
        """The same for a store, which knows nobody who is signed in."""
        since = now - timedelta(days=self.days) if self.days else None
        writer = {"mine": who.name, "nobody": ""}.get(self.writer)
        return models.Filter(
            self.state, self.kind, self.lang, self.text, since, self.sort, limit, offset, self.department, writer
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A gap as the list shows it: its last weeks, and the nearest article where the author may read it."""

    gap: Gap
    weeks: tuple[Count, ...]
    article: Article | None


@router.get(_LIST)
def listed(request: Request) -> Response:
    who = auth.enter(request, "authoring")
    desk, keeper = _desk(request), _keeper(request)
    gaps_api.news(keeper)
    known, wanted, now = catalogue(request), Filter.of(request), desk.now()
    found = keeper.store.find(wanted.of_store(who, now, _ROWS, (wanted.number - 1) * _ROWS), now)
    pages = max(1, -(-found.total // _ROWS))
    if wanted.number > pages:
        return RedirectResponse(wanted.on_page(pages), 303)
    days = keeper.store.days([gap.id for gap in found.rows], now - REACH)
    rows = [
        Row(gap, tuple(trend(days[gap.id], now.date(), "week")), _article(known, gap.nearest, gap.lang))
        for gap in found.rows
    ]
    values = {
        **_words(),
        "filter": wanted,
        "periods": _PERIODS,
        "rows": rows,
        "total": found.total,
        "asked": found.asked,
        "pages": pages,
        "gap_langs": sorted({*known.languages, *keeper.store.langs()}),
        "departments": request.app.state.settings.departments,
        "writers": _WRITERS,
    }
    return page(request, "gaps.html", values, private=True)


@router.get(_LIST + "/gaps.csv")
def file(request: Request) -> Response:
    """The list with the filter of the page, for a spreadsheet."""
    who = auth.enter(request, "authoring")
    desk, keeper, known = _desk(request), _keeper(request), catalogue(request)
    gaps_api.news(keeper)
    now = desk.now()
    found = keeper.store.find(Filter.of(request).of_store(who, now, _FILE_ROWS), now)
    said = visit(request, known).said
    rows = (_cells(gap, _article(known, gap.nearest, gap.lang), said) for gap in found.rows)
    headers = {"Content-Disposition": 'attachment; filename="gaps.csv"', "Cache-Control": "private, no-store"}
    table = as_csv(map(said.gettext, _COLUMNS), rows, get_decimal_symbol(said.locale))
    return Response(table, media_type="text/csv; charset=utf-8", headers=headers)


@router.get(_LIST + "/gaps/{gap_id}")
def shown(request: Request, gap_id: str) -> Response:
    who = auth.enter(request, "authoring")
    return _page(request, who, gap_id)


@router.get(_LIST + "/gaps/{gap_id}/draft.md")
def download(request: Request, gap_id: str) -> Response:
    who = auth.enter(request, "authoring")
    made = gaps_api.made_of(_desk(request), _keeper(request), gap_id, who)
    headers = {"Content-Disposition": f'attachment; filename="{made.name}"', "Cache-Control": "no-store"}
    return Response(made.text, media_type="text/markdown", headers=headers)


@router.post(_LIST + "/gaps/{gap_id}/close")
def close(request: Request, gap_id: str, form: Posted) -> Response:
    """Done, or not to be done, with a reason; back to the gap."""
    what: What = "wont_do" if form.text("close_as") == "wont_do" else "close"
    return _decide(request, gap_id, what, form)


@router.post(_LIST + "/gaps/{gap_id}/reopen")
def reopen(request: Request, gap_id: str, form: Posted) -> Response:
    return _decide(request, gap_id, "reopen", form)


@router.post(_LIST + "/gaps/{gap_id}/undo")
def undo(request: Request, gap_id: str, form: Posted) -> Response:
    who = auth.enter(request, "authoring")
    try:
        gap = _keeper(request).store.undo(gap_id, who.name, _desk(request).now(), _revision(form))
    except (GapInvalid, GapChanged) as error:
        return _page(request, who, gap_id, problem=_told(request, error), status=409)
    return RedirectResponse(f"{_LIST}/gaps/{gap.id}?changed=undo", 303)


@router.post(_LIST + "/gaps/{gap_id}/take")
def take(request: Request, gap_id: str, form: Posted) -> Response:
    """Whoever is signed in writes the article; back to the gap."""
    return _hand(request, gap_id, form, take=True)


@router.post(_LIST + "/gaps/{gap_id}/give-back")
def give_back(request: Request, gap_id: str, form: Posted) -> Response:
    return _hand(request, gap_id, form, take=False)


def _hand(request: Request, gap_id: str, form: Form, *, take: bool) -> Response:
    who = auth.enter(request, "authoring")
    try:
        now = _desk(request).now()
        gap = _keeper(request).store.hand(gap_id, who.name if take else "", who.name, now, _revision(form))
    except (GapInvalid, GapChanged) as error:
        return _page(request, who, gap_id, problem=_told(request, error), status=409)
    return RedirectResponse(f"{_LIST}/gaps/{gap.id}?changed={'take' if take else 'give_back'}", 303)


def _decide(request: Request, gap_id: str, what: What, form: Form) -> Response:
    who, reason = auth.enter(request, "authoring"), form.text("reason")
    try:
        standing = decided(what, reason, who.name, _desk(request).now())
    except GapInvalid as error:
        return _page(request, who, gap_id, problem=_told(request, error), typed=reason, status=422)
    try:
        gap = _keeper(request).store.change(gap_id, what, standing, _revision(form))
    except GapChanged as error:
        return _page(request, who, gap_id, problem=_told(request, error), typed=reason, status=409)
    return RedirectResponse(f"{_LIST}/gaps/{gap.id}?changed={what}", 303)


def _revision(form: Form) -> int | None:
    given = form.text("revision")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else None


def _page(
    request: Request, who: Caller, gap_id: str, *, problem: str = "", typed: str | None = None, status: int = 200
) -> Response:
    desk, keeper = _desk(request), _keeper(request)
    if not identifier(gap_id):
        raise GapUnknown(gap_id)
    found = dossier(keeper.store, desk.library.searcher, desk.policy, gap_id, who.audiences, desk.now())
    if found.gap.id != gap_id and request.method == "GET":
        return RedirectResponse(f"{_LIST}/gaps/{found.gap.id}", 303)  # it was joined to this one
    values: dict[str, Any] = {
        **_words(),
        "found": found,
        "gap": found.gap,
        "problem": problem,
        "typed": typed,
        "changed": request.query_params.get("changed", "") in (*BY_HAND, "undo"),
        "may_work": who.may("tickets"),
        "me": who.name,
        "chart": _chart(visit(request, catalogue(request)).said, found.counts["week"]),
    }
    return page(request, "gap.html", values, status=status, private=True)


def _chart(said: Words, weeks: Sequence[Count]) -> Markup:
    def short(day: date) -> str:
        return format_date(day, "d MMM", said.locale)

    marks = [Mark(week.count, said.number(week.count), said.date(week.start), short(week.start)) for week in weeks]
    marks[-1] = replace(marks[-1], name=report_time.not_over(said, marks[-1].name), part=True)
    return columns(said.gettext("Times asked, by week"), marks, [said.number(number) for number in scale(marks)])


def _words() -> dict[str, Any]:
    return {
        "kinds": gaps_words.KINDS,
        "states": gaps_words.STATES,
        "sorts": gaps_words.SORTS,
        "whys": gaps_words.WHYS,
        "roles": gaps_words.ROLES,
        "events": gaps_words.EVENTS,
        "bars": sparkline,
        "period_days": PERIOD.days,
    }


def _cells(gap: Gap, article: Article | None, said: Words) -> tuple[Cell, ...]:
    """A gap as a row of the file, below _COLUMNS."""
    kinds = said.listed([said.gettext(name) for kind, name in gaps_words.KINDS.items() if kind in gap.kinds])
    return (
        gap.name, " ".join(gap.langs), said.gettext(gaps_words.STATES[gap.state]), gap.standing.writer, gap.saves,
        gap.count, gap.recent, gap.before, gap.tickets, gap.first, gap.last, kinds,
        article.title if article else "", said.gettext(gaps_words.WHYS[gap.why]) if article else "", gap.id,
    )  # fmt: skip


def _article(known: Catalogue, article_id: str, lang: str) -> Article | None:
    return known.in_language(article_id, lang or known.default_lang) if article_id else None


def _told(request: Request, error: GapInvalid | GapChanged) -> str:
    said = visit(request, catalogue(request)).said
    return said.say(error.message) if error.message else str(error)


def _desk(request: Request) -> HelpDesk:
    desk: HelpDesk = request.app.state.desk
    return desk


def _keeper(request: Request) -> GapKeeper:
    keeper: GapKeeper = request.app.state.gaps
    return keeper
